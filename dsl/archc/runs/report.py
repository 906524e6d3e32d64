"""Runs as a table for people, and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import isfinite, isnan
from typing import Any

from archc.report.characters import to_json
from archc.report.spelling.numbers import format_bytes, natural
from archc.report.tables import Column, Sheet, TableLine
from archc.runs.reading import TrainingRun

_WORDS = ("run", "network", "start", "freeze")
VERSION = 1  # of the JSON; grows when a key goes or changes its meaning


@dataclass(frozen=True, slots=True)
class RunColumn:
    """A column of the table: its name, its heading, and its value in a run."""

    name: str
    heading: str
    of: Callable[[TrainingRun], Any]
    show: Callable[[Any], str] = str

    @property
    def column(self) -> Column:
        return Column(self.name, self.heading, self.name not in _WORDS, self.show)


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _percent(value: float) -> str:
    return f"{value:.2f}"


def _figures(value: float) -> str:
    return f"{value:.4g}"


def _time(seconds: float) -> str:
    """`1:02:03`, or `45 s`."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.3g} s"
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}"


COLUMNS = {
    column.name: column
    for column in (
        RunColumn("run", "run", lambda run: run.name),
        RunColumn("epochs", "epochs", lambda run: run.last["epoch"], _whole),
        RunColumn("updates", "updates", lambda run: run.last["step"], _whole),
        RunColumn("lr", "highest lr", lambda run: run.highest("lr"), _figures),
        RunColumn("loss", "last loss", lambda run: run.last["loss"], _figures),
        RunColumn("best_epoch", "best epoch", lambda run: run.best["epoch"], _whole),
        RunColumn("val_loss", "val loss", lambda run: run.best["val_loss"], _figures),
        RunColumn("top1", "top-1 %", lambda run: run.best["top1"], _percent),
        RunColumn("top5", "top-5 %", lambda run: run.best["top5"], _percent),
        RunColumn("weights", "best.pt", lambda run: run.weights, format_bytes),
        RunColumn("seconds", "time", lambda run: run.total("seconds"), _time),
        RunColumn("network", "network", lambda run: run.told.network),
        RunColumn("parameters", "parameters", lambda run: run.told.parameters, _whole),
        RunColumn("trained", "trained", lambda run: run.told.trained, _whole),
        RunColumn("start", "from", lambda run: run.told.weights),
        RunColumn("freeze", "frozen", lambda run: run.told.freeze),
    )
}
_FOOT = (
    "The best epoch has the highest top-1, of several the least val loss; val loss, top-1 and "
    "top-5 are its.",
)


def ordered(runs: Iterable[TrainingRun], by: str, *, reverse: bool) -> list[TrainingRun]:
    """Sort by a column; runs with nan there come last, and behind them those without a value."""
    of = COLUMNS[by].of
    named = sorted(runs, key=lambda run: natural(run.name), reverse=reverse and by == "run")
    if by == "run":
        return named
    missing = [run for run in named if of(run) is None]
    known = [run for run in named if of(run) is not None]
    if by in _WORDS:
        return sorted(known, key=lambda run: natural(of(run)), reverse=reverse) + missing
    diverged = [run for run in known if isnan(of(run))]
    numbers = [run for run in known if not isnan(of(run))]
    return sorted(numbers, key=of, reverse=reverse) + diverged + missing


def sheet(runs: Sequence[TrainingRun]) -> Sheet:
    """The table: a line a run, without the columns that no run has a value for."""
    columns = [c for c in COLUMNS.values() if any(c.of(run) is not None for run in runs)]
    if all(run.told.trained == run.told.parameters for run in runs):
        columns = [column for column in columns if column.name != "trained"]
    lines = [TableLine(tuple(column.of(run) for column in columns)) for run in runs]
    return Sheet(tuple(column.column for column in columns), lines, foot=_FOOT)


def as_json(runs: Sequence[TrainingRun]) -> str:
    """The same for programs, with the whole curves; docs/cli.md says what the keys mean."""
    found = [
        {
            **{name: _in_json(column.of(run)) for name, column in COLUMNS.items()},
            "folder": run.folder.as_posix(),
            "curve": [
                {name: _in_json(value) for name, value in epoch.values.items()}
                for epoch in run.epochs
            ],
        }
        for run in runs
    ]
    return to_json({"version": VERSION, "runs": found})


def _in_json(value: Any) -> Any:
    """JSON has no such numbers: "nan", "inf" and "-inf" are texts there."""
    return str(value) if isinstance(value, float) and not isfinite(value) else value
