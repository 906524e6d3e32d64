"""The paper view in DOT: rows of equal width, clusters by resolution, templates at the side."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from archc.draw.dot import GRAPH, Writer, preamble
from archc.draw.insets import InsetWriter
from archc.draw.paper import Paper, PaperRow, Template
from archc.draw.scene import BESIDE, Card, Edge
from archc.draw.style import FAINT, GREY, INK, SKIP, font, heat, look, quoted, text_width
from archc.draw.towers import ACROSS
from archc.report.spelling.numbers import human

# Two columns, each laid out by itself: rows on the left, templates on the right. Otherwise the
# ranks of one open gaps in the other. `i`: in the order of their clusters, not by size.
_LAYOUT = GRAPH.replace("ranksep=0.25", "ranksep=0.17, pack=20")
_WIDEST = 230  # points of the configuration column; longer text is cut, the tooltip has all
_TEMPLATE = look("block")[1]
_APART = 26  # points between towers
_EMPTY = font(" ", 9)  # as high as a word
_BELOW_HEADS = "row"  # the port of a row that has heads above it


@dataclass(frozen=True, slots=True)
class TableSheet:
    """What a drawing holds: rows in columns, and to the right of them blocks, in columns too."""

    rows: Sequence[Paper] = ()
    blocks: Sequence[Template] = ()
    beside: int = 1  # columns of blocks
    continued: bool = False  # the rows are those after another sheet's


def table(sheet: TableSheet, name: str, title: str, hottest: int) -> str:
    """The drawing; `title` is an HTML-like table, `hottest` the most MACs of a card."""
    columns = [
        _Rows(part, hottest, at, continued=sheet.continued or at > 0).lines()
        for at, part in enumerate(sheet.rows)
    ]
    # Nothing leads around anything in a network in towers, and lines that cross are straight.
    in_towers = any(part.towers.rows for part in sheet.rows)
    layout = _LAYOUT.replace("splines=spline", "splines=line") if in_towers else _LAYOUT
    layout += f', packmode="array_ti{max(len(columns) + sheet.beside, 2)}"'
    lines = chain(*columns, _blocks(sheet, hottest))
    return "\n".join((*preamble(name, title, layout), *lines, "}")) + "\n"


@dataclass
class _RowWriter(Writer):
    """Draws what stands among rows. What leads into a row below heads of its own ends there."""

    below_heads: str = ""

    def edge_attributes(self, edge: Edge) -> str:
        port = f'headport="{_BELOW_HEADS}:n"' if edge.head == self.below_heads else ""
        return ", ".join(filter(None, (super().edge_attributes(edge), port)))


class _Rows:
    """A column of rows, with what stands beside them."""

    def __init__(self, paper: Paper, hottest: int, at: int, continued: bool) -> None:
        self.paper, self.hottest, self.at = paper, hottest, f" {at + 1}" if at else ""
        self.columns = _Columns.fitting(paper, continued)
        self.heads = _head(self.columns, continued)
        self.main = _RowWriter(paper.scene, hottest=hottest, shapes=False, packed=True)
        self.first = next((id for id in self.main.cards if id in paper.lines), "")
        self.signs = {sign.card.id: sign for sign in paper.connectors}
        if self._is_first_below():
            self.main.below_heads = self.first
        heads = {edge.head for edge in paper.scene.edges if edge.training_only}
        self.training_only = heads - self.signs.keys()

    def _is_first_below(self) -> bool:
        """Whether anything stands above the first row, as several inputs do, or signs."""
        if self.first != next(iter(self.main.cards), ""):
            return True
        arriving = {id for id, sign in self.signs.items() if not sign.leaves}
        heads = {edge.head for edge in self.main.scene.edges if edge.tail in arriving}
        return any(all(e.tail in arriving for e in self.main.into[head]) for head in heads)

    def lines(self) -> Iterator[str]:
        # In a cluster, unseen, for what is in the first one stands on the left.
        node, above = quoted(f"columns{self.at}"), not self.main.below_heads
        yield f'  subgraph "cluster rows{self.at}" {{'
        yield '    graph [label="", peripheries=0, margin=0];'
        heads = f'label=<{self.heads}>, tooltip="columns"' if above else "style=invis"
        yield f"    {node} [{heads}];"
        yield "  }"
        for at, (size, cards) in enumerate(self.paper.groups):
            alone = sum(card.id not in self.signs for card in cards) < 2
            yield from _grouped("" if alone else size, f"{at}{self.at}", self._nodes(cards))
        yield f"  {node} -> {quoted(self.first)} [style=invis];"
        yield from self._side_by_side()
        for edge in sorted(self.main.scene.edges, key=lambda edge: edge.training_only):
            yield from (f"  {line}" for line in self._edges(edge))

    def _nodes(self, cards: list[Card]) -> Iterator[str]:
        """Cards, and right beside each the sign where something goes on from it."""
        for card in cards:
            yield self._node(card)
            sign = self.signs.get(card.id)
            if sign is not None and sign.leaves:
                yield f"{{rank=same; {quoted(sign.edge.tail)}; {quoted(card.id)}}}"

    def _side_by_side(self) -> Iterator[str]:
        """What branches off a row, in order: Graphviz loses it outside of the row's cluster."""
        rows = {card.id for size, cards in self.paper.groups if size for card in cards}
        for id in self.paper.lines:
            begin = [edge.head for edge in self.main.out_of.get(id, ()) if edge.trunk]
            begin = [x for x in begin if x not in self.signs and self.main.entering[x] == 1]
            begin = [head for head in begin if head not in rows]
            if len(begin) > 1:
                yield f"  {{rank=same; {' -> '.join(map(quoted, begin))} [style=invis]}}"

    def _edges(self, edge: Edge) -> Iterator[str]:
        """A line for an edge; between towers one for each of them, or from each to each."""
        towers = self.paper.towers
        if not towers.devices:
            yield self.main.edge(edge)
            return
        ends = f"{quoted(edge.tail)} -> {quoted(edge.head)}"
        yield f"{ends} [style=invis, weight=100];"  # the rows stay below each other
        # Lines that cross take room.
        far = ", minlen=3" if towers.exchanges(edge.tail, edge.head) else ""
        for start, end in towers.lines(edge.tail, edge.head):
            out, into = towers.port(edge.tail, start), towers.port(edge.head, end)
            yield f'{ends} [tailport="{out}:s", headport="{into}:n"{far}];'

    def _node(self, card: Card) -> str:
        line = self.paper.lines.get(card.id)
        if line is not None:
            row = _row(line, self.columns, self.hottest)
        elif card.id in self.training_only:
            row = _auxiliary_row(card, self.columns, self.hottest)
        else:
            return self.main.node(card)
        if card.id == self.main.below_heads:
            row = _below(self.heads, row)
        return f"{quoted(card.id)} [label=<{row}>, tooltip={quoted(card.tooltip)}];"


