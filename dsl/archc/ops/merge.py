"""Merges: operators that bring several tensors together, the ends of the combinators.

`concat`, `columns` and `join` want the same size of all; the others stretch a size of 1 and a
single channel, so that a gate can weigh channels or positions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, NoReturn

from archc.ops._field import option
from archc.ops._memory import Saved
from archc.ops._op import Keyword, ModuleCall, Nary, Op, Shared, op, rechannelled, register
from archc.ops._shape import Shape, ShapeError
from archc.ops.pointwise import Times
from archc.ops.windows import AXES


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'s' * (n != 1)}"


def _disagree(xs: tuple[Shape, ...], note: str, hint: str) -> NoReturn:
    if len(xs) == 2:
        both = f"{xs[0]} and {xs[1]}"
    else:
        both = ", ".join(map(str, xs[:-1])) + f" and {xs[-1]}"
    raise ShapeError(f"branches disagree: {both}", hint, notes=(note,) if note else (), code="A207")


def check_kinds(xs: tuple[Shape, ...], stretch: bool = True) -> None:
    """Raises ShapeError for a bundle, and where a vector meets a map, or a signal an image."""
    if any(x.columns for x in xs):
        raise ShapeError(
            "a bundle of columns cannot be merged with other tensors",
            "put `join` behind the columns",
            code="A208",
        )
    ranks = [x.rank for x in xs]
    if len(set(ranks)) > 1:
        counts = (f"branch {i}: {_count(r, 'spatial dimension')}" for i, r in enumerate(ranks, 1))
        hint = _kinds_hint(xs, stretch)
        _disagree(xs, "; ".join(counts), hint)


def _kinds_hint(xs: tuple[Shape, ...], stretch: bool) -> str:
    """What brings a vector and a map together, written out."""
    vector = next((x for x in xs if not x.rank), None)
    maps = [x for x in xs if x.rank]
    if vector is None or len({x.rank for x in maps}) > 1:
        return "bring all branches to the same number of dimensions"
    ones, size = "x".join("1" * maps[0].rank), "x".join(map(str, maps[0].size))
    as_map = f"`unflatten {ones} x{vector.channels}`"
    if stretch:
        if vector.channels not in (1, maps[0].channels):
            as_map = f"`fc {maps[0].channels}; unflatten {ones} x{maps[0].channels}`"
        return (
            f"end the branch of {vector} with {as_map}, or leave out its `flatten`: a {ones} map "
            f"is stretched (on one, `conv {ones} x(n)` is what `fc (n)` is behind `flatten`)"
        )
    larger = f"{as_map[:-1]}; upsample to={size}`" if set(maps[0].size) != {1} else as_map
    return (
        f"for a map, end the branch of {vector} with {larger}; for a vector, the branch of "
        f"{maps[0]} with `flatten`"
    )


def merge_sizes(xs: tuple[Shape, ...], stretch: bool) -> tuple[int, ...]:
    """The common size. With `stretch`, 1 goes with anything. Raises ShapeError."""
    check_kinds(xs, stretch)
    sizes = []
    for at, axis in enumerate(AXES[xs[0].rank] if xs[0].rank else ()):
        extents = [x.size[at] for x in xs]
        wanted = next((n for n in extents if n != 1), 1) if stretch else extents[0]
        if any(n != wanted and not (stretch and n == 1) for n in extents):
            _disagree(
                xs,
                f"{axis}: " + ", ".join(f"{n} in branch {i}" for i, n in enumerate(extents, 1)),
                _size_hint(extents),
            )
        sizes.append(wanted)
    return tuple(sizes)


def _size_hint(extents: list[int]) -> str:
    large, small = max(extents), min(extents)
    if len(set(extents)) == 2 and large % small == 0:
        return f"give the branch with {large} a stride of {large // small}, or the other one less"
    return (
        "give all branches the same stride, and padding that keeps the size (`same`); "
        "or bring one to the size of another: `upsample to=@label`, `crop to=@label`"
    )


def _merge_channels(xs: tuple[Shape, ...], stretch: bool) -> int:
    channels = [x.channels for x in xs]
    wanted = next((c for c in channels if c != 1), channels[0]) if stretch else channels[0]
    if any(c != wanted and not (stretch and c == 1) for c in channels):
        _disagree(
            xs,
            "channels: " + ", ".join(f"{c} in branch {i}" for i, c in enumerate(channels, 1)),
            f"end each branch with the same {'channels' if xs[0].rank else 'features'}, "
            f"for example `{rechannelled(xs[0], max(channels))}`",
        )
    return wanted


@register
@op
class Concat(Nary):
    """The branches' channels one after another; all must have the same size."""

    name = "concat"
    category = "merge"
    example = "concat< conv 1x1 x2 | conv 3x3 p1 x3 >"
    gradient = "part"
    inputs = (1, None)

    def shape(self, *xs: Shape) -> Shape:
        sizes = merge_sizes(xs, stretch=False)
        return Shape(sum(x.channels for x in xs), sizes)

    def channel_arithmetic(self, *xs: Shape) -> str:
        each = " + ".join(str(x.channels) for x in xs)
        return f"{each} = {sum(x.channels for x in xs)}" if len(xs) > 1 else ""

    def inline(self, *names: str) -> str:
        return f"torch.cat([{', '.join(names)}], 1)"


