"""Where what a drawing shows stands in one column, about, and where that is cut.

Sizes are estimates: Graphviz makes the real ones.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, takewhile
from math import sqrt

from archc.draw.boxes import title
from archc.draw.scene import Box, Card, Scene
from archc.draw.sheets import Size
from archc.draw.style import text_width

MOST_COLUMNS = 16

_LONG, _LONG_TALL = 3.8, 2.8  # a drawing as many times as high as wide is cut; a tall one
_TALL = 1500  # points: that no screen shows
_SLIDE = 16 / 9
_GAP, _HEADER, _MARGIN = 24, 44, 10  # points: between ranks, of a box's header, around a box
_GAP_BESIDE, _LINE = 40, 1100  # between ranks of a row; a row that is not cut
_DEEP, _SIGN = 40, 120  # points that a column may be lower for a box, or a sign, less
_HEAD = 150  # points of a page: its title, its margins, signs
_BENDS = 1.3  # times the width of cards side by side: with the margins of boxes, and lines
MOST_PASSING = 5  # edges that a cut may cross
_SLACK = (0, 0.04, 0.08, 0.12, 0.16)  # of a column's height
_WORTH = 0.8  # of the height: a drawing that stays as high is not cut


@dataclass(frozen=True, slots=True)
class CutPlace:
    """Between two items: the first node after it, how high that is, what is around and passes."""

    at: int
    height: float
    depth: int  # of boxes that are cut
    passing: int  # edges

    @property
    def cost(self) -> float:
        return _DEEP * self.depth**2 + _SIGN * (self.passing - 1)


class OneColumn:
    """Where the nodes of a drawing in one column will be, about.

    Of one to the right this is a row: what is called height here is its length.
    """

    def __init__(self, scene: Scene, direction: str = "down") -> None:
        self.scene, self.lies = scene, direction == "right"
        self.numbers: dict[str, int] = {}
        self.ends: dict[str, int] = {}  # the node after each item
        self.sizes: list[Size] = []  # width and height
        ends = {edge.tail for edge in scene.edges}
        self._outputs = {item.id for item in scene.root.items if is_end(item, ends)}
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
            return min(round(sqrt(self.height / (width + _HEADER) / _SLIDE)) or 1, MOST_COLUMNS)
        long = _LONG if self.height < _TALL else _LONG_TALL
        if self.height < long * max(width, 340):
            return 1
        return min(round(sqrt(self.height / width * _SLIDE)), MOST_COLUMNS)

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

    def are_lower(self, cuts: list[int]) -> bool:
        """Whether columns are lower than the whole: one tower of several may be as high."""
        heights = map(self._height, [0, *cuts], [*cuts, len(self.sizes)])
        return max(heights) < _WORTH * self.height

    def _cost(self, cuts: list[CutPlace]) -> float:
        """How much higher columns may be for fewer boxes that are cut, and fewer lines."""
        starts = [place.at for place in cuts]
        ends = {(self.numbers[edge.tail], self.numbers[edge.head]) for edge in self.scene.edges}
        led_on = sum(bisect_right(starts, a) != bisect_right(starts, b) for a, b in ends)
        return _SIGN * (led_on + sum(place.depth for place in cuts))

    def _possible(self) -> Iterator[CutPlace]:
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
            if 0 < passing[at] <= MOST_PASSING and not beside:
                yield CutPlace(at, self.tops[at], depth, passing[at])


def _filled(places: list[CutPlace], limit: float, height: float) -> list[CutPlace]:
    """Columns filled one after the other, each to a good place before the limit."""
    cuts: list[CutPlace] = []
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


def is_end(item: Card | Box, ends: set[str]) -> bool:
    return isinstance(item, Card) and item.category == "io" and item.id not in ends
