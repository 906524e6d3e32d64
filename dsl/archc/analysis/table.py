"""The table of numbers: for each operator and each block what it takes and what it sees.

    table = tabulate(plan)
    table.counts.macs
    for row in table.rows(depth=2): ...

Each body is counted once and in terms of its own input; rows are made when they are asked for. So
a table costs what is written, and its rows what is shown of them. All counts are for one sample in
eval mode.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from archc import symbolic
from archc.analysis import receptive
from archc.analysis.counts import Counts, counts_of
from archc.analysis.receptive import Field
from archc.analysis.unroll import BodyWalk, ScopePlace
from archc.ops import OTHER, Dims, Op, Shape
from archc.plan import Apply, Body, Call, Plan, Runs, Scope, Tensor, outputs
from archc.source import Span


@dataclass(frozen=True, slots=True)
class Part:
    """An operator, a block call or a group, in terms of the body that it stands in."""

    path: tuple[str, ...]  # names from the body on
    kind: str  # the operator's or block's name, or `group`
    output: Shape
    counts: Counts
    field: Field  # of the output
    span: Span
    op: Op | None = None
    inputs: tuple[Shape, ...] = ()
    map: Shape | None = None  # the feature map that the incoming vector was made of
    again: bool = False
    training_only: bool = False  # in an auxiliary head
    inside: Inside | None = None
    body: Body | None = None  # of a block call
    also: str = ""  # what the user calls this run of modules that ran before

    @property
    def name(self) -> str:
        return self.path[-1]

    @property
    def is_operator(self) -> bool:
        return self.op is not None

    @property
    def state(self) -> dict[str, Dims]:
        """An operator's weights and buffers, by torch's names; nothing of a block or a group."""
        op, xs = self.op, self.inputs
        return op.weights(*xs) | op.buffers(*xs) if op is not None else {}


@dataclass(frozen=True, slots=True)
class Inside:
    """The parts of a block, or of a group (`entered` is None: it stands in the same body)."""

    parts: tuple[Part, ...]
    entered: Field | None = None  # what a block's incoming tensor sees


@dataclass(frozen=True, slots=True)
class Row:
    """A part where it runs. `opened`: the rows that follow, one level deeper, are what is in it."""

    key: str  # its path in the module tree; a second run is `a.conv1#2`
    level: int  # how many blocks and groups are around it
    part: Part
    field: Field  # of the output, in terms of the network's input
    counts: Counts
    training_only: bool
    again: bool
    opened: bool = False

    @property
    def module(self) -> str:
        """Its path in the module tree, whichever run it is."""
        return self.key.partition("#")[0]

    @property
    def also(self) -> str:
        """The path that the user's second name makes, "" without one: `right` of `left#2`."""
        outer = self.module.removesuffix(self.part.name)
        return outer + self.part.also if self.part.also else ""


@dataclass(frozen=True, slots=True)
class Table:
    """All rows of a network, unfolded when they are asked for."""

    name: str
    heading: str  # with the params that are set
    arguments: Mapping[str, Any]  # the value of each param
    parts: tuple[Part, ...]
    counts: Counts  # of the whole network; `memory` with the inputs
    inputs: tuple[tuple[str, Shape], ...]
    outputs: tuple[tuple[str, Shape], ...]
    field: Field  # of the first output

    def rows(self, depth: int | None = None) -> Iterator[Row]:
        """In execution order. Blocks and groups inside `depth` others stay closed; None opens all.

        What is opened comes before what is in it; the rows that are not opened make up the network.
        """
        field = receptive.start(self.inputs[0][1].rank if self.inputs else 0)
        there = _There("", field, 1, False, False)
        runs = Runs()
        walks = [(there, iter(self.parts))]
        while walks:
            there, parts = walks[-1]
            part = next(parts, None)
            if part is None:
                walks.pop()
                continue
            row = there.row(part, runs, depth)
            yield row
            if row.opened and part.inside is not None:
                walks.append((there.inside(row), iter(part.inside.parts)))

    def find(self, key: str) -> Row | None:
        """The row of that name, blocks and groups too."""
        return next((row for row in self.rows() if row.key == key), None)


@dataclass(frozen=True, slots=True)
class _There:
    """Where the unfolding is: a body that runs."""

    prefix: str
    field: Field
    level: int
    again: bool
    training_only: bool

    def row(self, part: Part, runs: Runs, depth: int | None) -> Row:
        key = runs.key(self.prefix + ".".join(part.path))
        again = self.again or part.again
        counts = part.counts.repeated() if again else part.counts
        opened = part.inside is not None and (depth is None or self.level < depth)
        seen = receptive.then(self.field, part.field)
        training_only = self.training_only or part.training_only
        return Row(key, self.level - 1, part, seen, counts, training_only, again, opened)

    def inside(self, row: Row) -> _There:
        inside = row.part.inside
        assert inside is not None
        if inside.entered is None:
            return _There(self.prefix, self.field, self.level + 1, row.again, row.training_only)
        prefix = self.prefix + ".".join(row.part.path) + "."
        entered = receptive.then(self.field, inside.entered)
        return _There(prefix, entered, self.level + 1, row.again, row.training_only)


