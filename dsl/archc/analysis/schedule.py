"""The network unfolded into steps in execution order, with the life of every tensor.

A tensor lives until its last use. One that a block or a group was given lives until that returns,
since whoever called it still holds it in a variable; one that a line of `forward` begins with, as
in `out = self.relu(self.bn1(self.conv1(out)))`, until the end of that line; and one that has a
variable of its own, since `@label` goes back to it, until `forward` returns.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from archc.analysis.gather import gathered, layers
from archc.analysis.lines import NestedLine, expression, inside, kept, text_of
from archc.analysis.op_facts import OpFacts, facts_of
from archc.analysis.overwrite import may_overwrite
from archc.analysis.unroll import BodyPlace, OperatorStep, Unroller, Value, entering
from archc.analysis.uses import Uses, uses_of
from archc.ops import Elementwise, Op, Shape
from archc.plan import (
    Apply,
    AuxHead,
    BlockValue,
    Body,
    Branches,
    Call,
    Chain,
    Loop,
    Plan,
    Scope,
    Tensor,
    bodies,
    outputs,
    side_outputs,
    walk,
)


@dataclass(slots=True)
class ScheduledStep(OperatorStep):
    """An operator where it runs, and what it keeps."""

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


@dataclass(frozen=True, slots=True)
class Schedule:
    """Steps and tensors of one run, in training or in eval mode."""

    steps: list[ScheduledStep]
    shapes: list[Shape]  # of each value
    dying: list[list[Value]]  # after each step: no longer held
    inputs: list[Value]
    outputs: list[Value]  # then those of auxiliary heads
    labels: list[Value]  # the outputs that have labels of their own
    units: list[CallRange]  # inner ones before those around them

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
class _SchedulePlace(BodyPlace):
    uses: Uses = field(kw_only=True)
    line: NestedLine | None = None  # None in a row of modules, which have no lines
    named: frozenset[str] = frozenset()  # labels that are variables of `forward`
    held: list[Value] = field(default_factory=list)  # by those
    branches: list[Value] = field(default_factory=list)  # in variables until others are

    def within(self, scopes: tuple[str, ...]) -> _SchedulePlace:
        return replace(self, scopes=scopes, line=None, named=frozenset(), held=[], branches=[])


class _Scheduler(Unroller[_SchedulePlace]):
    def __init__(self, plan: Plan, training: bool, gathered: tuple[Loop, ...]) -> None:
        super().__init__()
        self.plan = plan
        self.training = training
        self.gathered = gathered
        self.steps: list[ScheduledStep] = []
        self.units: list[CallRange] = []
        self.last: list[int] = []  # of each value: the last step that it is held in
        self.facts: dict[tuple[Op, tuple[Shape, ...], bool], OpFacts] = {}
        self.uses: dict[Body, Uses] = {}
        self.names: dict[BlockValue | None, set[str]] = {}

    def run(self) -> Schedule:
        body = self.plan.body
        for each in bodies(self.plan):
            self._find_names(each)
        tensors = self.enter_network(body)
        inputs = [tensors[tensor.root][0] for tensor in body.inputs]
        place = _SchedulePlace(
            body=body,
            tensors=tensors,
            uses=self._uses(body),
            line=NestedLine(),
            named=self._named(body),
        )
        self.chain(body.chain, place)
        self._hold((*place.held, *place.branches))
        labels = [v for _, tensor in outputs(body) for v in tensors[tensor.root]]
        heads = side_outputs(body) if self.training else []
        found = [*labels, *(v for aux in heads for v in tensors[aux.chain.output.root])]
        dying = self._dying({*inputs, *found})
        return Schedule(self.steps, self.shapes, dying, inputs, found, labels, self.units)

    def _dying(self, kept: set[Value]) -> list[list[Value]]:
        """What dies after each step; what is kept is held to the end by who called the network."""
        dying: list[list[Value]] = [[] for _ in self.steps]
        for value, last in enumerate(self.last):
            if value not in kept:
                dying[last].append(value)
        return dying

    # --- statements

    def aux_head(self, node: AuxHead, place: _SchedulePlace) -> None:
        if self.training:
            self.chain(node.chain, place)

    def group(self, node: Scope, place: _SchedulePlace) -> None:
        super().group(node, place)
        self._hold(place.tensors[node.chain.input.root])

    def branches(self, node: Branches, place: _SchedulePlace) -> None:
        """A combinator; what is written in the merge's line is gone when that goes on."""
        within, width = inside(node) if place.line is not None else ([], 0)
        before = node.branches[: len(node.branches) - len(within)]
        for branch in before:
            self.chain(branch, place)
        op = node.merge.op
        if isinstance(op, Elementwise) and len(node.branches) > 1:
            self._fold(node, op, within, place)
        else:
            for branch in within:
                self.chain(branch, place)
            self.apply(node.merge, place)
        if place.line is None:
            return
        made = [branch for branch in before if expression(branch) != "x"]
        held = [value for branch in made for value in place.tensors[branch.output.root]]
        for tensor in filter(None, map(kept, within)):
            held += place.tensors[tensor.root]
            self._hold(place.tensors[tensor.root])
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
                self.chain(branch, place)
            if total is None:
                total = branch.output
                continue
            both = (total, branch.output)
            shape = pair.shape(*(tensor.columns[0] for tensor in both))
            total = Tensor(shape, merge.span)
            self.apply(replace(merge, op=pair, inputs=both, output=total, label=None), place)
        assert total is not None
        if last is not None:
            whole = Tensor(total.shape, merge.span)
            self.apply(replace(merge, op=last, inputs=(total,), output=whole, label=None), place)
            total = whole
        self.made(merge, place.tensors[total.root], place)

    def loop(self, node: Loop, place: _SchedulePlace) -> None:
        if node in self.gathered:
            self._gather(node, place)
        else:
            super().loop(node, place)

    def _gather(self, loop: Loop, place: _SchedulePlace) -> None:
        """Layers that each make their own concatenation of the features before them."""
        features = [*place.tensors[loop.iterations[0].input.root]]
        made = [loop.iterations[0].input, *(call.output for call in layers(loop))]
        merges = [node.merge for node in walk([loop]) if isinstance(node, Branches)]
        for at, (call, merge) in enumerate(zip(layers(loop), merges, strict=True)):
            start = len(self.steps)
            concat = replace(
                merge, name=f"{call.name}.cat", inputs=tuple(made[: at + 1]), output=call.input
            )
            piled = self.step(concat, tuple(features), place)
            self.enter(call, [(piled,)], place)
            unit = CallRange(call.body.name, start, len(self.steps), tuple(features))
            self.units.append(unit)
            features += place.tensors[call.output.root]
        last = replace(merges[-1], inputs=tuple(made))
        place.tensors[last.output.root] = (self.step(last, tuple(features), place),)
        place.held += features

    def call(self, node: Call, place: _SchedulePlace) -> None:
        start, given = len(self.steps), [place.tensors[x.root] for x in node.inputs]
        self.enter(node, given, place)
        values = tuple(value for columns in given for value in columns)
        self._hold(values)
        stop = len(self.steps)
        if stop > start and len(values) == len(given):
            self.units.append(CallRange(node.body.name, start, stop, values))

    def enter(
        self, call: Call, given: list[tuple[Value, ...]], place: _SchedulePlace
    ) -> _SchedulePlace:
        inside = super().enter(call, given, place)
        self._hold((*inside.held, *inside.branches))
        return inside

    def entered(
        self, call: Call, given: list[tuple[Value, ...]], place: _SchedulePlace
    ) -> _SchedulePlace:
        body = call.body
        is_row = body.block is not None and body.block.places
        return _SchedulePlace(
            body=body,
            tensors=entering(body, given),
            prefix=f"{place.module(call.name)}.",
            uses=self._uses(body),
            line=None if is_row else NestedLine(),
            named=self._named(body),
        )

    # --- operators

    def step(self, node: Apply, values: tuple[Value, ...], place: _SchedulePlace) -> Value:
        inplace = may_overwrite(node, place.uses)
        facts = self._facts(node, inplace)
        module = place.module(node.name)
        output = self.value(facts.shape)
        through = node.op.passes_through(len(values), training=self.training)
        self.steps.append(
            ScheduledStep(self.key(module), module, node, values, output, facts, inplace, through)
        )
        self._hold((*values, output))
        if place.line is not None:
            place.line = self._continued(place.line, node, place.uses)
            self._hold(place.line.inputs)
        return output

    def made(self, node: Apply | Call, values: tuple[Value, ...], place: _SchedulePlace) -> None:
        super().made(node, values, place)
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
        step, tag, length = self.steps[-1], apply.op.category, len(text_of(apply)) - 1
        once = step.inputs == (line.output,) and uses.counts[apply.inputs[0].root] == 1
        if once and line.takes(tag, length):
            return NestedLine(line.inputs, step.output, [*line.tags, tag], line.length + length)
        return NestedLine(step.inputs, step.output, [tag], length + 1)

    def _facts(self, apply: Apply, inplace: bool) -> OpFacts:
        key = apply.op, apply.shapes, inplace
        found = self.facts.get(key)
        if found is None:
            found = self.facts[key] = facts_of(apply, inplace=inplace, training=self.training)
        return found

    def _uses(self, body: Body) -> Uses:
        found = self.uses.get(body)
        if found is None:
            found = self.uses[body] = uses_of(body)
        return found

    def _named(self, body: Body) -> frozenset[str]:
        return frozenset(self.names.get(body.block, ()))

    def value(self, shape: Shape) -> Value:
        self.last.append(0)
        return super().value(shape)

    def _hold(self, values: tuple[Value, ...]) -> None:
        """They live at least until the step that was added last."""
        now = len(self.steps) - 1
        for value in values:
            self.last[value] = max(self.last[value], now)
