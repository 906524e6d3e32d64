"""The plot, drawn with matplotlib, and what other plots share with it."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from math import floor, log10, pi, sqrt
from typing import TYPE_CHECKING, Any

from matplotlib import style
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from archc.comparison.plot.labels import Bbox, Bubble, Place, place
from archc.comparison.plot.picture import Picture, Point
from archc.draw.describe import labelled
from archc.report.spelling.numbers import human

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Paul Tol's "muted" scheme, made for colour-blind eyes; then a dark grey. Families beyond these are
# light grey.
COLOURS = (
    "#332288", "#88ccee", "#44aa99", "#117733", "#999933", "#ddcc77", "#cc6677", "#882255",
    "#aa4499", "#4b5563",
)  # fmt: skip
_OTHER, _INK, _GREY, _FAINT = "#b6bcc6", "#111827", "#4b5563", "#e5e7eb"

# In inches: two columns of a paper wide.
_WIDTH, _PANEL, _LEFT, _RIGHT, _TOP, _BETWEEN, _LINE = 7.2, 4.5, 0.52, 0.1, 0.1, 0.55, 0.155
_POINTS = 72  # to an inch
_LARGEST = 19.0  # radius of the largest bubble, in points
_SIZE, _SMALL = 7.0, 6.5  # of letters, in points
_RISE, _FALL = 0.76, 0.24  # of letters above and below their line, in sizes
_AREAS = 1.85  # inches for the legend of areas

_RC: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: labels are as wide everywhere
    "font.size": _SIZE,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "archc",
    "pdf.fonttype": 42,
    "figure.dpi": _POINTS,
    "axes.linewidth": 0.6,
    "axes.edgecolor": _GREY,
    "text.parse_math": False,  # a `$` in a name is a dollar
}
_METADATA: dict[str, dict[str, Any]] = {  # no dates, and nothing of the machine
    "svg": {"Date": None, "Creator": "archc"},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": "archc", "Producer": None},
}


def drawn(picture: Picture, format: str) -> bytes:
    """The bytes of an SVG, PNG or PDF."""
    head = f"{len(picture.points)} networks"
    return rendered(lambda: _figure(picture), format, head, picture.describe())


def rendered(make: Callable[[], Figure], format: str, head: str, words: str) -> bytes:
    """A figure as the bytes of a file; an SVG says to those who cannot see it what it shows."""
    out = BytesIO()
    with _quiet(), style.context(["default", _RC]):
        make().savefig(out, format=format, dpi=200, metadata=_METADATA[format])
    data = out.getvalue()
    if format == "svg":
        # Where it is not installed, the next is as wide.
        data = data.replace(b"'DejaVu Sans'", b"'DejaVu Sans', Verdana, sans-serif")
        data = labelled(data, head, words)
    return data


@contextmanager
def _quiet() -> Iterator[None]:
    """No complaints about characters that the font lacks: an SVG's reader may have them."""
    log = logging.getLogger("matplotlib.font_manager")
    level = log.level
    log.setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        try:
            yield
        finally:
            log.setLevel(level)


@dataclass(frozen=True, slots=True)
class _Axis:
    """What a panel has on its horizontal axis, which is logarithmic."""

    title: str
    of: Callable[[Point], float]


def _figure(picture: Picture) -> Figure:
    axes = _horizontals(picture)
    below = 0.45 + _LINE * _rows(picture) + 0.08
    height = _TOP + len(axes) * _PANEL + (len(axes) - 1) * _BETWEEN + below
    figure = Figure(figsize=(_WIDTH, height))
    biggest = max(point.params for point in picture.points)
    unit = _LARGEST / sqrt(biggest) if biggest else 0.0
    for at, axis in enumerate(axes):
        bottom = height - _TOP - _PANEL - at * (_PANEL + _BETWEEN)
        panel = figure.add_axes(
            (
                _LEFT / _WIDTH,
                bottom / height,
                (_WIDTH - _LEFT - _RIGHT) / _WIDTH,
                _PANEL / height,
            )
        )
        _panel(panel, picture, axis, unit)
    _legend(figure, picture, unit, (below - 0.45) / height, height)
    return figure


