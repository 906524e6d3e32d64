"""Loops and repeats: a Python loop where that is right in every lane, else written out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from archc import symbolic, syntax
from archc.analysis.uses import Uses
from archc.emit.flow import Repeat, Wire, texts
from archc.emit.lanes import Index, Inexpressible, Lane
from archc.emit.layout import Code, call, opened
from archc.emit.scribe import Scribe, Written
from archc.emit.site import Assign, For, Header, Site
from archc.plan import Again, Applicable, Apply, Aux, Call, Goto, Loop, Mark, Tensor, walk


def write_loop(
    scribe: Scribe, nodes: list[Loop], lanes: list[Lane], wire: Wire, site: Site
) -> Written:
    """A loop among other statements of a class."""
    counts = {len(node.iterations) for node in nodes}
    if not any(chain.nodes for node in nodes for chain in node.iterations):
        scribe.alias([node.output for node in nodes], wire)
        return [], wire
    if any(id(node) in scribe.program.gathered for node in nodes):
        return _gathered(scribe, nodes, lanes, wire, site)
    settled = all(scribe.writer.inside(node.count).constant is not None for node in nodes)
    if max(counts) > 2 or not settled:
        rolled = scribe.attempt(lambda: _rolled(scribe, nodes, lanes, wire, site), site)
        if rolled is not None:
            steps, out = rolled
            return steps, out
    if len(counts) > 1:
        raise Inexpressible("a loop whose count differs")
    return _written_out(scribe, nodes, lanes, wire, site)


def _gathered(
    scribe: Scribe, nodes: list[Loop], lanes: list[Lane], wire: Wire, site: Site
) -> Written:
    """Dense connections whose layers take a list of all features before them."""
    rolled = scribe.attempt(lambda: _rolled(scribe, nodes, lanes, wire, site), site)
    if rolled is not None:
        (loop,), out = rolled  # a layer computes something
        return [replace(loop, gathers=True)], out
    if len({len(node.iterations) for node in nodes}) > 1:
        raise Inexpressible("a loop whose count differs")
    steps, out = _written_out(scribe, nodes, lanes, wire, site)
    return [Repeat("", steps, wire, wire, out, out, gathers=True)], out


def _written_out(
    scribe: Scribe, nodes: list[Loop], lanes: list[Lane], wire: Wire, site: Site
) -> Written:
    steps = []
    for k in range(len(nodes[0].iterations)):
        chains = [node.iterations[k] for node in nodes]
        scribe.alias([chain.input for chain in chains], wire)
        with iteration(scribe, nodes, k):
            made, wire = scribe.chain(chains, lanes, wire, site)
        steps += made
    scribe.alias([node.output for node in nodes], wire)
    return steps, wire


def _rolled(
    scribe: Scribe, nodes: list[Loop], lanes: list[Lane], wire: Wire, site: Site
) -> Written:
    for node, lane in zip(nodes, lanes, strict=True):
        if _escapes(node, scribe.uses[lane.instance]):
            raise Inexpressible("a label in a loop is used outside of it")
    chains = [chain for node in nodes for chain in node.iterations]
    inner, body_in = site.loop(), Wire()
    with looping(scribe, nodes, lanes) as (inner_lanes, header):
        scribe.alias([chain.input for chain in chains], body_in)
        body, body_out = scribe.chain(chains, inner_lanes, body_in, inner)
        head = header()
    # outside of the loop, the tensor that entered it is what it was
    scribe.alias([node.iterations[0].input for node in nodes if node.iterations], wire)
    if inner.body:
        site.statements.append(For(head, inner.body))
    if not body and body_out is body_in:  # nothing is computed in it
        scribe.alias([node.output for node in nodes], wire)
        return [], wire
    if not head.count:
        raise Inexpressible("a loop over a list, with steps between its modules")
    count = _kept_count(scribe, head.count, site)
    indexed = any(re.search(rf"{{[^}}]*\b{head.target}\b", text) for text in texts(body))
    target = head.target if indexed else "_"
    through = {node.output.root for node in nodes if not node.iterations}
    out = scribe.new_wire([node.output for node in nodes], through=through)
    return [Repeat(f"for {target} in range({count}):", body, wire, body_in, body_out, out)], out


def _kept_count(scribe: Scribe, count: str, site: Site) -> str:
    """How forward knows the number of iterations: a number, or what the constructor kept."""
    if count.isdigit():
        return count
    free = count.isidentifier() and count not in scribe.attributes
    name = scribe.attribute(count if free else "repeats", count)
    site.statements.append(Assign(f"self.{name}", count))
    return f"self.{name}"


# --- numbers in a loop -------------------------------------------------------------------


@contextmanager
def looping(
    scribe: Scribe, nodes: list[Loop], lanes: list[Lane]
) -> Iterator[tuple[list[Lane], Callable[[], Header]]]:
    """Within, numbers may depend on the iteration. Gives the lanes and, at the end, the header."""
    writer, first = scribe.writer, nodes[0]
    variable = f"#i{sum(bool(index.variable) for index in writer.indices)}"
    counting = isinstance(first.tree, syntax.For) and first.tree.stop is not None
    author: dict[str, symbolic.Expr] = {}
    if first.start is not None:
        author[first.names[0]] = symbolic.add(writer.inside(first.start), symbolic.var(variable))
    wanted = first.names[0] if counting else "ijkmn"[len(writer.indices) % 5]
    index = Index(variable, _loop_name(scribe, wanted), author)
    inner = [
        lane.with_(**{variable: k}, **_bound(node, k))
        for lane, node in zip(lanes, nodes, strict=True)
        for k in range(len(node.iterations))
    ]
    used = set(writer.used)
    counts = [symbolic.traced(len(n.iterations), writer.inside(n.count)) for n in nodes]
    writer.indices.append(index)

    def header() -> Header:
        position = writer.indices.index(index)
        writer.indices.remove(index)  # the header stands outside of the loop
        try:
            names = set(first.names) & (writer.used - used) if not counting else set()
            indexed = variable in writer.used
            if names:
                columns = _written_columns(nodes)
                over = opened(writer.value([_items(node, columns) for node in nodes], lanes))
                target = tuple(first.names[at] for at in columns)
                return _list_header(target, names, over, index.python if indexed else "")
            count = writer.value(counts, lanes)
            return Header(index.python if indexed else "_", f"range({count})", count)
        finally:
            writer.indices.insert(position, index)

    try:
        yield inner, header
    finally:
        writer.indices.remove(index)
        # an index is no constructor argument, nor is what a loop over a list calls its items
        writer.used -= {variable, *(set(first.names) - used)}


def _list_header(names: tuple[str, ...], used: set[str], over: Code, index: str) -> Header:
    target = ", ".join(name if name in used else f"_{name}" for name in names)
    if not index:
        return Header(target, over)
    inner = f"({target})" if len(names) > 1 else target
    return Header(f"{index}, {inner}", call("enumerate", over))


@contextmanager
def iteration(scribe: Scribe, nodes: list[Loop], k: int) -> Iterator[None]:
    """Within, one iteration is written out: the loop's names are what they stand for in it."""
    writer, first = scribe.writer, nodes[0]
    author: dict[str, symbolic.Expr] = {}
    for at, name in enumerate(first.names):
        values = {symbolic.plain(node.values[k][at]) for node in nodes}
        value = values.pop()
        if first.start is not None:
            author[name] = symbolic.add(writer.inside(first.start), symbolic.const(k))
        elif not values and isinstance(value, int | float):
            author[name] = symbolic.const(value)
    index = Index("", "", author)
    writer.indices.append(index)
    try:
        yield
    finally:
        writer.indices.remove(index)


