"""What `__init__` makes: the modules of a class, each as the statements that it computes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from archc.habits.applied import OwnBlock
from archc.habits.containers import WrittenLayer, contained
from archc.habits.expressions import NotSaid, counted, expression
from archc.habits.foreign_class import ForeignClass, is_incoming
from archc.habits.substitution import INCOMING, bound, folded, only_knows, substituted
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


@dataclass(slots=True)
class Construction:
    """The constructor of a class, statement by statement. Raises NotSaid, with what it is about."""

    cls: ForeignClass
    others: Mapping[str, ForeignClass]
    names: dict[str, ast.expr] = field(default_factory=dict)
    modules: dict[str, ModuleText] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    lets: list[tuple[str, str]] = field(default_factory=list)

    def run(self) -> None:
        """Take the parameters and the statements of `__init__`."""
        import ast

        self.names |= self.cls.constants
        self.known = {INCOMING, *_TOOLS, *self.others}
        for name in self.cls.formals():
            if name in _RESERVED and name not in self.names:
                made = f"`{self.cls.name}(BasicBlock, [2, 2, 2, 2])`"
                raise NotSaid(f"`{name}`, as nothing says what it is; a last line {made} does")
            if is_incoming(name):
                self.names[name] = ast.Name(INCOMING)
            elif name not in self.names:
                self.known.add(name)
        for statement in self.cls.method("__init__").body:
            self._construct(statement)

    def _construct(self, statement: ast.stmt) -> None:
        import ast

        match statement:
            case ast.Expr(value=ast.Constant()) | ast.Assert() | ast.Pass():
                return
            case ast.Expr(value=ast.Call(func=ast.Attribute(attr="__init__"))):
                return
            case ast.If(body=[ast.Raise()], orelse=[]):
                return
            case ast.Assign(
                targets=[ast.Attribute(value=ast.Name(id="self"), attr=name)], value=value
            ):
                self._attribute(name, value)
                return
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                made = self.value(value)
                if name in self.known or name in self.names:
                    raise NotSaid(f"`{name}`, which changes")
                self.known.add(name)
                self.lets.append((name, expression(made)))
                return
            case ast.If(test=test, body=body, orelse=otherwise):
                self._choose(test, body, otherwise)
                return
        raise NotSaid(f"`{first_line(statement)}`")

    def _attribute(self, name: str, value: ast.expr) -> None:
        import ast

        if isinstance(value, ast.Constant) and value.value is None:
            return
        try:
            self.names[name] = self.value(value)
        except NotSaid:
            if not isinstance(value, ast.Call):
                raise
            self.modules[name] = self._module(value)

    def value(self, node: ast.expr) -> ast.expr:
        """A value in terms of what the block takes."""
        made = substituted(node, self.names, self._constants())
        only_knows(made, self.known)
        expression(made)
        return made

    def _constants(self) -> dict[str, dict[str, ast.expr]]:
        return {name: cls.constants for name, cls in self.others.items()}

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
            case ast.Attribute(value=ast.Name(id="self"), attr=method):
                return self._made_by(method, call)
        made = substituted(call, self.names, self._constants())
        assert isinstance(made, ast.Call)
        if isinstance(made.func, ast.Name) and made.func.id in self.others:
            return ModuleText((self._block_call(made, call),))
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
            return WrittenLayer(self._block_call(node))
        made = translated(text)
        if made is None or made.lost or made.assumed or not (made.text or made.lacks):
            return None
        return WrittenLayer(made.text, made.sure, made.lacks)

    def _block_call(self, call: ast.Call, written: ast.Call | None = None) -> str:
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
        for name, default in formals.items():
            if name not in given or is_incoming(name):
                continue
            value = given[name]
            only_knows(value, self.known)
            text = expression(value)
            if default is None:
                arguments.append(text)
            elif text != expression(default):
                arguments.append(f"{name}={text}")
        return f"{cls.name}({', '.join(arguments)})"

    # --- a method that puts blocks in a row -------------------------------------------------------

    def _made_by(self, method: str, call: ast.Call) -> ModuleText:
        """`self._make_layer(block, 128, num_blocks[1], stride=2)`."""

        function = self.cls.method(method)
        formals = self.cls.formals(method)
        given = {name: v for name, v in formals.items() if v is not None} | bound(call, formals)
        names = self.names
        self.names = names | {n: substituted(v, names, self._constants()) for n, v in given.items()}
        try:
            rows = [row for statement in function.body for row in self._rows(statement)]
        finally:
            self.names = names | {n: v for n, v in self.names.items() if _is_changing(v)}
        return ModuleText((_in_a_row(rows),), is_group=True)

    def _rows(self, statement: ast.stmt) -> Iterator[tuple[str, str]]:
        """The blocks that a statement of such a method appends, and how often."""
        import ast

        match statement:
            case ast.Assign(targets=[ast.Name()], value=ast.List(elts=[])):
                return
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self.names[name] = substituted(value, self.names, self._constants())
                return
            case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self"), attr=name)]):
                self.names[name] = ast.Name(f"self.{name}")  # it changes from block to block
                return
            case ast.Expr(value=ast.Call(func=ast.Attribute(attr="append"), args=[block])):
                yield self._appended(block), "1"
                return
            case ast.Return(value=ast.Call(args=[ast.Starred()])):
                return
            case ast.For(target=ast.Name(id=name), iter=iter, body=body):
                yield from self._looped(name, iter, body)
                return
        raise NotSaid(f"`{first_line(statement)}`")

    def _looped(self, name: str, iter: ast.expr, body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
        import ast

        over = substituted(iter, self.names, self._constants())
        rounds: list[tuple[ast.expr | None, str]]
        match over:
            case ast.BinOp(
                ast.List(elts=[first]),
                ast.Add(),
                ast.BinOp(ast.List(elts=[other]), ast.Mult(), often),
            ):
                only_knows(often, self.known)
                rounds = [(first, "1"), (other, expression(folded(often)))]
            case _:
                count = counted(folded(over))
                if count is None:
                    raise NotSaid(f"`for {name} in {ast.unparse(iter)}`")
                only_knows(ast.parse(count, mode="eval").body, self.known)
                rounds = [(None, count.removeprefix("(").removesuffix(")"))]
        for value, count in rounds:
            if value is None:
                self.names.pop(name, None)
            else:
                self.names[name] = value
            rows = [row for statement in body for row in self._rows(statement)]
            if len(rows) != 1:
                raise NotSaid(f"`for {name} in {ast.unparse(iter)}`")
            if count != "0":
                yield rows[0][0], count

    def _appended(self, node: ast.expr) -> str:
        import ast

        made = substituted(node, self.names, self._constants())
        is_call = isinstance(made, ast.Call) and isinstance(made.func, ast.Name)
        if isinstance(made, ast.Call) and is_call and ast.unparse(made.func) in self.others:
            return self._block_call(made, node if isinstance(node, ast.Call) else None)
        raise NotSaid(f"`{ast.unparse(node)}`")


def _says_incoming(node: ast.expr | None) -> bool:
    """Whether an argument is the channels that come in, by its name: `self.in_planes`."""
    import ast

    match node:
        case ast.Name(id=name) | ast.Attribute(ast.Name("self"), name):
            return is_incoming(name)
    return False


def _is_changing(value: ast.expr) -> bool:
    """Whether a value is another after each block: that of `self.in_planes`."""
    import ast

    return isinstance(value, ast.Name) and value.id.startswith("self.")


def _chosen(name: str, condition: str, one: ModuleText, other: ModuleText) -> ModuleText:
    """`if stride != 1 { shortcut: { ... } }`."""

    def inside(module: ModuleText) -> str:
        text = "; ".join(module.statements)
        return f"{name}: {text}" if ";" not in text or module.is_group else f"{name}: {{ {text} }}"

    if not one.statements:
        return ModuleText((f"if not ({condition}) {{ {inside(other)} }}",))
    text = f"if {condition} {{ {inside(one)} }}"
    return ModuleText((text + (f" else {{ {inside(other)} }}" if other.statements else ""),))


def _in_a_row(rows: list[tuple[str, str]]) -> str:
    """`{ Block(128, stride=2); Block(128) * (n - 1) }`."""
    if len(rows) == 2 and rows[0][0] == rows[1][0] and rows[0][1] == "1":
        found = re.fullmatch(r"(.+) - 1", rows[1][1])
        whole = found[1] if found else str(int(rows[1][1]) + 1) if rows[1][1].isdigit() else ""
        if whole:
            return _times(rows[0][0], whole)
    if not rows:
        raise NotSaid("an empty container")
    return f"{{ {'; '.join(_times(*row) for row in rows)} }}"


def _times(text: str, count: str) -> str:
    if count == "1":
        return text
    return f"{text} * {count}" if re.fullmatch(r"\w+", count) else f"{text} * ({count})"


def is_weighted(module: ModuleText) -> bool:
    """Whether a module has weights, so that its name is one of the state_dict."""
    return any(_WEIGHTED.match(text) for text in module.statements)


def first_line(statement: Any) -> str:
    """The statement, or the header of one with a body."""
    import ast

    return ast.unparse(statement).split("\n")[0]
