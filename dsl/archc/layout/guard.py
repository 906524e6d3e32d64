"""Whether two texts say the same: what the formatter asks of itself before anybody writes."""

from __future__ import annotations

import re

from archc import syntax
from archc.syntax.lexemes import BLANK, BREAK, COMMENT, NEWLINE, lexemes_of
from archc.syntax.parser import Reading


def says_the_same(one: Reading, other: Reading) -> bool:
    """Tell whether tokens, comments, their order on lines, the tree and the mistakes are the same."""
    return (
        _essence(one) == _essence(other)
        and one.file == other.file
        and _documentation(one.file) == _documentation(other.file)
        and [(d.code, d.title) for d in one.problems] == [(d.code, d.title) for d in other.problems]
    )


def _essence(reading: Reading) -> list[tuple[str, str]]:
    """Return all but blanks, with one newline for several, and none at either end."""
    found: list[tuple[str, str]] = []
    for lexeme in lexemes_of(reading):
        is_newline = lexeme.kind in (NEWLINE, BREAK)
        if lexeme.kind == BLANK or (is_newline and (not found or found[-1][1] == "\n")):
            continue
        found.append((lexeme.kind, "\n" if is_newline else _plain(lexeme.kind, lexeme.text)))
    return found[:-1] if found and found[-1][1] == "\n" else found


def _plain(kind: str, text: str) -> str:
    if kind == COMMENT:
        return text.rstrip()
    return re.sub(r"[ \t]", "", text) if kind in ("KEY", "INCOMING") else text


def _documentation(file: syntax.File) -> list[str]:
    blocks = [item.doc for item in file.items if isinstance(item, syntax.Block)]
    return [file.doc, *blocks]
