"""Shapes of inputs as other tools write them."""

from __future__ import annotations

from collections.abc import Sequence

_COLOURS = (1, 2, 3, 4)  # channels that no size of an image is


def channels_apart(dims: Sequence[int]) -> str:
    """`32x32 x3` for 32, 32, 3 and for 3, 32, 32; empty where nobody can tell."""
    if len(dims) == 4 and dims[0] == 1:  # a batch of one
        dims = dims[1:]
    if len(dims) != 3:
        return ""
    first, middle, last = dims
    if last in _COLOURS and first not in _COLOURS:
        return f"{first}x{middle} x{last}"
    if first in _COLOURS and last not in _COLOURS:
        return f"{middle}x{last} x{first}"
    if first == middle != last:
        return f"{first}x{middle} x{last}"
    if middle == last != first:
        return f"{middle}x{last} x{first}"
    return ""
