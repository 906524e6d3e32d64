"""The text held against the plan: the first difference, in words."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

from archc.conformance.digests import state_of, state_of_nothing
from archc.conformance.execution import Event, Execution
from archc.conformance.interpreter import Interpreter
from archc.conformance.objects import Container, Instance, Leaf, TupleValue, Value
from archc.conformance.placed import PlacedPromises
from archc.conformance.places import moved_up
from archc.conformance.problems import Mismatch, UnsupportedPython
from archc.conformance.program import GeneratedFile
from archc.conformance.promise import BodyPromise, Holding, Promises
from archc.conformance.summaries import formals, run_from
from archc.conformance.tensors import Record, Store, SymbolicTensor
from archc.plan import Plan, outputs, side_outputs


@dataclass(slots=True)
class Held:
    """What the text's network holds under a name."""

    path: str
    what: Record | int
    line: int


def compare(
    program: GeneratedFile, plan: Plan, network: Instance, *, moves: bool = False
) -> list[Mismatch]:
    """Return the first difference between a network that was made and a plan, or none.

    Blocks that do the same are not opened; where that shows a difference, everything is. With
    `moves`, places in rows are counted anew.
    """
    if network.prototype.cls.root == "Placed":
        return _compare_placed(program, plan, network)
    interpreter = program.interpreter
    closed = Promises(program.store, closed=True)
    wanted = closed.network(plan, True)
    interpreter.known, interpreter.names = closed.known, {}
    if not _compare(program, plan, network, closed, wanted):
        return []
    interpreter.known = None
    opened = Promises(program.store, closed=False)
    wanted = opened.network(plan, True)
    if moves:
        opened.names = moved_up(holding.path for holding in wanted.holdings)
        wanted = opened.network(plan, True)
        interpreter.names = moved_up(x.path for x in _holdings(program.store, network, False))
    return _compare(program, plan, network, opened, wanted)


def _compare(
    program: GeneratedFile,
    plan: Plan,
    network: Instance,
    promises: Promises,
    wanted: BodyPromise,
) -> list[Mismatch]:
    interpreter = program.interpreter
    held = _holdings(program.store, network, promises.closed)
    held = [replace(x, path=interpreter.names.get(x.path, x.path)) for x in held]
    found = _compare_holdings(held, wanted.holdings)
    if found:
        return found
    asked = False
    for training in (True, False):
        if not training and not asked and not side_outputs(plan.body):
            break
        wanted = wanted if training else promises.network(plan, False)
        execution, result = _run(interpreter, network, plan, training)
        asked = asked or execution.asked_training
        found = _compare_events(execution.events, wanted.events)
        found = found or _compare_results(plan, result, wanted, training)
        found = found or execution.problems[:1]
        if found:
            return found
    return []


def _compare_placed(program: GeneratedFile, plan: Plan, network: Instance) -> list[Mismatch]:
    """Hold a network in towers against its plan: the towers' names and devices too."""
    if plan.body.devices is None:
        return [Mismatch("it is on several devices, and the file names none")]
    program.interpreter.known, program.interpreter.names = None, {}
    promises = PlacedPromises(program.store, closed=False)
    towers, made = promises.towers(plan), network.prototype
    if made.cls.constants.get("TOWERS") != tuple(towers):
        return [Mismatch(f"`TOWERS` is not {tuple(towers)}", made.cls.line)]
    found = _compare(program, plan, network, promises, promises.network(plan, True))
    if found:
        return found
    first = next(iter(towers.values()))
    for name, child in made.children.items():
        on, wanted = made.devices[name], towers.get(name, first)
        if on != wanted:
            message = f"`{name}` is made on {on or 'no device'}, not on {wanted}"
            return [Mismatch(message, child.line)]
    return []


def _run(
    interpreter: Interpreter, network: Instance, plan: Plan, training: bool
) -> tuple[Execution, Any]:
    """Send tensors through the network."""
    shape = tuple(x.shape.columns if x.shape is not None else 0 for x in plan.body.inputs)
    execution = interpreter.execution = Execution(interpreter.store, training)
    inputs = formals(interpreter.store, sum(max(1, n) for n in shape))
    try:
        result = run_from(interpreter, network.prototype, inputs, shape)
        values = result.values if isinstance(result, TupleValue) else (result,)
        execution.read([x for x in values if isinstance(x, Value)], interpreter.line)
    finally:
        interpreter.execution = None
    if training:
        execution.finish()
    for at, x in enumerate(inputs):
        if x.storage.version:
            message = f"input {at + 1} of the network is overwritten in place"
            execution.problems.append(Mismatch(message, x.storage.writer))
    return execution, result


# --- what it holds -----------------------------------------------------------------------


def _holdings(store: Store, network: Instance, closed: bool) -> list[Held]:
    """The modules with state by name, in the order of a state_dict."""
    found: list[Held] = []

    def collect(children: dict[str, Any], prefix: str) -> None:
        for name, child in children.items():
            match child:
                case Leaf() if child.record.is_stateful:
                    found.append(Held(f"{prefix}{name}", child.record, child.line))
                case Container():
                    collect(child.children, f"{prefix}{name}.")
                case Instance():
                    inside = child.prototype
                    if closed:
                        state = state_of(store, inside)
                        if state != state_of_nothing(store):
                            found.append(Held(f"{prefix}{name}", state, child.line))
                    else:
                        collect(inside.children, f"{prefix}{name}.")

    collect(network.prototype.children, "")
    return found


