"""From bodies back to classes: which classes a network needs, and one instance list for each.

Instances of one block become one class: a number is its own traced expression, held against all of
them, and what the class's arguments do not say is one more argument. Blocks given as arguments, and
operators that are more than an activation, make a class for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from archc import symbolic
from archc.analysis.gather import gathered
from archc.analysis.uses import Uses, uses_of
from archc.elaborate.shapes import sizes_of
from archc.emit.instances import Extra, Lane
from archc.emit.layout import Code
from archc.emit.options import Options
from archc.emit.values import NotUnifiable, module_class
from archc.ops import REGISTRY
from archc.plan import (
    Applicable,
    Apply,
    BlockValue,
    Body,
    Branches,
    Call,
    Choice,
    Loop,
    OperatorValue,
    Plan,
    Tensor,
    walk,
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A constructor argument: the variable of expressions it stands for, and its Python side."""

    variable: str
    name: str
    type: str
    default: Any = None  # None: required

    @property
    def declared(self) -> str:
        suffix = "" if self.default is None else f" = {symbolic.plain(self.default)!r}"
        return f"{self.name}: {self.type}{suffix}"


@dataclass(slots=True)
class Method:
    """A method that takes tensors, beside `forward`."""

    name: str
    inputs: list[str]
    returns: str
    lines: list[str]


@dataclass(slots=True)
class ClassModel:
    """A class, laid out: what the template prints. Lines carry their indentation."""

    name: str
    base: str
    doc: list[str]
    parameters: list[Parameter]
    init: list[str]
    forward: list[str]
    inputs: list[str]
    returns: str
    constants: list[str] = field(default_factory=list)  # of the class
    keywords: list[Code] = field(default_factory=list)  # arguments by name alone, declared
    extra: list[list[str]] = field(default_factory=list)  # `init_weights`
    methods: list[Method] = field(default_factory=list)

    @property
    def does(self) -> tuple[list[str], list[str], list[str]]:
        """Equal for classes that are the same but for their names and comments."""
        declared = [*self.constants, *(parameter.declared for parameter in self.parameters)]
        return declared, uncommented(self.init), uncommented(self.forward)


def uncommented(lines: list[str]) -> list[str]:
    """Without the shapes behind them: the only comments that there are."""
    return [line.partition("  # ")[0] for line in lines]


@dataclass(eq=False, slots=True)
class Definition:
    """A class to be: a block (None: the network) and its instances."""

    block: BlockValue | None
    name: str
    bodies: list[Body] = field(default_factory=list)
    lanes: list[Lane] = field(default_factory=list)
    parameters: list[Parameter] = field(default_factory=list)
    model: ClassModel | None = None
    open: frozenset[str] = frozenset()  # numbers that the network's params change
    own: int = 1  # so many of the instances are the network's to print, the others its variants'
    extras: dict[str, Extra] = field(default_factory=dict)
    index: dict[Body, int] = field(default_factory=dict)  # which instance a body is
    questions: dict[Choice, str] = field(default_factory=dict)  # what `forward` asks for an `if`


