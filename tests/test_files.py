"""Reading within bounds, `use` inside the project, and writing that loses nothing."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import archc
from archc.files import (
    OutputState,
    Refused,
    Unreadable,
    decode,
    read,
    replace,
    resolve_use,
    stamp,
    stamp_bytes,
    state,
    write,
)
from archc.source import Limits

# The smallest PNG: a signature, a header, no pixels and an end.
PNG = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0:~\x9bU"
    b"\0\0\0\nIDATx\x9cc`\0\0\0\2\0\1H\xaf\xa4q\0\0\0\0IEND\xaeB`\x82"
)
posix_only = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX system")
not_root = pytest.mark.skipif(
    hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may do everything"
)


def failure(path: Path, limits: Limits | None = None) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        read(path, limits)
    return caught.value


# --- reading -----------------------------------------------------------------------------


def test_read(tmp_path: Path) -> None:
    path = tmp_path / "신경망.arch"
    path.write_text("network Tiny\n", encoding="utf-8")
    source = read(path)
    assert (source.name, source.text) == (str(path), "network Tiny\n")


def test_read_missing_folder_and_nul(tmp_path: Path) -> None:
    for path, reason in (
        (tmp_path / "no.arch", "no such file"),
        (tmp_path, "it is a folder"),
        (tmp_path / "a\0b", "null"),
        (tmp_path / ("x" * 5000), "too long"),
    ):
        error = failure(path)
        assert error.io
        assert error.diagnostic.code == "A501"
        assert reason in error.diagnostic.title.lower()


@posix_only
def test_read_does_not_wait_for_a_fifo_or_a_device(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        for path in (fifo, tmp_path / "s", Path("/dev/zero")):
            error = failure(path)
            assert error.io
            assert "not a regular file" in error.diagnostic.title
            assert "`-`" in error.diagnostic.helps[0]


@posix_only
@not_root
def test_read_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "secret.arch"
    path.write_text("network X")
    path.chmod(0)
    assert "permission denied" in failure(path).diagnostic.title


def test_read_too_large_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "large.arch"
    with path.open("wb") as file:
        file.truncate(10**12)  # sparse: reading it would take all memory
    error = failure(path, Limits(source_bytes=1000))
    assert not error.io
    assert (error.diagnostic.code, error.diagnostic.title) == (
        "A008",
        "the text is larger than 1,000 bytes",
    )


def test_read_exactly_at_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "a.arch"
    path.write_bytes(b"#" * 100)
    assert len(read(path, Limits(source_bytes=100)).text) == 100
    assert failure(path, Limits(source_bytes=99)).diagnostic.code == "A008"


def test_not_utf8_is_pointed_at() -> None:
    with pytest.raises(Unreadable) as caught:
        decode("x.arch", "# 한글\nconv \u00e9".encode() + b"\xff\n\xfe", Limits())
    span = caught.value.diagnostic.span
    assert (span.line, span.column) == (2, 7)
    assert "0xff" in caught.value.diagnostic.labels[0].text
    assert not caught.value.io


@pytest.mark.parametrize("cut", [1, 2])
def test_not_utf8_at_the_very_end(cut: int) -> None:
    with pytest.raises(Unreadable) as caught:
        decode("x.arch", "conv 한".encode()[:-cut], Limits())
    assert caught.value.diagnostic.span.column == 6


# --- use ---------------------------------------------------------------------------------


def test_use_is_relative_to_the_file(tmp_path: Path) -> None:
    base = tmp_path / "nets" / "a.arch"
    assert resolve_use(base, "blocks/b.arch", tmp_path) == tmp_path / "nets" / "blocks" / "b.arch"
    assert resolve_use(base, "../common.arch", tmp_path) == tmp_path / "common.arch"
    assert resolve_use(base, "./x/../b.arch", tmp_path) == tmp_path / "nets" / "b.arch"


def test_a_network_that_is_not_there_is_a_file_not_found(tmp_path: Path) -> None:
    """Python's own class for it, and the bundled network that was meant, as on the command line."""
    with pytest.raises(FileNotFoundError, match=r"cannot read resnet5: .*mean 'resnet5\d'\?"):
        archc.load("resnet5")
    with pytest.raises(OSError, match="it is a folder") as raised:
        archc.load(tmp_path)
    assert not isinstance(raised.value, FileNotFoundError)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    """In Python as on the command line, not passed over."""
    gone = tmp_path / "gone"
    lenet = archc.load("lenet")
    for way in (
        lambda: archc.load("lenet", project=gone),
        lambda: archc.loads("input 8x8 x3\nrelu\n", project=gone),
        lambda: lenet.source(templates=gone),
        lambda: lenet.analysis.emit_training(templates=gone),
    ):
        with pytest.raises(FileNotFoundError, match=r"no such folder: .*gone"):
            way()


