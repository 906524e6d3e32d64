"""What one operator holds and keeps on tensors of its shapes, before anything is run."""

from __future__ import annotations

from dataclasses import dataclass

from archc.ops import Saved, Shape, scalars
from archc.plan import Apply


@dataclass(frozen=True, slots=True)
class OpFacts:
    """What all applications of an operator to tensors of the same shapes have in common.

    `weights` are trainable scalars; `floats` and `integers` those of the state that are not.
    """

    shape: Shape
    weights: int
    floats: int
    integers: int
    saved: Saved
    scratch: int
    backward_scratch: int


def facts_of(apply: Apply, *, inplace: bool, training: bool) -> OpFacts:
    """Count what one operator holds, keeps and needs beside its output."""
    op, shapes = apply.op, tuple(shape for tensor in apply.inputs for shape in tensor.columns)
    weights = scalars(op.weights(*shapes).values())
    buffers = op.buffers(*shapes).values()
    floats = scalars(dims for dims in buffers if dims)
    integers = sum(1 for dims in buffers if not dims)  # batches that have been seen
    saved = op.saves(*shapes, inplace=inplace)
    counts = Saved(
        saved.input,
        saved.output,
        int(saved.values),
        int(saved.indices),
        int(saved.flags),
        int(saved.statistics),
    )
    scratch = int(op.scratch(*shapes, training=training))
    backward = int(op.backward_scratch(*shapes))
    return OpFacts(apply.output.columns[0], weights, floats, integers, counts, scratch, backward)
