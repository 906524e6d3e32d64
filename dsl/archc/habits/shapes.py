"""Shapes of inputs as other tools write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from archc.habits.call import Code

_OF_A_SIDE = r"(?:[23]|-[12])"
_MAP_SIZE = re.compile(  # x.size()[2:], x.shape[-1], x.size(3)
    rf"\.(?:size\(\)|shape)\[(?:2:|-2:|2:4|{_OF_A_SIDE})\]|\.size\({_OF_A_SIDE}\)"
)
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


def with_one_channel(input: str, first: str) -> str:
    """`input 28x28 x1` for `input 28 x28` before a `flatten`: an image of grey values."""
    signal = re.fullmatch(r"input (\d+) x(\d+)", input)
    is_image = signal is not None and first.startswith("flatten")
    return f"input {signal[1]}x{signal[2]} x1" if signal is not None and is_image else input


def is_map_size(value: Any, tensor: Code) -> bool:
    """Whether a window is as large as a tensor's map: `x.size()[2:]`, `(x.size(2), x.size(3))`.

    Of one side alone it is where the map is a square.
    """
    if isinstance(value, tuple):
        return bool(value) and all(is_map_size(side, tensor) for side in value)
    if not isinstance(value, Code) or not value.text.startswith(tensor.text):
        return False
    return _MAP_SIZE.fullmatch(value.text.removeprefix(tensor.text)) is not None


def is_map_axes(value: Any, rank: int) -> bool:
    """Whether these are the dimensions of a map, behind those of the batch and the channels."""
    axes = value if isinstance(value, tuple) else (value,)
    if not all(isinstance(axis, int) and -rank <= axis < rank + 2 for axis in axes):
        return False
    return sorted(axis % (rank + 2) for axis in axes) == list(range(2, rank + 2))
