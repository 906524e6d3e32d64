"""A second opinion on generated code: runs a plan in torch, operator by operator.

It shares nothing with the emitter. Weights come from a `state_dict` by the names that the language
promises, every operator is its formula in `torch.nn.functional`, and each tensor is held against
the shape that the compiler predicted. Dropout and drop-path act as in eval mode.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F

from archc.ops import OTHER
from archc.plan import (
    Apply,
    AuxHead,
    Body,
    Branches,
    Call,
    Chain,
    Choice,
    Loop,
    Node,
    Output,
    Plan,
    Ref,
    Reused,
    Scope,
    Tensor,
    walk,
)

Value = Any  # a torch tensor, or a list of them (columns)
Path = tuple[str, ...]


def promised_names(plan: Plan) -> dict[str, tuple[int, ...]]:
    """The `state_dict` that the language promises: names and shapes, in no order."""
    found: dict[str, tuple[int, ...]] = {}
    for path, node in operators(plan.body, ()):
        own = node.op.weights(*node.shapes) | node.op.buffers(*node.shapes)
        found |= {_joined(path, k): tuple(map(int, v)) for k, v in own.items()}
    return found


def _joined(path: Path, key: str) -> str:
    """The name of a tensor of a module; a bare weight has the module's."""
    return ".".join((*path, key) if key else path)


def operators(body: Body, path: Path) -> Iterator[tuple[Path, Apply]]:
    """Every operator with the path of its module, in execution order; reused ones twice."""
    return _operators(body.chain, path, path)


def _operators(chain: Chain, body: Path, path: Path) -> Iterator[tuple[Path, Apply]]:
    for node in chain.nodes:
        match node:
            case Apply():
                yield (*path, node.name), node
            case Call():
                yield from operators(node.body, (*path, node.name))
            case Branches():
                for branch in node.branches:
                    yield from _operators(branch, body, path)
                yield (*path, node.merge.name), node.merge
            case Choice() | AuxHead():
                yield from _operators(node.chain, body, path)
            case Loop():
                for iteration in node.iterations:
                    yield from _operators(iteration, body, path)
            case Scope():
                yield from _operators(node.chain, body, (*path, node.name))
            case Reused():
                yield from _operators(node.chain, body, (*body, *node.scopes))


def live(body: Body) -> set[Tensor]:
    """The tensors that somebody uses: nothing else is worked out, here or in generated code."""
    nodes = list(walk(body.chain.nodes))
    marks = {node.output.root for node in nodes if isinstance(node, Output)}
    found = marks if marks and body.block is None else marks | {body.output.root}
    found |= {node.chain.output.root for node in nodes if isinstance(node, AuxHead)}
    for node in reversed(nodes):
        if isinstance(node, Apply | Call) and made_by(node) & found:
            found |= {x.root for x in node.inputs}
    return found


def made_by(node: Apply | Call) -> set[Tensor]:
    """The tensors that a node makes."""
    more = node.gives.values() if isinstance(node, Call) else ()
    return {node.output.root, *(x.root for x in more)}


