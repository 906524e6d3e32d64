"""Every operator of the registry against torch: shapes, weights, MACs, expressions, refusals."""

from __future__ import annotations

import dataclasses
import inspect
from contextlib import suppress
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archc import symbolic
from archc.api import analyze
from archc.elaborate.shapes import fit
from archc.emit.imports import laid
from archc.emit.support import read_support
from archc.ops import REGISTRY, ModuleCall, Op, Shape, ShapeError
from archc.ops._op import ALWAYS
from archc.ops.conv import Conv, Deconv
from archc.ops.merge import Add, Columns, Concat, Join, Max, Mean, Mul, Sub
from archc.ops.norm import GroupNorm, InstanceNorm, LayerNorm, LocalResponseNorm
from archc.ops.pool import AvgPool, LpPool, Pool
from archc.ops.reshape import ChannelShuffle, Chunk, Narrow, Pad, Widen
from archc.ops.resize import Crop, PixelShuffle, PixelUnshuffle, Upsample
from archc.plan import Apply, walk
from archc.source import Source

torch = pytest.importorskip("torch")
nn, F = torch.nn, torch.nn.functional

OPERATORS = sorted(set(REGISTRY.values()), key=lambda cls: cls.name)
every_operator = pytest.mark.parametrize("cls", OPERATORS, ids=lambda cls: cls.name)
SIZES: dict[int, tuple[int, ...]] = {0: (), 1: (8,), 2: (8, 6), 3: (8, 6, 4)}


# --- from an operator to torch -----------------------------------------------------------


def example(cls: type[Op]) -> tuple[Op, tuple[Shape, ...]]:
    """The operator of a class's example, and the shapes it is applied to there."""
    return _example(cls.name)


@cache
def _example(name: str) -> tuple[Op, tuple[Shape, ...]]:
    cls = REGISTRY[name]
    text = f"network Example\ninput {cls.example_input}\n{cls.example}\n"
    analysis = analyze(Source("example.arch", text))
    assert not analysis.diagnostics, [d.title for d in analysis.diagnostics]
    assert analysis.plan is not None
    nodes = [n for n in walk(analysis.plan.body.chain.nodes) if isinstance(n, Apply)]
    node = next(n for n in reversed(nodes) if type(n.op) is cls)
    return node.op, tuple(Shape(*map(symbolic.plain, (x.channels, x.size))) for x in node.shapes)


@cache
def support(target: str) -> Any:
    """A class that torch lacks, from its support file."""
    found, names = read_support(target, []), dict[str, Any]()
    exec(compile(f"{laid(found.imports)}\n{found.text}", f"{target}.py", "exec"), names)
    return names[target]


def make(call: ModuleCall) -> Any:
    """The module of a call."""
    target = call.target
    cls = getattr(nn, target[3:]) if target.startswith("nn.") else support(target)
    module = cls(*call.positional, **{k.name: k.value for k in call.keyword})
    return eval(call.around, {"nn": nn})(module) if call.around else module


def tensor(x: Shape, batch: int = 3) -> Any:
    return torch.randn(batch, *x.dims)


def run(op: Op, *xs: Shape, batch: int = 3) -> Any:
    """What torch makes of random input: through the module, else through the expression."""
    call, values = op.torch(*xs), [tensor(x, batch) for x in xs]
    if call is None:
        return evaluate(op, values)
    module = make(call)
    return module(values) if op.bundles else module(*values)


def evaluate(op: Op, values: list[Any]) -> Any:
    names = [f"x{at}" for at in range(len(values))]
    text = op.inline(*names)
    assert text is not None
    return eval(text, {"torch": torch, "nn": nn, "F": F}, dict(zip(names, values, strict=True)))


def variants(cls: type[Op]) -> list[tuple[Op, tuple[Shape, ...]]]:
    """The example, and the same operator on every other rank that it accepts."""
    op, xs = example(cls)
    found = [(op, xs)]
    for rank in cls.ranks:
        if rank == xs[0].rank:
            continue
        plain = {
            f.name: value[:1]
            for f in dataclasses.fields(op)
            if isinstance(value := getattr(op, f.name), tuple)
        }
        shape = Shape(xs[0].channels, SIZES[rank])
        found.append((dataclasses.replace(op, **plain), (shape,) * len(xs)))
    return found


# --- the registry ------------------------------------------------------------------------


