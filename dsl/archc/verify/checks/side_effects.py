"""A network leaves everything but its outputs as it was."""

from __future__ import annotations

from collections.abc import Callable, Sized
from typing import TYPE_CHECKING, Any, Literal

from archc.verify.check import Bug, Failed, check
from archc.verify.checks.differences import same
from archc.verify.effects import Effects, observed
from archc.verify.reasons import some
from archc.verify.subject import held

if TYPE_CHECKING:
    from torch import nn

    from archc.verify.subject import Subject

_SEEDS = (5, 6)


@check(
    "side-effects",
    bug=Bug(
        "a tensor that is kept",
        {"x = self.pool(x)": "x = self.last = self.pool(x)"},
        "training mode changes the attribute last",
    ),
)
def side_effects(subject: Subject) -> str | None:
    """Import, constructor and forward print and write nothing; settings, inputs and weights stay.

    No file is written, no process started, no connection opened, no function of torch replaced. In
    eval mode nothing is drawn, and the network stays as it is: no tensor is kept, no buffer counted
    up.
    """
    import torch

    cls = subject.cls
    _none(subject.on_import, "import")
    with observed() as effects:
        generator = _use_of_generator(cls)
    if generator == "seeded":
        raise Failed("the constructor seeds torch's random numbers")
    _none(effects, "the constructor")
    net = subject.net()
    for mode, training in (("training", True), ("eval", False)):
        when = f"forward in {mode} mode"
        kept = _globals(subject)
        with torch.no_grad(), observed() as effects:
            _forward(subject, net.train(training), when)
        _none(effects, when)
        if changed := {name for name, _ in kept.items() ^ _globals(subject).items()}:
            raise Failed(f"{when} changes {some(sorted(changed))}")
    return None


def _forward(subject: Subject, net: nn.Module, when: str) -> None:
    inputs, wanted = (subject.inputs(small=True) for _ in range(2))
    named = dict(net.named_parameters()) if net.training else held(net)
    weights = {name: tensor.clone() for name, tensor in named.items()}
    attributes, modes = _attributes(net), [module.training for module in net.modules()]
    generator = _use_of_generator(lambda: net(*inputs))
    if not all(map(same, inputs, wanted)):
        raise Failed(f"{when} changes its input")
    if modes != [module.training for module in net.modules()]:
        raise Failed(f"{when} changes the mode of modules")
    if generator == "seeded":
        raise Failed(f"{when} seeds torch's random numbers")
    if generator == "drawn" and not net.training:
        raise Failed(f"{when} draws random numbers")
    now = held(net)
    for name, tensor in weights.items():
        if not same(now[name], tensor):
            raise Failed(f"{when} changes {name}")
    if changed := {name for name, _ in attributes.items() ^ _attributes(net).items()}:
        raise Failed(f"{when} changes the attribute {some(sorted(changed))}")


def _attributes(net: nn.Module) -> dict[str, tuple[int, int]]:
    """What modules have beside parameters, buffers and modules: which object, and how long."""
    return {
        f"{path}.{name}".lstrip("."): _identity(value)
        for path, module in net.named_modules()
        for name, value in vars(module).items()
        if name not in ("_parameters", "_buffers", "_modules", "training")
    }


def _globals(subject: Subject) -> dict[str, tuple[int, int]]:
    """The same of what the source has outside of networks: of its classes, and beside them."""
    spaces = {"": subject.module} | {
        f"{name}.": value
        for name, value in vars(subject.module).items()
        if isinstance(value, type) and value.__module__ == subject.module.__name__
    }
    return {
        f"{owner}{name}": _identity(value)
        for owner, space in spaces.items()
        for name, value in vars(space).items()
        if not name.startswith("__") and not name.startswith("_abc_")
    }


def _identity(value: Any) -> tuple[int, int]:
    """Which object it is, and how much it holds: also what a cached function remembers."""
    if hasattr(value, "cache_info"):
        return id(value), value.cache_info().currsize
    return id(value), len(value) if isinstance(value, Sized) else 0


def _use_of_generator(run: Callable[[], Any]) -> Literal["untouched", "drawn", "seeded"]:
    """What a run does to torch's generator, by two of them: a seed makes one of two states."""
    import torch

    ends, drawn = [], False
    for seed in _SEEDS:
        with torch.random.fork_rng(devices=[]):
            start = torch.manual_seed(seed).get_state()
            run()
            ends.append(torch.get_rng_state())
            drawn = drawn or not torch.equal(start, ends[-1])
    if torch.equal(*ends):
        return "seeded"
    return "drawn" if drawn else "untouched"


def _none(effects: Effects, what: str) -> None:
    """Raises Failed for any."""
    if effects.done:
        raise Failed(f"{what} {effects.done[0]}")
    if effects.printed:
        raise Failed(f"{what} prints {effects.printed.strip().partition(chr(10))[0][:80]!r}")
    if effects.changed:
        raise Failed(f"{what} changes {some(effects.changed)}")
