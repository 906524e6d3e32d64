"""`archc compare`: networks side by side, as a table and as a plot."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from archc import comparison, files
from archc.analysis.shape_comments import told_once
from archc.api import bundled
from archc.arguments import meant
from archc.cli.commands.reading import analyse, find_all, show
from archc.cli.commands.tables import put_sheets
from archc.cli.commands.writing import put
from archc.cli.exit_codes import FINE, USAGE, WRONG, Stop, say
from archc.cli.inputs import Input
from archc.comparison import Comparison, NetworkEntry, UnknownColumn, plot, sweep
from archc.packages import need
from archc.report import diagnostics as render
from archc.report.spelling.numbers import natural
from archc.source import Diagnostic

if TYPE_CHECKING:
    from archc.api import Analysis


_MOST_NAMED = 6  # networks that a `-D` is not for


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
        if code != FINE:
            say(f"{args.plot} shows the others: what is wrong above is not in it", "")
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
        plot.need_library()
    elif args.dataset is not None:
        raise Stop("--dataset says what to plot: give `--plot FILE`, too")
    if args.time:
        need("--time runs the networks, and", "torch")


def _format(path: str) -> str:
    return Path(path).suffix.lower().lstrip(".")


def _entries(inputs: list[Input], args: Namespace) -> tuple[list[NetworkEntry], int]:
    """The networks without mistakes, in order, and FINE; shows what is wrong with the others."""
    found: list[NetworkEntry] = []
    diagnostics: list[Diagnostic] = []
    code = FINE
    networks: list[tuple[Input, Analysis]] = []  # as they are in their files
    for input in inputs:
        try:
            networks.append((input, analyse(input, args, params={})))
        except files.Unreadable as failure:
            diagnostics.append(failure.diagnostic)
            code = USAGE if failure.io else code or WRONG
    _check_params(networks, args)
    stems = Counter(_stem(input) for input in inputs)
    for input, own in networks:
        stem = _stem(input)
        name = stem if stems[stem] == 1 else str(Path(input.name).with_suffix(""))
        for analysis in sweep.distinct(_rows(input, own, args)):
            diagnostics += analysis.diagnostics
            if not analysis.ok:
                code = code or WRONG
            elif analysis.plan is not None:
                found.append(NetworkEntry.of(name, input.name, analysis))
            elif input.folder is None:  # in a folder, files of blocks are for the others
                say(f"{input.name} has no `network` line")
                code = code or WRONG
    show(told_once(render.unique(diagnostics)), sys.stderr, args)
    return found, code


def _check_params(networks: list[tuple[Input, Analysis]], args: Namespace) -> None:
    """Says which networks a `-D` is not for. Raises Stop where it is for none."""
    plans = {_shown(input): own.plan for input, own in networks if own.plan is not None}
    known = {name: None for plan in plans.values() for name in plan.params}
    for name in dict.fromkeys(name for name, _ in args.params):
        others = [file for file, plan in plans.items() if not sweep.has_param(plan, name)]
        if len(others) < len(plans):
            if others:
                more = f" and {len(others) - _MOST_NAMED} more" if len(others) > _MOST_NAMED else ""
                named = f"{', '.join(others[:_MOST_NAMED])}{more}"
                say(f"-D {name} is not for {named}: no such param there", "")
        elif all(own.ok for _, own in networks):  # else a mistake may have taken it out
            hint = meant(name, known) or f" (there are {', '.join(known) or 'none'})"
            where = "the network has no" if len(plans) == 1 else "none of the networks has a"
            raise Stop(f"{where} param {name!r}{hint}", WRONG)


def _shown(input: Input) -> str:
    return input.stem if input.is_bundled else input.name


def _rows(input: Input, own: Analysis, args: Namespace) -> Iterator[Analysis]:
    """The network with the params of each row: `-D width=16,32 -D depth=2,3` makes four."""
    values: dict[str, list[str]] = {}
    for name, value in args.params:
        values.setdefault(name, []).append(value)
    for given in sweep.rows(own.plan, values, sweep.in_text) if own.plan is not None else [{}]:
        yield analyse(input, args, params=given) if given else own


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
