"""Shapes while a network unfolds: operators on tensors, and numbers across a block's border."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from archc import symbolic
from archc.ops import Op, Shape, ShapeError
from archc.ops.linear import Fc
from archc.plan import BlockValue

_LARGEST = 10**15  # of one dimension


def fit(op: Op, shapes: tuple[Shape, ...]) -> Shape:
    """The output shape of an operator. Raises ShapeError."""
    least, most = op.inputs
    first = shapes[0]
    if not op.bundles and any(x.columns for x in shapes):
        title = f"`{op.name}` takes single tensors, not columns"
        if not first.columns:
            raise ShapeError(title, "label what `join` makes of them, and take that", code="A208")
        raise ShapeError(title, "put `join` before it", code="A208", before="join")
    if first.rank not in op.ranks:
        raise _wrong_rank(op, first)
    if len(shapes) < least or (most is not None and len(shapes) > most):
        raise ShapeError(f"`{op.name}` takes {least} tensors, not {len(shapes)}", code="A408")
    shape = op.shape(*shapes)
    if max(shape.dims) > _LARGEST:
        raise ShapeError("the result would be too large to be a tensor", code="A202")
    if min(shape.dims) < 1:
        raise ShapeError(f"the result would be {shape}: nothing is left", code="A202")
    return shape


@lru_cache(10_000)
def fit_plain(op: Op, shapes: tuple[Shape, ...]) -> Shape:
    """`fit` of numbers that remember nothing: the same wherever it stands."""
    return fit(op, shapes)


def _wrong_rank(op: Op, shape: Shape) -> ShapeError:
    words = {0: "a feature vector", 1: "a signal", 2: "an image", 3: "a volume"}
    needed = " or ".join(words[rank] for rank in op.ranks)
    before = "flatten" if op.ranks == (0,) else ""
    hint = "put `flatten` before it" if before else ""
    if op.category == "linear" and shape.features == shape.channels:
        hint += "; where a map is wanted again, `conv 1x1 x(n)` is the same as `fc (n)` there"
    elif isinstance(op, Fc):
        hint += ", or `gap; flatten` for the mean of the map"
        hint += f"; or write `fc {op.out} each` for one at every position"
    if shape.rank == 0:
        hint = f"put `{op.name}` before the `flatten`"
    title = f"`{op.name}` takes {needed}, not {words[shape.rank]} of {shape}"
    return ShapeError(title, hint, code="A202", before=before)


def traced_shape(shape: Shape, sizes: bool, of: str = "in") -> Shape:
    """The shape of a block's input, named `in.c` and, with `sizes`, `in.h` ... inside the block.

    `of` is what it is called there: `in`, or `@skip`.
    """
    names = sizes_of(of, shape)
    size = symbolic.plain(shape.size)
    if sizes:
        axes = reversed(list(names)[1:])
        size = tuple(symbolic.traced(n, symbolic.var(a)) for n, a in zip(size, axes, strict=True))
    channels = symbolic.traced(symbolic.plain(shape.channels), symbolic.var(f"{of}.c"))
    return Shape(channels, size, shape.columns)


def sizes_of(of: str, shape: Shape) -> dict[str, Any]:
    """The numbers of a block's input by their names inside: channels, width, height, depth."""
    names = (f"{of}.{axis}" for axis in "cwhd")
    return dict(zip(names, (shape.channels, *reversed(shape.size)), strict=False))


def traced_argument(name: str, value: Any) -> Any:
    if isinstance(value, tuple):
        return symbolic.traced_list(symbolic.plain(value), symbolic.var(name))
    return symbolic.traced(symbolic.plain(value), symbolic.var(name))


def outside(
    shape: Shape,
    args: Mapping[str, Any],
    traces: Mapping[str, symbolic.Expr | None],
    inputs: Mapping[str, Shape],
    block: BlockValue,
) -> tuple[Shape, bool]:
    """A block's output shape in the caller's terms; `inputs` by what they are called inside.

    And whether it hangs on anything that those terms cannot say: something true or false, or the
    size of a map. `traces` are the expressions of what is true or false among `args`.
    """
    names = {name for dim in shape.dims if symbolic.is_traced(dim) for name in dim.variables}  # type: ignore[attr-defined]
    if not names:
        return plain_shape(shape), False
    constants = block.home.constants
    sizes: dict[str, Any] = {}
    for of, x in inputs.items():
        sizes |= sizes_of(of, x)
    env: dict[str, symbolic.Expr] = {}
    hangs = False  # on anything that is not a plain number in the caller
    unsaid = False
    for name in names:
        given = args.get(name)
        if isinstance(given, bool):
            if (truth := traces.get(name)) is not None:
                env[name], hangs = truth, True
            unsaid = unsaid or truth is None
            continue
        known = given if isinstance(given, int | float) else sizes.get(name)
        if known is None and symbolic.is_traced(constants.get(name)):
            known = constants[name]
        if known is not None:
            env[name] = symbolic.expr_of(known)  # worked out where it is asked for
            hangs = hangs or symbolic.is_traced(known)
        is_plain_size = name in sizes and not name.endswith(".c") and not symbolic.is_traced(known)
        unsaid = unsaid or known is None or is_plain_size
    said = (retrace(shape, env, keep=False) or shape) if hangs else plain_shape(shape)
    return said, unsaid


def is_traced_shape(shape: Shape | None) -> bool:
    """Whether any of its numbers remembers where it is from."""
    return shape is not None and any(map(symbolic.is_traced, shape.dims))


def plain_shape(shape: Shape) -> Shape:
    """The shape as numbers that remember nothing."""
    return Shape(symbolic.plain(shape.channels), symbolic.plain(shape.size), shape.columns)


def retrace(
    shape: Shape | None, env: Mapping[str, symbolic.Expr], keep: bool = True
) -> Shape | None:
    """`shape` with variables of its expressions replaced; unknown ones stay if `keep`."""
    if shape is None or not is_traced_shape(shape):
        return shape

    def dim(value: Any) -> Any:
        if not symbolic.is_traced(value):
            return value
        names = value.expr.variables()
        known = {
            name: env[name] if name in env else symbolic.var(name)
            for name in names
            if keep or name in env
        }
        if len(known) < len(names):
            return symbolic.plain(value)
        return symbolic.traced(symbolic.plain(value), symbolic.substitute(value.expr, known))

    return Shape(dim(shape.channels), tuple(map(dim, shape.size)), shape.columns)


def generalised(shape: Shape, channels: list[Any], count: Any) -> Shape:
    """Channels after a loop whose count is a parameter: first + count * step, where that holds."""
    exprs = [symbolic.expr_of(c) for c in channels]
    if len(exprs) < 2:
        return shape
    step = symbolic.add(exprs[1], symbolic.scale(exprs[0], -1))
    last = symbolic.add(exprs[0], symbolic.scale(step, len(exprs) - 1))
    if dict(last.terms) != dict(exprs[-1].terms) or not step.terms:
        return shape
    whole = symbolic.add(exprs[0], symbolic.multiply(symbolic.expr_of(count), step))
    return Shape(symbolic.traced(symbolic.plain(shape.channels), whole), shape.size, shape.columns)
