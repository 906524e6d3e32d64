"""A class of torch's as a block: its layers in the order in which `forward` runs them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from archc.habits.call import read_statement
from archc.habits.expressions import NotSaid, counted, expression
from archc.habits.flow import Flow, FlowStep, chosen, lines_of, merged, modules_of
from archc.habits.substitution import INCOMING, bound, only_knows, substituted
from archc.habits.translation import translated

if TYPE_CHECKING:
    import ast

_INCOMING = re.compile(r"in_?(?:planes|channels|ch|c|features|dim)|c_?in|n_?in|inp")
_WEIGHTED = re.compile(r"(?:conv|deconv|fc|bn|gn|ln|inorm|grn|prelu|if|for)\b|\{|[A-Z_]\w*\(")
_RESERVED = frozenset("block else expect for if in meta network param reuse train use".split())
_IN_PLACE = re.compile(r"inplace=True|(?:LU6?|ish|oid)\(True$|\w_\(")
_MOST_CHOICES = 4  # in one `forward`
_TOOLS = frozenset(("nn", "torch", "F", "x"))


def is_incoming(name: str) -> bool:
    """Whether a name is what people call the channels that come in."""
    return _INCOMING.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class ForeignClass:
    """A class of modules, read: nothing of it is evaluated."""

    node: ast.ClassDef

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


def read_class(text: str) -> ForeignClass | None:
    """A class of modules, by its text."""
    import ast

    node = read_statement(text)
    return ForeignClass(node) if isinstance(node, ast.ClassDef) and node.bases else None


def written_block(cls: ForeignClass, others: Mapping[str, ForeignClass]) -> str:
    """`block BasicBlock(planes, stride=1) { ... }`. Raises NotSaid, with what it is about."""
    writer = _ClassWriter(cls, others)
    lines = writer.lines("@in.c")
    formals = [
        f"{name}={expression(default)}" if default is not None else name
        for name, default in cls.formals().items()
        if not is_incoming(name)
    ]
    inside = "".join(f"  {line}\n" for line in lines)
    return f"block {cls.name}({', '.join(formals)}) {{\n{inside}}}"


def written_network(cls: ForeignClass, others: Mapping[str, ForeignClass], call: str) -> str:
    """`network ResNet`, its params and its statements. `call` makes it: `ResNet(Block, [2, 2])`."""
    import ast

    writer = _ClassWriter(cls, others)
    formals = cls.formals()
    node = read_statement(call)
    made = node.value if isinstance(node, ast.Expr) else None
    given = bound(made, formals) if isinstance(made, ast.Call) else {}
    params = []
    for name, default in formals.items():
        value = given.get(name, default)
        if is_incoming(name):
            continue
        if isinstance(value, ast.Name) and value.id in others:
            writer.names[name] = value
        elif value is None:
            raise NotSaid(f"`{name}`")
        else:
            params.append((name, expression(value)))
    lines = writer.lines("@input.c")
    text = "\n".join(lines)
    head = [f"param {name} = {value}" for name, value in params if _uses(text, name)]
    return "\n".join([f"network {cls.name}", *head, *lines])


def _uses(text: str, name: str) -> bool:
    return re.search(rf"\b{name}\b", text) is not None


@dataclass(slots=True)
class _ModuleText:
    """What `self.name` computes: statements that follow each other."""

    statements: tuple[str, ...] = ()
    is_group: bool = False
    in_place: bool = False  # its first layer writes over what it takes


@dataclass(slots=True)
class _ClassWriter:
    cls: ForeignClass
    others: Mapping[str, ForeignClass]
    names: dict[str, ast.expr] = field(default_factory=dict)
    modules: dict[str, _ModuleText] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    lets: list[tuple[str, str]] = field(default_factory=list)
    tensors: dict[str, Flow] = field(default_factory=dict)

    def lines(self, incoming: str) -> list[str]:
        import ast

        self.names |= self.cls.constants
        self.known = {INCOMING, *_TOOLS, *self.others}
        for name in self.cls.formals():
            if name in _RESERVED and name not in self.names:
                raise NotSaid(f"`{name}`")
            if is_incoming(name):
                self.names[name] = ast.Name(INCOMING)
            elif name not in self.names:
                self.known.add(name)
        for statement in self.cls.method("__init__").body:
            self._construct(statement)
        flow = self._forward()
        often = Counter(modules_of(flow))
        if any(count > 1 for count in often.values()):
            raise NotSaid("a layer that runs twice")
        weighted = {name for name, made in self.modules.items() if _is_weighted(made)}
        if weighted - often.keys():
            raise NotSaid(f"`self.{min(weighted - often.keys())}`, which `forward` does not run")
        lines = lines_of(flow)
        for name, value in reversed(self.lets):
            if _uses("\n".join(lines), name):
                lines.insert(0, f"let {name} = {value}")
        if any(INCOMING in line for line in lines) and not self._takes_channels():
            raise NotSaid("how many features come in")
        return [line.replace(INCOMING, incoming) for line in lines]

    def _takes_channels(self) -> bool:
        """Whether what comes in is counted in channels: features may be those of a map's pixels."""
        return not any(
            is_incoming(name) and re.search("feat|dim", name) for name in self.cls.formals()
        )

    # --- __init__ ------------------------------------------------------------------------

    def _construct(self, statement: ast.stmt) -> None:
        import ast

        match statement:
            case ast.Expr(value=ast.Constant()) | ast.Assert() | ast.Pass():
                return
            case ast.Expr(value=ast.Call(func=ast.Attribute(attr="__init__"))):
                return
            case ast.Assign(
                targets=[ast.Attribute(value=ast.Name(id="self"), attr=name)], value=value
            ):
                self._attribute(name, value)
                return
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                made = self._value(value)
                if name in self.known or name in self.names:
                    raise NotSaid(f"`{name}`, which changes")
                self.known.add(name)
                self.lets.append((name, expression(made)))
                return
            case ast.If(test=test, body=body, orelse=otherwise):
                self._choose(test, body, otherwise)
                return
        raise NotSaid(f"`{_first_line(statement)}`")

    def _attribute(self, name: str, value: ast.expr) -> None:
        import ast

        if isinstance(value, ast.Constant) and value.value is None:
            return
        try:
            self.names[name] = self._value(value)
        except NotSaid:
            if not isinstance(value, ast.Call):
                raise
            self.modules[name] = self._module(value)

    def _value(self, node: ast.expr) -> ast.expr:
        made = substituted(node, self.names, self._constants())
        only_knows(made, self.known)
        expression(made)
        return made

    def _constants(self) -> dict[str, dict[str, ast.expr]]:
        return {name: cls.constants for name, cls in self.others.items()}

    def _choose(self, test: ast.expr, body: list[ast.stmt], otherwise: list[ast.stmt]) -> None:
        """Modules that hang on a test."""
        condition, before = expression(self._value(test)), dict(self.modules)
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
            one, other = (side.get(name, _ModuleText()) for side in sides)
            if one is not other:
                self.modules[name] = _chosen(name, condition, one, other)

    def _module(self, call: ast.Call) -> _ModuleText:
        import ast

        match call.func:
            case ast.Attribute(value=ast.Name(id="self"), attr=method):
                return self._made_by(method, call)
        made = substituted(call, self.names, self._constants())
        assert isinstance(made, ast.Call)
        if isinstance(made.func, ast.Name) and made.func.id in self.others:
            return _ModuleText((self._block_call(made),))
        only_knows(made, self.known)
        return self._layer(made)

    def _layer(self, node: ast.expr) -> _ModuleText:
        import ast

        text = ast.unparse(node)
        if text == "nn.Sequential()":
            return _ModuleText()
        found = translated(text, 0, None, ())
        if found is None or not found.text or found.lost or found.assumed:
            lacks = found.lacks.partition(";")[0] if found is not None else ""
            raise NotSaid(lacks or f"`{text}`")
        in_place = _IN_PLACE.search(text.partition(")")[0]) is not None
        return _ModuleText((found.text,), found.text.startswith("{"), in_place)

    def _block_call(self, call: ast.Call) -> str:
        """`BasicBlock(128, stride=2)`, without the channels that come in."""
        import ast

        assert isinstance(call.func, ast.Name)
        formals = self.others[call.func.id].formals()
        arguments = []
        for name, value in bound(call, formals).items():
            default = formals[name]
            if is_incoming(name):
                continue
            only_knows(value, self.known)
            text = expression(value)
            if default is None:
                arguments.append(text)
            elif text != expression(default):
                arguments.append(f"{name}={text}")
        return f"{call.func.id}({', '.join(arguments)})"

    # --- a method that puts blocks in a row -------------------------------------------------------

    def _made_by(self, method: str, call: ast.Call) -> _ModuleText:
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
        return _ModuleText((_in_a_row(rows),), is_group=True)

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
        raise NotSaid(f"`{_first_line(statement)}`")

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
                rounds = [(first, "1"), (other, expression(often))]
            case _:
                count = counted(over)
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
            yield rows[0][0], count

    def _appended(self, node: ast.expr) -> str:
        import ast

        made = substituted(node, self.names, self._constants())
        is_call = isinstance(made, ast.Call) and isinstance(made.func, ast.Name)
        if isinstance(made, ast.Call) and is_call and ast.unparse(made.func) in self.others:
            return self._block_call(made)
        raise NotSaid(f"`{ast.unparse(node)}`")

    # --- forward ----------------------------------------------------------------------------

    def _forward(self) -> Flow:
        tensors = list(self.cls.formals("forward"))
        if len(tensors) != 1:
            raise NotSaid("`forward` of several tensors")
        self.tensors[tensors[0]] = ()
        return self._returned(self.cls.method("forward").body, 0)

    def _returned(self, statements: list[ast.stmt], choices: int) -> Flow:
        """What a row of statements returns."""
        import ast

        for at, statement in enumerate(statements):
            match statement:
                case ast.Expr(value=ast.Constant()):
                    pass
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    self.tensors[name] = self._flow(value)
                case ast.AugAssign(target=ast.Name(id=name) as left, op=op, value=value):
                    self.tensors[name] = self._flow(ast.BinOp(ast.Name(left.id), op, value))
                case ast.For(
                    target=ast.Name(id=layer),
                    iter=ast.Attribute(value=ast.Name(id="self"), attr=made),
                    body=[
                        ast.Assign(
                            targets=[ast.Name(id=name)],
                            value=ast.Call(func=ast.Name(id=run), args=[value], keywords=[]),
                        )
                    ],
                ) if run == layer:
                    self.tensors[name] = (*self._flow(value), *self._steps(made))
                case ast.If(test=test, body=body, orelse=otherwise) if choices < _MOST_CHOICES:
                    condition = expression(self._value(test))
                    tensors, behind = dict(self.tensors), statements[at + 1 :]
                    one = self._returned([*body, *behind], choices + 1)
                    self.tensors = tensors
                    other = self._returned([*otherwise, *behind], choices + 1)
                    return chosen(condition, one, other)
                case ast.Return(value=ast.expr() as value):
                    return self._flow(value)
                case _:
                    raise NotSaid(f"`{_first_line(statement)}`")
        raise NotSaid("`forward` without `return`")

    def _flow(self, node: ast.expr) -> Flow:
        import ast

        match node:
            case ast.Name(id=name) if name in self.tensors:
                return self.tensors[name]
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="self"), attr=name), args=[x], keywords=[]
            ):
                return (*self._flow(x), *self._steps(name))
            case ast.BinOp(left=left, op=ast.Add() | ast.Mult() as op, right=right):
                combinator = "residual" if isinstance(op, ast.Add) else "mul"
                return merged(combinator, (self._flow(left), self._flow(right)))
            case ast.Call(
                func=ast.Attribute(attr="cat" | "concat"),
                args=[ast.List(elts=parts) | ast.Tuple(elts=parts), *_],
            ) if _over_channels(node):
                return merged("concat", tuple(self._flow(part) for part in parts))
            case ast.Call(func=ast.Call() as layer, args=[x], keywords=[]):
                flow = self._flow(x)
                return (*flow, *self._unnamed(layer))
            case ast.Call():
                return self._function(node)
        raise NotSaid(f"`{ast.unparse(node)}`")

    def _steps(self, name: str) -> Flow:
        """The statements of a module, with its label where it has weights."""
        if name not in self.modules:
            raise NotSaid(f"`self.{name}`")
        made = self.modules[name]
        text = "; ".join(made.statements)
        if not made.statements:
            return ()
        if not _is_weighted(made):
            return (FlowStep(text, in_place=made.in_place),)
        if text.startswith("if "):  # it has the label inside
            return (FlowStep(text, name, made.in_place),)
        is_one = ";" not in text or made.is_group
        labelled = f"{name}: {text}" if is_one else f"{name}: {{ {text} }}"
        return (FlowStep(labelled, name, made.in_place),)

    def _function(self, call: ast.Call) -> Flow:
        """`F.relu(self.bn(x))`, `x.view(x.size(0), -1)`: a function of one tensor."""
        import ast

        func = call.func
        is_tool = isinstance(func, ast.Attribute) and ast.unparse(func.value) in (
            "F",
            "torch",
            "nn.functional",
            "torch.nn.functional",
        )
        if is_tool and call.args:
            flow, args = self._flow(call.args[0]), [ast.Name("x"), *call.args[1:]]
            made = ast.Call(func, args, call.keywords)
        elif isinstance(func, ast.Attribute) and not is_tool:
            flow = self._flow(func.value)
            made = ast.Call(ast.Attribute(ast.Name("x"), func.attr), call.args, call.keywords)
        else:
            raise NotSaid(f"`{ast.unparse(call)}`")
        tensors: dict[str, ast.expr] = {name: ast.Name("x") for name in self.tensors}
        values = {**self.names, **tensors}
        plain = substituted(made, values)
        return (*flow, *self._unnamed(plain))

    def _unnamed(self, layer: ast.expr) -> Flow:
        """The statement of a function, or of a layer that is made where it runs."""
        made = self._layer(layer)
        return tuple(FlowStep(text, "", made.in_place) for text in made.statements)