class Program:
    """The classes of a network and of the same network at other values of its params.

    The first plan is the one to print; the others are there so that whatever depends on a param is
    written as an expression of it.
    """

    def __init__(
        self,
        plans: list[Plan],
        taken: set[str],
        write_chain: Callable[..., Any],
        write_anonymous: Callable[..., Any],
        options: Options,
    ) -> None:
        self.plans = plans
        self.options = options
        self.write_chain = write_chain  # what writes statements stands above this module
        self.write_anonymous = write_anonymous
        self.taken = taken  # class names that are not free
        self.definitions: list[Definition] = []  # what is used before what uses it
        self._found: list[Definition] = []
        self.of_body: dict[Body, Definition] = {}
        self._uses: dict[Body, Uses] = {}
        self._stateful: dict[Body, bool] = {}
        self._by_block: dict[Any, Definition] = {}
        self._seen: dict[Any, int] = {}
        # loops of dense connections whose layers take a list of features, in all plans or in none
        self.gathered = _gathered(plans, options.checkpoint)
        self.support: dict[str, None] = {}  # helper classes that the file must carry
        self.optional_bias = False  # a bias is started that might be None to a type checker
        # modules the network owns: name -> target, extent
        self.shared: dict[str, tuple[str, int]] = {}
        self.classes: list[ClassModel] = []
        self.anonymous: list[ClassModel] = []  # of them those of combinators in a place
        self.network = Definition(None, plans[0].name)
        own: dict[int, int] = {}  # lanes of the plan to print
        for at, plan in enumerate(plans):
            self._collect(plan.body, dict(plan.params))
            if not at:
                own = {id(d): len(d.lanes) for d in self._found}
            self.network.bodies.append(plan.body)
            self.network.lanes.append(Lane(at, dict(plan.params)))
        self._order(self.network, set())
        self._reserved = frozenset(taken)
        for definition in self.definitions:
            definition.own = own.get(id(definition), 1)
            definition.open = changed(definition.lanes, definition.own)
        self._open_up()

    def start_over(self) -> None:
        """Forget what is written, but for what the classes take."""
        self.classes, self.anonymous = [], []
        self.used_early: set[Definition] = set()  # called before they were written
        self._written: set[Definition] = set()
        self.support, self.shared = {}, {}
        self.taken = {*self._reserved, *(definition.name for definition in self.definitions)}

    # --- collecting ----------------------------------------------------------------------

    def _order(self, definition: Definition, seen: set[int]) -> None:
        """Put the classes that one uses before it, and it behind them."""
        seen.add(id(definition))
        for body in definition.bodies:
            for call in calls_in(body):
                callee = self.of_body[call.body]
                if id(callee) not in seen:
                    self._order(callee, seen)
        self.definitions.append(definition)

    def _collect(self, body: Body, params: dict[str, Any]) -> None:
        for call in calls_in(body):
            child = call.body
            if child in self.of_body or child.block is None:
                continue
            definition = self._definition(child.block, child)
            self.of_body[child] = definition
            self._collect(child, params)
            if definition not in self._found:
                self._found.append(definition)
            env = instance_env(child, params)
            key = (
                id(definition),
                *sorted((k, _plain(v)) for k, v in env.items() if not isinstance(v, BlockValue)),
            )
            if key not in self._seen:
                self._seen[key] = len(definition.bodies)
                definition.bodies.append(child)
                definition.lanes.append(Lane(len(definition.lanes), env))
            definition.index[child] = self._seen[key]

    def _open_up(self) -> None:
        """Numbers that a caller works out from open ones are open too, whatever they are here."""
        waiting = [definition for definition in self.definitions if definition.open]
        while waiting:
            caller = waiting.pop()
            for body in caller.bodies:
                for node in walk(body.chain.nodes):
                    if not isinstance(node, Call):
                        continue
                    callee = self.of_body[node.body]
                    handed = _handed(node, caller.open)
                    if not handed <= callee.open:
                        callee.open |= handed
                        waiting.append(callee)

    def _definition(self, block: BlockValue, body: Body) -> Definition:
        blocks = {name: v for name, v in body.args.items() if isinstance(v, Applicable)}
        key = (id(block.tree), *map(self._kind, blocks.values()))
        found = self._by_block.get(key)
        if found is None:
            name = class_name(block.name)
            if blocks and class_name(block.name) in self.taken:
                usual = {f.name.id: f.default.span.text for f in block.tree.formals if f.default}
                unusual = [v.name for k, v in blocks.items() if usual.get(k) != v.name]
                name = "".join(map(class_name, unusual)) + name
            found = self._by_block[key] = Definition(block, self.free_name(name))
        return found

    def _kind(self, value: Applicable) -> Any:
        """Equal for blocks and operators that may be arguments of one class."""
        if self.options.factories and isinstance(value, OperatorValue) and module_class(value):
            return "module", REGISTRY[value.name].inplace
        return value.identity

    def called(self, body: Body) -> Definition:
        """The class of a body, for a call of it."""
        definition = self.of_body[body]
        if definition not in self._written:
            self.used_early.add(definition)
        return definition

    def wrote(self, definition: Definition) -> None:
        """From now on its arguments are known."""
        self._written.add(definition)

    def free_name(self, name: str) -> str:
        """A class name that nothing else has."""
        if name in self.taken:
            name = f"{name}Block"
        number, wanted = 2, name
        while name in self.taken:
            name, number = f"{wanted}{number}", number + 1
        self.taken.add(name)
        return name

    # --- splitting -----------------------------------------------------------------------

    def split(self, definition: Definition, why: NotUnifiable) -> None:
        """Several classes instead of one: by structure, or else one an instance.

        Raises `why` for the network itself, which is one class whatever its params.
        """
        if definition.block is None or len(definition.bodies) == 1:
            raise why
        groups: dict[Any, list[int]] = {}
        for at, body in enumerate(definition.bodies):
            groups.setdefault(structure(body), []).append(at)
        if len(groups) == 1:
            groups = {at: [at] for at in range(len(definition.bodies))}
        made = []
        for members in groups.values():
            name = self.free_name(self._variant_name(definition, members))
            part = Definition(definition.block, name, open=definition.open)
            part.bodies = [definition.bodies[at] for at in members]
            part.lanes = [Lane(k, definition.lanes[at].env) for k, at in enumerate(members)]
            for body, at in definition.index.items():
                if at in members:
                    self.of_body[body] = part
                    part.index[body] = members.index(at)
            made.append(part)
        at = self.definitions.index(definition)
        self.definitions[at : at + 1] = made

    def _variant_name(self, definition: Definition, members: list[int]) -> str:
        """Named after the parameters that tell it from the others."""
        envs = [definition.lanes[at].env for at in range(len(definition.bodies))]
        mine = [envs[at] for at in members]
        parts = []
        for name in definition.bodies[0].args:
            values = {env[name] for env in mine if isinstance(env.get(name), int)}
            if len(values) == 1 and len({str(env.get(name)) for env in envs}) > 1:
                parts.append(f"{name.title().replace('_', '')}{abs(values.pop())}")
        return definition.name + "".join(parts[:2])

    def note_shared(self, node: Apply) -> None:
        """Remember the module that an operator wants the network to own."""
        wanted = node.op.shared(*node.shapes)
        if wanted is not None:
            _, extent = self.shared.get(wanted.name, ("", 0))
            extent = max(extent, symbolic.plain(wanted.extent))
            self.shared[wanted.name] = (wanted.target, extent)

    def has_state(self, body: Body) -> bool:
        """Whether anything in a body has weights or buffers, calls included."""
        found = self._stateful.get(body)
        if found is None:
            found = self._stateful[body] = any(
                bool(node.state) if isinstance(node, Apply) else self.has_state(node.body)
                for node in walk(body.chain.nodes)
                if isinstance(node, Apply | Call)
            )
        return found

    def takes_factory(self, definition: Definition) -> bool:
        """Whether a class takes `device` and `dtype`: as in torch, where it holds tensors."""
        if definition.block is None:
            return self.options.device
        return self.options.device and any(map(self.has_state, definition.bodies))

    def is_recomputed(self, definition: Definition) -> bool:
        """Whether a class can compute its inside again in the backward pass."""
        wanted = self.options.checkpoint
        return definition.block is not None and definition.block.name == wanted

    def uses(self, body: Body) -> Uses:
        """Who uses which tensor of a body."""
        found = self._uses.get(body)
        if found is None:
            found = self._uses[body] = uses_of(body)
        return found


