"""Convolutions and linear layers: the operators that MACs are counted for."""

from __future__ import annotations

from dataclasses import replace

from archc.ops._op import (
    Call,
    Dims,
    Keyword,
    Misfit,
    Op,
    Saved,
    Shape,
    Window,
    dilation,
    flag,
    groups,
    number,
    op,
    option,
    padding,
    register,
    size,
    spread,
    squeeze,
    stride,
    width,
)

AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}


def window(
    x: Shape,
    kernel: Dims,
    stride: Dims,
    padding: Dims | None,
    dilation: Dims = (1,),
    ceil: bool = False,
) -> Dims:
    """Sizes after a sliding window: floor((n + 2p - d(k-1) - 1) / s) + 1 in each dimension.

    With `ceil`, rounded up, except that no window starts in the padding after the end (torch's
    `ceil_mode`). Raises Misfit with the arithmetic where the window is larger than the input.
    """
    ks, ss, ps, ds = geometry(x.rank, kernel, stride, padding, dilation)
    sizes = []
    for axis, n, k, s, p, d in zip(AXES[x.rank], x.size, ks, ss, ps, ds, strict=True):
        room = n + 2 * p - d * (k - 1) - 1
        out = (room + s - 1) // s + 1 if ceil else room // s + 1
        if out < 1:
            raise _too_large(axis, n, k, p, d)
        if ceil and (out - 1) * s >= n + p:
            out = out - 1
        sizes.append(out)
    return tuple(sizes)


def sums(
    x: Shape,
    kernel: Dims,
    stride: Dims,
    padding: Dims | None,
    dilation: Dims = (1,),
    ceil: bool = False,
) -> tuple[str, ...]:
    """The arithmetic of `window`: `height: floor((227 + 2*0 - 11) / 4) + 1 = 55`."""
    sizes = window(x, kernel, stride, padding, dilation, ceil)
    ks, ss, ps, ds = geometry(x.rank, kernel, stride, padding, dilation)
    lines = []
    for axis, n, k, s, p, d, out in zip(AXES[x.rank], x.size, ks, ss, ps, ds, sizes, strict=True):
        reach = str(k) if d == 1 else f"({d}*({k} - 1) + 1)"
        lines.append(
            f"{axis}: {'ceil' if ceil else 'floor'}(({n} + 2*{p} - {reach}) / {s}) + 1 = {out}"
        )
    return tuple(lines)


def sliding(
    x: Shape, kernel: Dims, stride: Dims, padding: Dims | None, dilation: Dims = (1,)
) -> tuple[Window, ...]:
    """What each output element of a sliding window sees."""
    sides = zip(*geometry(x.rank, kernel, stride, padding, dilation), strict=True)
    return tuple(Window(int(d * (k - 1) + 1), int(s), int(p)) for k, s, p, d in sides)


def geometry(
    rank: int, kernel: Dims, stride: Dims, padding: Dims | None, dilation: Dims = (1,)
) -> tuple[Dims, Dims, Dims, Dims]:
    """Kernel, stride, padding and dilation with one number a dimension each."""
    ks = spread(kernel, rank, "kernel")
    ss = spread(stride, rank, "stride")
    ds = spread(dilation, rank, "dilation")
    ps = same(ks, ds) if padding is None else spread(padding, rank, "padding")
    return ks, ss, ps, ds


def _too_large(axis: str, n: int, k: int, p: int, d: int) -> Misfit:
    reach, room = d * (k - 1) + 1, n + 2 * p
    padded = f" padded to {room}" if p else ""
    spread_out, cure = "", f"make the window at most {room}"
    if d > 1:
        spread_out = f", spread to {reach} by its dilation,"
        cure = f"make the dilation at most {(room - 1) // (k - 1)}" if k <= room else cure
    return Misfit(
        f"a window of {k}{spread_out} does not fit into a {axis} of {n}{padded}",
        f"{cure}, or pad by at least {-(-(reach - n) // 2)}",
        field="dilation" if d > 1 else "kernel",
        notes=(f"{axis}: {n} + 2*{p} - {d}*({k} - 1) - 1 = {room - reach}, less than 0",),
        code="A201",
    )


def same(kernel: Dims, dilation: Dims) -> Dims:
    """The padding that keeps the size at stride 1: d(k-1)/2 on each side.

    Raises Misfit for an even window, which cannot be padded evenly.
    """
    for k, d in zip(kernel, dilation, strict=True):
        if d * (k - 1) % 2:
            raise Misfit(
                f"`same` cannot pad a window of {k} evenly on both sides",
                "use an odd window, or give the padding: `p1`",
                field="padding",
                code="A203",
            )
    return tuple(d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True))


def check_padding(x: Shape, padding: Dims, mode: str, field: str = "padding") -> None:
    """Raises Misfit where the tensor is too small to be padded from its own elements."""
    for axis, n, p in zip(AXES[x.rank], x.size, padding, strict=True):
        most = {"reflect": n - 1, "circular": n}.get(mode, p)
        if p > most:
            raise Misfit(
                f"a {axis} of {n} cannot be padded by {p} with `{mode}`",
                f"pad by at most {most}, or with zeros",
                field=field,
                code="A205",
            )


