"""A long drawing in columns: it goes on at the top of the next one, as a text does.

A column ends between two items where one tensor alone passes; both ends say where it goes on. A
box that is cut goes on in a frame of its own. Sizes are estimates: Graphviz makes the real ones.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, takewhile
from math import sqrt

from archc.draw.boxes import title
from archc.draw.collapse import boxes, cards
from archc.draw.scene import Box, Card, Edge, Scene
from archc.draw.sheets import Size
from archc.draw.style import text_width

_LONG, _LONG_TALL = 3.8, 2.8  # a drawing as many times as high as wide is cut; a tall one
_TALL = 1500  # points: that no screen shows
_SLIDE = 16 / 9
_MOST = 16  # columns
_GAP, _HEADER, _MARGIN = 24, 44, 10  # points: between ranks, of a box's header, around a box
_GAP_BESIDE, _LINE = 40, 1100  # between ranks of a row; a row that is not cut
_DEEP, _SIGN = 40, 120  # points that a column may be lower for a box, or a sign, less
_HEAD = 150  # points of a page: its title, its margins, signs
_BENDS = 1.3  # times the width of cards side by side: with the margins of boxes, and lines
_PASS = 5  # edges that a cut may cross
_SLACK = (0, 0.04, 0.08, 0.12, 0.16)  # of a column's height
_WORTH = 0.8  # of the height: a drawing that stays as high is not cut


def in_columns(
    scene: Scene, columns: int | None = None, direction: str = "down"
) -> tuple[Scene, int]:
    """The scene in columns, and how many; one where it is not long, or nowhere to be cut.

    They are rows where the direction is "right".
    """
    whole, scene = scene, _with_outputs_beside(scene)
    layout = _OneColumn(scene, direction)
    wanted = layout.columns() if columns is None else min(columns, _MOST)
    cuts = layout.cuts(wanted) if wanted > 1 else []
    if not cuts or (columns is None and not layout.is_lower(cuts)):
        return whole, 1
    return _ColumnMaker(scene, layout, cuts).scene(), len(cuts) + 1


def in_pages(scene: Scene, pages: int, columns: int, direction: str = "down") -> list[Scene]:
    """The scene on so many pages of so many columns; nothing where it cannot be cut so."""
    if pages * columns == 1:
        return [scene]
    scene = _with_outputs_beside(scene)
    layout = _OneColumn(scene, direction)
    cuts = layout.cuts(pages * columns)
    if len(cuts) + 1 != pages * columns:
        return []
    return _pages(scene, layout, cuts, columns)


def in_full_pages(
    scene: Scene, sheets: Iterable[Sequence[Size]], most: int, direction: str = "down"
) -> Iterator[list[Scene]]:
    """The scene in one column on pages that hold as much as they can, in each of several ways.

    A way is the sizes, in points, that a page may have: of a sheet upright, and of one that lies.
    """
    scene = _with_outputs_beside(scene)
    layout = _OneColumn(scene, direction)
    for cuts in dict.fromkeys(tuple(layout.filled(sizes, most)) for sizes in sheets):
        yield _pages(scene, layout, list(cuts), 1)


def estimated_size(scene: Scene, direction: str = "down") -> tuple[float, float]:
    """Width and length, in points, in one column, or in one row."""
    layout = _OneColumn(scene, direction)
    return layout.width(), layout.height


def widest(scene: Scene, direction: str = "down") -> tuple[float, list[str]]:
    """The width of what is widest in one column, in points, and what stands there side by side."""
    layout = _OneColumn(scene, direction)
    ids = list(layout.numbers)
    return layout.width(), [ids[at] for at in layout.widest()]


def _with_outputs_beside(scene: Scene) -> Scene:
    """The scene with each output right behind what makes it, and not at the end."""
    tails = {edge.head: edge.tail for edge in scene.edges}
    ends = {edge.tail for edge in scene.edges}
    items = scene.root.items
    outputs = [item for item in items if item.id in tails and _is_end(item, ends)]
    made: dict[str, list[Card | Box]] = {}
    for item in outputs:
        made.setdefault(tails[item.id], []).append(item)
    ordered: list[Card | Box] = []
    for item in items:
        if item in outputs:
            continue
        inside = [item.id] if isinstance(item, Card) else [c.id for c in cards(item)]
        ordered += [item, *(output for id in inside for output in made.pop(id, ()))]
    rest = [output for several in made.values() for output in several]
    return replace(scene, root=replace(scene.root, items=[*ordered, *rest]))


def _is_end(item: Card | Box, ends: set[str]) -> bool:
    return isinstance(item, Card) and item.category == "io" and item.id not in ends


def _pages(scene: Scene, layout: _OneColumn, cuts: list[int], columns: int) -> list[Scene]:
    whole = _ColumnMaker(scene, layout, cuts).scene()
    return [
        _page(whole, whole.root.items[at : at + columns]) for at in range(0, len(cuts) + 1, columns)
    ]


def _page(scene: Scene, columns: list[Card | Box]) -> Scene:
    """Some columns, and what is between their cards."""
    root = replace(scene.root, items=columns)
    inside = {*(box.id for box in boxes(root)), *(card.id for card in cards(root))}
    edges = [edge for edge in scene.edges if edge.tail in inside and edge.head in inside]
    return Scene(root, edges, [ids for ids in scene.levels if inside.issuperset(ids)])


@dataclass(frozen=True, slots=True)
class _CutPlace:
    """Between two items: the first node after it, how high that is, what is around and passes."""

    at: int
    height: float
    depth: int  # of boxes that are cut
    passing: int  # edges

    @property
    def cost(self) -> float:
        return _DEEP * self.depth**2 + _SIGN * (self.passing - 1)


class _OneColumn:
    """Where the nodes of a drawing in one column will be, about.

    Of one to the right this is a row: what is called height here is its length.
    """

    def __init__(self, scene: Scene, direction: str = "down") -> None:
        self.scene, self.lies = scene, direction == "right"
        self.numbers: dict[str, int] = {}
        self.ends: dict[str, int] = {}  # the node after each item
        self.sizes: list[tuple[float, float]] = []  # width and height
        ends = {edge.tail for edge in scene.edges}
        self._outputs = {item.id for item in scene.root.items if _is_end(item, ends)}
        self._places: list[tuple[int, int]] = []  # between items: the node after, and the depth
        self._number(scene.root, 0, True)
        self.tops = self._tops(0, len(self.sizes))
        self.height = self._height(0, len(self.sizes))

    def _number(self, box: Box, depth: int, cuttable: bool) -> None:
        """Number a box's items; what repeats is never cut."""
        cuttable = cuttable and box.kind in ("network", "group", "block")
        for at, item in enumerate(box.items):
            if at and cuttable and item.id not in self._outputs:  # which stays with its maker
                self._places.append((len(self.sizes), depth))
            self.numbers[item.id] = len(self.sizes)
            if isinstance(item, Card):
                width, height = _card_size(item)
            else:
                width, height = _header_width(item), _HEADER
            self.sizes.append((height, width) if self.lies else (width, height))
            if isinstance(item, Box):
                self._number(item, depth + 1, cuttable)
            self.ends[item.id] = len(self.sizes)

    def _tops(self, start: int, stop: int) -> list[float]:
        """By the longest way to each of some nodes; a box's items stand below its header."""
        tops = [0.0] * len(self.sizes)
        edges = sorted(self.scene.edges, key=lambda edge: self.numbers[edge.tail])
        for edge in edges:
            tail, head = self.numbers[edge.tail], self.numbers[edge.head]
            if start <= tail < head < stop:
                gap = _GAP_BESIDE if self.lies else _GAP
                tops[head] = max(tops[head], tops[tail] + self.sizes[tail][1] + gap)
        return tops

    def _height(self, start: int, stop: int) -> float:
        """Of some nodes, laid out by themselves."""
        tops = self._tops(start, stop)
        return max((tops[at] + self.sizes[at][1] for at in range(start, stop)), default=0)

    def width(self) -> float:
        """Of the widest rank."""
        return self._widest_rank(0, len(self.sizes))[0]

    def widest(self) -> list[int]:
        """The nodes of that rank."""
        _, height = self._widest_rank(0, len(self.sizes))
        nodes = enumerate(zip(self.tops, self.sizes, strict=True))
        return [at for at, (top, size) in nodes if top <= height < top + size[1] - 1]

    def _widest_rank(self, start: int, stop: int) -> tuple[float, float]:
        """How wide the widest rank of some nodes is, and where."""
        events: list[tuple[float, float]] = []
        for at in range(start, stop):
            top, (width, height) = self.tops[at], self.sizes[at]
            events += [(top, width + _GAP), (top + height - 1, -width - _GAP)]
        widest = now = where = 0.0
        for top, change in sorted(events):
            now += change
            if now > widest:
                widest, where = now, top
        return widest + 2 * _MARGIN, where

    def columns(self) -> int:
        """How many make it as wide as a slide."""
        width = self.width()
        if self.lies:
            if self.height < max(_LINE, 3 * width):
                return 1
            return min(round(sqrt(self.height / (width + _HEADER) / _SLIDE)) or 1, _MOST)
        long = _LONG if self.height < _TALL else _LONG_TALL
        if self.height < long * max(width, 340):
            return 1
        return min(round(sqrt(self.height / width * _SLIDE)), _MOST)

    def cuts(self, wanted: int) -> list[int]:
        """The nodes that begin further columns; none where all but a little stays in one."""
        places = list(self._possible())
        low, high = self.height / wanted, self.height
        for _ in range(12):  # the lowest columns that hold it all
            limit = (low + high) / 2
            fits = len(_filled(places, limit, self.height)) < wanted
            low, high = (low, limit) if fits else (limit, high)
        if high >= _WORTH * self.height:
            return []
        limits = [high * (1 + share) for share in _SLACK]
        ways = [(limit, _filled(places, limit, self.height)) for limit in limits]
        ways = [(limit, cuts) for limit, cuts in ways if len(cuts) == len(ways[0][1])]
        _, cuts = min(ways, key=lambda way: way[0] + self._cost(way[1]))
        return [place.at for place in cuts]

    def filled(self, sizes: Sequence[Size], most: int) -> list[int]:
        """The nodes that begin further pages, each of the size that holds most; at most so many."""
        places, cuts = list(self._possible()), [0]
        while len(cuts) <= most and not self._holds(sizes, cuts[-1], len(self.sizes)):
            places = [place for place in places if place.at > cuts[-1]]
            if not places:
                break
            held = takewhile(lambda place: self._holds(sizes, cuts[-1], place.at), places)
            best = max(list(held) or places[:1], key=lambda place: place.height - place.cost)
            cuts.append(best.at)
        return cuts[1:]

    def _holds(self, sizes: Sequence[Size], start: int, stop: int) -> bool:
        """Whether a page of one of some sizes holds some nodes, below its head."""
        ends = (self.tops[at] + self.sizes[at][1] for at in range(start, stop))
        height = max(ends) - min(self.tops[start:stop]) + _HEAD
        width, _ = self._widest_rank(start, stop)
        return any(_BENDS * width <= wide and height <= high for wide, high in sizes)

    def is_lower(self, cuts: list[int]) -> bool:
        """Whether columns are: a tower that stands beside another may be as high as the whole."""
        heights = map(self._height, [0, *cuts], [*cuts, len(self.sizes)])
        return max(heights) < _WORTH * self.height

    def _cost(self, cuts: list[_CutPlace]) -> float:
        """How much higher columns may be for fewer boxes that are cut, and fewer lines."""
        starts = [place.at for place in cuts]
        ends = {(self.numbers[edge.tail], self.numbers[edge.head]) for edge in self.scene.edges}
        led_on = sum(bisect_right(starts, a) != bisect_right(starts, b) for a, b in ends)
        return _SIGN * (led_on + sum(place.depth for place in cuts))

    def _possible(self) -> Iterator[_CutPlace]:
        """Where few tensors pass: each must be led on."""
        passing = [0] * (len(self.sizes) + 1)
        for edge in {(edge.tail, edge.head): edge for edge in self.scene.edges}.values():
            ends = sorted((self.numbers[edge.tail], self.numbers[edge.head]))
            passing[ends[0] + 1] += 1
            passing[ends[1] + 1] -= 1
        for at, sum_ in enumerate(accumulate(passing)):
            passing[at] = sum_
        highest = 0.0
        for at, depth in self._places:
            beside = self.tops[at] <= highest  # a tower or a side classifier begins
            highest = max(highest, self.tops[at])
            if 0 < passing[at] <= _PASS and not beside:
                yield _CutPlace(at, self.tops[at], depth, passing[at])


