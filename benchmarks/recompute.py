"""DenseNet-121 in training, computed again in the backward pass: what it holds, takes and changes.

    pip install torch torchvision
    python benchmarks/recompute.py [ROUNDS]

Archc's default form, its form with `grad_checkpointing=True` (`archc build densenet121 --with
checkpointing`), torchvision's, and torchvision's with `memory_efficient=True`, at a batch of 8.
Memory is counted in three ways, weights and momentum with it: what torch's MemTracker sees on fake
tensors in the second step; what a process of its own really takes, its peak less what it had before
the network was made; and the same where glibc's malloc gives back at once what was freed
(`MALLOC_MMAP_THRESHOLD_`). As it comes, it keeps freed pieces of up to 32 MiB, which recomputation
frees many of. The times are CPU times of a step in these processes, malloc as it comes, on one
thread; each round runs every form once, in turn. The goals: with recomputation at most 0.35 times
the default and 0.65 times torchvision's `memory_efficient`; outputs, gradients and the statistics
of batch norms to the bit what they are without.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch
import torchvision

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).parents[1] / "dsl"))

import tracking

import archc
from archc.comparison import timing
from archc.report import tables
from archc.report.tables import Column, Sheet, TableLine

DEFAULT, LEAN = "archc", "archc, grad_checkpointing"
THEIRS, EFFICIENT = "torchvision", "torchvision, memory_efficient"
SHAPE, BATCH, STEPS = (3, 224, 224), 8, 3
GIVE_BACK = {"MALLOC_MMAP_THRESHOLD_": "131072"}


def ours(**how: Any) -> Any:
    return archc.load("densenet121").module(**how)


def theirs(**how: Any) -> Any:
    return torchvision.models.densenet121(weights=None, **how)


FORMS: dict[str, Callable[[], Any]] = {
    DEFAULT: ours,
    LEAN: lambda: ours(grad_checkpointing=True),
    THEIRS: theirs,
    EFFICIENT: lambda: theirs(memory_efficient=True),
}


# --- in a process of its own -------------------------------------------------------------


def run(form: str) -> None:
    """Prints the bytes that training took, and the CPU seconds of a step."""
    torch.set_num_threads(1)
    train(torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.Flatten()), 1)  # loads kernels
    before = peak_bytes()
    seconds = train(FORMS[form](), BATCH)
    print(peak_bytes() - before, seconds)


def train(model: Any, batch: int) -> float:
    """Some steps; the CPU seconds of one."""
    optimizer = tracking.optimizer_of(model.train(), tracking.PLAIN)
    x, labels = torch.randn(batch, *SHAPE), torch.zeros(batch, dtype=torch.long)
    times = []
    for _ in range(STEPS):
        begin = time.process_time()
        tracking.step(model, optimizer, x, labels)
        times.append(time.process_time() - begin)
    return median(times)


def peak_bytes() -> int:
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


# --- beside each other -------------------------------------------------------------------


def measured(rounds: int, malloc: Mapping[str, str]) -> dict[str, tuple[float, float]]:
    """The medians of both, by form."""
    found: dict[str, list[tuple[float, float]]] = {form: [] for form in FORMS}
    for turn in range(rounds):
        for form in FORMS if turn % 2 else reversed(FORMS):
            out = subprocess.run(
                [sys.executable, __file__, form],
                env=os.environ | malloc,
                check=True,
                capture_output=True,
                text=True,
            ).stdout
            size, seconds = map(float, out.split())
            found[form].append((size, seconds))
    return {
        form: (median(size for size, _ in runs), median(seconds for _, seconds in runs))
        for form, runs in found.items()
    }


def memory(rounds: int) -> int:
    """Prints the table and the ratios; how many goals were missed."""
    tracked = {form: tracking.training_peak(make, SHAPE, BATCH) for form, make in FORMS.items()}
    runs, lean = measured(rounds, {}), measured(rounds, GIVE_BACK)
    real, given_back = ({form: size for form, (size, _) in of.items()} for of in (runs, lean))
    seconds = {form: seconds for form, (_, seconds) in runs.items()}
    sizes: tuple[Mapping[str, float], ...] = (tracked, given_back, real)
    lines = [TableLine((form, *(size[form] for size in sizes), seconds[form])) for form in FORMS]
    print(tables.markdown(Sheet(COLUMNS, lines)))
    missed = 0
    for column, size in zip(COLUMNS[1:4], sizes, strict=True):
        for base, most in ((DEFAULT, 0.35), (THEIRS, 0.35), (EFFICIENT, 0.65)):
            ratio = size[LEAN] / size[base]
            missed += ratio > most
            verdict = "missed" if ratio > most else "held"
            print(f"{ratio:6.3f} x {base}: {LEAN}, {column.heading} (at most {most:g}: {verdict})")
    for form, base in ((LEAN, DEFAULT), (EFFICIENT, THEIRS)):
        print(f"{seconds[form] / seconds[base]:6.2f} x {base}: CPU time of a step, {form}")
    return missed


def exactness() -> int:
    """Prints what differs after a step from the same weights; how much of ours does."""
    torch.manual_seed(0)
    weights, x = theirs().state_dict(), torch.randn(2, *SHAPE)
    states = {form: after_a_step(make(), weights, x) for form, make in FORMS.items()}
    apart = {}
    for form, base in ((LEAN, DEFAULT), (EFFICIENT, THEIRS)):
        print(f"\n{form} against {base}:")
        for what, values in states[form].items():
            pairs = [*zip(values, states[base][what], strict=True)]
            apart[form, what] = sum(not torch.equal(a, b) for a, b in pairs)
            print(f"    {what}: {apart[form, what]} of {len(pairs)} differ")
    return sum(apart[LEAN, what] for what in states[LEAN])


def after_a_step(model: Any, weights: Any, x: Any) -> dict[str, list[Any]]:
    model.load_state_dict(weights, strict=True)
    y = model.train()(x)
    torch.nn.functional.cross_entropy(y, torch.zeros(len(x), dtype=torch.long)).backward()
    return {
        "outputs": [y],
        "gradients": [parameter.grad for parameter in model.parameters()],
        "statistics of batch norms": list(model.buffers()),
    }


def main(argv: Sequence[str]) -> int:
    if argv and argv[0] in FORMS:
        run(argv[0])
        return 0
    torch.set_num_threads(1)
    rounds = int(argv[0]) if argv else 3
    machine = timing.machine()
    print(f"{machine.processor}, {machine.threads} thread, torch {machine.torch}, fp32, ", end="")
    print(f"torchvision {torchvision.__version__}; medians of {rounds} rounds\n")
    return min(memory(rounds) + exactness(), 1)


def _mib(size: float) -> str:
    return f"{size / 2**20:,.0f}"


COLUMNS = (
    Column("form", "DenseNet-121"),
    Column("tracked", "MemTracker MiB", True, _mib),
    Column("given_back", "process MiB, freed memory given back", True, _mib),
    Column("real", "process MiB, glibc as it comes", True, _mib),
    Column("seconds", "CPU seconds a step", True, lambda seconds: f"{seconds:.2f}"),
)

if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
