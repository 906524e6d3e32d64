"""Constructor calls: an operator's module, a block's instance, and how forward calls them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archc import symbolic
from archc.analysis.overwrite import may_overwrite
from archc.emit.class_writer import ClassWriter
from archc.emit.constructor import Constructor
from archc.emit.flow import Wire
from archc.emit.instances import Lane
from archc.emit.layout import Bracketed, CallArgument, Code, call
from archc.emit.program import sizes_of_inputs
from archc.emit.values import ANY, Factory, NotUnifiable, Truth, literal, variable
from archc.ops import Op
from archc.plan import Apply, Call, OperatorValue


def operator(
    writer: ClassWriter,
    nodes: list[Apply],
    lanes: list[Lane],
    constructor: Constructor,
    ins: list[Wire],
) -> Callable[..., str]:
    """How forward applies an operator; its module, if it has one, goes to the constructor."""
    first = nodes[0]
    state = first.state
    if first.op.is_bare:
        return _bare(writer, nodes, lanes, constructor)
    inline = {n.op.inline_for(n.shapes, *(f"<{k}>" for k in range(len(ins)))) for n in nodes}
    if len(inline) == 1 and None not in inline and not state:
        return _inlined(first, ins)
    operands = [operand for n in nodes if (operand := n.op.operand()) is not None]
    if len(operands) == len(nodes) and (sum_of := _arithmetic(writer, operands, lanes)):
        return sum_of
    taken = [bounds for n in nodes if (bounds := n.op.channels_taken()) is not None]
    if len(taken) == len(nodes) and (cut := _slice(writer, taken, lanes)) is not None:
        return cut
    if (part := part_of(writer, nodes, lanes)) is not None:
        return lambda x: f"{x}.chunk({part[1]}, dim=1)[{part[0]}]"
    before, writer.exprs.used = writer.exprs.used, set()
    code = module(writer, nodes, lanes)
    of_loop = writer.exprs.used - writer.definition.lanes[0].env.keys()
    writer.exprs.used |= before
    if not state and of_loop:
        raise NotUnifiable("a module that is shared, but differs by iteration")
    if not state:
        several = len({node.op.name for node in nodes}) > 1
        wanted = first.given if several and first.given else first.op.module_name
        name = writer.keep_stateless(code, wanted, first.label, constructor)
        return _called(f"self.{name}", first.op, ins)
    name = writer.name(nodes, lanes)
    if not first.again:
        constructor.add(name, code)
    return _called(writer.access(name, nodes, lanes, constructor), first.op, ins)


def _arithmetic(
    writer: ClassWriter, operands: list[tuple[str, Any]], lanes: list[Lane]
) -> Callable[..., str] | None:
    """`x * self.scale`, where the number is an argument as it stands; None where it is not."""
    signs = {sign for sign, _ in operands}
    try:
        number = writer.exprs.expression([number for _, number in operands], lanes)
    except NotUnifiable:  # a module may have an argument of its own
        return None
    if len(signs) > 1 or number.constant is not None or not number.is_settled:
        return None
    text = f" {signs.pop()} {writer.in_forward(number)}"
    return lambda x: x + text


def _slice(
    writer: ClassWriter, taken: list[tuple[int, int]], lanes: list[Lane]
) -> Callable[..., str] | None:
    """`x[:, 1 : self.length + 1]`, of channels that hang on arguments; None where none say it."""
    try:
        ends = [writer.exprs.expression([*end], lanes) for end in zip(*taken, strict=True)]
    except NotUnifiable:  # a module may have an argument of its own
        return None
    first, last = map(writer.in_forward, ends)
    if first.isdecimal() and last.isdecimal():
        return lambda x: f"{x}[:, {first if first != '0' else ''}:{last}]"
    return lambda x: f"{x}[:, {f'{first} : ' if first != '0' else ': '}{last}]"


def part_of(writer: ClassWriter, nodes: list[Apply], lanes: list[Lane]) -> tuple[int, int] | None:
    """Which of how many equal parts of a tensor; None where that hangs on arguments."""
    parts = [part for node in nodes if (part := node.op.part()) is not None]
    if len(parts) < len(nodes):
        return None
    try:
        found = [writer.exprs.expression([*same], lanes) for same in zip(*parts, strict=True)]
    except NotUnifiable:  # a module may have an argument of its own
        return None
    index, count = (number.constant for number in found)
    return None if index is None or count is None else (int(index), int(count))


def _bare(
    writer: ClassWriter, nodes: list[Apply], lanes: list[Lane], constructor: Constructor
) -> Callable[..., str]:
    """`x * self.gamma.view(-1, 1, 1)`: a weight of the class itself."""
    ones = {node.op.ones(*node.shapes) for node in nodes}
    if len(ones) > 1:
        raise NotUnifiable("a weight for maps of several kinds")
    name = writer.name(nodes, lanes)
    if not nodes[0].again:
        calls = [node.op.torch(*node.shapes) for node in nodes]
        made = [c for c in calls if c is not None]
        dims = writer.exprs.value([c.positional[0] for c in made], lanes, "channels")
        start = writer.exprs.value([c.keyword[0].value for c in made], lanes, "init")
        items = [CallArgument(dims), CallArgument(start)]
        if writer.program.options.device:
            items.append(CallArgument(FACTORY))
        constructor.add_weight(name, call("nn.Parameter", CallArgument(call("torch.full", *items))))
    weight = writer.access(name, nodes, lanes, constructor)
    view = f".view({', '.join(['-1', *['1'] * ones.pop()])})" if ones != {0} else ""
    return lambda x: f"{x} * {weight}{view}"


_LONG = 60  # characters of an argument
FACTORY = "**factory"  # device and dtype, where the constructor takes them


def module(writer: ClassWriter, nodes: list[Apply], lanes: list[Lane]) -> Code:
    """The constructor call of an operator's module."""
    calls = [node.op.torch(*node.shapes) for node in nodes]
    made = [c for c in calls if c is not None]
    if len(made) < len(calls):
        raise NotUnifiable("modules of several kinds")
    factory = _factory(writer, nodes, lanes) if len({c.target for c in made}) > 1 else ""
    if factory:
        overwrites = all(
            may_overwrite(node, writer.uses[lane.instance])
            for node, lane in zip(nodes, lanes, strict=True)
        )
        return call(factory, *([CallArgument("True", "inplace")] if overwrites else []))
    first = made[0]
    items = [
        CallArgument(
            _laid_out(writer, [c.positional[at] for c in made], lanes, _hint(nodes[0], at))
        )
        for at in range(len(first.positional))
    ]
    if items and items[0].value == str(nodes[0].shapes[0].features):
        items[0] = CallArgument(_flattened(writer, nodes[0], lanes[0]) or items[0].value)
    for at, keyword in enumerate(first.keyword):
        values = [c.keyword[at].value for c in made]
        is_other = any(symbolic.plain(value) != keyword.default for value in values)
        if is_other or _hangs_on_arguments(writer, values, lanes):
            items.append(
                CallArgument(writer.exprs.value(values, lanes, keyword.name), keyword.name)
            )
    pairs = zip(nodes, lanes, strict=True)
    if all(may_overwrite(node, writer.uses[lane.instance]) for node, lane in pairs):
        items.append(CallArgument("True", "inplace"))
    if writer.program.options.device and any(node.state for node in nodes):
        items.append(CallArgument(FACTORY))
    if not first.target.startswith("nn."):
        writer.program.support.setdefault(first.target)
    for node in nodes:
        writer.program.note_shared(node)
    made_here = call(first.target, *items)
    return call(first.around, CallArgument(made_here)) if first.around else made_here