@every_operator
def test_is_documented(cls: type[Op]) -> None:
    first = inspect.getdoc(cls).splitlines()[0]  # type: ignore[union-attr]
    assert len(first) <= 100
    assert first.endswith(".")
    assert cls.example.startswith(cls.name.partition(" ")[0])  # the second word stands anywhere
    assert all(spec.doc for spec in cls.fields().values())
    op, _ = example(cls)
    assert len(op.label()) <= 30


@every_operator
def test_shape_is_torchs(cls: type[Op]) -> None:
    for op, xs in variants(cls):
        y = fit(op, xs)
        if y.columns:
            continue
        assert tuple(run(op, *xs).shape) == (3, *y.dims), (op, xs)
        if cls.keeps_shape:
            assert y == xs[0]


@every_operator
def test_refuses_other_ranks(cls: type[Op]) -> None:
    op, xs = example(cls)
    for rank in set(SIZES) - set(cls.ranks):
        with pytest.raises(ShapeError) as caught:
            fit(op, (Shape(xs[0].channels, SIZES[rank]),) * len(xs))
        assert caught.value.code == "A202"


@every_operator
def test_weights_and_buffers_are_torchs(cls: type[Op]) -> None:
    for op, xs in variants(cls):
        call = op.torch(*xs)
        if call is None:
            assert not op.weights(*xs)
            assert not op.buffers(*xs)
            continue
        module = make(call)
        assert {k: tuple(v.shape) for k, v in module.named_parameters()} == op.weights(*xs)
        kept = {k: tuple(v.shape) for k, v in module.state_dict().items()}
        assert kept == op.weights(*xs) | op.buffers(*xs)


@every_operator
def test_macs_are_torchs(cls: type[Op]) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    for op, xs in variants(cls):
        if op.bundles:
            continue
        with FlopCounterMode(display=False) as counter:
            run(op, *xs, batch=1 if cls.name in ("conv", "deconv", "fc", "fc each", "blur") else 3)
        assert 2 * op.macs(*xs) == counter.get_total_flops()


@every_operator
def test_expression_equals_module(cls: type[Op]) -> None:
    for op, xs in variants(cls):
        call, values = op.torch(*xs), [tensor(x).abs() for x in xs]
        if call is None or op.inline(*"ab"[: len(xs)]) is None:
            continue
        assert torch.equal(make(call)(*values), evaluate(op, values))


@every_operator
def test_call_is_torchs(cls: type[Op]) -> None:
    """Defaults are torch's own, so that leaving an argument out changes nothing."""
    for op, xs in variants(cls):
        call = op.torch(*xs)
        if call is None:
            continue
        parameters = inspect.signature(type(make(call)).__init__).parameters
        for keyword in call.keyword:
            assert keyword.name in parameters
            default = parameters[keyword.name].default
            if keyword.name == "stride" and default is None:  # a pool's: its window
                default = call.positional[-1]
            if keyword.default is ALWAYS or default is inspect.Parameter.empty:
                continue
            assert keyword.default == default, keyword.name
        takes = "inplace" in parameters
        if "AlphaDropout" in call.target:  # torch's modules take it, and act as if they did not
            x = torch.ones(4, 4)
            type(make(call))(0.9, inplace=True)(x)
            takes = bool((x != 1).any())
        assert cls.inplace == takes


@every_operator
def test_eval_mode(cls: type[Op]) -> None:
    op, xs = example(cls)
    call = op.torch(*xs)
    if not cls.training_only or call is None:
        return
    x = tensor(xs[0])
    assert torch.equal(make(call).eval()(x), x)


@every_operator
def test_keeps_expressions(cls: type[Op]) -> None:
    """Numbers of a shape that carry an expression carry the right one."""
    op, xs = example(cls)
    env: dict[str, Any] = {}

    def traced(value: int, at: int) -> Any:
        env[f"v{at}_{value}"] = value
        return symbolic.traced(value, symbolic.var(f"v{at}_{value}"))

    marked = tuple(
        Shape(traced(x.channels, k), tuple(traced(n, k) for n in x.size)) for k, x in enumerate(xs)
    )
    y = op.shape(*marked)
    assert y == op.shape(*xs)
    assert all(
        symbolic.evaluate(symbolic.expr_of(n), env) == n for n in y.dims if symbolic.is_traced(n)
    )
    if cls.keeps_shape or cls in (Concat,):
        assert symbolic.is_traced(y.channels)


