"""`if`, `for` and repeats: decided and unfolded while compiling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from archc import symbolic, syntax
from archc.elaborate.labels import stands_for
from archc.elaborate.lists import no_list, unpacked
from archc.elaborate.names import refuse_reserved
from archc.elaborate.shapes import generalised, is_traced_shape, retrace, traced_argument
from archc.elaborate.state import Context, Labelled, State, TraceEntry
from archc.elaborate.work import size_of
from archc.ops import Shape
from archc.plan import Call, Chain, Choice, Loop, Scope, Tensor
from archc.source import Span


def choose(state: State, term: syntax.If, here: Context) -> Choice:
    """The arm whose test holds, or nothing."""
    evaluator = here.evaluator
    taken = evaluator.truth(term.test)
    arm = term.then if taken else term.other or syntax.Sequence((), term.span)
    chain = state.chain(arm, here)
    return Choice(term, evaluator.symbolic(term.test), taken, chain, chain.output, term.span)


@dataclass(slots=True)
class _Plan:
    """What a loop runs over."""

    tree: syntax.For | syntax.Statement
    body: syntax.Sequence
    count: Any  # an int, maybe traced
    names: tuple[str, ...] = ()
    values: list[tuple[Any, ...]] | None = None  # of a loop over a list
    start: symbolic.Expr | None = None  # of a counting loop
    items: symbolic.Expr | None = None

    def value(self, k: int) -> tuple[Any, ...]:
        """What the names stand for in iteration k."""
        if self.values is not None:
            return self.values[k]
        return (self.first + k,) if self.names else ()

    first: int = 0

    @property
    def head(self) -> Span:
        """What says how often it runs."""
        tree = self.tree
        if isinstance(tree, syntax.Statement):
            return tree.span if tree.repeat is None else tree.repeat.span
        return Span(tree.span.source, tree.span.start, tree.over.span.end)


def loop(state: State, term: syntax.For, here: Context) -> Loop:
    """`for i in 1..n { }`, or over a list."""
    for name in term.names:
        refuse_reserved(name.id, name.span, "the loop's name")
    names = tuple(name.id for name in term.names)
    evaluator, over = here.evaluator, term.over
    if over.stop is not None:
        start = evaluator.integer(over.start, "a loop's start")
        stop = evaluator.integer(over.stop, "a loop's end")
        count = stop - start + 1 if stop >= start else 0
        first = symbolic.expr_of(start)
        plan = _Plan(term, term.body, count, names, start=first, first=int(start))
    else:
        listed = evaluator.value(over.start)
        if not isinstance(listed, tuple):
            raise no_list(listed, over.start.span)
        values = [unpacked(term.targets, item, over.span) for item in listed]
        items = symbolic.expr_of(listed) if symbolic.is_traced(listed) else None
        plan = _Plan(term, term.body, _length(values, items), names, values, items=items)
    return _unfold(state, plan, here)


def _length(values: list[Any], items: symbolic.Expr | None) -> Any:
    """How many there are, remembering of what list."""
    if items is None:
        return len(values)
    return symbolic.traced(len(values), symbolic.called("len", (items,)))


def repeat(state: State, statement: syntax.Statement, here: Context) -> Loop | Scope:
    """`term * n`; with a label, a scope whose items are named by place."""
    assert statement.repeat is not None
    count = here.evaluator.integer(statement.repeat, "a repeat", 0)
    state.check_count(count, statement.repeat.span)
    once = syntax.Statement(None, statement.term, None, statement.span)
    plan = _Plan(statement, syntax.Sequence((once,), statement.span), count)
    if here.label is None:
        return _unfold(state, plan, here)

    def fill(inner: Context) -> Chain:
        made = _unfold(state, plan, inner)
        return Chain([made], inner.x, made.output)

    return here.scope("repeat", statement.term, statement.span, True, fill)


@dataclass(slots=True)
class _LoopOutputs:
    """What the iterations of a loop make, in terms of its names."""

    last: Shape | None = None
    channels: set[symbolic.Expr] = field(default_factory=set)

    def add(self, shape: Shape | None) -> None:
        self.last = shape
        if shape is not None:
            self.channels.add(symbolic.expr_of(shape.channels))

    def follows(self, names: tuple[str, ...]) -> bool:
        """Whether all make the same in terms of the loop's names, which it depends on."""
        return len(self.channels) == 1 and all(c.variables() & {*names} for c in self.channels)


