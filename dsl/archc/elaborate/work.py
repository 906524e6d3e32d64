"""How much work a file may ask for while it is elaborated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from archc.source import Fault, Span, fault

ITEM = 10  # steps for an item of a list that is handed on or compared


class TooLarge(Fault):
    """The network, or the work that it takes, is beyond the limits: whoever elaborates stops."""


class Cancelled(Exception):
    """Whoever asked does not want the answer any more: a newer text is there."""


class Suppressed(Exception):
    """What is asked for is unknown because of an earlier mistake: say nothing more."""


@dataclass(slots=True)
class WorkLimit:
    """How much may still be evaluated: a short file must not keep anyone busy for long."""

    most: int = 4_000_000
    done: int = 0

    def spend(self, amount: int, span: Span) -> None:
        """Raises TooLarge where nothing is left."""
        self.done += amount
        if self.done > self.most:
            title = f"to evaluate the expressions takes more than {self.most:,} steps"
            cure = (
                "make a loop, a list or a recursion smaller, or raise the limit with `--max-steps`"
            )
            raise TooLarge(fault("A402", title, span, cure).diagnostic)


def size_of(value: Any) -> int:
    """How many steps it takes to hand on a value, whose numbers remember where they are from."""
    return ITEM + sum(map(size_of, value)) if isinstance(value, tuple) else ITEM
