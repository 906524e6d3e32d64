"""A definition to a class: parameters, constructor, forward, docstring."""

from __future__ import annotations

from typing import Any

from archc import syntax
from archc.emit.builder import Builder, NotAChain, Site, python_name
from archc.emit.forward import Do, Printer, Repeat, Step, Wire, count_uses
from archc.emit.lanes import Inexpressible, Lane
from archc.emit.program import ClassModel, Definition, Parameter, Program
from archc.emit.sequential import sequential_class
from archc.emit.words import describe
from archc.plan import Loop, Scope

_INPUT = ("in.c", "in.d", "in.h", "in.w")


def build_class(program: Program, definition: Definition) -> ClassModel:
    """Write one class. Raises Inexpressible where its instances do not go into one."""
    for _ in range(6):  # a block that calls itself: until its parameters are settled
        builder = Builder(program, definition)
        model = _build(builder)
        parameters = parameters_of(builder, definition)
        if parameters == definition.parameters:
            return model
        definition.parameters = model.parameters = parameters
    raise Inexpressible("a recursion whose parameters do not settle")


def _build(builder: Builder) -> ClassModel:
    definition = builder.definition
    chains = [body.chain for body in definition.bodies]
    if definition.block is not None and _is_row(builder):
        site = Site()
        builder.sites[()] = site
        builder.row_ends |= {c.output.root for c in chains}
        try:
            sequential_class(builder, chains, definition.lanes, site)
            return _model(builder, "nn.Sequential", site.lines, [], ["x"], "Tensor")
        except NotAChain:
            builder.__init__(builder.program, definition)  # type: ignore[misc]
    site = Site()
    builder.sites[()] = site
    inputs = _inputs(builder)
    steps, out = builder.chain(chains, definition.lanes, inputs[-1], site)
    steps = _over_children(steps, site)
    names = [w.var or "x" for w in inputs]
    lines, returns = print_forward(builder, steps, out, inputs)
    return _model(builder, "nn.Module", site.lines, lines, names, returns)


def _is_row(builder: Builder) -> bool:
    """A `sequence`, or a block that is nothing but a loop over modules."""
    definition = builder.definition
    assert definition.block is not None
    only_loops = all(isinstance(n, Loop) for b in definition.bodies for n in b.chain.nodes)
    return definition.block.places or only_loops and any(b.chain.nodes for b in definition.bodies)


def _inputs(builder: Builder) -> list[Wire]:
    """A wire for each input, held by a variable of its name."""
    bodies = builder.definition.bodies
    names = bodies[0].input_names or ("x",)
    wires = []
    for at, name in enumerate(names):
        shape = bodies[0].inputs[at].shape
        wire = Wire(name, bundle=shape is not None and shape.columns > 0)
        wire.var = name
        for body in bodies:
            builder.wires[body.inputs[at].root] = wire
        wires.append(wire)
    return wires


def print_forward(
    builder: Builder, steps: list[Step], out: Wire, inputs: list[Wire]
) -> tuple[list[str], str]:
    """The lines of `forward`, and its return type."""
    marks = builder.outputs if builder.definition.block is None else []
    results = [wire for _, wire in marks] or [out]
    count_uses(steps)
    for wire in results:
        wire.uses += not marks
    printer = Printer()
    for wire in inputs:
        printer.holds[wire.var or "x"] = wire
    if "x" not in printer.holds:
        printer.untyped.add("x")
    if builder.sides:
        printer.lines.append("side: list[Tensor] = []")
    printer.run(steps)
    if builder.sides or len(results) > 1:
        return _several(builder, printer, results, [name for name, _ in marks])
    if out.bundle:
        printer.lines.append(f"return {printer.name(results[0])}")
        return printer.lines, "list[Tensor]"
    last = printer.pending.get(results[0])
    if last is not None and last.text.startswith(("torch.", "F.")) and not last.comment:
        printer.lines.append(f"return {last.text}")
        return printer.lines, "Tensor"
    target = (
        "x" if printer._is_free("x") or printer.holds["x"] in (results[0], *inputs) else "result"
    )
    if target == "result":
        printer.untyped.add("result")
    printer.settle_as(results[0], target)
    printer.lines.append(f"return {target}")
    return printer.lines, "Tensor"


def _several(
    builder: Builder, printer: Printer, results: list[Wire], names: list[str]
) -> tuple[list[str], str]:
    """Several outputs: a NamedTuple; auxiliary heads only while training."""
    record = f"{builder.definition.name}Output"
    values = [printer.name(wire) for wire in results]
    if not builder.sides:
        printer.lines.append(f"return {record}({', '.join(values)})")
        return printer.lines, record
    if len(results) > 1:
        printer.lines.append(f"return {record}({', '.join(values)}, *side)")
        return printer.lines, record
    if values[0] != "x":
        printer.lines.append(f"x = {values[0]}")
    printer.lines.append(f"return {record}(x, *side) if self.training else x")
    return printer.lines, f"Tensor | {record}"


