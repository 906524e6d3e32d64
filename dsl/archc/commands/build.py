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
    if args.form == "deploy" and args.extras:
        raise Stop("--with is about training: leave it out, or --form deploy")
    if args.templates and not Path(args.templates).is_dir():
        raise Stop(f"no such folder: {args.templates}")
    inputs = find(args.input, args.project)
    if len(inputs) == 1 and inputs[0].folder is None:
        return _build(inputs[0], destination(inputs[0], args.output, _suffix(args)), args)
    if args.output == "-":
        raise Stop("a folder cannot be built to standard output; give `-o FOLDER`")
    top = Path(args.output or ".")
    return max(_build_one_of_many(i, top, args) for i in inputs)


def _build_one_of_many(input: Input, top: Path, args: Namespace) -> int:
    """One that fails does not keep the others from being built."""
    try:
        name = input.relative.with_name(input.relative.stem + _suffix(args))
        return _build(input, top / name, args)
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
    text, summary = _emitted(analysis, args)
    put(
        output,
        files.stamp(text, analysis.text).encode(),
        summary,
        force=args.force,
        make_folder=input.folder is not None or names_folder(args.output or ""),
    )
    return FINE


def _suffix(args: Namespace) -> str:
    return "_deploy.py" if args.form == "deploy" else ".py"


def _emitted(analysis: Analysis, args: Namespace) -> tuple[str, str]:
    """The source, and what to say of it."""
    from jinja2 import TemplateError

    from archc.emit.options import Unsuited

    templates = args.templates
    folder = Path(templates) if templates else None
    try:
        if args.form == "deploy":
            return _deployed(analysis, folder)
        text = analysis.emit(folder, analysis.options(**args.extras))
    except Unsuited as why:
        raise Stop(f"{analysis.name}: {why}") from None
    except (TemplateError, OSError) as error:
        if not templates:
            raise
        line = getattr(error, "lineno", None)
        where = f"{getattr(error, 'name', None) or templates}" + f":{line}" * (line is not None)
        raise Stop(f"template error in {where}: {error}") from None
    return text, headline(analysis)


def _deployed(analysis: Analysis, templates: Path | None) -> tuple[str, str]:
    deployment = analysis.deployment()
    text = analysis.emit_deployed(templates, deployment)
    kernels, numbers = deployment.saved.kernels, deployment.saved.numbers
    return text, (
        f"{analysis.name} for inference: {kernels[0]} -> {kernels[1]} operators that compute "
        f"something, {numbers[0]:,} -> {numbers[1]:,} numbers held"
    )
