"""Whether a network trains on the card that the editor's settings name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archc.analysis.fit import FITS, verdict
from archc.analysis.gpus import GIB, find_gpu, gpus
from archc.analysis.memory import STATES, RunSetting
from archc.editor.snapshot import Snapshot
from archc.record import record
from archc.report.spelling.numbers import format_bytes

_MOST = 3_000  # operators of a network that is looked at after every key
BATCH = 32  # as `archc fit` has it


class BadSetting(Exception):
    """Why a setting cannot be: what is said to the user."""


@record
class CardSetting:
    """What a network is to be trained on, and how."""

    name: str
    memory: int  # bytes
    batch: int
    run: RunSetting

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> CardSetting | None:
        """Return that of an editor's settings; None without a card. Raises BadSetting.

        `gpu` is a card's name or so many GiB; `batch`, `amp` and `optimizer` are those of
        `archc fit`.
        """
        gpu, batch = settings.get("gpu"), settings.get("batch", BATCH)
        optimizer = settings.get("optimizer", "momentum")
        if not gpu:
            return None
        if type(batch) is not int or batch < 1:
            raise BadSetting(f"archc.batch is a number of samples, not {batch!r}")
        if optimizer not in STATES:
            raise BadSetting(f"archc.optimizer is one of {', '.join(STATES)}, not {optimizer!r}")
        run = RunSetting(optimizer=optimizer, amp=settings.get("amp") is True)
        if type(gpu) in (int, float) and gpu > 0:
            return cls(f"{gpu:g} GiB", int(gpu * GIB), batch, run)
        card = find_gpu(gpu) if isinstance(gpu, str) else None
        if card is None:
            known = ", ".join(each.name for each in gpus().values())
            raise BadSetting(f"archc.gpu {gpu!r} is no card that archc knows: {known}; or give GiB")
        name = card.name.removeprefix("NVIDIA ").removeprefix("GeForce ")
        return cls(name, card.memory, batch, run)


def fit_on(card: CardSetting, snapshot: Snapshot) -> str:
    """Return `batch 64 fits RTX 3090 (18.2 of 24.0 GiB)`; "" of a network that is too large."""
    plan = snapshot.analysis.plan
    if plan is None or not snapshot.analysis.ok or plan.body.size > _MOST:
        return ""
    heap = snapshot.analysis.memory(card.run).train
    needed = heap.peak(card.batch).bytes(card.batch)
    taken = f"{format_bytes(needed)} of {format_bytes(card.memory)}"
    match verdict(needed, card.memory):
        case "fits":
            return f"batch {card.batch} fits {card.name} ({taken})"
        case "tight":
            return f"batch {card.batch} is tight on {card.name} ({taken})"
        case _:
            largest = heap.largest_batch(FITS * card.memory)
            most = f", at most {largest}" if largest else ""
            return f"batch {card.batch} does not fit {card.name} ({taken}{most})"
