"""Blocks whose texts differ, each once: what all calls found, put together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, replace

from archc.analysis.costs import Cost
from archc.diffs.entries import (
    ChangedBlock,
    Costs,
    StatementDiff,
    Times,
    calls_in,
    scaled,
    scaled_cost,
    summed,
)

_NOTHING = Cost(), Cost()


@dataclass(frozen=True, slots=True)
class Found:
    """What one pair of bodies of a block came to, and how often it runs."""

    entries: tuple[StatementDiff, ...]
    times: Times


@dataclass(frozen=True, slots=True)
class BlockChange:
    """A block whose text differs. `costs` are those of all its calls."""

    definition: ChangedBlock
    entries: tuple[StatementDiff, ...]
    times: Times
    costs: Costs


def change_of(definition: ChangedBlock, found: list[Found]) -> BlockChange:
    """One change of what the calls of a block found.

    Two calls may line the same texts up in two ways, when their numbers suggest it. Then the
    fuller one speaks for all, and there are no costs to its lines.
    """
    ordered = sorted(found, key=lambda one: -_size(one.entries))
    union = _Union()
    lists = [union.add(scaled(entry, one.times) for entry in one.entries) for one in ordered]
    entries = _joined(lists)
    if union.conflict:
        entries = tuple(map(_without_costs, entries))
    costs = summed(_own(scaled(e, one.times), definition) for one in found for e in one.entries)
    times = sum(one.times[0] for one in found), sum(one.times[1] for one in found)
    return BlockChange(definition, tuple(_only_causes(entries)), times, costs)


def _own(entry: StatementDiff, definition: ChangedBlock) -> Costs:
    """What an entry costs without calls of the block itself, which are counted as such."""
    left, right = entry.costs
    for call in calls_in([entry]):
        if call.definition is definition:
            a, b = (scaled_cost(cost, -1) for cost in call.costs)
            left, right = left + a, right + b
    return left, right


def _size(entries: Iterable[StatementDiff]) -> int:
    return sum(1 + _size(entry.inside) for entry in entries)


class _Union:
    """Entries of several bodies; each statement of either text in one entry alone."""

    def __init__(self) -> None:
        self.partners: dict[Hashable, Hashable] = {}  # the entry of each statement
        self.conflict = False

    def add(self, entries: Iterable[StatementDiff]) -> list[_Keyed]:
        """The entries of a body with their keys, those left out that others contradict."""
        return self._added(entries, (), Counter())

    def _added(
        self,
        entries: Iterable[StatementDiff],
        around: tuple[Hashable, ...],
        seen: Counter[Hashable],
    ) -> list[_Keyed]:
        found = []
        for entry in entries:
            key = _key(entry, seen)
            sides = [side for side in enumerate(key) if side[1] is not None]
            mine = (*around, key)
            if any(self.partners.setdefault(side, mine) != mine for side in sides):
                self.conflict = True
            else:
                found.append(_Keyed(key, entry, self._added(entry.inside, mine, seen)))
        return found


@dataclass(slots=True)
class _Keyed:
    key: tuple[Hashable, Hashable]
    entry: StatementDiff
    inside: list[_Keyed]


def _key(entry: StatementDiff, seen: Counter[Hashable]) -> tuple[Hashable, Hashable]:
    """The statements of both texts; an opened block's may be there several times."""
    sides: list[Hashable] = []
    for side, item in enumerate((entry.left, entry.right)):
        if item is None:
            sides.append(None)
            continue
        place = side, item.kind, item.head, item.span.start
        seen[place] += 1
        sides.append((place, seen[place]))
    return sides[0], sides[1]


def _joined(lists: list[list[_Keyed]]) -> tuple[StatementDiff, ...]:
    """The union of lists in the order of the texts, what has the same key as one."""
    order: list[Hashable] = []
    found: dict[Hashable, list[_Keyed]] = {}
    for keyed in lists:
        new: list[Hashable] = []
        for one in keyed:
            if one.key not in found:
                found[one.key] = [one]
                new.append(one.key)
                continue
            found[one.key].append(one)
            at = order.index(one.key)
            order[at:at] = new
            new = []
        order += new
    return tuple(_one(found[key]) for key in order)


def _one(same: list[_Keyed]) -> StatementDiff:
    first = next((one.entry for one in same if one.entry.changes), same[0].entry)
    changes = {c.as_written: None for one in same for c in one.entry.changes if not c.follows}
    return replace(
        first,
        changes=tuple(changes),
        inside=_joined([one.inside for one in same]),
        runs=(),
        costs=summed(one.entry.costs for one in same),
        shapes=("", ""),
        follows=False,
    )


def _without_costs(entry: StatementDiff) -> StatementDiff:
    return replace(entry, costs=_NOTHING, inside=tuple(map(_without_costs, entry.inside)))


def _only_causes(entries: Iterable[StatementDiff]) -> Iterator[StatementDiff]:
    """What differs, and where; branches keep their places."""
    for entry in entries:
        if entry.causes or entry.renames or entry.item.kind == "branch":
            yield replace(entry, inside=tuple(_only_causes(entry.inside)))
