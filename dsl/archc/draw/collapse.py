"""Boxes collapsed: a box and all in it becomes one card, or only its border goes away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from enum import Enum

from archc.draw.boxes import title
from archc.draw.scene import Box, Card, Edge, Scene, all_items
from archc.report.spelling.numbers import human


class BoxState(Enum):
    OPEN = "stays a box"
    CARD = "becomes a card"
    FLAT = "goes away, what is in it stays"


def collapse(scene: Scene, state_of: Callable[[Box, int], BoxState]) -> Scene:
    """The scene with every box as `state_of` says, which gets how deep each is (from 1 on)."""
    return _Collapse(scene, state_of).run()


class Unknown(Exception):
    """Nothing in the drawing has that name; `known` are those that may be meant."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"no block or group {name!r}")
        self.name, self.known = name, known


def to_depth(scene: Scene, depth: int, expand: frozenset[str] = frozenset()) -> Scene:
    """Boxes deeper than `depth` are cards, but for those of `expand` and what is around them."""

    def state_of(box: Box, level: int) -> BoxState:
        wanted = any(box.id == name or name.startswith(f"{box.id}.") for name in expand)
        return BoxState.OPEN if level <= depth or wanted else BoxState.CARD

    return collapse(scene, state_of)


def boxes(box: Box) -> Iterator[Box]:
    """All boxes in a box."""
    return (item for item in all_items(box) if isinstance(item, Box))


def nesting(box: Box) -> int:
    """How many boxes are inside each other in a box."""
    return max((1 + nesting(item) for item in box.items if isinstance(item, Box)), default=0)


def cards(box: Box) -> Iterator[Card]:
    """All cards in a box, in the order in which they run."""
    return (item for item in all_items(box) if isinstance(item, Card))


def card_of(box: Box) -> Card:
    """One card for a box."""
    name = f"{box.above}  {title(box.name, box.block)}" if box.above else title(box.name, box.block)
    count = [(f"×{box.count} ", True)] if box.count > 1 else []
    head, gap, more = name.partition(" · ")
    return Card(
        box.id,
        "block",
        [*count, (head, True), (gap + more, False)],
        box.facts,
        box.tooltip,
        macs=box.macs,
        cost=human(box.macs) if box.macs else "",
        resized=True,
        name=box.name,
        output=box.output,
        params=box.params,
        spans=box.spans,
        row=[lanes for card in cards(box) for lanes in card.row],
    )


class _Collapse:
    def __init__(self, scene: Scene, state_of: Callable[[Box, int], BoxState]) -> None:
        self.scene, self.state_of = scene, state_of
        self.stands: dict[str, str] = {}  # what stands for a card or header
        self.flat: set[str] = set()

    def run(self) -> Scene:
        root = replace(self.scene.root, items=list(self._items(self.scene.root, 1)))
        edges = list(dict.fromkeys(self._edges()))
        levels = [[self.stands.get(id, id) for id in ids] for ids in self.scene.levels]
        return Scene(root, edges, [ids for ids in levels if len(set(ids)) > 1])

    def _items(self, box: Box, depth: int) -> Iterator[Card | Box]:
        for item in box.items:
            if isinstance(item, Card):
                yield item
                continue
            match self.state_of(item, depth):
                case BoxState.OPEN:
                    yield replace(item, items=list(self._items(item, depth + 1)))
                case BoxState.FLAT:
                    self.flat.add(item.id)
                    yield from self._items(item, depth)
                case BoxState.CARD:
                    inside = [card.id for card in cards(item)] + [b.id for b in boxes(item)]
                    self.stands |= dict.fromkeys(inside, item.id)
                    yield card_of(item)

    def _edges(self) -> Iterator[Edge]:
        """Edges between what is left; what led through a border that is gone leads on."""
        moved = [
            replace(e, tail=self.stands.get(e.tail, e.tail), head=self.stands.get(e.head, e.head))
            for e in self.scene.edges
        ]
        into: dict[str, list[Edge]] = {}
        for edge in moved:
            into.setdefault(edge.head, []).append(edge)
        for edge in moved:
            if edge.head not in self.flat and edge.tail != edge.head:
                yield from self._through(edge, into)

    def _through(self, edge: Edge, into: dict[str, list[Edge]]) -> Iterator[Edge]:
        if edge.tail not in self.flat:
            yield edge
            return
        for before in into.get(edge.tail, []):
            joined = replace(
                edge,
                tail=before.tail,
                skip=(before.skip or edge.skip) and not edge.size,
                training_only=before.training_only or edge.training_only,
                each=max(before.each, edge.each),
            )
            yield from self._through(joined, into)
