"""A plan without `if`s, loops and shared blocks: each statement once for each time that it runs."""

from __future__ import annotations

import copy
from dataclasses import replace

from archc.plan import (
    AuxHead,
    Body,
    Branches,
    Call,
    Chain,
    Choice,
    Loop,
    Node,
    Plan,
    Reused,
    Scope,
)


def straighten(plan: Plan) -> Plan:
    """Return the same network, each body a block of its own, its arms and iterations in a row."""
    return replace(plan, body=_body(plan.body, {}))


def _body(body: Body, done: dict[int, Body]) -> Body:
    found = done.get(id(body))
    if found is None:
        block = body.block
        if block is not None:  # blocks are told apart by their trees
            block = replace(block, tree=copy.copy(block.tree))
        found = done[id(body)] = replace(body, block=block, chain=_chain(body.chain, done))
    return found


def _chain(chain: Chain, done: dict[int, Body]) -> Chain:
    return Chain([n for node in chain.nodes for n in _nodes(node, done)], chain.input, chain.output)


def _nodes(node: Node, done: dict[int, Body]) -> list[Node]:
    match node:
        case Call():
            return [replace(node, body=_body(node.body, done))]
        case Choice():
            return _chain(node.chain, done).nodes
        case Loop():
            return [n for chain in node.iterations for n in _chain(chain, done).nodes]
        case Branches():
            return [replace(node, branches=[_chain(branch, done) for branch in node.branches])]
        case Scope() | Reused() | AuxHead():
            return [replace(node, chain=_chain(node.chain, done))]
    return [node]
