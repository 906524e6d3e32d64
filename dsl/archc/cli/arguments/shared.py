"""What several commands take: as parents, in argparse's sense."""

from __future__ import annotations

import argparse
import os
import sys

from archc.cli.arguments.values import assignment, count, name_or_text, shape
from archc.cli.exit_codes import LIMITS

TYPE_CHECKING = False  # typing's own costs as much as argparse
if TYPE_CHECKING:
    from typing import Any, NoReturn


class Help(argparse.RawDescriptionHelpFormatter):
    """Knows its width without importing shutil to find it."""

    def __init__(self, prog: str) -> None:
        try:
            columns = os.get_terminal_size(sys.stdout.fileno()).columns
        except (OSError, ValueError):
            columns = 0
        super().__init__(prog, width=min(columns or 100, 100))


def help_of(action: argparse.Action) -> str:
    """Return what `--help` says of an argument, with what argparse puts into it."""
    return argparse.HelpFormatter("archc")._expand_help(action) if action.help else ""


class Parser(argparse.ArgumentParser):
    """Takes each flag of one value once, unless it is said to be repeated, and no empty value."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=Help, allow_abbrev=False, **options)
        for name in (None, "store"):
            self.register("action", name, Once)
        self.register("type", None, name_or_text)

    def _print_message(self, message: str, file: Any = None) -> None:
        """As argparse does, which passes over a full disk: help that is lost is told of."""
        if file is sys.stdout:
            file.write(message)
        else:
            super()._print_message(message, file)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse as argparse does; inputs that stand behind a flag join those before it."""
        found, rest = super().parse_known_args(args, namespace)
        several = [each for each in self._get_positional_actions() if each.nargs in ("*", "+")]
        if not rest:
            return found, rest
        if not several or any(map(_is_flag, rest)):
            self.error(f"unrecognized arguments: {' '.join(rest)}{self._meant(rest)}")
        inputs = several[-1].dest
        try:
            values = self._get_values(several[-1], rest)
        except argparse.ArgumentError as error:
            self.error(str(error))
        setattr(found, inputs, [*getattr(found, inputs), *values])
        return found, []

    def _meant(self, words: list[str]) -> str:
        """For the end of a message: the flag that is like the first one, or how much it takes."""
        from archc.arguments import meant

        first = next(filter(_is_flag, words), "").partition("=")[0]
        if not first:
            takes = [str(each.metavar or each.dest) for each in self._get_positional_actions()]
            return f"; it takes {' and '.join(takes) if takes else 'flags'} alone"
        shown = (each for each in self._actions if each.help != argparse.SUPPRESS)
        return meant(first, [flag for each in shown for flag in each.option_strings])

    def error(self, message: str) -> NoReturn:
        from archc.report.characters import visible

        super().error(visible(message))


def _is_flag(word: str) -> bool:
    return word.startswith("-") and word != "-"


class Once(argparse.Action):
    """An argument of one value: of two, one would be left out without a word."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Keep the value. Raises ArgumentError where there is one."""
        given: set[str] = namespace.__dict__.setdefault("given", set())
        if option_string is not None and self.dest in given:
            both = " and ".join(map(_shown, (getattr(namespace, self.dest), values)))
            raise argparse.ArgumentError(self, f"it is given twice, {both}: write it once")
        given.add(self.dest)
        setattr(namespace, self.dest, values)


def _shown(value: Any) -> str:
    """A value as it is written, or nearly so."""
    if isinstance(value, dict):
        names = {name.replace("_", "-"): of for name, of in value.items()}
        return ",".join(name if of is True else f"{name}={of}" for name, of in names.items())
    if isinstance(value, list | tuple | frozenset):
        return ",".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def common() -> Parser:
    """What may stand before the command and after it."""
    parent = Parser(add_help=False)
    add_common(parent, color=argparse.SUPPRESS, traceback=argparse.SUPPRESS)
    return parent


def add_common(parser: Parser, *, color: str, traceback: str | bool) -> None:
    parser.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default=color,
        help="auto: on a terminal, and not where NO_COLOR is set",
    )
    parser.add_argument(
        "--traceback", action="store_true", default=traceback, help=argparse.SUPPRESS
    )


def reading() -> Parser:
    """What reads a network: `bounded`, and what the file's params and inputs shall be."""
    parent = bounded()
    parent.add_argument(
        "-D",
        dest="params",
        metavar="NAME=VALUE",
        type=assignment,
        action="append",
        default=[],
        help="set a param of the file",
    )
    parent.add_argument(
        "--input",
        dest="shapes",
        metavar="[NAME=]CxHxW",
        type=shape,
        action="append",
        default=[],
        help="another shape for an input of the file, channels first: 3x512x512",
    )
    return parent


def bounded() -> Parser:
    """What reads a text: how far it may reach, and how much of it there may be."""
    parent = Parser(add_help=False)
    parent.set_defaults(params=[], shapes=[])
    parent.add_argument(
        "--project",
        metavar="DIR",
        help="the folder that `use` must not leave (default: the input's own)",
    )
    limits = parent.add_argument_group("limits")
    for field, what in LIMITS.items():
        flag = f"--max-{field.replace('_', '-')}"
        limits.add_argument(flag, metavar="N", type=count, dest=f"max_{field}", help=f"most {what}")
    return parent


def tabling() -> Parser:
    parent = Parser(add_help=False)
    parent.add_argument(
        "--format",
        choices=("text", "json", "csv", "markdown", "latex"),
        default="text",
        help="default: text",
    )
    return parent


def writing() -> Parser:
    parent = Parser(add_help=False)
    parent.add_argument(
        "-o",
        dest="output",
        metavar="OUT",
        help="file, folder, or - for standard output (default: INPUT's name, in this folder)",
    )
    parent.add_argument(
        "--force", action="store_true", help="overwrite a file that archc did not write"
    )
    return parent
