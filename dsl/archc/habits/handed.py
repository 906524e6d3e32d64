"""Layers that a class is handed: `downsample`, which `_make_layer` makes for a row of blocks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from archc.habits.expressions import NotSaid
from archc.habits.foreign_class import ForeignClass, HandedLayer
from archc.habits.known import is_class, is_none, truth
from archc.habits.substitution import bound

if TYPE_CHECKING:
    import ast


def with_handed(cls: ForeignClass, classes: Collection[ForeignClass]) -> ForeignClass:
    """A class that knows what the others hand to it."""
    try:
        wanted = _wanted(cls)
        found = {formal: _handed(cls, formal, classes) for formal in wanted}
    except NotSaid:
        return cls
    return replace(cls, handed={formal: layer for formal, layer in found.items() if layer})


def _wanted(cls: ForeignClass) -> list[str]:
    """The parameters of a class that are layers which it runs: `self.downsample(x)`."""
    import ast

    formals = cls.formals()
    called = {
        node.func.attr
        for node in ast.walk(cls.node)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    wanted = []
    for statement in cls.method("__init__").body:
        match statement:
            case ast.Assign([ast.Attribute(ast.Name("self"), attr)], ast.Name(formal)):
                if attr in called and formal in formals:
                    wanted.append(formal)
    return wanted


def _handed(
    cls: ForeignClass, formal: str, classes: Collection[ForeignClass]
) -> HandedLayer | None:
    """What all others hand to a class; None where none does, or each something else."""
    found = [
        layer
        for other in classes
        if other is not cls
        for method in other.methods()
        for layer in _handed_by(method, other, cls, formal)
    ]
    return found[0] if found and all(layer.same_as(found[0]) for layer in found) else None


def _handed_by(
    method: ast.FunctionDef, other: ForeignClass, cls: ForeignClass, formal: str
) -> Iterator[HandedLayer]:
    """What a method makes and hands to a class, in the words of that class."""
    import ast

    formals, own = cls.formals(), {arg.arg for arg in method.args.args}
    for call in ast.walk(method):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            continue
        if call.func.id != cls.name and call.func.id not in own:
            continue
        try:
            given = bound(call, formals)
        except NotSaid:  # another class's
            continue
        name = given.get(formal)
        if not isinstance(name, ast.Name):
            continue
        made = _made(method, name.id)
        if made is not None:
            words = _Words(call.func.id, given, _values(method, other), cls)
            yield HandedLayer(words.of(made[0]), words.of(made[1]))


def _made(method: ast.FunctionDef, name: str) -> tuple[ast.expr, ast.expr] | None:
    """The test under which a method makes a layer, and the layer; None where it makes several."""
    import ast

    given = (node for node in ast.walk(method) if isinstance(node, ast.Assign))
    layers = [g for g in given if ast.unparse(g.targets[0]) == name and not is_none(g.value)]
    if len(layers) != 1:
        return None
    for statement in method.body:
        match statement:
            case ast.If(test, [ast.Assign([ast.Name(target)], ast.Call() as layer)], []):
                if target == name:
                    return test, layer
            case ast.Assign([ast.Name(target)], ast.Call() as layer):
                if target == name:
                    return ast.Constant(True), layer
    return None


def _values(method: ast.FunctionDef, cls: ForeignClass) -> dict[str, ast.expr]:
    """The classes of layers that names stand for: `norm_layer`, `self._norm_layer`."""
    import ast

    values = {name: value for name, value in cls.formals().items() if value is not None}
    for statement in (*cls.method("__init__").body, *method.body):
        match statement:
            case ast.If(test, [ast.Assign([ast.Name(name)], value)], []) if is_class(value):
                if is_none(values.get(name)) and truth(_replaced(test, values)):
                    values[name] = value
            case ast.Assign([ast.Name() | ast.Attribute() as target], value):
                values[ast.unparse(target)] = values.get(ast.unparse(value), value)
    return {name: value for name, value in values.items() if is_class(value)}


class _Words:
    """What stands for expressions of a caller's in the class that it calls."""

    def __init__(
        self,
        called: str,
        given: Mapping[str, ast.expr],
        values: Mapping[str, ast.expr],
        cls: ForeignClass,
    ) -> None:
        import ast

        self.words: dict[str, ast.expr] = dict(values)
        for constant, value in cls.constants.items():
            self.words[f"{called}.{constant}"] = value
        for formal, value in given.items():
            if not isinstance(value, ast.Constant):
                self.words[ast.unparse(value)] = values.get(ast.unparse(value), ast.Name(formal))

    def of(self, node: ast.expr) -> ast.expr:
        return _replaced(node, self.words)


def _replaced(node: ast.expr, words: Mapping[str, ast.expr]) -> ast.expr:
    """An expression with others in the place of those that are written just so."""
    import ast

    class Replaced(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            if isinstance(node, ast.expr) and (found := words.get(ast.unparse(node))) is not None:
                return found
            made: ast.AST = super().generic_visit(node)
            return made

    made = Replaced().visit(ast.parse(ast.unparse(node), mode="eval").body)
    assert isinstance(made, ast.expr)
    return made
