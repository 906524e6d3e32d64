"""A text in pieces that lose nothing: the parser's tokens, and all that lies between them.

The lexer is contextual, so that tokens come from parsing alone. What the parser did not take is
blank, a line's end, a comment, a `;` or, after a mistake, text that was skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from archc.record import record
from archc.source import Limits, Source
from archc.syntax.parser import Reading, read

BLANK = "BLANK"
COMMENT = "COMMENT"
NEWLINE = "NEWLINE"  # where a statement may end
BREAK = "BREAK"  # a newline in the midst of something: it means nothing
SEMICOLON = "SEMICOLON"
SKIPPED = "SKIPPED"  # what recovery went over after a mistake

_BETWEEN = re.compile(
    r"(?P<BREAK>\r?\n)"
    r"|(?P<BLANK>(?:[ \t\f\ufeff]|\r(?!\n))+)"
    r"|(?P<COMMENT>#(?:[^\r\n]|\r(?!\n))*)"
    r"|(?P<SEMICOLON>;)"
    r'|(?P<SKIPPED>(?:"(?:[^"\\\r\n]|\\[^\r\n])*"?|[^ \t\f\ufeff\r\n#;])+)'
)
_LED = {"ELSE": "else", "LANGLE": "<"}  # tokens that take the blanks before them along


@record
class Lexeme:
    """A piece of a text: a token of the grammar, or one of the kinds above.

    After a mistake some are empty: they close brackets that the text leaves open.
    """

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def lexemes(source: Source, limits: Limits | None = None) -> tuple[Lexeme, ...]:
    """Return a text in pieces. Their texts joined are the text, whatever is in it."""
    return lexemes_of(read(source, limits))


def lexemes_of(reading: Reading) -> tuple[Lexeme, ...]:
    """Return the text that was read, in pieces."""
    return tuple(_pieces(reading))


def _pieces(reading: Reading) -> Iterator[Lexeme]:
    text = reading.file.span.source.text
    at = 0
    for token in reading.tokens:
        kind, stop = token.type, token.end_pos
        start = stop - len(_LED[kind]) if kind in _LED and token.value else token.start_pos
        if kind == "$END" or start < at:
            continue
        if kind == "_SEP":
            yield from _between(text, at, start, BREAK)
            yield from _between(text, start, stop, NEWLINE)
        else:
            yield from _between(text, at, start, BREAK)
            yield Lexeme(kind, text[start:stop], start)
        at = stop
    yield from _between(text, at, len(text), BREAK)


def _between(text: str, start: int, stop: int, newline: str) -> Iterator[Lexeme]:
    """What lies between tokens; `newline` is what a line's end is there."""
    for found in _BETWEEN.finditer(text, start, stop):
        kind = newline if found.lastgroup == BREAK else found.lastgroup
        assert kind is not None
        yield Lexeme(kind, found.group(), found.start())
