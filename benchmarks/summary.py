"""`archc summary` beside torchinfo and fvcore, each in a fresh process, and how its time grows.

    pip install torch torchvision torchinfo fvcore
    python benchmarks/summary.py [ROUNDS]

Every round runs every command once, in turn, so that a busy machine slows all of them alike; the
figures are medians, and the ratios are of medians from this one run. The goals: ResNet-50 at least
10 times as fast as either of the others, ResNet-1001 in under twice ResNet-50's time, and time
that is linear in the length of a network, written out or repeated. What is not installed is left
out, and said.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1] / "dsl"))

from processes import ARCHC, measure

import archc
from archc import api
from archc.source import Limits, Source

TORCHINFO = """
from torchinfo import summary
from torchvision.models import resnet50
print(summary(resnet50(), input_size=(1, 3, 224, 224)))
"""
FVCORE = """
import torch
from fvcore.nn import FlopCountAnalysis, flop_count_table
from torchvision.models import resnet50
print(flop_count_table(FlopCountAnalysis(resnet50().eval(), torch.rand(1, 3, 224, 224))))
"""
OURS, LARGE = "archc summary resnet50", "archc summary preact_resnet1001"
COMMANDS: dict[str, list[str]] = {
    OURS: ["-c", ARCHC, "summary", "resnet50"],
    LARGE: ["-c", ARCHC, "summary", "preact_resnet1001"],
    "torchinfo, resnet50": ["-c", TORCHINFO],
    "fvcore, resnet50": ["-c", FVCORE],
}
WIDE = Limits(source_bytes=10**9, steps=10**8)


def compare(rounds: int) -> int:
    """Prints the times and the ratios; how many goals were missed."""
    spent = measure(COMMANDS, rounds)
    times = {name: [run.wall for run in runs] for name, runs in spent.items()}
    print(f"median of {rounds} rounds\n")
    for name in COMMANDS:
        if name in times:
            values = times[name]
            print(f"{median(values) * 1000:8.0f} ms  (best {min(values) * 1000:6.0f})  {name}")
        else:
            print(f"{'':11}  {'':13}  {name}: not installed, or failed")
    print()
    ours, missed = median(times[OURS]), 0
    for name, values in times.items():
        ratio = median(values) / ours
        if name == LARGE:
            verdict = "held" if ratio < 2 else "missed"
            print(f"{ratio:6.2f} x {OURS}: {name} (under 2: {verdict})")
        elif name != OURS:
            verdict = "held" if ratio >= 10 else "missed"
            print(f"{ratio:6.1f} x {OURS}: {name} (at least 10: {verdict})")
        else:
            continue
        missed += verdict == "missed"
    return missed


def written_out(units: int) -> str:
    """A network with every operator on a line of its own."""
    lines = ["network WrittenOut", "input 8x8 x16"]
    lines += (f"conv 3x3 p1 x{16 + i % 7}; bn; relu" for i in range(units))
    return "\n".join(lines) + "\n"


def repeated(units: int) -> str:
    """As many operators from a repeat of one block."""
    block = "block unit() { conv 3x3 p1 x16; bn; relu }"
    return f"network Repeated\ninput 8x8 x16\n{block}\nunit() * {units}\n"


def curve(largest: int) -> None:
    """Seconds of the whole table, every line and the peaks, at growing lengths."""
    print(f"\n{'operators':>9}  {'written out':>24}  {'repeated':>24}")
    units = largest // 16
    while units <= largest:
        cells = []
        for text in (written_out(units), repeated(units)):
            begin = time.perf_counter()
            net = archc.Net(api.analyze(Source("long.arch", text), limits=WIDE))
            str(net.summary(99, fold=False))
            took = time.perf_counter() - begin
            cells.append(f"{took:7.2f} s, {took / units / 3 * 1e6:5.0f} us each")
        print(f"{3 * units:9,}  {cells[0]:>24}  {cells[1]:>24}")
        units *= 2


def main(argv: Sequence[str]) -> int:
    missed = compare(int(argv[0]) if argv else 7)
    curve(8_000)
    return min(missed, 1)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
