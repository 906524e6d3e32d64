"""Scene to DOT. The attributes are those that every Graphviz draws alike."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import atan2, ceil, degrees, hypot
from typing import TypeVar

from archc.draw.anchors import FRAME, POINT, Middle, middles
from archc.draw.lettering import Line, card_facts, card_title, continued, header
from archc.draw.scene import Box, Card, Edge, Scene
from archc.draw.style import (
    BOXES,
    FAINT,
    INK,
    LINE,
    SKIP,
    escaped,
    font,
    heat,
    look,
    quoted,
    room_for,
    text_width,
)

GRAPH = (
    "rankdir=TB, ordering=out, nodesep=0.25, ranksep=0.25, splines=spline, pad=0.2, bgcolor=white, "
    f'fontname="Helvetica", fontcolor="{INK}", labelloc=t, labeljust=l'
)
NODE_AND_EDGE = (
    f'node [shape=plain, fontname="Helvetica", fontsize=10, fontcolor="{INK}"];\n'
    f'edge [fontname="Helvetica", fontsize=8, fontcolor="{LINE}", color="{LINE}", '
    "arrowsize=0.5, penwidth=1.1, weight=8];"
)


def dot(
    scene: Scene,
    name: str,
    title: str,
    columns: int = 1,
    hottest: int = 0,
    direction: str = "down",
) -> str:
    """The whole drawing; `title` is an HTML-like table, `hottest` the most MACs of other pages."""
    writer = Writer(scene, columns=columns, hottest=max(hottest, 1), direction=direction)
    return "\n".join(writer.lines(name, title)) + "\n"


def preamble(name: str, title: str, graph: str = GRAPH) -> Iterator[str]:
    yield f"digraph {quoted(name)} {{"
    label = f"label=<{title}>, " if title else ""
    yield f"  graph [{graph}, {label}tooltip={quoted(name)}];"
    yield from (f"  {line}" for line in NODE_AND_EDGE.splitlines())


_BELOW, _BORDER = 14, 10  # points: of a shape below a card, or below borders so far apart
_ABOVE, _ASIDE = 7, 5  # of a shape above a line to the right, and from where that begins
_RANK = 17  # between ranks of a drawing in rows

T = TypeVar("T")
_Unseen = tuple[str, str, str]  # an edge: tail, head, attributes


@dataclass
class Writer:
    scene: Scene
    homes: dict[str, list[Box]] = field(default_factory=dict)  # the boxes around each node
    cards: dict[str, Card] = field(default_factory=dict)
    leaving: Counter[str] = field(default_factory=Counter)  # edges that are no skips
    entering: Counter[str] = field(default_factory=Counter)
    out_of: dict[str, list[Edge]] = field(default_factory=dict)  # all edges
    into: dict[str, list[Edge]] = field(default_factory=dict)
    hottest: int = 1
    shapes: bool = True  # on the edges
    columns: int = 1
    direction: str = "down"  # one of DIRECTIONS; to the right columns are rows
    packed: bool = False  # laid out in parts, as columns are
    middles: dict[str, Middle] = field(default_factory=dict)  # by the item each stands before
    ties: dict[Edge, Middle] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._index(self.scene.root, [])
        straight = [edge for edge in self.scene.edges if edge.trunk]
        self.leaving = Counter(edge.tail for edge in straight)
        self.entering = Counter(edge.head for edge in straight)
        for edge in self.scene.edges:
            self.out_of.setdefault(edge.tail, []).append(edge)
            self.into.setdefault(edge.head, []).append(edge)
        for middle in middles(self.scene, self.homes):
            self.middles[middle.place] = self.ties[middle.edge] = middle

    @property
    def to_the_right(self) -> bool:
        return self.direction == "right"

    @property
    def _is_packed(self) -> bool:
        return self.packed or self.columns > 1

    @property
    def _out(self) -> str:
        """Where all leave a header: from one point below its text, or beside it."""
        return "e" if self.to_the_right else "out:s"

    def _in_place(self, things: list[T]) -> list[T]:
        """As Graphviz is to see them: to the right it begins below, and what is first is above."""
        return things[::-1] if self.to_the_right else things

    def lines(self, name: str, title: str) -> Iterator[str]:
        # Each column is laid out by itself; `i`: in their order, `t`: at the top. Graphviz turns it
        # all at the end, where columns become rows.
        layout = GRAPH.replace("rankdir=TB", "rankdir=LR") if self.to_the_right else GRAPH
        if self.columns > 1:
            layout = layout.replace("nodesep=0.25, ranksep=0.25", "nodesep=0.2, ranksep=0.235")
            layout += f', pack=12, packmode="array_ti{self.columns}"'
        yield from preamble(name, title, layout)
        yield from self.drawn("  ")
        yield "}"

    def drawn(self, indent: str) -> Iterator[str]:
        """Nodes, clusters and edges."""
        yield from self._contents(self.scene.root, indent)
        left, right = self.upright()
        yield from (f"{indent}{quoted(a)} -> {quoted(b)} [{more}];" for a, b, more in left)
        # What leads to auxiliary heads comes last: then it stands to the right of the trunk.
        edges = sorted(self.scene.edges, key=lambda edge: edge.training_only)
        for edge in self._in_place(edges):
            for a, b, more in self.before(edge):
                yield f"{indent}{quoted(a)} -> {quoted(b)} [{more}];"
            yield from (indent + line for line in self.edges(edge))
        yield from (f"{indent}{quoted(a)} -> {quoted(b)} [{more}];" for a, b, more in right)

    def _index(self, box: Box, around: list[Box]) -> None:
        inside = [box] if box.kind == "column" else [*around, box]
        self.homes[box.id] = inside
        for item in box.items:
            if isinstance(item, Box):
                self._index(item, inside)
            else:
                self.homes[item.id], self.cards[item.id] = inside, item
                self.hottest = max(self.hottest, item.macs)

    # --- nodes ---------------------------------------------------------------------------

    def _contents(self, box: Box, indent: str) -> Iterator[str]:
        for item in self._in_place(in_order(box)):
            if item.id in self.middles:
                yield indent + _point(self.middles[item.id])
            if isinstance(item, Box):
                yield from self._cluster(item, indent)
            else:
                yield from (indent + line for line in self.nodes(item))
        for ids in self.scene.levels:
            if all(self._is_in(id, box) for id in ids):
                yield f"{indent}{{rank=same; {'; '.join(map(quoted, dict.fromkeys(ids)))}}}"

    def nodes(self, card: Card) -> Iterator[str]:
        """A card, and what more is drawn of it."""
        yield self.node(card)

    def node(self, card: Card) -> str:
        return f"{quoted(card.id)} [{self.node_attributes(card)}];"

    def node_attributes(self, card: Card) -> str:
        label = _pill(card) if card.pill else self._card(card)
        return f"{label}, tooltip={quoted(card.tooltip)}"

    def _is_in(self, id: str, box: Box) -> bool:
        return id in self.cards and self.homes[id][-1] is box

    def _cluster(self, box: Box, indent: str) -> Iterator[str]:
        yield f"{indent}subgraph {quoted('cluster ' + box.id)} {{"
        if box.kind == "column":
            yield f"{indent}  graph [{FRAME}];"
        else:
            yield f"{indent}  graph [{self.cluster_attributes(box)}];"
        if box.kind != "column" and box.part < 2:
            yield f"{indent}  {quoted(box.id)} [{self.header_attributes(box)}];"
        yield from self._contents(box, indent + "  ")
        yield f"{indent}}}"

    def cluster_attributes(self, box: Box) -> str:
        line, fill, style, width = BOXES[box.kind]
        in_column = self.homes[box.id][0].kind == "column"
        border = "peripheries=1, " * in_column  # the column around has none
        label = '""'
        if box.part > 1:
            label = f"<{_lettered(continued(box))}>"
        return (
            f'style="{style}", color="{line}", fillcolor="{fill}", penwidth={width:g}, '
            f"{border}margin=10, label={label}, tooltip={quoted(box.tooltip)}"
        )

    def header_attributes(self, box: Box) -> str:
        header = _header(box, self.leaving[box.id] > 1 and not self.to_the_right)
        return f"label=<{header}>, tooltip={quoted(box.tooltip)}"

    def _card(self, card: Card) -> str:
        _, strip, tint = look(card.category)
        rows = 2 if card.facts else 1
        cells = [f'<TD ROWSPAN="{rows}" WIDTH="4" BGCOLOR="{strip}"></TD>']
        alike = card.cost and not self.to_the_right
        wide = ' WIDTH="100"' if alike else ""  # so that edges run straight
        # Graphviz sets titles high in their line: a little more room above balances them.
        high = f'VALIGN="BOTTOM" HEIGHT="{16 if card.facts else 17}"'
        cells.append(f'<TD ALIGN="LEFT" {high}{wide}>{_lettered(card_title(card))} </TD>')
        if card.cost:
            fill, ink = heat(card.macs / self.hottest)
            text = font(card.cost, 9, ink)
            cells.append(f'<TD ROWSPAN="{rows}" WIDTH="40" BGCOLOR="{fill}">{text}</TD>')
        table = f"<TR>{''.join(cells)}</TR>"
        if card.facts:
            table += f'<TR><TD ALIGN="LEFT">{_lettered(card_facts(card))} </TD></TR>'
        return (
            f'label=<<TABLE BORDER="1" COLOR="{strip}" CELLBORDER="0" CELLSPACING="0" '
            f'CELLPADDING="2" BGCOLOR="{tint}">{table}</TABLE>>'
        )

    # --- edges ---------------------------------------------------------------------------

    def edges(self, edge: Edge) -> Iterator[str]:
        """An edge, in as many lines as are drawn of it."""
        yield self.edge(edge)

    def edge(self, edge: Edge) -> str:
        attributes = self.edge_attributes(edge)
        end = f" [{attributes}]" if attributes else ""
        return f"{quoted(edge.tail)} -> {quoted(edge.head)}{end};"

    def outer_attributes(self, edge: Edge) -> str:
        """For an edge whose ends stand for more than themselves: closed boxes."""
        label = _label(edge)
        return ", ".join([*([] if edge.training_only or edge.size else [label]), *_dashes(edge)])

    def before(self, edge: Edge) -> list[_Unseen]:
        """Unseen edges that come before one: they keep the trunk in the middle of its branches."""
        middle = self.ties.get(edge)
        if middle is None:
            return []
        ranks = [sum(map(self._ranks, branch)) for branch in middle.boxed]
        return list(
            middle.ties("" if middle.fork in self.cards else self._out, max(ranks, default=0))
        )

    def _ranks(self, edge: Edge) -> int:
        """How many ranks an edge takes: more where a shape stands beside it."""
        return 2 if self._is_packed and self.is_labelled(edge) else 1

    def edge_attributes(self, edge: Edge) -> str:
        attributes = []
        if edge.tail not in self.cards and self.leaving[edge.tail] > 1:
            attributes.append(f'tailport="{self._out}"')
        if edge.head not in self.cards:
            attributes.append(f"headport={'w' if self.to_the_right else 'n'}")
        if self.is_labelled(edge):
            attributes.append(self._shape(edge) if self._is_packed else _label(edge))
        attributes += _dashes(edge)
        if not _dashes(edge) and max(self.leaving[edge.tail], self.entering[edge.head]) > 1:
            attributes.append("weight=2")  # columns stay upright, only their ends bend
        return ", ".join(attributes)

    def _shape(self, edge: Edge) -> str:
        """The shape on an edge of a drawing in columns, or beside a table.

        Graphviz draws no labels of edges there, for it lays each column out by itself; those at an
        end of an edge it does. Of a line to the right it stands above its beginning. Of one that
        goes down it stands to the right, below the borders of the boxes that the line leaves; where
        lines fork it stands above the head of each, on the side that the line does not come from.
        """
        text = f" {edge.label}"
        tail, head = self.homes[edge.tail], self.homes[edge.head]
        forks = len(self.out_of[edge.tail]) > 1
        if self.to_the_right:
            entered, left = (
                sum(box not in b for box in a) for a, b in ((head, tail), (tail, head))
            )
            return _shape_above(edge, left, entered, forks)
        out = [other for other in self.out_of[edge.tail] if other.trunk or other is edge]
        ends = (head, tail) if forks else (tail, head)
        borders = sum(box not in ends[1] for box in ends[0])
        right, down = text_width(text, 8) / 2 + 3, _BORDER * (borders + 1) if borders else _BELOW
        to_the_left = forks and 2 * out.index(edge) + 1 < len(out)
        side = 1 if forks == to_the_left else -1
        angle, distance = side * degrees(atan2(right, down)), hypot(right, down) / 10
        end = "head" if forks else "tail"
        return (
            f'{end}label="{escaped(text)}", labelangle={angle:.1f}, labeldistance={distance:.2f}, '
            "minlen=2"
        )

    def upright(self) -> tuple[list[_Unseen], list[_Unseen]]:
        """Unseen edges past a merge that has as many outputs as inputs: its columns stay upright.

        In two parts: those to the left of the merge must come before its own edges.
        """
        into, out_of = defaultdict(list), defaultdict(list)
        for edge in self.scene.edges:
            if edge.trunk:
                into[edge.head].append(edge.tail)
                out_of[edge.tail].append(edge.head)
        sides: tuple[list[_Unseen], list[_Unseen]] = ([], [])
        for id, card in self.cards.items():
            if card.pill and len(into[id]) == len(out_of[id]) > 1:
                for at, (tail, head) in enumerate(zip(into[id], out_of[id], strict=True)):
                    unseen = (tail, head, "style=invis, weight=20")
                    sides[2 * at >= len(into[id])].append(unseen)
        return sides

    def is_labelled(self, edge: Edge) -> bool:
        """Where a tensor enters or leaves a box, changes its size, or flows on the top level."""
        ends = [self.cards.get(id) for id in (edge.tail, edge.head)]
        if ends[0] is None or any(end is not None and end.category == "io" for end in ends):
            return False  # a header's tensor is named on the way in; an input names its own
        if edge.each > 1 or not self.shapes:
            return edge.each > 1
        if self.columns > 1 and len(self.into[edge.head]) > 1:
            return False  # where lines meet there is no room
        tail, head = self.homes[edge.tail], self.homes[edge.head]
        leaves = len(tail) > len(head) or tail[-1] is not head[len(tail) - 1]
        if not edge.trunk:
            return leaves and edge.skip
        if tail[-1] is head[-1] and self.entering[edge.head] > 1:
            return False  # the cards that are merged say what they make
        top = len(tail) == len(head) == 1
        return leaves or top or edge.head not in self.cards or self.cards[edge.tail].resized


def _shape_above(edge: Edge, left: int, entered: int, forks: bool) -> str:
    """The shape above a line to the right, between borders that it leaves and enters.

    At its beginning, or at its end where lines fork.
    """
    wide = text_width(edge.label, 8)
    along = _BORDER * (entered if forks else left) + _ASIDE + wide / 2
    far = ceil((_BORDER * (left + entered) + wide + 3 * _ASIDE) / _RANK)
    angle, distance = degrees(atan2(_ABOVE, along)), hypot(_ABOVE, along) / 10
    end, side = ("head", -1) if forks else ("tail", 1)
    return (
        f'{end}label="{escaped(edge.label)}", labelangle={side * angle:.1f}, '
        f"labeldistance={distance:.2f}, minlen={far}"
    )


def _label(edge: Edge) -> str:
    return f'label=" {escaped(edge.label)}"'


def _point(middle: Middle) -> str:
    node = f"{quoted(middle.id)} [{POINT}];"
    if not middle.among_boxes:
        return node
    return f"subgraph {quoted('cluster ' + middle.id)} {{ graph [{FRAME}]; {node} }}"


def _dashes(edge: Edge) -> list[str]:
    if edge.trunk:
        return []
    if edge.size:
        return [f'style=dotted, color="{LINE}", penwidth=0.9, weight=0']
    return [f'style=dashed, color="{FAINT if edge.training_only else SKIP}", weight=1']


def _pill(card: Card) -> str:
    _, strip, tint = look(card.category)
    colours = f'style="filled,rounded", fillcolor="{tint}", color="{strip}", fontcolor="{strip}"'
    if len(card.title) == 1 and len(card.title[0][0]) == 1:
        sign = escaped(card.title[0][0])
        return f'label="{sign}", shape=circle, fixedsize=true, width=0.26, fontsize=14, {colours}'
    text = _lettered(card_title(card))
    return f'label=<{text}>, shape=box, height=0.24, margin="0.1,0.03", {colours}'


def in_order(box: Box) -> list[Card | Box]:
    """What is in a box, auxiliary heads last: they stand to the right."""
    return sorted(box.items, key=lambda item: isinstance(item, Box) and item.kind == "aux")


def _lettered(line: Line) -> str:
    """Its pieces, with room between them also where Graphviz counts one too narrow."""
    rooms = [*(room_for(piece.text) for piece in line[:-1]), ""]
    return "".join(
        font(f"{piece.text}{room}", piece.points, piece.colour, piece.bold)
        for piece, room in zip(line, rooms, strict=False)
    )


def _header(box: Box, fans: bool) -> str:
    """Its lines; with room below where several branches leave."""
    lines = [_lettered(line) for line in header(box)]
    rows = "".join(f"<TR><TD>{row}</TD></TR>" for row in lines[:-1])
    rows += f'<TR><TD PORT="out">{lines[-1]}</TD></TR>'
    rows += '<TR><TD HEIGHT="14"></TD></TR>' if fans else ""
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">{rows}</TABLE>'
