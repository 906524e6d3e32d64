"""`train { init he conv fan_out bias=0 }`: how weights start, as `init_weights`.

Not as `reset_parameters`: by torch's contract that starts a module's own tensors only, so whoever
calls it on each of `modules()` would undo what a network has done to its layers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from archc.elaborate.sections import Facts
from archc.emit.constructor import (
    Assign,
    ExprStatement,
    ForStatement,
    Header,
    IfStatement,
    Statement,
    lines,
)
from archc.emit.layout import Bracketed, CallArgument, Code, both, call
from archc.emit.options import ZERO_INIT, Unsuited
from archc.emit.program import Definition, Program
from archc.emit.values import literal
from archc.ops.pointwise import Scale
from archc.plan import (
    Apply,
    Body,
    Branches,
    Call,
    Chain,
    Choice,
    Loop,
    Node,
    Path,
    Plan,
    Scope,
    children,
    is_optional_residual,
    labelled,
    walk,
)
from archc.recipe import Init

_TYPES = {
    "conv": ("nn.Conv{}d", "nn.ConvTranspose{}d"),
    "fc": ("nn.Linear",),
    "bn": ("nn.BatchNorm{}d",),
}
_HEIR = re.compile(r"^[A-Z]\w*?((?:Conv|ConvTranspose)[123]d|Linear)$")
_EVERY = Header("module", "self.modules()")


@dataclass(frozen=True, slots=True)
class _Rule:
    """How modules of some torch classes start."""

    types: list[str]
    body: list[Statement]

    def statement(self, other: list[Statement]) -> Statement:
        test = call("isinstance", "module", " | ".join(self.types))
        match self.body:
            case [IfStatement(other=[]) as only]:
                return IfStatement(both(test, only.test), only.then, other)
        return IfStatement(test, self.body, other)


def _chain(rules: list[_Rule]) -> list[Statement]:
    """One `if`, or several where a module may be of two kinds: the later one holds."""
    chains: list[list[_Rule]] = []
    for rule in rules:
        known = {name for other in chains[-1:] for earlier in other for name in earlier.types}
        if not chains or not known.isdisjoint(rule.types):
            chains.append([])
        chains[-1].append(rule)
    statements: list[Statement] = []
    for chain in chains:
        other: list[Statement] = []
        for rule in reversed(chain):
            other = [rule.statement(other)]
        statements += other
    return statements


@dataclass(frozen=True, slots=True)
class Towers:
    """Attributes of the network whose class has layers that the file names."""

    names: tuple[str, ...]
    plan: Plan  # what each of them is


def initialiser(
    program: Program, plan: Plan, facts: Facts, towers: Towers | None = None
) -> list[str]:
    """The lines of `init_weights`, or none where the file asks for torch's own start.

    `plan` has what the network itself holds, beside `towers`. Raises Unsuited where the last gammas
    should be zero and no residual body ends with one.
    """
    writer, options = _InitWriter(program, plan), program.options
    general: list[_Rule] = []
    special: list[Statement] = []
    inside: list[Statement] = []
    for setting in facts.initialisations:
        if setting.labels:
            special += writer.labels(setting)
            if towers is not None:
                inside += _InitWriter(program, towers.plan, "tower").labels(setting)
        elif setting.torch() is not None or setting.bias is not None:
            general += writer.kinds(setting)
        if setting.zero_residual and not options.zero_init:
            special += writer.zero_residual()
    if options.zero_init:
        zeroed = writer.zero_residual()
        if not zeroed:
            raise Unsuited("no residual body of a block ends with a batch norm to start at zero")
        special.append(IfStatement(f"self.{ZERO_INIT}", zeroed, []))
    if inside and towers is not None:
        names = ", ".join(f"self.{name}" for name in towers.names)
        special.append(ForStatement(Header("tower", f"({names})"), inside))
    if options.device and writer.parametrized:
        raise Unsuited("torch's parametrizations (`wn`, `sn`) cannot start on another device")
    first: list[_Rule] = []
    if options.device:
        special = [*writer.own_weights(), *special]
        first = [*writer.with_more(), *writer.block_weights()]
        general = [*writer.others(facts.initialisations), *general]
    chains = [*_chain(first), *_chain(general)]
    every: list[Statement] = [ForStatement(_EVERY, chains)] if chains else []
    return list(lines([*every, *special]))


class _InitWriter:
    def __init__(self, program: Program, plan: Plan, owner: str = "self") -> None:
        self.program = program
        self.plan = plan
        self.owner = owner
        self.text = "\n".join(line for model in program.classes for line in model.init)
        # torch class -> whether it holds a bias, in each way that occurs
        self.biased: dict[str, set[bool]] = {}
        self.more: dict[str, None] = {}  # helper classes that have other tensors besides
        self.parametrized: set[str] = set()  # those that have a weight to be set, not overwritten
        for node in _applies(program):
            made, state = node.op.torch(*node.shapes), node.state
            if made is not None and state and not node.op.is_bare:
                self.biased.setdefault(_base(made.target), set()).add("bias" in state)
                if _base(made.target) != made.target and not state.keys() <= {"weight", "bias"}:
                    self.more.setdefault(made.target)
                if made.around:
                    self.parametrized.add(_base(made.target))
        for target, _ in program.shared.values():
            self.biased.setdefault(target, set()).add(True)

    def with_more(self) -> list[_Rule]:
        """A start for layers that hold more than a weight and bias, which recipes know."""
        if not self.more:
            return []
        return [_Rule(list(self.more), [ExprStatement("module.reset_parameters()")])]

    def own_weights(self) -> list[Statement]:
        """A start for the bare weights of the network itself."""
        return [
            ExprStatement(_filled(f"{self.owner}.{name}", start))
            for definition in self.program.definitions
            if definition.block is None
            for name, start in _bare_starts(definition).items()
        ]

    def block_weights(self) -> list[_Rule]:
        """A start for the bare weights of each block's class."""
        return [
            _Rule(
                [definition.name],
                [ExprStatement(_filled(f"module.{name}", x)) for name, x in starts.items()],
            )
            for definition in self.program.definitions
            if definition.block is not None and (starts := _bare_starts(definition))
        ]

    def others(self, settings: list[Init]) -> list[_Rule]:
        """torch's own start for all that the file leaves to it."""
        started = {
            name
            for setting in settings
            if not setting.labels and setting.torch() is not None
            for name in self._types(setting.kinds or ("conv", "fc"))
            if setting.bias is not None or True not in self.biased[name]
        }
        left = [name for name in self.biased if name not in started and self._has(name)]
        return [_Rule(left, [ExprStatement("module.reset_parameters()")])] if left else []

    # --- by kind -------------------------------------------------------------------------

    def kinds(self, setting: Init) -> list[_Rule]:
        """All convolutions, linears or batch norms."""
        types = self._types(setting.kinds or ("conv", "fc"))
        body = self._start("module", setting, types)
        return [_Rule(types, body)] if body else []

    def _types(self, kinds: tuple[str, ...]) -> list[str]:
        """The torch classes of these kinds that the network has, in the order of `kinds`."""
        names = [
            pattern.format(rank)
            for kind in kinds
            for pattern in _TYPES[kind]
            for rank in ((1, 2, 3) if "{}" in pattern else (0,))
        ]
        return [name for name in names if self._has(name)]

    def _has(self, name: str) -> bool:
        """Whether the network makes modules of a torch class, or of one that inherits from it."""
        heirs = (target for target in self.program.support if _base(target) == name)
        return any(f"{target}(" in self.text for target in (name, *heirs))

    # --- by label ------------------------------------------------------------------------

    def labels(self, setting: Init) -> list[Statement]:
        """Labelled operators, and what is in labelled groups."""
        found = [
            (path, node) for label in setting.labels for path, node in labelled(self.plan, label)
        ]
        single = [(path, node) for path, node in found if isinstance(node, Apply)]
        bare = [path for path, node in single if node.op.is_bare]
        single = [(path, node) for path, node in single if not node.op.is_bare]
        groups = [path for path, node in found if not isinstance(node, Apply)]
        statements: list[Statement] = []
        for path in groups:
            header = Header("module", f"{self._access(path)}.modules()")
            statements.append(
                ForStatement(header, self._checked(setting, self._types(("conv", "fc"))))
            )
        own = [(path, node) for path, node in single if len(path) == 1]
        for target in dict.fromkeys(_target(node) for _, node in own):  # each loop of one type
            alike = [(path, node) for path, node in own if _target(node) == target]
            names = [self._access(path) for path, _ in alike]
            biased = {"bias" in node.state for _, node in alike}
            if len(names) == 1:
                statements += self._start(names[0], setting, [target], biased)
            else:
                header = Header(alike[0][1].op.module_name, f"({', '.join(names)})")
                body = self._start(header.target, setting, [target], biased)
                statements.append(ForStatement(header, body))
        for path, node in single:
            if len(path) > 1:
                statements.append(Assign("module", self._access(path)))
                statements += self._checked(setting, [_target(node)])
        for path in bare:
            here = f"{self.owner}.{path[0]}"
            deep = f'{self.owner}.get_parameter("{".".join(path)}")'
            weight = _weight(here if len(path) == 1 else deep, setting)
            statements += [] if weight is None else [ExprStatement(weight)]
        return statements

    def _checked(self, setting: Init, types: list[str]) -> list[Statement]:
        """Start `module`, of which Python only knows that it is a module."""
        return _chain([_Rule(types, self._start("module", setting, types))])

    def _access(self, path: Path) -> str:
        if len(path) == 1:
            return f"{self.owner}.{path[0]}"
        return f'{self.owner}.get_submodule("{".".join(path)}")'

    # --- one module ----------------------------------------------------------------------

    def _start(
        self,
        module: str,
        setting: Init,
        types: list[str],
        biased: set[bool] | None = None,
    ) -> list[Statement]:
        """The statements that start one module's weight and bias, `biased` where it is known.

        Of several modules, some of which have no bias, each is asked for its own.
        """
        weight = _weight(f"{module}.weight", setting)
        statements: list[Statement] = [] if weight is None else [ExprStatement(weight)]
        if weight is not None and not self.parametrized.isdisjoint(types):
            statements = [Assign(f"{module}.weight", weight)]
        if setting.bias is not None:
            fill: Statement = ExprStatement(_filled(f"{module}.bias", setting.bias))
            known = biased or set().union(*(self.biased[name] for name in types))
            if False not in known:
                self.program.optional_bias |= types != ["nn.Linear"]
                return [*statements, fill]
            statements.append(IfStatement(f"{module}.bias is not None", [fill], []))
        return statements

    def zero_residual(self) -> list[Statement]:
        """The last gamma of each residual body starts at 0: each unit starts as the identity."""
        tests: list[Statement] = []
        for definition in self.program.definitions:
            for ends in _residual_ends(definition):
                added = [end for end in ends if end.is_added]
                if definition.block is None or not added or not all(e.is_bn for e in added):
                    continue
                test: Code = call("isinstance", "module", definition.name)
                if len(added) < len(ends):
                    choice = ends[0].choice
                    if choice is None or choice not in definition.questions:
                        continue
                    asked = definition.questions[choice]
                    test = both(test, asked.replace("self.", "module."))
                tests.append(IfStatement(test, _last_gamma(added[0]), []))
        return [ForStatement(_EVERY, tests)] if tests else []


