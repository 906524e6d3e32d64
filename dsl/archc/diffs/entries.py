"""What a comparison found: entries, each a statement of one network beside one of the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from archc import syntax
from archc.analysis.costs import Cost
from archc.diffs.items import OutlineItem

Times = tuple[int, int]  # how often something runs, left and right
Costs = tuple[Cost, Cost]


@dataclass(frozen=True, slots=True)
class Change:
    """An attribute, an argument, a count, a name that differs; "" where it is not there.

    `written` are both as the block's text has them. `follows` where only a number differs: the
    text is the same, and something before it made the difference.
    """

    name: str
    left: str
    right: str
    written: tuple[str, str]
    follows: bool = False

    @property
    def as_written(self) -> Change:
        """The same as the text of a block has it, whatever its numbers are in a call."""
        return replace(self, left=self.written[0], right=self.written[1])


@dataclass(frozen=True, slots=True)
class ChangedBlock:
    """A block of either side whose texts differ."""

    left: syntax.Block
    right: syntax.Block

    def __str__(self) -> str:
        return " -> ".join(dict.fromkeys((self.left.name.id, self.right.name.id)))


@dataclass(frozen=True, slots=True)
class StatementDiff:
    """A statement of the left network and what stands for it in the right one; or one alone.

    `costs` are those of all its runs in the body or the loop that it stands in. What is `inside` a
    call is in `runs` instead: its body's entries, for one run each.
    """

    left: OutlineItem | None
    right: OutlineItem | None
    changes: tuple[Change, ...] = ()
    inside: tuple[StatementDiff, ...] = ()
    runs: tuple[tuple[tuple[StatementDiff, ...], Times], ...] = ()
    follows: bool = False  # it differs only because of something that another entry shows
    moved: bool = False  # alone here, and there at another place
    definition: ChangedBlock | None = None  # a call of a block whose text differs
    costs: Costs = (Cost(), Cost())
    shapes: tuple[str, str] = ("", "")
    structural: bool = field(init=False)  # here or inside, more than shapes and costs differ
    causes: bool = field(init=False)  # here or inside, a text differs
    renames: bool = field(init=False)  # here or inside, a label differs
    differs: bool = field(init=False)  # here or inside, anything: names, shapes and costs too

    def __post_init__(self) -> None:
        inner = [*self.inside, *(entry for entries, _ in self.runs for entry in entries)]
        changed, cause = self.changed, self.cause
        put = object.__setattr__
        put(self, "structural", changed or any(entry.structural for entry in inner))
        put(self, "causes", cause or any(entry.causes for entry in inner))
        put(self, "renames", self.renamed or any(entry.renames for entry in inner))
        here = self.structural or self.renames or self.shifted
        put(self, "differs", here or any(entry.differs for entry in self.inside))

    @property
    def items(self) -> tuple[OutlineItem, ...]:
        return tuple(item for item in (self.left, self.right) if item is not None)

    @property
    def item(self) -> OutlineItem:
        """The right one, or the left where it is gone."""
        return self.items[-1]

    @property
    def alone(self) -> bool:
        return self.left is None or self.right is None

    @property
    def renamed(self) -> bool:
        return any(change.name == "label" for change in self.changes)

    @property
    def changed(self) -> bool:
        """Whether the statement itself differs, by cause or consequence."""
        return self.alone or any(change.name != "label" for change in self.changes)

    @property
    def cause(self) -> bool:
        """Whether its text differs here."""
        return self.changed and not self.follows

    @property
    def shifted(self) -> bool:
        """Whether its shape or its costs differ."""
        return self.shapes[0] != self.shapes[1] or self.costs[0] != self.costs[1]

    @property
    def state(self) -> str:
        """One word: added, removed, changed, inside, follows, renamed or same."""
        if self.alone:
            return "removed" if self.right is None else "added"
        if self.cause:
            return "changed"
        if self.definition is None and any(inner.causes for inner in self.inside):
            return "inside"
        if self.structural or self.shifted:
            return "follows"
        return "renamed" if self.differs else "same"


def scaled(entry: StatementDiff, times: Times) -> StatementDiff:
    """An entry of something that runs so often."""
    if times == (1, 1):
        return entry
    costs = tuple(scaled_cost(cost, n) for cost, n in zip(entry.costs, times, strict=True))
    runs = tuple((inner, (a * times[0], b * times[1])) for inner, (a, b) in entry.runs)
    inside = tuple(scaled(inner, times) for inner in entry.inside)
    return replace(entry, costs=(costs[0], costs[1]), runs=runs, inside=inside)


def scaled_cost(cost: Cost, times: int) -> Cost:
    """The cost of so many."""
    return Cost(
        cost.params * times,
        cost.weights * times,
        cost.buffers * times,
        cost.macs * times,
        cost.side_macs * times,
        cost.side_params * times,
    )


def merged(lists: Iterable[Iterable[StatementDiff]]) -> tuple[StatementDiff, ...]:
    """The entries of several runs of the same text, those that say the same once, in order."""
    lists = tuple(lists)
    if len(lists) == 1:
        return tuple(lists[0])
    order: list[Hashable] = []
    found: dict[Hashable, StatementDiff] = {}
    for entries in lists:
        seen: Counter[Hashable] = Counter()
        new: list[Hashable] = []
        for entry in entries:
            text = _key(entry)
            seen[text] += 1  # a statement may stand twice in one run
            key = text, seen[text]
            if key not in found:
                found[key] = entry
                new.append(key)
                continue
            found[key] = _sum(found[key], entry)
            if new:
                at = order.index(key)
                order[at:at] = new
                new = []
        order += new
    return tuple(found[key] for key in order)


def _key(entry: StatementDiff) -> Hashable:
    sides = tuple(item and (item.kind, item.head, item.label) for item in (entry.left, entry.right))
    places = tuple(item and item.span.start for item in (entry.left, entry.right))
    what: tuple[Hashable, ...] = entry.changes, entry.follows, entry.moved, id(entry.definition)
    if entry.alone or not entry.cause:  # numbers may differ though the text is the same
        what += tuple(item.text for item in entry.items)
    if entry.runs and entry.definition is None:
        what += tuple(item.signature for item in entry.items)
    return sides, places, what, tuple(_key(inner) for inner in entry.inside)


def _sum(first: StatementDiff, other: StatementDiff) -> StatementDiff:
    inside = zip(first.inside, other.inside, strict=True)  # equal keys have as much inside
    return replace(
        first,
        costs=summed((first.costs, other.costs)),
        shapes=first.shapes if first.shapes == other.shapes else ("", ""),
        runs=_together((*first.runs, *other.runs)),
        inside=tuple(_sum(a, b) for a, b in inside),
    )


def _together(
    runs: Sequence[tuple[tuple[StatementDiff, ...], Times]],
) -> tuple[tuple[tuple[StatementDiff, ...], Times], ...]:
    """Runs of the same bodies as one."""
    found: dict[int, tuple[tuple[StatementDiff, ...], Times]] = {}
    for entries, (left, right) in runs:
        _, (a, b) = found.get(id(entries), (entries, (0, 0)))
        found[id(entries)] = entries, (a + left, b + right)
    return tuple(found.values())


def summed(costs: Iterable[Costs]) -> Costs:
    """Costs added up, side by side."""
    left = right = Cost()
    for a, b in costs:
        left, right = left + a, right + b
    return left, right


def calls_in(entries: Iterable[StatementDiff]) -> Iterator[StatementDiff]:
    """The calls among some entries and what is inside of them."""
    for entry in entries:
        if entry.runs:
            yield entry
        yield from calls_in(entry.inside)