def _horizontals(picture: Picture) -> list[_Axis]:
    most = max(point.macs for point in picture.points)
    power, letter = (9, "G") if most >= 1e9 else (6, "M") if most >= 1e6 else (0, "")
    macs = f"multiply-accumulates of a forward pass{', ' if letter else ''}{letter} (log scale)"
    axes = [_Axis(macs, lambda point: point.macs / 10**power)]
    if picture.timed:
        time = f"forward pass at batch 1, ms (log scale): {picture.machine}"
        axes.append(_Axis(time, lambda point: point.forward_ms or 0.0))
    return axes


def _panel(axes: Axes, picture: Picture, axis: _Axis, unit: float) -> None:
    places = [(axis.of(point), point.accuracy) for point in picture.points]
    radii = [unit * sqrt(point.params) for point in picture.points]
    axes.set_xscale("log")
    axes.set_xlim(*_wide([x for x, _ in places]))
    axes.set_ylim(*_high([y for _, y in places]))
    narrow = log10(axes.get_xlim()[1] / axes.get_xlim()[0]) < 3.2
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if narrow else (1.0,)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    on = f" on {picture.dataset}" if picture.dataset else ""
    dress(axes, axis.title, f"top-1 accuracy{on}, %")
    _bubbles(axes, picture, places, radii)
    missing = _labels(axes, picture, places, radii)
    if missing:
        axes.set_xlabel(f"{axis.title}; {missing} labels left out: no room", color=_INK)


