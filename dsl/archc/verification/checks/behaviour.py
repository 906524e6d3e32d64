"""How a network behaves: in which layout, by which dice, whom a sample depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archc.verification.check import Failed, Skipped, check

if TYPE_CHECKING:
    from torch import Tensor, nn

    from archc.verification.subject import Subject

_VIEWS = ("aten.view", "aten._unsafe_view")  # after a copy that only reshaping asked for


@check("channels-last")
def channels_last(subject: Subject) -> str | None:
    """In memory format channels_last, every activation of four dimensions keeps it."""
    import torch

    from archc.verification.trace import Trace

    inputs = subject.inputs(small=True)
    if not any(x.dim() == 4 for x in inputs):
        raise Skipped("no input has four dimensions")
    net = subject.net().to(memory_format=torch.channels_last)
    placed = [x.to(memory_format=torch.channels_last) if x.dim() == 4 else x for x in inputs]
    with torch.no_grad(), Trace(net) as trace:
        net(*placed)
    leaves = {path for path, module in net.named_modules() if next(module.children(), None) is None}
    for ran, then in zip(trace.ran, (*trace.ran[1:], None), strict=True):
        inner = ran.name and (ran.view or ran.module in leaves)  # how a layer does it
        flattened = ran.name == "aten.clone" and then is not None and then.name in _VIEWS
        if not (ran.channels_last or inner or flattened):
            what = f"{ran.name} in {ran.module or 'the network'}" if ran.name else ran.module
            raise Failed(f"{what} puts out {'x'.join(map(str, ran.shape))} in another format")
    return None


@check("deterministic")
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


@check("neighbours")
def neighbours(subject: Subject) -> str | None:
    """In eval mode, the output of a sample does not depend on the others in its batch."""
    import torch

    net, inputs = subject.settled, subject.inputs(batch=3, small=True)
    others = subject.inputs(batch=3, seed=1, small=True)
    for x, other in zip(inputs, others, strict=True):
        other[1] = x[1]  # in the same place: elsewhere a kernel may add in another order
    with torch.no_grad():
        pairs = zip(subject.tensors(net(*inputs)), subject.tensors(net(*others)), strict=True)
    for at, (one, other) in enumerate(pairs):
        if not (one.isfinite().all() and other.isfinite().all()):
            raise Failed(f"output {at} is not finite")
        if torch.equal(one, other):
            raise Failed(f"output {at} does not depend on the input")
        if not torch.equal(one[1], other[1]):
            worst = float((one[1] - other[1]).abs().max() / one[1].abs().max())
            raise Failed(f"output {at} changes with the rest of the batch, by {worst:.1g}")
    return None


def once(subject: Subject, net: nn.Module, inputs: tuple[Tensor, ...]) -> dict[str, Tensor]:
    """Outputs, gradients and buffers of a pass forward and backward from seed 3, by name."""
    import torch

    net.zero_grad()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        outputs = net(*inputs)
        subject.loss(outputs).backward()
    found = {f"output {i}": y.detach() for i, y in enumerate(subject.tensors(outputs))}
    for name, parameter in net.named_parameters():
        if parameter.grad is not None:
            found[f"the gradient of {name}"] = parameter.grad
    return found | {name: buffer.clone() for name, buffer in net.named_buffers()}


def compare(wanted: dict[str, Tensor], found: dict[str, Tensor], what: str) -> None:
    """Raises Failed unless all are equal bit for bit."""
    import torch

    if wanted.keys() != found.keys():
        raise Failed(f"{sorted(wanted.keys() ^ found.keys())[0]} is {what}")
    for name, tensor in wanted.items():
        if not torch.equal(tensor, found[name]):
            raise Failed(f"{name} is {what}")
