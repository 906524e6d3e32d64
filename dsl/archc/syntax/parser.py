"""Text to tree: `parse`, and `read` where the tokens are wanted, too.

The modules behind it: `parse_table` (what lark makes of the grammar), `automaton` (lark at work on
a text), `build` (reductions to nodes), `recovery` (going on after a mistake) and `expected` (what
to say of it). They alone import lark, which takes its time: only when there is a text to parse.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from archc.record import record
from archc.source import Diagnostic, Diagnostics, Limits, Source, Span, SpanLabel
from archc.syntax import File

if TYPE_CHECKING:
    from archc.syntax.automaton import Token

_NOT_TEXT = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")


@record
class Reading:
    """What one pass of the parser made of a text: `tokens` are those that it took."""

    file: File
    problems: tuple[Diagnostic, ...]
    tokens: tuple[Token, ...] = ()

    @property
    def refusal(self) -> Diagnostic | None:
        """Why the text was not read at all. Every text that was has a token at least: its end."""
        return None if self.tokens else self.problems[0]


def parse(source: Source, limits: Limits | None = None) -> tuple[File, tuple[Diagnostic, ...]]:
    """What could be understood of a text, and what is wrong with it. Never raises.

    Where there are errors, statements may be missing from the tree. The tree is never nested
    much deeper than `limits.nesting` brackets and operators, so passes over it may recurse.
    """
    found = read(source, limits)
    return found.file, found.problems


def read(source: Source, limits: Limits | None = None) -> Reading:
    """Parse a text and keep its tokens. Never raises."""
    limits = limits or Limits()
    problems = Diagnostics(limits.diagnostics)
    refused = _refusal(source, limits)
    if refused:
        return Reading(File((), span=Span(source, 0, len(source.text)), doc=""), (refused,))
    from archc.syntax.build import Builder
    from archc.syntax.recovery import RecoveringParser

    builder = Builder(source, limits)
    parser = RecoveringParser(builder, source, limits, problems)
    with _no_collection():
        file = parser.parse()
    problems.extend(builder.problems)
    return Reading(file, problems.ordered(), tuple(parser.tokens))


@contextmanager
def _no_collection() -> Iterator[None]:
    """A tree has no cycles. To look for them while it grows would take half of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _refusal(source: Source, limits: Limits) -> Diagnostic | None:
    """What is not worth reading at all: too much of it, or not text."""
    text = source.text
    size = len(text)
    if size <= limits.source_bytes < 4 * size and not text.isascii():
        size = len(text.encode("utf-8", "surrogatepass"))
    if size > limits.source_bytes:
        title = f"the text is too large: {size:_} bytes, the limit is {limits.source_bytes:_}"
        return Diagnostic("A008", title, (SpanLabel(Span(source, 0, 0)),))
    found = _NOT_TEXT.search(text)
    if found:
        title = f"this is not text: it holds the control character U+{ord(found.group()):04X}"
        return Diagnostic("A009", title, (SpanLabel(Span(source, *found.span())),))
    return None
