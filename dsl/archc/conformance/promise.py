"""What a plan promises: the same facts as of the text, found operator by operator."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from archc import symbolic
from archc.conformance.digests import digest_of, state_of_nothing
from archc.conformance.execution import Event
from archc.conformance.modules import make_record, parametrized, run_record
from archc.conformance.tensors import Record, Store, SymbolicTensor
from archc.ops import Op, Shape
from archc.plan import (
    Apply,
    AuxHead,
    Body,
    Branches,
    Call,
    Chain,
    Choice,
    Loop,
    Node,
    Output,
    Plan,
    Ref,
    Reused,
    Scope,
    walk,
)
from archc.plan import Tensor as PlanTensor
from archc.source import Span

Path = tuple[str, ...]


@dataclass(slots=True)
class Holding:
    """A module with state, or a block: its name, what it is, and the statement."""

    path: str
    what: Record | int
    span: Span | None


@dataclass(slots=True)
class BodyPromise:
    """Of one body: what it holds, what runs, what comes out."""

    holdings: list[Holding]
    events: list[Event]
    outputs: tuple[SymbolicTensor, ...]
    sides: dict[str, SymbolicTensor]
    marks: dict[str, SymbolicTensor]
    digest: int
    state: int

    @property
    def draws(self) -> bool:
        """Whether it takes random numbers."""
        return any(event.draws for event in self.events)


@dataclass
class Promises:
    """The promises of plans. With `closed`, calls of blocks are not opened."""

    store: Store
    closed: bool
    names: dict[str, str] = field(default_factory=dict)  # what modules are to be called instead
    known: set[int] = field(default_factory=set)
    _bodies: dict[int, tuple[Body, BodyPromise]] = field(default_factory=dict)
    _shared: dict[int, tuple[Body, dict[str, tuple[str, int]]]] = field(default_factory=dict)

    def network(self, plan: Plan, training: bool) -> BodyPromise:
        """Return what the network itself promises, in one mode."""
        made = Walk(self, plan.body, training).promise()
        found: dict[str, tuple[str, int]] = {}
        self._collect_shared(plan.body, found, set())
        for name, (target, extent) in found.items():
            record, _ = make_record(self.store, target, (None, extent), {})
            made.holdings.append(Holding(name, record, None))
            made.events.insert(0, Event(name, record, (), None, draws=True))
        return made

    def body(self, body: Body) -> BodyPromise:
        """Return what a block promises, found once."""
        found = self._bodies.get(id(body))
        if found is None:
            made = Walk(self, body, training=True).promise()
            found = self._bodies[id(body)] = (body, made)  # the body, so that its id stays its own
            self.known.add(made.digest)
        return found[1]

    def _collect_shared(
        self, body: Body, found: dict[str, tuple[str, int]], seen: set[int]
    ) -> None:
        """The modules that operators want the network to own, with their largest extent."""
        if id(body) in seen:
            return
        seen.add(id(body))
        for node in walk(body.chain.nodes):
            if isinstance(node, Call):
                self._collect_shared(node.body, found, seen)
            elif isinstance(node, Apply) and type(node.op).shared is not Op.shared:
                wanted = node.op.shared(*node.shapes)
                if wanted is not None:
                    _, extent = found.get(wanted.name, ("", 0))
                    found[wanted.name] = wanted.target, max(extent, symbolic.plain(wanted.extent))


class Walk:
    """One pass through a body."""

    def __init__(self, promises: Promises, body: Body, training: bool) -> None:
        self.promises = promises
        self.store = promises.store
        self.training = training
        self.root = body
        self.holdings: list[Holding] = []
        self.events: list[Event] = []
        self.sides: dict[str, SymbolicTensor] = {}
        self.marks: dict[str, SymbolicTensor] = {}
        self.drawn = 0

    def promise(self) -> BodyPromise:
        entering = []
        count = 0
        for x in self.root.inputs:
            columns = x.shape.columns if x.shape is not None else 0
            entering.append(tuple(self.input(count + at) for at in range(columns or 1)))
            count += columns or 1
        outputs = tuple(x for made in self.body(self.root, (), entering) for x in made)
        self.holdings = grouped(self.holdings)
        state = self.store.structure("state", *((h.path, h.what) for h in self.holdings))
        shape = self.root.output.shape
        is_list = bool(shape is not None and shape.columns) or bool(self.root.gives)
        digest = digest_of(self.store, state, self.events, outputs, is_list)
        return BodyPromise(
            self.holdings, self.events, outputs, self.sides, self.marks, digest, state
        )

    def input(self, at: int) -> SymbolicTensor:
        """Return what comes in."""
        return self.store.tensor("input", at)

    def body(
        self,
        body: Body,
        path: Path,
        inputs: list[tuple[SymbolicTensor, ...]],
    ) -> list[tuple[SymbolicTensor, ...]]:
        """What comes out: each output's tensors, several of a bundle."""
        env = {x.root: value for x, value in zip(body.inputs, inputs, strict=True)}
        _Inside(self, body, path, env).chain(body.chain, path)
        return [env.get(x.root, ()) for x in (body.output, *body.gives.values())]


