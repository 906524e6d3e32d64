"""How much memory a network takes, in inference and in a training step, without running it.

The step is what PyTorch does in eager mode: forward, cross-entropy loss, backward, optimizer.
What autograd keeps of an operator is said by the operator (`Op.saves`). Counted is what tensors
hold; what a device adds (its context, workspaces of kernels, rounding of the allocator) is not.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from archc.analysis.heap import Allocation, Heap, Role
from archc.analysis.schedule import CallRange, Schedule, ScheduledStep, StateCounts, schedule
from archc.analysis.setting import RunSetting
from archc.analysis.unroll import Value
from archc.ops import Saved
from archc.plan import Plan

_HALF, _SINGLE, _INTEGER = 2, 4, 8


def trained(run: Schedule, setting: RunSetting) -> Heap:
    """The memory of one step of training, from the second on, when the optimizer has its state."""
    return _Run(run, run.state(), setting).train()


def inferred(plan: Plan, state: StateCounts, setting: RunSetting) -> Heap:
    """The memory of one forward pass in eval mode under `torch.no_grad`.

    `state` is that of the schedule of training: auxiliary heads take memory, too.
    """
    return _Run(schedule(plan, training=False), state, setting).infer()


def checkpointable(plan: Plan) -> tuple[str, ...]:
    """The blocks that can be computed again in the backward pass, by name."""
    return schedule(plan, training=True).blocks


@dataclass(slots=True)
class _Gradient:
    """A gradient on its way; `part` where it is a slice of a larger one."""

    storage: Allocation
    part: bool = False


@dataclass
class _Run:
    schedule: Schedule
    state: StateCounts
    setting: RunSetting
    heap: Heap = field(default_factory=Heap)
    widths: dict[Value, int] = field(default_factory=dict)  # bytes of a number of each value
    trained: set[Value] = field(default_factory=set)  # those that have a gradient
    kept: dict[int, list[Allocation]] = field(default_factory=dict)  # by autograd, for each step
    gradients: dict[Value, _Gradient] = field(default_factory=dict)
    casts: dict[str, Allocation] = field(default_factory=dict)  # autocast's copies of weights
    learned: set[str] = field(default_factory=set)  # modules whose weights have their gradient
    parts: dict[int, int] = field(default_factory=dict)  # steps that are one, and their first
    waiting: dict[int, list[_Gradient]] = field(default_factory=dict)  # by that first
    phase: str = "forward"

    def infer(self) -> Heap:
        tensors = self._begin(with_labels=False)
        self._forward(range(len(self.schedule.steps)), tensors, saving=False)
        return self.heap

    def train(self) -> Heap:
        self.parts = _joined_parts(self.schedule.steps)
        tensors = self._begin(with_labels=True)
        steps, units = self.schedule.steps, self._checkpointed()
        inputs: dict[CallRange, list[Allocation]] = {}
        at = 0
        for unit in units:
            self._forward(range(at, unit.start), tensors, saving=True)
            inputs[unit] = [self.heap.hold(tensors[value]) for value in unit.inputs]
            self._forward(range(unit.start, unit.stop), tensors, saving=False)
            at = unit.stop
        self._forward(range(at, len(steps)), tensors, saving=True)
        self._loss()
        self.phase = "recompute"
        at = len(steps)
        for unit in reversed(units):
            self._backward(range(unit.stop, at))
            self._recompute(unit, inputs[unit])
            self._backward(range(unit.start, unit.stop))
            for storage in inputs[unit]:  # torch's checkpoint has them until all of it is done
                self.heap.drop(storage)
            at = unit.start
        self._backward(range(at))
        for value in self.schedule.outputs:
            self.heap.drop(tensors[value])
        self._update()
        return self.heap

    def _update(self) -> None:
        """The optimizer's step."""
        optimizer, size = self.setting.optimizer, self.setting.width * self.state.weights
        scratch = self.heap.new("optimizer", Role.SCRATCH, fixed=optimizer.scratch * size)
        self.heap.mark("step", optimizer.key)
        self.heap.drop(scratch)

    # --- before --------------------------------------------------------------------------

    def _begin(self, *, with_labels: bool) -> dict[Value, Allocation]:
        """Parameters, buffers, optimizer state and the mini-batch."""
        width, heap = self.setting.width, self.heap
        size = width * self.state.weights
        heap.new("parameters", Role.PARAMETERS, fixed=size)
        buffers = width * self.state.floats + _INTEGER * self.state.integers
        heap.new("buffers", Role.BUFFERS, fixed=buffers)
        tensors = {}
        for value in self.schedule.inputs:
            self.widths[value] = width
            sample = width * self.schedule.shapes[value].features
            tensors[value] = heap.new("input", Role.INPUT, sample=sample)
        if with_labels:
            state = self.setting.optimizer.moments * size
            heap.new("optimizer", Role.OPTIMIZER, fixed=state)
            if self.setting.ema:
                heap.new("average", Role.AVERAGE, fixed=size + buffers)
            if self.setting.ddp is not None:
                heap.new("buckets", Role.BUCKETS, fixed=size)
            positions = [
                self.schedule.shapes[v].features // self.schedule.shapes[v].channels
                for v in self.schedule.labels
            ]
            heap.new("labels", Role.INPUT, sample=_INTEGER * sum(positions))
        if not self.schedule.steps:  # a network that does nothing holds what it is given
            heap.mark("forward", "the input")
        return tensors

    def _checkpointed(self) -> list[CallRange]:
        """The outermost calls of the block that is computed again, in order."""
        chosen: list[CallRange] = []
        for unit in self.schedule.units:
            if unit.block == self.setting.checkpoint:
                chosen = [inner for inner in chosen if inner.start < unit.start]
                chosen.append(unit)
        return chosen

    # --- forward -------------------------------------------------------------------------

    def _forward(self, steps: range, tensors: dict[Value, Allocation], *, saving: bool) -> None:
        """Run some steps; what they give goes to `tensors`, what has died leaves it."""
        for at in steps:
            self._run(at, tensors, saving=saving)
            for value in self.schedule.dying[at]:
                if value in tensors:
                    self.heap.drop(tensors.pop(value))

    def _run(self, at: int, tensors: dict[Value, Allocation], *, saving: bool) -> None:
        step, heap = self.schedule.steps[at], self.heap
        facts, width = step.facts, self._settle(step)
        taken = [heap.hold(tensors[value]) for value in step.inputs]
        cast = self._cast(step, taken) if self._is_half(step) else None
        if step.passes_through or step.inplace:
            tensors[step.output] = heap.hold(tensors[step.inputs[0]])
        else:
            size = width * facts.shape.features
            tensors[step.output] = heap.new(step.key, Role.ACTIVATIONS, sample=size)
        own = self._own(step, width, training=saving)
        scratch = heap.new(step.key, Role.SCRATCH, sample=width * facts.scratch)
        heap.mark(self.phase, step.key)
        heap.drop(scratch)
        if saving and step.output in self.trained:
            kept = self.kept[at] = [heap.hold(storage) for storage in own]
            kept += [heap.hold(storage) for storage in taken if facts.saved.input]
            kept += [heap.hold(tensors[step.output])] if facts.saved.output else []
            kept += [heap.hold(cast)] if cast is not None else []
        for storage in (*own, *taken):
            heap.drop(storage)

    def _keeps(self, at: int) -> bool:
        """Whether autograd keeps anything of a step."""
        step = self.schedule.steps[at]
        return step.output in self.trained and step.facts.saved != Saved()

    def _settle(self, step: ScheduledStep) -> int:
        """Bytes of a number of its output; notes whether that has a gradient."""
        if step.facts.weights or any(value in self.trained for value in step.inputs):
            self.trained.add(step.output)
        if self._is_half(step):
            width = _HALF
        elif self.setting.amp and step.op.full_precision:
            width = _SINGLE
        else:
            width = max(self.widths[value] for value in step.inputs)
        self.widths[step.output] = width
        return width

    def _is_half(self, step: ScheduledStep) -> bool:
        """Whether autocast computes it in half precision."""
        return self.setting.amp and step.op.category in ("conv", "linear")

    def _cast(self, step: ScheduledStep, taken: list[Allocation]) -> Allocation:
        """Half-precision copies: of inputs that are wider, in `taken`, and of the weights."""
        heap = self.heap
        for at, value in enumerate(step.inputs):
            if self.widths[value] > _HALF:
                size = _HALF * self.schedule.shapes[value].features
                heap.drop(taken[at])
                taken[at] = heap.new(step.key, Role.CASTS, sample=size)
        if step.module not in self.casts:
            size = _HALF * step.facts.weights
            self.casts[step.module] = heap.new(step.key, Role.CASTS, fixed=size)
        return self.casts[step.module]

    def _own(self, step: ScheduledStep, width: int, *, training: bool) -> list[Allocation]:
        """Memory that an operator makes beside its output for its backward pass."""
        saved, new = step.facts.saved, self.heap.new
        found = [new(step.key, Role.INDICES, sample=_INTEGER * saved.indices)]
        if training:
            size = width * saved.values + saved.flags
            statistics = _SINGLE * saved.statistics
            found.append(new(step.key, Role.EXTRAS, fixed=statistics, sample=size))
        return found

    def _leave_autocast(self) -> None:
        """Its copies of weights are then held by autograd alone."""
        for storage in self.casts.values():
            self.heap.drop(storage)
        self.casts.clear()

    # --- loss ----------------------------------------------------------------------------

    def _loss(self) -> None:
        """Cross-entropy for each output, forward and backward: in float32, or wider."""
        heap, width = self.heap, max(_SINGLE, self.setting.width)
        kept = []
        for value in self.schedule.outputs:
            size = width * self.schedule.shapes[value].features
            kept.append(heap.new("loss", Role.EXTRAS, sample=size))
            heap.mark("loss", "loss")
        self._leave_autocast()
        for value, probabilities in zip(self.schedule.outputs, kept, strict=True):
            size = self.schedule.shapes[value].features
            incoming = heap.new("loss", Role.BACKWARD, sample=width * size)
            gradient = heap.new("loss", Role.BACKWARD, sample=self.widths[value] * size)
            heap.mark("loss", "loss")
            heap.drop(incoming)
            heap.drop(probabilities)
            self._receive(value, _Gradient(gradient))

    # --- backward ------------------------------------------------------------------------

    def _backward(self, steps: range) -> None:
        for at in reversed(steps):
            step = self.schedule.steps[at]
            gradient = self.gradients.pop(step.output, None)
            learned: Allocation | None = None
            made: list[tuple[Value, _Gradient]] = []
            if at in self.parts:
                made = self._join(at, gradient)
            elif gradient is not None:
                learned, made = self._differentiate(step, gradient)
            for storage in self.kept.pop(at, ()):
                self.heap.drop(storage)
            if learned is not None:
                self._keep(step, learned)
            for value, incoming in made:
                self._receive(value, self._widened(step, value, incoming))

    def _join(self, at: int, gradient: _Gradient | None) -> list[tuple[Value, _Gradient]]:
        """The gradient of what was cut into equal parts at once, where those of all are there."""
        step, first, heap = self.schedule.steps[at], self.parts[at], self.heap
        waiting = self.waiting.setdefault(first, [])
        waiting += [gradient] if gradient is not None else []
        if at != first or not waiting:
            return []
        _, count = step.op.part() or (0, 1)
        (value,) = step.inputs
        width, shape = self.widths[value], self.schedule.shapes[value]
        missing = (count - len(waiting)) * step.facts.shape.features
        scratch = heap.new(step.key, Role.SCRATCH, sample=width * missing)  # zeros
        whole = heap.new(step.key, Role.BACKWARD, sample=width * shape.features)
        heap.mark("backward", step.key)
        for allocation in (scratch, *(part.storage for part in waiting)):
            heap.drop(allocation)
        if value in self.trained:
            return [(value, _Gradient(whole))]
        heap.drop(whole)
        return []

    def _differentiate(
        self, step: ScheduledStep, gradient: _Gradient
    ) -> tuple[Allocation | None, list[tuple[Value, _Gradient]]]:
        """The gradients of a step's weights and inputs, from that of its output, which goes."""
        heap = self.heap
        learned = None
        if step.facts.weights:
            size = self._computed_width(step) * step.facts.weights
            learned = heap.new(step.key, Role.GRADIENTS, fixed=size)
        if step.op.gradient == "one":  # which then goes on as a sum's does
            size = self.widths[step.output] * step.facts.shape.features
            one = heap.new(step.key, Role.BACKWARD, sample=size)
            heap.mark("backward", step.key)
            heap.drop(gradient.storage)
            gradient = _Gradient(one)
        made = [
            (value, self._of_input(step, value, gradient))
            for value in step.inputs
            if value in self.trained
        ]
        size = self.widths[step.output] * step.facts.backward_scratch
        scratch = heap.new(step.key, Role.SCRATCH, sample=size)
        heap.mark("backward", step.key)
        heap.drop(scratch)
        heap.drop(gradient.storage)
        return learned, made

    def _computed_width(self, step: ScheduledStep) -> int:
        """Bytes of a number of a weight's gradient when it is made."""
        return _HALF if self._is_half(step) else self.setting.width

    def _of_input(self, step: ScheduledStep, value: Value, gradient: _Gradient) -> _Gradient:
        shape = self.schedule.shapes[value]
        cut = step.op.view and step.op.gradient == "new"  # of zeros where the view does not see
        same = step.op.gradient in ("same", "one") and shape == step.facts.shape
        whole = same or (step.passes_through and not cut)
        if whole or step.op.gradient == "part":
            part = gradient.part or not whole
            return _Gradient(self.heap.hold(gradient.storage), part)
        width = _HALF if self._is_half(step) else self.widths[value]
        return _Gradient(self.heap.new(step.key, Role.BACKWARD, sample=width * shape.features))

    def _widened(self, step: ScheduledStep, value: Value, made: _Gradient) -> _Gradient:
        """The gradient of an input that autocast had a half-precision copy of, as wide as it."""
        if not self._is_half(step) or self.widths[value] == _HALF:
            return made
        size = self.widths[value] * self.schedule.shapes[value].features
        wide = self.heap.new(step.key, Role.BACKWARD, sample=size)
        self.heap.mark("backward", step.key)
        self.heap.drop(made.storage)
        return _Gradient(wide)

    def _keep(self, step: ScheduledStep, made: Allocation) -> None:
        """The gradient of the weights stays; of weights that have one already it is added.

        One in half precision is widened before, one that has its place in a bucket is copied there.
        """
        if self._computed_width(step) < self.setting.width:
            size = self.setting.width * step.facts.weights
            wide = self.heap.new(step.key, Role.GRADIENTS, fixed=size)
            self.heap.mark("backward", step.key)
            self.heap.drop(made)
            made = wide
        if step.module in self.learned or self.setting.ddp == "views":
            self.heap.drop(made)
        self.learned.add(step.module)

    def _receive(self, value: Value, incoming: _Gradient) -> None:
        """Another gradient for a tensor: added in place where the first is nobody else's."""
        heap, first = self.heap, self.gradients.get(value)
        if first is None:
            self.gradients[value] = incoming
            return
        if self.setting.tracked or first.part or first.storage.refs > 1:
            size = self.widths[value] * self.schedule.shapes[value].features
            total = heap.new("sum of gradients", Role.BACKWARD, sample=size)
            heap.mark("backward", "sum of gradients")
            heap.drop(first.storage)
            self.gradients[value] = _Gradient(total)
        heap.drop(incoming.storage)

    def _recompute(self, unit: CallRange, inputs: list[Allocation]) -> None:
        """Run a checkpointed block again, as far as something is kept for its backward pass."""
        tensors = {v: self.heap.hold(x) for v, x in zip(unit.inputs, inputs, strict=True)}
        keeping = [at for at in range(unit.start, unit.stop) if self._keeps(at)]
        self._forward(range(unit.start, max(keeping, default=-1) + 1), tensors, saving=True)
        for storage in tensors.values():
            self.heap.drop(storage)
        self._leave_autocast()


def _joined_parts(steps: list[ScheduledStep]) -> dict[int, int]:
    """The steps that give equal parts of a tensor, which is cut at once; and their first."""
    found: dict[tuple[Value, int], dict[int, int]] = {}
    for at, step in enumerate(steps):
        part = step.op.part()
        if part is not None:
            index, count = part
            found.setdefault((step.inputs[0], count), {}).setdefault(at, index)
    return {
        at: min(places)
        for places in found.values()
        if 1 < len(places) == len(set(places.values()))
        for at in places
    }
