"""Every node of a tree, and where a name stands in the text without what is around it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import fields
from typing import Any

from archc.source import Span
from archc.syntax.tree import (
    Block,
    Each,
    Entry,
    File,
    For,
    Group,
    If,
    Incoming,
    Label,
    Name,
    Operation,
    Reference,
    Sequence,
    SizeOf,
    Statement,
    Term,
    Word,
)

_FIELDS: dict[type[Any], tuple[str, ...]] = {}
_WORD = re.compile(r"#[^\n]*|[A-Za-z_][A-Za-z0-9_]*")


def children(node: Any) -> Iterator[Any]:
    """Return the nodes right below a node, in the order of its fields."""
    cls = type(node)
    for name in _FIELDS.get(cls) or _fields_of(cls):
        yield from _nodes(getattr(node, name))


def walk(node: Any) -> Iterator[Any]:
    """Return a node and all below it, each before what is in it."""
    stack = [node]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed([*children(node)]))


def words_of(span: Span) -> list[str]:
    """Return the words that are written in a text, comments left out."""
    return words_of_text(span.text)


def words_of_text(text: str) -> list[str]:
    """Return the words of a text, comments left out."""
    return re.findall(r"\w+", re.sub(r"#.*", "", text))


def asks_size(expr: Any, sized: Collection[str] = ()) -> bool:
    """Whether an expression asks for a size of a tensor other than its channels.

    `sized` are names of such sizes.
    """
    return any(
        node.id in sized if isinstance(node, Name) else node.field != "c"
        for node in walk(expr)
        if isinstance(node, Name | Incoming | SizeOf)
    )


def sized_formals(block: Block) -> frozenset[str]:
    """Return a block's parameters whose defaults are sizes, or numbers made of them."""
    found: set[str] = set()
    for formal in block.formals:
        if formal.default is not None and asks_size(formal.default, found):
            found.add(formal.name.id)
    return frozenset(found)


def path_to(node: Any, offset: int) -> list[Any]:
    """Return the nodes that hold an offset, its end included, the outermost first."""
    found = [node]
    while True:
        inside = [n for n in children(found[-1]) if n.span.start <= offset <= n.span.end]
        if not inside:
            return found
        found.append(inside[-1])


def name_span(node: Name | Word | Label | Reference) -> Span:
    """Return where the name itself stands: not its brackets, quotes, `@` or `{i}`."""
    span = node.span
    if isinstance(node, Label | Reference):
        first = node.parts[0] if node.parts and isinstance(node.parts[0], str) else ""
        at = span.text.find(first) if first else -1
        return Span(span.source, span.start + at, span.start + at + len(first)) if at >= 0 else span
    if len(node.id) == span.end - span.start:
        return span
    for found in _WORD.finditer(span.text):
        if found.group() == node.id:
            return Span(span.source, span.start + found.start(), span.start + found.end())
    return span


def sequences(file: File) -> Iterator[Sequence]:
    """Return every row of statements in a file, its own last."""
    own = Sequence(tuple(item for item in file.items if isinstance(item, Statement)), file.span)
    blocks = [item.body for item in file.items if isinstance(item, Block)]
    stack = [*blocks, *_rows_inside(own)]
    while stack:
        row = stack.pop()
        yield row
        stack += _rows_inside(row)
    yield own


def rows_of(term: Term) -> tuple[Sequence, ...]:
    """Return the rows of statements right inside a term."""
    match term:
        case Operation():
            return term.branches or ()
        case Group() | For() | Each():
            return (term.body,)
        case If():
            return (term.then,) if term.other is None else (term.then, term.other)
        case _:
            return ()


def _rows_inside(row: Sequence) -> Iterator[Sequence]:
    for statement in row.statements:
        yield from rows_of(statement.term)


def _nodes(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple):
        for item in value:
            yield from _nodes(item)
    elif hasattr(value, "span"):
        yield value


def _fields_of(cls: Any) -> tuple[str, ...]:
    """The fields that may hold nodes, in the order in which they are written."""
    names = [f.name for f in fields(cls) if f.compare]
    if cls is Entry:
        names.remove("relation")
    if "condition" in names:  # of an operation, before its branches
        names.insert(names.index("branches"), names.pop(names.index("condition")))
    return _FIELDS.setdefault(cls, tuple(names))
