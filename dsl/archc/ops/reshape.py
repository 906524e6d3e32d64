"""Rearranging and padding: the same elements in another order, or among zeros."""

from __future__ import annotations

from math import prod

from archc import symbolic
from archc.ops._field import number, option, size, width
from archc.ops._memory import Saved
from archc.ops._op import ModuleCall, Unary, op, rechannelled, register
from archc.ops._shape import Dims, Shape, Window, spread, times, torch_sides
from archc.ops.windows import AXES, check_groups, check_padding


@register
@op
class Identity(Unary):
    """The tensor as it is."""

    name = "identity"
    example = "identity"
    view = True
    gradient = "same"
    keeps_shape = True
    by_channel = True

    def torch(self, x: Shape) -> ModuleCall:
        return ModuleCall("nn.Identity")

    def inline(self, *names: str) -> str:
        return names[0]


@register
@op
class Flatten(Unary):
    """All elements of a sample in a row, as `fc` wants them: channels first, then rows."""

    name = "flatten"
    category = "reshape"
    by_channel = True
    example = "flatten"
    view = True
    gradient = "same"

    def shape(self, x: Shape) -> Shape:
        return Shape(x.features)

    def channel_arithmetic(self, *xs: Shape) -> str:
        return f"{'*'.join(map(str, xs[0].dims))} = {xs[0].features}" if xs[0].rank else ""

    def torch(self, x: Shape) -> ModuleCall:
        return ModuleCall("nn.Flatten")

    def inline(self, *names: str) -> str:
        return f"torch.flatten({names[0]}, 1)"


@register
@op
class Unflatten(Unary):
    """A feature vector back into a map: `unflatten 4x4 x512` from 8192 features."""

    name = "unflatten"
    category = "reshape"
    example = "unflatten 4x4 x2"
    view = True
    gradient = "same"
    example_input = "x32"
    ranks = (0,)

    size: Dims = size(doc="size of the map")
    out: int = width(doc="channels of the map")

    def shape(self, x: Shape) -> Shape:
        y = Shape(self.out, self.size)
        if y.features != x.channels:
            channels, left = divmod(symbolic.plain(x.channels), prod(self.size))
            whole = f"`unflatten {'x'.join(map(str, self.size))} x{channels}`"
            fitting = f"; or take all: {whole}" if channels and not left else ""
            self.refuse(
                f"{x.channels} features do not fill a map of {y}",
                f"make {y.features} features, for example `fc {y.features}`{fitting}",
                field="size",
                notes=(f"{' * '.join(map(str, y.dims))} = {y.features}",),
                code="A209",
            )
        return y

    def channel_arithmetic(self, *xs: Shape) -> str:
        return f"{self.out}, as written: {times(self.shape(*xs))} = {xs[0].channels} features"

    def torch(self, x: Shape) -> ModuleCall:
        return ModuleCall("nn.Unflatten", (1, (self.out, *self.size)))

    def label(self) -> str:
        return f"{'×'.join(map(str, self.size))}, {self.out}"


@register
@op
class Pad(Unary):
    """Adds rows around the map: `pad 1` on all sides, `pad after=1` only at the end.

    `mode` says what they hold: zeros, a mirror image, the edge repeated, or the other side.
    """

    name = "pad"
    category = "reshape"
    by_channel = True
    example = "pad 1x2 mode=reflect"
    ranks = (1, 2, 3)

    amount: Dims = size((0,), "rows on each side", minimum=0)
    before: Dims | None = option(Dims, None, "rows at the beginning", minimum=0)
    after: Dims | None = option(Dims, None, "rows at the end", minimum=0)
    mode: str = option(
        str, "zeros", "what the padding holds", ("zeros", "reflect", "replicate", "circular")
    )

    def shape(self, x: Shape) -> Shape:
        before, after = self._sides(x)
        for side in (before, after):
            check_padding(x, side, self.mode, "mode")
        sizes = (n + a + b for n, a, b in zip(x.size, before, after, strict=True))
        return Shape(x.channels, tuple(sizes))

    def arithmetic(self, x: Shape) -> tuple[str, ...]:
        sides = zip(AXES[x.rank], x.size, *self._sides(x), strict=True)
        return tuple(f"{axis}: {n} + {a} + {b} = {n + a + b}" for axis, n, a, b in sides)

    def windows(self, x: Shape) -> tuple[Window, ...]:
        return tuple(Window(before=int(b)) for b in self._sides(x)[0])

    def torch(self, x: Shape) -> ModuleCall:
        kind = {"zeros": "Zero", "reflect": "Reflection", "replicate": "Replication"}
        return ModuleCall(
            f"nn.{kind.get(self.mode, 'Circular')}Pad{x.rank}d", (torch_sides(*self._sides(x)),)
        )

    def saves(self, *xs: Shape, inplace: bool = False) -> Saved:
        return Saved(input=self.mode in ("reflect", "replicate"))

    def label(self) -> str:
        sides = {"before=": self.before, "after=": self.after}
        written = {name: side for name, side in sides.items() if side is not None}
        if len(written) < 2 and (any(self.amount) or not written):
            written = {"": self.amount, **written}
        return " ".join(name + "×".join(map(str, side)) for name, side in written.items())

    def _sides(self, x: Shape) -> tuple[Dims, Dims]:
        before = self.amount if self.before is None else self.before
        after = self.amount if self.after is None else self.after
        return spread(before, x.rank, "before"), spread(after, x.rank, "after")


