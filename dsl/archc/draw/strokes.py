"""Graphviz's drawing operations, which every Graphviz draws: the parts of a `_background`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

Point = tuple[float, float]


def pen(colour: str) -> str:
    """Draw in a colour from here on."""
    return f"c {len(colour)} -{colour}"


def filled(points: Sequence[Point], colour: str) -> str:
    """Fill a polygon."""
    return f"C {len(colour)} -{colour} P {len(points)} {_points(points)}"


def arrow(points: Sequence[Point], colour: str, style: str) -> Iterator[str]:
    """Draw a line along points that ends in a head."""
    yield f"{pen(colour)} S {len(style)} -{style}"
    yield f"L {len(points)} {_points(points)}"
    yield "S 5 -solid"
    yield filled(_tip(points[-2], points[-1]), colour)


def mixed(one: str, other: str, share: float) -> str:
    """A colour between two."""
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _tip(tail: Point, head: Point) -> list[Point]:
    """The head of an arrow."""
    far = math.dist(tail, head)
    x, y = 5 * (head[0] - tail[0]) / far, 5 * (head[1] - tail[1]) / far
    back, side = (head[0] - x, head[1] - y), (-0.44 * y, 0.44 * x)
    return [head, (back[0] + side[0], back[1] + side[1]), (back[0] - side[0], back[1] - side[1])]


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _channels(colour: str) -> list[int]:
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
