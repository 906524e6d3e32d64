"""What a repository holds must not lead archc to other files: every command reads inside only."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import archc
from archc import cli, files
from archc.files import Unreadable, read

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs links and FIFOs")

OK = "network Ok\ninput 8x8 x3\nconv 3x3 x4\ngap; flatten; fc 10\n"
SECRET = "[user]\n  token = s3cr3t\n"
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """A repository with secrets around and in it; runs archc there: exit code, all that it said."""
    repository = tmp_path / "repository"
    for folder in (repository / "nets" / "deep", repository / ".git", tmp_path / "outside"):
        folder.mkdir(parents=True)
    (repository / ".git" / "config").write_text(SECRET)
    (repository / "nets" / "ok.arch").write_text(OK)
    (repository / "nets" / "notes.txt").write_text(SECRET)
    (tmp_path / "outside" / "secret.arch").write_text(SECRET)
    (tmp_path / "outside" / "net.arch").write_text(OK.replace("Ok", "Outside"))
    monkeypatch.chdir(repository)

    def call(*argv: str) -> tuple[int, str]:
        code = cli.main(argv)
        return code, "".join(capsys.readouterr())

    return call


def link(name: str, target: str) -> None:
    Path("nets", name).symlink_to(target)


OUT = [
    "../.git/config",
    "/proc/self/environ",
    "/etc/passwd",
    "../../outside/secret.arch",
    "../../outside/net.arch",
    "deep/../../../outside/secret.arch",
    "notes.txt",  # inside, but no network
    "link",  # a link to a link
]
FOLDERS = [
    ("check", "nets"),
    ("check", "nets", "--format", "json"),
    ("check", "nets", "--format", "github"),
    ("build", "nets", "-o", "out/"),
    ("compare", "nets"),
    ("compare", "nets", "--format", "csv"),
    ("verify", "nets", "--only", "state", "--format", "json"),
    ("check", "."),
    ("check", "nets/../nets"),
    ("check", "nets/deep/.."),
]


@pytest.mark.parametrize("target", OUT)
@pytest.mark.parametrize("argv", FOLDERS, ids=" ".join)
def test_a_link_out_of_a_folder_is_not_followed(
    run: Run, argv: tuple[str, ...], target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "s3cr3t")
    if argv[0] == "verify":  # without torch's seconds: nothing is left to verify
        Path("nets/ok.arch").unlink()
    link("link", "../../outside/secret.arch")
    link("x.arch", target)
    code, said = run(*argv)
    assert code == 2
    assert "it is a link" in said
    for secret in ("s3cr3t", "[user]", "root:", "Outside", "PATH="):
        assert secret not in said
    assert not Path("out/x.py").exists()


@pytest.mark.parametrize("project", [(), ("--project", ".."), ("--project", "nets")])
def test_what_a_folder_links_to_within_is_read(run: Run, project: tuple[str, ...]) -> None:
    link("same.arch", "ok.arch")
    link("deep/up.arch", "../ok.arch")
    assert run("check", "nets", *project) == (0, "1 file checked: no errors\n")


def test_project_allows_more(run: Run) -> None:
    link("x.arch", "../../outside/net.arch")
    assert run("check", "nets")[0] == 2
    code, said = run("check", "nets", "--project", "..")
    assert (code, said) == (0, "2 files checked: no errors\n")
    link("y.arch", "../.git/config")
    code, said = run("check", "nets", "--project", "..")
    assert code == 2
    assert "s3cr3t" not in said


@pytest.mark.parametrize(
    "argv",
    [
        ("check",),
        ("build", "-o", "-"),
        ("draw", "--format", "dot", "-o", "-"),
        ("summary",),
        ("fit",),
        ("explain",),
        ("compare",),
        ("diff", "nets/ok.arch"),
        ("verify", "--only", "state"),
        ("export", "--to", "pt2"),
    ],
    ids=" ".join,
)
def test_a_named_link_leads_to_a_network_or_nowhere(run: Run, argv: tuple[str, ...]) -> None:
    """A name may come from a pattern of the shell: `archc check nets/*.arch`."""
    link("x.arch", "../.git/config")
    code, said = run(*argv, "nets/x.arch")
    assert code == 2
    assert "it is a link to something else than an `.arch` file" in said
    assert "token" not in said


def test_a_named_link_to_a_network_is_followed(run: Run) -> None:
    link("x.arch", "../../outside/net.arch")
    assert run("check", "nets/x.arch") == (0, "1 file checked: no errors\n")
    assert archc.load("nets/x.arch").name == "Outside"
    Path("nets/config.arch").symlink_to("../.git/config")
    with pytest.raises(OSError, match="is a link"):
        archc.load("nets/config.arch")


def test_use_does_not_follow_a_link_to_something_else(run: Run) -> None:
    link("x.arch", "../.git/config")
    Path("nets/user.arch").write_text(f'use "x.arch"\n{OK}')
    Path("user.arch").write_text(f'use "nets/x.arch"\n{OK}')
    for argv in (("check", "nets/user.arch"), ("check", "user.arch"), ("build", "user.arch")):
        code, said = run(*argv)
        assert code == 1
        assert "A503" in said
        assert "token" not in said


def test_links_to_folders_are_left_out(run: Run) -> None:
    link("out", "../../outside")
    link("up", "..")
    link("folder.arch", "deep")
    assert run("check", "nets") == (0, "1 file checked: no errors\n")


def test_a_named_link_to_a_folder_is_that_folder(run: Run) -> None:
    link("out", "../../outside")
    code, said = run("check", "nets/out")
    assert code == 1
    assert "2 files checked" in said


def test_links_in_a_circle(run: Run) -> None:
    link("x.arch", "y.arch")
    link("y.arch", "x.arch")
    link("z.arch", "z.arch")
    link("nowhere.arch", "no.arch")
    link("loop", "loop")
    for argv in (("check", "nets"), ("compare", "nets"), ("build", "nets", "-o", "out/")):
        code, said = run(*argv)
        assert code == 2
        assert "symbolic links" in said
        assert "no such file" in said
    for name in ("x.arch", "z.arch", "nowhere.arch", "loop", "loop/x.arch"):
        code, said = run("check", f"nets/{name}")
        assert code == 2
        assert "cannot read" in said


def test_what_is_no_file_is_not_waited_for(run: Run) -> None:
    os.mkfifo("nets/fifo.arch")
    link("zero.arch", "/dev/zero")
    link("tty.arch", "/dev/tty")
    link("stdin.arch", "/dev/stdin")
    code, said = run("check", "nets")
    assert code == 2
    assert said.count("is not a regular file") >= 2


def test_a_folder_that_cannot_be_listed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in silence: what was not looked at is not fine."""
    real = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    code, said = run("check", "nets")
    assert code == 2
    assert "cannot read the folder nets/deep: permission denied" in said


