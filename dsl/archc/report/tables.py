"""Any table as text for people, Markdown, LaTeX, HTML or CSV.

Cells hold plain values; a column knows how people read them. CSV has the values themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from archc.report import characters
from archc.report.fitting import FittedColumn, fitted, no_room, row_lines


@dataclass(frozen=True, slots=True)
class Column:
    """`name` is the word by which it is chosen, and its name in CSV."""

    name: str
    heading: str
    numeric: bool = False
    show: Callable[[Any], str] = str
    cut: bool = False  # may end in an ellipsis, or go, where a terminal has no room for the numbers

    def __post_init__(self) -> None:
        object.__setattr__(self, "heading", characters.visible(self.heading))


@dataclass(frozen=True, slots=True)
class TableLine:
    """Values, one a column. `level` indents the first cell, `strong` sets off what sums up."""

    cells: tuple[Any, ...]
    level: int = 0
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table with what stands above and below it; `notes` say what the columns hold.

    Every text that it gives is visible: a name or a fact may hold anything.
    """

    columns: tuple[Column, ...]
    lines: Sequence[TableLine]
    head: str = ""
    foot: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "head", characters.visible(self.head))
        object.__setattr__(self, "foot", tuple(map(characters.visible, self.foot)))
        object.__setattr__(self, "notes", tuple(map(characters.visible, self.notes)))

    def shown(self, line: TableLine) -> list[str]:
        """The cells as people read them; an empty one where there is no value."""
        pairs = zip(self.columns, line.cells, strict=True)
        shown = ("" if value is None else column.show(value) for column, value in pairs)
        return list(map(characters.visible, shown))


def text(sheet: Sheet, width: int | None = None) -> str:
    """Aligned columns; on a terminal of that width text folds, and what has no room is named."""
    return "\n".join((*_above(sheet), *_grid(sheet, width), *_below(sheet))) + "\n"


def _above(sheet: Sheet) -> list[str]:
    above = [*([sheet.head] if sheet.head else []), *sheet.notes]
    return [*above, ""] if above else []


def _below(sheet: Sheet) -> list[str]:
    return ["", *sheet.foot] if sheet.foot else []


def _grid(sheet: Sheet, width: int | None) -> Iterator[str]:
    rows = [["  " * line.level + cells[0], *cells[1:]] for line in sheet.lines
            for cells in [sheet.shown(line)]]  # fmt: skip
    shown = [[row[at] for row in rows] for at in range(len(sheet.columns))]
    kept = fitted(sheet.columns, shown, width, between=2)
    for row in ([column.heading for column in sheet.columns], *rows):
        yield from row_lines(sheet.columns, kept, row)
    yield from no_room(sheet.columns, kept)


class RunningTable:
    """Aligned columns as `text` has them, line by line while the lines are made.

    `sheet` has no lines yet; `widest` has those that its columns have to have room for.
    """

    def __init__(self, sheet: Sheet, widest: Iterable[TableLine], *, color: bool = False) -> None:
        self.sheet = sheet
        self._headings = [column.heading for column in sheet.columns]
        rows = [self._headings, *map(sheet.shown, widest)]
        self._kept = [
            FittedColumn(at, max(map(characters.cells, cells)), folds=False)
            for at, cells in enumerate(zip(*rows, strict=True))
        ]
        self._color = color

    def above(self) -> str:
        """Return what stands above the lines."""
        return "\n".join((*_above(self.sheet), self._styled(self._headings, strong=True)))

    def line(self, line: TableLine) -> str:
        """Return a line of the table."""
        return self._styled(self.sheet.shown(line), strong=line.strong)

    def below(self, foot: Iterable[str]) -> str:
        """Return what stands below the lines."""
        return "\n".join(("", *map(characters.visible, foot)))

    def _styled(self, cells: Sequence[str], *, strong: bool) -> str:
        (made,) = row_lines(self.sheet.columns, self._kept, cells)
        return f"\x1b[1m{made}\x1b[0m" if strong and self._color else made


def csv(sheet: Sheet) -> str:
    """RFC 4180, with the values themselves; what is unknown is empty.

    A text that a spreadsheet would take for a formula has an apostrophe before it.
    """
    import csv as module
    from io import StringIO

    out = StringIO()
    writer = module.writer(out, lineterminator="\n")
    writer.writerow(column.name for column in sheet.columns)
    for line in sheet.lines:
        writer.writerow(map(_harmless, map(_flat, line.cells)))
    return out.getvalue()


