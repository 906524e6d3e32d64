"""Resizing: operators that change the size of a map."""

from __future__ import annotations

from fractions import Fraction
from math import gcd
from typing import Any

from archc import symbolic
from archc.ops._field import OTHER, flag, number, option, size
from archc.ops._op import Keyword, ModuleCall, Nary, Unary, op, register
from archc.ops._shape import Dims, Shape, ShapeError, Window, spread, squeeze, torch_sides
from archc.ops.windows import AXES


def _target(to: Any, xs: tuple[Shape, ...]) -> Dims:
    """The size that `to=` names: written out, or another tensor's."""
    if to is not OTHER:
        return spread(to, xs[0].rank, "to")
    if xs[1].rank != xs[0].rank:
        raise ShapeError(
            f"the tensor has {xs[0].rank} spatial dimensions, but the one that `to=` names "
            f"has {xs[1].rank}",
            "name a tensor of the same kind",
            field="to",
            code="A206",
        )
    return xs[1].size


@register
@op
class Crop(Nary):
    """Takes rows off all sides, as the first U-Net did with its skips (arXiv:1505.04597).

    `crop 4` takes four rows off each side, `crop after=4` off the end alone, as a causal
    convolution wants it (arXiv:1803.01271); `crop to=@label` keeps the middle, of that tensor's
    size.
    """

    name = "crop"
    category = "reshape"
    example = "crop 1"
    ranks = (1, 2, 3)
    inputs = (1, 2)

    amount: Dims | None = size(None, "rows off each side", minimum=0)
    before: Dims | None = option(Dims, None, "rows off the beginning", minimum=0)
    after: Dims | None = option(Dims, None, "rows off the end", minimum=0)
    to: Any = option(Dims, None, "the size that is left, or `@label`", minimum=1, tensor=True)

    def shape(self, *xs: Shape) -> Shape:
        x = xs[0]
        if self.to is not None and self._field() != "to":
            self.refuse(
                "`to=` says what is left: a number of rows has no place beside it",
                "leave one of them out",
                field="to",
                code="A305",
            )
        if self.to is None and self._field() == "to":
            self.refuse(
                "`crop` needs either a number of rows or `to=`",
                "`crop 4`, `crop after=4` or `crop to=@label`",
                code="A302",
            )
        before, after = self._sides(xs)
        sizes = tuple(n - b - a for n, b, a in zip(x.size, before, after, strict=True))
        self._check(x, sizes)
        return Shape(x.channels, sizes)

    def windows(self, *xs: Shape) -> tuple[Window, ...]:
        return tuple(Window(before=-int(b)) for b in self._sides(xs)[0])

    def arithmetic(self, *xs: Shape) -> tuple[str, ...]:
        sides = zip(AXES[xs[0].rank], xs[0].size, *self._sides(xs), strict=True)
        return tuple(f"{axis}: {n} - {b} - {a} = {n - b - a}" for axis, n, b, a in sides)

    def torch(self, *xs: Shape) -> ModuleCall:
        if self.to is OTHER:
            return ModuleCall("CropLike")
        before, after = (tuple(-n for n in side) for side in self._sides(xs))
        return ModuleCall(f"nn.ZeroPad{xs[0].rank}d", (torch_sides(before, after),))

    def label(self) -> str:
        if self.before is None and self.after is None:
            return "×".join(map(str, self.amount)) if self.amount else ""
        both = (self.before or self.amount or (0,), self.after or self.amount or (0,))
        return " + ".join("×".join(map(str, side)) for side in both)

    def _field(self) -> str:
        """The first field that says what goes, or `to`."""
        given = (name for name in ("amount", "before", "after") if getattr(self, name) is not None)
        return next(given, "to")

    def _sides(self, xs: tuple[Shape, ...]) -> tuple[Dims, Dims]:
        """The rows that go at the beginning and at the end, of each dimension."""
        x = xs[0]
        if self.to is not None:
            spare = tuple(n - m for n, m in zip(x.size, _target(self.to, xs), strict=True))
            return tuple(n // 2 for n in spare), tuple(n - n // 2 for n in spare)
        both = self.amount or (0,)
        before = both if self.before is None else self.before
        after = both if self.after is None else self.after
        return spread(before, x.rank, "before"), spread(after, x.rank, "after")

    def _check(self, x: Shape, sizes: Dims) -> None:
        for axis, n, left in zip(AXES[x.rank], x.size, sizes, strict=True):
            if left < 1 or left > n:
                self.refuse(
                    f"{left} cannot be cropped out of a {axis} of {n}",
                    "crop less" if left < 1 else "crop the larger tensor to the smaller one",
                    field=self._field(),
                    notes=(f"{axis}: {n} - {n - left} = {left}",) if left < n else (),
                    code="A202" if left < 1 else "A201",
                )


_LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}


