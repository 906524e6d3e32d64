"""The memory of operators: what autograd keeps of one, and what it takes while it runs."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import ClassVar, Generic

from archc.ops._shape import Dims, Xs
from archc.record import record


@record
class Saved:
    """What autograd keeps of an operator, from where it runs until its backward pass.

    Numbers are for one sample, except `statistics`. What holds for torch is in its
    tools/autograd/derivatives.yaml.
    """

    input: bool = False  # the tensors that it takes, all of them
    output: bool = False
    values: int = 0  # further numbers, as wide as an activation
    indices: int = 0  # int64, 8 bytes each; made in eval mode too
    flags: int = 0  # bool, a byte each
    statistics: int = 0  # float32, for the whole mini-batch


def scalars(tensors: Iterable[Dims]) -> int:
    """How many numbers tensors of these dimensions hold."""
    return sum(prod(map(int, dims)) for dims in tensors)


class Memory(Generic[*Xs]):
    """What an operator does to memory. `Xs` are the shapes that it takes."""

    __slots__ = ()

    training_only: ClassVar[bool] = False  # the identity in eval mode (dropout)
    view: ClassVar[bool] = False  # the output is the input's memory, seen otherwise
    full_precision: ClassVar[bool] = False  # autocast computes it in float32
    allocates_in_eval: ClassVar[bool] = False  # what `saves` makes is made in eval mode, too
    backward_needs: ClassVar[str] = (
        ""  # what its derivative is computed from: `input`, `output`, or neither
    )

    @property
    def gradient(self) -> str:
        """An input's gradient: `new` memory, the output's `same`, `part` of it, `one` for all."""
        return "new"

    def saves(self, *xs: *Xs, inplace: bool = False) -> Saved:
        """What autograd keeps until the backward pass; `inplace` where it overwrites its input."""
        return Saved(self.backward_needs == "input", self.backward_needs == "output")

    def scratch(self, *xs: *Xs, training: bool) -> int:
        """Numbers for one sample that it needs while it runs, beside inputs, output and `saves`."""
        return self.saves(*xs).values if self.allocates_in_eval and not training else 0

    def backward_scratch(self, *xs: *Xs) -> int:
        """The same for its backward pass, beside the gradients of output and inputs."""
        return 0

    def passes_through(self, inputs: int, *, training: bool) -> bool:
        """Whether what it gives is its input itself, or a view of it: no memory of its own."""
        return self.view or (self.training_only and not training)
