"""Operators in words: `conv 7x7/2 p3 x64 nobias`, attribute by attribute.

Each attribute stands twice: with its numbers, and with the expressions that they came from.
Numbers say whether two networks differ, expressions whether their texts do.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

from archc import symbolic
from archc.ops import Form, Op
from archc.plan import BlockValue, Call
from archc.report.spelling.expressions import Terms, format_expression
from archc.report.spelling.operators import format_attribute, format_value


@dataclass(frozen=True, slots=True)
class AttributeText:
    """One attribute of an operator, or one argument of a call."""

    field: str
    shown: str  # with numbers: `x256`
    written: str  # with expressions: `x(4*width)`
    key: Hashable  # equal for equal values: `3` and `3x3` are
    place: int = 0  # among those of its operator
    close: bool = False  # a stride stands right behind its window: `3x3/2`


def words_of(op: Op, terms: Terms | None = None) -> tuple[AttributeText, ...]:
    """The attributes that are not at their defaults, in order."""
    found: list[AttributeText] = []
    specs = op.fields()
    for place, f in enumerate(fields(op)):
        value = getattr(op, f.name)
        spec = specs[f.name]
        if value is None and spec.form is Form.STRIDE:  # it is the window
            value = getattr(op, "kernel", None)
            value = value[:1] if value is not None and len(set(value)) == 1 else value
        if symbolic.plain(value) == f.default:
            continue
        close = spec.form is Form.STRIDE and bool(found) and found[-1].field == "kernel"
        shown = format_attribute(f.name, spec, symbolic.plain(value))
        written = format_attribute(f.name, spec, value, partial(_part, terms=terms or {}))
        found.append(AttributeText(f.name, shown, written, _key(value), place, close))
    return tuple(found)


def format_operator(head: str, words: Iterable[tuple[AttributeText, str]]) -> str:
    """`conv 3x3/2 p1 x64`."""
    return head + "".join(("" if word.close else " ") + text for word, text in words)


def arguments_of(call: Call) -> tuple[AttributeText, ...]:
    """The arguments of a call, those at their defaults too."""
    return tuple(
        AttributeText(name, format_value(value), format_expression(value, {}), _key(value), place)
        for place, (name, value) in enumerate(call.args.items())
    )


def _part(value: Any, terms: Terms) -> str:
    text = format_expression(value, terms)
    return text if re.fullmatch(r"[\d.]+", text) else f"({text})"


def _key(value: Any) -> Hashable:
    """Equal for equal values, however they are written."""
    if isinstance(value, BlockValue):
        return value.tree  # trees are equal where they say the same
    value = symbolic.plain(value)
    if isinstance(value, tuple):
        numbers = all(isinstance(item, int) for item in value)
        alike = numbers and len(set(value)) == 1
        return value[:1] if alike else tuple(map(_key, value))
    return value if isinstance(value, int | float | str) else str(value)