def test_of_a_used_network_its_blocks_come(tmp_path: Path) -> None:
    """Not its own statements, nor what is wrong with them: docs/language.md, "Several files"."""
    (tmp_path / "net.arch").write_text(
        "network Used\nparam k = 3\nlet wide = 2 * k\ninput 8x8 x3\n"
        "block unit(c) { conv (k)x(k) p(k//2) x(c + wide) }\nunit(4); fc 10\n"
    )
    text = 'use "net.arch"\nnetwork N\ninput 4x4 x2\nunit(5)\n'
    (tmp_path / "n.arch").write_text(text)
    net = archc.load(tmp_path / "n.arch")
    assert (net.name, net.params, net.output) == ("N", 9 * 2 * 11 + 11, (11, 4, 4))


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("../../b.arch", "leaves the project"),
        ("x/../../../b.arch", "leaves the project"),
        ("/etc/b.arch", "absolute"),
        ("C:/b.arch", "absolute"),
        ("c:b.arch", "absolute"),
        ("..\\b.arch", "`/`"),
        ("\\\\host\\b.arch", "`/`"),
        ("//host/share/b.arch", "absolute"),
        ("passwd", ".arch"),
        ("", "empty"),
        ("a\0.arch", "control"),
        ("a\n.arch", "control"),
        ("blocks\resnet.arch", "`/`"),  # what the string "blocks\resnet.arch" says
    ],
)
def test_use_stays_in_the_project(tmp_path: Path, written: str, reason: str) -> None:
    found = resolve_use(tmp_path / "nets" / "a.arch", written, tmp_path)
    assert isinstance(found, str)
    assert reason in found


@posix_only
def test_use_follows_links_only_inside(tmp_path: Path) -> None:
    project, outside = tmp_path / "project", tmp_path / "outside"
    project.mkdir()
    outside.mkdir()
    (outside / "b.arch").touch()
    (project / "real.arch").touch()
    (project / "in.arch").symlink_to("real.arch")
    (project / "out.arch").symlink_to(outside / "b.arch")
    (project / "folder").symlink_to(outside)
    (project / "loop.arch").symlink_to("loop.arch")
    base = project / "a.arch"
    assert resolve_use(base, "in.arch", project) == project / "in.arch"
    for written in ("out.arch", "folder/b.arch", "loop.arch"):
        assert isinstance(resolve_use(base, written, project), str)


def test_use_with_a_relative_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert resolve_use(Path("a.arch"), "b/c.arch", Path()) == Path("b/c.arch")
    assert isinstance(resolve_use(Path("a.arch"), "../c.arch", Path()), str)


# --- stamps ------------------------------------------------------------------------------


def test_stamp_is_the_last_line_and_stable() -> None:
    text = stamp("import torch\n\n", "network X")
    *_, last = text.splitlines()
    assert text.startswith("import torch\n\n\n# archc ")
    assert last.count("sha256:") == 1
    assert text.endswith("\n")
    assert stamp(text, "network X") == text
    assert stamp("import torch\n", "network X") == text
    assert stamp(text, "network Y") != text


@pytest.mark.parametrize(
    ("suffix", "data"),
    [
        (".py", b"x = 1\n"),
        (".svg", b"<svg>\xc3\x97</svg>\n"),
        (".dot", b"digraph {}\n"),
        (".pdf", b"%PDF-1.4\r\n\xff\xfe\0\r\n%%EOF\n"),
        (".png", PNG),
        (".txt", b"x\n"),
    ],
)
def test_states(tmp_path: Path, suffix: str, data: bytes) -> None:
    path = tmp_path / f"out{suffix}"
    assert state(path) is OutputState.MISSING
    path.write_bytes(data)
    assert state(path) is OutputState.FOREIGN
    stamped = stamp_bytes(data, "network X", suffix)
    assert stamp_bytes(stamped, "network X", suffix) == stamped
    path.write_bytes(stamped)
    assert state(path) is OutputState.PRISTINE
    path.write_bytes(stamped[:1] + b" " + stamped[1:])
    assert state(path) is OutputState.EDITED
    path.write_bytes(b"")
    assert state(path) is OutputState.PRISTINE


