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
    "[]": lambda a, i: a[i],
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
