"""What a block's text says of itself, where a drawing stands for all its instances."""

from __future__ import annotations

from dataclasses import dataclass, field

from archc.plan import Apply, Body, Branches, Call, Chain, Choice, Loop, walk
from archc.report.spelling.expressions import format_expr


@dataclass(slots=True)
class SourceNotes:
    """Of a body and those in it: when a branch is there, how often a loop runs."""

    options: dict[Apply, str] = field(default_factory=dict)  # by the branch's first operator
    counts: dict[Chain, str] = field(default_factory=dict)  # by the loop's first iteration

    @classmethod
    def of(cls, body: Body) -> SourceNotes:
        notes = cls()
        notes._read(body, set())
        return notes

    def _read(self, body: Body, seen: set[Body]) -> None:
        if body in seen:
            return
        seen.add(body)
        for node in walk(body.chain.nodes):
            match node:
                case Branches():
                    for branch in node.branches:
                        self._option(branch)
                case Loop():
                    self._count(node)
                case Call():
                    self._read(node.body, seen)

    def _option(self, branch: Chain) -> None:
        """A branch that is an `if` from end to end."""
        if len(branch.nodes) == 1 and isinstance(choice := branch.nodes[0], Choice):
            for node in walk(choice.chain.nodes):
                if isinstance(node, Apply) and choice.taken:
                    self.options[node] = " ".join(choice.tree.test.span.text.split())
                    return

    def _count(self, loop: Loop) -> None:
        if loop.iterations and loop.items is None and loop.count.constant is None:
            text = format_expr(loop.count)
            self.counts[loop.iterations[0]] = text if text.isidentifier() else f"({text})"
