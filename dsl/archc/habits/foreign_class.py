"""A class of torch's as it is read: its name, its methods, its constants. Nothing is evaluated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archc.habits.call import read_statement
from archc.habits.expressions import NotSaid
from archc.habits.known import is_class, is_none
from archc.habits.slips import Slip, mended

if TYPE_CHECKING:
    import ast

_INCOMING = re.compile(r"in_?(?:planes|channels|ch|c|features|dim)|c_?in|n_?in|inp")


def is_incoming(name: str) -> bool:
    """Whether a name is what people call the channels that come in."""
    return _INCOMING.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class HandedLayer:
    """A layer that whoever makes a block hands to it, and when, in the words of the block."""

    test: ast.expr
    layer: ast.expr

    def same_as(self, other: HandedLayer) -> bool:
        import ast

        return ast.dump(self.test) == ast.dump(other.test) and (
            ast.dump(self.layer) == ast.dump(other.layer)
        )


@dataclass(frozen=True, slots=True)
class ForeignClass:
    """A class of modules, read: nothing of it is evaluated."""

    node: ast.ClassDef
    is_block: bool = False  # it stands in the file as a block, without the channels that come in
    handed: Mapping[str, HandedLayer] = field(default_factory=dict)  # by its parameters
    unused: frozenset[str] = frozenset()  # parameters that its layers do not ask for
    slips: tuple[Slip, ...] = ()  # what its lines lack to be Python

    @property
    def name(self) -> str:
        return self.node.name

    def methods(self) -> Iterator[ast.FunctionDef]:
        import ast

        return (node for node in self.node.body if isinstance(node, ast.FunctionDef))

    def method(self, name: str) -> ast.FunctionDef:
        """Raises NotSaid where it has none, or one of an odd signature."""
        node = next((node for node in self.methods() if node.name == name), None)
        given = node.args if node is not None else None
        if node is None or given is None or not given.args:
            raise NotSaid(f"`{name}`")
        if given.vararg or given.kwarg or given.kwonlyargs:
            raise NotSaid(f"`{name}`")
        return node

    def formals(self, method: str = "__init__") -> dict[str, ast.expr | None]:
        """The parameters without `self`, with their defaults."""
        given = self.method(method).args
        defaults = [None] * (len(given.args) - len(given.defaults)) + list(given.defaults)
        names = [argument.arg for argument in given.args]
        return dict(zip(names[1:], defaults[1:], strict=True))

    def parameters(self) -> dict[str, ast.expr | None]:
        """Those of them that a block has: numbers, and not the channels that come in."""
        return {
            name: default
            for name, default in self.formals().items()
            if not is_incoming(name)
            and name not in self.handed
            and name not in self.unused
            and not is_fixed(default)
        }

    def has(self, method: str) -> bool:
        return any(node.name == method for node in self.methods())

    def runs(self, attribute: str) -> bool:
        """Whether it calls a module of its own: `self.downsample(x)`."""
        import ast

        return any(
            isinstance(node, ast.Call) and ast.unparse(node.func) == f"self.{attribute}"
            for node in ast.walk(self.node)
        )

    def meant_by(self, name: str) -> list[ast.expr]:
        """The default of a parameter, and what its constructor takes in the place of `None`."""
        import ast

        default = self.formals()[name]
        meant = [default] if default is not None else []
        for statement in self.method("__init__").body:
            match statement:
                case ast.If(test, [ast.Assign([ast.Name(target)], value)], []):
                    if target == name and ast.unparse(test) == f"{name} is None":
                        meant.append(value)
        return meant

    @property
    def constants(self) -> dict[str, ast.expr]:
        """`expansion = 4` in the class itself."""
        import ast

        found: dict[str, ast.expr] = {}
        for node in self.node.body:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant() as value):
                    found[name] = value
        return found


def is_fixed(default: ast.expr | None) -> bool:
    """Whether a parameter is no number: a class of layers, or `None` until one is handed."""
    return is_none(default) or is_class(default)


def class_of_block(name: str, formals: str) -> ForeignClass | None:
    """The class that a block of the file stands for, by its head."""
    import ast

    node = read_statement(f"class {name}(Block):\n    def __init__(self, {formals}):\n        pass")
    return ForeignClass(node, is_block=True) if isinstance(node, ast.ClassDef) else None


def read_class(text: str) -> ForeignClass | None:
    """A class of modules, by its text: with what its lines lack, where that is all."""
    import ast

    class WithoutAnnotations(ast.NodeTransformer):
        def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
            if node.value is None:
                return node
            return ast.copy_location(ast.Assign([node.target], node.value), node)

    node, slips = read_statement(text), tuple[Slip, ...]()
    if node is None:
        text, slips = mended(text)
        node = read_statement(text)
    if not isinstance(node, ast.ClassDef) or not node.bases:
        return None
    made = WithoutAnnotations().visit(node)
    assert isinstance(made, ast.ClassDef)
    return ForeignClass(made, slips=slips)
