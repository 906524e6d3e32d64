"""Operators with their numbers as the block writes them: `conv 3×3/stride`, `4·width`.

An operator's label is made of its fields. A field that follows from the block's parameters is
replaced by a number that says so when it is asked for its text.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from archc import symbolic
from archc.ops import Form, Op
from archc.report.terms import Terms, translated

_LONGEST = 18  # characters of an expression; a longer one would widen the drawing


class _Spelled:
    """A number shown as an expression. It is equal to nothing: a label leaves no part of it out."""

    text: str

    def __str__(self) -> str:
        return self.text

    def __format__(self, spec: str) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


class _Int(_Spelled, int):
    pass


class _Float(_Spelled, float):
    pass


def spelled(op: Op, terms: Terms) -> Op:
    """The operator with its traced numbers replaced by ones that print their expressions."""
    changes = {}
    written = op.fields()
    for field in fields(op):
        value = getattr(op, field.name)
        said = _say(value, terms)
        if isinstance(said, _Int) and written[field.name].form in (Form.GROUPS, Form.DILATION):
            said.text = f"({said.text})"  # `g(groups)`, as one writes it
        if said is not value:
            changes[field.name] = said
    return replace(op, **changes) if changes else op


def spell(value: Any, terms: Terms) -> str:
    """A number of a block as the block writes it."""
    return str(_say(value, terms))


def _say(value: Any, terms: Terms) -> Any:
    if isinstance(value, tuple):
        said = tuple(_say(item, terms) for item in value)
        return value if all(a is b for a, b in zip(said, value, strict=True)) else said
    if not symbolic.is_traced(value) or not isinstance(value, int | float):
        return value
    expr = translated(value, terms)
    if expr is None or expr.constant is not None:
        return symbolic.plain(value)
    made: _Int | _Float = _Int(value) if isinstance(value, int) else _Float(value)
    made.text = format_expr(expr)
    return made


def format_expr(expr: symbolic.Expr) -> str:
    """An expression for the eye: `4·width`, `in.c/2`."""
    text = symbolic.render(expr).replace(" * ", "·").replace(" // ", "/")
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
