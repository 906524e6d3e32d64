"""The command line as its users meet it: outputs, files, exit codes."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import re
import signal
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

import archc
from archc import api, cli, data
from archc.cli.exit_codes import CLOSED_PIPE, LIMITS
from archc.source import Limits

TINY = """\
network Tiny
param classes = 10
input 8x8 x3
conv 3x3 p1 x4; relu
gap; flatten; fc (classes)
"""
BLOCKS = "block unit(c) { conv 3x3 p1 x(c); relu }\n"
USER = 'use "blocks/unit.arch"\nnetwork User\ninput 8x8 x3\nunit(4)\n'
BROKEN = "network Broken\ninput 8x8 x3\nconv 9x9 x4\n"
posix_only = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX system")

Run = Callable[..., "Outcome"]


@dataclasses.dataclass
class Outcome:
    code: int
    out: str
    err: str


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs archc inside this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("ARCHC_TRACEBACK", raising=False)

    def call(*argv: str, stdin: str | bytes = "") -> Outcome:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        code = cli.main(argv)
        return Outcome(code, *capsys.readouterr())

    return call


def environment(**more: str) -> dict[str, str]:
    """For a process of its own: archc need not be installed."""
    return {**os.environ, "PYTHONPATH": str(Path(archc.__file__).parents[1]), **more}


def start(*argv: str, cwd: Path, **more: str) -> subprocess.Popen[bytes]:
    """Runs archc as a process of its own, which reads nothing until it is written to."""
    return subprocess.Popen(
        [sys.executable, "-m", "archc", *argv],
        cwd=cwd,
        env=environment(**more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.PIPE,
    )


def network(folder: Path, name: str = "tiny.arch", text: str = TINY) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return name


# --- build -------------------------------------------------------------------------------


def test_build_writes_beside_the_caller(run: Run, tmp_path: Path) -> None:
    network(tmp_path, "nets/my-net.arch")
    done = run("build", "nets/my-net.arch")
    assert (done.code, done.out) == (0, "")
    assert done.err.startswith("wrote my_net.py (Tiny: 162 parameters")
    assert "class Tiny(nn.Module)" in (tmp_path / "my_net.py").read_text(encoding="utf-8")


def test_build_again_is_up_to_date(run: Run, tmp_path: Path) -> None:
    network(tmp_path)
    run("build", "tiny.arch")
    assert run("build", "tiny.arch").err.startswith("up to date: tiny.py")


def test_build_never_loses_an_edit(run: Run, tmp_path: Path) -> None:
    network(tmp_path)
    run("build", "tiny.arch", "-o", "out.py")
    out = tmp_path / "out.py"
    out.write_text("# mine\n" + out.read_text(encoding="utf-8"), encoding="utf-8")
    done = run("build", "tiny.arch", "-o", "out.py", "-D", "classes=5")
    assert done.code == 2
    assert "edited" in done.err
    assert "--force" in done.err
    assert out.read_text(encoding="utf-8").startswith("# mine\n")
    done = run("build", "tiny.arch", "-o", "out.py", "--force")
    assert done.code == 0
    first, *lines = done.err.splitlines()
    assert first == "--force takes away what was edited in out.py:"
    assert [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")] == [
        "-# mine"
    ]
    assert run("build", "tiny.arch", "-o", "out.py", "--force").err.startswith("up to date: out.py")
    assert not out.read_text(encoding="utf-8").startswith("# mine\n")


def test_build_to_standard_output_is_the_same_text(run: Run, tmp_path: Path) -> None:
    network(tmp_path)
    run("build", "tiny.arch")
    done = run("build", "tiny.arch", "-o", "-")
    assert done.out == (tmp_path / "tiny.py").read_text(encoding="utf-8")
    assert done.err == ""


def test_build_from_standard_input_goes_to_standard_output(run: Run, tmp_path: Path) -> None:
    done = run("build", "-", stdin=TINY)
    assert done.code == 0
    assert "class Tiny" in done.out
    assert os.listdir(tmp_path) == []


def test_build_does_not_depend_on_where_it_is_run(run: Run, tmp_path: Path) -> None:
    network(tmp_path, "a/tiny.arch")
    network(tmp_path, "b/c/tiny.arch")
    assert run("build", "a/tiny.arch", "-o", "-") == run("build", "b/c/tiny.arch", "-o", "-")


def test_build_into_a_folder(run: Run, tmp_path: Path) -> None:
    network(tmp_path)
    assert run("build", "tiny.arch", "-o", "new/folder/").code == 0
    assert (tmp_path / "new/folder/tiny.py").exists()
    assert run("build", "tiny.arch", "-o", "new").code == 0
    assert (tmp_path / "new/tiny.py").exists()


def test_build_of_a_bundled_network(run: Run, tmp_path: Path) -> None:
    assert run("build", "resnet18", "-D", "num_classes=7").code == 0
    assert "class ResNet18" in (tmp_path / "resnet18.py").read_text(encoding="utf-8")


def test_a_file_goes_before_a_bundled_network(run: Run, tmp_path: Path) -> None:
    network(tmp_path, "resnet18")
    assert "Tiny" in run("build", "resnet18").err


def test_build_of_a_folder(run: Run, tmp_path: Path) -> None:
    network(tmp_path, "nets/tiny.arch")
    network(tmp_path, "nets/deep/user.arch", USER.replace("blocks/", "../blocks/"))
    network(tmp_path, "nets/blocks/unit.arch", BLOCKS)
    network(tmp_path, "nets/broken.arch", BROKEN)
    network(tmp_path, "nets/.hidden/x.arch", BROKEN)
    done = run("build", "nets", "-o", "out")
    assert done.code == 1
    assert done.err.count("error[") == 1
    made = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.py")}
    assert made == {"tiny.py", os.path.join("deep", "user.py")}


def test_one_refused_file_does_not_stop_a_folder(run: Run, tmp_path: Path) -> None:
    network(tmp_path, "nets/a.arch")
    network(tmp_path, "nets/b.arch")
    (tmp_path / "a.py").write_text("mine\n")
    assert run("build", "nets").code == 2
    assert (tmp_path / "b.py").exists()


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("build", "no.arch"), "cannot read no.arch: no such file"),
        (("build", "gogglenet"), "did you mean 'googlenet'?"),
        (("build", "empty"), "no .arch files in empty"),
        (("build", "nets", "-o", "-"), "folder"),
        (("build", "tiny.arch", "-o", "tiny.arch/x.py"), "cannot write tiny.arch/x.py"),
        (("build", "tiny.arch", "-o", "tiny.arch"), "not written by archc"),
        (("build", "tiny.arch", "--templates", "no"), "no such folder: no"),
        (("build", "tiny.arch", "--project", "no"), "no such folder: no"),
        (("build", "tiny.arch", "-D", "classes"), "NAME=VALUE"),
        (("build", "tiny.arch", "--max-steps", "0"), "at least 1"),
        (("build",), "required: INPUT"),
        (("draw", "nets"), "one network"),
        (("draw", "tiny.arch", "-o", "x.jpeg"), ".svg, .png, .pdf, .dot, .html, .mmd"),
        (("explain", "A9999"), "no error code"),
        (("build", "tiny.arch", "--forse"), "archc build: error: unrecognized arguments: --forse"),
        (("build", "tiny.arch", "--forse"), "did you mean '--force'?"),
        (("compare", "--colums=name", "tiny.arch"), "did you mean '--columns'?"),
        (
            ("build", "tiny.arch", "-D", "classes=3", "more.arch"),
            "more.arch; it takes INPUT alone",
        ),
        (("frobnicate",), "invalid choice"),
        ((), "COMMAND"),
    ],
)
def test_wrong_usage_is_2(run: Run, tmp_path: Path, argv: tuple[str, ...], message: str) -> None:
    network(tmp_path)
    network(tmp_path, "nets/tiny.arch")
    (tmp_path / "empty").mkdir()
    done = run(*argv)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert (tmp_path / "tiny.arch").read_text() == TINY


def test_a_part_that_is_drawn_is_said_to_be_one(run: Run) -> None:
    """The numbers of the whole network are not its own."""
    done = run("draw", "resnet18", "--only", "layer2", "-o", "part.dot")
    assert done.err == "wrote part.dot (layer2 of ResNet18)\n"


def test_inputs_stand_on_either_side_of_a_flag(run: Run, tmp_path: Path) -> None:
    """argparse by itself takes those of one side alone."""
    network(tmp_path)
    around = run("compare", "tiny.arch", "--columns", "name", "vgg11", "-D", "classes=3", "alexnet")
    assert around.code == 0
    rows = [line.split()[0] for line in around.out.splitlines()]
    assert rows == ["name", "tiny", "vgg11", "alexnet"]
    assert run("check", "tiny.arch", "--format", "concise", "nets.arch").code == 2  # no such file
    explained = run("explain", "lenet5", "--format", "text", "conv1", "--color", "never", "conv2")
    assert explained.out == run("explain", "lenet5", "conv1", "conv2").out


def test_mistakes_are_1_and_write_nothing(run: Run, tmp_path: Path) -> None:
    network(tmp_path, "broken.arch", BROKEN)
    for command in ("build", "draw"):
        done = run(command, "broken.arch")
        assert (done.code, done.out) == (1, "")
        assert " --> broken.arch:3:" in done.err
    assert os.listdir(tmp_path) == ["broken.arch"]


def test_a_library_of_blocks_cannot_be_built(run: Run, tmp_path: Path) -> None:
    network(tmp_path, "unit.arch", BLOCKS)
    for command in ("build", "draw"):
        done = run(command, "unit.arch")
        assert done.code == 1
        assert "no `network` line" in done.err


def test_limits(run: Run, tmp_path: Path) -> None:
    network(tmp_path)
    assert run("check", "tiny.arch", "--max-steps", "3").code == 1
    done = run("check", "tiny.arch", "--max-source-bytes", "10")
    assert done.code == 1
    assert "larger than 10 bytes" in done.out


@pytest.mark.parametrize("command", ["build", "draw", "summary", "fit", "explain"])
def test_what_is_too_large_to_be_written_out(run: Run, tmp_path: Path, command: str) -> None:
    network(tmp_path)
    assert run("check", "tiny.arch", "--max-written", "4").code == 0
    assert run(command, "tiny.arch", "--max-written", "5").code == 0
    done = run(command, "tiny.arch", "--max-written", "4")
    assert done.code == 1
    assert "error[A410]: 5 operators" in done.err
    assert "--max-written" in done.err


def test_a_graph_that_is_too_large_is_drawn_in_another_view(run: Run, tmp_path: Path) -> None:
    text = "network N\ninput 8x8 x4\nblock u() { conv 3x3 p1 x4; relu }\nu() * 15\n"
    (tmp_path / "calls.arch").write_text(text)
    graph = ("draw", "calls.arch", "-o", "calls.dot", "--view", "graph", "--max-written", "28")
    done = run(*graph)
    assert done.code == 1
    assert "leave out `--view graph`" in done.err
    assert run(*(word for word in graph if word not in ("--view", "graph"))).code == 0
    (tmp_path / "calls.arch").write_text(text.replace("u() * 15", "relu * 30"))
    assert "leave out" not in run(*graph).err


@posix_only
def test_a_process_that_is_asked_to_end_cleans_up(tmp_path: Path) -> None:
    network(tmp_path)
    stopped = (
        "import os, signal, sys; from archc import files; from archc.cli import main;"
        "os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGTERM);"
        "sys.exit(main(['build', 'tiny.arch']))"
    )
    env = os.environ | {"PYTHONPATH": str(Path(archc.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", stopped], cwd=tmp_path, env=env, check=False)
    assert done.returncode == 143
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.arch"]


def test_every_limit_has_a_flag() -> None:
    assert [field.name for field in dataclasses.fields(Limits)] == list(LIMITS)


def test_templates(run: Run, tmp_path: Path) -> None:
    network(tmp_path)
    (tmp_path / "mine").mkdir()
    for path in archc_templates():
        (tmp_path / "mine" / path.name).write_text("{% if %}", encoding="utf-8")
    done = run("build", "tiny.arch", "--templates", "mine")
    assert done.code == 2
    assert "template error in" in done.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\n{% if %}", ":2: Expected an expression"),
        ("\n\n{{ 1 / 0 }}", ":3: ZeroDivisionError: division by zero"),
        ("{{ module.nothing }}", ":1: 'archc.emit.file.Module object' has no attribute"),
        ("{{ [].pop() }}", ":1: IndexError"),
        ("\n{% include 'no.jinja' %}", ":2: 'no.jinja' not found"),
        ("\n{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", ":2: RecursionError"),
        ("\n{{ 'a' + 1 }}", ":2: TypeError"),
        (b"\xff", "mine: UnicodeDecodeError"),
        ("{{ [1] | docstring }}", ":1: TypeError"),
    ],
)
@pytest.mark.parametrize("more", [(), ("--train",), ("--form", "deploy")])
def test_a_mistake_in_a_template_is_the_users(
    run: Run, tmp_path: Path, text: str | bytes, said: str, more: tuple[str, ...]
) -> None:
    (tmp_path / "mine").mkdir()
    path = tmp_path / "mine" / "model.py.jinja"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    done = run("build", "resnet18", "--templates", "mine", *more)
    assert done.code == 2
    assert done.err.startswith("archc: template error in mine")
    assert said in done.err
    assert os.listdir(tmp_path) == ["mine"]


def test_templates_that_write_no_python(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine" / "train").mkdir(parents=True)
    (tmp_path / "mine" / "train" / "script.py.jinja").write_text("def f(:\n")
    done = run("build", "resnet18", "--templates", "mine", "--train")
    assert done.code == 2
    assert "template error in mine: SyntaxError" in done.err


def archc_templates() -> list[Path]:
    from archc.data import TEMPLATES

    return list(TEMPLATES.glob("*.jinja"))


# --- check -------------------------------------------------------------------------------


def test_check_reports_all_of_all(run: Run, tmp_path: Path) -> None:
    network(tmp_path, "nets/tiny.arch")
    network(tmp_path, "nets/broken.arch", BROKEN)
    network(tmp_path, "nets/unit.arch", BLOCKS)
    done = run("check", "nets", "no.arch", "nets/broken.arch")
    assert done.code == 2
    assert done.out.count("error[") == 2
    assert "cannot read no.arch" in done.out
    assert done.out.endswith("4 files checked: 2 errors\n")
    assert run("check", "nets").code == 1
    assert run("check", "nets/tiny.arch").out == "1 file checked: no errors\n"
    done = run("check", "nothing_of_that_name")
    assert (done.code, done.out) == (2, ""), "nothing was checked"


def test_check_goes_on_after_an_unknown_name(run: Run, tmp_path: Path) -> None:
    network(tmp_path, "broken.arch", BROKEN)
    done = run("check", "gogglenet", "broken.arch")
    assert done.code == 2
    assert "error[" in done.out


def test_a_mistake_in_a_used_file_is_reported_once(run: Run, tmp_path: Path) -> None:
    network(tmp_path, "blocks/unit.arch", BLOCKS.replace("relu", "relo"))
    network(tmp_path, "a.arch", USER)
    network(tmp_path, "b.arch", USER)
    done = run("check", ".")
    assert done.out.count("error[") == 1


def test_use_stays_in_the_folder_or_the_project(run: Run, tmp_path: Path) -> None:
    network(tmp_path, "blocks/unit.arch", BLOCKS)
    network(tmp_path, "nets/user.arch", USER.replace("blocks/", "../blocks/"))
    assert run("check", "nets").code == 1
    assert run("check", "nets/user.arch").code == 1
    assert run("check", "nets", "--project", ".").code == 0
    assert run("check", ".").code == 0


@pytest.mark.parametrize("format", ["json", "sarif"])
def test_check_for_machines(run: Run, tmp_path: Path, format: str) -> None:
    network(tmp_path, "broken.arch", BROKEN)
    done = run("check", "broken.arch", "--format", format)
    assert done.code == 1
    assert json.loads(done.out)["version"] in (1, "2.1.0")
    done = run("check", "no.arch", "--format", format)
    assert done.code == 2
    assert "A501" in done.out


def test_check_for_editors_and_github(run: Run, tmp_path: Path) -> None:
    network(tmp_path, "broken.arch", BROKEN)
    assert run("check", "broken.arch", "--format", "concise").out.startswith("broken.arch:3:")
    assert run("check", "broken.arch", "--format", "github").out.startswith("::error file=broken")


@pytest.mark.parametrize("data", [b"\xff\xfe\0\1", b"\0" * 100, bytes(range(256)) * 10])
def test_binary_junk(run: Run, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "junk.arch").write_bytes(data)
    for done in (run("check", "junk.arch"), run("build", "-", stdin=data)):
        assert done.code == 1
        assert "Traceback" not in done.err


def test_colour(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network(tmp_path, "broken.arch", BROKEN)
    assert "\x1b" not in run("check", "broken.arch").out
    assert "\x1b[" in run("check", "broken.arch", "--color", "always").out
    assert "\x1b[" in run("--color=always", "check", "broken.arch").out
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert "\x1b[" in run("check", "broken.arch").out
    assert "\x1b" not in run("check", "broken.arch", "--color", "never").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run("check", "broken.arch").out


# --- draw --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ending", "magic"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("dot", b"digraph")]
)
def test_draw(run: Run, tmp_path: Path, ending: str, magic: bytes) -> None:
    network(tmp_path)
    done = run("draw", "tiny.arch", "-o", f"out.{ending}")
    assert done.code == 0, done.err
    assert (tmp_path / f"out.{ending}").read_bytes().startswith(magic)
    assert run("draw", "tiny.arch", "-o", f"out.{ending}").err.startswith("up to date")
    (tmp_path / f"out.{ending}").write_bytes(magic + b" somebody's")
    assert run("draw", "tiny.arch", "-o", f"out.{ending}").code == 2


def test_draw_without_a_name_is_an_svg(run: Run, tmp_path: Path) -> None:
    network(tmp_path)
    assert run("draw", "tiny.arch").code == 0
    assert (tmp_path / "tiny.svg").exists()


def test_draw_views_and_pages(run: Run, tmp_path: Path) -> None:
    (tmp_path / "tiny.arch").write_text(TINY)
    assert run("draw", "tiny.arch", "-o", "page.html").code == 0
    page = (tmp_path / "page.html").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    markup = re.sub("<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.findall(r"""(?:src|href)=["'](?!data:,)""", markup), "it needs no other file"
    assert run("draw", "tiny.arch", "-o", "page.html").err.startswith("up to date")
    (tmp_path / "tiny.arch").write_text(TINY.replace("classes = 10", "classes = 11"))
    assert run("draw", "tiny.arch", "-o", "page.html").err.startswith("wrote")
    assert run("draw", "tiny.arch", "-o", "net.mmd").code == 0
    assert "flowchart TB" in (tmp_path / "net.mmd").read_text("utf-8")
    assert run("draw", "tiny.arch", "--view", "paper", "--theme", "dark").code == 0
    done = run("draw", "tiny.arch", "--format", "dot", "--depth", "0", "-o", "-")
    assert done.out.startswith("digraph")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--expand", "layer9"), "no block or group 'layer9'; did you mean 'layer"),
        (("--view", "paper", "--depth", "1"), "--direction and --columns go with the views"),
        (("--view", "paper", "-o", "x.html"), "the view paper is no html"),
        (("--theme", "dark", "-o", "x.tex"), "a drawing as tikz has light colours alone"),
        (("--direction", "right", "-o", "x.html"), "a page goes down"),
        (("--watch", "-o", "-"), "--open and --watch need a file"),
        (("--depth", "-1"), "not a whole number of at least 0"),
    ],
)
def test_draw_refuses(run: Run, tmp_path: Path, flags: tuple[str, ...], said: str) -> None:
    done = run("draw", "resnet18", *flags)
    assert done.code == 2
    assert said in done.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        (("check", ""), "INPUT"),
        (("fmt", ""), "INPUT"),
        (("build", ""), "INPUT"),
        (("build", "tiny.arch", "-o", ""), "-o"),
        (("check", "tiny.arch", "--project", ""), "--project"),
        (("draw", "tiny.arch", "--only", ""), "--only"),
        (("runs", ""), "FOLDER"),
    ],
    ids=" ".join,
)
def test_an_empty_name_is_not_this_folder(
    run: Run, tmp_path: Path, argv: tuple[str, ...], named: str
) -> None:
    """`archc fmt "$NETS"` with the variable unset must not lay out all that is here."""
    (tmp_path / "tiny.arch").write_text(TINY.replace("; ", " ;  "))
    done = run(*argv)
    assert done.code == 2
    assert f"error: argument {named}: it is empty" in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.arch"]
    assert " ;  " in (tmp_path / "tiny.arch").read_text()