def dress(axes: Axes, across: str, up: str) -> None:
    """Give a panel its titles and its grid, as all plots have them."""
    axes.set_xlabel(across, color=_INK, fontsize=_SIZE)
    axes.set_ylabel(up, color=_INK, fontsize=_SIZE)
    axes.tick_params(labelsize=_SMALL, colors=_GREY, width=0.6, length=2.5)
    axes.tick_params(which="minor", length=0)
    axes.grid(True, color=_FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


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
    """The large ones first, so that none is hidden."""
    colours = _colours(picture)
    for i in sorted(range(len(places)), key=lambda i: -radii[i]):
        colour = colours[picture.points[i].family]
        _disc(axes, places[i], radii[i], colour)
    xs, ys = zip(*places, strict=True)
    axes.scatter(xs, ys, s=pi * 0.6**2, color=_INK, linewidths=0, zorder=3)


def _disc(axes: Axes, centre: tuple[float, float], radius: float, colour: str) -> None:
    axes.scatter(
        [centre[0]],
        [centre[1]],
        s=(2 * radius) ** 2,
        facecolors=[to_rgba(colour, 0.45)],
        edgecolors=[to_rgba(colour, 0.95)],
        linewidths=0.7,
        zorder=2,
    )


def _colours(picture: Picture) -> dict[str, str]:
    """The largest families have a colour of their own; by year within the scheme."""
    sizes = {name: sum(p.family == name for p in picture.points) for name in picture.families}
    largest = sorted(picture.families, key=lambda name: -sizes[name])[: len(COLOURS)]
    shown = [name for name in picture.families if name in largest]
    return {
        **dict.fromkeys(picture.families, _OTHER),
        **dict(zip(shown, COLOURS, strict=False)),
    }


# --- labels ------------------------------------------------------------------------------


def _labels(
    axes: Axes, picture: Picture, places: Sequence[tuple[float, float]], radii: Sequence[float]
) -> int:
    """Placed in points, then written in the panel's own coordinates; how many had no room."""
    ahead, back = axes.transData, axes.transData.inverted()
    bubbles = []
    for point, (x, y), radius in zip(picture.points, places, radii, strict=True):
        at_x, at_y = ahead.transform((x, y))
        width, height = _width(point.label), _SIZE * (_RISE + _FALL)
        bubbles.append(Bubble(float(at_x), float(at_y), max(radius, 1.0), width, height))
    area = axes.get_window_extent()
    frame = Bbox(area.x0 + 2, area.y0 + 2, area.x1 - 1, area.y1)
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
        axes.plot([x, to_x], [y, to_y], color=_GREY, linewidth=0.4, zorder=4)
    x, y = to_data((found.box.left, found.box.low + _SIZE * _FALL))
    axes.text(x, y, text, fontsize=_SIZE, color=_INK, zorder=5)


def _width(text: str, size: float = _SIZE) -> float:
    """Of a label, in points: what its outlines take, whatever it is drawn on."""
    width, _, _ = text_to_path.get_text_width_height_descent(
        text, FontProperties(family="DejaVu Sans", size=size), False
    )
    return float(width)


# --- legends -----------------------------------------------------------------------------


def _legend(figure: Figure, picture: Picture, unit: float, top: float, height: float) -> None:
    """Below the panels: the papers by colour, and what area how many parameters have."""
    axes = figure.add_axes((0, 0, 1, top))
    wide, high = _WIDTH * _POINTS, top * height * _POINTS
    axes.set_xlim(0, wide)
    axes.set_ylim(0, high)
    axes.set_axis_off()
    line, x = _LINE * _POINTS, _LEFT * _POINTS
    named = list(_colours(picture).items())
    for start in range(0, len(named), _rows(picture)):
        column = named[start : start + _rows(picture)]
        for at, (name, colour) in enumerate(column):
            y = high - line * (at + 0.5)
            _disc(axes, (x + 3, y), 3.0, colour)
            axes.text(x + 9, y, name, fontsize=_SMALL, color=_INK, va="center_baseline")
        x += 9 + max(_width(name, _SMALL) for name, _ in column) + 12
    _areas(axes, picture, unit, wide - _RIGHT * _POINTS, high)


def _rows(picture: Picture) -> int:
    """How many papers stand below each other: as many as leave room for the areas beside them."""
    rows = 4
    while len(picture.families) > rows:
        starts = range(0, len(picture.families), rows)
        columns = [picture.families[start : start + rows] for start in starts]
        width = sum(21 + max(_width(name, _SMALL) for name in column) for column in columns)
        if width <= (_WIDTH - _LEFT - _RIGHT - _AREAS) * _POINTS:
            break
        rows += 1
    return rows


def _areas(axes: Axes, picture: Picture, unit: float, right: float, high: float) -> None:
    """Bubbles inside each other, each with its number: `100M`."""
    counts = _round_numbers(max(point.params for point in picture.points))
    if not counts:
        return
    radius = unit * sqrt(counts[0])
    x, low = right - _AREAS * _POINTS + radius, high - 2 * radius - 1
    for at, count in enumerate(counts):
        small = unit * sqrt(count)
        axes.scatter(
            [x], [low + small], s=(2 * small) ** 2, facecolors="none", edgecolors=_GREY,
            linewidths=0.6,
        )  # fmt: skip
        y = high - 5 - at * _LINE * _POINTS
        end = x + radius + 6
        axes.plot([x, end], [low + 2 * small, y], color=_GREY, linewidth=0.4)
        parameters = " parameters" if at == 0 else ""
        text = f"{re.sub(r'[.]0+(?=[a-zA-Z]|$)', '', human(count))}{parameters}"
        axes.text(end + 2, y, text, fontsize=_SMALL, color=_INK, va="center_baseline")


def _round_numbers(most: int) -> list[int]:
    """Three of 1, 2, 5, 10 ..., the first not above `most`: 100M, 20M, 2M."""
    found: list[int] = []
    limit = float(most)
    while len(found) < 3 and limit >= 1:
        power = 10 ** floor(log10(limit))
        found.append(max(step * power for step in (1, 2, 5) if step * power <= limit))
        limit = found[-1] / 5
    return found
