"""Two plans to entries: what stands beside what, and what of it differs.

Bodies are compared once for each pair and in terms of their own parameters. Where a block is called
with other arguments, or on another shape, its text is the same, and all that differs in it follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from archc import syntax
from archc.analysis.costs import Cost
from archc.diffs.blocks import BlockChange, Found, change_of
from archc.diffs.differences import differences
from archc.diffs.entries import ChangedBlock, StatementDiff, calls_in, merged, scaled
from archc.diffs.items import OutlineItem
from archc.diffs.match import BodyPair, Matcher, Pair
from archc.plan import Body, Call, Plan


class Comparer:
    """Compares bodies of two plans."""

    def __init__(self) -> None:
        self._matcher = Matcher()
        self._definitions: dict[tuple[int, int], ChangedBlock | None] = {}
        self._bodies: dict[tuple[Body, Body], tuple[StatementDiff, ...]] = {}

    def plans(self, left: Plan, right: Plan) -> tuple[StatementDiff, ...]:
        """The statements of two networks."""
        texts = [
            [item for item in plan.file.items if isinstance(item, syntax.Statement)]
            for plan in (left, right)
        ]
        return self._body(left.body, right.body, texts[0] == texts[1])

    def equal(self, left: Body, right: Body) -> bool:
        """Whether two bodies compute the same on the same input."""
        return self._matcher.left.body(left).signature == self._matcher.right.body(right).signature

    def blocks(self) -> list[BlockChange]:
        """The blocks whose texts differ, those that call others first."""
        bodies = list(reversed(self._bodies.items()))  # what is called was done first
        names = {id(entries): key for key, entries in bodies}
        times = {key: [0, 0] for key, _ in bodies}
        times[bodies[0][0]] = [1, 1]
        found: dict[ChangedBlock, list[Found]] = {}
        for key, entries in bodies:
            mine = times[key]
            for call in calls_in(entries):
                for body, (left, right) in call.runs:
                    inner = times[names[id(body)]]
                    inner[0], inner[1] = inner[0] + left * mine[0], inner[1] + right * mine[1]
            definition = self._definition_of(*key)
            if definition is not None and any(entry.causes for entry in entries):
                found.setdefault(definition, []).append(Found(entries, (mine[0], mine[1])))
        return [change_of(definition, all) for definition, all in found.items()]

    def _definition_of(self, left: Body, right: Body) -> ChangedBlock | None:
        """The blocks of two bodies, where their texts differ, whatever they are called."""
        if left.block is None or right.block is None:
            return None
        mine, yours = left.block.tree, right.block.tree
        key = (id(mine), id(yours))
        if key not in self._definitions:
            texts = [(tree.formals, tree.body, tree.places) for tree in (mine, yours)]
            self._definitions[key] = ChangedBlock(mine, yours) if texts[0] != texts[1] else None
        return self._definitions[key]

    def _body(self, left: Body, right: Body, same_text: bool) -> tuple[StatementDiff, ...]:
        key = (left, right)
        if key not in self._bodies:
            frame = BodyPair(same_text)
            for a, b in zip(left.inputs, right.inputs, strict=False):
                frame.tensors[a.root] = b.root
            matcher = self._matcher
            items, others = matcher.left.body(left).items, matcher.right.body(right).items
            pairs = matcher.sequence(items, others, frame)
            self._bodies[key] = tuple(self._entries(pairs, frame))
        return self._bodies[key]

    def _entries(self, pairs: list[Pair], frame: BodyPair) -> Iterator[StatementDiff]:
        for pair in pairs:
            yield self._entry(pair, frame)

    def _entry(self, pair: Pair, frame: BodyPair) -> StatementDiff:
        left, right = pair.left, pair.right
        if left is None or right is None:
            item = left or right
            assert item is not None
            costs = (item.cost, Cost()) if right is None else (Cost(), item.cost)
            shape = _shape(item)
            shapes = (shape, "") if right is None else ("", shape)
            entry = StatementDiff(left, right, follows=frame.same_text, moved=pair.moved)
            return replace(entry, costs=costs, shapes=shapes)
        inside = merged(
            [scaled(entry, times) for entry in self._entries(pairs, frame)]
            for pairs, times in pair.inside
        )
        changes = list(differences(left, right, frame))
        if frame.same_text or left.kind == "input":  # what enters is nobody's consequence
            changes = [replace(c, follows=left.kind != "input") for c in changes]
        entry = StatementDiff(
            left,
            right,
            tuple(changes),
            inside,
            follows=bool(changes) and all(c.follows for c in changes if c.name != "label"),
            costs=(left.cost, right.cost),
            shapes=(_shape(left), _shape(right)),
        )
        if left.call is not None and right.call is not None:
            return self._called(entry, left.call, right.call)
        return entry

    def _called(self, entry: StatementDiff, left: Call, right: Call) -> StatementDiff:
        """The entry of a call with what is in its block."""
        definition = self._definition_of(left.body, right.body)
        if definition is None and self.equal(left.body, right.body):
            return entry
        inside = self._body(left.body, right.body, definition is None)
        causes = any(inner.causes for inner in inside)
        return replace(entry, runs=((inside, (1, 1)),), definition=definition if causes else None)


def _shape(item: OutlineItem) -> str:
    return str(item.output.shape) if item.output.shape is not None else ""
