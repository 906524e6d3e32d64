"""One block or group of a drawing, with what comes into it and what goes out as signs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from archc.draw.boxes import title
from archc.draw.collapse import Unknown, boxes, cards
from archc.draw.scene import Box, Card, Edge, Scene
from archc.report.spelling.shapes import format_shape


def part_of(scene: Scene, name: str) -> tuple[Scene, Box]:
    """The scene of a box alone, and the box: of that path, or the first of a block of that name.

    Raises Unknown where there is none.
    """
    known = list(boxes(scene.root))
    found = [box for box in known if box.id == name] or [box for box in known if box.block == name]
    if not found:
        blocks = dict.fromkeys(box.block for box in known if box.block)
        raise Unknown(name, [*(box.id for box in known), *blocks])
    return _PartMaker(scene, found[0]).scene(), found[0]


class _PartMaker:
    def __init__(self, scene: Scene, box: Box) -> None:
        self.whole, self.box = scene, box
        self.names = {card.id: card.name or card.id for card in cards(scene.root)}
        self.names |= {b.id: title(b.name, b.block) or b.id for b in boxes(scene.root)}
        self.inside = {box.id, *(c.id for c in cards(box)), *(b.id for b in boxes(box))}
        self.signs: dict[str, Card] = {}  # by what they stand for

    def scene(self) -> Scene:
        edges = list(self._edges())
        before = [sign for id, sign in self.signs.items() if id.startswith("from ")]
        after = [sign for id, sign in self.signs.items() if id.startswith("to ")]
        levels = [ids for ids in self.whole.levels if self.inside.issuperset(ids)]
        root = replace(self.whole.root, items=[*before, self.box, *after])
        return Scene(root, edges, levels)

    def _edges(self) -> Iterator[Edge]:
        """Those inside; one that comes from outside or leads there does so from or to a sign."""
        for edge in self.whole.edges:
            tail, head = edge.tail in self.inside, edge.head in self.inside
            if tail and head:
                yield edge
            elif head:
                yield replace(edge, tail=self._sign("from", edge.tail, edge))
            elif tail:
                yield replace(edge, head=self._sign("to", edge.head, edge))

    def _sign(self, direction: str, place: str, edge: Edge) -> str:
        id = f"{direction} {place}"
        if id not in self.signs:
            shape, name = format_shape(edge.shape), self.names[place]
            text = [(f"{direction} ", False), (name, True), (f"  {shape}", False)]
            tip = f"{direction} {name}: {shape}"
            self.signs[id] = Card(id, "io", text, [], tip, pill=True, name=name, output=edge.shape)
        return id
