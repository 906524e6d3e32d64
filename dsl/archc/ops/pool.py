"""Pooling: windows without weights."""

from __future__ import annotations

from math import gcd
from typing import ClassVar

from archc.ops._field import TENSORFLOW, dilation, flag, option, padding, size, stride
from archc.ops._memory import Saved
from archc.ops._op import Keyword, ModuleCall, Op, Unary, op, register, whole
from archc.ops._shape import (
    Dims,
    Shape,
    ShapeError,
    Window,
    spread,
    squeeze,
    torch_sides,
)
from archc.ops.windows import (
    AXES,
    Padding,
    Slide,
    doubt_of_same,
    geometry_label,
    slide,
)


def visited(op: Op, x: Shape) -> int:
    """How many elements all windows of a pool hold together: an operation each."""
    total = op.shape(x).features
    for seen in op.windows(x):
        total *= seen.most
    return int(total)


def adaptive(n: int, m: int) -> Window:
    """Torch's adaptive windows: output i sees inputs floor(i n/m) to ceil((i+1) n/m) - 1."""
    a, b = n // gcd(n, m), m // gcd(n, m)
    return Window(1 + (a + b - 2) / b, a // b if b == 1 else a / b, (b - 1) / b)


def _adapted(n: int, m: int) -> str:
    """Where the windows of `adaptive` are, in words."""
    if m == 1:
        return "one window has all"
    if n % m == 0:
        return f"{m} windows of {n // m} each"
    return f"window i of {m} is from floor({n}*i / {m}) up to ceil({n}*(i + 1) / {m}) - 1"


_TO = "the output size; the windows then adapt"


@op
class _Pool(Unary):
    """A sliding window, or with `to=` as many adaptive windows as the output has elements."""

    category = "pool"
    by_channel = True
    ranks = (1, 2, 3)
    kind: ClassVar[str] = ""  # as in nn.<kind>Pool2d

    kernel: Dims | None = size(None)
    stride: Dims | None = stride(None, "stride; the window where it is left out")
    padding: Padding = padding()
    ceil: bool = flag("round sizes up", ceil=True)
    to: Dims | None = option(Dims, None, _TO, minimum=1)
    before: Dims | None = option(Dims, None, "padding at the beginning", minimum=0)
    after: Dims | None = option(Dims, None, "padding at the end", minimum=0)

    def shape(self, x: Shape) -> Shape:
        if self.to is not None:
            self._refuse_window()
            return Shape(x.channels, spread(self.to, x.rank, "to"))
        slid = self._slide(x)
        sizes = slid.sizes()
        self._check_padding(slid)
        return Shape(x.channels, sizes)

    def operations(self, x: Shape) -> int:
        return visited(self, x)

    def windows(self, x: Shape) -> tuple[Window, ...]:
        if self.to is None:
            return self._slide(x).windows()
        pairs = zip(x.size, spread(self.to, x.rank, "to"), strict=True)
        return tuple(adaptive(int(n), int(m)) for n, m in pairs)

    def torch(self, x: Shape) -> ModuleCall:
        if self.to is not None:
            target = squeeze(spread(self.to, x.rank, "to"))
            return ModuleCall(f"nn.Adaptive{self.kind}Pool{x.rank}d", (target,))
        slid = self._slide(x)
        kernel, padding = squeeze(slid.kernel), squeeze(slid.before)
        family, sides = "nn.", torch_sides(slid.before, slid.after)
        if slid.is_apart:
            family, padding = "Same" if slid.follows_size else "Padded", 0
        keywords = (
            Keyword("stride", squeeze(slid.stride), kernel),
            Keyword("padding", padding, 0),
            Keyword("dilation", squeeze(slid.dilation), 1),
            Keyword("ceil_mode", self.ceil, False),
            *((Keyword("sides", sides),) if family == "Padded" else ()),
        )
        return ModuleCall(f"{family}{self.kind}Pool{x.rank}d", (kernel,), keywords)

    def scratch(self, *xs: Shape, training: bool) -> int:
        if self.to is not None:
            return 0
        return self._slide(xs[0]).padding_scratch(xs[0].channels, training)

    def backward_scratch(self, *xs: Shape) -> int:
        if self.to is not None:
            return 0
        return self._slide(xs[0]).padding_gradient(xs[0], self.shape(xs[0]))

    def rule(self, *xs: Shape) -> str:
        return "" if self.to is not None else self._slide(xs[0]).rule()

    def arithmetic(self, x: Shape) -> tuple[str, ...]:
        if self.to is None:
            return self._slide(x).sums()
        sides = zip(AXES[x.rank], x.size, spread(self.to, x.rank, "to"), strict=True)
        return tuple(f"{axis}: {m}, as `to` says, of {n}" for axis, n, m in sides)

    def remarks(self, *xs: Shape) -> tuple[str, ...]:
        if self.to is None:
            return self._slide(xs[0]).leftovers()
        pairs = dict.fromkeys(zip(xs[0].size, spread(self.to, xs[0].rank, "to"), strict=True))
        return tuple(f"of {n}, {_adapted(int(n), int(m))}" for n, m in pairs)

    def doubt(self, *xs: Shape) -> tuple[str, str] | None:
        is_same = self.to is None and self.padding is None
        return doubt_of_same(self._slide(xs[0])) if is_same else None

    def label(self) -> str:
        if self.to is not None:
            return f"to {'×'.join(map(str, self.to))}"
        return geometry_label(self.kernel or (), self.stride, usual=0)

    def _slide(self, x: Shape) -> Slide:
        """How the window slides, the stride's default filled in."""
        if self.kernel is None:
            self.refuse(
                f"`{self.name}` needs a window or an output size",
                f"`{self.name} 2x2`, or `{self.name} to=1`",
                code="A302",
            )
        if self.ceil and self.padding == TENSORFLOW:
            self.refuse(
                "`tfsame` rounds sizes up already",
                "leave out `ceil`",
                field="ceil",
                code="A305",
            )
        numbers = self.kernel, self.stride or self.kernel, self.padding, self._dilation()
        return slide(x, *numbers, self.ceil, self.before, self.after)

    def _dilation(self) -> Dims:
        return (1,)

    def _refuse_window(self) -> None:
        for field in ("kernel", "stride"):
            if getattr(self, field) is not None:
                self.refuse(
                    f"`to=` chooses the windows itself: a {field} has no place beside it",
                    f"leave out the {field}, or leave out `to=`",
                    field=field,
                    code="A305",
                    rewrite=(field, ""),
                )
        padded = self.padding != (0,) or self.before is not None or self.after is not None
        if padded or self.ceil or self._dilation() != (1,):
            self.refuse(
                "`to=` chooses the windows itself: padding, dilation and `ceil` have no place "
                "beside it",
                "leave them out, or leave out `to=`",
                field="to",
                code="A305",
            )

    def _check_padding(self, slid: Slide) -> None:
        """Torch refuses windows that could lie in the padding alone, dilated or not."""
        for side in slid.sides:
            for field, p in (("before", side.before), ("after", side.after)):
                if p > side.k // 2 and not isinstance(self.padding, tuple):
                    before, after = (
                        "x".join(map(str, map(int, e))) for e in (slid.before, slid.after)
                    )
                    self.refuse(
                        f"torch pads a pool by half of its window at most, and this needs {p}",
                        f"pad before it, with zeros: `pad before={before} after={after}` (behind a "
                        "`relu` that is the same)",
                        field="padding",
                        notes=(f"{side.axis}: window {side.k}, half of it {side.k // 2}",),
                        code="A205",
                        before=f"pad before={before} after={after}",
                        rewrite=("padding", ""),
                    )
                if p > side.k // 2:
                    self.refuse(
                        f"a padding of {p} is more than half of the window",
                        f"pad by at most {side.k // 2}",
                        field="padding" if getattr(self, field) is None else field,
                        notes=(f"{side.axis}: window {side.k}, half of it {side.k // 2}",),
                        code="A205",
                        rewrite=("padding", f"p{side.k // 2}") if field == "before" else None,
                    )


def _check_volume(size: Dims, kernel: Dims, no_help: str = "padding") -> None:
    """Torch's 3-D averages want the window inside the volume that they get. Raises ShapeError."""
    for axis, n, k in zip(AXES[3], size, spread(kernel, 3, "kernel"), strict=True):
        if k > n:
            raise ShapeError(
                f"a window of {k} does not fit into a {axis} of {n}, "
                f"and in 3-D {no_help} is no help",
                f"make the window at most {n}",
                field="kernel",
                code="A201",
            )


@register
@op
class Pool(_Pool):
    """Max pooling: the largest value in each window. Its padding never wins.

    The stride is the window where it is left out: `pool 2x2` halves. Sizes are rounded down, or
    up with `ceil`, as Caffe did. `pool to=7x7` gives that size from any input. Padding is as a
    convolution's: `pool 2x2/1 same`, `pool 3x3/2 tfsame`, `pool 2x2/1 after=1`.
    """

    name = "pool"
    aliases = ("maxpool",)
    example = "pool 3x3/2 p1"
    kind = "Max"

    dilation: Dims = dilation()

    def saves(self, *xs: Shape, inplace: bool = False) -> Saved:
        found = self.shape(xs[0]).features
        if self.to is not None or not (slid := self._slide(xs[0])).is_apart:
            return Saved(input=True, indices=found)
        return Saved(values=Shape(xs[0].channels, slid.padded).features, indices=found)

    def _dilation(self) -> Dims:
        return self.dilation


@register
@op
class AvgPool(_Pool):
    """Average pooling: the mean of each window.

    The stride is the window where it is left out. Padding counts as zeros in the mean unless
    `nocount_pad` or `tfsame`. `avgpool to=7x7` gives that size from any input.
    """

    name = "avgpool"
    example = "avgpool 2x2"
    kind = "Avg"

    count_pad: bool = flag(
        "padding counts in the mean, or does not", default=True, count_pad=True, nocount_pad=False
    )

    def shape(self, x: Shape) -> Shape:
        y = _Pool.shape(self, x)
        if self.kernel is not None and x.rank == 3:
            slide = self._slide(x)
            if slide.is_apart:  # padded beforehand
                _check_volume(slide.padded, self.kernel, "rounding up")
            else:
                _check_volume(x.size, self.kernel)
        return y

    def torch(self, x: Shape) -> ModuleCall:
        call = _Pool.torch(self, x)
        if self.to is not None:
            return call
        keywords = tuple(k for k in call.keyword if k.name != "dilation")
        counts = self.count_pad and self.padding != TENSORFLOW
        count = Keyword("count_include_pad", counts, True)
        return ModuleCall(call.target, call.positional, (*keywords, count))

    def saves(self, *xs: Shape, inplace: bool = False) -> Saved:
        if self.to is not None:
            return Saved(input=set(self.to) != {1})  # one window is a mean
        slid = self._slide(xs[0])
        if not slid.is_apart:
            return Saved(input=True)
        return Saved(values=Shape(xs[0].channels, slid.padded).features)

    def _refuse_window(self) -> None:
        _Pool._refuse_window(self)
        if not self.count_pad:
            self.refuse("`to=` pads nothing", "leave out `nocount_pad`", code="A305")


@register
@op
class LpPool(Unary):
    """Power-average pooling: (sum of |x|^p over each window)^(1/p); `norm=2` is the default.

    `norm=1` sums, and the larger the norm the closer it comes to the maximum.
    """

    name = "lppool"
    category = "pool"
    by_channel = True
    example = "lppool 2x2 norm=2"
    ranks = (1, 2, 3)

    kernel: Dims = size()
    stride: Dims | None = stride(None, "stride; the window where it is left out")
    ceil: bool = flag("round sizes up", ceil=True)
    norm: float = option(float, 2.0, "the exponent p", minimum=1)

    def shape(self, x: Shape) -> Shape:
        sizes = self._slide(x).sizes()
        if x.rank == 3:
            _check_volume(x.size, self.kernel)
        return Shape(x.channels, sizes)

    def operations(self, x: Shape) -> int:
        return 2 * visited(self, x) + self.shape(x).features

    def windows(self, x: Shape) -> tuple[Window, ...]:
        return self._slide(x).windows()

    def rule(self, *xs: Shape) -> str:
        return self._slide(xs[0]).rule()

    def arithmetic(self, x: Shape) -> tuple[str, ...]:
        return self._slide(x).sums()

    def remarks(self, *xs: Shape) -> tuple[str, ...]:
        return self._slide(xs[0]).leftovers()

    def torch(self, x: Shape) -> ModuleCall:
        slid = self._slide(x)
        kernel = squeeze(slid.kernel)
        keywords = (
            Keyword("stride", squeeze(slid.stride), kernel),
            Keyword("ceil_mode", self.ceil, False),
        )
        return ModuleCall(f"nn.LPPool{x.rank}d", (self.norm, kernel), keywords)

    def _slide(self, x: Shape) -> Slide:
        return slide(x, self.kernel, self.stride or self.kernel, (0,), ceil=self.ceil)

    def saves(self, *xs: Shape, inplace: bool = False) -> Saved:
        # The power, and four results between its mean and the root (torch's lp_pool2d).
        return Saved(input=True, values=xs[0].features + 4 * self.shape(xs[0]).features)

    def scratch(self, *xs: Shape, training: bool) -> int:
        return 0 if training else xs[0].features  # the power

    def backward_scratch(self, *xs: Shape) -> int:
        # Twice x on the way from the mean's gradient to x's, when what was kept after it is gone.
        return max(0, 2 * xs[0].features - 5 * self.shape(xs[0]).features)

    def label(self) -> str:
        return f"L{self.norm:g} {geometry_label(self.kernel, self.stride, usual=0)}"


@register
@op
class GlobalAvgPool(Unary):
    """Global average pooling: the mean of each channel, a 1x1 map (Lin et al., arXiv:1312.4400).

    Put `flatten` behind it for a feature vector.
    """

    name = "gap"
    category = "pool"
    by_channel = True
    example = "gap"
    ranks = (1, 2, 3)

    def shape(self, x: Shape) -> Shape:
        return Shape(x.channels, (1,) * x.rank)

    def operations(self, x: Shape) -> int:
        return x.features

    def windows(self, x: Shape) -> tuple[Window, ...]:
        return whole(x)

    def arithmetic(self, x: Shape) -> tuple[str, ...]:
        sides = zip(AXES[x.rank], x.size, strict=True)
        return tuple(f"{axis}: 1, the mean of all {n}" for axis, n in sides)

    def torch(self, x: Shape) -> ModuleCall:
        return ModuleCall(f"nn.AdaptiveAvgPool{x.rank}d", (1,))
