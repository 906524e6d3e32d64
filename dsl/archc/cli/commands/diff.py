"""`archc diff`: what changed from one network to another."""

from __future__ import annotations

import sys
from argparse import Namespace
from dataclasses import replace
from typing import TYPE_CHECKING

from archc import files
from archc.cli.commands.reading import analyse_text, colored, need_network, room, show
from archc.cli.commands.writing import destination, names_folder, put
from archc.cli.exit_codes import FINE, WRONG, Stop
from archc.cli.inputs import Input, find_one
from archc.source import Severity

if TYPE_CHECKING:
    from archc.api import Analysis
    from archc.diffs import Diff


def run(args: Namespace) -> int:
    """Prints the differences of two networks, or writes them as a page."""
    inputs = [find_one(name, args.project, "diff") for name in (args.left, args.right)]
    if all(input.path is None for input in inputs):
        raise Stop("only one of the two can be standard input")
    kind = _format(args)
    left = _analysed(inputs[0], args.left_params, args)
    right = _analysed(inputs[1], args.right_params, args)  # its mistakes, too, are shown
    if left is None or right is None:
        return WRONG
    from archc.api import compared

    diff = compared(left, right, args.batch)
    _show(diff, left.text + "\0" + right.text, kind, inputs[1], args)
    return WRONG if args.exit_code and not diff.empty else FINE


def _format(args: Namespace) -> str:
    """How to show it. Raises Stop."""
    if args.output in (None, "-"):
        return args.format or "text"
    folder = names_folder(args.output)
    if (args.format or "html") != "html" or not (folder or args.output.endswith(".html")):
        raise Stop(
            "-o writes a page: give it a name in .html (text and json go to standard output)"
        )
    return "html"


def _analysed(input: Input, more: list[tuple[str, object]], args: Namespace) -> Analysis | None:
    """One side; None where it has mistakes, which are shown.

    A variant that is no longer what its `expect` says can be compared all the same, with a warning.
    """
    both = [(name, value) for name, value in args.params if name not in dict(more)]
    own = Namespace(**{**vars(args), "params": [*both, *more]})
    from archc.analysis.shape_comments import told_once

    analysis = analyse_text(input, own)
    if analysis is None:
        return None
    diagnostics = [
        replace(d, severity=Severity.WARNING) if d.code.startswith("A6") else d
        for d in told_once(analysis.diagnostics)
    ]
    show(diagnostics, sys.stderr, args)
    if any(d.is_error for d in diagnostics):
        return None
    need_network(analysis, input, "nothing to compare")
    return analysis


def _show(diff: Diff, source: str, kind: str, input: Input, args: Namespace) -> None:
    if kind == "html":
        from archc.diffs import page

        output = destination(input, args.output, ".html") if args.output else None
        made = files.stamp_bytes(page.page(diff).encode(), source, ".html")
        summary = f"{diff.left.name} -> {diff.right.name}"
        put(output, made, summary, force=args.force)
    elif kind == "json":
        from archc.diffs import record

        sys.stdout.write(record.text(diff))
    else:
        from archc.diffs import text

        color, width = colored(sys.stdout, args), room(sys.stdout)
        sys.stdout.write(text.text(diff, color=color, width=width))
