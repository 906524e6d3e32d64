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
    edges: Iterable[Edge], part_of: Callable[[str], int], taken: Container[str]
) -> tuple[list[Edge], list[Connector]]:
    """The edges, of which one that leads to another part does so over two signs, and the signs.

    `part_of` says where a node stands; no sign has an id that is `taken`.
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
        kind = replace(edge, head="")  # what leads on from there in one way has one sign
        if kind not in leaving:
            letter = chr(ord("A") + len(leaving) % 26) * (len(leaving) // 26 + 1)
            leaving[kind] = _sign(f"to {letter}", "", letter, edge, taken)
            signs.append(Connector(leaving[kind], edge, leaves=True))
            led.append(replace(edge, head=leaving[kind].id))
        letter = leaving[kind].name
        if (letter, end) not in arriving:
            sign = _sign(f"from {letter}", f" in column {end + 1}", letter, edge, taken)
            arriving[letter, end] = sign
            signs.append(Connector(sign, edge, leaves=False))
        led.append(replace(edge, tail=arriving[letter, end].id))
    return led, signs


def _sign(name: str, place: str, letter: str, edge: Edge, taken: Container[str]) -> Card:
    id = name
    while id in taken:
        id += "'"  # a label of the user's is the same
    text = [(letter, True), (f"  {edge.label}", False)]
    return Card(id + place, "io", text, [], f"{name}: {edge.label}", pill=True, name=letter)
