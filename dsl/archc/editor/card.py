"""Whether a network trains on the card that the editor's settings name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archc.analysis.fit import FITS, verdict
from archc.analysis.gpus import GIB, Gpu, UnknownGpu, find_gpu
from archc.analysis.setting import ChosenRun, choose_run, optimizers
from archc.api import Analysis
from archc.editor.snapshot import Snapshot
from archc.record import record
from archc.report.spelling.numbers import format_bytes

_MOST = 3_000  # operators of a network that is looked at after every key


class BadSetting(Exception):
    """Why a setting cannot be: what is said to the user."""


@record
class CardSetting:
    """What a network is to be trained on, and how."""

    name: str
    memory: int  # bytes
    batch: int | None = None
    optimizer: str | None = None
    amp: bool = False
    gpu: Gpu | None = None  # where it is one that archc knows

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> CardSetting | None:
        """Return that of an editor's settings; None without a card. Raises BadSetting.

        `gpu` is a card's name or so many GiB; `batch`, `amp` and `optimizer` are those of
        `archc fit`, and go before what the file's `train` says.
        """
        gpu, batch = settings.get("gpu"), settings.get("batch")
        optimizer = settings.get("optimizer")
        if not gpu:
            return None
        if batch is not None and (type(batch) is not int or batch < 1):
            raise BadSetting(f"archc.batch is a number of samples, not {batch!r}")
        if optimizer is not None and optimizer not in (known := optimizers()):
            raise BadSetting(f"archc.optimizer is one of {', '.join(known)}, not {optimizer!r}")
        run = (batch, optimizer, settings.get("amp") is True)
        if type(gpu) in (int, float) and gpu > 0:
            return cls(f"{gpu:g} GiB", int(gpu * GIB), *run)
        if not isinstance(gpu, str):
            raise BadSetting(f"archc.gpu is a card's name or a number of GiB, not {gpu!r}")
        try:
            card = find_gpu(gpu)
        except UnknownGpu as unknown:
            raise BadSetting(f"archc.gpu {gpu!r} is no card: {unknown}; or give GiB") from None
        name = card.name.removeprefix("NVIDIA ").removeprefix("GeForce ")
        return cls(name, card.memory, *run, card)


def run_of(card: CardSetting | None, analysis: Analysis) -> ChosenRun:
    """Return how a network is trained: as the settings say, or else its `train`."""
    train = analysis.facts.train
    if card is None:
        return choose_run(train)
    amp = "amp" if card.amp else None
    return choose_run(train, batch=card.batch, optimizer=card.optimizer, precision=amp)


def fit_on(card: CardSetting, snapshot: Snapshot) -> str:
    """Return `batch 64 fits RTX 3090 (18.2 of 24.0 GiB)`; "" of a network that is too large."""
    plan = snapshot.analysis.plan
    if plan is None or not snapshot.analysis.ok or plan.body.size > _MOST:
        return ""
    run = run_of(card, snapshot.analysis)
    heap, batch = snapshot.analysis.memory(run.setting).train, run.batch
    needed = heap.peak(batch).bytes(batch)
    taken = f"{format_bytes(needed)} of {format_bytes(card.memory)}"
    match verdict(needed, card.memory):
        case "fits":
            return f"batch {batch} fits {card.name} ({taken})"
        case "tight":
            return f"batch {batch} is tight on {card.name} ({taken})"
        case _:
            largest = heap.largest_batch(FITS * card.memory)
            most = f", at most {largest}" if largest else ""
            return f"batch {batch} does not fit {card.name} ({taken}{most})"
