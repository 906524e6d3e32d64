"""The formatter: blanks, indents and the columns of comments, and nothing else of a text.

    text -> lexemes -> lines -> indents, blanks between tokens -> columns of comments -> text

It works on the lexemes of a text alone and needs no analysis; lines are never joined, split or
moved. Lines inside a mistake stay as they are. What it gives has the same tokens, comments and
tree as before, or else it is refused: see `guard`.
"""

from __future__ import annotations

from archc.layout.comments import align
from archc.layout.guard import says_the_same
from archc.layout.indents import indent
from archc.layout.lines import TextLine, line_end, lines_of, without_spare_blanks
from archc.layout.spacing import space
from archc.record import record
from archc.recursion import deep_recursion
from archc.source import Diagnostic, Limits, Source
from archc.syntax.parser import read


@record
class Formatted:
    """A text as it should stand. `text` is the old one where formatting is `refused`."""

    before: Source
    text: str
    left: int = 0  # lines inside mistakes, which stay as they are
    refused: bool = False  # it would have said something else, or not stayed as it is
    unreadable: Diagnostic | None = None  # why it is no text to lay out

    @property
    def changed(self) -> bool:
        return self.text != self.before.text


@deep_recursion()
def format_source(source: Source, limits: Limits | None = None) -> Formatted:
    """Lay a text out anew. Never raises for anything in the text."""
    before = read(source, limits)
    if before.refusal:
        return Formatted(source, source.text, unreadable=before.refusal)
    lines = lines_of(before)
    text = lay_out(lines, line_end(source.text))
    left = sum(line.is_kept and bool(line.text) for line in lines)
    if text == source.text:
        return Formatted(source, text, left)
    after = read(Source(source.name, text), limits)
    is_settled = lay_out(lines_of(after), line_end(text)) == text
    if is_settled and says_the_same(before, after):
        return Formatted(source, text, left)
    return Formatted(source, source.text, left, refused=True)


def lay_out(lines: list[TextLine], newline: str) -> str:
    """Return the text of lines, each in its place."""
    space(lines)
    indent(lines)
    align(lines)
    return "".join(line.write(newline) for line in without_spare_blanks(lines))
