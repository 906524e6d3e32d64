"""One class for several instances: numbers as Python expressions that are right in all of them.

A lane is one instance of a class, or one iteration of a loop in one instance. What is equal in
all lanes is a literal; what differs must be an expression over the class's arguments and loop
indices that gives the right number in every lane, or the attempt is `NotUnifiable` and the caller
falls back: unroll the loop, or split the class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache
from math import isclose
from typing import Any

from archc import symbol
from archc.ops import REGISTRY, Shape
from archc.plan import Applicable, OperatorValue
from archc.symbol import Expr

_LONGEST_TEST = 96  # characters of a condition whose names are `argument`: what anyone would write
_LONGEST = 48  # nodes of an expression that anyone would write
ANY = object()  # a value that an instance has no use for
# what an expression raises where it has no value
_NO_VALUE = (KeyError, ZeroDivisionError, TypeError, IndexError, OverflowError, ValueError)


class NotUnifiable(Exception):
    """No expression is right in every lane."""


@dataclass(frozen=True)
class Lane:
    """The numbers that expressions may use: parameters, `in.c` ..., loop names and indices."""

    instance: int
    env: dict[str, Any]
    made: int = -1  # which of the objects of the class; an instance may make several of one
    inner: frozenset[str] = frozenset()  # what only the inside of a loop knows
    running: Expr | None = None  # of the channels that the constructor counts as it goes

    def with_(self, **more: Any) -> Lane:
        """The lane within an iteration, which knows more."""
        inner = self.inner | {name for name in more if name != "#c"}
        return replace(self, env={**self.env, **more}, inner=inner)

    def carrying(self, channels: Any) -> Lane:
        """The lane where `in_channels` has been set to the channels that flow there."""
        env = {name: value for name, value in self.env.items() if name != "in.c"}
        env["#c"] = symbol.plain(channels)
        return replace(self, env=env, running=symbol.expr_of(channels))

    @property
    def key(self) -> int:
        return self.instance if self.made < 0 else self.made


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


@dataclass
class Extra:
    """A constructor argument that no parameter of the block stands for: its value in each object.

    Taken where the class's own arguments do not say a number; whoever makes the object knows it.
    """

    variable: str
    name: str
    values: dict[int, Any]

    @property
    def type(self) -> str:
        kinds = {type(_bare(value)).__name__ for value in self.values.values()}
        return "float" if kinds == {"int", "float"} else " | ".join(sorted(kinds))


@dataclass(frozen=True)
class Index:
    """A loop's index while its body is written.

    `variable` counts iterations from 0 in expressions ("" in a loop written out); `author` maps
    the file's own loop names to expressions over it.
    """

    variable: str
    python: str
    author: dict[str, Expr] = field(default_factory=dict)


class ExprWriter:
    """Writes numbers of one class; remembers which variables the constructor must have.

    What all instances agree on is `fixed`; the other variables are constructor arguments. An
    expression over those should stay right at values that no lane has, so that the class means
    what its arguments say; where they are `open`, because the network's params change them, it
    must.
    """

    def __init__(
        self,
        names: Callable[[str], str],
        fixed: dict[str, Expr],
        open_: frozenset[str] = frozenset(),
    ) -> None:
        self.names = names
        self.fixed = fixed
        self.open = open_
        self.used: set[str] = set()
        self.indices: list[Index] = []
        self.choices: list[Expr] = []  # the tests of the `if`s so far: a trace holds on its path
        self.extras: dict[str, Extra] | None = None  # None where nobody could hand them over
        self.taken: set[str] = set()  # names that no extra argument may have
        self.entered = False  # a combinator in a place: `in.c` is its own, `#in` in the lanes' env
        self.carried = False  # a running channel count is kept: `#c` in the lanes' env

    def keep(self) -> Callable[[], None]:
        """Remember the further arguments; gives what brings them back."""
        known = {n: dict(e.values) for n, e in (self.extras or {}).items()}
        taken = set(self.taken)

        def restore() -> None:
            self.taken = taken
            if self.extras is not None:
                self.extras = {n: replace(self.extras[n], values=v) for n, v in known.items()}

        return restore

    def value(self, values: list[Any], lanes: list[Lane], hint: str = "size") -> str:
        """Python source for a value that each lane has one of. Raises NotUnifiable.

        `hint` is a name for the argument that it may become.
        """
        if ANY in values:
            known = [(v, lane) for v, lane in zip(values, lanes, strict=True) if v is not ANY]
            if not known:
                return "0"
            values, lanes = [v for v, _ in known], [lane for _, lane in known]
        first = values[0]
        if any(isinstance(v, tuple) for v in values):
            return self._tuple(values, lanes, hint)
        equal = all(type(_bare(v)) is type(_bare(first)) and _same(v, first) for v in values)
        truths = any(isinstance(v, Truth | bool) for v in values)
        if any(isinstance(v, Factory) for v in values):
            return self._factory(values, lanes)
        if equal and not truths and not any(map(symbol.is_traced, values)):
            return literal(first)
        if truths:
            return self._truth(values, lanes, hint)
        if any(isinstance(v, str) or v is None for v in values):
            return self.render(self.extra(values, lanes, hint))
        expr = self._find(values, lanes, everywhere=True)
        if expr is None and equal and not self._hangs_on_params(values):
            return literal(first)
        expr = expr or self._find(values, lanes)
        return self.render(expr or self.extra(values, lanes, hint))

    def _factory(self, values: list[Factory], lanes: list[Lane]) -> str:
        """`nn.ReLU`, or the argument that says which."""
        operators = [value.operator for value in values]
        for expr in _distinct([value.expr for value in values]):
            if expr.variables() and is_right(self.inside(expr), operators, lanes):
                return self.render(self.inside(expr))
        made = module_class(operators[0]) if len(set(operators)) == 1 else None
        if made is None:
            raise NotUnifiable("operators that differ")
        return made

    def _truth(self, values: list[Any], lanes: list[Lane], hint: str) -> str:
        """True, False or the condition that says which."""
        truths = [v if isinstance(v, Truth) else Truth(bool(v), None) for v in values]
        outcomes, tests = [t.value for t in truths], [t.expr for t in truths]
        constant = all(t is None or self.inside(t).constant is not None for t in tests)
        if len(set(outcomes)) == 1 and (constant or not self.may_flip(tests, lanes)):
            return repr(outcomes[0])
        return self.test(tests, outcomes, lanes, hint)

    def extra(self, values: list[Any], lanes: list[Lane], hint: str) -> Expr:
        """A further constructor argument, of the value that each object has.

        Raises NotUnifiable where nobody could hand it over, or where it differs within one.
        """
        if self.extras is None:
            raise NotUnifiable(f"no expression gives {[_bare(v) for v in values[:6]]}")
        found: dict[int, Any] = {}
        for value, lane in zip(values, lanes, strict=True):
            value = _known_outside(value, lane)
            if not _same(found.setdefault(lane.key, value), value):
                raise NotUnifiable("a number that differs by iteration")
        for extra in self.extras.values():
            both = extra.values.keys() & found.keys()
            if both and all(_same_trace(extra.values[key], found[key]) for key in both):
                extra.values |= found
                return symbol.var(extra.variable)
        name, number = hint, 2
        while name in self.taken:
            name, number = f"{hint}{number}", number + 1
        self.taken.add(name)
        variable = f"+{name}"
        self.extras[variable] = Extra(variable, name, found)
        return symbol.var(variable)

    def render(self, expr: Expr) -> str:
        self.used |= expr.variables()
        return symbol.render(expr, self.names)

    def _find(self, values: list[Any], lanes: list[Lane], everywhere: bool = False) -> Expr | None:
        """An expression that is right in every lane and, if `everywhere`, at other arguments."""
        for expr in self._candidates(values, lanes):
            if self._is_right(expr, values, lanes, everywhere):
                return expr
        return None

    def test(
        self,
        tests: list[Expr | None],
        outcomes: list[bool],
        lanes: list[Lane],
        hint: str = "extended",
    ) -> str:
        """A condition that comes out as in every lane. Raises NotUnifiable."""
        return self.render(self.condition(tests, outcomes, lanes, hint))

    def condition(
        self, tests: list[Expr | None], outcomes: list[bool], lanes: list[Lane], hint: str
    ) -> Expr:
        """The expression of a condition that comes out as in every lane.

        Raises NotUnifiable where there is none, and no argument can say it either.
        """
        for expr in (*_distinct(tests), *self._by_position(tests)):
            expr = self.inside(expr)
            right = is_right(expr, outcomes, lanes, truth=True)
            short = len(symbol.render(expr, lambda _: "argument")) <= _LONGEST_TEST
            if right and short and self._stays_right(expr, tests, lanes, truth=True):
                return expr
        truths = [Truth(o, t) for o, t in zip(outcomes, tests, strict=True)]
        return self.extra(truths, lanes, hint)

    def _by_position(self, tests: list[Expr | None]) -> Iterator[Expr]:
        """`i == 0` and its like, where the tests themselves are not known."""
        yield from self.choices
        if self.open or all(test is not None and test.variables() for test in tests):
            return
        for index in (index for index in self.indices if index.variable):
            for sign, bound in (("==", 0), (">", 0), ("<", 2), (">", 1), ("<", 3), (">", 2)):
                args = (symbol.var(index.variable), symbol.const(bound))
                yield symbol.Expr((((symbol.Apply(sign, args),), 1),))

    def may_flip(self, tests: list[Expr | None], lanes: list[Lane]) -> bool:
        """Whether conditions could come out differently at other values of the params."""
        for test, lane in zip(tests, lanes, strict=True):
            own = self.inside(test) if test is not None else None
            if own is None or not own.variables() & self.open:
                continue
            outcomes = {
                _outcome(own, env) for env in (lane.env, *self._elsewhere(lane, False, True))
            }
            if len(outcomes - {None}) > 1:
                return True
        return False

    # --- numbers that params change --------------------------------------------------------

    def _hangs_on_params(self, values: list[Any]) -> bool:
        traced = (value for value in values if symbol.is_traced(value))
        return any(self.inside(value.expr).variables() & self.open for value in traced)

    def _is_right(
        self, expr: Expr, values: list[Any], lanes: list[Lane], everywhere: bool = False
    ) -> bool:
        if not is_right(expr, values, lanes):
            return False
        truths = [symbol.expr_of(v) for v in values]
        return self._stays_right(expr, truths, lanes, everywhere=everywhere)

    def _stays_right(
        self,
        expr: Expr,
        truths: Sequence[Expr | None],
        lanes: list[Lane],
        truth: bool = False,
        everywhere: bool = False,
    ) -> bool:
        """Whether an expression also gives what each lane's own does where arguments differ."""
        if expr.variables() & {"#in", "#c"}:  # channels that are counted, whatever made them
            return not everywhere or lanes[0].running is not None
        if not self.open and not everywhere:
            return True
        for own, lane in zip(truths, lanes, strict=True):
            own = self.inside(own) if own is not None else expr
            names = own.variables() | expr.variables()
            if own == expr or not (names if everywhere else names & self.open):
                continue
            path = [(test, _outcome(test, lane.env)) for test in self.choices if test != expr]
            for env in self._elsewhere(lane, everywhere):
                if any(_outcome(test, env) is not was for test, was in path):
                    continue  # there it would have come about in another way
                if not _agree(own, expr, env, truth):
                    return False
        return True

    def _elsewhere(
        self, lane: Lane, everywhere: bool, flags: bool = False
    ) -> Iterator[dict[str, Any]]:
        """The lane's numbers changed; `flags` too, on which hangs how all else came about."""
        numbers = {
            name: value
            for name, value in lane.env.items()
            if isinstance(value, int | tuple)
            and not name.startswith("#")
            and (name in self.open or (everywhere and name not in self.fixed))
        }
        for factor, more in ((1, 1), (2, 3), (5, 2), (0, 1), (0, 2), (0, 4), (0, 7)):
            # each number in its own way, so that two that are equal by chance come apart
            changed = {
                name: _other_value(value, factor, more + at)
                for at, (name, value) in enumerate(numbers.items())
                if flags or not isinstance(value, bool)
            }
            yield {**lane.env, **changed}

    # --- candidates ----------------------------------------------------------------------

    def _candidates(self, values: list[Any], lanes: list[Lane]) -> Iterable[Expr]:
        yield from _by_running(values, lanes)
        exprs = [self.inside(symbol.expr_of(v)) for v in values]
        yield from (e for e in _distinct(exprs) if e.constant is None and e.size <= _LONGEST)
        yield from self._by_iteration(exprs, lanes)
        yield from self._by_case(exprs, values, lanes)
        if self.entered:
            yield from self._by_channels("#in", values, lanes)
        if self.carried:
            yield from self._by_channels("#c", values, lanes)

    def identity(self, value: Any) -> Any:
        """Equal for values that are equal whatever the arguments are."""
        if isinstance(value, tuple) and not symbol.is_traced(value):
            return tuple(map(self.identity, value))
        return (value, self.inside(value.expr)) if symbol.is_traced(value) else value

    def inside(self, expr: Expr | None) -> Expr:
        """The file's loop names as indices of the Python loop, what is fixed as numbers."""
        assert expr is not None
        known = dict(self.fixed)
        for index in self.indices:
            known |= index.author
        names = expr.variables()
        if not names & known.keys():
            return expr
        return symbol.substitute(expr, {name: known.get(name, symbol.var(name)) for name in names})

    def _by_iteration(self, exprs: list[Expr], lanes: list[Lane], least: int = 2) -> Iterable[Expr]:
        """`first + step * i`, and `first if i == 0 else rest`. Two points fit any line."""
        for index in reversed([index for index in self.indices if index.variable]):
            i = symbol.var(index.variable)
            pair = _first_two(exprs, lanes, index.variable)
            if pair is None:
                continue
            first, second = pair
            if any(lane.env.get(index.variable) == least for lane in lanes):
                step = symbol.add(second, symbol.scale(first, -1))
                yield symbol.add(first, symbol.multiply(i, step))
            is_first = symbol.Expr((((symbol.Apply("==", (i, symbol.const(0))),), 1),))
            later = (e for e, lane in zip(exprs, lanes, strict=True) if lane.env[index.variable])
            for rest in dict.fromkeys((second, *_distinct(later))):
                yield symbol.Expr((((symbol.Apply("if", (first, is_first, rest)),), 1),))

    def number_in_name(self, numbers: list[int], lanes: list[Lane]) -> Expr:
        """A number at the end of names, which only loops may count. Raises NotUnifiable."""
        exprs = [symbol.const(number) for number in numbers]
        for expr in (*self._by_names(numbers, lanes), *self._by_iteration(exprs, lanes, least=1)):
            if is_right(expr, numbers, lanes):
                return expr
        raise NotUnifiable("names that no loop counts")

    def _by_names(self, numbers: list[int], lanes: list[Lane]) -> Iterator[Expr]:
        """What loops call their items, a number more or less."""
        for name in sorted({name for lane in lanes for name in lane.inner}):
            found = [value for lane in lanes if isinstance(value := lane.env.get(name), int)]
            if len(found) == len(lanes):
                more = {n - value for n, value in zip(numbers, found, strict=True)}
                if len(more) == 1:
                    yield self.inside(symbol.add(symbol.var(name), symbol.const(more.pop())))

    def _by_case(
        self, exprs: list[Expr], values: list[Any], lanes: list[Lane], depth: int = 2
    ) -> Iterator[Expr]:
        """`width if stride > 1 else in_channels`: after an `if`, for a flag, for the first pass."""
        for test in self._cases(lanes):
            outcomes = [_outcome(test, lane.env) for lane in lanes]
            if {*outcomes} != {True, False}:
                continue
            arms = []
            for taken in (True, False):
                at = [k for k, outcome in enumerate(outcomes) if outcome is taken]
                some, own = [values[k] for k in at], [lanes[k] for k in at]
                inner = [exprs[k] for k in at]
                found = next((e for e in _distinct(inner) if is_right(e, some, own)), None)
                if found is None and depth > 1:
                    found = next(self._by_case(inner, some, own, depth - 1), None)
                if found is None:
                    break
                arms.append(found)
            if len(arms) == 2 and arms[0] != arms[1]:
                yield _conditional(arms[0], test, arms[1])

    def _cases(self, lanes: list[Lane]) -> Iterator[Expr]:
        """What values may be told apart by."""
        for index in reversed([index for index in self.indices if index.variable]):
            args = (symbol.var(index.variable), symbol.const(0))
            yield symbol.Expr((((symbol.Apply("==", args),), 1),))
        yield from reversed(self.choices)
        flags = (name for name, value in lanes[0].env.items() if isinstance(value, bool))
        yield from (symbol.var(name) for name in flags if name not in self.fixed)

    def _by_channels(self, name: str, values: list[Any], lanes: list[Lane]) -> Iterable[Expr]:
        """In terms of a number of channels that every lane has under that name."""
        channels = symbol.var(name)
        yield channels
        differences = {
            symbol.plain(v) - lane.env[name]
            for v, lane in zip(values, lanes, strict=True)
            if name in lane.env
        }
        if len(differences) == 1:
            yield symbol.add(channels, symbol.const(differences.pop()))
        for expr in _distinct([self.inside(symbol.expr_of(v)) for v in values]):
            if "in.c" in expr.variables():
                env = {name: symbol.var(name) for name in expr.variables()}
                yield symbol.substitute(expr, {**env, "in.c": channels})

    def _tuple(self, values: list[Any], lanes: list[Lane], hint: str) -> str:
        if any(isinstance(v, symbol.TracedList) for v in values):
            return self._list(values, lanes, hint)
        lengths = {len(v) for v in values if isinstance(v, tuple)}
        if len(lengths) > 1 or any(isinstance(v, str | bool | None) for v in values):
            raise NotUnifiable("sizes of several dimensions")
        (length,) = lengths
        rows = [v if isinstance(v, tuple) else (v,) * length for v in values]  # 3 is 3x3
        hints = _AXES[length] if 1 < length < len(_AXES) else ("",) * length
        parts = [
            self.value([row[at] for row in rows], lanes, f"{hint}{hints[at]}")
            for at in range(length)
        ]
        return f"({', '.join(parts)}{',' * (len(parts) == 1)})"

    def _list(self, values: list[Any], lanes: list[Lane], hint: str) -> str:
        """A list that was handed on as a whole: the argument, or a literal."""
        plain = [symbol.plain(v) for v in values]
        for expr in _distinct([self.inside(symbol.expr_of(v)) for v in values]):
            if expr.variables() and is_right(expr, plain, lanes):
                return self.render(expr)
        if any(value != plain[0] for value in plain):
            return self.render(self.extra(plain, lanes, hint))
        return literal(plain[0])


