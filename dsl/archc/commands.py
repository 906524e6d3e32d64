"""What each command does: read, call the api, print or write. No rules about networks here."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from archc import files, render
from archc.inputs import Input, find, meant
from archc.outcome import FINE, LIMITS, USAGE, WRONG, Stop
from archc.source import Diagnostic, Limits

if TYPE_CHECKING:
    from archc.api import Analysis


# --- build -------------------------------------------------------------------------------


def run_build(args: Namespace) -> int:
    """Writes the PyTorch source of a network, or of every network in a folder."""
    if args.templates and not Path(args.templates).is_dir():
        raise Stop(f"no such folder: {args.templates}")
    inputs = find(args.input, args.project)
    if len(inputs) == 1 and inputs[0].folder is None:
        return _build(inputs[0], _destination(inputs[0], args.output, ".py"), args)
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
    analysis, code = _analysed(input, args)
    if analysis is None or code:
        return code
    if analysis.plan is None:
        if input.folder is not None:
            return FINE  # a file of blocks for others to use
        raise Stop(f"{input.name} has no `network` line: nothing to build", WRONG)
    _put(
        output,
        _emitted(analysis, args.templates),
        _summary(analysis),
        force=args.force,
        make_folder=input.folder is not None or _names_folder(args.output or ""),
    )
    return FINE


def _emitted(analysis: Analysis, templates: str | None) -> bytes:
    from jinja2 import TemplateError

    try:
        text = analysis.emit(Path(templates) if templates else None)
    except (TemplateError, OSError) as error:
        if not templates:
            raise
        line = getattr(error, "lineno", None)
        where = f"{getattr(error, 'name', None) or templates}" + f":{line}" * (line is not None)
        raise Stop(f"template error in {where}: {error}") from None
    return files.stamp(text, analysis.text).encode()


def _summary(analysis: Analysis) -> str:
    from archc.report import human

    return f"{analysis.name}: {analysis.params:,} parameters, {human(analysis.macs)} MACs"


# --- check -------------------------------------------------------------------------------


def run_check(args: Namespace) -> int:
    """Reports all diagnostics of all inputs."""
    inputs: list[Input] = []
    diagnostics: list[Diagnostic] = []
    code = FINE
    for name in args.inputs:
        try:
            inputs += find(name, args.project)
        except Stop as stop:  # go on with the others
            print(f"archc: {stop}", file=sys.stderr)
            code = USAGE
    # The same file by two names is checked once.
    inputs = list({i.path.resolve() if i.path else i.name: i for i in inputs}.values())
    for input in inputs:
        try:
            diagnostics += _analyse(input, args).diagnostics
        except files.Unreadable as failure:
            diagnostics.append(failure.diagnostic)
            code = USAGE if failure.io else code
    diagnostics = render.unique(diagnostics)
    if args.format == "text":
        _show(diagnostics, sys.stdout, args)
        print(_tally(len(inputs), diagnostics))
    else:
        sys.stdout.write(render.MACHINE[args.format](diagnostics))
    return code or (WRONG if any(d.is_error for d in diagnostics) else FINE)


def _tally(count: int, diagnostics: Sequence[Diagnostic]) -> str:
    errors = sum(d.is_error for d in diagnostics)
    warnings = len(diagnostics) - errors
    found = [_counted(errors, "error")] * (errors > 0)
    found += [_counted(warnings, "warning")] * (warnings > 0)
    return f"{_counted(count, 'file')} checked: {', '.join(found) or 'no errors'}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


# --- draw --------------------------------------------------------------------------------


def run_draw(args: Namespace) -> int:
    """Draws a network as SVG, PNG, PDF or Graphviz's own text."""
    from archc import engine

    inputs = find(args.input, args.project)
    if inputs[0].folder is not None:
        raise Stop(f"{args.input} is a folder; draw takes one network")
    format = args.format or _format(args.output)
    output = _destination(inputs[0], args.output, f".{format}")
    analysis, code = _analysed(inputs[0], args)
    if analysis is None or code:
        return code
    if analysis.plan is None:
        raise Stop(f"{inputs[0].name} has no `network` line: nothing to draw", WRONG)
    try:
        picture = engine.picture(analysis.draw(), format, engine=args.engine, seconds=args.timeout)
    except engine.EngineError as error:
        raise Stop(str(error)) from None
    stamped = files.stamp_bytes(picture, analysis.text, f".{format}")
    _put(
        output,
        stamped,
        _summary(analysis),
        force=args.force,
        make_folder=_names_folder(args.output or ""),
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


# --- list, explain -----------------------------------------------------------------------


def run_list(args: Namespace) -> int:
    """Lists the bundled networks."""
    from archc import api, report

    networks = dict(sorted(api.bundled().items(), key=_natural))

    def rows() -> Iterator[report.Row]:
        for name, path in networks.items():
            a = api.analyze(files.read(path), project=path.parent)
            yield report.Row.of(name, path, a.name, a.meta, a.params, a.macs)

    if args.format == "json":
        sys.stdout.write(report.json(rows()))
    else:
        for line in report.table(networks, rows()):
            print(line, flush=True)
    return FINE


def _natural(item: tuple[str, Path]) -> list[tuple[str, int]]:
    """resnet50 before resnet101."""
    import re

    return [(text, int(digits or 0)) for text, digits in re.findall(r"(\D*)(\d*)", item[0])]


def run_explain(args: Namespace) -> int:
    """Prints what an error code means, or all codes with their titles."""
    from archc import explain as book

    entries = book.entries()
    if args.code is None:
        print("\n".join(f"{entry.code}  {entry.title}" for entry in entries.values()))
        return FINE
    entry = entries.get(args.code.upper())
    if entry is None:
        raise Stop(f"no error code {args.code!r}{meant(args.code.upper(), entries)}")
    sys.stdout.write(book.explain(entry))
    return FINE


# --- shared ------------------------------------------------------------------------------


def _analyse(input: Input, args: Namespace) -> Analysis:
    """Raises Unreadable."""
    from archc import api

    given = {field: getattr(args, f"max_{field}") for field in LIMITS}
    limits = Limits(**{field: value for field, value in given.items() if value is not None})
    return api.analyze(
        input.read(limits), params=dict(args.params), limits=limits, project=input.project
    )


def _analysed(input: Input, args: Namespace) -> tuple[Analysis | None, int]:
    """The analysis of a network that is to be built or drawn, and FINE if it can be.

    Shows the diagnostics, warnings too.
    """
    try:
        analysis = _analyse(input, args)
    except files.Unreadable as failure:
        if failure.io:
            raise Stop(failure.diagnostic.title) from None
        _show([failure.diagnostic], sys.stderr, args)
        return None, WRONG
    _show(analysis.diagnostics, sys.stderr, args)
    return analysis, FINE if analysis.ok else WRONG


def _show(diagnostics: Iterable[Diagnostic], stream: TextIO, args: Namespace) -> None:
    terminal = stream.isatty()
    quiet = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    color = args.color == "always" or (args.color == "auto" and terminal and not quiet)
    width = _columns(stream) if terminal else 100
    for diagnostic in diagnostics:
        print(render.text([diagnostic], color=color, width=width), file=stream)


def _columns(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or 100
    except OSError:
        return 100


def _destination(input: Input, output: str | None, suffix: str) -> Path | None:
    """Where to write; None is standard output, which is also where `-` goes unasked."""
    if output == "-" or (output is None and input.path is None):
        return None
    if output is None:
        return Path(input.stem + suffix)
    inside = _names_folder(output) or Path(output).is_dir()
    return Path(output) / (input.stem + suffix) if inside else Path(output)


def _names_folder(output: str) -> bool:
    return output.endswith(("/", os.sep))


def _put(
    output: Path | None, content: bytes, summary: str, *, force: bool, make_folder: bool
) -> None:
    if output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        return
    try:
        if make_folder:
            output.parent.mkdir(parents=True, exist_ok=True)
        written = files.write(output, content, force=force)
    except files.Refused as refusal:
        raise Stop(str(refusal)) from None
    except OSError as error:
        raise Stop(f"cannot write {output}: {(error.strerror or str(error)).lower()}") from None
    print(f"{'wrote' if written else 'up to date:'} {output} ({summary})", file=sys.stderr)