def check_groups(x: Shape, groups: int, out: int | None = None) -> None:
    """Raises Misfit where the groups do not divide the channels that go in and come out."""
    named = {"channels": x.channels}
    if out is not None:
        named = {"input channels": x.channels, "output channels": out}
    for what, channels in named.items():
        if channels % groups:
            raise Misfit(
                f"{groups} groups do not divide the {channels} {what}",
                f"choose a number of groups that divides the {' and the '.join(named)}",
                field="groups",
                notes=(f"{channels} = {channels // groups} * {groups} + {channels % groups}",),
                code="A204",
            )


def geometry_label(
    kernel: Dims, stride: Dims | None, groups: int = 1, dilation: Dims = (1,)
) -> str:
    """`3×3/2 g32 d2`, leaving out what is 1."""
    text = "×".join(map(str, kernel))
    if stride and set(stride) != {1}:
        text += "/" + "×".join(map(str, stride))
    if groups != 1:
        text += f" g{groups}"
    if set(dilation) != {1}:
        text += " d" + "×".join(map(str, dilation))
    return text


@op
class _Filters(Op):
    """What convolutions of both directions share: a window of learned weights for each filter."""

    category = "conv"
    ranks = (1, 2, 3)

    kernel: Dims = size()
    stride: Dims = stride()
    padding: Dims | None = padding(doc="padding on each side")
    out: int = width()
    groups: int = groups()
    dilation: Dims = dilation()
    bias: bool = flag("without a bias", default=True, nobias=False)

    def operations(self, x: Shape) -> int:  # type: ignore[override]
        return self.shape(x).features if self.bias else 0

    def label(self) -> str:
        return f"{geometry_label(self.kernel, self.stride, self.groups, self.dilation)}, {self.out}"

    def _geometry(self, x: Shape) -> tuple[Dims, Dims, Dims, Dims]:
        return geometry(x.rank, self.kernel, self.stride, self.padding, self.dilation)

    def _weights(self, x: Shape, *channels: int) -> dict[str, Dims]:
        kernel = spread(self.kernel, x.rank, "kernel")
        return {"weight": (*channels, *kernel)} | ({"bias": (self.out,)} if self.bias else {})


