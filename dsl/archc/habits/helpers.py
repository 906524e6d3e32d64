"""Functions that return one layer, `conv3x3(64, 64)`, and classes with their calls written out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from archc.habits.call import read_statement
from archc.habits.expressions import NotSaid
from archc.habits.foreign_class import ForeignClass
from archc.habits.substitution import bound, substituted

if TYPE_CHECKING:
    import ast

_MOST_NODES = 20_000  # of a class, its helpers written out


@dataclass(frozen=True, slots=True)
class HelperFunction:
    """`def conv1x1(in_planes, planes): return nn.Conv2d(in_planes, planes, 1)`."""

    name: str
    formals: Mapping[str, ast.expr | None]
    returned: ast.Call

    def written_out(self, call: ast.Call) -> ast.expr:
        """What a call returns. Raises NotSaid where it does not fit the parameters."""
        defaults = {name: value for name, value in self.formals.items() if value is not None}
        given = defaults | bound(call, self.formals)
        if len(given) < len(self.formals):
            raise NotSaid
        return substituted(self.returned, given)


def read_helper(text: str) -> HelperFunction | None:
    """A function that does nothing but return what another call makes."""
    import ast

    match read_statement(text):
        case ast.FunctionDef(
            name=name,
            args=ast.arguments(vararg=None, kwarg=None, kwonlyargs=[], args=args, defaults=last),
            body=[*before, ast.Return(value=ast.Call() as returned)],
            decorator_list=[],
        ) if all(_is_docstring(statement) for statement in before):
            defaults = [*[None] * (len(args) - len(last)), *last]
            formals = dict(zip((arg.arg for arg in args), defaults, strict=True))
            return HelperFunction(name, formals, returned)
    return None


def _is_docstring(statement: ast.stmt) -> bool:
    import ast

    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def with_helpers(cls: ForeignClass, helpers: Mapping[str, HelperFunction]) -> ForeignClass:
    """A class with what the helpers return in the place of their calls."""
    import ast
    import copy

    left = _MOST_NODES

    class WrittenOut(ast.NodeTransformer):
        def visit_Call(self, call: ast.Call) -> ast.expr:
            nonlocal left
            self.generic_visit(call)
            if not isinstance(call.func, ast.Name) or call.func.id not in helpers:
                return call
            try:
                made = helpers[call.func.id].written_out(call)
            except NotSaid:
                return call
            left -= sum(1 for _ in ast.walk(made))
            return made if left > 0 else call

    if not helpers:
        return cls
    return replace(cls, node=WrittenOut().visit(copy.deepcopy(cls.node)))
