"""How wide the columns of a table are where room is short: numbers go last, and are never split.

First text folds at its words. Then columns that are made to be cut (`Column.cut`: an operator, the
title of a paper) end in an ellipsis. Then those go as a whole, and last the columns at the end.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Protocol

from archc.report.characters import cells, character_width

ELLIPSIS = "…"
_LONGEST_WORD = 16  # a longer one may be broken where room is short
_SHORTEST = 12  # of a cell that is cut


class AnyColumn(Protocol):
    """What of a table's column decides how wide it is."""

    @property
    def heading(self) -> str: ...
    @property
    def numeric(self) -> bool: ...
    @property
    def cut(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class FittedColumn:
    """A column that has room: where it stands in the table, and how wide it is."""

    at: int
    width: int
    cut: bool = False  # its longer cells end in an ellipsis, instead of going on below
    folds: bool = True  # they go on below; else what is longer stands out

    def shown(self, text: str, hang: int = 0) -> str:
        """A cell of it, on one line or several, of which the later ones `hang` in."""
        if self.cut:
            return shortened(text, self.width)
        return "\n".join(folded(text, self.width, hang)) if self.folds else text


@dataclass(slots=True)
class _Room:
    """What a column asks for: all its text in one line, and what cannot do with less."""

    at: int
    whole: int
    least: int
    cut: bool = False


def fitted(
    columns: Sequence[AnyColumn],
    shown: Sequence[Sequence[str]],
    width: int | None,
    *,
    between: int,
    folds: bool = True,
) -> list[FittedColumn]:
    """The columns that have room in `width`, `between` apart; `shown` are the cells of each.

    Without `folds` a line is one line: only what is cut gives way. Without a width all have room.
    """
    width = sys.maxsize if width is None else width
    rooms = []
    for at, (column, texts) in enumerate(zip(columns, shown, strict=True)):
        whole = max(map(cells, (column.heading, *texts)))
        rooms.append(_Room(at, whole, _least(column, texts) if folds else whole))

    def excess() -> int:
        return sum(room.least for room in rooms) + between * (len(rooms) - 1) - width

    for room in reversed(rooms):
        if columns[room.at].cut and excess() > 0:
            shortest = max(_SHORTEST, cells(columns[room.at].heading))
            room.cut, room.least = room.least > shortest, min(room.least, shortest)
    while len(rooms) > 1 and excess() > 0:
        optional = [room for room in rooms[1:] if columns[room.at].cut]
        rooms.remove((optional or rooms)[-1])
    _share(rooms, width - between * (len(rooms) - 1))
    return [FittedColumn(room.at, room.whole, room.cut, folds) for room in rooms]


def row_lines(
    columns: Sequence[AnyColumn],
    kept: Sequence[FittedColumn],
    texts: Sequence[str],
    *,
    between: int = 2,
    hang: int = 0,
) -> Iterator[str]:
    """A row's cells in the columns that have room: a line, or several where one folds.

    Later lines of the first cell `hang` in.
    """
    shown = [
        place.shown(texts[place.at], 0 if at else hang).split("\n") for at, place in enumerate(kept)
    ]
    for lines in zip_longest(*shown, fillvalue=""):
        padded = []
        for place, text in zip(kept, lines, strict=True):
            blank = " " * (place.width - cells(text))
            padded.append(blank + text if columns[place.at].numeric else text + blank)
        yield (" " * between).join(padded).rstrip()


def no_room(columns: Sequence[AnyColumn], kept: Sequence[FittedColumn]) -> Iterator[str]:
    """What a line below the table says of the columns that are not there."""
    there = {place.at for place in kept}
    missing = [column.heading for at, column in enumerate(columns) if at not in there]
    if missing:
        yield f"no room here for: {', '.join(missing)}"


def _least(column: AnyColumn, texts: Sequence[str]) -> int:
    """Room for what may not be broken: numbers with their units, shapes, and short words."""
    heading = map(cells, column.heading.split())
    if column.numeric:
        return max(1, *heading, *map(cells, texts))
    rooms = []
    for text in texts:
        indent = len(text) - len(text.lstrip())
        words = [cells(w) if w[0].isdigit() else min(cells(w), _LONGEST_WORD) for w in text.split()]
        rooms.append(indent + max(words, default=0))
    return max(1, *heading, *rooms)


def _share(rooms: Sequence[_Room], width: int) -> None:
    """Narrow the columns that have most to give: those that are cut, then those that fold."""
    for giving in ([room for room in rooms if room.cut], rooms):
        while (excess := sum(room.whole for room in rooms) - width) > 0:
            most = max(giving, key=lambda room: room.whole - room.least, default=None)
            if most is None or most.whole == most.least:
                break
            most.whole -= min(excess, max(1, (most.whole - most.least) // 2))


def shortened(text: str, width: int) -> str:
    """`text` in at most `width` cells of a terminal, with an ellipsis for what is left out.

    A number is shown as a whole or not at all.
    """
    if cells(text) <= width:
        return text
    return f"{text[: _outside_numbers(text, _end(text, width - 1))].rstrip(' ,')}{ELLIPSIS}"


def folded(text: str, width: int, hang: int = 0) -> list[str]:
    """`text` on lines of at most `width` cells, broken at blanks; a long path behind its dots.

    Lines but the first begin with `hang` blanks.
    """
    before = " " * min(hang, width // 2)
    lines = []
    while cells(text) > width:
        end = _end(text, width)
        indent = len(text) - len(text.lstrip())
        blank = text.rfind(" ", indent, end + 1)
        dots = [at for at in range(end, indent, -1) if text[at - 1] == "."]
        dot = next((at for at in dots if _outside_numbers(text, at) == at), 0)
        outside = _outside_numbers(text, end)
        broken = blank if blank > 0 else dot or (outside if outside > indent else end)
        lines.append(text[:broken].rstrip())
        text = before + text[broken:].lstrip()
    return [*lines, text]


def _end(text: str, width: int) -> int:
    """How many characters of a text have room; at least one."""
    room = 0
    for end, char in enumerate(text):
        room += character_width(char)
        if room > width:
            return max(end, 1)
    return len(text)


def _outside_numbers(text: str, end: int) -> int:
    """`end`, or before the number that it would split."""
    for number in _NUMBER.finditer(text):
        if number.start() < end < number.end():
            return number.start()
    return end


_NUMBER = re.compile(r"\d+(?:[.,_x]\d+)*")
