"""Unseen points that keep a trunk straight where it forks into an even number of branches.

Graphviz puts a fork anywhere between its two middle branches, and what merges them anywhere
between their ends: from block to block a drawing would drift to one side. A point between the
two, tied to the fork above it and the merge below, leaves one place for both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from archc.draw.scene import Box, Edge, Scene

POINT = 'shape=point, width=0.01, style=invis, tooltip=" "'
FRAME = 'peripheries=0, margin=0, label=""'  # of a point among boxes: else it does not stay there
_TIE = "style=invis, weight=30"


@dataclass(frozen=True, slots=True)
class Middle:
    """A point, the item that it stands before, and the edge that its own come before."""

    id: str
    place: str
    fork: str
    merge: str
    edge: Edge
    among_boxes: bool
    boxed: tuple[tuple[Edge, ...], ...]  # the branches with a box in them

    def ties(self, tailport: str, length: int) -> Iterator[tuple[str, str, str]]:
        """Its edges: tail, head and attributes; `tailport` is where they leave, "" anywhere.

        The merge is at least `length` ranks below the fork. Graphviz lets an edge out of a box go
        upwards: what merges a box's branch with a shorter one would stand above the box.
        """
        yield self.fork, self.id, f'{_TIE}, tailport="{tailport}"' if tailport else _TIE
        yield self.id, self.merge, f"{_TIE}, minlen={length - 1}" if length > 2 else _TIE


def middles(scene: Scene, homes: dict[str, list[Box]]) -> Iterator[Middle]:
    """One for each fork into an even number of plain chains that all end in one merge.

    `homes` are the boxes around each card and header, from the outermost in.
    """
    straight = [edge for edge in scene.edges if edge.trunk]
    entering = Counter(edge.head for edge in straight)
    out_of: dict[str, list[Edge]] = {}
    for edge in straight:
        out_of.setdefault(edge.tail, []).append(edge)
    for fork, branches in out_of.items():
        if len(branches) % 2:
            continue
        chains = [tuple(_chain(edge, out_of, entering)) for edge in branches]
        ends = {chain[-1].head for chain in chains}
        merge = ends.pop()
        if ends or entering[merge] != len(branches) or homes[merge][-1] is not homes[fork][-1]:
            continue
        items = [_item(edge.head, homes[merge], homes) for edge in branches]
        at = len(branches) // 2
        among_boxes = any(homes[item][-1].id == item for item in items)
        boxed = tuple(
            chain
            for chain in chains
            if any(homes[e.head][-1] is not homes[merge][-1] for e in chain)
        )
        yield Middle(f"{merge} middle", items[at], fork, merge, branches[at], among_boxes, boxed)


def _chain(edge: Edge, out_of: dict[str, list[Edge]], entering: Counter[str]) -> Iterator[Edge]:
    """The edges of a branch; it ends at what has several inputs or outputs."""
    yield edge
    while entering[edge.head] == 1 and len(out_of.get(edge.head, ())) == 1:
        edge = out_of[edge.head][0]
        yield edge


def _item(id: str, around: list[Box], homes: dict[str, list[Box]]) -> str:
    """What stands for a card or header in the innermost box of `around`."""
    inner = homes[id][len(around) :]
    return inner[0].id if inner else id