def variable(name: str, value: Any) -> Any:
    """A value that remembers the variable it stands for."""
    if isinstance(value, bool):
        return Truth(value, symbol.var(name))
    if isinstance(value, OperatorValue):
        return Factory(value, symbol.var(name))
    if isinstance(value, tuple):
        return symbol.relist(value, symbol.var(name))
    return symbol.traced(value, symbol.var(name))


def is_right(expr: Expr, values: list[Any], lanes: list[Lane], truth: bool = False) -> bool:
    """Whether the expression gives every lane's value."""
    for value, lane in zip(values, lanes, strict=True):
        try:
            found = symbol.evaluate(expr, lane.env)
        except _NO_VALUE:
            return False
        if truth:
            if bool(found) != value:
                return False
        elif isinstance(found, float) or isinstance(value, float):
            if not isclose(found, value, rel_tol=1e-12):
                return False
        elif found != symbol.plain(value):
            return False
    return True


_AXES = ((), ("",), ("_h", "_w"), ("_d", "_h", "_w"))  # what tells the numbers of a window apart


def _bare(value: Any) -> Any:
    if isinstance(value, Factory):
        return value.operator
    return value.value if isinstance(value, Truth) else symbol.plain(value)


def _same(a: Any, b: Any) -> bool:
    return bool(_bare(a) == _bare(b))


