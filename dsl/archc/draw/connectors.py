"""Off-page connectors: signs where an edge leads to another column, or to another sheet."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, replace

from archc.draw.scene import Card, Edge


@dataclass(frozen=True, slots=True)
class Connector:
    """A sign at one end of an edge that is cut: where it leaves, or where it comes in."""

    card: Card
    edge: Edge
    leaves: bool

    @property
    def place(self) -> str:
        """What it stands beside."""
        return self.edge.tail if self.leaves else self.edge.head


def cut(
    edges: Iterable[Edge],
    part_of: Callable[[str], int],
    taken: Container[str],
    first: int = 0,
    shapes: bool = True,
) -> tuple[list[Edge], list[Connector]]:
    """The edges, of which one that leads to another part does so over two signs, and the signs.

    `part_of` says where a node stands; no sign has an id that is `taken`. The first one's letter
    is `letter(first)`. With `shapes` they say what goes on.
    """
    led: list[Edge] = []
    signs: list[Connector] = []
    leaving: dict[Edge, Card] = {}
    arriving: dict[tuple[str, int], Card] = {}
    for edge in edges:
        end = part_of(edge.head)
        if part_of(edge.tail) == end:
            led.append(edge)
            continue
        shape = edge.label if shapes else ""
        kind = replace(edge, head="")  # what leads on from there in one way has one sign
        if kind not in leaving:
            name = letter(first + len(leaving))
            leaving[kind] = _sign("to", name, "", shape, taken)
            signs.append(Connector(leaving[kind], edge, leaves=True))
            led.append(replace(edge, head=leaving[kind].id))
        name = leaving[kind].name
        if (name, end) not in arriving:
            arriving[name, end] = _sign("from", name, f" in column {end + 1}", shape, taken)
            signs.append(Connector(arriving[name, end], edge, leaves=False))
        led.append(replace(edge, tail=arriving[name, end].id))
    return led, signs


def letter(at: int) -> str:
    """Return A to Z, then AA and so on."""
    return chr(ord("A") + at % 26) * (at // 26 + 1)


def _sign(direction: str, name: str, place: str, shape: str, taken: Container[str]) -> Card:
    words = id = f"{direction} {name}"
    while id in taken:
        id += "'"  # a label of the user's is the same
    text = [(name, True), (f"  {shape}".rstrip(), False)]
    tip = f"{words}: {shape}" if shape else words
    return Card(id + place, "io", text, [], tip, pill=True, name=name)


def is_exit(card: Card) -> bool:
    """Return whether a card is a sign where something leaves: no name of a user's has a blank."""
    return card.pill and card.id.startswith("to ")
