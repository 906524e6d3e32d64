"""The plot of networks, drawn with matplotlib."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log10, sqrt
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from archc.comparison.plot import legends
from archc.comparison.plot.families import looks
from archc.comparison.plot.labels import Bbox, Bubble, Place, place
from archc.comparison.plot.marks import disc, mark, mark_radius
from archc.comparison.plot.page import (
    GREY,
    INK,
    POINTS,
    SIZE,
    WIDTH,
    dress,
    rendered,
    text_width,
)
from archc.comparison.plot.picture import Picture, Point

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# In inches. Many networks have higher panels, so that their labels have room.
_PANEL, _LEFT, _RIGHT, _TOP, _BETWEEN, _BELOW = 4.5, 0.52, 0.1, 0.1, 0.55, 0.45
_MANY, _MORE = 40, 0.09
_TITLE = 0.15  # from the edge of the page to the title upwards, however wide the numbers are
_FOOT = 0.62  # of a panel, for networks without an accuracy
_ROWS, _NEAR = (0.5, 0.64, 0.36), 0.03  # in shares of the foot, and of its width
_TINY = 5.5  # letters beside the foot
_LARGEST = 19.0  # radius of the largest bubble, in points
_RISE, _FALL = 0.76, 0.24  # of letters above and below their line, in sizes


def drawn(picture: Picture, format: str) -> bytes:
    """The bytes of an SVG, PNG or PDF."""
    head = f"{len(picture.points)} networks"
    return rendered(lambda: _figure(picture), format, head, picture.describe())


@dataclass(frozen=True, slots=True)
class _Axis:
    """What a panel has across, which is logarithmic."""

    title: str
    of: Callable[[Point], float]


def _figure(picture: Picture) -> Figure:
    axes = _horizontals(picture)
    left, right = _LEFT * POINTS, (WIDTH - _RIGHT) * POINTS
    legend = (legends.LINE * legends.rows(picture, right - left)) / POINTS + 0.08
    panel = _PANEL + max(0, len(picture.points) - _MANY) * _MORE
    panel += _FOOT if picture.untested else 0.0
    step = panel + _BETWEEN
    height = _TOP + len(axes) * step - _BETWEEN + _BELOW + legend
    figure = Figure(figsize=(WIDTH, height))
    biggest = max(point.params for point in picture.points)
    unit = _LARGEST / sqrt(biggest) if biggest else 0.0
    for at, axis in enumerate(axes):
        bottom = height - _TOP - panel - at * step
        place = (_LEFT, bottom, WIDTH - _LEFT - _RIGHT, panel)
        _panel(_add_axes(figure, place, height), picture, axis, unit)
    below = _add_axes(figure, (0, 0, WIDTH, legend), height)
    below.set(xlim=(0, WIDTH * POINTS), ylim=(0, legend * POINTS))
    below.set_axis_off()
    legends.legend(below, picture, unit, left, right)
    return figure


def _add_axes(figure: Figure, place: tuple[float, float, float, float], height: float) -> Axes:
    """At a place in inches: left, bottom, width, height."""
    x, y, width, high = place
    return figure.add_axes((x / WIDTH, y / height, width / WIDTH, high / height))


def _horizontals(picture: Picture) -> list[_Axis]:
    power, prefix = _prefix(max(point.macs for point in picture.points))
    macs = f"multiply-accumulates of a forward pass{prefix} (log scale)"
    axes = [_Axis(macs, lambda point: point.macs / power)]
    if picture.timed:
        time = f"forward pass at batch 1, ms (log scale): {picture.machine}"
        axes.append(_Axis(time, lambda point: point.forward_ms or 0.0))
    return axes


def _prefix(most: float) -> tuple[float, str]:
    """What to divide numbers by, and how the title of an axis says so."""
    for power, letter in ((1e9, ", G"), (1e6, ", M"), (1e3, ", k")):
        if most >= power:
            return power, letter
    return 1.0, ""


def _panel(axes: Axes, picture: Picture, axis: _Axis, unit: float) -> None:
    across = [axis.of(point) for point in picture.points]
    axes.set_xscale("log")
    axes.set_xlim(*_wide(across))
    _dress_log(axes.xaxis, axes.get_xlim())
    if picture.is_of_accuracy:
        up = _accuracies(axes, picture, across)
        radii = [unit * sqrt(point.params) for point in picture.points]
    else:
        up = _parameters(axes, picture)
        radii = [0.0] * len(picture.points)  # they have places instead
    places = list(zip(across, up, strict=True))
    _bubbles(axes, picture, places, radii)
    missing = _labels(axes, picture, places, radii)
    said = f"; {missing} labels left out: no room" if missing else ""
    axes.set_xlabel(f"{axis.title}{said}", color=INK, fontsize=SIZE)
    axes.yaxis.set_label_coords(-(_LEFT - _TITLE) / (WIDTH - _LEFT - _RIGHT), 0.5)


def _dress_log(axis: Any, limits: tuple[float, float]) -> None:
    """Plain numbers: 1, 2, 5 of each power, or powers alone where there are many."""
    narrow = log10(limits[1] / limits[0]) < 3.2
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if narrow else (1.0,)))
    axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axis.set_minor_formatter(NullFormatter())


def _accuracies(axes: Axes, picture: Picture, across: Sequence[float]) -> list[float]:
    """The axis upwards and the points' places on it; those without an accuracy are at its foot."""
    known = [point.accuracy for point in picture.points if point.accuracy is not None]
    low, high = _high(known)
    above = axes.get_window_extent().height / POINTS - _FOOT
    foot = (high - low) * _FOOT / above if picture.untested else 0.0
    axes.set_ylim(low - foot, high)
    on = f" on {picture.dataset}" if picture.dataset else ""
    dress(axes, "", f"top-1 accuracy{on}, %")
    if picture.untested:
        ticks = [tick for tick in axes.get_yticks() if low < tick <= high]
        names = [*(f"{tick:g}" for tick in ticks), "not given"]
        axes.set_yticks([*ticks, low - foot / 2], names)
        axes.yaxis.get_ticklabels()[-1].set_fontsize(_TINY)
        axes.axhline(low, color=GREY, linewidth=0.6, linestyle=(0, (4, 3)), zorder=1)
    up = [point.accuracy or 0.0 for point in picture.points]
    at_foot = [i for i, point in enumerate(picture.points) if point.accuracy is None]
    near, end, row = (axes.get_xlim()[1] / axes.get_xlim()[0]) ** _NEAR, 0.0, 0
    for i in sorted(at_foot, key=across.__getitem__):
        row = (row + 1) % len(_ROWS) if across[i] < end else 0  # beside another: off the middle
        up[i], end = low - foot * _ROWS[row], across[i] * near
    return up