@dataclass
class Run:
    """One forward pass. `outputs` and `sides` are filled while it runs."""

    state: dict[str, torch.Tensor]
    training: bool = False
    outputs: dict[str, Value] = field(default_factory=dict)
    sides: dict[str, Value] = field(default_factory=dict)
    shapes: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)  # of each module
    alive: dict[Body, set[Tensor]] = field(default_factory=dict)
    live: list[set[Tensor]] = field(default_factory=list)  # of the bodies that are open

    def network(self, plan: Plan, *inputs: torch.Tensor) -> list[Value]:
        """The outputs, the auxiliary heads' last (while training)."""
        last, _ = self.body(plan.body, (), list(inputs))
        sides = list(self.sides.values()) if self.training else []
        return [*(self.outputs.values() or [last]), *sides]

    def body(
        self, body: Body, path: Path, inputs: list[Value]
    ) -> tuple[Value, dict[Tensor, Value]]:
        """What it ends with, and all its tensors."""
        if body not in self.alive:
            self.alive[body] = live(body)
        self.live.append(self.alive[body])
        env = {x.root: value for x, value in zip(body.inputs, inputs, strict=True)}
        result = self.chain(body.chain, env, path, path)
        self.live.pop()
        return result, env

    def chain(self, chain: Chain, env: dict[Tensor, Value], body: Path, path: Path) -> Value:
        for node in chain.nodes:
            self.node(node, env, body, path)
        return env.get(chain.output.root)

    def node(self, node: Node, env: dict[Tensor, Value], body: Path, path: Path) -> None:
        if isinstance(node, Apply | Call) and not made_by(node) & self.live[-1]:
            return
        match node:
            case Apply():
                self.apply(node, env, path)
            case Call():
                inner = (*path, node.name)
                value, inside = self.body(node.body, inner, [env[x.root] for x in node.inputs])
                env[node.output.root] = self.checked(value, node.output, inner)
                for name, tensor in node.gives.items():
                    env[tensor.root] = inside[node.body.gives[name].root]
            case Branches():
                for branch in node.branches:
                    self.chain(branch, env, body, path)
                self.node(node.merge, env, body, path)
            case Choice():
                self.chain(node.chain, env, body, path)
            case Loop():
                for iteration in node.iterations:
                    self.chain(iteration, env, body, path)
            case Scope():
                self.chain(node.chain, env, body, (*path, node.name))
            case Reused():
                self.chain(node.chain, env, body, (*body, *node.scopes))
            case AuxHead():
                if self.training:
                    self.sides[node.name] = self.chain(node.chain, env, body, path)
            case Output() if not body:
                self.outputs[node.name] = env[node.output.root]
            case Output() | Ref():
                pass

    def apply(self, node: Apply, env: dict[Tensor, Value], path: Path) -> None:
        name = (*path, node.name)
        own = {}
        for key in node.op.weights(*node.shapes) | node.op.buffers(*node.shapes):
            own[key] = self.state[_joined(name, key)]
        values = [env[x.root] for x in node.inputs]
        result = OPERATORS[node.op.name](node.op, own, self.training, *values)
        env[node.output.root] = self.checked(result, node.output, name if own else None)

    def checked(self, value: Value, tensor: Tensor, path: Path | None) -> Value:
        """`value`, if it has the predicted shape. `path` is None for a module without state."""
        assert tensor.shape is not None
        expected = tuple(map(int, tensor.shape.dims))
        columns = value if isinstance(value, list) else [value]
        assert len(columns) == (tensor.shape.columns or 1)
        for column in columns:
            assert tuple(column.shape[1:]) == expected, f"{path}: {column.shape} not {expected}"
        if path is not None:
            self.shapes.append((".".join(path), expected))
        return value


# --- operators ---------------------------------------------------------------------------


def _pair(dims: Any, x: torch.Tensor) -> tuple[int, ...]:
    """One number a spatial dimension."""
    rank = x.ndim - 2
    sizes = tuple(map(int, dims))
    return sizes * rank if len(sizes) == 1 else sizes


def _sides(before: Any, after: Any) -> list[int]:
    return [n for pair in zip(reversed(before), reversed(after), strict=True) for n in pair]


