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

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Number = int | float
_MAX_NODES = 48  # a longer expression is nothing that anyone would write: forget it


@dataclass(frozen=True, slots=True)
class Var:
    """A parameter, or a fact of the incoming tensor (`in.c`)."""

    name: str


@dataclass(frozen=True, slots=True)
class Apply:
    """A function or operator that polynomials cannot hold: `//`, `%`, `/`, `floor`, `if` ..."""

    function: str
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """A list that is known; only `[]`, `len`, `min` and `max` take one."""

    items: tuple[Any, ...]


Atom = Var | Apply | Listed
Monomial = tuple[Atom, ...]


@dataclass(frozen=True, slots=True)
class Expr:
    """A sum of coefficient * product of atoms; the empty product is the constant."""

    terms: tuple[tuple[Monomial, Number], ...]

    @property
    def constant(self) -> Number | None:
        if not self.terms:
            return 0
        if len(self.terms) == 1 and not self.terms[0][0]:
            return self.terms[0][1]
        return None

    @property
    def size(self) -> int:
        return sum(1 + sum(_atom_size(atom) for atom in product) for product, _ in self.terms)

    def variables(self) -> frozenset[str]:
        found: set[str] = set()
        for product, _ in self.terms:
            for atom in product:
                if isinstance(atom, Var):
                    found.add(atom.name)
                elif isinstance(atom, Apply):
                    for arg in atom.args:
                        found |= arg.variables()
        return frozenset(found)


def _atom_size(atom: Atom) -> int:
    return 1 + sum(arg.size for arg in atom.args) if isinstance(atom, Apply) else 1


def const(value: Any) -> Expr:
    """A number or a list that is known."""
    if isinstance(value, tuple):
        return Expr((((Listed(value),), 1),))
    return Expr(((((), value)),) if value else ())


def var(name: str) -> Expr:
    return Expr((((Var(name),), 1),))


def _collect(pairs: Iterable[tuple[Monomial, Number]]) -> Expr:
    terms: dict[Monomial, Number] = {}
    for product, factor in pairs:
        terms[product] = terms.get(product, 0) + factor
    return Expr(tuple((product, factor) for product, factor in terms.items() if factor))


def add(a: Expr, b: Expr) -> Expr:
    return _collect((*a.terms, *b.terms))


def scale(a: Expr, factor: Number) -> Expr:
    return (
        Expr(tuple((product, value * factor) for product, value in a.terms)) if factor else Expr(())
    )


def multiply(a: Expr, b: Expr) -> Expr:
    """The product; one of two sums is left as it is, since nobody would multiply it out."""
    numbers = a.constant is not None or b.constant is not None
    if not numbers and max(len(a.terms), len(b.terms)) > 1:
        return Expr((((Apply("*", (a, b)),), 1),))
    return _collect((_product(p, q), x * y) for p, x in a.terms for q, y in b.terms)


def _product(p: Monomial, q: Monomial) -> Monomial:
    return tuple(sorted((*p, *q), key=_order)) if p and q else p or q


def _order(atom: Atom) -> str:
    return atom.name if isinstance(atom, Var) else repr(atom)


def _power(a: Number, b: Number) -> Any:
    """a ** b. Raises OverflowError before a huge number is made, ValueError for a complex one."""
    if isinstance(a, int) and isinstance(b, int) and b > 0 and a.bit_length() * b > 1024:
        raise OverflowError("the power is too large")
    if a < 0 and not float(b).is_integer():
        raise ValueError("a fractional power of a negative number")
    return a**b


