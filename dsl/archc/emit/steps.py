"""The statements of a class: modules go to the constructor, steps to forward."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from archc.emit.branches import write_branches
from archc.emit.choices import write_choice
from archc.emit.flow import Do, Side, Step, Wire
from archc.emit.lanes import Inexpressible, Lane
from archc.emit.loops import lends, write_loop
from archc.emit.modules import instance, operator
from archc.emit.scribe import Scribe, Written, abreast
from archc.emit.sequential import sequential
from archc.emit.site import Site
from archc.plan import (
    Again,
    Apply,
    Aux,
    Branches,
    Call,
    Chain,
    Choice,
    Goto,
    Loop,
    Mark,
    Node,
    Scope,
    children,
)


def write_chain(
    scribe: Scribe, chains: list[Chain], lanes: list[Lane], wire: Wire, site: Site
) -> Written:
    """The statements of all lanes, side by side, as steps; and the tensor after them."""
    steps: list[Step] = []
    for chain in chains:
        scribe.wires.setdefault(chain.input.root, wire)
    for at, nodes in enumerate(abreast(chains)):
        if isinstance(nodes[0], Choice) and _renames(scribe, nodes, chains, lanes, at):
            nodes = [_with_rest(node, chain, at) for node, chain in zip(nodes, chains, strict=True)]
            made, wire = _node(scribe, nodes, lanes, wire, site)
            return [*steps, *made], wire
        is_own = lanes is scribe.lanes
        made, wire = _node(scribe, nodes, lanes, wire, site)
        lanes = scribe.lanes if is_own else lanes
        steps += made
    return steps, wire


def _renames(
    scribe: Scribe, nodes: list[Choice], chains: list[Chain], lanes: list[Lane], at: int
) -> bool:
    """Whether modules after an `if` have other names where its arm is taken.

    Such as `conv2` behind an optional `conv1`. Not where what they make is used from outside.
    """
    if len({node.taken for node in nodes}) == 1:
        return False
    for chain, lane in zip(chains, lanes, strict=True):
        if lends(chain.nodes[at:], chain.output.root, scribe.uses[lane.instance]):
            return False
    found: dict[bool, list[tuple[str, ...]]] = {True: [], False: []}
    for node, chain in zip(nodes, chains, strict=True):
        found[node.taken].append(tuple(_names(chain.nodes[at + 1 :])))
    return not {*found[True]} & {*found[False]} and all(found.values())


def _names(nodes: list[Node]) -> Iterator[str]:
    """The names of modules that statements make in the class itself."""
    for node in nodes:
        match node:
            case Call() | Scope():
                yield node.name
            case Apply() if node.state:
                yield node.name
            case Branches() | Aux():
                for chain in children(node):
                    yield from _names(chain.nodes)
            case Loop(iterations=[first, *_]):
                yield from _names(first.nodes)


def _with_rest(node: Choice, chain: Chain, at: int) -> Choice:
    """An `if` whose arms go on to the end of what is around it."""
    rest = chain.nodes[at + 1 :]
    whole = Chain([*node.chain.nodes, *rest], node.chain.input, chain.output)
    return replace(node, chain=whole, output=chain.output)


def _node(scribe: Scribe, nodes: list[Any], lanes: list[Lane], wire: Wire, site: Site) -> Written:
    match nodes[0]:
        case Apply():
            return _apply(scribe, nodes, lanes, site)
        case Call():
            return _call(scribe, nodes, lanes, site)
        case Branches():
            return _branches(scribe, nodes, lanes, site)
        case Choice():
            return write_choice(scribe, nodes, lanes, wire, site)
        case Loop():
            return write_loop(scribe, nodes, lanes, wire, site)
        case Scope():
            return _scope(scribe, nodes, lanes, wire, site)
        case Again():
            return _again(scribe, nodes, lanes, wire)
        case Goto():
            return [], scribe.wire([node.output for node in nodes])
        case Aux():
            return _aux(scribe, nodes, lanes, wire, site)
        case Mark():
            return [], _mark(scribe, nodes[0].name, wire)
    raise AssertionError(nodes[0])


def _mark(scribe: Scribe, name: str, wire: Wire) -> Wire:
    """An output: its tensor has a variable of that name from where it is made."""
    scribe.outputs.append((name, wire))
    wire.uses += 1
    wire.call(name)
    return wire


def _apply(scribe: Scribe, nodes: list[Apply], lanes: list[Lane], site: Site) -> Written:
    first = nodes[0]
    ins = [scribe.wire(list(xs)) for xs in zip(*(n.inputs for n in nodes), strict=True)]
    kept = first.label is not None and scribe.is_kept(first.output.root)
    if len(ins) == 1 and first.op.name == "identity" and (not kept or ins[0].var is None):
        if first.label is not None and kept:
            ins[0].call(first.label)
        scribe.alias([node.output for node in nodes], ins[0])
        return [], ins[0]
    out = scribe.new_wire([node.output for node in nodes], first.label)
    write = operator(scribe, nodes, lanes, site, ins)
    return [Do(out, ins, write, first.op.category, scribe.comment(nodes, lanes))], out


def _call(scribe: Scribe, nodes: list[Call], lanes: list[Lane], site: Site) -> Written:
    first = nodes[0]
    name = scribe.name(nodes, lanes)
    if not first.again:
        site.add(name, instance(scribe, nodes, lanes))
    access = scribe.access(name, nodes, lanes, site)
    return _called(scribe, nodes, lanes, scribe.wire([n.input for n in nodes]), access)


def _called(
    scribe: Scribe, nodes: list[Any], lanes: list[Lane], source: Wire, access: str
) -> Written:
    out = scribe.new_wire([node.output for node in nodes], nodes[0].label)
    comment = scribe.comment(nodes, lanes)
    return [Do(out, [source], lambda x: f"{access}({x})", "block", comment)], out


def _branches(scribe: Scribe, nodes: list[Branches], lanes: list[Lane], site: Site) -> Written:
    steps = write_branches(scribe, nodes, lanes, site)
    made, out = _apply(scribe, [node.merge for node in nodes], lanes, site)
    return [*steps, *made], out


def _scope(
    scribe: Scribe, nodes: list[Scope], lanes: list[Lane], wire: Wire, site: Site
) -> Written:
    """A group: an nn.Sequential if it is a row of modules, else an nn.ModuleDict."""
    name = scribe.name(nodes, lanes)
    outer, scribe.scopes = scribe.scopes, (*scribe.scopes, nodes[0].name)
    try:
        if not any(scribe.scopes in uses.reused for uses in scribe.uses):
            scribe.row_ends |= {node.output.root for node in nodes}
            if not nodes[0].again:
                code = scribe.attempt(lambda: sequential(scribe, nodes, lanes, site), site)
                if code is not None:
                    site.add(name, code)
                    scribe.rows.add(scribe.scopes)
            if scribe.scopes in scribe.rows:
                source = scribe.wire([node.chain.input for node in nodes])
                access = scribe.access(name, nodes, lanes, site)
                return _called(scribe, nodes, lanes, source, access)
        if name.startswith('f"'):
            raise Inexpressible("a group in a loop that is no row")
        inner = site.nested(name)
        scribe.sites[scribe.scopes] = inner
        steps, wire = scribe.chain([node.chain for node in nodes], lanes, wire, inner)
        if inner.items and not nodes[0].again:
            site.add(name, inner.code())
        return steps, wire
    finally:
        scribe.scopes = outer


def _again(scribe: Scribe, nodes: list[Again], lanes: list[Lane], wire: Wire) -> Written:
    outer, scribe.scopes = scribe.scopes, nodes[0].scopes
    site = scribe.sites.get(scribe.scopes)
    if site is None:
        raise Inexpressible("a statement that runs again from inside a loop")
    steps, wire = scribe.chain([node.chain for node in nodes], lanes, wire, site)
    scribe.scopes = outer
    return steps, wire


def _aux(scribe: Scribe, nodes: list[Aux], lanes: list[Lane], wire: Wire, site: Site) -> Written:
    outer, scribe.role = scribe.role, ("side_x", True)
    body, result = scribe.chain([node.chain for node in nodes], lanes, wire, site)
    scribe.role = outer
    scribe.has_sides = True
    return [Side(body, result, nodes[0].name)], wire
