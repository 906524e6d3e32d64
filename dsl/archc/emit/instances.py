"""The objects of a class, and iterations of loops in them: what expressions are held against."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from math import isclose
from typing import Any

from archc import symbolic
from archc.emit.values import Truth, bare
from archc.symbolic import Expr


@dataclass(frozen=True)
class Lane:
    """The numbers that expressions may use: parameters, `in.c` ..., loop names and indices."""

    instance: int
    env: dict[str, Any]
    made: int = -1  # which of the objects of the class; an instance may make several of one
    inner: frozenset[str] = frozenset()  # what only the inside of a loop knows
    running: Expr | None = None  # of the channels that the constructor counts as it goes

    def with_(self, **more: Any) -> Lane:
        """The lane within an iteration, which knows more."""
        inner = self.inner | {name for name in more if name != "#c"}
        return replace(self, env={**self.env, **more}, inner=inner)

    def carrying(self, channels: Any) -> Lane:
        """The lane where `in_channels` has been set to the channels that flow there."""
        env = {name: value for name, value in self.env.items() if name != "in.c"}
        env["#c"] = symbolic.plain(channels)
        return replace(self, env=env, running=symbolic.expr_of(channels))

    @property
    def key(self) -> int:
        return self.instance if self.made < 0 else self.made


@dataclass(frozen=True)
class LoopIndex:
    """A loop's index while its body is written.

    `variable` counts iterations from 0 in expressions ("" in a loop written out); `author` maps
    the file's own loop names to expressions over it. What is `given` runs over an argument: no
    number is known by its place.
    """

    variable: str
    python: str
    author: dict[str, Expr] = field(default_factory=dict)
    given: bool = False


@dataclass
class Extra:
    """A constructor argument that no parameter of the block stands for: its value in each object.

    Taken where the class's own arguments do not say a number; whoever makes the object knows it.
    """

    variable: str
    name: str
    values: dict[int, Any]

    @property
    def type(self) -> str:
        kinds = {type(bare(value)).__name__ for value in self.values.values()}
        return "float" if kinds == {"int", "float"} else " | ".join(sorted(kinds))


def is_right(expr: Expr, values: list[Any], lanes: list[Lane], truth: bool = False) -> bool:
    """Whether the expression gives every lane's value."""
    for value, lane in zip(values, lanes, strict=True):
        try:
            found = symbolic.evaluate(expr, lane.env)
        except symbolic.NO_VALUE:
            return False
        if truth:
            if bool(found) != value:
                return False
        elif isinstance(found, float) or isinstance(value, float):
            if not isclose(found, value, rel_tol=1e-12):
                return False
        elif found != symbolic.plain(value):
            return False
    return True


def agree(a: Expr, b: Expr, env: dict[str, Any], truth: bool) -> bool:
    """Whether two expressions have the same value; where one has none, nothing can be said."""
    try:
        x, y = symbolic.evaluate(a, env), symbolic.evaluate(b, env)
    except symbolic.NO_VALUE:
        return True
    if truth:
        return bool(x) == bool(y)
    return isclose(x, y, rel_tol=1e-12) if isinstance(x, int | float) else bool(x == y)


def known_outside(value: Any, lane: Lane) -> Any:
    """A value without a trace that only the inside of a loop could follow."""
    if isinstance(value, Truth):
        known = value.expr is not None and _is_outside(value.expr, lane)
        return value if known else Truth(value.value, None)
    if symbolic.is_traced(value) and not _is_outside(value.expr, lane):
        return symbolic.plain(value)
    return value


def _is_outside(expr: Expr, lane: Lane) -> bool:
    names = expr.variables()
    return names <= lane.env.keys() and not names & lane.inner


def other_value(value: Any, factor: int, more: int) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return (value + more) % 2 == 1
    if isinstance(value, tuple):
        return tuple(other_value(item, factor, more) for item in value)
    return factor * value + more if isinstance(value, int) else value


def distinct(exprs: Iterable[Expr | None], most: int = 6) -> list[Expr]:
    found: dict[Expr, None] = {}
    for expr in exprs:
        if expr is not None:
            found.setdefault(expr)
        if len(found) >= most:
            break
    return list(found)
