"""What stands in a chain: single statements, operators in a row, neighbours that fold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

from archc.analysis.repeats import Alike, Likeness, RepeatUnit, units_of
from archc.draw import cards
from archc.draw.blocks import body_chain
from archc.draw.cards import Lanes, Row
from archc.draw.scene import Port, Ports
from archc.draw.variants import SourceNotes
from archc.plan import Apply, Call, Chain, Node, Scope, Tensor, walk


@dataclass(slots=True)
class Fold:
    """Neighbours drawn once: all of them as lanes, and in order; `ends` are the last, as lanes."""

    lanes: Lanes[Chain]
    units: list[RepeatUnit]
    ends: Lanes[Chain]


_FEWEST = 6  # single cards that fold: fewer read better written out


class Folding:
    """Finds what folds; `notes` know which loops of a block are drawn as one pass.

    In a block's own terms no number is there to grow.
    """

    def __init__(self, notes: SourceNotes, in_terms: bool) -> None:
        self._alike, self._notes, self._lengths = Alike(not in_terms), notes, notes.lengths

    def of(
        self, lanes: Lanes[Chain], references: Counter[Tensor], fold: bool
    ) -> Iterator[Lanes[Node] | Fold]:
        """The statements of a chain, loops opened, neighbours that are alike folded."""
        opened = [[(unit, count) for unit in units_of(chain)] for chain, count in lanes]
        columns: list[Lanes[RepeatUnit]] = [list(column) for column in zip(*opened, strict=True)]
        at = 0
        units = [column[0][0] for column in columns]
        runs = self._runs(units, references) if fold else ([unit] for unit in units)
        for run in runs:
            folded = columns[at : at + len(run)]
            at += len(run)
            many = len(run) >= _FEWEST or run[0].chain in self._lengths
            if len(run) > 1 and (many or not is_single(run[0].chain, references)):
                ends = [(unit.chain, n) for unit, n in folded[-1]]
                yield Fold(self._merged(folded, run), run, ends)
                continue
            for column in folded:
                if column[0][0].looped:
                    yield from self.of([(unit.chain, n) for unit, n in column], references, fold)
                else:
                    yield [(unit.nodes[0], n) for unit, n in column]

    def _runs(
        self, units: list[RepeatUnit], references: Counter[Tensor]
    ) -> Iterator[list[RepeatUnit]]:
        """Units that fold together; in a block's card all passes of a loop that look the same."""
        at = 0
        while at < len(units):
            length = self._lengths.get(units[at].chain, 0)
            if length:
                yield units[at : at + length]
                at += length
                continue
            rest = takewhile(lambda unit: unit.chain not in self._lengths, units[at:])
            for run in self._alike.runs(list(rest), references):
                yield from [run] if self._say_the_same(run) else ([unit] for unit in run)
                at += len(run)

    def _say_the_same(self, run: list[RepeatUnit]) -> bool:
        """Whether the same `if`s are noted beside each: in some instances a pass may be shorter."""
        if len(run) == 1 or not self._notes.tests:
            return True
        tests = [[self._notes.test(node) for node in _within(unit.nodes)] for unit in run]
        return all(found == tests[0] for found in tests)

    def _merged(self, columns: list[Lanes[RepeatUnit]], run: list[RepeatUnit]) -> Lanes[Chain]:
        """Units that are equal are one lane that counts for all; others keep their own."""
        if all(self._are_equal(lane) for lane in zip(*columns, strict=True)):
            return [(unit.chain, n * len(run)) for unit, n in columns[0]]
        return [(unit.chain, n) for column in columns for unit, n in column]

    def _are_equal(self, lane: tuple[tuple[RepeatUnit, int], ...]) -> bool:
        first, *rest = (self._alike.signature(unit, Likeness.EQUAL) for unit, _ in lane)
        return all(other == first for other in rest)


def _within(nodes: list[Node]) -> Iterator[Node]:
    """Every node, those of blocks that are called, too."""
    for node in walk(nodes):
        yield node
        if isinstance(node, Call):
            yield from _within(node.body.chain.nodes)


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


def reshaped(ports: Ports, outputs: list[Tensor]) -> Ports:
    """The same ports for tensors that may be longer: those of the last of several copies."""
    if outputs[0].shape is None or len(ports) != 1:
        return ports
    return (Port(ports[0].id, outputs[0].columns[0], outputs[-1].columns[0]),)