@pytest.mark.parametrize(
    ("stem", "said"),
    [
        ("class", "class.py has a name that `import` does not take"),
        ("1net", "1net.py has a name that `import` does not take"),
        ("numbers", "numbers.py hides the module `numbers` from scripts in its folder"),
        ("torch", "torch.py hides the module `torch` from scripts in its folder"),
        ("my-net", ""),  # my_net.py
    ],
)
def test_a_module_that_python_would_not_find_is_told(
    run: Run, tmp_path: Path, stem: str, said: str
) -> None:
    (tmp_path / f"{stem}.arch").write_text(TINY)
    done = run("build", f"{stem}.arch")
    assert done.code == 0
    assert said in done.err
    assert len(done.err.splitlines()) == (2 if said else 1)
    if stem != "my-net":
        done = run("build", f"{stem}.arch", "-o", "fine.py")
        assert len(done.err.splitlines()) == 1


def test_draw_opens_what_it_drew(tmp_path: Path) -> None:
    opener = tmp_path / "opener"
    opener.write_text('#!/bin/sh\necho "$1" > opened\n')
    opener.chmod(0o755)
    network(tmp_path)
    with start("draw", "tiny.arch", "--open", cwd=tmp_path, BROWSER=f"{opener} %s") as done:
        assert done.communicate(timeout=60)[1].startswith(b"wrote tiny.svg")
    assert done.returncode == 0
    address = (tmp_path / "opened").read_text().strip()
    assert address == (tmp_path / "tiny.svg").resolve().as_uri()


