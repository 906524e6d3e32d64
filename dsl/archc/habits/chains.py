"""A line of `forward`: `x = F.relu(self.bn1(self.conv1(x)))` is `conv1`, `bn1`, a `relu`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archc.habits.call import read_statement
from archc.habits.translation import translated

if TYPE_CHECKING:
    import ast


@dataclass(frozen=True, slots=True)
class ForwardLink:
    """A module that was made elsewhere, or a layer without weights: `text` is archc's form."""

    module: str = ""
    text: str = ""


def forward_chain(statement: str) -> list[ForwardLink] | None:
    """What a statement runs of one tensor, in order; None of another statement."""
    import ast

    match read_statement(f"def f():\n    {statement}"):
        case ast.FunctionDef(body=[ast.Assign([ast.Name()], value) | ast.Return(value)]):
            return _links(value) if value is not None else None
    return None


def _links(node: ast.expr) -> list[ForwardLink] | None:
    import ast

    link: ForwardLink | None
    match node:
        case ast.Name():
            return []
        case ast.Call(ast.Attribute(ast.Name("self"), name), [inner], []):
            link = ForwardLink(name)
        case ast.Call(ast.Attribute(ast.Name("F" | "torch"), _) as func, [inner, *others]):
            link = _layer(ast.Call(func, [ast.Name("x"), *others], node.keywords))
        case ast.Call(ast.Attribute(inner, name), others):
            tensor = ast.Attribute(ast.Name("x"), name)
            link = _layer(ast.Call(tensor, others, node.keywords))
        case _:
            return None
    before = _links(inner)
    return None if before is None or link is None else [*before, link]


def _layer(call: ast.Call) -> ForwardLink | None:
    import ast

    made = translated(ast.unparse(call))
    if made is None or not made.text or made.lost or made.assumed:
        return None
    return ForwardLink("", made.text)
