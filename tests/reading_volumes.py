"""Pictures of volumes read back from where things stand: boxes, signs, and which arrow joins what.

The arrows are strokes in the graph's background: an end belongs to what it touches. `faults` says
what cannot be read: an end in the air, a line through a box, lines that lie on each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations, pairwise

import reading

from archc.draw.style import FAINT, LINE, SKIP

Point = tuple[float, float]
NEAR = 0.75  # points

_KINDS = {
    (LINE, "solid"): "trunk",
    (SKIP, "dashed"): "skip",
    (FAINT, "dashed"): "training",
    (LINE, "dotted"): "size",
}
_OPERATION = re.compile(
    r"(?P<c>[cC]) \d+ -(?P<colour>#\w+)|S \d+ -(?P<style>\w+)"
    r"|(?P<shape>[PL]) (?P<count>\d+)(?P<points>(?: -?[\d.]+)+)"
)


@dataclass(eq=False)
class Solid:
    """A box, or a sign; `part` is which of a card's, from the top."""

    id: str
    left: float
    low: float
    right: float  # of the front
    high: float
    slope: float = 0.0
    part: int = 0

    def is_left_at(self, x: float, y: float) -> bool:
        """Whether an arrow that begins there leaves it."""
        if self.slope == 0.0:
            return self._is_on_border(x, y)
        back, up = self.right + self.slope, self.low + self.slope
        side = _near(x, back) and _within(y, up, self.high + self.slope)
        foot = _near(x - self.right, y - self.low) and _within(x, self.right, back)
        top = _near(y, self.high + self.slope)
        return side or foot or (top and _within(x, self.left + self.slope, self.right + self.slope))

    def is_entered_at(self, x: float, y: float) -> bool:
        if self.slope == 0.0:
            return self._is_on_border(x, y)
        front = _near(x, self.left) and self.low <= y <= self.high
        return front or (_near(y, self.high) and _within(x, self.left, self.right))

    def _is_on_border(self, x: float, y: float) -> bool:
        upright = _near(x, self.left) or _near(x, self.right)
        flat = _near(y, self.low) or _near(y, self.high)
        return (upright and _within(y, self.low, self.high)) or (
            flat and _within(x, self.left, self.right)
        )

    def is_cut(self, a: Point, b: Point) -> bool:
        """Whether a line passes through its front."""
        steps = [at / 40 for at in range(41)]
        return any(
            self.left + 1 < a[0] + (b[0] - a[0]) * t < self.right - 1
            and self.low + 1 < a[1] + (b[1] - a[1]) * t < self.high - 1
            for t in steps
        )


def _near(a: float, b: float) -> bool:
    return abs(a - b) < NEAR


def _within(x: float, low: float, high: float) -> bool:
    return low - NEAR <= x <= high + NEAR


@dataclass(eq=False)
class Stroke:
    points: list[Point]
    kind: str
    tail: Solid | None = None
    head: Solid | None = None


@dataclass(eq=False)
class Picture:
    """A sheet: its cards, those of them that are boxes, and its arrows."""

    items: list[reading.Item] = field(default_factory=list)
    solids: list[Solid] = field(default_factory=list)
    strokes: list[Stroke] = field(default_factory=list)

    @property
    def boxes(self) -> set[str]:
        return {solid.id for solid in self.solids if solid.slope}

    def faults(self) -> Iterator[str]:
        """What cannot be read."""
        for stroke in self.strokes:
            ends = [solid.id if solid else "the air" for solid in (stroke.tail, stroke.head)]
            if "the air" in ends:
                yield f"volumes: an arrow from {ends[0]} to {ends[1]}"
            for solid in self.solids:
                if any(solid.is_cut(a, b) for a, b in pairwise(stroke.points)):
                    yield f"volumes: the arrow from {ends[0]} to {ends[1]} runs through {solid.id}"
        for one, other in combinations(self.strokes, 2):
            if one.tail is other.tail or one.head is other.head:
                continue
            for a, b in pairwise(one.points):
                if any(_overlap(a, b, c, d) for c, d in pairwise(other.points)):
                    yield (
                        f"volumes: arrows from {one.tail and one.tail.id} and "
                        f"{other.tail and other.tail.id} run on each other"
                    )
        for solid, second in combinations(self.solids, 2):
            across = min(solid.right, second.right) - max(solid.left, second.left)
            up = min(solid.high, second.high) - max(solid.low, second.low)
            if across > 1 and up > 1:
                yield f"volumes: {solid.id} stands on {second.id}"