@pytest.mark.parametrize("ending", ["svg", "png", "html", "dot", "mmd"])
def test_draw_leaves_nothing_of_a_mistake(run: Run, tmp_path: Path, ending: str) -> None:
    network(tmp_path, text="input 8x8 x3\nconv 9x9 x4\n")
    done = run("draw", "tiny.arch", "-o", f"out.{ending}")
    assert (done.code, done.out) == (1, "")
    assert "a window of 9 does not fit into a height of 8" in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.arch"]


@pytest.mark.parametrize(
    ("script", "seconds", "said"),
    [
        ("echo half a picture; echo Error: oops >&2; exit 1", "60", "dot failed: Error: oops"),
        ("exec /bin/sleep 60", "0.2", "dot did not finish in 0.2 s"),
    ],
)
def test_draw_with_an_engine_that_fails(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, seconds: str, said: str
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "dot").write_text(f"#!/bin/sh\n{script}\n")
    (programs / "dot").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    network(tmp_path)
    done = run("draw", "tiny.arch", "--timeout", seconds)
    assert done.code == 2
    assert said in done.err
    assert not (tmp_path / "tiny.svg").exists()


def test_draw_dot_needs_no_engine(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network(tmp_path)
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    done = run("draw", "tiny.arch", "--format", "dot", "-o", "-")
    assert done.code == 0
    assert done.out.startswith("digraph")
    done = run("draw", "tiny.arch")
    assert done.code == 2
    assert "pip install graphviz-pure" in done.err


# --- list, explain, help -----------------------------------------------------------------


@pytest.fixture
def two_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meta = '\nmeta { paper "A Tiny Network"; year 2026 }\n'
    for name in ("n10", "n9"):
        network(tmp_path, f"{name}.arch", TINY + meta)
    monkeypatch.setattr(data, "ARCHS", tmp_path)  # `api.bundled` a module could import for good


@pytest.mark.usefixtures("two_networks")
def test_list(run: Run) -> None:
    done = run("list")
    assert done.code == 0
    head, nine, ten = done.out.splitlines()
    assert head.split() == ["name", "parameters", "MACs", "year", "paper"]
    assert nine.split(maxsplit=4) == ["n9", "162", "6.95k", "2026", "A Tiny Network"]
    assert ten.startswith("n10")


@pytest.mark.usefixtures("two_networks")
def test_list_as_json(run: Run) -> None:
    first = json.loads(run("list", "--format", "json").out)[0]
    assert (first["name"], first["network"], first["params"]) == ("n9", "Tiny", 162)


def test_list_goes_by_families(run: Run) -> None:
    """Those of the lecture first: LeNet to SqueezeNet, then what came after."""
    blocks = run("list").out.split("\n\n")[1:]
    families = [block.partition("\n")[0] for block in blocks]
    assert families[:3] == ["LeNet", "AlexNet", "NiN"]
    assert families.index("SqueezeNet") < families.index("MobileNet") < families.index("RegNet")
    assert len(families) == len(set(families)), "each is in one place"
    assert sum(len(block.strip().splitlines()) - 1 for block in blocks) == len(archc.bundled())


@pytest.mark.parametrize(
    ("words", "families"),
    [
        (("regnet",), {"RegNet": 15}),
        (("RegNet", "_y_"), {"RegNet": 8}),
        (("howard", "2019"), {"MobileNet": 2, "Segmentation": 1}),
    ],
)
def test_list_of_some(run: Run, words: tuple[str, ...], families: dict[str, int]) -> None:
    rows = json.loads(run("list", *words, "--format", "json").out)
    assert Counter(row["family"] for row in rows) == families


def test_list_of_none(run: Run) -> None:
    done = run("list", "transformer")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("archc: no bundled network has 'transformer' in its name")


def test_explain(run: Run) -> None:
    done = run("explain", "a501")
    assert done.code == 0
    assert done.out.startswith("A501: a file cannot be read\n")
    assert "A501  a file cannot be read" in run("explain").out


def test_version_and_help(run: Run) -> None:
    assert run("--version").out == f"archc {archc.__version__}\n"
    assert run("--help").out.startswith("usage: archc")
    for command in ("build", "check", "draw", "list", "explain"):
        assert run(command, "--help").code == 0


def test_flags_offer_what_a_drawing_takes() -> None:
    from archc import draw
    from archc.cli.arguments import parser
    from archc.cli.arguments.values import parts

    (commands,) = (a.choices for a in parser()._actions if a.dest == "command")
    assert commands is not None
    flags = {a.dest: a for a in commands["draw"]._actions}  # type: ignore[index]
    known = {"view": draw.VIEWS, "theme": draw.THEMES, "paper": tuple(draw.SHEETS)}
    assert {name: flags[name].choices for name in known} == known
    for names in (draw.HIDEABLE, draw.HIDEABLE[:1]):
        assert draw.DrawStyle(hidden=parts(",".join(names))).hidden == {*names}
    source = Path(cli.__file__).parent
    for value in (*draw.SHEETS, "engineer", "legend"):  # said in one place alone
        texts = (path.read_text(encoding="utf-8") for path in source.rglob("*.py"))
        assert not [t for t in texts if f'"{value}", ' in t or f', "{value}"' in t], value


def test_help_imports_nothing_that_takes_time() -> None:
    program = "import sys; from archc.cli import main; main(['--help']); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=environment(),
    )
    loaded = set(done.stdout.splitlines()[-1].split())
    heavy = {"typing", "dataclasses", "pathlib", "inspect", "shutil", "importlib.metadata"}
    assert loaded & heavy == set()
    ours = {name for name in loaded if name.startswith("archc")}
    parsing = {f"archc.cli.arguments{part}" for part in ("", ".commands", ".shared", ".values")}
    assert ours == {
        *("archc", "archc.choices", "archc.cli", "archc.cli.exit_codes", "archc.recursion"),
        *parsing,
    }