def _ends(op: Any, x: torch.Tensor, stride: Any, dilation: Any) -> list[int]:
    """The padding of a window as F.pad wants it."""
    before, after = [], []
    numbers = (_pair(op.kernel, x), _pair(stride, x), _pair(dilation, x))
    for at, (n, k, s, d) in enumerate(zip(x.shape[2:], *numbers, strict=True)):
        if op.padding is None:
            total = d * (k - 1)
        elif op.padding == "tfsame":
            windows = math.ceil(n / s)
            total = max((windows - 1) * s + d * (k - 1) + 1 - n, 0)
        else:
            total = 2 * _pair(op.padding, x)[at]
        before.append(total // 2 if op.before is None else _pair(op.before, x)[at])
        after.append(total - total // 2 if op.after is None else _pair(op.after, x)[at])
    return _sides(before, after)


def _weight(op: Any, own: dict[str, Any], training: bool, axis: int) -> torch.Tensor:
    """The weight that is used, of what is stored. Filters of `sn` lie along an axis."""
    stored = "parametrizations.weight"
    if op.norm == "wn":
        length, direction = own[f"{stored}.original0"], own[f"{stored}.original1"]
        norms = direction.flatten(1).norm(dim=1).view_as(length)
        return direction * length / norms
    if op.norm != "sn":
        return own["weight"]
    weight, u, v = (own[f"{stored}.{name}"] for name in ("original", "0._u", "0._v"))
    matrix = weight.transpose(0, axis).flatten(1)
    if training:
        with torch.no_grad():
            u.copy_(F.normalize(matrix @ v, dim=0))
            v.copy_(F.normalize(matrix.T @ u, dim=0))
    return weight / (u.clone() @ matrix @ v.clone())


def _conv(op: Any, own: dict[str, Any], training: bool, x: torch.Tensor) -> torch.Tensor:
    mode = "constant" if op.padding_mode == "zeros" else op.padding_mode
    padded = F.pad(x, _ends(op, x, op.stride, op.dilation), mode=mode)
    run = (F.conv1d, F.conv2d, F.conv3d)[x.ndim - 3]
    stride, dilation = _pair(op.stride, x), _pair(op.dilation, x)
    weight = _weight(op, own, training, 0)
    if op.norm == "ws":
        flat = weight.flatten(1)
        flat = (flat - flat.mean(1, keepdim=True)) / (flat.var(1, False, True) + op.eps).sqrt()
        weight = flat.view_as(weight)
        if op.gain:
            weight = weight * own["gain"] * op.gamma / flat.shape[1] ** 0.5
    if op.mask is not None:
        places = torch.arange(weight[0, 0].numel()).view(weight.shape[2:])
        middle = len(places.flatten()) // 2
        weight = weight * (places < middle + (op.mask == "B"))
    return run(padded, weight, own.get("bias"), stride, 0, dilation, op.groups)


def _deconv(op: Any, own: dict[str, Any], training: bool, x: torch.Tensor) -> torch.Tensor:
    run = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[x.ndim - 3]
    return run(
        x, _weight(op, own, training, 1), own.get("bias"), _pair(op.stride, x),
        _pair(op.padding, x), _pair(op.output_padding, x), op.groups, _pair(op.dilation, x),
    )  # fmt: skip


def _fc(op: Any, own: dict[str, Any], training: bool, x: torch.Tensor) -> torch.Tensor:
    return F.linear(x, _weight(op, own, training, 0), own.get("bias"))


def _fc_each(op: Any, own: dict[str, Any], training: bool, x: torch.Tensor) -> torch.Tensor:
    y = torch.einsum("nc...,oc->no...", x, _weight(op, own, training, 0))
    return y + own["bias"].view(-1, *[1] * (x.ndim - 2)) if "bias" in own else y


def _shares(*xs: torch.Tensor) -> torch.Tensor:
    largest = torch.stack(xs).amax(0).detach()  # exp of thousands is infinite
    powers = [(x - largest).exp() for x in xs]
    return torch.cat([power / sum(powers) for power in powers], 1)


def _pool(op: Any, own: dict[str, Any], training: bool, x: torch.Tensor) -> torch.Tensor:
    at = x.ndim - 3
    if op.to is not None:
        run: Any = (F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d)[at]
        return run(x, _pair(op.to, x))
    run = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[at]
    k = _pair(op.kernel, x)
    s = _pair(op.stride or op.kernel, x)
    sides = _ends(op, x, s, op.dilation)
    if sides[::2] == sides[1::2]:
        return run(x, k, s, sides[::-2], _pair(op.dilation, x), op.ceil)
    return run(F.pad(x, sides, value=-torch.inf), k, s, 0, _pair(op.dilation, x), op.ceil)


def _avgpool(op: Any, own: dict[str, Any], training: bool, x: torch.Tensor) -> torch.Tensor:
    at = x.ndim - 3
    if op.to is not None:
        run: Any = (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d)[at]
        return run(x, _pair(op.to, x))
    run = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[at]
    k, s = _pair(op.kernel, x), _pair(op.stride or op.kernel, x)
    sides = _ends(op, x, s, (1,))
    counted = op.count_pad and op.padding != "tfsame"
    if sides[::2] == sides[1::2] and op.padding != "tfsame":
        return run(x, k, s, sides[::-2], op.ceil, counted)
    padded, there = (F.pad(t, sides) for t in (x, torch.ones_like(x)))
    return run(padded, k, s, 0, op.ceil) / (1 if counted else run(there, k, s, 0, op.ceil))


def _lppool(op: Any, own: dict[str, Any], training: bool, x: torch.Tensor) -> torch.Tensor:
    run = (F.lp_pool1d, F.lp_pool2d, F.lp_pool3d)[x.ndim - 3]
    k, s = _pair(op.kernel, x), _pair(op.stride or op.kernel, x)
    if x.ndim == 3:
        return run(x, op.norm, k[0], s[0], op.ceil)
    return run(x, op.norm, k, s, op.ceil)


def _bn(op: Any, own: dict[str, Any], training: bool, x: torch.Tensor) -> torch.Tensor:
    mean, var = own.get("running_mean"), own.get("running_var")
    if training and mean is not None:
        own["num_batches_tracked"] += 1
    return F.batch_norm(
        x,
        mean,
        var,
        own.get("weight"),
        own.get("bias"),
        training or mean is None,
        op.momentum,
        op.eps,
    )


def _inorm(op: Any, own: dict[str, Any], training: bool, x: torch.Tensor) -> torch.Tensor:
    mean, var = own.get("running_mean"), own.get("running_var")  # torch counts no batches here
    return F.instance_norm(
        x,
        mean,
        var,
        own.get("weight"),
        own.get("bias"),
        training or mean is None,
        op.momentum,
        op.eps,
    )


def _ln(op: Any, own: dict[str, Any], training: bool, x: torch.Tensor) -> torch.Tensor:
    axes = tuple(range(1, x.ndim)) if op.whole else (1,)
    mean = x.mean(axes, keepdim=True)
    var = (x - mean).square().mean(axes, keepdim=True)
    y = (x - mean) / (var + op.eps).sqrt()

    def fitted(w: torch.Tensor) -> torch.Tensor:
        return w if op.whole else w.view(-1, *[1] * (x.ndim - 2))

    y = y * fitted(own["weight"]) if "weight" in own else y
    return y + fitted(own["bias"]) if "bias" in own else y


def _gn(op: Any, own: dict[str, Any], training: bool, x: torch.Tensor) -> torch.Tensor:
    return F.group_norm(x, op.groups, own.get("weight"), own.get("bias"), op.eps)


def _grn(op: Any, own: dict[str, Any], training: bool, x: torch.Tensor) -> torch.Tensor:
    channels = x.flatten(2)
    length = channels.norm(dim=2, keepdim=True)  # whose gradient is 0, not NaN, where x is
    response = length / (length.mean(1, keepdim=True) + op.eps)
    weight, bias = own["weight"].view(-1, 1), own["bias"].view(-1, 1)
    return (channels * (1 + response * weight) + bias).view_as(x)


def _blur(op: Any, own: dict[str, Any], training: bool, x: torch.Tensor) -> torch.Tensor:
    kernel = _pair(op.kernel, x)
    mode = "constant" if op.padding_mode == "zeros" else op.padding_mode
    sides = _sides([(k - 1) // 2 for k in kernel], [k // 2 for k in kernel])
    run = (F.conv1d, F.conv2d, F.conv3d)[x.ndim - 3]
    padded = F.pad(x, sides, mode=mode)
    return run(padded, own["filt"], None, _pair(op.stride, x), 0, 1, x.shape[1])


def _lrn(op: Any, own: dict[str, Any], training: bool, x: torch.Tensor) -> torch.Tensor:
    parts = x.tensor_split(op.groups, 1)
    return torch.cat(
        [F.local_response_norm(p, op.neighbours, op.alpha, op.beta, op.k) for p in parts], 1
    )


def _pad(op: Any, own: dict[str, Any], training: bool, x: torch.Tensor) -> torch.Tensor:
    before = _pair(op.amount if op.before is None else op.before, x)
    after = _pair(op.amount if op.after is None else op.after, x)
    mode = "constant" if op.mode == "zeros" else op.mode
    return F.pad(x, _sides(before, after), mode=mode)


def _crop(op: Any, own: dict[str, Any], training: bool, x: Any, like: Any = None) -> torch.Tensor:
    if op.to is not None:
        wanted = list(like.shape[2:]) if op.to is OTHER else list(_pair(op.to, x))
        for axis, size in enumerate(wanted, 2):
            x = x.narrow(axis, (x.shape[axis] - size) // 2, size)
        return x
    before = _pair(op.before or op.amount or (0,), x)
    after = _pair(op.after or op.amount or (0,), x)
    for axis, (first, last) in enumerate(zip(before, after, strict=True), 2):
        x = x.narrow(axis, first, x.shape[axis] - first - last)
    return x


def _upsample(
    op: Any, own: dict[str, Any], training: bool, x: Any, like: Any = None
) -> torch.Tensor:
    linear = ("linear", "bilinear", "trilinear")[x.ndim - 3]
    mode = linear if op.mode == "bilinear" else op.mode.replace("_", "-")
    align = None if mode.startswith("nearest") else op.align_corners
    if op.factor is not None:
        factors = tuple(map(float, op.factor)) * (x.ndim - 2 if len(op.factor) == 1 else 1)
        return F.interpolate(x, scale_factor=factors, mode=mode, align_corners=align)
    size = tuple(like.shape[2:]) if op.to is OTHER else _pair(op.to, x)
    return F.interpolate(x, size=size, mode=mode, align_corners=align)


def _widen(op: Any, own: dict[str, Any], training: bool, x: torch.Tensor) -> torch.Tensor:
    zeros = x.new_zeros(x.shape[0], op.out - x.shape[1], *x.shape[2:])
    return torch.cat([x, zeros], 1)


def _shuffle(op: Any, own: dict[str, Any], training: bool, x: torch.Tensor) -> torch.Tensor:
    n, c, *size = x.shape
    return x.reshape(n, op.groups, c // op.groups, *size).transpose(1, 2).reshape(n, c, *size)


def _unflatten(op: Any, own: dict[str, Any], training: bool, x: torch.Tensor) -> torch.Tensor:
    return x.reshape(x.shape[0], op.out, *map(int, op.size))


def _droppath(op: Any, own: dict[str, Any], training: bool, x: torch.Tensor) -> torch.Tensor:
    return x * (1 - op.p) if op.rescale_eval else x


def _scale(op: Any, own: dict[str, Any], training: bool, x: torch.Tensor) -> torch.Tensor:
    weight = own["" if op.bare else "weight"]
    return x * (weight if op.broadcast else weight.view(1, -1, *[1] * (x.ndim - 2)))


def _spliced(xs: tuple[Value, ...]) -> list[torch.Tensor]:
    return [x for one in xs for x in (one if isinstance(one, list) else [one])]


def _maximum(op: Any, own: dict[str, Any], training: bool, *xs: torch.Tensor) -> torch.Tensor:
    result = xs[0]
    for x in xs[1:]:
        result = torch.maximum(result, x)
    return result


def _product(op: Any, own: dict[str, Any], training: bool, *xs: torch.Tensor) -> torch.Tensor:
    result = xs[0]
    for x in xs[1:]:
        result = result * x
    return result


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """An operator that is a function of its fields and one tensor."""
    return lambda op, own, training, x: function(op, x)


OPERATORS: dict[str, Callable[..., Value]] = {
    "conv": _conv,
    "deconv": _deconv,
    "fc": _fc,
    "fc each": _fc_each,
    "pool": _pool,
    "avgpool": _avgpool,
    "lppool": _lppool,
    "gap": _plain(lambda op, x: x.mean(tuple(range(2, x.ndim)), keepdim=True)),
    "bn": _bn,
    "inorm": _inorm,
    "ln": _ln,
    "gn": _gn,
    "lrn": _lrn,
    "grn": _grn,
    "blur": _blur,
    "pad": _pad,
    "crop": _crop,
    "upsample": _upsample,
    "widen": _widen,
    "shuffle": _shuffle,
    "unflatten": _unflatten,
    "flatten": _plain(lambda op, x: x.reshape(x.shape[0], -1)),
    "identity": _plain(lambda op, x: x),
    "chunk": _plain(lambda op, x: x.reshape(len(x), op.of, -1, *x.shape[2:])[:, op.index]),
    "narrow": _plain(lambda op, x: x[:, op.start : op.start + op.length]),
    "pixelshuffle": _plain(lambda op, x: F.pixel_shuffle(x, op.factor)),
    "pixelunshuffle": _plain(lambda op, x: F.pixel_unshuffle(x, op.factor)),
    "dropout": _plain(lambda op, x: x),
    "alpha_dropout": _plain(lambda op, x: x),
    "droppath": _droppath,
    "scale": _scale,
    "times": _plain(lambda op, x: x * op.factor),
    "plus": _plain(lambda op, x: x + op.summand),
    "div": _plain(lambda op, x: x / op.divisor),
    "clamp": _plain(lambda op, x: x.clamp(op.min, op.max)),
    "abs": _plain(lambda op, x: x.abs()),
    "neg": _plain(lambda op, x: 0 - x),
    "exp": _plain(lambda op, x: x.exp()),
    "log": _plain(lambda op, x: x.log()),
    "sqrt": _plain(lambda op, x: x.sqrt()),
    "square": _plain(lambda op, x: x * x),
    "relu": _plain(lambda op, x: F.relu(x)),
    "relu6": _plain(lambda op, x: F.relu6(x)),
    "leaky_relu": _plain(lambda op, x: F.leaky_relu(x, op.negative_slope)),
    "rrelu": _plain(lambda op, x: F.leaky_relu(x, (op.lower + op.upper) / 2)),
    "prelu": lambda op, own, training, x: F.prelu(x, own["weight"]),
    "elu": _plain(lambda op, x: F.elu(x, op.alpha)),
    "selu": _plain(lambda op, x: F.selu(x)),
    "celu": _plain(lambda op, x: F.celu(x, op.alpha)),
    "threshold": _plain(lambda op, x: F.threshold(x, op.threshold, op.value)),
    "gelu": _plain(lambda op, x: F.gelu(x, approximate=op.approximate)),
    "silu": _plain(lambda op, x: F.silu(x)),
    "mish": _plain(lambda op, x: F.mish(x)),
    "softplus": _plain(lambda op, x: F.softplus(x, op.beta, op.threshold)),
    "softsign": _plain(lambda op, x: F.softsign(x)),
    "sigmoid": _plain(lambda op, x: x.sigmoid()),
    "log_sigmoid": _plain(lambda op, x: F.logsigmoid(x)),
    "tanh": _plain(lambda op, x: x.tanh()),
    "hardswish": _plain(lambda op, x: F.hardswish(x)),
    "hardsigmoid": _plain(lambda op, x: F.hardsigmoid(x)),
    "hardtanh": _plain(lambda op, x: F.hardtanh(x, op.min_val, op.max_val)),
    "softshrink": _plain(lambda op, x: F.softshrink(x, op.threshold)),
    "softmax": _plain(lambda op, x: x.softmax(1)),
    "log_softmax": _plain(lambda op, x: x.log_softmax(1)),
    "glu": _plain(lambda op, x: F.glu(x, 1)),
    "softmax branches": lambda op, own, training, *xs: _shares(*xs),
    "mean channel": _plain(lambda op, x: x.sum(1, keepdim=True) / x.shape[1]),
    "max channel": _plain(lambda op, x: x.amax(1, keepdim=True)),
    "sum channel": _plain(lambda op, x: torch.stack(x.unbind(1)).sum(0).unsqueeze(1)),
    "norm l2": _plain(lambda op, x: x / x.norm(dim=1, keepdim=True).clamp_min(op.eps)),
    "pixelnorm": _plain(lambda op, x: x / ((x * x).mean(1, keepdim=True) + op.eps).sqrt()),
    "sample": _plain(lambda op, x: x[:, : x.shape[1] // 2]),
    "concat": lambda op, own, training, *xs: torch.cat(xs, 1),
    "add": lambda op, own, training, *xs: sum(xs[1:], start=xs[0]),
    "sub": lambda op, own, training, a, b: a - b,
    "mul": _product,
    "mean": lambda op, own, training, *xs: sum(xs[1:], start=xs[0]) / len(xs),
    "max": _maximum,
    "columns": lambda op, own, training, *xs: _spliced(xs),
    "join": lambda op, own, training, *xs: torch.stack(_spliced(xs)).mean(0),
}