_TAPS = {"bilinear": 2, "bicubic": 4}  # inputs that one output is interpolated from


def _nearest(n: int, m: int, middle: bool = False) -> Window:
    """Output i is input floor(i n/m), or in its `middle` floor((i + 1/2) n/m)."""
    offset = n / m / 2 if middle else 0
    fraction = 1 - gcd(n, m) / m / (1 + middle)  # what rounding down takes off, at most
    return Window(1 + fraction, n / m, fraction - offset)


def _between(n: int, m: int, side: int, corners: bool) -> Window:
    """Output i is of `side` inputs each way from (i + 1/2) n/m - 1/2, or from i (n-1)/(m-1)."""
    step, offset = n / m, n / m / 2 - 1 / 2
    fraction = 1 - gcd(n, m) / m / 2
    if corners:
        step, offset = (n - 1) / max(m - 1, 1), 0
        fraction = 1 - gcd(n - 1, m - 1) / max(m - 1, 1)
    return Window(2 * side + fraction, step, side - 1 + fraction - offset)


def _scaled(n: int, factor: float) -> int:
    """A size times a factor, rounded down, as torch has it."""
    if isinstance(factor, int):
        return n * factor
    size: int = symbolic.combine("floor", symbolic.combine("*", n, factor))
    return size


def _multiplied(x: Shape, factors: Dims) -> tuple[str, ...]:
    """The arithmetic of an enlargement."""
    lines = []
    for axis, n, f in zip(AXES[x.rank], x.size, factors, strict=True):
        product = f"{n} * {f}" if isinstance(f, int) else f"floor({n} * {f:g})"
        lines.append(f"{axis}: {product} = {_scaled(n, f)}")
    return tuple(lines)


