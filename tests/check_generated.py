"""What must hold of a generated module: a list of checks that raise AssertionError."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from interpreter import Run, promised_names
from torch import nn

from archc.api import Analysis, analyze
from archc.plan import Plan
from archc.source import Limits, Source

_RANDOM = ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout",
           "RReLU", "DropPath", "StochasticDepth", "Join", "PathSampler", "Sample")  # fmt: skip


@dataclass
class Generated:
    """A compiled program and its class, executed."""

    analysis: Analysis
    source: str
    namespace: dict[str, Any] = field(repr=False)

    @property
    def plan(self) -> Plan:
        assert self.analysis.plan is not None
        return self.analysis.plan

    def module(self, **arguments: Any) -> nn.Module:
        made: nn.Module = self.namespace[self.analysis.name](**arguments)
        return made.double()


def generate(text: str, limits: Limits | None = None, **params: Any) -> Generated:
    return executed(analyze(Source("random.arch", text), params=params, limits=limits))


def executed(analysis: Analysis) -> Generated:
    assert analysis.ok, [d.title for d in analysis.diagnostics]
    source = analysis.emit()
    namespace: dict[str, Any] = {"__name__": "generated"}
    exec(compile(source, "<generated>", "exec", dont_inherit=True), namespace)
    return Generated(analysis, source, namespace)


def inputs_of(plan: Plan, seed: int, batch: int = 3) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.randn(batch, *map(int, x.shape.dims), generator=generator, dtype=torch.float64)
        for x in plan.body.inputs
        if x.shape is not None
    ]


def randomise(module: nn.Module, seed: int) -> None:
    """Weights that differ everywhere: a swapped bias or a scale left out shows."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in module.state_dict().items():
            if not value.is_floating_point():
                continue
            noise = torch.randn(value.shape, generator=generator, dtype=torch.float64)
            if name.endswith("running_var"):
                value.copy_(0.5 + noise.abs())
            elif value.ndim > 1:
                value.copy_(noise / max(value[0].numel(), 1) ** 0.5)
            else:
                value.copy_(0.3 * noise + (name.endswith("weight") * 1.0))


def listed(result: Any) -> list[Any]:
    """The outputs of a module as a list of tensors."""
    if isinstance(result, torch.Tensor):
        return [result]
    columns = [x for one in result for x in (one if isinstance(one, list) else [one])]
    return [x for x in columns if x is not None]  # auxiliary heads in eval mode


def check(generated: Generated, seed: int) -> None:
    """Everything that one instance must satisfy."""
    net, plan = generated.module(), generated.plan
    randomise(net, seed)
    names = {k: tuple(v.shape) for k, v in net.state_dict().items()}
    promised = promised_names(plan)
    assert names == promised, _difference(names, promised)
    count = sum(p.numel() for p in net.parameters())
    assert count == generated.analysis.params
    xs = inputs_of(plan, seed)
    compare(net, plan, xs, training=False)
    compare(net, plan, xs, training=True)
    net.train()
    for result in listed(net(*xs)):  # random operators at work: shapes and backward
        assert result.shape[0] == xs[0].shape[0]
    total = sum(result.sum() for result in listed(net(*xs)))
    assert isinstance(total, torch.Tensor)
    if total.requires_grad:
        total.backward()


def compare(net: nn.Module, plan: Plan, xs: list[torch.Tensor], training: bool) -> None:
    """Outputs, gradients, running statistics and shapes: as the interpreter has them.

    Where outputs differ by less than the last bit of the inputs makes of them, the rest is noise,
    too: a dozen batch norms over one pixel in a row do that. And where they pass the largest
    number, as products of products do: inf less inf is no number, and the order says which it is.
    """
    net.train(training)
    for module in net.modules():
        if type(module).__name__ in _RANDOM:
            module.eval()
    state = {
        k: v.clone() if v.dtype == torch.int64 else v.detach().clone()
        for k, v in net.state_dict().items()
    }
    for name, _ in net.named_parameters(remove_duplicate=False):
        state[name].requires_grad_()
    run = Run(state, training)
    expected_in = [x.clone().requires_grad_() for x in xs]
    expected = listed(run.network(plan, *expected_in))
    seen: dict[str, list[tuple[int, ...]]] = {}
    flows: list[float] = []  # the largest gradient of each module's output
    hooks = [
        module.register_forward_hook(_note(seen, flows, name))
        for name, module in net.named_modules()
    ]
    ys = [x.clone().requires_grad_() for x in xs]
    found = listed(net(*ys))
    for hook in hooks:
        hook.remove()
    assert len(found) == len(expected), f"{len(found)} outputs instead of {len(expected)}"
    is_noise = False
    for at, (a, b) in enumerate(zip(found, expected, strict=True)):
        try:
            torch.testing.assert_close(a, b, rtol=1e-8, atol=1e-9, equal_nan=True)
        except AssertionError:
            rounding = _rounding(plan, state, training, xs, expected)[at]
            if not (a - b).abs().max() <= 10 * rounding <= 1e-3 * b.abs().max():
                raise
            is_noise = True
    for name, shapes in _by_name(run.shapes).items():
        if name in seen:
            assert seen[name] == shapes, f"{name}: {seen[name]} instead of {shapes}"
    if is_noise or not are_finite(expected):
        return
    _compare_gradients(net, state, found, expected, ys, expected_in, flows)
    if training:
        for name, value in net.named_buffers():
            if name in state:
                torch.testing.assert_close(value, state[name], rtol=1e-8, atol=1e-9, equal_nan=True)


