"""What `archc fit` says of speed: estimates for each GPU, and what they are worth."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

from archc.analysis.gpus import Gpu
from archc.analysis.roofline import ATTAINED, HALF, OTHER_ERROR, Estimate, Workload, estimate
from archc.analysis.setting import WIDTHS, RunSetting
from archc.report.tables import Column, Sheet, TableLine

_HALF_WIDTH = 2
METHOD = (
    "Each operator takes max(FLOP / peak, bytes / bandwidth), in eager mode and channels_last, "
    f"with {ATTAINED:.0%} of both attained; a step of training 3 times the FLOP and 3.5 times the "
    "bytes. `off by`: how far such estimates were off in half of the published runs that they were "
    "compared with, and in nine of ten. `<`: at this batch starting kernels, which is not counted, "
    "takes longer than running them."
)
SHARED = "With runs on Apple's chips no estimate was compared."
ELSEWHERE = (
    "Only the RTX 3090 and 4090 in half precision were compared with runs of many networks; "
    f"elsewhere `off by` is from eight runs of ResNet-50 on V100, T4 and A100, the worst of which "
    f"was {OTHER_ERROR.most:.0%} off."
)


def estimates(
    work: Workload, gpu: Gpu | None, setting: RunSetting, batch: int
) -> tuple[Estimate | None, Estimate | None]:
    """In inference and in training; None where there is no card, or no rate of it."""
    if gpu is None:
        return None, None
    precision = "amp" if setting.amp else setting.dtype
    width = _HALF_WIDTH if setting.amp else WIDTHS[setting.dtype]
    infer, train = (
        estimate(work, gpu, precision, width, batch, training=training)
        for training in (False, True)
    )
    return infer, train


def sheet(
    work: Workload, cards: Sequence[Gpu], setting: RunSetting, batch: int, width: int
) -> Sheet:
    """A line for each card, no lines where no rate is known; below it lines of `width`."""
    columns = (
        Column("gpu", "on"),
        Column("infer", "infers", numeric=True),
        Column("infer_error", "off by"),
        Column("train", "trains", numeric=True),
        Column("train_error", "off by"),
    )
    lines = []
    for gpu in cards:
        infer, train = estimates(work, gpu, setting, batch)
        if infer is not None or train is not None:
            cells = (gpu.name, _rate(infer), _off(infer), _rate(train), _off(train))
            lines.append(TableLine(cells))
    elsewhere = f"{ELSEWHERE} {SHARED}" if any(gpu.shared for gpu in cards) else ELSEWHERE
    foot = wrap(METHOD, width) + wrap(elsewhere, width)
    if setting.ddp is not None:
        foot.append("Each GPU by itself: sending gradients to the others is not counted.")
    precision = "mixed precision" if setting.amp else setting.dtype
    if precision not in ("mixed precision", *HALF):
        foot.append("In half precision (--amp, --dtype bf16) most GPUs are faster.")
    head = f"Samples per second at batch {batch:,}, {precision}: estimates, not measured by archc"
    return Sheet(columns, lines, head, tuple(foot))


def _rate(estimate: Estimate | None) -> str | None:
    if estimate is None:
        return None
    return f"{'< ' if estimate.starved else ''}{_rounded(estimate.per_second):,}"


def _rounded(rate: float) -> int | float:
    """Three figures: the rest is nothing but digits."""
    digits = float(f"{rate:.3g}")
    return int(digits) if digits >= 10 else digits


def _off(estimate: Estimate | None) -> str | None:
    if estimate is None:
        return None
    if estimate.error is None:
        return "unknown"
    return f"{estimate.error.half:.0%}, {estimate.error.most:.0%}"


def record(estimate: Estimate | None) -> dict[str, Any] | None:
    """For programs."""
    if estimate is None:
        return None
    return {
        "samples_per_second": estimate.per_second,
        "seconds_per_batch": estimate.seconds,
        "upper_bound": estimate.starved,
        "error_half": estimate.error and estimate.error.half,
        "error_most": estimate.error and estimate.error.most,
        "error_basis": estimate.error and estimate.error.basis,
    }
