"""What a block's names are in the block that is shown: `width` there may be `4 * growth` here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archc import symbolic
from archc.plan import Call

Terms = Mapping[str, symbolic.Expr]


def called_with(call: Call, terms: Terms) -> Terms:
    """The names of the block that is called, in the terms of the block that is drawn."""
    found = {name: translated(value, terms) for name, value in call.args.items()}
    for name, x in call.body.called(call.inputs):
        if x.shape is not None:
            found[f"{name}.c"] = translated(x.shape.channels, terms)
    return {name: expr for name, expr in found.items() if expr is not None}


def translated(value: Any, terms: Terms) -> symbolic.Expr | None:
    """The expression of a number or list; None of a block or a word."""
    if not isinstance(value, int | float | tuple):
        return None
    expr = symbolic.expr_of(value)
    try:
        return symbolic.substitute(expr, terms) if terms else expr
    except KeyError:  # a param of the network
        return expr