def _parameters(axes: Axes, picture: Picture) -> list[float]:
    """The same where no accuracy is known."""
    power, prefix = _prefix(max(point.params for point in picture.points))
    up = [point.params / power for point in picture.points]
    axes.set_yscale("log")
    axes.set_ylim(*_wide(up))
    dress(axes, "", f"parameters{prefix} (log scale)")
    _dress_log(axes.yaxis, axes.get_ylim())
    return up


def _wide(values: Sequence[float]) -> tuple[float, float]:
    """Limits with room for bubbles and labels at both ends."""
    low, high = min(values), max(values)
    room = max((high / low) ** 0.1, 1.3)
    return low / room, high * room**1.1


def _high(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = max((high - low) * 0.1, 1.0)
    return low - room, high + room * 1.1


def _bubbles(
    axes: Axes, picture: Picture, places: Sequence[tuple[float, float]], radii: Sequence[float]
) -> None:
    """The large ones first, so that none is hidden; those without an accuracy are hollow."""
    look = looks(picture.families)
    for i in sorted(range(len(places)), key=lambda i: -radii[i]):
        point = picture.points[i]
        if radii[i]:
            hollow = point.accuracy is None
            disc(axes, places[i], radii[i], look[point.family].colour, hollow=hollow)
    for point, centre in zip(picture.points, places, strict=True):
        mark(axes, centre, look[point.family], large=not picture.is_of_accuracy)


# --- labels ------------------------------------------------------------------------------


def _labels(
    axes: Axes, picture: Picture, places: Sequence[tuple[float, float]], radii: Sequence[float]
) -> int:
    """Placed in points, then written in the panel's own coordinates; how many had no room."""
    ahead, back = axes.transData, axes.transData.inverted()
    area = axes.get_window_extent()
    frame = Bbox(area.x0 + 2, area.y0 + 2, area.x1 - 1, area.y1)
    line = area.y0 + (_FOOT * POINTS if picture.untested else 0.0)
    above = Bbox(frame.left, max(frame.low, line + 1), frame.right, frame.high)
    foot = Bbox(frame.left, frame.low, frame.right, line - 1)
    look, large = looks(picture.families), not picture.is_of_accuracy
    bubbles = []
    for point, (x, y), radius in zip(picture.points, places, radii, strict=True):
        at_x, at_y = map(float, ahead.transform((x, y)))
        covered = max(radius, mark_radius(look[point.family], large=large))
        own = foot if at_y < line else above
        width, height = text_width(point.label), SIZE * (_RISE + _FALL)
        bubbles.append(Bubble(at_x, at_y, covered, width, height, own))
    missing = 0
    for point, found in zip(picture.points, place(bubbles, frame), strict=True):
        if found is None:
            missing += 1
        else:
            _label(axes, point.label, found, back.transform)
    return missing


def _label(axes: Axes, text: str, found: Place, to_data: Callable[[Any], Any]) -> None:
    if found.leader is not None:
        x, y, to_x, to_y = found.leader
        (x, y), (to_x, to_y) = to_data((x, y)), to_data((to_x, to_y))
        axes.plot([x, to_x], [y, to_y], color=GREY, linewidth=0.4, zorder=4)
    x, y = to_data((found.box.left, found.box.low + SIZE * _FALL))
    axes.text(x, y, text, fontsize=SIZE, color=INK, zorder=5)
