"""Constructor calls: an operator's module, a block's instance, and how forward calls them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archc import symbolic
from archc.analysis.overwrite import may_overwrite
from archc.emit.flow import Wire
from archc.emit.lanes import Inexpressible, Lane, literal
from archc.emit.layout import Code, Group, Item, call, flat
from archc.emit.scribe import Scribe
from archc.emit.site import Assign, Site
from archc.ops import Op
from archc.plan import Apply, Call


def operator(
    scribe: Scribe, nodes: list[Apply], lanes: list[Lane], site: Site, ins: list[Wire]
) -> Callable[..., str]:
    """How forward applies an operator; its module, if it has one, goes to the site."""
    first = nodes[0]
    state = first.state
    inline = {n.op.inline(*(f"<{k}>" for k in range(len(ins)))) for n in nodes}
    if len(inline) == 1 and None not in inline and not state:
        return _inlined(first.op, ins)
    before, scribe.writer.used = scribe.writer.used, set()
    code = module(scribe, nodes, lanes)
    of_loop = scribe.writer.used - scribe.definition.lanes[0].env.keys()
    scribe.writer.used |= before
    if not state and of_loop:
        raise Inexpressible("a module that is shared, but differs by iteration")
    if not state:
        return _called(_share(scribe, first, code, site), first.op, ins)
    name = scribe.name(nodes, lanes)
    if not first.again:
        site.add(name, code)
    return _called(site.access(name), first.op, ins)


_LONG = 60  # characters of an argument
FACTORY = "**factory"  # device and dtype, where the constructor takes them


def module(scribe: Scribe, nodes: list[Apply], lanes: list[Lane]) -> Code:
    """The constructor call of an operator's module."""
    calls = [node.op.torch(*node.shapes) for node in nodes]
    made = [c for c in calls if c is not None]
    if len(made) < len(calls) or len({c.target for c in made}) > 1:
        raise Inexpressible("modules of several kinds")
    first = made[0]
    items = [
        Item(_laid_out(scribe, [c.positional[at] for c in made], lanes))
        for at in range(len(first.positional))
    ]
    if items and items[0].value == str(nodes[0].shapes[0].features):
        items[0] = Item(_flattened(scribe, nodes[0], lanes[0]) or items[0].value)
    for at, keyword in enumerate(first.keyword):
        values = [c.keyword[at].value for c in made]
        if any(symbolic.plain(value) != keyword.default for value in values):
            items.append(Item(scribe.writer.value(values, lanes), keyword.name))
    pairs = zip(nodes, lanes, strict=True)
    if all(may_overwrite(node, scribe.uses[lane.instance]) for node, lane in pairs):
        items.append(Item("True", "inplace"))
    if scribe.program.options.device and any(node.state for node in nodes):
        items.append(Item(FACTORY))
    if not first.target.startswith("nn."):
        scribe.program.support.setdefault(first.target)
    for node in nodes:
        scribe.program.note_shared(node)
    return call(first.target, *items)


def _laid_out(scribe: Scribe, values: list[Any], lanes: list[Lane]) -> Code:
    """A value; of a long tuple each item may have a line of its own."""
    text = scribe.writer.value(values, lanes)
    if len(text) <= _LONG or not isinstance(values[0], tuple) or len(values[0]) < 2:
        return text
    if any(isinstance(value, symbolic.TracedList) for value in values):
        return text
    parts = ([value[at] for value in values] for at in range(len(values[0])))
    return Group("", tuple(Item(scribe.writer.value(part, lanes)) for part in parts))


def _flattened(scribe: Scribe, node: Apply, lane: Lane) -> str:
    """`512 * 7 * 7`: where a linear layer's number of features comes from."""
    maker = scribe.uses[lane.instance].makers.get(node.inputs[0].root)
    if node.op.category != "linear" or not isinstance(maker, Apply):
        return ""
    extents = [str(symbolic.plain(extent)) for extent in maker.shapes[0].dims if extent > 1]
    return " * ".join(extents) if maker.op.category == "reshape" and len(extents) > 1 else ""


def instance(scribe: Scribe, nodes: list[Call], lanes: list[Lane]) -> Code:
    """`Bottleneck(256, 64, stride=2)`."""
    definitions = {scribe.program.of_body[node.body] for node in nodes}
    if len(definitions) > 1:
        raise Inexpressible("blocks of several classes")
    definition = definitions.pop()
    items = []
    for parameter in definition.parameters:
        values = [
            _argument(scribe, node, parameter.variable, lane)
            for node, lane in zip(nodes, lanes, strict=True)
        ]
        text = scribe.writer.value(values, lanes)
        if parameter.default is None:
            items.append(Item(text))
        elif text != literal(parameter.default):
            items.append(Item(text, parameter.name))
    if scribe.program.takes_factory(definition):
        items.append(Item(FACTORY))
    return call(definition.name, *items)


def arguments(scribe: Scribe, node: Apply | Call, lane: Lane) -> list[Any]:
    """What the module of an operator or block is made with, traced in its surroundings."""
    if isinstance(node, Call):
        parameters = scribe.program.of_body[node.body].parameters
        return [_argument(scribe, node, parameter.variable, lane) for parameter in parameters]
    made = node.op.torch(*node.shapes)
    values = [] if made is None else [*made.positional, *(k.value for k in made.keyword)]
    return [*values, may_overwrite(node, scribe.uses[lane.instance])]


def _argument(scribe: Scribe, node: Call, variable: str, lane: Lane) -> Any:
    """The value that a call gives a constructor argument, traced in the caller.

    Raises Inexpressible for a param of a file whose params the caller does not see.
    """
    shape = node.input.shape
    assert shape is not None
    if variable == "in.c":
        return shape.channels
    if variable.startswith("in."):
        return shape.size[-{"in.w": 1, "in.h": 2, "in.d": 3}[variable]]
    if variable in node.args:
        return node.args[variable]
    around, called = scribe.definition.block, node.body.block
    if around is not None and called is not None and around.home is not called.home:
        raise Inexpressible("a param that the block around the call does not see")
    return symbolic.traced(lane.env[variable], symbolic.var(variable))  # a param of the network


def _share(scribe: Scribe, node: Apply, code: Code, site: Site) -> str:
    """The attribute of a module without state: one for all uses that are equal."""
    text = flat(code)
    found = site.shared.get(text)
    if found is None or node.label not in (None, found):
        found = scribe.attribute(node.label or node.op.name, text)
        site.shared.setdefault(text, found)
        site.steady.body.append(Assign(f"self.{found}", code))
    return f"self.{found}"


# --- calls in forward --------------------------------------------------------------------


def _inlined(op: Op, ins: list[Wire]) -> Callable[..., str]:
    """An operator as an expression; bundles among its tensors are spliced."""

    def write(*xs: str) -> str:
        text = op.inline(*_spliced(xs, ins))
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
