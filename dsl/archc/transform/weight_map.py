"""Where the weights of a network for inference come from, class by class."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class WeightMap:
    """Of one body; names are relative to it.

    `folded`: convolution or linear -> batch norm that went into it, and its eps. `fused`:
    convolution -> those that it is made of, in order. `dropped`: modules that are gone.
    """

    folded: dict[str, tuple[str, float]]
    fused: dict[str, tuple[str, ...]]
    dropped: tuple[str, ...]
