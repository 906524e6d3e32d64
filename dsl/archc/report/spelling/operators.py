"""Operators and values as a file writes them: `conv 7x7/2 p3 x64 nobias`, `0.5`, `true`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from archc import symbolic
from archc.ops import OTHER, Field, Form, Op
from archc.plan import Applicable
from archc.report.characters import visible
from archc.report.spelling.phrases import first_paragraph
from archc.report.spelling.shapes import format_dims, format_even
from archc.syntax.writing import format_text

_LETTERS = {
    Form.STRIDE: "/",
    Form.WIDTH: "x",
    Form.PADDING: "p",
    Form.GROUPS: "g",
    Form.DILATION: "d",
}


def format_operator(op: Op, rank: int) -> str:
    """`conv 7x7/2 p3 x64 nobias`. Attributes at their defaults are left out.

    All but the operator's own number, for `dropout 0.5` says more than `dropout`. `rank` is that of
    the incoming tensor: windows and sizes have a number for each dimension.
    """
    syntax, text = op.fields(), op.name
    for field in fields(op):
        spec, value = syntax[field.name], symbolic.plain(getattr(op, field.name))
        if _same(value, field.default) and (spec.form is not Form.NUMBER or value is None):
            continue
        if spec.form in (Form.SIZE, Form.OPTION) and isinstance(value, tuple) and len(value) == 1:
            value = value * max(rank, 1)
        glue = "" if spec.form is Form.STRIDE and text[-1].isdigit() else " "
        text += glue + format_attribute(field.name, spec, value)
    return text


def _same(value: Any, default: Any) -> bool:
    """Whether a value is the default; `1x1` is `1`."""
    if isinstance(value, tuple) and isinstance(default, tuple):
        return set(value) == set(default) and len(set(value)) == 1
    return bool(value == default)


def format_attribute(
    name: str, spec: Field, value: Any, show: Callable[[Any], str] | None = None
) -> str:
    """An attribute as one writes it: `/2`, `x64`, `eps=0.001`. `show` writes one number."""
    word = next((word for word, meant in spec.words.items() if meant == value), None)
    if word is not None:
        return word
    if spec.form is Form.FLAG:
        return name  # a default that no word stands for
    if value is OTHER:
        return f"{name}=@…"
    text = _format_numbers(value, spec.form, show or format_value)
    return f"{name}={text}" if spec.form is Form.OPTION else _LETTERS.get(spec.form, "") + text


def _format_numbers(value: Any, form: Form, show: Callable[[Any], str]) -> str:
    """`3x3`; where the language has one number for every dimension, that where all are equal."""
    if isinstance(value, str):
        return value  # one of the operator's own words
    if not isinstance(value, tuple):
        return show(value)
    join = format_dims if form in (Form.SIZE, Form.OPTION) else format_even
    return join([show(n) for n in value])


def format_value(value: Any) -> str:
    """Return one value, to be read: `0.5`, `true`, `[2, 2, 3]`, the name of a block."""
    return visible(write_value(value))


def write_value(value: Any) -> str:
    """Return the same for a file: each character of a text as it is."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    if isinstance(value, str):
        return format_text(value)
    if isinstance(value, tuple):
        return f"[{', '.join(map(write_value, value))}]"
    return value.name if isinstance(value, Applicable) else str(value)


# --- in words ----------------------------------------------------------------------------


def format_label(op: Op) -> str:
    """`conv 11×11/4, 96`, as on a card of a drawing."""
    return f"{op.name} {op.label()}".rstrip()


def summary_of(op: Op) -> str:
    """What an operator does: how its documentation begins."""
    return first_paragraph(inspect.getdoc(type(op)))
