"""One text, analysed: what all features of the editor read."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from archc import syntax
from archc.analysis.receptive import Field
from archc.analysis.statement_runs import StatementRun, StatementRuns
from archc.api import Analysis
from archc.api.loading import Naming
from archc.elaborate.evaluate import FUNCTIONS
from archc.elaborate.extend import key_of
from archc.elaborate.link import KEYWORDS
from archc.ops import COMBINATORS, REGISTRY, Shape
from archc.project import Project
from archc.scopes import Scopes, resolve
from archc.source import Source, Span
from archc.syntax.walk import path_to, walk

_KNOWN = frozenset((*REGISTRY, *COMBINATORS, *FUNCTIONS, *KEYWORDS))
_OF_TWO_WORDS = frozenset(name.partition(" ")[0] for name in REGISTRY)


def is_known(name: str) -> bool:
    """Tell whether archc itself has a name: an operator, a function, a word of the language."""
    return name in _KNOWN or name in _OF_TWO_WORDS


@dataclass(eq=False)
class Snapshot:
    """A text and its analysis. Whatever else is asked of it is found out then, and kept."""

    analysis: Analysis
    project: Project
    saved: bool  # the text is as it is on the disk
    cancelled: Callable[[], bool] | None = None  # nobody waits for an answer any more

    @property
    def source(self) -> Source:
        return self.analysis.source

    @property
    def text(self) -> str:
        return self.analysis.source.text

    @property
    def file(self) -> syntax.File:
        return self.analysis.file

    @cached_property
    def runs(self) -> StatementRuns | None:
        """What each statement makes; None for a file without a network."""
        plan = self.analysis.plan
        return None if plan is None else StatementRuns(plan)

    @cached_property
    def scopes(self) -> Scopes:
        """What each name stands for."""
        return resolve(self.file, self.used, is_known)

    @cached_property
    def extends(self) -> bool:
        """Whether it says what it changes of another file."""
        return any(isinstance(item, syntax.Extends) for item in self.file.items)

    def used(self, line: Naming, source: Source) -> syntax.File | None:
        """Return the tree of a file that `use` or `extends` names, if it could be read."""
        found = self.path_of(line, source)
        return None if found is None else self.analysis.again.load.files.get(found)

    def path_of(self, line: Naming, source: Source) -> Path | None:
        """Return the file that `use` or `extends` names, if it may be read."""
        found = self.analysis.again.load.path_of(line, source)
        return found if isinstance(found, Path) else None

    @cached_property
    def uses(self) -> frozenset[Path]:
        """The files that it uses or extends, and those that they do; there or not."""
        read = [self.file, *self.analysis.again.load.files.values()]
        lines = [(item, f.span.source) for f in read for item in f.items]
        found = [self.path_of(item, src) for item, src in lines if isinstance(item, Naming)]
        return frozenset(path for path in found if path is not None)

    @cached_property
    def fields(self) -> dict[tuple[str, int, int], Field]:
        """What the output of a statement sees of the network's input, where it first runs."""
        found: dict[tuple[str, int, int], Field] = {}
        if self.analysis.ok and self.analysis.plan is not None:
            for row in self.analysis.table.rows():
                span = row.part.span
                found.setdefault((span.source.name, span.start, span.end), row.field)
        return found

    # --- statements

    def statements(self) -> Iterator[syntax.Statement]:
        """Return every statement of the file, each before what is in it."""
        yield from (node for node in walk(self.file) if isinstance(node, syntax.Statement))

    def statement_at(self, offset: int) -> syntax.Statement | None:
        """Return the innermost statement that holds an offset."""
        nodes = path_to(self.file, offset)
        return next((n for n in reversed(nodes) if isinstance(n, syntax.Statement)), None)

    def runs_of(self, statement: syntax.Statement) -> list[StatementRun]:
        """Return where a statement runs; empty after a mistake, or in an arm that is not taken."""
        return [] if self.runs is None else self.runs.of_statement(statement)

    def shape_before(self, offset: int) -> Shape | None:
        """Return the shape of the tensor that a statement at an offset gets, where it first runs.

        None where there is none, or it is unknown after a mistake.
        """
        nodes = path_to(self.file, offset)
        for at in range(len(nodes) - 1, -1, -1):
            node = nodes[at]
            rows: tuple[object, ...] = ()
            if isinstance(node, syntax.Sequence):
                rows = node.statements
            elif isinstance(node, syntax.File):
                rows = node.items
            before = [s for s in rows if isinstance(s, syntax.Statement) and s.span.end <= offset]
            before = [s for s in before if not isinstance(s.term, syntax.Let)]
            if isinstance(node, syntax.File) and self.extends:
                before = self._before_in_base(before, offset)
            if before:
                runs = self.runs_of(before[-1])
                return runs[0].after.shape if runs else None
            if isinstance(node, syntax.Block):
                bodies = [] if self.runs is None else list(self.runs.bodies_of(node))
                return bodies[0].input.shape if bodies else None
            if isinstance(node, syntax.Statement) and node.span.start < offset:
                return self.shape_before(node.span.start)
        return None

    def _before_in_base(
        self, before: list[syntax.Statement], offset: int
    ) -> list[syntax.Statement]:
        """The statement before one of a file that extends another, which may have a place there."""
        items = [i for i in self.analysis.again.file.items if isinstance(i, syntax.Statement)]
        chain = [item for item in items if not isinstance(item.term, syntax.Let)]
        line = self.text[self.text.rfind("\n", 0, offset) + 1 : offset]
        label = re.match(r"[ \t]*([A-Za-z_]\w*)[ \t]*:", line.rpartition(";")[2])
        keys = [key_of(item) for item in chain]
        if label is not None and ("label", label[1]) in keys:
            return chain[: keys.index(("label", label[1]))][-1:]
        behind = [item for item in chain if item.span.source is not self.source]
        after = chain.index(behind[-1]) if behind else -1
        new = [s for s in before if s in chain and chain.index(s) > after]
        return new[-1:] or behind[-1:]


def line_of(span: Span) -> int:
    """Return the line that a span ends on, counted from 0."""
    return bisect_right(span.source.line_starts, span.end) - 1
