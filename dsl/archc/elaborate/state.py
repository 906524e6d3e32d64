"""What lowering knows while it walks: the body under construction, the limits, the mistakes."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from archc import syntax
from archc.elaborate.bind import Bound
from archc.elaborate.carry import Carrier
from archc.elaborate.evaluate import Decisions, Evaluator, UnknownIncoming
from archc.elaborate.link import Library
from archc.elaborate.names import Names
from archc.elaborate.work import Cancelled, Suppressed, TooLarge, WorkLimit
from archc.ops import Dims, Shape
from archc.plan import (
    BlockValue,
    Body,
    Chain,
    Devices,
    Node,
    OperatorValue,
    Scope,
    Tensor,
)
from archc.record import record
from archc.source import Diagnostics, Fault, Fix, Limits, Span, SpanLabel, fault
from archc.symbolic import Expr

_STEPS = 3  # of the way to a mistake that are shown
_ASKED = 32  # operators after which it is asked whether anybody still waits
_WORK = 20  # steps of evaluation for each operator that there may be


class LimitReached(Exception):
    """There are as many mistakes as will be shown."""


@record
class TraceEntry:
    """A call or a pass of a loop that leads to the statement at hand."""

    span: Span
    what: str  # "this call of `unit`", "pass 4 of 6"
    values: Mapping[str, Any]  # of what is another in another one

    def __str__(self) -> str:
        given = self.values.items()
        told = [f"{n} = {format_argument(v)}" for n, v in given if not isinstance(v, tuple)]
        return ", ".join((self.what, *told[:4]))

    def begins(self, span: Span) -> bool:
        """Whether it is the statement there itself."""
        return self.what.startswith("this") and (
            self.span.source is span.source and self.span.start == span.start
        )


Passes = tuple[tuple[int, int], ...]  # the loops around, outermost first, and which pass it is


@dataclass(slots=True)
class Labelled:
    """What a label stands for: its tensor, and how to run its statement again."""

    tensor: Tensor
    statement: syntax.Statement
    nodes: list[Node]  # empty for a name that is the tensor's alone
    names: Names  # as they stood before the statement
    env: ChainMap[str, Any]
    scopes: tuple[str, ...]
    passes: Passes = ()
    span: Span | None = None  # of the name itself
    hides: Labelled | None = None  # another statement's of the same name, made before
    is_alias: bool = False  # written `as name`: no module's
    is_one_of_several: bool = False  # other passes of a loop have made it, too


@dataclass(slots=True)
class Frame:
    """One body under construction."""

    library: Library
    env: ChainMap[str, Any]  # parameters and loops' names, then what the whole file has
    declared: frozenset[str]  # labels anywhere in the body, for better messages
    work: WorkLimit
    is_network: bool = False
    labels: dict[str, Labelled] = field(default_factory=dict)
    labelled: list[Labelled] = field(default_factory=list)  # all of them, in order
    made: dict[int, Labelled] = field(default_factory=dict)  # by id, nodes that may run again
    scopes: tuple[str, ...] = ()  # the groups that lead to the statement at hand
    passes: Passes = ()
    size: int = 0
    depth: int = 0
    inputs: list[Tensor] = field(default_factory=list)
    input_names: list[str] = field(default_factory=list)
    outputs: dict[str, Span] = field(default_factory=dict)
    gives: dict[str, Tensor] = field(default_factory=dict)  # the tensors of a block's outputs
    lets: dict[str, Expr | None] = field(default_factory=dict)  # what each `let` names
    decisions: Decisions = field(default_factory=Decisions)
    devices: Devices | None = None
    lookup: Callable[[syntax.Reference, Context], Labelled] | None = None
    branching: int = 0  # branches around the statement at hand
    is_cut_short: bool = False  # a loop ended with a mistake, and the labels that it makes lack
    asked: bool = False  # a statement has asked for an input that is not there

    def knows(self, names: Mapping[str, Any]) -> None:
        """From here on these names are known; what they hide may be large, and is not copied."""
        self.env = ChainMap({**self.env.maps[0], **names}, *self.env.maps[1:])

    @contextmanager
    def branch(self) -> Iterator[None]:
        self.branching += 1
        try:
            yield
        finally:
            self.branching -= 1

    @contextmanager
    def inside(self, scope: str) -> Iterator[None]:
        outer = self.scopes
        self.scopes = (*outer, scope)
        try:
            yield
        finally:
            self.scopes = outer


@record
class Context:
    """Where a statement stands: the tensor that comes in, the body, the names of its scope."""

    x: Tensor
    frame: Frame
    names: Names
    label: str | None = None
    label_span: Span | None = None

    @property
    def evaluator(self) -> Evaluator:
        frame, shape = self.frame, self.x.shape
        kind = Evaluator if shape is not None else UnknownIncoming
        return kind(frame.env, shape, frame.work, self._shape_of, frame.decisions)

    def _shape_of(self, reference: syntax.Reference) -> Shape:
        """The shape of a label's tensor. Raises Fault, and Suppressed after a mistake."""
        assert self.frame.lookup is not None
        shape = self.frame.lookup(reference, self).tensor.shape
        if shape is None:
            raise Suppressed
        return shape

    def name(self, kind: str, span: Span) -> str:
        """The module's name: its label, or else what the scope gives it."""
        if self.label is None:
            return self.names.auto(kind, span)
        self.names.place()
        return self.names.claim(self.label, self.label_span or span)

    def scope(
        self,
        kind: str,
        tree: syntax.Term,
        span: Span,
        places: bool,
        fill: Callable[[Context], Chain],
    ) -> Scope:
        """A module of its own for what `fill` makes inside; `places`: named by their place."""
        name, replay = self.name(kind, span), self.names.replay
        inner = Names(places, self.names.reserved, replay=replay)
        with self.frame.inside(name):
            chain = fill(Context(self.x, self.frame, inner))
        return Scope(name, chain, chain.output, span, tree, self.label, replay)

    def require_tensor(self, span: Span) -> None:
        """Raises Fault where the network has no input yet, Suppressed after an earlier mistake."""
        if self.x.shape is not None:
            return
        if self.frame.is_network and not self.frame.inputs and not self.frame.asked:
            self.frame.asked = True
            raise fault("A404", "there is no tensor here yet", span, _beginning(span))
        raise Suppressed


