"""Calls of the user's own blocks: `Block(64)(x)`, `self._make_layer(Block, 128, 2, stride=2)`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archc.habits.call import read_value
from archc.habits.expressions import NotSaid, expression
from archc.habits.foreign_class import is_incoming

if TYPE_CHECKING:
    import ast

_LARGEST_STRIDE = 8  # a larger number in its place is one of channels
_STRIDE = re.compile(r"strides?|s")


@dataclass(frozen=True, slots=True)
class OwnBlock:
    """A block of the file's, by its head, or by the constructor of the class that is to be one."""

    name: str
    formals: tuple[str, ...] | None = None  # None where it has no brackets
    takes_channels: bool = False  # the constructor has those that come in first

    def call(self, node: ast.Call) -> tuple[str, bool]:
        """A call without the channels that come in, and whether it is known that it had them.

        Torch's modules have them first, a block has not.
        """
        made, sure = self.without_channels(node)
        given = list(map(_argument, made.args))
        keywords = [f"{keyword.arg}={_argument(keyword.value)}" for keyword in made.keywords]
        return f"{self.name}({', '.join([*given, *keywords])})", sure

    def without_channels(self, node: ast.Call) -> tuple[ast.Call, bool]:
        """The same as a call."""
        import ast

        given = node.args
        keywords = [keyword for keyword in node.keywords if not self._is_incoming(keyword)]
        if len(keywords) < len(node.keywords):
            sure = True
        elif self._has_channels(node):
            given, sure = given[1:], True
        else:
            sure = len(given) < 2
        return ast.Call(node.func, given, keywords), sure

    def _is_incoming(self, keyword: ast.keyword) -> bool:
        name = keyword.arg or ""
        return self.formals is not None and name not in self.formals and is_incoming(name)

    def _has_channels(self, node: ast.Call) -> bool:
        """Whether the first argument is the channels that come in."""
        if self.formals is None or not node.args:
            return False
        if len(node.args) == 1:
            return not self.formals
        if self.takes_channels or len(node.args) + len(node.keywords) > len(self.formals):
            return True
        named = zip(self.formals, node.args, strict=False)
        return any(_STRIDE.fullmatch(name) and _is_wide(value) for name, value in named)


def _is_wide(value: ast.expr) -> bool:
    import ast

    return (
        isinstance(value, ast.Constant)
        and isinstance(value.value, int)
        and value.value > _LARGEST_STRIDE
    )


def _argument(node: ast.expr) -> str:
    import ast

    try:
        return expression(node)
    except NotSaid:
        return ast.unparse(node).replace("self.", "")


@dataclass(frozen=True, slots=True)
class AppliedCall:
    """`x = Block(64)(x)`, or `x = Block(64)`."""

    name: str
    node: ast.Call  # `Block(64)`
    target: str
    tensors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RepeatedBlock:
    """What a method makes that puts one block several times in a row."""

    method: str
    block: str
    text: str


def applied_call(statement: str) -> AppliedCall | None:
    """A call of a call of a name."""
    import ast

    target, node = read_value(statement)
    match node:
        case ast.Call(func=ast.Call(func=ast.Name(id=name)) as inner, args=args):
            tensors = tuple(arg.id for arg in args if isinstance(arg, ast.Name))
            return AppliedCall(name, inner, target, tensors)
    return None


def made_block(statement: str) -> AppliedCall | None:
    """`self.layer1 = Block(64)`: a call of a name, that gets one."""
    import ast

    target, node = read_value(statement)
    match node:
        case ast.Call(func=ast.Name(id=name)) if target:
            return AppliedCall(name, node, target, ())
    return None


@dataclass(frozen=True, slots=True)
class MadeOf:
    """What a network's constructor is called with: `ResNet(BasicBlock, [2, 2, 2, 2])`."""

    block: str
    counts: tuple[int, ...] = ()

    def count(self, node: ast.expr) -> ast.expr:
        """`2` for `layers[0]`."""
        import ast

        match node:
            case ast.Subscript(ast.Name(), ast.Constant(value=int() as at)) if (
                0 <= at < len(self.counts)
            ):
                return ast.Constant(self.counts[at])
        return node


def repeated_block(statement: str, made_of: MadeOf | None = None) -> RepeatedBlock | None:
    """`self.layer2 = self._make_layer(Block, 128, 2, stride=2)` as torchvision's means it.

    `made_of` has what `block` and `layers` are in it.
    """
    import ast

    target, node = read_value(statement)
    match node:
        case ast.Call(
            func=ast.Attribute(value=ast.Name(id="self"), attr=str() as method),
            args=[ast.Name(id=block), width, count, *rest],
            keywords=keywords,
        ) if "make" in method and len(rest) <= 1:
            pass
        case _:
            return None
    if made_of is not None:
        block, count = made_of.block, made_of.count(count)
    given = {keyword.arg: keyword.value for keyword in keywords}
    stride = rest[0] if rest else given.pop("stride", None)
    if given:
        return None
    try:
        wide, often = expression(width), expression(count)
        first = "1" if stride is None else expression(stride)
    except (NotSaid, RecursionError):
        return None
    label = target.removeprefix("self.")
    return RepeatedBlock(method, block, f"{label}: {in_a_row(block, wide, often, first)}")


def in_a_row(block: str, width: str, count: str, stride: str) -> str:
    """`{ Block(128, stride=2); Block(128) }`: the first has the stride."""
    if stride == "1":
        return f"{block}({width}) * {_count(count)}"
    first, other = f"{block}({width}, stride={stride})", f"{block}({width})"
    if count == "1":
        return f"{{ {first} }}"
    if count == "2":
        return f"{{ {first}; {other} }}"
    left = str(int(count) - 1) if count.isdigit() else f"({count} - 1)"
    return f"{{ {first}; {other} * {left} }}"


def _count(text: str) -> str:
    return text if text.isidentifier() or text.isdigit() else f"({text})"
