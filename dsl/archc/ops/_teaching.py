"""Operators in words and sums: what `archc explain`, error messages and diagrams say of one."""

from __future__ import annotations

from typing import Generic

from archc.ops._shape import Xs


class Teaching(Generic[*Xs]):
    """How an operator's numbers come about, written out. `Xs` are the shapes that it takes."""

    __slots__ = ()

    def rule(self, *xs: *Xs) -> str:
        """The formula of `arithmetic`, in letters: n the size, k window, s stride, p padding."""
        return ""

    def arithmetic(self, *xs: *Xs) -> tuple[str, ...]:
        """How the output's sizes come about, with the numbers: a line for each dimension."""
        return ()

    def channel_arithmetic(self, *xs: *Xs) -> str:
        """How its channels, or features, come about; nothing where they are the input's."""
        return ""

    def mac_arithmetic(self, *xs: *Xs) -> str:
        """How `macs` come about: an expression in numbers, `55*55*96 * 11*11*3`."""
        return ""

    def remarks(self, *xs: *Xs) -> tuple[str, ...]:
        """What else its numbers mean, in sentences: rows in no window, what groups see."""
        return ()

    def doubt(self, *xs: *Xs) -> tuple[str, str] | None:
        """What may be meant otherwise, and what to write to say which: a warning."""
        return None

    def label(self) -> str:
        """A few words for a diagram or a table: `3x3/2, 64`."""
        return ""
