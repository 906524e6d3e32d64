"""A plan as it runs: bodies, groups, repeats and calls unrolled, and the tensors in between.

`BodyWalk` is the order in which statements run; the table reads a body by it. `Unroller` follows
the calls as well, and says what each operator is called there and which tensors it takes: the
schedule is one. `unroll` keeps all of it as a `Run`, which graph and explain read.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import Generic, Self, TypeVar

from archc.ops import Op, Shape
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
    side_outputs,
)

Value = int  # the number of a tensor, in the order in which they are made


@dataclass(slots=True)
class ScopePlace:
    """Where a walk is: which groups of a body it is in."""

    scopes: tuple[str, ...] = ()
    training_only: bool = False  # in an auxiliary head

    def within(self, scopes: tuple[str, ...]) -> Self:
        """Return the place in these groups of the same body."""
        return replace(self, scopes=scopes)


P = TypeVar("P", bound=ScopePlace)


class BodyWalk(ABC, Generic[P]):
    """Goes through statements in the order in which they run."""

    @abstractmethod
    def apply(self, node: Apply, place: P) -> None:
        """Take an operator."""

    @abstractmethod
    def call(self, node: Call, place: P) -> None:
        """Take a block call, without or with what is in it."""

    def chain(self, chain: Chain, place: P) -> None:
        for node in chain.nodes:
            match node:
                case Apply():
                    self.apply(node, place)
                case Call():
                    self.call(node, place)
                case Scope():
                    self.group(node, place)
                case Reused():
                    self.chain(node.chain, place.within(node.scopes))
                case Branches():
                    self.branches(node, place)
                case Choice():
                    self.chain(node.chain, place)
                case Loop():
                    self.loop(node, place)
                case AuxHead():
                    self.aux_head(node, place)

    def group(self, node: Scope, place: P) -> None:
        self.chain(node.chain, place.within((*place.scopes, node.name)))

    def branches(self, node: Branches, place: P) -> None:
        for branch in node.branches:
            self.chain(branch, place)
        self.apply(node.merge, place)

    def loop(self, node: Loop, place: P) -> None:
        for iteration in node.iterations:
            self.chain(iteration, place)

    def aux_head(self, node: AuxHead, place: P) -> None:
        self.chain(node.chain, replace(place, training_only=True))


@dataclass(frozen=True, slots=True)
class Enclosing:
    """A block call or a group around an operator; `body` only for a block call."""

    name: str
    body: Body | None = None

    @property
    def block(self) -> str | None:
        """The block's name, or None for a group."""
        return self.body.name if self.body is not None else None


@dataclass(slots=True)
class BodyPlace(ScopePlace):
    """Where an unroller is: a body that runs."""

    body: Body = field(kw_only=True)
    tensors: dict[Tensor, tuple[Value, ...]] = field(kw_only=True)  # several for a bundle
    path: tuple[Enclosing, ...] = ()  # of the body
    prefix: str = ""  # of its modules

    def module(self, name: str) -> str:
        """Return the path of a module that stands here."""
        return self.prefix + ".".join((*self.scopes, name))

    @property
    def around(self) -> tuple[Enclosing, ...]:
        """The calls and groups around what stands here, outermost first."""
        return (*self.path, *map(Enclosing, self.scopes))


B = TypeVar("B", bound=BodyPlace)


