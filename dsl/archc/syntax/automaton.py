"""lark at work on one text: its contextual lexer and its LALR automaton.

The stacks and the position are open to `archc.syntax.recovery`, which goes on after a mistake.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import lark
from lark.exceptions import UnexpectedInput, UnexpectedToken
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


_BLANK = "WS"


class UnexpectedText(UnexpectedInput):
    """No token that could be here begins at a position."""

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.pos_in_stream = position  # type: ignore[assignment]


class _Callbacks(dict[Any, Any]):
    """What lark calls where a rule ends, by rule: made when a text first uses the rule."""

    def __init__(self, builder: object) -> None:
        self._builder = builder

    def __bool__(self) -> bool:
        return True

    def __missing__(self, rule: Any) -> Any:
        self[rule] = _shapes()[rule].create_callback(self._builder)[rule]
        return self[rule]


class Automaton:
    """A parser at work on one text, its values made by the methods of `builder`.

    At what does not fit it raises an `UnexpectedInput` of lark's.
    """

    def __init__(self, builder: object, text: str) -> None:
        self._parser: Any = load().parse_interactive(text)
        self._state: ParserState[int] = self._parser.parser_state
        table, start = self._state.parse_conf.parse_table, self._state.parse_conf.start
        self._state.parse_conf = ParseConf(table, _Callbacks(builder), start)
        self._trial = ParseConf(table, {}, start)  # with no callbacks nothing is built
        self._text = text
        self._position = 0  # of what comes next
        self.states = self._state.state_stack
        self.values: list[Any] = self._state.value_stack

    def tokens(self) -> Iterator[Token]:
        """What is left of the text, `$END` at last. Feed each before asking for the next.

        A new line in the midst of something is left out. The lexer cannot tell: it goes by the
        state alone, which does not know what it is inside of.
        """
        text = self._text
        while self._position < len(text):
            start = self._position
            kind, self._position = self._scan(start)
            stop = self._position
            if kind == _BLANK or (kind == "_SEP" and self._is_nothing(start, stop)):
                continue
            yield Token(kind, text[start:stop], start, end_pos=stop)
        yield Token("$END", "", len(text), end_pos=len(text))

    def _is_nothing(self, start: int, stop: int) -> bool:
        """Whether a separator stands where none may be."""
        return ";" not in self._text[start:stop] and not self.accepts("_SEP")

    def _scan(self, start: int) -> tuple[str, int]:
        """The kind of token that is next, and where it ends. Raises UnexpectedText.

        A terminal is only looked for where the automaton accepts it, as lark's contextual lexer
        does. What all terminals together find is right wherever it is accepted, so that one
        pattern does for nearly all states, and need not be made for each.
        """
        accepted = self._trial.states[self.states[-1]]
        found = _pattern(None).match(self._text, start)
        if found is None or (found.lastgroup not in accepted and found.lastgroup != _BLANK):
            found = _pattern(frozenset(accepted)).match(self._text, start)
        if found is None or found.lastgroup is None:
            raise UnexpectedText(start)
        return found.lastgroup, found.end()

    def feed(self, token: Token) -> None:
        self._state.feed_token(token, token.type == "$END")

    def go_to(self, position: int) -> None:
        """`tokens` will go on from there."""
        self._position = position

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
def _pattern(kinds: frozenset[str] | None) -> re.Pattern[str]:
    """What finds the next token of these kinds, or of all; the name of its kind is a group.

    In the order in which lark's lexers try them. The group is empty and stands behind the token,
    since a group around a long one takes memory for each of its characters.
    """
    terminals = [
        terminal
        for terminal in load().terminals
        if kinds is None or terminal.name in kinds or terminal.name == _BLANK
    ]
    ordered = sorted(
        terminals,
        key=lambda t: (-t.priority, -t.pattern.max_width, -len(t.pattern.value), t.name),
    )
    return re.compile("|".join(f"(?:{t.pattern.to_regexp()})(?P<{t.name}>)" for t in ordered))


@cache
def _shapes() -> dict[Any, Any]:
    """lark's handling of punctuation, `?rule` and `_rule`, for any builder, by rule."""
    make: Any = ParseTreeBuilder
    return {rule: make([rule], lark.Tree) for rule in load().rules}
