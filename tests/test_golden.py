"""Golden files: `tests/golden/<case>/in.arch`, and what the compiler makes of it.

A case has whichever of the files in `VIEWS`; `pytest --update-golden` rewrites those that are
there (make an empty one to add it). Cases are found by their folder, and a file that is no view of
anything fails. A program with mistakes has an `errors.txt`, one without has none.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from archc.analysis.graph import node_of, order
from archc.api import Analysis, analyze
from archc.report import diagnostics
from archc.source import Source
from archc.syntax.writing import format_file

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(path.parent for path in GOLDEN.glob("*/in.arch"))


def read(case: Path) -> Analysis:
    """The analysis of a case, under a name that does not depend on where the tests lie."""
    text = (case / "in.arch").read_bytes().decode("utf-8")
    name = case / "in.arch"
    return analyze(Source(str(name), text), project=case)


def tree(analysis: Analysis) -> str:
    return format_file(analysis.file)


def graph(analysis: Analysis) -> str:
    """A line an operator: its key, what it is and where its tensors come from."""
    network = analysis.graph
    lines = []
    for key in order(network):
        node = node_of(network, key)
        entering = sorted((port, source) for source, _, port in network.in_edges(key, data="port"))
        what = (
            f"{node.operator} {node.op.label()}".rstrip() if node.op is not None else node.operator
        )
        lines.append(f"{key}: {what}" + "".join(f" <- {source}" for _, source in entering))
    return "\n".join(lines) + "\n"


def shapes(analysis: Analysis) -> str:
    """A line an operator: its key, its output, its parameters and multiply-accumulates."""
    rows = [node_of(analysis.graph, key) for key in order(analysis.graph)]
    cells = [(n.key, str(n.output), f"{n.params:,}", f"{n.macs:,}") for n in rows]
    cells.append(("all", "", f"{analysis.params:,}", f"{analysis.macs:,}"))
    widths = [max(len(row[at]) for row in cells) for at in range(4)]
    sides = "<<>>"
    lines = ("  ".join(map("{:{}{}}".format, row, sides, widths)) for row in cells)
    return "".join(f"{line}\n" for line in lines)


def errors(analysis: Analysis) -> str:
    """The long form of all diagnostics, paths relative to the case."""
    folder = str(Path(analysis.source.name).parent)
    return diagnostics.text(analysis.diagnostics).replace(f"{folder}/", "")


VIEWS: dict[str, Callable[[Analysis], str]] = {
    "tree.txt": tree,
    "graph.txt": graph,
    "shapes.txt": shapes,
    "model.py": Analysis.emit,
    "placed.py": Analysis.emit_placed,
    "graph.dot": Analysis.draw,
    "errors.txt": errors,
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_golden(case: Path, pytestconfig: pytest.Config) -> None:
    analysis = read(case)
    for name, view in VIEWS.items():
        path = case / name
        if not path.exists():
            continue
        made = view(analysis)
        if pytestconfig.getoption("--update-golden"):
            path.write_text(made, encoding="utf-8", newline="\n")
        assert made == path.read_text(encoding="utf-8"), f"{path}: see `pytest --update-golden`"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_shows_its_mistakes_or_has_none(case: Path) -> None:
    assert bool(read(case).diagnostics) == (case / "errors.txt").exists()
    assert any((case / name).exists() for name in VIEWS), "a case without a golden file"


def test_no_file_is_left_over() -> None:
    """Each file is a case's program, a view, or one that a case uses (in a folder of its own)."""
    for path in GOLDEN.rglob("*"):
        if path.is_dir() and path.parent == GOLDEN:
            assert (path / "in.arch").exists(), f"{path} has no in.arch"
        elif path.is_file() and path.parent.parent == GOLDEN:
            assert path.name in {"in.arch", *VIEWS}, f"nobody claims {path}"
        elif path.is_file():
            assert path.suffix == ".arch", f"nobody claims {path}"
            assert path.name in _texts(path), f"nobody uses {path}"


def _texts(path: Path) -> str:
    case = next(p for p in path.parents if p.parent == GOLDEN)
    return "".join(p.read_text(encoding="utf-8") for p in case.rglob("*.arch") if p != path)
