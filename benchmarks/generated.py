"""Generated classes beside torchvision's own: a forward pass, and a step of training.

    pip install torch torchvision
    python benchmarks/generated.py [--rounds N] [--batch N] [--compile] [NETWORK...]

Both have the same weights, in the same memory, and equal outputs, which is checked first. Every
round runs everything of a network once, in turn and every other round backwards, so that a busy
machine slows all alike. Times are the process's CPU time on one thread; a ratio is the median over
the rounds of ours divided by theirs in the same round, with the quartiles, and again of wall time.
"torchvision, again" is the same class a second time: how far its ratio is from 1 is what the
machine's noise makes. The goal: at most 1.02 times torchvision's time everywhere. Below that, what
other ways to run the network do against torchvision's default, contiguous and eager; `--compile`
adds torch.compile, which takes minutes to warm up.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import torch
import torchvision

sys.path.insert(0, str(Path(__file__).parents[1] / "dsl"))

import archc
from archc.comparison import timing
from archc.net import class_of
from archc.report import tables
from archc.report.tables import Column, Sheet, TableLine

NETWORKS = {  # ours, and what torchvision calls it
    "resnet50": "resnet50",
    "googlenet_bn": "googlenet",
    "densenet121": "densenet121",
    "vgg16": "vgg16",
    "squeezenet1_1": "squeezenet1_1",
}
WARM_UP, MOST, HELD, MISSED = 2, 1.02, "held", "missed"
THEIRS, AGAIN, OURS, DEPLOYED = "torchvision", "torchvision, again", "archc", "archc deploy"
LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


@dataclass(slots=True)
class Arm:
    """One way to run a network, and how long it took, in seconds, round by round."""

    mode: str  # eval or train
    layout: str
    code: str
    run: Callable[[], object]
    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)

    def time(self) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        self.run()
        self.cpu.append(time.process_time() - cpu)
        self.wall.append(time.perf_counter() - wall)


@dataclass(frozen=True, slots=True)
class Ratio:
    """Of the times of two arms, round by round: the median, and the middle half."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
        ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
        low, middle, high = quantiles(ratios, n=4, method="inclusive")
        return cls(middle, low, high)

    def __str__(self) -> str:
        return f"{self.median:.3f} ({self.low:.3f}-{self.high:.3f})"


def pair(name: str, layout: Any) -> tuple[Any, Any]:
    """torchvision's network and ours with the same weights, in the same memory."""
    torch.manual_seed(0)
    extra = {"init_weights": False} if name == "googlenet_bn" else {}  # slow
    theirs = getattr(torchvision.models, NETWORKS[name])(weights=None, **extra)
    theirs.to(memory_format=layout)
    with torch.device("meta"):
        ours = archc.load(name).module()
    ours.load_state_dict(theirs.state_dict(keep_vars=True), assign=True)
    return theirs, ours


def forward(module: Any, x: Any) -> Callable[[], object]:
    def run() -> object:
        module.eval()
        with torch.inference_mode():
            return module(x)

    return run


def training_step(module: Any, x: Any, labels: Any) -> Callable[[], object]:
    """With a rate of zero: the weights are shared. Side classifiers weigh as in GoogLeNet."""
    optimizer = torch.optim.SGD(module.parameters(), lr=0.0, momentum=0.9)
    cross_entropy = torch.nn.functional.cross_entropy

    def run() -> object:
        module.train()
        made = module(x)
        logits, *side = made if isinstance(made, tuple) else (made,)
        loss = cross_entropy(logits, labels) + 0.3 * sum(cross_entropy(y, labels) for y in side)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    return run


