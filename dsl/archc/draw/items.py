"""What stands in a chain: single statements, operators in a row, neighbours that fold."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from archc.analysis.repeats import RepeatUnit, units_of
from archc.draw import cards
from archc.draw.blocks import body_chain
from archc.draw.cards import Lanes, Row
from archc.draw.scene import Port, Ports
from archc.plan import Apply, Call, Chain, Node, Scope, Tensor


@dataclass(slots=True)
class Fold:
    """Neighbours drawn once: all of them as lanes, and in order."""

    lanes: Lanes[Chain]
    units: list[RepeatUnit]


def applies_of(lanes: Lanes[Node]) -> Lanes[Apply]:
    return [(node, count) for node, count in lanes if isinstance(node, Apply)]


def operators(items: list[Lanes[Node] | Fold], at: int) -> Row:
    """The operators from one item on, up to a merge or anything else."""
    row: Row = []
    for item in items[at:]:
        node = None if isinstance(item, Fold) else item[0][0]
        if isinstance(item, Fold) or not isinstance(node, Apply) or cards.is_merge(node):
            break
        row.append(applies_of(item))
    return row


def is_single(chain: Chain, references: Counter[Tensor]) -> bool:
    """Whether a chain is drawn as a single card."""
    nodes = [unit.nodes[0] if not unit.looped else None for unit in units_of(chain)]
    applies: Row = [[(node, 1)] for node in nodes if isinstance(node, Apply)]
    if len(nodes) == 1 and isinstance(nodes[0], Call | Scope):
        return is_single(body_chain(nodes[0]), references)
    if len(applies) < len(nodes) or any(cards.is_merge(lanes[0][0]) for lanes in applies):
        return False
    return len(list(cards.grouped(applies, references))) == 1


def reshaped(ports: Ports, output: Tensor) -> Ports:
    """The same ports for a tensor that may be longer: that of the last of several copies."""
    if output.shape is None or len(ports) != 1:
        return ports
    return (Port(ports[0].id, output.shape),)
