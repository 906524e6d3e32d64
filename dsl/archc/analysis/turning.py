"""Where a network's tests turn: values of a param at which one comes out in another way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from archc import symbolic
from archc.elaborate.shapes import sizes_of
from archc.plan import Body, Call, Chain, Choice, Loop, Plan, children
from archc.symbolic import Expr

Env = dict[str, Expr]  # a body's names, in terms of the network's params
Around = tuple[tuple[Expr, bool], ...]  # the tests around something, and the arm of each

_MOST_NODES = 160  # of an expression that is worth working out
_MOST_TESTS = 100
_MOST_CALLS = 1000
MOST_ITEMS = 6  # of a list, whose places are tried one by one
_FEW = 2  # networks with an outcome: one alone would give the class its own numbers


@dataclass(frozen=True)
class ParamTest:
    """A test in terms of the params, and those around it: only in their arms it is asked."""

    expr: Expr
    around: Around

    def outcome(self, params: Mapping[str, Any]) -> bool | None:
        """What it comes to; None where it is not asked, or comes to nothing."""
        if any(symbolic.outcome(test, params) is not taken for test, taken in self.around):
            return None
        return symbolic.outcome(self.expr, params)


def turning_values(plans: list[Plan], name: str) -> Iterator[Any]:
    """Values of a param at which a test comes out as in too few of the networks.

    The nearest to the first network's own, and only those that the tests themselves give: an
    `if in.c != wide // 2` deep in a block turns at one value of `wide`.
    """
    params = plans[0].params
    tests = dict.fromkeys(test for plan in plans for test in tests_of(plan))
    values = _near(params[name])
    for test in tests:
        if name not in test.expr.variables().union(*(t.variables() for t, _ in test.around)):
            continue
        known = [test.outcome({**params, name: plan.params[name]}) for plan in plans]
        missing = {taken: _FEW - known.count(taken) for taken in (True, False)}
        for value in values:
            if max(missing.values()) <= 0:
                break
            taken = test.outcome({**params, name: value})
            if taken is not None and missing[taken] > 0:
                missing[taken] -= 1
                yield value


def _near(value: Any) -> list[Any]:
    """Many values of a param, its neighbours first."""
    match value:
        case bool():
            return [not value]
        case int():
            more = (value * n // 4 for n in (1, 2, 3, 5, 6, 8, 12, 16, 32))
            found = {*range(-2, 130), *range(value - 16, value + 17), *more} - {value}
            return sorted(found, key=lambda n: (abs(n - value), n))
        case float():
            return sorted((n / 20 for n in range(41)), key=lambda n: abs(n - value))
        case tuple() if value and all(isinstance(v, int) for v in value):
            places = range(min(len(value), MOST_ITEMS))
            return [(*value[:at], n, *value[at + 1 :]) for at in places for n in _near(value[at])]
        case _:
            return []


def tests_of(plan: Plan) -> list[ParamTest]:
    """Every test that the params can say, of the calls that the network makes."""
    found: dict[ParamTest, None] = {}
    names = {name: symbolic.var(name) for name in plan.params}
    waiting: list[tuple[Body, Env, Around]] = [(plan.body, names, ())]
    seen: set[Any] = set()
    while waiting and len(found) < _MOST_TESTS and len(seen) < _MOST_CALLS:
        body, env, around = waiting.pop()
        key = body, frozenset(env.items()), around
        if key in seen:
            continue
        seen.add(key)
        envs = [env]
        for node, inner, tests in _walk(body.chain, env, around, envs):
            if isinstance(node, Call):
                waiting.append((node.body, _inside(node, inner, names), tests))
            elif (expr := _said(node.test, inner)) is not None:
                found.setdefault(ParamTest(expr, tests))
        for decision in body.decisions:
            exprs = (_said(decision.test, known) for known in envs)
            found |= {ParamTest(expr, around): None for expr in exprs if expr is not None}
    return list(found)


def _walk(
    chain: Chain, env: Env, around: Around, envs: list[Env]
) -> Iterator[tuple[Call | Choice, Env, Around]]:
    """The calls and `if`s of a body, with the names and tests around each; fills `envs`."""
    for node in chain.nodes:
        match node:
            case Call():
                yield node, env, around
            case Choice():
                yield node, env, around
                test = _said(node.test, env)
                inner = around if test is None else (*around, (test, node.taken))
                yield from _walk(node.chain, env, inner, envs)
            case Loop():
                for values, iteration in zip(node.values, node.iterations, strict=False):
                    known = {**env, **_items(node.names, values, env)}
                    if node.names:
                        envs.append(known)
                    yield from _walk(iteration, known, around, envs)
            case _:
                for part in children(node):
                    yield from _walk(part, env, around, envs)


def _items(names: Iterable[str], values: Iterable[Any], env: Env) -> Env:
    pairs = ((name, _said(_expr(v), env)) for name, v in zip(names, values, strict=False))
    return {name: expr for name, expr in pairs if expr is not None}


def handed(call: Call) -> dict[str, Expr | None]:
    """The numbers that a block gets, by name, in terms of its caller's; None: cannot be said."""
    given = dict(call.args)
    for of, x in call.body.called(call.inputs):
        given |= sizes_of(of, x.shape) if x.shape is not None else {}
    exprs = ((name, _expr(value)) for name, value in given.items())
    return {name: expr for name, expr in exprs if expr is not None} | call.traces


def _inside(call: Call, env: Env, params: Env) -> Env:
    """The names of a block's body at a call, in terms of the params."""
    known = {name: _said(expr, env) for name, expr in handed(call).items()}
    return params | {name: expr for name, expr in known.items() if expr is not None}


def _expr(value: Any) -> Expr | None:
    if symbolic.is_traced(value) or isinstance(value, int | float | tuple):
        return symbolic.expr_of(value)
    return None


def _said(expr: Expr | None, env: Env) -> Expr | None:
    """An expression in terms of the params; None where it hangs on more, or gets too long."""
    if expr is None or not expr.variables() <= env.keys():
        return None
    found = symbolic.substitute(expr, env)
    return found if found.size <= _MOST_NODES else None