@dataclass(frozen=True, slots=True)
class _ResidualEnd:
    """What a residual body ends with, in one instance of a class."""

    node: Apply | Call | Scope  # what the class has as an attribute
    choice: Choice | None  # of `residual if (test)`

    @property
    def is_added(self) -> bool:
        """Whether anything is added to it."""
        return self.choice is None or self.choice.taken

    @property
    def is_bn(self) -> bool:
        last = _last_operator(self.node)
        return last is not None and last.op.name == "bn" and "weight" in last.state


def _residual_ends(definition: Definition) -> list[list[_ResidualEnd]]:
    """The ends of the residual bodies of a class, each in all of its instances."""
    found: dict[str, list[_ResidualEnd]] = {}
    for body in definition.bodies:
        for nodes, choice in _residual_bodies(body.chain):
            node = _last(nodes)
            if isinstance(node, Apply | Call | Scope) and "." not in node.name:
                found.setdefault(node.name, []).append(_ResidualEnd(node, choice))
    return list(found.values())


def _residual_bodies(chain: Chain) -> Iterator[tuple[list[Node], Choice | None]]:
    """The bodies of `residual<body>`, and of `residual if (test) <body>` with the `if`."""
    for inner in _own_chains(chain):
        for at, node in enumerate(inner.nodes):
            if isinstance(node, Branches) and node.keyword == "residual":
                yield node.branches[0].nodes, None
            elif isinstance(node, Choice) and is_optional_residual(node):
                yield inner.nodes[:at], node


