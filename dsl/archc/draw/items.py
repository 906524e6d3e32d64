"""What stands in a chain: single statements, operators in a row, neighbours that fold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, takewhile

from archc.analysis.repeats import (
    Alike,
    Joined,
    Likeness,
    RepeatUnit,
    are_told,
    seen_from_outside,
    units_of,
)
from archc.draw import cards
from archc.draw.blocks import beginning, body_chain
from archc.draw.cards import Lanes, Row
from archc.draw.leaving import Leaving, tail_of
from archc.draw.scene import Port, Ports
from archc.draw.variants import SourceNotes
from archc.ops import COMBINATORS
from archc.plan import Apply, Body, Branches, Call, Chain, Node, Scope, Tensor, walk
from archc.report.spelling.expressions import Terms
from archc.source import Span

Said = Callable[[Chain, Chain], bool]


@dataclass(slots=True)
class Fold:
    """Neighbours drawn once: all of them as lanes, and in order; `ends` are the last, as lanes."""

    lanes: Lanes[Chain]
    units: list[RepeatUnit]
    ends: Lanes[Chain]


@dataclass(slots=True)
class Pass:
    """A pass of a block's loop, drawn by itself, with what its names are in it."""

    lanes: Lanes[Chain]
    terms: Terms


_FEWEST = 6  # single cards, or branches, that fold: fewer read better written out
_LISTED = 8  # branches whose numbers are named one by one


