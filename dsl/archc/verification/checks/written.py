"""A module that somebody wrote or edited, beside archc's own; that one, beside the plan."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from archc.export import size_of
from archc.verification.check import Failed, check
from archc.verification.checks.blame import blamed, difference, without_dice
from archc.verification.reasons import some
from archc.verification.subject import Subject, larger

if TYPE_CHECKING:
    from torch import Tensor, nn

_CLOSE = 1e-4  # of the largest number of each tensor: the same sums may be in another order


@check("as-written")
def as_written(subject: Subject) -> str | None:
    """A module from --source computes what the file says: outputs, gradients, running statistics.

    What archc writes itself is held against the plan, at other values of its arguments too.
    With the weights of the generated module, as that does; at a larger size too, where that takes
    one. In training mode without dice, of which it is only asked whether there are any.
    """
    if subject.given is None:
        _conforms(subject)
        return None
    theirs = Subject(subject.analysis)
    wanted, net = theirs.net(), subject.net()
    _load(net, wanted.state_dict())
    inputs = subject.inputs(batch=3, small=True)  # of no batch that was written down
    try:
        _same(subject, net, wanted, inputs)
    except Failed:
        raise
    except Exception as error:
        raise Failed(blamed(error, subject)) from error
    return None


def _conforms(subject: Subject) -> None:
    """Raises Failed where the generated text says something else than the plan."""
    found = subject.analysis.conformance(subject.source)
    if found:
        raise Failed(str(found[0]))


def _load(net: nn.Module, weights: dict[str, Tensor]) -> None:
    """Raises Failed for weights of other names or shapes."""
    own = net.state_dict()
    if lacking := sorted(weights.keys() - own.keys()):
        raise Failed(f"its state_dict has no {some(lacking)}")
    if more := sorted(own.keys() - weights.keys()):
        raise Failed(f"its state_dict has {some(more)}, which the generated module has not")
    for name, tensor in weights.items():
        if own[name].shape != tensor.shape:
            raise Failed(f"{name} is {size_of(own[name])}, not {size_of(tensor)}")
    net.load_state_dict(weights)


def _same(subject: Subject, net: nn.Module, wanted: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    """Raises Failed where the first of the two does otherwise than the second."""
    if _draws(net, inputs) != _draws(wanted, inputs):
        raise Failed("only one of it and the generated module draws random numbers in training")
    for mine, other, when in (
        (without_dice(copy.deepcopy(net)), without_dice(copy.deepcopy(wanted)), "in training mode"),
        (net.eval(), wanted.eval(), "in eval mode"),
    ):
        _compare(_step(subject, mine, inputs), _step(subject, other, inputs), when)
    if xs := larger(wanted, inputs):
        _compare(_step(subject, net, xs), _step(subject, wanted, xs), "of larger inputs")


def _draws(net: nn.Module, inputs: tuple[Tensor, ...]) -> bool:
    """Whether a pass in training mode takes random numbers; it leaves the network as it was."""
    import torch

    with torch.random.fork_rng(devices=[]), torch.no_grad():
        before = torch.get_rng_state()
        copy.deepcopy(net).train()(*inputs)
        return not torch.equal(before, torch.get_rng_state())


def _step(subject: Subject, net: nn.Module, inputs: tuple[Tensor, ...]) -> dict[str, Tensor]:
    """Outputs, gradients and statistics by name."""
    net.zero_grad()
    outputs = subject.tensors(net(*inputs))
    loss = subject.loss(outputs)
    if loss.requires_grad:
        loss.backward()
    found = {f"output {at}": y.detach() for at, y in enumerate(outputs)}
    for name, parameter in net.named_parameters():
        if parameter.grad is not None:
            found[f"the gradient of {name}"] = parameter.grad
    return found | dict(net.named_buffers())


def _compare(found: dict[str, Tensor], wanted: dict[str, Tensor], when: str) -> None:
    if alone := sorted(found.keys() ^ wanted.keys()):
        where = "the generated module" if alone[0] in wanted else "it"
        raise Failed(f"only {where} has {alone[0]} {when}")
    for name, tensor in wanted.items():
        if found[name].shape != tensor.shape:
            raise Failed(f"{name} is {size_of(found[name])}, not {size_of(tensor)} {when}")
        gap = difference([found[name]], [tensor])
        if gap > _CLOSE:
            raise Failed(f"{name} is not the generated module's {when}, by {gap:.1g}")
