"""Plan to graph: the network unfolded, a node for each operator that runs.

    graph = archc.load("resnet50").graph
    nx.shortest_path(graph, "input:x", "fc")
    max(graph, key=lambda key: graph.nodes[key]["node"].macs)

A key is the operator's path in the module tree (`layer1.0.conv1`), so what has weights is found in
the `state_dict` under its key; a second run of the same module is `a.conv1#2`. Inputs and outputs
are `input:x` and `output:logits`. Each node has one attribute, `node`, with all that is known of
it; each edge one, `port`, the place among the inputs of the node that it enters.

A bundle of columns is no node: its tensors go to the `join` themselves. networkx is imported here
and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import networkx as nx

from archc import symbolic
from archc.ops import Op, Shape, scalars
from archc.plan import (
    Apply,
    AuxHead,
    Body,
    Branches,
    Call,
    Chain,
    Choice,
    Loop,
    Plan,
    Reused,
    Runs,
    Scope,
    Tensor,
    outputs,
    side_outputs,
)
from archc.source import Span


@dataclass(frozen=True, slots=True)
class Enclosing:
    """A block call or a group around an operator; `body` only for a block call."""

    name: str
    body: Body | None = None

    @property
    def block(self) -> str | None:
        """The block's name, or None for a group."""
        return self.body.name if self.body is not None else None


@dataclass(frozen=True, slots=True)
class Node:
    """An operator where it runs, an input (no `inputs`) or an output (its shape unchanged).

    `params` are trainable scalars, 0 where the weights are those of an earlier node (`again`);
    `macs` are for one sample. What is `training_only` leads to auxiliary outputs alone.
    """

    key: str
    index: int  # position in execution order
    operator: str  # `conv`, `add`, ..., or `input` and `output`
    name: str
    module: str  # the path in the module tree; the key without its `#2`
    inputs: tuple[Shape, ...]
    output: Shape
    span: Span  # the statement
    op: Op | None = None
    path: tuple[Enclosing, ...] = ()  # outermost first
    label: str | None = None  # as written, if it was
    params: int = 0
    macs: int = 0
    again: bool = False
    training_only: bool = False


def unfold(plan: Plan) -> nx.MultiDiGraph[str]:
    """The whole network as one flat graph, in execution order.

    Takes a plan without mistakes. Linear in the number of operators.
    """
    return _Unfolder(plan).run()


def order(graph: nx.MultiDiGraph[str]) -> list[str]:
    """The keys in execution order; also of a subgraph, which networkx may list in any order."""
    return sorted(graph, key=lambda key: node_of(graph, key).index)


def node_of(graph: nx.MultiDiGraph[str], key: str) -> Node:
    """What is known of a node. Raises KeyError."""
    found: Node = graph.nodes[key]["node"]
    return found


@dataclass(frozen=True, slots=True)
class _Facts:
    """What all applications of an operator to tensors of the same shapes have in common."""

    inputs: tuple[Shape, ...]
    output: Shape
    params: int
    macs: int


@dataclass(slots=True)
class _GraphPlace:
    """Where the walk is: a body that runs, and the groups entered in it."""

    path: tuple[Enclosing, ...]  # of the body
    prefix: str
    tensors: dict[Tensor, tuple[str, ...]]  # the keys that make a tensor; several for a bundle
    scopes: tuple[Enclosing, ...] = ()
    training_only: bool = False

    def at(self, scopes: tuple[Enclosing, ...], training_only: bool = False) -> _GraphPlace:
        """Elsewhere in the same body."""
        aside = self.training_only or training_only
        return _GraphPlace(self.path, self.prefix, self.tensors, scopes, aside)

    def inside(self, call: Call) -> _GraphPlace:
        """The start of a called body."""
        pairs = zip(call.body.inputs, call.inputs, strict=True)
        start = {x.root: self.tensors[given.root] for x, given in pairs}
        path = (*self.path, *self.scopes, Enclosing(call.name, call.body))
        return _GraphPlace(path, f"{self.module(call.name)}.", start, (), self.training_only)

    def module(self, name: str) -> str:
        return self.prefix + ".".join([*(scope.name for scope in self.scopes), name])


