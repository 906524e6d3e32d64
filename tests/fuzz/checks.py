"""What must hold of a program that `archc check` calls right, in stages that can fail.

`examine` runs them all and raises `Fault` with the stage's name: what a program gets wrong is known
by that name, and the shrinker looks for a smaller program with the same one.
"""

from __future__ import annotations

import contextlib
import gc
import warnings
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from check_generated import _RANDOM as RANDOM
from check_generated import (
    Generated,
    are_finite,
    compare,
    executed,
    generate,
    inputs_of,
    listed,
    randomise,
)
from interpreter import operators, promised_names
from torch import nn

from archc import syntax
from archc.api import Analysis, analyze
from archc.net import class_of
from archc.plan import Plan
from archc.source import Limits, Source
from fuzz.blocks import LIMITS, MOST_WORK, program, wrong
from fuzz.flat import flatten
from fuzz.shrink import shrink


class Fault(Exception):
    """A program that does not do what it says. `stage` is where it shows."""

    def __init__(self, stage: str, error: BaseException) -> None:
        self.stage = stage
        super().__init__(f"{stage}: {type(error).__name__}: {str(error)[:1500]}")


@contextlib.contextmanager
def stage(name: str) -> Iterator[None]:
    """Whatever goes wrong inside is a fault of that name."""
    try:
        yield
    except Fault:
        raise
    except Exception as error:
        kind = type(error).__name__
        raise Fault(name if kind == "AssertionError" else f"{name} {kind}", error) from error


def analysis_of(text: str, **params: Any) -> Analysis:
    return analyze(Source("random.arch", text), params=params, limits=LIMITS)


def examine(text: str, only: str = "") -> None:
    """Raise Fault at the first thing that does not hold; `only` is the stage that one looks for."""
    seed = zlib.crc32(text.encode())
    with stage("check"):
        analysis = analysis_of(text)
        assert analysis.ok, [d.title for d in analysis.diagnostics]
    with stage("build"):
        made = generate(text, LIMITS)
    with stage("construct"):
        made.module()
    for words, check in CHECKS.items():
        if not only or any(word in only for word in words.split()):
            check(text, made, seed)


def check_values(text: str, made: Generated, seed: int) -> None:
    """Weights, values and gradients are those of the plan, run operator by operator."""
    net = made.module()
    check_state(made, net, seed)
    xs = inputs_of(made.plan, seed)
    with stage("values eval"):
        compare(net, made.plan, xs, training=False)
    with stage("values train"):
        compare(net, made.plan, xs, training=True)
    with stage("random train"):
        net.train()
        total = sum(y.sum() for y in listed(net(*xs)))
        assert isinstance(total, torch.Tensor)
        if total.requires_grad:
            total.backward()


def check_state(made: Generated, net: nn.Module, seed: int) -> None:
    """Names, shapes and number of the weights: those that the language promises."""
    with stage("state"):
        names = shapes(net)
        promised = promised_names(made.plan)
        extra = {k: v for k, v in names.items() if promised.get(k) != v}
        missing = {k: v for k, v in promised.items() if names.get(k) != v}
        assert not extra, f"has {extra}, should have {missing}"
        assert not missing, f"lacks {missing}"
        assert sum(p.numel() for p in net.parameters()) == made.analysis.params
    randomise(net, seed)


def check_flat(text: str, made: Generated, seed: int) -> None:
    """Values and gradients are those of the network written flat."""
    with stage("flat"):
        flat = generate(flatten(text), Limits(steps=100_000))
        net, row = made.module(), flat.module()
        randomise(net, seed)
        names = list(zip(first_runs(made.plan), first_runs(flat.plan), strict=True))
        state = net.state_dict()
        row.load_state_dict({b: state[a] for a, b in names}, strict=True)
    for training in (False, True):
        with stage("flat values"):
            same_step(
                calm(net.train(training)), calm(row.train(training)), made.plan, seed, dict(names)
            )


