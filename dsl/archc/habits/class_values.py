"""What the names in a class of torch's stand for, and the calls of blocks that it makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archc.habits.applied import OwnBlock
from archc.habits.expressions import NotSaid, expression
from archc.habits.foreign_class import ForeignClass, is_fixed, is_incoming
from archc.habits.known import is_none, truth
from archc.habits.substitution import bound, only_knows, substituted

if TYPE_CHECKING:
    import ast


@dataclass(slots=True)
class ClassValues:
    """The names of a class while its constructor is read. Raises NotSaid."""

    cls: ForeignClass
    others: Mapping[str, ForeignClass]
    names: dict[str, ast.expr] = field(default_factory=dict)
    settled: Mapping[str, ast.expr] = field(default_factory=dict)  # defaults that nobody changes
    known: set[str] = field(default_factory=set)
    latest: dict[str, ast.expr] = field(default_factory=dict)  # of what changes in a row of blocks
    left_out: set[str] = field(default_factory=set)  # of what is settled

    def substituted(self, node: ast.expr) -> ast.expr:
        """An expression with the values of its names."""
        constants = {name: cls.constants for name, cls in self.others.items()}
        return substituted(node, self.names, constants)

    def value(self, node: ast.expr) -> ast.expr:
        """A value in terms of what the block takes."""
        made = self.substituted(node)
        only_knows(made, self.known)
        expression(made)
        return made

    def block_call(self, call: ast.Call, written: ast.Call | None = None) -> str:
        """`BasicBlock(128, stride=2)`, without the channels that come in.

        `written` is the call as it stands there, with its names.
        """
        import ast

        assert isinstance(call.func, ast.Name)
        cls = self.others[call.func.id]
        formals = cls.formals()
        if cls.is_block:
            first = written.args[0] if written is not None and written.args else None
            block = OwnBlock(cls.name, tuple(formals), _says_incoming(first))
            call, sure = block.without_channels(call)
            if not sure:
                raise NotSaid(f"which number of `{ast.unparse(call)}` is the channels that come in")
        given, arguments = bound(call, formals), []
        for name, default in cls.parameters().items():
            if name not in given or self._is_settled(given[name], default):
                continue
            value = given[name]
            only_knows(value, self.known)
            text = expression(value)
            if default is None:
                arguments.append(text)
            elif text != expression(default):
                arguments.append(f"{name}={text}")
        self._check_layers(cls, given)
        return f"{cls.name}({', '.join(arguments)})"

    def takes_channels(self, call: ast.Call) -> bool:
        """Whether a call makes a block whose first argument is the channels that come in."""
        import ast

        made = self.substituted(call)
        if not isinstance(made, ast.Call) or ast.unparse(made.func) not in self.others:
            return False
        cls = self.others[ast.unparse(made.func)]
        return not cls.is_block and is_incoming(next(iter(cls.formals()), ""))

    def _is_settled(self, value: ast.expr, default: ast.expr | None) -> bool:
        """Whether an argument is a default that nobody changes, and that of the block."""
        import ast

        if not isinstance(value, ast.Name) or default is None or value.id not in self.settled:
            return False
        if ast.unparse(self.settled[value.id]) != ast.unparse(default):
            return False
        self.left_out.add(value.id)
        return True

    def _check_layers(self, cls: ForeignClass, given: Mapping[str, ast.expr]) -> None:
        """Raise NotSaid where a block is not handed the layers that its text has."""
        import ast

        for name, default in cls.formals().items():
            value = given.get(name, default)
            if name in cls.handed and is_none(value):
                bare = truth(substituted(cls.handed[name].test, self._values(cls, given)))
                if bare is not False:
                    raise NotSaid(f"`{cls.name}(...)` without `{name}`")
            if name in cls.handed or value is None or not is_fixed(default):
                continue
            if ast.unparse(value) not in map(ast.unparse, cls.meant_by(name)):
                raise NotSaid(f"`{name}={ast.unparse(value)}`")

    def _values(self, cls: ForeignClass, given: Mapping[str, ast.expr]) -> dict[str, ast.expr]:
        """What the parameters of a block are in one call."""
        import ast

        values = {name: v for name, v in cls.formals().items() if v is not None} | dict(given)
        for name, value in values.items():
            if isinstance(value, ast.Name) and value.id.startswith("self."):
                values[name] = self.latest.get(value.id.removeprefix("self."), value)
        return {**cls.constants, **values}


def _says_incoming(node: ast.expr | None) -> bool:
    """Whether an argument is the channels that come in, by its name: `self.in_planes`."""
    import ast

    match node:
        case ast.Name(id=name) | ast.Attribute(ast.Name("self"), name):
            return is_incoming(name)
    return False
