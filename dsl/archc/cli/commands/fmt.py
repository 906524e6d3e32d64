"""`archc fmt`: blanks, indents and columns of comments as they should be, and nothing else."""

from __future__ import annotations

import sys
from argparse import Namespace

from archc import files
from archc.cli.commands.reading import analyse, find_all, limits_of, show
from archc.cli.exit_codes import FINE, USAGE, WRONG, Stop, say
from archc.cli.inputs import Input
from archc.layout import Formatted, format_source
from archc.report import diagnostics as render
from archc.report.characters import visible
from archc.source import Source
from archc.syntax.parser import parse

_MORE = "`archc check` tells more"


def run(args: Namespace) -> int:
    """Formats each input, or says which would change; one that cannot be is no end of it."""
    inputs, code = find_all(args.inputs, args.project)
    formatted = changed = 0
    for input in inputs:
        try:
            made, done = _format(input, args)
            code = code or done
            _deliver(made, input, args)
            formatted, changed = formatted + 1, changed + made.changed
        except files.Unreadable as failure:
            show([failure.diagnostic], sys.stderr, args)
            code = USAGE if failure.io else code or WRONG
        except Stop as stop:
            say(str(stop))
            code = stop.code
    if formatted > 1 and not args.diff:
        say(_tally(formatted, changed, "would change" if args.check else "formatted"), "")
    return code or (WRONG if changed and (args.check or args.diff) else FINE)


def _format(input: Input, args: Namespace) -> tuple[Formatted, int]:
    """The text as it should be, and FINE if all of it is. Raises Stop, Unreadable."""
    if input.is_bundled:
        raise Stop(f"{input.stem} is a bundled network; fmt takes files, folders and -")
    source = input.read(limits_of(args, input))
    made = format_source(source, limits_of(args, input))
    if made.unreadable:
        raise files.Unreadable(made.unreadable, io=False)
    if made.refused:
        say(f"{input.name} is left as it is: laid out anew it would say something else")
        return made, WRONG
    if made.left == 1:
        say(f"{input.name}: 1 line in a mistake is left as it is; {_MORE}")
    elif made.left:
        say(f"{input.name}: {made.left} lines in mistakes are left as they are; {_MORE}")
    return _with_shapes(made, input, args) if args.add_shapes else (made, FINE)


def _with_shapes(made: Formatted, input: Input, args: Namespace) -> tuple[Formatted, int]:
    """The same with shapes in comments; as it was where there are mistakes."""
    from archc.layout.shapes import with_shapes

    analysis = analyse(input, args, Source(made.before.name, made.text))
    if not analysis.ok:
        say(f"{input.name}: no shapes, since it has mistakes; {_MORE}")
        return made, WRONG
    if analysis.plan is None:
        return made, FINE
    text = with_shapes(analysis.plan)
    shaped = format_source(Source(made.before.name, text), limits_of(args, input))
    if shaped.refused or parse(Source("", shaped.text), limits_of(args, input))[0] != analysis.file:
        say(f"{input.name}: no shapes: with them it would say something else")
        return made, WRONG
    return Formatted(made.before, shaped.text, made.left), FINE


def _deliver(made: Formatted, input: Input, args: Namespace) -> None:
    """Write the text, or tell how it would change. Raises Stop."""
    if args.diff:
        before, after = made.before.text, made.text
        sys.stdout.write(render.visible_diff(input.name, before, after, "formatted"))
    elif args.check:
        if made.changed:
            print(f"would format {visible(input.name)}")
    elif input.path is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(made.text.encode())
    elif made.changed:
        try:
            files.rewrite(input.path, made.before.text, made.text)
        except (OSError, files.Refused) as error:
            raise Stop(f"cannot format {input.name}: {files.reason(error)}") from None
        say(f"formatted {input.name}", "")


def _tally(count: int, changed: int, what: str) -> str:
    """`3 files: 1 formatted, 2 as they should be`."""
    parts = [f"{changed} {what}"] * (changed > 0)
    parts += [f"{count - changed} as they should be"] * (changed < count)
    return f"{count} files: {', '.join(parts)}"