def _over_children(steps: list[Step], site: Site) -> list[Step]:
    """A class that is one loop over its submodules: `for layer in self.children()`."""
    if len(steps) != 1 or not isinstance(steps[0], Repeat):
        return steps
    loop = steps[0]
    pad = " " * site.indent
    tops = [line for line in site.lines if line.startswith(pad) and line[len(pad)] not in " )"]
    loops = [line for line in tops if line.startswith(f"{pad}for ")]
    keeps = [line for line in tops if not line.startswith(f"{pad}for ")]
    bodies = [line for line in site.lines if line.startswith(f"{pad}    self.add_module(")]
    if len(loops) != 1 or len(bodies) != 1 or len(keeps) > 1 or any("(" in k for k in keeps):
        return steps
    texts = {step.write(*("x" for _ in step.ins)) for step in loop.body if isinstance(step, Do)}
    accesses = {t[: t.index(")") + 1] for t in texts if t.startswith("getattr(self, ")}
    if len(accesses) != 1 or not all(isinstance(step, Do) for step in loop.body):
        return steps
    access = accesses.pop()
    for step in loop.body:
        if isinstance(step, Do):
            step.write = _renamed(step.write, access)
    site.lines[:] = [line for line in site.lines if line not in keeps]
    loop.header = "for layer in self.children():"
    return steps


def _renamed(write: Any, access: str) -> Any:
    return lambda *xs: write(*xs).replace(access, "layer")


def build_anonymous(
    program: Program, parent: Builder, nodes: list[Scope], lanes: list[Lane]
) -> ClassModel:
    """The class of a combinator that stands in a place of a group; the caller names it."""
    definition = Definition(
        parent.definition.block, parent.definition.name, parent.definition.bodies, lanes
    )
    builder = Builder(program, definition)
    builder.body_facts = parent.body_facts
    site = Site()
    builder.sites[()] = site
    wire = Wire("x")
    wire.var = "x"
    chains = [node.chain for node in nodes]
    for chain in chains:
        builder.wires[chain.input.root] = wire
    steps, out = builder.chain(chains, lanes, wire, site)
    lines, returns = print_forward(builder, steps, out, [wire])
    model = _model(builder, "nn.Module", site.lines, lines, ["x"], returns)
    assert isinstance(nodes[0].tree, syntax.Operation)
    model.doc = [f"A `{nodes[0].tree.name.id}` in {parent.definition.name}."]
    model.parameters = [
        Parameter(
            name,
            python_name(name) if not name.startswith("#") else "i",
            _type([lane.env[name] for lane in lanes]),
        )
        for name in sorted(builder.writer.used)
    ]
    return model


# --- parameters --------------------------------------------------------------------------


def parameters_of(builder: Builder, definition: Definition) -> list[Parameter]:
    """The constructor's arguments: what its expressions use, required ones first."""
    used = builder.writer.used
    envs = [lane.env for lane in definition.lanes]
    found = [Parameter(name, python_name(name), "int") for name in _INPUT if name in used]
    formals = definition.block.tree.formals if definition.block is not None else ()
    for formal in formals:
        name = formal.name.id
        if name in used:
            found.append(
                Parameter(name, name, _type([e[name] for e in envs]), _default(formal.default))
            )
    known = {parameter.variable for parameter in found} | {f.name.id for f in formals}
    for name in sorted(used - known - set(_INPUT)):
        default = envs[0][name] if definition.block is None else None
        found.append(Parameter(name, name, _type([e[name] for e in envs]), default))
    return sorted(found, key=lambda parameter: parameter.default is not None)


def _default(expr: syntax.Expr | None) -> Any:
    return expr.value if isinstance(expr, syntax.Number) else None


def _type(values: list[Any]) -> str:
    if any(isinstance(v, tuple) for v in values):
        flat = [item for v in values if isinstance(v, tuple) for item in v]
        return f"Sequence[{_type(flat) if flat else 'int'}]"
    return "float" if any(isinstance(v, float) for v in values) else "int"


# --- words -------------------------------------------------------------------------------


def _model(
    builder: Builder,
    base: str,
    init: list[str],
    forward: list[str],
    inputs: list[str],
    returns: str,
) -> ClassModel:
    definition = builder.definition
    if base == "nn.Module":
        init = ["        super().__init__()", *init]
    doc = describe(builder)
    lines = [f"        {line}" if line else "" for line in forward]
    return ClassModel(
        definition.name, base, doc, definition.parameters, init, lines, inputs, returns
    )