# --- when it goes wrong ------------------------------------------------------------------


def test_an_internal_error_is_one_line(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("oops")

    network(tmp_path)
    monkeypatch.setattr(api, "analyze", broken)
    done = run("check", "tiny.arch")
    assert done.code == 70
    assert done.err.count("\n") == 1
    assert "internal error: KeyError: 'oops'" in done.err
    with pytest.raises(KeyError):
        run("check", "tiny.arch", "--traceback")
    monkeypatch.setenv("ARCHC_TRACEBACK", "1")
    with pytest.raises(KeyError):
        run("check", "tiny.arch")


@posix_only
def test_a_closed_pipe_is_quiet(tmp_path: Path) -> None:
    for argv in (("explain",), ("--help",), ("list",)):
        with start(*argv, cwd=tmp_path) as process:
            assert process.stdout
            assert process.stderr
            process.stdout.close()
            assert process.stderr.read() == b""
        assert process.returncode in (0, CLOSED_PIPE)


@posix_only
def test_control_c_is_quiet(tmp_path: Path) -> None:
    process = start("check", "-", cwd=tmp_path)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(2)  # time to get going, on a busy machine too
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, out, err) == (130, b"", b"")


@posix_only
@pytest.mark.parametrize("started", ["module", "script"])
def test_control_c_is_quiet_while_archc_is_imported(started: str) -> None:
    """Pressed as soon as the arguments are read in, however the program was started."""
    with open(Path(__file__).parents[1] / "pyproject.toml", "rb") as file:
        script = tomllib.load(file)["project"]["scripts"]["archc"]
    starts = {
        "module": "import runpy; runpy.run_module('archc', run_name='__main__')",
        "script": f"from {script.replace(':', ' import ')}; sys.exit({script.partition(':')[2]}())",
    }
    program = f"""
import os, signal, sys
class Pressed:
    def find_spec(self, name, *_):
        if name == "archc.cli.arguments":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Pressed())
{starts[started]}
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, env=environment(), timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@posix_only
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("argv", ["explain", "--help", "--version", "draw --help"])
def test_a_full_disk_behind_standard_output(argv: str, unbuffered: str) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "archc", *argv.split()],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(PYTHONUNBUFFERED=unbuffered),
        )
    assert done.returncode == 2
    assert done.stderr == b"archc: cannot write to standard output: No space left on device\n"


@posix_only
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("argv", ["build tiny.arch", "check broken.arch", "nosuch", "list"])
def test_a_full_disk_behind_all_that_is_said(argv: str, unbuffered: str, tmp_path: Path) -> None:
    """Where nothing can be said the exit code does, and not Python's own of 120."""
    network(tmp_path)
    network(tmp_path, "broken.arch", BROKEN)
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "archc", *argv.split()],
            stdout=full,
            stderr=full,
            cwd=tmp_path,
            env=environment(PYTHONUNBUFFERED=unbuffered),
        )
    assert done.returncode == 2


