"""A comparison as text: totals, then what changed, a line a statement."""

from __future__ import annotations

from collections.abc import Iterator

from archc.diffs.comparison import NetworkDiff
from archc.diffs.lines import DiffRow, block_rows, rows_of
from archc.diffs.totals import text as totals_text
from archc.report.diagnostics import Paint
from archc.report.spelling.numbers import human

_WIDEST = 76  # columns of the statements; longer ones push their numbers to the right
LEGEND = "~ changed   + added   - removed   = renamed   . follows from something else"


def text(diff: NetworkDiff, *, color: bool = False) -> str:
    """For people: readable without colours, by the marks at the start of the lines."""
    return "".join(f"{line}\n" for line in _lines(diff, Paint(color)))


def _lines(diff: NetworkDiff, paint: Paint) -> Iterator[str]:
    names = diff.left.name, diff.right.name
    yield paint("title", " -> ".join(names))
    yield ""
    if diff.empty:
        yield f"no difference ({diff.totals[0].left:,} parameters, {diff.totals[1].left:,} MACs)"
        return
    yield totals_text(diff.totals, diff.names).rstrip("\n")
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
    grid = _Grid([*parts, *(row for rows in blocks for row in rows)], paint)
    yield from grid.lines(parts, heading=True)
    for rows in blocks:
        yield ""
        yield from grid.lines(rows)
    if diff.recipe:
        yield ""
        yield paint("title", "train")
        for mark, line in diff.recipe:
            yield paint("removed" if mark == "-" else "added", f"  {mark} {line}")
    yield ""
    yield paint("quiet", LEGEND)


class _Grid:
    """Lines with their numbers in columns."""

    def __init__(self, rows: list[DiffRow], paint: Paint) -> None:
        self.paint = paint
        widths = [len(_text(row)) for row in rows]
        self.width = min(max(widths, default=0), _WIDEST)
        self.shape = max((len(shape_difference(row)) for row in rows), default=0)
        self.params = max((len(whole_difference(row.params)) for row in rows), default=0)
        self.params = max(self.params, len("params")) if self.params else 0

    def lines(self, rows: list[DiffRow], heading: bool = False) -> Iterator[str]:
        if heading and rows:
            head = " " * self.width + "  " + ("output" if self.shape else "").ljust(self.shape)
            yield self.paint("quiet", f"{head}  {'params':>{self.params}}  {'MACs':>7}".rstrip())
        for row in rows:
            numbers = (
                f"{whole_difference(row.params):>{self.params}}  {human_difference(row.macs):>7}"
            )
            tail = f"  {shape_difference(row):<{self.shape}}  {numbers}".rstrip()
            line = f"{_text(row):<{self.width}}{tail}" if tail else _text(row)
            yield self.paint(_STYLES[row.state], line.rstrip())


_STYLES = {
    "added": "added", "removed": "removed", "changed": "changed", "inside": "plain",
    "follows": "quiet", "renamed": "other", "block": "title",
}  # fmt: skip


def _text(row: DiffRow) -> str:
    return f"{'  ' * row.level}{row.mark} {row.text}" if row.mark else row.text


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
