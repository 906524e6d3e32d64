"""A repeat or loop written out, pass by pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archc import symbolic, syntax
from archc.editor.refactoring.base import (
    Draft,
    NotRefactored,
    Refactoring,
    RefactoringKind,
    refactoring,
)
from archc.editor.refactoring.lines import braced, dedented, has_line, joined, placed
from archc.editor.refactoring.selection import Selection
from archc.editor.refactoring.substitution import Substitution
from archc.plan import Loop
from archc.scopes import SymbolKind
from archc.syntax.walk import walk

_MOST = 100  # passes


@refactoring
class Unroll(Refactoring):
    """`unit(64) * 3` to three statements, `for` to its passes, its names to their values."""

    kind = RefactoringKind.REWRITE
    purpose = "Unroll"

    def drafts(self, selection: Selection) -> Iterator[Draft]:
        statement = _loop_at(selection)
        if statement is None or not selection.runs(statement):
            return
        term = statement.term
        counted = term.over if isinstance(term, syntax.For) else statement.repeat
        assert counted is not None
        _refuse_names(selection, counted)
        passes = _passes(selection, statement)
        if not 1 <= len(passes) <= _MOST:
            raise NotRefactored(f"{len(passes)} passes are too many to write out")
        if isinstance(term, syntax.For):
            copies, title = _of_for(term, passes), f"Unroll `for` ({len(passes)} passes)"
        else:
            text = selection.text[term.span.start : term.span.end]
            copies = [dedented(text)] * len(passes)
            title = f"Unroll the repeat ({len(passes)} times)"
        text = _written(selection, statement, copies)
        row = selection.row_of(statement)
        yield Draft(title, (placed(selection.source, row, statement, text),))


def _loop_at(selection: Selection) -> syntax.Statement | None:
    """The repeat that the selection begins in, or the loop whose head it begins in."""
    chosen = selection.statements
    if len(chosen) == 1:
        return chosen[0] if _is_loop(chosen[0]) else None
    if not selection.is_empty:
        return None
    for node in reversed(selection.path):
        if isinstance(node, syntax.Statement) and _is_loop(node):
            inside = isinstance(node.term, syntax.For) and (
                node.term.body.span.start < selection.start < node.term.body.span.end
            )
            return None if inside else node
    return None


def _is_loop(statement: syntax.Statement) -> bool:
    if isinstance(statement.term, syntax.For):
        return statement.repeat is None and statement.label is None and statement.alias is None
    return statement.repeat is not None


def _refuse_names(selection: Selection, counted: syntax.Expr | syntax.Over) -> None:
    """What a param or a tensor says may be something else tomorrow."""
    seen = selection.snapshot.scopes.values_at(selection.start)
    for node in walk(counted):
        if isinstance(node, syntax.Name):
            symbol = seen.get(node.id)
            if symbol is None or symbol.kind is SymbolKind.BLOCK:
                continue
        if isinstance(node, syntax.Name | syntax.Incoming | syntax.SizeOf):
            raise NotRefactored(f"how often it runs hangs on `{node.span.text.strip('()')}`")


def _passes(selection: Selection, statement: syntax.Statement) -> list[tuple[Any, ...]]:
    """What the loop's names are in each pass."""
    runs = selection.snapshot.runs
    assert runs is not None
    found = [*runs.of_statement(statement), *runs.once(statement)]
    for run in found:
        node: Any = run.node
        while not isinstance(node, Loop) and hasattr(node, "chain") and node.chain.nodes:
            node = node.chain.nodes[0]
        if isinstance(node, Loop):
            return [symbolic.plain(values) for values in node.values]
    raise NotRefactored("it is not known what its passes are")


def _of_for(term: syntax.For, passes: list[tuple[Any, ...]]) -> list[str]:
    names = [name.id for name in term.names]
    start, end = term.body.span.start + 1, term.body.span.end - 1
    found = []
    for values in passes:
        known = Substitution(dict(zip(names, values, strict=True)))
        text = dedented(known.statements(term.body, start, end).strip(" \t\n"))
        if text:
            found.append(text)
    return found


def _written(selection: Selection, statement: syntax.Statement, copies: list[str]) -> str:
    """All passes in the loop's place; those of a labelled repeat in a group of that label."""
    source, span = selection.source, statement.span
    tail = "" if statement.alias is None else f" as {statement.alias.span.text}"
    if statement.label is not None:
        return braced(joined(copies), source.text[span.start : statement.term.span.start], tail)
    return joined(copies, on_lines=has_line(source, span.start, span.end)) + tail
