"""Expressions: polynomials over variables and over functions of expressions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from archc.record import record
from archc.symbolic.functions import FUNCTIONS, Number


@record
class Var:
    """A parameter, or a fact of the incoming tensor (`in.c`)."""

    name: str


@record
class FunctionCall:
    """A function or operator that polynomials cannot hold: `//`, `%`, `/`, `floor`, `if` ..."""

    function: str
    args: tuple[Expr, ...]


@record
class Listed:
    """A list that is known; functions of lists take one, such as `[]` and `len`."""

    items: tuple[Any, ...]


Atom = Var | FunctionCall | Listed
Monomial = tuple[Atom, ...]


@record
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

    @property
    def is_plain(self) -> bool:
        """Whether it is without an `if`."""
        atoms = [
            atom for product, _ in self.terms for atom in product if isinstance(atom, FunctionCall)
        ]
        return all(a.function != "if" and all(x.is_plain for x in a.args) for a in atoms)

    @property
    def is_settled(self) -> bool:
        """Whether it is a number, or a variable as it stands."""
        match self.terms:
            case () | (((), _),) | (((Var(),), 1),):
                return True
        return False

    def variables(self) -> frozenset[str]:
        found: set[str] = set()
        for product, _ in self.terms:
            for atom in product:
                if isinstance(atom, Var):
                    found.add(atom.name)
                elif isinstance(atom, FunctionCall):
                    for arg in atom.args:
                        found |= arg.variables()
        return frozenset(found)

    def numbers(self) -> frozenset[Any]:
        """The numbers that stand in it, as those that a test compares with."""
        found: set[Any] = set()
        for product, factor in self.terms:
            found.add(factor)
            for atom in product:
                if isinstance(atom, FunctionCall):
                    for arg in atom.args:
                        found |= arg.numbers()
        return frozenset(found)


def _atom_size(atom: Atom) -> int:
    return 1 + sum(arg.size for arg in atom.args) if isinstance(atom, FunctionCall) else 1


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
        return Expr((((FunctionCall("*", (a, b)),), 1),))
    return _collect((_product(p, q), x * y) for p, x in a.terms for q, y in b.terms)


def _product(p: Monomial, q: Monomial) -> Monomial:
    return tuple(sorted((*p, *q), key=_order)) if p and q else p or q


def _order(atom: Atom) -> tuple[bool, str]:
    return (False, atom.name) if isinstance(atom, Var) else (True, repr(atom))


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


# what `evaluate` raises where an expression has no value
NO_VALUE = (KeyError, ZeroDivisionError, TypeError, IndexError, OverflowError, ValueError)


def outcome(test: Expr, env: Mapping[str, Any]) -> bool | None:
    """What a condition comes to; None where it comes to nothing."""
    try:
        return bool(evaluate(test, env))
    except NO_VALUE:
        return None


def _evaluate_atom(atom: Atom, env: Mapping[str, Any]) -> Any:
    match atom:
        case Var():
            return env[atom.name]
        case Listed():
            return atom.items
        case FunctionCall():
            return FUNCTIONS[atom.function](*(evaluate(arg, env) for arg in atom.args))


def substitute(expr: Expr, env: Mapping[str, Expr]) -> Expr:
    """`expr` with its variables replaced. Raises KeyError for one that `env` lacks."""
    total: Expr | None = None
    for product, factor in expr.terms:
        value = None if product and type(factor) is int and factor == 1 else const(factor)
        for atom in product:
            other = _substitute_atom(atom, env)
            value = other if value is None else multiply(value, other)
        assert value is not None
        total = value if total is None else add(total, value)
    return total if total is not None else Expr(())


def _substitute_atom(atom: Atom, env: Mapping[str, Expr]) -> Expr:
    if isinstance(atom, Var):
        return env[atom.name]
    if isinstance(atom, Listed):
        return const(atom.items)
    args = tuple(substitute(arg, env) for arg in atom.args)
    known = [_known(arg) for arg in args]
    if all(value is not None for value in known):
        return const(FUNCTIONS[atom.function](*known))
    whole = quotient(*args) if atom.function == "//" else None
    if whole is not None:
        return whole
    if atom.function in _COMPARISONS:
        args = _numbers_right(args)
    return called(atom.function, args)


def called(function: str, args: tuple[Expr, ...]) -> Expr:
    """The call of a function, in short: `max(max(a, b), a)` is `max(a, b)`, `a / 1` is `a`."""
    if function in _COMPARISONS and args[0].constant is not None and args[1].constant is None:
        return called(_TURNED.get(function, function), args[::-1])  # `w == 4`, not `4 == w`
    if (alone := _without_neutral(function, args)) is not None:
        return alone
    if function in _OF_TRUTH and (shorter := _decided(function, args)) is not None:
        return shorter
    if function in ("max", "min") and len(args) > 1:
        flat = [item for arg in args for item in _called_with(function, arg)]
        args = tuple(dict.fromkeys(flat))
        if len(args) == 1:
            return args[0]
    if function == "len":
        args = (_of_the_same_length(args[0]),)
    return Expr((((FunctionCall(function, args),), 1),))


def _of_the_same_length(items: Expr) -> Expr:
    """The list that `enumerate` numbers or `zip` begins with: Python can count only those."""
    match items.terms:
        case (((FunctionCall("enumerate" | "zip", (inner, *_)),), 1),):
            return _of_the_same_length(inner)
    return items


_NEUTRAL = {"+": 0, "-": 0, "*": 1, "/": 1, "**": 1}  # on the right


def _without_neutral(function: str, args: tuple[Expr, ...]) -> Expr | None:
    """`a` of `a * 1`, `0 + a` and `a / 1`, 0 of `0 / 16`; None where each operand counts."""
    if function not in _NEUTRAL or len(args) != 2:
        return None
    left, right = args[0].constant, args[1].constant
    if right == _NEUTRAL[function]:
        return args[0]
    if function in ("+", "*") and left == _NEUTRAL[function]:
        return args[1]
    if function == "*" and 0 in (left, right):
        return const(0)
    return const(0) if function == "/" and left == 0 and right != 0 else None


def _decided(function: str, args: tuple[Expr, ...]) -> Expr | None:
    """What a choice or a condition comes to without some of its parts; None where it needs all."""
    known = [_known(arg) for arg in args]
    match function:
        case "if" if known[1] is not None or args[0] == args[2]:
            return args[0] if known[1] or args[0] == args[2] else args[2]
        case "if":
            return _least_or_most(*args)
        case "and" | "or" if known[0] is not None:
            return args[1] if bool(known[0]) == (function == "and") else args[0]
        case "and" | "or" if known[1] is not None:
            return args[0] if bool(known[1]) == (function == "and") else args[1]
        case "not":
            match args[0].terms:
                case (((FunctionCall(function="not", args=(inner,)),), 1),):
                    return inner
    return None


def _least_or_most(then: Expr, test: Expr, other: Expr) -> Expr | None:
    """`a if a < b else b` is `min(a, b)`; None where a choice is no such thing."""
    match test.terms:
        case (((FunctionCall(function="<" | "<=" | ">" | ">=" as sign, args=sides),), 1),) if set(
            sides
        ) == {then, other}:
            takes_left = then == sides[0]
            return called("min" if takes_left == (sign in ("<", "<=")) else "max", sides)
        case _:
            return None


def _called_with(function: str, expr: Expr) -> tuple[Expr, ...]:
    """What `max(...)` compares, or else the expression itself."""
    match expr.terms:
        case (((FunctionCall(function=name, args=args),), 1),) if name == function:
            return args if len(args) > 1 else (expr,)  # of one: a list
        case _:
            return (expr,)


def quotient(expr: Expr, by: Expr) -> Expr | None:
    """`expr // by`, where that leaves no rest whatever the variables are."""
    divisor = by.constant
    if not isinstance(divisor, int) or not divisor or not is_integral(expr):
        return None
    if any(factor % divisor for _, factor in expr.terms):
        return None
    return Expr(tuple((product, factor // divisor) for product, factor in expr.terms))


def is_integral(expr: Expr) -> bool:
    """No float factor and no division: then polynomial form loses nothing."""
    return all(
        isinstance(factor, int)
        and not any(isinstance(atom, FunctionCall) and atom.function == "/" for atom in product)
        for product, factor in expr.terms
    )


def _known(expr: Expr) -> Any:
    """The number or list that an expression is, if it is one."""
    match expr.terms:
        case (((Listed(items),), 1),):
            return items
        case _:
            return expr.constant


_OF_TRUTH = frozenset(("if", "and", "or", "not"))
_COMPARISONS = frozenset(("==", "!=", "<", "<=", ">", ">="))
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def _numbers_right(args: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """`i + 1 == 1` as `i == 0`."""
    number = sum(factor for product, factor in args[0].terms if not product)
    if isinstance(args[1].constant, int) and isinstance(number, int):
        return add(args[0], const(-number)), add(args[1], const(-number))
    return args
