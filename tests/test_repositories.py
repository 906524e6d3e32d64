"""docs/repositories.md: the hooks, as pre-commit calls them, and the workflow's commands."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

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
