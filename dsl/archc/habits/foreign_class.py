"""A class of torch's as it is read: its name, its methods, its constants. Nothing is evaluated."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archc.habits.call import read_statement
from archc.habits.expressions import NotSaid

if TYPE_CHECKING:
    import ast

_INCOMING = re.compile(r"in_?(?:planes|channels|ch|c|features|dim)|c_?in|n_?in|inp")


def is_incoming(name: str) -> bool:
    """Whether a name is what people call the channels that come in."""
    return _INCOMING.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class ForeignClass:
    """A class of modules, read: nothing of it is evaluated."""

    node: ast.ClassDef
    is_block: bool = False  # it stands in the file as a block, without the channels that come in

    @property
    def name(self) -> str:
        return self.node.name

    def method(self, name: str) -> ast.FunctionDef:
        """Raises NotSaid where it has none, or one of an odd signature."""
        import ast

        for node in self.node.body:
            if isinstance(node, ast.FunctionDef) and node.name == name:
                given = node.args
                if given.vararg or given.kwarg or given.kwonlyargs or not given.args:
                    break
                return node
        raise NotSaid(f"`{name}`")

    def formals(self, method: str = "__init__") -> dict[str, ast.expr | None]:
        """The parameters without `self`, with their defaults."""
        given = self.method(method).args
        defaults = [None] * (len(given.args) - len(given.defaults)) + list(given.defaults)
        names = [argument.arg for argument in given.args]
        return dict(zip(names[1:], defaults[1:], strict=True))

    @property
    def constants(self) -> dict[str, ast.expr]:
        """`expansion = 4` in the class itself."""
        import ast

        found: dict[str, ast.expr] = {}
        for node in self.node.body:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant() as value):
                    found[name] = value
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant() as value):
                    found[name] = value
        return found


def class_of_block(name: str, formals: str) -> ForeignClass | None:
    """The class that a block of the file stands for, by its head."""
    import ast

    node = read_statement(f"class {name}(Block):\n    def __init__(self, {formals}):\n        pass")
    return ForeignClass(node, is_block=True) if isinstance(node, ast.ClassDef) else None


def read_class(text: str) -> ForeignClass | None:
    """A class of modules, by its text."""
    import ast

    node = read_statement(text)
    return ForeignClass(node) if isinstance(node, ast.ClassDef) and node.bases else None
