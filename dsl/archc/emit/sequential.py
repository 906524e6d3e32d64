"""Groups as nn.Sequential: modules in a row, repeats as comprehensions, longer loops as lists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from archc import symbol
from archc.emit.builder import Builder, NotAChain, Site
from archc.emit.lanes import Inexpressible, Lane
from archc.emit.layout import Code, Generator, Group, Item, call, lay
from archc.plan import Apply, Call, Chain, Choice, Loop, Scope, Tensor


@dataclass(slots=True)
class Row:
    """One module of the row. `loop` where it stands for a whole repeat: `for _ in range(3)`."""

    name: str
    code: Code
    comment: str
    loop: str = ""


def sequential(builder: Builder, nodes: list[Scope], lanes: list[Lane], site: Site) -> Code:
    """The constructor call of a group, a labelled repeat or a combinator in a place.

    Raises NotAChain where the group is more than modules in a row.
    """
    if builder.program.is_combinator(nodes[0]):
        return builder.program.anonymous(builder, nodes, lanes)
    chains = [node.chain for node in nodes]
    try:
        rows = list(_rows(builder, chains, lanes))
    except Inexpressible:
        return _listed(builder, chains, lanes, site)
    if not rows:
        return call("nn.Identity")
    return _assembled("nn.Sequential", rows)


def _assembled(head: str, rows: list[Row]) -> Code:
    if all(row.name.isdigit() for row in rows):
        items = [_item(row) for row in rows]
        several = len(items) > 1 and not any(row.loop for row in rows[:0])
        return call(head, *items, rows=several)
    if any(row.loop for row in rows):
        raise NotAChain("a loop among labelled modules")
    if all(row.name.isidentifier() for row in rows):
        named = [Item(row.code, row.name, row.comment) for row in rows]
        return call(head, call("OrderedDict", *named, rows=True))
    pairs = [Item(call("", f'"{row.name}"', row.code), comment=row.comment) for row in rows]
    return call(head, call("OrderedDict", Group("", tuple(pairs), "[]", rows=True)))


def _item(row: Row) -> Item:
    return Item(Generator(row.code, row.loop) if row.loop else row.code, comment=row.comment)


# --- rows --------------------------------------------------------------------------------


def _rows(builder: Builder, chains: list[Chain], lanes: list[Lane]) -> Iterator[Row]:
    current = [c.input for c in chains]
    for nodes in zip(*(c.nodes for c in chains), strict=True):
        yield from _node_rows(builder, list(nodes), lanes, current)
        current = [node.output for node in nodes]
    _must_follow(builder, current, [c.output for c in chains])


def _node_rows(
    builder: Builder, nodes: list[Any], lanes: list[Lane], current: list[Tensor]
) -> Iterator[Row]:
    if len({type(n) for n in nodes}) > 1:
        raise NotAChain("statements of several kinds")
    first = nodes[0]
    match first:
        case Apply() | Call() | Scope():
            yield _module_row(builder, nodes, lanes, current)
        case Choice():
            if len({n.taken for n in nodes}) > 1:
                raise NotAChain("an `if`")
            yield from _rows(builder, [n.chain for n in nodes], lanes)
        case Loop():
            yield from _loop_rows(builder, nodes, lanes)
        case _:
            raise NotAChain("not a module")


def _module_row(
    builder: Builder, nodes: list[Any], lanes: list[Lane], current: list[Tensor]
) -> Row:
    first = nodes[0]
    inputs = [_input(n) for n in nodes]
    _must_follow(builder, current, inputs)
    _must_be_private(builder, nodes, lanes)
    if any(n.again for n in nodes):
        raise NotAChain("a module that runs again")
    by_place = all(n.name.isdigit() for n in nodes)  # then the order says it
    name = first.name if by_place else builder._name(nodes, lanes)
    if isinstance(first, Apply):
        if len(first.inputs) > 1 or any(n.op.torch(*n.shapes) is None for n in nodes):
            raise NotAChain("an operator that is no module")
        code = builder.module(nodes, lanes)
    elif isinstance(first, Call):
        code = builder.instance(nodes, lanes)
    else:
        path = (*builder.scopes, first.name)
        if any(path in facts.reused for facts in builder.body_facts):
            raise NotAChain("a group that runs again")
        outer, builder.scopes = builder.scopes, path
        code = _nested(builder, nodes, lanes)
        builder.scopes = outer
    same = all(a.shape == n.output.shape for a, n in zip(inputs, nodes, strict=True))
    return Row(name, code, "" if same else builder._comment(nodes, lanes))


def _nested(builder: Builder, nodes: list[Scope], lanes: list[Lane]) -> Code:
    if builder.program.is_combinator(nodes[0]):
        return builder.program.anonymous(builder, nodes, lanes)
    rows = list(_rows(builder, [n.chain for n in nodes], lanes))
    return _assembled("nn.Sequential", rows) if rows else call("nn.Identity")


def _input(node: Any) -> Tensor:
    if isinstance(node, Apply):
        return node.inputs[0]
    return node.input if isinstance(node, Call) else node.chain.input  # type: ignore[no-any-return]


def _must_follow(builder: Builder, current: list[Tensor], inputs: list[Tensor]) -> None:
    if any(a.root is not b.root for a, b in zip(current, inputs, strict=True)):
        raise NotAChain("a tensor from elsewhere")


def _must_be_private(builder: Builder, nodes: list[Any], lanes: list[Lane]) -> None:
    """Nothing but the next module uses what these make (the row's last may be used freely)."""
    for node, lane in zip(nodes, lanes, strict=True):
        made = node.output.root
        if builder.body_facts[lane.instance].uses[made] > 1 and made not in builder.row_ends:
            raise NotAChain("a tensor that is used again")


def _loop_rows(builder: Builder, nodes: list[Loop], lanes: list[Lane]) -> Iterator[Row]:
    """A loop's modules: equal neighbours as one repeat, or one comprehension, or all of them."""
    counts = {len(n.iterations) for n in nodes}
    if counts == {0}:
        return
    runs = (
        _runs(nodes)
        if len(counts) == 1 and all(n.count.constant is not None for n in nodes)
        else None
    )
    if runs is not None and len(runs) <= 2:
        yield from _run_rows(builder, nodes, lanes, runs)
        return
    single = all(len(c.nodes) == 1 for n in nodes for c in n.iterations)
    used = set(builder.writer.used)
    if single:
        try:
            yield _comprehended(builder, nodes, lanes)
            return
        except Inexpressible:
            builder.writer.used = used
    if runs is None or len(runs) > 3:
        raise Inexpressible("a loop that is no comprehension")
    yield from _run_rows(builder, nodes, lanes, runs)


def _runs(nodes: list[Loop]) -> list[tuple[int, int]]:
    """Stretches of iterations that make the same modules: (first, how many)."""
    runs: list[tuple[int, int]] = []
    keys = [tuple(_key(n.iterations[k]) for n in nodes) for k in range(len(nodes[0].iterations))]
    for k, key in enumerate(keys):
        if runs and keys[k - 1] == key:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((k, 1))
    return runs


def _key(chain: Chain) -> Any:
    found: list[Any] = []
    for node in chain.nodes:
        match node:
            case Call():
                shape = node.input.shape
                found.append((id(node.body), shape and symbol.plain(shape.channels)))
            case Apply():
                found.append((node.op, node.shapes))
            case _:
                found.append(id(node))
    return tuple(found)


def _run_rows(
    builder: Builder, nodes: list[Loop], lanes: list[Lane], runs: list[tuple[int, int]]
) -> Iterator[Row]:
    for start, length in runs:
        chains = [n.iterations[start] for n in nodes]
        with builder.iteration(nodes, start):
            rows = list(_rows(builder, chains, lanes))
        if length == 1:
            yield from rows
        elif len(rows) == 1:
            yield replace(rows[0], loop=f"for _ in range({length})")
        else:
            raise Inexpressible("a repeat of several modules")


def _comprehended(builder: Builder, nodes: list[Loop], lanes: list[Lane]) -> Row:
    with builder.looping(nodes, lanes) as (_, inner, header):
        rows = list(_rows(builder, [c for n in nodes for c in n.iterations], inner))
        if len(rows) != 1 or rows[0].loop:
            raise Inexpressible("several modules an iteration")
        return replace(rows[0], loop=header().removesuffix(":"), comment="")


# --- lists -------------------------------------------------------------------------------


def _listed(builder: Builder, chains: list[Chain], lanes: list[Lane], site: Site) -> Code:
    """`layers = []`, loops that append, and `nn.Sequential(*layers)`."""
    inner = Site([], site.indent, site.in_loop, site.shared)
    lister = Lister(builder, "layers")
    lister.statements(chains, lanes, inner)
    site.lines += [" " * site.indent + "layers: list[nn.Module] = []", *inner.lines]
    return call("nn.Sequential", "*layers")


def sequential_class(builder: Builder, chains: list[Chain], lanes: list[Lane], site: Site) -> None:
    """The constructor of a block that is modules in a row: a subclass of nn.Sequential."""

    def rows() -> list[str]:
        assembled = _assembled("super().__init__", list(_rows(builder, chains, lanes)))
        return lay("", assembled, "", site.indent)

    found = builder._attempt(rows, site)
    if found is not None:
        site.lines += found
        return
    block = builder.definition.block
    by_name = block is not None and not block.places
    inner = Site([], site.indent, False, site.shared)
    Lister(builder, "" if by_name else "layers").statements(chains, lanes, inner)
    pad = " " * site.indent
    if by_name:
        site.lines += [f"{pad}super().__init__()", *inner.lines]
    else:
        site.lines += [
            f"{pad}layers: list[nn.Module] = []",
            *inner.lines,
            f"{pad}super().__init__(*layers)",
        ]


class Lister:
    """Writes a row as statements: to a list by place, or to `self.add_module` by name.

    Where the channels that flow through a loop are no plain expression of its index, a running
    `in_channels` is kept, as a person would.
    """

    def __init__(self, builder: Builder, target: str) -> None:
        self.builder = builder
        self.target = target

    def statements(self, chains: list[Chain], lanes: list[Lane], site: Site) -> None:
        used = set(self.builder.writer.used)
        try:
            self._chain(chains, lanes, site)
        except Inexpressible:
            site.lines.clear()
            self.builder.writer.used = used
            self.builder.writer.carried = True
            try:
                self._carry(chains, lanes, site)
            finally:
                self.builder.writer.carried = False

    def _carry(self, chains: list[Chain], lanes: list[Lane], site: Site) -> None:
        counts = [_channels(c.input) for c in chains]
        first = self.builder.writer.value(counts, lanes)
        if first != "in_channels":
            site.lines.append(f"{' ' * site.indent}in_channels = {first}")
        env = [{k: v for k, v in lane.env.items() if k != "in.c"} for lane in lanes]
        inner = [Lane(lane.instance, {**e, "#c": symbol.plain(c)})
                 for lane, e, c in zip(lanes, env, counts, strict=True)]  # fmt: skip
        self._chain(chains, inner, site)
        self.builder.writer.used.discard("#c")

    def _chain(self, chains: list[Chain], lanes: list[Lane], site: Site) -> list[Lane]:
        waiting: list[Row] = []
        for column in zip(*(c.nodes for c in chains), strict=True):
            nodes = list(column)
            if isinstance(nodes[0], Loop):
                self._put(waiting, site)
                waiting = []
                lanes = self._loop(nodes, lanes, site)
            else:
                waiting += _node_rows(self.builder, nodes, lanes, [_input_of(n) for n in nodes])
        self._put(waiting, site)
        return lanes

    def _loop(self, nodes: list[Loop], lanes: list[Lane], site: Site) -> list[Lane]:
        builder = self.builder
        inner = site.nested(in_loop=True)
        with builder.looping(nodes, lanes) as (_, inner_lanes, header):
            chains = [c for n in nodes for c in n.iterations]
            if builder.writer.carried:
                inner_lanes = [lane.with_(**{"#c": symbol.plain(_channels(c.input))})
                               for lane, c in zip(inner_lanes, chains, strict=True)]  # fmt: skip
            after = self._chain(chains, inner_lanes, inner)
            if builder.writer.carried:
                outs = [_channels(c.output) for c in chains]
                if any(
                    symbol.plain(o) != lane.env["#c"] for o, lane in zip(outs, after, strict=True)
                ):
                    text = builder.writer.value(outs, after)
                    inner.lines.append(f"{' ' * inner.indent}in_channels = {text}")
            head = header()
        site.lines += [" " * site.indent + head, *inner.lines]
        if builder.writer.carried:
            return [lane.with_(**{"#c": symbol.plain(_channels(n.output))})
                    for lane, n in zip(lanes, nodes, strict=True)]  # fmt: skip
        return lanes

    def _put(self, rows: list[Row], site: Site) -> None:
        if self.target and not all(row.name.isdigit() for row in rows):
            raise NotAChain("labels among modules that are named by their place")
        if not self.target:
            for row in rows:
                site.add(row.name, row.code)
        elif len(rows) == 1:
            site.emit(f"{self.target}.append(", rows[0].code, ")")
        elif rows:
            items = tuple(Item(row.code) for row in rows)
            site.emit(f"{self.target} += ", Group("", items, "[]"))


def _input_of(node: Any) -> Tensor:
    if isinstance(node, Apply | Call | Scope):
        return _input(node)
    return node.chain.input if isinstance(node, Choice) else node.output  # type: ignore[no-any-return]


def _channels(tensor: Tensor) -> Any:
    assert tensor.shape is not None
    return tensor.shape.channels
