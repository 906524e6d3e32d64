"""Windows that slide over a map: the sizes, the arithmetic and the checks of all that have one."""

from __future__ import annotations

from collections.abc import Iterator

from archc import symbolic
from archc.ops._field import TENSORFLOW
from archc.ops._shape import Dims, Shape, ShapeError, Window, spread
from archc.record import record

AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
NOUNS = {"length": "element", "depth": "slice", "height": "row", "width": "column"}
Padding = Dims | str | None  # of both sides; None is `same`, TENSORFLOW `tfsame`


@record
class SlideAxis:
    """One dimension of a map, and how a window slides over it."""

    axis: str
    n: int
    k: int
    s: int
    before: int
    after: int
    d: int
    ceil: bool
    follows_size: bool  # its padding is TensorFlow's `SAME`
    uneven: bool = False  # some dimension is padded by more at one end than at the other

    @property
    def room(self) -> int:
        """How far the window can move."""
        return self.n + self.before + self.after - self.d * (self.k - 1) - 1

    @property
    def rounded_up(self) -> int:
        """How many windows rounding up asks for; one too many where that has no input."""
        return -(-self.room // self.s) + 1

    @property
    def out(self) -> int:
        """How many windows there are.

        With `ceil`, rounded up, except that no window starts in the padding after the end (torch's
        `ceil_mode`; what is padded unevenly in any dimension is a tensor of its own to torch, and
        no padding).
        """
        if self.follows_size:
            return -(-self.n // self.s)
        if not self.ceil:
            return self.room // self.s + 1
        begun = self.n + self.before + (self.after if self.uneven else 0)
        return self.rounded_up - ((self.rounded_up - 1) * self.s >= begun)

    def sum(self) -> str:
        """The arithmetic: `height: floor((227 + 2*0 - 11) / 4) + 1 = 55`."""
        if self.follows_size:
            padded = f", padded by {self.before} + {self.after}" if self.after else ""
            return f"{self.axis}: ceil({self.n} / {self.s}) = {self.out}{padded}"
        room = f"({self.n} + {self._padding} - {reach(self.k, self.d)}) / {self.s}"
        less = " - 1" if self.ceil and self.rounded_up > self.out else ""
        return f"{self.axis}: {'ceil' if self.ceil else 'floor'}({room}) + 1{less} = {self.out}"

    @property
    def _padding(self) -> str:
        alike = self.before == self.after
        return f"2*{self.before}" if alike else f"{self.before} + {self.after}"

    def too_large(self) -> ShapeError:
        """What to say where the window does not fit."""
        n, k, d, padded = self.n, self.k, self.d, self.n + self.before + self.after
        stretched = d * (k - 1) + 1
        where = f" padded to {padded}" if padded > n else ""
        spread_out, cure = "", f"make the window at most {padded}"
        if d > 1:
            spread_out = f", spread to {stretched} by its dilation,"
            cure = f"make the dilation at most {(padded - 1) // (k - 1)}" if k <= padded else cure
        return ShapeError(
            f"a window of {k}{spread_out} does not fit into a {self.axis} of {n}{where}",
            f"{cure}, or pad by at least {-(-(stretched - n) // 2)}",
            field="dilation" if d > 1 else "kernel",
            notes=(
                f"{self.axis}: {n} + {self._padding} - {d}*({k} - 1) - 1 = {self.room}, "
                "less than 0",
            ),
            code="A201",
            rewrite=("dilation", f"d{(padded - 1) // (k - 1)}")
            if d > 1 and k <= padded
            else ("padding", f"p{-(-(stretched - n) // 2)}"),
        )

    def leftover(self) -> Iterator[str]:
        """What is left unread, and what sticks out; `{one}`, `{many}` are for what it counts in."""
        n, s, out, last = int(self.n), int(self.s), int(self.out), int(self.after)
        stretch = int(self.d * (self.k - 1) + 1)
        end = (out - 1) * s - int(self.before) + stretch  # where the last window ends
        if s > 1 and self.room % s == 0 and not self.follows_size:
            yield f"{self.room} / {s} comes out whole: nothing is left over"
        if end < n:
            count = "{one}" if end == n - 1 else f"{n - end} {{many}}"
            yield f"rounded down: no window has the last {count}"
        elif end < n + last:
            count = "{one}" if end == n + last - 1 else f"{n + last - end} {{many}}"
            yield f"rounded down: no window has the last {count} of the padding"
        if end > n + last:
            there = n + last - end + stretch
            held = f"{there} of its {stretch} {{many}} are there"
            yield f"rounded up: the last window sticks out, {held}"
        if self.ceil and self.rounded_up > out:
            yield "one {one} less: the last window would begin in the padding"
        if s > stretch and out > 1:
            yield f"the windows leave gaps: {s - stretch} of every {s} {{many}} are in none"


@record
class Slide:
    """A window that slides over a map: a `SlideAxis` for each dimension."""

    sides: tuple[SlideAxis, ...]

    @property
    def kernel(self) -> Dims:
        return tuple(side.k for side in self.sides)

    @property
    def stride(self) -> Dims:
        return tuple(side.s for side in self.sides)

    @property
    def before(self) -> Dims:
        return tuple(side.before for side in self.sides)

    @property
    def after(self) -> Dims:
        return tuple(side.after for side in self.sides)

    @property
    def dilation(self) -> Dims:
        return tuple(side.d for side in self.sides)

    @property
    def padded(self) -> Dims:
        """The map's sizes with the padding."""
        return tuple(side.n + side.before + side.after for side in self.sides)

    @property
    def is_lopsided(self) -> bool:
        """Whether the ends of a dimension are padded differently."""
        return self.before != self.after

    @property
    def follows_size(self) -> bool:
        """Whether what is padded depends on the map's size: `tfsame`, where it pads at all."""
        pads = any(side.d * (side.k - 1) for side in self.sides)
        return pads and any(side.follows_size for side in self.sides)

    @property
    def is_apart(self) -> bool:
        """Whether torch's own modules cannot pad like that: it is done before them."""
        return self.is_lopsided or self.follows_size

    def padding_scratch(self, channels: int, training: bool) -> int:
        """Numbers of the padded map, where it is made beforehand and nobody keeps it."""
        return 0 if training or not self.is_apart else Shape(channels, self.padded).features

    def padding_gradient(self, x: Shape, y: Shape) -> int:
        """Numbers of the padded map's gradient, beside the gradients of output and input."""
        if not self.is_apart:
            return 0
        padded = Shape(x.channels, self.padded).features
        return max(0, padded - max(int(x.features), int(y.features)))

    def sizes(self) -> Dims:
        """Sizes after it: floor((n + 2p - d(k-1) - 1) / s) + 1 in each dimension.

        Raises ShapeError with the arithmetic where the window is larger than the input.
        """
        for side in self.sides:
            if side.out < 1:
                raise side.too_large()
        return tuple(side.out for side in self.sides)

    def sums(self) -> tuple[str, ...]:
        """The arithmetic of `sizes`, a line for each dimension."""
        return tuple(side.sum() for side in self.sides)

    def rule(self) -> str:
        """The formula of `sums` in letters."""
        if any(side.follows_size for side in self.sides):
            return "ceil(n / s)"
        stretch = reach("k", 1 if set(self.dilation) == {1} else "d")
        padding = "b + a" if self.is_lopsided else "2p"
        rounds = "ceil" if self.sides[0].ceil else "floor"
        return f"{rounds}((n + {padding} - {stretch}) / s) + 1"

    def leftovers(self) -> tuple[str, ...]:
        """What it leaves unread, and where it sticks out, in sentences."""
        said: dict[str, list[str]] = {}
        for side in self.sides:
            for sentence in side.leftover():
                said.setdefault(sentence, []).append(NOUNS[side.axis])
        return tuple(
            sentence.format(one=" and ".join(nouns), many=" and ".join(f"{n}s" for n in nouns))
            for sentence, nouns in said.items()
        )

    def windows(self) -> tuple[Window, ...]:
        """What each output element sees."""
        return tuple(
            Window(int(side.d * (side.k - 1) + 1), int(side.s), int(side.before))
            for side in self.sides
        )


def slide(
    x: Shape,
    kernel: Dims,
    stride: Dims,
    padding: Padding,
    dilation: Dims = (1,),
    ceil: bool = False,
    before: Dims | None = None,
    after: Dims | None = None,
) -> Slide:
    """Return how a window slides over a map. `before` and `after` go before `padding`, each alone.

    Raises ShapeError where numbers are not one for all dimensions, or one for each.
    """
    ks = spread(kernel, x.rank, "kernel")
    ss = spread(stride, x.rank, "stride")
    ds = spread(dilation, x.rank, "dilation")
    firsts, lasts = _ends(x, ks, ss, ds, padding)
    firsts = firsts if before is None else spread(before, x.rank, "before")
    lasts = lasts if after is None else spread(after, x.rank, "after")
    follows = padding == TENSORFLOW and before is None and after is None
    sides = []
    for axis, *numbers in zip(AXES[x.rank], x.size, ks, ss, firsts, lasts, ds, strict=True):
        n, k, s, first, last, d = numbers
        sides.append(SlideAxis(axis, n, k, s, first, last, d, ceil, follows, firsts != lasts))
    return Slide(tuple(sides))


def _ends(x: Shape, ks: Dims, ss: Dims, ds: Dims, padding: Padding) -> tuple[Dims, Dims]:
    """The padding at the beginning and at the end of each dimension."""
    if isinstance(padding, tuple):
        both = spread(padding, x.rank, "padding")
        return both, both
    if padding is None:
        return _same(ks, ss, ds)
    total = tuple(_missing(*side) for side in zip(x.size, ks, ss, ds, strict=True))
    return tuple(n // 2 for n in total), tuple(n - n // 2 for n in total)


def _same(ks: Dims, ss: Dims, ds: Dims) -> tuple[Dims, Dims]:
    """The padding that keeps the size at stride 1: d(k-1)/2 on each side, an odd one at the end.

    Raises ShapeError for an even window at a stride, where nobody agrees which end that is.
    """
    total = tuple(d * (k - 1) for k, d in zip(ks, ds, strict=True))
    for n, k, s in zip(total, ks, ss, strict=True):
        if n % 2 and s > 1:
            raise ShapeError(
                f"`same` cannot pad a window of {k} evenly on both sides, and at a stride no two "
                "frameworks agree on the odd one",
                f"say where it goes: `before={n // 2} after={n - n // 2}`; or write `tfsame`, as "
                "TensorFlow has it",
                field="padding",
                code="A203",
            )
    return tuple(n // 2 for n in total), tuple(n - n // 2 for n in total)


def doubt_of_same(slid: Slide) -> tuple[str, str] | None:
    """What to ask where `same` stands at a stride, and TensorFlow's `SAME` pads otherwise."""
    for side in slid.sides:
        total = _missing(side.n, side.k, side.s, side.d)
        theirs = total // 2, total - total // 2
        if side.s > 1 and (side.before, side.after) != theirs:
            return (
                f"`same` at stride {side.s} pads {side.before} on each side here, TensorFlow's "
                f"`SAME` {theirs[0]} before and {theirs[1]} after",
                f"say which: `p{side.before}` or `tfsame`",
            )
    return None


def _missing(n: int, k: int, s: int, d: int) -> int:
    """What TensorFlow's `SAME` pads in all: what the last of ceil(n / s) windows lacks."""
    missing: int = symbolic.combine("max", (-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0)
    return missing


def reach(k: int | str, d: int | str) -> str:
    """How far a window of `k` stretches at dilation `d`, as a sum."""
    return str(k) if d == 1 else f"({d}*({k} - 1) + 1)"


def check_padding(x: Shape, padding: Dims, mode: str, field: str = "padding") -> None:
    """Raises ShapeError where the tensor is too small to be padded from its own elements."""
    for axis, n, p in zip(AXES[x.rank], x.size, padding, strict=True):
        most = {"reflect": n - 1, "circular": n}.get(mode, p)
        if p > most:
            raise ShapeError(
                f"a {axis} of {n} cannot be padded by {p} with `{mode}`",
                f"pad by at most {most}, or with zeros",
                field=field,
                code="A205",
            )


def check_groups(x: Shape, groups: int, out: int | None = None) -> None:
    """Raises ShapeError where the groups do not divide the channels that go in and come out."""
    named = {"channels": x.channels}
    if out is not None:
        named = {"input channels": x.channels, "output channels": out}
    for what, channels in named.items():
        if channels % groups:
            raise ShapeError(
                f"{groups} groups do not divide the {channels} {what}",
                f"choose a number of groups that divides the {' and the '.join(named)}",
                field="groups",
                notes=(f"{channels} = {channels // groups} * {groups} + {channels % groups}",),
                code="A204",
            )


def geometry_label(
    kernel: Dims, stride: Dims | None, groups: int = 1, dilation: Dims = (1,), *, usual: int = 1
) -> str:
    """`3×3/2 g32 d2`, leaving out what is 1, of strides the `usual` one."""
    text = "×".join(map(str, kernel))
    if stride and set(stride) != {usual}:
        text += "/" + "×".join(map(str, stride))
    if groups != 1:
        text += f" g{groups}"
    if set(dilation) != {1}:
        text += " d" + "×".join(map(str, dilation))
    return text