@register
@op
class Upsample(Nary):
    """Resizes the map: by a factor (`upsample 2`), to a size (`to=14x14`) or another's (`to=@x`).

    A factor may be a fraction, `upsample 0.5` or `1.5`: sizes are rounded down.
    `bilinear` means linear in every dimension, whatever their number. `align_corners` pins the
    corner elements, as old versions of torch did.
    """

    name = "upsample"
    aliases = ("resize",)
    category = "reshape"
    example = "upsample 2 bilinear"
    ranks = (1, 2, 3)
    inputs = (1, 2)

    factor: Dims | None = size(None, "factor", minimum=0, fraction=True)
    to: Any = option(Dims, None, "the size afterwards, or `@label`", minimum=1, tensor=True)
    mode: str = option(
        str, "nearest", "interpolation", ("nearest", "bilinear", "bicubic", "nearest_exact")
    )
    align_corners: bool = flag("pin the corner elements", align_corners=True)

    def shape(self, *xs: Shape) -> Shape:
        x = xs[0]
        self._check(x)
        if self.factor is None:
            return Shape(x.channels, _target(self.to, xs))
        factors = spread(self.factor, x.rank, "factor")
        sizes = tuple(map(_scaled, x.size, factors))
        if min(sizes) < 1:
            lines = _multiplied(x, factors)
            self.refuse("nothing would be left of the map", "use a larger factor, or `to=1`",
                        field="factor", notes=lines, code="A202")  # fmt: skip
        return Shape(x.channels, sizes)

    def operations(self, *xs: Shape) -> int:
        taps = _TAPS.get(self.mode, 1)
        return self.shape(*xs).features * (taps ** xs[0].rank if taps > 1 else 0)

    def windows(self, *xs: Shape) -> tuple[Window, ...]:
        factors = spread(self.factor or (1,), xs[0].rank, "factor")
        sides = zip(xs[0].size, self.shape(*xs).size, symbolic.plain(factors), strict=True)
        return tuple(self._window(int(n), int(m), f) for n, m, f in sides)

    def arithmetic(self, *xs: Shape) -> tuple[str, ...]:
        x = xs[0]
        if self.factor is not None:
            factors = spread(self.factor, x.rank, "factor")
            return _multiplied(x, factors)
        source = "as that tensor has" if self.to is OTHER else "as `to` says"
        sides = zip(AXES[x.rank], x.size, self.shape(*xs).size, strict=True)
        return tuple(f"{axis}: {m}, {source}, from {n}" for axis, n, m in sides)

    def torch(self, *xs: Shape) -> ModuleCall | None:
        if self.to is OTHER:
            return ModuleCall("UpsampleLike", (), self._keywords(xs[0]))
        if self.factor is None:
            extent = Keyword("size", squeeze(_target(self.to, xs)))
        else:
            extent = Keyword("scale_factor", squeeze(spread(self.factor, xs[0].rank, "factor")))
        return ModuleCall("nn.Upsample", (), (extent, *self._keywords(xs[0])))

    def inline(self, *names: str) -> str | None:
        if not self.mode.startswith("nearest"):
            return None  # the other modes go by the tensor's rank
        mode = self.mode.replace("_", "-")
        return self._interpolated(names, (Keyword("mode", mode, "nearest"),))

    def inline_for(self, xs: tuple[Shape, ...], *names: str) -> str | None:
        return self._interpolated(names, self._keywords(xs[0]))

    def _interpolated(self, names: tuple[str, ...], keywords: tuple[Keyword, ...]) -> str | None:
        if self.to is not OTHER:
            return None
        given = [(k.name, k.value) for k in keywords if k.value != k.default]
        settings = [f'{name}="{v}"' if isinstance(v, str) else f"{name}={v}" for name, v in given]
        return f"F.interpolate({', '.join([names[0], f'size={names[1]}.shape[2:]', *settings])})"

    def label(self) -> str:
        if self.factor is not None:
            return f"×{'×'.join(f'{f:g}' for f in self.factor)}"
        return "" if self.to is OTHER else f"to {'×'.join(map(str, self.to))}"

    def _window(self, n: int, m: int, factor: float) -> Window:
        """What an output element sees of a dimension of n that becomes one of m."""
        if not isinstance(factor, int) and not self.align_corners:
            step = Fraction(1 / factor).limit_denominator(1000)  # torch goes by it, not by n / m
            n, m = step.numerator, step.denominator
        if n == m:
            return Window()
        if n == 1 and isinstance(factor, int):
            return Window(stride=0)
        if self.mode in _TAPS:
            return _between(n, m, _TAPS[self.mode] // 2, self.align_corners)
        return _nearest(n, m, middle=self.mode == "nearest_exact")

    def _keywords(self, x: Shape) -> tuple[Keyword, ...]:
        mode = _LINEAR[x.rank] if self.mode == "bilinear" else self.mode.replace("_", "-")
        align = True if self.align_corners else None
        return Keyword("mode", mode, "nearest"), Keyword("align_corners", align, None)

    def _check(self, x: Shape) -> None:
        if any(factor <= 0 for factor in self.factor or ()):
            self.refuse(
                "a factor of 0 leaves nothing", "`upsample 0.5` halves the map", field="factor",
                code="A303",
            )  # fmt: skip
        if (self.factor is None) == (self.to is None):
            self.refuse(
                "`upsample` needs either a factor or `to=`",
                "`upsample 2`, `upsample to=14x14` or `upsample to=@label`",
                code="A302" if self.factor is None else "A305",
            )
        if self.mode == "bicubic" and x.rank != 2:
            self.refuse("`bicubic` is for images only", "use `bilinear`", field="mode", code="A200")
        if self.align_corners and self.mode.startswith("nearest"):
            self.refuse(
                f"`align_corners` means nothing to `{self.mode}`",
                "leave it out, or add `bilinear`",
                field="align_corners",
                code="A305",
                rewrite=("align_corners", ""),
            )


@register
@op
class PixelShuffle(Unary):
    """Sub-pixel upsampling: r*r channels become r times as many rows and columns.

    Shi et al., arXiv:1609.05158.
    """

    name = "pixelshuffle"
    aliases = ("pixel_shuffle",)
    category = "reshape"
    example = "pixelshuffle 2"
    ranks = (2,)

    factor: int = number(int, doc="factor r", minimum=1)

    def shape(self, x: Shape) -> Shape:
        square = self.factor * self.factor
        if x.channels % square:
            self.refuse(
                f"{x.channels} channels are no multiple of {square}",
                f"put `conv 1x1 x({square}*c)` before it for c channels afterwards",
                field="factor",
                notes=(f"{self.factor} * {self.factor} = {square}",),
                code="A209",
            )
        return Shape(x.channels // square, tuple(n * self.factor for n in x.size))

    def windows(self, x: Shape) -> tuple[Window, ...]:
        return (_nearest(1, int(self.factor), middle=False),) * 2

    def arithmetic(self, x: Shape) -> tuple[str, ...]:
        return _multiplied(x, (self.factor,) * x.rank)

    def channel_arithmetic(self, *xs: Shape) -> str:
        r, channels = self.factor, xs[0].channels
        return f"{channels} / ({r}*{r}) = {channels // (r * r)}"

    def torch(self, x: Shape) -> ModuleCall:
        return ModuleCall("nn.PixelShuffle", (self.factor,))

    def label(self) -> str:
        return str(self.factor)


@register
@op
class PixelUnshuffle(Unary):
    """The reverse of `pixelshuffle`: r times fewer rows and columns, r*r times the channels.

    Also called space to depth.
    """

    name = "pixelunshuffle"
    aliases = ("pixel_unshuffle", "unshuffle")
    category = "reshape"
    example = "pixelunshuffle 2"
    ranks = (2,)

    factor: int = number(int, doc="factor r", minimum=1)

    def shape(self, x: Shape) -> Shape:
        for axis, n in zip(AXES[2], x.size, strict=True):
            if n % self.factor:
                self.refuse(
                    f"a {axis} of {n} is no multiple of {self.factor}",
                    f"use a factor that divides {n}, or `pad` before it",
                    field="factor",
                    notes=(f"{n} = {n // self.factor} * {self.factor} + {n % self.factor}",),
                    code="A209",
                )
        channels = x.channels * (self.factor * self.factor)
        return Shape(channels, tuple(n // self.factor for n in x.size))

    def windows(self, x: Shape) -> tuple[Window, ...]:
        return (Window(int(self.factor), int(self.factor)),) * 2

    def arithmetic(self, x: Shape) -> tuple[str, ...]:
        r = self.factor
        return tuple(
            f"{axis}: {n} / {r} = {n // r}" for axis, n in zip(AXES[x.rank], x.size, strict=True)
        )

    def channel_arithmetic(self, *xs: Shape) -> str:
        r, channels = self.factor, xs[0].channels
        return f"{channels}*{r}*{r} = {channels * r * r}"

    def torch(self, x: Shape) -> ModuleCall:
        return ModuleCall("nn.PixelUnshuffle", (self.factor,))

    def label(self) -> str:
        return str(self.factor)
