"""`draw --watch` serves a page to its own page alone."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from archc.cli.commands.serving import PageServer

PAGE = "<p>the network</p>"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    path = tmp_path_factory.mktemp("page") / "net.html"
    path.write_text(PAGE)
    path.with_name("secret.txt").write_text("a secret")
    made = PageServer(path)
    yield made
    made.shutdown()
    made.server_close()


def answer(
    server: PageServer, path: str | None = None, method: str = "GET", **headers: str
) -> tuple[int, dict[str, str], str]:
    """What a client gets; `headers` go beside, or in place of, what http.client sends."""
    port = server.server_address[1]
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    client.putrequest(method, path or f"/{server.secret}/", skip_host="Host" in headers)
    for name, value in headers.items():
        client.putheader(name.replace("_", "-"), value)
    client.endheaders()
    got = client.getresponse()
    text = got.read().decode()
    client.close()
    return got.status, dict(got.getheaders()), text


def raw(server: PageServer, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.server_address[1]), timeout=15) as client:
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        found = b""
        while piece := client.recv(1 << 16):
            found += piece
    return found


def test_the_page(server: PageServer) -> None:
    status, headers, text = answer(server)
    assert status == 200
    assert text.startswith(PAGE)
    assert "EventSource" in text
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Server"] == "archc"
    assert server.server_address[0] == "127.0.0.1"


def test_under_its_other_name(server: PageServer) -> None:
    port = server.server_address[1]
    assert answer(server, Host=f"localhost:{port}")[0] == 200
    assert answer(server, Origin=f"http://127.0.0.1:{port}", Sec_Fetch_Site="same-origin")[0] == 200
    assert answer(server, Sec_Fetch_Site="none")[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:{}"},
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1:1"},
        {"Host": "127.0.0.1:{}.evil.example"},
        {"Host": "localhost:{}@evil.example"},
        {"Host": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "https://127.0.0.1:{}"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", ["", "changes", "no"])
def test_other_sites_get_nothing(server: PageServer, headers: dict[str, str], path: str) -> None:
    """DNS rebinding: a name of theirs leads here. Or a page of theirs asks for ours."""
    port = server.server_address[1]
    given = {name: value.format(port) for name, value in headers.items()}
    status, _, text = answer(server, f"/{server.secret}/{path}", **given)
    assert status == 403
    assert "network" not in text


def test_two_hosts_are_none(server: PageServer) -> None:
    port = server.server_address[1]
    for hosts in ((), (f"127.0.0.1:{port}", "evil.example")):
        lines = [f"GET /{server.secret}/ HTTP/1.1", *(f"Host: {host}" for host in hosts), "", ""]
        assert raw(server, "\r\n".join(lines).encode()).split()[1] == b"403"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/changes",
        "/{}",
        "/{}x/",
        "/{}//",
        "/{}/secret.txt",
        "/{}/../secret.txt",
        "/{}/%2e%2e/secret.txt",
        "/{}/..%2fsecret.txt",
        "/{}/net.html",
        "/{}/?x",
        "/{}/%00",
        "http://127.0.0.1/{}/",
        "/etc/passwd",
        "/../../etc/passwd",
        "/{}/changes/..",
    ],
)
def test_nothing_else_is_there(server: PageServer, path: str) -> None:
    status, _, text = answer(server, path.format(server.secret))
    assert status in (403, 404)
    assert "network" not in text
    assert "a secret" not in text


@pytest.mark.parametrize("method", "POST PUT DELETE OPTIONS HEAD TRACE <script>".split())
def test_nothing_else_can_be_done(server: PageServer, method: str) -> None:
    got = raw(server, f"{method} /{server.secret}/ HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert got.split()[1] == b"501"
    assert b"<script>" not in got.partition(b"\r\n\r\n")[2]


def test_every_answer_is_closed_to_others(server: PageServer) -> None:
    for path in (None, "/no"):
        _, headers, _ = answer(server, path)
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; ")
        assert "http" not in policy
        assert "frame-ancestors 'none'" in policy
        assert "Access-Control-Allow-Origin" not in headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_requests_are_bounded(server: PageServer, capsys: pytest.CaptureFixture[str]) -> None:
    head = f"GET /{server.secret}/ HTTP/1.1\r\n".encode()
    assert raw(server, b"GET /" + b"x" * 70_000).split()[1] == b"414"
    assert raw(server, head + b"X: " + b"x" * 70_000 + b"\r\n\r\n").split()[1] == b"431"
    assert raw(server, head + b"X: x\r\n" * 1000 + b"\r\n").split()[1] == b"431"
    assert PAGE.encode() not in raw(server, b"\x00\xff\x1b\r\n\r\n")
    clients = [socket.create_connection(("127.0.0.1", server.server_address[1])) for _ in range(40)]
    time.sleep(0.5)  # more than it takes; all of them say nothing
    for client in clients:
        client.close()
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        try:
            assert answer(server)[0] == 200
            break
        except OSError:
            time.sleep(0.2)
    else:
        pytest.fail("it does not recover")
    assert capsys.readouterr() == ("", "")


def test_a_client_that_says_nothing_is_left(
    server: PageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archc.cli.commands.serving._Handler.timeout", 0.2)
    with socket.create_connection(("127.0.0.1", server.server_address[1]), timeout=10) as client:
        client.sendall(b"GET /")
        assert client.recv(1) == b""


def test_a_drawing_is_told(server: PageServer) -> None:
    port = server.server_address[1]
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    client.request("GET", f"/{server.secret}/changes")
    got = client.getresponse()
    assert got.getheader("Content-Type") == "text/event-stream"
    time.sleep(0.2)
    server.tell()
    assert got.readline() == b"data: drawn\n"
    client.close()


def test_secrets_differ(tmp_path: Path) -> None:
    made = [PageServer(tmp_path / "x.html") for _ in range(2)]
    assert made[0].secret != made[1].secret
    assert all(len(server.secret) > 20 for server in made)
    for server in made:
        server.shutdown()
        server.server_close()
