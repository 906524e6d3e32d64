"""The part of a network that is made anew for other classes: its head."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from archc.analysis.unroll import PlacedStep, unroll
from archc.plan import Plan


def head_modules(plan: Plan, again: Callable[..., Plan | None], count: str) -> list[str]:
    """Return the outermost modules with weights of the head alone, in order.

    Those that the param `count`, the number of classes, changes and those of auxiliary heads.
    Without such a param, or where nothing hangs on it, the last with weights is the head.
    """
    steps = _with_weights(plan)
    main = [step for step in steps if not step.place.training_only]
    head = {step.module for step in steps} - {step.module for step in main}
    other = again({count: plan.params[count] + 1}) if count else None
    sizes = {} if other is None else {s.module: s.apply.state for s in _with_weights(other)}
    changed = {step.module for step in main if sizes.get(step.module) != step.apply.state}
    head |= changed if sizes and changed else {step.module for step in main[-1:]}
    trunk = [step.module for step in steps if step.module not in head]
    return list(dict.fromkeys(_outermost(s.module, trunk) for s in steps if s.module in head))


def _with_weights(plan: Plan) -> list[PlacedStep]:
    return [step for step in unroll(plan).steps if step.apply.state]


def _outermost(module: str, trunk: list[str]) -> str:
    """Return the shortest part of a path with nothing of the trunk below it."""

    def parts() -> Iterator[str]:
        names = module.split(".")
        yield from (".".join(names[:n]) for n in range(1, len(names) + 1))

    return next(
        part for part in parts() if not any(f"{each}.".startswith(f"{part}.") for each in trunk)
    )