def _last(nodes: list[Node]) -> Node | None:
    """What statements end with, stochastic depth left out."""
    for node in reversed(nodes):
        is_path = isinstance(node, Apply) and node.op.survival() is not None
        if not is_path and not (isinstance(node, Choice) and _last(node.chain.nodes) is None):
            return node
    return None


def _last_operator(node: Node) -> Apply | None:
    """The operator whose module is the last in a statement's, if there is one."""
    match node:
        case Apply():
            return node
        case Call(body=Body(chain=chain)) | Scope(chain=chain) | Choice(chain=chain):
            return _last_operator(chain.nodes[-1]) if chain.nodes else None
        case _:
            return None


def _last_gamma(end: _ResidualEnd) -> list[Statement]:
    """Zero the weight of the batch norm that a residual body ends with."""
    name = end.node.name
    if isinstance(end.node, Apply):
        return [ExprStatement(call("nn.init.zeros_", f"module.{name}.weight"))]
    return [
        Assign("*_, last", f"module.{name}.modules()"),
        ExprStatement(call("nn.init.zeros_", 'last.get_parameter("weight")')),
    ]


def _applies(program: Program) -> Iterator[Apply]:
    for definition in program.definitions:
        for body in definition.bodies:
            for node in walk(body.chain.nodes):
                if isinstance(node, Apply):
                    yield node