_Steps = Iterator["_Steps"]  # a walk that hands its inner walks out, so that none is recursive


@dataclass
class _Unfolder:
    plan: Plan
    graph: nx.MultiDiGraph[str] = field(default_factory=nx.MultiDiGraph)
    facts: dict[tuple[Op, tuple[Shape, ...]], _Facts] = field(default_factory=dict)
    runs: Runs = field(default_factory=Runs)

    def run(self) -> nx.MultiDiGraph[str]:
        body = self.plan.body
        self.graph.graph["name"] = self.plan.name
        place = _GraphPlace((), "", {})
        for name, tensor in zip(body.input_names, body.inputs, strict=True):
            self._end("input", name, tensor, place)
        walks: list[_Steps] = [self._chain(body.chain, place)]
        while walks:
            inner = next(walks[-1], None)
            if inner is None:
                walks.pop()
            else:
                walks.append(inner)
        for name, tensor in outputs(body):
            self._end("output", name, tensor, place)
        for aux in side_outputs(body):
            self._end("output", aux.name, aux.chain.output, place.at((), training_only=True))
        return self.graph

    def _chain(self, chain: Chain, place: _GraphPlace) -> _Steps:
        for node in chain.nodes:
            match node:
                case Apply():
                    self._apply(node, place)
                case Call():
                    inside = place.inside(node)
                    yield self._chain(node.body.chain, inside)
                    for made, x in zip(node.body.outputs, node.outputs, strict=True):
                        place.tensors[x.root] = inside.tensors[made.root]
                case Branches():
                    for branch in node.branches:
                        yield self._chain(branch, place)
                    self._apply(node.merge, place)
                case Loop():
                    for iteration in node.iterations:
                        yield self._chain(iteration, place)
                case Choice():
                    yield self._chain(node.chain, place)
                case Scope():
                    yield self._chain(node.chain, place.at((*place.scopes, Enclosing(node.name))))
                case Reused():
                    there = place.at(tuple(map(Enclosing, node.scopes)))
                    yield self._chain(node.chain, there)
                case AuxHead():
                    yield self._chain(node.chain, place.at(place.scopes, training_only=True))

    def _apply(self, apply: Apply, place: _GraphPlace) -> None:
        makers = [key for tensor in apply.inputs for key in place.tensors[tensor.root]]
        shape = apply.output.shape
        if shape is not None and shape.columns:
            place.tensors[apply.output.root] = tuple(makers)
            return
        facts = self.facts.get((apply.op, apply.shapes))
        if facts is None:
            facts = self.facts[apply.op, apply.shapes] = _facts(apply)
        module = place.module(apply.name)
        key = self.runs.key(module)
        again = key != module
        node = Node(
            key, len(self.graph), apply.op.name, apply.name, module, facts.inputs, facts.output,
            apply.span, apply.op, (*place.path, *place.scopes), apply.label,
            0 if again else facts.params, facts.macs, again, place.training_only,
        )  # fmt: skip
        self._add(node, makers)
        place.tensors[apply.output.root] = (key,)

    def _end(self, operator: str, name: str, tensor: Tensor, place: _GraphPlace) -> None:
        """An input or an output: a tensor that enters or leaves."""
        key, shapes = self.runs.key(f"{operator}:{name}"), tensor.columns
        makers = list(place.tensors[tensor.root]) if operator == "output" else []
        node = Node(
            key, len(self.graph), operator, name, "", shapes if makers else (), shapes[0],
            tensor.span, training_only=place.training_only,
        )  # fmt: skip
        self._add(node, makers)
        if operator == "input":
            place.tensors[tensor.root] = (key,)

    def _add(self, node: Node, makers: list[str]) -> None:
        self.graph.add_node(node.key, node=node)
        for port, maker in enumerate(makers):
            self.graph.add_edge(maker, node.key, key=port, port=port)


def _facts(apply: Apply) -> _Facts:
    params = scalars(apply.op.weights(*apply.shapes).values())
    inputs = tuple(shape for tensor in apply.inputs for shape in tensor.columns)
    macs = int(symbolic.plain(apply.op.macs(*apply.shapes)))
    return _Facts(inputs, apply.output.columns[0], params, macs)