def _blocks(sheet: TableSheet, hottest: int) -> Iterator[str]:
    """Columns of blocks, below each other, held in place by unseen edges."""
    above: dict[int, str] = {}
    for at, template in enumerate(sheet.blocks):
        writer = InsetWriter(
            template.scene, hottest=hottest, shapes=False, packed=True, insets=template.insets
        )
        yield f'  subgraph "cluster template {at}" {{'
        yield (
            f'    graph [style="rounded,dashed", color="{_TEMPLATE}", margin=10, labeljust=l, '
            f"label=<{_heading(template)}>, tooltip={quoted(template.name)}];"
        )
        yield from writer.drawn("    ")
        yield "  }"
        column, cards = at % sheet.beside, list(writer.cards)
        if column in above and cards:
            ends = f"{quoted(above[column])} -> {quoted(cards[0])}"
            yield f"  {ends} [style=invis, minlen=2];"
        if writer.last:
            above[column] = writer.last


def _grouped(size: str, at: str, nodes: Iterable[str]) -> Iterator[str]:
    if not size:
        yield from (f"  {node}" for node in nodes)
        return
    yield f'  subgraph "cluster resolution {at}" {{'
    yield (
        f"    graph [label=<{font(size, 9, FAINT, bold=True)}>, labeljust=r, margin=7, "
        'style="rounded,filled", color="#e2e8f0", fillcolor="#f8fafc"];'
    )
    yield from (f"    {node}" for node in nodes)
    yield "  }"


