"""Numbers in statements: where they stand, what one would call them, how a name stands there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archc import syntax
from archc.record import record
from archc.scopes import Scopes
from archc.source import Span
from archc.syntax.walk import children

_LETTERS = {"x": "width", "p": "padding", "g": "groups", "d": "dilation"}
_OWN = {"fc": "features", "dropout": "rate", "droppath": "rate", "pool": "k", "input": "size"}


@record
class NumberPlace:
    """A number. `letters` stand before it: `x` of `x64`; `times` numbers alike make a size."""

    span: Span
    value: int | float
    wanted: str  # a name for it
    letters: str = ""
    times: int = 1
    in_brackets: bool = True  # a name for it must stand in brackets

    def text(self, expression: str) -> str:
        """Return what stands there where an expression takes the number's place."""
        whole = f"({expression})" if self.in_brackets else expression
        return self.letters + "x".join([whole] * self.times)


def numbers_in(node: Any, scopes: Scopes) -> Iterator[NumberPlace]:
    """Return the numbers of a statement, in the order of the text."""
    yield from _numbers(node, scopes, "n", False)


def _numbers(node: Any, scopes: Scopes, wanted: str, is_attribute: bool) -> Iterator[NumberPlace]:
    match node:
        case syntax.Size(dims=dims, span=span):
            if len(set(dims)) == 1:
                name = "size" if wanted == "size" else "k"
                yield NumberPlace(span, dims[0], name, times=len(dims))
        case syntax.Geometry(letter=letter, dims=(syntax.Number() as number,)):
            if not number.span.text.startswith("("):
                value = number.value
                yield NumberPlace(node.span, value, _LETTERS[letter], letters=letter)
        case syntax.Geometry(letter=letter):
            if any(not isinstance(n, syntax.Number) for n in node.dims):
                yield from _inside(node, scopes, _LETTERS[letter], False)
        case syntax.Stride(dims=(syntax.Number() as number,)):
            yield NumberPlace(node.span, number.value, "stride", letters="/")
        case syntax.Option():
            yield from _numbers(node.value, scopes, node.name.id, True)
        case syntax.Number():
            written = node.span.text
            if written[:1].isdigit() or written[:1] == ".":
                yield NumberPlace(node.span, node.value, wanted, in_brackets=is_attribute)
        case syntax.Plain():
            yield from _numbers(node.value, scopes, wanted, True)
        case syntax.Operation():
            yield from _operation(node, scopes)
        case syntax.Statement():
            yield from _inside_of_statement(node, scopes)
        case syntax.Stride() | syntax.Sized() | syntax.Label() | syntax.Reference():
            yield from _inside(node, scopes, "n", False)
        case _:
            yield from _inside(node, scopes, wanted, False)


def _inside(node: Any, scopes: Scopes, wanted: str, is_attribute: bool) -> Iterator[NumberPlace]:
    for inner in children(node):
        yield from _numbers(inner, scopes, wanted, is_attribute)


def _inside_of_statement(node: syntax.Statement, scopes: Scopes) -> Iterator[NumberPlace]:
    yield from _numbers(node.term, scopes, "n", False)
    if node.repeat is not None:
        yield from _numbers(node.repeat, scopes, "depth", True)


def _operation(node: syntax.Operation, scopes: Scopes) -> Iterator[NumberPlace]:
    symbol = scopes.values_at(node.span.start).get(node.name.id) if node.arguments else None
    formals = [*symbol.parameters] if symbol is not None else []
    for at, argument in enumerate(node.arguments or ()):
        wanted = formals[at] if at < len(formals) else "n"
        wanted = argument.name.id if argument.name is not None else wanted
        yield from _numbers(argument.value, scopes, wanted, False)
    for attribute in node.attributes:
        yield from _numbers(attribute, scopes, _OWN.get(node.name.id, "n"), False)
    if node.condition is not None:
        yield from _numbers(node.condition, scopes, "n", False)
    for branch in node.branches or ():
        yield from _numbers(branch, scopes, "n", False)
