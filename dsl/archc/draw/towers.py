"""Which rows of the view `paper` stand in towers, where a network names devices that share it.

Each device has an equal part of the channels: a row is a box for each of them, side by side. One
that sees all channels reads both, as in figure 2 of Krizhevsky et al. 2012.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from archc.draw import cards
from archc.draw.scene import Card
from archc.plan import Apply, Plan, Tensor, walk
from archc.report.spelling.shapes import format_shape
from archc.transform.place import place

ACROSS = "across"  # the port of a row that stands in no tower


@dataclass(frozen=True, slots=True)
class InTowers:
    """A row that each device has a part of: `48 → 128`; `meets` where it reads the others', too."""

    part: str
    meets: bool


@dataclass(frozen=True, slots=True)
class _Share:
    """What an operator of the network is in one tower."""

    apply: Apply
    meets: bool


@dataclass(frozen=True, slots=True)
class TowerRows:
    """The devices, and the rows that they share, by their cards' ids."""

    devices: tuple[str, ...]
    rows: dict[str, InTowers]

    def count(self, id: str) -> int:
        """In how many parts a row is drawn."""
        return len(self.devices) if id in self.rows else 1

    def lines(self, tail: str, head: str) -> Iterator[tuple[int, int]]:
        """From which part of a row to which of another lines lead."""
        apart = tail in self.rows and head in self.rows and not self.rows[head].meets
        for start in range(self.count(tail)):
            for end in range(self.count(head)):
                if start == end or not apart:
                    yield start, end

    def exchanges(self, tail: str, head: str) -> bool:
        """Whether the towers exchange their channels there."""
        return tail in self.rows and head in self.rows and self.rows[head].meets

    def port(self, id: str, at: int) -> str:
        """The name of a part."""
        return f"tower{at}" if id in self.rows else ACROSS


def towers(plan: Plan, shown: Iterable[Card]) -> TowerRows:
    """The towers of a plan without mistakes, with those of some cards that stand in them."""
    if plan.body.devices is None:
        return TowerRows((), {})
    shares = _shares(plan)
    rows = {card.id: found for card in shown if (found := _in_towers(card, shares))}
    return TowerRows(plan.body.devices.names, rows)


def _shares(plan: Plan) -> dict[Tensor, _Share]:
    """By what they make: the operators of which each tower has a part."""
    placed = place(plan)
    whole = (node for node in walk(plan.body.chain.nodes) if isinstance(node, Apply))
    found = {}
    for number, stage in enumerate(placed.stages):
        for at, node in enumerate(stage.chain.nodes):
            assert isinstance(node, Apply)
            output = next(whole).output
            if output.shape != node.output.shape:  # else every tower has all of it
                found[output] = _Share(node, meets=number > 0 and at == 0)
    return found


def _in_towers(card: Card, shares: dict[Tensor, _Share]) -> InTowers | None:
    """How a row is shared; not at all where some of it is whole, or its passes meet."""
    if not card.row or any(a.output not in shares for lanes in card.row for a, _ in lanes):
        return None
    row = [[(shares[a.output], count) for a, count in lanes] for lanes in card.row]
    meets = any(share.meets for lanes in row for share, _ in lanes)
    if meets and any(len(lanes) > 1 or lanes[0][1] > 1 for lanes in row):
        return None
    own = [[(share.apply, count) for share, count in lanes] for lanes in row]
    made = own[-1][-1][0].output.shape
    assert made is not None, "a network without mistakes has shapes"
    words = cards.channels(cards.main(own)) if card.category != "block" else ""
    return InTowers(words or format_shape(made), meets)
