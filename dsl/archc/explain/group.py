"""What a block or a group takes and makes, what is in it, and how often it is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from archc.analysis.table import Row
from archc.explain.facts import Explanation, Fact, Paragraph
from archc.explain.listing import described, listing
from archc.explain.lookup import Unfolded
from archc.explain.place import arguments, feeds, given, place
from archc.explain.reach import reach
from archc.plan import plain_value
from archc.report.spelling.numbers import format_bytes
from archc.report.spelling.phrases import first_paragraph, format_list, format_share


def explain_group(net: Unfolded, row: Row) -> Explanation:
    """Everything about a block call or a group where it runs."""
    inside = list(net.inside(row))
    keys = [inner.key for inner in inside if inner.part.is_operator]
    body = row.part.body
    head = (
        Fact("", (), "name", row.key),
        Fact("", (), "kind", "block" if body is not None else "group"),
        Fact("", (), "block", body.name if body is not None else None),
    )
    paragraphs = (
        head,
        (*_what(net, row), *place(net, row), _takes(net, keys), *feeds(net, keys)),
        (Fact("makes", (str(row.part.output),), "output", list(row.part.output.dims)),),
        tuple(_sums(net, row, inside)),
        _reach(net, row),
    )
    children = [replace(r, opened=False) for r in inside if r.level == row.level + 1]
    data = [_data(child) for child in children]
    contents = (Fact("", (), "contents", data),)
    title = f"{row.key} of {net.plan.heading}: " + (
        f"the block {body.name}" if body is not None else "a group"
    )
    return Explanation(net.plan.name, title, (*paragraphs, contents), (listing(children),))


def _what(net: Unfolded, row: Row) -> Iterator[Fact]:
    body = row.part.body
    if body is None or body.block is None:
        yield Fact("", (), "about", None)
        return
    tree = body.block.tree
    file, line = net.where(tree.span)
    about = first_paragraph(tree.doc)
    yield Fact("is", (*filter(None, (about,)), f"the block in {file}, line {line}"), "about", about)
    args = {name: plain_value(v) for name, v in arguments(row).items()}
    yield Fact("with", (given(row),) if args else (), "arguments", args)
    same = [other for other in net.rows if other.part.kind == row.part.kind and other.part.body]
    equal = sum(1 for other in same if other.part.body is body)
    more = f", {equal} of them with these numbers on a tensor of this shape" if equal > 1 else ""
    if len(same) > 1:
        yield Fact("is there", (f"{len(same)} times in {net.plan.heading}{more}",))
    yield Fact("", (), "times", len(same))


def _takes(net: Unfolded, keys: list[str]) -> Fact:
    pairs = [(key, net.made_by(key)) for key in net.makers(keys)]
    sizing = net.sizing(keys)
    lines = tuple(f"{key}: {x}{', its size alone' * (key in sizing)}" for key, x in pairs)
    data = [{"from": key, "shape": list(x.dims)} for key, x in pairs]
    return Fact("takes", lines, "inputs", data)


def _sums(net: Unfolded, row: Row, inside: list[Row]) -> Iterator[Fact]:
    counts, total = row.counts, net.table.counts
    operators = [inner for inner in inside if inner.part.is_operator]
    kinds = Counter(inner.part.kind for inner in operators)
    held = format_list([f"{n} {name}" for name, n in kinds.most_common()], 12)
    text = f"{len(operators)} operators: {held}" if len(operators) > 1 else held
    yield Fact("holds", (text,) if held else ("nothing",), "operators", dict(kinds))
    params = f"{counts.params:,}{format_share(counts.params, total.params)}"
    if row.again:
        params = "0 more: they are those of an earlier run"
    yield Fact("parameters", (params,), "params", counts.params)
    yield Fact("", (), "buffers", counts.buffers)
    macs = f"{counts.macs:,}" + ("" if row.training_only else format_share(counts.macs, total.macs))
    yield Fact("MACs", (macs,), "macs", counts.macs)
    yield Fact("", (), "operations", counts.operations)
    amount = f"{counts.activations:,} numbers, {format_bytes(4 * counts.activations)} as float32"
    text = f"{amount}, in the outputs of all its operators, for each sample"
    yield Fact("memory", (text,), "activations", counts.activations)


def _reach(net: Unfolded, row: Row) -> Paragraph:
    return reach(row.field, row.part.output, net.table.inputs[0][1])


def _data(row: Row) -> dict[str, object]:
    return {
        "name": row.key,
        "what": described(row),
        "output": list(row.part.output.dims),
        "params": row.counts.params,
        "macs": row.counts.macs,
    }
