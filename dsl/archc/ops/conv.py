"""Convolutions and linear layers: the operators that MACs are counted for."""

from __future__ import annotations

from archc.ops._op import (
    Call,
    Dims,
    Keyword,
    Misfit,
    Op,
    Shape,
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
    x: Shape, kernel: Dims, stride: Dims, padding: Dims | None, dilation: Dims = (1,), ceil: bool = False
) -> Dims:
    """Sizes after a sliding window: floor((n + 2p - d(k-1) - 1) / s) + 1 in each dimension.

    With `ceil`, rounded up, except that no window starts in the padding after the end (torch's
    `ceil_mode`). Raises Misfit with the arithmetic where the window is larger than the input.
    """
    rank = x.rank
    ks, ss, ds = (
        spread(v, rank, f)
        for v, f in ((kernel, "kernel"), (stride, "stride"), (dilation, "dilation"))
    )
    ps = same(ks, ss, ds) if padding is None else spread(padding, rank, "padding")
    sizes = []
    for axis, n, k, s, p, d in zip(AXES[rank], x.size, ks, ss, ps, ds, strict=True):
        room = n + 2 * p - d * (k - 1) - 1
        if room < 0:
            reach = d * (k - 1) + 1
            raise Misfit(
                f"a window of {reach} does not fit into a {axis} of {n}" + f" padded to {n + 2 * p}" * (p > 0),
                f"make the window at most {n + 2 * p}, or pad by at least {-(-(reach - n) // 2)}",
                field="kernel",
                notes=(f"{axis}: {n} + 2*{p} - {d}*({k} - 1) - 1 = {room}, less than 0",),
                code="A201",
            )
        out = -(-room // s) + 1 if ceil else room // s + 1
        if ceil and (out - 1) * s >= n + p:
            out = out - 1
        sizes.append(out)
    return tuple(sizes)


def same(kernel: Dims, stride: Dims, dilation: Dims) -> Dims:
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


def _check_groups(x: Shape, out: int, g: int) -> None:
    for what, channels in (("input", x.channels), ("output", out)):
        if channels % g:
            raise Misfit(
                f"{g} groups do not divide the {channels} {what} channels",
                "choose a number of groups that divides both input and output channels",
                field="groups",
                notes=(f"{channels} = {channels // g} * {g} + {channels % g}",),
                code="A204",
            )


@register
@op
class Conv(Op):
    """Convolution with learned filters: each output is a weighted sum over a window.

    Sizes follow floor((n + 2p - d(k-1) - 1) / s) + 1; `in.c/g * k * k * out` weights and, unless
    `nobias`, one bias a filter. Depthwise convolution is `g(in.c) x(in.c)`.
    """

    name = "conv"
    category = "conv"
    example = "conv 3x3/2 p1 x8"
    ranks = (1, 2, 3)

    kernel: Dims = size()
    stride: Dims = stride()
    padding: Dims | None = padding()
    out: int = width()
    groups: int = groups()
    dilation: Dims = dilation()
    bias: bool = flag("without a bias", default=True, nobias=False)
    padding_mode: str = option(
        str, "zeros", "what is in the padding", choices=("zeros", "reflect", "replicate", "circular")
    )

    def shape(self, x: Shape) -> Shape:  # type: ignore[override]
        _check_groups(x, self.out, self.groups)
        return Shape(self.out, window(x, self.kernel, self.stride, self.padding, self.dilation))

    def weights(self, x: Shape) -> dict[str, Dims]:  # type: ignore[override]
        kernel = spread(self.kernel, x.rank, "kernel")
        bias = {"bias": (self.out,)} if self.bias else {}
        return {"weight": (self.out, x.channels // self.groups, *kernel)} | bias

    def macs(self, x: Shape) -> int:  # type: ignore[override]
        filters = Shape(x.channels // self.groups, spread(self.kernel, x.rank, "kernel"))
        return filters.features * self.shape(x).features

    def torch(self, x: Shape) -> Call:  # type: ignore[override]
        ks, ss, ds = (
            spread(v, x.rank, f)
            for v, f in ((self.kernel, "kernel"), (self.stride, "stride"), (self.dilation, "dilation"))
        )
        ps = same(ks, ss, ds) if self.padding is None else spread(self.padding, x.rank, "padding")
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

    def label(self) -> str:
        text = "×".join(map(str, self.kernel * 2 if len(self.kernel) == 1 else self.kernel))
        text += f"/{'×'.join(map(str, self.stride))}" * (self.stride != (1,))
        text += f" g{self.groups}" * (self.groups != 1) + f" d{self.dilation[0]}" * (self.dilation != (1,))
        return f"{text}, {self.out}"


@register
@op
class Fc(Op):
    """Fully connected (linear) layer: `in.features * out` weights and, unless `nobias`, `out` biases.

    Takes a feature vector; put `flatten` before it after a convolution.
    """

    name = "fc"
    aliases = ("linear",)
    category = "linear"
    example = "fc 10"
    example_input = "x16"
    ranks = (0,)

    out: int = number(int, doc="output features", minimum=1)
    bias: bool = flag("without a bias", default=True, nobias=False)

    def shape(self, x: Shape) -> Shape:  # type: ignore[override]
        return Shape(self.out)

    def weights(self, x: Shape) -> dict[str, Dims]:  # type: ignore[override]
        return {"weight": (self.out, x.channels)} | ({"bias": (self.out,)} if self.bias else {})

    def macs(self, x: Shape) -> int:  # type: ignore[override]
        return x.channels * self.out

    def torch(self, x: Shape) -> Call:  # type: ignore[override]
        return Call("nn.Linear", (x.channels, self.out), (Keyword("bias", self.bias, True),))

    def label(self) -> str:
        return str(self.out)
