"""Expressions as Python source."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from math import isclose

from archc.symbolic.expr import Atom, Expr, FunctionCall, Listed, Monomial, Var
from archc.symbolic.functions import Number

_LEVEL = {
    "or": 1,
    "and": 2,
    "not": 3,
    "==": 4,
    "!=": 4,
    "<": 4,
    "<=": 4,
    ">": 4,
    ">=": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "/": 6,
    "//": 6,
    "%": 6,
    "**": 8,  # than a sign, which is 6
}
_CALLS = {"floor": "math.floor", "ceil": "math.ceil"}


def render(expr: Expr, names: Callable[[str], str] = str, level: int = 0) -> str:
    """The expression as Python source; in brackets if it binds more loosely than `level`.

    `names` gives the Python name of a variable.
    """
    if not expr.terms:
        return "0"
    ordered = sorted(expr.terms, key=lambda term: not term[0])  # the constant last
    if ordered[0][1] < 0:
        ordered.sort(key=lambda term: term[1] < 0)  # a positive term first: `a - b`, not `-b + a`
    text, binds = "", 5 if len(ordered) > 1 else 9
    for product, factor in ordered:
        part, part_level = _render_term(product, abs(factor) if text else factor, names)
        if len(ordered) > 1 and part_level <= 5:
            part = f"({part})"
        text += f" {'-' if factor < 0 else '+'} {part}" if text else part
        binds = min(binds, part_level) if len(ordered) == 1 else 5
    return f"({text})" if binds < level else text


def _render_term(product: Monomial, factor: Number, names: Callable[[str], str]) -> tuple[str, int]:
    if not product:
        return repr(factor), 9 if factor >= 0 else 5
    if factor == 1 and len(product) == 1:
        return _render_atom(product[0], names)
    parts = [] if factor in (1, -1) else [repr(factor)]
    for atom in product:
        text, level = _render_atom(atom, names)
        parts.append(f"({text})" if level <= 6 else text)
    text = " * ".join(parts)
    return (f"-{text}", 6) if factor == -1 else (text, 6)


def _render_atom(atom: Atom, names: Callable[[str], str]) -> tuple[str, int]:
    if isinstance(atom, Var):
        return names(atom.name), 9
    if isinstance(atom, Listed):
        return repr(atom.items), 9
    name, args = atom.function, atom.args
    if name == "if":
        then, test, other = (render(arg, names, 1) for arg in args)
        return f"{then} if {test} else {other}", 0
    if name == "[]":
        return f"{render(args[0], names, 9)}[{render(args[1], names)}]", 9
    if name == "zip":
        return f"zip({', '.join(render(arg, names) for arg in args)}, strict=True)", 9
    if name == "list":
        items = [render(arg, names) for arg in args]
        return f"({', '.join(items)}{',' * (len(items) == 1)})", 9
    if name == "[:]":
        base, *ends = (render(arg, names, 9 * (at == 0)) for at, arg in enumerate(args))
        return f"{base}[{':'.join('' if end == '()' else end for end in ends)}]", 9
    if name == "not":
        return f"not {render(args[0], names, 3)}", 3
    if name == "**":
        base, exponent = render(args[0], names, 9), render(args[1], names, 8)
        simple = all(re.fullmatch(r"[\w.]+", side) for side in (base, exponent))
        return f"{base}**{exponent}" if simple else f"{base} ** {exponent}", 8
    if name in _LEVEL:
        level = _LEVEL[name]
        sides = [(args[0], level), (args[1], level + 1)]  # left-associative
        if name == "or":  # `(a and b) or c` needs no brackets, but they say at once what it means
            sides = [(side, _LEVEL["not"] if _is_and(side) else at) for side, at in sides]
        left, right = (render(side, names, at) for side, at in sides)
        return f"{left} {name} {right}", level
    return f"{_CALLS.get(name, name)}({', '.join(render(arg, names) for arg in args)})", 9


def _is_and(expr: Expr) -> bool:
    match expr.terms:
        case (((FunctionCall(function="and"),), 1),):
            return True
    return False


def format_float(value: float) -> str:
    """Return the number as a person would write it: 0.0375, 1e-6, 2 / 3."""
    if value.is_integer() and abs(value) < 1e15:
        return f"{value:.1f}"
    short = float(f"{value:.12g}")
    text = repr(short if isclose(short, value, rel_tol=1e-15) else value)
    if len(text) > 14:
        ratio = Fraction(value).limit_denominator(1000)
        if ratio.numerator / ratio.denominator == value:
            return f"{ratio.numerator} / {ratio.denominator}"
    return text.replace("e-0", "e-")