def tabulate(plan: Plan) -> Table:
    """The table of a plan without mistakes."""
    body = plan.body
    made = _Tabler().body(body)
    inputs = tuple(
        (name, _shape(tensor)) for name, tensor in zip(body.input_names, body.inputs, strict=True)
    )
    ends = outputs(body)
    stored = sum(shape.features for _, shape in inputs)
    return Table(
        plan.name,
        plan.heading,
        plan.arguments,
        made.parts,
        made.counts + Counts(memory=stored),
        inputs,
        tuple((name, _shape(tensor)) for name, tensor in ends),
        made.fields[ends[0][1].root],
    )


def attributes(op: Op) -> dict[str, Any]:
    """What was written of an operator: the fields that are not at their defaults."""
    found = {}
    for f in dataclasses.fields(op):
        value = symbolic.plain(getattr(op, f.name))
        if value != f.default:
            found[f.name] = "@" if value is OTHER else value
    return found


# --- counting ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Counted:
    parts: tuple[Part, ...]
    counts: Counts
    fields: dict[Tensor, Field]
    output: Field


@dataclass(slots=True)
class _TablePlace(ScopePlace):
    """A body under construction: what its tensors see, and which vectors were maps."""

    fields: dict[Tensor, Field] = field(kw_only=True)
    maps: dict[Tensor, Shape] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)  # of the body, or of the group that it is in


class _Tabler(BodyWalk[_TablePlace]):
    def __init__(self) -> None:
        self.done: dict[Body, _Counted] = {}

    def body(self, body: Body) -> _Counted:
        found = self.done.get(body)
        if found is None:
            fields = [receptive.start(_shape(x).rank) for x in body.inputs]
            found = self.done[body] = self._counted(body, fields)
        return found

    def _counted(self, body: Body, entering: list[Field]) -> _Counted:
        """A body whose inputs have these fields."""
        pairs = zip(body.inputs, entering, strict=True)
        fields = {x.root: seen for x, seen in pairs}
        place = _TablePlace(fields=fields)
        self.chain(body.chain, place)
        parts = tuple(place.parts)
        return _Counted(parts, _sum(parts), fields, fields[body.output.root])

    def apply(self, node: Apply, place: _TablePlace) -> None:
        op, x, root = node.op, _shape(node.inputs[0]), node.output.root
        fields = [place.fields[tensor.root] for tensor in node.inputs]
        y = _shape(node.output)
        shapes = map(_shape, node.inputs)
        seen = receptive.union(fields, shapes, y) if op.category == "merge" else fields[0]
        if y.columns:  # a bundle: no operator runs
            place.fields[root] = seen
            return
        inputs = tuple(shape for tensor in node.inputs for shape in tensor.columns)
        seen = place.fields[root] = receptive.through(seen, op.windows(*inputs), x)
        vector = place.maps.get(node.inputs[0].root)
        if x.rank and not y.rank:
            place.maps[root] = x
        elif vector is not None and op.keeps_shape:
            place.maps[root] = vector
        made = Part(
            (*place.scopes, node.name), op.name, y, counts_of(node, inputs, y), seen, node.span,
            op, inputs, vector, node.again, place.training_only, also=node.also,
        )  # fmt: skip
        place.parts.append(made)

    def call(self, node: Call, place: _TablePlace) -> None:
        entered = place.fields[node.input.root]
        if node.tensors:  # what it sees hangs on how its inputs lie to one another
            made = self._counted(node.body, [place.fields[x.root] for x in node.inputs])
            entered = receptive.start(_shape(node.input).rank)
        else:
            made = self.body(node.body)
        for end, x in zip(node.body.outputs, node.outputs, strict=True):
            place.fields[x.root] = receptive.then(entered, made.fields[end.root])
        seen = place.fields[node.output.root]
        part = Part(
            (*place.scopes, node.name),
            node.body.name,
            _shape(node.output),
            made.counts.repeated() if node.again else made.counts,
            seen,
            node.span,
            inputs=tuple(map(_shape, node.inputs)),
            again=node.again,
            training_only=place.training_only,
            inside=Inside(made.parts, entered),
            body=node.body,
            also=node.also,
        )
        place.parts.append(part)

    def group(self, node: Scope, place: _TablePlace) -> None:
        path = (*place.scopes, node.name)
        inside = replace(place, scopes=path, training_only=False, parts=[])
        self.chain(node.chain, inside)
        parts = tuple(inside.parts)
        part = Part(
            path,
            "group",
            _shape(node.output),
            _sum(parts),
            place.fields[node.output.root],
            node.span,
            inputs=(_shape(node.chain.input),),
            again=node.again,
            training_only=place.training_only,
            inside=Inside(parts),
            also=node.also,
        )
        place.parts.append(part)


def _sum(parts: tuple[Part, ...]) -> Counts:
    total = Counts()
    for part in parts:
        total += part.counts.auxiliary() if part.training_only else part.counts
    return total


def _shape(tensor: Tensor) -> Shape:
    """In plain numbers."""
    shape = tensor.shape
    assert shape is not None, "only a plan without mistakes has a table"
    return Shape(int(shape.channels), tuple(map(int, shape.size)), shape.columns)
