"""What can be said of each part of a network: the columns of its tables, by name.

A column knows its convention in words, so that a table can say how it counts. Counts are those of
`archc.analysis.table`; see docs/cli.md for how other tools count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from archc.analysis.counts import Counts
from archc.analysis.receptive import Axis, Field, Number
from archc.analysis.setting import WIDTHS
from archc.ops import Shape
from archc.report.spelling.numbers import format_bytes, format_count, human, rounded
from archc.report.spelling.shapes import format_dims, format_even
from archc.report.tables import Column
from archc.source import Span


@dataclass(frozen=True, slots=True)
class Units:
    """For how many samples at a time, and in what numbers."""

    batch: int = 1
    dtype: str = "fp32"

    @property
    def width(self) -> int:
        """Bytes of a number."""
        return WIDTHS[self.dtype]


@dataclass(frozen=True, slots=True)
class Item:
    """An operator, a block, or several alike in a row; also a whole network.

    `name` is its path in the module tree, `op` the operator's or block's name or `group`,
    `statement` that with its attributes, as a file writes it. `shape` is of one sample.
    """

    name: str
    op: str
    statement: str
    shape: Shape | None
    counts: Counts  # of one sample
    field: Field = ()  # of the output
    level: int = 0  # how many blocks and groups are around it
    opened: bool = False  # what is in it follows
    training_only: bool = False  # in an auxiliary head: in training only
    again: bool = False  # with weights that an earlier one has counted
    span: Span | None = None  # where it is written; of several alike, the first


@dataclass(frozen=True, slots=True)
class Measure:
    """A column: its value for an item, how people read it, and what the number means.

    Values are plain: numbers, texts, tuples of them, or None where there is none. Shapes and other
    tuples have torch's order of dimensions.
    """

    name: str
    heading: str
    of: Callable[[Item, Units], Any]
    means: str = ""
    show: Callable[[Any], str] = str
    numeric: bool = True
    cut: bool = False

    @property
    def column(self) -> Column:
        return Column(self.name, self.heading, self.numeric, self.show, self.cut)


def _position(number: Number) -> str:
    return f"{number:g}"


def _dims(values: Sequence[Number]) -> str:
    """`7x7`."""
    return format_dims([*map(_position, values)])


def _alike(values: Sequence[Number]) -> str:
    """`4`, or `4x2` where the dimensions differ."""
    return format_even([*map(_position, values)])


def _written(dims: Sequence[int]) -> str:
    """A shape as the language writes it: `112x112 x64`."""
    return str(Shape(dims[0], tuple(dims[1:])))


def _count(get: Callable[[Counts], int]) -> Callable[[Item, Units], int]:
    """Of the parameters and the like: the same for any batch."""
    return lambda item, scale: get(item.counts)


def _each(get: Callable[[Counts], int]) -> Callable[[Item, Units], int]:
    """Of what every sample takes anew."""
    return lambda item, scale: get(item.counts) * scale.batch


def _seen(get: Callable[[Axis], Number]) -> Callable[[Item, Units], tuple[Number, ...] | None]:
    return lambda item, scale: tuple(map(get, item.field)) or None


_ALL = (
    Measure("name", "name", lambda item, scale: item.name, numeric=False),
    Measure("op", "kind", lambda item, scale: item.op, numeric=False),
    Measure(
        "statement", "operator", lambda item, scale: item.statement,
        show=rounded, numeric=False, cut=True,
    ),
    Measure(
        "shape", "output", lambda item, scale: item.shape.dims if item.shape else None,
        "the output of one sample: height x width, then channels",
        _written, numeric=False,
    ),
    Measure(
        "params", "params", _count(lambda c: c.params),
        "trainable numbers, each counted once, biases and norms too", format_count,
    ),
    Measure(
        "weights", "weights", _count(lambda c: c.weights),
        "of the parameters those of convolutions and linears, without biases (the lecture's)",
        format_count,
    ),
    Measure(
        "buffers", "buffers", _count(lambda c: c.buffers),
        "numbers of the state that are not trained, as running averages", format_count,
    ),
    Measure(
        "macs", "MACs", _each(lambda c: c.macs),
        "multiply-accumulates of convolutions and linears in eval mode, without biases", human,
    ),
    Measure("flops", "FLOPs", _each(lambda c: c.flops), "2 for each MAC, nothing else", human),
    Measure(
        "operations", "other ops", _each(lambda c: c.operations),
        "what is left out of MACs: biases, norms, activations, pools; 1 for each +, *, max or exp",
        human,
    ),
    Measure(
        "activations", "activations", _each(lambda c: c.activations),
        "elements of all operator outputs", human,
    ),
    Measure(
        "conv_activations", "conv outputs", _each(lambda c: c.conv_activations),
        "elements of the outputs of convolutions and linears (fvcore's activations)", human,
    ),
    Measure(
        "activation_bytes", "memory",
        lambda item, scale: item.counts.activations * scale.batch * scale.width,
        "operator outputs, in bytes, whether or not they overwrite their input", format_bytes,
    ),
    Measure(
        "memory", "lecture's", _each(lambda c: c.memory),
        "numbers that the lecture counts as memory: outputs without ReLU, dropout, reshaping; "
        "in all with the input", human,
    ),
    Measure(
        "field", "field", _seen(lambda axis: axis.extent),
        "receptive field: how many input elements an output element sees, padding included", _dims,
    ),
    Measure(
        "stride", "stride", _seen(lambda axis: axis.step),
        "effective stride: how far apart in the input two neighbours of the output look", _alike,
    ),
    Measure(
        "centre", "centre", _seen(lambda axis: axis.centre),
        "the input position in the middle of what the first output element sees, from 0", _alike,
    ),
    Measure(
        "intensity", "intensity",
        lambda item, scale: item.counts.intensity(scale.width, scale.batch),
        "FLOPs for each byte of inputs, parameters and outputs that an operator reads or writes",
        lambda value: f"{value:.3g}",
    ),
)  # fmt: skip
MEASURES: dict[str, Measure] = {measure.name: measure for measure in _ALL}
