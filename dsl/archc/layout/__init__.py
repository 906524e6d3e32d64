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
from archc.layout.lines import Line, line_end, lines_of, without_spare_blanks
from archc.layout.spacing import space
from archc.record import record
from archc.recursion import deep_recursion
from archc.source import Limits, Source
from archc.syntax.parser import read


@record
class Formatted:
    """A text as it should stand. `text` is the old one where formatting is `refused`."""

    before: Source
    text: str
    left: int = 0  # lines inside mistakes, which stay as they are
    refused: bool = False  # it would have said something else

    @property
    def changed(self) -> bool:
        return self.text != self.before.text


@deep_recursion()
def format_source(source: Source, limits: Limits | None = None) -> Formatted:
    """Lay a text out anew. Never raises for anything in the text."""
    before = read(source, limits)
    lines = lines_of(before)
    text = lay_out(lines, line_end(source.text))
    left = sum(line.is_kept for line in lines)
    if text == source.text:
        return Formatted(source, text, left)
    if not says_the_same(before, read(Source(source.name, text), limits)):
        return Formatted(source, source.text, left, refused=True)
    return Formatted(source, text, left)


def lay_out(lines: list[Line], newline: str) -> str:
    """Return the text of lines, each in its place."""
    space(lines)
    indent(lines)
    align(lines)
    return "".join(line.write(newline) for line in without_spare_blanks(lines))
