"""Where Graphviz puts what is in a scene: for formats that another program goes on with."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from archc.draw.dot import Writer, in_order
from archc.draw.scene import Box, Card, Edge, Scene

Point = tuple[float, float]  # in points from the upper left corner
_EPS = 1.0  # points that nobody sees


@dataclass(frozen=True, slots=True)
class Rectangle:
    """In points, from its upper left corner."""

    left: float
    top: float
    width: float
    height: float

    @property
    def centre(self) -> Point:
        return self.left + self.width / 2, self.top + self.height / 2

    def inside(self, outer: Rectangle) -> Rectangle:
        """The same from the corner of another."""
        return Rectangle(self.left - outer.left, self.top - outer.top, self.width, self.height)


@dataclass(frozen=True, slots=True)
class Curve:
    """An edge as Bézier curves: where it begins, and three points for each."""

    edge: Edge
    points: tuple[Point, ...]
    labelled: bool  # with the shape of its tensor

    @property
    def is_upright(self) -> bool:
        """Whether it is a straight line downwards."""
        return max(x for x, _ in self.points) - min(x for x, _ in self.points) < _EPS


@dataclass(frozen=True, slots=True)
class Placed:
    """A scene with its places. Headers of boxes are among `items`, by the box's id."""

    scene: Scene
    width: float
    height: float
    items: dict[str, Rectangle] = field(default_factory=dict)
    boxes: dict[str, Rectangle] = field(default_factory=dict)
    curves: list[Curve] = field(default_factory=list)

    def cards(self) -> list[Card]:
        return [item for item in _all(self.scene.root) if isinstance(item, Card)]

    def opened(self) -> list[Box]:
        """The boxes that are seen, each before those in it."""
        found = (item for item in _all(self.scene.root) if isinstance(item, Box))
        return [box for box in found if box.kind != "column"]


def _all(box: Box) -> Iterator[Card | Box]:
    for item in in_order(box):
        yield item
        if isinstance(item, Box):
            yield from _all(item)


def place(
    scene: Scene, name: str, columns: int, direction: str, layout: Callable[[str], bytes]
) -> Placed:
    """Lay a scene out; `layout` gives Graphviz's JSON of a DOT text."""
    writer = Writer(scene, columns=columns, direction=direction)
    found = json.loads(layout("\n".join(writer.lines(name, ""))))
    left, bottom, right, top = _numbers(found["bb"])
    made = Placed(scene, right - left, top - bottom)

    def at(x: float, y: float) -> Point:
        return x - left, top - y

    names = {}
    for thing in found.get("objects", ()):
        names[thing["_gvid"]] = thing["name"]
        if "bb" in thing:
            x0, y0, x1, y1 = _numbers(thing["bb"])
            made.boxes[thing["name"].removeprefix("cluster ")] = Rectangle(
                *at(x0, y1), x1 - x0, y1 - y0
            )
        elif "pos" in thing:
            width, height = 72 * float(thing["width"]), 72 * float(thing["height"])
            x, y = at(*_numbers(thing["pos"]))
            made.items[thing["name"]] = Rectangle(x - width / 2, y - height / 2, width, height)
    drawn = defaultdict(list)
    for line in found.get("edges", ()):
        if line.get("style") != "invis":
            points = tuple(at(*point) for point in _points(line))
            drawn[names[line["tail"]], names[line["head"]]].append(points)
    for edge in sorted(scene.edges, key=lambda edge: edge.training_only):
        points = drawn[edge.tail, edge.head].pop(0)
        made.curves.append(Curve(edge, points, writer.is_labelled(edge)))
    return made


def _points(line: dict[str, Any]) -> list[Point]:
    """Of an edge as Graphviz writes it: its end, where the arrow's tip is, stands first."""
    words = line["pos"].split()
    end = next((word for word in words if word.startswith("e,")), None)
    found = [_pair(word) for word in words if word[0] not in "es"]
    return found if end is None else [*found[:-1], _pair(end[2:])]


def _pair(text: str) -> Point:
    x, y = _numbers(text)
    return x, y


def _numbers(text: str) -> list[float]:
    return [float(number) for number in text.split(",")]