def _gathered(plans: list[Plan], block: str | None) -> frozenset[int]:
    """The ids of the loops in which layers take a list of features."""
    found = [gathered(plan, block) for plan in plans]
    return frozenset(id(loop) for loops in found for loop in loops) if all(found) else frozenset()


def calls_in(body: Body) -> Iterator[Call]:
    seen: set[int] = set()
    for node in walk(body.chain.nodes):
        if isinstance(node, Call) and id(node.body) not in seen:
            seen.add(id(node.body))
            yield node


def instance_env(body: Body, params: dict[str, Any]) -> dict[str, Any]:
    """The numbers that expressions in a body may use: its arguments, its input's sizes, params."""
    assert body.block is not None
    env = {k: symbolic.plain(v) for k, v in body.block.home.constants.items()}
    env |= {k: params[k] for k in params if k in env}
    env |= body.args
    sizes = sizes_of_inputs(body, body.inputs)
    return env | {name: symbolic.plain(number) for name, number in sizes.items()}


def sizes_of_inputs(body: Body, given: tuple[Tensor, ...]) -> dict[str, Any]:
    """The numbers `in.c`, `in.w` ..., `@skip.c` ... of a body, for these tensors."""
    found: dict[str, Any] = {}
    for name, x in body.called(given):
        assert x.shape is not None
        found |= sizes_of(name, x.shape)
    return found


def _handed(node: Call, open_: frozenset[str]) -> frozenset[str]:
    """The numbers of a call that depend on open ones of its caller."""
    given = node.args | sizes_of_inputs(node.body, node.inputs)
    traced = ((name, value) for name, value in given.items() if symbolic.is_traced(value))
    return frozenset(name for name, value in traced if value.expr.variables() & open_)


def changed(lanes: list[Lane], own: int) -> frozenset[str]:
    """The numbers that have values in later lanes that they have not in the first ones."""
    found = set()
    for name in lanes[0].env:
        known = [lane.env.get(name) for lane in lanes[:own]]
        if any(lane.env.get(name) not in known for lane in lanes[own:]):
            found.add(name)
    return frozenset(found)


def structure(body: Body) -> Any:
    """What a body unfolds to: outcomes of `if`s, counts of loops and of branches."""
    found: list[Any] = []
    for node in walk(body.chain.nodes):
        if isinstance(node, Choice):
            found.append(node.taken)
        elif isinstance(node, Loop):
            found.append(len(node.iterations))
        elif isinstance(node, Branches):
            found.append(len(node.branches))
    return tuple(found)


def _plain(value: Any) -> Any:
    return value.name if isinstance(value, OperatorValue) else value


def class_name(name: str) -> str:
    """`dense_layer` as `DenseLayer`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_") if part) or "Block"