def _heading(template: Template) -> str:
    head = font(template.name, 12, _TEMPLATE, bold=True)
    if template.continued:
        return head + font("  (continued)", 9, GREY) + '<BR ALIGN="LEFT"/>'
    head += font(f"  {_cut(template.signature, 280)}", 9, GREY) if template.signature else ""
    where = (
        "" if template.signature == BESIDE else " in a row" if template.repeat else " in the table"
    )
    head += font(f"  · {template.times} times{where}", 9, GREY) if template.times > 1 else ""
    lines = [head, *(font(line, 9, SKIP) for line in _wrapped(template.rows))]
    return '<BR ALIGN="LEFT"/>'.join(lines) + '<BR ALIGN="LEFT"/>' * (len(lines) > 1)


def _wrapped(names: list[str]) -> list[str]:
    """The rows that a card stands for, in lines that make no card wide."""
    return textwrap.wrap(", ".join(names), 44, break_on_hyphens=False)


# --- rows --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Columns:
    """Widths in points."""

    name: int
    config: int
    shape: int
    towers: tuple[str, ...]  # the devices
    tower: int  # the width of each
    costs: bool  # whether MACs and parameters have columns

    @classmethod
    def fitting(cls, found: Paper, continued: bool) -> _Columns:
        lines, devices = list(found.lines.values()), found.towers.devices
        names = (text_width(f"{x.name} ×{x.times}", 10.8) for x in lines)
        name = max([text_width(_module(continued), 8), *names])
        config = max([text_width("configuration", 8), *(text_width(_config(x), 9) for x in lines)])
        shape = max([text_width("output", 8), *(text_width(x.shape, 9) for x in lines)])
        parts = [line.towers.part for line in lines if line.towers is not None]
        tower = max((text_width(text, 9) for text in (*parts, *devices)), default=0)
        widths = round(name) + 8, round(min(config, _WIDEST)) + 10, round(shape) + 6
        return cls(*widths, devices, round(tower) + 12, found.costs)


def _config(line: PaperRow) -> str:
    return "    ".join(filter(None, (*line.config, line.notes)))


def _row(line: PaperRow, columns: _Columns, hottest: int) -> str:
    _, strip, tint = look(line.card.category)
    name = font(line.name, 10, bold=True)
    name += font(f" ×{line.times}", 10, SKIP, bold=True) if line.times > 1 else ""
    cells = [f'<TD WIDTH="4" BGCOLOR="{strip}"></TD>', _name_cell(name, columns.name)]
    cells.append(_configuration(line, columns.config, strip))
    cells += _towers(line, columns, strip)
    cells.append(_cell(font(line.shape, 9, INK), "RIGHT", columns.shape))
    return _framed(cells + _costs(line.card, columns, hottest), strip, tint)


def _auxiliary_row(card: Card, columns: _Columns, hottest: int) -> str:
    """A side classifier: as high as a row, so that it opens no gap between those beside it."""
    _, strip, tint = look(card.category)
    block = [text.removeprefix(" · ") for text, is_bold in card.title if text and not is_bold]
    words = [fact for fact in card.facts if not fact.endswith((" params", " MACs"))]
    name = font(card.name, 10, bold=True) + font(f"   {' · '.join([*block, *words])} ", 9, GREY)
    cells = [f'<TD WIDTH="4" BGCOLOR="{strip}"></TD>', _name_cell(name, 1)]
    ends = _costs(card, columns, hottest) or [_cell(_EMPTY, "RIGHT", 1)]
    return _framed(cells + ends, strip, tint)


def _costs(card: Card, columns: _Columns, hottest: int) -> list[str]:
    """The last two cells of a row, where the table has those columns."""
    if not columns.costs:
        return []
    if card.macs:
        fill, ink = heat(card.macs / hottest)
        macs = _cell(font(human(card.macs), 9, ink), "RIGHT", 40, fill)
    else:
        macs = _cell(_EMPTY, "RIGHT", 40, "#ffffff")
    params = font(human(card.params), 9, GREY) if card.params else _EMPTY
    return [macs, _cell(params, "RIGHT", 40, "#ffffff")]


