"""Statements of two bodies side by side: what stands for what.

Equal signatures hold the rest in place, and so do statements of one label and text of whose numbers
a param makes others; what is left between is aligned by likeness. Where blocks, groups or branches
find no partner they are opened, and what is in them is compared in their place.
"""

from __future__ import annotations

import sys
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from archc.diffs.align import Pairs, align, best
from archc.diffs.entries import Times
from archc.diffs.items import OutlineItem, sums
from archc.diffs.outline import MOST_OPENED, Outliner
from archc.diffs.similarity import likeness, overlap
from archc.plan import Tensor
from archc.report.spelling.statements import source_text

_STAGES = (
    ("group", "loop"),
    ("call",),
    ("group", "loop", "call"),
    ("branches",),
    ("group", "loop", "call", "branches"),
)
_GAIN = 0.4  # opening containers must bring more than this


@dataclass(eq=False, slots=True)
class Pair:
    """Two items side by side, before it is known where what they ask for comes from."""

    left: OutlineItem | None
    right: OutlineItem | None
    inside: list[tuple[list[Pair], Times]] = field(default_factory=list)  # a list a run
    moved: bool = False


@dataclass(slots=True)
class BodyPair:
    """A pair of bodies under comparison."""

    same_text: bool
    tensors: dict[Tensor, Tensor] = field(default_factory=dict)


class Matcher:
    """Puts the statements of two plans side by side."""

    def __init__(self) -> None:
        numbers: dict[Hashable, int] = {}
        self.left, self.right = Outliner(numbers), Outliner(numbers)

    def sequence(
        self, left: Sequence[OutlineItem], right: Sequence[OutlineItem], frame: BodyPair
    ) -> list[Pair]:
        """All statements of both in order, in pairs."""
        equal = _signatures(left) == _signatures(right)
        pairs = [*zip(left, right, strict=True)] if equal else self._changed(left, right)
        made = [self._pair(a, b, frame) for a, b in pairs]
        _mark_moved(made)
        return made

    def _changed(
        self, left: Sequence[OutlineItem], right: Sequence[OutlineItem]
    ) -> Pairs[OutlineItem]:
        """The alignment of two sequences that are not equal, statement by statement."""
        keys = _keys(left, right)
        equal = self._written_otherwise(left, right)
        return equal or align(left, right, lambda item: keys[item], self._gap)

    def _gap(self, left: Sequence[OutlineItem], right: Sequence[OutlineItem]) -> Pairs[OutlineItem]:
        """The best alignment of what is not equal; containers are opened where that helps."""
        equal = self._written_otherwise(left, right)
        if equal is not None:
            return equal
        pairs, total = best(left, right, likeness)
        while True:
            for stage in _STAGES:
                opened = self._open(pairs, stage)
                if opened is None:
                    continue
                tried, gained = best(*opened, likeness)
                if gained > total + _GAIN:
                    pairs, total = tried, gained
                    break
            else:
                return pairs

    def _written_otherwise(
        self, left: Sequence[OutlineItem], right: Sequence[OutlineItem]
    ) -> Pairs[OutlineItem] | None:
        """All in pairs where both come to the same once every container is opened."""
        whole = [sums(side) for side in (left, right)]
        if whole[0][0] != whole[1][0] or whole[0][3] != whole[1][3] or whole[0][3] > MOST_OPENED:
            return None
        sides = [
            [one for item in items for one in outliner.opened(item, _STAGES[-1]) or [item]]
            for items, outliner in ((left, self.left), (right, self.right))
        ]
        if _signatures(sides[0]) != _signatures(sides[1]):
            return None
        return [*zip(sides[0], sides[1], strict=True)]

    def _open(
        self, pairs: Pairs[OutlineItem], kinds: tuple[str, ...]
    ) -> tuple[list[OutlineItem], list[OutlineItem]] | None:
        """Both sides with the containers opened that found no partner and have something alike."""
        lonely = [a for a, b in pairs if a is not None and b is None]
        others = [b for a, b in pairs if b is not None and a is None]
        some = False
        sides: tuple[list[OutlineItem], list[OutlineItem]] = ([], [])
        for pair in pairs:
            for side, outliner in enumerate((self.left, self.right)):
                item = pair[side]
                if item is None:
                    continue
                inner: list[OutlineItem] = []
                candidate = item.kind in kinds and _may_open(item, pair[1 - side])
                if candidate and overlap(item, others if side == 0 else lonely):
                    inner = outliner.opened(item, kinds)
                some = some or bool(inner)
                sides[side].extend(inner or [item])
        return sides if some else None

    def _pair(self, left: OutlineItem | None, right: OutlineItem | None, frame: BodyPair) -> Pair:
        pair = Pair(left, right)
        if left is None or right is None:
            return pair
        frame.tensors.setdefault(left.output.root, right.output.root)
        if "loop" in (left.kind, right.kind):  # or one of them is a loop of the other
            pair.inside = self._iterations(left, right, frame)
        elif left.inside and left.kind == "branches" and len(left.inside) == len(right.inside):
            sides = zip(left.inside, right.inside, strict=True)
            pair.inside = [([self._pair(a[0], b[0], frame) for a, b in sides], (1, 1))]
        elif left.inside or right.inside:
            inside = self.sequence(_contents(left), _contents(right), frame)
            pair.inside = [(inside, (1, 1))]
        return pair

    def _iterations(
        self, left: OutlineItem, right: OutlineItem, frame: BodyPair
    ) -> list[tuple[list[Pair], Times]]:
        """Iteration beside iteration; those that one side has more, if they do something new."""
        if left.kind == right.kind and len(left.inside) == len(right.inside) == 1:
            pairs = self.sequence(left.inside[0], right.inside[0], frame)
            return [(pairs, (left.count, right.count))]
        found: dict[Hashable, tuple[list[Pair], list[int]]] = {}
        partners: tuple[
            dict[Hashable, tuple[OutlineItem, ...]], dict[Hashable, tuple[OutlineItem, ...]]
        ]
        partners = ({}, {})
        alone: list[tuple[int, tuple[OutlineItem, ...]]] = []
        for items, others in _side_by_side(_unrolled(left), _unrolled(right)):
            if items is None or others is None:
                alone.append((0, items) if items is not None else (1, others or ()))
                continue
            partners[0].setdefault(_signatures(items), others)
            partners[1].setdefault(_signatures(others), items)
            key: Hashable = (_looks(items), _looks(others))
            if key not in found:
                found[key] = self.sequence(items, others, frame), [0, 0]
            found[key][1][0] += 1
            found[key][1][1] += 1
        for side, more in alone:
            partner = partners[side].get(_signatures(more))
            both = (more, partner) if side == 0 else (partner, more)
            key = tuple(None if items is None else _looks(items) for items in both)
            if key not in found:
                pairs = [Pair(i, None) if side == 0 else Pair(None, i) for i in more]
                if both[0] is not None and both[1] is not None:
                    pairs = self.sequence(both[0], both[1], frame)
                found[key] = pairs, [0, 0]
            found[key][1][side] += 1
        return [(pairs, (times[0], times[1])) for pairs, times in found.values()]