def _loop_name(scribe: Scribe, wanted: str) -> str:
    taken = {index.python for index in scribe.writer.indices} | {"l", "I", "O"}  # ambiguous
    names = [wanted, "i", "j", "k", "m", "n", "p", "q"]
    return next(name for name in names if name not in taken)


def _bound(node: Loop, k: int) -> dict[str, Any]:
    """What the loop's names stand for in one iteration."""
    return dict(zip(node.names, map(symbolic.plain, node.values[k]), strict=True))


def _written_columns(nodes: list[Loop]) -> list[int]:
    """The places of the loop's names that stand for numbers; operators are in the modules."""
    places = range(len(nodes[0].names))
    taken = {
        at for node in nodes for v in node.values for at in places if isinstance(v[at], Applicable)
    }
    if taken and any(node.items is not None for node in nodes):
        raise Inexpressible("a list with operators as an argument")
    return [at for at in places if at not in taken]


def _items(node: Loop, columns: list[int]) -> Any:
    """What a loop over a list runs over: a literal, or an argument of the block."""
    rows = [tuple(value[at] for at in columns) for value in node.values]
    items = symbolic.plain(tuple(row[0] if len(row) == 1 else row for row in rows))
    return items if node.items is None else symbolic.relist(items, node.items)


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
    inside: dict[Tensor, int] = {}
    for node in walk(nodes):
        if isinstance(node, Aux | Mark | Again):
            return True
        if isinstance(node, Goto) and node.output.root not in inside:
            return True
        if isinstance(node, Apply | Call):
            inside.setdefault(node.output.root, 0)
            for x in node.inputs if isinstance(node, Apply) else (node.input,):
                if x.root in inside:
                    inside[x.root] += 1
                elif x.root is not first:
                    return True
    return any(uses.counts[x] != count for x, count in inside.items() if x is not last)
