"""The lines of a text: their tokens, and what a layout decides about them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from archc.source import Span
from archc.syntax.lexemes import BLANK, BREAK, COMMENT, NEWLINE, SKIPPED, Lexeme, lexemes_of
from archc.syntax.parser import Reading
from archc.syntax.recovery import OPENERS

_CLOSING = frozenset(OPENERS.values())
_BEGINNING = frozenset({"LBRACE", "LANGLE", "PIPE", "SEMICOLON", SKIPPED})  # a statement follows
_PLAIN = re.compile(r"[ \t]*")
_BOM = "\ufeff"
WITH_BLANKS = frozenset({"KEY", "INCOMING"})  # `width =`, `in . c`
TAB = 8  # columns, where a comment stands behind tabs


@dataclass(eq=False, slots=True)
class Piece:
    """A token in its line. An empty one closes a bracket that is left open there."""

    kind: str
    text: str
    line: int
    column: int  # in the text as it is
    is_spaced: bool  # blanks or a newline before it
    is_new: bool = True  # begins a statement, an item or a branch
    inside: Piece | None = None  # the innermost open bracket
    opener: Piece | None = None  # of a closing bracket
    before: Piece | None = None  # the token before it in the text, of those that are written
    gap: str = ""  # between it and the one before it in its line


@dataclass(eq=False, slots=True)
class TextLine:
    """A line of the text. One that `is_kept` stands in a mistake, and stays as it is."""

    text: str  # without the newline
    ends: bool  # with a newline, as all lines but perhaps the last
    pieces: list[Piece] = field(default_factory=list)
    comment: str = ""
    comment_column: int = 0  # in the text as it is
    is_kept: bool = False
    indent: int = 0
    gap: int = 0  # blanks before the comment
    bom: str = ""

    @property
    def first(self) -> Piece | None:
        """The first token that is written."""
        return next((piece for piece in self.pieces if piece.text), None)

    @property
    def code(self) -> str:
        """The tokens with the blanks between them, without the indent."""
        return "".join(piece.gap + piece.text for piece in self.pieces)

    @property
    def width(self) -> int:
        """The columns up to the end of the code; none where there is no code."""
        code = self.code
        return self.indent + len(code) if code else 0

    @property
    def is_blank(self) -> bool:
        return not self.is_kept and not self.comment and self.first is None

    def write(self, newline: str) -> str:
        """Return the line as it should stand, with a newline at its end."""
        if self.is_kept:
            return self.text + "\n" * self.ends  # a CR is in the text
        indent = " " * self.indent if self.code else ""
        return f"{self.bom}{indent}{self.code}{' ' * self.gap}{self.comment}{newline}"


def lines_of(reading: Reading) -> list[TextLine]:
    """Return the lines of a text that was read, and mark those that must stay as they are."""
    source = reading.file.span.source
    lines = [TextLine(text, ends=True) for text in source.text.split("\n")]
    lines[-1].ends = False
    _fill(lines, lexemes_of(reading))
    damaged = [*reading.file.damage.spans]
    damaged += [label.span for problem in reading.problems for label in problem.labels[:1]]
    for span in damaged:
        _keep(lines, _numbers(span))
    return lines


def line_end(text: str) -> str:
    """Return what ends most lines: `\\n`, or `\\r\\n`."""
    return "\r\n" if 2 * text.count("\r\n") > text.count("\n") else "\n"


def without_spare_blanks(lines: list[TextLine]) -> Iterator[TextLine]:
    """Leave out blank lines at both ends of the text, and all but one in a row."""
    last = max((at for at, line in enumerate(lines) if not line.is_blank), default=-1)
    was_blank = True
    for line in lines[: last + 1]:
        if not (line.is_blank and was_blank):
            yield line
        was_blank = line.is_blank


def _fill(lines: list[TextLine], lexemes: Iterable[Lexeme]) -> None:
    """Hand the lexemes out to their lines, each with what it needs to know of its place."""
    number, column = 0, 0
    opened: list[Piece] = []
    last: Piece | None = None
    is_spaced = is_new = True
    for lexeme in lexemes:
        line, kind, text = lines[number], lexeme.kind, lexeme.text
        if kind in (NEWLINE, BREAK):
            number, column, is_spaced = number + 1, 0, True
            is_new |= kind == NEWLINE
            continue
        if kind == BLANK:
            bom = _BOM if number == column == 0 and text.startswith(_BOM) else ""
            line.bom += bom
            line.is_kept |= _PLAIN.fullmatch(text.removeprefix(bom)) is None
            is_spaced = True
        elif kind == COMMENT:
            line.comment, line.comment_column = text.rstrip(" \t"), column
        else:
            inside = opened[-1] if opened else None
            piece = Piece(kind, text, number, column, is_spaced, is_new, inside, before=last)
            if kind in OPENERS:
                opened.append(piece)
            elif kind in _CLOSING and opened:
                piece.opener = opened.pop()
                if not text:
                    _keep(lines, range(piece.opener.line, (last or piece).line + 1))
            line.is_kept |= kind == SKIPPED
            line.pieces.append(piece)
            last = piece if text else last
            is_new = not text or kind in _BEGINNING
            is_spaced = False
        column = _column(column, text)


def _column(column: int, text: str) -> int:
    """Return the column behind a text that begins in another. Tabs go to every eighth."""
    return len((" " * (column % TAB) + text).expandtabs(TAB)) + column // TAB * TAB


def _numbers(span: Span) -> range:
    """Return the numbers of the lines that a span touches, from 0."""
    last = span.source.position(max(span.start, span.end - 1))[0]
    return range(span.line - 1, last)


def _keep(lines: list[TextLine], numbers: Iterable[int]) -> None:
    for number in numbers:
        lines[number].is_kept = True
