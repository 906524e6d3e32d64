"""Whether two texts say the same: what the formatter asks of itself before anybody writes."""

from __future__ import annotations

import re

from archc import syntax
from archc.layout.lines import WITH_BLANKS
from archc.syntax.lexemes import BLANK, BREAK, COMMENT, NEWLINE, Lexeme, lexemes_of
from archc.syntax.parser import Reading

_NEWLINE = (NEWLINE, "\n")


def says_the_same(one: Reading, other: Reading) -> bool:
    """Tell whether tokens, comments, ends of lines, tree and mistakes are the same."""
    return (
        _essence(one) == _essence(other)
        and one.file == other.file
        and _documentation(one.file) == _documentation(other.file)
        and [(d.code, d.title) for d in one.problems] == [(d.code, d.title) for d in other.problems]
    )


def _essence(reading: Reading) -> list[tuple[str, str]]:
    """Return all but blanks, with one newline for several, and none at either end."""
    found = [_NEWLINE]
    for lexeme in lexemes_of(reading):
        if lexeme.kind in (NEWLINE, BREAK):
            found += [_NEWLINE] if found[-1] != _NEWLINE else []
        elif lexeme.kind != BLANK and lexeme.text:
            found.append((lexeme.kind, _plain(lexeme)))
    return found if found[-1] == _NEWLINE else [*found, _NEWLINE]


def _plain(lexeme: Lexeme) -> str:
    """Return the text of a lexeme without the blanks that mean nothing in it."""
    if lexeme.kind == COMMENT:
        return lexeme.text.rstrip(" \t")
    return re.sub(r"[ \t]", "", lexeme.text) if lexeme.kind in WITH_BLANKS else lexeme.text


def _documentation(file: syntax.File) -> list[str]:
    blocks = [item.doc for item in file.items if isinstance(item, syntax.Block)]
    return [file.doc, *blocks]
