"""Tensors as boxes, as the lecture draws AlexNet: high and deep as the map, wide as its channels.

    paper -> volume_boxes (cards as boxes and signs), volume_links (between them)
          -> volumes (lines, sheets) -> volume_lines (places, arrows)

All cards of the view `paper` are there, each block once. The boxes and arrows are drawn in the
graph's background, which every Graphviz draws; words and signs are nodes. A picture of several
lines has letters where something goes on in another one.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

from archc.draw import connectors
from archc.draw.dot import preamble
from archc.draw.paper import Paper
from archc.draw.scene import Edge
from archc.draw.sheets import MOST
from archc.draw.style import INK
from archc.draw.volume_boxes import Shown, Sign, Volume, letter, shown
from archc.draw.volume_lines import VolumeLine
from archc.draw.volume_links import Link, ranks

_GAP, _LINE_GAP = 16.0, 22.0
_MOST = 1500.0  # the width of a line of boxes
_LINES = 8  # most on a sheet
_SMALLER = 0.75  # boxes, where so a sheet is saved
_GRAPH = (
    'layout=nop, pad=0.2, bgcolor=white, fontname="Helvetica", '
    f'fontcolor="{INK}"'
)  # fmt: skip

Title = Callable[[int, int, bool], str]  # of one of so many sheets, and whether letters are there


def volumes(found: Paper) -> list[Volume]:
    """The cards that are boxes, not yet placed."""
    return [item for item in shown(found) if isinstance(item, Volume)]


def drawings(
    found: Paper, name: str, title: Title, readable: Callable[[str], bool]
) -> Iterator[list[str]]:
    """In DOT: the picture; and in one line, in two and so on, then on two sheets and so on.

    The picture is one line where more than one arrow would go on in the next. `title` makes an
    HTML-like table. The boxes are smaller where only so few sheets are readable.
    """
    strip, smaller = _Strip(found), _Strip(found, _SMALLER)
    lines = strip.lines(strip.fitting)
    yield [_drawing(name, title(1, 1, len(lines) > 1), lines)]
    for sheets in range(1, min(MOST, strip.columns) + 1):
        for boxes in (strip, smaller):
            can_be_read = False
            for pages in _on_sheets(boxes, sheets, name, title):
                yield pages
                can_be_read = can_be_read or all(map(readable, pages))
            if can_be_read:
                break


def _on_sheets(strip: _Strip, sheets: int, name: str, title: Title) -> Iterator[list[str]]:
    """With one line on each of so many sheets, with two and so on."""
    for each in range(1, min(strip.columns // sheets, _LINES) + 1):
        lines = strip.lines(sheets * each)
        parts = [lines[at : at + each] for at in range(0, len(lines), each)]
        if len(parts) == sheets:
            titles = [title(at, sheets, len(lines) > 1) for at in range(1, sheets + 1)]
            yield [_drawing(name, text, part) for text, part in zip(titles, parts, strict=True)]


class _Strip:
    """All in one line, to be cut between columns."""

    def __init__(self, found: Paper, size: float = 1.0) -> None:
        self.found, self.size = found, size
        items = shown(found, size)
        self.links = list(_links(found, {item.id for item in items}))
        self.rank = ranks(items, self.links)
        self.columns = max(self.rank.values()) + 1
        self.rooms = [_GAP] * self.columns
        for item in items:
            column = self.rank[item.id]
            self.rooms[column] = max(self.rooms[column], item.room + _GAP)
        trunk = sorted(found.trunk & self.rank.keys(), key=lambda id: self.rank[id])
        self.steps = set(pairwise(trunk))

    @property
    def fitting(self) -> int:
        """In how many lines it is a picture; one where more than one arrow goes on somewhere."""
        is_chain = len(self.links) == self.columns - 1
        return max(math.ceil(sum(self.rooms) / _MOST), 1) if is_chain else 1

    def lines(self, count: int) -> list[VolumeLine]:
        """The picture in so many lines of about one width, or fewer."""
        starts = self._starts(count)
        line_of = {id: bisect_right(starts, rank) - 1 for id, rank in self.rank.items()}
        pieces = [_Piece() for _ in starts]
        items = {item.id: item for item in shown(self.found, self.size)}
        for id, item in items.items():
            pieces[line_of[id]].nodes[id] = item
        leaving: dict[tuple[str, str, bool], list[str]] = {}
        for link in self.links:
            start, end = line_of[link.tail], line_of[link.head]
            if start == end:
                pieces[start].links.append(link)
                continue
            on = link.kind == "straight" and (link.tail, link.head) in self.steps
            tail, net = items[link.tail], (*link.net, on)
            is_new = net not in leaving
            if is_new:
                first = sum(map(len, leaving.values()))
                leaving[net] = [
                    connectors.letter(first + at) for at in range(tail.towers if on else 1)
                ]
            letters = leaving[net]
            if is_new:
                id = _free(f"to {letters[0]}", items)
                pieces[start].leave(link, letter(id, letters, tail.step), on)
            id = _free(f"from {letters[0]} to {link.head}", items)
            pieces[end].enter(link, letter(id, letters, tail.step), on)
        trunk = self.found.trunk
        return [VolumeLine(x.nodes, x.links, trunk | x.trunk, x.perched) for x in pieces]

    def _starts(self, count: int) -> list[int]:
        """The columns that begin lines."""
        total = sum(self.rooms)
        starts, used = [0], 0.0
        for column, room in enumerate(self.rooms):
            if used > total / count and len(starts) < count:
                starts.append(column)
                used = 0.0
            used += room
        return starts


@dataclass(slots=True)
class _Piece:
    """What stands in a line: with letters on its trunk, or on what they belong to."""

    nodes: dict[str, Shown] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    trunk: set[str] = field(default_factory=set)
    perched: dict[str, list[Link]] = field(default_factory=dict)  # by what letters stand on

    def leave(self, link: Link, sign: Sign, on: bool) -> None:
        """Have a letter where a link leads to another line; `on` if as the trunk does."""
        self.nodes[sign.id] = sign
        pairs = tuple((at, at) for at in range(len(sign.parts)))
        self._take(replace(link, head=sign.id, pairs=pairs), sign.id, "" if on else link.tail)

    def enter(self, link: Link, sign: Sign, on: bool) -> None:
        """Have one where it comes from another line."""
        self.nodes = {sign.id: sign, **self.nodes}
        self._take(replace(link, tail=sign.id), sign.id, "" if on else link.head)

    def _take(self, link: Link, sign: str, card: str) -> None:
        if card:
            self.perched.setdefault(card, []).append(link)
        else:
            self.trunk.add(sign)
            self.links.append(link)


def _free(id: str, taken: Container[str]) -> str:
    """An id that no label of the user's has."""
    while id in taken:
        id += "'"
    return id