def _hangs_on_arguments(writer: ClassWriter, values: list[Any], lanes: list[Lane]) -> bool:
    """Whether a number is torch's default only because of what the class is made with."""
    if not any(symbolic.is_traced(value) for value in values):
        return False
    try:
        number = writer.exprs.expression(values, lanes)
    except NotUnifiable:
        return False
    return number.constant is None


def _factory(writer: ClassWriter, nodes: list[Apply], lanes: list[Lane]) -> str:
    """The argument that makes the module: `act`. Raises NotUnifiable where there is none."""
    if any(node.given is None or node.op != type(node.op)() for node in nodes):
        raise NotUnifiable("modules of several kinds")
    values = [Factory(OperatorValue(n.op.name), symbolic.var(n.given or "")) for n in nodes]
    return writer.exprs.value(values, lanes, "act")


def _hint(node: Apply, at: int) -> str:
    """What an argument by position is called, where it must become one of the class."""
    names = {
        "conv": ("channels", "out_channels", "kernel"),
        "linear": ("in_features", "out_features"),
        "norm": ("channels",),
    }.get(node.op.category, ())
    return names[at] if at < len(names) else "size"


def _laid_out(writer: ClassWriter, values: list[Any], lanes: list[Lane], hint: str) -> Code:
    """A value; of a long tuple each item may have a line of its own."""
    text = writer.exprs.value(values, lanes, hint)
    if len(text) <= _LONG or not isinstance(values[0], tuple) or len(values[0]) < 2:
        return text
    if any(isinstance(value, symbolic.TracedList) for value in values):
        return text
    parts = ([value[at] for value in values] for at in range(len(values[0])))
    return Bracketed(
        "", tuple(CallArgument(writer.exprs.value(part, lanes, hint)) for part in parts)
    )


