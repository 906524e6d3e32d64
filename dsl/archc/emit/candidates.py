"""Expressions that may say a number, the plainest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from archc import symbolic
from archc.emit.instances import Lane, LoopIndex, distinct, is_right
from archc.symbolic import Expr

_LONGEST = 48  # nodes of an expression that anyone would write


_MOST_CASES = 8  # tests of `if`s by which a number may be told apart


@dataclass(frozen=True)
class Asked:
    """The test of an `if`, and the `if`s around it with the arm of each in which it is asked."""

    test: Expr
    around: tuple[tuple[Expr, bool], ...]

    def is_reached(self, lane: Lane) -> bool:
        return all(symbolic.outcome(test, lane.env) is taken for test, taken in self.around)


class Candidates:
    """What the numbers of one class may be: their own traces, what loops count, cases.

    What all instances agree on is `fixed`; the other variables are constructor arguments.
    """

    def __init__(self, fixed: dict[str, Expr]) -> None:
        self.fixed = fixed
        self.indices: list[LoopIndex] = []
        self.choices: list[Asked] = []  # the `if`s so far: a trace holds on its path
        self.around: tuple[tuple[Expr, bool], ...] = ()  # those whose arm is being written
        self.entered = False  # a combinator in a place: `in.c` is its own, `#in` in the lanes' env
        self.carried = False  # a running channel count is kept: `#c` in the lanes' env

    def ask(self, test: Expr) -> None:
        """Remember an `if`: what comes behind it may hang on its outcome."""
        self.choices.append(Asked(test, self.around))

    @contextmanager
    def arm(self, test: Expr, taken: bool) -> Iterator[None]:
        """Write what stands in one arm of an `if`."""
        around = self.around
        self.around = (*around, (test, taken))
        try:
            yield
        finally:
            self.around = around

    def candidates(self, values: list[Any], lanes: list[Lane]) -> Iterable[Expr]:
        if not self.carried:
            yield from _by_running(values, lanes)
        exprs = [self.inside(symbolic.expr_of(v)) for v in values]
        yield from (e for e in distinct(exprs) if e.constant is None and e.size <= _LONGEST)
        if self.carried:
            yield from _by_running(values, lanes)
        yield from self.by_iteration(exprs, lanes)
        yield from self._by_case(exprs, values, lanes)
        if self.entered:
            yield from self._by_channels("#in", values, lanes)
        if self.carried:
            yield from self._by_channels("#c", values, lanes)

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

    def by_iteration(self, exprs: list[Expr], lanes: list[Lane], least: int = 2) -> Iterable[Expr]:
        """`first + step * i`, and `first if i == 0 else rest`. Two points fit any line."""
        for index in reversed([index for index in self.indices if index.variable]):
            i = symbolic.var(index.variable)
            pair = _first_two(exprs, lanes, index.variable)
            if pair is None:
                continue
            first, second = pair
            if index.given and least > 1 and None not in (first.constant, second.constant):
                continue
            if any(lane.env.get(index.variable) == least for lane in lanes):
                step = symbolic.add(second, symbolic.scale(first, -1))
                yield symbolic.add(first, symbolic.multiply(i, step))
            is_first = symbolic.Expr((((symbolic.FunctionCall("==", (i, symbolic.const(0))),), 1),))
            later = (e for e, lane in zip(exprs, lanes, strict=True) if lane.env[index.variable])
            for rest in dict.fromkeys((second, *distinct(later))):
                yield symbolic.called("if", (first, is_first, rest))

    def by_names(self, numbers: list[int], lanes: list[Lane]) -> Iterator[Expr]:
        """What loops call their items, a number more or less."""
        for name in sorted({name for lane in lanes for name in lane.inner}):
            found = [value for lane in lanes if isinstance(value := lane.env.get(name), int)]
            if len(found) == len(lanes):
                more = {n - value for n, value in zip(numbers, found, strict=True)}
                if len(more) == 1:
                    yield self.inside(symbolic.add(symbolic.var(name), symbolic.const(more.pop())))

    def _by_case(
        self, exprs: list[Expr], values: list[Any], lanes: list[Lane], depth: int = 2
    ) -> Iterator[Expr]:
        """`width if stride > 1 else in_channels`: after an `if`, for a flag, for the first pass."""
        for test in self._cases(lanes):
            outcomes = [symbolic.outcome(test, lane.env) for lane in lanes]
            if {*outcomes} != {True, False}:
                continue
            arms = []
            for taken in (True, False):
                at = [k for k, outcome in enumerate(outcomes) if outcome is taken]
                some, own = [values[k] for k in at], [lanes[k] for k in at]
                inner = [exprs[k] for k in at]
                found = next((e for e in distinct(inner) if is_right(e, some, own)), None)
                if found is None and depth > 1:
                    found = next(self._by_case(inner, some, own, depth - 1), None)
                if found is None:
                    break
                arms.append(found)
            known = any(arm.constant is not None for arm in arms)
            if known and test.variables() & {i.variable for i in self.indices if i.given}:
                continue
            if len(arms) == 2 and arms[0] != arms[1]:
                yield _conditional(arms[0], test, arms[1])

    def _cases(self, lanes: list[Lane]) -> Iterator[Expr]:
        """What values may be told apart by."""
        for index in reversed([index for index in self.indices if index.variable]):
            args = (symbolic.var(index.variable), symbolic.const(0))
            yield symbolic.Expr((((symbolic.FunctionCall("==", args),), 1),))
        for asked in reversed(self.choices[-_MOST_CASES:]):
            if all(map(asked.is_reached, lanes)):
                yield asked.test
        flags = (name for name, value in lanes[0].env.items() if isinstance(value, bool))
        yield from (symbolic.var(name) for name in flags if name not in self.fixed)

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
        for expr in distinct([self.inside(symbolic.expr_of(v)) for v in values]):
            if "in.c" in expr.variables():
                env = {name: symbolic.var(name) for name in expr.variables()}
                yield symbolic.substitute(expr, {**env, "in.c": channels})


def _by_running(values: list[Any], lanes: list[Lane]) -> Iterator[Expr]:
    """In terms of the channels that the constructor has counted up to there."""
    found = set()
    for value, lane in zip(values, lanes, strict=True):
        if lane.running is None:
            return
        minus = symbolic.scale(lane.running, -1)
        found.add(symbolic.add(symbolic.expr_of(value), minus))
    more = found.pop()
    if not found and more.constant is not None:
        yield symbolic.add(symbolic.var("#c"), more)


def _conditional(then: Expr, test: Expr, other: Expr) -> Expr:
    """`(4 if bottleneck else 1) * width`: what both have in common stands once."""
    match then.terms, other.terms:
        case ((p, a),), ((q, b),) if p == q and p and a != b:
            factor = symbolic.FunctionCall("if", (symbolic.const(a), test, symbolic.const(b)))
            return symbolic.multiply(Expr((((factor,), 1),)), Expr(((p, 1),)))
        case _:
            return symbolic.called("if", (then, test, other))


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
