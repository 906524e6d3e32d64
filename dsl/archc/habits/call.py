"""A statement in another tool's syntax, read: its name and what is given. Nothing is evaluated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ast

_LONGEST = 4000  # characters: a layer or a container of some is shorter
_LARGEST = 10**12
_DEEPEST = 50  # brackets inside of each other
_BRACKETS = re.compile(r"[()\[\]{}]")
_SIGNS = re.compile(r"(?:[-+~][ \t]*|\bnot[ \t]+){50}")
_PARTS = re.compile(r"""(?P<quote>["'])(?:\\.|(?!(?P=quote)).)*(?P=quote)|[()\[\]{}\n;#|<>]""")
_MODULES = frozenset("nn F torch functional tf keras layers K L P np einops nnx linen".split())
_ENTRY = re.compile(r"[ \t]*(\w+)[ \t]*=[ \t]*([^\n#;]*?)[ \t]*(?:#.*)?(?:\n|$)")
_WINDOW = re.compile(r"(?<=[(,= ])\d+(?:x\d+){1,2}(?=[ ]*[,)])")
_WINDOW_FIRST = re.compile(r"([^()]*\()(\d+x\d+(?:x\d+)?),[ ]*(\w.*)\)$")
_SECTION = re.compile(r"(\[\w+\])[ \t]*\n")


@dataclass(frozen=True, slots=True)
class Code:
    """An expression that is no plain value, as it is written."""

    text: str


@dataclass(frozen=True, slots=True)
class ForeignCall:
    """`self.conv1 = nn.Conv2d(3, 6, kernel_size=5)`. Numbers are kept as they are written."""

    name: str
    arguments: tuple[Any, ...] = ()
    keywords: dict[str, Any] = field(default_factory=dict)
    target: str = ""  # what it is assigned to
    modules: str = ""  # what stands before the name: `torch.nn`
    applied: tuple[str, ...] = ()  # the tensors that Keras applies it to

    @property
    def is_functional(self) -> bool:
        """Whether it takes its weights with it: `F.conv2d(x, w)`."""
        return self.modules == "tf.nn" or self.modules.rpartition(".")[2] in ("F", "functional")


def statement_at(text: str, start: int) -> str:
    """The statement that starts there, to the end of its line or of its last bracket."""
    depth = 0
    for found in _PARTS.finditer(text, start, start + _LONGEST):
        mark = found.group()
        if mark in ("(", "["):
            depth += 1
        elif mark in (")", "]"):
            depth -= 1
        if depth < 0 or (not depth and mark in "\n;#|<>{}"):
            return text[start : found.start()].rstrip()
    end = start + _LONGEST
    return text[start:end].rstrip() if end >= len(text) else ""


def windows_read(text: str) -> str:
    """Write windows as Python has them: `(3, 3)`; the first by its name, `kernel_size`."""
    first = _WINDOW_FIRST.match(text)
    if first is not None and "pool" not in first[1].lower():
        text = f"{first[1]}{first[3]}, kernel_size={first[2]})"
    return _WINDOW.sub(lambda found: f"({found[0].replace('x', ', ')})", text)


def read_call(text: str) -> ForeignCall | None:
    """A call in Python's syntax."""
    try:
        target, value = read_value(text)
        return None if value is None else _call(value, target)
    except (ValueError, RecursionError, MemoryError):
        return None


def read_value(text: str) -> tuple[str, ast.expr | None]:
    """What a statement of Python computes, and the name that it gets."""
    import ast

    match read_statement(text.strip().rstrip(",")):
        case ast.Expr(value=value):
            return "", value
        case ast.Assign(targets=[ast.Name() | ast.Attribute() as target], value=value):
            return ast.unparse(target), value
        case ast.Assign(value=value):
            return "", value
        case ast.AugAssign(op=ast.Add(), value=ast.List() as value):  # layers += [nn.ReLU()]
            return "", value
    return "", None


def is_deep(text: str) -> bool:
    """Whether brackets or signs are nested so deep that Python's parser takes a browser along."""
    depth = deepest = 0
    for bracket in _BRACKETS.findall(text):
        depth = max(depth + (1 if bracket in "([{" else -1), 0)
        deepest = max(deepest, depth)
    return deepest > _DEEPEST or _SIGNS.search(text) is not None


def read_statement(text: str) -> ast.stmt | None:
    """One statement of Python."""
    import ast  # for a mistake alone
    import warnings

    if is_deep(text):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is odd in Python
        try:
            statements = ast.parse(text).body
            return statements[0] if len(statements) == 1 else None
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def _call(node: ast.expr, target: str) -> ForeignCall | None:
    import ast

    if not isinstance(node, ast.Call):
        return None
    applied: tuple[str, ...] = ()
    if isinstance(node.func, ast.Call):  # Conv2D(64, 3)(x)
        applied = tuple(name.id for a in node.args for name in _names(a))
        node = node.func
    node = means_at_once(node)
    *modules, name = ast.unparse(node.func).split(".")
    if name in ("add", "append") and modules and len(node.args) == 1:  # model.add(Dense(10))
        return _call(node.args[0], target)
    if not all(part.isidentifier() for part in (*modules, name)):
        return None
    arguments = [_value(argument) for argument in node.args]
    if modules and not _MODULES.intersection(modules):
        if modules[0] == "self":  # a module that was made elsewhere
            return ForeignCall("self")
        arguments.insert(0, Code(modules[-1]))  # x.view(-1, 400)
    keywords = {k.arg: _value(k.value) for k in node.keywords if k.arg is not None}
    return ForeignCall(name, tuple(arguments), keywords, target, ".".join(modules), applied)


def means_at_once(node: ast.Call) -> ast.Call:
    """`x.mean((3, 2))` for `x.mean(3).mean(2)`."""
    import ast

    match node:
        case ast.Call(
            ast.Attribute(
                ast.Call(ast.Attribute(x, "mean"), [ast.Constant() as first], []), "mean"
            ),
            [ast.Constant() as second],
            [],
        ):
            return ast.Call(ast.Attribute(x, "mean"), [ast.Tuple([first, second])], [])
    return node


def _names(node: ast.expr) -> Iterator[ast.Name]:
    import ast

    return (found for found in ast.walk(node) if isinstance(found, ast.Name))


def _value(node: ast.expr) -> Any:
    import ast

    match node:
        case ast.Constant(value=bool() | str() | None):
            return node.value
        case ast.Constant(value=int() | float()):
            return _bounded(node.value)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -_bounded(value)
        case ast.Tuple() | ast.List():
            return tuple(map(_value, node.elts))
        case ast.Name(id="true" | "false"):
            return node.id == "true"
        case _:
            return Code(ast.unparse(node).replace("self.", ""))


def _bounded(value: Any) -> Any:
    """A number that a layer may have. Raises ValueError."""
    if not -_LARGEST < value < _LARGEST:
        raise ValueError("too large")
    return value


def read_section(text: str, start: int) -> tuple[ForeignCall, int] | None:
    """A section of a Darknet file, `[maxpool]` and its lines `size=2`, and where it ends."""
    head = _SECTION.match(text, start)
    if head is None:
        return None
    at, entries = head.end(), {}
    while entry := _ENTRY.match(text, at):
        entries[entry[1]] = _plain(entry[2])
        at = entry.end()
    return ForeignCall(head[1], (), entries), len(text[:at].rstrip())


def _plain(text: str) -> Any:
    for kind in (int, float):
        try:
            return _bounded(kind(text))
        except ValueError:
            continue
    return text