def _compare_holdings(held: Sequence[Held], wanted: Sequence[Holding]) -> list[Mismatch]:
    for have, want in zip_longest(held, wanted):
        if have is None:
            return [Mismatch(f"`{want.path}`, {_what(want.what)}, is missing", None, want.span)]
        if want is None:
            return [Mismatch(f"`{have.path}`, {_what(have.what)}, is too much", have.line)]
        if have.path != want.path:
            paths = {x.path for x in held}
            lost = want.path not in paths
            message = (
                f"`{have.path}` stands where `{want.path}`, {_what(want.what)}, "
                f"{'is missing' if lost else 'comes first'}"
            )
            return [Mismatch(message, have.line, want.span)]
        if have.what is not want.what and have.what != want.what:
            message = f"`{have.path}` {_difference(have.what, want.what)}"
            return [Mismatch(message, have.line, want.span)]
    return []


def _what(what: Record | int) -> str:
    return "a block" if isinstance(what, int) else str(what)


def _difference(have: Record | int, want: Record | int) -> str:
    """What tells two modules apart."""
    if isinstance(have, int) or isinstance(want, int) or have.target != want.target:
        return f"is {_what(have)}, not {_what(want)}"
    pairs = zip(have.arguments, want.arguments, strict=True)
    name, has, wants = next((n, a, b) for (n, a), (_, b) in pairs if a != b)
    return f"has {name}={has!r}, not {wants!r}"


# --- what it does ------------------------------------------------------------------------


def _compare_events(ran: Sequence[Event], wanted: Sequence[Event]) -> list[Mismatch]:
    """What runs, on what; the order matters for what draws numbers, and for a module's own runs."""
    waiting: dict[str | None, deque[Event]] = defaultdict(deque)
    for event in ran:
        waiting[_turn(event)].append(event)
    expected = Counter(map(_turn, wanted))
    for event in ran:
        if len(waiting[_turn(event)]) > expected[_turn(event)]:
            return [Mismatch(f"{_named(event)} runs more often than it should", event.place)]
    for want in wanted:
        queue = waiting[_turn(want)]
        if not queue:
            return [Mismatch(f"{_named(want)} does not run", None, want.place)]
        have = queue.popleft()
        if (have.path, have.what) != (want.path, want.what):
            message = f"{_named(have)} runs where {_named(want)} should"
            return [Mismatch(message, have.place, want.place)]
        if have.inputs != want.inputs:
            message = f"{_named(have)} gets {_wires(have.inputs, want.inputs)}"
            return [Mismatch(message, have.place, want.place)]
    return []


def _turn(event: Event) -> str | None:
    """Which row an event waits in: that of all draws, or its module's own."""
    return None if event.draws else event.path


def _named(event: Event) -> str:
    if event.path:
        return f"`{event.path}`"
    return "a block" if isinstance(event.what, int) else f"`{event.what}`"


def _wires(have: tuple[SymbolicTensor, ...], want: tuple[SymbolicTensor, ...]) -> str:
    """The first input that is another."""
    if len(have) != len(want):
        return f"{len(have)} tensors, not {len(want)}"
    a, b = next((a, b) for a, b in zip(have, want, strict=True) if a is not b)
    return _apart(a, b)


def _apart(have: SymbolicTensor, want: SymbolicTensor) -> str:
    """Two tensors, as deep as it takes to tell them apart."""
    for depth in (1, 2, 3, 5, 8):
        a, b = have.describe(depth), want.describe(depth)
        if a != b:
            break
    return f"{a[:300]}, not {b[:300]}"


def _compare_results(
    plan: Plan, result: Any, wanted: BodyPromise, training: bool
) -> list[Mismatch]:
    """The outputs, by name, and in training mode the side classifiers'."""
    named = outputs(plan.body)
    main = [wanted.marks[name] for name, _ in named] if wanted.marks else [*wanted.outputs]
    sides = list(wanted.sides.items()) if training else []
    if len(named) == 1 and not sides:
        return _compare_output("the output", result, main[0])
    if not isinstance(result, TupleValue):
        return [Mismatch("`forward` returns one tensor where there are several outputs")]
    fields = result.cls.fields
    names = [*(name for name, _ in named), *(aux.name for aux in side_outputs(plan.body))]
    tensors: list[SymbolicTensor | None] = [*main, *(tensor for _, tensor in sides)]
    tensors += [None] * (len(names) - len(tensors))
    if len(fields) != len(names):
        return [Mismatch(f"`{result.cls.name}` has {len(fields)} fields, not {len(names)}")]
    for at, (field, value, name, tensor) in enumerate(
        zip(fields, result.values, names, tensors, strict=True)
    ):
        is_unnamed = at == 0 and name == "output" and not wanted.marks
        if field != name and not is_unnamed:
            return [Mismatch(f"output {at + 1} is called `{field}`, not `{name}`")]
        if tensor is None:
            if value is not None:
                return [Mismatch(f"output `{name}` is there in eval mode")]
        elif found := _compare_output(f"output `{name}`", value, tensor):
            return found
    return []


def _compare_output(name: str, value: Any, wanted: SymbolicTensor) -> list[Mismatch]:
    if not isinstance(value, Value):
        return [Mismatch(f"{name} is no tensor")]
    if value.tensor is not wanted:
        return [Mismatch(f"{name} is {_apart(value.tensor, wanted)}")]
    return []


__all__ = ["UnsupportedPython", "compare"]