def _flattened(writer: ClassWriter, node: Apply, lane: Lane) -> str:
    """`512 * 7 * 7`: where a linear layer's number of features comes from."""
    maker = writer.uses[lane.instance].makers.get(node.inputs[0].root)
    if node.op.category != "linear" or not isinstance(maker, Apply):
        return ""
    extents = [str(symbolic.plain(extent)) for extent in maker.shapes[0].dims if extent > 1]
    return " * ".join(extents) if maker.op.category == "reshape" and len(extents) > 1 else ""


def instance(writer: ClassWriter, nodes: list[Call], lanes: list[Lane]) -> Code:
    """`Bottleneck(256, 64, stride=2)`."""
    definitions = {writer.program.called(node.body) for node in nodes}
    if len(definitions) > 1:
        raise NotUnifiable("blocks of several classes")
    definition = definitions.pop()
    items = []
    for parameter in definition.parameters:
        values = [
            _argument(writer, node, parameter.variable, lane)
            for node, lane in zip(nodes, lanes, strict=True)
        ]
        text = writer.exprs.value(values, lanes, parameter.name)
        if parameter.default is None:
            items.append(CallArgument(text))
        elif text != literal(parameter.default):
            items.append(CallArgument(text, parameter.name))
    if writer.program.takes_factory(definition):
        items.append(CallArgument(FACTORY))
    return call(definition.name, *items)


def arguments(writer: ClassWriter, node: Apply | Call, lane: Lane) -> list[Any]:
    """What the module of an operator or block is made with, traced in its surroundings."""
    if isinstance(node, Call):
        parameters = writer.program.called(node.body).parameters
        return [_argument(writer, node, parameter.variable, lane) for parameter in parameters]
    made = node.op.torch(*node.shapes)
    values = [] if made is None else [*made.positional, *(k.value for k in made.keyword)]
    return [*values, may_overwrite(node, writer.uses[lane.instance])]


def _argument(writer: ClassWriter, node: Call, name: str, lane: Lane) -> Any:
    """The value that a call gives a constructor argument, traced in the caller.

    Raises NotUnifiable for a param of a file whose params the caller does not see.
    """
    definition = writer.program.of_body[node.body]
    extra = definition.extras.get(name)
    if extra is not None:
        return _in_caller(extra.values.get(definition.index[node.body], ANY), node)
    if name.startswith(("in.", "@")):
        return sizes_of_inputs(node.body, node.inputs)[name]
    if name in node.args:
        value = node.args[name]
        if isinstance(value, bool):
            return Truth(value, node.traces.get(name))
        return Factory(value, node.traces.get(name)) if isinstance(value, OperatorValue) else value
    around, called = writer.definition.bodies[lane.instance].block, node.body.block
    if around is not None and called is not None and around.home is not called.home:
        raise NotUnifiable("a param that the block around the call does not see")
    return variable(name, lane.env[name])  # a param of the network


def _in_caller(value: Any, node: Call) -> Any:
    """A number of the block that is called, in terms of what is around the call."""
    expr = value.expr if isinstance(value, Truth) or symbolic.is_traced(value) else None
    if expr is None:
        return value
    known = inside_call(node)
    names = expr.variables()
    outer = symbolic.substitute(expr, known) if names <= known.keys() else None
    if isinstance(value, Truth):
        return Truth(value.value, outer)
    return symbolic.plain(value) if outer is None else symbolic.traced(symbolic.plain(value), outer)


def inside_call(node: Call) -> dict[str, symbolic.Expr]:
    """What the names inside a block are in terms of the call."""
    block = node.body.block
    assert block is not None
    constants = block.home.constants
    known = {name: v.expr for name, v in constants.items() if symbolic.is_traced(v)}
    given = node.args | sizes_of_inputs(node.body, node.inputs)
    for name, value in given.items():
        if isinstance(value, bool):
            truth = node.traces.get(name)
            known[name] = symbolic.const(value) if truth is None else truth
        elif isinstance(value, int | float | tuple):
            known[name] = symbolic.expr_of(value)
    return known


# --- calls in forward --------------------------------------------------------------------


def _inlined(node: Apply, ins: list[Wire]) -> Callable[..., str]:
    """An operator as an expression; bundles among its tensors are spliced."""

    def write(*xs: str) -> str:
        text = node.op.inline_for(node.shapes, *_spliced(xs, ins))
        assert text is not None
        return text

    return write


def _called(access: str, op: Op, ins: list[Wire]) -> Callable[..., str]:
    """A module's call; one that takes columns gets them as a list."""

    def write(*xs: str) -> str:
        if op.bundles and not (len(ins) == 1 and ins[0].bundle):
            return f"{access}([{', '.join(_spliced(xs, ins))}])"
        return f"{access}({', '.join(xs)})"

    return write


def _spliced(xs: tuple[str, ...], ins: list[Wire]) -> list[str]:
    return [f"*{x}" if wire.bundle else x for x, wire in zip(xs, ins, strict=True)]
