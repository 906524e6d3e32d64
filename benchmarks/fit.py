"""`archc fit`: what it predicts beside what torch counts and what timm measured, and its time.

    pip install torch
    python benchmarks/fit.py [ROUNDS]

Memory is compared with torch's MemTracker on fake tensors, speed and the largest batch with timm's
published runs on GPUs. The tests hold the same figures, by the same functions. The goals: peaks of
training within 1 % on five networks at two batches; the right rung of timm's ladder of batches for
9 of 10 runs; images per second with a median error of at most 12 %, each network left out of the
fit in turn; `archc fit resnet50` in a fresh process within half a second of CPU time (it is one
thread: an idle machine's clock shows the same), without torch.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).parents[1] / "dsl"))

import timm_runs
import tracking
from processes import ARCHC, measure

import archc
from archc.analysis.setting import RunSetting
from archc.report import tables
from archc.report.tables import Column, Sheet, TableLine

NETWORKS = ("resnet50", "googlenet_bn", "densenet121", "vgg16", "squeezenet1_1")
BATCHES = (8, 32)
FIT = "archc fit resnet50"
# The same, and fails if torch was imported on the way.
WITHOUT_TORCH = "import sys; from archc.cli import main; main(); sys.exit('torch' in sys.modules)"
COMMANDS = {
    FIT: ["-c", ARCHC, "fit", "resnet50"],
    "python -c 'import torch'": ["-c", "import torch"],
    "without torch": ["-c", WITHOUT_TORCH, "fit", "resnet50"],
}


def verdict(held: bool) -> str:
    return "held" if held else "missed"


def memory() -> bool:
    """Prints predicted and tracked peaks."""
    lines = []
    for name in NETWORKS:
        net = archc.load(name)
        found = net.analysis.memory().train
        for batch in BATCHES:
            predicted = found.peak(batch).bytes(batch)
            tracked = tracking.training_peak(net.module, tracking.shape_of(net), batch)
            exact = net.analysis.memory(RunSetting(tracked=True)).train.peak(batch).bytes(batch)
            off = predicted / tracked - 1
            lines.append(TableLine((name, batch, predicted, tracked, off, exact - tracked)))
    print(tables.markdown(Sheet(COLUMNS, lines)))
    worst: float = max(abs(line.cells[4]) for line in lines)
    held = worst <= 0.01
    print(f"memory: at most {worst:.2%} off (goal 1%: {verdict(held)})")
    return held


def ladder() -> bool:
    """Prints for how many of timm's training runs the rung is the one that ran."""
    runs = timm_runs.runs(f"train_{timm_runs.CARD}")
    right = sum(run.batch == run.rung for run in runs)
    held = right >= 0.9 * len(runs)
    print(f"ladder of batches: {right} of {len(runs)} right (goal 90%: {verdict(held)})")
    return held


def speed() -> bool:
    """Prints how far off the estimated images per second are, of networks not fitted to."""
    cards = ("rtx3090", "rtx4090")
    measured = {
        card: [run for run in timm_runs.runs(f"infer_{card}") if run.bundled] for card in cards
    }
    errors = timm_runs.left_out_errors(measured)
    held = median(errors) <= 0.12
    print(
        f"images per second: half within {median(errors):.1%}, worst {max(errors):.0%} off, "
        f"{len(errors)} runs (goal 12%: {verdict(held)})"
    )
    return held


def startup(rounds: int) -> bool:
    """Prints how long a fresh process takes."""
    spent = measure(COMMANDS, rounds)
    for name, runs in spent.items():
        wall, cpu = median(run.wall for run in runs), median(run.cpu for run in runs)
        print(f"{wall:6.2f} s  (CPU {cpu:.2f})  {name}")
    cpu = median(run.cpu for run in spent[FIT])
    held = cpu < 0.5 and len(spent["without torch"]) == rounds
    print(f"fresh process: {cpu:.2f} s of CPU, without torch (goal 0.5 s: {verdict(held)})\n")
    return held


def main(argv: Sequence[str]) -> int:
    rounds = int(argv[0]) if argv else 7
    held = [startup(rounds), ladder(), speed(), memory()]
    return int(not all(held))


COLUMNS = (
    Column("network", "network"),
    Column("batch", "batch", True),
    Column("predicted", "predicted MiB", True, lambda n: f"{n / 2**20:,.1f}"),
    Column("tracked", "MemTracker MiB", True, lambda n: f"{n / 2**20:,.1f}"),
    Column("off", "off by", True, lambda share: f"{share:+z.2%}"),
    Column("exact", "counted as it does, bytes off", True, lambda count: f"{count:+,}"),
)

if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
