"""Compares drawings with the plan that they show: `differences(analysis)`, for every view.

A drawing is read back from its text (`reading`). What repeats is unfolded, `×5` means five times:
then the cards are the operators of the plan, in the order in which they run, and every edge, size,
count and sum can be held against it. `python tests/readback.py --count 2000` does so with as many
random programs as one likes.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property, reduce
from itertools import combinations, groupby, pairwise, takewhile
from math import ceil, floor, prod
from operator import or_
from typing import Any

import reading
from reading import Drawing, Item, Line
from reading_volumes import Arrow, Picture, arrows, of_volumes

from archc import symbolic
from archc.analysis.costs import Costs
from archc.analysis.unroll import PlacedStep, Run, unroll
from archc.api import Analysis
from archc.draw import DIRECTIONS, SHEETS, DrawStyle, TooManySheets, collapse, graphviz, scene_of
from archc.draw.compose import compose
from archc.draw.mermaid_chart import flowchart
from archc.draw.paper import Paper, paper
from archc.draw.scene import Called
from archc.draw.style import LOOKS
from archc.draw.volumes import drawings
from archc.ops import REGISTRY, scalars
from archc.plan import Applicable, Apply, Branches, Call, Node, children
from archc.report.spelling.numbers import human, shorten
from archc.report.spelling.shapes import format_shape
from archc.transform.place import place as share

SIGNS = {"add": "+", "mul": "×", "sub": "−"}
Place = tuple[tuple[str, int], ...]  # the boxes around, and which of their passes


@dataclass(eq=False)
class Shown:
    """What a card stands for: the steps of each of its copies, and where they are."""

    item: Item
    copies: list[list[PlacedStep]] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)

    @property
    def steps(self) -> list[PlacedStep]:
        return [step for copy in self.copies for step in copy]


Wire = tuple[str, str, bool]  # tail, head, whether a size


def between_cards(drawing: Drawing) -> dict[Wire, set[str]]:
    """Edges between cards, and the headers of boxes that each came through."""
    boxes = {box.id for box in drawing.boxes}
    found: dict[Wire, set[str]] = {}
    for line in drawing.lines:
        if line.head not in boxes:
            for tail, passed in sources(line.tail, drawing):
                found.setdefault((tail, line.head, line.kind == "size"), set()).update(passed)
    return found


def sources(id: str, drawing: Drawing) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The cards behind a tail, and the headers that were passed on the way."""
    if not drawing.is_header(id):
        yield id, ()
        return
    for line in drawing.entering.get(id, ()):
        for tail, passed in sources(line.tail, drawing):
            yield tail, (*passed, id)


class Network:
    """A plan unrolled, without what is drawn as the line that it is."""

    def __init__(self, analysis: Analysis) -> None:
        assert analysis.plan is not None
        self.plan = analysis.plan
        self.run: Run = unroll(self.plan)
        self.same: dict[int, int] = {}  # tensors that are an earlier one
        self.steps: list[PlacedStep] = []
        for step in self.run.steps:
            if _is_a_line(step):
                self.same[step.output] = self.value(step.inputs[0])
            else:
                self.steps.append(step)

    def value(self, tensor: int) -> int:
        return self.same.get(tensor, tensor)

    def inputs(self, step: PlacedStep) -> Iterator[tuple[int, bool]]:
        """The tensors of a step, and whether it takes their size alone."""
        data = len(step.inputs) - len(step.apply.sizes)
        for at, tensor in enumerate(step.inputs):
            yield self.value(tensor), at >= data

    def reads_all(self, joins: list[Apply]) -> bool:
        """Whether what a `concat` appends was made of every channel of what it appends it to."""
        steps = [step for step in self.steps if any(step.apply is join for join in joins)]
        return bool(steps) and all(map(self._appends, steps))

    def _appends(self, join: PlacedStep) -> bool:
        ends = [self.value(tensor) for tensor in join.inputs]
        for entering, made in zip(ends, reversed(ends), strict=True):
            channels = int(self.run.shapes[entering].channels)
            reached = self._reached(entering, join).get(made, [0])
            if len(ends) == 2 and sum(2**at for at in range(channels)) == _union(reached):
                return True
        return False

    def _reached(self, tensor: int, until: PlacedStep) -> dict[int, list[int]]:
        """Of a tensor's channels those that each channel of others hangs on, as bits."""
        found = {tensor: [2**at for at in range(int(self.run.shapes[tensor].channels))]}
        for step in self.steps[: self.steps.index(until)]:
            data = [value for value, size in self.inputs(step) if not size]
            if any(value in found for value in data):
                counts = [int(self.run.shapes[value].channels) for value in data]
                given = [found.get(x, [0] * n) for x, n in zip(data, counts, strict=True)]
                made = int(self.run.shapes[step.output].channels)
                found[step.output] = _hanging(step.op, given, made)
        return found

    @cached_property
    def ordered(self) -> list[PlacedStep]:
        """In the order of a drawing: what is for training only comes last."""
        return sorted(self.steps, key=lambda step: step.place.training_only)


def _hanging(op: Any, given: list[list[int]], made: int) -> list[int]:
    """What each channel hangs on that an operator makes of others."""
    first = given[0]
    match op.name:
        case "narrow":
            return first[int(op.start) :][: int(op.length)]
        case "chunk":
            return first[int(op.index) * made :][:made]
        case "concat":
            return [channel for tensor in given for channel in tensor]
    if op.by_channel and len(first) == made:
        return first
    return [_union(channel for tensor in given for channel in tensor)] * made


def _union(bits: Iterable[int]) -> int:
    return reduce(or_, bits, 0)


def _is_a_line(step: PlacedStep) -> bool:
    if len(step.inputs) != 1:
        return False
    return step.op.category == "merge" or step.op.inline("x") == "x"


class Mismatch(Exception):
    """A drawing shows something else than the plan."""


# --- the unrolled and the folded view ----------------------------------------------------


