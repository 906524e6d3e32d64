"""What is known of a class of Python where it is read: `norm_layer is None`, `[False] * 3`."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ast

_LARGEST = 10**12
_CLASS = re.compile(r"[A-Z]\w*[a-z]\w*")
_SETS_WEIGHTS = re.compile(
    r"(?:(?:torch\.)?nn\.)?init\.\w+|self\.apply|self\.\w*(?:init|reset)\w*|print|warn\w*"
)
_OF_ALL_LAYERS = frozenset("modules named_modules parameters named_parameters children".split())


def is_class(node: ast.expr | None) -> bool:
    """Whether a value is a class of layers: `nn.BatchNorm2d`."""
    import ast

    match node:
        case ast.Attribute(value=ast.Name() | ast.Attribute(), attr=name) | ast.Name(id=name):
            return _CLASS.fullmatch(name) is not None
    return False


def is_none(node: ast.expr | None) -> bool:
    """Whether a value is Python's `None`."""
    import ast

    return isinstance(node, ast.Constant) and node.value is None


def folded(node: ast.expr) -> ast.expr:
    """An expression with what is known of it worked out: `2 - 1`, `[a, b][0]`, `len([a, b])`."""
    import ast

    class Folded(ast.NodeTransformer):
        def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
            self.generic_visit(node)
            a, b = _number(node.left), _number(node.right)
            if a is None or b is None:
                return node
            match node.op:
                case ast.Add():
                    return ast.Constant(a + b)
                case ast.Sub():
                    return ast.Constant(a - b)
                case ast.Mult():
                    return ast.Constant(a * b)
                case ast.FloorDiv() if b:
                    return ast.Constant(a // b)
            return node

        def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
            self.generic_visit(node)
            match node:
                case ast.Subscript(ast.List(items) | ast.Tuple(items), ast.Constant(int() as at)):
                    return items[at] if 0 <= at < len(items) else node
            return node

        def visit_Call(self, node: ast.Call) -> ast.expr:
            self.generic_visit(node)
            match node:
                case ast.Call(ast.Name("int" | "floor"), [value], []):
                    number = _number(value)
                    return node if number is None else ast.Constant(math.floor(number))
                case ast.Call(ast.Name("len"), [ast.List(items) | ast.Tuple(items)], []):
                    return ast.Constant(len(items))
            return node

    made: ast.expr = Folded().visit(ast.parse(ast.unparse(node), mode="eval").body)
    return made


def _number(node: ast.expr) -> int | float | None:
    import ast

    match node:
        case ast.Constant(bool()):
            return None
        case ast.Constant(int() | float() as value) if abs(value) < _LARGEST:
            return value
    return None


def truth(test: ast.expr) -> bool | None:
    """Whether a test holds; None where nobody knows."""
    import ast

    match folded(test):
        case ast.Constant(value=bool() | None as value):
            return bool(value)
        case ast.UnaryOp(ast.Not(), operand):
            holds = truth(operand)
            return None if holds is None else not holds
        case ast.BoolOp(op, values):
            parts = [truth(value) for value in values]
            ends = isinstance(op, ast.Or)  # the value of one part that is that of all
            if ends in parts:
                return ends
            return None if None in parts else not ends
        case ast.Compare(left, [ast.Is() | ast.IsNot() as op], [right]) if is_none(right):
            if is_class(left) or isinstance(left, ast.Constant | ast.List | ast.Tuple | ast.Call):
                return is_none(left) == isinstance(op, ast.Is)
        case ast.Compare(left, [ast.Eq() | ast.NotEq() as op], [right]):
            if ast.unparse(left) == ast.unparse(right):
                return isinstance(op, ast.Eq)
            if isinstance(left, ast.Constant) and isinstance(right, ast.Constant):
                return (left.value == right.value) == isinstance(op, ast.Eq)
        case ast.Compare(ast.Constant(int() as a), [ast.Gt()], [ast.Constant(int() as b)]):
            return a > b
    return None


def only_sets_weights(statement: ast.stmt) -> bool:
    """Whether all that a statement does is give weights that are there their first values."""
    import ast

    match statement:
        case ast.Expr(ast.Constant()) | ast.Pass():
            return True
        case ast.Expr(ast.Call(func, args)):
            of_itself = isinstance(func, ast.Name) and [ast.unparse(arg) for arg in args] == [
                "self"
            ]
            return of_itself or _SETS_WEIGHTS.fullmatch(ast.unparse(func)) is not None
        case ast.For(iter=ast.Call(ast.Attribute(attr=name))):
            return name in _OF_ALL_LAYERS
        case ast.If(body=body, orelse=otherwise):
            return all(map(only_sets_weights, (*body, *otherwise)))
    return False
