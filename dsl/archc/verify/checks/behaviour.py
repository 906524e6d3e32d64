"""How a network behaves: in which layout, from which random numbers, whom a sample depends on."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from archc.report.spelling.shapes import format_dims
from archc.verify.check import Bug, Failed, Skipped, check
from archc.verify.checks.differences import gap, same
from archc.verify.reasons import some

if TYPE_CHECKING:
    from torch import Tensor, nn

    from archc.verify.subject import Subject

_TRIES = 20  # of weights
_ALONE = 0.01  # of the largest output: other kernels, and in a deep network their rounding
_VIEWS = ("aten.view", "aten._unsafe_view")  # after a copy that only reshaping asked for


@check(
    "channels-last",
    bug=Bug(
        "a copy in another layout",
        {"x = self.pool(x)": "x = self.pool(x.contiguous())"},
        r"aten\.clone in the network puts out 2x8x16x16",
    ),
)
def channels_last(subject: Subject) -> str | None:
    """In memory format channels_last, every activation of four dimensions keeps it."""
    import torch

    from archc.verify.trace import Trace

    inputs = subject.inputs(small=True)
    if not any(x.dim() == 4 for x in inputs):
        raise Skipped("no input has four dimensions")
    net = subject.net().to(memory_format=torch.channels_last)
    placed = [x.to(memory_format=torch.channels_last) if x.dim() == 4 else x for x in inputs]
    with torch.no_grad(), Trace(net) as trace:
        net(*placed)
    leaves = trace.leaves
    torchs: list[str] = []
    for ran, then in zip(trace.ran, (*trace.ran[1:], None), strict=True):
        inner = ran.name and (ran.view or ran.module in leaves)  # how a layer does it
        flattened = ran.name == "aten.clone" and then is not None and then.name in _VIEWS
        if not ran.loses_format or inner or flattened:
            continue
        if not ran.name and leaves.get(ran.module, True):  # what holds others puts out theirs
            torchs += [ran.module] if ran.module in leaves else []
            continue
        what = f"{ran.name} in {ran.module or 'the network'}" if ran.name else ran.module
        raise Failed(f"{what} puts out {format_dims(ran.shape)} in another format")
    return f"torch's own do not: {some(torchs)}" if torchs else None


@check(
    "deterministic",
    bug=Bug(
        "numbers from elsewhere",
        {
            "import torch\nfrom torch": "import random\n\nimport torch\nfrom torch",
            "x = self.pool(x)": "x = self.pool(x) * random.random()",
        },
        "output 0 is another in the second run",
    ),
)
def deterministic(subject: Subject) -> str | None:
    """By torch.use_deterministic_algorithms, two runs from one seed are equal bit for bit."""
    import torch

    net, inputs = subject.net(), subject.inputs(small=True)
    before = [buffer.clone() for buffer in net.buffers()]
    mode = torch.get_deterministic_debug_mode()
    torch.set_deterministic_debug_mode("error")  # the same, without loading the compiler
    try:
        first = once(subject, net, inputs)
        with torch.no_grad():
            for buffer, value in zip(net.buffers(), before, strict=True):
                buffer.copy_(value)
        second = once(subject, net, inputs)
    finally:
        torch.set_deterministic_debug_mode(mode)
    compare(first, second, "another in the second run")
    return None


@check(
    "batch-independence",
    was="neighbours",
    bug=Bug(
        "a mean over the batch",
        {
            "logits = self.fc(self.dropout(features))": "logits = self.fc("
            "features - features.mean(0))"
        },
        "output 1 changes with the rest of the batch",
    ),
)
def batch_independence(subject: Subject) -> str | None:
    """In eval mode, the output of a sample does not depend on the others in its batch.

    Nor on whether there are any: alone it has the same shape, and the same numbers but for
    rounding. And every output depends on the input.
    """
    import torch

    net, inputs = subject.settled, subject.inputs(batch=3, small=True)
    if mixed := [path for path, module in net.named_modules() if _mixes(module)]:
        raise Skipped(f"statistics are of the batch in {some(mixed)}")
    others = subject.inputs(batch=3, seed=1, small=True)
    for x, other in zip(inputs, others, strict=True):
        other[1] = x[1]  # in the same place: elsewhere a kernel may add in another order
    with torch.no_grad():
        found, again = subject.tensors(net(*inputs)), subject.tensors(net(*others))
        alone = subject.tensors(net(*(x[1:2] for x in inputs)))
    constant = []
    for at, (one, other, only) in enumerate(zip(found, again, alone, strict=True)):
        if not (one.isfinite().all() and other.isfinite().all()):
            raise Failed(f"output {at} is not finite")
        if torch.equal(one, other):
            constant.append(at)
        if not torch.equal(one[1], other[1]):
            worst = float((one[1] - other[1]).abs().max() / one[1].abs().max())
            raise Failed(f"output {at} changes with the rest of the batch, by {worst:.1g}")
        if only.shape != one[1:2].shape:
            shapes = f"{tuple(only.shape)}, not {tuple(one[1:2].shape)}"
            raise Failed(f"output {at} of a batch of one is {shapes}")
        if gap(only, one[1:2]) > _ALONE:
            raise Failed(f"output {at} of a batch of one is another, by {gap(only, one[1:2]):.1g}")
    if constant:
        _need_input(subject, set(constant))
    return None


def _mixes(module: nn.Module) -> bool:
    """Whether it takes statistics of the batch in eval mode, too."""
    from torch.nn.modules.batchnorm import _BatchNorm

    return isinstance(module, _BatchNorm) and module.running_mean is None


def _need_input(subject: Subject, outputs: set[int]) -> None:
    """Raises Failed for one that is the same of any input, whatever the weights.

    Of some weights it may be: those that start at 0, and narrow layers whose units all are dead.
    """
    import torch

    for seed in range(_TRIES):
        net = copy.deepcopy(subject.settled)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for tensor in net.parameters():
                deviation = tensor[0].numel() ** -0.5 if tensor.dim() > 1 else 1.0
                tensor.normal_(0, deviation, generator=generator)
            pair = (net(*subject.inputs(seed=at, small=True)) for at in (0, 1))
            compared = zip(*map(subject.tensors, pair), strict=True)
            outputs -= {
                at for at, (one, other) in enumerate(compared) if not torch.equal(one, other)
            }
        if not outputs:
            return
    raise Failed(f"output {min(outputs)} does not depend on the input")


def once(subject: Subject, net: nn.Module, inputs: tuple[Tensor, ...]) -> dict[str, Tensor]:
    """Outputs, gradients and buffers of a pass forward and backward from seed 3, by name."""
    import torch

    net.zero_grad()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        outputs = net(*inputs)
        loss = subject.loss(outputs)
        if loss.requires_grad:
            loss.backward()
    found = {f"output {i}": y.detach() for i, y in enumerate(subject.tensors(outputs))}
    for name, parameter in net.named_parameters():
        if parameter.grad is not None:
            found[f"the gradient of {name}"] = parameter.grad
    return found | {name: buffer.clone() for name, buffer in net.named_buffers()}


def compare(wanted: dict[str, Tensor], found: dict[str, Tensor], what: str) -> None:
    """Raises Failed unless all are equal bit for bit."""

    if wanted.keys() != found.keys():
        raise Failed(f"{sorted(wanted.keys() ^ found.keys())[0]} is {what}")
    for name, tensor in wanted.items():
        if not same(tensor, found[name]):
            raise Failed(f"{name} is {what}")
