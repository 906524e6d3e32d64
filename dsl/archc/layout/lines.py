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
_PLAIN = re.compile(r"[ \t]*")
_BOM = "\ufeff"
TAB = 8  # columns, where a comment stands behind tabs


@dataclass(eq=False, slots=True)
class Piece:
    """A token in its line. An empty one closes a bracket that is left open there."""

    kind: str
    text: str
    column: int  # in the text as it is
    is_spaced: bool  # blanks or a newline before it
    is_new: bool = True  # begins a statement, an item or a branch
    inside: Piece | None = None  # the innermost open bracket
    opener: Piece | None = None  # of a closing bracket
    before: Piece | None = None  # the token before it in the text
    gap: str = ""  # between it and the one before it in its line


@dataclass(eq=False, slots=True)
class Line:
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
        return not self.is_kept and not self.comment and not any(p.text for p in self.pieces)

    def write(self, newline: str) -> str:
        """Return the line as it should stand, with a newline at its end."""
        if self.is_kept:
            return self.text + "\n" * self.ends  # a CR is in the text
        indent = " " * self.indent if self.code else ""
        return f"{self.bom}{indent}{self.code}{' ' * self.gap}{self.comment}{newline}"


def lines_of(reading: Reading) -> list[Line]:
    """Return the lines of a text that was read, and mark those that must stay as they are."""
    source = reading.file.span.source
    lines = [Line(text, ends=True) for text in source.text.split("\n")]
    lines[-1].ends = False
    if not lines[-1].text:
        lines.pop()
    _fill(lines, lexemes_of(reading))
    damaged = [*reading.file.damage.spans]
    damaged += [label.span for problem in reading.problems for label in problem.labels[:1]]
    for span in damaged:
        _keep(lines, _numbers(span))
    return lines


def line_end(text: str) -> str:
    """Return what ends most lines: `\\n`, or `\\r\\n`."""
    return "\r\n" if 2 * text.count("\r\n") > text.count("\n") else "\n"


def without_spare_blanks(lines: list[Line]) -> Iterator[Line]:
    """Leave out blank lines at both ends of the text, and all but one in a row."""
    last = max((at for at, line in enumerate(lines) if not line.is_blank), default=-1)
    was_blank = True
    for line in lines[: last + 1]:
        if not (line.is_blank and was_blank):
            yield line
        was_blank = line.is_blank


def _fill(lines: list[Line], lexemes: Iterable[Lexeme]) -> None:
    """Hand the lexemes out to their lines, each with what it needs to know of its place."""
    number, start = 0, 0  # of the line at hand
    opened: list[tuple[Piece, int]] = []  # brackets and their lines
    last: Piece | None = None
    is_spaced = is_new = True
    for lexeme in lexemes:
        if lexeme.kind in (NEWLINE, BREAK):
            number, start = number + 1, lexeme.end
            is_spaced, is_new = True, is_new or lexeme.kind == NEWLINE
            continue
        line = lines[min(number, len(lines) - 1)] if lines else Line("", ends=False)
        column = _column(line.text, lexeme.start - start)
        if lexeme.kind == BLANK:
            if lexeme.start == 0 and lexeme.text.startswith(_BOM):
                line.bom = _BOM
            is_odd = _PLAIN.fullmatch(lexeme.text.removeprefix(line.bom)) is None
            line.is_kept |= is_odd
            is_spaced = True
        elif lexeme.kind == COMMENT:
            line.comment, line.comment_column = lexeme.text.rstrip(" \t"), column
        else:
            inside = opened[-1][0] if opened else None
            piece = Piece(lexeme.kind, lexeme.text, column, is_spaced, is_new, inside, before=last)
            line.is_kept |= lexeme.kind == SKIPPED
            if lexeme.kind in OPENERS:
                opened.append((piece, number))
            elif lexeme.kind in _CLOSING and opened:
                piece.opener, opened_at = opened.pop()
                if not lexeme.text:
                    _keep(lines, range(opened_at, number + 1))
            line.pieces.append(piece)
            last, is_spaced = piece, False
            is_new = lexeme.kind in ("LBRACE", "LANGLE", "PIPE", "SEMICOLON")


def _column(text: str, at: int) -> int:
    """Return the column of a place in a line, where tabs go to every eighth."""
    before = text[:at]
    return len(before.expandtabs(TAB)) if "\t" in before else at


def _numbers(span: Span) -> range:
    """Return the numbers of the lines that a span touches, from 0."""
    last = span.source.position(max(span.start, span.end - 1))[0]
    return range(span.line - 1, last)


def _keep(lines: list[Line], numbers: Iterable[int]) -> None:
    for number in numbers:
        if number < len(lines):
            lines[number].is_kept = True