def _unfold(state: State, plan: _Plan, here: Context) -> Loop:
    """Iteration after iteration; the loop's names are traced inside and replaced outside."""
    span = plan.tree.span
    state.check_count(plan.count, span)
    frame, current = here.frame, here.x
    outer, passes = frame.env, frame.passes
    iterations: list[Chain] = []
    channels = [current.shape.channels] if current.shape is not None else []
    made = _LoopOutputs()
    for k in range(plan.count):
        state.count(frame, 0, span)
        value = dict(zip(plan.names, plan.value(k), strict=True))
        if value:
            state.work.spend(sum(map(size_of, value.values())), span)
            frame.env = outer
            frame.knows({name: traced_argument(name, v) for name, v in value.items()})
        frame.passes = (*passes, (id(plan.tree), k))
        labelled = len(frame.labelled)
        inner = Context(_entering(plan, made, current), frame, here.names)
        state.trail.append(TraceEntry(plan.head, f"pass {k + 1} of {plan.count}", value))
        try:
            chain = _same_again(state, plan, iterations, inner) or state.chain(plan.body, inner)
        finally:
            state.trail.pop()
        iterations.append(chain)
        made.add(chain.output.shape)
        hangs = len(frame.labelled) > labelled or is_traced_shape(chain.output.shape)
        outside = _outside(plan, k, value) if hangs else {}
        _retrace(frame.labelled[labelled:], outside)
        after = retrace(chain.output.shape, outside)
        current = Tensor(after, chain.output.span, chain.output)
        if after is None:
            frame.is_cut_short = True
            break
        channels.append(after.channels)
    frame.env, frame.passes = outer, passes
    if current.shape is not None and symbolic.is_traced(plan.count):
        whole = _in_terms_of_count(plan, made, current.shape, channels[0])
        whole = whole or generalised(current.shape, channels, plan.count)
        current = Tensor(whole, current.span, current)
    values = [plan.value(k) for k in range(len(iterations))]
    count = symbolic.expr_of(plan.count)
    return Loop(
        plan.tree, plan.names, values, plan.start, count, plan.items, iterations, current, span
    )


def _retrace(labelled: list[Labelled], outside: Mapping[str, symbolic.Expr]) -> None:
    """Put what an iteration labelled in terms of what is around the loop."""
    for made in labelled if outside else ():
        shape = retrace(made.tensor.shape, outside)
        made.tensor = Tensor(shape, made.tensor.span, made.tensor)


def _entering(plan: _Plan, made: _LoopOutputs, current: Tensor) -> Tensor:
    """The tensor that an iteration gets, in terms of its own names: `width * 2**(i - 1)`."""
    if plan.start is None or not made.follows(plan.names):
        return current
    (name,) = plan.names
    before = {name: symbolic.add(symbolic.var(name), symbolic.const(-1))}
    return Tensor(retrace(made.last, before), current.span, current)


def _in_terms_of_count(plan: _Plan, made: _LoopOutputs, shape: Shape, before: Any) -> Shape | None:
    """What the last iteration makes, by its number; the channels `before` where there is none."""
    if plan.start is None or not made.follows(plan.names):
        return None
    (name,) = plan.names
    count = symbolic.expr_of(plan.count)
    last = symbolic.add(plan.start, symbolic.add(count, symbolic.const(-1)))
    after = retrace(made.last, {name: last})
    assert after is not None
    some = symbolic.Expr((((symbolic.FunctionCall(">", (count, symbolic.const(0))),), 1),))
    parts = (symbolic.expr_of(after.channels), some, symbolic.expr_of(before))
    channels = symbolic.Expr((((symbolic.FunctionCall("if", parts),), 1),))
    return Shape(
        symbolic.traced(symbolic.plain(shape.channels), channels), shape.size, shape.columns
    )


def _outside(plan: _Plan, k: int, value: dict[str, Any]) -> dict[str, symbolic.Expr]:
    """What the loop's names are outside of iteration k."""
    if plan.start is not None:
        return {name: symbolic.add(plan.start, symbolic.const(k)) for name in value}
    numbers = {n: symbolic.plain(v) for n, v in value.items() if isinstance(v, int | float)}
    return {name: symbolic.const(number) for name, number in numbers.items()}


def _same_again(state: State, plan: _Plan, done: list[Chain], here: Context) -> Chain | None:
    """The next of a repeat that has settled: the block before it, on a tensor like its own."""
    if plan.names or not done or len(done[-1].nodes) != 1:
        return None
    last, x = done[-1].nodes[0], here.x
    if not isinstance(last, Call) or last.label is not None or x.shape is None:
        return None
    if last.tensors or last.gives:
        return None
    if _expressed(last.input.shape) != _expressed(x.shape):
        return None
    before = here.names.again()
    name = here.names.auto(last.body.name, plan.tree.span)
    state.count(here.frame, last.body.size, plan.tree.span)
    output = Tensor(last.output.shape, last.span)
    node = Call(name, last.body, last.args, x, output, last.span, None, last.again)
    if here.frame.scopes:
        stands_for(plan.body.statements[0], [node], before, here)
    return Chain([node], x, output)


def _expressed(shape: Shape | None) -> Any:
    """A shape and the expressions of its numbers: equal only where all that follows is equal."""
    return shape and (shape, tuple(map(symbolic.expr_of, shape.dims)))
