"""Calls of the user's own blocks: `Block(64)(x)`, `self._make_layer(Block, 128, 2, stride=2)`."""

from __future__ import annotations

from dataclasses import dataclass

from archc.habits.call import read_value
from archc.habits.expressions import NotSaid, expression


@dataclass(frozen=True, slots=True)
class AppliedCall:
    """`x = Block(64)(x)`."""

    name: str
    text: str  # `Block(64)`
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
            return AppliedCall(name, ast.unparse(inner), target, tensors)
    return None


def repeated_block(statement: str) -> RepeatedBlock | None:
    """`self.layer2 = self._make_layer(Block, 128, 2, stride=2)` as torchvision's means it."""
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
