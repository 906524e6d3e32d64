"""Builds a scene: cards and boxes go where the walk is, boxes that say nothing go away."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from archc.draw.scene import BESIDE, SHARED, Box, Called, Card, Edge, Port, Ports, Scene, all_items


@dataclass(slots=True)
class _Entry:
    """How a box was entered, so that it can be taken away again."""

    source: Ports
    first: int  # where its edges begin
    skip: bool


@dataclass
class Boxes:
    """The scene so far, and the box that is open."""

    scene: Scene = field(default_factory=lambda: Scene(Box("", "network")))
    size: int = 0  # cards so far
    skip: bool = False  # edges now lead around something
    training_only: bool = False  # what is drawn now is there while training only
    _open: list[Box] = field(default_factory=list)
    _entries: dict[str, _Entry] = field(default_factory=dict)
    _gone: dict[str, Ports] = field(
        default_factory=dict
    )  # headers taken away, and what they stood for

    @property
    def box(self) -> Box:
        return self._open[-1] if self._open else self.scene.root

    def put(self, card: Card) -> None:
        self.size += 1
        self.box.items.append(card)

    def connect(self, ports: Ports, head: str, skip: bool = False, size: bool = False) -> None:
        skip = (skip or self.skip) and not size
        self.scene.edges += [
            Edge(port.id, head, port.shape, skip, self.training_only, size, port.last, port.each)
            for port in self.resolved(ports)
        ]

    def resolved(self, ports: Ports) -> Ports:
        """Ports of boxes that were taken away are those of what led into them."""
        found: list[Port] = []
        for port in ports:
            behind = self._gone.get(port.id)
            found += [port] if behind is None else self.resolved(behind)
        return tuple(found)

    @contextmanager
    def leading(self, skip: bool = False, training_only: bool = False) -> Iterator[None]:
        """Within, edges lead around something, or to an auxiliary head."""
        before = self.skip, self.training_only
        self.skip, self.training_only = skip or self.skip, training_only or self.training_only
        try:
            yield
        finally:
            self.skip, self.training_only = before

    @contextmanager
    def inside(self, box: Box, source: Ports) -> Iterator[Ports]:
        """Within, everything goes into `box`, which `source` leads to through its header."""
        source = self.resolved(source)
        self._entries[box.id] = _Entry(source, len(self.scene.edges), self.skip)
        self.connect(source, box.id)
        self.box.items.append(box)
        self._open.append(box)
        before, self.skip = self.skip, False
        try:
            yield tuple(Port(box.id, port.shape, port.last) for port in source[:1])
        finally:
            self._open.pop()
            self.skip = before
            self._simplify(box)

    # --- boxes that say nothing ----------------------------------------------------------

    def _simplify(self, box: Box) -> None:
        """No box around nothing or a single card, nor around a single box that says more."""
        inner = [item for item in box.items if isinstance(item, Box)]
        plain = [item for item in box.items if isinstance(item, Card) and not item.pill]
        if not box.items:
            self._dissolve(box, self.box)
        elif len(box.items) == 1 and plain and box.kind != "aux" and not _is_row(box, plain[0]):
            _rename(plain[0], box, is_given=self.box.kind == "fold")
            self._dissolve(box, self.box)
        elif len(inner) == 1 and not plain and self._is_whole(box) and _adopt(box, inner[0]):
            self._dissolve(inner[0], box)

    def _is_whole(self, box: Box) -> bool:
        """Whether a box is its only one, or merges that with nothing but what enters the box."""
        if len(box.items) == 1:
            return True
        inside = {item.id for item in all_items(box)}
        into = (e for e in self.scene.edges[self._entries[box.id].first :] if e.head in inside)
        return all(edge.tail in inside or edge.tail == box.id for edge in into)

    def _dissolve(self, box: Box, parent: Box) -> None:
        """Take a box away; what is in it stays, and what led into its header leads there."""
        at = parent.items.index(box)
        parent.items[at : at + 1] = box.items
        entry = self._entries[box.id]
        self._gone[box.id] = entry.source
        source = self.resolved(entry.source)
        edges = self.scene.edges
        edges[entry.first :] = [
            moved
            for edge in edges[entry.first :]
            for moved in _moved(edge, box.id, source, entry.skip)
        ]


def _moved(edge: Edge, gone: str, source: Ports, skip: bool) -> Iterator[Edge]:
    if edge.tail == gone:
        for port in source:
            skips = (edge.skip or skip) and not edge.size
            each = max(edge.each, port.each)
            moved = replace(edge, tail=port.id, shape=port.shape, last=port.last, each=each)
            yield replace(moved, skip=skips)
    elif edge.head != gone:
        yield edge


def _is_row(box: Box, card: Card) -> bool:
    """Whether a card in a box of branches stands for several in a row: no one count is of both."""
    return box.beside and card.title[0][0].startswith("×")


def _rename(card: Card, box: Box, is_given: bool) -> None:
    """A card that was alone in a box: it takes its count, and its name unless `is_given`."""
    if not is_given:
        card.name = box.name or card.name
    card.block = box.block or card.block
    for shared in (fact for fact in box.facts if fact.startswith(SHARED)):
        card.facts = [shared if fact == SHARED else fact for fact in card.facts]
    card.facts[:0] = [BESIDE] * box.beside
    card.facts += [fact for fact in box.facts if fact.startswith("if ") and fact not in card.facts]
    if box.label and box.name and not is_given:
        card.facts.insert(0, box.name)
    if box.count > 1:
        inner = re.fullmatch(r"×(\d+) ", card.title[0][0])
        if inner and not box.times:  # repeats of repeats
            card.title[0] = (f"×{box.count * int(inner[1])} ", True)
        else:
            card.title.insert(0, (f"×{box.times or box.count} ", True))


def _adopt(box: Box, inner: Box) -> bool:
    """Whether a box can stand for the only one in it too; it then has both names."""
    call = box.call or _taken_over(inner.call, box)
    if box.kind == "fold" and not box.block and inner.count == 1:
        box.block, box.name = inner.block, box.name or inner.name
    elif box.kind in ("group", "aux") and not box.block and inner.count == 1:
        box.kind = box.kind if box.kind == "aux" else inner.kind
        box.block = inner.block
    elif box.kind in ("group", "block") and inner.count > 1 and not (inner.above or inner.beside):
        if len(box.items) > 1:  # a merge, which does not repeat
            return False
        box.above = title(box.name, box.block)
        box.kind, box.count, box.name, box.block = "fold", inner.count, inner.name, inner.block
        box.times, box.dense = inner.times, inner.dense
    else:
        return False
    box.call = call
    return True


def _taken_over(call: Called | None, box: Box) -> Called | None:
    """What a box says that took the place of the one inside it."""
    if call is None or box.kind == "aux":
        return call
    more = len(box.items) > 1  # a merge beside the block
    around = box.chain if more else None
    name = place_of((*box.id.split(".")[:-1], box.name)) if box.name else call.name
    return replace(call, name=name, times=box.count * call.times, around=around)


def place_of(path: Sequence[str]) -> str:
    """Return the end of a path from its last name on, for a number tells no place by itself.

    `features.0.0`, but `conv1`.
    """
    named = [at for at, part in enumerate(path) if not part[:1].isdigit()]
    return ".".join(path[max(named, default=0) :])


def title(name: str, block: str) -> str:
    """`inception3a · inception`, `double1`, `bottleneck 0`: instance and block, each named once."""
    if not block or not name or name == block:
        return name or block
    if name[0].isdigit():
        return f"{block}  {name}"
    return name if name.startswith(block) and name[len(block) :].isdigit() else f"{name} · {block}"
