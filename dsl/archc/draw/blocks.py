"""Blocks, groups and their repeats: what is in them, what their box says."""

from __future__ import annotations

from archc.draw.alike import Unit
from archc.draw.style import extent, human
from archc.passes.costs import Cost
from archc.plan import Call, Chain, Scope, walk


def entered(node: Call | Scope) -> Call | Chain:
    """What holds the tensor that goes in."""
    return node if isinstance(node, Call) else node.chain


def body_chain(node: Call | Scope) -> Chain:
    return node.body.chain if isinstance(node, Call) else node.chain


def names(first: Unit, last: Unit) -> str:
    """`denselayer1–6`, `1–5`: the names of the outermost blocks of the first and last copy."""
    begin, end = (
        next((n.name for n in walk(unit.nodes) if isinstance(n, Call | Scope)), "")
        for unit in (first, last)
    )
    stem = begin.rstrip("0123456789")
    number = end.removeprefix(stem)
    return f"{begin}–{number if number.isdigit() else end}" if begin != end else begin


def totals(cost: Cost) -> list[str]:
    parts = ((cost.params, "params"), (cost.macs, "MACs"))
    return [f"{human(count)} {unit}" for count, unit in parts if count]


def facts(cost: Cost, node: Call | Scope) -> list[str]:
    return [*(["shared weights"] if node.again else []), *totals(cost)]


def tooltip(node: Call | Scope, path: str, cost: Cost) -> str:
    text = node.span.text.partition("\n")[0][:90]
    lines = [f"{path}: {text}  (line {node.span.line})"]
    before, after = entered(node).input.shape, node.output.shape
    if before is not None and after is not None:
        lines.append(f"{extent(before)} → {extent(after)}")
    lines.append(f"{cost.params:,} parameters, {cost.macs:,} MACs")
    return "\n".join(lines)