@op
class Elementwise(Nary):
    """Two tensors at a time, element by element: a, b and c as (a, b), c."""

    category = "merge"
    inputs: ClassVar[tuple[int, int | None]] = (1, None)

    def shape(self, *xs: Shape) -> Shape:
        sizes = merge_sizes(xs, stretch=True)
        return Shape(_merge_channels(xs, stretch=True), sizes)

    def operations(self, *xs: Shape) -> int:
        return (len(xs) - 1) * self.shape(*xs).features

    def in_pairs(self, count: int) -> tuple[Op, Op | None]:
        """What is done with two at a time until one is left, and then with that."""
        return self, None

    def passes_through(self, inputs: int, *, training: bool) -> bool:
        return inputs == 1

    def remarks(self, *xs: Shape) -> tuple[str, ...]:
        y = self.shape(*xs)
        small = dict.fromkeys(x for x in xs if x != y)
        return tuple(f"{x} is stretched to {y}" for x in small)


@register
@op
class Add(Elementwise):
    """The sum of the branches, element by element; a 1x1 map or single channel is stretched.

    With `residual<body | shortcut>` it is body(x) + shortcut(x). He et al., arXiv:1512.03385.
    """

    name = "add"
    example = "add< conv 1x1 x4 | identity >"
    gradient = "same"

    def inline(self, *names: str) -> str:
        return " + ".join(names)


@register
@op
class Sub(Elementwise):
    """The first branch minus the second; a 1x1 map or single channel is stretched."""

    name = "sub"
    example = "sub< conv 1x1 x4 | identity >"
    inputs = (2, 2)

    def inline(self, *names: str) -> str:
        return " - ".join(names)


@register
@op
class Mul(Elementwise):
    """The product of the branches, element by element; a 1x1 map or single channel is stretched.

    `mul< identity | gap; conv 1x1 x(in.c); sigmoid >` weighs the channels, as
    squeeze-and-excitation does (Hu et al., arXiv:1709.01507).
    """

    name = "mul"
    example = "mul< identity | gap; conv 1x1 x4; sigmoid >"

    def saves(self, *xs: Shape, inplace: bool = False) -> Saved:
        return Saved(input=len(xs) > 1)

    def backward_scratch(self, *xs: Shape) -> int:
        y = self.shape(*xs)
        return y.features if any(x != y for x in xs) else 0  # before it is summed to x's size

    def inline(self, *names: str) -> str:
        return " * ".join(names)


@register
@op
class Mean(Elementwise):
    """The mean of the branches, element by element; a 1x1 map or single channel is stretched."""

    name = "mean"
    example = "mean< conv 1x1 x4 | identity >"

    def operations(self, *xs: Shape) -> int:
        return (len(xs) if len(xs) > 1 else 0) * self.shape(*xs).features  # the last one divides

    def in_pairs(self, count: int) -> tuple[Op, Op | None]:
        return Add(), Times(factor=1 / count)

    def inline(self, *names: str) -> str:
        if len(names) == 1:
            return names[0]
        return f"({' + '.join(names)}) / {len(names)}"


