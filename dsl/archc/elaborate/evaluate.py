"""Expressions of a file to values: numbers (traced), texts, lists, truth and blocks."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Hashable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from archc import symbolic as symbol
from archc import syntax
from archc.elaborate import lists
from archc.elaborate.values import computed, describe, need_number
from archc.elaborate.work import ITEM, Suppressed, WorkLimit, size_of
from archc.ops import REGISTRY, Shape
from archc.plan import Applicable, BlockValue, Decision, OperatorValue
from archc.source import Fault, Fix, Span, fault, spelling
from archc.syntax.walk import asks_size

FUNCTIONS = {  # fewest and most arguments
    "min": (1, None),
    "max": (1, None),
    **dict.fromkeys(("floor", "ceil", "round", "abs", "len"), (1, 1)),
    **dict.fromkeys(("sum", "enumerate"), (1, 1)),
    "zip": (1, None),
}
_OF_LISTS = frozenset(("len", "sum", "enumerate", "zip"))
COMPARISONS = frozenset(("==", "!=", "<", "<=", ">", ">="))


@dataclass(frozen=True, slots=True)
class Condition:
    """What `let` calls something true or false, with what that hangs on."""

    value: bool
    expr: symbol.Expr | None


@dataclass(frozen=True, slots=True)
class NoValue:
    """What `let` calls something that has no value here: a mistake, which is told where it stands.

    `asks` where it has one among the network's statements, since it asks a tensor.
    """

    asks: bool = False


@dataclass(slots=True)
class Decisions:
    """What tests in expressions came to; `sized` names sizes that are not traced."""

    made: list[Decision] = field(default_factory=list)
    sized: frozenset[str] = frozenset()

    def add(
        self, of: syntax.Expr | syntax.Operation, outcome: Hashable, test: symbol.Expr | None
    ) -> None:
        """Unless it is the same whatever the params are."""
        if test is not None and not test.variables():
            if not asks_size(of, self.sized):
                return
            test = None
        self.made.append(Decision(of.span, outcome, test))


class Evaluator:
    """Evaluates the expressions of one place: its names, and the tensor that comes in.

    `tensors` gives the shapes of labels, where there are any to ask; `decisions` takes what its
    tests come to.
    """

    def __init__(
        self,
        env: Mapping[str, Any],
        incoming: Shape | None,
        work: WorkLimit | None = None,
        tensors: Callable[[syntax.Reference], Shape] | None = None,
        decisions: Decisions | None = None,
    ) -> None:
        self.env = env
        self.incoming = incoming
        self.work = work or WorkLimit()
        self.tensors = tensors
        self.decisions = decisions or Decisions()
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
            case syntax.Slice():
                return self._slice(expr)
            case syntax.Comprehension():
                return self._by_rule(expr)
            case syntax.SizeOf():
                return self._fact(expr)
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
        need_number(value, expr.span)
        return value

    def named(self, expr: syntax.Expr) -> Any:
        """The value, as a name for it has it: one that is true or false keeps its expression."""
        value = self.value(expr)
        return Condition(value, self.symbolic(expr)) if isinstance(value, bool) else value

    def within(self, names: Mapping[str, Any]) -> Evaluator:
        """This one where more names are known."""
        env = ChainMap(dict(names), self.env)  # type: ignore[arg-type]
        return type(self)(env, self.incoming, self.work, self.tensors, self.decisions)

    def integer(
        self, expr: syntax.Expr, what: str | Callable[[], str], least: int | None = None
    ) -> Any:
        """A whole number. Raises Fault with what it came to, and what it is."""
        value = self.number(expr)
        if isinstance(value, float):
            if not value.is_integer():
                hint = "round it: `floor(...)`, `ceil(...)`, or divide with `//`"
                named = what() if callable(what) else what
                title = f"{named} must be a whole number, not {value:g}"
                raise fault("A305", title, expr.span, _divided(expr, hint))
            value = symbol.combine("floor", value)
        if least is not None and value < least:
            named = what() if callable(what) else what
            raise fault("A303", f"{named} must be at least {least}, not {value}", expr.span)
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
            case syntax.Name() if isinstance(self.env.get(expr.id), Condition):
                return self.env[expr.id].expr  # type: ignore[no-any-return]
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
            found = self.env[expr.id]
            if isinstance(found, NoValue):
                raise _asks_tensor(expr) if found.asks else Suppressed
            return found.value if isinstance(found, Condition) else found
        if expr.id in REGISTRY:
            return OperatorValue(REGISTRY[expr.id].name)
        if self._is_tensor(expr):
            asked = f"@{expr.id}.c"
            channels = Fix(f"its channels are `{asked}`", _inside(expr.span, expr.id), asked)
            raise fault("A309", f"`{expr.id}` is a tensor, not a number", expr.span, channels)
        cure = spelling(expr.id, self.env, _inside(expr.span, expr.id))
        if cure is None and expr.id in syntax.SIZES:
            hint, meant = f"the incoming tensor's is `in.{expr.id}`", f"in.{expr.id}"
            cure = Fix(hint, _inside(expr.span, expr.id), meant, safe=True)
        title = f"`{expr.id}` is not a parameter or a loop's name here"
        raise fault("A102", title, expr.span, cure)

    def _is_tensor(self, expr: syntax.Name) -> bool:
        """Whether a label has that name."""
        try:
            return self.tensors is not None and bool(
                self.tensors(syntax.Reference((expr.id,), expr.span))
            )
        except Suppressed:
            return True
        except Fault:
            return False

    def _incoming(self, expr: syntax.Incoming) -> Any:
        if expr.field not in syntax.SIZES:
            known = ", ".join(f"`in.{f}`" for f in syntax.SIZES)
            raise fault("A109", f"a tensor has no `{expr.field}`", expr.span, f"there are {known}")
        if self.incoming is None:
            raise fault("A404", f"there is no tensor here for `in.{expr.field}` to ask", expr.span)
        return _size(self.incoming, expr.field, "in", expr.span)

    def _fact(self, expr: syntax.SizeOf) -> Any:
        if self.tensors is None:
            raise fault("A404", "there are no labels here to ask", expr.tensor.span)
        return _size(self.tensors(expr.tensor), expr.field, expr.tensor.span.text, expr.span)

    def _list(self, expr: syntax.ListExpr) -> tuple[Any, ...]:
        return self._bounded(tuple(self.value(item) for item in expr.items), expr.span)

    def _by_rule(self, expr: syntax.Comprehension) -> tuple[Any, ...]:
        passes = self.passes(expr.targets, expr.over)
        items = tuple(self.within(names).value(expr.item) for names in passes)
        return self._bounded(items, expr.span)

    def passes(
        self, targets: tuple[syntax.Target, ...], over: syntax.Over
    ) -> Iterator[dict[str, Any]]:
        """What the names of `each` or of a list by a rule stand for, pass by pass. Raises Fault."""
        names = [name.id for name in syntax.names_of(targets)]
        for item in self._gone_through(over):
            values = lists.unpacked(targets, item, over.span)
            self.work.spend(sum(map(size_of, values)), over.span)
            yield dict(zip(names, values, strict=True))

    def _gone_through(self, over: syntax.Over) -> tuple[Any, ...]:
        """The items of `1..n`, or of a list."""
        if over.stop is None:
            listed = self.value(over.start)
            if not isinstance(listed, tuple):
                raise lists.no_list(listed, over.start.span)
            return listed
        start = self.integer(over.start, "a loop's start")
        stop = self.integer(over.stop, "a loop's end")
        if stop - start >= lists.LONGEST:
            raise fault("A308", f"a list may have {lists.LONGEST:,} numbers at most", over.span)
        for end in (start, stop):
            if symbol.is_traced(end):
                self.decisions.add(over.start, symbol.plain(end), symbol.expr_of(end))
        return tuple(symbol.combine("+", start, k) for k in range(stop - start + 1))

    def _bounded(self, items: tuple[Any, ...], span: Span) -> tuple[Any, ...]:
        """A list that was written. Raises Fault for one that is too long."""
        numbers, inner = _counted(items)
        self.work.spend(numbers + inner, span)
        if numbers > lists.LONGEST:  # a block that calls itself may double it again and again
            raise fault("A308", f"a list may have {lists.LONGEST:,} numbers at most", span)
        if inner > lists.LONGEST:
            raise fault("A308", f"a list may have {lists.LONGEST:,} lists in it at most", span)
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
        if symbol.is_traced(at) and not (isinstance(item, bool) or symbol.is_traced(base)):
            self.decisions.add(expr.index, symbol.plain(at), symbol.expr_of(at))
        if isinstance(item, int | float) and not isinstance(item, bool) and symbol.is_traced(at):
            where = symbol.FunctionCall("[]", (symbol.expr_of(base), symbol.expr_of(at)))
            if symbol.is_traced(base):
                return symbol.traced(item, symbol.Expr((((where,), 1),)))
        return item

    def _slice(self, expr: syntax.Slice) -> Any:
        base = self.value(expr.base)
        start, stop = (
            None if end is None else self.integer(end, "an end of a part")
            for end in (expr.start, expr.stop)
        )
        self.work.spend(size_of(base), expr.span)
        for end in (start, stop):
            if symbol.is_traced(end):
                self.decisions.add(expr, symbol.plain(end), symbol.expr_of(end))
        return lists.sliced(base, start, stop, expr.base.span)

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
        return computed(expr.op, (left, right), expr.span)

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
        if not isinstance(value, bool):
            test = self.symbolic(expr.test)
            self.decisions.add(expr.test, taken, test)
            if isinstance(value, int | float):
                value = self._traced_choice(expr, value, test)
        self._conditionals[id(expr)] = value
        return value

    def _traced_choice(self, expr: syntax.Conditional, value: Any, test: symbol.Expr | None) -> Any:
        """The number taken, remembering the whole expression if the test hangs on anything."""
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
        if name in _OF_LISTS:
            for value, arg in zip(values, expr.args, strict=True):
                if not isinstance(value, tuple):
                    title = f"`{name}` takes a list, not {describe(value)}"
                    raise fault("A309", title, arg.span)
            return self._of_lists(name, values, expr.span)
        if len(values) == 1 and isinstance(values[0], tuple) and name in ("min", "max"):
            self.work.spend(ITEM * len(values[0]), expr.span)
            return computed(name, values[0], expr.span)
        for value, arg in zip(values, expr.args, strict=True):
            need_number(value, arg.span)
        return computed(name, values, expr.span)

    def _of_lists(self, name: str, values: tuple[Any, ...], span: Span) -> Any:
        """`len(widths)`, `sum(depths)`, `enumerate(widths)`, `zip(widths, depths)`."""
        self.work.spend(sum(map(size_of, values)), span)
        if name == "zip":
            return lists.zipped(values, span)
        (items,) = values
        if name == "sum":
            return lists.total(items, span)
        if name == "enumerate":
            return lists.numbered(items)
        if not symbol.is_traced(items):
            return len(items)
        return symbol.traced(len(items), symbol.called("len", (symbol.expr_of(items),)))

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


class UnknownIncoming(Evaluator):
    """Evaluates where the incoming shape is unknown: whatever asks for it stays quiet."""

    def _incoming(self, expr: syntax.Incoming) -> Any:
        raise Suppressed


def of_defaults(
    block: BlockValue,
    values: MutableMapping[str, Any],
    tensors: Mapping[str, Shape | None],
    work: WorkLimit | None = None,
    decisions: Decisions | None = None,
) -> Evaluator:
    """Return what evaluates defaults of a block's parameters.

    They may use the parameters before, which are in `values` by then, and ask the block's
    `tensors`: `in`, and those that are handed over; one is None after a mistake.
    """

    def shape_of(reference: syntax.Reference) -> Shape:
        name = reference.fixed or ""
        if name in tensors and not reference.members:
            shape = tensors[name]
            if shape is None:
                raise Suppressed
            return shape
        known = ", ".join(f"`@{tensor}.c`" for tensor in tensors)
        title = f"a default may ask the block's own tensors, not `{reference.span.text}`"
        raise fault("A103", title, reference.span, f"there are {known}")

    home = block.home
    env = ChainMap(values, home.constants, home.lets, home.blocks)
    kind = UnknownIncoming if tensors["in"] is None else Evaluator
    return kind(env, tensors["in"], work, shape_of, decisions)


def _asks_tensor(expr: syntax.Name) -> Fault:
    """The mistake of a block that takes what a `let` of the network asks a tensor for."""
    title = f"`{expr.id}` asks a tensor of the network, and is not known inside of blocks"
    cure = f"hand it to the block: add a parameter `{expr.id}`, and `{expr.id}` to its calls"
    return fault("A102", title, expr.span, cure)


def _size(shape: Shape, field: str, of: str, span: Span) -> Any:
    """A size of a tensor that an expression asks for. Raises Fault."""
    if field == "c":
        return shape.channels
    if field == "features":
        return shape.features
    place = {"w": 1, "h": 2, "d": 3}[field]
    if place > shape.rank:
        raise fault(
            "A109",
            f"a tensor of {shape} has no `{of}.{field}`",
            span,
            f"`{of}.w` is the last size, `{of}.h` the one before, `{of}.d` the one before that",
        )
    return shape.size[-place]


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
    constants = [arg.constant for arg in known]
    if None not in constants and op in COMPARISONS:
        return symbol.const(bool(symbol.function(op)(*constants)))
    return symbol.called(op, tuple(known))


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