def first_runs(plan: Plan) -> list[str]:
    """The names of all weights, in the order in which their modules first run."""
    found: dict[str, None] = {}
    for path, node in operators(plan.body, ()):
        found |= dict.fromkeys(".".join((*path, key) if key else path) for key in node.state)
    return list(found)


def calm(net: nn.Module) -> nn.Module:
    """Without randomness."""
    for module in net.modules():
        if type(module).__name__ in RANDOM:
            module.eval()
    return net


# --- other values of the params --------------------------------------------------------------


def others(value: Any, blocks: Sequence[str] = ()) -> list[Any]:
    """Three other values of a param; of one that is a block, the names of other `blocks`."""
    match value:
        case bool():
            return [not value]
        case int():
            return [n for n in (value + 1, value - 1, value + 2, 1) if n >= 0 and n != value][:3]
        case float():
            return [value + 0.1, value / 2, value + 0.25]
        case list() | tuple():
            items = list(value)
            return [[*items, items[-1]], items[:-1], items[::-1]] if items else []
        case _ if str(value) in ("relu", "gelu", "bn"):
            return [name for name in ("relu", "gelu", "bn") if name != str(value)]
        case _ if str(value) in blocks:
            return [name for name in blocks if name != str(value)][:3]
        case _:
            return []


def check_params(text: str, made: Generated, seed: int) -> None:
    """`Net(p=v)` is what `-D p=v` compiles to, and both are what the plan says, names included."""
    formals = made.namespace[made.analysis.name].__init__.__annotations__
    blocks = [item.name.id for item in made.analysis.file.items if isinstance(item, syntax.Block)]
    for name, value in made.plan.params.items():
        for other in others(value, blocks):
            found = analysis_of(text, **{name: other})
            if not found.ok or found.macs > MOST_WORK:
                continue
            with stage("build -D"):
                second = executed(found)
            with stage("construct -D"):
                net = second.module()
            with stage("values -D"):
                check_state(second, net, seed)
                compare(net, second.plan, inputs_of(second.plan, seed), training=True)
            if name in formals:
                with stage("construct argument"):
                    same = made.module(**{name: other})
                with stage("state argument"):
                    keys, known = shapes(same), shapes(net)
                    assert keys == known, f"{name}={other}: {keys.items() ^ known.items()}"
                with stage("values argument"):
                    same.load_state_dict(net.state_dict(), strict=True)
                    close(same.eval(), net.eval(), inputs_of(second.plan, seed))


def shapes(net: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in net.state_dict().items()}


# --- other forms --------------------------------------------------------------------------------


def check_deployed(text: str, made: Generated, seed: int) -> None:
    """The form for inference takes the state of the training form, and gives the same.

    With the arguments' other values as well, where both forms have the argument.
    """
    with stage("deploy build"):
        ready = class_of(made.analysis.name, made.analysis.emit_deployed())
    formals = made.namespace[made.analysis.name].__init__.__annotations__
    shared = formals.keys() & ready.__init__.__annotations__.keys() & made.plan.params.keys()
    chosen = [{}] + [{name: v} for name in sorted(shared) for v in others(made.plan.params[name])]
    for arguments in chosen:
        found = analysis_of(text, **arguments)
        if not found.ok or found.macs > MOST_WORK or found.plan is None:
            continue
        with stage("deploy construct"):
            net = made.module(**arguments).eval()
        randomise(net, seed)
        with stage("deploy from_training"), doubles():
            lean = ready.from_training(net.state_dict(), **arguments)
        with stage("deploy values"):
            close(lean, net, inputs_of(found.plan, seed))


@contextlib.contextmanager
def doubles() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


def close(a: nn.Module, b: nn.Module, xs: list[torch.Tensor]) -> None:
    with torch.no_grad():
        for x, y in zip(listed(a(*xs)), listed(b(*xs)), strict=True):
            scale = max(1.0, float(y.nan_to_num().abs().max())) if y.numel() else 1.0
            torch.testing.assert_close(x / scale, y / scale, rtol=1e-7, atol=1e-8, equal_nan=True)


