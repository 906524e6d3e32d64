"""The text of generated networks: what ruff and mypy say, and how long it is.

`ledger.txt` has the classes and lines of every bundled network and of the yardsticks. No change
makes one longer unseen: `pytest tests/test_generated_text.py --update-golden` writes it anew, for a
person to read the diff.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from nets import check_tidy, check_typed

import archc

TESTS = Path(__file__).parent
LEDGER = TESTS / "ledger.txt"
YARDSTICKS = {path.stem: path for path in sorted(TESTS.glob("yardsticks/*.arch"))}
NETWORKS: dict[str, Path] = archc.bundled() | YARDSTICKS


@cache
def source(name: str) -> str:
    return archc.load(NETWORKS[name]).source()


def write(folder: Path) -> None:
    """All generated networks, and those of the golden files."""
    for name in NETWORKS:
        (folder / f"{name}.py").write_text(source(name), encoding="utf-8")
    for path in TESTS.glob("golden/*/model.py"):
        (folder / f"golden_{path.parent.name}.py").write_bytes(path.read_bytes())


def test_ruff_has_nothing_to_say(tmp_path: Path) -> None:
    write(tmp_path)
    check_tidy(tmp_path)


@pytest.mark.slow
def test_mypy_has_nothing_to_say(tmp_path: Path) -> None:
    write(tmp_path)
    check_typed(tmp_path)


# --- the ledger ---------------------------------------------------------------------------------


def counted(name: str) -> tuple[int, int]:
    """Its classes, those of support included, and its lines."""
    lines = source(name).splitlines()
    return sum(line.startswith("class ") for line in lines), len(lines)


def entries() -> dict[str, tuple[int, int]]:
    rows = (line.split() for line in LEDGER.read_text(encoding="utf-8").splitlines()[1:])
    return {name: (int(classes), int(lines)) for name, classes, lines in rows}


def test_no_network_becomes_longer_unseen(pytestconfig: pytest.Config) -> None:
    found = {name: counted(name) for name in NETWORKS}
    if pytestconfig.getoption("--update-golden"):
        width = max(map(len, found))
        rows = [f"{name:{width}} {classes:7} {lines:5}" for name, (classes, lines) in found.items()]
        head = f"{'network':{width}} classes lines"
        LEDGER.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8", newline="\n")
    known = entries()
    changes = []
    for name in sorted(found.keys() | known.keys()):
        for word, before, now in zip(
            ("classes", "lines"), known.get(name, (0, 0)), found.get(name, (0, 0)), strict=True
        ):
            if before != now:
                rose = "ROSE" if now > before else "fell"
                changes.append(f"{name}: {word} {rose} from {before} to {now}")
    assert not changes, "\n".join([*changes, "see `pytest --update-golden`, and read the diff"])
