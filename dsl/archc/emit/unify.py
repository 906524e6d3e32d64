"""One class for several instances: numbers as Python expressions that are right in all of them.

A lane is one instance of a class, or one iteration of a loop in one instance. What is equal in
all lanes is a literal; what differs must be an expression over the class's arguments and loop
indices that gives the right number in every lane, or else an argument of its own, which whoever
makes the object knows. Where that cannot be, as in a loop, it is `NotUnifiable` and the caller
falls back: write the loop out, or more classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from archc import symbolic
from archc.emit.candidates import Candidates
from archc.emit.instances import (
    Extra,
    Lane,
    agree,
    distinct,
    is_right,
    known_outside,
    other_value,
)
from archc.emit.values import (
    ANY,
    Factory,
    NotUnifiable,
    Truth,
    bare,
    literal,
    module_class,
    same,
    same_trace,
)
from archc.symbolic import Expr

_LONGEST_TEST = 96  # characters of a condition whose names are `argument`: what anyone would write
_AXES = ((), ("",), ("_h", "_w"), ("_d", "_h", "_w"))  # what tells the numbers of a window apart


class ExprWriter(Candidates):
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
        super().__init__(fixed)
        self.open = open_
        self.used: set[str] = set()
        self.extras: dict[str, Extra] | None = None  # None where nobody could hand them over
        self.taken: set[str] = set()  # names that no extra argument may have

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
        first = values[0]
        if type(first) is int and all(type(v) is int and v == first for v in values):
            return str(first)  # untraced, as most are
        if ANY in values:
            known = [(v, lane) for v, lane in zip(values, lanes, strict=True) if v is not ANY]
            if not known:
                return "0"
            values, lanes = [v for v, _ in known], [lane for _, lane in known]
        first = values[0]
        if any(isinstance(v, tuple) for v in values):
            return self._tuple(values, lanes, hint)
        equal = all(type(bare(v)) is type(bare(first)) and same(v, first) for v in values)
        truths = any(isinstance(v, Truth | bool) for v in values)
        if any(isinstance(v, Factory) for v in values):
            return self._factory(values, lanes)
        if equal and not truths and not any(map(symbolic.is_traced, values)):
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
        for expr in distinct([value.expr for value in values]):
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
            raise NotUnifiable(f"no expression gives {[bare(v) for v in values[:6]]}")
        found: dict[int, Any] = {}
        for value, lane in zip(values, lanes, strict=True):
            value = known_outside(value, lane)
            if not same(found.setdefault(lane.key, value), value):
                raise NotUnifiable("a number that differs by iteration")
        for extra in self.extras.values():
            both = extra.values.keys() & found.keys()
            if both and all(same_trace(extra.values[key], found[key]) for key in both):
                extra.values |= found
                return symbolic.var(extra.variable)
        name, number = hint, 2
        while name in self.taken:
            name, number = f"{hint}{number}", number + 1
        self.taken.add(name)
        variable = f"+{name}"
        self.extras[variable] = Extra(variable, name, found)
        return symbolic.var(variable)

    def render(self, expr: Expr) -> str:
        self.used |= expr.variables()
        return symbolic.render(expr, self.names)

    def _find(self, values: list[Any], lanes: list[Lane], everywhere: bool = False) -> Expr | None:
        """An expression that is right in every lane and, if `everywhere`, at other arguments."""
        for expr in self.candidates(values, lanes):
            if self._is_right(expr, values, lanes, everywhere):
                return expr
        return None

    def expression(self, values: list[Any], lanes: list[Lane]) -> Expr:
        """The expression of a number in every lane, without a further argument.

        Raises NotUnifiable.
        """
        found = self._find(values, lanes, everywhere=True)
        if found is None and len(set(values)) == 1 and not self._hangs_on_params(values):
            return symbolic.const(bare(values[0]))
        found = found or self._find(values, lanes)
        if found is None:
            raise NotUnifiable(f"no expression gives {[bare(v) for v in values[:6]]}")
        return found

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
        for expr in (*distinct(tests), *self._by_position(tests)):
            expr = self.inside(expr)
            right = is_right(expr, outcomes, lanes, truth=True)
            short = len(symbolic.render(expr, lambda _: "argument")) <= _LONGEST_TEST
            if right and short and self._stays_right(expr, tests, lanes, truth=True):
                return expr
        truths = [Truth(o, t) for o, t in zip(outcomes, tests, strict=True)]
        return self.extra(truths, lanes, hint)

    def _by_position(self, tests: list[Expr | None]) -> Iterator[Expr]:
        """`i == 0` and its like, where the tests themselves are not known."""
        yield from (asked.test for asked in self.choices)
        if self.open or all(test is not None and test.variables() for test in tests):
            return
        for index in (index for index in self.indices if index.variable):
            for sign, bound in (("==", 0), (">", 0), ("<", 2), (">", 1), ("<", 3), (">", 2)):
                args = (symbolic.var(index.variable), symbolic.const(bound))
                yield symbolic.Expr((((symbolic.FunctionCall(sign, args),), 1),))

    def may_flip(self, tests: list[Expr | None], lanes: list[Lane]) -> bool:
        """Whether conditions could come out differently at other values of the params."""
        for test, lane in zip(tests, lanes, strict=True):
            own = self.inside(test) if test is not None else None
            if own is None or not own.variables() & self.open:
                continue
            outcomes = {
                symbolic.outcome(own, env)
                for env in (lane.env, *self._elsewhere(lane, False, True))
            }
            if len(outcomes - {None}) > 1:
                return True
        return False

    def _hangs_on_params(self, values: list[Any]) -> bool:
        traced = (value for value in values if symbolic.is_traced(value))
        return any(self.inside(value.expr).variables() & self.open for value in traced)

    def _is_right(
        self, expr: Expr, values: list[Any], lanes: list[Lane], everywhere: bool = False
    ) -> bool:
        if not is_right(expr, values, lanes):
            return False
        truths = [symbolic.expr_of(v) for v in values]
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
            asked = [a.test for a in self.choices if a.test != expr and a.is_reached(lane)]
            path = [(test, symbolic.outcome(test, lane.env)) for test in asked]
            for env in self._elsewhere(lane, everywhere):
                if any(symbolic.outcome(test, env) is not was for test, was in path):
                    continue  # there it would have come about in another way
                if not agree(own, expr, env, truth):
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
                name: other_value(value, factor, more + at)
                for at, (name, value) in enumerate(numbers.items())
                if flags or not isinstance(value, bool)
            }
            yield {**lane.env, **changed}

    def identity(self, value: Any) -> Any:
        """Equal for values that are equal whatever the arguments are."""
        if isinstance(value, tuple) and not symbolic.is_traced(value):
            return tuple(map(self.identity, value))
        return (value, self.inside(value.expr)) if symbolic.is_traced(value) else value

    def number_in_name(self, numbers: list[int], lanes: list[Lane]) -> Expr:
        """A number at the end of names, which only loops may count. Raises NotUnifiable."""
        exprs = [symbolic.const(number) for number in numbers]
        for expr in (*self.by_names(numbers, lanes), *self.by_iteration(exprs, lanes, least=1)):
            if is_right(expr, numbers, lanes):
                return expr
        raise NotUnifiable("names that no loop counts")

    def _tuple(self, values: list[Any], lanes: list[Lane], hint: str) -> str:
        if any(isinstance(v, symbolic.TracedList) for v in values):
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
        plain = [symbolic.plain(v) for v in values]
        for expr in distinct([self.inside(symbolic.expr_of(v)) for v in values]):
            if expr.variables() and is_right(expr, plain, lanes):
                return self.render(expr)
        if any(value != plain[0] for value in plain):
            return self.render(self.extra(plain, lanes, hint))
        return literal(plain[0])
