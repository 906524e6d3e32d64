"""From folders to runs: each folder with a log.csv is one. What is damaged or foreign is told."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from math import isfinite, isnan
from pathlib import Path

from archc.files import Unreadable, read
from archc.runs.told import RUN, RunTold, read_told
from archc.source import Limits

LOG, BEST = "log.csv", "best.pt"
_NEEDED = ("epoch", "loss")
_WITHIN = Limits(source_bytes=16_000_000)  # 100,000 epochs and more
_DEPTH, _MOST = 4, 10_000  # folders inside each other, and looked into
_FLOAT32 = 3.41e38  # no tensor has more
_PERCENT = (0, 100.001)  # sums of several processes are rounded
_RANGES = {
    "epoch": (0, 10**9),
    "step": (0, 10**15),
    "lr": (0, _FLOAT32),
    "loss": (-_FLOAT32, _FLOAT32),
    "val_loss": (-_FLOAT32, _FLOAT32),
    "top1": _PERCENT,
    "top5": _PERCENT,
    "seconds": (0, 10**9),
}
_LOSSES = ("loss", "val_loss")


@dataclass(frozen=True, slots=True)
class Epoch:
    """A line of a log: numbers by the names of the columns.

    A loss may be nan or infinite: the run has diverged.
    """

    values: dict[str, float]

    def __getitem__(self, name: str) -> float | None:
        return self.values.get(name)


@dataclass(frozen=True)
class TrainingRun:
    """One run: what it is called, where it lies, and its epochs in order."""

    name: str
    folder: Path
    epochs: tuple[Epoch, ...]
    weights: int | None = None  # bytes of the best, where they are kept
    told: RunTold = field(default_factory=RunTold)

    @property
    def last(self) -> Epoch:
        return self.epochs[-1]

    @cached_property
    def best(self) -> Epoch:
        """The epoch of the highest top-1, of several that of the least loss: as best.pt has it.

        Without any, of the least loss.
        """
        if any(epoch["top1"] is not None for epoch in self.epochs):
            lowest, most = float("-inf"), float("inf")
            return max(
                self.epochs, key=lambda e: (_or(e["top1"], lowest), -_or(e["val_loss"], most))
            )
        name = "val_loss" if any(is_finite(epoch["val_loss"]) for epoch in self.epochs) else "loss"
        finite = [epoch for epoch in self.epochs if is_finite(epoch[name])]
        return min(finite or self.epochs[:1], key=lambda epoch: _or(epoch[name], 0))

    def total(self, name: str) -> float | None:
        """The sum of a column, or None where no epoch has a value."""
        values = [value for epoch in self.epochs if (value := epoch[name]) is not None]
        return sum(values) if values else None

    def highest(self, name: str) -> float | None:
        values = [value for epoch in self.epochs if (value := epoch[name]) is not None]
        return max(values, default=None)


@dataclass
class RunsFound:
    """Runs, and what there is to say of folders that are none or are cut."""

    runs: list[TrainingRun] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def find_runs(top: Path, prefix: str = "") -> RunsFound:
    """Find the runs in a folder, which may be one itself; names begin with `prefix`.

    Links to folders are not followed, nor links of a log out of `top`. Raises OSError where `top`
    itself cannot be read.
    """
    found = RunsFound()
    os.scandir(top).close()
    for count, folder in enumerate(_folders(top)):
        if count == _MOST:
            found.remarks.append(f"{top} has more than {_MOST:,} folders: the others are left out")
            break
        log = folder / LOG
        if not os.path.lexists(log):
            continue
        inside = folder.relative_to(top).as_posix()
        name = f"{prefix}{inside}" if inside != "." else folder.resolve().name
        try:
            epochs, remark = _epochs(read(log, _WITHIN, inside=(top,)).text)
        except Unreadable as failure:
            where = "" if failure.io else f"{log}: "  # what cannot be opened is named in the title
            found.remarks.append(f"{where}left out: {failure.diagnostic.title}")
            continue
        if remark:
            found.remarks.append(f"{log}: {remark}")
        if epochs:
            told = _told(folder, top, found.remarks)
            found.runs.append(TrainingRun(name, folder, tuple(epochs), _size(folder / BEST), told))
    return found


def _told(folder: Path, top: Path, remarks: list[str]) -> RunTold:
    """What run.json says, if there is one; why it says nothing is told."""
    if not os.path.lexists(folder / RUN):
        return RunTold()
    try:
        return read_told(folder, top)
    except Unreadable as failure:
        remarks.append(f"{folder / RUN}: left out: {failure.diagnostic.title}")
    except ValueError:
        remarks.append(f"{folder / RUN}: left out: it is no run.json of a training script")
    return RunTold()


def _size(path: Path) -> int | None:
    """The bytes of a file; of a link, or what is not there, None."""
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _folders(top: Path) -> Iterator[Path]:
    """The folder and those below it, without hidden ones and links; those of a run are its own."""
    waiting = [(top, 0)]
    while waiting:
        here, depth = waiting.pop()
        yield here
        if depth == _DEPTH or (here / LOG).is_file():
            continue
        try:
            with os.scandir(here) as entries:
                below = sorted(
                    entry.name
                    for entry in entries
                    if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")
                )
        except OSError:  # of somebody else
            continue
        waiting += [(here / name, depth + 1) for name in reversed(below)]


def _epochs(text: str) -> tuple[list[Epoch], str]:
    """The epochs of a log, and what is wrong with it."""
    lines = text.removeprefix("\ufeff").splitlines()
    names = [name.strip() for name in lines[0].split(",")] if lines else []
    missing = [name for name in _NEEDED if name not in names]
    if missing or len(set(names)) < len(names):
        return [], "left out: it is no log of a training script"
    epochs: list[Epoch] = []
    for number, line in enumerate(lines[1:], 2):
        try:
            epochs.append(_epoch(names, line.split(",")))
        except ValueError:
            if not epochs:
                return [], f"left out: line {number} is damaged, and no epoch comes before it"
            return epochs, f"line {number} is damaged: what comes before it is taken"
    return epochs, "" if epochs else "left out: no epoch has ended"


def _epoch(names: list[str], cells: list[str]) -> Epoch:
    """One line of a log. Raises ValueError where it has what no training can give."""
    values = {name: _number(cell) for name, cell in zip(names, cells, strict=True)}
    # Hits cannot diverge: nan is of none, as where there was nothing to validate on.
    unknown = ("val_loss", "top1", "top5") if isnan(values.get("top1", 0)) else ("top5",)
    values = {name: v for name, v in values.items() if name not in unknown or not isnan(v)}
    for name in _RANGES.keys() & values:
        (least, most), value = _RANGES[name], values[name]
        diverged = name in _LOSSES and not isfinite(value)
        if not (least <= value <= most or diverged):
            raise ValueError(f"{name} cannot be {value}")
    return Epoch(values)


def _number(text: str) -> float:
    """An int where it is whole. Raises ValueError."""
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def is_finite(value: float | None) -> bool:
    """Whether there is a value, and it is neither nan nor infinite."""
    return value is not None and isfinite(value)


def _or(value: float | None, other: float) -> float:
    return value if value is not None else other
