"""Accuracy against operations, a bubble a network, its area the parameters; a colour a family.

As in Canziani, Paszke and Culurciello, "An Analysis of Deep Neural Network Models for Practical
Applications", 2016, which the lecture shows.
"""

from __future__ import annotations

from archc.comparison.plot.picture import Candidate, NothingToPlot, Picture, choose
from archc.packages import need

__all__ = ["FORMATS", "Candidate", "NothingToPlot", "Picture", "choose", "draw", "need_library"]

FORMATS = ("svg", "png", "pdf")


def need_library() -> None:
    """Raises PackageMissing where matplotlib is not installed."""
    need("a plot", "matplotlib")


def draw(picture: Picture, format: str = "svg") -> bytes:
    """The same bytes for the same picture and matplotlib. Raises PackageMissing."""
    need_library()
    from archc.comparison.plot.canvas import drawn

    return drawn(picture, format)
