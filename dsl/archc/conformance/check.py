"""The check itself: at the file's own params, and at other values of what the network takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archc import symbolic
from archc.analysis.variants import Again, at_other_values, decisive
from archc.conformance.compare import compare
from archc.conformance.objects import Instance
from archc.conformance.problems import Mismatch, UnsupportedPython
from archc.conformance.program import GeneratedFile
from archc.plan import Plan

_MOST = 4  # other values of a param that are tried


def check_source(
    text: str, plan: Plan, again: Again | None = None, *, moves: bool = False
) -> list[Mismatch]:
    """Return how a generated file differs from a plan; nothing where it is right.

    With `again`, which elaborates the network at other values of its params, also for other values
    of every argument of the network's class: `Net(p=v)` must be what `-D p=v` is. `moves` is for
    the form for inference: what is left of a row has moved up.
    """
    try:
        program = GeneratedFile(text, plan.name)
    except UnsupportedPython as why:
        return [Mismatch(why.message, why.line)]
    except RecursionError:
        return [Mismatch("it is nested too deeply")]
    found = _check(program, plan, {}, moves)
    if found or again is None:
        return found
    for name, value, other in _others(program, plan, again):
        found = _check(program, other, {name: value}, moves)
        if found:
            return [Mismatch(m.message, m.line, m.span, ((name, value),)) for m in found]
    return []


def _check(
    program: GeneratedFile, plan: Plan, params: dict[str, Any], moves: bool
) -> list[Mismatch]:
    interpreter = program.interpreter
    try:
        network = interpreter.construct(program.network, (), params)
        assert isinstance(network, Instance)
        return compare(program, plan, network, moves=moves)
    except UnsupportedPython as why:
        return [Mismatch(why.message, why.line or interpreter.line)]
    except RecursionError:
        return [Mismatch("it is nested too deeply")]
    finally:
        interpreter.execution = None
        interpreter.depth = 0


def _others(program: GeneratedFile, plan: Plan, again: Again) -> Iterator[tuple[str, Any, Plan]]:
    """Yield the network at other values of each param that is an argument of its class.

    One value shows whether the numbers follow; where another number of operators follows, or an
    `if` hangs on it, several.
    """
    deciding = decisive(plan)
    for name in program.arguments:
        if name not in plan.params:
            continue
        tried = 0
        for value in _values(symbolic.plain(plan.params[name])):
            other = again({name: value})
            if other is None:
                continue
            yield name, value, other
            tried += 1
            if tried == _MOST or other.body.size == plan.body.size:
                break
        if name in deciding:
            for other in at_other_values(plan, name, again):
                yield name, other.params[name], other


def _values(value: Any) -> list[Any]:
    match value:
        case bool():
            return [not value]
        case int():
            return [v for v in (2 * value + 1, value + 2, value + 1, value - 1, 1) if v >= 0]
        case float():
            return [value / 2 + 0.12, value / 3, value + 0.25]
        case tuple() if value:
            first, last = value[0], value[-1]
            found = [(*value, last), value[:-1]]
            if isinstance(first, int) and not isinstance(first, bool):
                found.insert(0, (*(v + 1 + at % 3 for at, v in enumerate(value)),))
                found.insert(1, (first + 1, *value[1:]))
            return found
    return []