def test_folders_may_be_deep(run: Run) -> None:
    here = Path("nets")
    for _ in range(30):
        here /= "d" * 20
    here.mkdir(parents=True)
    (here / "x.arch").write_text(OK)
    assert run("check", "nets") == (0, "2 files checked: no errors\n")


def test_a_file_that_becomes_a_link_is_not_followed(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at it and the reading."""
    path = Path("nets/ok.arch")
    real = files._followed

    def swapped(*arguments: object) -> Path:
        found = real(*arguments)  # type: ignore[arg-type]
        path.unlink()
        path.symlink_to("../.git/config")
        return found

    monkeypatch.setattr(files, "_followed", swapped)
    with pytest.raises(Unreadable) as caught:
        read(path, inside=(Path("nets"),))
    assert "token" not in str(caught.value.diagnostic)


def test_a_file_that_grows_while_it_is_read(run: Run) -> None:
    path = Path("nets/ok.arch")
    over = threading.Event()

    def grow() -> None:
        with path.open("a") as file:
            while not over.is_set():
                file.write("# more\n")

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        for _ in range(30):
            code, _ = run("check", "nets", "--max-source-bytes", "100000")
            assert code in (0, 1)
    finally:
        over.set()
        writer.join()


def test_two_files_that_would_be_one(run: Run) -> None:
    Path("nets/a-b.arch").write_text(OK)
    Path("nets/a.b.arch").write_text(OK)
    code, said = run("build", "nets", "-o", "out/")
    assert code == 2
    assert "would both be out/a_b.py" in said
    assert not Path("out").exists()
