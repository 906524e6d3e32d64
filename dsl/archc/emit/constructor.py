"""Constructors: statements as structure, and where submodules go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from archc.emit.layout import (
    WIDTH,
    Bracketed,
    CallArgument,
    Code,
    Generator,
    both,
    call,
    flat,
    lay,
    negated,
)
from archc.emit.values import NotUnifiable

# --- statements --------------------------------------------------------------------------


@dataclass(slots=True)
class Assign:
    """`self.conv1 = nn.Conv2d(...)`, `in_channels = 64`, `layers += [...]`."""

    target: str
    code: Code
    sign: str = "="


@dataclass(slots=True)
class ExprStatement:
    """An expression for its effect: `self.add_module("0", ...)`, `layers.append(...)`."""

    code: Code


@dataclass(slots=True)
class Declare:
    """`self.low: nn.Module`, where the arms of an `if` assign it different classes."""

    target: str
    type: str


@dataclass(slots=True)
class IfStatement:
    test: Code
    then: list[Statement]
    other: list[Statement]


@dataclass(slots=True)
class ForStatement:
    header: Header
    body: list[Statement]


Statement = Assign | Declare | ExprStatement | IfStatement | ForStatement


@dataclass(frozen=True, slots=True)
class Header:
    """`for target in over:`; `count` is the number of iterations where `over` is a range."""

    target: str
    over: Code
    count: str = ""

    def __str__(self) -> str:
        return f"for {self.target} in {flat(self.over)}"


def lines(statements: list[Statement], indent: int = 8) -> Iterator[str]:
    """The statements laid out, at an indent."""
    for statement in statements:
        match statement:
            case Assign():
                yield from lay(f"{statement.target} {statement.sign} ", statement.code, "", indent)
            case Declare():
                yield f"{' ' * indent}{statement.target}: {statement.type}"
            case ExprStatement():
                yield from lay("", statement.code, "", indent)
            case ForStatement():
                header = statement.header
                yield from lay(f"for {header.target} in ", header.over, ":", indent)
                yield from lines(statement.body, indent + 4)
            case IfStatement():
                yield from _if_lines(statement, indent)


def _if_lines(statement: IfStatement, indent: int, word: str = "if") -> Iterator[str]:
    pad, test, then, other = " " * indent, statement.test, statement.then, statement.other
    if not then:
        test, then, other = negated(flat(test)), other, []
    match then:
        case [IfStatement(other=[]) as only] if not other and only.then:
            whole = both(test, only.test)
            if indent + len(f"{word} {whole}:") <= WIDTH:
                yield from _if_lines(IfStatement(whole, only.then, []), indent, word)
                return
    if then:
        head = f"{word} "
        yield from (
            [f"{pad}{head}{test}:"] if isinstance(test, str) else lay(head, test, ":", indent)
        )
        yield from lines(then, indent + 4)
    match other:
        case []:
            pass
        case [IfStatement() as last]:
            yield from _if_lines(last, indent, "elif")
        case _:
            yield f"{pad}else:"
            yield from lines(other, indent + 4)


# --- constructors -------------------------------------------------------------------------------


@dataclass(eq=False)
class Constructor:
    """`self`: submodules are its attributes. Nested where an `if` or a loop makes them."""

    body: list[Statement] = field(default_factory=list)
    outer: Constructor | None = None
    is_loop: bool = False
    paths: Paths = field(default_factory=lambda: Paths(()))
    holders: dict[str, tuple[Assign | ExprStatement, Tree]] = field(default_factory=dict)

    @property
    def statements(self) -> list[Statement]:
        """Where statements go. Raises NotUnifiable where there can be none."""
        return self.body

    def has(self, statement: Statement) -> bool:
        """Whether it has run before what is added now."""
        return statement in self.body or (self.outer is not None and self.outer.has(statement))

    def keep(self) -> Callable[[], None]:
        """Remember what is written; gives what brings it back."""
        body, trees = list(self.body), {k: copied(tree) for k, (_, tree) in self.holders.items()}

        def restore() -> None:
            self.body[:] = body
            self.holders = {k: (self.holders[k][0], tree) for k, tree in trees.items()}
            for name in self.holders:
                self._hold(name)

        return restore

    def add(self, name: str, code: Code) -> None:
        """Make a submodule. A `name` that is an f-string depends on the loop."""
        if "." in name and not name.startswith('f"'):
            self._add_inside(name, code)
        else:
            self.body.append(self._making(name, code))

    def _making(self, name: str, code: Code) -> Assign | ExprStatement:
        if name.isidentifier():
            return Assign(f"self.{name}", code)
        return ExprStatement(call("self.add_module", quoted(name), code))

    def _add_inside(self, path: str, code: Code) -> None:
        """Make a submodule of a list or dict of modules, which is made with the first of them."""
        if self.outer is not None:
            raise NotUnifiable("a path in an `if` or a loop")
        name, *inner = path.split(".")
        if name not in self.holders:
            statement = self._making(name, "None")
            self.holders[name] = statement, {}
            self.body.append(statement)
        put(self.holders[name][1], inner, code)
        self._hold(name)

    def _hold(self, name: str) -> None:
        statement, tree = self.holders[name]
        made = self._making(name, self.paths.container((name,), tree))
        statement.code = made.code

    def add_weight(self, name: str, code: Code) -> None:
        """Make a parameter of the class itself."""
        if name.isidentifier():
            self.body.append(Assign(f"self.{name}", code))
        else:
            self.body.append(ExprStatement(call("self.register_parameter", quoted(name), code)))

    def count_channels(self, code: Code) -> None:
        """`in_channels = width`, unless it is that already."""
        if code != "in_channels":
            self.body.append(Assign("in_channels", code))

    def access(self, name: str) -> str:
        if "." in name and not name.startswith('f"'):
            first, *inner = name.split(".")
            return self.access(first) + self.paths.keys((first,), inner)
        return f"self.{name}" if name.isidentifier() else f"getattr(self, {quoted(name)})"

    def loop(self) -> Constructor:
        return Constructor([], self, is_loop=True)

    def nested(self, name: str, paths: Paths) -> GroupConstructor:
        return GroupConstructor(outer=self, name=name, paths=paths)

    def branch(self) -> Constructor:
        return Constructor([], self)

    @property
    def around(self) -> list[Constructor]:
        """This one and all that it is in, inside out."""
        return [self, *(self.outer.around if self.outer is not None else [])]

    @property
    def in_loop(self) -> bool:
        """Whether what is added runs in every iteration of a loop."""
        return self.is_loop or (self.outer is not None and self.outer.in_loop)

    @property
    def outermost(self) -> Constructor:
        """Where a module is made once, whatever loops are around."""
        return self.outer.outermost if self.in_loop and self.outer is not None else self


@dataclass(eq=False)
class GroupConstructor(Constructor):
    """An nn.ModuleDict or nn.ModuleList: a group that is no row, or is used piece by piece."""

    name: str = ""
    items: Tree = field(default_factory=dict)

    @property
    def statements(self) -> list[Statement]:
        raise NotUnifiable("statements in a group that is no row")

    def keep(self) -> Callable[[], None]:
        items = copied(self.items)

        def restore() -> None:
            self.items = items

        return restore

    def add(self, name: str, code: Code) -> None:
        if name.startswith('f"'):
            raise NotUnifiable("a loop in a group that is no row")
        put(self.items, name.split("."), code)

    def add_weight(self, name: str, code: Code) -> None:
        raise NotUnifiable("a weight among modules")

    def access(self, name: str) -> str:
        assert self.outer is not None
        return self.outer.access(self.name) + self.paths.keys((), name.split("."))

    @property
    def outermost(self) -> Constructor:
        assert self.outer is not None
        return self.outer.outermost

    def code(self) -> Code:
        return self.paths.container((), self.items)


# --- paths of modules ---------------------------------------------------------------------------

_LEAST_REPEAT = 3  # equal modules of a list that are written once
Tree = dict[str, Any]  # by the next part of the path: the code of a module, or what it holds


def put(tree: Tree, path: list[str], code: Code) -> None:
    """Add a module at a path."""
    *around, name = path
    for part in around:
        tree = tree.setdefault(part, {})
    tree[name] = code


def copied(tree: Tree) -> Tree:
    """The tree once more, its code shared."""
    return {k: copied(v) if isinstance(v, dict) else v for k, v in tree.items()}


@dataclass(frozen=True)
class Paths:
    """The names in one scope; those that have dots, such as `convs.0`, are in lists or dicts.

    Keys 0, 1, 2, ... in order are those of an nn.ModuleList, others of an nn.ModuleDict. A list of
    one module is an nn.Sequential, which is called itself.
    """

    names: tuple[str, ...]
    several: frozenset[str] = frozenset()  # what takes or gives more than one tensor
    is_list: bool = False  # of a group: whether its own names are those of a list

    def _keys(self, at: tuple[str, ...]) -> list[str]:
        parts = [tuple(name.split(".")) for name in self.names]
        return [
            *dict.fromkeys(p[len(at)] for p in parts if p[: len(at)] == at and len(p) > len(at))
        ]

    def _is_list(self, at: tuple[str, ...]) -> bool:
        keys = self._keys(at)
        return (bool(at) or self.is_list) and keys == [str(k) for k in range(len(keys))]

    def _is_called(self, at: tuple[str, ...]) -> bool:
        """Whether it is an nn.Sequential of one module."""
        only = ".".join((*at, "0"))
        return self._keys(at) == ["0"] and only in self.names and only not in self.several

    def keys(self, at: tuple[str, ...], inner: list[str]) -> str:
        """`[0]`, `["a"][1]`: the indices that lead from `at` to a module."""
        if not inner or (at and self._is_called(at)):
            return ""
        key = inner[0] if self._is_list(at) else f'"{inner[0]}"'
        return f"[{key}]" + self.keys((*at, inner[0]), inner[1:])

    def container(self, at: tuple[str, ...], tree: Tree) -> Code:
        """The constructor call of what holds the modules at `at`."""
        items = [
            (k, self.container((*at, k), v) if isinstance(v, dict) else v) for k, v in tree.items()
        ]
        several = len(items) > 1
        if at and self._is_called(at):
            return call("nn.Sequential", items[0][1])
        if self._is_list(at):
            first, count = items[0][1], len(items)
            if count >= _LEAST_REPEAT and all(code == first for _, code in items):
                repeated = Generator(first, f"for _ in range({count})", is_all=True)
                return call("nn.ModuleList", repeated)
            listed = Bracketed("", tuple(CallArgument(v) for _, v in items), "[]", rows=several)
            return call("nn.ModuleList", listed)
        pairs = tuple(CallArgument(v, f'"{k}": ') for k, v in items)
        return call("nn.ModuleDict", Bracketed("", pairs, "{}", rows=several))


def quoted(name: str) -> str:
    return name if name.startswith('f"') else f'"{name}"'
