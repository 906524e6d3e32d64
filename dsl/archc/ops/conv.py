"""Convolutions."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from archc.ops._field import dilation, flag, groups, option, padding, size, stride, width
from archc.ops._memory import Saved, scalars
from archc.ops._op import Keyword, ModuleCall, Op, Unary, op, register
from archc.ops._shape import Dims, Shape, Window, spread, squeeze, times, torch_sides
from archc.ops.weights import fewer, normalised, stored_buffers, stored_weights, weight_norm
from archc.ops.windows import (
    AXES,
    Padding,
    Slide,
    check_groups,
    check_padding,
    doubt_of_same,
    geometry_label,
    reach,
    slide,
)


@op
class _Filters(Unary):
    """What convolutions of both directions share: a window of learned weights for each filter."""

    category = "conv"
    ranks = (1, 2, 3)

    axis: ClassVar[int] = 0  # of the weight: its filters

    kernel: Dims = size()
    stride: Dims = stride()
    padding: Padding = padding(doc="padding on each side")
    out: int = width()
    groups: int = groups()
    dilation: Dims = dilation()
    bias: bool = flag("without a bias", default=True, nobias=False)
    norm: str = weight_norm()

    def operations(self, x: Shape) -> int:
        return self.shape(x).features if self.bias else 0

    def channel_arithmetic(self, *xs: Shape) -> str:
        return f"{self.out} filters make a channel each" if self.out > 1 else "one filter makes it"

    def split_independent(self, parts: int, *xs: Shape) -> Op | None:
        if self.groups % parts or self.is_computed:
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

    def _slide(self, x: Shape) -> Slide:
        return slide(x, self.kernel, self.stride, self.padding, self.dilation)

    @property
    def is_computed(self) -> bool:
        """Whether its weight is worked out from others: what is folded into it would be lost."""
        return self.norm != "none"

    def buffers(self, x: Shape) -> dict[str, Dims]:
        return stored_buffers(self.norm, self._kernel(x), self.axis)

    def weights(self, x: Shape) -> dict[str, Dims]:
        bias = {"bias": (self.out,)} if self.bias else {}
        return stored_weights(self.norm, self._kernel(x)) | bias

    def saves(self, *xs: Shape, inplace: bool = False) -> Saved:
        computed = scalars([self._kernel(xs[0])]) if self.is_computed else 0
        return Saved(input=True, statistics=computed)

    def _kernel(self, x: Shape) -> Dims:
        """The dimensions of the weight."""
        raise NotImplementedError


@register
@op
class Conv(_Filters):
    """Convolution with learned filters: each output is a weighted sum over a window.

    Sizes follow floor((n + 2p - d(k-1) - 1) / s) + 1. It has `in.c/g * k * k * out` weights and,
    unless `nobias`, one bias a filter. A depthwise convolution is `g(in.c) x(in.c)`, a pointwise
    one `1x1`. `same` keeps the size at stride 1, with an even window's odd row at the end, as
    torch has it; `tfsame` pads as TensorFlow's and Keras' `SAME` does, to ceil(n / s), which at
    stride 2 often is one row at the end alone. `before=` and `after=` pad one end: `before=2` of a
    window of 3 is causal.

    The weight may be worked out from what is learned: `ws` standardises each filter (Qiao et al.,
    arXiv:1903.10520), with `gain` as NFNets do (Brock et al., arXiv:2101.08692); `wn` is weight
    normalisation (arXiv:1602.07868) and `sn` spectral normalisation (arXiv:1802.05957), both by
    torch's parametrizations; `mask=A` and `mask=B` see what comes before in reading order, without
    and with the place itself (PixelCNN, arXiv:1601.06759).
    """

    name = "conv"
    example = "conv 3x3/2 p1 x8"

    padding_mode: str = option(
        str, "zeros", "what the padding holds", ("zeros", "reflect", "replicate", "circular")
    )
    before: Dims | None = option(Dims, None, "padding at the beginning", minimum=0)
    after: Dims | None = option(Dims, None, "padding at the end", minimum=0)
    norm: str = weight_norm(standardised=True)
    gain: bool = flag("a learned factor for each filter of `ws`", gain=True)
    gamma: float = option(float, 1.0, "a factor of `ws gain`: 1 / the deviation of the activation")
    eps: float = option(float, 1e-6, "added to the variance by `ws`", minimum=0)
    mask: str | None = option(str, None, "what a filter sees", choices=("A", "B"))

    def shape(self, x: Shape) -> Shape:
        check_groups(x, self.groups, self.out)
        self._check_weight(x)
        slid = self._slide(x)
        sizes = slid.sizes()
        for ends in (slid.before, slid.after):
            check_padding(x, ends, self.padding_mode)
        return Shape(self.out, sizes)

    @property
    def is_computed(self) -> bool:
        return self.norm != "none" or self.mask is not None

    def with_bias(self) -> Op | None:
        return None if self.is_computed else replace(self, bias=True)

    def split_outputs(self, parts: int, *xs: Shape) -> Op | None:
        return fewer(self, parts) if self.groups == 1 and not self.is_computed else None

    def weights(self, x: Shape) -> dict[str, Dims]:
        found = _Filters.weights(self, x)
        return found | ({"gain": (self.out, 1, *[1] * x.rank)} if self.gain else {})

    def macs(self, x: Shape) -> int:
        filters = Shape(x.channels // self.groups, spread(self.kernel, x.rank, "kernel"))
        return filters.features * self.shape(x).features

    def filters(self, x: Shape) -> tuple[Dims, int]:
        kernel = spread(self.kernel, x.rank, "kernel")
        return (*kernel, x.channels // self.groups), self.out

    def windows(self, x: Shape) -> tuple[Window, ...]:
        return self._slide(x).windows()

    def torch(self, x: Shape) -> ModuleCall:
        slid = self._slide(x)
        padding = 0 if slid.is_apart else squeeze(slid.before)
        family, more = self._family(slid)
        call = ModuleCall(
            f"{family}{x.rank}d",
            (x.channels, self.out, squeeze(slid.kernel)),
            (
                Keyword("stride", squeeze(slid.stride), 1),
                Keyword("padding", padding, 0),
                Keyword("dilation", squeeze(slid.dilation), 1),
                Keyword("groups", self.groups, 1),
                Keyword("bias", self.bias, True),
                Keyword("padding_mode", self.padding_mode, "zeros"),
                *more,
            ),
        )
        return normalised(self.norm, call)

    def _family(self, slid: Slide) -> tuple[str, tuple[Keyword, ...]]:
        """The class of its module, and the arguments that only that one has."""
        kind, more = self._kind()
        if slid.follows_size:
            return f"Same{kind}Conv", more
        if slid.is_lopsided:
            sides = Keyword("sides", torch_sides(slid.before, slid.after))
            return f"Padded{kind}Conv", (sides, *more)
        return f"{kind}Conv" if kind else "nn.Conv", more

    def _kind(self) -> tuple[str, tuple[Keyword, ...]]:
        """How its weight is worked out, as its class is called, and that one's arguments."""
        if self.norm == "ws":
            eps = Keyword("eps", self.eps, 1e-6)
            if self.gain:
                return "ScaledStandardized", (Keyword("gamma", self.gamma, 1.0), eps)
            return "Standardized", (eps,)
        if self.mask is not None:
            return "Masked", (Keyword("kind", self.mask),)
        return "", ()

    def saves(self, *xs: Shape, inplace: bool = False) -> Saved:
        slid = self._slide(xs[0])
        kept = _Filters.saves(self, *xs)
        if self.padding_mode == "zeros" and not slid.is_apart:
            return kept
        padded = Shape(xs[0].channels, slid.padded).features
        return Saved(values=padded, statistics=kept.statistics)

    def scratch(self, *xs: Shape, training: bool) -> int:
        return self._slide(xs[0]).padding_scratch(xs[0].channels, training)

    def backward_scratch(self, *xs: Shape) -> int:
        return self._slide(xs[0]).padding_gradient(xs[0], self.shape(xs[0]))

    def rule(self, *xs: Shape) -> str:
        return self._slide(xs[0]).rule()

    def arithmetic(self, x: Shape) -> tuple[str, ...]:
        return self._slide(x).sums()

    def mac_arithmetic(self, x: Shape) -> str:
        kernel = spread(self.kernel, x.rank, "kernel")
        return f"{times(self.shape(x))} * {times(Shape(x.channels // self.groups, kernel))}"

    def remarks(self, *xs: Shape) -> tuple[str, ...]:
        return (*_Filters.remarks(self, *xs), *self._slide(xs[0]).leftovers())

    def doubt(self, *xs: Shape) -> tuple[str, str] | None:
        return doubt_of_same(self._slide(xs[0])) if self.padding is None else None

    def _kernel(self, x: Shape) -> Dims:
        kernel = spread(self.kernel, x.rank, "kernel")
        return (self.out, x.channels // self.groups, *kernel)

    def _check_weight(self, x: Shape) -> None:
        """Raises ShapeError for attributes that mean nothing together."""
        if self.norm != "ws" and (self.gain or self.gamma != 1.0 or self.eps != 1e-6):
            field = "gain" if self.gain else "gamma" if self.gamma != 1.0 else "eps"
            self.refuse(
                f"`{field}` belongs to a standardised weight",
                f"add `ws`, or leave out `{field}`",
                field=field,
                code="A305",
            )
        if self.norm == "ws" and self.mask is not None:
            self.refuse(
                "a weight is masked or standardised, not both",
                "leave out `ws` or `mask`",
                field="norm",
                code="A305",
            )
        slid = self._slide(x)
        if self.mask is not None and any(k % 2 == 0 for k in slid.kernel):
            self.refuse(
                "a masked window has a middle",
                "use an odd window",
                field="kernel",
                code="A305",
            )

    def _slide(self, x: Shape) -> Slide:
        ends = self.before, self.after
        return slide(x, self.kernel, self.stride, self.padding, self.dilation, False, *ends)


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
    axis = 1

    padding: Dims = padding(doc="rows taken off each side", same=False)
    output_padding: Dims = option(Dims, (0,), "rows added at the end", minimum=0)

    def shape(self, x: Shape) -> Shape:
        check_groups(x, self.groups, self.out)
        extra = self._output_padding(x)
        sizes = []
        for axis, n, k, s, p, d, o in zip(
            AXES[x.rank], x.size, *self._numbers(x), extra, strict=True
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

    def _kernel(self, x: Shape) -> Dims:
        kernel = spread(self.kernel, x.rank, "kernel")
        return (x.channels, self.out // self.groups, *kernel)

    def macs(self, x: Shape) -> int:
        pattern = Shape(self.out // self.groups, spread(self.kernel, x.rank, "kernel"))
        return pattern.features * x.features

    def filters(self, x: Shape) -> tuple[Dims, int]:
        kernel = spread(self.kernel, x.rank, "kernel")
        return (*kernel, x.channels), self.out // self.groups

    def windows(self, x: Shape) -> tuple[Window, ...]:
        return tuple(
            _spreading(int(k), int(s), int(p), int(d))
            for k, s, p, d in zip(*self._numbers(x), strict=True)
        )

    def torch(self, x: Shape) -> ModuleCall:
        ks, ss, ps, ds = self._numbers(x)
        call = ModuleCall(
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
        return normalised(self.norm, call)

    def rule(self, *xs: Shape) -> str:
        extra = " + o" if any(self.output_padding) else ""
        return f"(n - 1)*s - 2p + {reach('k', 1 if set(self.dilation) == {1} else 'd')}{extra}"

    def arithmetic(self, x: Shape) -> tuple[str, ...]:
        sides = (AXES[x.rank], x.size, *self._numbers(x), self._output_padding(x))
        return tuple(_enlarged(*side) for side in zip(*sides, strict=True))

    def mac_arithmetic(self, x: Shape) -> str:
        kernel = spread(self.kernel, x.rank, "kernel")
        return f"{times(x)} * {times(Shape(self.out // self.groups, kernel))}"

    def _numbers(self, x: Shape) -> tuple[Dims, Dims, Dims, Dims]:
        """Kernel, stride, padding and dilation with one number a dimension each."""
        slid = self._slide(x)
        return slid.kernel, slid.stride, slid.before, slid.dilation

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
