"""What `__init__` makes: the modules of a class, each as the statements that it computes."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archc.habits.class_values import ClassValues
from archc.habits.containers import WrittenLayer, contained
from archc.habits.expressions import NotSaid, expression, first_line
from archc.habits.foreign_class import HandedLayer, is_fixed, is_incoming
from archc.habits.known import is_class, is_none, only_sets_weights, truth
from archc.habits.rows import BlockRow
from archc.habits.substitution import INCOMING, only_knows
from archc.habits.translation import NO_BLOCKS, translated

if TYPE_CHECKING:
    import ast

_WEIGHTED = re.compile(r"(?:conv|deconv|fc|bn|gn|ln|inorm|grn|prelu|if|for)\b|\{|[A-Z_]\w*\(")
_RESERVED = frozenset("block else expect for if in meta network param reuse train use".split())
_IN_PLACE = re.compile(r"inplace=True|(?:LU6?|ish|oid)\(True$|\w_\(")
_TOOLS = frozenset(("nn", "torch", "F", "x"))


@dataclass(slots=True)
class ModuleText:
    """What `self.name` computes: statements that follow each other."""

    statements: tuple[str, ...] = ()
    is_group: bool = False
    in_place: bool = False  # its first layer writes over what it takes
    test: str = ""  # where there is one by a test: `stride != 1`
    tested: str = ""  # and what it is then, with its label


@dataclass(slots=True)
class Construction(ClassValues):
    """The constructor of a class, statement by statement. Raises NotSaid, with what it is about."""

    modules: dict[str, ModuleText] = field(default_factory=dict)
    lets: list[tuple[str, str]] = field(default_factory=list)
    names_then: dict[str, dict[str, ast.expr]] = field(default_factory=dict)  # as each was made

    def run(self) -> None:
        """Take the parameters and the statements of `__init__`."""
        import ast

        self.names |= self.cls.constants
        self.known = {INCOMING, *_TOOLS, *self.others}
        for name, default in self.cls.formals().items():
            if name in self.names or name in self.cls.handed:
                continue
            if name == "block":
                made = f"`{self.cls.name}(BasicBlock, [2, 2, 2, 2])`"
                raise NotSaid(f"`{name}`, as nothing says what it is; a last line {made} does")
            if name in _RESERVED:
                raise NotSaid(f"`{name}`, a word of the language")
            if is_incoming(name):
                self.names[name] = ast.Name(INCOMING)
            elif default is not None and is_fixed(default):
                self.names[name] = default
            else:
                self.known.add(name)
        for statement in self.cls.method("__init__").body:
            self._construct(statement)

    def _construct(self, statement: ast.stmt) -> None:
        import ast

        match statement:
            case ast.Expr(ast.Constant()) | ast.Assert() | ast.If(body=[ast.Raise()], orelse=[]):
                return
            case ast.Expr(ast.Call(ast.Attribute(attr="__init__"))):
                return
            case ast.Assign([ast.Attribute(ast.Name("self"), name)], value):
                self._attribute(name, value)
            case ast.Assign([ast.Name(name)], value):
                self._local(name, value)
            case ast.AugAssign(ast.Name(name), op, value):
                self._local(name, ast.BinOp(ast.Name(name), op, value))
            case ast.If(test, body, otherwise) if not only_sets_weights(statement):
                holds = truth(self.substituted(test))
                if holds is None:
                    self._choose(test, body, otherwise)
                    return
                for inside in body if holds else otherwise:
                    self._construct(inside)
            case _ if not only_sets_weights(statement):
                raise NotSaid(f"`{first_line(statement)}`")

    def _attribute(self, name: str, value: ast.expr) -> None:
        """`self.name = value`: a number, a class of layers, or a layer."""
        import ast

        if isinstance(value, ast.Name) and value.id in self.cls.handed:
            self._hand(name, self.cls.handed[value.id])
            return
        made = self.substituted(value)
        if is_none(made):
            if not is_none(value) and self.cls.runs(name):
                raise NotSaid(
                    f"`if self.{name} is not None`; its layer comes from the class that makes "
                    "this one, in no one way that the file shows"
                )
            self.modules[name] = ModuleText()
        elif is_class(made):
            self.names[name] = made
        else:
            try:
                self.names[name] = self.value(value)
            except NotSaid:
                if not isinstance(value, ast.Call):
                    raise
                self.names_then[name] = dict(self.names)
                self.modules[name] = self._module(value)

    def _local(self, name: str, value: ast.expr) -> None:
        made = self.substituted(value)
        if is_fixed(made) or (name in self.names and name not in self.known):
            self.names[name] = made
            return
        made = self.value(value)
        if name in self.known or name in self.names:  # what it was keeps the name
            self.names[name] = made
            return
        self.known.add(name)
        self.lets.append((name, expression(made)))

    def _hand(self, name: str, handed: HandedLayer) -> None:
        """`self.downsample = downsample`, as if the class made it itself."""
        import ast

        layer = ast.Assign([ast.Attribute(ast.Name("self"), name)], handed.layer)
        self._choose(handed.test, [layer], [])

    def _choose(self, test: ast.expr, body: list[ast.stmt], otherwise: list[ast.stmt]) -> None:
        """Modules that hang on a test."""
        condition, before = expression(self.value(test)), dict(self.modules)
        names, lets = dict(self.names), len(self.lets)
        sides = []
        for side in (body, otherwise):
            self.modules = dict(before)
            for statement in side:
                self._construct(statement)
            sides.append(self.modules)
        if self.names != names or len(self.lets) > lets:
            raise NotSaid(f"`if {condition}`")
        self.modules = before
        for name in {**sides[0], **sides[1]}:
            one, other = (side.get(name, ModuleText()) for side in sides)
            if one is not other:
                self.modules[name] = _chosen(name, condition, one, other)

    def _module(self, call: ast.Call) -> ModuleText:
        import ast

        match call.func:
            case ast.Attribute(ast.Name("self"), method) if method not in self.names:
                return ModuleText((BlockRow(self).text(method, call),), is_group=True)
        made = self.substituted(call)
        assert isinstance(made, ast.Call)
        if isinstance(made.func, ast.Name) and made.func.id in self.others:
            return ModuleText((self.block_call(made, call),))
        only_knows(made, self.known)
        return self.layer(made)

    def layer(self, node: ast.expr) -> ModuleText:
        """A module of torch's, by the row of its name."""
        import ast

        text = ast.unparse(node)
        if text == "nn.Sequential()":
            return ModuleText()
        in_place = _IN_PLACE.search(text.partition(")")[0]) is not None
        group = contained(node, self._written, NO_BLOCKS)
        if group is not None and not group.lacks:
            if any(statement.startswith("for ") for statement in group.statements):
                raise NotSaid(f"`{text}`")
            return ModuleText((group.body,), True, in_place)
        found = translated(text)
        if found is None or not found.text or found.lost or found.assumed:
            lacks = found.lacks.partition(";")[0] if found is not None else ""
            raise NotSaid(lacks or f"`{text}`")
        return ModuleText((found.text,), found.text.startswith("{"), in_place)

    def _written(self, text: str) -> WrittenLayer | None:
        """A layer of a container: one of torch's, or a block."""
        import ast

        node = ast.parse(text, mode="eval").body
        if isinstance(node, ast.Call) and ast.unparse(node.func) in self.others:
            return WrittenLayer(self.block_call(node))
        made = translated(text)
        if made is None or made.lost or made.assumed or not (made.text or made.lacks):
            return None
        return WrittenLayer(made.text, made.sure, made.lacks)


def _chosen(name: str, condition: str, one: ModuleText, other: ModuleText) -> ModuleText:
    """`if stride != 1 { shortcut: { ... } }`."""

    def inside(module: ModuleText) -> str:
        text = "; ".join(module.statements)
        return f"{name}: {text}" if ";" not in text or module.is_group else f"{name}: {{ {text} }}"

    if not one.statements:
        condition, one, other = f"not ({condition})", other, one
    text = f"if {condition} {{ {inside(one)} }}"
    if other.statements:
        return ModuleText((f"{text} else {{ {inside(other)} }}",))
    return ModuleText((text,), test=condition, tested=inside(one))


def is_weighted(module: ModuleText, blocks: Collection[str]) -> bool:
    """Whether a module has weights, so that its name is one of the state_dict."""
    return any(
        _WEIGHTED.match(text) or text.partition("(")[0] in blocks for text in module.statements
    )
