"""Numbers and lists that remember how they came about."""

from __future__ import annotations

from typing import Any

from archc.symbolic.expr import (
    Expr,
    FunctionCall,
    add,
    called,
    const,
    is_integral,
    multiply,
    quotient,
    scale,
)
from archc.symbolic.functions import FUNCTIONS, Number

_MAX_NODES = 160  # a longer expression is nothing that params could make short: forget it


class _Traced:
    """How a number came about; its expression is worked out only if somebody asks."""

    _expr: Expr | None = None
    _came: tuple[str, tuple[Any, ...]] | None = None
    _variables: frozenset[str] | None = None
    weight: int = 1

    @property
    def expr(self) -> Expr:
        if self._expr is None:
            assert self._came is not None
            op, args = self._came
            self._expr = _compose(op, [expr_of(arg) for arg in args], self)  # type: ignore[arg-type]
        return self._expr

    @property
    def variables(self) -> frozenset[str]:
        """The names in its expression, found once."""
        if self._variables is None:
            self._variables = self.expr.variables()
        return self._variables


class TracedInt(_Traced, int):
    def __add__(self, other: Any) -> Any:
        return combine("+", self, other)

    def __radd__(self, other: Any) -> Any:
        return combine("+", other, self)

    def __sub__(self, other: Any) -> Any:
        return combine("-", self, other)

    def __rsub__(self, other: Any) -> Any:
        return combine("-", other, self)

    def __mul__(self, other: Any) -> Any:
        # a tuple or text times a number repeats it
        return combine("*", self, other) if isinstance(other, int | float) else other * int(self)

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> Any:
        return combine("//", self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return combine("//", other, self)

    def __mod__(self, other: Any) -> Any:
        return combine("%", self, other)

    def __rmod__(self, other: Any) -> Any:
        return combine("%", other, self)

    def __truediv__(self, other: Any) -> Any:
        return combine("/", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return combine("/", other, self)

    def __neg__(self) -> Any:
        return combine("*", self, -1)


class TracedFloat(_Traced, float):
    pass


class TracedList(tuple[Any, ...]):
    """A list that was an argument; its items are traced as `depths[0]`."""

    expr: Expr


def expr_of(value: Any) -> Expr:
    """The expression of a number or list; a plain one is its own constant."""
    if is_traced(value):
        return value.expr  # type: ignore[no-any-return]
    if isinstance(value, tuple) and _holds_traced(value):
        return called("list", tuple(map(expr_of, value)))
    return const(value)


def _holds_traced(items: tuple[Any, ...]) -> bool:
    """Whether a list that was written has something in it that remembers where it is from."""
    return any(
        is_traced(item) or (isinstance(item, tuple) and _holds_traced(item)) for item in items
    )


def is_traced(value: Any) -> bool:
    return isinstance(value, _Traced | TracedList)


def traced(value: Any, expr: Expr) -> Any:
    """`value`, remembering `expr`; a constant or overlong expression is forgotten."""
    if isinstance(value, bool) or expr.constant is not None or expr.size > _MAX_NODES:
        return plain(value)
    made: TracedInt | TracedFloat
    if isinstance(value, int):
        made = TracedInt(value)
    elif isinstance(value, float):
        made = TracedFloat(value)
    else:
        return value
    made._expr, made.weight = expr, expr.size
    return made


def traced_list(items: tuple[Any, ...], expr: Expr) -> TracedList:
    result = TracedList(
        traced(item, Expr((((FunctionCall("[]", (expr, const(at))),), 1),)))
        if not isinstance(item, tuple)
        else traced_list(item, Expr((((FunctionCall("[]", (expr, const(at))),), 1),)))
        for at, item in enumerate(items)
    )
    result.expr = expr
    return result


def relist(items: tuple[Any, ...], expr: Expr) -> TracedList:
    """A list of plain items that is the value of `expr`."""
    result = TracedList(items)
    result.expr = expr
    return result


def plain(value: Any) -> Any:
    """The bare number (or tuple of bare numbers)."""
    if isinstance(value, _Traced):
        return int(value) if isinstance(value, int) else float(value)  # type: ignore[arg-type]
    if isinstance(value, tuple):
        return tuple(plain(item) for item in value)
    return value


def combine(op: str, *args: Any) -> Any:
    """Apply an operator or function of the language to traced or plain values.

    Raises what Python raises: ZeroDivisionError, TypeError, OverflowError, IndexError.
    """
    value = FUNCTIONS[op](*map(plain, args))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    weight, found = 0, False
    for arg in args:
        if isinstance(arg, _Traced):
            found, weight = True, weight + arg.weight
        elif isinstance(arg, bool):
            return value
    if not found:
        return value
    made = TracedInt(value) if isinstance(value, int) else TracedFloat(value)
    made._came, made.weight = (op, args), weight + 1
    # like terms may have merged: only a long expression is worth working out to see
    return made if made.weight <= _MAX_NODES else traced(value, made.expr)


def _compose(op: str, args: list[Expr], value: Number) -> Expr:
    if isinstance(value, int) or all(is_integral(arg) for arg in args):
        if op == "+":
            return add(args[0], args[1])
        if op == "-":
            return add(args[0], scale(args[1], -1))
        if op == "*":
            return multiply(args[0], args[1])
    whole = quotient(args[0], args[1]) if op == "//" and isinstance(value, int) else None
    if whole is not None:
        return whole
    return called(op, tuple(args))
