"""Values of Python in archc's words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ast

FUNCTIONS = frozenset("int floor ceil min max round abs len sum zip enumerate".split())


class NotSaid(Exception):
    """Archc has no such value or statement, or nobody here knows what it is."""


def expression(node: ast.expr, names: Mapping[str, str] | None = None) -> str:
    """An expression. `names` has what stands for some of its names. Raises NotSaid."""
    import ast

    if (ends := _range(node, names)) is not None:
        return ends
    _examine(node)
    given = names or {}

    class Renamed(ast.NodeTransformer):
        def visit_Name(self, name: ast.Name) -> ast.Name:
            return ast.Name(given.get(name.id, name.id))

        def visit_Attribute(self, node: ast.Attribute) -> ast.Name:
            return ast.Name(given.get(node.attr, node.attr))

        def visit_Tuple(self, node: ast.Tuple) -> ast.List:
            return ast.List([self.visit(item) for item in node.elts])

    copied = ast.parse(ast.unparse(node), mode="eval").body
    given = {"int": "floor", **given}
    text = ast.unparse(Renamed().visit(copied))
    return re.sub(r"\b(?:True|False)\b", lambda found: found[0].lower(), text)


def value_of_python(text: str, names: Mapping[str, str]) -> str | None:
    """A number, a list or what is worked out from some; None for another, as for a name alone."""
    import ast

    from archc.habits.call import read_statement

    node = read_statement(text)
    if not isinstance(node, ast.Expr) or isinstance(node.value, ast.Name | ast.Attribute):
        return None
    try:
        return expression(node.value, names)
    except (NotSaid, RecursionError):
        return None


def counted(node: ast.expr, names: Mapping[str, str] | None = None) -> str | None:
    """How often `range(n)` or `range(1, n)` goes round, as a repeat has it: `3`, `n`, `(n - 1)`."""
    import ast

    match node:
        case ast.Call(func=ast.Name(id="range"), args=[end], keywords=[]):
            text = expression(end, names)
        case ast.Call(
            func=ast.Name(id="range"), args=[ast.Constant(value=int() as start), end], keywords=[]
        ):
            if isinstance(end, ast.Constant) and isinstance(end.value, int):
                return str(max(0, end.value - start))
            text = expression(end, names) + (f" - {start}" if start else "")
        case _:
            return None
    return text if text.isidentifier() or text.isdigit() else f"({text})"


def _range(node: ast.expr, names: Mapping[str, str] | None) -> str | None:
    """`0..n-1` for `range(n)`: both ends are in it."""
    import ast

    match node:
        case ast.Call(func=ast.Name(id="range"), args=[end], keywords=[]):
            start = "0"
        case ast.Call(func=ast.Name(id="range"), args=[first, end], keywords=[]):
            start = expression(first, names)
        case _:
            return None
    if isinstance(end, ast.Constant) and isinstance(end.value, int):
        return f"{start}..{end.value - 1}"
    return f"{start}..{expression(end, names)} - 1"


_ALLOWED = (
    "Name Load Constant Attribute BinOp Add Sub Mult Div FloorDiv Mod Pow UnaryOp USub Not Compare "
    "Eq NotEq Lt LtE Gt GtE BoolOp And Or IfExp Subscript Slice List Tuple Call Index"
).split()


def _examine(node: ast.expr) -> None:
    """Raise NotSaid where an expression has what archc's have not."""
    import ast

    for part in ast.walk(node):
        known = type(part).__name__ in _ALLOWED
        if isinstance(part, ast.Attribute):
            known = isinstance(part.value, ast.Name) and part.value.id == "self"
        if isinstance(part, ast.Call):
            func = part.func
            known = isinstance(func, ast.Name) and func.id in FUNCTIONS and not part.keywords
        if isinstance(part, ast.Constant):
            known = isinstance(part.value, bool | int | float) and abs(part.value) < 10**12
        if isinstance(part, ast.List | ast.Tuple):
            known = bool(part.elts)
        if not known:
            raise NotSaid(f"`{ast.unparse(node)}`")


def header_of_python(text: str, names: Mapping[str, str]) -> str | None:
    """`for i in 0..1` for `for i in range(2)`; None for what archc lacks."""
    import ast

    from archc.habits.call import read_statement

    try:
        match read_statement(f"{text.strip()}:\n    pass"):
            case None:  # it is archc's but for the `:`
                return text
            case ast.For(target=target, iter=iter):
                return f"for {_targets(target)} in {expression(iter, names)}"
            case ast.If(test=test):
                return f"if {expression(test, names)}"
    except (NotSaid, RecursionError):
        pass
    return None


def first_line(node: ast.AST) -> str:
    """A statement, or the header of one with a body."""
    import ast

    return ast.unparse(node).split("\n")[0]


def _targets(node: ast.expr, *, nested: bool = False) -> str:
    import ast

    if isinstance(node, ast.Tuple | ast.List):
        inner = ", ".join(_targets(item, nested=True) for item in node.elts)
        return f"({inner})" if nested else inner
    if isinstance(node, ast.Name):
        return node.id
    raise NotSaid
