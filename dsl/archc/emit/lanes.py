"""One class for several instances: numbers as Python expressions that are right in all of them.

A lane is one instance of a class, or one iteration of a loop in one instance. What is equal in
all lanes is a literal; what differs must be an expression over the class's arguments and loop
indices that gives the right number in every lane, or the attempt is `Inexpressible` and the caller
falls back: unroll the loop, or split the class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import isclose
from typing import Any

from archc import symbolic
from archc.plan import Applicable
from archc.symbolic import Expr

_LONGEST_TEST = 64  # fits on a line behind `if`, wherever that stands
# what an expression raises where it has no value
_NO_VALUE = (KeyError, ZeroDivisionError, TypeError, IndexError, OverflowError, ValueError)


class Inexpressible(Exception):
    """No expression is right in every lane."""


@dataclass(frozen=True)
class Lane:
    """The numbers that expressions may use: parameters, `in.c` ..., loop names and indices."""

    instance: int
    env: dict[str, Any]

    def with_(self, **more: Any) -> Lane:
        return Lane(self.instance, {**self.env, **more})


@dataclass(frozen=True)
class Index:
    """A loop's index while its body is written.

    `variable` counts iterations from 0 in expressions ("" in a loop written out); `author` maps
    the file's own loop names to expressions over it.
    """

    variable: str
    python: str
    author: dict[str, Expr] = field(default_factory=dict)


class Writer:
    """Writes numbers of one class; remembers which variables the constructor must have.

    What all instances agree on is `fixed`; the other variables are constructor arguments. An
    expression over those should stay right at values that no lane has, so that the class means
    what its arguments say; where they are `open`, because the network's params change them, it
    must.
    """

    def __init__(
        self,
        names: Callable[[str], str],
        fixed: dict[str, Expr],
        open_: frozenset[str] = frozenset(),
    ) -> None:
        self.names = names
        self.fixed = fixed
        self.open = open_
        self.used: set[str] = set()
        self.indices: list[Index] = []
        self.entered = False  # a combinator in a place: `in.c` is its own, `#in` in the lanes' env
        self.carried = False  # a running channel count is kept: `#c` in the lanes' env

    def value(self, values: list[Any], lanes: list[Lane]) -> str:
        """Python source for a value that each lane has one of. Raises Inexpressible."""
        first = values[0]
        if isinstance(first, tuple):
            return self._tuple(values, lanes)
        equal = all(
            type(symbolic.plain(v)) is type(symbolic.plain(first)) and v == first for v in values
        )
        if equal and not any(map(symbolic.is_traced, values)):
            return literal(first)
        if any(isinstance(v, tuple | str | bool) or v is None for v in values):
            raise Inexpressible(f"values of several kinds: {values[:3]}")
        expr = self._find(values, lanes, everywhere=True)
        if expr is None and equal and not self._hangs_on_params(values):
            return literal(first)
        return self.render(expr or self.search(values, lanes))

    def render(self, expr: Expr) -> str:
        self.used |= expr.variables()
        return symbolic.render(expr, self.names)

    def search(self, values: list[Any], lanes: list[Lane]) -> Expr:
        """An expression that is right in every lane, the plainest first. Raises Inexpressible."""
        found = self._find(values, lanes, everywhere=True) or self._find(values, lanes)
        if found is None:
            raise Inexpressible(f"no expression gives {[symbolic.plain(v) for v in values[:6]]}")
        return found

    def _find(self, values: list[Any], lanes: list[Lane], everywhere: bool = False) -> Expr | None:
        """An expression that is right in every lane and, if `everywhere`, at other arguments."""
        for expr in self._candidates(values, lanes):
            if self._is_right(expr, values, lanes, everywhere):
                return expr
        return None

    def test(self, tests: list[Expr | None], outcomes: list[bool], lanes: list[Lane]) -> str:
        """A condition that comes out as in every lane. Raises Inexpressible."""
        for expr in _distinct(tests):
            expr = self.inside(expr)
            right = is_right(expr, outcomes, lanes, truth=True)
            if right and self._stays_right(expr, tests, lanes, truth=True):
                text = self.render(expr)
                if len(text) > _LONGEST_TEST:
                    raise Inexpressible("a condition that nobody would write")
                return text
        raise Inexpressible("no condition gives the right outcome")

    def may_flip(self, tests: list[Expr | None], lanes: list[Lane]) -> bool:
        """Whether conditions could come out differently at other values of the params."""
        for test, lane in zip(tests, lanes, strict=True):
            own = self.inside(test) if test is not None else None
            if own is None or not own.variables() & self.open:
                continue
            outcomes = {_outcome(own, env) for env in (lane.env, *self._elsewhere(lane, False))}
            if len(outcomes - {None}) > 1:
                return True
        return False

    # --- numbers that params change --------------------------------------------------------

    def _hangs_on_params(self, values: list[Any]) -> bool:
        traced = (value for value in values if symbolic.is_traced(value))
        return any(self.inside(value.expr).variables() & self.open for value in traced)

    def _is_right(
        self, expr: Expr, values: list[Any], lanes: list[Lane], everywhere: bool = False
    ) -> bool:
        if not is_right(expr, values, lanes):
            return False
        truths = [symbolic.expr_of(v) for v in values]
        return self._stays_right(expr, truths, lanes, everywhere=everywhere)

    def _stays_right(
        self,
        expr: Expr,
        truths: Sequence[Expr | None],
        lanes: list[Lane],
        truth: bool = False,
        everywhere: bool = False,
    ) -> bool:
        """Whether an expression also gives what each lane's own does where arguments differ."""
        if expr.variables() & {"#in", "#c"}:
            return not everywhere  # channels that are counted, whatever made them so many
        if not self.open and not everywhere:
            return True
        for own, lane in zip(truths, lanes, strict=True):
            own = self.inside(own) if own is not None else expr
            names = own.variables() | expr.variables()
            if own == expr or not (names if everywhere else names & self.open):
                continue
            if not all(_agree(own, expr, env, truth) for env in self._elsewhere(lane, everywhere)):
                return False
        return True

    def _elsewhere(self, lane: Lane, everywhere: bool) -> Iterator[dict[str, Any]]:
        numbers = {
            name: value
            for name, value in lane.env.items()
            if isinstance(value, int)
            and not name.startswith("#")
            and (name in self.open or (everywhere and name not in self.fixed))
        }
        for factor, more in ((1, 1), (2, 3), (5, 2), (0, 1), (0, 2), (0, 4), (0, 7)):
            # each number in its own way, so that two that are equal by chance come apart
            changed = {n: factor * v + more + at for at, (n, v) in enumerate(numbers.items())}
            yield {**lane.env, **changed}

    # --- candidates ----------------------------------------------------------------------

    def _candidates(self, values: list[Any], lanes: list[Lane]) -> Iterable[Expr]:
        exprs = [self.inside(symbolic.expr_of(v)) for v in values]
        yield from (e for e in _distinct(exprs) if e.constant is None)
        yield from self._by_iteration(exprs, lanes)
        if self.entered:
            yield from self._by_channels("#in", values, lanes)
        if self.carried:
            yield from self._by_channels("#c", values, lanes)

    def identity(self, value: Any) -> Any:
        """Equal for values that are equal whatever the arguments are."""
        if isinstance(value, tuple) and not symbolic.is_traced(value):
            return tuple(map(self.identity, value))
        return (value, self.inside(value.expr)) if symbolic.is_traced(value) else value

    def inside(self, expr: Expr | None) -> Expr:
        """The file's loop names as indices of the Python loop, what is fixed as numbers."""
        assert expr is not None
        known = dict(self.fixed)
        for index in self.indices:
            known |= index.author
        names = expr.variables()
        if not names & known.keys():
            return expr
        return symbolic.substitute(
            expr, {name: known.get(name, symbolic.var(name)) for name in names}
        )

    def _by_iteration(self, exprs: list[Expr], lanes: list[Lane]) -> Iterable[Expr]:
        """`first + step * i`, and `first if i == 0 else rest`."""
        for index in reversed([index for index in self.indices if index.variable]):
            i = symbolic.var(index.variable)
            pair = _first_two(exprs, lanes, index.variable)
            if pair is None:
                continue
            first, second = pair
            if any(lane.env.get(index.variable) == 2 for lane in lanes):  # two fit any line
                step = symbolic.add(second, symbolic.scale(first, -1))
                yield symbolic.add(first, symbolic.multiply(i, step))
            is_first = symbolic.Expr((((symbolic.Apply("==", (i, symbolic.const(0))),), 1),))
            yield symbolic.Expr((((symbolic.Apply("if", (first, is_first, second)),), 1),))

    def _by_channels(self, name: str, values: list[Any], lanes: list[Lane]) -> Iterable[Expr]:
        """In terms of a number of channels that every lane has under that name."""
        channels = symbolic.var(name)
        yield channels
        differences = {
            symbolic.plain(v) - lane.env[name]
            for v, lane in zip(values, lanes, strict=True)
            if name in lane.env
        }
        if len(differences) == 1:
            yield symbolic.add(channels, symbolic.const(differences.pop()))
        for expr in _distinct([self.inside(symbolic.expr_of(v)) for v in values]):
            if "in.c" in expr.variables():
                env = {name: symbolic.var(name) for name in expr.variables()}
                yield symbolic.substitute(expr, {**env, "in.c": channels})

    def _tuple(self, values: list[Any], lanes: list[Lane]) -> str:
        if any(isinstance(v, symbolic.TracedList) for v in values):
            return self._list(values, lanes)
        lengths = {len(v) if isinstance(v, tuple) else -1 for v in values}
        if len(lengths) > 1:
            raise Inexpressible("sizes of several dimensions")
        parts = [self.value([v[at] for v in values], lanes) for at in range(lengths.pop())]
        return f"({', '.join(parts)}{',' * (len(parts) == 1)})"

    def _list(self, values: list[Any], lanes: list[Lane]) -> str:
        """A list that was handed on as a whole: the argument, or a literal."""
        plain = [symbolic.plain(v) for v in values]
        for expr in _distinct([self.inside(symbolic.expr_of(v)) for v in values]):
            if expr.variables() and is_right(expr, plain, lanes):
                return self.render(expr)
        if any(value != plain[0] for value in plain):
            raise Inexpressible("lists that differ")
        return literal(plain[0])


