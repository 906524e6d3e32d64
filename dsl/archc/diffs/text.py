"""A comparison as text: totals, then what changed, a line a statement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from archc.diffs.comparison import NetworkDiff
from archc.diffs.lines import DiffRow, block_rows, rows_of
from archc.diffs.totals import text as totals_text
from archc.report.diagnostics import Paint
from archc.report.fitting import fitted, folded, no_room, row_lines
from archc.report.spelling.numbers import human
from archc.report.tables import Column

_WIDEST = 76  # columns of the statements; longer ones push their numbers to the right
LEGEND = "~ changed   + added   - removed   = renamed   . follows from something else"
_COLUMNS = (
    Column("statement", ""),
    Column("output", "output"),
    Column("params", "params", numeric=True),
    Column("macs", "MACs", numeric=True),
)


def text(diff: NetworkDiff, *, color: bool = False, width: int | None = None) -> str:
    """For people: readable without colours, by the marks at the start of the lines.

    `width` is a terminal's; a file has lines as long as they are.
    """
    return "".join(f"{line}\n" for line in _lines(diff, Paint(color), width))


def _lines(diff: NetworkDiff, paint: Paint, width: int | None) -> Iterator[str]:
    def prose(style: str, text: str, hang: int = 0) -> Iterator[str]:
        lines = [text] if width is None else folded(text, width, hang)
        yield from (paint(style, line) for line in lines)

    yield from prose("title", f"{diff.left.name} -> {diff.right.name}")
    yield ""
    if diff.empty:
        yield f"no difference ({diff.totals[0].left:,} parameters, {diff.totals[1].left:,} MACs)"
        return
    yield totals_text(diff.totals, diff.names, width).rstrip("\n")
    yield ""
    parts: list[DiffRow] = [
        DiffRow(0, "changed", f"param {c.name} = {c.left or 'none'} -> {c.right or 'none'}")
        for c in diff.params
    ]
    if diff.moved:
        left, right = (side or "none" for side in diff.devices)
        parts.append(DiffRow(0, "changed", f"devices {left} -> {right}"))
    beside = len(parts)
    parts += rows_of(diff.entries)
    if not parts:
        yield "no difference in the network"
    elif diff.same_network and not beside:
        yield "the same network, with other names"
        yield ""
    blocks = [block_rows(block) for block in diff.blocks]
    grid = _Grid([*parts, *(row for rows in blocks for row in rows)], paint, width)
    yield from grid.heading(parts)
    yield from grid.lines(parts)
    for rows in blocks:
        yield ""
        yield from grid.lines(rows)
    yield from grid.missing()
    if diff.recipe:
        yield ""
        yield paint("title", "train")
        for mark, line in diff.recipe:
            style: str = "removed" if mark == "-" else "added"
            yield from prose(style, f"  {mark} {line}", hang=4)
    yield ""
    yield from prose("quiet", LEGEND)


class _Grid:
    """Lines with their numbers in columns; a column without any is left out."""

    def __init__(self, rows: list[DiffRow], paint: Paint, width: int | None) -> None:
        self.paint = paint
        shown = [*zip(*map(_cells, rows), strict=True)] or [()] * len(_COLUMNS)
        self.used = [at for at, texts in enumerate(shown) if any(texts)]
        self.columns = [_COLUMNS[at] for at in self.used]
        texts = [shown[at] for at in self.used]
        self.kept = fitted(self.columns, texts, width, between=2, folds=width is not None)
        if width is None and self.kept:
            self.kept[0] = replace(self.kept[0], width=min(self.kept[0].width, _WIDEST))

    def heading(self, rows: list[DiffRow]) -> Iterator[str]:
        """What stands above the numbers, where there are lines."""
        if rows and len(self.used) > 1:
            headings = [column.heading for column in self.columns]
            yield from (self.paint("quiet", one) for one in self._row(headings))

    def lines(self, rows: list[DiffRow]) -> Iterator[str]:
        """The lines of some statements, of which those that fold hang in."""
        for row in rows:
            cells = _cells(row)
            made = self._row([cells[at] for at in self.used], hang=len(_before(row)) + 2)
            yield from (self.paint(_STYLES[row.state], line) for line in made)

    def missing(self) -> Iterator[str]:
        """What there was no room for."""
        yield from (self.paint("quiet", line) for line in no_room(self.columns, self.kept))

    def _row(self, texts: Sequence[str], hang: int = 0) -> Iterator[str]:
        return row_lines(self.columns, self.kept, texts, hang=hang)


_STYLES = {
    "added": "added", "removed": "removed", "changed": "changed", "inside": "plain",
    "follows": "quiet", "renamed": "other", "block": "title",
}  # fmt: skip


def _cells(row: DiffRow) -> tuple[str, str, str, str]:
    numbers = whole_difference(row.params), human_difference(row.macs)
    return _before(row) + row.text, shape_difference(row), *numbers


def _before(row: DiffRow) -> str:
    return f"{'  ' * row.level}{row.mark} " if row.mark else ""


def shape_difference(row: DiffRow) -> str:
    """`55x55 x96 -> 110x110 x96`, or nothing."""
    left, right = row.shapes
    if left == right:
        return ""
    return f"{left} -> {right}" if left and right else left or right


def whole_difference(number: int) -> str:
    """`+5,309,696`, or nothing."""
    return f"{number:+,}" if number else ""


def human_difference(number: int) -> str:
    """`+4.16G`, or nothing."""
    return f"{'-' if number < 0 else '+'}{human(abs(number))}" if number else ""
