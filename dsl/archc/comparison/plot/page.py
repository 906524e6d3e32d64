"""What all plots share: how matplotlib is set up, the bytes of a file, the dress of a panel."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any

from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from archc.draw.describe import labelled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, GREY, FAINT = "#111827", "#4b5563", "#e5e7eb"
WIDTH = 7.2  # inches: two columns of a paper
POINTS = 72  # to an inch
SIZE, SMALL = 7.0, 6.5  # of letters, in points

_RC: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: labels are as wide everywhere
    "font.size": SIZE,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "archc",
    "pdf.fonttype": 42,
    "figure.dpi": POINTS,
    "axes.linewidth": 0.6,
    "axes.edgecolor": GREY,
    "text.parse_math": False,  # a `$` in a name is a dollar
}
_METADATA: dict[str, dict[str, Any]] = {  # no dates, and nothing of the machine
    "svg": {"Date": None, "Creator": "archc"},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": "archc", "Producer": None},
}


def rendered(make: Callable[[], Figure], format: str, head: str, words: str) -> bytes:
    """A figure as the bytes of a file; an SVG says to those who cannot see it what it shows.

    Raises ValueError for another format.
    """
    if format not in _METADATA:
        raise ValueError(f"{format!r} is none of {', '.join(_METADATA)}")
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


def dress(axes: Axes, across: str, up: str) -> None:
    """Give a panel its titles and its grid, as all plots have them."""
    axes.set_xlabel(across, color=INK, fontsize=SIZE)
    axes.set_ylabel(up, color=INK, fontsize=SIZE)
    axes.tick_params(labelsize=SMALL, colors=GREY, width=0.6, length=2.5)
    axes.tick_params(which="minor", length=0)
    axes.grid(True, color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def text_width(text: str, size: float = SIZE) -> float:
    """Of a text, in points: what its outlines take, whatever it is drawn on."""
    width, _, _ = text_to_path.get_text_width_height_descent(
        text, FontProperties(family="DejaVu Sans", size=size), False
    )
    return float(width)