class Unroller(BodyWalk[B]):
    """Goes through a network as it runs, into each call, and numbers its tensors."""

    def __init__(self) -> None:
        self.shapes: list[Shape] = []  # of each value
        self._runs = Runs()

    @abstractmethod
    def step(self, node: Apply, values: tuple[Value, ...], place: B) -> Value:
        """Take an operator that computes something of these values, and return what it makes."""

    @abstractmethod
    def entered(self, call: Call, given: list[tuple[Value, ...]], place: B) -> B:
        """Return the start of a called body; `given` are the values of each of its inputs."""

    def value(self, shape: Shape) -> Value:
        """Number one more tensor."""
        self.shapes.append(shape)
        return len(self.shapes) - 1

    def enter_network(self, body: Body) -> dict[Tensor, tuple[Value, ...]]:
        """Number the tensors that the network is given."""
        return {tensor.root: (self.value(tensor.columns[0]),) for tensor in body.inputs}

    def key(self, module: str) -> str:
        """Name one more run of a module."""
        return self._runs.key(module)

    def made(self, node: Apply | Call, values: tuple[Value, ...], place: B) -> None:
        """Remember what an operator or a call made."""
        place.tensors[node.output.root] = values

    def apply(self, node: Apply, place: B) -> None:
        values = tuple(v for tensor in node.inputs for v in place.tensors[tensor.root])
        shape = node.output.shape
        if shape is not None and shape.columns:  # a bundle: nothing is computed
            place.tensors[node.output.root] = values
        else:
            self.made(node, (self.step(node, values, place),), place)

    def call(self, node: Call, place: B) -> None:
        self.enter(node, [place.tensors[x.root] for x in node.inputs], place)

    def enter(self, call: Call, given: list[tuple[Value, ...]], place: B) -> B:
        """Go through a called body, and return where that was."""
        inside = self.entered(call, given, place)
        self.chain(call.body.chain, inside)
        self.made(call, inside.tensors[call.body.output.root], place)
        for made, x in zip(call.body.outputs[1:], call.outputs[1:], strict=True):
            place.tensors[x.root] = inside.tensors[made.root]
        return inside


def entering(body: Body, given: list[tuple[Value, ...]]) -> dict[Tensor, tuple[Value, ...]]:
    """The values that a called body begins with, by its own tensors."""
    return {x.root: values for x, values in zip(body.inputs, given, strict=True)}


# --- a run -------------------------------------------------------------------------------


@dataclass(slots=True)
class OperatorStep:
    """An operator where it runs."""

    key: str  # the path in the module tree; `#2` where the same module runs again
    module: str
    apply: Apply
    inputs: tuple[Value, ...]
    output: Value

    @property
    def op(self) -> Op:
        return self.apply.op


@dataclass(slots=True)
class PlacedStep(OperatorStep):
    """An operator where it runs, and where that is."""

    place: BodyPlace


@dataclass(frozen=True, slots=True)
class Run:
    """What a network does on one input, auxiliary heads included, in execution order."""

    steps: list[PlacedStep]
    shapes: list[Shape]  # of each value
    inputs: list[tuple[str, Value]]
    outputs: list[tuple[str, Value]]
    side_outputs: list[tuple[str, Value]]  # of auxiliary heads


def unroll(plan: Plan) -> Run:
    """Unroll a plan without mistakes. Linear in the number of operators."""
    return _Recorder().run(plan.body)


class _Recorder(Unroller[BodyPlace]):
    def __init__(self) -> None:
        super().__init__()
        self.steps: list[PlacedStep] = []

    def run(self, body: Body) -> Run:
        tensors = self.enter_network(body)
        given = [
            (name, tensors[x.root][0])
            for name, x in zip(body.input_names, body.inputs, strict=True)
        ]
        self.chain(body.chain, BodyPlace(body=body, tensors=tensors))
        return Run(
            self.steps,
            self.shapes,
            given,
            [(name, tensors[tensor.root][0]) for name, tensor in outputs(body)],
            [(aux.name, tensors[aux.chain.output.root][0]) for aux in side_outputs(body)],
        )

    def step(self, node: Apply, values: tuple[Value, ...], place: BodyPlace) -> Value:
        module = place.module(node.name)
        output = self.value(node.output.columns[0])
        self.steps.append(PlacedStep(self.key(module), module, node, values, output, place))
        return output

    def entered(self, call: Call, given: list[tuple[Value, ...]], place: BodyPlace) -> BodyPlace:
        return BodyPlace(
            body=call.body,
            tensors=entering(call.body, given),
            path=(*place.around, Enclosing(call.name, call.body)),
            prefix=f"{place.module(call.name)}.",
            training_only=place.training_only,
        )
