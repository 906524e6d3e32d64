"""`archc edit` answers its own page alone, and the command line around it."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from archc.cli import main
from archc.cli.commands.edit_server import HEADER, MOST, EditServer
from archc.editor.document import Document
from archc.page.edited_file import EditedFile
from archc.page.workbench import Workbench
from archc.source import Limits

TEXT = "network Small\ninput 8x8 x3\nconv 3x3 p1 x8\n"
PATHS = ("/", "/edit.js", "/edit.css", "/layout.js", "/viz-global.js")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EditServer]:
    path = tmp_path / "net.arch"
    path.write_text(TEXT, encoding="utf-8")
    path.with_name("secret.txt").write_text("a secret", encoding="utf-8")
    made = EditServer(EditedFile(path, Limits()), Workbench(Document(TEXT, path), is_whole=True))
    yield made
    made.close()


def request(
    server: EditServer, method: str, path: str, body: bytes = b"", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """What a client gets; `headers` go beside, or in place of, what a page sends."""
    port = server.server_address[1]
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    own = {"Host": f"127.0.0.1:{port}", HEADER: server.secret, "Content-Length": str(len(body))}
    own |= {name.replace("_", "-"): value for name, value in headers.items()}
    client.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in own.items():
        if value:
            client.putheader(name, value)
    client.endheaders(body if "Content-Length" not in headers else None)
    got = client.getresponse()
    content = got.read()
    client.close()
    return got.status, dict(got.getheaders()), content


def raw(server: EditServer, sent: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.server_address[1]), timeout=15) as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        found = b""
        while piece := client.recv(1 << 16):
            found += piece
    return found


def ask(server: EditServer, name: str, **more: Any) -> Any:
    body = json.dumps({"ask": name, **more}).encode()
    status, _, content = request(server, "POST", "/ask", body)
    assert status == 200
    return json.loads(content)


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


# --- what it is for ----------------------------------------------------------------------


def test_its_page_is_there(server: EditServer) -> None:
    for path in PATHS:
        status, headers, content = request(server, "GET", path)
        assert status == 200
        assert content
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert server.secret.encode() not in content
    assert b'data-served="yes"' in request(server, "GET", "/")[2]
    assert server.server_address[0] == "127.0.0.1"
    assert server.address.endswith(f"/#{server.secret}")


def test_it_opens_answers_and_saves(server: EditServer) -> None:
    opened = ask(server, "open")
    assert (opened["name"], opened["text"], opened["digest"]) == ("net.arch", TEXT, digest(TEXT))
    assert ask(server, "look", text=TEXT)["totals"] == "224 parameters · 13.8k MACs"
    newer = TEXT + "relu\n"
    assert ask(server, "save", text=newer, seen=opened["digest"]) == {"digest": digest(newer)}
    assert server.file.path.read_text(encoding="utf-8") == newer
    conflict = ask(server, "save", text="mine", seen=opened["digest"])["conflict"]
    assert conflict == {"text": newer, "digest": digest(newer)}
    assert server.file.path.read_text(encoding="utf-8") == newer


def test_nothing_is_written_unasked(server: EditServer) -> None:
    before = {path: path.read_bytes() for path in server.file.path.parent.iterdir()}
    ask(server, "open")
    for question in ("look", "numbers", "pytorch", "mend", "format", "examples"):
        ask(server, question, text=TEXT + "relu\n")
    ask(server, "diagram", text=TEXT, theme="light")
    assert {path: path.read_bytes() for path in server.file.path.parent.iterdir()} == before


def test_it_tells_of_changes(server: EditServer) -> None:
    server.held = 0.2
    assert ask(server, "wait", seen=digest(TEXT)) == {"used": False}
    server.held = 20
    write = lambda: server.file.path.write_text("two\n", encoding="utf-8")  # noqa: E731
    threading.Timer(0.3, write).start()
    assert ask(server, "wait", seen=digest(TEXT)) == {
        "file": {"text": "two\n", "digest": digest("two\n")}
    }


def test_a_used_file_is_news_and_one_outside_is_not_read(server: EditServer) -> None:
    folder = server.file.path.parent
    used = folder / "b.arch"
    used.write_text("block b(c) { conv 3x3 p1 x(c) }\n", encoding="utf-8")
    text = 'network N\nuse "b.arch"\ninput 8x8 x3\nb(8)\n'
    assert ask(server, "look", text=text)["totals"].startswith("224 parameters")
    threading.Timer(0.3, lambda: used.write_text("block b(c) { conv 1x1 x(c) }\n")).start()
    assert ask(server, "wait", seen=digest(TEXT)) == {"used": True}
    assert ask(server, "look", text=text)["totals"].startswith("32 parameters")
    for outside in ("../b.arch", "/etc/passwd", "secret.txt"):
        answer = ask(server, "look", text=text.replace("b.arch", outside))
        assert not answer["ok"]
        assert "a secret" not in json.dumps(answer)


def test_a_used_file_is_news_whatever_is_asked_of_other_texts(server: EditServer) -> None:
    """As the page asks: the examples, of no text, and then it waits."""
    used = server.file.path.parent / "b.arch"
    used.write_text("block b(c) { conv 3x3 p1 x(c) }\n", encoding="utf-8")
    text = 'network N\nuse "b.arch"\ninput 8x8 x3\nb(8)\n'
    server.file.path.write_text(text, encoding="utf-8")
    ask(server, "open")
    ask(server, "look", text=text)
    ask(server, "examples", text="")
    threading.Timer(0.3, lambda: used.write_text("block b(c) { conv 1x1 x(c) }\n")).start()
    server.held = 5
    assert ask(server, "wait", seen=digest(text)) == {"used": True}
    ask(server, "look", text=text)
    used.write_text("block b(c) { conv 1x1 x(2*c) }\n", encoding="utf-8")  # nobody waits
    assert ask(server, "wait", seen=digest(text)) == {"used": True}


# --- who it is not for -------------------------------------------------------------------

STRANGERS = [
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
]


@pytest.mark.parametrize("headers", STRANGERS)
def test_other_sites_get_nothing(server: EditServer, headers: dict[str, str]) -> None:
    port = server.server_address[1]
    given = {name: value.format(port) for name, value in headers.items()}
    save = json.dumps({"ask": "save", "text": "theirs", "seen": digest(TEXT)}).encode()
    for method, path, body in (("GET", "/", b""), ("GET", "/edit.js", b""), ("POST", "/ask", save)):
        status, answer, content = request(server, method, path, body, **given)
        assert status == 403
        assert b"archc" not in content
        assert "Access-Control-Allow-Origin" not in answer
    assert server.file.path.read_text(encoding="utf-8") == TEXT


def test_its_own_names_are_its_own(server: EditServer) -> None:
    port = server.server_address[1]
    for host in ("127.0.0.1", "localhost"):
        own = {"Host": f"{host}:{port}", "Origin": f"http://{host}:{port}"}
        body = b'{"ask": "open"}'
        assert request(server, "POST", "/ask", body, Sec_Fetch_Site="same-origin", **own)[0] == 200


@pytest.mark.parametrize("secret", ["", "x", "{}x", "{} {}", "é"])
def test_without_the_secret_nothing_is_answered(server: EditServer, secret: str) -> None:
    given = secret.replace("{}", server.secret)
    body = json.dumps({"ask": "save", "text": "theirs", "seen": digest(TEXT)}).encode()
    assert request(server, "POST", "/ask", body, X_Archc_Secret=given)[0] == 403
    assert request(server, "POST", f"/ask?{server.secret}", body, X_Archc_Secret=given)[0] == 403
    assert server.file.path.read_text(encoding="utf-8") == TEXT


def test_two_hosts_are_none(server: EditServer) -> None:
    own = f"Host: 127.0.0.1:{server.server_address[1]}"
    for hosts in ([], [own, "Host: evil.example"], [own, own]):
        lines = ["GET / HTTP/1.1", *hosts, "", ""]
        assert raw(server, "\r\n".join(lines).encode()).split()[1] == b"403"


def test_secrets_differ(server: EditServer) -> None:
    other = EditServer(server.file, server.bench)
    assert other.secret != server.secret
    assert len(server.secret) > 20
    assert (
        request(server, "POST", "/ask", b'{"ask": "open"}', X_Archc_Secret=other.secret)[0] == 403
    )
    other.close()


def test_a_form_of_another_page_cannot_save(server: EditServer) -> None:
    """What a browser sends of a form: no header, and a type that needs no asking first."""
    body = json.dumps({"ask": "save", "text": "theirs", "seen": digest(TEXT)}).encode()
    given = {HEADER.replace("-", "_"): "", "Content_Type": "text/plain", "Origin": "null"}
    assert request(server, "POST", "/ask", body, **given)[0] == 403


@pytest.mark.parametrize("method", "PUT DELETE OPTIONS HEAD TRACE PATCH CONNECT <script>".split())
def test_nothing_else_can_be_done(server: EditServer, method: str) -> None:
    status, headers, content = request(server, method, "/ask")
    assert status == 501
    assert b"<script>" not in content
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize(
    "path",
    "/secret.txt /net.arch /../secret.txt /%2e%2e/secret.txt /..%2fsecret.txt /edit.js/.. "
    "/? /?x /edit.js?x /%00 /NOTICE.md /page.html /etc/passwd /ask http://127.0.0.1/ * .".split(),
)  # fmt: skip
def test_nothing_else_is_there(server: EditServer, path: str) -> None:
    status, _, content = request(server, "GET", path)
    assert status in (400, 404)
    assert b"a secret" not in content
    if path != "/ask":
        assert request(server, "POST", path, b'{"ask": "open"}')[0] in (400, 404)


def test_requests_are_bounded(server: EditServer) -> None:
    for length in (str(MOST + 1), "99999999999999999999", "9" * 5000):
        assert request(server, "POST", "/ask", Content_Length=length)[0] == 413
    for length in ("", "-1", "1e3", "0x10", " ", "+5", "²"):
        assert request(server, "POST", "/ask", Content_Length=length)[0] in (400, 411)
    chunked = {"Transfer_Encoding": "chunked"}
    assert request(server, "POST", "/ask", b"{}", **chunked)[0] == 411
    assert raw(server, b"GET /" + b"x" * 70_000).split()[1] == b"414"
    assert raw(server, b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n").split()[1] == b"431"
    assert raw(server, b"GET / HTTP/1.1\r\n" + b"X: x\r\n" * 1000 + b"\r\n").split()[1] == b"431"
    assert b"archc" not in raw(server, b"\x00\xff\x1b\r\n\r\n").lower().partition(b"\r\n\r\n")[2]


def test_it_recovers_from_a_crowd(server: EditServer, capsys: pytest.CaptureFixture[str]) -> None:
    clients = [socket.create_connection(("127.0.0.1", server.server_address[1])) for _ in range(40)]
    time.sleep(0.5)  # more than it takes; all of them say nothing
    for client in clients:
        client.close()
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        try:
            assert request(server, "GET", "/")[0] == 200
            break
        except OSError:
            time.sleep(0.2)
    else:
        pytest.fail("it does not recover")
    assert capsys.readouterr() == ("", "")


def test_what_is_shown_only_cannot_be_saved(server: EditServer) -> None:
    shown = EditServer(server.file, server.bench, shows=True)
    assert ask(shown, "open")["shows"]
    body = json.dumps({"ask": "save", "text": "mine", "seen": digest(TEXT)}).encode()
    assert request(shown, "POST", "/ask", body)[0] == 400
    assert server.file.path.read_text(encoding="utf-8") == TEXT
    shown.close()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"open"',
        b"{}",
        b'{"ask": null}',
        b'{"ask": ["open"]}',
        b'{"ask": "exec", "text": ""}',
        b'{"ask": "__init__", "text": ""}',
        b'{"ask": "look"}',
        b'{"ask": "look", "text": 1}',
        b'{"ask": "look", "text": "", "name": "x"}',
        b'{"ask": "hover", "text": "", "at": 1e400}',
        b'{"ask": "save", "text": "x"}',
        b'{"ask": "save", "text": "x", "seen": 1}',
        b'{"ask": "open", "path": "/etc/passwd"}',
        b'{"ask": "save", "text": "x", "seen": "", "path": "/tmp/x"}',
        b'{"ask": "example", "text": "", "name": {"a": 1}}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_other_questions_are_bad_requests(server: EditServer, body: bytes) -> None:
    assert request(server, "POST", "/ask", body)[0] == 400
    assert ask(server, "open")["text"] == TEXT


def test_a_slow_client_holds_nobody_up(server: EditServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archc.cli.commands.edit_server._EditHandler.timeout", 0.5)
    port = server.server_address[1]
    head = f"POST /ask HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{HEADER}: {server.secret}\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())
        began = time.monotonic()
        assert ask(server, "open")["text"] == TEXT
        assert time.monotonic() - began < 5
        assert client.recv(1) == b""  # it is left


def test_a_fault_of_archcs_is_said(
    server: EditServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(server.bench, "ask", lambda *_: 1 // 0)
    status, _, content = request(server, "POST", "/ask", b'{"ask": "look", "text": ""}')
    assert status == 500
    assert "ZeroDivisionError" in json.loads(content)["failed"]
    assert capsys.readouterr().err == ""


def test_the_policy_lets_nothing_in(server: EditServer) -> None:
    for path in ("/", "/no"):
        _, headers, _ = request(server, "GET", path)
        check_headers(headers)
    check_headers(request(server, "POST", "/ask", b'{"ask": "open"}')[1])
    check_headers(request(server, "POST", "/ask", X_Archc_Secret="x")[1])


def check_headers(headers: dict[str, str]) -> None:
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; ")
    assert "http" not in policy
    assert "script-src 'self' 'unsafe-inline'" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Server"] == "archc"
    assert "Access-Control-Allow-Origin" not in headers


# --- the command -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["resnet50"], "archc new my_resnet50 --from resnet50"),
        (["-"], "standard input"),
        (["."], "is a folder"),
        (["no/such.arch"], "no such folder: no"),
        (["new.txt"], "one to be made is called NAME.arch"),
        ([".arch"], "one to be made is called NAME.arch"),
        (["binary.arch"], "not UTF-8"),
        (["large.arch", "--max-source-bytes", "9"], "larger than 9 bytes"),
        (["old.arch", "--port", "99999"], "is no port"),
        (["old.arch", "--port", "-1"], "is no port"),
    ],
)
def test_what_cannot_be_edited_says_why(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "binary.arch").write_bytes(b"\xff\xfe\0")
    for name in ("old.arch", "large.arch"):
        (tmp_path / name).write_text(TEXT, encoding="utf-8")
    before = sorted(tmp_path.iterdir())
    assert main(["edit", "--no-browser", *arguments]) in (1, 2)
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert sorted(tmp_path.iterdir()) == before


def test_a_port_in_use_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.arch"
    path.write_text(TEXT, encoding="utf-8")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert main(["edit", str(path), "--no-browser", "--port", port]) == 2
    assert f"cannot serve on port {port}: address already in use" in capsys.readouterr().err


def test_it_ends_in_order(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "archc", "edit", "my_net.arch", "--no-browser"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        process.send_signal(signal.SIGINT)  # as soon as it is there
        assert process.wait(20) == 0
        found = re.fullmatch(r"archc: http://127\.0\.0\.1:\d+/#\S+ edits my_net\.arch, .*\n", line)
        assert found, line
        assert process.stderr.read() == ""
    assert not [*tmp_path.iterdir()]


def test_a_new_file_begins_with_the_template(tmp_path: Path) -> None:
    path = tmp_path / "my_net.arch"
    with subprocess.Popen(
        [sys.executable, "-m", "archc", "edit", str(path), "--no-browser"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        found = re.search(r":(\d+)/#(\S+)", process.stderr.readline())
        assert found
        client = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=30)
        client.request("POST", "/ask", b'{"ask": "open"}', {HEADER: found[2]})
        opened = json.load(client.getresponse())
        client.close()
        process.terminate()
    assert "network MyNet" in opened["text"]
    assert opened["digest"] == ""
    assert not path.exists()


def test_nobody_else_imports_it() -> None:
    code = (
        "import sys; from archc.cli import main; main(['check', 'lenet5']); "
        "print([n for n in sys.modules if n.startswith('archc.page') or n == 'http.server'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
