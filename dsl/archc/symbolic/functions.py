"""What the operators and functions of the language compute."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

Number = int | float


def _power(a: Number, b: Number) -> Any:
    """a ** b. Raises OverflowError before a huge number is made, ValueError for a complex one."""
    if isinstance(a, int) and isinstance(b, int) and b > 0 and a.bit_length() * b > 1024:
        raise OverflowError("the power is too large")
    if a < 0 and not float(b).is_integer():
        raise ValueError("a fractional power of a negative number")
    return a**b


def _end(value: Any) -> int | None:
    """An end of a slice; what is left out is an empty list among expressions."""
    return None if isinstance(value, tuple) else value


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "**": _power,
    "/": lambda a, b: a / b,
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "floor": math.floor,
    "ceil": math.ceil,
    "round": round,
    "abs": abs,
    "min": min,
    "max": max,
    "len": len,
    "list": lambda *items: items,
    "sum": lambda *a: sum(a[0]) if isinstance(a[0], tuple) else sum(a),
    "zip": lambda *a: tuple(zip(*a, strict=True)),
    "enumerate": lambda a: tuple(enumerate(a)),
    "[]": lambda a, i: a[i],
    "[:]": lambda a, start, stop: a[_end(start) : _end(stop)],
    "if": lambda then, test, other: then if test else other,
    "not": lambda a: not a,
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def function(name: str) -> Callable[..., Any]:
    """What an operator or function of the language computes."""
    return FUNCTIONS[name]
