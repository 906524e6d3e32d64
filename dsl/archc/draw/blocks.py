"""Blocks, groups and their repeats: what is in them, what their box says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from archc import symbolic
from archc.analysis.costs import Cost
from archc.analysis.repeats import RepeatUnit
from archc.draw.scene import SHARED, Called
from archc.draw.style import span_of
from archc.plan import (
    Apply,
    BlockValue,
    Call,
    Chain,
    Choice,
    Loop,
    Node,
    Ref,
    Reused,
    Scope,
    Tensor,
    children,
    walk,
)
from archc.report.spelling.numbers import human, shorten
from archc.report.spelling.operators import format_value
from archc.report.spelling.shapes import format_shape
from archc.report.spelling.statements import given_arguments


def entered(node: Call | Scope) -> Call | Chain:
    """What holds the tensor that goes in."""
    return node if isinstance(node, Call) else node.chain


def body_chain(node: Call | Scope) -> Chain:
    return node.body.chain if isinstance(node, Call) else node.chain


def beginning(chain: Chain) -> Tensor:
    """The tensor that a chain goes on from: what comes in, or `@label` where that stands first."""
    start = chain.input
    for node in walk(chain.nodes):
        if isinstance(node, Ref):
            start = node.output
        elif not isinstance(node, Scope | Choice | Loop | Reused):  # they begin with what is inside
            break
    return start


def names(first: RepeatUnit, last: RepeatUnit) -> str:
    """`denselayer1–6`, `1–5`: the outermost blocks of the first copy and the last."""
    begins, ends = ([node.name for node in _outermost(unit.nodes)] for unit in (first, last))
    begin, end = "".join(begins[:1]), "".join(ends[:1])
    stem = begin.rstrip("0123456789")
    if all(name.rstrip("0123456789") == stem for name in begins + ends):
        end = "".join(ends[-1:])  # of several in each copy, all of one name
    number = end.removeprefix(stem)
    return f"{begin}–{number if number.isdigit() else end}" if begin != end else begin


def _outermost(nodes: list[Node]) -> Iterator[Call | Scope]:
    """The blocks and groups that are in no other."""
    for node in nodes:
        if isinstance(node, Call | Scope):
            yield node
        else:
            for inner in children(node):
                yield from _outermost(inner.nodes)


def totals(cost: Cost) -> list[str]:
    parts = ((cost.params, "params"), (cost.macs, "MACs"))
    return [f"{human(count)} {unit}" for count, unit in parts if count]


def facts(cost: Cost, node: Call | Scope) -> list[str]:
    """What stands below a box's name: its totals, and whose weights it has."""
    return [*([_shared(node)] if node.again else []), *totals(cost)]


def _shared(node: Call | Scope) -> str:
    """Whose weights it has; a place in a group says nothing: there both have the same."""
    return SHARED if node.name[:1].isdigit() else f"{SHARED} with {node.name}"


def tooltip(node: Call | Scope, path: str, cost: Cost) -> str:
    text = node.span.text.partition("\n")[0][:90]
    lines = [f"{path}: {text}  (line {node.span.line})"]
    before, after = entered(node).input.shape, node.output.shape
    if before is not None and after is not None:
        lines.append(f"{format_shape(before)} → {format_shape(after)}")
    if cost.params or cost.macs:
        lines.append(f"{cost.params:,} parameters, {cost.macs:,} MACs")
    return "\n".join(lines)


# --- what blocks are called with ---------------------------------------------------------


def called(calls: Sequence[Call], name: str, times: int) -> Called:
    """What one box says of several calls of one block."""
    return Called(name, calls[0].body, _arguments(calls), times, _notes(calls))


def _notes(calls: Sequence[Call]) -> str:
    shared = _shared(calls[0]) if calls[0].again else ""
    return "    ".join(filter(None, (_survival(calls), shared)))


def signature(block: BlockValue, known: Mapping[str, str]) -> str:
    """`(width, out=4*width, stride=1)`: what the arguments of its instances stand for.

    `known` are those that are the same in all of them.
    """
    formals = [(formal.name.id, formal.text) for formal in block.tree.formals]
    parts = [f"{name}={known[name]}" if name in known else text for name, text in formals]
    return f"({', '.join(parts)})" if parts else ""


def _arguments(calls: Sequence[Call]) -> str:
    """`128, stride=2`: without what is left at its default."""
    block = calls[0].body.block
    if block is None:
        return ""
    given = [dict(given_arguments(call.body)) for call in calls]
    parts = []
    for formal in block.tree.formals:
        name = formal.name.id
        if formal.is_tensor:
            parts.append(formal.text)
        elif any(name in values for values in given):
            value = span_of(_value(call.args[name]) for call in calls)
            parts.append(value if formal.default is None else f"{name}={value}")
    return ", ".join(parts)


def _value(value: Any) -> str:
    if isinstance(value, BlockValue):
        return value.name
    if isinstance(value, tuple):
        return f"[{', '.join(map(_value, value))}]"
    return shorten(format_value(symbolic.plain(value)))


def _survival(calls: Sequence[Call]) -> str:
    """`survives 0.991…0.833`: how likely each is there in training, where that is not certain."""
    found = []
    for call in calls:
        applies = (node for node in walk(call.body.chain.nodes) if isinstance(node, Apply))
        chances = [chance for a in applies if (chance := a.op.survival()) not in (None, 1.0)]
        found += [f"{chance:.3g}" for chance in chances[:1]]
    return f"survives {span_of(found)}" if found else ""
