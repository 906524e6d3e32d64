"""The network unfolded into steps in execution order, with the life of every tensor.

A tensor lives until its last use. One that a block or a group was given lives until that returns,
since whoever called it still holds it in a variable; one that a line of `forward` begins with, as
in `out = self.relu(self.bn1(self.conv1(out)))`, until the end of that line; and one that has a
variable of its own, since `@label` goes back to it, until `forward` returns.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from archc.analysis.gather import gathered, layers
from archc.analysis.lines import NestedLine, expression, inside, text_of
from archc.analysis.overwrite import may_overwrite
from archc.analysis.uses import Uses, uses_of
from archc.ops import Elementwise, Op, Saved, Shape, scalars
from archc.plan import (
    Apply,
    AuxHead,
    BlockValue,
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
    bodies,
    outputs,
    side_outputs,
    walk,
)

Value = int  # the number of a tensor, in the order in which they are made


@dataclass(frozen=True, slots=True)
class OpFacts:
    """What all applications of an operator to tensors of the same shapes have in common.

    `weights` are trainable scalars; `floats` and `integers` those of the state that are not.
    """

    shape: Shape
    weights: int
    floats: int
    integers: int
    saved: Saved
    scratch: int
    backward_scratch: int


@dataclass(slots=True)
class Step:
    """An operator where it runs."""

    key: str  # the path in the module tree; `#2` where the same module runs again
    module: str
    op: Op
    inputs: tuple[Value, ...]
    output: Value
    facts: OpFacts
    inplace: bool
    passes_through: bool  # the output is the input, or a view of it


@dataclass(frozen=True, slots=True)
class CallRange:
    """A block call: the steps from `start` up to `stop`, and the tensors that it takes."""

    block: str
    start: int
    stop: int
    inputs: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class StateCounts:
    """Scalars of a `state_dict`: trained, not trained, and int64."""

    weights: int
    floats: int
    integers: int


@dataclass(slots=True)
class Schedule:
    """Steps and tensors of one run, in training or in eval mode."""

    steps: list[Step] = field(default_factory=list)
    shapes: list[Shape] = field(default_factory=list)  # of each value
    dying: list[list[Value]] = field(default_factory=list)  # after each step: no longer held
    inputs: list[Value] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)  # then those of auxiliary heads
    labels: list[Value] = field(default_factory=list)  # the outputs that have labels of their own
    units: list[CallRange] = field(default_factory=list)  # inner ones before those around them

    @property
    def blocks(self) -> tuple[str, ...]:
        """Those that are called, by name, without those that call themselves."""
        nested: set[str] = set()
        latest: dict[str, int] = {}  # inner ones come first: where the last one of a name began
        for unit in self.units:
            if unit.start <= latest.get(unit.block, -1):
                nested.add(unit.block)
            latest[unit.block] = unit.start
        return tuple(dict.fromkeys(u.block for u in self.units if u.block not in nested))

    def state(self) -> StateCounts:
        """What the network's modules hold, each module once."""
        modules = {step.module: step.facts for step in self.steps}.values()
        return StateCounts(
            sum(facts.weights for facts in modules),
            sum(facts.floats for facts in modules),
            sum(facts.integers for facts in modules),
        )


def schedule(plan: Plan, *, training: bool, checkpoint: str | None = None) -> Schedule:
    """Unfold a plan without mistakes. Auxiliary heads run in training only.

    Where the block `checkpoint` is a layer of dense connections, it takes a list of features.
    """
    return _Scheduler(plan, training, gathered(plan, checkpoint)).run()


@dataclass(slots=True)
class _SchedulePlace:
    """Where the walk is: a body that runs, and the groups entered in it."""

    prefix: str
    tensors: dict[Tensor, tuple[Value, ...]]  # several for a bundle of columns
    uses: Uses
    line: NestedLine | None  # None in a row of modules, which have no lines
    named: frozenset[str] = frozenset()  # labels that are variables of `forward`
    held: list[Value] = field(default_factory=list)  # by those
    branches: list[Value] = field(default_factory=list)  # in variables until others are

    def inside(self, scopes: tuple[str, ...]) -> _SchedulePlace:
        """In groups of the same body."""
        prefix = self.prefix + "".join(f"{name}." for name in scopes)
        return _SchedulePlace(prefix, self.tensors, self.uses, None)


