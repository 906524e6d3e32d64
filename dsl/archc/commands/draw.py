"""`archc draw`: a picture."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from archc import files
from archc.commands.reading import analysed, headline
from archc.commands.writing import destination, names_folder, put
from archc.inputs import find
from archc.outcome import FINE, WRONG, Stop


def run(args: Namespace) -> int:
    """Draws a network as SVG, PNG, PDF or Graphviz's own text."""
    from archc import engine

    inputs = find(args.input, args.project)
    if inputs[0].folder is not None:
        raise Stop(f"{args.input} is a folder; draw takes one network")
    format = args.format or _format(args.output)
    output = destination(inputs[0], args.output, f".{format}")
    analysis, code = analysed(inputs[0], args)
    if analysis is None or code:
        return code
    if analysis.plan is None:
        raise Stop(f"{inputs[0].name} has no `network` line: nothing to draw", WRONG)
    try:
        picture = engine.picture(analysis.draw(), format, engine=args.engine, seconds=args.timeout)
    except engine.EngineError as error:
        raise Stop(str(error)) from None
    stamped = files.stamp_bytes(picture, analysis.text, f".{format}")
    put(
        output,
        stamped,
        headline(analysis),
        force=args.force,
        make_folder=names_folder(args.output or ""),
    )
    return FINE


def _format(output: str | None) -> str:
    from archc.engine import FORMATS

    if output is None or output == "-" or Path(output).is_dir():
        return "svg"
    ending = Path(output).suffix.lower().lstrip(".")
    if ending not in FORMATS:
        known = ", ".join(f".{format}" for format in FORMATS)
        raise Stop(f"cannot tell the format of {output}: use one of {known}, or give --format")
    return ending
