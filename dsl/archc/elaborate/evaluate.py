"""Expressions of a file to values: numbers (traced), texts, lists, truth and blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from archc import symbolic as symbol
from archc import syntax
from archc.elaborate.work import ITEM, WorkLimit, size_of
from archc.ops import REGISTRY, Shape
from archc.plan import Applicable, BlockValue, OperatorValue
from archc.source import Fault, Fix, Span, fault, spelling

FUNCTIONS = {  # fewest and most arguments
    "min": (1, None),
    "max": (1, None),
    **dict.fromkeys(("floor", "ceil", "round", "abs", "len"), (1, 1)),
}
COMPARISONS = frozenset(("==", "!=", "<", "<=", ">", ">="))
INCOMING = ("c", "h", "w", "d", "features")
_LARGEST = 10**15
_LONGEST = 10_000


class Evaluator:
    """Evaluates the expressions of one place: its names, and the tensor that comes in."""

    def __init__(
        self, env: Mapping[str, Any], incoming: Shape | None, work: WorkLimit | None = None
    ) -> None:
        self.env = env
        self.incoming = incoming
        self.work = work or WorkLimit()
        self._conditionals: dict[int, Any] = {}  # nested ones are asked for more than once

    # --- values --------------------------------------------------------------------------

    def value(self, expr: syntax.Expr) -> Any:
        """The value of an expression. Raises Fault."""
        self.work.spend(1, expr.span)
        match expr:
            case syntax.Number() | syntax.Text():
                return expr.value
            case syntax.Name():
                return self._name(expr)
            case syntax.Incoming():
                return self._incoming(expr)
            case syntax.ListExpr():
                return self._list(expr)
            case syntax.Index():
                return self._index(expr)
            case syntax.UnaryExpr():
                return self._unary(expr)
            case syntax.Binary():
                return self._binary(expr)
            case syntax.Conditional():
                return self._conditional(expr)
            case syntax.CallExpr():
                return self._call(expr)

    def number(self, expr: syntax.Expr) -> Any:
        value = self.value(expr)
        _need_number(value, expr.span)
        return value

    def integer(self, expr: syntax.Expr, what: str, least: int | None = None) -> Any:
        """A whole number. Raises Fault with what it came to."""
        value = self.number(expr)
        if isinstance(value, float):
            if not value.is_integer():
                hint = "round it: `floor(...)`, `ceil(...)`, or divide with `//`"
                title = f"{what} must be a whole number, not {value:g}"
                raise fault("A305", title, expr.span, _divided(expr, hint))
            value = symbol.combine("floor", value)
        if least is not None and value < least:
            raise fault("A303", f"{what} must be at least {least}, not {value}", expr.span)
        return value

    def truth(self, expr: syntax.Expr) -> bool:
        value = self.value(expr)
        if isinstance(value, str | tuple | Applicable):
            raise fault("A309", f"a condition is needed here, not {describe(value)}", expr.span)
        return bool(value)

    def symbolic(self, expr: syntax.Expr) -> symbol.Expr | None:
        """The expression itself, for a test that the generated code must make. None if it can't."""
        match expr:
            case syntax.Binary():
                args = self.symbolic(expr.left), self.symbolic(expr.right)
                return _applied(expr.op, *args)
            case syntax.UnaryExpr(op="not"):
                return _applied("not", self.symbolic(expr.operand))
            case syntax.Conditional():
                parts = (expr.then, expr.test, expr.other)
                return _applied("if", *map(self.symbolic, parts))
            case syntax.Name() if isinstance(self.env.get(expr.id), bool | OperatorValue):
                return symbol.var(expr.id)
            case syntax.Index() if self._is_flag(expr):
                return _applied("[]", self._listed(expr.base), self.symbolic(expr.index))
            case _:
                try:
                    value = self.value(expr)
                except Fault:  # in a part that the outcome does not hang on
                    return None
                return symbol.expr_of(value) if isinstance(value, int | float) else None

    def _is_flag(self, expr: syntax.Expr) -> bool:
        """Whether an expression is true or false; not where it has no value."""
        try:
            return isinstance(self.value(expr), bool)
        except Fault:
            return False

    def _listed(self, expr: syntax.Expr) -> symbol.Expr:
        return symbol.expr_of(self.value(expr))

    # --- the kinds of expression ---------------------------------------------------------

    def _name(self, expr: syntax.Name) -> Any:
        if expr.id in ("true", "false") and expr.id not in self.env:
            return expr.id == "true"
        if expr.id in self.env:
            return self.env[expr.id]
        if expr.id in REGISTRY:
            return OperatorValue(REGISTRY[expr.id].name)
        cure = spelling(expr.id, self.env, _inside(expr.span, expr.id))
        if cure is None and expr.id in INCOMING:
            hint, meant = f"the incoming tensor's is `in.{expr.id}`", f"in.{expr.id}"
            cure = Fix(hint, _inside(expr.span, expr.id), meant, safe=True)
        title = f"`{expr.id}` is not a parameter or a loop's name here"
        raise fault("A102", title, expr.span, cure)

    def _incoming(self, expr: syntax.Incoming) -> Any:
        if expr.field not in INCOMING:
            known = ", ".join(f"`in.{f}`" for f in INCOMING)
            raise fault("A109", f"a tensor has no `{expr.field}`", expr.span, f"there are {known}")
        if self.incoming is None:
            raise fault("A404", f"there is no tensor here for `in.{expr.field}` to ask", expr.span)
        if expr.field == "c":
            return self.incoming.channels
        if expr.field == "features":
            return self.incoming.features
        place = {"w": 1, "h": 2, "d": 3}[expr.field]
        if place > self.incoming.rank:
            raise fault(
                "A109",
                f"a tensor of {self.incoming} has no `in.{expr.field}`",
                expr.span,
                "`in.w` is the last size, `in.h` the one before, `in.d` the one before that",
            )
        return self.incoming.size[-place]

    def _list(self, expr: syntax.ListExpr) -> tuple[Any, ...]:
        items = tuple(self.value(item) for item in expr.items)
        numbers, lists = _counted(items)
        self.work.spend(numbers + lists, expr.span)
        if numbers > _LONGEST:  # a block that calls itself may double it again and again
            raise fault("A308", f"a list may have {_LONGEST:,} numbers at most", expr.span)
        if lists > _LONGEST:
            raise fault("A308", f"a list may have {_LONGEST:,} lists in it at most", expr.span)
        return items

    def _index(self, expr: syntax.Index) -> Any:
        base, at = self.value(expr.base), self.integer(expr.index, "an index")
        if not isinstance(base, tuple):
            raise fault("A309", f"only a list has items, not {describe(base)}", expr.base.span)
        if not 0 <= at < len(base):
            raise fault(
                "A308",
                f"there is no item {at} in a list of {len(base)}",
                expr.index.span,
                "items count from 0",
            )
        item = base[at]
        if isinstance(item, int | float) and not isinstance(item, bool) and symbol.is_traced(at):
            where = symbol.FunctionCall("[]", (symbol.expr_of(base), symbol.expr_of(at)))
            if symbol.is_traced(base):
                return symbol.traced(item, symbol.Expr((((where,), 1),)))
        return item

    def _unary(self, expr: syntax.UnaryExpr) -> Any:
        if expr.op == "not":
            return not self.truth(expr.operand)
        value = self.number(expr.operand)
        return symbol.combine("*", value, -1) if expr.op == "-" else value

    def _binary(self, expr: syntax.Binary) -> Any:
        if expr.op == "and":
            return self.truth(expr.left) and self.truth(expr.right)
        if expr.op == "or":
            return self.truth(expr.left) or self.truth(expr.right)
        if expr.op in ("==", "!="):
            equal = self._equal(expr)
            return equal if expr.op == "==" else not equal
        left, right = self.number(expr.left), self.number(expr.right)
        return self._compute(expr.op, (left, right), expr.span)

    def _equal(self, expr: syntax.Binary) -> bool:
        left, right = self.value(expr.left), self.value(expr.right)
        self.work.spend(min(size_of(left), size_of(right)), expr.span)
        for text, other, span in ((left, right, expr.right.span), (right, left, expr.left.span)):
            if isinstance(text, str) and isinstance(other, OperatorValue):
                meant = f'"{other.name}"'
                cure = Fix(f"a text stands in quotes: `{meant}`", span, meant, safe=True)
                raise fault("A309", f"a text is no {describe(other)[4:]}", span, cure)
        return bool(symbol.plain(left) == symbol.plain(right))

    def _conditional(self, expr: syntax.Conditional) -> Any:
        known = self._conditionals.get(id(expr))
        if known is not None:
            return known
        taken = self.truth(expr.test)
        value = self.value(expr.then if taken else expr.other)
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = self._traced_choice(expr, value)
        self._conditionals[id(expr)] = value
        return value

    def _traced_choice(self, expr: syntax.Conditional, value: Any) -> Any:
        """The number taken, remembering the whole expression if the test hangs on anything."""
        test = self.symbolic(expr.test)
        if test is None or not test.variables():
            return symbol.plain(value) if test is None else value
        parts = self.symbolic(expr.then), test, self.symbolic(expr.other)
        whole = _applied("if", *parts)
        return symbol.traced(value, whole) if whole is not None else symbol.plain(value)

    def _call(self, expr: syntax.CallExpr) -> Any:
        name = expr.function.id
        if name not in FUNCTIONS:
            raise self._no_function(expr)
        least, most = FUNCTIONS[name]
        if len(expr.args) < least or (most is not None and len(expr.args) > most):
            raise fault("A306", f"`{name}` takes {least} value{'s' * (most is None)}", expr.span)
        values = tuple(self.value(arg) for arg in expr.args)
        if len(values) == 1 and isinstance(values[0], tuple) and name in ("min", "max", "len"):
            return self._of_list(name, values[0], expr.span)
        for value, arg in zip(values, expr.args, strict=True):
            _need_number(value, arg.span)
        return self._compute(name, values, expr.span)

    def _of_list(self, name: str, items: tuple[Any, ...], span: Span) -> Any:
        """`len(widths)`, and the least or largest number of a list."""
        if name != "len":
            self.work.spend(ITEM * len(items), span)
            return self._compute(name, items, span)
        length = symbol.FunctionCall("len", (symbol.expr_of(items),))
        traced = symbol.is_traced(items)
        return symbol.traced(len(items), symbol.Expr((((length,), 1),))) if traced else len(items)

    def _no_function(self, expr: syntax.CallExpr) -> Fault:
        name = expr.function.id
        cure: Fix | str | None = spelling(name, FUNCTIONS, expr.function.span)
        cure = cure or f"there are {', '.join(FUNCTIONS)}"
        if name in REGISTRY or isinstance(self.env.get(name), Applicable):
            what = "a block" if isinstance(self.env.get(name), BlockValue) else "an operator"
            hint = f"{what} is handed on by its name alone: `{name}`"
            cure = Fix(hint, expr.span, name, safe=not expr.args)
        elif name == "range" and expr.args:
            first, last = ["0", *(arg.span.text for arg in expr.args[:2])][-2:]
            end = str(int(last) - 1) if last.isdigit() else f"{last} - 1"
            hint = f"both ends of a range are in it: `{first}..{end}`"
            cure = Fix(hint, expr.span, f"{first}..{end}", safe=len(expr.args) < 3)
        return fault("A102", f"there is no function `{name}`", expr.function.span, cure)

    def _compute(self, op: str, args: tuple[Any, ...], span: Span) -> Any:
        try:
            value = symbol.combine(op, *args)
        except ZeroDivisionError:
            raise fault("A308", "this divides by zero", span) from None
        except (OverflowError, ValueError, TypeError) as error:
            raise fault("A308", f"this cannot be computed: {error}", span) from None
        if isinstance(value, int | float) and not -_LARGEST < value < _LARGEST:
            raise fault("A308", "this number is too large", span)
        return value


