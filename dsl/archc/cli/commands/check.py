"""`archc check`: all that is wrong, and with `--fix` less of it."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence

from archc import files
from archc.cli.commands.reading import analyse, find_all, show
from archc.cli.exit_codes import FINE, USAGE, WRONG, Stop, say
from archc.cli.inputs import Input
from archc.report import diagnostics as render
from archc.source import Diagnostic


def run(args: Namespace) -> int:
    """Reports all diagnostics of all inputs; with `--fix`, those that are left."""
    inputs, code = find_all(args.inputs, args.project)
    diagnostics: list[Diagnostic] = []
    checked = len(inputs)
    for input in inputs:
        try:
            found = _fix(input, args) if args.fix or args.diff else analyse(input, args).diagnostics
            diagnostics += found
        except files.Unreadable as failure:
            diagnostics.append(failure.diagnostic)
            code = USAGE if failure.io else code
        except Stop as stop:
            say(str(stop))
            code = stop.code
            checked -= 1
    if not checked:
        return code
    diagnostics = render.unique(diagnostics)
    if args.format == "text":
        show(diagnostics, sys.stdout, args)
        print(_tally(checked, diagnostics))
    else:
        sys.stdout.write(render.MACHINE[args.format](diagnostics))
    return code or (WRONG if any(d.is_error for d in diagnostics) else FINE)


def _fix(input: Input, args: Namespace) -> Sequence[Diagnostic]:
    """Correct one file, or show how; the diagnostics that are left in it.

    Raises Stop where the file cannot be written, Unreadable.
    """
    from archc.corrections import correct

    made = correct(analyse(input, args), lambda source: analyse(input, args, source))
    for new in made.refused:
        place = f"{input.name}:{new.span.line}:{new.span.column}"
        say(f"not all is fixed, since that would bring an error: {place}: {new.title} [{new.code}]")
    if args.diff:
        sys.stdout.write(render.visible_diff(input.name, made.before.source.text, made.text))
        return made.before.diagnostics
    if not made.changed:
        return made.before.diagnostics
    if input.path is None:
        raise Stop("standard input cannot be fixed; --diff shows how")
    try:
        files.rewrite(input.path, made.before.source.text, made.text)
    except (OSError, files.Refused) as error:
        raise Stop(f"cannot fix {input.name}: {files.reason(error)}") from None
    say(f"{_counted(made.cured, 'place')} fixed in {input.name}")
    return made.after.diagnostics


def _tally(count: int, diagnostics: Sequence[Diagnostic]) -> str:
    errors = sum(d.is_error for d in diagnostics)
    warnings = len(diagnostics) - errors
    found = [_counted(errors, "error")] * (errors > 0)
    found += [_counted(warnings, "warning")] * (warnings > 0)
    return f"{_counted(count, 'file')} checked: {', '.join(found) or 'no errors'}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
