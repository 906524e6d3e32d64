"""Weights that are worked out from others while the network runs: standardised, or normalised.

Weight and spectral normalisation are torch's own parametrizations: what is stored has the names
that torch gives it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from archc.ops._field import option
from archc.ops._op import ModuleCall, Op
from archc.ops._shape import Dims

_FUNCTIONS = {
    "wn": "nn.utils.parametrizations.weight_norm",
    "sn": "nn.utils.parametrizations.spectral_norm",
}
_STORED = "parametrizations.weight"


def weight_norm(standardised: bool = False) -> Any:
    """Return the field that says how the weight is normalised: `wn`, `sn`, perhaps `ws`."""
    words = {"wn": "wn", "sn": "sn", "weight_norm": "wn", "spectral_norm": "sn"}
    if standardised:
        words = {"ws": "ws"} | words
    choices = ("none", *dict.fromkeys(words.values()))
    return option(str, "none", "how the weight is normalised", choices=choices, words=words)


def stored_weights(norm: str, weight: Dims) -> dict[str, Dims]:
    """Return what is trained, by its names, for a weight of these dimensions."""
    if norm == "wn":
        lengths = (weight[0], *(1 for _ in weight[1:]))
        return {f"{_STORED}.original0": lengths, f"{_STORED}.original1": weight}
    return {f"{_STORED}.original": weight} if norm == "sn" else {"weight": weight}


def stored_buffers(norm: str, weight: Dims, axis: int) -> dict[str, Dims]:
    """Return what is kept beside: the first singular vectors, with filters along an axis."""
    if norm != "sn":
        return {}
    rest = 1
    for at, extent in enumerate(weight):
        rest = rest * (1 if at == axis else extent)
    return {f"{_STORED}.0._u": (weight[axis],), f"{_STORED}.0._v": (rest,)}


def normalised(norm: str, call: ModuleCall) -> ModuleCall:
    """Return a module's call with its parametrization around it."""
    return replace(call, around=_FUNCTIONS.get(norm, ""))


def fewer(whole: Any, parts: int) -> Op | None:
    """The same with a part of the outputs, where they can be shared equally."""
    return None if whole.out % parts else replace(whole, out=whole.out // parts)
