"""What is selected in a text: whole statements of one row, or a place in one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from archc import syntax
from archc.editor.snapshot import Snapshot, is_known
from archc.elaborate.names import refuse_reserved
from archc.scopes import Symbol, SymbolKind
from archc.source import Fault, Source
from archc.syntax import RESERVED
from archc.syntax.walk import name_span, path_to, sequences, walk

TENSORS = (SymbolKind.LABEL, SymbolKind.INPUT)


@dataclass(frozen=True, eq=False)
class Selection:
    """What is between two offsets of a text. `row` are the statements around it."""

    snapshot: Snapshot
    start: int
    end: int

    @classmethod
    def of(cls, snapshot: Snapshot, start: int, end: int) -> Selection:
        """Return what is selected, blanks at its ends left out."""
        inside = snapshot.text[start:end]
        if inside.strip():
            end -= len(inside) - len(inside.rstrip())
            start += len(inside) - len(inside.lstrip())
        return cls(snapshot, start, end)

    @property
    def source(self) -> Source:
        return self.snapshot.source

    @property
    def text(self) -> str:
        return self.source.text

    @property
    def is_empty(self) -> bool:
        return self.start == self.end

    @cached_property
    def row(self) -> syntax.Sequence:
        """The innermost row of statements that all of it is in."""
        around = [
            row
            for row in sequences(self.snapshot.file)
            if row.span.start <= self.start and self.end <= row.span.end
        ]
        return min(around, key=lambda row: row.span.end - row.span.start)

    @cached_property
    def statements(self) -> tuple[syntax.Statement, ...]:
        """The statements that are selected whole; none where one is cut."""
        if self.is_empty:
            return ()
        touched = [
            s for s in self.row.statements if s.span.start < self.end and self.start < s.span.end
        ]
        cut = any(s.span.start < self.start or self.end < s.span.end for s in touched)
        between = any(
            self.start <= item.span.start < self.end
            for item in self.snapshot.file.items
            if not isinstance(item, syntax.Statement)
        )
        return () if cut or between else tuple(touched)

    @cached_property
    def path(self) -> list[Any]:
        """The nodes that hold its start, the outermost first."""
        return path_to(self.snapshot.file, self.start)

    @property
    def block(self) -> syntax.Block | None:
        """The block that it is in."""
        return next((node for node in self.path if isinstance(node, syntax.Block)), None)

    def row_of(self, statement: syntax.Statement) -> syntax.Sequence:
        """Return the row that a statement around the selection is in."""
        if statement in self.row.statements:
            return self.row
        rows = [n for n in self.path if isinstance(n, syntax.Sequence)]
        return next((r for r in reversed(rows) if statement in r.statements), self.row)

    def runs(self, statement: syntax.Statement) -> bool:
        """Tell whether a statement runs: of others it could not be said what an edit changes."""
        runs = self.snapshot.runs
        return runs is not None and bool(runs.once(statement) or runs.of_statement(statement))

    # --- names

    @cached_property
    def _taken(self) -> frozenset[str]:
        """What is a name where the selection is, in it, and at the top of the text."""
        seen = self.snapshot.scopes.values_at(self.start)
        inside = {
            symbol.name
            for symbol, defined, *_ in self.symbols_within(self.start, self.end)
            if defined or symbol.kind not in TENSORS
        }
        items = (i for i in self.snapshot.file.items if isinstance(i, syntax.Block | syntax.Param))
        return frozenset(seen.keys() | inside | {item.name.id for item in items})

    def fresh(self, wanted: str, besides: frozenset[str] = frozenset()) -> str:
        """Return a name that nothing has: the wanted one, perhaps with a number behind it."""
        number, name = 1, wanted
        while name in self._taken or name in besides or not _may_be_a_name(name, self):
            number += 1
            name = f"{wanted}{number}"
        return name

    def symbols_within(
        self, start: int, end: int
    ) -> Iterator[tuple[Symbol, list[int], list[int], list[int]]]:
        """Return the names that stand between two offsets.

        Each with the places of its definitions, and of its uses, inside; and of its uses outside.
        """
        given = self._argument_names
        for symbol in self.snapshot.scopes.symbols:
            here = [s.start for s in symbol.definitions if s.source is self.source]
            uses = [s.start for s in symbol.uses if s.source is self.source]
            defined = [at for at in here if start <= at < end]
            used = [at for at in uses if start <= at < end and at not in given]
            if defined or used:
                yield symbol, defined, used, [at for at in uses if not start <= at < end]

    @cached_property
    def _argument_names(self) -> frozenset[int]:
        """Where the names of arguments stand: `stride` of `unit(stride=2)`."""
        return frozenset(
            name_span(node.name).start
            for node in walk(self.snapshot.file)
            if isinstance(node, syntax.Argument) and node.name is not None
        )


def _may_be_a_name(name: str, selection: Selection) -> bool:
    if name in RESERVED or is_known(name):
        return False
    try:
        refuse_reserved(name, selection.snapshot.file.span, "the name")
    except Fault:
        return False
    return True
