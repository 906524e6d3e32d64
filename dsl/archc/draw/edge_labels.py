"""Shapes beside lines, set aside where they would stand on a card.

In a drawing in columns Graphviz puts a label at an end of its edge, at an angle to the direction in
which the edge leaves there; where an edge leaves sideways, this may be on a card. Such a label is
put where nothing is: its angle and distance are worked out from where Graphviz drew the edge.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import atan2, degrees, dist
from xml.etree import ElementTree

from archc.draw.style import quoted, text_width

Point = tuple[float, float]

_SVG = "{http://www.w3.org/2000/svg}"
_PLACE = re.compile(r'(?:tail|head)(label="[^"]*"), labelangle=[-\d.]+, labeldistance=[\d.]+')
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_POINTS, _UNIT = 8.0, 10.0  # of the letters; of `labeldistance`
_GAP, _ROOM = 4.0, 2.0  # between a label and its line, and around a card
_STEPS = range(10, 90, 6)  # along a line from its end, in points


@dataclass(frozen=True, slots=True)
class _Area:
    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def around(cls, x: float, y: float, width: float, height: float) -> _Area:
        return cls(x - width / 2, y - height / 2, x + width / 2, y + height / 2)

    def meets(self, other: _Area) -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def holds(self, point: Point) -> bool:
        return self.left < point[0] < self.right and self.top < point[1] < self.bottom


@dataclass
class _DrawnEdge:
    """An edge as Graphviz drew it: the corners of its Bézier curves, its arrow, its label."""

    title: str
    corners: list[Point]
    tip: Point
    label: str
    area: _Area | None

    @cached_property
    def points(self) -> list[Point]:
        """Places on its line, from the tail on."""
        parts = [self.corners[at : at + 4] for at in range(0, len(self.corners) - 3, 3)]
        return [_bezier(part, t / 12) for part in parts for t in range(12)] + self.corners[-1:]

    def places(self) -> Iterator[tuple[str, Point]]:
        """Where its label may stand: beside, above or below the line, near the tail or the head."""
        wide, high = text_width(self.label.strip(), _POINTS) / 2 + _GAP, _POINTS / 2 + _GAP
        for far in _STEPS:
            for end, points in (("tail", self.points), ("head", self.points[::-1])):
                x, y = _along(points, far)
                yield from ((end, (x + aside, y)) for aside in (wide, -wide))
                yield from ((end, (x, y + aside)) for aside in (-high, high))

    def attributes(self, end: str, place: Point) -> str:
        """The angle and the distance, in Graphviz's terms, of a place beside one end."""
        start, toward = self.tip, self.corners[-1]
        if end == "tail":
            start, toward = self.corners[0], _bezier(self.corners[:4], 0.1)
        turn = degrees(_direction(start, place) - _direction(start, toward))
        angle = (turn + 180) % 360 - 180  # Graphviz takes no other
        return f"labelangle={angle:.1f}, labeldistance={dist(start, place) / _UNIT:.2f}"


def set_aside(dot: str, svg: bytes) -> str:
    """The same drawing with the labels of edges where no card is; `svg` is how it came out."""
    group = ElementTree.fromstring(svg).find(f"{_SVG}g")
    if group is None:
        return dot
    parts = list(group.iter(f"{_SVG}g"))
    taken = [area for part in parts if part.get("class") == "node" for area in _areas(part)]
    borders = [area for part in parts if part.get("class") == "cluster" for area in _borders(part)]
    edges = [_edge(part) for part in parts if part.get("class") == "edge"]
    labels = {edge.title: edge.area for edge in edges if edge.area is not None}
    for edge in edges:
        if edge.area is None:
            continue
        others = [*taken, *(area for title, area in labels.items() if title != edge.title)]
        if not any(map(edge.area.meets, [*others, *borders])):
            continue
        found = _free(edge, others, borders, edges)
        if found is not None:
            dot = _moved(dot, edge, *found)
            labels[edge.title] = _area(edge.label, found[1])
    return dot


def _free(
    edge: _DrawnEdge,
    taken: Sequence[_Area],
    borders: Sequence[_Area],
    edges: Sequence[_DrawnEdge],
) -> tuple[str, Point] | None:
    """The first place that no line passes; else the first where nothing else is."""
    places = [
        (end, place)
        for end, place in edge.places()
        if not any(map(_area(edge.label, place).meets, taken))
    ]
    for end, place in places:
        area = _area(edge.label, place)
        lines = (point for other in edges for point in other.points)
        if not (any(map(area.meets, borders)) or any(map(area.holds, lines))):
            return end, place
    return (
        next(iter(places), None)
        if edge.area is not None and any(map(edge.area.meets, taken))
        else None
    )


