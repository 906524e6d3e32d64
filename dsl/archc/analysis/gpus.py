"""Graphics cards by name: memory and peak rates, read from `gpus.json`.

The file says for each figure where it was read, or from what it follows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
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


class UnknownGpu(LookupError):
    """No card is called so, or several are: the message says which come near."""


@dataclass(frozen=True, slots=True)
class GpuName:
    """What a name says of a card: its model, and its memory and form where it names them."""

    model: str
    gib: int | None = None
    form: str = ""

    @classmethod
    def of(cls, text: str) -> GpuName:
        """Read what people write, or a driver: `4090`, `a100-40`, `NVIDIA A100-SXM4-80GB`."""
        rest = re.sub(r"[\W_]+", " ", text.lower()).replace("mobile", "laptop")
        rest = re.sub(r"nvidia|geforce|quadro|tesla|apple|gpu|\bhbm\d\w*", "", rest)
        form = re.search(r"\b(sxm|pcie|nvl)\d*\b", rest)
        rest = rest.replace(form[0], "").strip() if form else rest.strip()
        size = re.search(r"(?<=[a-z ])(\d+) ?gi?b$|(?: |max|pro|ultra)(\d{1,3})$", rest)
        gib = int(size[1] or size[2]) if size else None
        rest = rest[: size.start(size.lastindex or 0)] if size else rest
        model = rest.replace(" ", "").removeprefix("rtx").removeprefix("gtx")
        return cls(model, gib, form[1] if form else "")

    def means(self, card: Gpu) -> bool:
        """Whether a card may be called so: what the name does not say is left open.

        But for PCIe, which drivers say, and people where it is not the card that all speak of.
        """
        own, gib = GpuName.of(card.name), card.memory // GIB
        fits = self.gib in (None, gib) or (card.shared and 0 < (self.gib or 0) <= gib)
        forms = (own.form,) if own.form == "pcie" else ("", own.form or self.form)
        return self.model == own.model and fits and self.form in forms


def gpus() -> dict[str, Gpu]:
    """All cards that archc knows, by the name that the command line takes.

    A chip that shares its memory has the most that it comes with.
    """
    return {key: _with_memory(card, None) for key, card in _cards().items()}


def find_gpu(name: str) -> Gpu:
    """Return the card that somebody or a driver calls so: `rtx3090`, `4090`, `Tesla T4`.

    `m1max-32` and `Apple M1 Max 32GB` are the chip with so much memory. Raises UnknownGpu, for
    `A100` too, which comes with 40 and with 80 GB.
    """
    cards, asked = _cards(), GpuName.of(name)
    kin = {key: card for key, card in cards.items() if GpuName.of(card.name).model == asked.model}
    found = [card for card in kin.values() if asked.means(card)]
    if len(found) == 1:
        return _with_memory(found[0], asked.gib)
    listed = [f"{key} ({card.name})" for key, card in kin.items()]
    if found:
        raise UnknownGpu(f"GPU {name!r} may be {' or '.join(listed)}: say which")
    if kin:
        raise UnknownGpu(f"no GPU {name!r} is known, but {' and '.join(listed)}")
    models = {GpuName.of(card.name).model: key for key, card in cards.items()}
    close = get_close_matches(asked.model, models, n=1)
    hint = f"; did you mean {models[close[0]]!r}?" if close else ""
    raise UnknownGpu(f"no GPU {name!r}{hint} (known: {', '.join(cards)})")


def _cards() -> dict[str, Gpu]:
    """Those of the file, a chip that shares its memory with all of it."""
    document = _document()
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
            card.get("memory_is") == "shared",
        )
        for key, card in document["cards"].items()
    }


def _with_memory(card: Gpu, gib: int | None) -> Gpu:
    """A card, or a chip with so much memory of that which it shares."""
    return card.of_size(gib or card.memory // GIB) if card.shared else card


def _document() -> Any:
    return json.loads(GPUS.read_text(encoding="utf-8"))


def _checked(card: dict[str, Any], sources: dict[str, dict[str, str]]) -> dict[str, str]:
    read = {
        figure: f"{sources[source]['what']}: {sources[source]['url']}"
        for source, figures in card["read"].items()
        for figure in figures
    }
    return {**read, **card.get("derived", {})}
