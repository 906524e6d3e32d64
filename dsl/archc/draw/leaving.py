"""What leaves each pass of a repeat for one merge: WaveNet's skips, which are summed at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from archc.analysis.repeats import (
    Alike,
    Likeness,
    RepeatUnit,
    asked_for_outside,
    references,
    seen_from_outside,
)
from archc.draw.cards import does_nothing
from archc.ops import COMBINATORS
from archc.plan import Apply, Body, Branches, Call, Chain, Node, Ref, Tensor, walk


def tail_of(branch: Chain) -> RepeatUnit:
    """A branch without the `@label` that it begins with."""
    first = branch.nodes[0] if branch.nodes else None
    if not isinstance(first, Ref):
        return RepeatUnit(branch, looped=True)
    return RepeatUnit(Chain(branch.nodes[1:], first.output, branch.output), looped=True)


@dataclass(frozen=True, slots=True)
class _Use:
    """The branch that a tensor goes to."""

    node: Branches
    at: int

    @property
    def branch(self) -> Chain:
        return self.node.branches[self.at]


@dataclass
class Leaving:
    """The tensors of a body that leave passes, which join where branches take theirs in order."""

    body: Body
    alike: Alike
    references: Counter[Tensor] = field(init=False)
    _uses: dict[Tensor, list[_Use]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.references = references(self.body)
        combinators = (n for n in walk(self.body.chain.nodes) if isinstance(n, Branches))
        for use in (_Use(node, at) for node in combinators for at in range(len(node.branches))):
            first = use.branch.nodes[0] if use.branch.nodes else None
            if isinstance(first, Ref):
                self._uses.setdefault(first.output.root, []).append(use)

    def joined(self, one: RepeatUnit, other: RepeatUnit) -> bool:
        """Whether what leaves a pass, and what leaves the next, go to alike branches in a row."""
        ours, theirs = self._of(one), self._of(other)
        if ours is None or theirs is None or ours.keys() != theirs.keys():
            return False
        return all(self._follows(ours[place][1], theirs[place][1]) for place in ours)

    def families(self, units: list[RepeatUnit]) -> Iterator[list[Tensor]]:
        """For each place in passes that have joined, what leaves there, pass by pass."""
        found = [self._of(unit) or {} for unit in units] if self.references else [{}]
        for place in found[0]:
            yield [passes[place][0] for passes in found]

    def _follows(self, one: _Use, other: _Use) -> bool:
        combinator = COMBINATORS[one.node.keyword]
        if one.node is not other.node or other.at != one.at + 1:
            return False
        if combinator.skips or combinator.name == "columns":
            return False
        tails = [tail_of(use.branch) for use in (one, other)]
        if any(any(seen_from_outside(unit, self.references)) for unit in tails):
            return False
        first, second = (self.alike.signature(unit, Likeness.EQUAL) for unit in tails)
        return first == second

    def _of(self, unit: RepeatUnit) -> dict[int, tuple[Tensor, _Use]] | None:
        """What leaves a pass but at its end, by its place; None where it goes anywhere else."""
        own = {id(node) for node in walk(unit.nodes)}
        found = {}
        for place, root, count in asked_for_outside(unit, self.references):
            if root is unit.output.root:
                continue
            uses = [use for use in self._uses.get(root, ()) if id(use.node) not in own]
            if count != 1 or len(uses) != 1 or not _is_drawn(root, unit.nodes):
                return None
            found[place] = root, uses[0]
        return found


def _is_drawn(root: Tensor, nodes: list[Node]) -> bool:
    """Whether a card makes a tensor; otherwise it is the line to what came in."""
    maker = next((n for n in reversed(list(walk(nodes))) if _makes(n, root)), None)
    match maker:
        case Apply():
            return not does_nothing(maker) and (
                maker.op.category != "merge" or len(maker.inputs) > 1
            )
        case Call():
            outputs = dict(zip(maker.outputs, maker.body.outputs, strict=True))
            inner = next(own for x, own in outputs.items() if x.root is root)
            return _is_drawn(inner.root, maker.body.chain.nodes)
    return False


def _makes(node: Node, root: Tensor) -> bool:
    outputs = node.outputs if isinstance(node, Call) else (node.output,)
    return isinstance(node, Apply | Call) and any(x.root is root for x in outputs)
