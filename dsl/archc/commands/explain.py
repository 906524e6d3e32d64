"""`archc explain`: what an error code means."""

from __future__ import annotations

import sys
from argparse import Namespace

from archc.inputs import meant
from archc.outcome import FINE, Stop


def run(args: Namespace) -> int:
    """Prints what an error code means, or all codes with their titles."""
    from archc import explain as book

    entries = book.entries()
    if args.code is None:
        print("\n".join(f"{entry.code}  {entry.title}" for entry in entries.values()))
        return FINE
    entry = entries.get(args.code.upper())
    if entry is None:
        raise Stop(f"no error code {args.code!r}{meant(args.code.upper(), entries)}")
    sys.stdout.write(book.explain(entry))
    return FINE
