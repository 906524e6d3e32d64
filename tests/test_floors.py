"""A module imports from its own floor or lower ones, and no two modules import each other."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "dsl" / "archc"

# Also drawn, with what each is for, in docs/architecture.md.
FLOORS: dict[str, int] = {
    module: floor
    for floor, modules in enumerate(
        (
            "source data symbol",
            "syntax comments tables machine builder recovery expected mistakes parser files "
            "explain gpus",
            "ops",
            "plan evaluate params bind misfits naming linking fitting lower elaborate sections "
            "recipe graph",
            "passes conformance",
            "format draw engine emit report render tabular capacity throughput plot timing "
            "explanation changes notation measures folding summary lecture terms",
            "api net comparison export verification",
            "cli arguments outcome inputs commands reference",
        )
    )
    for module in modules.split()
}


def test_the_document_names_every_module() -> None:
    text = (PACKAGE.parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = "\n".join(line for line in text.splitlines() if line.startswith("|"))
    named = {word.rstrip("/") for word in re.findall(r"`([\w/]+)`", rows)}
    assert set(FLOORS) <= named, set(FLOORS) - named


def modules() -> dict[str, Path]:
    """Dotted names below archc. The package and its __main__ stand above all floors."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        if name and name != "__main__":
            found[name] = path
    return found


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


def floor(name: str) -> int:
    return FLOORS[name.partition(".")[0]]


@pytest.mark.parametrize("name", modules())
def test_every_module_has_a_floor(name: str) -> None:
    assert name.partition(".")[0] in FLOORS, "give it a floor here and in docs/architecture.md"


@pytest.mark.parametrize(("name", "path"), modules().items(), ids=modules())
def test_imports_go_down(name: str, path: Path) -> None:
    up = {other for other in imports(path, name) if floor(other) > floor(name)}
    assert not up, f"archc.{name} (floor {floor(name)}) imports from higher floors: {up}"


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
    tops = {name.partition(".")[0] for name in modules()}
    assert set(FLOORS) <= tops, set(FLOORS) - tops
