"""`archc completion`: what a TAB offers in a real bash; of other shells the syntax."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import archc
from archc import cli
from archc.cli.arguments import parser

SHELLS = ("bash", "zsh", "fish")
BASH = shutil.which("bash")
ASK = """
source "$1"
COMP_WORDS=("${@:2}")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_archc
printf '%s\\n' "${COMPREPLY[@]}"
"""


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert cli.main(["completion", shell]) == 0
    return capsys.readouterr().out


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    text = "network N\nparam width = 16\nparam  depth=[2, 2]\nparam num_classes = 10  # param x\n"
    (tmp_path / "params.arch").write_text(text, encoding="utf-8")
    for name in ("net.arch", "other net.arch", "notes.txt", "nets/deep.arch"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


needs_bash = pytest.mark.skipif(BASH is None, reason="no bash here")


@needs_bash
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("bu", ["build"]),
        ("c", ["check", "compare", "completion"]),
        ("--v", ["--version"]),
        ("build resnet1", ["resnet1", "resnet101", "resnet152", "resnet18"]),
        ("build ne", ["net.arch", "nets"]),
        ("build o", ["other net.arch"]),
        ("build nets/", ["nets/deep.arch"]),
        ("build not", []),
        ("fmt resnet", []),
        ("fmt n", ["net.arch", "nets"]),
        ("build net.arch --tr", ["--train"]),
        ("build --form ", ["training", "deploy"]),
        ("build --form = d", ["deploy"]),
        ("build net.arch -D width = ", []),
        ("build net.arch --project n", ["nets"]),
        ("build net.arch --templates n", ["nets"]),
        ("export net.arch --weights no", ["notes.txt"]),
        ("export net.arch --to p", ["pt2"]),
        ("fit net.arch --gpu rtx509", ["rtx5090"]),
        ("fit --batch ", []),
        ("diff net.arch nets/", ["nets/deep.arch"]),
        ("--color always draw net.arch --view ", ["engineer", "paper", "graph", "volumes"]),
        ("completion z", ["zsh"]),
        ("draw net.arch --without ", ["title", "legend", "costs"]),
        ("draw net.arch --without = t", ["title"]),
        ("draw net.arch --without title,", ["title,title", "title,legend", "title,costs"]),
        ("draw net.arch --without title,costs,l", ["title,costs,legend"]),
        ("build net.arch --with device,z", ["device,zero-init"]),
        ("runs --sort top", ["top1", "top5"]),
        ("fit --memory ", []),
        ("compare --sort top", ["top1_error", "top5_error"]),
        ("compare --columns name,ma", ["name,macs"]),
        ("summary net.arch --columns fi", ["field"]),
        ("verify net.arch --only cop", ["copying"]),
        ("verify net.arch --only copying,sta", ["copying,state"]),
        ("explain A20", [f"A{n}" for n in range(200, 210)]),
        ("explain A201 ne", ["net.arch", "nets"]),
        ("--color ", ["auto", "always", "never"]),
        ("--color = a", ["auto", "always"]),
        ("--col", ["--color"]),
        ("build params.arch -D ", ["width=", "depth=", "num_classes="]),
        ("diff net.arch params.arch --left w", ["width="]),
        ("compare params.arch net.arch -D nu", ["num_classes="]),
        ("build vgg11 -D ", []),
    ],
)
def test_what_bash_offers(
    typed: str, offered: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert BASH is not None
    path = folder / ".completion"
    path.write_text(script("bash", capsys), encoding="utf-8")
    made = subprocess.run(
        [BASH, "--norc", "-c", ASK, "bash", str(path), "archc", *typed.split(" ")],
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert made.stderr == ""
    found = made.stdout.splitlines()
    more = {name for name in archc.bundled() if name.startswith("resnet1")}
    if "resnet1" in typed:
        assert set(found) == more, "all bundled networks of that name"
    else:
        assert sorted(filter(None, found)) == sorted(offered)


@needs_bash
@pytest.mark.parametrize(
    "typed",
    [
        r"my\ net\'s.arch",
        '"my net\'s.arch"',
        "~/my\\ net\\'s.arch",
        "'other net.arch' my\\ net\\'s.arch",
    ],
)
def test_a_file_is_found_however_it_is_typed(
    typed: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """At the prompt of a bash, with a real TAB: the word is there as it was typed."""
    import pty

    assert BASH is not None
    (folder / "my net's.arch").write_text("network N\nparam width = 16\n", encoding="utf-8")
    (folder / ".completion").write_text(script("bash", capsys), encoding="utf-8")
    shell, terminal = pty.openpty()
    made = subprocess.Popen(
        [BASH, "--norc", "--noprofile", "-i"],
        cwd=folder, env={"HOME": str(folder), "TERM": "dumb", "PS1": "> "}, close_fds=True,
        stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
    )  # fmt: skip
    os.close(terminal)
    lines = ("source .completion", "archc() { printf 'at %s\\n' \"$#,${!#}\"; }")
    os.write(shell, "".join(f"{line}\n" for line in lines).encode())
    os.write(shell, f"archc draw {typed} -D \t8\nexit\n".encode())
    said = b""
    with contextlib.suppress(OSError):  # where it has ended
        while more := os.read(shell, 4096):
            said += more
    os.close(shell)
    assert made.wait(10) == 0
    assert f"at {4 + typed.startswith(chr(39))},width=8" in said.decode()


@needs_bash
def test_bash_completes_at_a_prompt(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is registered for the command, and takes names with blanks whole."""
    assert BASH is not None
    path = folder / ".completion"
    path.write_text(script("bash", capsys), encoding="utf-8")
    made = subprocess.run(
        [BASH, "--norc", "-c", 'source "$1"; complete -p archc', "bash", str(path)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert made.stdout == "complete -o filenames -F _archc archc\n"


@pytest.mark.parametrize("shell", SHELLS)
def test_the_syntax(shell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"no {shell} here")
    path = tmp_path / "script"
    path.write_text(script(shell, capsys), encoding="utf-8")
    made = subprocess.run([found, "-n", str(path)], capture_output=True, text=True, check=False)
    assert (made.returncode, made.stdout, made.stderr) == (0, "", "")


@pytest.mark.parametrize("shell", SHELLS)
def test_every_command_and_flag_is_there(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = script(shell, capsys)
    (commands,) = (a.choices for a in parser()._actions if a.dest == "command")
    assert commands is not None
    for name in (*commands, *archc.bundled()):
        assert name in text
    for flag in ("--checkpoint-block", "--max-source-bytes", "--only", "--exit-code"):
        assert (flag.removeprefix("--") if shell == "fish" else flag) in text
    assert "--traceback" not in text, "not for users"


def test_a_shell_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["completion", "tcsh"]) == 2
    assert "'bash', 'zsh', 'fish'" in capsys.readouterr().err


def test_it_imports_little() -> None:
    program = (
        "import sys; from archc import cli; cli.main(['completion', 'bash']);"
        "assert not {'torch', 'networkx', 'jinja2', 'rich'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)