def test_text_after_the_stamp_is_an_edit(tmp_path: Path) -> None:
    path = tmp_path / "out.py"
    path.write_text(stamp("x = 1\n", "") + "y = 2\n", encoding="utf-8")
    assert state(path) in (OutputState.EDITED, OutputState.FOREIGN)


def test_a_checkout_with_crlf_is_no_edit(tmp_path: Path) -> None:
    path = tmp_path / "out.py"
    path.write_bytes(stamp("x = 1\ny = 2\n", "").replace("\n", "\r\n").encode())
    assert state(path) is OutputState.PRISTINE


def test_a_stamped_png_is_a_png() -> None:
    from zlib import crc32

    data, chunks = stamp_bytes(PNG, "network X", ".png")[8:], []
    while data:
        size = int.from_bytes(data[:4], "big")
        kind, body = data[4:8], data[8 : 8 + size]
        assert int.from_bytes(data[8 + size : 12 + size], "big") == crc32(kind + body)
        chunks.append(kind)
        data = data[12 + size :]
    assert chunks == [b"IHDR", b"IDAT", b"iTXt", b"IEND"]


# --- writing -----------------------------------------------------------------------------


def test_write_overwrites_only_what_it_wrote(tmp_path: Path) -> None:
    path = tmp_path / "out.py"
    one, two = stamp("x = 1\n", "1"), stamp("x = 2\n", "2")
    assert write(path, one)
    assert not write(path, one)
    assert write(path, two)
    edited = two.replace("x", "y", 1)
    path.write_text(edited, encoding="utf-8")
    with pytest.raises(Refused, match="edited"):
        write(path, one)
    path.write_text("mine\n")
    with pytest.raises(Refused, match="not written by archc"):
        write(path, one)
    assert path.read_text() == "mine\n"
    assert write(path, one, force=True)
    assert path.read_text(encoding="utf-8") == one
    assert os.listdir(tmp_path) == ["out.py"]


def test_an_unchanged_file_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "out.py"
    write(path, stamp("x = 1\n", ""))
    os.utime(path, (1, 1))
    assert not write(path, stamp("x = 1\n", ""))
    assert path.stat().st_mtime == 1


@posix_only
def test_write_keeps_permissions_and_links(tmp_path: Path) -> None:
    real, link = tmp_path / "real.py", tmp_path / "link.py"
    write(real, stamp("x = 1\n", ""))
    real.chmod(0o640)
    link.symlink_to("real.py")
    assert write(link, stamp("x = 2\n", ""))
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8").startswith("x = 2")
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


@posix_only
def test_a_new_file_has_the_users_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write(tmp_path / "out.py", stamp("x = 1\n", ""))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out.py").stat().st_mode) == 0o640


@posix_only
def test_write_to_a_device_and_not_to_a_folder(tmp_path: Path) -> None:
    assert write(Path("/dev/null"), "x")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    with pytest.raises(IsADirectoryError):
        write(tmp_path, "x")
    with pytest.raises(FileNotFoundError):
        write(tmp_path / "no" / "x.py", "x")


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "out.py"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match="No space"):
        replace(path, b"new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["out.py"]


@posix_only
def test_a_full_disk(tmp_path: Path) -> None:
    """A real one, as far as one can have it: the system's own limit on a file's size."""
    program = (
        "import resource, signal, sys; from pathlib import Path; from archc.files import replace\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: replace(Path(sys.argv[1]), b'x' * 5000)\n"
        "except OSError as error: print(error.strerror)\n"
    )
    path = tmp_path / "out.py"
    path.write_text("old")
    done = subprocess.run(
        [sys.executable, "-c", program, path],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(Path(archc.__file__).parents[1])},
    )
    assert "too large" in done.stdout
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["out.py"]


