"""A table on a terminal, fitted to its width: narrower columns, then fewer, and no number split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from archc.report.characters import cells
from archc.report.tables import Column, Sheet

_BETWEEN = 3  # cells between two columns
_EDGES = 2  # beside the first and the last
_LONGEST_WORD = 16  # a longer one may be broken where room is short


class TerminalTable:
    """A sheet that rich can print."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self._rows = [
            ["  " * line.level + first, *rest]
            for line in sheet.lines
            for first, *rest in [sheet.shown(line)]
        ]
        shown = zip(*self._rows, strict=True) if self._rows else ((),) * len(sheet.columns)
        self._cells: list[tuple[str, ...]] = list(shown)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        widths = self._fitted(options.max_width)
        sheet, kept = self.sheet, len(widths)
        if sheet.head:
            yield Text(sheet.head, style="bold")
        yield from (Text(line, style="dim") for line in sheet.notes)
        yield self._table(widths)
        if kept < len(sheet.columns):
            missing = ", ".join(column.heading for column in sheet.columns[kept:])
            yield Text(f"no room here for: {missing}", style="dim")
        yield from map(Text, sheet.foot)

    def _table(self, widths: Sequence[int]) -> Table:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for column, width in zip(self.sheet.columns, widths, strict=False):
            side: Literal["left", "right"] = "right" if column.numeric else "left"
            table.add_column(Text(column.heading), justify=side, overflow="fold", width=width)
        for line, row in zip(self.sheet.lines, self._rows, strict=True):
            style = "bold" if line.strong else None
            table.add_row(*map(Text, row[: len(widths)]), style=style)
        return table

    def _fitted(self, width: int) -> list[int]:
        """The widths of the columns that have room, from the first on."""
        columns = self.sheet.columns
        widths = [self._whole(at) for at in range(len(columns))]
        least = [self._least(column, at) for at, column in enumerate(columns)]
        while len(least) > 1 and _total(least) > width:
            least.pop()
        widths = widths[: len(least)]
        while (excess := _total(widths) - width) > 0:
            slack = [have - need for have, need in zip(widths, least, strict=True)]
            if not any(slack):
                break
            most = slack.index(max(slack))
            widths[most] -= min(excess, max(1, slack[most] // 2))
        return widths

    def _whole(self, at: int) -> int:
        """Room for every cell of a column in one line."""
        return max(map(cells, (self.sheet.columns[at].heading, *self._cells[at])))

    def _least(self, column: Column, at: int) -> int:
        """Room for what may not be broken: numbers with their units, shapes, and short words."""
        heading = map(cells, column.heading.split())
        if column.numeric:
            return max(1, *heading, *map(cells, self._cells[at]))
        words = (word for cell in self._cells[at] for word in cell.split())
        rooms = (cells(w) if w[0].isdigit() else min(cells(w), _LONGEST_WORD) for w in words)
        return max(1, *heading, *rooms)


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _BETWEEN * (len(widths) - 1) + _EDGES
