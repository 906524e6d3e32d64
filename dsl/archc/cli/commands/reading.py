"""From a name on the command line to an analysis, and its diagnostics shown."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TextIO

from archc import files
from archc.cli.exit_codes import FINE, LIMITS, USAGE, WRONG, Stop, say
from archc.cli.inputs import Input, find
from archc.report import diagnostics as render
from archc.source import Diagnostic, Limits, Source

if TYPE_CHECKING:
    from archc.api import Analysis


def find_all(names: Iterable[str], project: str | None) -> tuple[list[Input], int]:
    """The inputs of all names, each once, and FINE.

    Complains about what is not there and goes on with the others; then the code is USAGE.
    """
    inputs: list[Input] = []
    code = FINE
    for name in names:
        try:
            inputs += find(name, project)
        except Stop as stop:
            say(str(stop))
            code = USAGE
    once = {os.path.realpath(i.path) if i.path else i.name: i for i in inputs}
    return list(once.values()), code


def limits_of(args: Namespace, input: Input) -> Limits:
    """The limits that the user sets: by flags, or else in pyproject.toml."""
    given = {field: getattr(args, f"max_{field}") for field in LIMITS}
    flags = {field: value for field, value in given.items() if value is not None}
    return Limits(**{**input.limits, **flags})


def analyse(
    input: Input,
    args: Namespace,
    source: Source | None = None,
    params: Mapping[str, Any] | None = None,
) -> Analysis:
    """The analysis of an input, or of a `source` in its place, with `params` in place of `-D`.

    Raises Unreadable, and Stop where a param is set twice.
    """
    from archc import api

    if params is None:
        params = dict(args.params)
        for name in params:
            if sum(name == other for other, _ in args.params) > 1:
                raise Stop(f"-D {name} is given twice; `archc compare` takes several values")

    limits = limits_of(args, input)
    return api.analyze(
        source or input.read(limits),
        params=params,
        limits=limits,
        project=input.project,
        inputs=dict(args.shapes),
    )


def analyse_text(input: Input, args: Namespace) -> Analysis | None:
    """The analysis of what is text; of what is not, shows why and gives None.

    Raises Stop where the file system says no.
    """
    try:
        return analyse(input, args)
    except files.Unreadable as failure:
        if failure.io:
            raise Stop(failure.diagnostic.title) from None
        show([failure.diagnostic], sys.stderr, args)
        return None


def analysed(input: Input, args: Namespace) -> tuple[Analysis | None, int]:
    """The analysis of a network that is to be built or drawn, and FINE if it can be.

    Shows the diagnostics, warnings too; `archc check` has a line for each wrong comment.
    """
    from archc.analysis.shape_comments import told_once

    analysis = analyse_text(input, args)
    if analysis is None:
        return None, WRONG
    show(told_once(analysis.diagnostics), sys.stderr, args)
    return analysis, FINE if analysis.ok else WRONG


def need_network(analysis: Analysis, input: Input, missing: str) -> None:
    """Raises Stop for a file of blocks alone; `missing` says what that leaves undone."""
    if analysis.plan is None:
        raise Stop(f"{input.name} has no `network` line: {missing}", WRONG)


def show(diagnostics: Iterable[Diagnostic], stream: TextIO, args: Namespace) -> None:
    color = colored(stream, args)
    width = room(stream) or 100
    shown = []
    for diagnostic in diagnostics:
        print(render.text([diagnostic], color=color, width=width), file=stream)
        shown.append(diagnostic)
    if shown:
        print(f"{render.pages(shown)}\n", file=stream)


def colored(stream: TextIO, args: Namespace) -> bool:
    """Whether the user wants colours there."""
    quiet = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return args.color == "always" or (args.color == "auto" and stream.isatty() and not quiet)


def room(stream: TextIO) -> int | None:
    """How many columns a terminal has; None for a file or a pipe, and where it does not say."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or None if stream.isatty() else None
    except OSError:
        return None


def headline(analysis: Analysis) -> str:
    """`ResNet50 num_classes=10: 23,528,522 parameters, 4.09G MACs`."""
    from archc.report.spelling.numbers import human

    return f"{analysis.heading}: {analysis.params:,} parameters, {human(analysis.macs)} MACs"
