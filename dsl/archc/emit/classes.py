"""A definition to a class: parameters, constructor, forward, docstring."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archc import symbolic, syntax
from archc.emit.calls import FACTORY
from archc.emit.class_writer import ClassWriter, NotAChain, paths_of
from archc.emit.constants import constants
from archc.emit.constructor import Assign, Constructor, ExprStatement, ForStatement, lines
from archc.emit.flow import Compute, Repeat, Step, Wire
from archc.emit.instances import Extra, Lane
from archc.emit.layout import Code, call
from archc.emit.locals import name_values
from archc.emit.loops import reaches_out
from archc.emit.method import FEATURES, print_forward
from archc.emit.options import DEVICE, DTYPE, RECOMPUTED
from archc.emit.parameters import anonymous_parameters, parameters_of
from archc.emit.program import ClassModel, Definition, Program, class_name, uncommented
from archc.emit.sequential import sequential_class, type_once
from archc.emit.values import ANY, NotUnifiable, variable
from archc.emit.words import describe
from archc.plan import Loop, Scope

_FACTORY = '{"device": device, "dtype": dtype}'
FACTORY_KEYWORDS = (
    f"{DEVICE}: torch.device | str | None = None",
    f"{DTYPE}: torch.dtype | None = None",
)


def build_class(program: Program, definition: Definition) -> ClassModel:
    """Write one class. Raises NotUnifiable where its instances do not go into one."""
    writer = ClassWriter(program, definition)
    model = _row(writer)
    if model is None:
        writer = ClassWriter(program, definition)
        model = _module(writer)
    definition.parameters = model.parameters
    definition.extras = writer.exprs.extras or {}
    return model


def _row(writer: ClassWriter) -> ClassModel | None:
    """A `sequence`, or a block that is nothing but loops over modules: an nn.Sequential."""
    definition = writer.definition
    chains = [body.chain for body in definition.bodies]
    only_loops = all(isinstance(node, Loop) for chain in chains for node in chain.nodes)
    if definition.block is None or not (definition.block.places or only_loops):
        return None
    if any(len(body.inputs) > 1 or body.gives for body in definition.bodies):
        return None
    writer.row_ends |= {chain.output.root for chain in chains}
    try:
        sequential_class(writer, chains, definition.lanes, writer.root)
    except (NotAChain, NotUnifiable):
        return None
    return _model(writer, "nn.Sequential", [], ["x"], "Tensor")


def _module(writer: ClassWriter) -> ClassModel:
    definition = writer.definition
    inputs = _inputs(writer)
    names = [wire.var or "x" for wire in inputs]
    chains = [body.chain for body in definition.bodies]
    steps, out = writer.chain(chains, definition.lanes, inputs[-1], writer.root)
    _over_children(steps, writer.root)
    forward, returns = print_forward(writer, steps, out, inputs)
    if writer.takes_features:
        names = [f"*{FEATURES}"]
    return _model(writer, "nn.Module", forward, names, returns)


def _inputs(writer: ClassWriter) -> list[Wire]:
    """A wire for each input, held by a variable of its name."""
    bodies = writer.definition.bodies
    wires = []
    for at, name in enumerate(bodies[0].input_names or ("x",)):
        shape = bodies[0].inputs[at].shape
        wire = Wire(name, bundle=shape is not None and shape.columns > 0, var=name)
        writer.alias([body.inputs[at] for body in bodies], wire)
        wires.append(wire)
    return wires


def _model(
    writer: ClassWriter, base: str, forward: list[str], inputs: list[str], returns: str
) -> ClassModel:
    body = [f"        {line}" for line in forward]
    name, parameters = writer.definition.name, parameters_of(writer)
    model = ClassModel(name, base, describe(writer), parameters, [], body, inputs, returns)
    _construct(writer, model, writer.program.takes_factory(writer.definition))
    if writer.program.options.deployment is not None:
        model.constants += constants(writer.program.options.deployment, writer.definition)
    if writer.program.is_recomputed(writer.definition):
        model.base = RECOMPUTED if base == "nn.Module" else f"{RECOMPUTED}, {base}"
        writer.program.support.setdefault(RECOMPUTED)
    return model


def _construct(writer: ClassWriter, model: ClassModel, factory: bool) -> None:
    """Fill in the constructor; `factory` where it takes a device and a dtype."""
    name_values(writer)
    type_once(writer.root.body)
    init = list(lines(writer.root.body))
    start = ["        super().__init__()"] if model.base == "nn.Module" else []
    if factory:
        model.keywords += FACTORY_KEYWORDS
        if any(FACTORY in line for line in init):
            start.append(f"        {FACTORY.strip('*')}: dict[str, Any] = {_FACTORY}")
    model.init += [*start, *init]


def _over_children(steps: list[Step], constructor: Constructor) -> None:
    """A class that is one loop over its submodules: `for layer in self.children()`."""
    match steps, constructor.body:
        case [Repeat() as loop], [ForStatement(body=[ExprStatement()]), *kept]:
            pass
        case _:
            return
    if any(not isinstance(step, Compute) for step in loop.body) or len(kept) > 1:
        return
    accesses = {text[: text.index(")") + 1] for text in _called_by_name(loop.body)}
    if len(accesses) != 1 or not isinstance(kept[0] if kept else Assign("", ""), Assign):
        return
    access = accesses.pop()
    for step in loop.body:
        if isinstance(step, Compute):
            step.write = _replaced(step.write, access)
    del constructor.body[1:]
    loop.header = "for layer in self.children():"


def _called_by_name(steps: list[Step]) -> list[str]:
    texts = [step.write(*("x" for _ in step.ins)) for step in steps if isinstance(step, Compute)]
    return [text for text in texts if text.startswith("getattr(self, ")]


def _replaced(write: Callable[..., str], access: str) -> Callable[..., str]:
    return lambda *xs: write(*xs).replace(access, "layer")


# --- combinators in a place --------------------------------------------------------------


def write_anonymous(parent: ClassWriter, nodes: list[Scope], lanes: list[Lane]) -> Code:
    """The constructor call of a combinator that stands in a group; its class, if it is new."""
    program, tree = parent.program, nodes[0].tree
    assert isinstance(tree, syntax.Operation)
    for node, lane in zip(nodes, lanes, strict=True):
        chain, uses = node.chain, parent.uses[lane.instance]
        if reaches_out(chain.nodes, chain.input.root, chain.output.root, uses):
            raise NotAChain("a combinator whose labels are used outside of it")
    model, extras = _anonymous(parent, nodes, lanes)
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
        parent.exprs.value(_handed(p.variable, nodes, lanes, extras), lanes, p.name)
        for p in model.parameters
    ]
    return call(known.name, *items, *([FACTORY] if model.keywords else []))


def _handed(
    name: str, nodes: list[Scope], lanes: list[Lane], extras: dict[str, Extra]
) -> list[Any]:
    """What each lane gives a combinator in a place for one of its arguments."""
    if name == "#in":
        return [node.chain.input.channels for node in nodes]
    if name in extras:
        return [extras[name].values.get(at, ANY) for at in range(len(nodes))]
    return [variable(name, lane.env[name]) for lane in lanes]


def _anonymous(
    parent: ClassWriter, nodes: list[Scope], lanes: list[Lane]
) -> tuple[ClassModel, dict[str, Extra]]:
    around = parent.definition
    pairs = zip(nodes, lanes, strict=True)
    lanes = [_inside(node, lane, at) for at, (node, lane) in enumerate(pairs)]
    definition = Definition(around.block, around.name, around.bodies, lanes, open=around.open)
    writer = ClassWriter(parent.program, definition)
    writer.exprs.entered = True
    writer.exprs.choices, writer.exprs.around = [*parent.exprs.choices], parent.exprs.around
    if writer.exprs.extras is None:
        writer.allow_extras()
    wire = Wire("x", var="x")
    chains = [node.chain for node in nodes]
    writer.root.paths = paths_of(chains)
    writer.alias([chain.input for chain in chains], wire)
    steps, out = writer.chain(chains, lanes, wire, writer.root)
    forward, returns = print_forward(writer, steps, out, [wire])
    body = [f"        {line}" for line in forward]
    parameters = anonymous_parameters(writer, lanes)
    model = ClassModel("", "nn.Module", [], parameters, [], body, ["x"], returns)
    _construct(writer, model, any(FACTORY in line for line in lines(writer.root.body)))
    return model, writer.exprs.extras or {}


def _inside(node: Scope, lane: Lane, at: int) -> Lane:
    """A lane of a combinator in a place: the channels that come in are those of its own input."""
    env = {name: value for name, value in lane.env.items() if name != "in.c"}
    return Lane(lane.instance, {**env, "#in": symbolic.plain(node.chain.input.channels)}, at)
