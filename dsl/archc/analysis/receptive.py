"""Receptive fields: which part of the input an element of a tensor sees.

The formulas are those of Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional
Neural Networks" (Distill 2019, doi:10.23915/distill.00021), carried forward from the input: a
window of `extent` at `stride` after padding `before`, on elements that are `step` inputs apart,

    first' = first - before * step
    last'  = last + (extent - 1 - before) * step
    step'  = step * stride

A tensor that several branches lead to sees what any of them sees. Padding is part of a field, so
that a field can be larger than the input, and so are elements that the last window of a pool with
`ceil` lacks. Where maps are enlarged or windows adapt, steps are fractions, and a field is what
holds all that an element sees: it is not exact.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import floor

from archc.ops import Shape, Window

Number = float  # an int wherever no operator enlarges the map


@dataclass(frozen=True, slots=True)
class Axis:
    """What element 0 sees along one dimension of the input; element i sees it `i * step` later."""

    first: Number = 0  # the first input element; negative in the padding
    last: Number = 0
    step: Number = 1  # the effective stride, also called jump
    exact: bool = True  # or rather: what each element sees is somewhere in it

    @property
    def extent(self) -> int:
        """How many input elements; at most, where the field is not exact."""
        return floor(self.last - self.first + 1 + 1e-6)

    @property
    def centre(self) -> Number:
        """The position in the input of the middle of what element 0 sees; 0 is the first."""
        return (self.first + self.last) / 2

    def through(self, window: Window) -> Axis:
        """After an operator with this window."""
        return Axis(
            self.first - window.before * self.step,
            self.last + (window.extent - 1 - window.before) * self.step,
            self.step * window.stride,
            self.exact and float(window.stride).is_integer() and float(window.before).is_integer(),
        )

    def then(self, inner: Axis) -> Axis:
        """`inner` is in terms of a tensor that has this field; the same in terms of the input."""
        return Axis(
            self.first + inner.first * self.step,
            self.last + inner.last * self.step,
            self.step * inner.step,
            self.exact and inner.exact,
        )


Field = tuple[Axis, ...]  # an axis for each spatial dimension of the input


def start(rank: int) -> Field:
    """The field of the input itself."""
    return (Axis(),) * rank


def through(field: Field, windows: tuple[Window, ...], x: Shape) -> Field:
    """After an operator with these windows on a tensor of shape `x`.

    A feature vector sees what the whole map saw that it was made of, and so does all that comes
    of it, a map too.
    """
    if len(windows) == len(field) == x.rank:
        return tuple(axis.through(window) for axis, window in zip(field, windows, strict=True))
    if x.rank != len(field):
        return field
    sides = zip(field, x.size, strict=True)
    return tuple(replace(axis.through(Window(int(n))), step=0) for axis, n in sides)


def then(field: Field, inner: Field) -> Field:
    """`inner`, in terms of a tensor that has this field, in terms of the input."""
    if len(field) != len(inner):
        return field
    return tuple(outer.then(axis) for outer, axis in zip(field, inner, strict=True))


def union(fields: Iterable[Field], xs: Iterable[Shape], y: Shape) -> Field:
    """What a tensor of shape `y` sees that is merged of tensors of shapes `xs` with these fields.

    Element i is made of element i of each, or of the only one of a map that is stretched, as a
    gate from global pooling is. Where branches advance differently, the field is one that holds
    what any element sees, and more than some do.
    """
    several = list(zip(fields, xs, strict=True))
    rank = max((len(field) for field, _ in several), default=0)
    alike = [_stretched(field, x, y) for field, x in several if len(field) == rank]
    if len(alike) == 1 or rank == 0:
        return alike[0] if alike else ()
    counts = y.size if y.rank == rank else (1,) * rank
    return tuple(map(_together, zip(*alike, strict=True), counts))


def _stretched(field: Field, x: Shape, y: Shape) -> Field:
    """The field of a tensor whose single row or column stands for all of `y`'s."""
    if len(field) != x.rank or x.size == y.size:
        return field
    sides = zip(field, x.size, y.size, strict=True)
    return tuple(replace(axis, step=0) if n < m else axis for axis, n, m in sides)


def _together(axes: tuple[Axis, ...], count: int) -> Axis:
    """What element i of `count` sees that sees what element i of each does."""
    steps, far = [round(axis.step, 9) for axis in axes], count - 1
    exact = all(axis.exact for axis in axes) and len(set(steps)) == 1
    widest = max(steps)
    if 0 in steps and widest:  # one of them sees the same everywhere: most likely, all there is
        last = max(axis.last + far * axis.step for axis in axes)
        return Axis(min(axis.first for axis in axes), last, 0, exact)
    firsts = (a.first - far * (widest - s) for a, s in zip(axes, steps, strict=True))
    step = max(axis.step for axis in axes)
    return Axis(min(firsts), max(axis.last for axis in axes), step, exact)
