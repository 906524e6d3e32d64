"""A generated file, read: its classes, ready to be made and run on symbols."""

from __future__ import annotations

import ast
import re
from functools import cache

from archc import data
from archc.conformance.interpreter import Interpreter
from archc.conformance.objects import Class, TorchName, TupleClass
from archc.conformance.problems import UnsupportedPython
from archc.conformance.statements import Statements, base_of
from archc.conformance.tensors import Store

_OF_TORCH = ("nn.Module", "nn.Sequential", "nn.ModuleList")
_BASES = ("Deployed", "Placed", "Recomputed")  # helper classes that others inherit from
_NOT_RUN = frozenset(("reset_parameters", "init_weights", "extra_repr"))


class GeneratedFile:
    """The text of a file, and the means to run its network. Raises UnsupportedPython."""

    def __init__(self, text: str, name: str, store: Store | None = None) -> None:
        self.store = store if store is not None else Store()
        self.interpreter = Interpreter(self.store)
        self._statements = Statements(self.interpreter)
        self._helpers = helpers() - {name}  # a network may be called as one of them is
        self._own: set[str] = set()  # classes that stand in the text
        try:
            tree = ast.parse(text)
        except SyntaxError as error:
            raise UnsupportedPython(f"it is no Python: {error.msg}", error.lineno) from None
        for node in tree.body:
            match node:
                case ast.ClassDef():
                    self._class(node)
                case ast.FunctionDef() if node.name in self._helpers:
                    pass
                case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant()):
                    pass
                case ast.Assign(targets=[ast.Name(id="__all__")]):
                    pass
                case _:
                    wrong = f"`{ast.unparse(node)[:60]}` is nothing that archc writes"
                    raise UnsupportedPython(wrong, node.lineno)
        found = self.interpreter.globals.get(name)
        if not isinstance(found, Class):
            raise UnsupportedPython(f"there is no class `{name}`")
        self.network = found

    def _class(self, node: ast.ClassDef) -> None:
        known = self.interpreter.globals
        if node.name in self._own:
            raise UnsupportedPython(f"the class `{node.name}` is there twice", node.lineno)
        self._own.add(node.name)
        if node.name in self._helpers:
            known[node.name] = TorchName(node.name)
            return
        base = base_of(node, _BASES)
        if base == "NamedTuple":
            known[node.name] = _tuple_class(node)
            return
        above = known.get(base)
        if not isinstance(above, Class) and base not in (*_OF_TORCH, *_BASES):
            raise UnsupportedPython(f"`{node.name}` inherits from `{base}`", node.lineno)
        made = known[node.name] = Class(
            node.name, above if isinstance(above, Class) else base, line=node.lineno
        )
        for item in node.body:
            match item:
                case ast.FunctionDef(name=name):
                    if name in made.functions:
                        raise UnsupportedPython(f"`{name}` is defined twice", item.lineno)
                    if name not in _NOT_RUN:
                        made.functions[name] = self._statements.function(item)
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    made.constants[name] = self._statements.compile(value)({})
                case ast.AnnAssign(target=ast.Name(id=name), value=value):
                    if value is not None:
                        made.constants[name] = self._statements.compile(value)({})
                case ast.Expr(value=ast.Constant()) | ast.Pass():
                    pass
                case _:
                    wrong = f"`{ast.unparse(item)[:60]}` in a class is nothing that archc writes"
                    raise UnsupportedPython(wrong, item.lineno)

    @property
    def arguments(self) -> list[str]:
        """The names of what the network's constructor takes, `self` left out."""
        found = self.network.find("__init__")
        if found is None:
            return []
        _, function = found
        return [*function.positional[1:], *function.keywords]


def _tuple_class(node: ast.ClassDef) -> TupleClass:
    fields = [item for item in node.body if isinstance(item, ast.AnnAssign)]
    named = [(item.target.id, item.value is not None) for item in fields
             if isinstance(item.target, ast.Name)]  # fmt: skip
    optional = frozenset(name for name, has_default in named if has_default)
    return TupleClass(node.name, tuple(name for name, _ in named), optional)


@cache
def helpers() -> frozenset[str]:
    """Return the names of what a file may carry of archc's own: classes and functions."""
    files = (data.TEMPLATES / "support").glob("*.py")
    texts = (file.read_text(encoding="utf-8") for file in files)
    found = (re.findall(r"^(?:class|def) (\w+)", text, re.M) for text in texts)
    own = {name for names in found for name in names}
    images = {name.removesuffix("2d") for name in own if name.endswith("2d")}
    return frozenset(own | {f"{name}{rank}d" for name in images for rank in (1, 3)})
