"""The automaton: runs the parse tables over a text, and calls the builder at each reduction.

The lexer is contextual: in each state it looks for those terminals alone that the state
accepts. Stacks and position are open to `archc.recovery`, which goes on after a mistake.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from archc.tables import Reduction, Tables, load


class Token:
    """A piece of the text: its kind (the grammar's terminal) and where it is."""

    __slots__ = ("end", "kind", "start", "text")

    def __init__(self, kind: str, text: str, start: int, end: int) -> None:
        self.kind = kind
        self.text = text
        self.start = start
        self.end = end


class Mistake(Exception):
    """At `Machine.position` there is nothing that the grammar accepts here."""


Scan = Callable[[str, int], re.Match[str] | None]


@cache
def tables() -> Tables:
    return load()


class Machine:
    """A parser at work on one text, its values made by the methods of `builder`."""

    def __init__(self, builder: object, text: str) -> None:
        self.tables = tables()
        self.text = text
        self.position = 0
        self.states = [0]
        self.values: list[Any] = []
        self._builds = [_maker(builder, rule) for rule in self.tables.reductions]
        self._rules = [(rule.size, rule.origin) for rule in self.tables.reductions]
        self._scanners: list[Scan | None] = [None] * len(self.tables.actions)

    def next(self) -> Token:
        """The token at the position, which moves behind it; `$END` at the end.

        Raises Mistake, with the position at what does not fit.
        """
        text = self.text
        state = self.states[-1]
        scan = self._scanners[state] or self._scanner(state)
        while found := scan(text, self.position):
            start = self.position
            self.position = found.end()
            kind = found.lastgroup or ""
            if kind != "WS" and not (kind == "_SEP" and self._is_blank(found.group())):
                return Token(kind, found.group(), start, self.position)
        if self.position < len(text):
            raise Mistake
        return Token("$END", "", self.position, self.position)

    def feed(self, token: Token) -> None:
        """Takes a token. Raises Mistake if it cannot stand here, with the position before it."""
        kind = token.kind
        states, values = self.states, self.values
        actions, gotos = self.tables.actions, self.tables.gotos
        while True:
            action = actions[states[-1]].get(kind)
            if action is None:
                self.position = token.start
                raise Mistake
            if action >= 0:
                states.append(action)
                values.append(token)
                return
            size, origin = self._rules[-1 - action]
            taken = []
            if size:
                taken = values[-size:]
                del values[-size:], states[-size:]
            values.append(self._builds[-1 - action](taken))
            states.append(gotos[states[-1]][origin])
            if states[-1] == self.tables.end and kind == "$END":
                return

    def accepts(self, kind: str, height: int | None = None) -> bool:
        """Would this kind of token be right here, or with that many values on the stack?

        Tried on the states alone.
        """
        stack = self.states[:] if height is None else self.states[: height + 1]
        while True:
            action = self.tables.actions[stack[-1]].get(kind)
            if action is None or action >= 0:
                return action is not None
            rule = self.tables.reductions[-1 - action]
            if rule.size:
                del stack[-rule.size :]
            stack.append(self.tables.gotos[stack[-1]][rule.origin])
            if kind == "$END" and stack[-1] == self.tables.end:
                return True

    def accepted(self) -> frozenset[str]:
        """All kinds of token that would be right here."""
        return frozenset(filter(self.accepts, self.tables.actions[self.states[-1]]))

    def height(self, kind: str) -> int:
        """How many values can stay on the stack if this kind of token is to come next."""
        actions, states = self.tables.actions, self.states
        heights = (n for n in range(len(states) - 1, -1, -1) if kind in actions[states[n]])
        return next(n for n in heights if self.accepts(kind, n))

    def cut(self, height: int) -> None:
        """Takes all values above that height off the stack."""
        del self.states[height + 1 :], self.values[height:]

    def _is_blank(self, separator: str) -> bool:
        """A new line in the midst of something. A state alone cannot tell: it does not know what
        it is inside of."""
        return ";" not in separator and not self.accepts("_SEP")

    def _scanner(self, state: int) -> Scan:
        scan = self._scanners[state] = _scanner(state)
        return scan


@cache
def _scanner(state: int) -> Scan:
    accepted = tables().actions[state]
    return _compiled(tuple(n for n in tables().terminals if n in accepted or n == "WS"))


@cache
def _compiled(names: tuple[str, ...]) -> Scan:
    patterns = tables().terminals
    return re.compile("|".join(f"(?P<{name}>{patterns[name]})" for name in names)).match


def _maker(builder: object, rule: Reduction) -> Callable[[list[Any]], Any]:
    """What makes the value of a reduction from the values it takes."""
    if rule.single and len(rule.kept) == 1:
        only = rule.kept[0]
        return lambda taken: taken[only]
    choose = _chooser(rule)
    if not rule.method:
        return choose
    build = getattr(builder, rule.method)
    if rule.single:
        return lambda taken: _one_or(build, choose(taken))
    if rule.kept == list(range(rule.size)) and not rule.spliced:
        return lambda taken: build(*taken)
    return lambda taken: build(*choose(taken))


def _one_or(build: Callable[..., Any], children: list[Any]) -> Any:
    return children[0] if len(children) == 1 else build(*children)


def _chooser(rule: Reduction) -> Callable[[list[Any]], list[Any]]:
    """Leaves punctuation out and splices lists."""
    kept, spliced = rule.kept, frozenset(rule.spliced)
    if not spliced:
        return lambda taken: [taken[n] for n in kept]

    def choose(taken: list[Any]) -> list[Any]:
        first = kept[0]
        # A list at the head is a repetition so far: to copy it each time would be quadratic.
        children: list[Any] = taken[first] if first in spliced else [taken[first]]
        for n in kept[1:]:
            if n in spliced:
                children += taken[n]
            else:
                children.append(taken[n])
        return children

    return choose
