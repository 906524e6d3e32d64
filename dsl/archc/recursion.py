"""Room for recursion: trees nest as deep as the limits allow, deeper than Python lets functions."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_ROOM = 20_000  # calls inside each other: what the deepest nesting takes, several times over


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Allow deep recursion; `@deep_recursion()` for the whole of a function."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _ROOM))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
