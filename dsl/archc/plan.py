"""The elaborated network: what a file unfolds to, with every number and shape known.

A `Body` is one instance of a block (or the whole network): the same block with the same arguments
on the same input shape is elaborated once and shared, so cost grows with what is written and not
with what it unfolds to. Inside a body, `Chain`s of nodes mirror the statements that made
them; `archc.analysis.unroll` goes through all of it as it runs.

Numbers in a body are traced (`archc.symbolic`) in terms of the body's own parameters and `in.c`,
`in.h` ... of its input; those in a `Call` in terms of the caller's.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from archc import symbolic, syntax
from archc.ops import Dims, Op, Shape
from archc.record import record
from archc.source import Span
from archc.symbolic import Expr
from archc.syntax.writing import format_text


@dataclass(eq=False, slots=True)
class Tensor:
    """A value inside one body. Its shape is None after a mistake: what follows stays quiet."""

    shape: Shape | None
    span: Span  # the statement that made it
    origin: Tensor | None = None  # the same tensor, its numbers traced in other terms
    name: str | None = None  # `as c3`: what the user calls it; of the root

    @property
    def root(self) -> Tensor:
        found = self
        while found.origin is not None:
            found = found.origin
        return found

    @property
    def channels(self) -> Any:
        """Traced."""
        assert self.shape is not None, "a tensor after a mistake has no shape"
        return self.shape.channels

    @property
    def columns(self) -> tuple[Shape, ...]:
        """Its shape in plain numbers; of a bundle, that of each column."""
        assert self.shape is not None, "a tensor after a mistake has no shape"
        single = Shape(int(self.shape.channels), tuple(map(int, self.shape.size)))
        return (single,) * (self.shape.columns or 1)


@dataclass(eq=False, slots=True)
class Chain:
    """Statements in a row, elaborated."""

    nodes: list[Node]
    input: Tensor
    output: Tensor


@dataclass(eq=False, slots=True)
class Apply:
    """An operator on tensors. `again` where it runs an earlier module with the same weights."""

    name: str
    op: Op
    inputs: tuple[Tensor, ...]
    output: Tensor
    span: Span
    label: str | None = None  # written by the user
    again: bool = False
    given: str | None = None  # the parameter or loop's name that stood for the operator
    also: str = ""  # `right` in `right: reuse left`: what the user calls this run

    @property
    def shapes(self) -> tuple[Shape, ...]:
        return tuple([x.shape for x in self.inputs if x.shape is not None])

    @property
    def sizes(self) -> tuple[Tensor, ...]:
        """Those of its inputs that give it their size and no data: `to=@x`."""
        return () if self.op.category == "merge" else self.inputs[1:]

    @property
    def state(self) -> dict[str, Dims]:
        """Its weights and buffers, by torch's names."""
        return self.op.weights(*self.shapes) | self.op.buffers(*self.shapes)


@dataclass(eq=False, slots=True)
class Call:
    """A block on a tensor. `args` are the values of its parameters, traced in the caller.

    `tensors` are those of its parameters that are tensors, `traces` the expressions of those that
    cannot be traced: what is true or false, operators.
    """

    name: str
    body: Body
    args: dict[str, Any]
    input: Tensor
    output: Tensor
    span: Span
    label: str | None = None
    again: bool = False
    traces: dict[str, Expr | None] = field(default_factory=dict)
    tensors: tuple[Tensor, ...] = ()
    gives: dict[str, Tensor] = field(default_factory=dict)  # the block's `output`s, by name
    also: str = ""  # as an operator's

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """What comes in, and the tensors that are handed over."""
        return (self.input, *self.tensors)

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """What comes out, and the block's further outputs."""
        return (self.output, *self.gives.values())


@dataclass(eq=False, slots=True)
class Branches:
    """A combinator: branches side by side, then `merge`. The keyword says which."""

    keyword: str  # residual, dense, concat, add, ...
    branches: list[Chain]
    merge: Apply
    input: Tensor
    output: Tensor
    span: Span


@dataclass(eq=False, slots=True)
class Choice:
    """An `if`: the arm that was taken, an empty one where there is none, and under what test."""

    tree: syntax.If
    test: Expr | None  # of the first `if`; None where it cannot be expressed
    taken: bool  # the test's outcome
    chain: Chain
    output: Tensor
    span: Span


@dataclass(eq=False, slots=True)
class Loop:
    """A `for` or a repeat: one chain an iteration, with what the loop's names stood for."""

    tree: syntax.For | syntax.Statement
    names: tuple[str, ...]
    values: list[tuple[Any, ...]]
    start: Expr | None  # of a counting loop, None for a list or a repeat
    count: Expr  # how many iterations
    items: Expr | None  # of a loop over a list
    iterations: list[Chain]
    output: Tensor
    span: Span