def _links(found: Paper, known: set[str]) -> Iterator[Link]:
    """The edges between what is drawn, each once."""
    edges = [e for e in found.scene.edges if e.tail in known and e.head in known]
    for tail, head, kind in dict.fromkeys((e.tail, e.head, _kind(e)) for e in edges):
        yield Link(tail, head, kind, tuple(found.towers.lines(tail, head)))


def _kind(edge: Edge) -> str:
    if edge.size:
        return "size"
    if edge.training_only:
        return "training"
    return "skip" if edge.skip else "straight"


def _drawing(name: str, title: str, lines: list[VolumeLine]) -> str:
    """Some lines as DOT."""
    strokes: list[str] = []
    nodes: list[str] = []
    base = 0.0
    for line in reversed(lines):
        line.lift(base)
        strokes = [*line.strokes(), *strokes]
        nodes = [*line.words(), *nodes]
        base += line.height + _LINE_GAP
    text = list(preamble(name, "", f'{_GRAPH}, _background="{" ".join(strokes)}"'))
    if title:
        width = max(line.width for line in lines)
        # As wide as the picture, so that its words stand at the left.
        cell = (
            f'<TABLE BORDER="0" WIDTH="{width:.0f}"><TR><TD ALIGN="LEFT">{title}</TD></TR></TABLE>'
        )
        text.append(f'  title [pos="{width / 2:.1f},{base + 34:.1f}", label=<{cell}>];')
    return "\n".join([*text, *nodes, "}"]) + "\n"
