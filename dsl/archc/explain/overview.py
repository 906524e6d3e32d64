"""A whole network and what can be named in it; its inputs and outputs; what a pattern means."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile
from typing import Any

from archc.explain.facts import Explanation, Fact
from archc.explain.listing import listing
from archc.explain.lookup import Unfolded
from archc.explain.place import feeds
from archc.explain.reach import reach
from archc.ops import Shape
from archc.report.spelling.phrases import format_list
from archc.report.tables import Sheet

_MOST = 48  # lines of an overview, if it can be

_SEES = "sees: how much of the input an element depends on, the padding around it counted, too."
_FOOT = ("Give names to see where their numbers come from; '*conv1' stands for all that end so.",)


def explain_network(net: Unfolded, meta: Mapping[str, Any]) -> Explanation:
    """What a network takes, makes and costs, and the names to ask for."""
    table, plan = net.table, net.plan
    ends = [
        *(Fact("takes", (f"{name}: {x}",)) for name, x in table.inputs),
        *(Fact("makes", (f"{name}: {y}",)) for name, y in table.outputs),
    ]
    counts, variation = table.counts, plan.file.variation
    side_params, side_macs = (
        f", {words} {count:,} in auxiliary heads" if count else ""
        for words, count in (("of them", counts.side_params), ("and", counts.side_macs))
    )
    paper = ", ".join(str(meta[key]) for key in ("authors", "year") if key in meta)
    sums = (
        Fact("parameters", (f"{counts.params:,}{side_params}",), "params", counts.params),
        Fact("MACs", (f"{counts.macs:,}{side_macs}",), "macs", counts.macs),
        Fact("operators", (f"{counts.operators:,}",), "operators", counts.operators),
        Fact("with", (_params(net),) if plan.params else (), "arguments", plan.arguments),
    )
    head = (
        Fact("title", (plan.title,) if plan.title else (), "title", plan.title),
        Fact("by", (paper,) if paper else ()),
        Fact("extends", (variation.words,) if variation is not None else ()),
        Fact("", (), "kind", "network"),
        Fact("", (), "name", plan.name),
        Fact("", (), "inputs", {name: list(x.dims) for name, x in table.inputs}),
        Fact("", (), "outputs", {name: list(y.dims) for name, y in table.outputs}),
        Fact("", (), "nodes", [row.key for row in net.rows]),
    )
    return Explanation(plan.name, plan.heading, ((*head, *ends), sums), (_listing(net),))


def _params(net: Unfolded) -> str:
    return format_list([f"{name} = {value}" for name, value in net.plan.arguments.items()], 12)


def _listing(net: Unfolded) -> Sheet:
    """As much of what can be named as is not long."""
    depths = range(1, max((row.level for row in net.rows), default=0) + 2)
    foot = (*[_SEES] * any(row.field for row in net.rows), *_FOOT)
    sheets = (listing(net.table.rows(depth), foot=foot) for depth in depths)
    first = next(sheets)
    return [first, *takewhile(lambda sheet: len(sheet.lines) <= _MOST, sheets)][-1]


def explain_end(net: Unfolded, key: str) -> Explanation:
    """An input or an output of the network."""
    kind = key.partition(":")[0]
    value = net.inputs[key] if kind == "input" else net.outputs[key]
    shape: Shape = net.shapes[value]
    facts = [
        Fact("", (), "name", key),
        Fact("", (), "kind", kind),
        Fact("is", (f"an {kind} of {net.plan.heading}",)),
        Fact("has", (str(shape),), "output", list(shape.dims)),
    ]
    if kind == "input":
        facts += feeds(net, [key])
        return Explanation(net.plan.name, f"{key}: {shape}", (tuple(facts),))
    maker = net.maker(value)
    facts.append(Fact("comes from", (maker,), "inputs", [{"from": maker}]))
    field = net.rows[net.at[maker]].field if maker in net.at else ()
    sees = reach(field, shape, net.table.inputs[0][1])
    return Explanation(net.plan.name, f"{key}: {shape}", (tuple(facts), sees))


def explain_family(net: Unfolded, pattern: str, keys: list[str]) -> Explanation:
    """All that a pattern stands for, side by side."""
    rows = [net.rows[net.at[key]] for key in keys if key in net.at]
    params, macs = (sum(getattr(r.counts, what) for r in rows) for what in ("params", "macs"))
    nested = any(row.part.inside is not None for row in rows)
    total = () if nested else (f"together {params:,} parameters and {macs:,} MACs",)
    facts = (
        Fact("", (), "name", pattern),
        Fact("", (), "kind", "pattern"),
        Fact("is", (f"{len(keys)} parts of {net.plan.heading}", *total)),
        Fact("", (), "nodes", keys),
    )
    return Explanation(net.plan.name, pattern, (facts,), (listing(rows),))