def _framed(cells: list[str], strip: str, tint: str) -> str:
    return (
        f'<TABLE BORDER="1" COLOR="{strip}" CELLBORDER="0" CELLSPACING="0" CELLPADDING="3" '
        f'BGCOLOR="{tint}"><TR>{"".join(cells)}</TR></TABLE>'
    )


def _module(continued: bool) -> str:
    return "module (continued)" if continued else "module"


def _head(columns: _Columns, continued: bool) -> str:
    words = (
        (_module(continued), "LEFT", columns.name),
        ("configuration", "LEFT", columns.config),
        *(
            pair
            for device in columns.towers
            for pair in ((device, "CENTER", columns.tower), ("", "LEFT", _APART))
        ),
        ("output", "RIGHT", columns.shape),
        *(("MACs", "RIGHT", 40), ("params", "RIGHT", 40)) * columns.costs,
    )
    cells = "".join(_cell(font(text, 8, FAINT), align, width) for text, align, width in words)
    return (
        '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="3">'
        f'<TR><TD WIDTH="4"></TD>{cells}</TR></TABLE>'
    )


def _below(heads: str, row: str) -> str:
    """A row with heads above it: other cards stand where those of the table would."""
    return (
        '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">'
        f'<TR><TD>{heads}</TD></TR><TR><TD PORT="{_BELOW_HEADS}">{row}</TD></TR></TABLE>'
    )


def _configuration(line: PaperRow, width: int, strip: str) -> str:
    words, *parts = line.config
    if not parts:
        notes = "    " * bool(words and line.notes) + line.notes
        text = font(_cut(words, width - text_width(notes, 9)), 9, GREY) + font(notes, 9, SKIP)
        return _cell(text or _EMPTY, "LEFT", width)
    # Channels that do not see each other: a box each, side by side.
    boxes = "".join(
        f'<TD BORDER="1" COLOR="{strip}" BGCOLOR="#ffffff">{font(f" {part} ", 8, GREY)}</TD>'
        for part in parts
    )
    notes = f"<TD>{font(f'  {line.notes}', 9, SKIP)}</TD>" if line.notes else ""
    inner = (
        '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="2" CELLPADDING="0"><TR>'
        f'<TD ALIGN="LEFT">{font(words + "  ", 9, GREY)}</TD>{boxes}{notes}</TR></TABLE>'
    )
    return f'<TD ALIGN="LEFT" WIDTH="{width}" CELLPADDING="0">{inner}</TD>'


def _towers(line: PaperRow, columns: _Columns, strip: str) -> Iterator[str]:
    """What each tower has of a row, in a box of its own."""
    if not columns.towers:
        return
    if line.towers is None:
        width = len(columns.towers) * (columns.tower + _APART) - _APART
        yield f'<TD PORT="{ACROSS}" WIDTH="{width}"></TD><TD WIDTH="{_APART}"></TD>'
        return
    text = font(line.towers.part, 9, INK)
    for at in range(len(columns.towers)):
        yield (
            f'<TD PORT="tower{at}" BORDER="1" COLOR="{strip}" BGCOLOR="#ffffff" '
            f'WIDTH="{columns.tower}">{text}</TD><TD WIDTH="{_APART}"></TD>'
        )


def _cell(text: str, align: str, width: int, fill: str = "") -> str:
    color = f' BGCOLOR="{fill}"' if fill else ""
    return f'<TD ALIGN="{align}" VALIGN="BOTTOM" WIDTH="{width}"{color}>{text}</TD>'


def _name_cell(text: str, width: int) -> str:
    """A cell in bold, which Graphviz sets higher: less padding puts it on the line."""
    text = f"{font(' ', 8)}{text}"
    return f'<TD ALIGN="LEFT" VALIGN="BOTTOM" CELLPADDING="1" WIDTH="{width}">{text}</TD>'


def _cut(text: str, width: float) -> str:
    if text_width(text, 9) <= width:
        return text
    while text and text_width(text, 9) > width - 9:
        text = text[:-1]
    return f"{text.rstrip(' ,·')}…"