@dataclass
class _Scheduler:
    plan: Plan
    training: bool
    gathered: tuple[Loop, ...] = ()
    made: Schedule = field(default_factory=Schedule)
    last: list[int] = field(default_factory=list)  # of each value: the last step that it is held in
    facts: dict[tuple[Op, tuple[Shape, ...], bool], OpFacts] = field(default_factory=dict)
    uses: dict[Body, Uses] = field(default_factory=dict)
    runs: Runs = field(default_factory=Runs)
    names: dict[BlockValue | None, set[str]] = field(default_factory=dict)

    def run(self) -> Schedule:
        body, made = self.plan.body, self.made
        for each in bodies(self.plan):
            self._find_names(each)
        place = _SchedulePlace(
            "", {}, self._uses(body), NestedLine(), frozenset(self.names.get(None, ()))
        )
        for tensor in body.inputs:
            made.inputs.append(self._value(tensor.columns[0]))
            place.tensors[tensor.root] = (made.inputs[-1],)
        self._chain(body.chain, place)
        self._hold((*place.held, *place.branches))
        made.labels = [v for _, tensor in outputs(body) for v in place.tensors[tensor.root]]
        heads = side_outputs(body) if self.training else []
        sides = [v for aux in heads for v in place.tensors[aux.chain.output.root]]
        made.outputs = [*made.labels, *sides]
        self._bury({*made.inputs, *made.outputs})
        return made

    def _bury(self, kept: set[Value]) -> None:
        """Fill in `dying`; what is kept is held to the end by whoever called the network."""
        self.made.dying = [[] for _ in self.made.steps]
        for value, last in enumerate(self.last):
            if value not in kept:
                self.made.dying[last].append(value)

    def _chain(self, chain: Chain, place: _SchedulePlace) -> None:
        for node in chain.nodes:
            match node:
                case Apply():
                    self._apply(node, place)
                case Call():
                    self._call(node, place)
                case Branches():
                    self._branches(node, place)
                case Loop() if node in self.gathered:
                    self._gather(node, place)
                case Loop():
                    for iteration in node.iterations:
                        self._chain(iteration, place)
                case Choice():
                    self._chain(node.chain, place)
                case Scope():
                    self._chain(node.chain, place.inside((node.name,)))
                    self._hold(place.tensors[node.chain.input.root])
                case Reused():
                    self._chain(node.chain, place.inside(node.scopes))
                case AuxHead():
                    if self.training:
                        self._chain(node.chain, place)

    def _branches(self, node: Branches, place: _SchedulePlace) -> None:
        """A combinator; what is written in the merge's line is gone when that goes on."""
        within, width = inside(node) if place.line is not None else ([], 0)
        before = node.branches[: len(node.branches) - len(within)]
        for branch in before:
            self._chain(branch, place)
        op = node.merge.op
        if isinstance(op, Elementwise) and len(node.branches) > 1:
            self._fold(node, op, within, place)
        else:
            for branch in within:
                self._chain(branch, place)
            self._apply(node.merge, place)
        if place.line is None:
            return
        made = [branch for branch in before if expression(branch) != "x"]
        held = [value for branch in made for value in place.tensors[branch.output.root]]
        if made:
            self._hold(tuple(place.branches))
            place.branches = list(held)
        if within or len(made) < len(before):
            held += place.tensors[node.input.root]
            self._hold(place.tensors[node.input.root])
        place.line = NestedLine(tuple(held), place.line.output, ["merge"], width)

    def _fold(
        self, node: Branches, op: Elementwise, within: list[Chain], place: _SchedulePlace
    ) -> None:
        """`a + b + c`: two at a time."""
        merge = node.merge
        pair, last = op.in_pairs(len(node.branches))
        total: Tensor | None = None
        for at, branch in enumerate(node.branches):
            if at >= len(node.branches) - len(within):
                self._chain(branch, place)
            if total is None:
                total = branch.output
                continue
            both = (total, branch.output)
            shape = pair.shape(*(tensor.columns[0] for tensor in both))
            total = Tensor(shape, merge.span)
            self._apply(replace(merge, op=pair, inputs=both, output=total, label=None), place)
        assert total is not None
        if last is not None:
            whole = Tensor(total.shape, merge.span)
            self._apply(replace(merge, op=last, inputs=(total,), output=whole, label=None), place)
            total = whole
        self._name(merge, place.tensors[total.root], place)

    def _gather(self, loop: Loop, place: _SchedulePlace) -> None:
        """Layers that each make their own concatenation of the features before them."""
        features = [*place.tensors[loop.iterations[0].input.root]]
        made = [loop.iterations[0].input, *(call.output for call in layers(loop))]
        merges = [node.merge for node in walk([loop]) if isinstance(node, Branches)]
        for at, (call, merge) in enumerate(zip(layers(loop), merges, strict=True)):
            start = len(self.made.steps)
            concat = replace(
                merge, name=f"{call.name}.cat", inputs=tuple(made[: at + 1]), output=call.input
            )
            piled = self._step(concat, tuple(features), place)
            self._enter(call, [(piled,)], place)
            unit = CallRange(call.body.name, start, len(self.made.steps), tuple(features))
            self.made.units.append(unit)
            features += place.tensors[call.output.root]
        last = replace(merges[-1], inputs=tuple(made))
        place.tensors[last.output.root] = (self._step(last, tuple(features), place),)
        place.held += features

    def _call(self, call: Call, place: _SchedulePlace) -> None:
        start, given = len(self.made.steps), [place.tensors[x.root] for x in call.inputs]
        self._enter(call, given, place)
        values = tuple(value for columns in given for value in columns)
        self._hold(values)
        stop = len(self.made.steps)
        if stop > start and len(values) == len(given):
            self.made.units.append(CallRange(call.body.name, start, stop, values))

    def _enter(self, call: Call, given: list[tuple[Value, ...]], place: _SchedulePlace) -> None:
        body = call.body
        line = None if body.block is not None and body.block.places else NestedLine()
        tensors = {x.root: values for x, values in zip(body.inputs, given, strict=True)}
        names = frozenset(self.names.get(body.block, ()))
        inside = _SchedulePlace(
            f"{place.prefix}{call.name}.", tensors, self._uses(body), line, names
        )
        self._chain(body.chain, inside)
        self._hold((*inside.held, *inside.branches))
        self._name(call, inside.tensors[body.output.root], place)
        for made, x in zip(body.outputs[1:], call.outputs[1:], strict=True):
            place.tensors[x.root] = inside.tensors[made.root]

    def _apply(self, apply: Apply, place: _SchedulePlace) -> None:
        values = tuple(v for tensor in apply.inputs for v in place.tensors[tensor.root])
        shape = apply.output.shape
        if shape is not None and shape.columns:  # a bundle: nothing is computed
            place.tensors[apply.output.root] = values
            return
        output = self._step(apply, values, place)
        self._name(apply, (output,), place)

    def _step(self, apply: Apply, values: tuple[Value, ...], place: _SchedulePlace) -> Value:
        """Add an operator; gives what it makes."""
        inplace = may_overwrite(apply, place.uses)
        facts = self._facts(apply, inplace)
        module = place.prefix + apply.name
        output = self._value(facts.shape)
        through = apply.op.passes_through(len(values), training=self.training)
        self.made.steps.append(
            Step(
                self.runs.key(module),
                module,
                apply.op,
                values,
                output,
                facts,
                inplace,
                through,
            )
        )
        self._hold((*values, output))
        if place.line is not None:
            place.line = self._continued(place.line, apply, place.uses)
            self._hold(place.line.inputs)
        return output

    def _name(self, node: Apply | Call, values: tuple[Value, ...], place: _SchedulePlace) -> None:
        place.tensors[node.output.root] = values
        if node.label in place.named and place.line is not None:
            place.held += values
            place.line = NestedLine()

    def _find_names(self, body: Body) -> None:
        """Which labels each block's `forward` has variables for, if any instance needs them."""
        uses = self._uses(body)
        names = self.names.setdefault(body.block, set())
        for node in walk(body.chain.nodes):
            if isinstance(node, Apply | Call) and node.label is not None:
                root = node.output.root
                if root in uses.named and uses.counts[root] > 1:
                    names.add(node.label)

    def _continued(self, line: NestedLine, apply: Apply, uses: Uses) -> NestedLine:
        """The line that the step added last stands in."""
        step, tag, length = self.made.steps[-1], apply.op.category, len(text_of(apply)) - 1
        once = step.inputs == (line.output,) and uses.counts[apply.inputs[0].root] == 1
        if once and line.takes(tag, length):
            return NestedLine(line.inputs, step.output, [*line.tags, tag], line.length + length)
        return NestedLine(step.inputs, step.output, [tag], length + 1)

    def _facts(self, apply: Apply, inplace: bool) -> OpFacts:
        key = apply.op, apply.shapes, inplace
        found = self.facts.get(key)
        if found is None:
            found = self.facts[key] = _facts(apply, inplace, self.training)
        return found

    def _uses(self, body: Body) -> Uses:
        found = self.uses.get(body)
        if found is None:
            found = self.uses[body] = uses_of(body)
        return found

    def _value(self, shape: Shape) -> Value:
        self.made.shapes.append(shape)
        self.last.append(0)
        return len(self.last) - 1

    def _hold(self, values: tuple[Value, ...]) -> None:
        """They live at least until the step that was added last."""
        now = len(self.made.steps) - 1
        for value in values:
            self.last[value] = max(self.last[value], now)


def _facts(apply: Apply, inplace: bool, training: bool) -> OpFacts:
    op, shapes = apply.op, tuple(shape for tensor in apply.inputs for shape in tensor.columns)
    weights = scalars(op.weights(*shapes).values())
    buffers = op.buffers(*shapes).values()
    floats = scalars(dims for dims in buffers if dims)
    integers = sum(1 for dims in buffers if not dims)  # batches that have been seen
    saved = op.saves(*shapes, inplace=inplace)
    counts = Saved(
        saved.input,
        saved.output,
        int(saved.values),
        int(saved.indices),
        int(saved.flags),
        int(saved.statistics),
    )
    scratch = int(op.scratch(*shapes, training=training))
    backward = int(op.backward_scratch(*shapes))
    return OpFacts(apply.output.columns[0], weights, floats, integers, counts, scratch, backward)
