"""What `forward` of an object does, whatever tensors it gets: found once, not at each call."""

from __future__ import annotations

from typing import Any

from archc.conformance.digests import digest_of, state_of, state_of_nothing
from archc.conformance.execution import Execution, MethodSummary
from archc.conformance.objects import Prototype, Value
from archc.conformance.runtime import Runtime
from archc.conformance.tensors import Store


def summarise(run: Runtime, made: Prototype, shape: tuple[int, ...]) -> MethodSummary | None:
    """Return what `forward` does, whatever it gets; None where that depends on the mode.

    `shape` has the length of each argument that is a list, and 0 for a tensor.
    """
    if shape in made.summaries:
        found: MethodSummary | None = made.summaries[shape]
        return found
    outer, line = run.execution, run.line
    execution = run.execution = Execution(run.store, training=True)
    inputs = formals(run.store, sum(max(1, length) for length in shape))
    result = run_from(run, made, inputs, shape)
    summary = None
    if not execution.asked_training and _is_tensors(result):
        summary = _summary_of(run, made, execution, inputs, result)
    made.summaries[shape] = summary
    if outer is not None:
        outer.problems += execution.problems
        outer.asked_training |= execution.asked_training
    run.execution, run.line = outer, line
    return summary


def _summary_of(
    run: Runtime, made: Prototype, execution: Execution, inputs: list[Value], result: Any
) -> MethodSummary:
    is_list = not isinstance(result, Value)
    results: list[Value] = list(result) if is_list else [result]
    tensors = execution.read(results, run.line)
    storages = [x.storage for x in inputs]
    fresh = [s for s in execution.saved if s.storage not in storages]
    kept_now = {s.storage for s in execution.saved if s.version == s.storage.version}
    outputs = tuple(
        (t, storages.index(x.storage) if x.storage in storages else None,
         x.storage in kept_now)
        for t, x in zip(tensors, results, strict=True)
    )  # fmt: skip
    kept = tuple(
        frozenset(s.version for s in execution.saved if s.storage is storage)
        for storage in storages
    )
    execution.saved = fresh
    execution.finish()
    state = state_of(run.store, made)
    digest = digest_of(run.store, state, execution.events, tensors, is_list)
    written = tuple(storage.version for storage in storages)
    has_state = state != state_of_nothing(run.store)
    draws = any(event.draws for event in execution.events)
    return MethodSummary(digest, has_state, draws, outputs, is_list, kept, written)


def formals(store: Store, count: int) -> list[Value]:
    """Return tensors that stand for whatever comes in."""
    return [Value(store.tensor("input", at)) for at in range(count)]


def run_from(run: Runtime, made: Prototype, inputs: list[Value], shape: tuple[int, ...]) -> Any:
    """Run `forward` of an object on these inputs, grouped as `shape` says."""
    assert run.execution is not None
    run.execution.frames.append((made, ""))
    values = iter(inputs)
    arguments = tuple(
        [next(values) for _ in range(length)] if length else next(values) for length in shape
    )
    found = run.run_method(made.own, "forward", arguments, {})
    run.execution.frames.pop()
    return found


def _is_tensors(value: Any) -> bool:
    return isinstance(value, Value) or (
        isinstance(value, list | tuple) and bool(value) and all(isinstance(x, Value) for x in value)
    )