def arms(name: str, batch: int, compiled: bool) -> Iterator[Arm]:
    for layout, format in LAYOUTS.items():
        theirs, ours = pair(name, format)
        x = torch.randn(batch, 3, 224, 224).contiguous(memory_format=format)
        labels = torch.randint(1000, (batch,))
        assert torch.equal(forward(ours, x)(), forward(theirs, x)())
        for code, module in ((THEIRS, theirs), (OURS, ours), (AGAIN, theirs)):
            yield Arm("eval", layout, code, forward(module, x))
        for code, module in ((THEIRS, theirs), (OURS, ours), (AGAIN, theirs)):
            yield Arm("train", layout, code, training_step(module, x, labels))
        if layout == "channels_last":
            deployed = deploy(name, ours.state_dict()).to(memory_format=format)
            yield Arm("eval", layout, DEPLOYED, forward(deployed, x))
            if compiled:
                for code, module in ((THEIRS, theirs), (OURS, ours), (DEPLOYED, deployed)):
                    run = forward(torch.compile(module), x)
                    yield Arm("eval", layout, code + ", compiled", run)
                for code, module in ((THEIRS, theirs), (OURS, ours)):
                    run = training_step(torch.compile(module), x, labels)
                    yield Arm("train", layout, code + ", compiled", run)


def deploy(name: str, weights: Any) -> Any:
    """The network for inference alone, as `archc build --form deploy` writes it."""
    net = archc.load(name)
    return class_of(net.name, net.analysis.emit_deployed()).from_training(weights)


def measure(found: Sequence[Arm], rounds: int) -> Iterator[list[Arm]]:
    """Times everything of one network in turn: first in eval mode, then in training."""
    for mode in ("eval", "train"):  # apart: what a step of training leaves slows what follows
        group = [arm for arm in found if arm.mode == mode]
        for arm in group * WARM_UP:
            arm.run()
        gc.collect()
        gc.disable()
        for turn in range(rounds):
            for arm in group if turn % 2 else reversed(group):
                arm.time()
            gc.collect()
        gc.enable()
        yield group


def beside_the_same(group: Sequence[Arm]) -> Iterator[TableLine]:
    """Ours against torchvision's in the same layout."""
    found = {(arm.layout, arm.code): arm for arm in group}
    for layout in LAYOUTS:
        theirs, ours, again = (found[layout, code] for code in (THEIRS, OURS, AGAIN))
        times, ratio = (median(theirs.cpu), median(ours.cpu)), Ratio.of(ours.cpu, theirs.cpu)
        noise, wall = Ratio.of(again.cpu, theirs.cpu), Ratio.of(ours.wall, theirs.wall)
        verdict = HELD if ratio.median <= MOST else MISSED
        yield TableLine((ours.mode, layout, *times, ratio, noise, wall, verdict))


def beside_the_default(group: Sequence[Arm]) -> Iterator[TableLine]:
    """Every other way against torchvision's class as it comes."""
    (default,) = (arm for arm in group if (arm.layout, arm.code) == ("contiguous", THEIRS))
    for arm in group:
        if arm.layout != "contiguous" and arm.code != AGAIN:
            ratio = Ratio.of(arm.cpu, default.cpu)
            yield TableLine((arm.mode, f"{arm.code}, {arm.layout}", median(arm.cpu), ratio))


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("networks", nargs="*", metavar="NETWORK", default=[*NETWORKS])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--compile", action="store_true", dest="compiled")
    given = parser.parse_args(argv)
    torch.set_num_threads(1)
    machine = replace(timing.machine(), runs=given.rounds)
    print(f"{machine}; torchvision {torchvision.__version__}; batches of {given.batch}")
    missed = 0
    for name in given.networks:
        same: list[TableLine] = []
        other: list[TableLine] = []
        for group in measure([*arms(name, given.batch, given.compiled)], given.rounds):
            same += beside_the_same(group)
            other += beside_the_default(group)
        missed += sum(line.cells[-1] == MISSED for line in same)
        print(f"\n{name}\n\n{tables.markdown(Sheet(SAME, same))}")
        print(tables.markdown(Sheet(OTHER, other)), flush=True)
    return min(missed, 1)


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.0f}"


SAME = (
    Column("mode", "mode"),
    Column("layout", "layout"),
    Column("theirs", "torchvision ms", True, _ms),
    Column("ours", "archc ms", True, _ms),
    Column("ratio", "ratio (middle half)", True),
    Column("again", AGAIN, True),
    Column("wall", "ratio of wall time", True),
    Column("goal", f"at most {MOST}"),
)
OTHER = (
    Column("mode", "mode"),
    Column("way", "way"),
    Column("ms", "ms", True, _ms),
    Column("ratio", "ratio to torchvision's default", True),
)

if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
