"""Receptive fields against autograd: the input elements that one output element's gradient has.

`Shadow` runs a network's geometry in torch with one channel: windows hold positive weights, maxima
and products are sums, so that nothing cancels and no gradient is lost that could be there. What the
table says is then held against where the gradient is: extent, position and stride.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from nets import ONE_OF_EACH

import archc
from archc import api
from archc.analysis.graph import Node, node_of, order
from archc.analysis.receptive import Axis, Field
from archc.analysis.table import Table, tabulate
from archc.api import Analysis
from archc.source import Source

torch = pytest.importorskip("torch")
F = torch.nn.functional


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> None:
    torch.set_num_threads(1)


# --- a network's shadow ------------------------------------------------------------------


class Shadow:
    """The maps of a network, one channel each, by the keys of its graph."""

    def __init__(self, graph: Any) -> None:
        self.maps: dict[str, Any] = {}
        self.inputs: list[Any] = []
        for key in order(graph):
            node = node_of(graph, key)
            if node.operator == "input":
                size = (1, 1, *node.output.size)
                ones: Any = torch.ones
                self.inputs.append(ones(size, dtype=torch.float64, requires_grad=True))
                self.maps[key] = self.inputs[-1]
                continue
            edges = sorted(graph.in_edges(key, data="port"), key=lambda edge: edge[2])
            xs = [self.maps.get(maker) for maker, _, _ in edges]
            if node.op is None or not node.output.size or any(x is None for x in xs):
                continue  # vectors see everything: what follows from them is not held
            run: Callable[..., Any] = GEOMETRY.get(node.operator, _sum)
            y = run(node, *xs)
            assert tuple(y.shape[2:]) == node.output.size, key
            self.maps[key] = y

    def hull(self, key: str, at: tuple[int, ...]) -> list[tuple[int, int] | None]:
        """First and last input element, in each dimension, that the gradient of one has."""
        (gradient,) = torch.autograd.grad(
            self.maps[key][(0, 0, *at)], self.inputs[0], retain_graph=True
        )
        seen = gradient[0, 0] != 0
        sides = []
        for axis in range(seen.ndim):
            others = tuple(a for a in range(seen.ndim) if a != axis)
            here = (seen.any(dim=others) if others else seen).nonzero().flatten()
            sides.append((int(here[0]), int(here[-1])) if len(here) else None)
        return sides


def _each(dims: Any, x: Any) -> tuple[int, ...]:
    sizes = tuple(map(int, dims))
    return sizes * (x.ndim - 2) if len(sizes) == 1 else sizes


def _sum(node: Node, *xs: Any) -> Any:
    """Merges, and whatever works on each element by itself."""
    return sum(xs[1:], start=xs[0])


def _window(node: Node, x: Any, *, ceil: bool = False) -> Any:
    """A sliding window that adds up what is in it; rounding up adds rows at the end."""
    op: Any = node.op
    k, s = _each(op.kernel, x), _each(op.stride or op.kernel, x)
    d = _each(getattr(op, "dilation", (1,)), x)
    padding = getattr(op, "padding", (0,))
    if padding is None:
        p = tuple(d * (k - 1) // 2 for k, d in zip(k, d, strict=True))
    else:
        p = _each(padding, x)
    sides = []
    for n, out, k1, s1, p1, d1 in zip(x.shape[2:], node.output.size, k, s, p, d, strict=True):
        needed = (out - 1) * s1 + d1 * (k1 - 1) + 1
        sides.append((p1, max(needed - n - p1, p1)))
    padded = F.pad(x, [n for side in reversed(sides) for n in side])
    run = (F.conv1d, F.conv2d, F.conv3d)[x.ndim - 3]
    weight = torch.full((1, 1, *k), 1 / math.prod(k), dtype=x.dtype)
    y = run(padded, weight, None, s, 0, d)
    return y[(..., *(slice(n) for n in node.output.size))]


def _pool(node: Node, x: Any) -> Any:
    op: Any = node.op
    if op.to is None:
        return _window(node, x)
    run = (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d)[x.ndim - 3]
    return run(x, _each(op.to, x))


def _deconv(node: Node, x: Any) -> Any:
    op: Any = node.op
    run = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[x.ndim - 3]
    weight = torch.ones(1, 1, *_each(op.kernel, x), dtype=x.dtype)
    given = (_each(n, x) for n in (op.stride, op.padding, op.output_padding))
    return run(x, weight, None, *given, 1, _each(op.dilation, x))


def _upsample(node: Node, x: Any, like: Any = None) -> Any:
    op: Any = node.op
    linear = ("linear", "bilinear", "trilinear")[x.ndim - 3]
    mode = linear if op.mode == "bilinear" else op.mode.replace("_", "-")
    align = op.align_corners if mode == linear else None
    return F.interpolate(x, size=node.output.size, mode=mode, align_corners=align)


def _pad(node: Node, x: Any) -> Any:
    op: Any = node.op
    before = _each(op.amount if op.before is None else op.before, x)
    after = _each(op.amount if op.after is None else op.after, x)
    return F.pad(x, [n for pair in zip(before[::-1], after[::-1], strict=True) for n in pair])


def _crop(node: Node, x: Any, like: Any = None) -> Any:
    for axis, size in enumerate(node.output.size, 2):
        x = x.narrow(axis, (x.shape[axis] - size) // 2, size)
    return x


def _whole(node: Node, x: Any) -> Any:
    """Statistics of the whole map are in each element."""
    return x + x.mean(tuple(range(2, x.ndim)), keepdim=True)


GEOMETRY: dict[str, Callable[..., Any]] = {
    "conv": _window,
    "deconv": _deconv,
    "pool": _pool,
    "avgpool": _pool,
    "lppool": _window,
    "gap": lambda node, x: x.mean(tuple(range(2, x.ndim)), keepdim=True),
    "upsample": _upsample,
    "pixelshuffle": lambda node, x: F.interpolate(x, size=node.output.size, mode="nearest"),
    "pad": _pad,
    "crop": _crop,
    "inorm": _whole,
    "gn": _whole,
}


# --- what the table says -----------------------------------------------------------------


def table_of(analysis: Analysis) -> Table:
    assert analysis.plan is not None
    return tabulate(analysis.plan)


def hold(analysis: Analysis, count: int, seed: int = 0, places: int = 2) -> int:
    """Hold some maps of a network, some elements each; how many sides lay inside the input."""
    shadow = Shadow(analysis.graph)
    rows = {row.key: row for row in table_of(analysis).rows()}
    cropped = any(row.part.kind == "crop" for row in rows.values())
    chosen = random.Random(seed)
    keys = [key for key in shadow.maps if key in rows]
    inside = 0
    for key in dict.fromkeys([*chosen.sample(keys, min(count, len(keys))), keys[-1]]):
        sizes = tuple(shadow.maps[key].shape[2:])
        spots = [tuple(n // 2 for n in sizes)]
        spots += [tuple(chosen.randrange(n) for n in sizes) for _ in range(places - 1)]
        for spot in dict.fromkeys(spots):
            found, field = shadow.hull(key, spot), rows[key].field
            said = f"{key} at {spot}: {field}, and the gradient has {found}"
            for axis, at, hull, n in zip(
                field, spot, found, shadow.inputs[0].shape[2:], strict=True
            ):
                if hull is not None:  # else an element of the padding, here or in another dimension
                    inside += _hold(axis, at, hull, n, cropped, said)
    return inside


def _hold(axis: Axis, at: int, hull: tuple[int, int], n: int, cropped: bool, said: str) -> bool:
    """Hold one side; whether it is inside the input. Padding where rows were cropped is padding."""
    first, last = axis.first + at * axis.step, axis.last + at * axis.step
    assert hull[1] - hull[0] + 1 <= axis.extent, said
    assert first - 1e-6 <= hull[0], said
    assert hull[1] <= last + 1e-6, said
    inside = axis.exact and not cropped and first >= 0 and last < n
    assert not inside or hull == (first, last), said
    return inside


# --- random chains -----------------------------------------------------------------------


def chain(seed: int) -> Analysis:
    """A network of a few random statements in one to three dimensions."""
    chosen = random.Random(seed)
    rank = chosen.choice((1, 2, 2, 2, 3))
    size = {1: 90, 2: 48, 3: 22}[rank]
    lines = [f"network Chain{seed}", f"input {'x'.join([str(size)] * rank)} x4"]
    analysis = None
    for _ in range(chosen.randrange(2, 9)):
        more = [*lines, chosen.choice(STATEMENTS)(chosen)]
        made = api.analyze(Source("chain.arch", "\n".join(more) + "\n"))
        if made.ok:
            lines, analysis = more, made
    return analysis if analysis is not None else chain(seed + 100_000)


def _conv(r: random.Random) -> str:
    k = r.choice((1, 2, 3, 3, 5))
    return f"conv {k}/{r.choice((1, 1, 2, 3))} p{r.randrange(k)} d{r.choice((1, 1, 2))} x4"


def _pooling(r: random.Random) -> str:
    k = r.choice((2, 3))
    name, up = r.choice(("pool", "avgpool")), r.choice(("", " ceil"))
    return f"{name} {k}/{r.choice((1, 2, 2, 3))} p{r.randrange(2)}{up}"


def _branches(r: random.Random) -> str:
    k = r.choice((3, 5))
    body = r.choice(
        (f"conv {k} same x4", f"conv {k} same d2 x4; relu", "pool 3/1 p1", "inorm", "conv 1 x4; bn")
    )
    return r.choice(
        (
            f"residual< {body} >",
            f"concat< {body} | conv 1 x4 >; conv 1 x4",
            "concat< conv 3/2 p1 x2 | pool 3/2 p1 >; conv 1 x4",
            "add< conv 4/2 p1 x4 | avgpool 2 >",
            f"mul< identity | gap; conv 1 x4; sigmoid >; {body}",
            f"dense< {body} >; conv 1 x4",
        )
    )


def _other(r: random.Random) -> str:
    return r.choice(
        (
            "deconv 2/2 x4",
            "deconv 3/2 p1 x4",
            "deconv 3 p1 x4",
            "upsample 2",
            "upsample 2 bilinear",
            "upsample 3 bilinear align_corners",
            "upsample to=31 nearest_exact",
            "upsample to=17",
            "upsample to=25 bilinear",
            "pad before=1 after=2",
            "crop 1",
            "avgpool to=6",
            "lppool 2/2",
            "relu",
        )
    )


STATEMENTS = (_conv, _conv, _conv, _pooling, _pooling, _branches, _branches, _other)


def test_random_chains() -> None:
    assert sum(hold(chain(seed), 3, seed) for seed in range(60)) > 100


@pytest.mark.slow
@pytest.mark.parametrize("start", range(60, 2060, 100))
def test_many_random_chains(start: int) -> None:
    assert sum(hold(chain(seed), 6, seed, 3) for seed in range(start, start + 100)) > 200


# --- bundled networks --------------------------------------------------------------------


def bundled(name: str, rows: int, columns: int) -> Analysis:
    path, plan = api.bundled()[name], archc.load(name).analysis.plan
    assert plan is not None
    (given,) = plan.body.inputs
    assert given.shape is not None
    sizes = (*map(int, given.shape.dims[:-2]), rows, columns)
    made = api.analyze(api.source_of(path), project=path.parent, inputs={"": sizes})
    assert made.ok, [d.title for d in made.diagnostics]
    return made


QUICK = (
    "alexnet", "googlenet", "resnet18", "squeezenet1_1", "fractalnet", "densenet_40_12",
)  # fmt: skip


@pytest.mark.parametrize("name", QUICK)
def test_bundled_networks(name: str) -> None:
    assert hold(bundled(name, 700, 96), 4) > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(ONE_OF_EACH))
def test_every_kind_of_bundled_network(name: str) -> None:
    """On rows enough to have the whole field of the last map somewhere in the middle."""
    maps = [row for row in table_of(archc.load(name).analysis).rows() if row.part.output.rank]
    widest = max(row.field[0].extent for row in maps if row.part.output.size != (1, 1))
    rows = min(2 * widest + 64, 6000)
    columns = 320 if name == "inception_v3" else 256  # its auxiliary classifier has a late 5x5
    assert hold(bundled(name, rows + -rows % 32, columns), 12) > 12 or name.startswith(UNBOUNDED)


# Blocks that look at the whole map look at the whole input; rows that a crop takes off may have
# been padding; a generator of images begins with a single row.
UNBOUNDED = (
    "efficientnet", "mobilenet_v3", "regnet_y", "lraspp", "deeplabv3", "unet", "dcgan_generator",
)  # fmt: skip


def field_of(text: str) -> Iterator[Field]:
    analysis = api.analyze(Source("test.arch", text))
    assert analysis.ok, [d.title for d in analysis.diagnostics]
    return (row.field for row in table_of(analysis).rows())


def test_three_small_windows_are_one_large_one() -> None:
    """As the lecture says of VGG."""
    small = field_of("network N\ninput 32x32 x3\nconv 3 p1 x8\nconv 3 p1 x8\nconv 3 p1 x8\n")
    large = field_of("network N\ninput 32x32 x3\nconv 7 p3 x8\n")
    assert [*small][-1] == [*large][-1]


@pytest.mark.parametrize(
    ("name", "key", "extent", "stride", "padding"),
    [("alexnet", "pool3", 195, 32, 64), ("vgg16", "features.30", 212, 32, 90)],
)
def test_published_fields(name: str, key: str, extent: int, stride: int, padding: int) -> None:
    """Araujo, Norris and Sim (Distill 2019), table of receptive fields: AlexNet-v2 and VGG-16."""
    row = table_of(archc.load(name).analysis).find(key)
    assert row is not None
    for axis in row.field:
        assert (axis.extent, axis.step, -axis.first) == (extent, stride, padding)


def test_a_gate_lets_every_element_see_everything() -> None:
    (*_, gated) = field_of("network N\ninput 8x6 x3\nmul< identity | gap; conv 1 x3; sigmoid >\n")
    assert [(axis.first, axis.last, axis.step) for axis in gated] == [(0, 7, 0), (0, 5, 0)]


def test_an_upsampled_skip_is_not_exact() -> None:
    text = "network N\ninput 16 x3\na: conv 3 p1 x4\npool 2\nupsample 2\nconcat< @a | identity >\n"
    (first, *_, last) = field_of(text)
    assert all(axis.exact for axis in first)
    assert not any(axis.exact for axis in last)
