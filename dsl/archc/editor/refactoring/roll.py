"""Statements alike to one, repeated, or to a loop over what differs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from archc import syntax
from archc.editor.findings import TextChange
from archc.editor.refactoring.base import Draft, Refactoring, RefactoringKind, refactoring
from archc.editor.refactoring.lines import braced, dedented, indent_at, indented
from archc.editor.refactoring.numbers import NumberPlace, numbers_in
from archc.editor.refactoring.selection import Selection
from archc.report.spelling.operators import write_value
from archc.scopes import Scopes
from archc.source import Edit, Source, Span, edited
from archc.syntax.walk import walk

_SPOT = "\0"  # what stands in a text for what may differ
_COMMENT = re.compile(r" *#[^\n]*")


@refactoring
class Roll(Refactoring):
    """`conv 3x3 x64; conv 3x3 x64` to `conv 3x3 x64 * 2`; with other numbers, to a `for`."""

    kind = RefactoringKind.REWRITE
    purpose = "Roll into a loop"

    def drafts(self, selection: Selection) -> Iterator[Draft]:
        statements = selection.statements
        if len(statements) < 2 or not all(selection.runs(s) for s in statements):
            return
        start, end = statements[0].span.start, statements[-1].span.end
        times = _repeated(statements)
        if times:
            text = f"{statements[0].term.span.text} * {times}"
            change = TextChange(start, end, text)
            yield Draft(f"Roll into a repeat ({times} times)", (change,))
        for length in range(1, len(statements) // 2 + 1):
            if len(statements) % length:
                continue
            passes = [
                _Pass.of(statements[at : at + length], selection.snapshot.scopes)
                for at in range(0, len(statements), length)
            ]
            if len({one.pattern for one in passes}) > 1:
                continue
            loop = _loop(selection, passes)
            if loop is not None:
                text = indented(loop, indent_at(selection.source, start))
                change = TextChange(start, end, text)
                yield Draft(f"Roll into a `for` ({len(passes)} passes)", (change,))
                return


def _repeated(statements: Sequence[syntax.Statement]) -> int:
    """How often one statement runs, where all of them are it; 0 where they are not."""
    first = statements[0]
    times = 0
    for statement in statements:
        if statement.term != first.term or statement.label or statement.alias:
            return 0
        match statement.repeat:
            case None:
                times += 1
            case syntax.Number(value=int() as count):
                times += count
            case _:
                return 0
    return times


@dataclass(frozen=True)
class _Pass:
    """Statements that may be a pass of a loop: what is the same in all, and the numbers in it."""

    source: Source
    start: int
    end: int
    spots: tuple[_Spot, ...]
    pattern: str

    @classmethod
    def of(cls, statements: Sequence[syntax.Statement], scopes: Scopes) -> _Pass:
        spots = sorted(
            (spot for s in statements for spot in _spots(s, scopes)), key=lambda s: s.span.start
        )
        source = statements[0].span.source
        start, end = statements[0].span.start, statements[-1].span.end
        return cls(source, start, end, tuple(spots), _pattern(source, start, end, spots))

    def text(self, names: Sequence[str | None]) -> str:
        """Return the statements with expressions in the places of numbers."""
        edits = [
            (spot.span, spot.text(name))
            for spot, name in zip(self.spots, names, strict=True)
            if name is not None
        ]
        return _with(self.source, self.start, self.end, edits)


@dataclass(frozen=True)
class _Spot:
    """A number that may differ: in an attribute or argument, or behind a label."""

    span: Span
    value: int | float
    number: NumberPlace | None = None

    def text(self, expression: str) -> str:
        return self.number.text(expression) if self.number else f"{{{expression}}}"


def _spots(statement: syntax.Statement, scopes: Scopes) -> Iterator[_Spot]:
    for number in numbers_in(statement, scopes):
        yield _Spot(number.span, number.value, number)
    for node in walk(statement):
        if isinstance(node, syntax.Label | syntax.Reference) and not node.is_path and node.fixed:
            digits = len(node.fixed) - len(node.fixed.rstrip("0123456789"))
            plain = node.fixed[-digits:] if digits else ""
            if plain and plain == str(int(plain)):
                at = node.span.text.index(node.fixed) + node.span.start + len(node.fixed)
                yield _Spot(Span(node.span.source, at - digits, at), int(plain))


def _pattern(source: Source, start: int, end: int, spots: Sequence[_Spot]) -> str:
    """The text with nothing in the places of numbers, and without comments and blanks."""
    text = _with(source, start, end, [(spot.span, _SPOT) for spot in spots])
    lines = [line.partition("#")[0].strip() for line in text.replace(";", "\n").split("\n")]
    return "\n".join(" ".join(line.split()) for line in lines if line)


def _with(source: Source, start: int, end: int, edits: Sequence[tuple[Span, str]]) -> str:
    moved = Source(source.name, source.text[start:end])
    inside = [Edit(Span(moved, s.start - start, s.end - start), text) for s, text in edits]
    return edited(moved.text, inside)


# --- the loop ----------------------------------------------------------------------------


def _loop(selection: Selection, passes: Sequence[_Pass]) -> str | None:
    """`for i, width in [[1, 64], [2, 128]] { ... }`: what differs gets a name."""
    columns = [tuple(one.spots[at].value for one in passes) for at in range(len(passes[0].spots))]
    varying = [column for column in dict.fromkeys(columns) if len(set(column)) > 1]
    index = next((column for column in varying if _counts(column)), None)
    others = [c for c in varying if index is None or _offset(c, index) is None]
    i = selection.fresh("i")
    names: dict[tuple[Any, ...], str] = {}
    for column in others:
        spot = passes[0].spots[columns.index(column)]
        wanted = spot.number.wanted if spot.number is not None else "n"
        names[column] = selection.fresh(wanted, frozenset((i, *names.values())))
    expressions = [_expression(column, index, i, names) for column in columns]
    body = dedented(passes[0].text(expressions))
    if len({tuple(_COMMENT.findall(one.text(expressions))) for one in passes}) > 1:
        body = _COMMENT.sub("", body)
    if not others:
        first = int(index[0]) if index is not None else 1
        head = f"for {i} in {first}..{first + len(passes) - 1} "
    else:
        listed = [*([(i, index)] if index is not None else []), *((n, c) for c, n in names.items())]
        rows = [tuple(column[at] for _, column in listed) for at in range(len(passes))]
        values = [write_value(row if len(row) > 1 else row[0]) for row in rows]
        head = f"for {', '.join(name for name, _ in listed)} in [{', '.join(values)}] "
    return braced(body, head)


def _counts(column: Sequence[int | float]) -> bool:
    """Whether numbers go up by one."""
    first = column[0]
    return isinstance(first, int) and list(column) == [*range(first, first + len(column))]


def _offset(column: Sequence[int | float], index: Sequence[int | float]) -> int | None:
    """What is to be added to a counter; None where that does not make the numbers."""
    return int(column[0] - index[0]) if _counts(column) else None


def _expression(
    column: tuple[Any, ...],
    index: tuple[Any, ...] | None,
    i: str,
    names: dict[tuple[Any, ...], str],
) -> str | None:
    """What stands in the place of a number; None where it is the same in all passes."""
    if len(set(column)) == 1:
        return None
    if column in names:
        return names[column]
    assert index is not None
    offset = int(column[0] - index[0])
    return i if not offset else f"{i} {'+' if offset > 0 else '-'} {abs(offset)}"
