"""Whether two plans are one network: the same operators on the same tensors, in the same order."""

from __future__ import annotations

from collections.abc import Hashable

from archc.analysis.unroll import Run, unroll
from archc.plan import Plan, side_outputs
from archc.record import record


@record
class NetworkIdentity:
    """What a network computes, whatever its parts are called, and the names of its weights."""

    computes: Hashable
    weight_names: tuple[str, ...]

    @classmethod
    def of(cls, plan: Plan) -> NetworkIdentity:
        """Return that of a plan without mistakes. Linear in the number of operators."""
        run = unroll(plan)
        weights = dict.fromkeys(step.module for step in run.steps if step.apply.state)
        heads = tuple(float(aux.weight) for aux in side_outputs(plan.body))
        devices = plan.body.devices.names if plan.body.devices is not None else ()
        return cls((_steps(run), _ends(run), heads, devices), tuple(weights))


def _steps(run: Run) -> Hashable:
    """Each operator with the tensors that it takes, its weights by the order of their modules."""
    modules: dict[str, int] = {}
    return tuple(
        (
            step.op,
            step.inputs,
            step.output,
            modules.setdefault(step.module, len(modules)),
            step.place.training_only,
        )
        for step in run.steps
    )


def _ends(run: Run) -> Hashable:
    shapes = tuple((int(x.channels), *map(int, x.size)) for x in run.shapes)
    return (shapes, tuple(run.inputs), tuple(run.outputs), tuple(run.side_outputs))
