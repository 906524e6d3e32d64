"""Training runs side by side: what the scripts of `archc build --train` have left. `archc runs`.

Read is the log of each, and nothing that a program could hide in: no checkpoint is opened.
"""

from __future__ import annotations

from archc.runs.reading import Epoch, RunsFound, TrainingRun, find_runs
from archc.runs.report import COLUMNS, as_json, ordered, sheet

__all__ = [
    "COLUMNS",
    "Epoch",
    "RunsFound",
    "TrainingRun",
    "as_json",
    "find_runs",
    "ordered",
    "sheet",
]  # fmt: skip
