"""Graphics cards by name: memory and peak rates, read from `gpus.json`.

The file says for each figure where it was read, or from what it follows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from archc.data import GPUS

GIB = 2**30
# What Metal recommends a GPU to hold at most of memory that it shares with the system
# (`recommendedMaxWorkingSetSize`), up to so many GiB and of more: see docs/cli.md.
_SMALL, _OF_SMALL, _OF_MORE = 32, 2 / 3, 3 / 4
_TERA, _GIGA = 1e12, 1e9


@dataclass(frozen=True, slots=True)
class Gpu:
    """One card. Rates are peaks without sparsity, with sums in float32.

    `memory` in bytes, `bandwidth` in bytes per second, the others in floating-point operations per
    second: `fp32` outside the tensor cores, `tf32` and `fp16` in them (None: it has no such).
    `checked` says of each figure, by its name in the file, where it was read. Of memory that is
    `shared` with the system, `memory` is what the GPU may have.
    """

    key: str
    name: str
    memory: int
    bandwidth: float
    fp32: float
    tf32: float | None
    fp16: float
    checked: Mapping[str, str]
    shared: bool = False

    def of_size(self, gib: int) -> Gpu:
        """Return the same chip with so much memory, shared with the system."""
        share = _OF_SMALL if gib <= _SMALL else _OF_MORE
        return replace(self, name=f"{self.name} {gib} GB", memory=int(gib * share * GIB))


def gpus() -> dict[str, Gpu]:
    """All cards that archc knows, by the name that the command line takes."""
    document = _document()
    made = {
        key: Gpu(
            key,
            card["name"],
            card["memory_gib"] * GIB,
            card["bandwidth_gb_s"] * _GIGA,
            card["fp32_tflops"] * _TERA,
            card["tf32_tflops"] and card["tf32_tflops"] * _TERA,
            card["fp16_tflops"] * _TERA,
            _checked(card, document["sources"]),
            card.get("memory_is") == "shared",
        )
        for key, card in document["cards"].items()
    }
    return {key: _largest(gpu) for key, gpu in made.items()}


def find_gpu(name: str) -> Gpu | None:
    """Return the card that somebody calls so: `rtx3090`, `RTX 3090`, `NVIDIA GeForce RTX 3090`.

    `m1max-32` and `Apple M1 Max 32GB` are the chip with so much memory.
    """
    for key, card in _document()["cards"].items():
        gpu = gpus()[key]
        for known in (_plain(key), _plain(card["name"])):
            if _plain(name) == known:
                return gpu
            size = re.fullmatch(rf"{known}(\d+)(gb|gib)?", _plain(name)) if gpu.shared else None
            if size and 0 < int(size[1]) <= card["memory_gib"]:
                return replace(gpu, name=card["name"]).of_size(int(size[1]))
    return None


def _document() -> Any:
    return json.loads(GPUS.read_text(encoding="utf-8"))


def _largest(gpu: Gpu) -> Gpu:
    """A chip with the most memory that it comes with."""
    return gpu.of_size(gpu.memory // GIB) if gpu.shared else gpu


def _plain(name: str) -> str:
    """`rtx3090` for `RTX 3090` and what a driver calls it."""
    return re.sub(r"nvidia|geforce|apple|[\W_]", "", name.lower())


def _checked(card: dict[str, Any], sources: dict[str, dict[str, str]]) -> dict[str, str]:
    read = {
        figure: f"{sources[source]['what']}: {sources[source]['url']}"
        for source, figures in card["read"].items()
        for figure in figures
    }
    return {**read, **card.get("derived", {})}
