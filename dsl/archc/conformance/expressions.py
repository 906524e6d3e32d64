"""Python expressions made ready to run on symbols: a closure each, of the kind archc writes."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from typing import Any, Protocol

from archc.conformance.objects import (
    BoundMethod,
    Code,
    Container,
    Frame,
    Instance,
    TensorSize,
    TorchName,
    Value,
)
from archc.conformance.problems import UnsupportedPython

_NUMBERS: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.BitOr: lambda a, b: (*_alternatives(a), *_alternatives(b)),
}
_TESTS: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}
_FUNCTIONS: dict[str, Any] = {
    "abs": abs,
    "all": all,
    "any": any,
    "bool": bool,
    "dict": dict,
    "enumerate": enumerate,
    "float": float,
    "int": int,
    "len": len,
    "list": list,
    "max": max,
    "min": min,
    "reversed": reversed,
    "round": round,
    "sorted": sorted,
    "str": str,
    "tuple": tuple,
    "zip": zip,
}
_MATH = {name: getattr(math, name) for name in ("ceil", "floor", "sqrt", "log2", "prod", "inf")}
_LARGEST_POWER = 4096  # bits
_LONGEST = 1_000_000  # passes of a loop


def _alternatives(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


class Runtime(Protocol):
    """What closures ask the run for: all that has to do with modules and tensors."""

    globals: dict[str, Any]

    def attribute(self, owner: Any, name: str) -> Any: ...
    def call(self, function: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any: ...
    def tensor_operation(self, symbol: str, left: Any, right: Any) -> Any: ...
    def index(self, owner: Any, key: Any) -> Any: ...
    def parent(self, frame: Frame) -> Any: ...

    line: int
    device: str


class Expressions:
    """Makes closures of expressions, for one run."""

    def __init__(self, run: Runtime) -> None:
        self.run = run

    def compile(self, node: ast.expr) -> Code:
        """Return a closure that works out an expression. Raises UnsupportedPython."""
        made = getattr(self, f"_{type(node).__name__}", None)
        if made is None:
            raise UnsupportedPython(f"`{ast.unparse(node)[:60]}` is not Python that archc writes",
                             node.lineno)  # fmt: skip
        code: Code = made(node)
        return code

    def _Constant(self, node: ast.Constant) -> Code:
        value = node.value
        return lambda frame: value

    def _Name(self, node: ast.Name) -> Code:
        name, run, line = node.id, self.run, node.lineno

        def look(frame: Frame) -> Any:
            if name in frame:
                return frame[name]
            if name in run.globals:
                return run.globals[name]
            if name in _FUNCTIONS:
                return _FUNCTIONS[name]
            raise UnsupportedPython(f"the name `{name}` has no value", line)

        return look

    def _Attribute(self, node: ast.Attribute) -> Code:
        name, run, line = node.attr, self.run, node.lineno
        if isinstance(node.value, ast.Name) and node.value.id in ("nn", "torch", "F"):
            known = TorchName(f"{node.value.id}.{name}")
            return lambda frame: known
        if isinstance(node.value, ast.Name) and node.value.id == "math":
            if name not in _MATH:
                raise UnsupportedPython(f"`math.{name}` is nothing that archc writes", line)
            function = _MATH[name]
            return lambda frame: function
        owner = self.compile(node.value)

        def get(frame: Frame) -> Any:
            found = owner(frame)
            run.line = line
            return run.attribute(found, name)

        return get

    def _Call(self, node: ast.Call) -> Code:
        run, line = self.run, node.lineno
        if isinstance(node.func, ast.Name) and node.func.id == "super":
            return run.parent
        if isinstance(node.func, ast.Name) and node.func.id == "range":
            return self._range(node)
        function = self.compile(node.func)
        arguments = self._arguments(node.args)
        named = [(k.arg, self.compile(k.value)) for k in node.keywords]

        def call(frame: Frame) -> Any:
            called = function(frame)
            values = tuple(arguments(frame))
            keywords: dict[str, Any] = {}
            for name, code in named:
                if name is None:
                    keywords.update(code(frame))
                else:
                    keywords[name] = code(frame)
            run.line = line
            return run.call(called, values, keywords)

        return call

    def _range(self, node: ast.Call) -> Code:
        codes = [self.compile(argument) for argument in node.args]
        line = node.lineno

        def count(frame: Frame) -> range:
            try:
                found = range(*(code(frame) for code in codes))
            except TypeError as error:
                raise UnsupportedPython(f"`range` would fail: {error}", line) from None
            if len(found) > _LONGEST:
                raise UnsupportedPython(f"a loop of {len(found):,} passes", line)
            return found

        return count

    def _arguments(self, nodes: list[ast.expr]) -> Callable[[Frame], list[Any]]:
        """Arguments by place; mostly none is starred, and they are only worked out."""
        if any(isinstance(node, ast.Starred) for node in nodes):
            return self._items(nodes)
        codes = [self.compile(node) for node in nodes]  # each once: calls nest
        return lambda frame: [code(frame) for code in codes]

    def _items(self, nodes: list[ast.expr]) -> Callable[[Frame], list[Any]]:
        """Items in a row, starred ones spread."""
        run = self.run
        codes = [
            (True, self.compile(n.value))
            if isinstance(n, ast.Starred)
            else (False, self.compile(n))
            for n in nodes
        ]

        def gather(frame: Frame) -> list[Any]:
            found: list[Any] = []
            for spread, code in codes:
                value = code(frame)
                if spread:
                    found += iterate(value, run.line)
                else:
                    found.append(value)
            return found

        return gather

    def _Tuple(self, node: ast.Tuple) -> Code:
        items = self._items(node.elts)
        return lambda frame: tuple(items(frame))

    def _List(self, node: ast.List) -> Code:
        return self._items(node.elts)

    def _Dict(self, node: ast.Dict) -> Code:
        pairs = [(self.compile(k) if k is not None else None, self.compile(v))
                 for k, v in zip(node.keys, node.values, strict=True)]  # fmt: skip

        def make(frame: Frame) -> dict[Any, Any]:
            found: dict[Any, Any] = {}
            for key, value in pairs:
                if key is None:
                    found.update(value(frame))
                else:
                    found[key(frame)] = value(frame)
            return found

        return make

    # --- arithmetic ----------------------------------------------------------------------

    def _BinOp(self, node: ast.BinOp) -> Code:
        run, line = self.run, node.lineno
        left, right = self.compile(node.left), self.compile(node.right)
        kind = type(node.op)
        if kind not in _NUMBERS:
            raise UnsupportedPython(
                f"`{ast.unparse(node)[:60]}` is not Python that archc writes", line
            )
        compute = _NUMBERS[kind]
        symbol = kind.__name__

        def work_out(frame: Frame) -> Any:
            a, b = left(frame), right(frame)
            if isinstance(a, Value) or isinstance(b, Value):
                run.line = line
                return run.tensor_operation(symbol, a, b)
            return calculate(compute, symbol, a, b, line)

        return work_out

    def _UnaryOp(self, node: ast.UnaryOp) -> Code:
        run, line = self.run, node.lineno
        operand = self.compile(node.operand)
        match node.op:
            case ast.Not():
                return lambda frame: not operand(frame)
            case ast.USub():

                def negate(frame: Frame) -> Any:
                    value = operand(frame)
                    if isinstance(value, Value):
                        run.line = line
                        return run.tensor_operation("Neg", value, None)
                    return -value

                return negate
        raise UnsupportedPython(f"`{ast.unparse(node)[:60]}` is not Python that archc writes", line)

    def _BoolOp(self, node: ast.BoolOp) -> Code:
        codes = [self.compile(value) for value in node.values]
        stops_at = isinstance(node.op, ast.Or)

        def decide(frame: Frame) -> Any:
            value: Any = None
            for code in codes:
                value = code(frame)
                if bool(value) is stops_at:
                    return value
            return value

        return decide

    def _Compare(self, node: ast.Compare) -> Code:
        first = self.compile(node.left)
        line = node.lineno
        rest = [
            (_TESTS[type(op)], self.compile(value))
            for op, value in zip(node.ops, node.comparators, strict=True)
        ]

        def compare(frame: Frame) -> bool:
            left = first(frame)
            for test, code in rest:
                right = code(frame)
                try:
                    holds = test(left, right)
                except TypeError as error:
                    raise UnsupportedPython(f"a comparison would fail: {error}", line) from None
                if not holds:
                    return False
                left = right
            return True

        return compare

    def _IfExp(self, node: ast.IfExp) -> Code:
        test, then, other = map(self.compile, (node.test, node.body, node.orelse))
        return lambda frame: then(frame) if test(frame) else other(frame)

    # --- parts and texts -----------------------------------------------------------------

    def _Subscript(self, node: ast.Subscript) -> Code:
        run, line = self.run, node.lineno
        owner, key = self.compile(node.value), self._key(node.slice)

        def get(frame: Frame) -> Any:
            found, at = owner(frame), key(frame)
            run.line = line
            if isinstance(found, Value | TensorSize | Container | Instance):
                return run.index(found, at)
            try:
                return found[at]
            except (LookupError, TypeError) as error:
                raise UnsupportedPython(f"an index would fail: {error}", line) from None

        return get

    def _key(self, node: ast.expr) -> Code:
        if isinstance(node, ast.Slice):
            parts = [self.compile(p) if p is not None else None
                     for p in (node.lower, node.upper, node.step)]  # fmt: skip
            return lambda frame: slice(*(p(frame) if p is not None else None for p in parts))
        if isinstance(node, ast.Tuple):
            keys = [self._key(item) for item in node.elts]
            return lambda frame: tuple([key(frame) for key in keys])
        return self.compile(node)

    def _JoinedStr(self, node: ast.JoinedStr) -> Code:
        codes = [
            self.compile(part.value) if isinstance(part, ast.FormattedValue) else self.compile(part)
            for part in node.values
        ]
        if any(isinstance(part, ast.FormattedValue) and part.format_spec for part in node.values):
            raise UnsupportedPython("a format is not Python that archc writes", node.lineno)
        return lambda frame: "".join([str(code(frame)) for code in codes])

    # --- comprehensions ------------------------------------------------------------------

    def _ListComp(self, node: ast.ListComp | ast.GeneratorExp) -> Code:
        item, run_loops = self.compile(node.elt), self._loops(node.generators)

        def build(frame: Frame) -> list[Any]:
            found: list[Any] = []
            run_loops(dict(frame), lambda inner: found.append(item(inner)))
            return found

        return build

    _GeneratorExp = _ListComp

    def _DictComp(self, node: ast.DictComp) -> Code:
        key, value = self.compile(node.key), self.compile(node.value)
        run_loops = self._loops(node.generators)

        def build(frame: Frame) -> dict[Any, Any]:
            found: dict[Any, Any] = {}
            run_loops(dict(frame), lambda inner: found.__setitem__(key(inner), value(inner)))
            return found

        return build

    def _loops(
        self, generators: list[ast.comprehension]
    ) -> Callable[[Frame, Callable[[Frame], None]], None]:
        first, *rest = generators
        items, store = self.compile(first.iter), self.target(first.target)
        tests = [self.compile(test) for test in first.ifs]
        inner = self._loops(rest) if rest else None
        run = self.run

        def loop(frame: Frame, body: Callable[[Frame], None]) -> None:
            for item in iterate(items(frame), run.line):
                store(frame, item)
                if all(test(frame) for test in tests):
                    if inner is None:
                        body(frame)
                    else:
                        inner(frame, body)

        return loop

    def target(self, node: ast.expr) -> Callable[[Frame, Any], None]:
        """Return what stores a value under the names of an assignment."""
        match node:
            case ast.Name(id=name):

                def store(frame: Frame, value: Any) -> None:
                    frame[name] = value

                return store
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                return self._unpack(parts, node.lineno)
        raise UnsupportedPython(
            f"`{ast.unparse(node)[:60]}` is not Python that archc writes", node.lineno
        )

    def _unpack(self, parts: list[ast.expr], line: int) -> Callable[[Frame, Any], None]:
        star = next((k for k, part in enumerate(parts) if isinstance(part, ast.Starred)), None)
        stores = [
            self.target(part.value if isinstance(part, ast.Starred) else part) for part in parts
        ]

        def unpack(frame: Frame, value: Any) -> None:
            items = list(iterate(value, line))
            if star is not None:
                behind = len(parts) - star - 1
                middle = items[star : len(items) - behind]
                items = [*items[:star], middle, *items[len(items) - behind :]]
            if len(items) != len(stores):
                raise UnsupportedPython(f"{len(items)} values for {len(stores)} names", line)
            for store, item in zip(stores, items, strict=True):
                store(frame, item)

        return unpack


def iterate(value: Any, line: int) -> Any:
    """Return what a loop over a value runs over. Raises UnsupportedPython."""
    if isinstance(value, Container):
        return list(value.children) if value.kind == "ModuleDict" else list(value.children.values())
    if isinstance(value, Instance):
        return list(value.prototype.children.values())
    if isinstance(value, Value | BoundMethod | TorchName) or not hasattr(value, "__iter__"):
        raise UnsupportedPython("a loop over something that is no list", line)
    return value


def calculate(compute: Callable[[Any, Any], Any], symbol: str, a: Any, b: Any, line: int) -> Any:
    """Return a number worked out, within bounds. Raises UnsupportedPython."""
    are_whole = isinstance(a, int) and isinstance(b, int)
    if symbol == "Pow" and are_whole and b * a.bit_length() > _LARGEST_POWER:
        raise UnsupportedPython("a power that is too large", line)
    if symbol == "Mult" and (
        isinstance(a, list | tuple | str) or isinstance(b, list | tuple | str)
    ):
        times = b if isinstance(b, int) else a
        if isinstance(times, int) and times > _LONGEST:
            raise UnsupportedPython("a list that is too long", line)
    try:
        return compute(a, b)
    except (TypeError, ArithmeticError) as error:
        raise UnsupportedPython(f"arithmetic would fail: {error}", line) from None
