"""What a refactoring is: a class that drafts edits of what is selected."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from enum import StrEnum
from typing import ClassVar, TypeVar

from archc.editor.findings import TextChange
from archc.editor.refactoring.selection import Selection
from archc.record import record


class RefactoringKind(StrEnum):
    """What an editor sorts refactorings by."""

    EXTRACT = "extract"
    INLINE = "inline"
    REWRITE = "rewrite"


@record
class Draft:
    """Edits that may keep the network: the guard finds that out."""

    title: str
    changes: tuple[TextChange, ...]


class NotRefactored(Exception):
    """Why what is selected cannot be rewritten so."""


class Refactoring(ABC):
    """A way to write a network otherwise. One more is one more class with `@refactoring`."""

    kind: ClassVar[RefactoringKind]
    purpose: ClassVar[str]  # what an editor shows where it cannot be done

    @abstractmethod
    def drafts(self, selection: Selection) -> Iterator[Draft]:
        """Return ways to do it, the best first; none where there is nothing to do.

        Raises NotRefactored with the reason where somebody may expect it, and it cannot be.
        """


REFACTORINGS: list[Refactoring] = []

R = TypeVar("R", bound=type[Refactoring])


def refactoring(cls: R) -> R:
    """Class decorator: offer a refactoring."""
    REFACTORINGS.append(cls())
    return cls
