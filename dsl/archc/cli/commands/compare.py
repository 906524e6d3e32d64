"""`archc compare`: networks side by side, as a table and as a plot."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Mapping
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

from archc import comparison, files
from archc.api import bundled
from archc.cli.arguments.values import assignment
from archc.cli.commands.reading import analyse, find_all, show
from archc.cli.commands.tables import put_sheets
from archc.cli.commands.writing import put
from archc.cli.exit_codes import FINE, USAGE, WRONG, Stop, say
from archc.cli.inputs import Input, meant
from archc.comparison import Comparison, NetworkEntry, UnknownColumn, plot
from archc.plan import format_params
from archc.report import diagnostics as render
from archc.report.spelling.numbers import natural
from archc.source import Diagnostic


def run(args: Namespace) -> int:
    """Prints the table of all networks without mistakes, and draws the plot."""
    _check_usage(args)
    inputs, code = find_all(args.inputs or sorted(bundled(), key=natural), args.project)
    entries, read = _entries(inputs, args)
    code = code or read
    if not entries:
        return code or WRONG
    try:
        table = _table(entries, args)
    except UnknownColumn as unknown:
        hint = meant(unknown.name, unknown.known) or f" (there are {', '.join(unknown.known)})"
        raise Stop(f"{unknown}{hint}") from None
    if args.plot is not None:
        _plot(table, args)
    if args.format == "json":
        sys.stdout.write(table.json())
    else:
        put_sheets([table.sheet()], args)
    return code


def _check_usage(args: Namespace) -> None:
    """What would fail after minutes fails at once. Raises Stop."""
    if args.plot is not None:
        if _format(args.plot) not in plot.FORMATS:
            endings = ", ".join(f".{format}" for format in plot.FORMATS)
            raise Stop(f"cannot plot to {args.plot}: use one of {endings}")
        if find_spec("matplotlib") is None:
            raise Stop(str(plot.NoLibrary()))
    elif args.dataset is not None:
        raise Stop("--dataset says what to plot: give `--plot FILE`, too")
    if args.time and find_spec("torch") is None:
        raise Stop("--time runs the networks: `pip install 'archc-lang[torch]'`")


def _format(path: str) -> str:
    return Path(path).suffix.lower().lstrip(".")


def _entries(inputs: list[Input], args: Namespace) -> tuple[list[NetworkEntry], int]:
    """The networks without mistakes, in order, and FINE; shows what is wrong with the others."""
    found: list[NetworkEntry] = []
    diagnostics: list[Diagnostic] = []
    code = FINE
    stems = Counter(_stem(input) for input in inputs)
    for input in inputs:
        try:
            analyses = [(given, analyse(input, args, params=given)) for given in _rows(input, args)]
        except files.Unreadable as failure:
            diagnostics.append(failure.diagnostic)
            code = USAGE if failure.io else code or WRONG
            continue
        stem = _stem(input)
        name = stem if stems[stem] == 1 else str(Path(input.name).with_suffix(""))
        for given, analysis in analyses:
            diagnostics += analysis.diagnostics
            if not analysis.ok:
                code = code or WRONG
            elif analysis.plan is not None:
                found.append(NetworkEntry(_titled(name, given), input.name, analysis))
            elif input.folder is None:  # in a folder, files of blocks are for the others
                say(f"{input.name} has no `network` line")
                code = code or WRONG
    show(render.unique(diagnostics), sys.stderr, args)
    return found, code


def _rows(input: Input, args: Namespace) -> list[dict[str, Any]]:
    """The params that are set in each row of a file: `-D width=16,32 -D depth=2,3` makes four.

    The commas in what is a list in the file are its own.
    """
    values: dict[str, list[Any]] = {}
    for name, value in args.params:
        values.setdefault(name, []).append(value)
    if any("," in str(value) for given in values.values() for value in given):
        plan = analyse(input, args, params={}).plan
        known = plan.params if plan is not None else {}
        for name, given in values.items():
            if not isinstance(known.get(name), tuple):
                values[name] = [v for value in given for v in _several(name, value)]
    return [dict(zip(values, row, strict=True)) for row in product(*values.values())]


def _several(name: str, value: Any) -> list[Any]:
    if not isinstance(value, str):
        return [value]
    return [assignment(f"{name}={part}")[1] for part in value.split(",")]


def _titled(name: str, given: Mapping[str, Any]) -> str:
    """`resnet width=16`, by the params that are set."""
    return " ".join([name, *format_params(given)])


def _stem(input: Input) -> str:
    return input.path.stem if input.path else input.stem


def _table(entries: list[NetworkEntry], args: Namespace) -> Comparison:
    """Raises UnknownColumn."""
    columns = args.columns
    if columns == ["all"] or (columns is None and args.format in ("json", "csv")):
        columns = comparison.all_columns(entries)
    elif columns is not None and columns[0].startswith("+"):
        columns = [*comparison.DEFAULT, columns[0][1:], *columns[1:]]
    if args.time:
        say(f"measuring {len(entries)} forward passes", "")
    table = comparison.tabled(entries, columns, args.batch, time=args.time)
    return comparison.ordered(table, args.sort, args.reverse)


def _plot(table: Comparison, args: Namespace) -> None:
    """Writes the plot, and says which networks are not in it."""
    try:
        picture = table.picture(args.dataset)
    except plot.NothingToPlot as nothing:
        raise Stop(str(nothing), WRONG if args.dataset is None else USAGE) from None
    drawn = plot.draw(picture, _format(args.plot))
    texts = "\0".join(entry.analysis.text for entry in table.entries)
    put(
        Path(args.plot),
        files.stamp_bytes(drawn, texts, Path(args.plot).suffix.lower()),
        _plotted(picture),
        force=args.force,
    )
    if not picture.is_of_accuracy:
        say(
            "no accuracy to plot (`dataset` and `top1_error` in `meta`): upwards are parameters", ""
        )
    for reason, names in picture.untested:
        say(f"at the foot of the plot, {reason}: {', '.join(names)}", "")
    for reason, names in picture.left_out:
        say(f"not plotted, {reason}: {', '.join(names)}", "")


def _plotted(picture: plot.Picture) -> str:
    """`2 networks on ImageNet, 1 without an accuracy`."""
    without = sum(len(names) for _, names in picture.untested)
    count = len(picture.points) - without
    on = f" on {picture.dataset}" if picture.dataset else ""
    more = f", {without} without an accuracy" if without else ""
    return f"{count} network{'s' * (count != 1)}{on}{more}"
