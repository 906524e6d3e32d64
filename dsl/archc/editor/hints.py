"""The shape behind a line, where the line changes it and its comment does not say it already."""

from __future__ import annotations

import re
from collections.abc import Callable

from archc import syntax
from archc.editor.shapes import format_common
from archc.editor.snapshot import Snapshot, line_of
from archc.ops import Shape
from archc.plan import Branches, Call, Tensor
from archc.record import record
from archc.syntax.walk import sequences


@record
class ShapeHint:
    """What to show behind a line, counted from 0. `stale`: from before a mistake further up."""

    line: int
    text: str
    tooltip: str
    stale: bool = False


class HintMemory:
    """The hints of a text while it is edited: below a mistake the last good ones stay."""

    def __init__(self) -> None:
        self.hints: tuple[ShapeHint, ...] = ()
        self._lines: list[str] = []

    def update(self, snapshot: Snapshot) -> tuple[ShapeHint, ...]:
        """Return the hints of a newer text."""
        lines = snapshot.text.split("\n")
        fresh = shape_hints(snapshot)
        found = {line: hint for line, hint in fresh.items() if hint is not None}
        if not snapshot.analysis.ok:
            moved = _moved(self._lines, lines)
            for hint in self.hints:
                line = moved(hint.line)
                if line is not None and line not in fresh:
                    found[line] = ShapeHint(line, hint.text, _STALE, stale=True)
        self._lines = lines
        self.hints = tuple(found[line] for line in sorted(found))
        return self.hints


_MOST_SHAPES = 6
_STALE = "as of the last text without a mistake above this line"


def shape_hints(snapshot: Snapshot) -> dict[int, ShapeHint | None]:
    """Return the hint of each line whose shape is known; None where there is nothing to show."""
    ends: dict[int, tuple[int, int]] = {}
    found: dict[int, ShapeHint | None] = {}
    if snapshot.runs is None:
        return found
    for row in sequences(snapshot.file):
        for line, first, last in _by_line(row):
            end = last.span.end, -last.span.start
            if end <= ends.get(line, (-1, 0)):
                continue  # what is around it says what the line makes
            runs = snapshot.runs_of(last)
            shapes = [run.after.shape for run in runs if run.after.shape is not None]
            if shapes:
                ends[line] = end
                starts = runs if first is last else snapshot.runs_of(first)
                before = [_entering(run.node, run.before).shape for run in starts]
                found[line] = _hint(snapshot, line, last, before, shapes)
    return found


def _hint(
    snapshot: Snapshot,
    line: int,
    last: syntax.Statement,
    before: list[Shape | None],
    shapes: list[Shape],
) -> ShapeHint | None:
    """What to show behind a line that ends with a statement, if anything."""
    if [x and x.dims for x in before] == [x.dims for x in shapes] or _is_input(last):
        return None
    text = format_common(shapes)
    if not text or _commented(snapshot.text, last.span.end, text):
        return None
    return ShapeHint(line, text, _tooltip(list(dict.fromkeys(map(str, shapes)))))


def _tooltip(shapes: list[str]) -> str:
    if len(shapes) == 1:
        return "the shape after this line"
    left = len(shapes) - _MOST_SHAPES
    return f"by the call: {', '.join(shapes[:_MOST_SHAPES])}{f' and {left} more' * (left > 0)}"


def _by_line(row: syntax.Sequence) -> list[tuple[int, syntax.Statement, syntax.Statement]]:
    """The first and last statement of a row that make something and end on a line; the line."""
    found: list[tuple[int, syntax.Statement, syntax.Statement]] = []
    for statement in row.statements:
        if isinstance(statement.term, syntax.Let | syntax.Broken):
            continue
        line = line_of(statement.span)
        if found and found[-1][0] == line:
            found[-1] = (line, found[-1][1], statement)
        else:
            found.append((line, statement, statement))
    return found


def _entering(node: object, before: Tensor) -> Tensor:
    """What a statement takes: after a mistake the row itself does not know."""
    return node.input if isinstance(node, Call | Branches) else before


def _is_input(statement: syntax.Statement) -> bool:
    return isinstance(statement.term, syntax.Operation) and statement.term.name.id == "input"


def _commented(text: str, end: int, shape: str) -> bool:
    """Whether the comment behind a statement says its shape."""
    stop = text.find("\n", end)
    comment = text[end : len(text) if stop < 0 else stop].partition("#")[2]
    return bool(comment) and bool(re.search(rf"(?<![\w.]){re.escape(shape)}(?!\w)", comment))


def _moved(old: list[str], new: list[str]) -> Callable[[int], int | None]:
    """Where a line of the old text is in the new one: the same line, above or below what changed.

    Lines in between are what was edited; where they are as many as before, those alike stay.
    """
    most = min(len(old), len(new))
    head = next((at for at in range(most) if old[at] != new[at]), most)
    tail = 0
    while tail < most - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    shift = len(new) - len(old)

    def place(line: int) -> int | None:
        if line < head:
            return line
        if line >= len(old) - tail:
            return line + shift
        return line if not shift and old[line] == new[line] else None

    return place