@posix_only
@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ("build tiny.arch", "cannot write tiny.py"),
        ("new mine", "cannot write mine.arch"),
        ("fmt tiny.arch", "cannot format tiny.arch"),
        ("check --fix wrong.arch", "cannot fix wrong.arch"),
    ],
)
def test_a_full_disk_behind_a_file(argv: str, says: str, tmp_path: Path) -> None:
    """Here one that takes no byte: one line says so, and all is as it was."""
    texts = {
        "tiny.arch": TINY.replace("conv ", "conv  "),
        "wrong.arch": TINY.replace("conv", "conv2d"),
    }
    for name, text in texts.items():
        network(tmp_path, name, text)
    program = (
        "import resource, sys; from archc.cli import main;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", program, *argv.split()],
        capture_output=True,
        cwd=tmp_path,
        env=environment(),
    )
    assert (done.returncode, done.stderr.decode()) == (2, f"archc: {says}: file too large\n")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == texts


@posix_only
def test_a_terminal_without_unicode(tmp_path: Path) -> None:
    network(tmp_path, "한.arch", BROKEN.replace("conv", "# 한\nconv"))
    process = start("check", "한.arch", cwd=tmp_path, PYTHONIOENCODING="ascii")
    out, err = process.communicate()
    assert process.returncode == 1
    assert b"\\ud55c.arch:4:" in out
    assert err == b""


