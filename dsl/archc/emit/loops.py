"""Loops and repeats: a Python loop where that is right in every lane, else written out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from archc import symbolic, syntax
from archc.analysis.uses import Uses
from archc.emit.class_writer import ClassWriter, Written
from archc.emit.constructor import Assign, Constructor, ForStatement, Header
from archc.emit.flow import Repeat, Wire, texts
from archc.emit.instances import Lane, LoopIndex
from archc.emit.layout import Code, call, opened
from archc.emit.values import NotUnifiable
from archc.plan import Applicable, Apply, AuxHead, Call, Loop, Output, Ref, Reused, Tensor, walk


def write_loop(
    writer: ClassWriter, nodes: list[Loop], lanes: list[Lane], wire: Wire, constructor: Constructor
) -> Written:
    """A loop among other statements of a class."""
    counts = {len(node.iterations) for node in nodes}
    if not any(chain.nodes for node in nodes for chain in node.iterations):
        writer.alias([node.output for node in nodes], wire)
        return [], wire
    if any(id(node) in writer.program.gathered for node in nodes):
        return _gathered(writer, nodes, lanes, wire, constructor)
    settled = all(writer.exprs.inside(node.count).constant is not None for node in nodes)
    if max(counts) > 2 or not settled:
        rolled = writer.try_writing(
            lambda: _rolled(writer, nodes, lanes, wire, constructor), constructor
        )
        if rolled is not None:
            steps, out = rolled
            return steps, out
    if len(counts) > 1:
        raise NotUnifiable("a loop whose count differs")
    return _written_out(writer, nodes, lanes, wire, constructor)


def _gathered(
    writer: ClassWriter, nodes: list[Loop], lanes: list[Lane], wire: Wire, constructor: Constructor
) -> Written:
    """Dense connections whose layers take a list of all features before them."""
    rolled = writer.try_writing(
        lambda: _rolled(writer, nodes, lanes, wire, constructor), constructor
    )
    if rolled is not None:
        (loop,), out = rolled  # a layer computes something
        return [replace(loop, gathers=True)], out
    if len({len(node.iterations) for node in nodes}) > 1:
        raise NotUnifiable("a loop whose count differs")
    steps, out = _written_out(writer, nodes, lanes, wire, constructor)
    return [Repeat("", steps, wire, wire, out, out, gathers=True)], out


def _written_out(
    writer: ClassWriter, nodes: list[Loop], lanes: list[Lane], wire: Wire, constructor: Constructor
) -> Written:
    steps = []
    for k in range(len(nodes[0].iterations)):
        chains = [node.iterations[k] for node in nodes]
        writer.alias([chain.input for chain in chains], wire)
        with iteration(writer, nodes, k):
            made, wire = writer.chain(chains, lanes, wire, constructor)
        steps += made
    writer.alias([node.output for node in nodes], wire)
    return steps, wire


def _rolled(
    writer: ClassWriter, nodes: list[Loop], lanes: list[Lane], wire: Wire, constructor: Constructor
) -> Written:
    for node, lane in zip(nodes, lanes, strict=True):
        if _escapes(node, writer.uses[lane.instance]):
            raise NotUnifiable("a label in a loop is used outside of it")
    chains = [chain for node in nodes for chain in node.iterations]
    inner, body_in = constructor.loop(), Wire()
    carries = _carries(writer, nodes, lanes, constructor)
    if carries:
        lanes = _begin_counting(writer, nodes, lanes, constructor)
    with looping(writer, nodes, lanes) as (inner_lanes, header):
        if carries:
            flows = [chain.input.channels for chain in chains]
            inner_lanes = list(map(Lane.carrying, inner_lanes, flows))
        writer.alias([chain.input for chain in chains], body_in)
        body, body_out = writer.chain(chains, inner_lanes, body_in, inner)
        if carries:
            after = writer.exprs.value([chain.output.channels for chain in chains], inner_lanes)
            inner.count_channels(after)
        head = header()
    if carries:
        writer.lanes = list(map(Lane.carrying, lanes, (node.output.channels for node in nodes)))
    # outside of the loop, the tensor that entered it is what it was
    writer.alias([node.iterations[0].input for node in nodes if node.iterations], wire)
    if inner.body:
        constructor.statements.append(ForStatement(head, inner.body))
    if not body and body_out is body_in:  # nothing is computed in it
        writer.alias([node.output for node in nodes], wire)
        return [], wire
    if not head.count:
        raise NotUnifiable("a loop over a list, with steps between its modules")
    count = _kept_count(writer, head.count, constructor)
    indexed = any(re.search(rf"{{[^}}]*\b{head.target}\b", text) for text in texts(body))
    target = head.target if indexed else "_"
    through = {node.output.root for node in nodes if not node.iterations}
    out = writer.new_wire([node.output for node in nodes], through=through)
    return [Repeat(f"for {target} in range({count}):", body, wire, body_in, body_out, out)], out


def _carries(
    writer: ClassWriter, nodes: list[Loop], lanes: list[Lane], constructor: Constructor
) -> bool:
    """Whether the constructor counts channels along a loop: what they come to has no plain name."""
    if constructor is not writer.root or lanes is not writer.lanes:
        return False
    found = [symbolic.expr_of(node.output.channels) for node in nodes]
    return any(not expr.is_plain for expr in found)


def _begin_counting(
    writer: ClassWriter, nodes: list[Loop], lanes: list[Lane], constructor: Constructor
) -> list[Lane]:
    """`in_channels = width` before a loop."""
    flows = [_entering(node) for node in nodes]
    constructor.count_channels(writer.exprs.value(flows, lanes))
    return list(map(Lane.carrying, lanes, flows))


def _entering(node: Loop) -> Any:
    return (node.iterations[0].input if node.iterations else node.output).channels


def _kept_count(writer: ClassWriter, count: str, constructor: Constructor) -> str:
    """How forward knows the number of iterations: a number, or what the constructor kept."""
    if count.isdigit():
        return count
    free = count.isidentifier() and count not in writer.attributes
    name = writer.attribute(count if free else "repeats", count)
    constructor.statements.append(Assign(f"self.{name}", count))
    return f"self.{name}"


# --- numbers in a loop -------------------------------------------------------------------


@contextmanager
def looping(
    writer: ClassWriter, nodes: list[Loop], lanes: list[Lane]
) -> Iterator[tuple[list[Lane], Callable[[], Header]]]:
    """Within, numbers may depend on the iteration. Gives the lanes and, at the end, the header."""
    exprs, first = writer.exprs, nodes[0]
    variable = f"#i{sum(bool(index.variable) for index in exprs.indices)}"
    author: dict[str, symbolic.Expr] = {}
    if first.start is not None:
        author[first.names[0]] = symbolic.add(exprs.inside(first.start), symbolic.var(variable))
    elif _is_numbered(first):
        author[first.names[0]] = symbolic.var(variable)
    wanted = first.names[0] if author else "ijkmn"[len(exprs.indices) % 5]
    items = [node.items for node in nodes if node.items is not None]
    given = any(exprs.inside(each).variables() for each in items)
    index = LoopIndex(variable, _loop_name(writer, wanted), author, given)
    inner = [
        lane.with_(**{variable: k}, **_bound(node, k))
        for lane, node in zip(lanes, nodes, strict=True)
        for k in range(len(node.iterations))
    ]
    used = set(exprs.used)
    counts = [symbolic.traced(len(n.iterations), exprs.inside(n.count)) for n in nodes]
    exprs.indices.append(index)

    def header() -> Header:
        position = exprs.indices.index(index)
        exprs.indices.remove(index)  # the header stands outside of the loop
        try:
            names = (set(first.names) - author.keys()) & (exprs.used - used)
            indexed = variable in exprs.used
            if names:
                columns = [
                    at for at in _written_columns(nodes, names) if first.names[at] not in author
                ]
                over = opened(exprs.value([_items(node, columns) for node in nodes], lanes))
                target = tuple(first.names[at] for at in columns)
                return _list_header(target, names, over, index.python if indexed else "")
            count = exprs.value(counts, lanes)
            return Header(index.python if indexed else "_", f"range({count})", count)
        finally:
            exprs.indices.insert(position, index)

    try:
        yield inner, header
    finally:
        exprs.indices.remove(index)
        # an index is no constructor argument, nor is what a loop over a list calls its items
        exprs.used -= {variable, *(set(first.names) - used)}


def _list_header(names: tuple[str, ...], used: set[str], over: Code, index: str) -> Header:
    target = ", ".join(name if name in used else f"_{name}" for name in names)
    if not index:
        return Header(target, over)
    inner = f"({target})" if len(names) > 1 else target
    return Header(f"{index}, {inner}", call("enumerate", over))


@contextmanager
def iteration(writer: ClassWriter, nodes: list[Loop], k: int) -> Iterator[None]:
    """Within, one iteration is written out: the loop's names are what they stand for in it."""
    exprs, first = writer.exprs, nodes[0]
    author: dict[str, symbolic.Expr] = {}
    for at, name in enumerate(first.names):
        values = {symbolic.plain(node.values[k][at]) for node in nodes}
        value = values.pop()
        if first.start is not None:
            author[name] = symbolic.add(exprs.inside(first.start), symbolic.const(k))
        elif not values and isinstance(value, int | float | tuple):
            author[name] = symbolic.const(value)
    index = LoopIndex("", "", author)
    exprs.indices.append(index)
    try:
        yield
    finally:
        exprs.indices.remove(index)


