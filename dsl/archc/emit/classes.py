"""A definition to a class: parameters, constructor, forward, docstring."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archc import symbolic, syntax
from archc.emit.constants import constants
from archc.emit.flow import Do, Repeat, Step, Wire
from archc.emit.lanes import Inexpressible, Lane
from archc.emit.layout import Code, call
from archc.emit.loops import reaches_out
from archc.emit.method import FEATURES, print_forward
from archc.emit.modules import FACTORY
from archc.emit.options import DEVICE, DTYPE, RECOMPUTED
from archc.emit.parameters import anonymous_parameters, parameters_of
from archc.emit.program import ClassModel, Definition, Program, class_name, uncommented
from archc.emit.scribe import NotAChain, Scribe
from archc.emit.sequential import sequential_class
from archc.emit.site import Assign, For, Site, lines
from archc.emit.site import Do as Effect
from archc.emit.words import describe
from archc.plan import Loop, Scope

_FACTORY = '{"device": device, "dtype": dtype}'
FACTORY_KEYWORDS = (
    f"{DEVICE}: torch.device | str | None = None",
    f"{DTYPE}: torch.dtype | None = None",
)


def build_class(program: Program, definition: Definition) -> ClassModel:
    """Write one class. Raises Inexpressible where its instances do not go into one."""
    for _ in range(6):  # a block that calls itself: until its parameters are settled
        scribe = Scribe(program, definition)
        model = _row(scribe) or _module(Scribe(program, definition))
        if model.parameters == definition.parameters:
            return model
        definition.parameters = model.parameters
    raise Inexpressible("a recursion whose parameters do not settle")


def _row(scribe: Scribe) -> ClassModel | None:
    """A `sequence`, or a block that is nothing but loops over modules: an nn.Sequential."""
    definition = scribe.definition
    chains = [body.chain for body in definition.bodies]
    only_loops = all(isinstance(node, Loop) for chain in chains for node in chain.nodes)
    if definition.block is None or not (definition.block.places or only_loops):
        return None
    scribe.row_ends |= {chain.output.root for chain in chains}
    try:
        sequential_class(scribe, chains, definition.lanes, scribe.root)
    except NotAChain:
        return None
    return _model(scribe, "nn.Sequential", [], ["x"], "Tensor")


def _module(scribe: Scribe) -> ClassModel:
    definition = scribe.definition
    inputs = _inputs(scribe)
    names = [wire.var or "x" for wire in inputs]
    chains = [body.chain for body in definition.bodies]
    steps, out = scribe.chain(chains, definition.lanes, inputs[-1], scribe.root)
    _over_children(steps, scribe.root)
    forward, returns = print_forward(scribe, steps, out, inputs)
    if scribe.takes_features:
        names = [f"*{FEATURES}"]
    return _model(scribe, "nn.Module", forward, names, returns)


def _inputs(scribe: Scribe) -> list[Wire]:
    """A wire for each input, held by a variable of its name."""
    bodies = scribe.definition.bodies
    wires = []
    for at, name in enumerate(bodies[0].input_names or ("x",)):
        shape = bodies[0].inputs[at].shape
        wire = Wire(name, bundle=shape is not None and shape.columns > 0, var=name)
        scribe.alias([body.inputs[at] for body in bodies], wire)
        wires.append(wire)
    return wires


def _model(
    scribe: Scribe, base: str, forward: list[str], inputs: list[str], returns: str
) -> ClassModel:
    body = [f"        {line}" for line in forward]
    name, parameters = scribe.definition.name, parameters_of(scribe)
    model = ClassModel(name, base, describe(scribe), parameters, [], body, inputs, returns)
    _construct(scribe, model, scribe.program.takes_factory(scribe.definition))
    if scribe.program.options.deployment is not None:
        model.constants += constants(scribe.program.options.deployment, scribe.definition)
    if scribe.program.is_recomputed(scribe.definition):
        model.base = RECOMPUTED if base == "nn.Module" else f"{RECOMPUTED}, {base}"
        scribe.program.support.setdefault(RECOMPUTED)
    return model


def _construct(scribe: Scribe, model: ClassModel, factory: bool) -> None:
    """Fill in the constructor; `factory` where it takes a device and a dtype."""
    init = list(lines(scribe.root.body))
    start = ["        super().__init__()"] if model.base == "nn.Module" else []
    if factory:
        model.keywords += FACTORY_KEYWORDS
        if any(FACTORY in line for line in init):
            start.append(f"        {FACTORY.strip('*')}: dict[str, Any] = {_FACTORY}")
    model.init += [*start, *init]


def _over_children(steps: list[Step], site: Site) -> None:
    """A class that is one loop over its submodules: `for layer in self.children()`."""
    match steps, site.body:
        case [Repeat() as loop], [For(body=[Effect()]), *kept]:
            pass
        case _:
            return
    if any(not isinstance(step, Do) for step in loop.body) or len(kept) > 1:
        return
    accesses = {text[: text.index(")") + 1] for text in _called_by_name(loop.body)}
    if len(accesses) != 1 or not isinstance(kept[0] if kept else Assign("", ""), Assign):
        return
    access = accesses.pop()
    for step in loop.body:
        if isinstance(step, Do):
            step.write = _replaced(step.write, access)
    del site.body[1:]
    loop.header = "for layer in self.children():"


def _called_by_name(steps: list[Step]) -> list[str]:
    texts = [step.write(*("x" for _ in step.ins)) for step in steps if isinstance(step, Do)]
    return [text for text in texts if text.startswith("getattr(self, ")]


def _replaced(write: Callable[..., str], access: str) -> Callable[..., str]:
    return lambda *xs: write(*xs).replace(access, "layer")


# --- combinators in a place --------------------------------------------------------------


def write_anonymous(parent: Scribe, nodes: list[Scope], lanes: list[Lane]) -> Code:
    """The constructor call of a combinator that stands in a group; its class, if it is new."""
    program, tree = parent.program, nodes[0].tree
    assert isinstance(tree, syntax.Operation)
    for node, lane in zip(nodes, lanes, strict=True):
        chain, uses = node.chain, parent.uses[lane.instance]
        if reaches_out(chain.nodes, chain.input.root, chain.output.root, uses):
            raise NotAChain("a combinator whose labels are used outside of it")
    model = _anonymous(parent, nodes, lanes)
    same = (earlier for earlier in program.anonymous if earlier.does == model.does)
    known = next(same, None)
    if known is None:
        model.name = program.free_name(class_name(nodes[0].label or tree.name.id))
        model.doc = [f"The `{tree.name.id}` in {parent.definition.name}."]
        program.anonymous.append(model)
        program.classes.append(model)
        known = model
    elif (known.init, known.forward) != (model.init, model.forward):  # at another size
        known.init, known.forward = uncommented(known.init), uncommented(known.forward)
    items = [
        parent.writer.value(_handed(parameter.variable, nodes, lanes), lanes)
        for parameter in model.parameters
    ]
    return call(known.name, *items, *([FACTORY] if model.keywords else []))


def _handed(name: str, nodes: list[Scope], lanes: list[Lane]) -> list[Any]:
    """What each lane gives a combinator in a place for one of its arguments."""
    if name == "#in":
        return [node.chain.input.channels for node in nodes]
    return [symbolic.traced(lane.env[name], symbolic.var(name)) for lane in lanes]


def _anonymous(parent: Scribe, nodes: list[Scope], lanes: list[Lane]) -> ClassModel:
    around = parent.definition
    lanes = [_inside(node, lane) for node, lane in zip(nodes, lanes, strict=True)]
    definition = Definition(around.block, around.name, around.bodies, lanes, open=around.open)
    scribe = Scribe(parent.program, definition)
    scribe.writer.entered = True
    wire = Wire("x", var="x")
    chains = [node.chain for node in nodes]
    scribe.alias([chain.input for chain in chains], wire)
    steps, out = scribe.chain(chains, lanes, wire, scribe.root)
    forward, returns = print_forward(scribe, steps, out, [wire])
    body = [f"        {line}" for line in forward]
    parameters = anonymous_parameters(scribe, lanes)
    model = ClassModel("", "nn.Module", [], parameters, [], body, ["x"], returns)
    _construct(scribe, model, any(FACTORY in line for line in lines(scribe.root.body)))
    return model


def _inside(node: Scope, lane: Lane) -> Lane:
    """A lane of a combinator in a place: the channels that come in are those of its own input."""
    env = {name: value for name, value in lane.env.items() if name != "in.c"}
    return Lane(lane.instance, {**env, "#in": symbolic.plain(node.chain.input.channels)})
