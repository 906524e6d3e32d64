"""Statements moved in a text: their lines, taken out of one place and put into another."""

from __future__ import annotations

import re
from collections.abc import Sequence

from archc import syntax
from archc.editor.findings import TextChange
from archc.source import Source

INDENT = "  "
_WIDTH = 88  # what fits stays on one line
_GAP = 3  # blanks before a comment
_COMMENTED = re.compile(r'[^#"]*?\S( +)#')


def indent_at(source: Source, offset: int) -> str:
    """Return the blanks that the line of an offset begins with."""
    start = source.text.rfind("\n", 0, offset) + 1
    line = source.text[start:]
    return line[: len(line) - len(line.lstrip(" \t"))]


def dedented(text: str) -> str:
    """Return lines without the blanks that all but the first begin with, and none around them."""
    lines = text.strip("\r\n").rstrip().expandtabs(2).splitlines()
    if not lines:
        return ""
    first, rest = lines[0], lines[1:]
    told = [len(line) - len(line.lstrip()) for line in rest if line.strip()]
    if first[:1] == " ":
        told.append(len(first) - len(first.lstrip()))
    least = min(told, default=0)
    return "\n".join([first[least:] if first[:1] == " " else first, *(x[least:] for x in rest)])


def indented(text: str, indent: str) -> str:
    """Return lines, all but the first moved to the right."""
    return "\n".join(
        line if at == 0 or not line.strip() else indent + line
        for at, line in enumerate(text.split("\n"))
    )


def braced(body: str, head: str = "", tail: str = "") -> str:
    """Return statements in curly brackets: on one line where they fit, else line by line."""
    body = _with_close_comments(dedented(body))
    line = f"{head}{{ {body} }}{tail}"
    if _is_short(body, line):
        return line
    return f"{head}{{\n{INDENT}{indented(body, INDENT)}\n}}{tail}"


def _is_short(body: str, line: str) -> bool:
    return "\n" not in body and "#" not in body and len(line) <= _WIDTH


def _with_close_comments(body: str) -> str:
    """Comments that stood further right, as close to the code as one puts them."""
    lines = body.split("\n")
    gaps = [(len(found[1]), found) for line in lines if (found := _COMMENTED.match(line))]
    spare = min((gap for gap, _ in gaps), default=_GAP) - _GAP
    if spare <= 0:
        return body
    return "\n".join(
        line[: found.end(1) - spare] + line[found.end(1) :]
        if (found := _COMMENTED.match(line))
        else line
        for line in lines
    )


def joined(statements: Sequence[str], *, on_lines: bool = False) -> str:
    """Return statements in a row: on one line where they fit, unless on lines of their own."""
    line = "; ".join(statements)
    alone = any("\n" in each or "#" in each for each in statements)
    return "\n".join(statements) if on_lines or alone or len(line) > _WIDTH - 8 else line


def has_line(source: Source, start: int, end: int) -> bool:
    """Tell whether nothing but a comment stands beside what is between two offsets."""
    before = source.text[source.text.rfind("\n", 0, start) + 1 : start]
    stop = source.text.find("\n", end)
    after = source.text[end : len(source.text) if stop < 0 else stop].partition("#")[0]
    return not before.strip() and not after.strip()


def placed(
    source: Source, row: syntax.Sequence, statement: syntax.Statement, text: str
) -> TextChange:
    """Return the change that puts lines in a statement's place.

    What stood in one line with it, in curly brackets, gets lines of its own, too.
    """
    start, end = statement.span.start, statement.span.end
    whole = source.text[row.span.start : row.span.end]
    if "\n" not in text or has_line(source, start, end) or "\n" in whole or whole[:1] != "{":
        return TextChange(start, end, indented(text, indent_at(source, start)))
    lines = [text if s is statement else s.span.text for s in row.statements]
    made = "{\n" + INDENT + indented("\n".join(lines), INDENT) + "\n}"
    return TextChange(row.span.start, row.span.end, indented(made, indent_at(source, start)))
