"""What else an operator can be: in eval mode, on one of several devices, folded into another."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, cast

from archc.ops._shape import Xs

if TYPE_CHECKING:
    from archc.ops._op import Op


class Rewriting(Generic[*Xs]):
    """The operators that may stand in an operator's place. `Xs` are the shapes that it takes."""

    __slots__ = ()

    by_channel: ClassVar[bool] = False  # channel i of the output comes from channel i alone

    def survival(self) -> float | None:
        """How likely the branch that this ends is there in training; None where it always is."""
        return None

    def in_eval(self) -> Op:
        """What it comes to where nothing is trained: an operator without dice."""
        return cast("Op", self)

    def with_bias(self) -> Op | None:
        """The same with a bias; None for what no factor and summand a channel can go into."""
        return None

    def split_independent(self, parts: int, *xs: *Xs) -> Op | None:
        """What it is on one of so many equal parts of the channels, where none sees another.

        None where it needs channels of other parts.
        """
        return cast("Op", self) if self.by_channel and len(xs) == 1 else None

    def split_outputs(self, parts: int, *xs: *Xs) -> Op | None:
        """What makes one of so many equal parts of its channels from all that go in, if it can."""
        return None

    def batchnorm_eps(self) -> float | None:
        """The eps of what is a fixed factor and summand a channel in eval mode: a batch norm."""
        return None
