"""How a run of the command line can end, and the limits that it lets the user set."""

from __future__ import annotations

import sys

FINE, WRONG, USAGE, INTERNAL, INTERRUPTED, CLOSED_PIPE, TERMINATED = 0, 1, 2, 70, 130, 141, 143

# Field of archc.source.Limits -> what it bounds; the flag is --max-FIELD.
LIMITS = {
    "source_bytes": "bytes in a file",
    "nesting": "brackets inside each other",
    "steps": "operators when everything is unfolded",
    "written": "operators written out, drawn or listed",
    "depth": "block calls inside each other",
    "integer": "of any size, width or count",
    "diagnostics": "errors reported for a file",
}


def say(message: str, before: str = "archc: ") -> None:
    """Tells the user something, in one line on standard error, whatever is in names and texts."""
    from archc.report.characters import visible

    print(before + visible(message), file=sys.stderr, flush=True)


class Stop(Exception):
    """Ends the run with a message for the user."""

    def __init__(self, message: str, code: int = USAGE) -> None:
        super().__init__(message)
        self.code = code