class Readback:
    """A drawing of a whole network held against it."""

    def __init__(self, network: Network, drawing: Drawing) -> None:
        self.network, self.drawing = network, drawing
        self.shown: dict[str, Shown] = {}
        self.step_of: dict[str, tuple[str, Place]] = {}
        # What leads out of copies, by the edge: from which to which.
        self.followed: set[str] = set()  # folds one of whose passes takes what the last one made
        self.leaving: dict[tuple[str, str], list[tuple[Place, Place]]] = {}
        self.makers: dict[int, tuple[str, Place]] = {}
        self.boxes = {box.id: box for box in drawing.boxes}
        self.around: dict[str, tuple[str, ...]] = {}  # the boxes around each card and box
        self._index(drawing.items, ())
        self.faults = list(self._faults())

    def _index(self, items: list[Item], around: tuple[str, ...]) -> None:
        for item in items:
            if item.id in self.around:
                raise Mismatch(f"two nodes are called {item.id!r}")
            self.around[item.id] = around
            self._index(item.parts or [], (*around, item.id))

    def _faults(self) -> Iterator[str]:
        yield from self._sequence()
        yield from self._edges()
        yield from self._numbers()

    # what stands for what

    def _sequence(self) -> Iterator[str]:
        """The cards, unfolded, are the steps."""
        steps = iter(self.network.ordered)
        heads: list[tuple[Item, Place]] = []
        for card, place in self._unfolded(self.drawing.items, (), heads):
            yield from self._take(card, place, steps)
        while heads:
            head, place = heads.pop(0)
            for card, inner in self._unfolded(head.parts or [], (*place, (head.id, 0)), heads):
                yield from self._take(card, inner, steps)
        left = [step.key for step in steps]
        if left:
            yield f"not drawn: {', '.join(left[:5])}"

    def _unfolded(
        self, items: list[Item], place: Place, heads: list[tuple[Item, Place]]
    ) -> Iterator[tuple[Item, Place]]:
        for item in items:
            if item.is_auxiliary:
                heads.append((item, place))
            elif item.is_box:
                for at in range(item.count):
                    yield from self._unfolded(item.parts or [], (*place, (item.id, at)), heads)
            else:
                for at in range(item.count):
                    yield item, (*place, (item.id, at)) if item.count > 1 else place

    def _take(self, card: Item, place: Place, steps: Iterator[PlacedStep]) -> Iterator[str]:
        shown = self.shown.setdefault(card.id, Shown(card))
        if card.category == "io":
            return
        names = re.findall(r"^(.*?): .*  \(line \d+\)$", card.tip, re.M)
        if card.category == "block":  # closed, for the drawing would be too large
            raise Mismatch("closed")
        copy = []
        for name in names:
            step = next(steps, None)
            if step is None:
                yield f"{card.id}: {name} is not in the plan"
                return
            copy.append(step)
            self.step_of[step.key] = (card.id, place)
            if not shown.copies and name != step.module:
                yield f"{card.id} shows {name}, where {step.key} runs"
        words = card.cells[0].removeprefix(f"×{card.count} ").split(" · ")
        for word, step in zip(words, copy, strict=False):
            sign = SIGNS.get(step.op.name)
            if not word.startswith((step.op.name, *([sign] if sign else []))):
                yield f"{card.id} says {word!r} of {step.key}, a {step.op.name}"
        if len(words) != len(copy):
            yield f"{card.id} says {len(words)} words of {len(copy)} operators"
        shown.copies.append(copy)
        shown.places.append(place)

    def _words(self, shown: Shown) -> Iterator[str]:
        """The numbers on a card are those of the operators of all its copies."""
        words = shown.item.cells[0].removeprefix(f"×{shown.item.count} ").split(" · ")
        for at, word in enumerate(words):
            steps = [copy[at] for copy in shown.copies if at < len(copy)]
            text = word.removeprefix(SIGNS.get(steps[0].op.name, steps[0].op.name)).strip()
            if steps[0].op.category == "merge":
                told = not text or summands_tell(text, steps, self.network)
            else:
                told = labels_tell(text, steps)
            if not told:
                yield f"{shown.item.id} says {word!r} of {len(steps)} times {steps[0].op.label()}"

    # edges

    @cached_property
    def drawn(self) -> dict[Wire, set[str]]:
        return between_cards(self.drawing)

    def _edges(self) -> Iterator[str]:
        wanted: set[Wire] = set()
        makers = self.makers
        inputs = self._ends("input")
        if len(inputs) != len(self.network.run.inputs):
            yield f"the inputs are {', '.join(inputs)}"
            return
        for (name, value), key in zip(self.network.run.inputs, inputs, strict=True):
            makers[value] = (key, ())
            if key.removeprefix("input ") != name and len(self.network.run.inputs) > 1:
                yield f"{key} is {name}"
        for step in self.network.steps:
            if step.key not in self.step_of:
                return
            makers[step.output] = self.step_of[step.key]
        for step in self.network.steps:
            card, place = self.step_of[step.key]
            for tensor, size in self.network.inputs(step):
                tail, before = makers[tensor]
                yield from self._edge(tail, before, card, place, size, wanted, step.key)
        titles = {item.id: item.cells[0] for item in self.drawing.cards}
        outputs = {titles[key].removeprefix("output "): key for key in self._ends("output")}
        if outputs.keys() != {name for name, _ in self.network.run.outputs}:
            yield f"the outputs are {', '.join(outputs)}"
            return
        for name, value in self.network.run.outputs:
            key = outputs[name]
            tail, before = makers[self.network.value(value)]
            yield from self._edge(tail, before, key, (), False, wanted, key)
        yield from self._one_of_each()
        for id in {*self.boxes, *self.shown} - self.followed:
            if self._count(id) > 1 and not self.is_beside(id):
                yield f"no pass of {id} takes what the one before it made"
        for tail, head, size in self.drawn.keys() - wanted:
            yield f"an edge{' of a size' * size} from {tail} to {head} is not in the plan"
        for line in self.drawing.lines:
            if line.label and not self._is_made(line.label, line.tail, line.head):
                yield f"{line.tail} -> {line.head} says {line.label}"

    @cached_property
    def one_of_each(self) -> dict[tuple[str, str], int]:
        """The edges that say `10 × (4096×64)`, between cards: one tensor of each of ten copies."""
        found = {}
        for line in self.drawing.lines:
            if said := _EACH.match(line.label):
                tails = {tail for tail, _ in sources(line.tail, self.drawing)}
                for (tail, head, _), passed in self.drawn.items():
                    if tail in tails and line.head in (head, *passed):
                        found[tail, head] = int(said[1])
        return found

    def _one_of_each(self) -> Iterator[str]:
        """Such an edge leads from all copies, in their order."""
        for (tail, head), count in self.one_of_each.items():
            pairs = self.leaving.get((tail, head), [])
            inside = [id for id, _ in self.shown[tail].places[0] if id not in self.around[head]]
            counts = {id: self._count(id) for id in inside}
            wanted = [  # all copies of one box; of those around or in it the last pass
                {
                    place
                    for place in self.shown[tail].places
                    if all(id in (box, *self.around[head], head) or at == self._count(id) - 1
                           for id, at in place)
                }
                for box in inside
                if counts[box] == count
            ]  # fmt: skip
            if {before for before, _ in pairs} not in wanted:
                yield f"{tail} -> {head} says {count} times, and {len(pairs)} are taken"
            if [place for _, place in sorted(pairs)] != sorted(place for _, place in pairs):
                yield f"{head} takes what {tail} makes in another order"

    def _ends(self, kind: str) -> list[str]:
        return [card.id for card in self.drawing.cards if re.match(rf"{kind}( |$)", card.id)
                and card.category == "io"]  # fmt: skip

    def _edge(
        self,
        tail: str,
        before: Place,
        head: str,
        place: Place,
        size: bool,
        wanted: set[Wire],
        name: str,
    ) -> Iterator[str]:
        common = next(
            ((a, b) for a, b in zip(before, place, strict=False) if a[0] == b[0] and a != b), None
        )
        if common is not None:  # from one pass of a fold to the next
            (fold, at), (_, then) = common
            self.followed.add(fold)
            if self.is_beside(fold):
                yield f"{name} takes what another branch of {fold} made"
            elif then != at + 1:
                yield f"{name} takes what pass {at} of {fold} made, in pass {then}"
            elif head == fold and tail == fold:
                pass  # a card that stands for several
            elif not any(fold in passed for (_, to, _), passed in self.drawn.items() if to == head):
                yield f"{name} is not entered from the pass before it in {fold}"
            return
        if tail == head:
            return  # on one card
        wanted.add((tail, head, size))
        if (tail, head, size) not in self.drawn:
            yield f"no edge{' of a size' * size} from {tail} to {head} ({name})"
        for box, at in before:
            if (box, at) in place:
                continue
            if (tail, head) in self.one_of_each:
                self.leaving.setdefault((tail, head), []).append((before, place))
                break
            if at != self._count(box) - 1 or self.is_beside(box):
                yield f"{name} takes what pass {at} of {box} made, from outside"

    def _count(self, id: str) -> int:
        return (self.boxes.get(id) or self.shown[id].item).count

    def is_beside(self, id: str) -> bool:
        """Whether the copies of a box or card are branches, none after another."""
        item = self.boxes.get(id) or self.shown[id].item
        return any("side by side" in cell.split(" · ") for cell in item.cells)

    def is_dense(self, box: Item) -> bool:
        """Whether each pass of a repeat appends what it makes of all that comes in."""
        return _is_dense(box, self.drawing.lines) and self.network.reads_all(
            [step.apply for step in self.shown[_last_of(box, box.id)].steps]
        )

    def _is_made(self, label: str, tail: str, head: str) -> bool:
        """Whether a label is the shape of what a card, or what leads into a box, makes.

        Inside a fold it is that of the first pass to that of the last; behind it that of the last.
        """
        each = _EACH.match(label)
        label = each[2] if each else label
        inside = {*self.around.get(tail, ()), tail} & {*self.around.get(head, ()), head}
        for id, _ in sources(tail, self.drawing):
            made = [
                (place, format_shape(self.network.run.shapes[value]))
                for value, (card, place) in self.makers.items()
                if card == id
            ]
            last = {tuple(one for one in place if one[0] in inside): shape for place, shape in made}
            if _tells_shapes(label, [*last.values()]) or label in _first_made(made):
                return True
        return False

    # numbers

    def inside(self, box: str) -> list[PlacedStep]:
        """All that a box holds."""
        shown = [found for id, found in self.shown.items() if box in self.around[id]]
        return [step for found in shown for step in found.steps]

    def _numbers(self) -> Iterator[str]:
        for shown in self.shown.values():
            if shown.copies:
                yield from self._words(shown)
                yield from self._card(shown)
        for id, box in self.boxes.items():
            yield from _sums(box, self.inside(id))

    def _card(self, shown: Shown) -> Iterator[str]:
        id, cells, copies = shown.item.id, shown.item.cells, len(shown.copies)
        macs, params = sum(map(macs_of, shown.steps)), sum(map(params_of, shown.steps))
        if macs and not _of_copies(macs, copies) & set(cells):
            yield f"{id} says {cells}, and has {_of_copies(macs, copies)} MACs"
        facts = [fact for cell in cells[1:] for fact in cell.split(" · ")]
        shared = any(fact.startswith("shared weights") for fact in facts)
        if params and not _of_copies(params, copies) & set(facts):
            yield f"{id} says {facts}, and has {_of_copies(params, copies)} params"
        if params and shared:
            yield f"{id} says that its {params} weights are shared"
        told = {fact: list(_labels_of(fact)) for fact in facts}
        for at in range(len(shown.copies[0])):
            labels = [copy[at].apply.also or copy[at].apply.label for copy in shown.copies]
            if len(set(labels)) > 1 and labels[0] in facts:
                yield f"{id} says {labels[0]!r} of {len(set(labels))} labels"
            for fact, said in told.items():
                if len(said) > 1 and said[0] == labels[0] and said != [*dict.fromkeys(labels)]:
                    yield f"{id} says {fact} of {labels}"
        for fact in facts:
            if " → " in fact and not self._changes(fact, shown):
                yield f"{id} says {fact}"

    def _changes(self, fact: str, shown: Shown) -> bool:
        """Whether some operator of a card makes such channels, or shapes, of others."""
        for at in range(len(shown.copies[0])):
            steps = [copy[at] for copy in shown.copies]
            ins = [self.network.run.shapes[step.inputs[0]] for step in steps]
            outs = [self.network.run.shapes[step.output] for step in steps]
            for spell in (lambda shape: str(int(shape.channels)), format_shape):
                sides = zip(fact.split(" → "), (ins, outs), strict=False)
                if all(tells(side, [*map(spell, shapes)]) for side, shapes in sides):
                    return True
            groups = re.match(r"(\d+) × \((\d+) → (\d+)\)$", fact)
            if groups:
                count, before, after = map(int, groups.groups())
                pairs = zip(ins, outs, strict=True)
                if all(
                    (a.channels, b.channels) == (count * before, count * after) for a, b in pairs
                ):
                    return True
        return False


