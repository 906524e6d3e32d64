"""Python's own functions and arithmetic, as far as generated files use them, within bounds."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from functools import partial
from typing import Any

from archc.conformance.objects import (
    BoundMethod,
    Class,
    Container,
    Instance,
    Leaf,
    TorchName,
    Value,
    children_of,
)
from archc.conformance.problems import UnsupportedPython
from archc.conformance.runtime import Runtime

NUMBERS: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.BitOr: lambda a, b: (*_alternatives(a), *_alternatives(b)),
}
TESTS: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
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
FUNCTIONS: dict[str, Any] = {
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
MATH = {name: getattr(math, name) for name in ("ceil", "floor", "sqrt", "log2", "prod", "inf")}
_LARGEST_POWER = 4096  # bits
LONGEST = 1_000_000  # passes of a loop


def _alternatives(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


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
        if isinstance(times, int) and times > LONGEST:
            raise UnsupportedPython("a list that is too long", line)
    try:
        return compute(a, b)
    except (TypeError, ArithmeticError) as error:
        raise UnsupportedPython(f"arithmetic would fail: {error}", line) from None


# --- of objects of a run ------------------------------------------------------------------


def functions_of(run: Runtime) -> dict[str, Callable[..., Any]]:
    """Return those that take modules as they are, and need not loop over them."""
    return {
        "getattr": partial(_get_attribute, run),
        "isinstance": _is_instance,
        "setattr": partial(_set_attribute, run),
    }


def _get_attribute(run: Runtime, owner: Any, name: str, *default: Any) -> Any:
    if isinstance(owner, Container | Instance) and name in children_of(owner):
        return children_of(owner)[name]
    return run.attribute(owner, name)


def _set_attribute(run: Runtime, owner: Any, name: str, value: Any) -> None:
    if not isinstance(owner, Instance) or run.execution is not None:
        raise UnsupportedPython("`setattr` of something that is no module", run.line)
    run.register(owner.prototype, name, value)


def _is_instance(value: Any, kinds: Any) -> bool:
    for kind in kinds if isinstance(kinds, tuple) else (kinds,):
        match kind, value:
            case (Class(), Instance()) if value.prototype.cls.is_a(kind.name):
                return True
            case (TorchName(), Instance()) if value.prototype.cls.is_a(kind.text):
                return True
            case (TorchName(), Leaf()) if value.record.target == kind.text:
                return True
            case (TorchName(), Container()) if f"nn.{value.kind}" == kind.text:
                return True
            case (type(), _) if isinstance(value, kind):
                return True
    return False


def add_up(run: Runtime, values: Any, start: Any = 0) -> Any:
    """Return `sum(values)`, of tensors too."""
    found = start
    for value in values:
        if isinstance(found, Value) or isinstance(value, Value):
            found = run.tensor_operation("Add", found, value)
        else:
            found = found + value
    return found