@dataclass(eq=False, slots=True)
class Scope:
    """A named container of modules: a group, a labelled repeat, a combinator in a place."""

    name: str
    chain: Chain
    output: Tensor
    span: Span
    tree: syntax.Term
    label: str | None = None
    again: bool = False
    also: str = ""  # as an operator's

    @property
    def is_combinator(self) -> bool:
        """A combinator that stands in a group: a module of its own, without a block's name."""
        nodes = self.chain.nodes
        is_combinator = bool(nodes) and isinstance(nodes[-1], Branches | Choice)
        return isinstance(self.tree, syntax.Operation) and is_combinator


@dataclass(eq=False, slots=True)
class Reused:
    """`reuse label`: the statement's modules once more; `scopes` lead to them in this body."""

    scopes: tuple[str, ...]
    chain: Chain
    output: Tensor
    span: Span


@dataclass(eq=False, slots=True)
class Ref:
    """`@label`: go on from that tensor."""

    output: Tensor
    span: Span


@dataclass(eq=False, slots=True)
class AuxHead:
    """A side classifier: `chain` leaves the main path, which passes unchanged."""

    name: str
    weight: float
    chain: Chain
    output: Tensor  # the main path
    span: Span


@dataclass(eq=False, slots=True)
class Output:
    """`output name`: the tensor here is an output of the network, or one more of a block."""

    name: str
    output: Tensor
    span: Span


Node = Apply | Call | Branches | Choice | Loop | Scope | Reused | Ref | AuxHead | Output


@record
class BlockValue:
    """A block as a value: its definition and the file it stands in."""

    tree: syntax.Block
    home: Any = field(compare=False, repr=False)  # linking.Library

    def __str__(self) -> str:
        return self.name

    @property
    def places(self) -> bool:
        """Written with `sequence`: named by place."""
        return self.tree.places

    @property
    def name(self) -> str:
        return self.tree.name.id

    @property
    def identity(self) -> Hashable:
        """Equal where two values are the same definition."""
        return id(self.tree)


@record
class OperatorValue:
    """An operator as a value: an argument of a block, which applies it."""

    name: str

    def __str__(self) -> str:
        return self.name

    @property
    def identity(self) -> Hashable:
        return self.name


Applicable = BlockValue | OperatorValue


@record
class Devices:
    """`devices "cuda:0" "cuda:1"`: each may have an equal part of the channels of every layer."""

    names: tuple[str, ...]
    span: Span


@record
class Decision:
    """What a test in an expression came to: `act=gelu if in.c > 4 else relu`, `blocks[n]`.

    `test` is None where the body's numbers cannot express it.
    """

    span: Span
    outcome: Hashable
    test: Expr | None


@dataclass(eq=False, slots=True)
class Body:
    """One instance of a block, or the network itself (`block` is None)."""

    block: BlockValue | None
    name: str
    args: dict[str, Any]  # plain values; blocks and operators as Applicable
    inputs: tuple[Tensor, ...]
    chain: Chain
    size: int  # operators when unfolded
    depth: int  # block calls inside each other
    input_names: tuple[str, ...] = ()
    devices: Devices | None = None  # of the network
    gives: dict[str, Tensor] = field(default_factory=dict)  # a block's `output`s, by name
    lets: dict[str, Expr | None] = field(default_factory=dict)  # what each `let` in it names
    decisions: list[Decision] = field(default_factory=list)  # of its expressions

    @property
    def input(self) -> Tensor:
        return self.inputs[0]

    @property
    def output(self) -> Tensor:
        return self.chain.output

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """What a block's call gets, or a network's user."""
        if self.block is None:
            return tuple(tensor for _, tensor in outputs(self))
        return (self.output, *self.gives.values())

    @property
    def entering(self) -> dict[str, Shape | None]:
        """The shapes of a block's tensors: `in`, and those that are handed over."""
        names = ("in", *self.input_names[1:])
        return {name: x.shape for name, x in zip(names, self.inputs, strict=True)}

    def called(self, given: tuple[Tensor, ...]) -> Iterator[tuple[str, Tensor]]:
        """The inputs as a block's expressions have them, `in` and `@skip`: those of a call."""
        names = ("in", *(f"@{name}" for name in self.input_names[1:]))
        yield from zip(names, given, strict=True)


