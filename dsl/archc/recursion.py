"""Room for recursion: trees nest as deep as the limits allow, deeper than Python lets functions."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_ROOM = 20_000  # calls inside each other: what the deepest nesting takes, several times over


class _Limit:
    """Python's recursion limit, which all threads share: raised while one of them needs it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._users = 0
        self._before = 0

    def raise_it(self) -> None:
        """Make room, if nobody has done so."""
        with self._lock:
            if not self._users:
                self._before = sys.getrecursionlimit()
                sys.setrecursionlimit(max(self._before, _ROOM))
            self._users += 1

    def restore(self) -> None:
        """Set the limit as it was, once nobody needs more."""
        with self._lock:
            self._users -= 1
            if not self._users:
                sys.setrecursionlimit(self._before)


_limit = _Limit()


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Allow deep recursion; `@deep_recursion()` for the whole of a function."""
    _limit.raise_it()
    try:
        yield
    finally:
        _limit.restore()
