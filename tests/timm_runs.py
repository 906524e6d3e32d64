"""timm's published measurements in `reference/timm`, and the networks that they are of."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median

import archc
from archc import api
from archc.analysis import roofline
from archc.analysis.fit import TIGHT
from archc.analysis.gpus import gpus
from archc.analysis.heap import Heap
from archc.analysis.roofline import Estimate
from archc.analysis.setting import RunSetting
from archc.data import ARCHS
from archc.source import Source

FOLDER = Path(__file__).parent / "reference" / "timm"
LADDER = (512, 384, 256, 192, 128, 96, 64, 48, 32)  # batches that the training runs went down
CARD = "rtx3090"  # they ran on it


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
    def training(self) -> Heap:
        """What `archc fit --amp` counts of a step of training."""
        return self.analysis.memory(RunSetting(amp=True)).train

    @property
    def rung(self) -> int:
        """The batch of the ladder that `archc fit --amp` gives the training on that card."""
        largest = self.training.largest_batch(TIGHT * gpus()[CARD].memory)
        return next((batch for batch in LADDER if batch <= largest), 0)

    def estimate(self, card: str, *, training: bool = False) -> Estimate:
        """How fast `archc fit --amp` says that it runs."""
        found = roofline.estimate(
            self.analysis.work(), gpus()[card], "amp", 2, self.batch, training=training
        )
        assert found is not None
        return found

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


def left_out_errors(measured: Mapping[str, list[Run]]) -> list[float]:
    """How far estimates of inference are off (0.1: 10 %), of `measured` by card.

    The attained share of the peaks is the median over all cards and networks but the one that is
    estimated.
    """
    ratios = [
        (run.model, run.rate / run.estimate(card).per_second)
        for card, ran in measured.items()
        for run in ran
    ]
    errors = []
    for model, ratio in ratios:
        fit = median(other for name, other in ratios if name != model)
        errors.append(abs(fit / ratio - 1))
    return errors