@register
@op
class Max(Elementwise):
    """The largest of the branches, element by element; a 1x1 map or single channel is stretched.

    With two halves of a convolution it is maxout (Goodfellow et al., arXiv:1302.4389).
    """

    name = "max"
    example = "max< conv 1x1 x4 | identity >"

    def saves(self, *xs: Shape, inplace: bool = False) -> Saved:
        return Saved(input=len(xs) > 1)

    def backward_scratch(self, *xs: Shape) -> int:
        # Which is larger, and which is equal, in bytes; half the gradient; what each one gets.
        return 5 * self.shape(*xs).features // 2 if len(xs) > 1 else 0

    def inline(self, *names: str) -> str:
        text = names[0]
        for name in names[1:]:
            text = f"torch.maximum({text}, {name})"
        return text


def merge_alike(xs: tuple[Shape, ...]) -> Shape:
    """The shape that all tensors have. Raises ShapeError."""
    plain = tuple(Shape(x.channels, x.size) for x in xs)
    sizes = merge_sizes(plain, stretch=False)
    return Shape(_merge_channels(plain, stretch=False), sizes)


def _width(xs: tuple[Shape, ...]) -> int:
    """How many columns arrive: a bundle counts with all of its own."""
    return sum(x.columns or 1 for x in xs)


@register
@op
class Columns(Nary):
    """The branches side by side, not yet merged: a bundle for `join`.

    A bundle among the branches is spliced, so joins that meet are one. Put the deepest branch
    first: then column i is the same path through all the joins of a fractal network.
    """

    name = "columns"
    category = "merge"
    example = "columns< conv 1x1 x4 | identity >; join"
    inputs = (1, None)
    bundles = True

    def shape(self, *xs: Shape) -> Shape:
        column = merge_alike(xs)
        return Shape(column.channels, column.size, _width(xs))

    def inline(self, *names: str) -> str:
        return f"[{', '.join(names)}]"


@register
@op
class Join(Nary):
    """FractalNet's join: the mean of the columns, or of those alive under drop-path.

    Takes a bundle, or branches of its own. While training, half of the mini-batches drop locally:
    each join drops each of its columns with probability `droppath`, all but at least one. The
    other half drop globally: a single column, drawn for the whole network, is left.
    Larsson et al., arXiv:1605.07648.
    """

    name = "join"
    category = "merge"
    example = "join droppath=0.15< conv 1x1 x4 | identity >"
    inputs = (1, None)
    bundles = True

    droppath: float = option(float, 0.0, "probability of dropping a column", minimum=0, maximum=1)

    def shape(self, *xs: Shape) -> Shape:
        return merge_alike(xs)

    def operations(self, *xs: Shape) -> int:
        columns = _width(xs)
        return (columns if columns > 1 else 0) * self.shape(*xs).features

    def remarks(self, *xs: Shape) -> tuple[str, ...]:
        columns = _width(xs)
        return (f"the mean of {_count(columns, 'column')}",)

    def torch(self, *xs: Shape) -> ModuleCall:
        return ModuleCall("Join", (), (Keyword("droppath", self.droppath, 0.0),))

    def in_eval(self) -> Op:
        made: Op = replace(self, droppath=0.0)
        return made

    @property
    def gradient(self) -> str:
        return "new" if self.droppath else "one"

    def scratch(self, *xs: Shape, training: bool) -> int:
        columns, size = _width(xs), self.shape(*xs).features
        if training and self.droppath:
            return (columns + (columns > 2)) * size  # each times its weight, and a sum of some
        return (columns > 1) * size  # their sum

    def shared(self, *xs: Shape) -> Shared | None:
        return Shared("PathSampler", "paths", _width(xs)) if self.droppath else None

    def label(self) -> str:
        return f"droppath {self.droppath:g}" if self.droppath else ""
