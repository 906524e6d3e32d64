"""How a file makes its network: `resnet18()`, which calls `_resnet(BasicBlock, [2, 2, 2, 2])`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archc.habits.call import read_statement
from archc.habits.substitution import substituted

if TYPE_CHECKING:
    import ast

_MOST_FUNCTIONS = 4  # that call each other


@dataclass(slots=True)
class Making:
    """The functions of a file that return the network, and its other statements.

    `functions` and `lines` are texts: of functions at the margin, and of statements there.
    """

    cls: str
    functions: Sequence[str]
    lines: Sequence[str]
    factories: dict[str, ast.FunctionDef] = field(default_factory=dict)
    others: list[ast.stmt] = field(default_factory=list)
    values: dict[str, ast.expr] = field(default_factory=dict)  # of names at the margin

    def __post_init__(self) -> None:
        import ast

        made = [node for node in map(read_statement, self.functions) if node is not None]
        for _ in range(_MOST_FUNCTIONS):
            for node in made:
                if isinstance(node, ast.FunctionDef) and self._is_factory(node):
                    self.factories[node.name] = node
        for node in filter(None, map(read_statement, self.lines)):
            match node:
                case ast.Assign([ast.Name(name)], ast.Constant() | ast.List() as value):
                    self.values[name] = value
            self.others.append(node)
        self.others += [node for node in made if getattr(node, "name", "") not in self.factories]

    def _is_factory(self, function: ast.FunctionDef) -> bool:
        """Whether a function returns the network."""
        import ast

        match function.body[-1]:
            case ast.Return(ast.Name() | ast.Call()):
                return next(self._calls(function), None) is not None
        return False

    def _calls(self, node: ast.AST) -> Iterator[ast.Call]:
        import ast

        for part in ast.walk(node):
            match part:
                case ast.Call(ast.Name(name)) if name in (self.cls, *self.factories):
                    yield part

    def runs(self, line: str) -> bool:
        """Whether a statement does no more than make the network: `model = resnet18()`."""
        import ast

        match read_statement(line):
            case ast.Assign([ast.Name()], ast.Call(ast.Name(name))):
                return name in (self.cls, *self.factories)
        return False

    @property
    def first(self) -> str:
        """The function that makes it, where a file has several and runs none."""
        if any(next(self._calls(node), None) for node in self.others):
            return ""
        return next(iter(self.roots()), "")

    def roots(self) -> list[str]:
        """The functions that no other function calls."""
        import ast

        calls = (call for function in self.factories.values() for call in self._calls(function))
        called = {call.func.id for call in calls if isinstance(call.func, ast.Name)}
        return [name for name in self.factories if name not in called]

    def arguments(self) -> ast.Call | None:
        """The call of the class, with values for what functions were given."""
        import ast

        run = next((call for node in self.others for call in self._calls(node)), None)
        if run is None and (root := self.first):
            run = ast.Call(ast.Name(root), [], [])
        for _ in range(_MOST_FUNCTIONS):
            if run is None or not isinstance(run.func, ast.Name) or run.func.id == self.cls:
                break
            run = self._inside(self.factories[run.func.id], run)
        if run is None:
            return None
        values = [substituted(value, self.values) for value in run.args]
        named = [ast.keyword(k.arg, substituted(k.value, self.values)) for k in run.keywords]
        return ast.Call(run.func, values, [keyword for keyword in named if keyword.arg])

    def _inside(self, function: ast.FunctionDef, call: ast.Call) -> ast.Call | None:
        """The call in a function that is called so."""
        import ast

        inner = next(self._calls(function), None)
        if inner is None:
            return None
        given = function.args
        names = [argument.arg for argument in given.args]
        values = dict(zip(reversed(names), reversed(given.defaults), strict=False))
        values |= {a.arg: v for a, v in zip(given.kwonlyargs, given.kw_defaults, strict=True) if v}
        values |= dict(zip(names, call.args, strict=False))
        own = {*names, *(argument.arg for argument in given.kwonlyargs)}
        values |= {k.arg: k.value for k in call.keywords if k.arg in own}
        passed = [k for k in call.keywords if k.arg not in own]
        arguments = [substituted(value, values) for value in inner.args]
        keywords = [ast.keyword(k.arg, substituted(k.value, values)) for k in inner.keywords]
        plain = [keyword for keyword in keywords if keyword.arg]
        return ast.Call(inner.func, arguments, plain + (passed if plain != keywords else []))
