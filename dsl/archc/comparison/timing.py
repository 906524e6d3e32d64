"""How long a module takes on this machine: measured, never estimated. Needs torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

WARM_UP, RUNS = 3, 11


@dataclass(frozen=True, slots=True)
class Machine:
    """What a measurement depends on, and goes with it wherever it is shown."""

    processor: str
    threads: int
    torch: str  # its release
    runs: int = RUNS

    def __str__(self) -> str:
        threads = f"{self.threads} thread{'s' * (self.threads != 1)}"
        return f"{self.processor}, {threads}, torch {self.torch}, fp32, median of {self.runs}"


def machine() -> Machine:
    """This one, as torch is set up to use it."""
    import torch

    return Machine(_processor(), torch.get_num_threads(), str(torch.__version__))


def forward_ms(module: nn.Module, inputs: Iterable[tuple[int, ...]]) -> float:
    """Milliseconds of a forward pass at batch 1 on the CPU, in eval mode: the median of 11 runs.

    `inputs` are shapes without the batch, channels first.
    """
    from statistics import median
    from time import perf_counter

    import torch

    module.eval()
    samples = [torch.randn(1, *shape) for shape in inputs]
    times = []
    with torch.inference_mode():
        for run in range(WARM_UP + RUNS):
            start = perf_counter()
            module(*samples)
            if run >= WARM_UP:
                times.append(perf_counter() - start)
    return 1000 * median(times)


def _processor() -> str:
    """Its name as its maker gives it, where the system tells."""
    import platform

    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            names = (line.partition(":")[2] for line in file if line.startswith("model name"))
            found = " ".join(next(names, "").split())
    except OSError:
        found = ""
    return found or platform.processor() or platform.machine() or "unknown processor"
