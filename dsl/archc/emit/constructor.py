"""Constructors: statements as structure, and where submodules go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from archc.emit.layout import Bracketed, CallArgument, Code, call, flat, lay, negated
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

    @property
    def statements(self) -> list[Statement]:
        """Where statements go. Raises NotUnifiable where there can be none."""
        return self.body

    def has(self, statement: Statement) -> bool:
        """Whether it has run before what is added now."""
        return statement in self.body or (self.outer is not None and self.outer.has(statement))

    def keep(self) -> Callable[[], None]:
        """Remember what is written; gives what brings it back."""
        body = list(self.body)

        def restore() -> None:
            self.body[:] = body

        return restore

    def add(self, name: str, code: Code) -> None:
        """Make a submodule. A `name` that is an f-string depends on the loop."""
        if name.isidentifier():
            self.body.append(Assign(f"self.{name}", code))
        else:
            self.body.append(ExprStatement(call("self.add_module", quoted(name), code)))

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
        return f"self.{name}" if name.isidentifier() else f"getattr(self, {quoted(name)})"

    def loop(self) -> Constructor:
        return Constructor([], self, is_loop=True)

    def nested(self, name: str) -> GroupConstructor:
        return GroupConstructor(outer=self, path=(name,))

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
    """An nn.ModuleDict: a group that is no row of modules, or is used piece by piece."""

    path: tuple[str, ...] = ()  # the names that lead to it
    items: list[CallArgument] = field(default_factory=list)

    @property
    def statements(self) -> list[Statement]:
        raise NotUnifiable("statements in a group that is no row")

    def keep(self) -> Callable[[], None]:
        items = list(self.items)

        def restore() -> None:
            self.items[:] = items

        return restore

    def add(self, name: str, code: Code) -> None:
        if name.startswith('f"'):
            raise NotUnifiable("a loop in a group that is no row")
        self.items.append(CallArgument(code, f'"{name}": '))

    def add_weight(self, name: str, code: Code) -> None:
        raise NotUnifiable("a weight among modules")

    def access(self, name: str) -> str:
        first, *rest = self.path
        return super().access(first) + "".join(f'["{part}"]' for part in (*rest, name))

    def nested(self, name: str) -> GroupConstructor:
        return GroupConstructor(outer=self, path=(*self.path, name))

    @property
    def outermost(self) -> Constructor:
        assert self.outer is not None
        return self.outer.outermost

    def code(self) -> Code:
        return call(
            "nn.ModuleDict", Bracketed("", tuple(self.items), "{}", rows=len(self.items) > 1)
        )


def quoted(name: str) -> str:
    return name if name.startswith('f"') else f'"{name}"'
