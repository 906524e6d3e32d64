"""A network on several devices: a class for a tower, and one that has them exchange channels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from archc.analysis.costs import Cost
from archc.analysis.variants import variants
from archc.elaborate.sections import Facts
from archc.emit.checked import checked_module
from archc.emit.class_writer import ClassWriter
from archc.emit.constructor import lines
from archc.emit.file import Module, describe_network, new_program
from archc.emit.flow import Wire
from archc.emit.initialise import Towers, initialiser
from archc.emit.instances import Lane
from archc.emit.layout import WIDTH, Code, call, flat, lay
from archc.emit.method import print_forward
from archc.emit.options import Options, Unsuited
from archc.emit.parameters import parameters_of
from archc.emit.program import ClassModel, Definition, Method, changed
from archc.emit.render import render
from archc.emit.words import describe, listed
from archc.plan import Body, Chain, Plan, Tensor
from archc.transform.place import Placement, Unplaceable, place

PLACED = "Placed"  # the support class that exchanges channels and loads weights
_ITS_NAMES = {"devices", "TOWERS", "gather", "exchange", "from_grouped", "grouped", PLACED}
_ITS_NAMES |= {"Any", "ClassVar", "Mapping", "Self", "Sequence"}  # imported
_PARTS = {2: "half", 3: "a third", 4: "a quarter"}


def emit_placed(
    plan: Plan,
    facts: Facts,
    cost: Cost,
    again: Callable[..., Plan | None],
    templates: Path | None = None,
) -> str:
    """The source of a network whose towers live on the devices that it names.

    `again` and `templates` are as in `archc.emit.emit`. Raises `options.Unsuited` where names of
    the network, or how it starts its weights, stand in the way.
    """
    _refuse_fans(facts, len(place(plan).devices))

    def placeable(params: Mapping[str, Any], trace_sizes: bool = False) -> Plan | None:
        """The network at other params, where it can be placed."""
        found = again(params, trace_sizes)
        try:
            return found if found is not None and place(found) else None
        except Unplaceable:  # an odd number of filters, say
            return None

    module = checked_module(plan, facts, cost, placeable, Options(), _build_placed)
    return module.text if templates is None else render(module, templates)


def _build_placed(
    plan: Plan, facts: Facts, cost: Cost, placeable: Callable[..., Plan | None], options: Options
) -> Module:
    """The classes of a tower and of the network, for params that keep the operators as they are."""
    names = place(plan).names

    def alike(params: Mapping[str, Any], trace_sizes: bool = False) -> Plan | None:
        found = placeable(params, trace_sizes)
        return found if found is not None and place(found).names == names else None

    return _PlacedWriter([plan, *variants(plan, alike)], options).module(facts, cost)


def _refuse_fans(facts: Facts, count: int) -> None:
    for setting in facts.initialisations:
        if setting.goes_by_outputs:
            raise Unsuited(
                f"`init {setting.kind}` goes by how many outputs a layer has, and a tower has "
                f"{_part(count)} of them; `init normal std=...`, or `he` without fan_out, does not"
            )


def _wholes(placement: Placement) -> list[Tensor]:
    """What towers make of their parts, after each stage."""
    return [*(stage.chain.input for stage in placement.stages[1:]), placement.head.input]


@dataclass(frozen=True, slots=True)
class _Result:
    """Something that has an output, as `ClassWriter.comment` asks for."""

    output: Tensor


class _PlacedWriter:
    """Writes a tower and the network, for all values of the params at once."""

    def __init__(self, plans: list[Plan], options: Options) -> None:
        self.plans, self.placements = plans, [place(plan) for plan in plans]
        self.plan, self.placement = self.plans[0], self.placements[0]
        self.names = [f"tower{at}" for at in range(len(self.placement.devices))]
        pairs = zip(self.plans, self.placements, strict=True)
        heads = [replace(plan, body=placement.head) for plan, placement in pairs]
        self.program = new_program(heads, options)
        self.tower = self._definition(
            self.program.free_name("Tower"), [placement.tower for placement in self.placements]
        )
        self.program.definitions.insert(0, self.tower)

    def _definition(self, name: str, bodies: list[Body]) -> Definition:
        lanes = [Lane(at, dict(plan.params)) for at, plan in enumerate(self.plans)]
        return Definition(None, name, bodies, lanes, open=changed(lanes, 1))

    def module(self, facts: Facts, cost: Cost) -> Module:
        """What the template of the file prints."""
        plan, program = self.plan, self.program
        tower = self._tower()
        network = self._network(tower)
        program.classes += [tower, network]
        head = replace(plan, body=self.placement.head)
        towers = Towers(tuple(self.names), replace(plan, body=self.placement.tower))
        started = initialiser(program, head, facts, towers)
        if started:
            network.init.append("        self.init_weights()")
            network.extra.append(started)
        program.support.setdefault(PLACED)
        known = {parameter.variable for parameter in network.parameters}
        frozen = [name for name in plan.params if name not in known]
        doc = [*describe_network(plan, facts, cost, frozen), "", self._describe_towers()]
        module = Module(plan.name, doc, [tower, network], list(program.support))
        module.optional_bias = program.optional_bias
        return module

    def _describe_towers(self) -> str:
        *exchanges, last = (stage.until for stage in self.placement.stages)
        met = f"They exchange them before {listed(exchanges)}; " if exchanges else ""
        alone = len(self.placement.head.chain.nodes) == 1
        behind = "" if alone else " and what follows it"
        verb = "is" if alone else "are"
        end = f"{last}{behind} {verb} whole, on the first" if last else "The first gets all of them"
        return (
            f"On {len(self.names)} devices, each with {_part(len(self.names))} of the channels of "
            f"every layer. {met}{end}."
        )

    def _written(self, writer: ClassWriter, chains: list[Chain]) -> tuple[list[str], str]:
        """A chain's modules go to the writer's constructor; its steps, and what they return."""
        wire = Wire("x", var="x")
        writer.alias([chain.input for chain in chains], wire)
        steps, out = writer.chain(chains, writer.definition.lanes, wire, writer.root)
        forward, returns = print_forward(writer, steps, out, [wire])
        return [f"        {line}" for line in forward], returns

    # --- the tower -----------------------------------------------------------------------

    def _tower(self) -> ClassModel:
        """Its modules, and a method for what it does from one exchange to the next."""
        writer, methods = ClassWriter(self.program, self.tower), []
        for at, stage in enumerate(self.placement.stages):
            chains = [placement.stages[at].chain for placement in self.placements]
            body, returns = self._written(writer, chains)
            methods.append(Method(_until(stage.until), ["x"], returns, body))
        self._refuse(method.name for method in methods if method.name in writer.attributes)
        parameters = [replace(parameter, default=None) for parameter in parameters_of(writer)]
        doc = [f"What a device has: {_part(len(self.names))} of the channels of every layer."]
        init = ["        super().__init__()", *lines(writer.root.body)]
        name = self.tower.name
        return ClassModel(name, "nn.Module", doc, parameters, init, [], [], "", methods=methods)

    # --- the network ---------------------------------------------------------------------

    def _network(self, tower: ClassModel) -> ClassModel:
        """The towers, and what is whole; `forward` has the towers exchange their channels."""
        definition = self.program.network
        writer = ClassWriter(self.program, definition)
        forward, returns = self._written(writer, [body.chain for body in definition.bodies])
        writer.exprs.used |= {parameter.variable for parameter in tower.parameters}
        parameters = parameters_of(writer)
        taken = {*writer.attributes, *(p.name for p in parameters), self.plan.name}
        self._refuse(name for name in (*_ITS_NAMES, *self.names) if name in taken)
        made = call(tower.name, *(parameter.name for parameter in tower.parameters))
        init = ["        super().__init__(devices)"]
        for at, name in enumerate(self.names):
            init.append(f"        with self.devices[{at}]:")
            init += lay(f"self.{name} = ", made, "", 12)
        if writer.root.body:
            init += ["        with self.devices[0]:", *lines(writer.root.body, 12)]
        whole = self._definition(self.plan.name, [plan.body for plan in self.plans])
        model = ClassModel(
            self.plan.name,
            PLACED,
            describe(ClassWriter(self.program, whole)),
            parameters,
            init,
            [*self._meetings(writer), *forward],
            ["x"],
            returns,
        )
        model.constants = lay("", _texts("TOWERS = ", self.names, 4), "", 4)
        head = "devices: Sequence[torch.device | str] = "
        model.keywords = [_texts(head, self.placement.devices, 9)]
        return model

    def _meetings(self, writer: ClassWriter) -> list[str]:
        """The lines of `forward` up to where all channels are on the first device."""
        xs = [f"x{at}" for at in range(len(self.names))]
        every = ", ".join(xs)
        copies = "x.to(device, non_blocking=True) for device in self.devices"
        found = lay(f"{every} = ", call("", copies), "", 8)
        *others, last = self.placement.stages
        steps = [*((stage, every, "exchange") for stage in others), (last, "x", "gather")]
        after = zip(*(_wholes(placement) for placement in self.placements), strict=True)
        for (stage, target, method), wholes in zip(steps, after, strict=True):
            for tower, x in zip(self.names, xs, strict=True):
                found.append(f"        {x} = self.{tower}.{_until(stage.until)}({x})")
            found += lay(f"{target} = ", call(f"self.{method}", *xs), "", 8)
            comment = writer.comment(list(map(_Result, wholes)), writer.definition.lanes)
            if comment and len(found[-1]) + len(comment) + 4 <= WIDTH:
                found[-1] += f"  # {comment}"
        return found

    def _refuse(self, taken: Iterable[str]) -> None:
        """Raises Unsuited for a name that is taken."""
        for name in sorted(taken):
            raise Unsuited(f"`{name}` is a name that a placed network has for itself: rename it")


def _texts(head: str, texts: Iterable[str], indent: int) -> Code:
    """`head("a", "b")`: on one line, or one a line."""
    items = call(head, *(f'"{text}"' for text in texts))
    return items if indent + len(flat(items)) <= WIDTH else replace(items, rows=True)


def _until(layer: str) -> str:
    """The method that does what comes before a layer."""
    return f"until_{layer or 'the_end'}"


def _part(count: int) -> str:
    return _PARTS.get(count, f"1/{count}")
