"""`archc runs`: the runs that training scripts have left, as a table and as a plot."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from archc import files, runs
from archc.arguments import meant
from archc.cli.commands.tables import put_sheets
from archc.cli.commands.writing import put
from archc.cli.exit_codes import FINE, USAGE, WRONG, Stop, say
from archc.comparison import plot
from archc.runs import TrainingRun


def run(args: Namespace) -> int:
    """Prints a row for each run, and draws their curves."""
    _check_usage(args)
    found: list[TrainingRun] = []
    code = FINE
    for name in args.folders:
        try:
            here = runs.find_runs(Path(name), f"{name}/" if len(args.folders) > 1 else "")
        except OSError as error:
            say(f"cannot read the folder {name}: {files.reason(error)}")
            code = USAGE
            continue
        for remark in here.remarks:
            say(remark)
        found += here.runs
    if not found:
        if code == FINE:
            say(
                f"no runs in {', '.join(args.folders)}: a script of `archc build --train` makes one"
            )
        return code or WRONG
    shown = runs.ordered(found, args.sort, reverse=args.reverse)
    if args.plot is not None:
        _plot(shown, args)
    if args.format == "json":
        sys.stdout.write(runs.as_json(shown))
    else:
        put_sheets([runs.sheet(shown)], args)
    return code


def _check_usage(args: Namespace) -> None:
    """Raises Stop."""
    if args.sort not in runs.COLUMNS:
        hint = meant(args.sort, runs.COLUMNS) or f" (there are {', '.join(runs.COLUMNS)})"
        raise Stop(f"no column {args.sort!r}{hint}")
    if args.plot is not None:
        if Path(args.plot).suffix.lower().lstrip(".") not in plot.FORMATS:
            endings = ", ".join(f".{format}" for format in plot.FORMATS)
            raise Stop(f"cannot plot to {args.plot}: use one of {endings}")
        plot.need_library()


def _plot(found: list[TrainingRun], args: Namespace) -> None:
    from archc.runs import curves

    plotted, suffix = found[: curves.MOST], Path(args.plot).suffix.lower()
    drawn = curves.drawn(plotted, suffix.lstrip("."))
    content = files.stamp_bytes(drawn, runs.as_json(plotted), suffix)
    runs_in_it = f"{len(plotted)} run{'s' * (len(plotted) > 1)}"
    put(Path(args.plot), content, runs_in_it, force=args.force)
    if len(found) > len(plotted):
        say(f"not plotted: {len(found) - len(plotted)} more; name fewer folders", "")