def _flat(value: Any) -> Any:
    """`3x224x224` for a shape, several apart by a space."""
    if not isinstance(value, tuple | list):
        return value
    apart = " " if any(isinstance(inner, tuple | list) for inner in value) else "x"
    return apart.join(str(_flat(inner)) for inner in value)


def _harmless(value: Any) -> Any:
    """A number as it is, a text visible and no formula."""
    if not isinstance(value, str):
        return value
    value = characters.visible(value)
    formula = value.startswith(_FORMULA) and not _NUMBER.fullmatch(value)
    return f"'{value}" if formula else value


_FORMULA = tuple("=+-@＝＋－＠")
_NUMBER = re.compile(r"N([x ]N)*".replace("N", r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"), re.ASCII)


def markdown(sheet: Sheet) -> str:
    """A table of GitHub's Markdown."""
    rows = [
        "| " + " | ".join(_quoted(column.heading) for column in sheet.columns) + " |",
        "|" + "|".join(" ---: " if column.numeric else " --- " for column in sheet.columns) + "|",
    ]
    for line in sheet.lines:
        cells = [_quoted(cell) for cell in sheet.shown(line)]
        cells[0] = "&emsp;" * line.level + cells[0]
        if line.strong:
            cells = [f"**{cell}**" if cell else "" for cell in cells]
        rows.append("| " + " | ".join(cells) + " |")
    above = [f"**{_quoted(sheet.head)}**", ""] if sheet.head else []
    above += [*(f"{_quoted(line)}  " for line in sheet.notes), ""] if sheet.notes else []
    below = ["", *(f"{_quoted(line)}  " for line in sheet.foot)] if sheet.foot else []
    return "\n".join((*above, *rows, *below)) + "\n"


def _quoted(cell: str) -> str:
    return re.sub(r"([\\`*_\[\]<>|&~])", r"\\\1", cell)


_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "×": r"$\times$", "·": r"$\cdot$", "<": r"$<$", ">": r"$>$", "|": r"$|$",
}  # fmt: skip


def latex(sheet: Sheet) -> str:
    """A `tabular` that wants the package booktabs."""
    layout = "".join("r" if column.numeric else "l" for column in sheet.columns)
    rows = [rf"\begin{{tabular}}{{{layout}}}", r"\toprule"]
    rows += [" & ".join(_escaped(column.heading) for column in sheet.columns) + r" \\", r"\midrule"]
    for line in sheet.lines:
        cells = [_escaped(cell) for cell in sheet.shown(line)]
        if line.strong:
            cells = [rf"\textbf{{{cell}}}" if cell else "" for cell in cells]
        # In brackets, or after a star, it would belong to the `\\` of the line before.
        cells[0] = r"\quad " * line.level + ("{}" * cells[0].startswith(("[", "*"))) + cells[0]
        rows.append(" & ".join(cells) + r" \\")
    above = [f"% {line}" for line in (sheet.head, *sheet.notes, *sheet.foot) if line]
    return "\n".join((*above, *rows, r"\bottomrule", r"\end{tabular}")) + "\n"


def _escaped(cell: str) -> str:
    return "".join(_LATEX.get(sign, sign) for sign in cell)


def html(sheet: Sheet) -> str:
    """A `<table>` for a notebook; every text is escaped."""
    from html import escape

    def row(tag: str, cells: Sequence[str], line: TableLine | None = None) -> str:
        out = []
        for at, (cell, column) in enumerate(zip(cells, sheet.columns, strict=True)):
            style = f"text-align:{'right' if column.numeric else 'left'}"
            if line is not None and line.level and at == 0:
                style += f";padding-left:{0.5 + 1.5 * line.level:g}em"
            if line is not None and line.strong:
                style += ";font-weight:bold"
            out.append(f'<{tag} style="{style}">{escape(cell)}</{tag}>')
        return f"<tr>{''.join(out)}</tr>"

    head = row("th", [column.heading for column in sheet.columns])
    body = "\n".join(row("td", sheet.shown(line), line) for line in sheet.lines)
    caption = f"<caption>{escape(sheet.head)}</caption>\n" if sheet.head else ""
    notes, foot = (
        "".join(f"<div>{escape(line)}</div>\n" for line in lines)
        for lines in (sheet.notes, sheet.foot)
    )
    table = f"{caption}<thead>{head}</thead>\n<tbody>\n{body}\n</tbody>\n"
    return f"{notes}<table>\n{table}</table>\n{foot}"


WRITERS: dict[str, Callable[[Sheet], str]] = {
    "text": text,
    "csv": csv,
    "markdown": markdown,
    "latex": latex,
}
