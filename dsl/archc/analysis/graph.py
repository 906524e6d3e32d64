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

from dataclasses import dataclass

import networkx as nx

from archc import symbolic
from archc.analysis.unroll import Enclosing, PlacedStep, Run, Value, unroll
from archc.ops import Op, Shape, scalars
from archc.plan import Apply, Plan, Runs, Tensor, outputs, side_outputs
from archc.source import Span


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
    return _Grapher(unroll(plan)).graph_of(plan)


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


class _Grapher:
    """Makes nodes of the steps of a run."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        self.makers: dict[Value, str] = {}  # the keys of the nodes that make the tensors
        self.facts: dict[tuple[Op, tuple[Shape, ...]], _Facts] = {}
        self.ends = Runs()

    def graph_of(self, plan: Plan) -> nx.MultiDiGraph[str]:
        body, run = plan.body, self.run
        for (name, value), tensor in zip(run.inputs, body.inputs, strict=True):
            self.makers[value] = self._end("input", name, tensor)
        for step in run.steps:
            self._operator(step)
        for (name, value), (_, tensor) in zip(run.outputs, outputs(body), strict=True):
            self._end("output", name, tensor, value)
        for (name, value), aux in zip(run.side_outputs, side_outputs(body), strict=True):
            self._end("output", name, aux.chain.output, value, training_only=True)
        return self.graph

    def _operator(self, step: PlacedStep) -> None:
        apply, place = step.apply, step.place
        facts = self.facts.get((apply.op, apply.shapes))
        if facts is None:
            facts = self.facts[apply.op, apply.shapes] = _facts(apply)
        again = step.key != step.module
        node = Node(
            step.key, len(self.graph), apply.op.name, apply.name, step.module, facts.inputs,
            facts.output, apply.span, apply.op, place.around, apply.label,
            0 if again else facts.params, facts.macs, again, place.training_only,
        )  # fmt: skip
        self._add(node, step.inputs)
        self.makers[step.output] = step.key

    def _end(
        self,
        operator: str,
        name: str,
        tensor: Tensor,
        value: Value | None = None,
        training_only: bool = False,
    ) -> str:
        """An input, or an output: the tensor that leaves."""
        key, shape = self.ends.key(f"{operator}:{name}"), tensor.columns[0]
        inputs = () if value is None else (shape,)
        node = Node(
            key, len(self.graph), operator, name, "", inputs, shape, tensor.span,
            training_only=training_only,
        )  # fmt: skip
        self._add(node, () if value is None else (value,))
        return key

    def _add(self, node: Node, inputs: tuple[Value, ...]) -> None:
        self.graph.add_node(node.key, node=node)
        for port, value in enumerate(inputs):
            self.graph.add_edge(self.makers[value], node.key, key=port, port=port)


def _facts(apply: Apply) -> _Facts:
    params = scalars(apply.op.weights(*apply.shapes).values())
    inputs = tuple(shape for tensor in apply.inputs for shape in tensor.columns)
    macs = int(symbolic.plain(apply.op.macs(*apply.shapes)))
    return _Facts(inputs, apply.output.columns[0], params, macs)
