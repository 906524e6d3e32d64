"""docs/repositories.md: the hooks, as pre-commit calls them, and the workflow's commands."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path, PureWindowsPath

import pytest

import archc
from archc.api import analyze
from archc.report.diagnostics import github, sarif
from archc.source import Diagnostic, Source

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "repositories.md").read_text(encoding="utf-8")
FENCES = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
NETWORK = "network {name}\ninput 8x8 x3\nconv 3x3 x4; relu\ngap; flatten; fc 10\n"


def hooks() -> dict[str, dict[str, str]]:
    """The entries of .pre-commit-hooks.yaml, each a list of `key: value`."""
    text = (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    entries = re.split(r"^- ", text, flags=re.MULTILINE)[1:]
    found = [dict(re.findall(r"^ *(\w+): (.*)$", entry, re.MULTILINE)) for entry in entries]
    return {hook["id"]: hook for hook in found}


def run(command: str, *names: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    program, *words = [*shlex.split(command), *names]
    assert program == "archc"
    return subprocess.run(
        [sys.executable, "-m", "archc", *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )


def hook(id: str, *names: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A hook, run as pre-commit does it: in the repository's root, names as arguments."""
    pattern = re.compile(hooks()[id]["files"])
    assert all(pattern.search(name) for name in names)
    return run(hooks()[id]["entry"], *names, cwd=cwd)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for name, text in {
        "nets/small.arch": NETWORK.format(name="Small"),
        "nets/a name with blanks é.arch": NETWORK.format(name="Blanks"),
        "blocks/own.arch": "block own(width) { conv 3x3 x(width); relu }\n",
        "nets/deep/uses.arch": 'network Uses\nuse "../../blocks/own.arch"\ninput 8x8 x3\nown(4)\n',
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def names(repository: Path) -> list[str]:
    return sorted(p.relative_to(repository).as_posix() for p in repository.rglob("*.arch"))


def test_the_hooks_are_what_pre_commit_wants() -> None:
    assert set(hooks()) == {"archc-fmt", "archc-check"}
    for entry in hooks().values():
        assert entry["language"] == "python"
        assert entry.keys() >= {"id", "name", "entry", "files"}
        assert re.search(entry["files"], "nets/a.arch")
        assert not re.search(entry["files"], "nets/a.arch.py")
    assert set(re.findall(r"- id: (\S+)", "".join(FENCES))) == set(hooks())


def test_the_hooks_pass_what_is_right(repository: Path) -> None:
    before = [(repository / name).read_bytes() for name in names(repository)]
    for id in hooks():
        done = hook(id, *names(repository), cwd=repository)
        assert done.returncode == 0, done.stderr
    assert [(repository / name).read_bytes() for name in names(repository)] == before


def test_fmt_lays_out_what_the_commit_has(repository: Path) -> None:
    name = "nets/a name with blanks é.arch"
    path = repository / name
    wanted = path.read_text(encoding="utf-8")
    path.write_text(wanted.replace("conv 3x3 x4; relu", "conv   3x3  x4 ;relu"), encoding="utf-8")
    done = hook("archc-fmt", name, "nets/small.arch", cwd=repository)
    assert done.returncode == 0  # pre-commit sees that a file has changed, and stops
    assert path.read_text(encoding="utf-8") == wanted


def test_check_stops_at_a_mistake(repository: Path) -> None:
    path = repository / "blocks/own.arch"
    path.write_text("block own(width) { conv 3x3 x(widht); relu }\n", encoding="utf-8")
    done = hook("archc-check", *names(repository), cwd=repository)
    assert done.returncode == 1
    assert "blocks/own.arch:1:30" in done.stdout
    assert "did you mean `width`" in done.stdout


def test_nothing_leaves_the_repository(repository: Path) -> None:
    outside = repository.parent / "outside.arch"
    outside.write_text("block out() { relu }\n", encoding="utf-8")
    path = repository / "nets/small.arch"
    text = f'network S\nuse "../../{outside.name}"\ninput 8x8 x3\nout\n'
    path.write_text(text, encoding="utf-8")
    done = hook("archc-check", "nets/small.arch", cwd=repository)
    assert done.returncode == 1
    assert "A5" in done.stdout


# --- this repository ---------------------------------------------------------------------


def test_a_forge_runs_the_readmes_test_command() -> None:
    """On three systems, each with the Pythons that it is for; one that fails ends no other."""
    yaml = pytest.importorskip("yaml")
    workflow = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text(encoding="utf-8"))
    job = workflow["jobs"]["test"]
    systems, pythons = job["strategy"]["matrix"]["os"], job["strategy"]["matrix"]["python"]
    assert {name.partition("-")[0] for name in systems} == {"ubuntu", "macos", "windows"}
    assert not job["strategy"]["fail-fast"]
    oldest = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert pythons[0] == oldest["requires-python"].removeprefix(">=")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    marked = re.search(r"<!-- test command -->\n```sh\n(.*)\n```\n", readme)
    assert marked is not None
    _, *wanted = marked[1].split(" && ")  # in the environment that the forge makes
    found = [step["run"] for step in job["steps"] if "run" in step]
    assert [step.removeprefix("python -m ") for step in found] == [
        step.removeprefix(".venv/bin/") for step in wanted
    ]
    assert (ROOT / job["env"]["PIP_CONSTRAINT"]).is_file()


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no checkout of git")
def test_line_ends_are_the_same_on_every_system() -> None:
    """As Git for Windows would check it out, where it turns line ends unless it is told not to."""
    names = ["archs/resnet18.arch", "tests/golden", "docs/commands.md", "web/src/index.html"]
    command = ["git", "-c", "core.autocrlf=true", "check-attr", "eol", *names]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said.count(": eol: lf\n") == len(names)
    listed = subprocess.run(
        ["git", "ls-files", "--eol"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    odd = [line for line in listed.stdout.splitlines() if line.startswith(("i/crlf", "i/mixed"))]
    assert odd == []


@pytest.mark.parametrize(
    "name",
    [
        "lenet5",
        *(
            pytest.param(n, marks=pytest.mark.slow)
            for n in ("resnet18", "googlenet", "densenet121")
        ),
    ],
)
def test_a_checkout_with_windows_line_ends_is_the_same_network(name: str, tmp_path: Path) -> None:
    """Its blocks too: the same source and stamp, no remark, and `fmt` leaves it alone."""
    for path in (ROOT / "archs").rglob("*.arch"):
        copy = tmp_path / path.relative_to(ROOT / "archs")
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    net, copied = archc.load(name), archc.load(tmp_path / f"{name}.arch")
    assert copied.analysis.emit() == net.analysis.emit()
    assert copied.diagnostics == net.diagnostics == ()
    assert run("archc fmt --check", f"{name}.arch", cwd=tmp_path).returncode == 0
    built = run("archc build", f"{name}.arch", cwd=tmp_path)
    assert built.returncode == 0, built.stderr
    written = tmp_path / f"{name}.py"
    assert b"\r" not in written.read_bytes()
    written.write_bytes(written.read_bytes().replace(b"\n", b"\r\n"))  # as git would
    assert run("archc build --check", f"{name}.arch", cwd=tmp_path).returncode == 0
    assert run("archc build", f"{name}.arch", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("format", [github, sarif])
def test_services_are_given_paths_with_slashes(
    format: Callable[[Sequence[Diagnostic]], str],
) -> None:
    """As GitHub finds files, where a file was named as Windows does."""
    name = str(PureWindowsPath("nets", "deep", "a.arch"))
    said = format(analyze(Source(name, "network A\ninput 8x8 x3\nconv x\n")).diagnostics)
    assert "nets/deep/a.arch" in said
    assert name not in said.replace("\\\\", "\\")


@pytest.mark.slow
def test_the_workflow_does_what_it_says(repository: Path) -> None:
    (workflow,) = (fence for fence in FENCES if "runs-on" in fence)
    steps = re.findall(r"- run: (archc .*)", workflow)
    fmt, check, build = steps
    (repository / "nets/a name with blanks é.arch").rename(repository / "nets/other.arch")
    (repository / "nets/deep/uses.arch").unlink()
    written = run(build.replace(" --check", ""), cwd=repository)
    assert written.returncode == 0, written.stderr
    assert [run(step, cwd=repository).returncode for step in steps] == [0, 0, 0]

    path = repository / "nets/small.arch"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("x4; ", "x4 ; "), encoding="utf-8")
    assert run(fmt, cwd=repository).returncode == 1
    path.write_text(text.replace("x4", "x5"), encoding="utf-8")
    assert run(build, cwd=repository).returncode == 1
    path.write_text(text.replace(" x4", ""), encoding="utf-8")
    done = run(check, cwd=repository)
    assert done.returncode == 1
    assert re.search(r"^::error file=nets/small\.arch,line=3,", done.stdout, re.MULTILINE)
