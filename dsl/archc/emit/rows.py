"""Modules in a row, the items of an nn.Sequential; repeats as comprehensions where possible."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from archc.emit.calls import arguments, instance, module
from archc.emit.class_writer import ClassWriter, NotAChain, zip_nodes
from archc.emit.instances import Lane
from archc.emit.layout import Bracketed, CallArgument, Code, Generator, call, flat
from archc.emit.loops import iteration, looping, reaches_out
from archc.emit.values import NotUnifiable
from archc.plan import Apply, Branches, Call, Chain, Choice, Loop, Scope, Tensor

_MOST_ROWS = 32  # iterations of a loop that may be written out
_LEAST_RUN = 5  # equal rows that are one


@dataclass(slots=True)
class ModuleRow:
    """One module of the row. `loop` where it stands for a whole repeat: `for _ in range(3)`."""

    name: str
    code: Code
    comment: str
    loop: str = ""


def assembled(head: str, rows: list[ModuleRow]) -> Code:
    if all(row.name.isdigit() for row in rows):
        items = [_item(row) for row in rows]
        return call(head, *items, rows=len(items) > 1)
    if any(row.loop for row in rows):
        raise NotAChain("a loop among labelled modules")
    rows = _numbered(rows)
    if all(row.name.isidentifier() for row in rows):
        named = [CallArgument(row.code, row.name, row.comment) for row in rows]
        return call(head, call("OrderedDict", *named, rows=True))
    pairs = tuple(map(_pair, rows))
    return call(head, call("OrderedDict", Bracketed("", pairs, "[]", rows=len(pairs) > 1)))


def _pair(row: ModuleRow) -> CallArgument:
    """A name and its module: `("block1-0", Bottleneck(64))`."""
    pair = call("", row.name if row.loop else f'"{row.name}"', row.code)
    return CallArgument(Generator(pair, row.loop) if row.loop else pair, comment=row.comment)


def _numbered(rows: list[ModuleRow]) -> list[ModuleRow]:
    """The rows; equal ones that are numbered on are one, its name an f-string."""
    runs: list[list[ModuleRow]] = []
    for row in rows:
        if runs and _goes_on(runs[-1][-1], row):
            runs[-1].append(row)
        else:
            runs.append([row])
    return [row for run in runs for row in (run if len(run) < _LEAST_RUN else [_counted(run)])]


def _goes_on(before: ModuleRow, row: ModuleRow) -> bool:
    (stem, number), (other, after) = _stem(before.name), _stem(row.name)
    counts = stem == other and number.isdecimal() and after == str(int(number) + 1)
    return counts and (before.code, before.comment) == (row.code, row.comment) == (row.code, "")


def _stem(name: str) -> tuple[str, str]:
    """What stands before the number at the end of a name, and the number."""
    stem = name.rstrip("0123456789")
    return stem, name[len(stem) :]


def _counted(run: list[ModuleRow]) -> ModuleRow:
    """`(f"block1-{i}", Bottleneck(64)) for i in range(1, 4)`."""
    (stem, first), code = _stem(run[0].name), flat(run[0].code)
    index = next(i for i in "ijkmn" if not re.search(rf"\b{i}\b", code))
    bounds = f"{first}, {int(first) + len(run)}" if int(first) else f"{len(run)}"
    return ModuleRow(f'f"{stem}{{{index}}}"', run[0].code, "", f"for {index} in range({bounds})")


def _item(row: ModuleRow) -> CallArgument:
    return CallArgument(
        Generator(row.code, row.loop) if row.loop else row.code, comment=row.comment
    )


# --- rows --------------------------------------------------------------------------------


def rows_of(writer: ClassWriter, chains: list[Chain], lanes: list[Lane]) -> Iterator[ModuleRow]:
    current = [c.input for c in chains]
    for nodes in zip_nodes(chains):
        yield from node_rows(writer, nodes, lanes, current)
        current = [node.output for node in nodes]
    _must_follow(writer, current, [c.output for c in chains])


def node_rows(
    writer: ClassWriter, nodes: list[Any], lanes: list[Lane], current: list[Tensor]
) -> Iterator[ModuleRow]:
    first = nodes[0]
    match first:
        case Apply() | Call() | Scope():
            yield _module_row(writer, nodes, lanes, current)
        case Choice():
            tests = [n.test for n in nodes]
            if len({n.taken for n in nodes}) > 1 or writer.exprs.may_flip(tests, lanes):
                raise NotAChain("an `if`")
            yield from rows_of(writer, [n.chain for n in nodes], lanes)
        case Loop():
            yield from _loop_rows(writer, nodes, lanes)
        case _:
            raise NotAChain("not a module")


def _module_row(
    writer: ClassWriter, nodes: list[Any], lanes: list[Lane], current: list[Tensor]
) -> ModuleRow:
    first = nodes[0]
    inputs = [input_of(n) for n in nodes]
    _must_follow(writer, current, inputs)
    _must_be_private(writer, nodes, lanes)
    if any(n.again for n in nodes):
        raise NotAChain("a module that runs again")
    if any("." in n.name for n in nodes):
        raise NotAChain("a module at a path")
    if any(isinstance(n, Call) and (n.tensors or n.gives) for n in nodes):
        raise NotAChain("a block that takes or gives several tensors")
    by_place = all(n.name.isdigit() for n in nodes)  # then the order says it
    name = first.name if by_place else writer.name(nodes, lanes)
    if isinstance(first, Apply):
        if len(first.inputs) > 1 or first.op.is_bare:
            raise NotAChain("an operator of more than its module")
        if any(n.op.torch(*n.shapes) is None for n in nodes):
            raise NotAChain("an operator that is no module")
        code = module(writer, nodes, lanes)
    elif isinstance(first, Call):
        code = instance(writer, nodes, lanes)
    else:
        path = (*writer.scopes, first.name)
        if any(path in uses.reused for uses in writer.uses):
            raise NotAChain("a group that runs again")
        outer, writer.scopes = writer.scopes, path
        code = _nested(writer, nodes, lanes)
        writer.scopes = outer
    same = all(a.shape == n.output.shape for a, n in zip(inputs, nodes, strict=True))
    comment = "" if same else writer.comment(nodes, lanes)
    return ModuleRow(name, code, "" if _says(code, comment) else comment)


def _says(code: Code, comment: str) -> bool:
    """Whether a comment repeats an argument, `nn.Linear(512, classes),  # classes`, or the last."""
    if not isinstance(code, Bracketed):
        return False
    return any(item.value == comment for item in code.items) or (
        code.rows and code.items[-1].comment == comment
    )


def _nested(writer: ClassWriter, nodes: list[Scope], lanes: list[Lane]) -> Code:
    if nodes[0].is_combinator:
        return writer.anonymous(nodes, lanes)
    chains = [node.chain for node in nodes]
    try:
        return row_code(writer, chains, lanes)
    except NotUnifiable:
        return written_out(writer, chains, lanes)


def row_code(
    writer: ClassWriter, chains: list[Chain], lanes: list[Lane], head: str = "nn.Sequential"
) -> Code:
    """`nn.Sequential(...)`. Raises NotAChain, or NotUnifiable for loops that are no repeats."""
    used, scopes = set(writer.exprs.used), writer.scopes
    try:
        rows = list(rows_of(writer, chains, lanes))
        return assembled(head, rows) if rows or head != "nn.Sequential" else call("nn.Identity")
    except (NotUnifiable, NotAChain):
        writer.exprs.used, writer.scopes = used, scopes
        raise


def written_out(
    writer: ClassWriter, chains: list[Chain], lanes: list[Lane], head: str = "nn.Sequential"
) -> Code:
    """`row_code` with every iteration of every loop as modules of its own."""
    outer, writer.write_out = writer.write_out, True
    try:
        return row_code(writer, chains, lanes, head)
    finally:
        writer.write_out = outer


def input_of(node: Any) -> Tensor:
    if isinstance(node, Apply):
        return node.inputs[0]
    return node.input if isinstance(node, Call) else node.chain.input


def _must_follow(writer: ClassWriter, current: list[Tensor], inputs: list[Tensor]) -> None:
    if any(a.root is not b.root for a, b in zip(current, inputs, strict=True)):
        raise NotAChain("a tensor from elsewhere")


def _must_be_private(writer: ClassWriter, nodes: list[Any], lanes: list[Lane]) -> None:
    """Nothing but the next module uses what these make (the row's last may be used freely)."""
    for node, lane in zip(nodes, lanes, strict=True):
        made = node.output.root
        if writer.uses[lane.instance].modules(made) > 1 and made not in writer.row_ends:
            raise NotAChain("a tensor that is used again")


def _loop_rows(writer: ClassWriter, nodes: list[Loop], lanes: list[Lane]) -> Iterator[ModuleRow]:
    """A loop's modules, as repeats where that is right; else, if asked, each for itself."""
    used = set(writer.exprs.used)
    try:
        rows = list(_repeats(writer, nodes, lanes))
        if not writer.write_out or all(row.name.isdigit() for row in rows if row.loop):
            yield from rows
            return
    except NotUnifiable:
        if not writer.write_out:
            raise
    writer.exprs.used = used
    counts = {len(node.iterations) for node in nodes}
    if len(counts) > 1 or max(counts) > _MOST_ROWS:
        raise NotUnifiable("a loop too long to be written out")
    yield from _run_rows(writer, nodes, lanes, [(k, 1) for k in range(max(counts))])


def _repeats(writer: ClassWriter, nodes: list[Loop], lanes: list[Lane]) -> Iterator[ModuleRow]:
    """Equal neighbours as one repeat, or all as one comprehension."""
    counts = {len(n.iterations) for n in nodes}
    if not any(chain.nodes for node in nodes for chain in node.iterations):
        return
    runs = (
        _runs(writer, nodes, lanes)
        if len(counts) == 1
        and all(writer.exprs.inside(n.count).constant is not None for n in nodes)
        else None
    )
    if runs is not None and len(runs) <= 2:
        yield from _run_rows(writer, nodes, lanes, runs)
        return
    single = all(len(c.nodes) == 1 for n in nodes for c in n.iterations)
    used = set(writer.exprs.used)
    if single:
        try:
            yield _comprehended(writer, nodes, lanes)
            return
        except NotUnifiable:
            writer.exprs.used = used
    if runs is None or len(runs) > (3 if single else 2):
        raise NotUnifiable("a loop that is no comprehension")
    yield from _run_rows(writer, nodes, lanes, runs)


def _runs(writer: ClassWriter, nodes: list[Loop], lanes: list[Lane]) -> list[tuple[int, int]]:
    """Stretches of iterations that make the same modules: (first, how many)."""
    runs: list[tuple[int, int]] = []
    before: Any = None
    for k in range(len(nodes[0].iterations)):
        with iteration(writer, nodes, k):
            pairs = zip(nodes, lanes, strict=True)
            key = [_key(writer, node.iterations[k], lane) for node, lane in pairs]
        if key == before:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((k, 1))
        before = key
    return runs


def _key(writer: ClassWriter, chain: Chain, lane: Lane) -> Any:
    """What the modules of an iteration are, by their expressions: none is equal by chance."""
    uses, found = writer.uses[lane.instance], list[Any]()
    for node in chain.nodes:
        made = node.output.root
        found.append(uses.modules(made) > 1 and made not in writer.row_ends)
        match node:
            case Call():
                given = [writer.exprs.identity(v) for v in arguments(writer, node, lane)]
                found.append((id(node.body), given, [id(x.root) for x in node.tensors]))
            case Apply():
                given = [writer.exprs.identity(v) for v in arguments(writer, node, lane)]
                found.append((node.op, node.shapes, given))
            case Branches():
                merge = Chain([node.merge], node.input, node.output)
                found.append([_key(writer, c, lane) for c in (*node.branches, merge)])
            case Scope():
                inside, x, y = node.chain.nodes, node.chain.input.root, node.output.root
                alone = node.is_combinator and not reaches_out(inside, x, y, uses)
                found.append((alone, _key(writer, node.chain, lane)))
            case Choice():
                found.append(_key(writer, node.chain, lane))
            case Loop():
                found.append([_key(writer, c, lane) for c in node.iterations])
            case _:
                found.append(id(node))
    return found


def _run_rows(
    writer: ClassWriter, nodes: list[Loop], lanes: list[Lane], runs: list[tuple[int, int]]
) -> Iterator[ModuleRow]:
    for start, length in runs:
        chains = [n.iterations[start] for n in nodes]
        with iteration(writer, nodes, start):
            rows = list(rows_of(writer, chains, lanes))
        if length == 1:
            yield from rows
        elif len(rows) == 1:
            yield replace(rows[0], loop=f"for _ in range({length})")
        else:
            raise NotUnifiable("a repeat of several modules")


def _comprehended(writer: ClassWriter, nodes: list[Loop], lanes: list[Lane]) -> ModuleRow:
    with looping(writer, nodes, lanes) as (inner, header):
        rows = list(rows_of(writer, [c for n in nodes for c in n.iterations], inner))
        if len(rows) != 1 or rows[0].loop:
            raise NotUnifiable("several modules an iteration")
        return replace(rows[0], loop=str(header()), comment="")
