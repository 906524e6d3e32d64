"""What a run was told: its network, its parameters and flags, from the run.json beside its log."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archc.files import read
from archc.source import Limits

RUN = "run.json"
_WITHIN = Limits(source_bytes=64_000)
_MOST = 10**15  # parameters


@dataclass(frozen=True, slots=True)
class RunTold:
    """What run.json says; what it lacks, or says otherwise than the script does, is None."""

    network: str | None = None  # with the params that are set: `DigitNet width=16`
    parameters: int | None = None
    trained: int | None = None  # of these
    weights: str | None = None  # what it began with
    freeze: str | None = None  # the parts that do not train


def read_told(folder: Path, top: Path) -> RunTold:
    """Read that of a run. Raises Unreadable, and ValueError for what is no JSON object."""
    try:
        found = json.loads(read(folder / RUN, _WITHIN, inside=(top,)).text)
    except RecursionError:
        found = None
    if not isinstance(found, dict):
        raise ValueError("it is no run.json of a training script")
    words = [found.get("network"), found.get("params")]
    patterns = found.get("freeze")
    return RunTold(
        _text(" ".join(word for word in words if isinstance(word, str)).strip()),
        _count(found.get("parameters")),
        _count(found.get("trained")),
        _text(found.get("weights")),
        _text(",".join(map(str, patterns))) if isinstance(patterns, list) else None,
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _count(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value <= _MOST else None
