"""A table on a terminal, fitted to its width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from archc.report.fitting import FittedColumn, fitted, no_room
from archc.report.tables import Sheet

_BETWEEN = 3  # cells between two columns
_EDGES = 2  # beside the first and the last


class TerminalTable:
    """A sheet that rich can print."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self._rows = [
            ["  " * line.level + first, *rest]
            for line in sheet.lines
            for first, *rest in [sheet.shown(line)]
        ]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        sheet = self.sheet
        kept = self._fitted(options.max_width)
        if sheet.head:
            yield Text(sheet.head, style="bold")
        yield from (Text(line, style="dim") for line in sheet.notes)
        yield self._table(kept)
        yield from (Text(line, style="dim") for line in no_room(sheet.columns, kept))
        yield from map(Text, sheet.foot)

    def _fitted(self, width: int) -> list[FittedColumn]:
        columns = self.sheet.columns
        shown = [[row[at] for row in self._rows] for at in range(len(columns))]
        return fitted(columns, shown, width - _EDGES, between=_BETWEEN)

    def _table(self, kept: Sequence[FittedColumn]) -> Table:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for place in kept:
            column = self.sheet.columns[place.at]
            side: Literal["left", "right"] = "right" if column.numeric else "left"
            heading = Text(column.heading)
            table.add_column(heading, justify=side, overflow="fold", width=place.width)
        for line, row in zip(self.sheet.lines, self._rows, strict=True):
            style = "bold" if line.strong else None
            table.add_row(*(Text(place.shown(row[place.at])) for place in kept), style=style)
        return table
