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
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from archc import symbolic
from archc.analysis import receptive
from archc.analysis.costs import cost_of
from archc.analysis.receptive import Field
from archc.ops import OTHER, Op, Shape, scalars
from archc.plan import (
    Apply,
    AuxHead,
    Body,
    Branches,
    Call,
    Chain,
    Choice,
    Loop,
    Plan,
    Reused,
    Runs,
    Scope,
    Tensor,
    outputs,
)
from archc.source import Span

# Operators whose output the lecture's memory column counts: a ReLU works in place, and what only
# rearranges needs no memory of its own.
_STORED = ("conv", "linear", "pool", "norm", "merge")


@dataclass(frozen=True, slots=True)
class Counts:
    """Sums for one sample.

    Auxiliary heads, which run while training only, add to `params`, `weights`, `buffers` and
    `side_macs` alone.
    """

    params: int = 0  # trainable scalars, each once
    weights: int = 0  # of them those of convolutions and linears, without biases
    buffers: int = 0  # scalars of the state that are not trained
    macs: int = 0  # multiply-accumulates of convolutions and linears, without biases
    side_macs: int = 0
    operations: int = 0  # beside the MACs: see Op.operations
    activations: int = 0  # elements of the outputs of all operators
    conv_activations: int = (
        0  # of them those of convolutions and linears: fvcore's and RegNet's count
    )
    memory: int = 0  # of them those that the lecture's memory column has
    moved: int = 0  # elements read and written: inputs, parameters and outputs of each operator
    parameter_reads: int = 0  # of them the parameters, which a mini-batch needs once
    operators: int = 0  # how many run

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(a + b for a, b in zip(_values(self), _values(other), strict=True)))

    @property
    def flops(self) -> int:
        """Floating point operations: 2 for each MAC, nothing else."""
        return 2 * self.macs

    def intensity(self, width: int = 4, batch: int = 1) -> float | None:
        """FLOPs for each byte moved, at `width` bytes an element; None where nothing is moved."""
        moved = (self.moved - self.parameter_reads) * batch + self.parameter_reads
        return self.flops * batch / (moved * width) if moved else None

    def times(self, count: int) -> Counts:
        """Of so many that are alike."""
        return Counts(*(count * value for value in _values(self)))

    def repeated(self) -> Counts:
        """Of a run with weights that an earlier one has counted."""
        return replace(self, params=0, weights=0, buffers=0)

    def aside(self) -> Counts:
        """What an auxiliary head that takes this much adds to its network."""
        macs = self.macs + self.side_macs
        return Counts(self.params, self.weights, self.buffers, side_macs=macs)


_FIELDS = tuple(f.name for f in dataclasses.fields(Counts))


def _values(counts: Counts) -> Iterator[int]:
    return (getattr(counts, name) for name in _FIELDS)


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
    aside: bool = False  # in an auxiliary head
    inside: Inside | None = None
    body: Body | None = None  # of a block call

    @property
    def name(self) -> str:
        return self.path[-1]

    @property
    def is_operator(self) -> bool:
        return self.op is not None


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
    aside: bool
    again: bool
    opened: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """All rows of a network, unfolded when they are asked for."""

    name: str
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
    aside: bool

    def row(self, part: Part, runs: Runs, depth: int | None) -> Row:
        key = runs.key(self.prefix + ".".join(part.path))
        again = self.again or part.again
        counts = part.counts.repeated() if again else part.counts
        opened = part.inside is not None and (depth is None or self.level < depth)
        seen = receptive.then(self.field, part.field)
        aside = self.aside or part.aside
        return Row(key, self.level - 1, part, seen, counts, aside, again, opened)

    def inside(self, row: Row) -> _There:
        inside = row.part.inside
        assert inside is not None
        if inside.entered is None:
            return _There(self.prefix, self.field, self.level + 1, row.again, row.aside)
        prefix = self.prefix + ".".join(row.part.path) + "."
        entered = receptive.then(self.field, inside.entered)
        return _There(prefix, entered, self.level + 1, row.again, row.aside)


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
class _Site:
    """A body under construction: what its tensors see, and which vectors were maps."""

    fields: dict[Tensor, Field]
    maps: dict[Tensor, Shape] = field(default_factory=dict)