@register
@op
class Conv(_Filters):
    """Convolution with learned filters: each output is a weighted sum over a window.

    Sizes follow floor((n + 2p - d(k-1) - 1) / s) + 1. It has `in.c/g * k * k * out` weights and,
    unless `nobias`, one bias a filter. A depthwise convolution is `g(in.c) x(in.c)`, a pointwise
    one `1x1`.
    """

    name = "conv"
    example = "conv 3x3/2 p1 x8"

    padding_mode: str = option(
        str, "zeros", "what the padding holds", ("zeros", "reflect", "replicate", "circular")
    )

    def shape(self, x: Shape) -> Shape:  # type: ignore[override]
        check_groups(x, self.groups, self.out)
        sizes = window(x, self.kernel, self.stride, self.padding, self.dilation)
        _, _, ps, _ = self._geometry(x)
        check_padding(x, ps, self.padding_mode)
        return Shape(self.out, sizes)

    def with_bias(self) -> Op:
        made: Op = replace(self, bias=True)
        return made

    def weights(self, x: Shape) -> dict[str, Dims]:  # type: ignore[override]
        return self._weights(x, self.out, x.channels // self.groups)

    def macs(self, x: Shape) -> int:  # type: ignore[override]
        filters = Shape(x.channels // self.groups, spread(self.kernel, x.rank, "kernel"))
        return filters.features * self.shape(x).features

    def filters(self, x: Shape) -> tuple[Dims, int]:  # type: ignore[override]
        kernel = spread(self.kernel, x.rank, "kernel")
        return (*kernel, x.channels // self.groups), self.out

    def windows(self, x: Shape) -> tuple[Window, ...]:  # type: ignore[override]
        return sliding(x, self.kernel, self.stride, self.padding, self.dilation)

    def torch(self, x: Shape) -> Call:  # type: ignore[override]
        ks, ss, ps, ds = self._geometry(x)
        return Call(
            f"nn.Conv{x.rank}d",
            (x.channels, self.out, squeeze(ks)),
            (
                Keyword("stride", squeeze(ss), 1),
                Keyword("padding", squeeze(ps), 0),
                Keyword("dilation", squeeze(ds), 1),
                Keyword("groups", self.groups, 1),
                Keyword("bias", self.bias, True),
                Keyword("padding_mode", self.padding_mode, "zeros"),
            ),
        )

    def saves(self, *xs: Shape, inplace: bool = False) -> Saved:
        x = xs[0]
        if self.padding_mode == "zeros":
            return Saved(input=True)
        pads = self._geometry(x)[2]
        padded = tuple(n + 2 * p for n, p in zip(x.size, pads, strict=True))
        return Saved(values=Shape(x.channels, padded).features)

    def arithmetic(self, x: Shape) -> tuple[str, ...]:  # type: ignore[override]
        return sums(x, self.kernel, self.stride, self.padding, self.dilation)


@register
@op
class Deconv(_Filters):
    """Transposed convolution: each input spreads a learned pattern over a window of the output.

    Sizes follow (n-1)s - 2p + d(k-1) + output_padding + 1, so that `deconv 2x2/2` doubles them.
    `output_padding` adds rows at one end only, to undo a convolution that rounded down.
    """

    name = "deconv"
    aliases = ("conv_transpose",)
    example = "deconv 2x2/2 x8"
    keeps = "input"

    padding: Dims = padding(doc="rows taken off each side", same=False)
    output_padding: Dims = option(Dims, (0,), "rows added at the end", minimum=0)

    def shape(self, x: Shape) -> Shape:  # type: ignore[override]
        check_groups(x, self.groups, self.out)
        extra = self._output_padding(x)
        sizes = []
        for axis, n, k, s, p, d, o in zip(
            AXES[x.rank], x.size, *self._geometry(x), extra, strict=True
        ):
            if o >= max(s, d):
                self.refuse(
                    f"an output padding of {o} is not smaller than the stride or dilation",
                    f"make output_padding at most {max(s, d) - 1}",
                    field="output_padding",
                    code="A205",
                )
            out = (n - 1) * s - 2 * p + d * (k - 1) + o + 1
            if out < 1:
                self.refuse(
                    f"nothing would be left of the {axis}",
                    "use less padding or a larger window",
                    field="padding",
                    notes=(f"{axis}: ({n} - 1)*{s} - 2*{p} + {d}*({k} - 1) + {o} + 1 = {out}",),
                    code="A202",
                )
            sizes.append(out)
        return Shape(self.out, tuple(sizes))

    def weights(self, x: Shape) -> dict[str, Dims]:  # type: ignore[override]
        return self._weights(x, x.channels, self.out // self.groups)

    def macs(self, x: Shape) -> int:  # type: ignore[override]
        pattern = Shape(self.out // self.groups, spread(self.kernel, x.rank, "kernel"))
        return pattern.features * x.features

    def filters(self, x: Shape) -> tuple[Dims, int]:  # type: ignore[override]
        kernel = spread(self.kernel, x.rank, "kernel")
        return (*kernel, x.channels), self.out // self.groups

    def windows(self, x: Shape) -> tuple[Window, ...]:  # type: ignore[override]
        return tuple(
            _spreading(int(k), int(s), int(p), int(d))
            for k, s, p, d in zip(*self._geometry(x), strict=True)
        )

    def torch(self, x: Shape) -> Call:  # type: ignore[override]
        ks, ss, ps, ds = self._geometry(x)
        return Call(
            f"nn.ConvTranspose{x.rank}d",
            (x.channels, self.out, squeeze(ks)),
            (
                Keyword("stride", squeeze(ss), 1),
                Keyword("padding", squeeze(ps), 0),
                Keyword("output_padding", squeeze(self._output_padding(x)), 0),
                Keyword("groups", self.groups, 1),
                Keyword("bias", self.bias, True),
                Keyword("dilation", squeeze(ds), 1),
            ),
        )

    def _output_padding(self, x: Shape) -> Dims:
        return spread(self.output_padding, x.rank, "output_padding")


def _spreading(k: int, s: int, p: int, d: int) -> Window:
    """Input i reaches outputs s*i - p + d*m, 0 <= m < k; the other way round it is a window."""
    extent = d * (k - 1) // s + 1
    centre = (p - d * (k - 1) / 2) / s  # of what output 0 sees
    return Window(extent, 1 / s, (extent - 1) / 2 - centre)


@register
@op
class Fc(Op):
    """Fully connected (linear) layer: every output is a weighted sum of all inputs.

    It has `in.c * out` weights and, unless `nobias`, `out` biases, and takes a feature vector:
    put `flatten` between it and a feature map.
    """

    name = "fc"
    aliases = ("linear",)
    category = "linear"
    example = "fc 10"
    example_input = "x16"
    ranks = (0,)
    keeps = "input"

    out: int = number(int, doc="output features", minimum=1, also=("features", "out_features"))
    bias: bool = flag("without a bias", default=True, nobias=False)

    def shape(self, x: Shape) -> Shape:  # type: ignore[override]
        return Shape(self.out)

    def with_bias(self) -> Op:
        made: Op = replace(self, bias=True)
        return made

    def weights(self, x: Shape) -> dict[str, Dims]:  # type: ignore[override]
        return {"weight": (self.out, x.channels)} | ({"bias": (self.out,)} if self.bias else {})

    def macs(self, x: Shape) -> int:  # type: ignore[override]
        return x.channels * self.out

    def operations(self, x: Shape) -> int:  # type: ignore[override]
        return self.out if self.bias else 0

    def filters(self, x: Shape) -> tuple[Dims, int]:  # type: ignore[override]
        return (x.channels,), self.out

    def torch(self, x: Shape) -> Call:  # type: ignore[override]
        return Call("nn.Linear", (x.channels, self.out), (Keyword("bias", self.bias, True),))

    def label(self) -> str:
        return str(self.out)
