"""A module imports from its own package or lower floors, and no two modules import each other."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "dsl" / "archc"
DOCUMENT = PACKAGE.parents[1] / "docs" / "architecture.md"


def floors() -> dict[str, int]:
    """Package to floor, the ground floor 0: the rows of the table in docs/architecture.md."""
    text = DOCUMENT.read_text(encoding="utf-8").partition("## Floors")[2]
    table = [line for line in text.partition("\n## ")[0].splitlines() if line.startswith("| `")]
    cells = [re.findall(r"`(\w+)`", line.split("|")[1]) for line in reversed(table)]
    return {package: floor for floor, packages in enumerate(cells) for package in packages}


FLOORS = floors()


@cache
def modules() -> dict[str, Path]:
    """Dotted names below archc. The package and its __main__ stand above all floors."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        if name and name != "__main__":
            found[name] = path
    return found


@cache
def imports(path: Path, name: str) -> set[str]:
    """Modules of archc that a module imports anywhere in it, for types only or inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"archc.{name} line {node.lineno}: import by the full name"
            module = node.module or ""
            found |= {f"{module}.{alias.name}" for alias in node.names}
    known = modules()
    inside = (full.removeprefix("archc.") for full in found if full.startswith("archc."))
    return {part for full in inside if (part := _module(full, known)) and part != name}


def _module(full: str, known: dict[str, Path]) -> str | None:
    """`source.Span` -> `source`."""
    while full and full not in known:
        full = full.rpartition(".")[0]
    return full or None


def package(name: str) -> str:
    """`draw.scene` -> `draw`."""
    return name.partition(".")[0]


@pytest.mark.parametrize("name", sorted({package(name) for name in modules()}))
def test_every_package_has_a_floor(name: str) -> None:
    assert name in FLOORS, "give it a row in docs/architecture.md"


@pytest.mark.parametrize(("name", "path"), modules().items(), ids=modules())
def test_imports_go_down(name: str, path: Path) -> None:
    others = {other for other in imports(path, name) if package(other) != package(name)}
    up = {other for other in others if FLOORS[package(other)] >= FLOORS[package(name)]}
    assert not up, f"archc.{name} imports from its own floor or higher ones: {up}"


def test_no_cycles() -> None:
    graph = {name: imports(path, name) for name, path in modules().items()}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail[trail.index(name) :], name))
        if name not in done:
            for other in graph[name]:
                visit(other, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_floors_name_only_what_exists() -> None:
    tops = {package(name) for name in modules()}
    assert set(FLOORS) <= tops, set(FLOORS) - tops


def test_no_class_name_stands_twice() -> None:
    """Who searches for a class finds one thing; operators and nodes of the tree keep theirs."""
    homes: dict[str, list[str]] = {}
    for name, path in modules().items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name, []).append(f"archc.{name} line {node.lineno}")
    twice = {cls: found for cls, found in homes.items() if len(found) > 1}
    assert not twice, (
        f"say in the name what sets the one apart, as CONTRIBUTING's words do: {twice}"
    )
