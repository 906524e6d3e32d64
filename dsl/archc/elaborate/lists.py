"""Lists while compiling: slices, `sum`, `zip`, `enumerate`, and what a loop's names stand for."""

from __future__ import annotations

from typing import Any

from archc import symbolic, syntax
from archc.elaborate.values import computed, describe, need_number
from archc.source import Fault, Fix, Span, fault

LONGEST = 10_000
_NOTHING = symbolic.const(())  # an end of a slice that is left out


def no_list(value: Any, span: Span) -> Fault:
    """The mistake of a loop over something else."""
    title, cure = f"a loop runs over a list or `1..n`, not {describe(value)}", None
    if isinstance(value, int) and value > 0 and span.text.isalnum():
        cure = Fix(f"count with `1..{span.text}`", span, f"1..{span.text}")
    return fault("A309", title, span, *([cure] if cure is not None else []))


def unpacked(targets: tuple[syntax.Target, ...], item: Any, span: Span) -> tuple[Any, ...]:
    """The values of a loop's names in one pass, in order. Raises Fault."""
    if len(targets) == 1 and isinstance(targets[0], syntax.Name):
        return (item,)
    whole = targets[0] if len(targets) == 1 and isinstance(targets[0], tuple) else targets
    if not isinstance(item, tuple) or len(item) != len(whole):
        title = f"each item must be a list of {len(whole)}, not {describe(item)}"
        raise fault("A309", title, span)
    values: list[Any] = []
    for target, value in zip(whole, item, strict=True):
        values += unpacked((target,), value, span)
    return tuple(values)


def sliced(base: Any, start: Any, stop: Any, span: Span) -> Any:
    """`depths[1:]`, with the ends of Python; None where one is left out. Raises Fault."""
    if not isinstance(base, tuple):
        raise fault("A309", f"only a list has parts, not {describe(base)}", span)
    part = base[slice(start, stop)]
    if not symbolic.is_traced(base):
        return part
    ends = [_NOTHING if end is None else symbolic.expr_of(end) for end in (start, stop)]
    return symbolic.relist(part, symbolic.called("[:]", (symbolic.expr_of(base), *ends)))


def total(items: tuple[Any, ...], span: Span) -> Any:
    """`sum(depths)`. Raises Fault."""
    for item in items:
        need_number(item, span)
    if symbolic.is_traced(items):
        expr = symbolic.called("sum", (symbolic.expr_of(items),))
        return symbolic.traced(sum(map(symbolic.plain, items)), expr)
    result: Any = 0
    for item in items:
        result = computed("+", (result, item), span)
    return result


def zipped(lists: tuple[Any, ...], span: Span) -> tuple[Any, ...]:
    """`zip(widths, depths)`: lists of the first items, of the second ones ... Raises Fault."""
    lengths = [len(items) for items in lists]
    if len({*lengths}) > 1:
        title = f"`zip` takes lists of one length, not of {' and '.join(map(str, lengths))}"
        raise fault("A308", title, span)
    rows = tuple(zip(*lists, strict=True))
    if not any(map(symbolic.is_traced, lists)):
        return rows
    return symbolic.relist(rows, symbolic.called("zip", tuple(map(symbolic.expr_of, lists))))


def numbered(items: tuple[Any, ...]) -> tuple[Any, ...]:
    """`enumerate(widths)`: each item behind its place, counted from 0."""
    rows = tuple(enumerate(items))
    if not symbolic.is_traced(items):
        return rows
    return symbolic.relist(rows, symbolic.called("enumerate", (symbolic.expr_of(items),)))