@register
@op
class Widen(Unary):
    """Appends channels of zeros until there are so many.

    ResNet's shortcut without weights (option A) is `pool 1x1/2; widen x(c)`.
    He et al., arXiv:1512.03385.
    """

    name = "widen"
    category = "reshape"
    example = "widen x8"

    out: int = width(doc="channels afterwards")

    def shape(self, x: Shape) -> Shape:
        if self.out < x.channels:
            self.refuse(
                f"the tensor has {x.channels} channels already, more than {self.out}",
                f"`widen` only adds channels; `{rechannelled(x, self.out)}` can lessen them",
                field="out",
                code="A209",
            )
        return Shape(self.out, x.size)

    def channel_arithmetic(self, *xs: Shape) -> str:
        more = self.out - xs[0].channels
        return f"{xs[0].channels} + {more} = {self.out}, the new ones zeros"

    def torch(self, x: Shape) -> ModuleCall:
        return ModuleCall("Widen", (self.out,))

    def label(self) -> str:
        return str(self.out)


@register
@op
class ChannelShuffle(Unary):
    """Channel shuffle: deals the channels of each group out over all groups.

    Lets grouped convolutions in a row exchange what they found. Zhang et al., arXiv:1707.01083.
    """

    name = "shuffle"
    category = "reshape"
    example = "shuffle 2"
    ranks = (1, 2, 3)

    groups: int = number(int, doc="groups of channels", minimum=1)

    def shape(self, x: Shape) -> Shape:
        check_groups(x, self.groups)
        return x

    def torch(self, x: Shape) -> ModuleCall:
        return ModuleCall("nn.ChannelShuffle", (self.groups,))

    def label(self) -> str:
        return str(self.groups)


def _range(start: int, count: int) -> str:
    return f"those from {start} to {start + count - 1}" if count > 1 else f"number {start}"


@register
@op
class Chunk(Unary):
    """One of several equal parts of the channels: `chunk 0` and `chunk 1` are the two halves.

    `concat< chunk 0 | chunk 1; ... >; shuffle 2` is the unit of ShuffleNet V2 (Ma et al.,
    arXiv:1807.11164).
    """

    name = "chunk"
    category = "reshape"
    example = "chunk 1 of=2"
    view = True

    index: int = number(int, doc="which part, counted from 0", minimum=0)
    of: int = option(int, 2, "how many parts", minimum=1)

    def shape(self, x: Shape) -> Shape:
        if self.index >= self.of:
            self.refuse(
                f"there is no chunk {self.index} of {self.of}",
                f"chunks count from 0: the last one is {self.of - 1}",
                field="index",
                code="A209",
            )
        if x.channels % self.of:
            self.refuse(
                f"{x.channels} channels cannot be cut into {self.of} equal parts",
                "choose a number that divides them, or cut with `narrow`",
                field="of",
                notes=(
                    f"{x.channels} = {x.channels // self.of} * {self.of} + {x.channels % self.of}",
                ),
                code="A209",
            )
        return Shape(x.channels // self.of, x.size)

    def channel_arithmetic(self, *xs: Shape) -> str:
        count = xs[0].channels // self.of
        return f"{xs[0].channels} / {self.of} = {count}: {_range(self.index * count, count)}"

    def backward_scratch(self, *xs: Shape) -> int:
        return (self.of - 1) * self.shape(*xs).features  # zeros for the other parts

    def torch(self, x: Shape) -> ModuleCall:
        return ModuleCall("Chunk", (self.index, self.of))

    def inline(self, *names: str) -> str | None:
        if symbolic.is_traced(self.index) or symbolic.is_traced(self.of):
            return None
        return f"{names[0]}.chunk({self.of}, dim=1)[{self.index}]"

    def part(self) -> tuple[int, int] | None:
        return self.index, self.of

    def label(self) -> str:
        return f"{self.index} of {self.of}"


@register
@op
class Narrow(Unary):
    """Some of the channels: `narrow 16 8` takes 8 of them, from the 17th on."""

    name = "narrow"
    category = "reshape"
    example = "narrow 1 2"
    view = True

    start: int = number(int, doc="channels before it", minimum=0)
    length: int = number(int, doc="how many", minimum=1)

    def shape(self, x: Shape) -> Shape:
        end = self.start + self.length
        if end > x.channels:
            self.refuse(
                f"the tensor has {x.channels} channels, fewer than {end}",
                f"take at most {x.channels - self.start} from there"
                if self.start < x.channels
                else f"begin before channel {x.channels}",
                field="length" if self.start < x.channels else "start",
                notes=(f"{self.start} + {self.length} = {end}",),
                code="A209",
            )
        return Shape(self.length, x.size)

    def channel_arithmetic(self, *xs: Shape) -> str:
        return f"{self.length} of {xs[0].channels}: {_range(self.start, self.length)}"

    def torch(self, x: Shape) -> ModuleCall:
        return ModuleCall("Narrow", (self.start, self.length))

    def inline(self, *names: str) -> str | None:
        if symbolic.is_traced(self.start) or symbolic.is_traced(self.length):
            return None
        return f"{names[0]}[:, {self.start or ''}:{self.start + self.length}]"

    def channels_taken(self) -> tuple[int, int]:
        return self.start, self.start + self.length

    def label(self) -> str:
        return f"from {self.start}, {self.length}"
