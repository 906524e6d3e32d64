"""Dense connections whose layers are computed again in the backward pass.

`x = cat([x, layer(x)])` keeps every concatenation alive. A layer that is computed again can make
its own from a list of the features before it, so that only these are kept: the lean form of
Pleiss et al. 2017, arXiv:1707.06990. What the emitter writes and what `fit` counts agree here.
"""

from __future__ import annotations

from archc.analysis.uses import uses_of
from archc.plan import Body, Branches, Call, Loop, Plan, bodies, walk


def gathered(plan: Plan, block: str | None) -> tuple[Loop, ...]:
    """The loops of `dense< layer >` whose layers take a list of features, if `block` is the layer.

    Empty where that block is also called elsewhere: it takes one tensor then.
    """
    if block is None:
        return ()
    found: list[Loop] = []
    for body in bodies(plan):
        uses = uses_of(body)
        loops = [node for node in walk(body.chain.nodes) if isinstance(node, Loop)]
        loops = [node for node in loops if node.iterations and _is_dense(node, block)]
        inside = [call for loop in loops for call in layers(loop)]
        calls = [node for node in walk(body.chain.nodes) if isinstance(node, Call)]
        if any(node.body.name == block and node not in inside for node in calls):
            return ()
        for loop in loops:
            made = [call.output.root for call in layers(loop)]
            piled = [chain.output.root for chain in loop.iterations[:-1]]
            if any(uses.counts[tensor] != 1 for tensor in made) or any(
                uses.counts[tensor] != 2 or tensor in uses.named for tensor in piled
            ):
                return ()
        found += loops
    return tuple(found)


def layers(loop: Loop) -> list[Call]:
    """The calls in a loop of dense connections, one an iteration."""
    calls = (_layer(iteration.nodes[0]) for iteration in loop.iterations)
    return [call for call in calls if call is not None]


def _is_dense(loop: Loop, block: str) -> bool:
    for chain in loop.iterations:
        call = _layer(chain.nodes[0]) if len(chain.nodes) == 1 else None
        if call is None or call.body.name != block or call.again:
            return False
        if (
            call.tensors
            or call.gives
            or call.input.root is not chain.input.root
            or not _takes_steps(call.body)
        ):
            return False
    return True


def _layer(node: object) -> Call | None:
    """The call that a dense connection is made of, if it is a single one."""
    match node:
        case Branches(keyword="dense", branches=[chain]) if len(chain.nodes) == 1:
            only = chain.nodes[0]
            return only if isinstance(only, Call) else None
    return None


def _takes_steps(body: Body) -> bool:
    """Whether a block's class has a `forward`: one that is modules in a row has none."""
    rows = all(isinstance(node, Loop) for node in body.chain.nodes)
    return body.block is not None and not body.block.places and not rows