def _overlap(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether two pieces that are level or upright lie on each other."""
    for along, across in ((0, 1), (1, 0)):
        flat = all(abs(p[across] - a[across]) < 0.6 for p in (b, c, d))
        low = max(min(a[along], b[along]), min(c[along], d[along]))
        high = min(max(a[along], b[along]), max(c[along], d[along]))
        if flat and high - low > 1:
            return True
    return False


def of_volumes(dot: str) -> Picture:
    """What is seen in a DOT text of volumes."""
    found = Picture()
    words: dict[str, Point] = {}
    for line in dot.splitlines():
        match = reading.NODE.match(line.strip())
        if match is None or match[1] == "title" or "pos=" not in match[2]:
            continue
        id = reading.unquoted(match[1])
        x, y = (float(n) for n in re.findall(r'pos="(-?[\d.]+),(-?[\d.]+)"', match[2])[0])
        found.items.append(reading.card_of(id, match[2]))
        size = re.search(r"width=([\d.]+), height=([\d.]+)", match[2])
        if size:
            w, h = (72 * float(n) / 2 for n in size.groups())
            found.solids.append(Solid(id, x - w, y - h, x + w, y + h))
        else:
            words[id] = (x, y)
    background = re.search(r'_background="([^"]*)"', dot)
    faces: list[list[Point]] = []
    colour = style = ""
    for match in _OPERATION.finditer(background[1] if background else ""):
        colour = match["colour"] if match["c"] == "c" else colour
        style = match["style"] or style
        if match["shape"] is None:
            continue
        numbers = [float(n) for n in match["points"].split()]
        points = list(zip(numbers[::2], numbers[1::2], strict=True))
        assert len(points) == int(match["count"])
        if match["shape"] == "L":
            found.strokes.append(Stroke(points, _KINDS.get((colour, style), "other")))
        elif len(points) == 4:
            faces.append(points)
    for _, side, front in zip(faces[::3], faces[1::3], faces[2::3], strict=True):
        found.solids.append(_box(side, front, words))
    parts: dict[str, int] = {}
    for solid in sorted(found.solids, key=lambda solid: -solid.high):
        solid.part = parts[solid.id] = parts.get(solid.id, -1) + 1
    for stroke in found.strokes:
        start, end = stroke.points[0], stroke.points[-1]
        stroke.tail = next((solid for solid in found.solids if solid.is_left_at(*start)), None)
        stroke.head = next((solid for solid in found.solids if solid.is_entered_at(*end)), None)
    return found


def _box(side: list[Point], front: list[Point], words: dict[str, Point]) -> Solid:
    """A box, called by the words that stand next below its middle."""
    (left, low), (right, high) = front[0], front[2]
    slope = side[1][0] - side[0][0]
    middle = (left + right + slope) / 2
    below = {id: y for id, (x, y) in words.items() if abs(x - middle) < 0.3 and y < low}
    return Solid(max(below, key=lambda id: below[id], default=""), left, low, right, high, slope)


Arrow = tuple[str, str, str]  # tail, head, kind


def arrows(pages: list[Picture]) -> dict[Arrow, set[tuple[int, int]]]:
    """What leads where, and from which part to which; by letters over lines and sheets."""
    letters = {
        item.id: item.cells[0]
        for page in pages
        for item in page.items
        if re.match(r"(to|from) [A-Z]+'*( |$)", item.id) and item.id not in page.boxes
        and re.fullmatch("[A-Z]+", item.cells[0])
    }  # fmt: skip
    found: dict[Arrow, set[tuple[int, int]]] = {}
    leaving: dict[str, list[tuple[str, int, str]]] = {}
    entering: dict[str, list[tuple[str, int, str]]] = {}
    for stroke in (stroke for page in pages for stroke in page.strokes):
        tail, head, kind = stroke.tail, stroke.head, stroke.kind
        if tail is None or head is None:
            continue
        if head.id in letters:
            leaving.setdefault(letters[head.id], []).append((tail.id, tail.part, kind))
        elif tail.id in letters:
            entering.setdefault(letters[tail.id], []).append((head.id, head.part, kind))
        else:
            found.setdefault((tail.id, head.id, kind), set()).add((tail.part, head.part))
    for name, starts in leaving.items():
        for start_id, start, kind in starts:
            for end_id, end, other in entering.get(name, ()):
                if kind == other:
                    found.setdefault((start_id, end_id, kind), set()).add((start, end))
    return found
