"""Resizing: operators that change the size of a map."""

from __future__ import annotations

from math import gcd
from typing import Any

from archc.ops._field import OTHER, flag, number, option, size
from archc.ops._op import Keyword, ModuleCall, Nary, Unary, op, register
from archc.ops._shape import Dims, Shape, ShapeError, Window, spread, squeeze
from archc.ops.reshape import torch_sides
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

    `crop 4` takes four rows off each side; `crop to=@label` keeps the middle, of that tensor's
    size.
    """

    name = "crop"
    category = "reshape"
    example = "crop 1"
    ranks = (1, 2, 3)
    inputs = (1, 2)

    amount: Dims | None = size(None, "rows off each side", minimum=0)
    to: Any = option(Dims, None, "the size that is left, or `@label`", minimum=1, tensor=True)

    def shape(self, *xs: Shape) -> Shape:
        x = xs[0]
        if (self.amount is None) == (self.to is None):
            self.refuse(
                "`crop` needs either a number of rows or `to=`",
                "`crop 4` or `crop to=@label`",
                code="A302" if self.amount is None else "A305",
            )
        if self.amount is not None:
            cut = spread(self.amount, x.rank, "amount")
            sizes = tuple(n - 2 * a for n, a in zip(x.size, cut, strict=True))
        else:
            sizes = _target(self.to, xs)
        self._check(x, sizes)
        return Shape(x.channels, sizes)

    def windows(self, *xs: Shape) -> tuple[Window, ...]:
        pairs = zip(xs[0].size, self.shape(*xs).size, strict=True)
        return tuple(Window(before=-int((n - m) // 2)) for n, m in pairs)

    def arithmetic(self, *xs: Shape) -> tuple[str, ...]:
        sides = zip(AXES[xs[0].rank], xs[0].size, self.shape(*xs).size, strict=True)
        return tuple(
            f"{axis}: {n} - {(n - m) // 2} - {n - m - (n - m) // 2} = {m}" for axis, n, m in sides
        )

    def torch(self, *xs: Shape) -> ModuleCall:
        x = xs[0]
        if self.amount is not None:
            cut = tuple(-a for a in spread(self.amount, x.rank, "amount"))
            return ModuleCall(f"nn.ZeroPad{x.rank}d", (torch_sides(cut, cut),))
        if self.to is OTHER:
            return ModuleCall("CropLike")
        left = zip(x.size, _target(self.to, xs), strict=True)
        spare = tuple(n - m for n, m in left)
        before = tuple(-(n // 2) for n in spare)
        after = tuple(-(n - n // 2) for n in spare)
        return ModuleCall(f"nn.ZeroPad{x.rank}d", (torch_sides(before, after),))

    def label(self) -> str:
        return "×".join(map(str, self.amount)) if self.amount else ""

    def _check(self, x: Shape, sizes: Dims) -> None:
        for axis, n, left in zip(AXES[x.rank], x.size, sizes, strict=True):
            if left < 1 or left > n:
                self.refuse(
                    f"{left} cannot be cropped out of a {axis} of {n}",
                    "crop less" if left < 1 else "crop the larger tensor to the smaller one",
                    field="amount" if self.amount is not None else "to",
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


def _multiplied(x: Shape, factors: Dims) -> tuple[str, ...]:
    """The arithmetic of an enlargement."""
    sides = zip(AXES[x.rank], x.size, factors, strict=True)
    return tuple(f"{axis}: {n} * {f} = {n * f}" for axis, n, f in sides)


@register
@op
class Upsample(Nary):
    """Resizes the map: by a factor (`upsample 2`), to a size (`to=14x14`) or another's (`to=@x`).

    `bilinear` means linear in every dimension, whatever their number. `align_corners` pins the
    corner elements, as old versions of torch did.
    """

    name = "upsample"
    aliases = ("resize",)
    category = "reshape"
    example = "upsample 2 bilinear"
    ranks = (1, 2, 3)
    inputs = (1, 2)

    factor: Dims | None = size(None, "factor")
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
        return Shape(x.channels, tuple(n * f for n, f in zip(x.size, factors, strict=True)))

    def operations(self, *xs: Shape) -> int:
        taps = _TAPS.get(self.mode, 1)
        return self.shape(*xs).features * (taps ** xs[0].rank if taps > 1 else 0)

    def windows(self, *xs: Shape) -> tuple[Window, ...]:
        pairs = zip(xs[0].size, self.shape(*xs).size, strict=True)
        return tuple(self._window(int(n), int(m)) for n, m in pairs)

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
        if self.to is not OTHER or not self.mode.startswith("nearest"):
            return None  # the other modes go by the tensor's rank
        mode = "" if self.mode == "nearest" else ', mode="nearest-exact"'
        return f"F.interpolate({names[0]}, size={names[1]}.shape[2:]{mode})"

    def label(self) -> str:
        if self.factor is not None:
            return f"×{'×'.join(map(str, self.factor))}"
        return "" if self.to is OTHER else f"to {'×'.join(map(str, self.to))}"

    def _window(self, n: int, m: int) -> Window:
        if n == m:
            return Window()
        if n == 1:
            return Window(stride=0)
        if self.mode in _TAPS:
            return _between(n, m, _TAPS[self.mode] // 2, self.align_corners)
        return _nearest(n, m, middle=self.mode == "nearest_exact")

    def _keywords(self, x: Shape) -> tuple[Keyword, ...]:
        mode = _LINEAR[x.rank] if self.mode == "bilinear" else self.mode.replace("_", "-")
        align = True if self.align_corners else None
        return Keyword("mode", mode, "nearest"), Keyword("align_corners", align, None)

    def _check(self, x: Shape) -> None:
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
        r = int(self.factor)
        return (Window(1, 1 / r, (1 - 1 / r) / 2),) * 2

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