def _target(node: Apply) -> str:
    """The torch class of an operator, as the generated file names it."""
    made = node.op.torch(*node.shapes)
    return _base(made.target) if made is not None else ""


def _base(target: str) -> str:
    """The torch class that a helper class inherits from, or the class itself: `PaddedConv2d`."""
    return _HEIR.sub(r"nn.\1", target)


def _own_chains(chain: Chain, opened: Any = Branches | Loop) -> Iterator[Chain]:
    """Where what stands is an attribute of every instance of a class: not in groups, not in `if`s.

    `opened` are the kinds of statement whose inside is the class's, too.
    """
    yield chain
    for node in chain.nodes:
        if isinstance(node, opened):
            for inner in children(node):
                yield from _own_chains(inner, opened)


def _bare_starts(definition: Definition) -> dict[str, float]:
    """What the bare weights of a class start with, by name.

    Raises Unsuited for one that not every instance has, or that starts differently in some.
    """
    starts: dict[str, float] = {}
    for body in definition.bodies:
        chains = _own_chains(body.chain, Branches)  # in a loop several have one name
        own = {node for chain in chains for node in chain.nodes}
        for node in walk(body.chain.nodes):
            if not isinstance(node, Apply) or not isinstance(node.op, Scale) or not node.op.bare:
                continue
            if node not in own or starts.setdefault(node.name, node.op.init) != node.op.init:
                raise Unsuited(f"the bare weight `{node.name}` does not start on another device")
    return starts


def _filled(target: str, value: float) -> Bracketed:
    if value == 0:
        return call("nn.init.zeros_", target)
    return call("nn.init.constant_", target, literal(value))


def _weight(target: str, setting: Init) -> Bracketed | None:
    """The call that starts a weight, or None to leave it to torch."""
    made = setting.torch()
    if made is None:
        return None
    named = [CallArgument(literal(keyword.value), keyword.name) for keyword in made.keyword]
    return call(made.target, target, *map(literal, made.positional), *named)