def _loop_name(writer: ClassWriter, wanted: str) -> str:
    taken = {index.python for index in writer.exprs.indices} | {"l", "I", "O"}  # ambiguous
    names = [wanted, "i", "j", "k", "m", "n", "p", "q"]
    return next(name for name in names if name not in taken)


def _bound(node: Loop, k: int) -> dict[str, Any]:
    """What the loop's names stand for in one iteration."""
    return dict(zip(node.names, map(symbolic.plain, node.values[k]), strict=True))


def _written_columns(nodes: list[Loop], used: set[str]) -> list[int]:
    """The places of the loop's names that stand for numbers; operators are in the modules."""
    places = range(len(nodes[0].names))
    taken = {
        at
        for node in nodes
        for v in node.values
        for at in places
        if isinstance(v[at], Applicable) and nodes[0].names[at] not in used
    }
    if taken and any(node.items is not None for node in nodes):
        raise NotUnifiable("a list with operators as an argument")
    return [at for at in places if at not in taken]


def _items(node: Loop, columns: list[int]) -> Any:
    """What a loop over a list runs over: a literal, or an argument of the block."""
    rows = [tuple(value[at] for at in columns) for value in node.values]
    items = symbolic.plain(tuple(row[0] if len(row) == 1 else row for row in rows))
    if node.items is None:
        return items
    return symbolic.relist(items, _inside_of_enumerate(node) or node.items)