def is_right(expr: Expr, values: list[Any], lanes: list[Lane], truth: bool = False) -> bool:
    """Whether the expression gives every lane's value."""
    for value, lane in zip(values, lanes, strict=True):
        try:
            found = symbolic.evaluate(expr, lane.env)
        except _NO_VALUE:
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


def _outcome(test: Expr, env: dict[str, Any]) -> bool | None:
    """What a condition comes to; None where it comes to nothing."""
    try:
        return bool(symbolic.evaluate(test, env))
    except _NO_VALUE:
        return None


def _agree(a: Expr, b: Expr, env: dict[str, Any], truth: bool) -> bool:
    """Whether two expressions have the same value; where one has none, nothing can be said."""
    try:
        x, y = symbolic.evaluate(a, env), symbolic.evaluate(b, env)
    except _NO_VALUE:
        return True
    if truth:
        return bool(x) == bool(y)
    return isclose(x, y, rel_tol=1e-12) if isinstance(x, int | float) else bool(x == y)


def _distinct(exprs: Iterable[Expr | None], most: int = 6) -> list[Expr]:
    found: dict[Expr, None] = {}
    for expr in exprs:
        if expr is not None:
            found.setdefault(expr)
        if len(found) >= most:
            break
    return list(found)


def _first_two(exprs: list[Expr], lanes: list[Lane], variable: str) -> tuple[Expr, Expr] | None:
    """The expressions of the first two iterations, from an instance that has both."""
    first: dict[tuple[Any, ...], Expr] = {}
    for expr, lane in zip(exprs, lanes, strict=True):
        at = lane.env.get(variable)
        key = (
            lane.instance,
            *(v for k, v in lane.env.items() if k.startswith("#i") and k != variable),
        )
        if at == 0:
            first[key] = expr
        elif at == 1 and key in first:
            return first[key], expr
    return None


def literal(value: Any) -> str:
    """A number, text, truth, None or tuple of them as Python source. Raises Inexpressible."""
    value = symbolic.plain(value)
    if isinstance(value, Applicable):
        raise Inexpressible("an operator or block among numbers")
    if isinstance(value, tuple):
        return f"({', '.join(map(literal, value))}{',' * (len(value) == 1)})"
    if isinstance(value, float):
        return _float(value)
    return repr(value).replace("'", '"') if isinstance(value, str) else repr(value)


def _float(value: float) -> str:
    """The number as a person would write it: 0.0375, not 0.037500000000000006."""
    if value.is_integer() and abs(value) < 1e15:
        return f"{value:.1f}"
    short = float(f"{value:.12g}")
    return repr(short if isclose(short, value, rel_tol=1e-15) else value)