def _beginning(span: Span) -> Fix | str:
    """An input before a statement that begins a line, or its group; its size is a guess."""
    hint, source = "begin with `input 224x224 x3`", span.source
    start = source.text.rfind("\n", 0, span.start) + 1
    while source.text.count("{", 0, start) != source.text.count("}", 0, start):
        if not start:
            return hint
        start = source.text.rfind("\n", 0, start - 1) + 1
    return Fix(hint, Span(source, start, start), "input 224x224 x3\n")


@dataclass(slots=True)
class State:
    """The whole run. `chain` elaborates a sequence; the dispatcher puts it in."""

    diagnostics: Diagnostics
    limits: Limits
    trace_sizes: bool
    shared: dict[tuple[Any, ...], Body]  # bodies that no param can change
    main: Library
    chain: Callable[[syntax.Sequence, Context], Chain]
    statement: Callable[[syntax.Statement, Context, list[Node]], Tensor]
    given: Mapping[str, Dims] = field(default_factory=dict)  # shapes of inputs, by their names
    cancelled: Callable[[], bool] | None = None  # asked while it goes on
    carrier: Carrier | None = None  # of bodies of the text before
    literal: dict[tuple[str, str], tuple[int, Bound]] = field(
        default_factory=dict
    )  # by their texts
    bodies: dict[tuple[Any, ...], Body] = field(default_factory=dict)
    calls: list[tuple[BlockValue, Span]] = field(default_factory=list)
    trail: list[TraceEntry] = field(default_factory=list)  # that leads to the statement
    nesting: int = 0
    steps: int = 0
    work: WorkLimit = field(init=False)

    def __post_init__(self) -> None:
        self.work = WorkLimit(_WORK * self.limits.steps)
        if self.carrier is not None:
            self.bodies = self.carrier.made

    def count(self, frame: Frame, operators: int, span: Span) -> None:
        """Raises TooLarge where the network outgrows the limits, Cancelled where nobody waits."""
        frame.size += operators
        self.steps += 1
        if self.cancelled is not None and self.steps % _ASKED == 0 and self.cancelled():
            raise Cancelled
        if max(frame.size, self.steps) > self.limits.steps:
            title = f"the network unfolds to more than {self.limits.steps:,} operators"
            cure = "make a repeat or recursion smaller, or raise the limit with `--max-steps`"
            raise TooLarge(fault("A402", title, span, cure).diagnostic)

    def check_count(self, count: int, span: Span) -> None:
        """Raises Fault for a repeat that could only be too long."""
        if count > self.limits.steps:
            title = f"{count:,} repeats are more than the {self.limits.steps:,} operators allowed"
            cure = "make it smaller, or raise the limit with `--max-steps`"
            raise fault("A402", title, span, cure)

    @contextmanager
    def nested(self, span: Span) -> Iterator[None]:
        self.nesting += 1
        try:
            if self.nesting > self.limits.nesting * 3:
                raise fault("A401", "blocks, groups and branches are nested too deeply", span)
            yield
        finally:
            self.nesting -= 1

    def report(self, mistake: Fault, here: Context | None = None) -> None:
        """Add a diagnostic; one that hangs on what is around says in which call and pass it was,
        and what the numbers are that come in.
        """
        diagnostic = mistake.diagnostic
        if diagnostic.code.startswith(("A2", "A303", "A305", "A308", "A309")):
            told = [*self._way(diagnostic.span), *_incoming(diagnostic.span, here)]
            diagnostic = replace(diagnostic, labels=(*diagnostic.labels, *told))
        self.diagnostics.add(diagnostic)
        if self.diagnostics.full:
            raise LimitReached

    def _way(self, span: Span) -> Iterator[SpanLabel]:
        """The calls and passes that lead to a mistake: the outermost and the two nearest."""
        steps = [step for step in self.trail if not step.begins(span)]
        for step in steps if len(steps) <= _STEPS else (*steps[:1], *steps[1 - _STEPS :]):
            yield SpanLabel(step.span, f"in {step}")


def _incoming(span: Span, here: Context | None) -> Iterator[SpanLabel]:
    """What an expression at fault takes from the tensor that comes in, where that is made."""
    if here is None or here.x.shape is None:
        return
    asked = dict.fromkeys(re.findall(r"\bin\.(c|h|w|d|features)\b", span.text))
    known = {"c": here.x.shape.channels, "features": here.x.shape.features}
    known |= dict(zip("whd", reversed(here.x.shape.size), strict=False))
    told = [f"in.{name} is {known[name]} here" for name in asked if name in known]
    if told and here.x.span.start != span.start:
        yield SpanLabel(here.x.span, ", ".join(told))


def format_argument(value: Any) -> str:
    """A value of a parameter or loop's name, as a file would have it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, BlockValue | OperatorValue):
        return value.name
    return f"{value:g}" if isinstance(value, float) else str(value)
