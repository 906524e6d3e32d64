"""`archc build`: PyTorch source, of a network or of a script that trains it."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from archc import files
from archc.commands.reading import analysed, headline, need_network
from archc.commands.writing import destination, names_folder, put
from archc.inputs import Input, find
from archc.outcome import FINE, WRONG, Stop

if TYPE_CHECKING:
    from archc.api import Analysis


def run(args: Namespace) -> int:
    """Writes the PyTorch source of a network, or of every network in a folder."""
    if args.templates and not Path(args.templates).is_dir():
        raise Stop(f"no such folder: {args.templates}")
    inputs = find(args.input, args.project)
    if len(inputs) == 1 and inputs[0].folder is None:
        return _build(inputs[0], destination(inputs[0], args.output, ".py", _prefix(args)), args)
    if args.output == "-":
        raise Stop("a folder cannot be built to standard output; give `-o FOLDER`")
    top = Path(args.output or ".")
    return max(_build_one_of_many(i, top, args) for i in inputs)


def _build_one_of_many(input: Input, top: Path, args: Namespace) -> int:
    """One that fails does not keep the others from being built."""
    try:
        return _build(input, _inside(top, input, args), args)
    except Stop as stop:
        print(f"archc: {stop}", file=sys.stderr)
        return stop.code


def _inside(top: Path, input: Input, args: Namespace) -> Path:
    path = top / input.relative.with_suffix(".py")
    return path.with_name(_prefix(args) + path.name)


def _prefix(args: Namespace) -> str:
    return "train_" if args.train else ""


def _build(input: Input, output: Path | None, args: Namespace) -> int:
    analysis, code = analysed(input, args)
    if analysis is None or code:
        return code
    if analysis.plan is None and input.folder is not None:
        return FINE  # a file of blocks for others to use
    need_network(analysis, input, "nothing to build")
    put(
        output,
        _emitted(analysis, input, args),
        headline(analysis),
        force=args.force,
        make_folder=input.folder is not None or names_folder(args.output or ""),
    )
    return FINE


def _emitted(analysis: Analysis, input: Input, args: Namespace) -> bytes:
    from jinja2 import TemplateError

    from archc.emit.training import Untrainable

    templates = args.templates
    emit = analysis.emit_training if args.train else analysis.emit
    try:
        text = emit(Path(templates) if templates else None)
    except Untrainable as why:
        raise Stop(f"{input.name}: {why}", WRONG) from None
    except (TemplateError, OSError) as error:
        if not templates:
            raise
        line = getattr(error, "lineno", None)
        where = f"{getattr(error, 'name', None) or templates}" + f":{line}" * (line is not None)
        raise Stop(f"template error in {where}: {error}") from None
    return files.stamp(text, analysis.text).encode()