@dataclass
class _Tabler:
    done: dict[Body, _Counted] = field(default_factory=dict)

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
        parts = tuple(self._chain(body.chain, _Site(fields), ()))
        return _Counted(parts, _sum(parts), fields, fields[body.output.root])

    def _chain(self, chain: Chain, site: _Site, scopes: tuple[str, ...]) -> Iterator[Part]:
        for node in chain.nodes:
            match node:
                case Apply():
                    yield from _apply(node, site, scopes)
                case Call():
                    yield self._call(node, site, scopes)
                case Branches():
                    for branch in node.branches:
                        yield from self._chain(branch, site, scopes)
                    yield from _apply(node.merge, site, scopes)
                case Loop():
                    for iteration in node.iterations:
                        yield from self._chain(iteration, site, scopes)
                case Choice():
                    yield from self._chain(node.chain, site, scopes)
                case Scope():
                    yield self._group(node, site, scopes)
                case Reused():
                    yield from self._chain(node.chain, site, node.scopes)
                case AuxHead():
                    for part in self._chain(node.chain, site, scopes):
                        yield replace(part, aside=True)

    def _call(self, call: Call, site: _Site, scopes: tuple[str, ...]) -> Part:
        entered = site.fields[call.input.root]
        if call.tensors:  # what it sees hangs on how its inputs lie to one another
            made = self._counted(call.body, [site.fields[x.root] for x in call.inputs])
            entered = receptive.start(_shape(call.input).rank)
        else:
            made = self.body(call.body)
        for end, x in zip(call.body.outputs, call.outputs, strict=True):
            site.fields[x.root] = receptive.then(entered, made.fields[end.root])
        seen = site.fields[call.output.root]
        return Part(
            (*scopes, call.name),
            call.body.name,
            _shape(call.output),
            made.counts.repeated() if call.again else made.counts,
            seen,
            call.span,
            inputs=tuple(map(_shape, call.inputs)),
            again=call.again,
            inside=Inside(made.parts, entered),
            body=call.body,
        )

    def _group(self, scope: Scope, site: _Site, scopes: tuple[str, ...]) -> Part:
        path = (*scopes, scope.name)
        parts = tuple(self._chain(scope.chain, site, path))
        seen = site.fields[scope.output.root]
        return Part(
            path,
            "group",
            _shape(scope.output),
            _sum(parts),
            seen,
            scope.span,
            inputs=(_shape(scope.chain.input),),
            inside=Inside(parts),
        )


def _apply(node: Apply, site: _Site, scopes: tuple[str, ...]) -> Iterator[Part]:
    """The operator's part; a bundle of columns is no operator that runs."""
    op, x, root = node.op, _shape(node.inputs[0]), node.output.root
    fields = [site.fields[tensor.root] for tensor in node.inputs]
    y = _shape(node.output)
    shapes = map(_shape, node.inputs)
    seen = receptive.union(fields, shapes, y) if op.category == "merge" else fields[0]
    inputs = tuple(shape for tensor in node.inputs for shape in _columns(_shape(tensor)))
    if y.columns:
        site.fields[root] = seen
        return
    seen = site.fields[root] = receptive.through(seen, op.windows(*inputs), x)
    vector = site.maps.get(node.inputs[0].root)
    if x.rank and not y.rank:
        site.maps[root] = x
    elif vector is not None and op.keeps_shape:
        site.maps[root] = vector
    counts = _counts(node, inputs, y)
    yield Part(
        (*scopes, node.name), op.name, y, counts, seen, node.span, op, inputs, vector, node.again
    )


def _counts(node: Apply, inputs: tuple[Shape, ...], y: Shape) -> Counts:
    op, cost = node.op, cost_of(node)
    elements = y.features
    read = sum(x.features for x in inputs)
    filters = op.category in ("conv", "linear")
    idle = op.passes_through(len(inputs), training=False)
    params = 0 if idle else _params(op, inputs)
    return Counts(
        cost.params,
        cost.weights,
        cost.buffers,
        cost.macs,
        operations=int(op.operations(*inputs)),
        activations=elements,
        conv_activations=elements if filters else 0,
        memory=elements if op.category in _STORED and not _does_nothing(op, inputs, y) else 0,
        moved=0 if idle else read + elements + params,
        parameter_reads=params,
        operators=1,
    )


def _does_nothing(op: Op, inputs: tuple[Shape, ...], y: Shape) -> bool:
    """A pool that is the identity at this size."""
    single = all(window.extent == window.stride == 1 for window in op.windows(*inputs))
    return op.category == "pool" and single and inputs[0] == y


def _params(op: Op, inputs: tuple[Shape, ...]) -> int:
    return scalars(op.weights(*inputs).values())


def _sum(parts: tuple[Part, ...]) -> Counts:
    total = Counts()
    for part in parts:
        total += part.counts.aside() if part.aside else part.counts
    return total


def _shape(tensor: Tensor) -> Shape:
    """In plain numbers."""
    shape = tensor.shape
    assert shape is not None, "only a plan without mistakes has a table"
    return Shape(int(shape.channels), tuple(map(int, shape.size)), shape.columns)


def _columns(shape: Shape) -> tuple[Shape, ...]:
    """Of a bundle, each of its columns."""
    return (Shape(shape.channels, shape.size),) * (shape.columns or 1)