def _same_trace(a: Any, b: Any) -> bool:
    """Whether two values are equal, however they came about at other arguments, too."""
    if isinstance(a, Truth) and isinstance(b, Truth):
        return a == b
    return type(_bare(a)) is type(_bare(b)) and _same(a, b) and _trace(a) == _trace(b)


def _trace(value: Any) -> Expr | None:
    return value.expr if symbol.is_traced(value) else None


def _known_outside(value: Any, lane: Lane) -> Any:
    """A value without a trace that only the inside of a loop could follow."""
    if isinstance(value, Truth):
        known = value.expr is not None and _is_outside(value.expr, lane)
        return value if known else Truth(value.value, None)
    if symbol.is_traced(value) and not _is_outside(value.expr, lane):
        return symbol.plain(value)
    return value


def _is_outside(expr: Expr, lane: Lane) -> bool:
    names = expr.variables()
    return names <= lane.env.keys() and not names & lane.inner


def _other_value(value: Any, factor: int, more: int) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return (value + more) % 2 == 1
    if isinstance(value, tuple):
        return tuple(_other_value(item, factor, more) for item in value)
    return factor * value + more if isinstance(value, int) else value


def _by_running(values: list[Any], lanes: list[Lane]) -> Iterator[Expr]:
    """In terms of the channels that the constructor has counted up to there."""
    found = set()
    for value, lane in zip(values, lanes, strict=True):
        if lane.running is None:
            return
        minus = symbol.scale(lane.running, -1)
        found.add(symbol.add(symbol.expr_of(value), minus))
    more = found.pop()
    if not found and more.constant is not None:
        yield symbol.add(symbol.var("#c"), more)