@posix_only
@pytest.mark.parametrize(
    ("command", "stdin", "why"),
    [
        ("lsp", "<&-", "it is closed"),
        ("fmt -", "<&-", "it is closed"),
        ("check -", ">{}", "bad file descriptor"),
        ("build -", ">{}", "bad file descriptor"),
    ],
)
def test_no_standard_input(command: str, stdin: str, why: str, tmp_path: Path) -> None:
    """None, or one for writing alone: it is not standard output that is told of."""
    stdin = f"0{stdin.format(tmp_path / 'written')}"
    done = subprocess.run(
        f"{sys.executable} -m archc {command} {stdin}",
        shell=True,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=environment(),
    )
    assert done.returncode == 2
    assert f"cannot read standard input: {why}" in done.stdout + done.stderr
    assert "output" not in done.stdout + done.stderr


@posix_only
def test_a_closed_standard_output(tmp_path: Path) -> None:
    network(tmp_path)
    done = subprocess.run(
        f"{sys.executable} -m archc check tiny.arch >&-",
        shell=True,
        cwd=tmp_path,
        capture_output=True,
        env=environment(),
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_build_shows_the_edit_that_it_refuses_to_lose(run: Run, tmp_path: Path) -> None:
    network(tmp_path)
    run("build", "tiny.arch")
    out = tmp_path / "tiny.py"
    out.write_text(
        out.read_text(encoding="utf-8").replace("import torch\n", "import torch  # mine\n"),
        encoding="utf-8",
    )
    done = run("build", "tiny.arch")
    assert done.code == 2
    assert "-import torch  # mine\n+import torch\n" in done.err


def test_build_makes_folders(run: Run, tmp_path: Path) -> None:
    network(tmp_path)
    assert run("build", "tiny.arch", "-o", "a/b/net.py").code == 0
    assert (tmp_path / "a/b/net.py").is_file()


def test_build_check_writes_nothing(run: Run, tmp_path: Path) -> None:
    network(tmp_path)
    missing = run("build", "tiny.arch", "--check")
    assert (missing.code, list(tmp_path.glob("*.py"))) == (1, [])
    assert "is not there" in missing.err
    run("build", "tiny.arch")
    out = tmp_path / "tiny.py"
    text = out.read_text(encoding="utf-8")
    assert run("build", "tiny.arch", "--check").code == 0
    out.write_bytes(text.replace("\n", "\r\n").encode())
    assert run("build", "tiny.arch", "--check").code == 0, "line ends of another system"
    old = run("build", "tiny.arch", "--check", "-D", "classes=5")
    assert old.code == 1
    assert "out of date" in old.err
    assert "classes: int = 5" in old.err
    edited = text.replace("relu", "elu")
    out.write_text(edited, encoding="utf-8")
    done = run("build", "tiny.arch", "--check")
    assert done.code == 1
    assert "was edited" in done.err
    assert out.read_text(encoding="utf-8") == edited
    assert run("build", "tiny.arch", "--check", "--force").code == 2


def test_a_param_is_set_once(run: Run, tmp_path: Path) -> None:
    network(tmp_path)
    done = run("summary", "tiny.arch", "-D", "classes=5", "-D", "classes=6")
    assert done.code == 2
    assert "-D classes is given twice" in done.err
    done = run("check", "tiny.arch", "-D", "classes=5", "-D", "classes=6")
    assert (done.code, done.out) == (2, ""), "nothing was checked"


@pytest.mark.parametrize(
    "argv",
    [
        ("draw", "tiny.arch", "--only", "a", "--only", "a"),
        ("draw", "tiny.arch", "--depth", "0", "--depth=1"),
        ("draw", "tiny.arch", "--columns", "1", "--columns", "2"),
        ("draw", "tiny.arch", "--paper", "a4", "--paper", "letter"),
        ("draw", "tiny.arch", "--without", "title", "--without", "legend"),
        ("build", "tiny.arch", "--with", "device", "--with", "zero-init"),
        ("summary", "tiny.arch", "--columns", "name", "--columns", "op"),
        ("verify", "tiny.arch", "--only", "state", "--only", "counts"),
        ("draw", "tiny.arch", "--view", "paper", "--view", "engineer"),
        ("draw", "tiny.arch", "--view", "engineer", "--view", "engineer"),
        ("build", "tiny.arch", "-o", "a.py", "-o", "b.py"),
        ("summary", "tiny.arch", "--format", "text", "--format", "json"),
        ("summary", "tiny.arch", "--batch", "1", "--batch", "2"),
        ("verify", "tiny.arch", "--timeout", "1", "--timeout", "2.5"),
        ("check", "tiny.arch", "--max-steps", "1000", "--max-steps", "2000"),
        ("check", "tiny.arch", "--project", ".", "--project", ".."),
        ("check", "tiny.arch", "--color", "never", "--color", "always"),
    ],
)
def test_a_flag_of_one_value_is_given_once(run: Run, tmp_path: Path, argv: tuple[str, ...]) -> None:
    network(tmp_path)
    done = run(*argv)
    assert (done.code, done.out) == (2, "")
    one, other = argv[3], argv[5] if len(argv) > 5 else argv[4].partition("=")[2]
    assert f"error: argument {argv[2]}: it is given twice, {one} and {other}: " in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.arch"]