def _is_numbered(node: Loop) -> bool:
    """`for i, width in enumerate(widths)`: the loop's first name is its index."""
    tree = node.tree
    if not isinstance(tree, syntax.For) or len(tree.targets) != 2 or tree.over.stop is not None:
        return False
    over = tree.over.start
    counted = isinstance(over, syntax.CallExpr) and over.function.id == "enumerate"
    known = node.items is None or _inside_of_enumerate(node) is not None
    return counted and known and isinstance(tree.targets[0], syntax.Name)


def _inside_of_enumerate(node: Loop) -> symbolic.Expr | None:
    """The list that `enumerate` numbers, where that is what the loop goes through."""
    match node.items.terms if node.items is not None else ():
        case (((symbolic.FunctionCall("enumerate", (inner,)),), 1),):
            return inner
    return None


def _escapes(node: Loop, uses: Uses) -> bool:
    """Whether an iteration gives or takes more than the one tensor that is carried through."""
    if any(chain.output.root in uses.named for chain in node.iterations[:-1]):
        return True
    return any(
        reaches_out(chain.nodes, chain.input.root, chain.output.root, uses)
        for chain in node.iterations
    )


def reaches_out(nodes: list[Any], first: Tensor, last: Tensor, uses: Uses) -> bool:
    """Whether statements use, or lend to others, more than the tensors they begin and end with."""
    made = _made(nodes)
    for node in walk(nodes):
        if isinstance(node, AuxHead | Output | Reused):
            return True
        if isinstance(node, Ref) and node.output.root not in {*made, first}:
            return True
        if isinstance(node, Apply | Call) and any(
            x.root not in made and x.root is not first for x in node.inputs
        ):
            return True
    return _lends(nodes, made, last, uses)


def lends(nodes: list[Any], last: Tensor, uses: Uses) -> bool:
    """Whether others use more of what statements make than the tensor they end with."""
    if any(isinstance(node, AuxHead | Output) for node in walk(nodes)):
        return True
    return _lends(nodes, _made(nodes), last, uses)


def _lends(nodes: list[Any], made: set[Tensor], last: Tensor, uses: Uses) -> bool:
    inside = Counter(
        x.root for node in walk(nodes) if isinstance(node, Apply | Call) for x in node.inputs
    )
    return any(uses.counts[x] != inside[x] for x in made if x is not last)


def _made(nodes: list[Any]) -> set[Tensor]:
    found = {node.output.root for node in walk(nodes) if isinstance(node, Apply | Call)}
    calls = (node for node in walk(nodes) if isinstance(node, Call))
    return found | {x.root for call in calls for x in call.gives.values()}
