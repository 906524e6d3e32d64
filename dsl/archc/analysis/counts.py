"""What an operator, a block or a network takes and does, in numbers that add up."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, replace

from archc.analysis.costs import cost_of
from archc.ops import Op, Shape, scalars
from archc.plan import Apply

# Operators whose output the lecture's memory column counts: a ReLU works in place, and what only
# rearranges needs no memory of its own.
_STORED = ("conv", "linear", "pool", "norm", "merge")


@dataclass(frozen=True, slots=True)
class Counts:
    """Sums for one sample.

    Auxiliary heads, which run while training only, add to `params`, `weights`, `buffers`,
    `side_macs` and `side_params` alone.
    """

    params: int = 0  # trainable scalars, each once
    weights: int = 0  # of them those of convolutions and linears, without biases
    buffers: int = 0  # scalars of the state that are not trained
    macs: int = 0  # multiply-accumulates of convolutions and linears, without biases
    side_macs: int = 0
    side_params: int = 0  # of `params`
    operations: int = 0  # beside the MACs: see Op.operations
    activations: int = 0  # elements of the outputs of all operators
    conv_activations: int = 0  # of them those of convolutions and linears: as fvcore and RegNet
    memory: int = 0  # of them those that the lecture's memory column has
    elements_moved: int = 0  # read and written: inputs, parameters and outputs of each operator
    parameter_reads: int = 0  # of them the parameters, which a mini-batch needs once
    operators: int = 0  # how many run

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(a + b for a, b in zip(_values(self), _values(other), strict=True)))

    @property
    def flops(self) -> int:
        """Floating point operations: 2 for each MAC, nothing else."""
        return 2 * self.macs

    def intensity(self, width: int = 4, batch: int = 1) -> float | None:
        """FLOPs for each byte moved, at `width` bytes an element; None where nothing is moved."""
        moved = (self.elements_moved - self.parameter_reads) * batch + self.parameter_reads
        return self.flops * batch / (moved * width) if moved else None

    def times(self, count: int) -> Counts:
        """Of so many that are alike."""
        return Counts(*(count * value for value in _values(self)))

    def repeated(self) -> Counts:
        """Of a run with weights that an earlier one has counted."""
        return replace(self, params=0, weights=0, buffers=0, side_params=0)

    def auxiliary(self) -> Counts:
        """What an auxiliary head that takes this much adds to its network."""
        macs = self.macs + self.side_macs
        state = self.params, self.weights, self.buffers
        return Counts(*state, side_macs=macs, side_params=self.params)


_FIELDS = tuple(f.name for f in dataclasses.fields(Counts))


def _values(counts: Counts) -> Iterator[int]:
    return (getattr(counts, name) for name in _FIELDS)


def counts_of(node: Apply, inputs: tuple[Shape, ...], y: Shape) -> Counts:
    """Count what one operator takes and does; shapes in plain numbers, bundles opened."""
    op, cost = node.op, cost_of(node)
    elements = y.features
    read = sum(x.features for x in inputs)
    filters = op.category in ("conv", "linear")
    idle = op.passes_through(len(inputs), training=False)
    params = 0 if idle else _params(op, inputs)
    return Counts(
        cost.params,
        cost.weights,
        cost.buffers,
        cost.macs,
        operations=int(op.operations(*inputs)),
        activations=elements,
        conv_activations=elements if filters else 0,
        memory=elements if op.category in _STORED and not _does_nothing(op, inputs, y) else 0,
        elements_moved=0 if idle else read + elements + params,
        parameter_reads=params,
        operators=1,
    )


def _does_nothing(op: Op, inputs: tuple[Shape, ...], y: Shape) -> bool:
    """A pool that is the identity at this size."""
    single = all(window.extent == window.stride == 1 for window in op.windows(*inputs))
    return op.category == "pool" and single and inputs[0] == y


def _params(op: Op, inputs: tuple[Shape, ...]) -> int:
    return scalars(op.weights(*inputs).values())