# --- writing, while others do ------------------------------------------------------------


def test_a_killed_process_stands_in_nobodys_way(tmp_path: Path) -> None:
    """In a container every process has the same number."""
    left = tmp_path / f".archc-{os.getpid()}.tmp"
    left.write_text("half")
    assert write(tmp_path / "out.py", stamp("x = 1\n", ""))
    assert left.exists()  # somebody may be writing it
    os.utime(left, (1, 1))
    own, mine = tmp_path / ".archc-0123456789abcdef.tmp", tmp_path / ".archc-notes.tmp"
    for path in (own, mine):
        path.write_text("x")
        os.utime(path, (1, 1))
    (tmp_path / ".archc-1.tmp").mkdir()
    assert write(tmp_path / "out.py", stamp("x = 2\n", ""))
    assert sorted(os.listdir(tmp_path)) == [".archc-1.tmp", ".archc-notes.tmp", "out.py"]


def test_threads_do_not_collide(tmp_path: Path) -> None:
    path = tmp_path / "out.py"
    texts = [stamp(f"x = {n}\n" * 10_000, "") for n in range(8)]

    def again(text: str) -> None:
        for _ in range(10):
            write(path, text)
            assert path.read_text(encoding="utf-8") in texts  # whole, whoever's it is

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(again, texts))
    assert os.listdir(tmp_path) == ["out.py"]


@pytest.mark.parametrize("before", [None, stamp("x = 1\n", "")])
def test_an_edit_made_while_it_is_written_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    path = tmp_path / "out.py"
    if before is not None:
        path.write_text(before, encoding="utf-8")

    def saved(_: int) -> None:
        path.write_text("mine")

    monkeypatch.setattr(os, "fsync", saved)
    with pytest.raises(Refused):
        write(path, stamp("x = 2\n", ""))
    assert path.read_text() == "mine"
    assert os.listdir(tmp_path) == ["out.py"]


def test_a_file_that_became_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out.py"
    monkeypatch.setattr(os, "fsync", lambda _: path.mkdir())
    with pytest.raises(OSError, match=r"(?i)is a directory|is a folder|denied"):
        write(path, stamp("x = 2\n", ""))
    assert os.listdir(tmp_path) == ["out.py"]


@pytest.mark.parametrize(
    "edit",
    [
        lambda t: "# my header\n" + t,
        lambda t: t.replace("import torch\n", "", 1),
        lambda t: t.replace("\n", "\r"),
        lambda t: t.rstrip("\n") + "  # my note\n",
        lambda t: t.replace("# archc", "# see archc"),
        lambda t: t + "\n",
        lambda t: t + "# mine\n",
        lambda t: "\ufeff" + t,
        lambda t: t.replace("x = 1", "x = 1 "),
        lambda t: t * 2,
        lambda t: t.splitlines()[-1],
        lambda t: "x = 2\n" + t.splitlines()[-1],
    ],
)
def test_every_edit_is_seen(tmp_path: Path, edit: Callable[[str], str]) -> None:
    path = tmp_path / "out.py"
    edited = edit(stamp("import torch\nx = 1\n", "network X"))
    path.write_bytes(edited.encode())
    with pytest.raises(Refused):
        write(path, stamp("x = 3\n", ""))
    assert path.read_bytes() == edited.encode()


def test_a_stamp_in_the_text_is_not_its_own(tmp_path: Path) -> None:
    """Whatever bytes a file holds, its state is an answer."""
    path = tmp_path / "out"
    mark = stamp("", "").encode().strip()
    heads = (b"", b"\x89PNG", b"PK\x03\x04", b"archc " * 60, b"\x0a\x05archc\x12")
    for data in (h + m + t for h in heads for m in (mark, mark[2:]) for t in (b"", b"x", b"\n\n")):
        path.write_bytes(data)
        assert state(path) in (OutputState.EDITED, OutputState.FOREIGN)


def test_the_state_of_a_huge_file_is_known_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "out.py"
    with path.open("wb") as file:
        file.truncate(10**12)
        file.seek(0, os.SEEK_END)
        file.write(b"mine")
    with pytest.raises(Refused):
        write(path, stamp("x = 1\n", ""))


