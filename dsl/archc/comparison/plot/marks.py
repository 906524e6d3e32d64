"""What stands for a network: a disc whose area is its parameters, and the mark of its family."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.colors import to_rgba

from archc.comparison.plot.families import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARK = 2.2  # radius of a mark, in points


def disc(
    axes: Axes,
    centre: tuple[float, float],
    radius: float,
    colour: str,
    *,
    hollow: bool = False,
) -> None:
    """Draw a disc; `radius` is in points."""
    axes.scatter(
        [centre[0]],
        [centre[1]],
        s=(2 * radius) ** 2,
        facecolors=[to_rgba(colour, 0.0 if hollow else 0.35)],
        edgecolors=[to_rgba(colour, 0.95)],
        linewidths=0.7,
        zorder=2,
        clip_on=False,
    )


def mark(axes: Axes, centre: tuple[float, float], look: Look, *, large: bool = False) -> None:
    """Draw a family's mark, above all discs; a large one where it has no disc."""
    axes.plot(
        [centre[0]],
        [centre[1]],
        marker=look.mark,
        markersize=2 * mark_radius(look, large=large),
        markerfacecolor=look.colour,
        markeredgecolor="white",
        markeredgewidth=0.25,
        linestyle="none",
        zorder=3,
    )


def mark_radius(look: Look, *, large: bool = False) -> float:
    """Return what a mark reaches, in points; thin ones are larger, as they look smaller."""
    return _MARK * (1.4 if look.mark in "*PX" else 1.0) * (1.4 if large else 1.0)
