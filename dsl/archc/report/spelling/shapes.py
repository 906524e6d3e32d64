"""Sizes and shapes: `3x3`; `56×56×64` in pictures. `str(shape)` is `56x56 x64`, as in a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archc.analysis.receptive import Field
from archc.ops import Shape


def format_dims(dims: Iterable[object], times: str = "x") -> str:
    """`3x3`, a number for each dimension."""
    return times.join(map(str, dims))


def format_even(dims: Sequence[object], times: str = "x") -> str:
    """`3`, or `3x5` where the dimensions differ."""
    return format_dims(dims[:1] if len(set(dims)) == 1 else dims, times)


def format_field(field: Field, times: str = "x") -> str:
    """`11x11`: how much of the input is seen."""
    return format_dims([axis.extent for axis in field], times)


def format_shape(shape: Shape) -> str:
    """`56×56×64`: height, width, channels, as in the lecture; `1000` for features."""
    text = format_dims([int(n) for n in (*shape.size, shape.channels)], "×")
    return f"{shape.columns} columns of {text}" if shape.columns else text