@posix_only
def test_a_link_to_nothing_makes_nothing(tmp_path: Path) -> None:
    link = tmp_path / "out.py"
    link.symlink_to("made.py")
    with pytest.raises(Refused, match="link"):
        write(link, stamp("x = 1\n", ""))
    assert not (tmp_path / "made.py").exists()
    assert write(link, stamp("x = 1\n", ""), force=True)
    assert (tmp_path / "made.py").exists()
    loop = tmp_path / "loop.py"
    loop.symlink_to("loop.py")
    with pytest.raises(OSError, match="symbolic links"):
        write(loop, "x")


@posix_only
def test_what_is_written_is_no_secret_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.py"
    seen: list[int] = []
    write(path, stamp("x = 1\n", ""))
    path.chmod(0o600)
    real = os.fchown

    def look(handle: int, *owner: int) -> None:
        seen.append(stat.S_IMODE(os.fstat(handle).st_mode))
        real(handle, *owner)

    monkeypatch.setattr(os, "fchown", look)
    write(path, stamp("x = 2\n", ""))
    assert seen == [0o600]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@posix_only
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
def test_root_leaves_a_file_to_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "out.py"
    write(path, stamp("x = 1\n", ""))
    os.chown(path, 1234, 1235)
    write(path, stamp("x = 2\n", ""))
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 1235)


@posix_only
@not_root
def test_a_file_or_folder_that_may_not_be_written(tmp_path: Path) -> None:
    path = tmp_path / "out.py"
    write(path, stamp("x = 1\n", ""))
    path.chmod(0o444)
    with pytest.raises(PermissionError):
        write(path, stamp("x = 2\n", ""))
    path.chmod(0o644)
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(PermissionError):
            write(path, stamp("x = 2\n", ""))
    finally:
        tmp_path.chmod(0o755)
    assert path.read_text(encoding="utf-8").startswith("x = 1")


@posix_only
def test_write_to_a_fifo(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with ThreadPoolExecutor(1) as pool:
        got = pool.submit(fifo.read_bytes)
        assert write(fifo, "x = 1\n")
        assert got.result() == b"x = 1\n"
    assert stat.S_ISFIFO(fifo.stat().st_mode)


ARCH = "network Tiny\ninput 8x8 x3\nconv 3x3 p1 x4\ngap; flatten; fc 10\n"
ENV = os.environ | {"PYTHONPATH": str(Path(archc.__file__).parents[1])}


@posix_only
def test_dev_stdout_is_standard_output(tmp_path: Path) -> None:
    (tmp_path / "tiny.arch").write_text(ARCH)
    command = [sys.executable, "-m", "archc", "build", "tiny.arch", "-o", "/dev/stdout"]
    done = subprocess.run(command, cwd=tmp_path, env=ENV, capture_output=True, check=True)
    assert b"class Tiny" in done.stdout
    with (tmp_path / "out.py").open("wb") as out:
        subprocess.run(command, cwd=tmp_path, env=ENV, stdout=out, check=True)
    assert "class Tiny" in (tmp_path / "out.py").read_text(encoding="utf-8")


@posix_only
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_a_signal_at_any_time_leaves_a_whole_file(tmp_path: Path, name: str) -> None:
    """The old one, or one of those being written; and the next one can write."""
    program = (
        "import sys; from pathlib import Path; from archc.files import stamp, write\n"
        "texts = [stamp(f'x = {n}\\n' * 50_000, '') for n in (1, 2)]\n"
        "print('ready', flush=True)\n"
        "while True:\n  for text in texts: write(Path('out.py'), text)\n"
    )
    texts = [stamp(f"x = {n}\n" * 50_000, "") for n in (1, 2)]
    ours = stamp("x = 3\n", "")
    for wait in (0.0, 0.003, 0.01, 0.02, 0.05):
        with subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            env=ENV,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(wait)
            process.send_signal(getattr(signal, name))
            process.wait()
        path = tmp_path / "out.py"
        assert not path.exists() or path.read_text(encoding="utf-8") in (*texts, ours)
        write(path, ours)
    left = [path for path in tmp_path.iterdir() if path.name != "out.py"]
    for path in left:
        os.utime(path, (1, 1))
    write(tmp_path / "out.py", stamp("x = 4\n", ""))
    assert os.listdir(tmp_path) == ["out.py"]