def _filled(places: list[_CutPlace], limit: float, height: float) -> list[_CutPlace]:
    """Columns filled one after the other, each to a good place before the limit."""
    cuts: list[_CutPlace] = []
    start = 0.0
    while height - start > limit:
        near = [place for place in places if start < place.height <= start + limit]
        if not near:
            near = [place for place in places if place.height > start][:1]
        if not near:
            return cuts
        cuts.append(max(near, key=lambda place: place.height - place.cost))
        start = cuts[-1].height
    return cuts


def _card_size(card: Card) -> tuple[float, float]:
    words = text_width("".join(text for text, _ in card.title), 9.5)
    if card.pill:
        return words + 16, 19
    wide = max(words, text_width(" · ".join(card.facts), 8)) + 12
    return wide + 48 * bool(card.cost), 34 if card.facts else 19


def _header_width(box: Box) -> float:
    return max(text_width(title(box.name, box.block), 10), text_width(" · ".join(box.facts), 8))


# --- the drawing that is cut -------------------------------------------------------------


class _ColumnMaker:
    """Puts items into columns, and signs where an edge leads from one to another."""

    def __init__(self, scene: Scene, layout: _OneColumn, cuts: list[int]) -> None:
        self.whole, self.layout = scene, layout
        self.starts = [0, *cuts, len(layout.sizes)]
        self.parts: Counter[str] = Counter()  # of each box that is cut
        self.paths: dict[str, tuple[str, ...]] = {}  # the boxes around each node, and itself
        self._find(scene.root, ())
        # Signs, by the item that they stand beside, and the column of that part of it.
        self.before: dict[tuple[str, int], list[Card]] = {}
        self.after: dict[tuple[str, int], list[Card]] = {}
        self.first: dict[str, list[Card]] = {}  # and by the box that they begin
        self.edges = list(self._led())

    def scene(self) -> Scene:
        columns: list[Card | Box] = [
            Box(f"column {at + 1}", "column", items=list(self._items(self.whole.root, at)))
            for at in range(len(self.starts) - 1)
        ]
        return Scene(replace(self.whole.root, items=columns), self.edges, self.whole.levels)

    def _find(self, box: Box, around: tuple[str, ...]) -> None:
        for item in box.items:
            self.paths[item.id] = (*around, item.id)
            if isinstance(item, Box):
                self._find(item, self.paths[item.id])

    # edges

    def _led(self) -> Iterator[Edge]:
        """The edges; one that leads to another column does so over two signs."""
        leaving: dict[Edge, Card] = {}
        arriving: dict[tuple[str, int], Card] = {}
        for edge in self.whole.edges:
            ends = [self._column(edge.tail), self._column(edge.head)]
            if ends[0] == ends[1]:
                yield edge
                continue
            tail, head = self._apart(edge)
            kind = replace(edge, head="")  # what leads on from there in one way has one sign
            if kind not in leaving:
                letter = chr(ord("A") + len(leaving) % 26) * (len(leaving) // 26 + 1)
                leaving[kind] = sign = self._sign("to", letter, edge)
                if tail is None:
                    self.first.setdefault(edge.tail, []).append(sign)
                else:
                    self.after.setdefault((tail, ends[0]), []).append(sign)
                yield replace(edge, head=sign.id)
            letter = leaving[kind].name
            if (letter, ends[1]) not in arriving:
                arriving[letter, ends[1]] = sign = self._sign("from", letter, edge)
                self.before.setdefault((head, ends[1]), []).append(sign)
            yield replace(edge, tail=arriving[letter, ends[1]].id)

    def _column(self, node: str) -> int:
        return bisect_right(self.starts, self.layout.numbers[node]) - 1

    def _apart(self, edge: Edge) -> tuple[str | None, str]:
        """The items around the ends of an edge, next to each other in the box around both."""
        tail, head = self.paths[edge.tail], self.paths[edge.head]
        pairs = zip(tail, head, strict=False)
        at = next((n for n, (a, b) in enumerate(pairs) if a != b), len(tail))
        return tail[at] if at < len(tail) else None, head[at]

    def _sign(self, direction: str, letter: str, edge: Edge) -> Card:
        shape, id = edge.label, f"{direction} {letter}"
        while id in self.layout.numbers:
            id += "'"  # a label of the user's is the same
        if direction == "from":
            id += f" in column {self._column(edge.head) + 1}"
        text = [(letter, True), (f"  {shape}", False)]
        return Card(id, "io", text, [], f"{direction} {letter}: {shape}", pill=True, name=letter)

    # items

    def _items(self, box: Box, column: int) -> Iterator[Card | Box]:
        """What of a box stands in a column."""
        start, stop = self.starts[column : column + 2]
        for item in box.items:
            if self.layout.numbers[item.id] < stop and start < self.layout.ends[item.id]:
                yield from self.before.get((item.id, column), ())
                yield self._part(item, column) if isinstance(item, Box) else item
                yield from self.after.get((item.id, column), ())

    def _part(self, box: Box, column: int) -> Box:
        self.parts[box.id] += 1
        part, items = self.parts[box.id], list(self._items(box, column))
        if part == 1:
            return replace(box, items=[*self.first.get(box.id, ()), *items])
        return replace(box, id=f"{box.id} part {part}", part=part, items=items)
