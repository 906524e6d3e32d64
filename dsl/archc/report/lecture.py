"""A network as the lecture tabulates VGG-16: `CONV3-64: [224x224x64] memory: 224*224*64=3.2M ...`.

CS231n's conventions: memory is a number for each output element of the input and of what computes
a new map (not of ReLU, dropout and reshaping), for one image; parameters are the weights of
convolutions and linears, without biases.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from archc import symbolic
from archc.analysis.table import Row
from archc.ops import Dims, Op, Shape
from archc.report.spelling.numbers import format_count, human
from archc.report.spelling.shapes import format_dims, format_even
from archc.report.summary import Summary
from archc.report.tables import Column, Sheet, TableLine


@dataclass(frozen=True, slots=True)
class Layer:
    """A line: sizes as the lecture writes them, how the counts come about, and the counts."""

    name: str
    dims: Dims  # height, width, channels
    product: str  # of the memory: `224*224*64=3.2M`
    memory: int
    formula: str  # of the parameters: `(3*3*3)*64 = 1,728`
    params: int
    level: int = 0

    @property
    def text(self) -> str:
        shape = f"[{format_dims(self.dims)}]"
        return f"{self.name}: {shape} memory: {self.product} params: {self.formula}"


@dataclass(frozen=True, slots=True)
class Lecture:
    """The lecture's table of a network; `heads` are auxiliary ones, which the sums leave out."""

    network: str
    layers: tuple[Layer, ...]
    heads: tuple[Layer, ...]
    memory: int
    params: int
    width: int  # bytes of a number
    left_out: str  # what else the network has that the parameters do not count

    @classmethod
    def of(cls, summary: Summary) -> Lecture:
        """Every layer by itself; `depth` closes blocks."""
        table, counts = summary.table, summary.counts
        rows = [row for row in table.rows(summary.depth) if not row.opened]
        main = [_layer(row) for row in rows if not row.training_only and row.counts.memory]
        heads = [_layer(row) for row in rows if row.training_only and row.counts.memory]
        inputs = [_input(shape) for _, shape in table.inputs]
        in_heads = sum(row.counts.weights for row in rows if row.training_only)
        ops = [row.part.op for row in table.rows() if row.part.op and row.part.counts.params]
        norms = any(op.category == "norm" for op in ops)
        return cls(
            table.heading,
            (*inputs, *main),
            tuple(heads),
            counts.memory,
            counts.weights - in_heads,
            summary.scale.width,
            "biases and norms" if norms else "biases",
        )

    def text(self) -> str:
        """Line by line, then the sums."""
        first, *others = self.layers
        lines = [f"{first.text} (not counting {self.left_out})", *(x.text for x in others)]
        if self.heads:
            lines += ["", "AUXILIARY HEADS (while training only, not in the totals):"]
            lines += [head.text for head in self.heads]
        return "\n".join((*lines, "", self.network, *self._totals())) + "\n"

    def _totals(self) -> tuple[str, str]:
        total = self.memory * self.width
        return (
            f"TOTAL memory: {self.memory:,} * {self.width} bytes = {total / 1e6:,.2f}MB / image "
            "(only forward! ~*2 for bwd)",
            f"TOTAL params: {self.params:,} parameters (not counting {self.left_out})",
        )

    def sheet(self) -> Sheet:
        """The same for Markdown, LaTeX and CSV."""
        columns = (
            Column("layer", "layer"),
            Column("shape", "output", show=format_dims),
            Column("memory", "memory", numeric=True, show=format_count),
            Column("params", "params", numeric=True, show=format_count),
        )
        lines = [TableLine((x.name, x.dims, x.memory, x.params)) for x in self.layers]
        note = f"memory: numbers that one image's outputs hold; params: without {self.left_out}"
        return Sheet(columns, lines, self.network, self._totals(), (note,))


# --- lines -------------------------------------------------------------------------------


def _input(shape: Shape) -> Layer:
    dims = _hwc(shape)
    return Layer("INPUT", dims, _product(dims), prod(dims), "0", 0)


def _layer(row: Row) -> Layer:
    op, dims, counts = row.part.op, _hwc(row.part.output), row.counts
    if op is None:
        product, formula = rounded(counts.memory), format_count(counts.weights)
        return Layer(row.key, dims, product, counts.memory, formula, counts.weights)
    formula = "0" if row.again or not counts.weights else _formula(row, op)
    name = _name(op, row.part.inputs[0], row.part.output)
    return Layer(name, dims, _product(dims), counts.memory, formula, counts.weights)


def _hwc(shape: Shape) -> Dims:
    """Channels last; a vector is a map of 1x1."""
    return (*(shape.size or (1, 1)), shape.channels)


def _product(dims: Dims) -> str:
    """`224*224*64=3.2M`; a vector's is its length."""
    if all(extent == 1 for extent in dims[:-1]):
        return str(dims[-1])
    return f"{'*'.join(map(str, dims))}={rounded(prod(dims))}"


def rounded(number: int) -> str:
    """`3.2M`, `150K`, `25K`: two digits and a unit, as the lecture rounds."""
    digits = len(str(number)) - 2
    short = human(round(number, -digits)) if digits > 0 and number >= 10_000 else str(number)
    mantissa, unit = (short[:-1], short[-1]) if short[-1].isalpha() else (short, "")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return mantissa + unit.upper()


def _formula(row: Row, op: Op) -> str:
    """`(3*3*3)*64 = 1,728`; of a linear `7*7*512*4096 = 102,760,448`."""
    filters = op.filters(*row.part.inputs)
    if filters is None:
        return format_count(row.counts.weights)
    span, count = filters
    if op.category == "linear":
        span = _hwc(row.part.map) if row.part.map is not None else span
        factors = [extent for extent in span[:-1] if extent != 1]
        terms = "*".join(map(str, (*factors, span[-1], count)))
    else:
        terms = f"({'*'.join(map(str, span))})*{count}"
    return f"{terms} = {row.counts.weights:,}"


def _name(op: Op, x: Shape, y: Shape) -> str:
    """`CONV3-64`, `CONV7-64/2`, `POOL2`, `FC`; what is not usual of the kind comes after it."""
    windows = symbolic.plain(getattr(op, "kernel", None))
    if windows is None:
        return op.name.upper()
    kernel = format_even(windows)
    filters = f"-{y.channels}" if op.category == "conv" else ""
    usual = windows if op.category == "pool" else (1,)
    stride = symbolic.plain(getattr(op, "stride", None)) or usual
    strides = "" if set(stride) == set(usual) else f"/{format_even(stride)}"
    return f"{op.name.upper()}{kernel}{filters}{strides}"
