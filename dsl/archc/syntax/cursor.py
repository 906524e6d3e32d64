"""What may come at a place in a text: what an editor completes.

The parser goes over the text before the place and stops there, mistakes or not; its stack says
what is accepted, and which statement, operator and bracket are around.
"""

from __future__ import annotations

from archc.record import record
from archc.source import Diagnostics, Limits, Source
from archc.syntax.automaton import Token
from archc.syntax.build import Builder
from archc.syntax.recovery import OPENERS, RecoveringParser
from archc.syntax.tree import Word


@record
class Cursor:
    """Where a cursor stands: at `offset`, behind the first letters `typed` of a word.

    `accepted` are the kinds of token that may come in that word's place, `brackets` those that are
    open there, outermost first, by position and kind. `head` is the operator or block that the
    statement applies, and `commas` how many arguments are before it in the innermost brackets.
    """

    offset: int
    typed: str
    accepted: frozenset[str]
    brackets: tuple[tuple[int, str], ...]
    head: str
    head_at: int
    section: str  # `train`, `meta` or `expect`, where it is in one
    words: tuple[str, ...]  # flags of the statement so far
    commas: int
    start: int  # of the statement

    @property
    def begins_statement(self) -> bool:
        return "NAME" in self.accepted and "FOR" in self.accepted and "INT" not in self.accepted

    @property
    def begins_item(self) -> bool:
        return "NETWORK" in self.accepted

    @property
    def takes_attribute(self) -> bool:
        return "WORD" in self.accepted and "KEY" in self.accepted

    @property
    def takes_value(self) -> bool:
        return "INCOMING" in self.accepted


def cursor_at(source: Source, offset: int, start: int = 0) -> Cursor:
    """Return what may come at an offset. `start` is where an item begins at or before it."""
    text = source.text
    word = offset
    while word > start and (text[word - 1].isalnum() or text[word - 1] == "_"):
        word -= 1
    before = Source(source.name, " " * start + text[start:word])
    limits = Limits()
    builder, problems = Builder(before, limits), Diagnostics(limits.diagnostics)
    parser = _StoppingParser(builder, before, limits, problems)
    parser.read_from(start)
    return parser.cursor(offset, text[word:offset])


class _StoppingParser(RecoveringParser):
    """The parser that goes to the end of a text and stops there, as if more came."""

    ends = False

    def read_from(self, start: int) -> None:
        """Read all there is behind a place."""
        self.machine.go_to(start)
        self._read_all()

    def cursor(self, offset: int, typed: str) -> Cursor:
        """Return what may come now."""
        brackets = self._open_brackets()
        values = self.machine.values
        pending = self._pending()
        section = next((v.value for v in values if type(v) is Token and v.type == "SECTION"), "")
        kind = "WORD" if section else "NAME"
        head = next((v for v in pending if type(v) is Token and v.type == kind), None)
        inner = brackets[-1] if brackets else None
        call = None
        commas = 0
        if inner is not None:
            at = max(i for i, value in enumerate(values) if value is inner)
            commas = self._commas(inner)
            before = values[at - 1] if at else None
            if inner.type == "CALL_OPEN" and type(before) is Token and before.type == "NAME":
                call = before
        head = call or head
        return Cursor(
            offset,
            typed,
            self.machine.accepted(),
            tuple((self._at(token), token.type) for token in brackets),
            head.value if head is not None else "",
            head.start_pos if head is not None else -1,
            section,
            tuple(v.id for v in pending if isinstance(v, Word)),
            commas,
            self._statement_start(offset),
        )

    def _commas(self, bracket: Token) -> int:
        """How many commas are in an open bracket itself, not in others inside of it."""
        found = depth = 0
        for token in reversed(self.tokens):
            if token is bracket:
                break
            depth += (token.type in OPENERS.values()) - (token.type in OPENERS)
            found += token.type == "_COMMA" and not depth
        return found
