"""Shapes without the batch, windows over them, and what does not fit."""

from __future__ import annotations

from typing import TypeVarTuple

from archc import symbolic
from archc.record import record

Dims = tuple[int, ...]  # one number for every dimension, or one a dimension
Xs = TypeVarTuple("Xs")  # the shapes that an operator takes


@record
class Shape:
    """A tensor without its batch: channels, then spatial sizes in torch's order (D, H, W).

    A feature vector has no spatial sizes. `columns` > 0 is a bundle of that many tensors of
    this shape, waiting for a `join`.
    """

    channels: int
    size: Dims = ()
    columns: int = 0

    @property
    def rank(self) -> int:
        return len(self.size)

    @property
    def features(self) -> int:
        """How many elements the tensor has."""
        total = self.channels
        for extent in self.size:
            total = total * extent
        return total

    @property
    def dims(self) -> Dims:
        """C, D, H, W: torch's order."""
        return (self.channels, *self.size)

    def __str__(self) -> str:
        text = f"{'x'.join(map(str, self.size))} x{self.channels}".lstrip()
        return f"{self.columns} columns of {text}" if self.columns else text


@record
class Window:
    """What one output element sees of the input along one dimension.

    Output element i sees the `extent` input elements from `stride * i - before` on. Where the
    output is the larger one, or windows adapt, these are fractions: the elements that lie in
    between. A stride of 0: every output element sees the same.
    """

    extent: float = 1
    stride: float = 1
    before: float = 0

    @property
    def most(self) -> int:
        """How many input elements an output element sees, at most."""
        return int(self.extent + 1e-9)


class ShapeError(Exception):
    """Operator and tensor do not go together. Knows no position: the caller adds it.

    `field` names the attribute at fault, `notes` hold the arithmetic with the user's numbers,
    `hint` is a cure in words and `code` the entry of `archc explain`. Where the cure is an edit,
    `rewrite` says which field should be written how (not at all, if empty), and `before` what
    statement should stand before this one.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        field: str | None = None,
        notes: tuple[str, ...] = (),
        code: str = "A200",
        rewrite: tuple[str, str] | None = None,
        before: str = "",
    ) -> None:
        super().__init__(message)
        self.message, self.hint, self.field = message, hint, field
        self.notes, self.code = notes, code
        self.rewrite, self.before = rewrite, before


def spread(dims: Dims, rank: int, field: str) -> Dims:
    """`dims` with one number a dimension.

    Raises ShapeError where the user gave, say, two numbers for a 3-D tensor.
    """
    if len(dims) == rank:
        return dims
    if len(dims) == 1:
        return dims * rank
    noun = "window" if field == "kernel" else field
    raise ShapeError(
        f"{noun} has {len(dims)} numbers, but the tensor has {rank} spatial "
        f"dimension{'s' * (rank != 1)}",
        f"give one number for all dimensions, or {rank}",
        field=field,
        code="A206",
    )


def times(x: Shape) -> str:
    """Its elements as a product: `55*55*96`."""
    return "*".join(str(n) for n in (*x.size, x.channels))


def squeeze(dims: Dims) -> int | Dims:
    """How torch code writes it: one number where all are equal, by their expressions too."""
    first = dims[0]
    if any(d != first for d in dims):
        return dims
    alike = not any(map(symbolic.is_traced, dims)) or len(set(map(symbolic.expr_of, dims))) == 1
    return first if alike else dims


def torch_sides(before: Dims, after: Dims) -> int | Dims:
    """Padding as torch wants it: the last dimension first, one number where all are equal."""
    pairs = tuple(zip(before, after, strict=True))[::-1]
    return squeeze(tuple(n for pair in pairs for n in pair))