def _outcome(test: Expr, env: dict[str, Any]) -> bool | None:
    """What a condition comes to; None where it comes to nothing."""
    try:
        return bool(symbol.evaluate(test, env))
    except _NO_VALUE:
        return None


def _agree(a: Expr, b: Expr, env: dict[str, Any], truth: bool) -> bool:
    """Whether two expressions have the same value; where one has none, nothing can be said."""
    try:
        x, y = symbol.evaluate(a, env), symbol.evaluate(b, env)
    except _NO_VALUE:
        return True
    if truth:
        return bool(x) == bool(y)
    return isclose(x, y, rel_tol=1e-12) if isinstance(x, int | float) else bool(x == y)


def _distinct(exprs: Iterable[Expr | None], most: int = 6) -> list[Expr]:
    found: dict[Expr, None] = {}
    for expr in exprs:
        if expr is not None:
            found.setdefault(expr)
        if len(found) >= most:
            break
    return list(found)


def _conditional(then: Expr, test: Expr, other: Expr) -> Expr:
    """`(4 if bottleneck else 1) * width`: what both have in common stands once."""
    match then.terms, other.terms:
        case ((p, a),), ((q, b),) if p == q and p:
            factor = symbol.Apply("if", (symbol.const(a), test, symbol.const(b)))
            return symbol.multiply(Expr((((factor,), 1),)), Expr(((p, 1),)))
        case _:
            return Expr((((symbol.Apply("if", (then, test, other)),), 1),))