def _is_changing(value: ast.expr) -> bool:
    """Whether a value is another after each block: that of `self.in_planes`."""
    import ast

    return isinstance(value, ast.Name) and value.id.startswith("self.")


def _over_channels(call: ast.Call) -> bool:
    """Whether `torch.cat` is along the channels."""
    import ast

    given = [*call.args[1:], *(k.value for k in call.keywords if k.arg in ("dim", "axis"))]
    return [ast.unparse(node) for node in given] == ["1"]


def _chosen(name: str, condition: str, one: _ModuleText, other: _ModuleText) -> _ModuleText:
    """`if stride != 1 { shortcut: { ... } }`."""

    def inside(module: _ModuleText) -> str:
        text = "; ".join(module.statements)
        return f"{name}: {text}" if ";" not in text or module.is_group else f"{name}: {{ {text} }}"

    if not one.statements:
        return _ModuleText((f"if not ({condition}) {{ {inside(other)} }}",))
    text = f"if {condition} {{ {inside(one)} }}"
    return _ModuleText((text + (f" else {{ {inside(other)} }}" if other.statements else ""),))


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


def _is_weighted(module: _ModuleText) -> bool:
    return any(_WEIGHTED.match(text) for text in module.statements)


def _first_line(statement: Any) -> str:
    import ast

    return ast.unparse(statement).split("\n")[0]