def _labels_of(fact: str) -> Iterator[str]:
    """`out0`, `out1` and so on of `out0…9`."""
    if found := re.fullmatch(r"(\D*)(\d+)…(\d+)", fact):
        stem, start, end = found.groups()
        yield from (f"{stem}{number}" for number in range(int(start), int(end) + 1))


# --- numbers of several copies -------------------------------------------------------------

_EACH = re.compile(r"(\d+) × \((.*)\)$")  # on an edge: a tensor of each copy
_SERIES = re.compile(r"[^\s,]+(?:, [^\s,]+)*(?: … [^\s,]+)?")


def tells(text: str, values: list[str], exactly: bool = False) -> bool:
    """Whether `64`, `64…224`, `64, 128, 256` or `1, 2, 4 … 512` is said of these, in their order.

    `exactly` where the reader must be able to say each of them.
    """
    if len(set(values)) == 1:
        return text == values[0]
    if ", " not in text:
        even = any(_is_even(ordered) for ordered in _orders(values))
        return not exactly and text == f"{values[0]}…{values[-1]}" and even
    stem = next(iter(re.findall(r"^[a-z]+=?", text)), "")
    listed, _, end = text.removeprefix(stem).partition(" … ")
    some = [stem + word for word in listed.split(", ")]
    every = some if not end else _continued(some, stem + end)
    for ordered in _orders(values):
        short = [word for word, _ in groupby(ordered)]
        if every is not None and any(
            found == every * (len(found) // len(every)) for found in (ordered, short)
        ):
            return True
        if not exactly and end and short[: len(some)] == some and short[-1] == stem + end:
            return True
    return False


def _orders(values: list[str]) -> Iterator[list[str]]:
    """The copies of a card in their order, and by the pass of a fold inside another."""
    for inner in range(1, len(values) + 1):
        if len(values) % inner == 0:
            yield [values[at] for start in range(inner) for at in range(start, len(values), inner)]


def _is_even(values: list[str]) -> bool:
    """Whether numbers grow by the same step, maybe again and again; all but numbers may."""
    if not all(value.isdigit() for value in values):
        return True
    once = next(n for n in range(1, len(values) + 1) if values == values[:n] * (len(values) // n))
    return len({int(b) - int(a) for a, b in pairwise(values[:once])}) < 2


def _continued(some: list[str], end: str) -> list[str] | None:
    """`1, 2, 4` up to 512, by the same step or factor; None where neither leads there."""
    numbers = [[*map(int, re.findall(r"\d+", word))] for word in (*some, end)]
    if len({len(found) for found in numbers}) > 1 or not numbers[0]:
        return None
    for by_factor in (False, True):
        found = numbers[:2]
        while len(found) < 10_000 and found[-1] != numbers[-1]:
            pairs = zip(*found[-2:], strict=True)
            found.append([b * b // max(a, 1) if by_factor else 2 * b - a for a, b in pairs])
        if found[: len(some)] == numbers[:-1] and found[-1] == numbers[-1]:
            places = re.split(r"\d+", end)
            return [
                "".join(a + b for a, b in zip(places, [*map(str, n), ""], strict=True))
                for n in found
            ]
    return None


def labels_tell(text: str, steps: list[PlacedStep]) -> bool:
    """Whether what follows an operator's name on a card holds for each of its copies."""
    labels = [shorten(step.op.label()) for step in steps]
    for spelled in (labels, [label.rpartition(", ")[0] for label in labels]):
        if text == spelled[0] == spelled[-1] or (", " not in text and tells(text, spelled)):
            return len(set(spelled)) == 1 or "." in text  # probabilities from the first to the last
        said = text.split(", ")
        for ordered in _orders(spelled):  # `3, 3 g2, 3 g3`, maybe again and again
            short = [label for label, _ in groupby(ordered)]
            if short == said * (len(short) // len(said)):
                return True
        words = _SERIES.findall(text)
        known = [_words_of(label, words) for label in spelled]
        if all(len(found) == len(words) for found in known) and all(
            tells(word, [found[at] for found in known], exactly=True)
            for at, word in enumerate(words)
        ):
            return True
    return text == "" and all(step.op.category in ("linear", "reshape") for step in steps)


def _words_of(label: str, words: list[str]) -> list[str]:
    """The words of an operator's label beside those of a card, `d1` where it is left out."""
    found = label.split()
    for at, word in enumerate(words):
        stem = next(iter(re.findall(r"^[dg](?=\d)", word)), "")
        if stem and not any(re.match(rf"{stem}\d", own) for own in found):
            found.insert(at, f"{stem}1")
    return found


def summands_tell(text: str, steps: list[PlacedStep], network: Network) -> bool:
    """Whether `64…128+32` are the channels that a merge joins, or its own words."""
    if all(text == shorten(step.op.label()) for step in steps):
        return True
    label = shorten(steps[0].op.label())
    places = re.sub(r"\([^)]*\)", lambda found: found[0].replace("+", " "), text)
    sums = [place.strip("()") for place in places.removeprefix(label).strip().split("+")]
    channels = [
        [str(int(network.run.shapes[tensor].channels)) for tensor in step.inputs] for step in steps
    ]
    return all(len(sums) == len(own) for own in channels) and all(
        tells(place, [own[at] for own in channels]) for at, place in enumerate(sums)
    )


def _first_made(made: list[tuple[Place, str]]) -> set[str]:
    """What a card makes that stands for itself alone."""
    return {shape for _, shape in made} if len({place for place, _ in made}) == 1 else set()


def _tells_shapes(label: str, shapes: list[str]) -> bool:
    """Whether `20×20×64…128` goes from the first of these to the last."""
    first, last = shapes[0], shapes[-1]
    if first == last or "…" not in label:
        return label == first == last
    begin, _, end = label.partition("…")
    return begin == first and last in (end, f"{begin.rpartition('×')[0]}×{end}")


def _of_copies(total: int, copies: int) -> set[str]:
    """What may be said of a number that is that of one card, or of several copies together."""
    if copies == 1:
        return {human(total)}
    return {f"{copies}×{human(total // copies)}", f"Σ {human(total)}"}


def params_of(step: PlacedStep) -> int:
    if step.key != step.module:
        return 0
    return scalars(step.op.weights(*step.apply.shapes).values())


def macs_of(step: PlacedStep) -> int:
    return int(symbolic.plain(step.op.macs(*step.apply.shapes)))


# --- views whose boxes are closed --------------------------------------------------------


def closed(whole: Readback, found: Drawing) -> Iterator[str]:
    """A drawing with closed boxes, against the open one: the same edges between what is left."""
    kept = {item.id: item for item in found.cards}
    boxes = {item.id for item in found.boxes}
    stands: dict[str, str] = {}
    for id in whole.around:
        outermost = next((box for box in (*whole.around[id], id) if box in kept), None)
        if outermost is None and id not in boxes and id not in whole.boxes:
            yield f"{id} is gone"
        stands[id] = outermost or id
    for id in kept.keys() - whole.around.keys():
        yield f"{id} came from nowhere"
    wanted, allowed = set(), set()
    for (tail, head, size), passed in whole.drawn.items():
        # A box that hands on what came in is what that comes from, once it is closed.
        through = {
            stands[box]
            for box in passed
            if stands[box] in kept and stands[box] not in (*whole.around[head], head)
        }
        if through:
            wanted |= {(box, stands[head], size) for box in through if box != stands[head]}
            allowed |= {(stands[tail], end, size) for end in (*through, stands[head])}
            continue
        # What a box hands on inside it was data when it came in.
        size = size and not any(stands[header] == stands[head] for header in passed)
        if stands[tail] != stands[head]:
            wanted.add((stands[tail], stands[head], size))
    drawn = set(between_cards(found))
    for tail, head, _ in wanted - drawn:
        yield f"closed, there is no edge from {tail} to {head}"
    for tail, head, _ in drawn - wanted - allowed:
        yield f"closed, there is an edge from {tail} to {head}"
    for id, item in kept.items():
        if id in whole.boxes:
            steps = [
                s for i, shown in whole.shown.items() if id in whole.around[i] for s in shown.steps
            ]
            yield from _sums(item, steps)


def _sums(item: Item, steps: list[PlacedStep]) -> Iterator[str]:
    totals = {"params": sum(map(params_of, steps)), "MACs": sum(map(macs_of, steps))}
    for count, unit in re.findall(r"([\d.]+[kMGT]?) (params|MACs)\b", item.words):
        if human(totals[unit]) != count:
            yield f"{item.id} says {count} {unit}, and has {human(totals[unit])}"


def differences(analysis: Analysis, svg: bool = False) -> list[str]:
    """How any drawing of a network differs from its plan; with `svg` drawn by an engine, too."""
    network = Network(analysis)
    found: list[str] = []
    readings: dict[str, Readback] = {}
    for view in ("graph", "engineer"):
        dot = analysis.draw(view)
        drawing = reading.of_dot(dot)
        try:
            readings[view] = Readback(network, drawing)
        except Mismatch as mismatch:
            found += [] if str(mismatch) == "closed" else [f"{view}: {mismatch}"]
            continue
        found += [f"{view}: {fault}" for fault in readings[view].faults]
        found += [f"{view}: {fault}" for fault in explained(reading.of_dot(dot, join=False))]
        single = reading.of_dot(analysis.draw(view, columns=1))
        found += [f"{view}: {fault}" for fault in other_formats(analysis, view, single)]
        if svg:
            drawing = reading.of_dot(dot, join=False)
            found += [f"{view}: {fault}" for fault in pictured(dot, drawing)]
    if "engineer" in readings and not readings["engineer"].faults:
        for depth in (0, 1, 2):
            drawing = reading.of_dot(analysis.draw(depth=depth))
            found += [f"depth {depth}: {fault}" for fault in closed(readings["engineer"], drawing)]
        try:
            found += [f"paper: {x}" for x in on_paper(network, readings["engineer"], analysis)]
        except Mismatch as mismatch:
            found.append(f"paper: {mismatch}")
    return found


def page_differences(analysis: Analysis, sheet: str, direction: str = "down") -> list[str]:
    """How what is on pages, read back together, differs from the plan; none that do not fit."""
    try:
        pages = analysis.pages("dot", sheet, direction=direction)
    except TooManySheets:
        return []
    drawing = reading.of_pages([page.decode() for page in pages])
    try:
        whole = Readback(Network(analysis), drawing)
    except Mismatch as mismatch:
        return [] if str(mismatch) == "closed" else [str(mismatch)]
    parts = [box.id for box in drawing.boxes if " part " in box.id]
    return whole.faults + [f"{id} continues nothing" for id in parts]


def table_page_differences(analysis: Analysis, sheet: str) -> list[str]:
    """How the view `paper` on pages differs from the plan; not at all where it does not fit."""
    network = Network(analysis)
    try:
        pages = analysis.pages("dot", sheet, view="paper")
        whole = Readback(network, reading.of_dot(analysis.draw()))
        dots = [page.decode() for page in pages]
        return whole.faults or [*on_paper(network, whole, analysis, pages=dots)]
    except TooManySheets:
        return []
    except Mismatch as mismatch:
        return [] if str(mismatch) == "closed" else [str(mismatch)]


class PartReadback(Readback):
    """A drawing of a part: its cards stand for what those of the whole do.

    What comes in and goes out stands on signs, `from layer1`; tests/test_sheets.py looks at those.
    """

    def __init__(self, whole: Readback, drawing: Drawing) -> None:
        self.whole = whole
        super().__init__(whole.network, drawing)

    def _faults(self) -> Iterator[str]:
        for card in self.drawing.cards:
            if re.match("(from|to) ", card.id):
                self.shown[card.id] = Shown(card)
            elif card.id in self.whole.shown:
                self.shown[card.id] = self.whole.shown[card.id]
            else:
                yield f"{card.id} came from nowhere"


def part_differences(analysis: Analysis, part: str) -> list[str]:
    """How the rows and volumes of a part alone differ from it."""
    network = Network(analysis)
    whole = Readback(network, reading.of_dot(analysis.draw()))
    return whole.faults or [*on_paper(network, whole, analysis, only=part)]


# --- paper -------------------------------------------------------------------------------


def on_paper(
    network: Network,
    whole: Readback,
    analysis: Analysis,
    pages: Sequence[str] = (),
    only: str | None = None,
) -> Iterator[str]:
    """The rows are a drawing with closed boxes; each block's card is true of all its calls.

    `pages` are those that it is on, in DOT; `only` a part of it, whose open drawing is that of the
    part.
    """
    found = paper(network.plan, Costs(), only)
    dots = list(pages) or [analysis.draw("paper", only=only)]
    shown = reading.of_table_pages(dots, found.trunk)
    yield from explained(shown)
    drawing = reading.joined(shown)
    opened = PartReadback(whole, reading.of_dot(analysis.draw(only=only))) if only else whole
    yield from opened.faults
    templates = [item for item in drawing.boxes if item.id.startswith("template ")]
    rows = rows_of(drawing)
    yield from closed(opened, rows)
    yield from _sized(whole, drawing)
    yield from _named(network, rows, {*found.lines})
    if [t.name for t in found.templates] != [t.cells[0].split()[0] for t in templates]:
        yield "the blocks' cards have other names"
    for line in found.lines.values():
        steps = opened.shown[line.card.id].steps if line.card.id in opened.shown else None
        if steps is None:
            steps = opened.inside(line.card.id)
        drawn = [item for item in rows.cards if item.id == line.card.id]
        if len(drawn) != 1:
            yield f"the row {line.name} is there {len(drawn)} times"
            continue
        (row,) = drawn
        macs, params = sum(map(macs_of, steps)), sum(map(params_of, steps))
        numbers = [human(n) for n in (macs, params) if n]
        if row.cells[len(row.cells) - len(numbers) :] != numbers:
            yield f"the row {line.name} says {row.cells}, and has {numbers}"
        copies = len(opened.shown[row.id].copies) if row.id in opened.shown else row.count
        if numbers and copies != row.count and f"{copies // row.count} copies" not in row.words:
            yield f"the row {line.name} says {row.cells}, and stands for {copies} copies"
        if opened.is_beside(line.card.id) and "side by side" not in row.words:
            yield f"the row {line.name} says {row.cells}, and stands for branches"
    if not pages:  # these hold for the one table
        yield from in_towers(whole, rows)
        yield from as_volumes(opened, found, rows)
    for template, read in zip(found.templates, templates, strict=True):
        grouped: dict[str, list[tuple[Apply, _Names]]] = {}
        for call in template.calls:
            yield from _template(read, call, template.name, network.plan.params, grouped)
        if template.calls:
            names = [_Names(call, network.plan.params) for call in template.calls]
            applies = {id: [apply for apply, _ in pairs] for id, pairs in grouped.items()}
            dense = [*_dense_calls(read, template.calls, whole)]
            dense += [
                found
                for found in _dense(read, drawing, names)
                if network.reads_all(applies[_last_of(read, found[0])])
            ]
        else:
            yield from _repeat(read, template.repeat, whole.drawing, drawing)
            dense = list(_dense_in_repeat(template.repeat, whole))
        yield from _connections(read, dense)
        if not template.calls:
            nobody = _Names(None, {})
            for card in _cards_of(read):
                steps = whole.shown[card.id].steps if card.id in whole.shown else []
                grouped[card.id] = [(step.apply, nobody) for step in steps]
        for card in _cards_of(read):
            yield from in_paths(card, grouped)


def explained(drawing: Drawing) -> Iterator[str]:
    """The legend has the colours, lines and signs that are there, and no others."""
    rows = [item.row for item in drawing.all() if item.row is not None]
    kinds = {line.kind for line in (*drawing.lines, *(x for row in rows for x in row.lines))}
    items = [item for item in drawing.all() if not item.id.startswith("template ")]
    in_a_row = [
        item
        for item in items
        if any(_TIMES.search(cell) for cell in item.cells) and "side by side" not in item.words
    ]
    wanted = {
        "- - skip": "skip" in kinds,
        "· · · size only": "size" in kinds,
        "×N N in a row": bool(in_a_row),
        "Σ sum of all N": any("Σ" in item.words for item in items),
        "boxes: channels in → out · params": any(map(_PARAMS.search, _cells(items))),
        "A goes on at A": any(re.match(r"(to|from) A( in|$)", item.id) for item in items),
        "H one layer of a dense block": bool(rows),
    }
    wanted |= {
        f"■ {words}": any(item.category == look for item in items)
        for look, (words, *_) in LOOKS.items()
        if look not in ("io", "other", "block")
    }
    for words, is_there in wanted.items():
        if (words in drawing.title) != is_there:
            yield f"the legend {'lacks' if is_there else 'has'} {words!r}"


_PARAMS = re.compile(r"(^| · )[^·]+ → [^·]+ · (Σ |\d+×)?[\d.]+[kMGT]?$")  # `conv1 · 3 → 64 · 9.54k`


def _cells(items: list[Item]) -> Iterator[str]:
    for item in items:
        yield from item.cells


def _named(network: Network, rows: Drawing, lines: set[str]) -> Iterator[str]:
    """What stands for a block says which: a row of the table how it is called, too."""
    calls = {
        box.id: box.call.body.name
        for box in collapse.boxes(compose(network.plan, Costs()).root)
        if box.call is not None
    }
    for row in rows.cards:
        block = calls.get(row.id, "")
        if (f"{block}(" if block and row.id in lines else block) not in row.words:
            yield f"the row {row.id} says {row.cells}, and is {block}"


def _sized(whole: Readback, drawing: Drawing) -> Iterator[str]:
    """All that stands in a box of one resolution makes maps of it."""
    run = whole.network.run
    for box in drawing.boxes:
        for card in _cards_of(box) if box.id.startswith("resolution ") else []:
            if card.id in whole.shown:
                steps = whole.shown[card.id].steps[-1:]
            else:  # a group that ends with `@x` hands x on: nothing of its own leads on
                steps = leaving(whole, card.id)
            sizes = {"×".join(map(str, run.shapes[step.output].size)) for step in steps}
            if sizes and sizes.isdisjoint(box.cells):
                yield f"{card.id} stands in {box.cells}, and makes maps of {sizes}"


def _cards_of(read: Item) -> list[Item]:
    return [item for item in reading._all(read.parts or []) if not item.is_box]


def in_paths(card: Item, grouped: dict[str, list[tuple[Apply, _Names]]]) -> Iterator[str]:
    """A convolution in groups, in all calls, is drawn as the paths that it is, and nothing else.

    It may be drawn as a card alone where one statement makes others in other passes of a loop.
    """
    found = [
        (a, n, int(getattr(a.op, "groups", 1)))
        for a, n in grouped.get(card.id, [])
        if a.op.category == "conv"
    ]
    if not found or not all(3 <= many < int(a.shapes[0].channels) for a, _, many in found):
        yield from (f"{card.id} is drawn as paths" for _ in card.paths[:1])
        return
    others: dict[int, set[tuple[int, ...]]] = {}
    for apply, names in (pair for pairs in grouped.values() for pair in pairs):
        if apply.span == found[0][0].span:
            many = int(getattr(apply.op, "groups", 1))
            others.setdefault(id(names), set()).add((many, *_path(apply, many)))
    if not card.paths and any(len(several) > 1 for several in others.values()):
        return
    counts = [*dict.fromkeys(many for _, _, many in found)]
    wanted = counts[0] if counts in ([3], [4]) else 3
    said = card.between.removeprefix("… ").removesuffix(" paths …")
    if len(card.paths) != wanted or (
        counts not in ([3], [4]) and not tells(said, [*map(str, counts)])
    ):
        yield f"{card.id} is drawn as {card.paths} and {said!r}, and has {counts} paths"
    each = [_path(apply, many) for apply, _, many in found]
    columns = [[*map(str, column)] for column in zip(*dict.fromkeys(each), strict=True)]
    for path in card.paths:
        sides = path.split(" → ")
        listed = all(tells(text, column) for text, column in zip(sides, columns, strict=True))
        for (_, names, _), made in zip(found, each, strict=True):
            if not listed and tuple(map(names.worked_out, sides)) != made:
                yield f"a path of {card.id} says {path}, and makes {made}"
    ports = [f"path{at}" for at in range(wanted)]
    into = [line.ports[1] for line in card.fan if line.tail == card.id]
    if into != ports:
        yield f"{card.id} leads into {into}"
    out = [line for line in card.fan if line.tail != card.id]
    for head, kind in {(line.head, line.kind) for line in out}:
        told = [line.ports[0] for line in out if (line.head, line.kind) == (head, kind)]
        if told != (ports if kind == "trunk" else [""]):
            yield f"not all paths of {card.id} lead to {head}"


def _path(apply: Apply, groups: int) -> tuple[int, int]:
    """What one of the groups of a convolution makes of what."""
    assert apply.output.shape is not None
    return int(apply.shapes[0].channels) // groups, int(apply.output.shape.channels) // groups


def _is_dense(box: Item, lines: list[Line]) -> bool:
    """Whether each pass of a repeat joins what comes in with what it makes of it."""
    box = _repeated(box)
    parts = box.parts or []
    inside = {item.id for item in reading._all(parts)}
    if not parts or parts[-1].cells[0].split()[0] != "concat" or " · " in parts[-1].cells[0]:
        return False
    if any(map(_is_tested, parts[-1].cells)):
        return False
    always = [
        item
        for item in reading._all(parts[:-1])
        if not (item.is_box or any(_is_tested(cell) for cell in item.cells))
    ]
    ends = Counter(line.tail for line in lines if line.head == parts[-1].id)
    starts = [line for line in lines if line.tail == box.id and line.head != parts[-1].id]
    others = [line for line in lines if line.head in inside and line.tail not in {*inside, box.id}]
    return (
        len(ends) == ends.total() == 2 and box.id in ends and bool(starts and always) and not others
    )


def _repeated(box: Item) -> Item:
    """The box alone in a repeat, as the numbered place of a `sequence` is; else the repeat."""
    while box.parts and len(box.parts) == 1 and box.parts[0].is_box and box.parts[0].count == 1:
        (box,) = box.parts
    return box


def _last_of(read: Item, box: str) -> str:
    """What stands last in a box on a card: the `concat` of a dense repeat."""
    (found,) = [item for item in reading._all([read]) if item.id == box]
    return (_repeated(found).parts or [])[-1].id


def _is_tested(cell: str) -> bool:
    """Whether it is there by a test; `4 if s > 3 else s` is a number."""
    return re.search(r"(?:^| )if (?!.* else )", re.sub(_BRACKETED, "", cell)) is not None


Passes = tuple[str, list[int], str]  # a dense repeat: its box, how often it runs, as text


def _dense(read: Item, drawing: Drawing, calls: list[_Names]) -> Iterator[Passes]:
    """The dense repeats on a block's card."""
    for box in reading._all(read.parts or []):
        times = [m[1] for cell in box.cells for m in _TIMES.finditer(cell)] if box.parts else []
        if times and box.category == "fold" and _is_dense(box, drawing.lines):
            yield box.id, [names.worked_out(times[0]) for names in calls], times[0]


def _dense_calls(read: Item, calls: list[Called], whole: Readback) -> Iterator[Passes]:
    """A block whose calls stand in rows of so many, each dense."""
    known = {
        (box.call.name, box.call.body, box.call.times): whole.boxes.get(box.id)
        for box in collapse.boxes(compose(whole.network.plan, Costs()).root)
        if box.call is not None
    }
    boxes = [known[call.name, call.body, call.times] for call in calls]
    counts = {call.times for call in calls}  # not how often a loop in them runs
    if len(counts) == 1 and all(
        box is not None
        and {box.count} == counts
        and not whole.is_beside(box.id)
        and whole.is_dense(box)
        for box in boxes
    ):
        yield read.id, [*counts], str(*counts)


def _dense_in_repeat(id: str, whole: Readback) -> Iterator[Passes]:
    """The repeat of a card in numbers, and those in it."""
    for box in reading._all([whole.boxes[id]]):
        if box.category == "fold" and box.count > 1 and box.is_box and whole.is_dense(box):
            yield box.id, [box.count], str(box.count)


def _connections(read: Item, dense: list[Passes]) -> Iterator[str]:
    """A card with one dense repeat shows how its passes are connected: each to all behind it."""
    said = [(box, words) for box, counts, last in dense if (words := _passes(counts, last))]
    id, wanted = said[0] if len(said) == 1 else ("", [])
    rows = {item.id: item.row for item in reading._all([read]) if item.row is not None}
    row = rows.pop(id if id in rows else read.id, None) or Drawing()
    yield from (f"{other} is drawn as connected" for other in rows)
    shown = [item.words.replace(" ", "") for item in row.items]
    if shown != [text.replace(" ", "") for text in wanted]:
        yield f"the passes of {id or read.id} are {shown}, not {wanted}"
    ids = [item.id for item in row.items]
    lines = Counter((line.tail, line.head, line.kind) for line in row.lines)
    arcs = Counter(
        (tail, head, "trunk" if to == at + 1 else "skip")
        for (at, tail), (to, head) in combinations(enumerate(ids), 2)
    )
    if lines != arcs:
        yield f"the passes of {id} are connected by {(lines - arcs) + (arcs - lines)}"


def _passes(counts: list[int], last: str) -> list[str]:
    """What a row of connected passes says; nothing of too few."""
    if len(set(counts)) == 1 and 3 <= counts[0] <= 4:
        return ["x", *(f"H{at + 1}" for at in range(counts[0]))]
    if min(counts) < 4:
        return []
    return ["x", "H1", "H2", "…", f"H{last.removeprefix('(').removesuffix(')')}"]


def in_towers(whole: Readback, rows: Drawing) -> Iterator[str]:
    """Devices share a row where they have a part of it, and read all where they exchange."""
    plan, run = whole.network.plan, whole.network.run
    if plan.body.devices is None:
        yield from (f"{row.id} stands in a tower" for row in rows.cards if row.towers)
        return
    count, placed = len(plan.body.devices.names), share(plan)
    stages = [at for at, names in enumerate(placed.names) for _ in names]
    stage_of = {step.key: at for step, at in zip(run.steps, stages, strict=True)}
    found = {}  # the stages of each row
    for row in rows.cards:
        steps = whole.shown[row.id].steps if row.id in whole.shown else whole.inside(row.id)
        found[row.id] = {stage_of[step.key] for step in steps}
        if not row.towers:
            split = [step.op.split_outputs(count, *step.apply.shapes) for step in steps[:1]]
            if any(split) and len(placed.stages) not in found[row.id] and row.count == 1:
                yield f"{row.id} stands in no tower"
            continue
        ins, out = run.shapes[steps[0].inputs[0]].channels, run.shapes[steps[-1].output].channels
        before, _, after = row.towers[0].rpartition(" → ")
        if {*row.towers} != {row.towers[0]} or len(row.towers) != count:
            yield f"the towers of {row.id} say {row.towers}"
        if int(after.rpartition("×")[2]) * count != out or len(placed.stages) in found[row.id]:
            yield f"each of {count} towers makes {after} of {out} in {row.id}"
        apart = [step.op.split_independent(count, *step.apply.shapes) for step in steps]
        ins = ins // count if all(apart) else ins
        if before and int(before.rpartition("×")[2]) != ins:
            yield f"each of {count} towers reads {before} of {ins} in {row.id}"
    shared = {row.id for row in rows.cards if row.towers}
    for tail, head in {(line.tail, line.head) for line in rows.lines}:
        ports = {line.ports for line in rows.lines if (line.tail, line.head) == (tail, head)}
        ends = [
            [f"tower{at}" for at in range(count)] if id in shared else ["across"]
            for id in (tail, head)
        ]
        same_stage = {tail, head} <= shared and found[tail] == found[head]
        wanted = {(a, b) for a in ends[0] for b in ends[1] if a == b or not same_stage}
        if ports != wanted:
            yield f"from {tail} to {head} lead {sorted(ports)}, not {sorted(wanted)}"


def _repeat(read: Item, box: str, whole: Drawing, drawing: Drawing) -> Iterator[str]:
    """A repeat's card has what is in the repeat's box, its edges too."""
    (opened,) = [item for item in whole.boxes if item.id == box]
    wanted = {item.id: item.cells for item in reading._all(opened.parts or [])}
    shown = {item.id: item.cells for item in reading._all(read.parts or [])}
    given = re.compile(r"(x|@.*|to .*)$")
    signs = {id for id, cells in shown.items() if given.match(cells[0])} - wanted.keys()
    if {id: cells for id, cells in shown.items() if id not in signs} != wanted:
        yield f"the card of {box} shows {shown}, and has {wanted}"
    sides = [
        {
            (line.tail if line.tail in wanted else "", line.head, line.kind == "size")
            for line in lines
            if line.head in wanted
        }
        for lines in (drawing.lines, whole.lines)
    ]
    for side, lines in zip(sides, (drawing.lines, whole.lines), strict=True):
        for line in lines:  # what each pass gives
            said = shown[line.head][0].partition("  ")[2] if line.head in signs else line.label
            if line.tail in wanted and line.head not in wanted and _EACH.match(said):
                side.add((line.tail, said, False))
    if sides[0] != sides[1]:
        yield f"the card of {box} has other edges: {sides[0] - sides[1]}, {sides[1] - sides[0]}"


def as_volumes(whole: Readback, found: Paper, rows: Drawing) -> Iterator[str]:
    """A picture of volumes, in one line, in several and on two sheets, has the rows' cards."""

    def title(at: int, count: int, letters: bool) -> str:
        return ""

    ways = [*takewhile(lambda pages: len(pages) < 3, drawings(found, "", title, lambda _: True))]
    on_two = [pages for pages in ways if len(pages) == 2]
    for pages in (*ways[:4], *on_two[1:2]):
        yield from volumes_tell(whole, rows, [of_volumes(page) for page in pages])


def volumes_tell(whole: Readback, rows: Drawing, pages: list[Picture]) -> Iterator[str]:
    """All cards are there, as boxes of their names and shapes or as signs, with the same arrows.

    The only output may be missing: it is what the last one makes.
    """
    for page in pages:
        yield from page.faults()
    known = {item.id: item for item in rows.cards}
    drawn = [item for page in pages for item in page.items if item.id in known]
    outputs = [item.id for item in rows.cards if re.match("(output|to)( |$)", item.id)]
    ends = {line.tail for line in rows.lines if line.head in outputs}
    last = len(outputs) == 1 and not any(
        line.tail in ends and line.head not in outputs for line in rows.lines
    )
    missing = known.keys() - {item.id for item in drawn} - {*(outputs if last else ())}
    if missing or len(drawn) > len({item.id for item in drawn}):
        yield f"volumes: {[item.id for item in drawn]} instead of {[*known]}"
    boxes = {id for page in pages for id in page.boxes}
    names = Counter(item.cells[0].partition(" ×")[0] for item in drawn if item.id in boxes)
    yield from (f"volumes: {n} boxes are called {name}" for name, n in names.items() if n > 1)
    for item in drawn:
        shapes = shapes_of(whole, item.id)
        leads_on = any(line.tail == item.id for line in rows.lines) or "training only" in item.cells
        # A group that ends with `@x` hands x on: what it makes leads nowhere.
        if item.id in boxes and leads_on and shapes and shapes.isdisjoint(item.cells):
            yield f"volumes: {item.cells} of {item.id}, which makes {' or '.join(sorted(shapes))}"
        said = (*known[item.id].cells, item.id)
        name = re.sub("–.*", "", item.cells[0].partition(" ×")[0])  # of several: of the first
        if not any(name in text for text in said) and name != "run":
            yield f"volumes: {item.cells} of {item.id}, whose card says {said}"
    ids = {item.id for item in drawn}
    wanted: dict[Arrow, set[tuple[int, int]]] = {}
    for line in rows.lines:
        if {line.tail, line.head} <= ids:
            start, end = (int(port[5:]) if port[:5] == "tower" else 0 for port in line.ports)
            wanted.setdefault((line.tail, line.head, line.kind), set()).add((start, end))
    shown = arrows(pages)
    for arrow in wanted.keys() ^ shown.keys():
        yield f"volumes: an arrow {arrow} is {'not there' if arrow in wanted else 'too many'}"
    for arrow in wanted.keys() & shown.keys():
        if wanted[arrow] != shown[arrow]:
            yield f"volumes: {arrow} leads {shown[arrow]} and not {wanted[arrow]}"


def shapes_of(whole: Readback, id: str) -> set[str]:
    """What the last of a card's copies makes; of a box also all that leaves it."""
    last = (whole.shown[id].steps if id in whole.shown else whole.inside(id))[-1:]
    last += leaving(whole, id)
    found = {format_shape(whole.network.run.shapes[step.output]) for step in last}
    count = sum(len(whole.shown[card].copies) for card in _ends(whole, id))
    several = (
        {f"{count} columns of {shape}" for shape in found} if count > len(found) == 1 else set()
    )
    return found | several


def leaving(whole: Readback, id: str) -> list[PlacedStep]:
    """What makes the data that goes from a card, or out of a box."""
    return [whole.shown[x].steps[-1] for x in _ends(whole, id) if whole.shown[x].steps]


def _ends(whole: Readback, id: str) -> set[str]:
    """The cards in a box, or the card, that data leaves."""
    inside = {card for card in whole.shown if id in (card, *whole.around[card])}
    return {a for a, b, is_size in whole.drawn if a in inside and b not in inside and not is_size}


def rows_of(drawing: Drawing) -> Drawing:
    """The rows of the view `paper`, without the blocks beside them."""
    templates = [item for item in drawing.boxes if item.id.startswith("template ")]
    inside = {item.id for template in templates for item in reading._all([template])}
    rows = Drawing(drawing.title, _rows(drawing.items))
    rows.lines = [line for line in drawing.lines if line.head not in inside]
    return rows


def _rows(items: list[Item]) -> list[Item]:
    """Cards of the rows, out of the boxes of their resolution."""
    found = []
    for item in items:
        if item.is_box and item.id.startswith(("resolution ", "rows")):
            found += _rows(item.parts or [])
        elif not item.is_box and not item.id.startswith("columns"):
            found.append(item)
    return found


def _template(
    read: Item,
    call: Called,
    name: str,
    params: dict[str, Any],
    grouped: dict[str, list[tuple[Apply, _Names]]],
) -> Iterator[str]:
    """A block's card, its `if`s and counts worked out for a call, has that call's operators.

    `grouped` gets those of each card of it.
    """
    names = _Names(call, params)
    shown = list(_operators(read.parts or [], names))
    chain = call.around or call.body.chain
    wanted = list(_applied(chain.nodes))
    if [word for word, *_ in shown] != [word for word, *_ in wanted]:
        yield f"the card of {name} shows {shown} for {call.name}, which has {wanted}"
        return
    given = [card.words for card in _cards_of(read) if card.words.startswith("output ")]
    gives = [f"output {name}" for name in call.body.gives if call.around is None]
    if given != gives:
        yield f"the card of {name} gives {given} for {call.name}, which gives {gives}"
    for (word, channels, card), (_, out, apply) in zip(shown, wanted, strict=True):
        grouped.setdefault(card.id, []).append((apply, names))
        if channels is not None and channels != out:
            yield f"the card of {name} says that {word} makes {channels} for {call.name}, not {out}"


class _Names(dict[str, Any]):
    """What a block's text may ask for."""

    def __init__(self, call: Called | None, params: dict[str, Any]) -> None:
        super().__init__(true=True, false=False)
        self.named: dict[str, str] = {}
        if call is None:  # a card in numbers
            self.shape, self.handed = None, {}
            return
        for key, value in (*params.items(), *call.body.args.items()):
            self[key] = symbolic.plain(value)
        self.shape = call.body.input.shape
        handed = zip(call.body.input_names[1:], call.body.inputs[1:], strict=True)
        self.handed = {name: int(x.channels) for name, x in handed}
        size = self.shape.size if self.shape else ()
        known = {"in.c": self.shape.channels if self.shape else 0, **self}
        known |= dict(
            zip(("in.w", "in.h", "in.d"), map(symbolic.plain, reversed(size)), strict=False)
        )
        for key, expr in call.body.lets.items():
            if expr is not None:
                with suppress(KeyError):
                    self[key] = known[key] = symbolic.evaluate(expr, known)
        self.named = {k: v.name for k, v in self.items() if isinstance(v, Applicable)}

    def with_loop(self, known: dict[str, Any]) -> _Names:
        """What may be asked for in a pass, where a loop's names are known."""
        inner = copy(self)
        inner.update(known)
        words = {name: word for name, word in known.items() if isinstance(word, str)}
        inner.named = self.named | words
        return inner

    def worked_out(self, text: str) -> Any:
        """The value of an expression, None where a picture has cut it or it hangs on more."""
        text = re.sub(r"\bin\.c\b", str(int(self.shape.channels)) if self.shape else "x", text)
        text = re.sub(r"\bin\.([hwd])\b", "unknown", text)
        text = re.sub(r"(?<![ /])/(?![ /])", "//", text.replace("·", "*"))  # ` / ` leaves a rest
        for name, channels in self.handed.items():
            text = text.replace(f"@{name}.c", str(channels))
        functions = (min, max, len, sum, round, abs, ceil, floor, enumerate, zip)
        known = {"__builtins__": {function.__name__: function for function in functions}}
        try:
            return eval(text, known, self)
        except Exception:  # a nested loop's name, a param of the network, text that was cut
            return None


# `×3`, `×(depth)`; not the factor of `upsample ×2`.
_BRACKETED = r"\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)"  # with two more inside of it
_TIMES = re.compile(rf"(?:^|(?<= ))(?<!upsample )×({_BRACKETED}|\S+)")


def _operators(items: list[Item], names: _Names) -> Iterator[tuple[str, Any, Item]]:
    """The operators of a card for one call, and the channels that each makes, where it says so."""
    for item in items:
        times = [m[1] for c in item.cells for m in _TIMES.finditer(c)]
        tests = [m[1] for c in item.cells for m in [re.search(r"(?:^| · )if (.*)$", c)] if m]
        if any(names.worked_out(test) is False for test in tests):
            continue
        counts = [names.worked_out(text) for text in times]
        many = prod(int(count) for count in counts if count is not None)
        passes = list(_in_each_pass(item, names)) or [{}]
        if many % len(passes) == 0:  # of a loop in a loop those of the inner one
            passes *= many // len(passes)
        if len(passes) != many:
            raise Mismatch(f"{item.id} says {item.cells}, which is {len(passes)} and not {many}")
        for known in passes:
            inner = names.with_loop(known)
            if item.is_box:
                yield from _operators(item.parts or [], inner)
            elif not re.match(r"(x|@\w+|output \w+)$", item.cells[0]):
                yield from _words(item, inner)


def _in_each_pass(item: Item, names: _Names) -> Iterator[dict[str, Any]]:
    """What a loop's names are in each pass: `i = 0…n - 1`, `c = 8, 16, k = 3, 5`, `w in widths`."""
    for cell in item.cells:
        parts = re.split(r", (?=\w+ = )", cell)
        if found := re.match(r"(?!if )(\w+(?:, \w+)*) in (.+)$", cell):
            values = [*map(_flat, names.worked_out(found[2]) or ())]  # text that was cut
            yield from (dict(zip(found[1].split(", "), x, strict=True)) for x in values)
        elif all(re.match(r"\w+ = ", part) for part in parts):
            columns = {part.split(" = ")[0]: _values(part.split(" = ")[1], names) for part in parts}
            for row in zip(*columns.values(), strict=all(columns.values())):
                yield dict(zip(columns, row, strict=True))


def _flat(value: Any) -> list[Any]:
    """`(0, (16, 2))` as 0, 16, 2."""
    is_many = isinstance(value, list | tuple)
    return [x for one in value for x in _flat(one)] if is_many else [value]


def _values(text: str, names: _Names) -> list[Any]:
    """What a name is in each pass; of a value that was cut its words, nothing where the end was."""
    first, _, last = text.partition("…")
    if not last and first != text:
        return []
    start, end = names.worked_out(first), names.worked_out(last)
    if isinstance(start, int) and isinstance(end, int):
        return [*range(start, end + 1)]
    words = re.split(r", (?![^(]*\))", text)  # those in brackets are of a function
    found = {word: names.worked_out(word) for word in words}
    return [word if found[word] is None else found[word] for word in words]


def _words(item: Item, names: _Names) -> Iterator[tuple[str, Any, Item]]:
    title = re.sub(rf"^(×({_BRACKETED}|\S+) )+", "", item.cells[0])
    tests = (title.partition(" if ")[2], title.rpartition(" if ")[2])  # of several `if`, too
    is_sign = item.category in ("merge", "concat")
    if is_sign and any(names.worked_out(test) is False for test in tests):
        return  # all of a sign is there, or nothing
    for word in title.split(" · "):
        head, _, out = word.partition(" → ")
        bare = re.sub(_BRACKETED, "", word)
        if " else " not in bare:  # that is no test
            head, _, test = head.partition(" if ")
            out, _, other = out.partition(" if ")
            if (test or other) and names.worked_out(test or other) is False:
                continue
        first, *more = head.split()
        named = names.named if " ".join((first, *more[:1])) not in REGISTRY else {}  # `norm l2`
        if named.get(first) == "identity":
            continue
        channels = names.worked_out(out) if out and " if " not in out else None
        yield named.get(first, first), channels if isinstance(channels, int) else None, item


def _applied(nodes: list[Node]) -> Iterator[tuple[str, int, Apply]]:
    """The operators of a chain in order, calls opened; those that are a line left out."""
    for node in nodes:
        if isinstance(node, Apply):
            yield from _applied_one(node)
        elif isinstance(node, Call):
            yield from _applied(node.body.chain.nodes)
        else:
            for inner in children(node):
                yield from _applied(inner.nodes)
            if isinstance(node, Branches):
                yield from _applied_one(node.merge)


def _applied_one(node: Apply) -> Iterator[tuple[str, int, Apply]]:
    is_line = len(node.inputs) == 1 and len(node.inputs[0].columns) == 1
    if is_line and (node.op.category == "merge" or node.op.inline("x") == "x"):
        return
    shape = node.output.shape
    if shape is not None and not shape.columns:
        yield SIGNS.get(node.op.name, node.op.name.split()[0]), int(shape.channels), node


# --- formats -----------------------------------------------------------------------------


def other_formats(analysis: Analysis, view: str, dot: Drawing) -> Iterator[str]:
    """Mermaid, TikZ, draw.io and the page show what the DOT text shows."""
    mine = [*_in_order(dot.items)]
    assert analysis.plan is not None  # `archc draw` closes what GitHub would not draw
    chart = flowchart(scene_of(analysis.plan, DrawStyle(view=view)), analysis.plan.heading)
    mermaid = reading.of_mermaid(chart)
    yield from _same("mermaid", dot, mine, [*_in_order(mermaid.items)], mermaid)
    drawio = reading.of_drawio(analysis.sheet("drawio", view=view, columns=1).decode())
    yield from _same("draw.io", dot, mine, [*_in_order(drawio.items)], drawio)
    tikz = reading.of_tikz(analysis.sheet("tikz", view=view, columns=1).decode())
    flat = sorted(dot.all(), key=lambda item: not item.is_box)  # all boxes stand first
    yield from _same("TikZ", dot, flat, tikz.items, tikz)
    page = reading.of_page(analysis.sheet("html", view=view).decode())
    shown = {item.id: (item.cells, item.tip, item.category) for item in page.all()}
    for item in dot.all():
        if shown.pop(item.id, None) != (item.cells, item.tip, item.category):
            yield f"the page shows another {item.id}"
    if shown:
        yield f"the page shows {', '.join(shown)}, too"
    if Counter(page.lines) != Counter(dot.lines):
        yield "the page has other edges"


def _same(
    name: str, dot: Drawing, mine: list[Item], theirs: list[Item], other: Drawing
) -> Iterator[str]:
    """How another format's items and edges differ from the DOT text's, both in one order."""
    if len(mine) != len(theirs):
        yield f"{name} has {len(theirs)} items, not {len(mine)}"
        return
    names = {}
    for one, item in zip(mine, theirs, strict=True):
        names[item.id] = one.id
        if _letters(one) != _letters(item):
            yield f"{name} says {item.cells} of {one.id}, not {one.cells}"
    ours = Counter((line.tail, line.head, _plain_kind(line)) for line in dot.lines)
    drawn = Counter((names[x.tail], names[x.head], _plain_kind(x)) for x in other.lines)
    for line in (ours - drawn) + (drawn - ours):
        yield f"{name}'s edges: {line}"


def _in_order(items: list[Item]) -> Iterator[Item]:
    """Auxiliary heads last: their places differ."""
    for item in sorted(items, key=lambda item: "training only" in item.words):
        yield item
        yield from _in_order(item.parts or [])


def _letters(item: Item) -> str:
    return "".join(sorted("".join("".join(item.cells).split()).replace("·", "")))


def _plain_kind(line: Line) -> str:
    return line.kind if line.kind in ("trunk", "size") else "other"


def pictured(dot: str, drawing: Drawing) -> Iterator[str]:
    """What the engine made of a DOT text is what the text says."""
    seen = reading.of_svg(graphviz.picture(dot, "svg", engine="graphviz-pure"))
    wanted = {item.id: "".join("".join(item.cells).split()) for item in drawing.all()}
    frames = [box.id for box in drawing.boxes if " part " in box.id or box.id.startswith("column ")]
    wanted = {id: words for id, words in wanted.items() if id not in frames}
    for id, words in wanted.items():
        got = seen.nodes.get(id, "")
        if sorted(got) != sorted(words):
            yield f"the SVG says {got!r} of {id}, not {words!r}"
    for id in seen.nodes.keys() - wanted.keys():
        yield f"the SVG has a node {id}"
    styles = {"trunk": "solid", "skip": "dashed", "training": "dashed", "size": "dotted"}
    ours = Counter((line.tail, line.head, styles[line.kind]) for line in drawing.lines)
    lines = Counter(line for line in seen.lines if line[2])
    for line in ours - lines:
        yield f"the SVG lacks {line}"


# --- many of them ------------------------------------------------------------------------


def examine(text: str, svg: bool = False, sheet: str | None = None) -> list[str] | None:
    """The differences of a program's drawings, maybe also on a sheet; None where it is none."""
    from archc.api import analyze
    from archc.source import Limits, Source

    analysis = analyze(Source("random.arch", text), limits=Limits(steps=1200))
    if not analysis.ok or analysis.plan is None:
        return None
    found = differences(analysis, svg)
    if sheet is not None:
        for direction in DIRECTIONS:
            on_pages = page_differences(analysis, sheet, direction)
            found += [f"{sheet} {direction}: {fault}" for fault in on_pages]
        found += [f"{sheet} paper: {fault}" for fault in table_page_differences(analysis, sheet)]
    return found


def main() -> int:
    """Read the drawings of many random programs back."""
    import random_networks
    from fuzz import blocks

    parser = argparse.ArgumentParser(description=(main.__doc__ or "").strip())
    parser.add_argument("--count", type=int, default=300, help="of either kind of program")
    parser.add_argument("--start", type=int, default=0, help="the first seed")
    parser.add_argument("--svg", action="store_true", help="have an engine draw them, too")
    parser.add_argument("--paper", choices=SHEETS, help="draw them on pages, too")
    options = parser.parse_args()
    wrong = read = 0
    kinds: list[tuple[str, Any]] = [
        ("blocks", blocks.program),
        ("random", lambda seed: random_networks.program(seed).text),
    ]
    for seed in range(options.start, options.start + options.count):
        for kind, program in kinds:
            found = examine(program(seed), options.svg, options.paper)
            read += found is not None
            if found:
                wrong += 1
                print(f"{kind} {seed}: {len(found)} differences, {found[0]}", flush=True)
    print(f"{read} programs, {wrong} whose drawings show something else")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