@dataclass(eq=False, slots=True)
class Plan:
    """A whole network: its body, its parameters and what its sections say."""

    name: str
    title: str | None
    params: dict[str, Any]
    body: Body
    file: syntax.File
    given: Mapping[str, Any] = field(default_factory=dict)  # params that are set from outside
    _bodies: tuple[Body, ...] = field(default=(), init=False)

    @property
    def heading(self) -> str:
        """Its name, and the params that are set: `ResNet width=16`."""
        return " ".join([self.name, *format_params(self.given)])

    @property
    def arguments(self) -> dict[str, Any]:
        """The value of each param, in plain numbers and names."""
        return {name: plain_value(value) for name, value in self.params.items()}


def format_params(given: Mapping[str, Any]) -> list[str]:
    """Return `width=16` for each param that is set; a text that is no word is in quotes."""
    return [f"{name}={_format_given(value)}" for name, value in given.items()]


def _format_given(value: Any) -> str:
    if isinstance(value, tuple | list):
        return f"[{','.join(map(_format_given, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value.name if isinstance(value, Applicable) else value)
    if _WORD.fullmatch(text):
        return text
    quoted = format_text(text)
    return "".join(char if char.isprintable() else "\ufffd" for char in quoted)


_WORD = re.compile(r"[\w.:/+*%@=-]+")


def plain_value(given: Any) -> Any:
    """Return an argument of a block or network in plain numbers and names."""
    if isinstance(given, tuple):
        return [plain_value(item) for item in given]
    return given.name if isinstance(given, Applicable) else symbolic.plain(given)


def children(node: Node) -> Iterator[Chain]:
    """The chains inside a node, in source order (a call's body is not inside)."""
    match node:
        case Branches():
            yield from node.branches
        case Choice() | Scope() | Reused() | AuxHead():
            yield node.chain
        case Loop():
            yield from node.iterations


def walk(nodes: list[Node]) -> Iterator[Node]:
    """Every node, depth first in execution order, merges after their branches."""
    for node in nodes:
        yield node
        if isinstance(node, Apply | Call | Ref | Output):
            continue  # most are: nothing is in them
        for inner in children(node):
            yield from walk(inner.nodes)
        if isinstance(node, Branches):
            yield node.merge


def bodies(plan: Plan) -> tuple[Body, ...]:
    """The network's body, and those of all blocks that are called, each once."""
    if not plan._bodies:
        plan._bodies = tuple(_find_bodies(plan.body))
    return plan._bodies


def _find_bodies(first: Body) -> list[Body]:
    found, seen = [first], {first}
    for body in found:  # it grows
        for call in calls(body.chain.nodes):
            if call.body not in seen:
                seen.add(call.body)
                found.append(call.body)
    return found


def calls(nodes: list[Node]) -> list[Call]:
    """The block calls among nodes and in them, as `walk` finds them, in a third of its time."""
    found: list[Call] = []
    _find_calls(nodes, found)
    return found


def _find_calls(nodes: list[Node], found: list[Call]) -> None:
    for node in nodes:
        if isinstance(node, Call):
            found.append(node)
        elif not isinstance(node, Apply | Ref | Output):
            for inner in children(node):
                _find_calls(inner.nodes, found)


def is_optional_residual(choice: Choice) -> bool:
    """Whether an `if` is that of `residual if (test) <body>`, whose body stands before it."""
    first, *more = choice.tree.then.statements
    return (
        not more and isinstance(first.term, syntax.Operation) and first.term.condition is not None
    )


Path = tuple[str, ...]


def labelled(plan: Plan, label: str) -> list[tuple[Path, Apply | Call | Scope]]:
    """The network's modules of that label, with the names that lead to each (blocks excepted)."""
    found: list[tuple[Path, Apply | Call | Scope]] = []
    stack: list[tuple[Path, Node]] = [((), node) for node in reversed(plan.body.chain.nodes)]
    while stack:
        path, node = stack.pop()
        if isinstance(node, Apply | Call | Scope) and node.label == label:
            found.append(((*path, node.name), node))
        inner = (*path, node.name) if isinstance(node, Scope) else path
        stack += [(inner, n) for chain in children(node) for n in reversed(chain.nodes)]
    return found


def outputs(body: Body) -> list[tuple[str, Tensor]]:
    """The network's outputs, in order: its `output` marks, or else the last tensor."""
    return named_outputs(body) or [("output", body.output)]


def named_outputs(body: Body) -> list[tuple[str, Tensor]]:
    """The network's `output` marks, in order."""
    return [(node.name, node.output) for node in walk(body.chain.nodes) if isinstance(node, Output)]


def side_outputs(body: Body) -> list[AuxHead]:
    """The auxiliary heads, in order."""
    return [node for node in walk(body.chain.nodes) if isinstance(node, AuxHead)]


class Runs:
    """Keys of what runs: its path, with `#2` behind it where the same runs once more."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def key(self, path: str) -> str:
        self._seen[path] += 1
        return path if self._seen[path] == 1 else f"{path}#{self._seen[path]}"
