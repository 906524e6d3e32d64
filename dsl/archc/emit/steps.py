"""The statements of a class: modules go to the constructor, steps to forward."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from archc.emit.branches import write_branches
from archc.emit.calls import instance, operator, part_of
from archc.emit.choices import write_choice
from archc.emit.class_writer import ClassWriter, Written, paths_of, zip_nodes
from archc.emit.constructor import Constructor
from archc.emit.flow import Compute, Side, Step, Unpack, Wire
from archc.emit.instances import Lane
from archc.emit.joining import item_of
from archc.emit.loops import lends, write_loop
from archc.emit.sequential import sequential
from archc.emit.values import NotUnifiable
from archc.plan import (
    Apply,
    AuxHead,
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
    children,
)


def write_chain(
    writer: ClassWriter,
    chains: list[Chain],
    lanes: list[Lane],
    wire: Wire,
    constructor: Constructor,
) -> Written:
    """The statements of all lanes, side by side, as steps; and the tensor after them."""
    steps: list[Step] = []
    for chain in chains:
        writer.wires.setdefault(chain.input.root, wire)
    for at, nodes in enumerate(zip_nodes(chains)):
        if isinstance(nodes[0], Choice) and _renames(writer, nodes, chains, lanes, at):
            nodes = [_with_rest(node, chain, at) for node, chain in zip(nodes, chains, strict=True)]
            made, wire = _node(writer, nodes, lanes, wire, constructor)
            return [*steps, *made], wire
        is_own = lanes is writer.lanes
        made, wire = _node(writer, nodes, lanes, wire, constructor)
        lanes = writer.lanes if is_own else lanes
        steps += made
    return steps, wire


def _renames(
    writer: ClassWriter, nodes: list[Choice], chains: list[Chain], lanes: list[Lane], at: int
) -> bool:
    """Whether modules after an `if` have other names where its arm is taken.

    Such as `conv2` behind an optional `conv1`. Not where what they make is used from outside.
    """
    if len({node.taken for node in nodes}) == 1:
        return False
    for chain, lane in zip(chains, lanes, strict=True):
        if lends(chain.nodes[at:], chain.output.root, writer.uses[lane.instance]):
            return False
    found: dict[bool, list[tuple[str, ...]]] = {True: [], False: []}
    for node, chain in zip(nodes, chains, strict=True):
        names = tuple(_names(chain.nodes[at + 1 :]))
        if names:  # a loop may make none
            found[node.taken].append(names)
    return not {*found[True]} & {*found[False]} and all(found.values())


def _names(nodes: list[Node]) -> Iterator[str]:
    """The names of modules that statements make in the class itself."""
    for node in nodes:
        match node:
            case Call() | Scope():
                yield node.name
            case Apply() if node.state:
                yield node.name
            case Branches() | AuxHead():
                for chain in children(node):
                    yield from _names(chain.nodes)
            case Loop(iterations=[first, *_]):
                yield from _names(first.nodes)


def _with_rest(node: Choice, chain: Chain, at: int) -> Choice:
    """An `if` whose arms go on to the end of what is around it."""
    rest = chain.nodes[at + 1 :]
    whole = Chain([*node.chain.nodes, *rest], node.chain.input, chain.output)
    return replace(node, chain=whole, output=chain.output)


def _node(
    writer: ClassWriter, nodes: list[Any], lanes: list[Lane], wire: Wire, constructor: Constructor
) -> Written:
    match nodes[0]:
        case Apply():
            return _apply(writer, nodes, lanes, constructor)
        case Call():
            return _call(writer, nodes, lanes, constructor)
        case Branches():
            return _branches(writer, nodes, lanes, constructor)
        case Choice():
            return write_choice(writer, nodes, lanes, wire, constructor)
        case Loop():
            return write_loop(writer, nodes, lanes, wire, constructor)
        case Scope():
            return _scope(writer, nodes, lanes, wire, constructor)
        case Reused():
            return _again(writer, nodes, lanes, wire)
        case Ref():
            return [], writer.wire([node.output for node in nodes])
        case AuxHead():
            return _aux(writer, nodes, lanes, wire, constructor)
        case Output():
            return [], _mark(writer, nodes[0].name, wire)
    raise AssertionError(nodes[0])


def _mark(writer: ClassWriter, name: str, wire: Wire) -> Wire:
    """An output: its tensor has a variable of that name from where it is made."""
    writer.outputs.append((name, wire))
    wire.uses += 1
    wire.call(name)
    return wire


def _apply(
    writer: ClassWriter, nodes: list[Apply], lanes: list[Lane], constructor: Constructor
) -> Written:
    first = nodes[0]
    ins = [writer.wire(list(xs)) for xs in zip(*(n.inputs for n in nodes), strict=True)]
    kept = first.label is not None and writer.is_kept(first.output.root)
    if len(ins) == 1 and first.op.name == "identity" and (not kept or ins[0].var is None):
        if first.label is not None and kept:
            ins[0].call(first.label)
        writer.alias([node.output for node in nodes], ins[0])
        return [], ins[0]
    out = writer.new_wire([node.output for node in nodes], first.label)
    write = operator(writer, nodes, lanes, constructor, ins)
    comment, part = writer.comment(nodes, lanes), part_of(writer, nodes, lanes)
    step = Compute(out, ins, write, first.op.category, comment, part)
    step.item = item_of(write("").removesuffix("()")) if len(ins) == 1 else None
    return [step], out


def _call(
    writer: ClassWriter, nodes: list[Call], lanes: list[Lane], constructor: Constructor
) -> Written:
    first = nodes[0]
    name = writer.name(nodes, lanes)
    if not first.again:
        constructor.add(name, instance(writer, nodes, lanes))
    access = writer.access(name, nodes, lanes, constructor)
    ins = [writer.wire(list(xs)) for xs in zip(*(n.inputs for n in nodes), strict=True)]
    if not first.gives:
        return _called(writer, nodes, lanes, ins, access)
    outs = [writer.new_wire([node.output for node in nodes], first.label)]
    for output in first.gives:
        outs.append(Wire(output, prefer=True))
        writer.alias([node.gives[output] for node in nodes], outs[-1])
    return [Unpack(outs, ins, lambda *xs: f"{access}({', '.join(xs)})")], outs[0]


def _called(
    writer: ClassWriter, nodes: list[Any], lanes: list[Lane], ins: list[Wire], access: str
) -> Written:
    out = writer.new_wire([node.output for node in nodes], nodes[0].label)
    comment = writer.comment(nodes, lanes)
    step = Compute(out, ins, lambda *xs: f"{access}({', '.join(xs)})", "block", comment)
    step.item = item_of(access)
    return [step], out


def _branches(
    writer: ClassWriter, nodes: list[Branches], lanes: list[Lane], constructor: Constructor
) -> Written:
    steps = write_branches(writer, nodes, lanes, constructor)
    made, out = _apply(writer, [node.merge for node in nodes], lanes, constructor)
    return [*steps, *made], out


def _scope(
    writer: ClassWriter, nodes: list[Scope], lanes: list[Lane], wire: Wire, constructor: Constructor
) -> Written:
    """A group: an nn.Sequential if it is a row of modules, else a dict or list of them."""
    name = writer.name(nodes, lanes)
    outer, writer.scopes = writer.scopes, (*writer.scopes, nodes[0].name)
    try:
        if not any(writer.scopes in uses.reused for uses in writer.uses):
            writer.row_ends |= {node.output.root for node in nodes}
            if not nodes[0].again:
                code = writer.try_writing(
                    lambda: sequential(writer, nodes, lanes, constructor), constructor
                )
                if code is not None:
                    constructor.add(name, code)
                    writer.rows.add(writer.scopes)
            if writer.scopes in writer.rows:
                source = writer.wire([node.chain.input for node in nodes])
                access = writer.access(name, nodes, lanes, constructor)
                return _called(writer, nodes, lanes, [source], access)
        if name.startswith('f"'):
            raise NotUnifiable("a group in a loop that is no row")
        chains = [node.chain for node in nodes]
        inner = constructor.nested(name, paths_of(chains))
        writer.constructors[writer.scopes] = inner
        steps, wire = writer.chain(chains, lanes, wire, inner)
        if inner.items and not nodes[0].again:
            constructor.add(name, inner.code())
        return steps, wire
    finally:
        writer.scopes = outer


def _again(writer: ClassWriter, nodes: list[Reused], lanes: list[Lane], wire: Wire) -> Written:
    outer, writer.scopes = writer.scopes, nodes[0].scopes
    constructor = writer.constructors.get(writer.scopes)
    if constructor is None:
        raise NotUnifiable("a statement that runs again from inside a loop")
    steps, wire = writer.chain([node.chain for node in nodes], lanes, wire, constructor)
    writer.scopes = outer
    return steps, wire


def _aux(
    writer: ClassWriter,
    nodes: list[AuxHead],
    lanes: list[Lane],
    wire: Wire,
    constructor: Constructor,
) -> Written:
    outer, writer.role = writer.role, ("side_x", True)
    body, result = writer.chain([node.chain for node in nodes], lanes, wire, constructor)
    writer.role = outer
    writer.has_sides = True
    return [Side(body, result, nodes[0].name)], wire
