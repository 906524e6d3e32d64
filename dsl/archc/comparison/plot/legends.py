"""Below the panels: how the families look, and what area how many parameters have."""

from __future__ import annotations

import re
from math import floor, log10, sqrt
from typing import TYPE_CHECKING

from archc.comparison.plot.families import Look, looks
from archc.comparison.plot.marks import disc, mark
from archc.comparison.plot.page import GREY, INK, SMALL, text_width
from archc.comparison.plot.picture import Picture
from archc.report.spelling.numbers import human

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINE = 11.2  # points from one entry to the next
_AREAS = 133.0  # points across for the legend of areas
_LEAST_ROWS = 4
_BEFORE, _AFTER = 10, 12  # points of an entry around its name


def legend(axes: Axes, picture: Picture, unit: float, left: float, right: float) -> None:
    """Fill axes whose coordinates are points; 0 is the radius of no parameters, `unit` of one."""
    _, high = axes.get_ylim()
    x = left
    for column in _columns(picture, right - left):
        for at, (name, look) in enumerate(column):
            y = high - LINE * (at + 0.5)
            mark(axes, (x + 3, y), look, large=True)
            axes.text(x + _BEFORE, y, name, fontsize=SMALL, color=INK, va="center_baseline")
        x += _wide(column)
    if picture.is_of_accuracy:
        _areas(axes, picture, unit, right, high)


def rows(picture: Picture, width: float) -> int:
    """How many lines the legend takes in that width, in points."""
    return max(_LEAST_ROWS, len(_columns(picture, width)[0]))


def _columns(picture: Picture, width: float) -> list[list[tuple[str, Look]]]:
    """As many families below each other as leave room for the areas beside them."""
    named = list(looks(picture.families).items())
    room = width - (_AREAS if picture.is_of_accuracy else 0)
    count = _LEAST_ROWS
    while True:
        columns = [named[start : start + count] for start in range(0, len(named), count)]
        if len(columns) == 1 or sum(map(_wide, columns)) <= room:
            return columns
        count += 1


def _wide(column: list[tuple[str, Look]]) -> float:
    return _BEFORE + max(text_width(name, SMALL) for name, _ in column) + _AFTER


def _areas(axes: Axes, picture: Picture, unit: float, right: float, high: float) -> None:
    """Bubbles inside each other, each with its number: `100M`."""
    counts = _round_numbers(max(point.params for point in picture.points))
    if not counts:
        return
    radius = unit * sqrt(counts[0])
    x, low = right - _AREAS + radius, high - 2 * radius - 1
    for at, count in enumerate(counts):
        small = unit * sqrt(count)
        disc(axes, (x, low + small), small, GREY, hollow=True)
        y = high - 5 - at * LINE
        end = x + radius + 6
        axes.plot([x, end], [low + 2 * small, y], color=GREY, linewidth=0.4)
        parameters = " parameters" if at == 0 else ""
        text = f"{re.sub(r'[.]0+(?=[a-zA-Z]|$)', '', human(count))}{parameters}"
        axes.text(end + 2, y, text, fontsize=SMALL, color=INK, va="center_baseline")


def _round_numbers(most: int) -> list[int]:
    """Three of 1, 2, 5, 10 ..., the first not above `most`: 100M, 20M, 2M."""
    found: list[int] = []
    limit = float(most)
    while len(found) < 3 and limit >= 1:
        power = 10 ** floor(log10(limit))
        found.append(max(step * power for step in (1, 2, 5) if step * power <= limit))
        limit = found[-1] / 5
    return found