def check_recomputed(text: str, made: Generated, seed: int) -> None:
    """With a block computed again in the backward pass, a step is the same."""
    from archc.analysis.memory import checkpointable

    with stage("checkpoint offer"):
        blocks = checkpointable(made.plan)
    for block in blocks[seed % len(blocks) :][:1] if blocks else ():
        with stage("checkpoint build"):
            source = made.analysis.emit(options=made.analysis.options(checkpointing=block))
            cls = class_of(made.analysis.name, source)
        with stage("checkpoint construct"):
            lean = cls(grad_checkpointing=True).double()
        net = made.module()
        randomise(net, seed)
        with stage("checkpoint state"):
            lean.load_state_dict(net.state_dict(), strict=True)
        with stage("checkpoint values"):
            same_step(net.train(), lean.train(), made.plan, seed)


def same_step(
    a: nn.Module, b: nn.Module, plan: Plan, seed: int, names: dict[str, str] | None = None
) -> None:
    """Outputs, gradients and statistics are the same; `names` maps those of `a` to `b`'s."""
    first, second = step(a, plan, seed), step(b, plan, seed)
    outputs = {name: y for name, y in second.items() if name.startswith("output ")}
    is_overflow = not are_finite(list(outputs.values()))  # then outputs alone, as in `compare`
    for name, x in first.items():
        if is_overflow and name not in outputs:
            continue
        y = second[(names or {}).get(name, name)]
        assert (x is None) == (y is None), f"{name}: one has no gradient"
        if x is not None and y is not None:
            scale = max(1.0, float(y.abs().max().nan_to_num(1.0))) if y.numel() else 1.0
            torch.testing.assert_close(
                x / scale,
                y / scale,
                rtol=1e-8,
                atol=1e-10,
                equal_nan=True,
                msg=lambda m, n=name: f"{n}: {m}",
            )


def step(module: nn.Module, plan: Plan, seed: int) -> dict[str, torch.Tensor | None]:
    torch.manual_seed(seed)
    module.zero_grad()
    xs = [x.requires_grad_() for x in inputs_of(plan, seed)]
    outputs = listed(module(*xs))
    total = sum(
        (y * torch.linspace(0.5, 1.5, y.numel(), dtype=y.dtype).view(y.shape)).sum()
        for y in outputs
    )
    assert isinstance(total, torch.Tensor)
    if total.requires_grad:
        total.backward()
    found: dict[str, torch.Tensor | None] = {
        f"output {at}": y.detach() for at, y in enumerate(outputs)
    }
    found |= {f"input {at}": x.grad for at, x in enumerate(xs)}
    found |= {k: None if p.grad is None else p.grad.clone() for k, p in module.named_parameters()}
    return found | {k: b.clone() for k, b in module.named_buffers()}


CHECKS = {  # by words of their stages
    "state eval train": check_values,
    "flat": check_flat,
    "-D argument": check_params,
    "deploy": check_deployed,
    "checkpoint": check_recomputed,
}


def shrunk(text: str, name: str) -> str:
    """The program cut down to what still fails in that stage."""

    def fails(candidate: str) -> bool:
        try:
            if wrong(candidate):
                return False
            examine(candidate, only=name)
        except Fault as fault:
            return fault.stage == name
        except Exception:  # of the compiler: another fault
            return False
        return False

    return shrink(text, fails, LIMITS)


@dataclass(frozen=True)
class Finding:
    """What became of a seed. Without a fault `stage` is empty."""

    seed: int
    stage: str = ""
    message: str = ""
    text: str = ""


def rarely_collect() -> None:
    """Let Python look for circles of garbage more seldom: a twentieth of the time."""
    gc.set_threshold(200_000, 20, 100)


def look(seed: int) -> Finding:
    """Make the program of a seed, and examine it."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    try:
        text = program(seed)
    except Exception as error:  # the compiler itself fell over: that is a fault as well
        return Finding(seed, "check", f"{type(error).__name__}: {error}")
    try:
        examine(text)
    except Fault as fault:
        return Finding(seed, fault.stage, str(fault), text)
    return Finding(seed)