def _moved(dot: str, edge: _DrawnEdge, end: str, place: Point) -> str:
    tail, _, head = edge.title.partition("->")
    ends = " -> ".join(quoted(re.sub(r"(:out)?:[ns]$", "", id)) for id in (tail, head))
    place_of = f"{end}\\1, {edge.attributes(end, place)}"
    lines = dot.split("\n")
    for at, line in enumerate(lines):
        if line.lstrip().startswith(f"{ends} [") and edge.label.strip() in line:
            lines[at] = _PLACE.sub(place_of, line)
            break
    return "\n".join(lines)


# --- what Graphviz drew ------------------------------------------------------------------


def _edge(group: ElementTree.Element) -> _DrawnEdge:
    path, arrow, text = (group.find(f".//{_SVG}{name}") for name in ("path", "polygon", "text"))
    corners = _points(path.get("d", "")) if path is not None else []
    tip = corners[-1]
    if arrow is not None:
        tip = max(_points(arrow.get("points", "")), key=lambda point: dist(point, corners[-1]))
    label = (text.text or "") if text is not None else ""
    area = next(_areas(group), None) if text is not None else None
    return _DrawnEdge(group.findtext(f"{_SVG}title") or "", corners, tip, label, area)


def _areas(group: ElementTree.Element) -> Iterator[_Area]:
    """What its words take, and of a card its frame."""
    for text in group.iter(f"{_SVG}text"):
        points = float(text.get("font-size", _POINTS))
        width = text_width((text.text or "").strip(), points)
        x, y = float(text.get("x", 0)), float(text.get("y", 0))
        middle = x + width / 2 if text.get("text-anchor") == "start" else x
        yield _Area.around(middle, y - 0.35 * points, width, 1.1 * points)
    if group.get("class") == "node":
        for corners in map(_corners, group.iter()):
            if corners:
                xs, ys = zip(*corners, strict=True)
                yield _Area(min(xs) - _ROOM, min(ys) - _ROOM, max(xs) + _ROOM, max(ys) + _ROOM)


def _corners(shape: ElementTree.Element) -> list[Point]:
    """Of a frame: a polygon, a path where it is rounded, or a circle."""
    if shape.tag == f"{_SVG}ellipse":
        x, y, wide, high = (float(shape.get(name, 0)) for name in ("cx", "cy", "rx", "ry"))
        return [(x - wide, y - high), (x + wide, y + high)]
    return _points(shape.get("points", "") or shape.get("d", ""))


def _borders(group: ElementTree.Element) -> Iterator[_Area]:
    """The four sides of a box."""
    shape = group.find(f".//{_SVG}path")
    text = shape.get("d", "") if shape is not None else ""
    if shape is None and (shape := group.find(f".//{_SVG}polygon")) is not None:
        text = shape.get("points", "")
    if not text:
        return
    xs, ys = zip(*_points(text), strict=True)
    left, right, top, bottom = min(xs), max(xs), min(ys), max(ys)
    yield from (_Area(x, top, x, bottom) for x in (left, right))
    yield from (_Area(left, y, right, y) for y in (top, bottom))


def _area(label: str, place: Point) -> _Area:
    return _Area.around(*place, text_width(label.strip(), _POINTS), 1.1 * _POINTS)


def _points(text: str) -> list[Point]:
    numbers = list(map(float, _NUMBER.findall(text)))
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _bezier(corners: Sequence[Point], t: float) -> Point:
    while len(corners) > 1:
        corners = [(a + (c - a) * t, b + (d - b) * t) for (a, b), (c, d) in pairwise(corners)]
    return corners[0]


def _along(points: Sequence[Point], far: float) -> Point:
    """The place on a line that is so far from its beginning."""
    for one, other in pairwise(points):
        length = dist(one, other)
        if length and far <= length:
            return _bezier([one, other], far / length)
        far -= length
    return points[-1]


def _direction(start: Point, end: Point) -> float:
    """An angle, counterclockwise as Graphviz counts it; SVG's y grows downwards."""
    return atan2(start[1] - end[1], end[0] - start[0])
