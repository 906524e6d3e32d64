"""`archc check`: all that is wrong."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence

from archc import files
from archc.cli.commands.reading import analyse, find_all, show
from archc.cli.exit_codes import FINE, USAGE, WRONG
from archc.report import diagnostics as render
from archc.source import Diagnostic


def run(args: Namespace) -> int:
    """Reports all diagnostics of all inputs."""
    inputs, code = find_all(args.inputs, args.project)
    diagnostics: list[Diagnostic] = []
    for input in inputs:
        try:
            diagnostics += analyse(input, args).diagnostics
        except files.Unreadable as failure:
            diagnostics.append(failure.diagnostic)
            code = USAGE if failure.io else code
    diagnostics = render.unique(diagnostics)
    if args.format == "text":
        show(diagnostics, sys.stdout, args)
        print(_tally(len(inputs), diagnostics))
    else:
        sys.stdout.write(render.MACHINE[args.format](diagnostics))
    return code or (WRONG if any(d.is_error for d in diagnostics) else FINE)


def _tally(count: int, diagnostics: Sequence[Diagnostic]) -> str:
    errors = sum(d.is_error for d in diagnostics)
    warnings = len(diagnostics) - errors
    found = [_counted(errors, "error")] * (errors > 0)
    found += [_counted(warnings, "warning")] * (warnings > 0)
    return f"{_counted(count, 'file')} checked: {', '.join(found) or 'no errors'}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
