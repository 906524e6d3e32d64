"""The automaton that lark makes of the grammar, at work on one text, with a contextual lexer.

The stacks and the position are open to `archc.syntax.recovery`, which goes on after a mistake.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from lark.exceptions import UnexpectedInput
from lark.parsers.lalr_analysis import Shift

from archc.syntax.parse_table import load

_BLANK = "WS"


@dataclass(slots=True, eq=False)
class Token:
    """A word of the grammar as it stands in the text; empty where it was put in after a mistake."""

    type: str
    value: str
    start_pos: int
    end_pos: int


class UnexpectedText(UnexpectedInput):
    """No token that could be here begins at a position."""

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.pos_in_stream = position  # type: ignore[assignment]


class Reduction(NamedTuple):
    """A rule that ends: it takes `size` values off the stack and puts there what it makes of them.

    Its `method` of the builder gets the values that are `kept`: all but punctuation. Where one
    alone is kept, a `?rule` is that one. A `_rule` has no method and makes a list, which the rule
    around it takes in. `passes`: it leaves its one value as it is.
    """

    size: int
    rule: str
    method: str | None
    kept: tuple[tuple[int, bool], ...] | None  # and whether it is a list to take in; None: all
    expands: bool
    passes: bool


class ParserTable(NamedTuple):
    """The automaton, by its states.

    `moves` are by the kind of token that comes next: the state after it, or the rule that ends
    first. `after` are the states after a rule that has ended, by its name.
    """

    moves: dict[int, dict[str, int | Reduction]]
    after: dict[int, dict[str, int]]
    start: int
    end: int


class Automaton:
    """A parser at work on one text, its values made by the methods of `builder`.

    At what does not fit it raises an `UnexpectedInput` of lark's.
    """

    def __init__(self, builder: object, text: str) -> None:
        self._builder = builder
        self._moves, self._after, start, self._end = _table()
        self._text = text
        self._position = 0  # of what comes next
        self.states = [start]
        self.values: list[Any] = []

    def tokens(self) -> Iterator[Token]:
        """What is left of the text, `$END` at last. Feed each before asking for the next.

        A new line in the midst of something is left out. The lexer cannot tell: it goes by the
        state alone, which does not know what it is inside of.

        A terminal is only looked for where the automaton accepts it, as lark's contextual lexer
        does. What all terminals together find is right wherever it is accepted, so that one
        pattern does for nearly all states, and need not be made for each.
        """
        text, moves, states = self._text, self._moves, self.states
        match_any = _pattern(None).match
        while self._position < len(text):
            start, accepted = self._position, moves[states[-1]]
            found = match_any(text, start)
            if found is None or (found.lastgroup not in accepted and found.lastgroup != _BLANK):
                found = _pattern(frozenset(accepted)).match(text, start)
                if found is None:
                    raise UnexpectedText(start)
            kind, self._position = found.lastgroup, found.end()
            assert kind is not None
            if kind == _BLANK or (kind == "_SEP" and self._is_nothing(start, found.end())):
                continue
            yield Token(kind, text[start : found.end()], start, found.end())
        yield Token("$END", "", len(text), len(text))

    def _is_nothing(self, start: int, stop: int) -> bool:
        """Whether a separator stands where none may be."""
        return not self.accepts("_SEP") and ";" not in self._text[start:stop]

    def feed(self, token: Token) -> None:
        """Take a token, and end the rules that end before it."""
        moves, after, states, values = self._moves, self._after, self.states, self.values
        kind = token.type
        while True:
            move = moves[states[-1]].get(kind)
            if isinstance(move, int):
                states.append(move)
                values.append(token)
                return
            if move is None:
                raise UnexpectedText(token.start_pos)
            size, rule, method, kept, expands, passes = move
            if passes:
                states[-1] = after[states[-2]][rule]
                continue
            taken = values[len(values) - size :]
            if size:
                del states[-size:], values[-size:]
            if kept is not None:
                taken = _kept(taken, kept)
            if method is None:
                made: Any = taken
            elif expands and len(taken) == 1:
                made = taken[0]
            else:
                made = getattr(self._builder, method)(*taken)
            states.append(after[states[-1]][rule])
            values.append(made)
            if kind == "$END" and states[-1] == self._end:
                return

    def go_to(self, position: int) -> None:
        """`tokens` will go on from there."""
        self._position = position

    def accepts(self, kind: str, height: int | None = None) -> bool:
        """Would this kind of token be right here, or with that many values on the stack?"""
        moves, after, states = self._moves, self._after, self.states
        left = len(states) - 1 if height is None else height  # of the stack as it is, and
        above = [states[left]]  # what stands on that
        while True:
            move = moves[above[-1]].get(kind)
            if move is None or isinstance(move, int):
                return move is not None
            size, rule = move.size, move.rule
            if size < len(above):
                del above[len(above) - size :]
                above.append(after[above[-1]][rule])
            else:
                left -= size - len(above)
                above = [after[states[left - 1]][rule]]
            if kind == "$END" and above[-1] == self._end:
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


def _kept(values: list[Any], places: tuple[tuple[int, bool], ...]) -> list[Any]:
    """The values at these places; what is a list to take in goes on as the list, if it is first."""
    found: list[Any] = []
    for at, is_list in places:
        if not is_list:
            found.append(values[at])
        elif found:
            found += values[at]
        else:
            found = values[at]
    return found


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
def _table() -> ParserTable:
    """lark's table, with what is asked of a rule at every token found out before."""
    parser: Any = load().parse_interactive("")
    conf = parser.parser_state.parse_conf
    rules = {rule.origin.name for rule in load().rules}
    moves: dict[int, dict[str, int | Reduction]] = {}
    after: dict[int, dict[str, int]] = {}
    for state, actions in conf.states.items():
        after[state] = {kind: target for kind, (_, target) in actions.items() if kind in rules}
        moves[state] = {
            kind: target if action is Shift else _reduction(target)
            for kind, (action, target) in actions.items()
            if kind not in rules
        }
    return ParserTable(moves, after, conf.start_state, conf.end_state)


@cache
def _reduction(rule: Any) -> Reduction:
    """What lark's tree builder does where a rule ends."""
    symbols, name = rule.expansion, rule.origin.name
    kept = [
        (at, not symbol.is_term and symbol.name.startswith("_"))
        for at, symbol in enumerate(symbols)
        if not (symbol.is_term and symbol.filter_out)
    ]
    is_all = len(kept) == len(symbols) and not any(is_list for _, is_list in kept)
    expands = bool(rule.options.expand1 and not rule.alias)
    method = None if name.startswith("_") and not rule.alias else rule.alias or name
    passes = expands and is_all and len(symbols) == 1
    return Reduction(len(symbols), name, method, None if is_all else tuple(kept), expands, passes)