def _applied(op: str, *args: symbol.Expr | None) -> symbol.Expr | None:
    known = [arg for arg in args if arg is not None]
    if len(known) < len(args):
        return None
    if op in ("+", "-", "*"):
        combined: dict[str, Callable[..., symbol.Expr]] = {
            "+": symbol.add,
            "-": lambda a, b: symbol.add(a, symbol.scale(b, -1)),
            "*": symbol.multiply,
        }
        return combined[op](*known)
    if op in ("and", "or"):
        left, right = known
        if left.constant is not None:  # `1 > 1 or stride != 1`
            return right if bool(left.constant) == (op == "and") else left
    constants = [arg.constant for arg in known]
    if None not in constants and op in COMPARISONS:
        return symbol.const(bool(symbol.function(op)(*constants)))
    return symbol.Expr((((symbol.FunctionCall(op, tuple(known)),), 1),))


def _need_number(value: Any, span: Span) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise fault("A309", f"a number is needed here, not {describe(value)}", span)


def _inside(span: Span, name: str) -> Span:
    """The name alone: an expression's span has the brackets around it."""
    at = span.start + span.text.find(name)
    return Span(span.source, at, at + len(name))


def _divided(expr: syntax.Expr, hint: str) -> Fix | str:
    """The cure of a fraction: `//` where there is one division, else in words."""
    text = expr.span.text
    if text.count("/") != 1:
        return hint
    return Fix(hint, expr.span, text.replace("/", "//"))


def _counted(items: tuple[Any, ...]) -> tuple[int, int]:
    """How many numbers a list has in it, and how many lists."""
    numbers = lists = 0
    for item in items:
        if isinstance(item, tuple):
            inner = _counted(item)
            numbers, lists = numbers + inner[0], lists + 1 + inner[1]
        else:
            numbers += 1
    return numbers, lists


def describe(value: Any) -> str:
    """A value in the user's words."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return "a text"
        case tuple():
            return "a list"
        case BlockValue():
            return f"the block `{value.tree.name.id}`"
        case OperatorValue():
            return f"the operator `{value.name}`"
        case _:
            return f"{value:g}" if isinstance(value, float) else str(value)
