"""How a check ends that does not pass."""

from __future__ import annotations

from collections.abc import Sequence


class Failed(Exception):
    """What was to be proved does not hold: the reason, in a line."""


class Skipped(Exception):
    """There is nothing to prove, or nothing to prove it with: the reason, in a line."""


def some(names: Sequence[str], most: int = 3) -> str:
    """The first of them: `conv1, conv2, conv3 and 4 more`."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
