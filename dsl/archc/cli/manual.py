"""docs/commands.md, written from the parsers: every command and its flags."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator

from archc.cli.arguments import parser
from archc.cli.arguments.shared import Parser, help_of

# Where docs/cli.md says more, by command.
_MORE = {
    "build": (
        "What `build --with` adds",
        "What `build --form deploy` writes",
        "What `build --placement` writes",
    ),
    "check": ("Formats of `check`", "What `check --fix` corrects"),
    "compare": ("What `compare` shows",),
    "completion": ("Completion in a shell",),
    "diff": ("What `diff` says",),
    "draw": ("Drawings",),
    "edit": ("What `edit` serves",),
    "explain": ("What `explain` says",),
    "export": ("What `export` writes: ONNX and PT2",),
    "fit": ("What `fit` counts",),
    "fmt": ("What `fmt` does",),
    "lsp": ("What `lsp` is",),
    "new": ("A file to begin with",),
    "runs": ("What `runs` shows",),
    "summary": ("What `summary` counts",),
    "verify": ("What `verify` proves",),
}


def commands() -> str:
    """Return all commands as Markdown; flags that all of them take stand at the end."""
    made = _subparsers()
    shared = set.intersection(*({_names(a) for a in _flags(each)} for each in made.values()))
    lines = [line for name, each in made.items() for line in _command(name, each, shared)]
    common = [a for a in _flags(made["check"]) if _names(a) in shared]
    return "\n".join([*lines, "## Flags of every command", "", *_table(common)]) + "\n"


def _subparsers() -> dict[str, Parser]:
    (found,) = (a for a in parser()._actions if isinstance(a, argparse._SubParsersAction))
    return dict(found.choices)


def _command(name: str, made: Parser, shared: set[str]) -> Iterator[str]:
    yield f"## `archc {name}`"
    yield ""
    more = ", ".join(f"[{title}](cli.md#{_anchor(title)})" for title in _MORE.get(name, ()))
    yield f"{made.description}{f' More: {more}.' if more else ''}"
    yield ""
    given = [a for a in made._actions if not a.option_strings]
    own = [a for a in _flags(made) if _names(a) not in shared and not _is_limit(a)]
    yield from _table([*given, *own])
    if any(_is_limit(a) for a in _flags(made)):
        yield "It takes [limits](cli.md#params-and-limits), too."
        yield ""


def _flags(made: Parser) -> list[argparse.Action]:
    return [a for a in made._actions if a.option_strings and a.help != argparse.SUPPRESS]


def _is_limit(action: argparse.Action) -> bool:
    return action.option_strings[0].startswith("--max-")


def _names(action: argparse.Action) -> str:
    return ", ".join(action.option_strings)


def _table(actions: list[argparse.Action]) -> Iterator[str]:
    if actions:
        yield "| | |"
        yield "| --- | --- |"
        yield from (f"| `{_written(a)}` | {_means(a)} |" for a in actions)
        yield ""


def _written(action: argparse.Action) -> str:
    """`-o OUT`, `--color auto|always|never`, `INPUT...`."""
    values = "|".join(map(str, action.choices or ()))
    word = str(action.metavar or values or action.dest.upper()).replace("|", "\\|")
    many = "..." if action.nargs in ("*", "+") else ""
    if not action.option_strings:
        return f"[{word}{many}]" if action.nargs in ("?", "*") else f"{word}{many}"
    names = ", ".join(action.option_strings)
    return names if action.nargs == 0 else f"{names} {word}{many}"


def _means(action: argparse.Action) -> str:
    """The help of a flag, in a cell of a table."""
    return help_of(action).replace("|", "\\|").replace("<", "&lt;")


def _anchor(title: str) -> str:
    """A heading's anchor, as forges make it."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
