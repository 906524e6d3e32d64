"""What is alike and can be drawn once, `×N`.

Two stretches of a network are *equal* if they do the same to the same shapes, and *alike* if only
incoming channels and probabilities differ: the layers of a dense block, the blocks of a stochastic
depth network. Where all neighbours are alike but no two are equal, they fold too. So do passes of
one loop whose whole numbers are *growing* in a way that a few words tell: dilations 1, 2, 4 to 512.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, fields
from enum import Enum
from itertools import pairwise
from typing import Any

from archc import symbolic
from archc.ops import Form, Op
from archc.plan import (
    Apply,
    BlockValue,
    Body,
    Branches,
    Call,
    Chain,
    Choice,
    Loop,
    Node,
    Output,
    Ref,
    Scope,
    Tensor,
    walk,
)

_DEEPEST = 40  # bodies inside each other that are compared; deeper ones only by identity
_PASSES = 3  # with growing numbers that fold at least: two read better written out
FEW = 4  # numbers that are listed one by one


class Likeness(Enum):
    """What may differ between two stretches that fold."""

    EQUAL = "nothing"
    ALIKE = "incoming channels, probabilities"
    GROWING = "those, and the whole numbers of one statement"
    BESIDE = "whole numbers that change no shape, in branches of one combinator"


@dataclass(frozen=True, slots=True)
class RepeatUnit:
    """What may fold with its neighbours: an iteration of a loop, or one statement."""

    chain: Chain
    looped: bool

    @property
    def nodes(self) -> list[Node]:
        return self.chain.nodes

    @property
    def input(self) -> Tensor:
        return self.chain.input

    @property
    def output(self) -> Tensor:
        return self.chain.output


def units_of(chain: Chain) -> Iterator[RepeatUnit]:
    """The statements of a chain, the arm of an `if` in its place, loops opened."""
    current = chain.input
    for node in chain.nodes:
        match node:
            case Choice():
                yield from units_of(node.chain)
            case Loop():
                yield from (RepeatUnit(iteration, True) for iteration in node.iterations)
            case _:
                yield RepeatUnit(Chain([node], current, node.output), False)
        current = node.output


Joined = Callable[[RepeatUnit, RepeatUnit], bool]


class Alike:
    """Compares stretches of one plan; without `growing` numbers that grow keep passes apart."""

    def __init__(self, growing: bool = True) -> None:
        self._growing = growing
        self._bodies: dict[tuple[Body, Likeness], Hashable] = {}
        self._numbers: dict[Hashable, int] = {}
        self._depth = 0

    def runs(
        self, units: list[RepeatUnit], references: Counter[Tensor], joined: Joined
    ) -> Iterator[list[RepeatUnit]]:
        """The units in order, those that fold together in one list.

        `joined` says of two that others see into whether they may.
        """
        start = 0
        while start < len(units):
            run = self._run(units, start, references, joined, Likeness.ALIKE)
            if len(run) == 1 and run[0].looped and self._growing:
                parts = self._grown(self._run(units, start, references, joined, Likeness.GROWING))
            else:
                parts = self._split(run)
            yield from parts
            start += sum(map(len, parts))

    def _run(
        self,
        units: list[RepeatUnit],
        start: int,
        references: Counter[Tensor],
        joined: Joined,
        likeness: Likeness,
    ) -> list[RepeatUnit]:
        run = [units[start]]
        if not _may_fold(units[start]):
            return run
        hidden, last = seen_from_outside(units[start], references)
        wanted = None
        while not last and start + len(run) < len(units):
            unit = units[start + len(run)]
            if not _may_fold(unit) or len(unit.nodes) != len(run[0].nodes):
                break
            if likeness is Likeness.GROWING and not unit.looped:
                break
            before, (hidden, last) = hidden, seen_from_outside(unit, references)
            if (before or hidden) and not joined(run[-1], unit):
                break
            wanted = wanted or self.signature(run[0], likeness)
            if self.signature(unit, likeness) != wanted or _sizes(unit) != _sizes(run[0]):
                break
            run.append(unit)
        return run

    def _grown(self, run: list[RepeatUnit]) -> list[list[RepeatUnit]]:
        """All passes together where a picture can tell their numbers, or those of a first cycle.

        Otherwise each stands alone.
        """
        kept = [self.signature(unit, Likeness.ALIKE) for unit in run]
        if any(a == b for a, b in pairwise(kept)):
            return [run[:1]]  # further on some are alike
        passes = [unit.nodes for unit in run]
        if len(run) >= _PASSES and _tells(passes, set(), FEW):
            return [run]
        cycle = 0  # dilations 1, 2, 4 to 512, and again: what follows is looked at after it
        for length in range(_PASSES, len(run)):
            if not _tells(passes[:length], set(), 0):
                break
            cycle = length
        return [run[:cycle]] if cycle else [[unit] for unit in run]

    def _split(self, run: list[RepeatUnit]) -> list[list[RepeatUnit]]:
        """Equal neighbours together; all iterations where no two neighbours are equal."""
        if len(run) == 1:
            return [run]
        parts: list[list[RepeatUnit]] = []
        last: Hashable = None
        for unit in run:
            signature = self.signature(unit, Likeness.EQUAL)
            if parts and signature == last:
                parts[-1].append(unit)
            else:
                parts.append([unit])
            last = signature
        return [run] if len(parts) == len(run) and run[0].looped else parts

    def signature(self, unit: RepeatUnit, likeness: Likeness) -> Hashable:
        """The same for units that are like each other."""
        return tuple(self._nodes(unit.nodes, {unit.input.root: 0}, likeness))

    def _nodes(
        self, nodes: list[Node], known: dict[Tensor, int], likeness: Likeness
    ) -> Iterator[Hashable]:
        for node in nodes:
            match node:
                case Apply():
                    yield self._apply(node, known, likeness)
                case Call():
                    yield self._call(node, known, likeness)
                case Branches():
                    sides = tuple(
                        tuple(self._nodes(b.nodes, known, likeness)) for b in node.branches
                    )
                    yield (node.keyword, sides, self._apply(node.merge, known, likeness))
                case Choice():
                    yield from self._nodes(node.chain.nodes, known, likeness)
                case Scope():
                    yield ("scope", tuple(self._nodes(node.chain.nodes, known, likeness)))
                case Loop():
                    for iteration in node.iterations:
                        yield from self._nodes(iteration.nodes, known, likeness)
                case Ref():
                    yield ("@", known.get(node.output.root, id(node.output.root)))
                case Output():
                    yield ("output", node.name, known.get(node.output.root))
                case _:
                    yield id(node)
            known.setdefault(node.output.root, len(known))

    def _apply(self, node: Apply, known: dict[Tensor, int], likeness: Likeness) -> Hashable:
        other = tuple(known.get(x.root, id(x.root)) for x in node.inputs[1:])
        if node.op.category == "merge":
            other = ()  # its inputs are the ends of its branches
        shape = node.output.shape
        size = (symbolic.plain(shape.size), shape.columns) if shape is not None else None
        if likeness is Likeness.EQUAL:
            return (node.op, tuple(x.dims for x in node.shapes), size, other, node.again)
        settings = tuple(_outline(getattr(node.op, f.name), likeness) for f in fields(node.op))
        if likeness is Likeness.BESIDE:
            dims = tuple(x.dims for x in node.shapes), shape.dims if shape is not None else None
            return (type(node.op), settings, dims, size, other, node.again)
        # Numbers may differ in one statement, not between two that look alike.
        place = None
        if likeness is Likeness.GROWING:  # which a map inside of a pass may grow with
            place, size = (node.span.start, node.span.source.name), None
        return (type(node.op), settings, len(node.inputs), size, other, node.again, place)

    def _call(self, node: Call, known: dict[Tensor, int], likeness: Likeness) -> Hashable:
        other = tuple(known.get(x.root, id(x.root)) for x in node.tensors)
        if likeness is Likeness.EQUAL:
            return ("call", node.body, other, node.again)
        block = id(node.body.block.tree) if node.body.block is not None else 0
        # Its arguments count by what they change: the body has every operator's settings.
        return ("call", block, self._body(node.body, likeness), other, node.again)

    def _body(self, body: Body, likeness: Likeness) -> Hashable:
        found = self._bodies.get((body, likeness))
        if found is None:
            if self._depth >= _DEEPEST:
                return body
            self._depth += 1
            known = {x.root: at for at, x in enumerate(body.inputs)}
            parts = tuple(self._nodes(body.chain.nodes, known, likeness))
            self._depth -= 1
            # A number instead of the nested tuple: comparing stays cheap however deep it is.
            found = self._bodies[body, likeness] = self._numbers.setdefault(
                parts, len(self._numbers)
            )
        return found


def references(body: Body) -> Counter[Tensor]:
    """How often each tensor of a body is asked for by its label, or is an output."""
    return Counter(_references(body.chain.nodes))


def _references(nodes: list[Node]) -> Iterator[Tensor]:
    for node in walk(nodes):
        match node:
            case Ref() | Output():
                yield node.output.root
            case Apply() if node.op.category != "merge":
                yield from (x.root for x in node.inputs[1:])
            case Call():
                yield from (x.root for x in node.tensors)


def seen_from_outside(unit: RepeatUnit, references: Counter[Tensor]) -> tuple[bool, bool]:
    """Whether something else asks for a tensor inside the unit, and for the one at its end."""
    outside = {root for _, root, _ in asked_for_outside(unit, references)} if references else set()
    return bool(outside - {unit.output.root}), unit.output.root in outside


def asked_for_outside(
    unit: RepeatUnit, references: Counter[Tensor]
) -> Iterator[tuple[int, Tensor, int]]:
    """The tensors that a unit makes and others ask for: the place of each in it, and how often."""
    inside = Counter(_references(unit.nodes))
    made: dict[Tensor, int] = {}
    for node in walk(unit.nodes):
        for x in (node.output, *(node.outputs if isinstance(node, Call) else ())):
            made.setdefault(x.root, len(made))
    for root, place in made.items():
        if references[root] > inside[root] and root is not unit.input.root:
            yield place, root, references[root] - inside[root]


def _sizes(unit: RepeatUnit) -> tuple[Any, ...]:
    """Those of the map that a unit makes."""
    shape = unit.output.shape
    return (symbolic.plain(shape.size), shape.columns) if shape is not None else ()


def _may_fold(unit: RepeatUnit) -> bool:
    return unit.looped or isinstance(unit.nodes[0], Call | Scope | Branches)


def _outline(value: Any, likeness: Likeness) -> Hashable:
    """A setting without the numbers that may differ."""
    if isinstance(value, BlockValue):
        return id(value.tree)
    if isinstance(value, tuple):
        return tuple(_outline(item, likeness) for item in value)
    if isinstance(value, float) and likeness is not Likeness.BESIDE:
        return None
    kind = type(symbolic.plain(value)).__name__
    grows = likeness in (Likeness.GROWING, Likeness.BESIDE) and kind == "int"
    return (kind, None) if grows else (kind, value)


# --- numbers that grow -------------------------------------------------------------------


def _tells(passes: list[list[Node]], known: set[tuple[Body, ...]], few: int) -> bool:
    """Whether what differs in each statement, from pass to pass, can be told in a few words."""
    applies, calls = (
        [[node for node in walk(nodes) if isinstance(node, kind)] for nodes in passes]
        for kind in (Apply, Call)
    )
    if not all(are_told([node.op for node in same], few) for same in zip(*applies, strict=True)):
        return False
    for same in zip(*calls, strict=True):
        bodies = tuple(node.body for node in same)
        if len(set(bodies)) > 1 and bodies not in known:
            known.add(bodies)
            if not _tells([body.chain.nodes for body in bodies], known, few):
                return False
    return True


def are_told(ops: list[Op], few: int = FEW) -> bool:
    """Whether the numbers of an operator make a series, which its label in a picture shows.

    As many as `few` of them need none: each is named.
    """
    written = ops[0].fields()
    for field in fields(ops[0]):
        values = [symbolic.plain(getattr(op, field.name)) for op in ops]
        if len(set(values)) == 1 or isinstance(values[0], float):
            continue
        several = values if isinstance(values[0], tuple) else [(value,) for value in values]
        if not all(is_series(list(numbers), few) for numbers in zip(*several, strict=True)):
            return False
        shown = written[field.name].form is Form.PADDING or all(
            a.label() != b.label() for a, b in pairwise(ops) if a != b
        )
        if not shown:
            return False
    return True


def is_series(numbers: list[Any], few: int = FEW) -> bool:
    """Whether few numbers tell all: they are few, or grow by the same step or factor."""
    if len(set(numbers)) == 1:
        return True
    if len(numbers) <= few:
        return len(set(numbers)) == len(numbers)
    if not all(isinstance(number, int) for number in numbers):
        return False
    steps = {b - a for a, b in pairwise(numbers)}
    factors = all(a * numbers[1] == b * numbers[0] != 0 for a, b in pairwise(numbers))
    return len(steps) == 1 or factors
