"""Two plans to entries: what stands beside what, and what of it differs.

Bodies are compared once for each pair and in terms of their own parameters. Where a block is called
with other arguments, or on another shape, its text is the same, and all that differs in it follows.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from archc import symbol, syntax
from archc.changes.align import Pairs, align, best
from archc.changes.blocks import BlockChange, Found, change_of
from archc.changes.entries import (
    Change,
    Definition,
    Entry,
    Times,
    calls_in,
    merged,
    scaled,
)
from archc.changes.items import Item, Outliner
from archc.changes.likeness import likeness, overlap
from archc.changes.words import Word
from archc.evaluate import Evaluator, Fault
from archc.passes.costs import Cost
from archc.plan import Body, Call, Plan, Tensor

_STAGES = (
    ("group", "loop"),
    ("call",),
    ("group", "loop", "call"),
    ("branches",),
    ("group", "loop", "call", "branches"),
)
_GAIN = 0.4  # opening containers must bring more than this


@dataclass(eq=False, slots=True)
class _Pair:
    """Two items side by side, before it is known where what they ask for comes from."""

    left: Item | None
    right: Item | None
    inside: list[tuple[list[_Pair], Times]] = field(default_factory=list)  # a list a run
    moved: bool = False


@dataclass(slots=True)
class _Frame:
    """A pair of bodies under comparison."""

    same_text: bool
    tensors: dict[Tensor, Tensor] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)


class Comparer:
    """Compares bodies of two plans."""

    def __init__(self) -> None:
        numbers: dict[Hashable, int] = {}
        self.left, self.right = Outliner(numbers), Outliner(numbers)
        self._definitions: dict[tuple[int, int], Definition | None] = {}
        self._bodies: dict[tuple[Body, Body], tuple[Entry, ...]] = {}

    def plans(self, left: Plan, right: Plan) -> tuple[Entry, ...]:
        """The statements of two networks."""
        texts = [
            [item for item in plan.file.items if isinstance(item, syntax.Statement)]
            for plan in (left, right)
        ]
        return self._body(left.body, right.body, texts[0] == texts[1])

    def equal(self, left: Body, right: Body) -> bool:
        """Whether two bodies compute the same on the same input."""
        return self.left.body(left).signature == self.right.body(right).signature

    def blocks(self) -> list[BlockChange]:
        """The blocks whose texts differ, those that call others first."""
        bodies = list(reversed(self._bodies.items()))  # what is called was done first
        names = {id(entries): key for key, entries in bodies}
        times = {key: [0, 0] for key, _ in bodies}
        times[bodies[0][0]] = [1, 1]
        found: dict[Definition, list[Found]] = {}
        for key, entries in bodies:
            mine = times[key]
            for call in calls_in(entries):
                for body, (left, right) in call.runs:
                    inner = times[names[id(body)]]
                    inner[0], inner[1] = inner[0] + left * mine[0], inner[1] + right * mine[1]
            definition = self._definition_of(*key)
            if definition is not None and any(entry.causes for entry in entries):
                found.setdefault(definition, []).append(Found(entries, (mine[0], mine[1])))
        return [change_of(definition, all) for definition, all in found.items()]

    def _definition_of(self, left: Body, right: Body) -> Definition | None:
        """The blocks of two bodies, where their texts differ, whatever they are called."""
        if left.block is None or right.block is None:
            return None
        mine, yours = left.block.tree, right.block.tree
        key = (id(mine), id(yours))
        if key not in self._definitions:
            texts = [(tree.formals, tree.body, tree.places) for tree in (mine, yours)]
            self._definitions[key] = Definition(mine, yours) if texts[0] != texts[1] else None
        return self._definitions[key]

    def _body(self, left: Body, right: Body, same_text: bool) -> tuple[Entry, ...]:
        key = (left, right)
        if key not in self._bodies:
            frame = _Frame(same_text)
            for a, b in zip(left.inputs, right.inputs, strict=False):
                frame.tensors[a.root] = b.root
            items, others = self.left.body(left).items, self.right.body(right).items
            pairs = self._sequence(items, others, frame)
            self._bodies[key] = tuple(self._entries(pairs, frame))
        return self._bodies[key]

    # --- what stands beside what ---------------------------------------------------------------

    def _sequence(
        self, left: Sequence[Item], right: Sequence[Item], frame: _Frame
    ) -> list[_Pair]:
        pairs = align(left, right, lambda item: item.signature, self._gap)
        made = [self._pair(a, b, frame) for a, b in pairs]
        _mark_moved(made)
        return made

    def _gap(self, left: Sequence[Item], right: Sequence[Item]) -> Pairs[Item]:
        """The best alignment of what is not equal; containers are opened where that helps."""
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

    def _open(
        self, pairs: Pairs[Item], kinds: tuple[str, ...]
    ) -> tuple[list[Item], list[Item]] | None:
        """Both sides with the containers opened that found no partner and have something alike."""
        lonely = [a for a, b in pairs if a is not None and b is None]
        others = [b for a, b in pairs if b is not None and a is None]
        some = False
        sides: tuple[list[Item], list[Item]] = ([], [])
        for pair in pairs:
            for side, outliner in enumerate((self.left, self.right)):
                item = pair[side]
                if item is None:
                    continue
                inner: list[Item] = []
                if pair[1 - side] is None and item.kind in kinds:
                    if overlap(item, others if side == 0 else lonely):
                        inner = outliner.opened(item, kinds)
                some = some or bool(inner)
                sides[side].extend(inner or [item])
        return sides if some else None

    def _pair(self, left: Item | None, right: Item | None, frame: _Frame) -> _Pair:
        pair = _Pair(left, right)
        if left is None or right is None:
            return pair
        frame.tensors.setdefault(left.output.root, right.output.root)
        if left.label and right.label:
            frame.labels[left.label] = right.label
        if left.kind != right.kind:  # one of them is a loop of the other
            a, b = left.single or left, right.single or right
            pair.inside = [([self._pair(a, b, frame)], (left.count, right.count))]
        elif left.kind == "loop":
            pair.inside = self._iterations(left, right, frame)
        elif left.inside and left.kind == "branches" and len(left.inside) == len(right.inside):
            sides = zip(left.inside, right.inside, strict=True)
            pair.inside = [([self._pair(a[0], b[0], frame) for a, b in sides], (1, 1))]
        elif left.inside or right.inside:
            flat = ([item for items in side.inside for item in items] for side in (left, right))
            pair.inside = [(self._sequence(*flat, frame), (1, 1))]
        return pair

    def _iterations(
        self, left: Item, right: Item, frame: _Frame
    ) -> list[tuple[list[_Pair], Times]]:
        """Iteration beside iteration; those that one side has more, if they do something new."""
        if len(left.inside) == len(right.inside) == 1:
            pairs = self._sequence(left.inside[0], right.inside[0], frame)
            return [(pairs, (left.count, right.count))]
        found: dict[tuple[Hashable, Hashable], tuple[list[_Pair], list[int]]] = {}
        mine, yours = _unrolled(left), _unrolled(right)
        for items, others in zip(mine, yours, strict=False):
            key = (_looks(items), _looks(others))
            if key not in found:
                found[key] = self._sequence(items, others, frame), [0, 0]
            found[key][1][0] += 1
            found[key][1][1] += 1
        shared = min(len(mine), len(yours))
        for side, more in enumerate((mine[shared:], yours[shared:])):
            for items in more:
                looks = _looks(items)
                known = next((run for key, run in found.items() if key[side] == looks), None)
                if known is None:
                    alone = [_Pair(i, None) if side == 0 else _Pair(None, i) for i in items]
                    known = found[(looks, None) if side == 0 else (None, looks)] = alone, [0, 0]
                known[1][side] += 1
        return [(pairs, (times[0], times[1])) for pairs, times in found.values()]

    # --- what differs --------------------------------------------------------------------------

    def _entries(self, pairs: list[_Pair], frame: _Frame) -> Iterator[Entry]:
        for pair in pairs:
            yield self._entry(pair, frame)

    def _entry(self, pair: _Pair, frame: _Frame) -> Entry:
        left, right = pair.left, pair.right
        if left is None or right is None:
            item = left or right
            assert item is not None
            costs = (item.cost, Cost()) if right is None else (Cost(), item.cost)
            shape = _shape(item)
            shapes = (shape, "") if right is None else ("", shape)
            entry = Entry(left, right, follows=frame.same_text, moved=pair.moved)
            return replace(entry, costs=costs, shapes=shapes)
        inside = merged(
            [scaled(entry, times) for entry in self._entries(pairs, frame)]
            for pairs, times in pair.inside
        )
        changes = list(self._changes(left, right, frame))
        if frame.same_text and left.kind != "input":
            changes = [replace(change, follows=True) for change in changes]
        entry = Entry(
            left,
            right,
            tuple(changes),
            inside,
            follows=bool(changes) and all(c.follows for c in changes if c.name != "label"),
            costs=(left.cost, right.cost),
            shapes=(_shape(left), _shape(right)),
        )
        if left.call is not None and right.call is not None:
            return self._called(entry, left.call, right.call)
        return entry

    def _called(self, entry: Entry, left: Call, right: Call) -> Entry:
        """The entry of a call with what is in its block."""
        definition = self._definition_of(left.body, right.body)
        if definition is None and self.equal(left.body, right.body):
            return entry
        inside = self._body(left.body, right.body, definition is None)
        causes = any(inner.causes for inner in inside)
        return replace(
            entry, runs=((inside, (1, 1)),), definition=definition if causes else None
        )

    def _changes(self, left: Item, right: Item, frame: _Frame) -> Iterator[Change]:
        if left.label and right.label and left.label != right.label:
            names = left.label, right.label
            yield Change("label", *names, names)
        if left.count != right.count:
            yield _count(left, right)
        if left.kind != right.kind:
            return
        if left.head != right.head and left.kind != "again":
            name = {"op": "operator", "call": "block"}.get(left.kind, "combinator")
            yield Change(name, left.head, right.head, (left.head, right.head))
        if left.call is not None and right.call is not None:
            yield from _arguments(left.call, right.call, left.words, right.words)
        else:
            yield from _words(left.words, right.words)
        if left.kind in ("goto", "op"):
            yield from _sources(left, right, frame)


def _unrolled(loop: Item) -> list[tuple[Item, ...]]:
    return list(loop.inside) * (loop.count if len(loop.inside) == 1 else 1)


def _looks(items: Sequence[Item]) -> Hashable:
    """Equal for iterations that do the same to the same shapes."""
    return tuple((item.signature, str(item.output.shape), item.cost) for item in items)


def _shape(item: Item) -> str:
    return str(item.output.shape) if item.output.shape is not None else ""


def _mark_moved(pairs: list[_Pair]) -> None:
    """Statements that are gone here and back at another place of the same sequence."""
    gone = [pair for pair in pairs if pair.left is not None and pair.right is None]
    new = [pair for pair in pairs if pair.right is not None and pair.left is None]
    for one in gone:
        for other in new:
            assert one.left is not None and other.right is not None
            if not other.moved and _is_same(one.left, other.right):
                one.moved = other.moved = True
                break


def _is_same(left: Item, right: Item) -> bool:
    """Whether one is the other at another place: not any ReLU is any other."""
    if left.kind == "bracket" or left.signature != right.signature:
        return False
    return left.weight > 0.5 or (left.label is not None and left.label == right.label)


def _count(left: Item, right: Item) -> Change:
    counts = f"×{left.count}", f"×{right.count}"
    return Change("count", *counts, counts)


def _words(left: tuple[Word, ...], right: tuple[Word, ...]) -> Iterator[Change]:
    """The attributes that differ, in the order in which one writes them."""
    mine, yours = ({word.field: word for word in words} for words in (left, right))
    found: list[tuple[int, Change]] = []
    for name in dict.fromkeys((*mine, *yours)):
        a, b = mine.get(name), yours.get(name)
        if a is None or b is None or a.key != b.key:
            shown = a.shown if a else "", b.shown if b else ""
            written = a.written if a else "", b.written if b else ""
            place = next(word.place for word in (b, a) if word is not None)
            found.append((place, Change(name, *shown, written, written[0] == written[1])))
    for _, change in sorted(found, key=lambda one: one[0]):
        yield change


def _arguments(
    left: Call, right: Call, mine: tuple[Word, ...], yours: tuple[Word, ...]
) -> Iterator[Change]:
    """The arguments that differ; those that are worked out from the others are left out."""
    known = {word.field for word in mine}, {word.field for word in yours}
    both = known[0] & known[1]
    for change in _words(
        tuple(word for word in mine if word.field in both),
        tuple(word for word in yours if word.field in both),
    ):
        if not (_derived(left, change.name) and _derived(right, change.name)):
            yield change


def _derived(call: Call, name: str) -> bool:
    """Whether an argument is what its default makes of the others."""
    block = call.body.block
    assert block is not None
    formal = next(formal for formal in block.tree.formals if formal.name.id == name)
    if formal.default is None or isinstance(formal.default, syntax.Number):
        return False
    others = {**block.home.constants, **call.body.args}
    try:
        value = Evaluator(others, call.body.input.shape).value(formal.default)
    except Fault:
        return False
    return bool(symbol.plain(value) == symbol.plain(call.args[name]))


def _sources(left: Item, right: Item, frame: _Frame) -> Iterator[Change]:
    """Labels that are asked for and stand for another tensor now."""
    for a, b in zip(left.references, right.references, strict=False):
        if frame.tensors.get(a.target) is not b.target:
            yield Change("from", a.text, b.text, (a.text, b.text))
