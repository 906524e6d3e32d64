"""The parts of a text, as an outline and as what can be folded."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archc import syntax
from archc.editor.snapshot import Snapshot
from archc.record import record
from archc.source import Source, Span
from archc.syntax.walk import name_span, walk

_COMMENTS = re.compile(r"(?m)(?:^[ \t]*#[^\n]*(?:\n|\Z)){2,}")


@record
class OutlineEntry:
    """A part of a text: its name stands from `name_start` to `name_end`."""

    name: str
    kind: str  # network, param, block, layer, section
    detail: str
    start: int
    end: int
    name_start: int
    name_end: int
    children: tuple[OutlineEntry, ...] = ()


@record
class FoldedLines:
    """Lines that can be folded into the first of them, counted from 0."""

    first: int
    last: int
    is_comment: bool = False


def outline(snapshot: Snapshot) -> tuple[OutlineEntry, ...]:
    """Return the network, its params, blocks, labelled statements and sections."""
    found: list[OutlineEntry] = []
    for item in snapshot.file.items:
        match item:
            case syntax.Network():
                title = item.title.value if item.title is not None else ""
                found.append(_entry(item.name, "network", title, item.span))
            case syntax.Param():
                found.append(_entry(item.name, "param", item.default.span.text, item.span))
            case syntax.Block():
                formals = ", ".join(formal.text for formal in item.formals)
                inside = tuple(_layers(snapshot, item.body.statements))
                found.append(_entry(item.name, "block", f"({formals})", item.span, inside))
            case syntax.Section():
                found.append(_entry(item.kind, "section", "", item.span))
            case syntax.Statement():
                found += _layers(snapshot, (item,))
    return tuple(found)


def _layers(snapshot: Snapshot, statements: tuple[syntax.Statement, ...]) -> Iterator[OutlineEntry]:
    """Statements with a label, and those inside of them or of one without."""
    for statement in statements:
        inside = tuple(_layers(snapshot, _inner(statement.term)))
        if statement.label is None:
            yield from inside
            continue
        runs = snapshot.runs_of(statement)
        shape = runs[0].after.shape if runs else None
        label = statement.label
        name = label.fixed or label.span.text.rstrip(": ")
        at = name_span(label)
        yield OutlineEntry(
            name,
            "layer",
            str(shape or ""),
            statement.span.start,
            statement.span.end,
            at.start,
            at.end,
            inside,
        )


def _inner(term: syntax.Term) -> tuple[syntax.Statement, ...]:
    match term:
        case syntax.Group() | syntax.For() | syntax.Each():
            return term.body.statements
        case syntax.Operation():
            return tuple(s for branch in term.branches or () for s in branch.statements)
        case syntax.If():
            return (*term.then.statements, *(term.other.statements if term.other else ()))
        case _:
            return ()


def _entry(
    name: syntax.Name,
    kind: str,
    detail: str,
    span: Span,
    inside: tuple[OutlineEntry, ...] = (),
) -> OutlineEntry:
    at = name_span(name)
    return OutlineEntry(name.id, kind, detail, span.start, span.end, at.start, at.end, inside)


def folds(snapshot: Snapshot) -> tuple[FoldedLines, ...]:
    """Return what stands in brackets over several lines, and comments of several lines."""
    source = snapshot.source
    found: dict[int, FoldedLines] = {}
    for node in walk(snapshot.file):
        folded = syntax.Block | syntax.Section | syntax.Group | syntax.If | syntax.For
        if isinstance(node, folded | syntax.Each | syntax.Operation):
            fold = _lines(source, node.span.start, node.span.end)
            if fold.first < fold.last:
                found.setdefault(fold.first, fold)
    for comment in _COMMENTS.finditer(source.text):
        fold = _lines(source, comment.start(), comment.end() - 1, is_comment=True)
        found.setdefault(fold.first, fold)
    return tuple(found[first] for first in sorted(found))


def _lines(source: Source, start: int, end: int, *, is_comment: bool = False) -> FoldedLines:
    return FoldedLines(source.position(start)[0] - 1, source.position(end)[0] - 1, is_comment)
