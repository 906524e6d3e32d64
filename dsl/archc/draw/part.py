"""One block or group of a drawing, with what comes into it and what goes out as signs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from math import prod

from archc.draw.boxes import title
from archc.draw.collapse import Unknown, boxes, cards
from archc.draw.scene import Box, Card, Edge, Scene


def part_of(scene: Scene, name: str) -> tuple[Scene, Box | Card]:
    """The scene of one part alone, and the part: of that path, or the first of a block so called.

    One of several alike is the box that stands for all, a block of one operator its card. Raises
    Unknown where there is none.
    """
    found = next(_parts(scene, name), None)
    if found is None:
        known = list(boxes(scene.root))
        blocks = dict.fromkeys(box.block for box in known if box.block)
        raise Unknown(name, [*(box.id for box in known), *blocks])
    return _PartMaker(scene, found).scene(), found


def copies_of(scene: Scene, part: Box | Card) -> int:
    """How many of a part there are, of which one is drawn: those of the repeats around it."""
    outside = _PartMaker(scene, part).outside
    return prod(item.count for item in outside if isinstance(item, Box))


def with_ends(scene: Scene, part: Box | Card) -> Scene:
    """The scene of a part as that of a network: what comes in and goes out is no sign but a card.

    Within a side classifier nothing leads to one.
    """
    signs = {item.id for item in scene.root.items if item is not part}
    items = [
        _end(item) if isinstance(item, Card) and item.id in signs else item
        for item in scene.root.items
    ]
    is_head = isinstance(part, Box) and part.kind == "aux"
    edges = [
        replace(edge, training_only=False) if is_head and edge.tail not in signs else edge
        for edge in scene.edges
    ]
    return replace(scene, root=replace(scene.root, items=items), edges=edges)


def _end(sign: Card) -> Card:
    (direction, _), (name, _), (shape, _) = sign.title
    title = f"{direction}{name.partition(' ×')[0]}"  # of a repeat it is the name alone
    return replace(sign, title=[(title, True)], facts=[shape.strip()], name=title, pill=False)


def title_of(part: Box | Card) -> str:
    """A part's name, and its block's."""
    if isinstance(part, Card):
        return part.name or part.id
    around = part.id.rpartition(".")[0]
    if part.name[:1].isdigit() and around and not part.above:
        return " · ".join(filter(None, (f"{around}.{part.name}", part.block)))
    return " · ".join(filter(None, (part.above, title(part.name, part.block)))) or part.id


def _parts(scene: Scene, name: str) -> Iterator[Box | Card]:
    """What may be meant, the likeliest first."""
    known, single = list(boxes(scene.root)), list(cards(scene.root))
    yield from (box for box in known if box.id == name)
    yield from (card for card in single if card.id == name or card.id.startswith(f"{name}."))
    yield from (box for box in known if _stands_for(box, name))
    yield from (box for box in known if box.block == name)
    yield from (card for card in single if card.block == name)


def _stands_for(box: Box, name: str) -> bool:
    """Whether a path is that of a copy: `layer2.2` of `layer2.1`, drawn three times."""
    wanted = re.fullmatch(r"(.*?)(\d+)", name)
    if wanted is None or box.count == 1:
        return False
    first = re.fullmatch(re.escape(wanted[1]) + r"(\d+)", box.id)
    start = int(first[1]) if first else 0
    own = first is not None or box.id == wanted[1].removesuffix(".")
    return own and start <= int(wanted[2]) < start + box.count


class _PartMaker:
    def __init__(self, scene: Scene, part: Box | Card) -> None:
        self.whole, self.part = scene, part
        self.around: dict[str, tuple[Box | Card, ...]] = {}  # of each node, outermost first
        self._find(scene.root, ())
        self.outside = self.around[part.id][:-1]
        self.inside = {id for id, path in self.around.items() if part in path}
        self.signs: dict[str, Card] = {}  # by what they stand for

    def _find(self, box: Box, around: tuple[Box | Card, ...]) -> None:
        for item in box.items:
            self.around[item.id] = (*around, item)
            if isinstance(item, Box):
                self._find(item, self.around[item.id])

    def scene(self) -> Scene:
        edges = list(self._edges())
        before = [sign for id, sign in self.signs.items() if id.startswith("from ")]
        after = [sign for id, sign in self.signs.items() if id.startswith("to ")]
        levels = [ids for ids in self.whole.levels if self.inside.issuperset(ids)]
        root = replace(self.whole.root, items=[*before, self.part, *after])
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
            shape, name = edge.label, self._beside(place)
            text = [(f"{direction} ", False), (name, True), (f"  {shape}", False)]
            tip = f"{direction} {name}: {shape}"
            self.signs[id] = Card(id, "io", text, [], tip, pill=True, name=name, output=edge.shape)
        return id

    def _beside(self, place: str) -> str:
        """The path of the largest part around a node that the drawn one is not in.

        What comes from the header of a box around it comes from what leads there.
        """
        for item in self.around[place]:
            if item not in self.outside:
                return item.id
        before = next((edge.tail for edge in self.whole.edges if edge.head == place), None)
        return place if before is None else self._beside(before)