def _first_two(exprs: list[Expr], lanes: list[Lane], variable: str) -> tuple[Expr, Expr] | None:
    """The expressions of the first two iterations, from an instance that has both."""
    first: dict[tuple[Any, ...], Expr] = {}
    for expr, lane in zip(exprs, lanes, strict=True):
        at = lane.env.get(variable)
        key = (
            lane.instance,
            *(v for k, v in lane.env.items() if k.startswith("#i") and k != variable),
        )
        if at == 0:
            first[key] = expr
        elif at == 1 and key in first:
            return first[key], expr
    return None


def literal(value: Any) -> str:
    """A number, text, truth, None or tuple of them as Python source. Raises NotUnifiable."""
    value = symbol.plain(value)
    if isinstance(value, OperatorValue) and (made := module_class(value)) is not None:
        return made
    if isinstance(value, Applicable):
        raise NotUnifiable("an operator or block among numbers")
    if isinstance(value, tuple):
        return f"({', '.join(map(literal, value))}{',' * (len(value) == 1)})"
    if isinstance(value, float):
        return _float(value)
    return repr(value).replace("'", '"') if isinstance(value, str) else repr(value)


def _float(value: float) -> str:
    """The number as a person would write it: 0.0375, 1e-6, 2 / 3."""
    if value.is_integer() and abs(value) < 1e15:
        return f"{value:.1f}"
    short = float(f"{value:.12g}")
    text = repr(short if isclose(short, value, rel_tol=1e-15) else value)
    if len(text) > 14:
        ratio = Fraction(value).limit_denominator(1000)
        if ratio.numerator / ratio.denominator == value:
            return f"{ratio.numerator} / {ratio.denominator}"
    return text.replace("e-0", "e-")
