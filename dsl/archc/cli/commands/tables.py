"""Tables on standard output: drawn by rich on a terminal, plain or in a format elsewhere."""

from __future__ import annotations

import sys
from argparse import Namespace

from archc.cli.commands.reading import colored
from archc.report import tables
from archc.report.tables import Sheet


def put_sheets(sheets: list[Sheet], args: Namespace) -> None:
    """Writes tables in the format of `args`, with an empty line between two."""
    if args.format == "text" and colored(sys.stdout, args):
        _draw(sheets)
        return
    write = tables.WRITERS[args.format]
    sys.stdout.write("\n".join(write(sheet) for sheet in sheets))


def _draw(sheets: list[Sheet]) -> None:
    from rich.console import Console

    from archc.report.terminal import TerminalTable

    console = Console(force_terminal=True, highlight=False)
    for sheet in sheets:
        console.print(TerminalTable(sheet))