def are_finite(outputs: list[Any]) -> bool:
    """Whether none of them has passed the largest number."""
    return all(bool(y.isfinite().all()) for y in outputs)


def _rounding(
    plan: Plan, state: dict[str, torch.Tensor], training: bool,
    xs: list[torch.Tensor], expected: list[Any],
) -> list[torch.Tensor]:  # fmt: skip
    """What the last bit of the inputs makes of each output, in the interpreter itself."""
    generator = torch.Generator().manual_seed(1)
    bit = torch.finfo(torch.float64).eps
    noise = [torch.randn(x.shape, generator=generator, dtype=x.dtype) for x in xs]
    run = Run({name: value.detach().clone() for name, value in state.items()}, training)
    with torch.no_grad():
        beside = listed(
            run.network(plan, *(x + x * bit * n for x, n in zip(xs, noise, strict=True)))
        )
    return [(a - b).abs().max() for a, b in zip(beside, expected, strict=True)]


def _compare_gradients(
    net: nn.Module, state: dict[str, torch.Tensor], found: list[Any], expected: list[Any],
    ys: list[torch.Tensor], xs: list[torch.Tensor], flows: list[float],
) -> None:  # fmt: skip
    net.zero_grad()
    for results in (found, expected):
        total = sum(
            (r * torch.linspace(0.5, 1.5, r.numel(), dtype=r.dtype).view(r.shape)).sum()
            for r in results
        )
        assert isinstance(total, torch.Tensor)
        if total.requires_grad:
            total.backward()
    pairs = [(k, p.grad, state[k].grad) for k, p in net.named_parameters()]
    pairs += [("input", a.grad, b.grad) for a, b in zip(ys, xs, strict=True)]
    for name, a, b in pairs:
        assert (a is None) == (b is None), f"{name}: one has no gradient"
        if a is not None and b is not None:
            scale = max(1.0, float(b.abs().max().nan_to_num(1.0)))
            torch.testing.assert_close(
                a / scale,
                b / scale,
                rtol=1e-6,
                atol=max(1e-7, 1e-14 * max(flows, default=0.0)),  # what a sum that is 0 leaves
                equal_nan=True,
                msg=lambda m, n=name: f"{n}: {m}",
            )


def _note(seen: dict[str, list[tuple[int, ...]]], flows: list[float], name: str) -> Any:
    def hook(module: nn.Module, args: Any, result: Any) -> None:
        if isinstance(result, torch.Tensor):
            seen.setdefault(name, []).append(tuple(result.shape[1:]))
            if result.requires_grad and result.numel():
                result.register_hook(lambda y: flows.append(float(y.abs().max().nan_to_num(0.0))))

    return hook


def _by_name(shapes: list[tuple[str, tuple[int, ...]]]) -> dict[str, list[tuple[int, ...]]]:
    found: dict[str, list[tuple[int, ...]]] = {}
    for name, shape in shapes:
        found.setdefault(name, []).append(shape)
    return found


def _difference(found: dict[str, Any], promised: dict[str, Any]) -> str:
    extra = {k: v for k, v in found.items() if promised.get(k) != v}
    missing = {k: v for k, v in promised.items() if found.get(k) != v}
    return f"state_dict has {extra}, should have {missing}"


def check_params(
    text: str, generated: Generated, params: tuple[str, ...], seed: int, limits: Limits
) -> list[str]:
    """`Net(classes=7)` is what `-D classes=7` compiles to. Gives the params that are arguments."""
    step = 1 + seed % 3
    return [
        name
        for name in params
        if check_param(text, generated, name, generated.plan.params[name] + step, seed, limits)
    ]


def check_param(
    text: str, generated: Generated, name: str, value: int, seed: int, limits: Limits
) -> bool:
    """The same for one value of one param. False where that is no argument, or does not fit."""
    if name not in generated.namespace[generated.analysis.name].__init__.__annotations__:
        return False
    if not analyze(Source("random.arch", text), params={name: value}, limits=limits).ok:
        return False
    first = generated.module(**{name: value})
    second = generate(text, limits, **{name: value})
    randomise(first, seed)
    net = second.module()
    net.load_state_dict(first.state_dict(), strict=True)
    xs = inputs_of(second.plan, seed)
    for a, b in zip(listed(first.eval()(*xs)), listed(net.eval()(*xs)), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12, equal_nan=True)
    return True
