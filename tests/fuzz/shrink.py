"""The smallest program that still fails in the same way: statements go, numbers become smaller."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from archc import syntax as s
from archc.api import analyze
from archc.source import Limits, Source
from archc.syntax.writing import format_file


def shrink(text: str, fails: Callable[[str], bool], limits: Limits, most: int = 400) -> str:
    """Replace `text` by a smaller one for which `fails` holds, as long as there is one."""
    best, refused = text, set[str]()
    progress = True
    while progress:
        progress = False
        queue = [c for c in candidates(best, limits) if weight(c) < weight(best)]
        at = 0
        while at < len(queue) and len(refused) < most:
            candidate = queue[at]
            at += 1
            if candidate in refused:
                continue
            if fails(candidate):
                best, progress = candidate, True
                # What was refused before is refused now, most likely: go on from here.
                queue = [c for c in candidates(best, limits) if weight(c) < weight(best)]
                at = at * len(queue) // (at + len(queue))
            else:
                refused.add(candidate)
    return best


def weight(text: str) -> tuple[int, int, int]:
    """Few words come first, then small numbers."""
    words = text.replace("(", " ( ").replace(")", " ) ").split()
    digits = sum(int(c) for c in text if c.isdigit())
    return len(words), len(text), digits


def candidates(text: str, limits: Limits) -> Iterator[str]:
    """Texts with one thing less, the largest cuts first."""
    tree = analyze(Source("random.arch", text), limits=limits).file
    found = {format_file(t) for t in cuts(tree)}
    yield from sorted(found, key=weight)


def cuts(node: Any) -> Iterator[Any]:
    """The tree with one node left out or replaced by something simpler, for all nodes and ways."""
    yield from simpler(node)
    if not dataclasses.is_dataclass(node) or isinstance(node, type):
        return
    for field in dataclasses.fields(node):
        value = getattr(node, field.name)
        if field.name in _FIXED:
            continue
        for new in fewer(node, field.name, value) if isinstance(value, tuple) else cuts(value):
            if isinstance(new, tuple) == isinstance(value, tuple):
                yield dataclasses.replace(node, **{field.name: new})
        if (type(node), field.name) in _OPTIONAL and value is not None:
            yield dataclasses.replace(node, **{field.name: None})


_FIXED = {"span", "doc", "damage", "name", "names", "function", "key", "target", "targets"}
_FIXED |= {"parts", "members", "tensor"}
_OPTIONAL = {
    (s.Statement, "label"), (s.Statement, "repeat"), (s.If, "other"), (s.Network, "title"),
    (s.Formal, "default"), (s.Operation, "condition"), (s.Statement, "alias"),
}  # fmt: skip
_LISTS = {
    (s.Operation, "attributes"), (s.Operation, "arguments"), (s.Block, "formals"),
    (s.ListExpr, "items"), (s.Sequence, "statements"), (s.File, "items"),
}  # fmt: skip


def fewer(node: Any, name: str, items: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """The items of a node's field with one less, or one that is simpler."""
    several = (type(node), name) in _LISTS or (name == "branches" and len(items) > 1)
    for at, item in enumerate(items):
        before, after = items[:at], items[at + 1 :]
        if several and not isinstance(item, s.Network):
            yield (*before, *after)
        for new in cuts(item):
            yield (*before, *(new if isinstance(new, tuple) else (new,)), *after)


def simpler(node: Any) -> Iterator[Any]:
    """What a node itself may become. A tuple takes the place of a statement in its sequence."""
    span: Any = getattr(node, "span", None)
    match node:
        case s.Statement(term=s.Group(body) | s.For(body=body) | s.Each(body=body)):
            yield body.statements
        case s.Statement(term=s.If(_, then, other)):
            yield then.statements
            yield () if other is None else other.statements
        case s.Statement(term=s.Operation() as made):
            yield from (branch.statements for branch in made.branches or ())
            for name, attributes in (("relu", ()), ("conv", _pointwise(span))):
                term = s.Operation(s.Name(name, span), None, attributes, None, span)
                yield dataclasses.replace(node, term=term)
        case s.Number(value):
            smaller = {0, 1, 2, 4, int(value) // 2}
            yield from (s.Number(new, span) for new in sorted(smaller) if new < value)
        case s.Size(dims):
            yield s.Size(tuple(max(1, dim // 2) for dim in dims), span)
            yield s.Size(tuple(max(1, dim - 1) for dim in dims), span)
        case s.Binary(_, left, right) | s.Conditional(left, _, right):
            yield left
            yield right
        case s.UnaryExpr(_, operand):
            yield operand
        case s.CallExpr(_, args):
            yield from args
    if isinstance(node, s.Expr) and not isinstance(node, s.Number | s.Text | s.ListExpr):
        yield from (s.Number(value, span) for value in (1, 2, 4))
        yield from (s.Name(word, span) for word in ("true", "false"))


def _pointwise(span: Any) -> tuple[s.Attribute, ...]:
    """`conv 1 x4`."""
    return s.Plain(s.Number(1, span), span), s.Geometry("x", (s.Number(4, span),), span)
