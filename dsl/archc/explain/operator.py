"""How an operator's numbers come about: shape, weights, work, memory, receptive field."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archc.analysis import receptive
from archc.analysis.op_facts import facts_of
from archc.analysis.receptive import Field
from archc.analysis.table import Row
from archc.emit.values import literal
from archc.explain.facts import Explanation, Fact, Paragraph
from archc.explain.lookup import Unfolded
from archc.explain.place import feeds, place
from archc.explain.reach import reach
from archc.ops import ModuleCall, Op, Saved, Shape, scalars
from archc.report.spelling.numbers import format_bytes
from archc.report.spelling.operators import format_label, summary_of
from archc.report.spelling.phrases import format_list, format_share, group_equal
from archc.report.spelling.shapes import format_field


def explain_operator(net: Unfolded, row: Row) -> Explanation:
    """Everything about one operator where it runs."""
    op = row.part.op
    assert op is not None
    inplace = net.overwrites(net.steps[row.key])
    xs, y = row.part.inputs, row.part.output
    paragraphs = (
        (
            Fact("is", (summary_of(op),), "about", summary_of(op)),
            *place(net, row),
            Fact("becomes", (code := becomes(op, xs, inplace),), "torch", code),
            _takes(net, row),
            *feeds(net, [row.key]),
        ),
        _shape(op, xs, y),
        (*_weights(net, row, op), *_work(net, row, op), *_memory(net, row, inplace)),
        _reach(net, row, op),
    )
    head = (
        Fact("", (), "name", row.key),
        Fact("", (), "kind", "operator"),
        Fact("", (), "operator", op.name),
    )
    title = f"{row.key} of {net.plan.heading}: {format_label(op)}"
    return Explanation(net.plan.name, title, (head, *paragraphs))


# --- what it is --------------------------------------------------------------------------


def becomes(op: Op, xs: tuple[Shape, ...], inplace: bool) -> str:
    """The torch code that it stands for, with its numbers: `nn.Conv2d(3, 96, 11, stride=4)`."""
    names = ["x"] if len(xs) == 1 else [f"x{at}" for at in range(1, len(xs) + 1)]
    text = op.inline_for(xs, *names)
    call = op.torch(*xs)
    if call is None or (text is not None and not op.weights(*xs) and not op.buffers(*xs)):
        return text or ""
    return _written(call, inplace)


def _written(call: ModuleCall, inplace: bool) -> str:
    given = [literal(value) for value in call.positional]
    given += [f"{k.name}={literal(k.value)}" for k in call.keyword if k.value != k.default]
    return f"{call.target}({', '.join([*given, 'inplace=True'] if inplace else given)})"


def _takes(net: Unfolded, row: Row) -> Fact:
    makers = net.feeding(row.key)
    pairs = list(zip(makers, row.part.inputs, strict=True))
    sizing = net.sizing([row.key])
    lines = tuple(f"{key}: {x}{', its size alone' * (key in sizing)}" for key, x in pairs)
    if row.part.map is not None and not row.part.output.rank:
        lines = (f"{lines[0]}, a map of {row.part.map} in a row", *lines[1:])
    if len(lines) > 12:
        lines = (*lines[:11], f"and {len(lines) - 11} more")
    data = [{"from": key, "shape": list(x.dims)} for key, x in pairs]
    return Fact("takes", lines, "inputs", data)


# --- shape -------------------------------------------------------------------------------


_LETTERS = {
    "n": "size",
    "k": "window",
    "s": "stride",
    "p": "padding",
    "b": "padding before",
    "a": "padding after",
    "d": "dilation",
    "o": "output padding",
}


def _explained(rule: str) -> str:
    """A formula, and what its letters stand for."""
    used = set(re.findall(r"(?<![a-z])[a-z](?![a-z])", rule))
    return f"{rule}   ({', '.join(f'{k} {v}' for k, v in _LETTERS.items() if k in used)})"


def _shape(op: Op, xs: tuple[Shape, ...], y: Shape) -> Paragraph:
    sizes, channels, notes = op.arithmetic(*xs), op.channel_arithmetic(*xs), op.remarks(*xs)
    same = ", the same as what it takes" if len(set(xs)) == 1 and xs[0] == y and not sizes else ""
    rule = op.rule(*xs)
    pairs = [(name, text) for name, _, text in (line.partition(": ") for line in sizes)]
    return (
        Fact("makes", (f"{y}{same}",), "output", list(y.dims)),
        Fact("size", (_explained(rule),) if rule else (), "size_rule", rule or None),
        *(Fact(name, (text,)) for name, text in group_equal(pairs)),
        Fact("", (), "size_arithmetic", list(sizes)),
        Fact("channels" if y.rank else "features", (channels,) if channels else ()),
        Fact("", (), "channel_arithmetic", channels or None),
        Fact("note", notes, "notes", list(notes)),
    )


# --- costs -------------------------------------------------------------------------------


def _weights(net: Unfolded, row: Row, op: Op) -> Iterator[Fact]:
    xs, counts = row.part.inputs, row.counts
    tensors, buffers = op.weights(*xs), op.buffers(*xs)
    lines = []
    for key, dims in tensors.items():
        name = key or "itself"
        count = scalars([dims])
        factors = "*".join(str(n) for n in dims)
        filters = op.filters(*xs) if name == "weight" else None
        if filters is not None:
            factors = f"{'*'.join(map(str, filters[0]))} * {filters[1]}"
        lines.append(f"{name}: {factors} = {count:,}" if "*" in factors else f"{name}: {count:,}")
    if row.again:
        head = "0 more: they are those of an earlier run" if tensors else "none"
    else:
        total = net.table.counts.params
        head = f"{counts.params:,}{format_share(counts.params, total)}" if tensors else "none"
    yield Fact("parameters", (head, *lines), "params", counts.params)
    yield Fact("", (), "weights", {name: [*map(int, dims)] for name, dims in tensors.items()})
    held = [f"{name} {scalars([dims]):,}" for name, dims in buffers.items()]
    kept = (f"{format_list(held)}: kept, not trained",) if held else ()
    yield Fact("buffers", kept, "buffers", {n: [*map(int, d)] for n, d in buffers.items()})


def _work(net: Unfolded, row: Row, op: Op) -> Iterator[Fact]:
    counts, total = row.counts, net.table.counts
    expression = op.mac_arithmetic(*row.part.inputs)
    if counts.macs:
        of_all = "" if row.training_only else format_share(counts.macs, total.macs)
        yield Fact("MACs", (f"{expression} = {counts.macs:,}{of_all}",))
    yield Fact("", (), "macs", counts.macs)
    yield Fact("", (), "mac_arithmetic", expression or None)
    what = "operations beside them" if counts.macs else "operations"
    lines = (f"{counts.operations:,} {what}",) if counts.operations else ()
    yield Fact("" if counts.macs else "work", lines, "operations", counts.operations)


def _memory(net: Unfolded, row: Row, inplace: bool) -> Iterator[Fact]:
    apply, xs, y = net.steps[row.key].apply, row.part.inputs, row.part.output
    count = y.features
    product = f"{'*'.join(map(str, (*y.size, y.channels)))} = " if y.rank else ""
    if apply.op.passes_through(len(xs), training=True):
        text = "none of its own: it passes its input on, or a view of it"
    elif inplace:
        text = "none of its own: it overwrites its input"
    else:
        text = f"{product}{count:,} numbers, {format_bytes(4 * count)} as float32, for each sample"
    yield Fact("memory", (text,), "activations", int(count))
    kept = _kept(facts_of(apply, inplace=inplace, training=True).saved, xs, y)
    text = (
        f"keeps {format_list(kept)} for the backward pass"
        if kept
        else "keeps nothing for the backward pass"
    )
    yield Fact("in training", (text,))


def _kept(saved: Saved, xs: tuple[Shape, ...], y: Shape) -> list[str]:
    """What autograd keeps, in words."""
    found = []
    if saved.input:
        count = sum(x.features for x in xs)
        found.append(f"its input{'s' * (len(xs) > 1)} ({count:,} numbers)")
    if saved.output:
        found.append(f"its output ({y.features:,} numbers)")
    if saved.values:
        found.append(f"{saved.values:,} numbers more")
    if saved.indices:
        found.append(f"{saved.indices:,} indices")
    if saved.flags:
        found.append(f"{saved.flags:,} flags")
    if saved.statistics:
        found.append(f"{saved.statistics:,} statistics of the mini-batch")
    return found


# --- receptive field ---------------------------------------------------------------------


def _reach(net: Unfolded, row: Row, op: Op) -> Paragraph:
    fields = [_field(net, key) for key in net.feeding(row.key)]
    xs, y = row.part.inputs, row.part.output
    before = receptive.union(fields, xs, y) if op.category == "merge" else fields[0]
    windows = op.windows(*xs) if xs[0].rank == len(before) else ()
    found = reach(row.field, y, net.table.inputs[0][1], before, windows)
    branches = list(dict.fromkeys(format_field(field) for field in fields if field))
    if not found or len(branches) < 2 or op.category != "merge":
        return found
    return (found[0], Fact("", (f"its branches see {format_list(branches)}",)), *found[1:])


def _field(net: Unfolded, key: str) -> Field:
    """What the tensor sees that is made there."""
    if key in net.at:
        return net.rows[net.at[key]].field
    return receptive.start(net.table.inputs[0][1].rank)
