"""`archc summary`: every number of a network in one table."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from archc.arguments import meant
from archc.cli.commands.reading import analysed, need_network
from archc.cli.exit_codes import FINE, Stop
from archc.cli.inputs import find_one

if TYPE_CHECKING:
    from archc.report.summary import Summary


def run(args: Namespace) -> int:
    """Prints the table."""
    input = find_one(args.input, args.project, "summary")
    if args.style == "lecture" and (args.columns is not None or args.batch != 1):
        raise Stop("--style lecture has columns of its own, for one image: no --columns or --batch")
    columns = _columns(args.columns, args.format) if args.columns is not None else None
    analysis, code = analysed(input, args)
    if analysis is None or code:
        return code
    need_network(analysis, input, "there is nothing to count")
    summary = analysis.summary(
        args.depth, batch=args.batch, dtype=args.dtype, columns=columns, fold=not args.unfold
    )
    _put(summary, args)
    return FINE


def _put(summary: Summary, args: Namespace) -> None:
    from archc.cli.commands.tables import put_sheets

    if args.format == "json":
        sys.stdout.write(summary.json())
    elif args.style == "lecture":
        from archc.report import lecture

        table = lecture.Lecture.of(summary)
        if args.format == "text":
            sys.stdout.write(table.text())
        else:
            put_sheets([table.sheet()], args)
    else:
        put_sheets([summary.flat() if args.format == "csv" else summary.sheet()], args)


def _columns(names: list[str], format: str) -> tuple[str, ...]:
    """`name,op,params`; with a `+` before it what is shown anyway and those. Raises Stop."""
    from archc.report.columns import MEASURES
    from archc.report.summary import LISTED, SHOWN

    if names == ["all"]:
        return tuple(MEASURES)
    before: tuple[str, ...] = ()
    if names[0].startswith("+"):
        before = tuple(MEASURES) if format == "json" else LISTED if format == "csv" else SHOWN
        names = [names[0][1:], *names[1:]]
    for name in names:
        if name not in MEASURES:
            hint = meant(name, MEASURES)
            raise Stop(f"no column {name!r}{hint} (there are all, {', '.join(MEASURES)})")
    return tuple(dict.fromkeys((*before, *names)))
