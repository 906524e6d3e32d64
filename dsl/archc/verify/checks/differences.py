"""Where in the module under test something went wrong, and by how much two results differ."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from traceback import FrameSummary
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, fx, nn

    from archc.verify.subject import Subject

LONGEST = 160  # characters of a message of torch's, which can have pages
_FRAME = re.compile(r'File "([^"\n]*)", line (\d+), in (\S+)(?:, code: |\n\s*)(.*)')


def blamed(error: BaseException, subject: Subject) -> str:
    """`line 93, in forward, "x = x.cpu()": what torch says`; without the place if none is known.

    The place is the innermost line of the module under test. Where torch traced it and did not run
    it, the error carries a stack of its own, or tells it in its text.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = lines[0] if lines else type(error).__name__
    said = said if len(said) <= LONGEST else said[:LONGEST] + "..."
    for frames in _stacks(error):
        if found := _innermost(frames, subject):
            return f"{found}: {said}"
    return said


def spot(node: fx.Node, subject: Subject) -> str:
    """The line of the module under test that a node of a graph comes from."""
    return _innermost(_told(node.stack_trace or ""), subject) or "somewhere"


def _stacks(error: BaseException) -> Iterator[Iterable[FrameSummary]]:
    cause: BaseException | None = error
    while cause is not None:
        yield getattr(cause, "real_stack", None) or ()
        yield traceback.extract_tb(cause.__traceback__)
        yield _told(str(cause))
        cause = cause.__cause__


def _told(text: str) -> list[FrameSummary]:
    """The frames that a text tells, outermost first."""
    return [
        FrameSummary(file, int(line), name, line=code)
        for file, line, name, code in _FRAME.findall(text)
    ]


def _innermost(frames: Iterable[FrameSummary], subject: Subject) -> str | None:
    name = Path(str(subject.module.__file__)).name  # other processes have it in another folder
    inside = [frame for frame in frames if Path(frame.filename).name == name]
    if not inside:
        return None
    frame = inside[-1]
    return f'line {frame.lineno}, in {frame.name}, "{(frame.line or "").strip()}"'


def difference(made: Iterable[Tensor], wanted: Iterable[Tensor]) -> float:
    """The largest difference between two lists of tensors, each relative to its largest number.

    Infinite where lists or shapes are not alike, or one has a NaN or an infinity.
    """
    import torch

    left, right = list(made), list(wanted)
    if [a.shape for a in left] != [b.shape for b in right]:
        return float("inf")
    worst = 0.0
    for a, b in zip(left, right, strict=True):
        if a.dtype != b.dtype or not torch.equal(a, b):
            a, b = a.detach().double(), b.detach().double()
            gap = float((a - b).abs().max() / b.abs().max().clamp_min(1e-30))
            worst = max(worst, gap if gap == gap else float("inf"))
    return worst


def same(one: Tensor, other: Tensor) -> bool:
    """Equal bit for bit, shape and type too; a NaN is like another."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    return bool(((one == other) | ((one != one) & (other != other))).all())


def without_dice(net: nn.Module) -> nn.Module:
    """In train mode, but nothing is drawn at random.

    What has no parameters, such as dropout, is in eval mode. Auxiliary heads are there, and batch
    norms take the statistics of the batch.
    """
    from torch.nn.modules.batchnorm import _BatchNorm

    for module in net.train().modules():
        parameters = next(module.parameters(), None)
        if module is not net and parameters is None and not isinstance(module, _BatchNorm):
            module.eval()
    return net
