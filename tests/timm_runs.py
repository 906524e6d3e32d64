"""timm's published measurements in `reference/timm`, and the networks that they are of."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import archc
from archc import api
from archc.data import ARCHS
from archc.source import Source

FOLDER = Path(__file__).parent / "reference" / "timm"
LADDER = (512, 384, 256, 192, 128, 96, 64, 48, 32)  # batches that the training runs went down


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement, in mixed precision and channels_last."""

    model: str
    size: int
    batch: int
    rate: float  # images per second
    params: float  # millions, as timm counts them

    @property
    def bundled(self) -> bool:
        return self.model in archc.bundled()

    @property
    def analysis(self) -> api.Analysis:
        return _analysed(self.model, self.size)


@cache
def _analysed(model: str, size: int) -> api.Analysis:
    path = (ARCHS if model in archc.bundled() else FOLDER) / f"{model}.arch"
    source = Source(str(path), path.read_text(encoding="utf-8"))
    analysis = api.analyze(source, inputs={"": (3, size, size)})
    assert analysis.ok, analysis.diagnostics
    return analysis


def runs(name: str) -> list[Run]:
    """`infer_rtx3090`, `infer_rtx4090` or `train_rtx3090`."""
    with (FOLDER / f"{name}.csv").open(encoding="utf-8") as file:
        return [
            Run(
                row["model"],
                int(row["img_size"]),
                int(row["batch_size"]),
                float(row["samples_per_sec"]),
                float(row["param_count"]),
            )
            for row in csv.DictReader(file)
        ]
