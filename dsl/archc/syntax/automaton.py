"""lark at work on one text: its contextual lexer and its LALR automaton.

The stacks and the position are open to `archc.syntax.recovery`, which goes on after a mistake.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import lark
from lark.exceptions import UnexpectedInput
from lark.parse_tree_builder import ParseTreeBuilder
from lark.parsers.lalr_analysis import Shift

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

    def __missing__(self, rule: Any) -> Any:
        self[rule] = _shapes()[rule].create_callback(self._builder)[rule]
        return self[rule]


class Automaton:
    """A parser at work on one text, its values made by the methods of `builder`.

    At what does not fit it raises an `UnexpectedInput` of lark's.
    """

    def __init__(self, builder: object, text: str) -> None:
        self._callbacks = _Callbacks(builder)
        self._moves, start, self._end = _moves()
        self._text = text
        self._position = 0  # of what comes next
        self.states = [start]
        self.values: list[Any] = []

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
        accepted = self._moves[self.states[-1]]
        found = _pattern(None).match(self._text, start)
        if found is None or (found.lastgroup not in accepted and found.lastgroup != _BLANK):
            found = _pattern(frozenset(accepted)).match(self._text, start)
        if found is None or found.lastgroup is None:
            raise UnexpectedText(start)
        return found.lastgroup, found.end()

    def feed(self, token: Token) -> None:
        """Take a token. As lark's `feed_token` does, in half of its time."""
        states, values = self.states, self.values
        table, callbacks, kind = self._moves, self._callbacks, token.type
        while True:
            is_shift, target, size, origin = table[states[-1]].get(kind, _MISFIT)
            if is_shift:
                states.append(target)
                values.append(token)
                return
            if origin is None:
                raise UnexpectedText(token.start_pos or 0)
            if size:
                made = callbacks[target](values[-size:])
                del states[-size:], values[-size:]
            else:
                made = callbacks[target]([])
            states.append(table[states[-1]][origin][1])
            values.append(made)
            if kind == "$END" and states[-1] == self._end:
                return

    def go_to(self, position: int) -> None:
        """`tokens` will go on from there."""
        self._position = position

    def accepts(self, kind: str, height: int | None = None) -> bool:
        """Would this kind of token be right here, or with that many values on the stack?"""
        states = self.states[:] if height is None else self.states[: height + 1]
        table = self._moves
        while True:
            is_shift, _, size, origin = table[states[-1]].get(kind, _MISFIT)
            if is_shift or origin is None:
                return is_shift
            if size:
                del states[-size:]
            states.append(table[states[-1]][origin][1])
            if kind == "$END" and states[-1] == self._end:
                return True

    def accepted(self) -> frozenset[str]:
        """All kinds of token that would be right here."""
        kinds = (kind for kind in self._moves[self.states[-1]] if kind.isupper())
        return frozenset(kind for kind in kinds if self.accepts(kind))

    def height(self, kind: str) -> int:
        """How many values can stay on the stack if this kind of token is to come next."""
        heights = range(len(self.values), -1, -1)
        able = (n for n in heights if kind in self._moves[self.states[n]])
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


# Of a kind in a state: whether it is shifted, then the next state, or the rule that ends, with how
# many values it takes and what it makes.
Move = tuple[bool, Any, int, str | None]
_MISFIT: Move = (False, None, 0, None)


@cache
def _moves() -> tuple[dict[int, dict[str, Move]], int, int]:
    """lark's table, with what is asked of a rule at every token found out before; start and end."""
    parser: Any = load().parse_interactive("")
    conf = parser.parser_state.parse_conf
    moves = {
        state: {
            kind: (True, target, 0, None)
            if action is Shift
            else (False, target, len(target.expansion), target.origin.name)
            for kind, (action, target) in actions.items()
        }
        for state, actions in conf.states.items()
    }
    return moves, conf.start_state, conf.end_state


@cache
def _shapes() -> dict[Any, Any]:
    """lark's handling of punctuation, `?rule` and `_rule`, for any builder, by rule."""
    make: Any = ParseTreeBuilder
    return {rule: make([rule], lark.Tree) for rule in load().rules}
