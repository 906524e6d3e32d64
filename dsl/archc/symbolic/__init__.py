"""Numbers that remember the expression they came from.

While a block is elaborated, its parameters and its input's channels are `Traced` numbers. Plain
arithmetic on them, in an operator's `shape` or in an expression of the file, keeps track, so
the emitter can write `nn.Conv2d(in_channels, 4 * width, 1)` where one class serves several
instances. An expression is only ever used after `evaluate` gave the right number in every one
of them.

Integer expressions are polynomials over atoms, so that `w + w + w` is `3 * w` and constants
fold; whatever is not a polynomial (`//`, `%`, `floor`, floats) is an atom with arguments.
"""

from __future__ import annotations

from archc.symbolic.expr import (
    NO_VALUE,
    Expr,
    FunctionCall,
    add,
    called,
    const,
    evaluate,
    multiply,
    outcome,
    scale,
    substitute,
    var,
)
from archc.symbolic.functions import function
from archc.symbolic.python import format_float, render
from archc.symbolic.traced import (
    TracedList,
    combine,
    expr_of,
    is_traced,
    plain,
    relist,
    traced,
    traced_list,
)

__all__ = [
    "NO_VALUE",
    "Expr",
    "FunctionCall",
    "TracedList",
    "add",
    "called",
    "combine",
    "const",
    "evaluate",
    "expr_of",
    "format_float",
    "function",
    "is_traced",
    "multiply",
    "outcome",
    "plain",
    "relist",
    "render",
    "scale",
    "substitute",
    "traced",
    "traced_list",
    "var",
]
