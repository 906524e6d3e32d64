"""What each statement makes, wherever it runs; also in a file with mistakes, as far as it went."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from archc import syntax
from archc.plan import Body, Chain, Node, Plan, Tensor, bodies, children
from archc.record import record
from archc.source import Source, Span

Place = tuple[Source, int, int]


@record
class StatementRun:
    """A statement as it runs: in one instance of a block, or one pass of a loop."""

    node: Node
    before: Tensor
    body: Body

    @property
    def after(self) -> Tensor:
        return self.node.output


@dataclass
class StatementRuns:
    """The runs of all statements of a plan, by where the statement stands: in the order in which
    they run. Those in bodies of a file's blocks are looked for once the file is asked about.
    """

    plan: Plan
    _found: dict[Place, list[StatementRun]] = field(default_factory=dict)
    _sources: set[Source] = field(default_factory=set)  # whose bodies are in there

    def __post_init__(self) -> None:
        self._add(self.plan.body)

    def _add(self, body: Body) -> None:
        stack: list[Chain] = [body.chain]
        at = self._found
        while stack:
            chain = stack.pop()
            before, inner = chain.input, list[Chain]()
            for node in chain.nodes:
                span = node.span
                place = (span.source, span.start, span.end)
                at.setdefault(place, []).append(StatementRun(node, before, body))
                inner += children(node)
                before = node.output
            stack += reversed(inner)

    def of_statement(self, statement: syntax.Statement) -> list[StatementRun]:
        """Return where a statement runs: all of it, its repeats together."""
        return self._at(statement.span) or self._at(statement.term.span)

    def once(self, statement: syntax.Statement) -> list[StatementRun]:
        """Return where what a statement says runs: each of its repeats."""
        return self._at(statement.term.span) or self._at(statement.span)

    def _at(self, span: Span) -> list[StatementRun]:
        if span.source not in self._sources:
            self._sources.add(span.source)
            for body in bodies(self.plan):
                if body.block is not None and body.block.tree.span.source is span.source:
                    self._add(body)
        return self._found.get((span.source, span.start, span.end), [])

    def bodies_of(self, block: syntax.Block) -> Iterator[Body]:
        """Return the instances of a block."""
        for body in bodies(self.plan):
            if body.block is not None and body.block.tree is block:
                yield body
