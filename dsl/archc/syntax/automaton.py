"""lark at work on one text: its contextual lexer and its LALR automaton.

The stacks and the position are open to `archc.syntax.recovery`, which goes on after a mistake.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import lark
from lark.exceptions import UnexpectedToken
from lark.parse_tree_builder import ParseTreeBuilder
from lark.parsers.lalr_parser_state import ParseConf, ParserState

from archc.syntax.parse_table import load

if TYPE_CHECKING:

    class Token(lark.Token):
        """lark's. Those made here and by the lexer all know where they are."""

        value: str
        start_pos: int
        end_pos: int

else:
    Token = lark.Token


class Automaton:
    """A parser at work on one text, its values made by the methods of `builder`.

    At what does not fit it raises lark's `UnexpectedInput`.
    """

    def __init__(self, builder: object, text: str) -> None:
        self._parser: Any = load().parse_interactive(text)
        self._state: ParserState[int] = self._parser.parser_state
        table, start = self._state.parse_conf.parse_table, self._state.parse_conf.start
        self._state.parse_conf = ParseConf(table, _shapes().create_callback(builder), start)
        self._trial = ParseConf(table, {}, start)  # with no callbacks nothing is built
        self._end = len(text)
        self.states = self._state.state_stack
        self.values: list[Any] = self._state.value_stack

    def tokens(self) -> Iterator[Token]:
        """What is left of the text, `$END` at last. Feed each before asking for the next.

        A new line in the midst of something is left out. The lexer cannot tell: it goes by the
        state alone, which does not know what it is inside of.
        """
        for token in self._parser.lexer_thread.lex(self._state):
            if token.type != "_SEP" or ";" in token or self.accepts("_SEP"):
                yield token
        yield Token("$END", "", self._end, end_pos=self._end)

    def feed(self, token: Token) -> None:
        self._state.feed_token(token, token.type == "$END")

    def go_to(self, position: int) -> None:
        """`tokens` will go on from there. lark's count of lines is wrong then, and not used."""
        self._parser.lexer_thread.state.line_ctr.char_pos = position

    def accepts(self, kind: str, height: int | None = None) -> bool:
        """Would this kind of token be right here, or with that many values on the stack?"""
        values = self.values[:height]
        trial = ParserState(self._trial, self._state.lexer, self.states[: len(values) + 1], values)
        try:
            trial.feed_token(Token(kind, ""), kind == "$END")
        except UnexpectedToken:
            return False
        return True

    def accepted(self) -> frozenset[str]:
        """All kinds of token that would be right here."""
        return frozenset(self._parser.accepts())

    def height(self, kind: str) -> int:
        """How many values can stay on the stack if this kind of token is to come next."""
        heights = range(len(self.values), -1, -1)
        able = (n for n in heights if kind in self._trial.states[self.states[n]])
        return next(n for n in able if self.accepts(kind, n))

    def cut(self, height: int) -> None:
        """Takes all values above that height off the stack."""
        del self.states[height + 1 :], self.values[height:]


@cache
def _shapes() -> Any:
    """lark's handling of punctuation, `?rule` and `_rule`, for any builder."""
    make: Any = ParseTreeBuilder
    return make(load().rules, lark.Tree)
