"""How fast a network runs on a GPU: the roofline model, operator by operator.

An operator takes as long as its arithmetic or its traffic with memory, whichever is longer
(Williams, Waterman and Patterson 2009): max(FLOP / peak, bytes / bandwidth), and a network the sum
over its operators. Traffic is what eager mode moves: inputs, parameters and outputs of each.

What is attainable of both peaks was fitted, and `Error` says how far the estimate was off. archc
has measured nothing on a GPU.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from archc.analysis.gpus import Gpu
from archc.analysis.table import Row, Table

# Fitted to 87 published inference runs of 22 bundled networks, in mixed precision, channels_last,
# on two cards (timm, RTX 3090 and 4090): both came out alike.
ATTAINED = 0.92
# A training step in forward passes: the gradients of inputs and weights are two more of its
# arithmetic; its traffic was fitted to published steps on one card (timm, RTX 3090).
TRAIN_FLOPS, TRAIN_BYTES = 3.0, 3.5
# From Python to the start of a kernel, in eager mode: ResNet-50, 175 operators, took 10 to 14 ms
# for batches of 1 to 8 on V100 and T4 (NVIDIA/DeepLearningExamples, 2021).
START = 70e-6

HALF = ("amp", "fp16", "bf16")


@dataclass(frozen=True, slots=True)
class Error:
    """How far such estimates were off: in half of the runs, and in nine of ten."""

    half: float
    most: float
    basis: str


# The runs are in tests/reference, the test computes these figures.
INFER_ERROR = Error(0.05, 0.15, "timm's runs on this card, leave-one-network-out")
TRAIN_ERROR = Error(0.09, 0.23, "timm's training steps on this card")
OTHER_ERROR = Error(
    0.20, 0.59, "ResNet-50 on V100, T4 and A100 as NVIDIA measured it; all, not 9/10"
)
_MEASURED = {False: ("rtx3090", "rtx4090"), True: ("rtx3090",)}  # by whether it trains


@dataclass(frozen=True, slots=True)
class Load:
    """What one operator does for one sample; all that the model knows of it."""

    flops: int
    elements_moved: int
    parameter_reads: int  # of them those that a mini-batch needs once
    convolves: bool
    training_only: bool  # in an auxiliary head: while training only
    repeated: bool  # computed again in the backward pass


@dataclass(frozen=True, slots=True)
class Workload:
    """The operators of a network, equal ones counted."""

    loads: Counter[Load]

    def operators(self, *, training: bool) -> int:
        return sum(n for load, n in self.loads.items() if training or not load.training_only)


@dataclass(frozen=True, slots=True)
class Estimate:
    """The time of one mini-batch. `starved`: kernels end before the next can be started.

    Then it takes longer than `seconds`, and `per_second` is an upper bound. `error` is None where
    nothing was measured on any such card.
    """

    seconds: float
    per_second: float
    starved: bool
    error: Error | None


def work(table: Table, checkpoint: str | None = None) -> Workload:
    """What there is to do; calls of the block `checkpoint` are done again in a backward pass."""
    loads: Counter[Load] = Counter()
    inside: int | None = None  # the level of the call of that block that the walk is in
    for row in table.rows():
        if inside is not None and row.level <= inside:
            inside = None
        if row.part.op is not None:
            loads[_load(row, inside is not None)] += 1
        elif inside is None and checkpoint is not None and row.part.kind == checkpoint:
            inside = row.level
    return Workload(loads)


def _load(row: Row, repeated: bool) -> Load:
    counts = row.part.counts
    convolves = row.part.op is not None and row.part.op.category == "conv"
    return Load(
        counts.flops,
        counts.elements_moved,
        counts.parameter_reads,
        convolves,
        row.training_only,
        repeated,
    )


def estimate(
    work: Workload, gpu: Gpu, precision: str, width: int, batch: int, *, training: bool
) -> Estimate | None:
    """One mini-batch in a forward pass, or in a step of training.

    `precision` is fp32, fp16, bf16, fp64 or amp, `width` the bytes of an activation in it. None
    where the card's rate at that precision is not known.
    """
    seconds = 0.0
    for load, times in work.loads.items():
        peak = _peak(gpu, precision, load)
        if peak is None:
            return None
        if load.training_only and not training:
            continue
        moved = (load.elements_moved - load.parameter_reads) * batch + load.parameter_reads
        again = 1.0 if load.repeated else 0.0
        flops = load.flops * batch * (TRAIN_FLOPS + again if training else 1.0)
        traffic = moved * width * (TRAIN_BYTES + again if training else 1.0)
        seconds += times * max(flops / peak, traffic / gpu.bandwidth) / ATTAINED
    start = START * work.operators(training=training) * (TRAIN_FLOPS if training else 1.0)
    rate = batch / seconds if seconds else 0.0
    return Estimate(seconds, rate, seconds < start, _error(gpu, precision, training))


def _peak(gpu: Gpu, precision: str, load: Load) -> float | None:
    """The rate of a convolution or linear; PyTorch lets convolutions in fp32 use TF32."""
    if precision in ("amp", "fp16"):
        return gpu.fp16
    if precision == "bf16":  # came with TF32
        return gpu.fp16 if gpu.tf32 is not None else None
    if precision == "fp32":
        return gpu.tf32 if load.convolves and gpu.tf32 is not None else gpu.fp32
    return None


def _error(gpu: Gpu, precision: str, training: bool) -> Error | None:
    if gpu.shared:
        return None
    if precision not in HALF or gpu.key not in _MEASURED[training]:
        return OTHER_ERROR
    return TRAIN_ERROR if training else INFER_ERROR
