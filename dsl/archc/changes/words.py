"""Operators in words: `conv 7x7/2 p3 x64 nobias`, attribute by attribute.

Each attribute is spelled twice: with its numbers, and with the expressions that they came from.
Numbers say whether two networks differ, expressions whether their texts do.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

from archc import symbol
from archc.draw.spelling import Terms
from archc.ops import OTHER, Field, Form, Op
from archc.plan import BlockValue, Call
from archc.render import visible
from archc.source import Span

_LETTERS = {Form.STRIDE: "/", Form.PADDING: "p", Form.WIDTH: "x", Form.GROUPS: "g"}
_LETTERS |= {Form.DILATION: "d"}


@dataclass(frozen=True, slots=True)
class Word:
    """One attribute of an operator, or one argument of a call."""

    field: str
    shown: str  # with numbers: `x256`
    written: str  # with expressions: `x(4*width)`
    key: Hashable  # equal for equal values: `3` and `3x3` are
    place: int = 0  # among those of its operator
    close: bool = False  # a stride stands right behind its window: `3x3/2`


def words_of(op: Op, terms: Terms | None = None) -> tuple[Word, ...]:
    """The attributes that are not at their defaults, in order."""
    found: list[Word] = []
    specs = op.fields()
    for place, f in enumerate(fields(op)):
        value = getattr(op, f.name)
        spec = specs[f.name]
        if value is None and spec.form is Form.STRIDE:  # it is the window
            value = getattr(op, "kernel", None)
            value = value[:1] if value is not None and len(set(value)) == 1 else value
        if symbol.plain(value) == f.default:
            continue
        close = spec.form is Form.STRIDE and bool(found) and found[-1].field == "kernel"
        shown = _spelled(f.name, spec, symbol.plain(value), None)
        written = _spelled(f.name, spec, value, terms or {})
        found.append(Word(f.name, shown, written, _key(value), place, close))
    return tuple(found)


def spoken(head: str, words: Iterable[tuple[Word, str]]) -> str:
    """`conv 3x3/2 p1 x64`."""
    return head + "".join(("" if word.close else " ") + text for word, text in words)


def arguments_of(call: Call) -> tuple[Word, ...]:
    """The arguments of a call, those at their defaults too."""
    return tuple(
        Word(name, number(value), expression(value, {}), _key(value), place)
        for place, (name, value) in enumerate(call.args.items())
    )


def _spelled(name: str, spec: Field, value: Any, terms: Terms | None) -> str:
    """An attribute as one writes it; with numbers where there are no `terms`."""
    if spec.form is Form.FLAG:
        named = [word for word, meaning in spec.words.items() if meaning == value]
        return named[0] if named else name
    if value is None:  # padding that keeps the size
        return next((word for word, meaning in spec.words.items() if meaning is None), name)
    if value is OTHER:
        return f"{name}=@"
    items = value if isinstance(value, tuple) else (value,)
    text = "x".join(_part(item, terms) for item in items)
    if spec.form is Form.OPTION:
        return f"{name}={text}"
    return _LETTERS.get(spec.form, "") + text


def _part(value: Any, terms: Terms | None) -> str:
    if terms is None or not symbol.is_traced(value):
        return number(value)
    text = expression(value, terms)
    return text if re.fullmatch(r"[\d.]+", text) else f"({text})"


def number(value: Any) -> str:
    """A plain value: `0.5`, `[2, 2, 3]`, the name of a block."""
    if isinstance(value, BlockValue):
        return value.name
    if isinstance(value, tuple):
        return f"[{', '.join(map(number, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(int(value))
    return f"{symbol.plain(value):g}" if isinstance(value, float) else visible(str(value))


def expression(value: Any, terms: Terms) -> str:
    """The expression that a number came from, in the terms of whoever shows it."""
    if not symbol.is_traced(value):
        return number(value)
    expr = symbol.expr_of(value)
    with suppress(KeyError):  # a param of the network
        expr = symbol.substitute(expr, terms) if terms else expr
    return re.sub(r" (\*|//) ", r"\1", symbol.render(expr))


def _key(value: Any) -> Hashable:
    """Equal for equal values, however they are written."""
    if isinstance(value, BlockValue):
        return value.tree  # trees are equal where they say the same
    value = symbol.plain(value)
    if isinstance(value, tuple):
        numbers = all(isinstance(item, int) for item in value)
        alike = numbers and len(set(value)) == 1
        return value[:1] if alike else tuple(map(_key, value))
    return value if isinstance(value, int | float | str) else str(value)


def source_text(span: Span, most: int = 72) -> str:
    """A statement as it was written, in one line, without comments."""
    return _one_line(span.text, most)


@lru_cache(maxsize=4096)
def _one_line(written: str, most: int) -> str:
    lines = [re.sub(r"(^|\s)#.*", "", line).strip() for line in written.split("\n")]
    text = "; ".join(line for line in lines if line)
    text = re.sub(r"([<|{]);", r"\1", text)
    text = re.sub(r"; ([|>}])", r" \1", text)
    text = visible(" ".join(text.split()))
    return text if len(text) <= most else f"{text[: most - 1]}…"
