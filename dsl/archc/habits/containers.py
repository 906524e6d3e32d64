"""Layers in a container of Python: `nn.Sequential(...)`, a list, a list made by a rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archc.habits.applied import OwnBlock
from archc.habits.expressions import NotSaid, counted, expression
from archc.habits.shapes import with_one_channel

if TYPE_CHECKING:
    import ast

_REPEATED = re.compile(r"\* (?:\w+|\([^()]*\))$")
_WIDE = 88  # characters: a longer group has a line for each statement
_IN_ORDER = frozenset(("Sequential", "ModuleList", "OrderedDict"))


@dataclass(frozen=True, slots=True)
class Contained:
    """The statements of a container, and whether it runs them in this order for sure."""

    name: str  # `Sequential`; empty of a list
    statements: tuple[str, ...]
    sure: bool = True
    lacks: str = ""  # what archc lacks of them
    incoming: int | None = None  # channels that its first layer says come in
    input: str = ""  # the statement of what it says comes in: `input 28x28 x1`
    features: tuple[int, ...] = ()  # what its linears take, as written

    @property
    def body(self) -> str:
        """What a label may stand before: a group, or a repeat alone."""
        if len(self.statements) == 1 and _REPEATED.search(self.statements[0]):
            return self.statements[0]
        return grouped(self.statements)

    def text(self, label: str) -> str:
        """As a group, or bare where it had neither a name nor a label."""
        if len(self.statements) == 1 and label and _REPEATED.search(self.statements[0]):
            return f"{label}: {self.statements[0]}"
        if not self.statements:
            return f"{label}: identity" if label else "identity"
        if not label and (not self.name or self.input):
            line = "; ".join(self.statements)
            return line if len(line) <= _WIDE and "\n" not in line else "\n".join(self.statements)
        return grouped(self.statements, label)


@dataclass(frozen=True, slots=True)
class WrittenLayer:
    """A layer's statements, as whoever knows layers writes them."""

    text: str
    sure: bool = True
    lacks: str = ""
    incoming: int | None = None
    input: str = ""


def contained(
    node: ast.expr, layer: Callable[[str], WrittenLayer | None], blocks: Mapping[str, OwnBlock]
) -> Contained | None:
    """The statements of a container; None where it is none, or holds what nobody knows.

    `layer` writes one of its layers, `blocks` are those that the file has itself.
    """
    try:
        return _Reader(layer, blocks).container(node)
    except (NotSaid, RecursionError):
        return None


def grouped(statements: tuple[str, ...], label: str = "", indent: str = "") -> str:
    """`stem: { conv 3x3 x64; bn }`, over several lines where one is too long."""
    head = f"{label}: " if label else ""
    line = f"{head}{{ {'; '.join(statements)} }}"
    if len(line) <= _WIDE and "\n" not in line:
        return line
    inside = "".join(f"{indent}  {line}\n" for text in statements for line in text.split("\n"))
    return f"{head}{{\n{inside}{indent}}}"


@dataclass(slots=True)
class _Reader:
    layer: Callable[[str], WrittenLayer | None]
    blocks: Mapping[str, OwnBlock]
    sure: bool = True
    lacks: str = ""
    input: str = ""
    layers: list[WrittenLayer] = field(default_factory=list)

    def container(self, node: ast.expr) -> Contained | None:
        import ast

        match node:
            case ast.Call(func=func, keywords=[]) if _name(func) in _IN_ORDER:
                items = node.args
                self.sure = _name(func) != "ModuleList"
            case ast.List() | ast.ListComp():
                items, self.sure = [node], False
            case _:
                return None
        statements = tuple(text for item in items for text in self._item(item))
        name = _name(node.func) if isinstance(node, ast.Call) else ""
        if not statements and name != "Sequential":
            raise NotSaid
        incoming = self.layers[0].incoming if self.layers else None
        linears = (layer for layer in self.layers if layer.text.startswith("fc "))
        features = tuple(fc.incoming for fc in linears if fc.incoming is not None)
        input = with_one_channel(self.input, statements[0] if statements else "")
        return Contained(name, statements, self.sure, self.lacks, incoming, input, features)

    def _item(self, node: ast.expr) -> list[str]:
        import ast

        match node:
            case ast.Starred(value=value):
                return self._item(value)
            case ast.List() | ast.Tuple() if _is_named(node):  # of an OrderedDict
                label, layer = node.elts
                assert isinstance(label, ast.Constant)
                return [_labelled(str(label.value), self._item(layer))]
            case ast.List():
                return [text for item in node.elts for text in self._item(item)]
            case ast.Call(func=func, args=[ast.List() as pairs]) if _name(func) == "OrderedDict":
                return self._item(pairs)
            case ast.Call(func=func, keywords=[]) if _name(func) in _IN_ORDER:
                inner = [text for item in node.args for text in self._item(item)]
                return [grouped(tuple(inner))] if inner else ["identity"]
            case ast.ListComp(elt=elt, generators=[made]) if not made.ifs:
                return [self._repeated(elt, made)]
            case ast.Call():
                return [text for text in [self._layer(node)] if text]
        raise NotSaid

    def _layer(self, node: ast.Call) -> str:
        import ast

        text = ast.unparse(node)
        made = self.layer(text)
        if made is None:
            if not isinstance(node.func, ast.Name) or node.func.id not in self.blocks:
                raise NotSaid
            text, known = self.blocks[node.func.id].call(node)
            if not known:  # the first may be the channels that come in
                raise NotSaid
            self.layers.append(WrittenLayer(text))
            self.sure = False  # whether its arguments are the block's, nobody has looked
            return text
        self.sure = self.sure and made.sure
        if made.text.startswith("input "):  # which stands before the container
            if self.layers or self.input:
                raise NotSaid
            self.input = made.text
            return ""
        self.input = self.input or ("" if self.layers else made.input)
        self.layers.append(made)
        self.lacks = self.lacks or made.lacks
        return made.text

    def _repeated(self, elt: ast.expr, made: ast.comprehension) -> str:
        """`Block(64) * 3`; a loop where the passes differ."""
        import ast

        statements = self._item(elt)
        names = {node.id for node in ast.walk(elt) if isinstance(node, ast.Name)}
        count = counted(made.iter)
        if count is not None and isinstance(made.target, ast.Name) and made.target.id not in names:
            alone = len(statements) == 1 and ";" not in statements[0]
            return f"{statements[0] if alone else grouped(tuple(statements))} * {count}"
        if not isinstance(made.target, ast.Name):
            raise NotSaid
        self.sure = False
        where = expression(made.iter)
        return f"for {made.target.id} in {where} {grouped(tuple(statements))}"


def _is_named(node: ast.List | ast.Tuple) -> bool:
    """`("conv1", nn.Conv2d(...))`."""
    import ast

    match node.elts:
        case [ast.Constant(value=str() as label), ast.Call()]:
            return label.isidentifier()
    return False


def _labelled(label: str, statements: list[str]) -> str:
    text = "; ".join(statements)
    return f"{label}: {{ {text} }}" if ";" in text else f"{label}: {text}"


def _name(node: ast.expr) -> str:
    """The last name of `torch.nn.Sequential`."""
    import ast

    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""
