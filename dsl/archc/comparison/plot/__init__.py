"""Accuracy against operations, a bubble a network, its area the parameters; a colour a family.

As in Canziani, Paszke and Culurciello, "An Analysis of Deep Neural Network Models for Practical
Applications", 2016, which the lecture shows.
"""

from __future__ import annotations

from archc.comparison.plot.picture import Candidate, NothingToPlot, Picture, choose

__all__ = ["FORMATS", "Candidate", "NoLibrary", "NothingToPlot", "Picture", "choose", "draw"]

FORMATS = ("svg", "png", "pdf")


class NoLibrary(Exception):
    """matplotlib is not installed."""

    def __init__(self) -> None:
        super().__init__("a plot needs matplotlib: `pip install 'archc-lang[plot]'`")


def draw(picture: Picture, format: str = "svg") -> bytes:
    """The same bytes for the same picture and matplotlib. Raises NoLibrary."""
    try:
        from archc.comparison.plot.canvas import drawn
    except ImportError:
        raise NoLibrary from None
    return drawn(picture, format)