class Folding:
    """Finds what folds; `notes` know which loops of a block are drawn as one pass.

    In a block's own terms no number is there to grow.
    """

    def __init__(self, notes: SourceNotes, in_terms: bool) -> None:
        self._alike, self._notes, self._lengths = Alike(not in_terms), notes, notes.lengths
        self._in_terms = in_terms

    def of(
        self,
        lanes: Lanes[Chain],
        leaving: Leaving,
        fold: bool,
        calls: tuple[Span, ...],
        said: Said,
    ) -> Iterator[Lanes[Node] | Fold | Pass]:
        """The statements of a chain, loops opened, neighbours that are alike folded.

        In a block's own terms: `calls` lead here from it, `said` is whether two stretches are
        drawn with the same words.
        """
        opened = [[(unit, count) for unit in units_of(chain)] for chain, count in lanes]
        columns: list[Lanes[RepeatUnit]] = [list(column) for column in zip(*opened, strict=True)]
        at = 0
        units = [column[0][0] for column in columns]
        references = leaving.references
        runs = self._runs(units, leaving, calls, said) if fold else ([unit] for unit in units)
        for run in runs:
            folded = columns[at : at + len(run)]
            at += len(run)
            many = len(run) >= _FEWEST or (calls, run[0].chain) in self._lengths
            if len(run) > 1 and (many or not is_single(run[0].chain, references)):
                ends = [(unit.chain, n) for unit, n in folded[-1]]
                yield Fold(self._merged(folded, run), run, ends)
                continue
            for column in folded:
                inner = [(unit.chain, n) for unit, n in column]
                if terms := self._notes.values.get((calls, inner[0][0])):
                    yield Pass(inner, terms)
                elif column[0][0].looped:
                    yield from self.of(inner, leaving, fold, calls, said)
                else:
                    yield [(unit.nodes[0], n) for unit, n in column]

    def _joined(self, leaving: Leaving) -> Joined:
        """A block's card says nothing of what single passes give."""
        return (lambda one, other: False) if self._in_terms else leaving.joined

    def beside(
        self,
        node: Branches,
        leaving: Leaving,
        families: Mapping[Tensor, Tensor],
        terms: Terms | None,
        fold: bool,
    ) -> Iterator[int]:
        """How many branches each drawing stands for, in order: neighbours of one make, or one.

        `families` has for what leaves a pass of a repeat what leaves the first one; such branches
        are drawn once also without `fold`, for the repeat is.
        """
        if COMBINATORS[node.keyword].skips or node.keyword == "columns":
            yield from (1 for _ in node.branches)
            return
        makes = [self._make(branch, leaving.references, terms) for branch in node.branches]
        starts = [beginning(branch).root for branch in node.branches]
        keys = [
            make and (make, families.get(start, start))
            for make, start in zip(makes, starts, strict=True)
        ]
        at = 0
        for key, same in groupby(keys):
            branches = node.branches[at : at + len(list(same))]
            at += len(branches)
            enough = fold and len(branches) >= _FEWEST
            many = key is not None and (enough or key[1] in families)
            yield from [len(branches)] if many and _are_told(branches) else (1 for _ in branches)

    def _make(
        self, branch: Chain, references: Counter[Tensor], terms: Terms | None
    ) -> tuple[Hashable, ...] | None:
        """The same for branches that may be drawn once; None for one that is drawn by itself."""
        inside, unit = list(within(branch.nodes)), tail_of(branch)
        drawn = [n for n in inside if isinstance(n, Apply) and not cards.does_nothing(n, terms)]
        if not drawn or any(seen_from_outside(unit, references)):
            return None
        plain = all(isinstance(node, Apply) for node in unit.nodes)
        if terms is None:
            likeness = Likeness.BESIDE if plain else Likeness.EQUAL
            return (likeness, self._alike.signature(unit, likeness))
        if not plain or any(map(self._notes.test, inside)):
            return None  # what is said in the block's terms is said of one
        words = [cards.block_words(apply, terms) for apply in drawn]
        said = tuple((head.count(" "), out) for head, out in words)
        return said, self._alike.signature(unit, Likeness.BESIDE)

    def leaving(self, body: Body) -> Leaving:
        return Leaving(body, self._alike)

    def _runs(
        self,
        units: list[RepeatUnit],
        leaving: Leaving,
        calls: tuple[Span, ...],
        said: Said,
    ) -> Iterator[list[RepeatUnit]]:
        """Units that fold together; in a block's card all passes of a loop that look the same."""
        at = 0
        while at < len(units):
            length = self._lengths.get((calls, units[at].chain), 0)
            if length:
                yield units[at : at + length]
                at += length
                continue
            rest = takewhile(lambda unit: (calls, unit.chain) not in self._lengths, units[at:])
            for run in self._alike.runs(list(rest), leaving.references, self._joined(leaving)):
                yield from self._said_alike(run, said)
                at += len(run)

    def _said_alike(self, run: list[RepeatUnit], said: Said) -> Iterator[list[RepeatUnit]]:
        """Those of a run that no card tells apart, in lists."""
        if not self._say_the_same(run):
            yield from ([unit] for unit in run)
            return
        same = run[:1]
        for unit in run[1:]:
            if not said(same[0].chain, unit.chain):
                yield same
                same = []
            same.append(unit)
        yield same

    def _say_the_same(self, run: list[RepeatUnit]) -> bool:
        """Whether the same `if`s are noted beside each: in some instances a pass may be shorter."""
        if len(run) == 1 or not self._notes.tests:
            return True
        tests = [[self._notes.test(node) for node in within(unit.nodes)] for unit in run]
        return all(found == tests[0] for found in tests)

    def _merged(self, columns: list[Lanes[RepeatUnit]], run: list[RepeatUnit]) -> Lanes[Chain]:
        """In the order in which they run; equal units called alike are one lane for all."""
        lanes = list(zip(*columns, strict=True))
        if all(map(self._are_equal, lanes)):
            return [(unit.chain, n * len(run)) for unit, n in columns[0]]
        return [(unit.chain, n) for lane in lanes for unit, n in lane]

    def _are_equal(self, lane: tuple[tuple[RepeatUnit, int], ...]) -> bool:
        first, *rest = (
            (self._alike.signature(unit, Likeness.EQUAL), _labels(unit)) for unit, _ in lane
        )
        return all(other == first for other in rest)


def _are_told(branches: list[Chain]) -> bool:
    """Whether a card can say what differs in each operator of these."""
    applies = [[node for node in b.nodes if isinstance(node, Apply)] for b in branches]
    return all(are_told([a.op for a in same], _LISTED) for same in zip(*applies, strict=True))


def within(nodes: list[Node]) -> Iterator[Node]:
    """Every node, those of blocks that are called, too."""
    for node in walk(nodes):
        yield node
        if isinstance(node, Call):
            yield from within(node.body.chain.nodes)


def _labels(unit: RepeatUnit) -> list[str | None]:
    """Those of its own operators, which cards show: `out{i}` is another in every pass."""
    return [node.also or node.label for node in walk(unit.nodes) if isinstance(node, Apply)]


def applies_of(lanes: Lanes[Node]) -> Lanes[Apply]:
    return [(node, count) for node, count in lanes if isinstance(node, Apply)]


def operators(items: list[Lanes[Node] | Fold | Pass], at: int) -> Row:
    """The operators from one item on, up to a merge or anything else."""
    row: Row = []
    for item in items[at:]:
        node = None if isinstance(item, Fold | Pass) else item[0][0]
        if isinstance(item, Fold | Pass) or not isinstance(node, Apply) or cards.is_merge(node):
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
