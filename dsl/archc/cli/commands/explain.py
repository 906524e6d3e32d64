"""`archc explain`: where a network's numbers come from, or what an error code means."""

from __future__ import annotations

import re
import sys
from argparse import Namespace

from archc.arguments import meant
from archc.cli.commands.reading import analysed, need_network
from archc.cli.exit_codes import FINE, Stop
from archc.cli.inputs import find_one


def run(args: Namespace) -> int:
    """Explains parts of a network, a network, an error code, or lists the codes.

    What looks like a code is one, unless a NAME follows; `./A201` is a file in any case.
    """
    if args.what is None or (not args.names and re.fullmatch(r"[AaWw]\d+", args.what)):
        return _code(args.what, args.format)
    return _network(args)


def _code(code: str | None, format: str) -> int:
    from archc.report import error_codes as book

    entries = book.entries()
    if code is not None and code.upper() not in entries:
        raise Stop(f"no error code {code!r}{meant(code.upper(), entries)}")
    chosen = list(entries.values()) if code is None else [entries[code.upper()]]
    if format == "json":
        sys.stdout.write(book.json(chosen))
    elif code is None:
        print("\n".join(f"{entry.code}  {entry.title}" for entry in chosen))
    else:
        sys.stdout.write(book.explain(chosen[0]))
    return FINE


def _network(args: Namespace) -> int:
    from archc.explain import NoSuchNode, json

    input = find_one(args.what, args.project, "explain")
    analysis, code = analysed(input, args)
    if analysis is None or code:
        return code
    need_network(analysis, input, "there is nothing to explain")
    try:
        found = analysis.explain(*args.names)
    except NoSuchNode as wrong:
        raise Stop(str(wrong)) from None
    if args.format == "json":
        sys.stdout.write(json(found, analysis.table.arguments))
    else:
        print(*found, sep="\n\n")
    return FINE
