"""Convolutions and linear layers: the operators that MACs are counted for."""

from __future__ import annotations

from dataclasses import replace

from archc.ops._field import dilation, flag, groups, number, option, padding, size, stride, width
from archc.ops._memory import Saved
from archc.ops._op import Keyword, ModuleCall, Op, Unary, op, register
from archc.ops._shape import Dims, Shape, Window, spread, squeeze, times
from archc.ops.windows import (
    AXES,
    check_groups,
    check_padding,
    geometry,
    geometry_label,
    leftovers,
    reach,
    rule,
    sliding,
    sums,
    window,
)


@op
class _Filters(Unary):
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

    def operations(self, x: Shape) -> int:
        return self.shape(x).features if self.bias else 0

    def channel_arithmetic(self, *xs: Shape) -> str:
        return f"{self.out} filters make a channel each" if self.out > 1 else "one filter makes it"

    def split_independent(self, parts: int, *xs: Shape) -> Op | None:
        if self.groups % parts:
            return None
        made: Op = replace(self, out=self.out // parts, groups=self.groups // parts)
        return made

    def remarks(self, *xs: Shape) -> tuple[str, ...]:
        x = xs[0]
        if self.groups == 1:
            return ()
        if self.groups == x.channels == self.out:
            return ("depthwise: each channel has a filter of its own, none sees another channel",)
        seen = x.channels // self.groups
        return (
            f"{self.groups} groups: each filter sees {seen} of the {x.channels} channels, which "
            f"takes 1/{self.groups} of the weights and MACs",
        )

    def label(self) -> str:
        return f"{geometry_label(self.kernel, self.stride, self.groups, self.dilation)}, {self.out}"

    def _geometry(self, x: Shape) -> tuple[Dims, Dims, Dims, Dims]:
        return geometry(x.rank, self.kernel, self.stride, self.padding, self.dilation)

    def _weights(self, x: Shape, *channels: int) -> dict[str, Dims]:
        kernel = spread(self.kernel, x.rank, "kernel")
        return {"weight": (*channels, *kernel)} | ({"bias": (self.out,)} if self.bias else {})


def _fewer(whole: Conv | Fc, parts: int) -> Op | None:
    """The same with a part of the outputs, where they can be shared equally."""
    return None if whole.out % parts else replace(whole, out=whole.out // parts)


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

    def shape(self, x: Shape) -> Shape:
        check_groups(x, self.groups, self.out)
        sizes = window(x, self.kernel, self.stride, self.padding, self.dilation)
        _, _, ps, _ = self._geometry(x)
        check_padding(x, ps, self.padding_mode)
        return Shape(self.out, sizes)

    def with_bias(self) -> Op:
        made: Op = replace(self, bias=True)
        return made

    def split_outputs(self, parts: int, *xs: Shape) -> Op | None:
        return _fewer(self, parts) if self.groups == 1 else None

    def weights(self, x: Shape) -> dict[str, Dims]:
        return self._weights(x, self.out, x.channels // self.groups)

    def macs(self, x: Shape) -> int:
        filters = Shape(x.channels // self.groups, spread(self.kernel, x.rank, "kernel"))
        return filters.features * self.shape(x).features

    def filters(self, x: Shape) -> tuple[Dims, int]:
        kernel = spread(self.kernel, x.rank, "kernel")
        return (*kernel, x.channels // self.groups), self.out

    def windows(self, x: Shape) -> tuple[Window, ...]:
        return sliding(x, self.kernel, self.stride, self.padding, self.dilation)

    def torch(self, x: Shape) -> ModuleCall:
        ks, ss, ps, ds = self._geometry(x)
        return ModuleCall(
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

    def rule(self, *xs: Shape) -> str:
        return rule(self.dilation)

    def arithmetic(self, x: Shape) -> tuple[str, ...]:
        return sums(x, self.kernel, self.stride, self.padding, self.dilation)

    def mac_arithmetic(self, x: Shape) -> str:
        kernel = spread(self.kernel, x.rank, "kernel")
        return f"{times(self.shape(x))} * {times(Shape(x.channels // self.groups, kernel))}"

    def remarks(self, *xs: Shape) -> tuple[str, ...]:
        left = leftovers(xs[0], self.kernel, self.stride, self.padding, self.dilation)
        return (*_Filters.remarks(self, *xs), *left)


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
    backward_needs = "input"

    padding: Dims = padding(doc="rows taken off each side", same=False)
    output_padding: Dims = option(Dims, (0,), "rows added at the end", minimum=0)

    def shape(self, x: Shape) -> Shape:
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
                    rewrite=("output_padding", f"output_padding={max(s, d) - 1}"),
                )
            out = (n - 1) * s - 2 * p + d * (k - 1) + 1 + o
            if out < 1:
                self.refuse(
                    f"nothing would be left of the {axis}",
                    "use less padding or a larger window",
                    field="padding",
                    notes=(_enlarged(axis, n, k, s, p, d, o),),
                    code="A202",
                )
            sizes.append(out)
        return Shape(self.out, tuple(sizes))

    def weights(self, x: Shape) -> dict[str, Dims]:
        return self._weights(x, x.channels, self.out // self.groups)

    def macs(self, x: Shape) -> int:
        pattern = Shape(self.out // self.groups, spread(self.kernel, x.rank, "kernel"))
        return pattern.features * x.features

    def filters(self, x: Shape) -> tuple[Dims, int]:
        kernel = spread(self.kernel, x.rank, "kernel")
        return (*kernel, x.channels), self.out // self.groups

    def windows(self, x: Shape) -> tuple[Window, ...]:
        return tuple(
            _spreading(int(k), int(s), int(p), int(d))
            for k, s, p, d in zip(*self._geometry(x), strict=True)
        )

    def torch(self, x: Shape) -> ModuleCall:
        ks, ss, ps, ds = self._geometry(x)
        return ModuleCall(
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

    def rule(self, *xs: Shape) -> str:
        extra = " + o" if any(self.output_padding) else ""
        return f"(n - 1)*s - 2p + {reach('k', 1 if set(self.dilation) == {1} else 'd')}{extra}"

    def arithmetic(self, x: Shape) -> tuple[str, ...]:
        sides = (AXES[x.rank], x.size, *self._geometry(x), self._output_padding(x))
        return tuple(_enlarged(*side) for side in zip(*sides, strict=True))

    def mac_arithmetic(self, x: Shape) -> str:
        kernel = spread(self.kernel, x.rank, "kernel")
        return f"{times(x)} * {times(Shape(self.out // self.groups, kernel))}"

    def _output_padding(self, x: Shape) -> Dims:
        return spread(self.output_padding, x.rank, "output_padding")


def _enlarged(axis: str, n: int, k: int, s: int, p: int, d: int, o: int) -> str:
    """The arithmetic of a transposed convolution."""
    out = (n - 1) * s - 2 * p + d * (k - 1) + 1 + o
    extra = f" + {o}" if o else ""
    return f"{axis}: ({n} - 1)*{s} - 2*{p} + {reach(k, d)}{extra} = {out}"


def _spreading(k: int, s: int, p: int, d: int) -> Window:
    """Input i reaches outputs s*i - p + d*m, 0 <= m < k; the other way round it is a window."""
    reached = d * (k - 1)
    return Window(1 + reached / s, 1 / s, (reached - p) / s)


@register
@op
class Fc(Unary):
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
    backward_needs = "input"

    out: int = number(int, doc="output features", minimum=1, also=("features", "out_features"))
    bias: bool = flag("without a bias", default=True, nobias=False)

    def shape(self, x: Shape) -> Shape:
        return Shape(self.out)

    def with_bias(self) -> Op:
        made: Op = replace(self, bias=True)
        return made

    def split_outputs(self, parts: int, *xs: Shape) -> Op | None:
        return _fewer(self, parts)

    def weights(self, x: Shape) -> dict[str, Dims]:
        return {"weight": (self.out, x.channels)} | ({"bias": (self.out,)} if self.bias else {})

    def macs(self, x: Shape) -> int:
        return x.channels * self.out

    def operations(self, x: Shape) -> int:
        return self.out if self.bias else 0

    def filters(self, x: Shape) -> tuple[Dims, int]:
        return (x.channels,), self.out

    def channel_arithmetic(self, *xs: Shape) -> str:
        sums = f"{self.out} outputs, each a" if self.out > 1 else "one output, a"
        return f"{sums} weighted sum of all {xs[0].channels} inputs"

    def mac_arithmetic(self, x: Shape) -> str:
        return f"{self.out} * {x.channels}"

    def torch(self, x: Shape) -> ModuleCall:
        return ModuleCall("nn.Linear", (x.channels, self.out), (Keyword("bias", self.bias, True),))

    def label(self) -> str:
        return str(self.out)
