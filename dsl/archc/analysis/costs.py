"""Parameters, buffers and multiply-accumulates, summed over the plan.

Each body is counted once and multiplied by its use, so the cost of counting follows what is
written. MACs are those of convolutions and linears for one sample, biases left out: what fvcore
and calflops call MACs, and half of what torch's flop counter calls FLOPs.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from archc import symbolic
from archc.ops import Op, Shape, scalars
from archc.plan import Apply, AuxHead, Body, Call, Chain, Node, children, walk
from archc.record import record


@record
class Cost:
    """`params`: trainable scalars, each once.

    Of auxiliary heads are `side_macs`, which are not in `macs`, and `side_params`, which are in
    `params`.
    """

    params: int = 0
    weights: int = 0  # params of convolutions and linears, without biases
    buffers: int = 0
    macs: int = 0
    side_macs: int = 0
    side_params: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.params + other.params,
            self.weights + other.weights,
            self.buffers + other.buffers,
            self.macs + other.macs,
            self.side_macs + other.side_macs,
            self.side_params + other.side_params,
        )


class Costs:
    """The cost of any body or node of one plan; `again` of modules that ran before."""

    def __init__(self, again: bool = False, known: Mapping[Body, Cost] | None = None) -> None:
        self.again = again
        self._bodies: dict[Body, Cost] = dict(known or {})

    def of_body(self, body: Body) -> Cost:
        found = self._bodies.get(body)
        if found is None:
            found = self._bodies[body] = self.of_chain(body.chain)
        return found

    def of_chain(self, chain: Chain) -> Cost:
        total = Cost()
        for node in walk(chain.nodes):
            if isinstance(node, Apply | Call):
                total += self.of_node(node)
            elif isinstance(node, AuxHead):
                inside = [n for n in walk(node.chain.nodes) if isinstance(n, Apply | Call)]
                side = sum((self.of_node(n) for n in inside), Cost())
                params = side.params - side.side_params  # those of heads in it are there already
                total += Cost(macs=-side.macs, side_macs=side.macs, side_params=params)
        return total

    def of_node(self, node: Node) -> Cost:
        """An operator or a call; anything else is the sum of what is in it."""
        if isinstance(node, Apply):
            cost = cost_of(node)
            return Cost(macs=cost.macs) if self.again else cost
        if isinstance(node, Call):
            cost = self.of_body(node.body)
            return Cost(macs=cost.macs) if node.again else cost
        total = Cost()
        for chain in children(node):
            total += self.of_chain(chain)
        return total


class NoCosts(Costs):
    """Nothing costs anything: for those who do not want to see it."""

    def of_node(self, node: Node) -> Cost:
        return Cost()


def cost_of(node: Apply) -> Cost:
    """Of one operator; nothing where a shape is unknown."""
    shapes = node.shapes
    if len(shapes) < len(node.inputs):
        return Cost()
    cost = _cost_on(node.op, shapes)
    return Cost(macs=cost.macs) if node.again else cost


@lru_cache(10_000)
def _cost_on(op: Op, shapes: tuple[Shape, ...]) -> Cost:
    """Of an operator on tensors of these shapes, wherever it stands."""
    tensors = op.weights(*shapes)
    counted = op.category in ("conv", "linear")
    weights = scalars(dims for name, dims in tensors.items() if counted and name != "bias")
    buffers = scalars(op.buffers(*shapes).values())
    counts = (scalars(tensors.values()), weights, buffers, op.macs(*shapes))
    return Cost(*map(symbolic.plain, counts))
