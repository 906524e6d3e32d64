"""A plan with other operators in it: copied, so that nothing of the first one is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from archc.ops import REGISTRY, Op
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
    Ref,
    Reused,
    Scope,
    Tensor,
    children,
    walk,
)

IDENTITY: Op = REGISTRY["identity"]()
Successor = Callable[[Apply], Op]  # an operator's; `IDENTITY` where it goes


def chains(
    chain: Chain, prefix: str = "", alone: bool = False
) -> Iterator[tuple[Chain, str, bool]]:
    """Every chain of a body, the names of the groups around it, and whether it is a group's own.

    A combinator that is all that is in a group is a module of its own: nothing goes before it.
    What runs again is left out: it has the weights of what ran first.
    """
    yield chain, prefix, alone and len(chain.nodes) == 1
    for node in chain.nodes:
        if isinstance(node, Reused):
            continue
        inner = f"{prefix}{node.name}." if isinstance(node, Scope) else prefix
        for part in children(node):
            yield from chains(part, inner, isinstance(node, Scope))


def rerun(body: Body) -> frozenset[str]:
    """The names, without the groups around them, of modules that run more than once."""
    nodes = (node for node in walk(body.chain.nodes) if isinstance(node, Apply | Call))
    return frozenset(node.name for node in nodes if node.again)


@dataclass
class Copy:
    """Copies bodies, each once; `successors` gives what becomes of the operators of a body.

    Auxiliary heads are left out, and groups in which nothing is left. Names stay, also those that
    count places.
    """

    successors: Callable[[Body], Successor]
    bodies: dict[Body, Body] = field(default_factory=dict)
    tensors: dict[Tensor, Tensor] = field(default_factory=dict)

    def body(self, old: Body) -> Body:
        found = self.bodies.get(old)
        if found is None:
            inputs = tuple(self.tensor(x) for x in old.inputs)
            chain = _Copier(self, self.successors(old)).chain(old.chain)
            gives = {name: self.tensor(x) for name, x in old.gives.items()}
            found = self.bodies[old] = replace(old, inputs=inputs, chain=chain, gives=gives)
        return found

    def tensor(self, old: Tensor) -> Tensor:
        found = self.tensors.get(old)
        if found is None:
            origin = None if old.origin is None else self.tensor(old.origin)
            found = self.tensors[old] = Tensor(old.shape, old.span, origin)
        return found


@dataclass
class _Copier:
    """Copies what is in one body."""

    around: Copy
    successor: Successor

    def chain(self, old: Chain) -> Chain:
        nodes = [new for node in old.nodes if (new := self._node(node)) is not None]
        return Chain(nodes, self.around.tensor(old.input), self.around.tensor(old.output))

    def _node(self, node: Node) -> Node | None:
        tensor = self.around.tensor
        output = tensor(node.output)
        match node:
            case Apply():
                return self._apply(node)
            case Call():
                body = self.around.body(node.body)
                tensors = tuple(map(tensor, node.tensors))
                start = tensor(node.input)
                gives = {name: tensor(x) for name, x in node.gives.items()}
                return replace(
                    node, body=body, input=start, tensors=tensors, output=output, gives=gives
                )
            case Branches():
                branches = [self.chain(chain) for chain in node.branches]
                merge = self._apply(node.merge)
                assert merge is not None, "what merges stays"
                start = tensor(node.input)
                return replace(node, branches=branches, merge=merge, input=start, output=output)
            case Loop():
                chains = [self.chain(chain) for chain in node.iterations]
                return replace(node, iterations=chains, output=output)
            case Scope() | Reused():
                chain = self.chain(node.chain)
                return replace(node, chain=chain, output=output) if chain.nodes else None
            case Choice():
                return replace(node, chain=self.chain(node.chain), output=output)
            case Ref() | Output():
                return replace(node, output=output)
            case AuxHead():
                return None

    def _apply(self, node: Apply) -> Apply | None:
        """The operator; None where it goes."""
        op, tensor = self.successor(node), self.around.tensor
        inputs, made = tuple(map(tensor, node.inputs)), tensor(node.output)
        if op is IDENTITY:
            made.origin = inputs[0]
            return None
        return replace(node, op=op, inputs=inputs, output=made)
