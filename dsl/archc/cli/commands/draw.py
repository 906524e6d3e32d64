"""`archc draw`: a picture."""

from __future__ import annotations

import warnings
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archc import files
from archc.arguments import meant
from archc.choices import FORMATS, ROWS, SHEETS, misfit
from archc.cli.commands.reading import analysed, headline, limits_of, need_network
from archc.cli.commands.writing import destination, names_folder, put
from archc.cli.exit_codes import FINE, Stop, say
from archc.cli.inputs import Input, find_one

if TYPE_CHECKING:
    from archc.api import Analysis

_ENDINGS = {"mermaid": "mmd", "tikz": "tex"}  # others are called like their format


def run(args: Namespace) -> int:
    """Draws a network as a picture, as a page to explore, or as text for other tools."""
    input, output = _asked_for(args)
    if args.watch:
        from archc.cli.commands.watch import watch

        assert input.path is not None
        assert output is not None
        show = _open if args.open else None
        page = args.format == "html"
        address = _served(input, args) if page else output.resolve().as_uri()
        watch(lambda: _draw(input, output, args)[1], input.path, address, show)
    code, _ = _draw(input, output, args)
    if args.open and output is not None and code == FINE:
        _open(output.resolve().as_uri())
    return code


def _served(input: Input, args: Namespace) -> str:
    """The address of a page that shows the text with its diagram, and follows the file."""
    from archc.cli.commands.edit_server import EditServer
    from archc.draw import DrawStyle
    from archc.editor.document import Document
    from archc.page.edited_file import EditedFile
    from archc.page.workbench import Workbench

    assert input.path is not None
    limits = limits_of(args, input)
    document = Document(
        "",
        input.path,
        project=input.project,
        limits=limits,
        params=dict(args.params),
        inputs=dict(args.shapes),
    )
    bench = Workbench(document, style=DrawStyle(**style_of(args)))
    server = EditServer(EditedFile(input.path, limits), bench, shows=True)
    say(f"{server.address} shows {input.path} and follows it")
    return server.address


def _asked_for(args: Namespace) -> tuple[Input, Path | None]:
    """What to draw, and where; settles the format. Raises Stop."""
    input = find_one(args.input, args.project, "draw")
    args.format = args.format or _format(args.output)
    style_of(args)
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
    pictures, suffix = _pictures(analysis, args), _suffix(args.format)
    if len(pictures) > 1 and output is None:
        raise Stop(
            f"this takes {len(pictures)} sheets: give `-o FILE`, or `--format pdf` for one file"
        )
    _put_all(
        output, [files.stamp_bytes(p, analysis.text, suffix) for p in pictures], analysis, args
    )
    return FINE, read


def _put_all(
    output: Path | None, pictures: list[bytes], analysis: Analysis, args: Namespace
) -> None:
    """Write one file, or a set of numbered ones: all, or none of them. Raises Stop."""
    shown = headline(analysis) if args.only is None else f"{args.only} of {analysis.heading}"
    if output is None or len(pictures) == 1:
        put(output, pictures[0], shown, force=args.force)
        return
    sheets = [(_numbered(output, at), made) for at, made in enumerate(pictures, 1)]
    lost = (files.OutputState.EDITED, files.OutputState.FOREIGN)
    # What would be refused goes first: then nothing is written.
    sheets.sort(key=lambda sheet: files.state(sheet[0]) not in lost)
    for path, picture in sheets:
        put(path, picture, shown, force=args.force)
    left = _numbered(output, len(sheets) + 1)
    if left.exists():
        say(f"{left} is not of this drawing, which has {len(sheets)} sheets")


def _numbered(path: Path, page: int) -> Path:
    return path.with_name(f"{path.stem}-{page}{path.suffix}")


def style_of(args: Namespace) -> dict[str, Any]:
    """The arguments of `archc.draw.DrawStyle`. Raises Stop where they do not go together."""
    if wrong := misfit(vars(args), "--"):
        raise Stop(wrong)
    return {
        "view": args.view,
        "depth": args.depth,
        "expand": frozenset(args.expand),
        "theme": args.theme,
        "columns": args.columns,
        "direction": args.direction,
        "only": args.only,
        "hidden": args.without,
    }


def _pictures(analysis: Analysis, args: Namespace) -> list[bytes]:
    """The files' contents; says what they do not show. Raises Stop."""
    from archc.draw import DrawingWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.filterwarnings("always", category=DrawingWarning)
        made = _made(analysis, args)
    for message in dict.fromkeys(str(one.message) for one in caught):
        say(message)
    return made


def _made(analysis: Analysis, args: Namespace) -> list[bytes]:
    from archc.draw import TooManySheets, Unknown
    from archc.draw.graphviz import EngineError

    how, engine = style_of(args), {"engine": args.engine, "seconds": args.timeout}
    try:
        if args.paper is None:
            return [analysis.sheet(args.format, **engine, **how)]
        return analysis.pages(args.format, args.paper, **engine, **how)
    except EngineError as error:
        raise Stop(str(error)) from None
    except TooManySheets as error:
        raise Stop(f"{error}: {_smaller(analysis, args, how | engine)}") from None
    except Unknown as unknown:
        raise Stop(f"{unknown}{meant(unknown.name, unknown.known)}") from None


def _smaller(analysis: Analysis, args: Namespace, how: dict[str, Any]) -> str:
    """What draws less, and fits: tried, from the richest on."""
    from archc.draw import TooManySheets

    usual: dict[str, Any] = {
        "depth": None,
        "expand": frozenset(),
        "columns": None,
        "direction": "down",
    }
    asked = [f"`--{name}`" for name, value in usual.items() if (how[name] or value) != value]
    alone = f" without {' and '.join(asked)}" if asked else ""
    ways: dict[str, dict[str, Any]] = {}
    if args.columns:
        ways["the drawing without `--columns`"] = {"columns": None}
    if args.view == "graph":
        ways["`--view engineer`"] = {"view": "engineer"}
    if args.view not in ROWS:
        ways |= {f"`--depth {n}`": {"depth": n, "expand": frozenset()} for n in (3, 2, 1)}
    if args.view != "paper":
        ways[f"`--view paper`{alone}"] = {"view": "paper", **usual}
    if "costs" not in args.without:
        hidden = args.without | {"costs"}
        ways[f"`--without {','.join(sorted(hidden))}`"] = {"hidden": hidden}
    if args.view != "volumes" and args.only is None:
        ways[f"`--view volumes`{alone}"] = {"view": "volumes", **usual}
    others = [sheet for sheet in SHEETS if sheet != args.paper]
    tried = [(words, args.paper, how | way) for words, way in ways.items()]
    tried += [(f"`--paper {sheet}`", sheet, how) for sheet in others]
    for words, sheet, way in tried:
        try:
            analysis.pages("dot", sheet, **way)
        except TooManySheets:
            continue
        return f"{words} fits"
    return "without --paper it is drawn as wide as it is"


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
