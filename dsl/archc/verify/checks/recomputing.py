"""What training holds in memory, and what it computes again instead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archc.analysis.fit import FITS
from archc.emit.options import CHECKPOINTING
from archc.verify.check import Bug, Failed, Skipped, check
from archc.verify.checks.behaviour import compare, once

if TYPE_CHECKING:
    from torch import Tensor, nn

    from archc.verify.subject import Subject


@check(
    "recompute",
    bug=Bug(
        "statistics that are counted twice",
        {", context_fn=self.twice": ""},
        r"cells\.0\.bn1\.running_mean is another when blocks are computed again",
    ),
)
def recompute(subject: Subject) -> str | None:
    """With grad_checkpointing, outputs, gradients and statistics are equal bit for bit."""
    if not subject.has_checkpointing:
        raise Skipped("no block is worth computing again")
    inputs = subject.inputs(small=True)
    plain = once(subject, subject.net(), inputs)
    lean = once(subject, subject.net(grad_checkpointing=True), inputs)
    compare(plain, lean, "another when blocks are computed again")
    return None


_BATCHES = (8, 32)
_SCALARS = 64  # bytes of a loss that nobody counts: a network of a few hundred would show them
_NEAR = 0.001  # of what torch's tracker says
_AGAIN = 0.01  # the same where blocks are computed again: of FractalNet it counts 0.5 % too much


@check(
    "memory",
    slow=True,
    trains=True,
    bug=Bug(
        "activations that are kept",
        {"self.norm(self.stem(x))": "self.norm(self.stem(x).sigmoid().exp().sin())"},
        "a step takes .* at a batch of .*, not",
    ),
)
def memory(subject: Subject) -> str | None:
    """The memory that archc fit predicts of a training step is what torch's MemTracker counts.

    At two batches, on tensors without memory; also where blocks are computed again. Both count
    as the tracker must: it keeps autograd from adding gradients in place. A module from --source
    may keep other tensors than the one that archc writes: that is told, and fails where it takes
    more than the 13 % that archc fit leaves free.
    """
    peaks = [*_peaks(subject.plain, None)]
    if subject.has_checkpointing and (block := subject.options.checkpoint) is not None:
        peaks += _peaks(subject, block)
    far = [peak for peak in peaks if not peak.is_near]
    for peak in far:
        if subject.given is None or peak.torchs * FITS > peak.ours:
            raise Failed(str(peak))
    if far:
        return f"{max(far, key=lambda peak: peak.gap)}, which archc fit leaves room for"
    return f"to {100 * max(peak.gap for peak in peaks):.2f} %"


@dataclass(frozen=True, slots=True)
class _Peak:
    """What a step takes at a batch, in bytes; `block` is computed again."""

    ours: int
    torchs: int
    batch: int
    block: str | None

    @property
    def gap(self) -> float:
        """The difference, as a part of the whole."""
        return max(abs(self.ours - self.torchs) - _SCALARS, 0) / self.torchs

    @property
    def is_near(self) -> bool:
        return self.gap <= (_NEAR if self.block is None else _AGAIN)

    def __str__(self) -> str:
        from archc.report.spelling.numbers import format_bytes

        again = f" with {self.block} computed again" if self.block is not None else ""
        expected, found = format_bytes(self.ours), format_bytes(self.torchs)
        return f"a step takes {found} at a batch of {self.batch}{again}, not {expected}"


def _peaks(subject: Subject, block: str | None) -> Iterator[_Peak]:
    from archc.analysis.setting import RunSetting

    heap = subject.analysis.memory(RunSetting(checkpoint=block, tracked=True)).train
    for batch in _BATCHES:
        torchs = _tracked(subject, batch, block is not None)
        yield _Peak(heap.peak(batch).bytes(batch), torchs, batch, block)


def _tracked(subject: Subject, batch: int, again: bool) -> int:
    """The peak of the second step, in bytes: the first has no momentum yet."""
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.distributed._tools.mem_tracker import MemTracker

    cls = subject.cls

    class Unstarted(cls):  # type: ignore[misc, valid-type]
        """Its weights have no numbers to start with."""

        def init_weights(self) -> None:
            pass

        reset_parameters = init_weights

    with FakeTensorMode():
        net = Unstarted(**({CHECKPOINTING: True} if again else {})).train()
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
        inputs = subject.inputs(batch)
        targets = _targets(subject, net, inputs)
        tracker = MemTracker()
        tracker.track_external(net, optimizer, *inputs, *set(targets))
        with tracker:
            for _ in range(2):
                tracker.reset_mod_stats()
                _step(subject, net, inputs, targets)
                optimizer.step()
                optimizer.zero_grad()
    (device,) = tracker.get_tracker_snapshot("peak").values()
    return int(next(size for kind, size in device.items() if str(kind).endswith("Total")))


def _targets(subject: Subject, net: nn.Module, inputs: tuple[Tensor, ...]) -> list[Tensor]:
    """Classes for each output, or for each place in it; the same for outputs of one shape."""
    import torch

    with torch.no_grad():
        shapes = [y.shape[:1] + y.shape[2:] for y in subject.tensors(net(*inputs))]
    made = {shape: torch.zeros(shape, dtype=torch.long) for shape in shapes}
    return [made[shape] for shape in shapes]


def _step(
    subject: Subject, net: nn.Module, inputs: tuple[Tensor, ...], targets: list[Tensor]
) -> None:
    import torch.nn.functional as F

    outputs = subject.tensors(net(*inputs))  # alive until the backward pass has ended
    loss: Any = sum(F.cross_entropy(y, target) for y, target in zip(outputs, targets, strict=True))
    loss.backward()
