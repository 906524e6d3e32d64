"""What is alike and can be drawn once, `×N`.

Two stretches of a network are *equal* if they do the same to the same shapes, and *alike* if only
incoming channels and probabilities differ: the layers of a dense block, the blocks of a stochastic
depth network. Where all neighbours are alike but no two are equal, they fold too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, fields
from typing import Any

from archc import symbolic
from archc.ops import Op
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


class Alike:
    """Compares stretches of one plan."""

    def __init__(self) -> None:
        self._bodies: dict[Body, Hashable] = {}
        self._numbers: dict[Hashable, int] = {}
        self._depth = 0

    def runs(
        self, units: list[RepeatUnit], references: Counter[Tensor]
    ) -> Iterator[list[RepeatUnit]]:
        """The units in order, those that fold together in one list."""
        start = 0
        while start < len(units):
            run = self._run(units, start, references)
            yield from self._split(run)
            start += len(run)

    def _run(
        self, units: list[RepeatUnit], start: int, references: Counter[Tensor]
    ) -> list[RepeatUnit]:
        run = [units[start]]
        if not _may_fold(units[start]):
            return run
        hidden, last = _seen_from_outside(units[start], references)
        wanted = None
        while not hidden and not last and start + len(run) < len(units):
            unit = units[start + len(run)]
            if not _may_fold(unit) or len(unit.nodes) != len(run[0].nodes):
                break
            hidden, last = _seen_from_outside(unit, references)
            wanted = wanted or self.signature(run[0], False)
            if hidden or self.signature(unit, False) != wanted:
                break
            run.append(unit)
        return run

    def _split(self, run: list[RepeatUnit]) -> Iterator[list[RepeatUnit]]:
        """Equal neighbours together; all iterations where no two neighbours are equal."""
        if len(run) == 1:
            yield run
            return
        parts: list[list[RepeatUnit]] = []
        last: Hashable = None
        for unit in run:
            signature = self.signature(unit, True)
            if parts and signature == last:
                parts[-1].append(unit)
            else:
                parts.append([unit])
            last = signature
        if len(parts) == len(run) and run[0].looped:
            yield run
        else:
            yield from parts

    def signature(self, unit: RepeatUnit, exact: bool) -> Hashable:
        """The same for units that are equal (`exact`) or alike."""
        return tuple(self._nodes(unit.nodes, {unit.input.root: 0}, exact))

    def _nodes(
        self, nodes: list[Node], known: dict[Tensor, int], exact: bool
    ) -> Iterator[Hashable]:
        for node in nodes:
            match node:
                case Apply():
                    yield self._apply(node, known, exact)
                case Call():
                    yield self._call(node, known, exact)
                case Branches():
                    sides = tuple(tuple(self._nodes(b.nodes, known, exact)) for b in node.branches)
                    yield (node.keyword, sides, self._apply(node.merge, known, exact))
                case Choice():
                    yield from self._nodes(node.chain.nodes, known, exact)
                case Scope():
                    yield ("scope", tuple(self._nodes(node.chain.nodes, known, exact)))
                case Loop():
                    for iteration in node.iterations:
                        yield from self._nodes(iteration.nodes, known, exact)
                case Ref():
                    yield ("@", known.get(node.output.root, id(node.output.root)))
                case _:
                    yield id(node)
            known.setdefault(node.output.root, len(known))

    def _apply(self, node: Apply, known: dict[Tensor, int], exact: bool) -> Hashable:
        other = tuple(known.get(x.root, id(x.root)) for x in node.inputs[1:])
        if node.op.category == "merge":
            other = ()  # its inputs are the ends of its branches
        shape = node.output.shape
        size = (symbolic.plain(shape.size), shape.columns) if shape is not None else None
        if exact:
            return (node.op, tuple(x.dims for x in node.shapes), size, other, node.again)
        return (type(node.op), _settings(node.op), len(node.inputs), size, other, node.again)

    def _call(self, node: Call, known: dict[Tensor, int], exact: bool) -> Hashable:
        other = tuple(known.get(x.root, id(x.root)) for x in node.tensors)
        if exact:
            return ("call", node.body, other, node.again)
        block = id(node.body.block.tree) if node.body.block is not None else 0
        # Its arguments count by what they change: the body has every operator's settings.
        return ("call", block, self._body(node.body), other, node.again)

    def _body(self, body: Body) -> Hashable:
        found = self._bodies.get(body)
        if found is None:
            if self._depth >= _DEEPEST:
                return body
            self._depth += 1
            known = {x.root: at for at, x in enumerate(body.inputs)}
            parts = tuple(self._nodes(body.chain.nodes, known, False))
            self._depth -= 1
            # A number instead of the nested tuple: comparing stays cheap however deep it is.
            found = self._bodies[body] = self._numbers.setdefault(parts, len(self._numbers))
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


def _seen_from_outside(unit: RepeatUnit, references: Counter[Tensor]) -> tuple[bool, bool]:
    """Whether something else asks for a tensor inside the unit, and for the one at its end."""
    if not references:
        return False, False
    made = {node.output.root for node in walk(unit.nodes)} - {unit.input.root}
    made |= {x.root for node in walk(unit.nodes) if isinstance(node, Call) for x in node.outputs}
    inside = Counter(_references(unit.nodes))
    outside = {tensor for tensor in made if references[tensor] > inside[tensor]}
    return bool(outside - {unit.output.root}), unit.output.root in outside


def _may_fold(unit: RepeatUnit) -> bool:
    return unit.looped or isinstance(unit.nodes[0], Call | Scope | Branches)


def _settings(op: Op) -> Hashable:
    return tuple(_without_floats(getattr(op, f.name)) for f in fields(op))


def _without_floats(value: Any) -> Hashable:
    if isinstance(value, BlockValue):
        return id(value.tree)
    if isinstance(value, tuple):
        return tuple(map(_without_floats, value))
    return None if isinstance(value, float) else (type(symbolic.plain(value)).__name__, value)
