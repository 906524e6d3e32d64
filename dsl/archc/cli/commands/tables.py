"""Tables on standard output: drawn by rich on a terminal, plain or in a format elsewhere."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import Literal

from archc.cli.commands.reading import colored
from archc.report import tables
from archc.report.tables import Sheet


def put_sheets(sheets: list[Sheet], args: Namespace) -> None:
    """Writes tables in the format of `args`, with an empty line between two."""
    color = colored(sys.stdout, args)
    if args.format == "text" and (color or sys.stdout.isatty()):
        _draw(sheets, color=color)
        return
    write = tables.WRITERS[args.format]
    sys.stdout.write("\n".join(write(sheet) for sheet in sheets))


def _draw(sheets: list[Sheet], *, color: bool) -> None:
    """Fitted to the terminal, with or without colours."""
    from rich.console import Console

    from archc.report.terminal import TerminalTable

    system: Literal["auto"] | None = "auto" if color else None
    console = Console(force_terminal=color, color_system=system, highlight=False)
    for at, sheet in enumerate(sheets):
        if at and sheets[at - 1].foot:  # below a table without there is an empty line
            console.print()
        console.print(TerminalTable(sheet))
