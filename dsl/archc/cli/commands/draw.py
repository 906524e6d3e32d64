"""`archc draw`: a picture."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archc import files
from archc.cli.commands.reading import analysed, headline, need_network
from archc.cli.commands.writing import destination, names_folder, put
from archc.cli.exit_codes import FINE, Stop
from archc.cli.inputs import Input, find_one, meant

if TYPE_CHECKING:
    from archc.api import Analysis

FORMATS = ("svg", "png", "pdf", "dot", "html", "mermaid")
_ENDINGS = {"mermaid": "mmd"}  # others are called like their format


def run(args: Namespace) -> int:
    """Draws a network as a picture, as a page to explore, or as text for other tools."""
    input, output = _asked_for(args)
    if args.watch:
        from archc.cli.commands.watch import watch

        assert input.path is not None
        assert output is not None
        show = _open if args.open else None
        watch(
            lambda: _draw(input, output, args)[1], input.path, output, args.format == "html", show
        )
    code, _ = _draw(input, output, args)
    if args.open and output is not None and code == FINE:
        _open(output.resolve().as_uri())
    return code


def _asked_for(args: Namespace) -> tuple[Input, Path | None]:
    """What to draw, and where; settles the format. Raises Stop."""
    input = find_one(args.input, args.project, "draw")
    style_of(args)
    args.format = args.format or _format(args.output)
    if args.columns and args.format in ("html", "mermaid"):
        raise Stop(f"a drawing as {args.format} has one column")
    if args.view == "paper" and args.format in ("html", "mermaid"):
        raise Stop(f"the view paper is no {args.format}; take --view engineer or graph")
    output = destination(input, args.output, _suffix(args.format))
    if output is None and (args.open or args.watch):
        raise Stop("--open and --watch need a file: give `-o FILE`")
    if args.watch and input.path is None:
        raise Stop("--watch needs a file to watch")
    return input, output


def _draw(input: Input, output: Path | None, args: Namespace) -> tuple[int, list[Path]]:
    """Draws once; the exit code, and the files that were read."""
    analysis, code = analysed(input, args)
    read = [input.path] if input.path is not None else []
    read += analysis.again.load.files if analysis is not None else []
    if analysis is None or code:
        return code, read
    need_network(analysis, input, "nothing to draw")
    picture = files.stamp_bytes(_picture(analysis, args), analysis.text, _suffix(args.format))
    put(
        output,
        picture,
        headline(analysis),
        force=args.force,
    )
    return FINE, read


def style_of(args: Namespace) -> dict[str, Any]:
    """The arguments of `archc.draw.DrawStyle`. Raises Stop where they do not go together."""
    if args.view == "paper" and (args.depth is not None or args.expand or args.columns):
        raise Stop("--depth, --expand and --columns go with the views engineer and graph")
    return {
        "view": args.view,
        "depth": args.depth,
        "expand": frozenset(args.expand),
        "theme": args.theme,
        "columns": args.columns,
    }


def _picture(analysis: Analysis, args: Namespace) -> bytes:
    from archc.draw import Unknown
    from archc.draw.graphviz import EngineError

    try:
        how = style_of(args)
        return analysis.sheet(args.format, engine=args.engine, seconds=args.timeout, **how)
    except EngineError as error:
        raise Stop(str(error)) from None
    except Unknown as unknown:
        raise Stop(f"{unknown}{meant(unknown.name, unknown.known)}") from None


def _suffix(format: str) -> str:
    return f".{_ENDINGS.get(format, format)}"


def _format(output: str | None) -> str:
    if output is None or output == "-" or Path(output).is_dir() or names_folder(output):
        return "svg"
    ending = Path(output).suffix.lower().lstrip(".")
    formats = {_ENDINGS.get(format, format): format for format in FORMATS}
    if ending not in formats:
        known = ", ".join(f".{format}" for format in formats)
        raise Stop(f"cannot tell the format of {output}: use one of {known}, or give --format")
    return formats[ending]


def _open(address: str) -> None:
    import webbrowser

    if not webbrowser.open(address):
        raise Stop(f"no browser found to open {address}")
