"""Docstrings: what a class is, in the words of the file, and the shapes it takes and gives."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from archc import symbolic
from archc.emit.class_writer import ClassWriter
from archc.emit.instances import Lane
from archc.emit.unify import ExprWriter
from archc.emit.values import NotUnifiable
from archc.ops import Shape
from archc.plan import Tensor, outputs

_AXES = {0: "", 1: "L", 2: "HW", 3: "DHW"}


def describe(writer: ClassWriter) -> list[str]:
    """The comment above the block, and `(N, in_channels, H, W) -> (N, 4 * width, H, W).`"""
    definition = writer.definition
    if definition.block is None:
        bodies = definition.bodies
        before = [[body.inputs[at] for body in bodies] for at in range(len(bodies[0].inputs))]
        after = zip(*([tensor for _, tensor in outputs(body)] for body in bodies), strict=True)
        return [f"{_format_shapes(writer, before)} -> {_format_shapes(writer, map(list, after))}."]
    text = " ".join(definition.block.tree.doc.split())
    shapes = _shapes(writer)
    return [text, "", shapes] if text else [shapes]


def _format_shapes(writer: ClassWriter, tensors: Iterable[list[Tensor]]) -> str:
    """The network's inputs or outputs, what params change by their names."""
    texts = []
    for instances in tensors:
        shapes = [tensor.shape for tensor in instances if tensor.shape is not None]
        lanes = writer.definition.lanes
        if len({shape.rank for shape in shapes}) > 1:  # an `if` may flatten
            shapes, lanes = shapes[:1], lanes[:1]
        dims = [
            writer.format_value([s.dims[at] for s in shapes], lanes)
            for at in range(len(shapes[0].dims))
        ]
        texts.append(f"(N, {', '.join(dims)})")
    return listed(texts)


def _several(writer: ClassWriter) -> str:
    """`(N, in_channels, H, W), skip (N, skip_channels, H', W') -> (N, c, H', W').`"""
    bodies = writer.definition.bodies
    exprs = ExprWriter(writer._python_name, writer.exprs.fixed)
    entering = list(zip(*(body.inputs for body in bodies), strict=True))
    leaving = list(zip(*(body.outputs for body in bodies), strict=True))
    names = ("in", *bodies[0].input_names[1:])
    before = [
        f"{name} {_beside(writer, exprs, entering[0], x, f'{name}_channels')}"
        for name, x in zip(names, entering, strict=True)
    ]
    after = [_beside(writer, exprs, entering[0], x, "C") for x in leaving]
    return f"{', '.join(before).removeprefix('in ')} -> {', '.join(after)}."


def _beside(
    writer: ClassWriter,
    exprs: ExprWriter,
    first: tuple[Tensor, ...],
    tensors: tuple[Tensor, ...],
    otherwise: str,
) -> str:
    """A tensor of a block, its sizes in terms of those of the first that comes in."""
    definition = writer.definition
    shapes = [x.shape for x in tensors if x.shape is not None]
    known = [x.shape for x in first if x.shape is not None]
    if len({*known}) == len({*shapes}) == 1:
        return _concrete(shapes[0])
    dims = [_written(exprs, [shape.channels for shape in shapes], definition.lanes, otherwise)]
    rank = shapes[0].rank
    if any(shape.rank != rank for shape in (*shapes, *known)):
        return f"(N, {dims[0]}, ...)"
    arguments = _arguments(writer)
    for at, axis in enumerate(_AXES[rank]):
        sizes = [(x.size[at], y.size[at]) for x, y in zip(known, shapes, strict=True)]
        dims.append(_size(axis, sizes, definition.lanes, arguments))
    return f"(N, {', '.join(dims)})"


def _shapes(writer: ClassWriter) -> str:
    definition = writer.definition
    if any(len(body.inputs) > 1 or body.gives for body in definition.bodies):
        return _several(writer)
    pairs = [(b.input.shape, b.output.shape) for b in definition.bodies]
    known = [(x, y) for x, y in pairs if x is not None and y is not None]
    if len(set(known)) == 1:
        return f"{_concrete(known[0][0])} -> {_concrete(known[0][1])}."
    exprs = ExprWriter(writer._python_name, writer.exprs.fixed)
    before = [_written(exprs, [x.channels for x, _ in known], definition.lanes, "in_channels")]
    after = [_written(exprs, [y.channels for _, y in known], definition.lanes, "C")]
    rank = known[0][0].rank
    if any(x.rank != rank or y.rank not in (0, rank) for x, y in known):
        return f"(N, {before[0]}, ...) -> (N, {after[0]}, ...)."
    before += _AXES[rank]
    if all(y.rank == rank for _, y in known):
        arguments = _arguments(writer)
        for at, axis in enumerate(_AXES[rank]):
            sizes = [(x.size[at], y.size[at]) for x, y in known]
            after.append(_size(axis, sizes, definition.lanes, arguments))
    columns = known[0][1].columns
    many = "columns of " if columns else ""
    return f"(N, {', '.join(before)}) -> {many}(N, {', '.join(after)})."


def _written(exprs: ExprWriter, values: list[Any], lanes: list[Lane], otherwise: str) -> str:
    try:
        text = exprs.value(values, lanes)
    except NotUnifiable:
        return otherwise
    return otherwise if " if " in text else text


def _arguments(writer: ClassWriter) -> list[str]:
    """The block's own parameters that its class takes."""
    block = writer.definition.block
    formals = [formal.name.id for formal in block.tree.formals] if block is not None else []
    return [name for name in formals if name in writer.exprs.used]


def _size(axis: str, sizes: list[tuple[int, int]], lanes: list[Lane], arguments: list[str]) -> str:
    """One spatial size after the block: `H`, `H / stride`, `H / 2`, a number, or something else."""
    if all(before == after for before, after in sizes):
        return axis
    for name in arguments:
        divisors = [lane.env.get(name) for lane in lanes]
        if all(
            isinstance(d, int) and d > 0 and -(-n // d) == m
            for d, (n, m) in zip(divisors, sizes, strict=True)
        ):
            return f"{axis} / {name}"
    first = sizes[0]
    ratio = round(first[0] / first[1])
    if ratio > 1 and all(n // ratio == m or -(-n // ratio) == m for n, m in sizes):
        return f"{axis} / {ratio}"
    if len({after for _, after in sizes}) == 1:
        return str(first[1])
    return f"{axis}'"


def _concrete(shape: Shape | None) -> str:
    assert shape is not None
    text = f"(N, {', '.join(str(symbolic.plain(d)) for d in shape.dims)})"
    return f"columns of {text}" if shape.columns else text


def listed(names: Iterable[str]) -> str:
    """`conv3, fc6 and fc7`."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
