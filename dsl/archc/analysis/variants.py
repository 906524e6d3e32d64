"""The network at other values of its params: those that show all that hangs on them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import Any

from archc import symbolic
from archc.analysis.turning import MOST_ITEMS, handed, turning_values
from archc.plan import Body, Call, Choice, Loop, Plan, bodies, walk
from archc.syntax.walk import asks_size, sized_formals

Again = Callable[..., Plan | None]  # (params, trace_sizes=False) -> the network once more

_MOST_PARAMS = 64  # so many can be arguments of the network
_MOST_TURNS = 12  # of tests: each is another network to unfold


def varied_params(plan: Plan) -> list[str]:
    return list(plan.params)[:_MOST_PARAMS]


def variants(plan: Plan, again: Again) -> list[Plan]:
    """The network at other values of its params, one param at a time."""
    return [other for name in varied_params(plan) for other in at_other_values(plan, name, again)]


def at_other_values(plan: Plan, name: str, again: Again, trace_sizes: bool = False) -> list[Plan]:
    """The network at another value of one param, or at some where its `if`s hang on it.

    An outcome that no variant has would be missing from the class; one that a single variant has
    would have that variant's numbers. Of a list, also in other lengths.
    """
    value = plan.params[name]
    tries = (again({name: v}, trace_sizes) for v in _others(value) if v != value)
    first = next((found for found in tries if found is not None), None)
    longer = [again({name: v}, trace_sizes) for v in _lengths(value)]
    found = [other for other in (first, *longer) if other is not None]
    if isinstance(value, bool) or not found:
        return found
    repeats = _repeats(plan)
    if first is not None and isinstance(value, int) and repeats and repeats == _repeats(first):
        larger = (again({name: v}, trace_sizes) for v in (value + 2, value + 4, 3 * value))
        apart = (other for other in larger if other and _repeats(other) != repeats)
        found += [other for other in (next(apart, None),) if other is not None]  # `max(depth, 1)`
    if name not in decisive(plan):
        return found
    seen = Counter(map(_outcomes, (plan, *found)))
    tried = {value, *(other.params[name] for other in found)}
    for further in chain(_further(plan, value), _turning(plan, found, name)):
        other = again({name: further}, trace_sizes) if further not in tried else None
        tried.add(further)
        if other is not None and seen[_outcomes(other)] < 2:
            seen[_outcomes(other)] += 1
            found.append(other)
    return found


def _turning(plan: Plan, found: list[Plan], name: str) -> Iterator[Any]:
    """Values at which a test turns that is the same in all networks `found` until then."""
    yield from islice(turning_values([plan, *found], name), _MOST_TURNS)


def _others(value: Any) -> list[Any]:
    """Values of a param to try, instead of its default."""
    match value:
        case bool():
            return [not value]
        case int():
            return [value + 1, value * 2, value - 1]
        case float():
            return [value / 2 + 0.11, value / 3, 0.5]
        case tuple() if value and all(type(v) is int for v in value):
            more = tuple(v + 1 + at % 2 for at, v in enumerate(value))
            return [more, tuple(reversed(more)), value]
        case _:
            return []


def _lengths(value: Any) -> list[Any]:
    """A list in other lengths."""
    if not isinstance(value, tuple) or not value:
        return []
    return [(*value, value[-1]), value[:-1]]


def _further(plan: Plan, value: Any) -> Iterator[Any]:
    """Values on either side of what an `if` may ask for: small ones, large ones, and near it."""
    match value:
        case bool():
            return
        case int():
            yield from sorted({*range(-1, 9), value - 1, 3 * value, *_asked_for(plan)})
        case float():
            yield from sorted({0.0, value / 4, 2 * value, 1.0, *map(float, _asked_for(plan))})
        case tuple() if value and all(isinstance(v, int) for v in value):
            yield tuple(reversed(value))
            small = sorted({0, 1, 2, 4, *_asked_for(plan)})
            yield from ((v,) * len(value) for v in small)
            for at in range(min(len(value), MOST_ITEMS)):
                yield from ((*value[:at], v, *value[at + 1 :]) for v in (0, 1, 3 * value[at]))


def _asked_for(plan: Plan) -> set[int]:
    """The whole numbers that tests compare with, and those beside them."""
    found: set[int] = set()
    for body in bodies(plan):
        for decision in body.decisions:
            found |= _numbers_in(decision.span.text)
        for node in walk(body.chain.nodes):
            if isinstance(node, Choice):
                found |= _numbers_in(node.tree.test.span.text)
            elif isinstance(node, Call):
                found |= {
                    number
                    for trace in node.traces.values()
                    for number in (trace.numbers() if trace is not None else ())
                    if isinstance(number, int)
                }
    return {n + by for n in found for by in (-1, 0, 1) if n + by >= 0}


def _numbers_in(text: str) -> set[int]:
    return set(map(int, re.findall(r"\b\d{1,5}\b", text)))


def _repeats(plan: Plan) -> tuple[int, ...]:
    """How often the loops run whose number of iterations is worked out."""
    return tuple(
        len(node.iterations)
        for body in bodies(plan)
        for node in walk(body.chain.nodes)
        if isinstance(node, Loop) and not node.count.is_settled
    )


# --- what `if`s hang on ------------------------------------------------------------------


def decisive(plan: Plan) -> frozenset[str]:
    """The params that an `if` may hang on, by whatever calls and numbers.

    All of them where an `if` asks for a size of the map, which a param may change in many ways.
    """
    everything = frozenset(plan.params)
    of_params = {name: frozenset((name,)) for name in plan.params}
    known: dict[Body, Origins] = {plan.body: {}}
    waiting, found = [plan.body], frozenset[str]()
    while waiting:
        body = waiting.pop()
        names = of_params | known[body]
        sized = sized_formals(body.block.tree) if body.block is not None else frozenset[str]()
        found = found.union(*(_behind(decision.test, names) for decision in body.decisions))
        for node in walk(body.chain.nodes):
            if isinstance(node, Choice):
                asks = asks_size(node.tree.test, sized)
                found |= everything if asks else _behind(node.test, names)
            elif isinstance(node, Call):
                before = known.get(node.body)
                after = {
                    name: _behind(expr, names) | (before or {}).get(name, frozenset())
                    for name, expr in handed(node).items()
                }
                if after != before:
                    known[node.body] = after
                    waiting.append(node.body)
    return found


Origins = dict[str, frozenset[str]]  # a number's name in a body -> the params that it hangs on


def _behind(expr: symbolic.Expr | None, names: Origins) -> frozenset[str]:
    if expr is None:  # it cannot be expressed: whatever there is
        return frozenset[str]().union(*names.values())
    return frozenset[str]().union(*(names.get(v, frozenset()) for v in expr.variables()))


def _outcomes(plan: Plan) -> frozenset[int]:
    """What each `if`, and each test in an expression, came to, told apart by the calls around."""
    known: dict[Body, frozenset[int]] = {}

    def of(body: Body) -> frozenset[int]:
        if body not in known:
            found = {hash((made.span.start, made.outcome)) for made in body.decisions}
            for node in walk(body.chain.nodes):
                if isinstance(node, Choice):
                    found.add(hash((node.tree.span.start, node.taken)))
                elif isinstance(node, Call):
                    found |= {hash((node.span.start, inner)) for inner in of(node.body)}
            known[body] = frozenset(found)
        return known[body]

    return of(plan.body)
