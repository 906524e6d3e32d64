"""Values of which each object of a class has one: numbers, truths, operators; and their source."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from archc import symbolic
from archc.ops import REGISTRY, Shape
from archc.plan import Applicable, OperatorValue
from archc.symbolic import Expr

ANY = object()  # a value that an instance has no use for


class NotUnifiable(Exception):
    """No expression is right in every lane."""


@dataclass(frozen=True)
class Truth:
    """A value that is true or false, and its expression if that is known."""

    value: bool
    expr: Expr | None


@dataclass(frozen=True)
class Factory:
    """An operator that is an argument: its module's class is what a constructor gets."""

    operator: OperatorValue
    expr: Expr | None


@cache
def module_class(operator: OperatorValue) -> str | None:
    """The class of an operator's module, where it is made without arguments and has no state."""
    cls = REGISTRY[operator.name]
    if cls.category != "act" or cls.required() or cls.inputs != (1, 1):
        return None
    op, x = cls(), Shape(4, (8,) * cls.ranks[-1])
    made = op.torch(x)
    if made is None or made.positional or op.inline("x") is not None:
        return None
    plain = all(keyword.value == keyword.default for keyword in made.keyword)
    stateless = not op.weights(x) and not op.buffers(x)
    return made.target if made.target.startswith("nn.") and plain and stateless else None


def variable(name: str, value: Any) -> Any:
    """A value that remembers the variable it stands for."""
    if isinstance(value, bool):
        return Truth(value, symbolic.var(name))
    if isinstance(value, OperatorValue):
        return Factory(value, symbolic.var(name))
    if isinstance(value, tuple):
        return symbolic.relist(value, symbolic.var(name))
    return symbolic.traced(value, symbolic.var(name))


def bare(value: Any) -> Any:
    if isinstance(value, Factory):
        return value.operator
    return value.value if isinstance(value, Truth) else symbolic.plain(value)


def same(a: Any, b: Any) -> bool:
    return bool(bare(a) == bare(b))


def same_trace(a: Any, b: Any) -> bool:
    """Whether two values are equal, however they came about at other arguments, too."""
    if isinstance(a, Truth) and isinstance(b, Truth):
        return a == b
    return type(bare(a)) is type(bare(b)) and same(a, b) and _trace(a) == _trace(b)


def _trace(value: Any) -> Expr | None:
    return value.expr if symbolic.is_traced(value) else None


def literal(value: Any) -> str:
    """A number, text, truth, None or tuple of them as Python source. Raises NotUnifiable."""
    value = symbolic.plain(value)
    if isinstance(value, OperatorValue) and (made := module_class(value)) is not None:
        return made
    if isinstance(value, Applicable):
        raise NotUnifiable("an operator or block among numbers")
    if isinstance(value, tuple):
        return f"({', '.join(map(literal, value))}{',' * (len(value) == 1)})"
    if isinstance(value, float):
        return symbolic.format_float(value)
    return repr(value).replace("'", '"') if isinstance(value, str) else repr(value)