def _may_open(item: OutlineItem, partner: OutlineItem | None) -> bool:
    """Whether it found no partner, or is a loop beside one of what it repeats."""
    return partner is None or (item.kind == "loop" and partner.kind != "loop")


def _contents(item: OutlineItem) -> list[OutlineItem]:
    """What is in a container; branches that do nothing left out."""
    inner = [one for items in item.inside for one in items]
    return [one for one in inner if one.kind != "branch" or one.bag]


def _keys(left: Sequence[OutlineItem], right: Sequence[OutlineItem]) -> dict[OutlineItem, Hashable]:
    """By what each item finds its partner: its signature, or its text where that is on both sides.

    `layer2: unit(2 * width)` is the other's `layer2` at another width too, and not what computes
    the same there. A text that is there more often on one side says nothing of who is who.
    """
    keys: dict[OutlineItem, Hashable] = {item: item.signature for item in (*left, *right)}
    mine, yours = (_by_statement(side) for side in (left, right))
    for statement, items in mine.items():
        others = yours.get(statement, [])
        if len(items) == len(others) and _signatures(items) != _signatures(others):
            for at, pair in enumerate(zip(items, others, strict=True)):
                keys |= dict.fromkeys(pair, (statement, at))
    return keys


def _by_statement(items: Sequence[OutlineItem]) -> dict[Hashable, list[OutlineItem]]:
    """Those of one label and text together; a branch has no text of its own."""
    found: dict[Hashable, list[OutlineItem]] = {}
    for item in items:
        if item.kind not in ("branch", "bracket"):
            found.setdefault((item.label, source_text(item.span, sys.maxsize)), []).append(item)
    return found


def _signatures(items: Sequence[OutlineItem]) -> tuple[int, ...]:
    return tuple(item.signature for item in items)


def _unrolled(loop: OutlineItem) -> list[tuple[OutlineItem, ...]]:
    if loop.kind != "loop":
        return [(loop,)]
    return list(loop.inside) * (loop.count if len(loop.inside) == 1 else 1)


def _side_by_side(
    left: list[tuple[OutlineItem, ...]], right: list[tuple[OutlineItem, ...]]
) -> Iterator[tuple[tuple[OutlineItem, ...] | None, tuple[OutlineItem, ...] | None]]:
    """Iterations in pairs, from both ends as far as they are equal."""
    mine, yours = ([_signatures(items) for items in side] for side in (left, right))
    most = min(len(left), len(right))
    start = next((at for at in range(most) if mine[at] != yours[at]), most)
    end = next((n for n in range(most - start) if mine[-1 - n] != yours[-1 - n]), most - start)
    ends = len(left) - end, len(right) - end
    yield from zip(left[:start], right[:start], strict=True)
    yield from zip_longest(left[start : ends[0]], right[start : ends[1]])
    yield from zip(left[ends[0] :], right[ends[1] :], strict=True)


def _looks(items: Sequence[OutlineItem]) -> Hashable:
    """Equal for iterations that do the same to the same shapes."""
    return tuple((item.signature, item.output.shape, item.cost) for item in items)


def _mark_moved(pairs: list[Pair]) -> None:
    """Statements that are gone here and back at another place of the same sequence."""
    gone = [(pair, pair.left) for pair in pairs if pair.left is not None and pair.right is None]
    new = [(pair, pair.right) for pair in pairs if pair.right is not None and pair.left is None]
    for one, item in gone:
        for other, same in new:
            if not other.moved and _is_same(item, same):
                one.moved = other.moved = True
                break


def _is_same(left: OutlineItem, right: OutlineItem) -> bool:
    """Whether one is the other at another place: not any ReLU is any other."""
    if left.kind == "bracket" or left.signature != right.signature:
        return False
    return left.weight > 0.5 or (left.label is not None and left.label == right.label)