_FUNCTIONS: dict[str, Callable[..., Any]] = {
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
    return _FUNCTIONS[name]


# --- traced values -----------------------------------------------------------------------


class _Traced:
    """How a number came about; its expression is worked out only if somebody asks."""

    _expr: Expr | None = None
    _came: tuple[str, tuple[Any, ...]] | None = None
    weight: int = 1

    @property
    def expr(self) -> Expr:
        if self._expr is None:
            assert self._came is not None
            op, args = self._came
            self._expr = _compose(op, [expr_of(arg) for arg in args], self)  # type: ignore[arg-type]
        return self._expr


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
    return value.expr if is_traced(value) else const(value)


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
        traced(item, Expr((((Apply("[]", (expr, const(at))),), 1),)))
        if not isinstance(item, tuple)
        else traced_list(item, Expr((((Apply("[]", (expr, const(at))),), 1),)))
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
    value = _FUNCTIONS[op](*map(plain, args))
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
    if isinstance(value, int) or all(_is_integral(arg) for arg in args):
        if op == "+":
            return add(args[0], args[1])
        if op == "-":
            return add(args[0], scale(args[1], -1))
        if op == "*":
            return multiply(args[0], args[1])
    divisor = args[1].constant if op == "//" else None
    if isinstance(value, int) and isinstance(divisor, int) and _is_multiple(args[0], divisor):
        return Expr(tuple((product, factor // divisor) for product, factor in args[0].terms))
    return Expr((((Apply(op, tuple(args)),), 1),))


def _is_integral(expr: Expr) -> bool:
    """No float factor and no division: then polynomial form loses nothing."""
    return all(
        isinstance(factor, int)
        and not any(isinstance(atom, Apply) and atom.function == "/" for atom in product)
        for product, factor in expr.terms
    )


def _is_multiple(expr: Expr, divisor: int) -> bool:
    """Whether `//` leaves no rest, whatever the variables are."""
    return _is_integral(expr) and all(factor % divisor == 0 for _, factor in expr.terms)


# --- using expressions -------------------------------------------------------------------


def evaluate(expr: Expr, env: Mapping[str, Any]) -> Any:
    """The value of an expression. Raises KeyError for a variable that `env` lacks."""
    total: Any = 0
    for product, factor in expr.terms:
        value: Any = factor
        for at, atom in enumerate(product):
            inner = _evaluate_atom(atom, env)
            value = inner if at == 0 and factor == 1 else value * inner
        total = value if len(expr.terms) == 1 else total + value
    return total


def _evaluate_atom(atom: Atom, env: Mapping[str, Any]) -> Any:
    match atom:
        case Var():
            return env[atom.name]
        case Listed():
            return atom.items
        case Apply():
            return _FUNCTIONS[atom.function](*(evaluate(arg, env) for arg in atom.args))


def substitute(expr: Expr, env: Mapping[str, Expr]) -> Expr:
    """`expr` with its variables replaced. Raises KeyError for one that `env` lacks."""
    total = Expr(())
    for product, factor in expr.terms:
        value = const(factor)
        for atom in product:
            value = multiply(value, _substitute_atom(atom, env))
        total = add(total, value)
    return total


def _substitute_atom(atom: Atom, env: Mapping[str, Expr]) -> Expr:
    if isinstance(atom, Var):
        return env[atom.name]
    if isinstance(atom, Listed):
        return const(atom.items)
    args = tuple(substitute(arg, env) for arg in atom.args)
    known = [_known(arg) for arg in args]
    if atom.function == "if" and known[1] is not None:
        return args[0] if known[1] else args[2]
    if all(value is not None for value in known):
        return const(_FUNCTIONS[atom.function](*known))
    if atom.function in _COMPARISONS:
        args = _numbers_right(args)
    return Expr((((Apply(atom.function, args),), 1),))


def _known(expr: Expr) -> Any:
    """The number or list that an expression is, if it is one."""
    match expr.terms:
        case (((Listed(items),), 1),):
            return items
        case _:
            return expr.constant


_COMPARISONS = frozenset(("==", "!=", "<", "<=", ">", ">="))


def _numbers_right(args: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """`i + 1 == 1` as `i == 0`."""
    number = sum(factor for product, factor in args[0].terms if not product)
    if isinstance(args[1].constant, int) and isinstance(number, int):
        return add(args[0], const(-number)), add(args[1], const(-number))
    return args


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
    if name == "not":
        return f"not {render(args[0], names, 3)}", 3
    if name == "**":
        base, exponent = render(args[0], names, 9), render(args[1], names, 8)
        simple = all(re.fullmatch(r"[\w.]+", side) for side in (base, exponent))
        return f"{base}**{exponent}" if simple else f"{base} ** {exponent}", 8
    if name in _LEVEL:
        level = _LEVEL[name]
        right_level = level + 1  # left-associative
        return (
            f"{render(args[0], names, level)} {name} {render(args[1], names, right_level)}",
            level,
        )
    return f"{_CALLS.get(name, name)}({', '.join(render(arg, names) for arg in args)})", 9
