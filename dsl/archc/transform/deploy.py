"""A network for inference alone: batch norms folded, dropout and auxiliary heads gone.

A plan to a plan, so that what is written of it is as readable as what is trained. In eval mode a
batch norm is a factor and a summand for each channel, and goes into the weights of the convolution
or linear before it. Modules keep their names in the plan, also in rows where others are gone;
`WeightMap` says what goes where.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from archc.analysis.schedule import schedule
from archc.analysis.uses import Uses, uses_of
from archc.ops import Op
from archc.plan import Apply, AuxHead, Body, Call, Chain, Plan, Scope, Tensor, children
from archc.transform.fuse_branches import fuse
from archc.transform.rewrite import IDENTITY, Copy, Successor, chains, rerun
from archc.transform.weight_map import WeightMap


@dataclass(frozen=True, slots=True)
class Savings:
    """What the rewriting comes to: kernels of a pass in eager mode, and numbers that are held."""

    kernels: tuple[int, int]  # before and after
    numbers: tuple[int, int]  # parameters and statistics


@dataclass
class Deployment:
    """A network's form for inference, and where its weights come from."""

    plan: Plan  # one without mistakes
    tables: dict[Body, WeightMap] = field(default_factory=dict)

    @cached_property
    def made(self) -> Plan:
        """The network's plan for inference."""
        return self.of(self.plan)

    @property
    def dropped(self) -> tuple[str, ...]:
        """The auxiliary heads' modules."""
        return self.tables[self.made.body].dropped

    @cached_property
    def saved(self) -> Savings:
        """What is gained by that."""
        return savings(self.plan, self.made)

    def of(self, plan: Plan) -> Plan:
        """The same of the network at any values of its params; the plan stays as it is."""
        settled = Copy(_in_eval_mode)
        body = settled.body(plan.body)
        dropped = {new: tuple(_side_names(old.chain, "")) for old, new in settled.bodies.items()}
        folded: dict[Body, dict[str, tuple[str, float]]] = {}
        merged = Copy(lambda old: _folds(old, folded.setdefault(old, {})))
        body = merged.body(body)
        made = {
            new: WeightMap(folded[old], {}, dropped.get(old, ()))
            for old, new in merged.bodies.items()
        }
        for new in made:
            fuse(new, made)
        self.tables |= made
        return replace(plan, body=body)


def savings(before: Plan, after: Plan) -> Savings:
    """Compare a network in eval mode with its form for inference."""

    def held(plan: Plan) -> int:
        state = schedule(plan, training=True).state()
        return state.weights + state.floats + state.integers

    return Savings((kernels(before), kernels(after)), (held(before), held(after)))


def kernels(plan: Plan) -> int:
    """Operators that compute something in eval mode: what eager PyTorch starts a kernel for."""
    return sum(not step.passes_through for step in schedule(plan, training=False).steps)


def _in_eval_mode(body: Body) -> Successor:
    def successor(node: Apply) -> Op:
        op = node.op.in_eval()
        return IDENTITY if op.name == IDENTITY.name else op

    return successor


def _side_names(chain: Chain, prefix: str, in_head: bool = False) -> Iterator[str]:
    """The modules of auxiliary heads; `in_head` where the chain is part of one."""
    for node in chain.nodes:
        match node:
            case Call(again=False) | Scope(again=False) if in_head:
                yield prefix + node.name
                continue
            case Apply(again=False) if in_head and node.state:
                yield prefix + node.name
        inner = f"{prefix}{node.name}." if isinstance(node, Scope) else prefix
        for part in children(node):
            yield from _side_names(part, inner, in_head or isinstance(node, AuxHead))


# --- folding -----------------------------------------------------------------------------


def _folds(body: Body, found: dict[str, tuple[str, float]]) -> Successor:
    """What becomes of convolutions and the batch norms behind them; their names go to `found`."""
    uses, becomes = uses_of(body), dict[Apply, Op]()
    again = rerun(body)
    for chain, prefix, _ in chains(body.chain):
        for node in chain.nodes:
            eps = node.op.batchnorm_eps() if isinstance(node, Apply) else None
            if eps is None or not isinstance(node, Apply):
                continue
            before = _maker(node.inputs[0].root, uses)
            if before is None or before not in chain.nodes or {before.name, node.name} & again:
                continue
            op = before.op.with_bias()
            if op is not None and before not in becomes:
                becomes[before], becomes[node] = op, IDENTITY
                found[prefix + before.name] = (prefix + node.name, float(eps))
    return lambda node: becomes.get(node, node.op)


def _maker(root: Tensor, uses: Uses) -> Apply | None:
    """The operator that made a tensor which nothing else uses."""
    maker = uses.makers.get(root)
    return maker if isinstance(maker, Apply) and uses.counts[root] == 1 else None