@every_operator
def test_compiles(cls: type[Op]) -> None:
    """The example as a whole network: source, module, output."""
    text = f"network Example\ninput {cls.example_input}\n{cls.example}\n"
    if cls is Columns:
        text += "join\n"
    analysis = analyze(Source("example.arch", text))
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(analysis.emit(), "example.py", "exec"), names)
    module = names["Example"]()
    size = analysis.plan.body.input.shape.dims  # type: ignore[union-attr]
    assert tuple(module(torch.randn(3, *size)).shape) == (3, *(analysis.output or ()))
    assert sum(p.numel() for p in module.parameters()) == analysis.params


# --- parts of the channels ---------------------------------------------------------------

GROUPED = {
    "conv": Conv(kernel=(3,), out=8, groups=2),
    "deconv": Deconv(kernel=(2,), stride=(2,), out=8, groups=4),
    "lrn": LocalResponseNorm(neighbours=3, alpha=0.5, groups=2),
}
TWO = 2  # parts


@every_operator
def test_a_part_of_the_channels(cls: type[Op]) -> None:
    """What an operator is on half of the channels makes half of what it is on all of them."""
    op, (x, *others) = example(cls)
    op = GROUPED.get(cls.name, op)
    part = op.split_independent(TWO, x, *others)
    share = op.split_outputs(TWO, x, *others)
    if part is None and share is None:
        return
    assert not others
    whole, values = parts_of_module(op, x), tensor(x)
    inputs = [values, values] if part is None else values.chunk(TWO, 1)
    size = x if part is None else Shape(x.channels // TWO, x.size)
    made: list[Any] = []
    for at, value in enumerate(inputs):
        half = parts_of_module(part or share, size)
        assert half.state_dict().keys() == whole.state_dict().keys()
        half.load_state_dict(
            {k: t.chunk(TWO)[at] if t.ndim else t for k, t in whole.state_dict().items()}
        )
        made.append(half(value))
    torch.testing.assert_close(torch.cat(made, 1), whole(values), equal_nan=True)


def parts_of_module(op: Op | None, x: Shape) -> Any:
    """Its module in eval mode, which draws nothing."""
    assert op is not None
    call = op.torch(x)
    assert call is not None
    module = make(call).eval()
    for weight in module.parameters():
        nn.init.normal_(weight)
    return module


def test_what_has_a_part_of_the_channels() -> None:
    found = {
        cls.name for cls in OPERATORS if example(cls)[0].split_independent(TWO, *example(cls)[1])
    }
    assert {"relu", "bn", "inorm", "gn", "pool", "avgpool", "gap", "flatten", "dropout"} <= found
    assert not {"conv", "fc", "lrn", "ln", "softmax", "shuffle", "prelu", "droppath"} & found
    assert GROUPED["lrn"].split_independent(3, Shape(6, (4, 4))) is None
    assert GROUPED["conv"].split_outputs(TWO, Shape(8, (4, 4))) is None
    assert Conv(kernel=(3,), out=7).split_outputs(TWO, Shape(8, (4, 4))) is None


def test_local_response_norm_in_groups() -> None:
    op = GROUPED["lrn"]
    x = torch.randn(2, 6, 5, 4)
    own = F.local_response_norm
    expected = torch.cat([own(half, 3, alpha=0.5) for half in (x[:, :3], x[:, 3:])], 1)
    assert torch.equal(parts_of_module(op, Shape(6, (5, 4)))(x), expected)
    assert not torch.allclose(own(x, 3, alpha=0.5), expected)
    with pytest.raises(ShapeError):
        op.shape(Shape(7, (5, 4)))


# --- attributes at random ----------------------------------------------------------------

small = settings(max_examples=150, deadline=None)


def agree(op: Op, *xs: Shape) -> None:
    """Both accept with the same shape, or both refuse."""
    y = outcome(op, *xs)
    if isinstance(y, Shape):
        assert tuple(run(op, *xs).shape) == (3, *y.dims), (op, xs, y)
    else:
        assert y.hint
        with suppress(RuntimeError, ValueError, IndexError):
            assert run(op, *xs).numel() == 0  # torch lets a tensor without elements pass


def outcome(op: Op, *xs: Shape) -> Shape | ShapeError:
    try:
        return fit(op, xs)
    except ShapeError as misfit:
        return misfit


@st.composite
def shapes(draw: Any, ranks: tuple[int, ...] = (1, 2, 3), channels: int = 6) -> Shape:
    rank = draw(st.sampled_from(ranks))
    size = st.integers(1, 9 if rank < 3 else 5)
    return Shape(draw(st.integers(1, channels)), tuple(draw(size) for _ in range(rank)))


def dims(low: int, high: int) -> Any:
    return st.tuples(st.integers(low, high))


def dims_of(x: Shape, low: int, high: int) -> Any:
    return dims(low, high) | st.tuples(*[st.integers(low, high)] * x.rank)


@small
@given(st.data())
def test_conv(draw: Any) -> None:
    x = draw.draw(shapes())
    mode = draw.draw(st.sampled_from(("zeros", "reflect", "replicate", "circular")))
    op = Conv(
        kernel=draw.draw(dims_of(x, 1, 4)),
        stride=draw.draw(dims_of(x, 1, 3)),
        padding=draw.draw(dims_of(x, 0, 3)),
        dilation=draw.draw(dims_of(x, 1, 2)),
        out=draw.draw(st.integers(1, 6)),
        groups=draw.draw(st.integers(1, 3)),
        padding_mode=mode,
    )
    agree(op, x)


@small
@given(shapes(), st.integers(1, 5), st.integers(1, 2), st.sampled_from(("zeros", "circular")))
def test_conv_same(x: Shape, kernel: int, dilation: int, mode: str) -> None:
    op = Conv(
        kernel=(kernel,), padding=None, dilation=(dilation,), out=2, groups=1, padding_mode=mode
    )
    found = outcome(op, x)
    if isinstance(found, Shape):
        assert found.size == x.size
    agree(op, x)
    even = Conv(kernel=(2 * kernel,), padding=None, out=2, stride=(2,))
    with pytest.raises(ShapeError, match="evenly"):
        even.shape(x)


@small
@given(st.data())
def test_padding_of_one_end(draw: Any) -> None:
    x = draw.draw(shapes())
    end = st.none() | dims_of(x, 0, 3)
    window: dict[str, Any] = {
        "kernel": draw.draw(dims_of(x, 1, 4)),
        "stride": draw.draw(dims_of(x, 1, 3)),
        "padding": draw.draw(st.just("tfsame") | dims_of(x, 0, 2)),
        "before": draw.draw(end),
        "after": draw.draw(end),
    }
    spreads = draw.draw(dims_of(x, 1, 2))
    agree(Conv(**window, dilation=spreads, out=2), x)
    ceil = window["padding"] != "tfsame" and draw.draw(st.booleans())
    for op in (
        Pool(**window, dilation=spreads, ceil=ceil),
        AvgPool(**window, count_pad=draw.draw(st.booleans()), ceil=ceil),
    ):
        found = outcome(op, x)
        if isinstance(found, Shape) or found.code != "A205":  # a window in the padding alone
            agree(op, x)


def test_uneven_padding_of_another_dimension() -> None:
    """As hypothesis found it: torch gets all of it as a tensor, where `ceil` cuts no window off."""
    agree(Pool(kernel=(2,), stride=(2,), padding=(1,), ceil=True, after=(0, 1)), Shape(1, (1, 1)))


def test_an_average_of_a_volume_smaller_than_its_window() -> None:
    """As hypothesis found it: `ceil` would begin a window that torch refuses in 3-D."""
    x = Shape(1, (1, 1, 1))
    op = AvgPool(kernel=(1, 1, 3), stride=(1, 1, 3), before=(0, 0, 0), after=(0, 0, 1), ceil=True)
    found = outcome(op, x)
    assert not isinstance(found, Shape)
    assert found.code == "A201"
    agree(op, Shape(1, (1, 1, 2)))


@small
@given(st.data())
def test_deconv(draw: Any) -> None:
    x = draw.draw(shapes())
    op = Deconv(
        kernel=draw.draw(dims_of(x, 1, 4)),
        stride=draw.draw(dims_of(x, 1, 3)),
        padding=draw.draw(dims_of(x, 0, 3)),
        dilation=draw.draw(dims_of(x, 1, 2)),
        out=draw.draw(st.integers(1, 6)),
        groups=draw.draw(st.integers(1, 3)),
        output_padding=draw.draw(dims_of(x, 0, 2)),
    )
    agree(op, x)


@small
@given(st.data())
def test_pools(draw: Any) -> None:
    x = draw.draw(shapes())
    window: dict[str, Any] = {
        "kernel": draw.draw(dims_of(x, 1, 4)),
        "stride": draw.draw(st.none() | dims_of(x, 1, 4)),
        "ceil": draw.draw(st.booleans()),
    }
    padding = draw.draw(dims_of(x, 0, 2))
    agree(Pool(**window, padding=padding, dilation=draw.draw(dims_of(x, 1, 2))), x)
    agree(AvgPool(**window, padding=padding, count_pad=draw.draw(st.booleans())), x)
    agree(LpPool(**window), x)


@small
@given(st.data())
def test_adaptive_pools(draw: Any) -> None:
    x = draw.draw(shapes())
    to = draw.draw(dims_of(x, 1, 9))
    agree(Pool(to=to), x)
    agree(AvgPool(to=to), x)


@small
@given(st.data())
def test_pad_and_crop(draw: Any) -> None:
    x = draw.draw(shapes())
    side = st.none() | dims_of(x, 0, 4)
    op = Pad(
        amount=draw.draw(dims_of(x, 0, 3)),
        before=draw.draw(side),
        after=draw.draw(side),
        mode=draw.draw(st.sampled_from(("zeros", "reflect", "replicate", "circular"))),
    )
    agree(op, x)
    agree(
        Crop(amount=draw.draw(dims_of(x, 0, 3)), before=draw.draw(side), after=draw.draw(side)), x
    )
    to = draw.draw(dims_of(x, 1, 9))
    if all(m <= n for n, m in zip(x.size, to * x.rank if len(to) == 1 else to, strict=True)):
        agree(Crop(to=to), x)
    else:
        with pytest.raises(ShapeError):
            fit(Crop(to=to), (x,))


@small
@given(st.data())
def test_upsample(draw: Any) -> None:
    x = draw.draw(shapes())
    mode = draw.draw(st.sampled_from(("nearest", "bilinear", "bicubic", "nearest_exact")))
    corners = draw.draw(st.booleans())
    if draw.draw(st.booleans()):
        factor = draw.draw(
            dims_of(x, 1, 3) | st.tuples(st.sampled_from((0.5, 1.5, 0.29, 0.1, 2.7)))
        )
        agree(Upsample(factor=factor, mode=mode, align_corners=corners), x)
    else:
        agree(Upsample(to=draw.draw(dims_of(x, 1, 9)), mode=mode, align_corners=corners), x)


@small
@given(shapes(ranks=(2,), channels=12), st.integers(1, 4))
def test_groups_and_factors(x: Shape, number: int) -> None:
    agree(PixelShuffle(factor=number), x)
    agree(PixelUnshuffle(factor=number), x)
    agree(ChannelShuffle(groups=number), x)
    agree(GroupNorm(groups=number), x)
    agree(InstanceNorm(), x)


@small
@given(shapes(channels=12), st.integers(1, 4), st.integers(0, 11), st.integers(1, 12))
def test_parts_of_the_channels(x: Shape, of: int, start: int, length: int) -> None:
    agree(Chunk(index=start % of, of=of), Shape(of * x.channels, x.size))
    agree(Narrow(start=start, length=length), x)


@small
@given(st.data())
def test_merges(draw: Any) -> None:
    x = draw.draw(shapes(channels=3))
    xs = tuple(
        Shape(
            draw.draw(st.sampled_from((1, x.channels, 2))),
            tuple(draw.draw(st.sampled_from((1, n, n, 7))) for n in x.size),
        )
        for _ in range(draw.draw(st.integers(0, 2)))
    )
    xs = (x, *xs)
    for op in (Add(), Mul(), Mean(), Max(), *([Sub()] if len(xs) == 2 else [])):
        agree(op, *xs)
    y = outcome(Concat(), *xs)
    if isinstance(y, Shape):
        assert tuple(run(Concat(), *xs).shape) == (3, *y.dims)
    else:
        assert y.code == "A207"
        assert all(str(x) in y.message for x in xs)


# --- what merges mean --------------------------------------------------------------------


def test_merge_values() -> None:
    a, b, c = (torch.randn(2, 3, 4) for _ in range(3))
    stacked = torch.stack([a, b, c])
    assert torch.equal(evaluate(Add(), [a, b, c]), a + b + c)
    assert torch.equal(evaluate(Sub(), [a, b]), a - b)
    assert torch.equal(evaluate(Mul(), [a, b, c]), a * b * c)
    assert torch.allclose(evaluate(Mean(), [a, b, c]), stacked.mean(0))
    assert torch.equal(evaluate(Max(), [a, b, c]), stacked.amax(0))
    assert torch.equal(evaluate(Concat(), [a, b, c]), torch.cat([a, b, c], 1))


def test_merge_refusal_names_each_branch() -> None:
    with pytest.raises(ShapeError) as caught:
        Concat().shape(Shape(8, (4, 4)), Shape(8, (4, 4)), Shape(8, (2, 4)))
    assert caught.value.message == "branches disagree: 4x4 x8, 4x4 x8 and 2x4 x8"
    assert caught.value.notes == ("height: 4 in branch 1, 4 in branch 2, 2 in branch 3",)
    with pytest.raises(ShapeError, match="branches disagree") as caught:
        Mul().shape(Shape(8, (4, 4)), Shape(8))
    assert "flatten" in caught.value.hint


def test_bundles() -> None:
    column = Shape(8, (4, 4))
    bundle = Columns().shape(column, column)
    assert bundle == Shape(8, (4, 4), columns=2)
    assert Columns().shape(bundle, column).columns == 3
    assert Columns().inline("a", "*b") == "[a, *b]"
    assert Join().shape(Columns().shape(bundle, column)) == column
    wanted = Join(droppath=0.1).shared(bundle, column)
    assert wanted is not None
    assert wanted.extent == 3
    assert Join().shared(bundle) is None
    with pytest.raises(ShapeError, match="bundle"):
        Add().shape(column, bundle)
    with pytest.raises(ShapeError, match="disagree"):
        Columns().shape(bundle, Shape(9, (4, 4)))


# --- refusals that torch does not know ---------------------------------------------------


@pytest.mark.parametrize(
    ("op", "x", "code"),
    [
        (Pool(), Shape(4, (8, 8)), "A302"),
        (Pool(to=(2,), kernel=(2,)), Shape(4, (8, 8)), "A305"),
        (Pool(to=(2,), dilation=(2,)), Shape(4, (8, 8)), "A305"),
        (AvgPool(to=(2,), count_pad=False), Shape(4, (8, 8)), "A305"),
        (Upsample(), Shape(4, (8, 8)), "A302"),
        (Upsample(factor=(2,), to=(4,)), Shape(4, (8, 8)), "A305"),
        (Crop(), Shape(4, (8, 8)), "A302"),
        (Widen(out=2), Shape(4, (8, 8)), "A209"),
        (Chunk(index=0, of=3), Shape(4, (8, 8)), "A209"),
        (Chunk(index=2), Shape(4, (8, 8)), "A209"),
        (Narrow(start=2, length=3), Shape(4), "A209"),
        (Narrow(start=4, length=1), Shape(4), "A209"),
        (Conv(kernel=(3, 3), out=2), Shape(4, (8,)), "A206"),
    ],
)
def test_refusals(op: Op, x: Shape, code: str) -> None:
    with pytest.raises(ShapeError) as caught:
        fit(op, (x,))
    assert caught.value.code == code


def test_window_refusal_shows_the_arithmetic() -> None:
    with pytest.raises(ShapeError) as caught:
        Conv(kernel=(5, 5), padding=(1,), out=2).shape(Shape(3, (8, 2)))
    assert caught.value.message == "a window of 5 does not fit into a width of 2 padded to 4"
    assert caught.value.notes == ("width: 2 + 2*1 - 1*(5 - 1) - 1 = -1, less than 0",)
    assert caught.value.field == "kernel"


def test_layer_norm_is_over_channels() -> None:
    x = torch.randn(2, 4, 5, 6)
    call = LayerNorm().torch(Shape(4, (5, 6)))
    expected = nn.LayerNorm(4)(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    assert torch.allclose(make(call)(x), expected)
    whole = make(LayerNorm(whole=True).torch(Shape(4, (5, 6))))
    assert torch.allclose(whole(x), nn.LayerNorm((4, 5, 6))(x))
