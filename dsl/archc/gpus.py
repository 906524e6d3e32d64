"""Graphics cards by name: memory and peak rates, read from `gpus.json`.

The figures were written down from memory; the documents that the file names were not opened.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from archc.data import GPUS

GIB = 2**30
_TERA, _GIGA = 1e12, 1e9


@dataclass(frozen=True, slots=True)
class Gpu:
    """One card. Rates are peaks without sparsity, with sums in float32.

    `memory` in bytes, `bandwidth` in bytes per second, the others in floating-point operations per
    second: `fp32` outside the tensor cores, `tf32` and `fp16` in them (None: it has no such).
    """

    key: str
    name: str
    memory: int
    bandwidth: float
    fp32: float
    tf32: float | None
    fp16: float
    source: str
    url: str


def gpus() -> dict[str, Gpu]:
    """All cards that archc knows, by the name that the command line takes."""
    cards = json.loads(GPUS.read_text(encoding="utf-8"))
    return {
        key: Gpu(
            key,
            card["name"],
            card["memory_gib"] * GIB,
            card["bandwidth_gb_s"] * _GIGA,
            card["fp32_tflops"] * _TERA,
            card["tf32_tflops"] and card["tf32_tflops"] * _TERA,
            card["fp16_tflops"] * _TERA,
            card["source"],
            card["url"],
        )
        for key, card in cards.items()
    }
