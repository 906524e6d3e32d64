"""Graphics cards by name: memory and peak rates, read from `gpus.json`.

The file says for each figure where it was read, or from what it follows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from archc.data import GPUS

GIB = 2**30
_TERA, _GIGA = 1e12, 1e9


@dataclass(frozen=True, slots=True)
class Gpu:
    """One card. Rates are peaks without sparsity, with sums in float32.

    `memory` in bytes, `bandwidth` in bytes per second, the others in floating-point operations per
    second: `fp32` outside the tensor cores, `tf32` and `fp16` in them (None: it has no such).
    `checked` says of each figure, by its name in the file, where it was read.
    """

    key: str
    name: str
    memory: int
    bandwidth: float
    fp32: float
    tf32: float | None
    fp16: float
    checked: Mapping[str, str]


def gpus() -> dict[str, Gpu]:
    """All cards that archc knows, by the name that the command line takes."""
    document = json.loads(GPUS.read_text(encoding="utf-8"))
    return {
        key: Gpu(
            key,
            card["name"],
            card["memory_gib"] * GIB,
            card["bandwidth_gb_s"] * _GIGA,
            card["fp32_tflops"] * _TERA,
            card["tf32_tflops"] and card["tf32_tflops"] * _TERA,
            card["fp16_tflops"] * _TERA,
            _checked(card, document["sources"]),
        )
        for key, card in document["cards"].items()
    }


def find_gpu(name: str) -> Gpu | None:
    """Return the card that somebody calls so: `rtx3090`, `RTX 3090`, `NVIDIA GeForce RTX 3090`."""
    cards = gpus().values()
    found = (card for card in cards if _plain(name) in (_plain(card.key), _plain(card.name)))
    return next(found, None)


def _plain(name: str) -> str:
    """`rtx3090` for `RTX 3090` and what a driver calls it."""
    return re.sub(r"nvidia|geforce|[\W_]", "", name.lower())


def _checked(card: dict[str, Any], sources: dict[str, dict[str, str]]) -> dict[str, str]:
    read = {
        figure: f"{sources[source]['what']}: {sources[source]['url']}"
        for source, figures in card["read"].items()
        for figure in figures
    }
    return {**read, **card.get("derived", {})}
