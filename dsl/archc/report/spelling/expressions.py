"""Numbers as the expressions that they came from: `4*width` in text, `4·width` in pictures.

`Terms` say what a block's names are in the block that is shown: `width` there may be `4 * growth`
here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import fields, replace
from typing import Any

from archc import symbolic
from archc.ops import Form, Op
from archc.plan import Call
from archc.report.spelling.operators import format_value

Terms = Mapping[str, symbolic.Expr]
_LONGEST = 18  # characters of an expression in a picture; a longer one would widen it


def called_with(call: Call, terms: Terms) -> Terms:
    """The names of the block that is called, in the terms of the block that is drawn."""
    found = {name: translated(value, terms) for name, value in call.args.items()}
    for name, trace in call.traces.items():  # of operators and of what is true or false
        found[name] = in_terms(trace, terms) if trace else trace
    for name, x in call.body.called(call.inputs):
        if x.shape is not None:
            found[f"{name}.c"] = translated(x.shape.channels, terms)
    return {name: expr for name, expr in found.items() if expr is not None}


def translated(value: Any, terms: Terms) -> symbolic.Expr | None:
    """The expression of a number or list; None of a block or a word."""
    if not isinstance(value, int | float | tuple):
        return None
    return in_terms(symbolic.expr_of(value), terms)


def in_terms(expr: symbolic.Expr, terms: Terms) -> symbolic.Expr:
    """An expression in the names of the block that is shown; a param of the network stays."""
    if not terms:
        return expr
    return symbolic.substitute(
        expr, {name: symbolic.var(name) for name in expr.variables()} | dict(terms)
    )


def format_expression(value: Any, terms: Terms) -> str:
    """A number as one writes it in a block, `4*width`; other values as they are."""
    if not symbolic.is_traced(value):
        return format_value(value)
    found = translated(value, terms)
    text = symbolic.render(symbolic.expr_of(value) if found is None else found)
    return re.sub(r" (\*|//) ", r"\1", text)


# --- in pictures -------------------------------------------------------------------------


class _Printed:
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


class _Int(_Printed, int):
    pass


class _Float(_Printed, float):
    pass


def with_expressions(op: Op, terms: Terms) -> Op:
    """The operator with its traced numbers replaced by ones that print their expressions."""
    changes = {}
    written = op.fields()
    for field in fields(op):
        value = getattr(op, field.name)
        shown = _printed(value, terms)
        form = written[field.name].form
        numbers = shown if isinstance(shown, tuple) else (shown,)
        for number in {n for n in numbers if isinstance(n, _Int)}:
            chosen = form in (Form.SIZE, Form.STRIDE) and " if " in number.text
            if chosen or form in (Form.GROUPS, Form.DILATION):
                number.text = f"({number.text})"  # `g(groups)`, `/(2 if wide else 1)`
        if shown is not value:
            changes[field.name] = shown
    return replace(op, **changes) if changes else op


def with_shown(op: Op, names: Collection[str]) -> Op:
    """The operator with some of its numbers replaced by ones that no label leaves out."""
    return replace(op, **{name: _kept(getattr(op, name)) for name in names}) if names else op


def _kept(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_kept, value))
    if not isinstance(value, int) or isinstance(value, bool):
        return value
    made = _Int(value)
    made.text = str(symbolic.plain(value))
    return made


def format_traced(value: Any, terms: Terms) -> str:
    """A number as its block writes it, for the eye; the number where it has no expression."""
    return str(_printed(value, terms))


def _printed(value: Any, terms: Terms) -> Any:
    if isinstance(value, tuple):
        shown = tuple(_printed(item, terms) for item in value)
        return value if all(a is b for a, b in zip(shown, value, strict=True)) else shown
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
    text = symbolic.render(expr).replace(" * ", "·").replace(" // ", "/").replace("math.", "")
    text = text.replace(", strict=True", "")  # of `zip`, in Python alone
    if len(text) <= _LONGEST:
        return text
    cut, *_ = f"{text[: _LONGEST - 1]} ".partition(" if ")  # half a test would be read as one
    return f"{cut.rstrip()}…"
