"""What is written is what was checked: the first way of writing a network that holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from archc.analysis.costs import Cost
from archc.analysis.straight import straighten
from archc.conformance import Mismatch, check_source
from archc.elaborate.sections import Facts
from archc.emit.file import Module, build_module
from archc.emit.options import Options, Unsuited
from archc.emit.render import render
from archc.plan import Plan

Again = Callable[..., Plan | None]


def checked_module(
    plan: Plan,
    facts: Facts,
    cost: Cost,
    again: Again,
    options: Options,
    build: Callable[[Plan, Facts, Cost, Again, Options], Module] = build_module,
) -> Module:
    """Return the file's classes, once their text says what the plan does.

    From the best way of writing to the plainest; a way that fails, or whose text says something
    else, makes way for the next. Raises Unsuited as `build` does.
    """
    moves = options.deployment is not None
    found: list[Mismatch] = []
    fixed: set[str] = set()  # params that the classes do not follow to all their values
    for form, (written, other, chosen) in enumerate(_ways(plan, again, options, fixed)):
        try:
            module = build(written, facts, cost, other, chosen)
        except Unsuited:
            raise
        except Exception:  # a fault of this way of writing: the next one is plainer
            continue
        module.form = form
        module.text = render(module)
        found = check_source(module.text, plan, other, moves=moves)
        if not found:
            return module
        fixed |= {name for name, _ in found[0].params}
    why = f": {found[0]}" if found else ""
    raise Unsuited(f"archc cannot write this network as PyTorch source, which is its fault{why}")


def _ways(
    plan: Plan, again: Again, options: Options, fixed: set[str]
) -> Iterator[tuple[Plan, Again, Options]]:
    """The plan, and how its params may change: all; without those that are `fixed` by then; none.

    At last without `if`s and loops.
    """

    def some(params: Mapping[str, Any], trace_sizes: bool = False) -> Plan | None:
        return None if params.keys() & fixed else again(params, trace_sizes)

    yield plan, again, options
    known = 0
    while known < len(fixed) < len(plan.params):
        known = len(fixed)
        yield plan, some, options
    yield plan, _fixed, options
    if options.deployment is None:
        yield straighten(plan), _fixed, options
    else:
        from archc.transform.deploy import Deployment

        straight = Deployment(straighten(options.deployment.plan))
        yield straight.made, _fixed, replace(options, deployment=straight)


def _fixed(*_: object, **__: object) -> None:
    """Params stay as they are."""
