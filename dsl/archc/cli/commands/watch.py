"""`archc draw --watch`: draws again whenever a file changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

from archc.cli.exit_codes import Stop, say

_PAUSE = 0.3  # seconds between looks at the files

Stamps = dict[Path, tuple[int, int]]
Draw = Callable[[], Iterable[Path]]  # draws once; the files that were read


def watch(draw: Draw, input: Path, address: str, show: Callable[[str], None] | None) -> NoReturn:
    """Until it is interrupted. `show` opens an address in the browser."""
    seen = follow(draw, _stamps([input]))
    if show is not None:
        show(address)
    while True:
        time.sleep(_PAUSE)
        now = _stamps(seen)
        if now != seen:
            seen = follow(draw, now)


def follow(draw: Draw, before: Stamps) -> Stamps:
    """Draws; gives the files to watch from now on, as they were when the drawing began.

    So what is saved meanwhile is news. A drawing that fails says why, and the files from before go
    on being watched.
    """
    try:
        found = _stamps(draw())
    except Stop as stop:
        say(str(stop))
        return before
    return {path: before.get(path, stamp) for path, stamp in found.items()} or before


def _stamps(paths: Iterable[Path]) -> Stamps:
    found = {}
    for path in paths:
        try:
            status = path.stat()
            found[path] = (status.st_mtime_ns, status.st_size)
        except OSError:  # an editor that replaces the file: it is back at the next look
            found[path] = (0, 0)
    return found