class _Inside:
    """One body, at one place of the network."""

    def __init__(
        self,
        walk_: Walk,
        body: Body,
        path: Path,
        env: dict[PlanTensor, tuple[SymbolicTensor, ...]],
    ) -> None:
        self.walk = walk_
        self.store = walk_.store
        self.path = path
        self.env = env
        self.live = live(body)
        self.is_network = body.block is None

    def chain(self, chain: Chain, path: Path) -> None:
        for node in chain.nodes:
            self.node(node, path)

    def node(self, node: Node, path: Path) -> None:
        match node:
            case Apply():
                self.apply(node, path)
            case Call():
                self.call(node, path)
            case Branches():
                for branch in node.branches:
                    self.chain(branch, path)
                self.apply(node.merge, path)
            case Choice():
                self.chain(node.chain, path)
            case Loop():
                for iteration in node.iterations:
                    self.chain(iteration, path)
            case Scope():
                self.chain(node.chain, (*path, node.name))
            case Reused():
                self.chain(node.chain, (*self.path, *node.scopes))
            case AuxHead():
                self.aux(node, path)
            case Output() if self.is_network:
                self.walk.marks[node.name] = self._one(node.output)
            case Output() | Ref():
                pass

    def aux(self, node: AuxHead, path: Path) -> None:
        walk_ = self.walk
        if walk_.training:
            self.chain(node.chain, path)
            walk_.sides[node.name] = self._one(node.chain.output)
            return
        events, drawn = walk_.events, walk_.drawn
        walk_.events = []  # it is there, and does not run
        self.chain(node.chain, path)
        walk_.events, walk_.drawn = events, drawn

    def _one(self, tensor: PlanTensor) -> SymbolicTensor:
        return self.env[tensor.root][0]

    def _inputs(self, tensors: tuple[PlanTensor, ...]) -> list[tuple[SymbolicTensor, ...]]:
        return [self.env[x.root] for x in tensors]

    def apply(self, node: Apply, path: Path) -> None:
        is_live = node.output.root in self.live
        op, shapes = node.op, node.shapes
        made = op.torch(*shapes)
        name = ".".join((*path, node.name))
        name = self.walk.promises.names.get(name, name)
        record = None
        if made is not None:
            positional = tuple(_plain(value) for value in made.positional)
            keywords = {k.name: _plain(k.value) for k in made.keyword}
            record, _ = make_record(self.store, made.target, positional, keywords)
            if made.around:
                record = parametrized(self.store, made.around, record)
            if record.is_stateful and not node.again:
                self.walk.holdings.append(Holding(name, record, node.span))
        if not is_live:
            return
        inputs = tuple(x for value in self._inputs(node.inputs) for x in value)
        if record is None:
            self.env[node.output.root] = self._merged(node, inputs)
            return
        if record.is_stateful:
            self.walk.events.append(Event(name, record, inputs, node.span))
            result = self.store.tensor("module", (record, name), inputs)
            if op.is_bare:
                detail = record, name, op.ones(*shapes)
                result = self.store.tensor("weigh", detail, inputs)
        elif record.is_random:
            self.walk.drawn += 1
            self.walk.events.append(Event("", record, inputs, node.span, draws=True))
            result = self.store.tensor("module", (record, self.walk.drawn), inputs)
        else:
            result = run_record(self.store, record, inputs)
        self.env[node.output.root] = (result,)

    def _merged(self, node: Apply, xs: tuple[SymbolicTensor, ...]) -> tuple[SymbolicTensor, ...]:
        """An operator that is only an expression."""
        store = self.store
        found = xs[0]
        match node.op.name:
            case "columns":
                return xs
            case "concat":
                return (store.cat(xs, 1),)
            case "add" | "mean":
                for x in xs[1:]:
                    found = store.add(found, x)
                if node.op.name == "mean" and len(xs) > 1:
                    found = store.tensor("div", (len(xs),), (found,))
            case "mul":
                for x in xs[1:]:
                    found = store.multiply(found, x)
            case "sub":
                found = store.tensor("sub", (), xs)
            case "max":
                for x in xs[1:]:
                    pair = (found, x) if found.number <= x.number else (x, found)
                    found = store.tensor("maximum", (), pair)
            case "softmax branches":
                found = store.tensor("stack", (1,), xs)
                for target, values in (("nn.Softmax", (1,)), ("nn.Flatten", (1, 2))):
                    record, _ = make_record(store, target, values, {})
                    found = run_record(store, record, (found,))
            case name:
                found = store.tensor(name, (), xs)
        return (found,)

    def call(self, node: Call, path: Path) -> None:
        is_live = any(x.root in self.live for x in node.outputs)
        promises, walk_ = self.walk.promises, self.walk
        inner = (*path, node.name)
        if promises.closed:
            made = promises.body(node.body)
            name = ".".join(inner)
            has_state = made.state != state_of_nothing(self.store)
            if has_state and not node.again:
                walk_.holdings.append(Holding(name, made.state, node.span))
            if not is_live:
                return
            inputs = tuple(value for x in node.inputs for value in self.env[x.root])
            name = name if has_state else ""
            walk_.drawn += made.draws
            place = (made.digest, name, walk_.drawn if made.draws else 0)
            if has_state or made.draws:
                walk_.events.append(Event(name, made.digest, inputs, node.span, made.draws))
            found = [
                self.store.tensor("block", (*place, at), inputs) for at in range(len(made.outputs))
            ]
            first = len(found) - len(node.gives)
            self._know(node, [tuple(found[:first]), *((x,) for x in found[first:])])
            return
        events, holdings, drawn = walk_.events, walk_.holdings, walk_.drawn
        if node.again:
            walk_.holdings = []
        if not is_live:
            walk_.events = []
            self._open_unused(node, inner)
            walk_.drawn = drawn
        else:
            entering = [self.env[x.root] for x in node.inputs]
            self._know(node, walk_.body(node.body, inner, entering))
        walk_.events, walk_.holdings = events, holdings

    def _know(self, node: Call, made: list[tuple[SymbolicTensor, ...]]) -> None:
        self.env |= {x.root: found for x, found in zip(node.outputs, made, strict=True)}

    def _open_unused(self, node: Call, inner: Path) -> None:
        """A block that is held, and does not run."""
        nothing = self.store.tensor("unused")
        columns = (x.shape.columns if x.shape is not None else 0 for x in node.inputs)
        self.walk.body(node.body, inner, [(nothing,) * (n or 1) for n in columns])


def grouped(holdings: list[Holding]) -> list[Holding]:
    """In the order of a state_dict: what is in one container stands together."""
    order: dict[tuple[str, ...], int] = {}
    for holding in holdings:
        parts = tuple(holding.path.split("."))
        for length in range(1, len(parts) + 1):
            order.setdefault(parts[:length], len(order))

    def place(holding: Holding) -> list[int]:
        parts = tuple(holding.path.split("."))
        return [order[parts[:length]] for length in range(1, len(parts) + 1)]

    return sorted(holdings, key=place)


def live(body: Body) -> set[PlanTensor]:
    """Return the tensors that somebody uses: nothing else is worked out in generated code."""
    nodes = list(walk(body.chain.nodes))
    found = {x.root for x in body.outputs}
    found |= {node.chain.output.root for node in nodes if isinstance(node, AuxHead)}
    for node in reversed(nodes):
        if isinstance(node, Apply | Call):
            made = node.outputs if isinstance(node, Call) else (node.output,)
            if any(x.root in found for x in made):
                found |= {x.root for x in node.inputs}
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return tuple(_plain(item) for item in value)
    return symbolic.plain(value)


__all__ = ["BodyPromise", "Holding", "Promises", "Shape"]
