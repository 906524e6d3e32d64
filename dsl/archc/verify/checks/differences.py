"""Where in the module under test something went wrong, and by how much two results differ."""

from __future__ import annotations

import copy
import re
import traceback
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from traceback import FrameSummary
from typing import TYPE_CHECKING

from archc.verify.reasons import Skipped

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
    message = lines[0] if lines else type(error).__name__
    message = message if len(message) <= LONGEST else message[:LONGEST] + "..."
    for frames in _stacks(error):
        if found := _innermost(frames, subject):
            return f"{found}: {message}"
    return message


def spot(node: fx.Node, subject: Subject) -> str:
    """The line of the module under test that a node of a graph comes from."""
    return _innermost(_frames_in(node.stack_trace or ""), subject) or "somewhere"


def _stacks(error: BaseException) -> Iterator[Iterable[FrameSummary]]:
    cause: BaseException | None = error
    while cause is not None:
        yield getattr(cause, "real_stack", None) or ()
        yield traceback.extract_tb(cause.__traceback__)
        yield _frames_in(str(cause))
        cause = cause.__cause__


def _frames_in(text: str) -> list[FrameSummary]:
    """The frames that a text names, outermost first."""
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
    left, right = list(made), list(wanted)
    if len(left) != len(right):
        return float("inf")
    return max((gap(a, b) for a, b in zip(left, right, strict=True)), default=0.0)


def furthest(
    made: Mapping[str, Tensor], wanted: Mapping[str, Tensor], floor: float = 1.0
) -> tuple[str, float]:
    """Which of some gradients differs most, and by how much.

    Relative to its largest number, or to `floor` of the largest of all: what is nothing but
    rounding, as the gradient of a bias before a batch norm is, may be any rounding.
    """
    least = floor * max((largest(tensor) for tensor in wanted.values()), default=0.0)
    gaps = {name: gap(made[name], tensor, least) for name, tensor in wanted.items()}
    return max(gaps.items(), key=lambda item: item[1], default=("", 0.0))


def gap(one: Tensor, other: Tensor, least: float = 1e-30) -> float:
    """The largest difference, relative to the other's largest number; that counts as `least`."""
    import torch

    if one.shape != other.shape:
        return float("inf")
    if (one.dtype == other.dtype and torch.equal(one, other)) or not one.numel():
        return 0.0
    one, other = one.detach().double(), other.detach().double()
    found = float((one - other).abs().max()) / max(largest(other), least, 1e-30)
    return found if found == found else float("inf")


def largest(tensor: Tensor) -> float:
    """Its largest number, without its sign."""
    return float(tensor.detach().abs().max()) if tensor.numel() else 0.0


def same(one: Tensor, other: Tensor) -> bool:
    """Equal bit for bit, shape and type too; a NaN is like another."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    return bool(((one == other) | ((one != one) & (other != other))).all())


def without_randomness(net: nn.Module, inputs: tuple[Tensor, ...]) -> nn.Module:
    """In train mode, but nothing is drawn at random.

    What has no parameters, such as dropout, is in eval mode; auxiliary heads are there, and batch
    norms take the statistics of the batch. Where a function still draws, all that is inside the
    network is in eval mode but for those. Raises Skipped if the network itself draws.
    """
    from torch.nn.modules.batchnorm import _BatchNorm

    inner = [m for m in net.train().modules() if m is not net and not isinstance(m, _BatchNorm)]
    for module in inner:
        if next(module.parameters(), None) is None:
            module.eval()
    if draws(net, inputs):
        for module in inner:
            module.train(False)
        for module in net.modules():
            if isinstance(module, _BatchNorm):
                module.train()
        if draws(net, inputs):
            raise Skipped("it draws random numbers in a function, which no mode switches off")
    return net


def draws(net: nn.Module, inputs: tuple[Tensor, ...]) -> bool:
    """Whether a pass takes random numbers; it leaves the network as it was."""
    import torch

    with torch.random.fork_rng(devices=[]), torch.no_grad():
        before = torch.get_rng_state()
        copy.deepcopy(net)(*inputs)
        return not torch.equal(before, torch.get_rng_state())
