"""`%load_ext archc`, then `%%arch Name`: a cell of a notebook is a network.

The text of a cell is only ever read as an `.arch` file. IPython is imported here alone, and only
once it is there: it asks for this.
"""

from __future__ import annotations

import builtins
import shlex
import sys
from argparse import Namespace
from keyword import iskeyword
from typing import TYPE_CHECKING, NoReturn

from archc.arguments import meant
from archc.cli.arguments.commands import drawing_style
from archc.cli.arguments.shared import Parser, reading
from archc.cli.commands.draw import style_of
from archc.cli.commands.reading import analyse
from archc.cli.exit_codes import Stop
from archc.cli.inputs import find_one
from archc.files import STDIN
from archc.net import Net
from archc.recursion import deep_recursion
from archc.report import diagnostics as render
from archc.report.characters import visible
from archc.source import Source

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_USUAL = ("self", "In", "Out")
_ABOUT = """\
The network that the cell describes: defined under a name, drawn, and its numbers listed.
`{name}` in the line is a value of Python's: `%%arch Net -D width={width}`.
"""


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Make `%%arch` known; `%load_ext archc` calls this."""

    def arch(line: str, cell: str) -> None:
        _run(shell, line, cell)

    arch.__doc__ = f"{_ABOUT}\n{_parser().format_help()}"  # what `%%arch?` shows
    shell.register_magic_function(arch, magic_kind="cell", magic_name="arch")


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Forget `%%arch`; `%unload_ext archc` calls this."""
    shell.magics_manager.magics["cell"].pop("arch", None)


def _run(shell: InteractiveShell, line: str, cell: str) -> None:
    """Raises UsageError for a wrong line, ArchError for mistakes in the cell.

    IPython shows both without a traceback.
    """
    from IPython.core.error import UsageError

    try:
        args = _arguments(line)
        if args is not None:
            net = _network(args, cell)
            name = args.name or net.name
            _refuse_taken(name)
            shell.user_ns[name] = net
            if not args.quiet:
                _show(net, args)
    except Stop as stop:
        raise UsageError(visible(str(stop))) from None


def _refuse_taken(name: str) -> None:
    """A network must not take the place of what other cells, or IPython, rely on. Raises Stop."""
    if iskeyword(name):
        reason = "is a word of Python's"
    elif name.startswith("_"):
        reason = "begins with an underscore, as names of Python's and IPython's own do"
    elif hasattr(builtins, name):  # IPython puts some there, too
        reason = "is a built-in of Python's"
    elif name in _USUAL:
        reason = "is a name that Python or IPython uses"
    else:
        return
    raise Stop(f"`{name}` {reason}: give another name, `%%arch Net`")


def _arguments(line: str) -> Namespace | None:
    """The arguments of the magic's line; None where it asks for help. Raises Stop."""
    try:
        words = shlex.split(line)
    except ValueError as error:  # quotes that are never closed
        raise Stop(f"{error}: {line}") from None
    if "-h" in words or "--help" in words:
        print(f"{_ABOUT}\n{_parser().format_help()}")
        return None
    args = _parser().parse_args(words)
    if args.name is not None and not (args.name.isidentifier() and args.name.isascii()):
        raise Stop(f"{args.name!r} is no name for a network: write `%%arch Net`")
    style_of(args)
    return args


class _MagicParser(Parser):
    def error(self, message: str) -> NoReturn:
        """Raise Stop; what a program would do is to end itself."""
        raise Stop(f"{message}; `%%arch --help` lists what there is")


def _parser() -> Parser:
    made = _MagicParser(prog="%%arch", parents=[reading()])
    made.add_argument(
        "name", metavar="NAME", nargs="?", help="of the variable (default: the network's own)"
    )
    drawing_style(made)
    made.add_argument("-q", "--quiet", action="store_true", help="define it, and show nothing")
    return made


@deep_recursion()
def _network(args: Namespace, cell: str) -> Net:
    """Raises ArchError, Stop. Lines count as in the cell, whose first is the magic's."""
    input = find_one(STDIN, args.project, "%%arch")
    name = str(input.project.folder / f"<{args.name or 'cell'}>")
    return Net.of(analyse(input, args, Source(name, f"\n{cell}")))


def _show(net: Net, args: Namespace) -> None:
    """The warnings as in a terminal, the diagram, and the numbers. Raises Stop."""
    from IPython.display import display

    if net.diagnostics:
        print(render.text(net.diagnostics, color=True), file=sys.stderr)
        print(render.pages(net.diagnostics), file=sys.stderr)
    if (svg := _drawn(net, args)) is not None:
        display({"image/svg+xml": svg, "text/plain": repr(net)}, raw=True)
    numbers = net.summary(1)
    display({"text/html": numbers._repr_html_(), "text/plain": str(numbers)}, raw=True)


def _drawn(net: Net, args: Namespace) -> str | None:
    """The diagram; None, which is said, without a Graphviz. Raises Stop."""
    from archc.draw import Unknown
    from archc.draw.graphviz import EngineError

    try:
        return net.draw("svg", **style_of(args)).decode()
    except EngineError as error:
        print(f"no diagram: {visible(str(error))}", file=sys.stderr)
        return None
    except Unknown as unknown:
        raise Stop(f"{unknown}{meant(unknown.name, unknown.known)}") from None
