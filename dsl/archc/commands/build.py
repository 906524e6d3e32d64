"""`archc build`: PyTorch source."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from archc import files
from archc.commands.reading import analysed, headline, need_network
from archc.commands.writing import destination, names_folder, put
from archc.inputs import Input, find
from archc.outcome import FINE, Stop

if TYPE_CHECKING:
    from archc.api import Analysis


def run(args: Namespace) -> int:
    """Writes the PyTorch source of a network, or of every network in a folder."""
    if args.templates and not Path(args.templates).is_dir():
        raise Stop(f"no such folder: {args.templates}")
    inputs = find(args.input, args.project)
    if len(inputs) == 1 and inputs[0].folder is None:
        return _build(inputs[0], destination(inputs[0], args.output, ".py"), args)
    if args.output == "-":
        raise Stop("a folder cannot be built to standard output; give `-o FOLDER`")
    top = Path(args.output or ".")
    return max(_build_one_of_many(i, top, args) for i in inputs)


def _build_one_of_many(input: Input, top: Path, args: Namespace) -> int:
    """One that fails does not keep the others from being built."""
    try:
        return _build(input, top / input.relative.with_suffix(".py"), args)
    except Stop as stop:
        print(f"archc: {stop}", file=sys.stderr)
        return stop.code


def _build(input: Input, output: Path | None, args: Namespace) -> int:
    analysis, code = analysed(input, args)
    if analysis is None or code:
        return code
    if analysis.plan is None and input.folder is not None:
        return FINE  # a file of blocks for others to use
    need_network(analysis, input, "nothing to build")
    put(
        output,
        _emitted(analysis, args),
        headline(analysis),
        force=args.force,
        make_folder=input.folder is not None or names_folder(args.output or ""),
    )
    return FINE


def _emitted(analysis: Analysis, args: Namespace) -> bytes:
    from jinja2 import TemplateError

    from archc.emit.options import Unsuited

    templates = args.templates
    try:
        options = analysis.options(**args.extras)
        text = analysis.emit(Path(templates) if templates else None, options)
    except Unsuited as why:
        raise Stop(f"{analysis.name}: {why}") from None
    except (TemplateError, OSError) as error:
        if not templates:
            raise
        line = getattr(error, "lineno", None)
        where = f"{getattr(error, 'name', None) or templates}" + f":{line}" * (line is not None)
        raise Stop(f"template error in {where}: {error}") from None
    return files.stamp(text, analysis.text).encode()
