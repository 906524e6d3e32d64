"""What is written is what was checked: the first way of writing a network that holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from archc.conformance import Mismatch, check_source
from archc.emit.module import Module, build_module
from archc.emit.options import Options, Unsuited
from archc.emit.render import render
from archc.passes.costs import Cost
from archc.passes.straight import straighten
from archc.plan import Plan
from archc.sections import Facts

Again = Callable[..., Plan | None]


def checked_module(plan: Plan, facts: Facts, cost: Cost, again: Again, options: Options) -> Module:
    """Return the file's classes, once their text says what the plan does.

    From the best way of writing to the plainest; a way that fails, or whose text says something
    else, makes way for the next. Raises Unsuited as `build_module` does.
    """
    moves = options.deployment is not None
    found: list[Mismatch] = []
    fixed: set[str] = set()  # params that no class follows at all their values
    for form, (written, other) in enumerate(_ways(plan, again, fixed)):
        try:
            module = build_module(written, facts, cost, other, options)
        except Unsuited:
            raise
        except Exception:  # a fault of this way of writing: the next one is plainer
            continue
        module.form = form
        found = check_source(render(module), plan, other, moves=moves)
        if not found:
            return module
        fixed |= {name for name, _ in found[0].params}
    why = f": {found[0]}" if found else ""
    raise Unsuited(f"archc cannot write this network as PyTorch source, which is its fault{why}")


def _ways(plan: Plan, again: Again, fixed: set[str]) -> Iterator[tuple[Plan, Again]]:
    """The plan, and how its params may change: all; without those that are `fixed` by then; none.

    At last without `if`s and loops.
    """

    def some(params: Mapping[str, Any], trace_sizes: bool = False) -> Plan | None:
        return None if params.keys() & fixed else again(params, trace_sizes)

    yield plan, again
    known = -1
    while known < len(fixed) < len(plan.params):
        known = len(fixed)
        if known:
            yield plan, some
    yield plan, _fixed
    yield straighten(plan), _fixed


def _fixed(*_: object, **__: object) -> None:
    """Params stay as they are."""
