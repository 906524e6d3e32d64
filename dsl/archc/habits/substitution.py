"""Python's expressions with values put in the place of names, and calls bound to parameters."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from archc.habits.expressions import FUNCTIONS, NotSaid

if TYPE_CHECKING:
    import ast

INCOMING = "in_c__"  # stands for the channels that come in, until the text is there


def substituted(
    node: ast.expr,
    names: Mapping[str, ast.expr],
    constants: Mapping[str, Mapping[str, ast.expr]] | None = None,
) -> ast.expr:
    """An expression with the values of its names, and of `self.name`.

    `constants` are those of classes: `BasicBlock.expansion`.
    """
    import ast

    class Values(ast.NodeTransformer):
        def visit_Name(self, name: ast.Name) -> ast.expr:
            return names.get(name.id, name)

        def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
            if isinstance(node.value, ast.Name) and node.value.id == "self":
                return names.get(node.attr, node)
            if ast.unparse(node) in ("math.floor", "math.ceil"):
                return ast.Name(node.attr)
            owner: ast.expr = self.visit(node.value)
            if isinstance(owner, ast.Name) and node.attr in (constants or {}).get(owner.id, {}):
                return (constants or {})[owner.id][node.attr]
            return ast.Attribute(owner, node.attr, ast.Load())

        def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
            left: ast.expr = self.visit(node.left)
            right: ast.expr = self.visit(node.right)
            match left, node.op, right:
                case ast.Constant(value=int() as a), ast.Mult(), ast.Constant(value=int() as b):
                    return ast.Constant(a * b)
                case (ast.Constant(value=1), ast.Mult(), other) | (
                    other,
                    ast.Mult(),
                    ast.Constant(value=1),
                ):
                    return other
            return ast.BinOp(left, node.op, right)

    copied = ast.parse(ast.unparse(node), mode="eval").body
    made: ast.expr = Values().visit(copied)
    return made


def only_knows(node: ast.expr, names: Collection[str]) -> None:
    """Raise NotSaid where an expression has a name that nobody knows."""
    import ast

    counters = []
    for part in ast.walk(node):
        match part:
            case ast.comprehension(ast.Name(id=name), ast.Call(func=ast.Name(id="range"))):
                counters += [name, "range"]
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and part.id not in (*names, *FUNCTIONS, *counters):
            raise NotSaid(f"`{part.id}`")
        if isinstance(part, ast.Attribute) and ast.unparse(part).startswith("self."):
            raise NotSaid(f"`{ast.unparse(part)}`")


def bound(call: ast.Call, formals: Collection[str]) -> dict[str, ast.expr]:
    """The arguments of a call by the names of the parameters. Raises NotSaid."""
    import ast

    if len(call.args) > len(formals) or any(isinstance(a, ast.Starred) for a in call.args):
        raise NotSaid(f"`{ast.unparse(call)}`")
    given = dict(zip(formals, call.args, strict=False))
    for keyword in call.keywords:
        if keyword.arg is None or keyword.arg not in formals:
            raise NotSaid(f"`{ast.unparse(call)}`")
        given[keyword.arg] = keyword.value
    return given
