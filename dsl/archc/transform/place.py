"""A network on several devices: each has an equal part of the channels of every layer.

A plan to the plan of one such part, a tower. Layers in groups see their own tower alone. Before one
that sees all channels the towers exchange what they have, as in Krizhevsky et al. 2012. If the last
layer does, it is whole and on the first device, and so is what follows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from archc.ops import Form, Op
from archc.plan import Apply, Body, Chain, Loop, Node, Plan, Ref, Tensor, outputs
from archc.source import Diagnostic, Span, SpanLabel


@dataclass(frozen=True, slots=True)
class Stage:
    """What a tower does by itself: up to where the layer `until` needs all channels."""

    chain: Chain
    until: str  # "" for the end of the network


@dataclass(frozen=True, slots=True)
class Placement:
    """A network's tower, stage by stage, and what is whole behind the last one."""

    devices: tuple[str, ...]
    tower: Body
    stages: tuple[Stage, ...]
    head: Body

    @property
    def meetings(self) -> tuple[str, ...]:
        """The layers before which channels are copied from device to device."""
        return tuple(stage.until for stage in self.stages if stage.until)

    @property
    def names(self) -> tuple[tuple[str, ...], ...]:
        """What runs, by stage, and at last in the head."""
        chains = (*(stage.chain for stage in self.stages), self.head.chain)
        return tuple(tuple(n.name for n in c.nodes if isinstance(n, Apply)) for c in chains)


class Unplaceable(Exception):
    """A network that cannot be shared among its devices: why, where, and the cure."""

    def __init__(self, why: str, span: Span, cure: str = "leave `devices` out") -> None:
        super().__init__(why)
        self.span, self.cure = span, cure


def check_devices(plan: Plan) -> list[Diagnostic]:
    """A diagnostic where a network names devices that it cannot be shared among."""
    devices = plan.body.devices
    if devices is None:
        return []
    try:
        place(plan)
    except Unplaceable as why:
        others = () if why.span == devices.span else (SpanLabel(devices.span, "the devices"),)
        return [Diagnostic("A409", str(why), (SpanLabel(why.span), *others), helps=(why.cure,))]
    return []


def place(plan: Plan) -> Placement:
    """Share a network among the devices that it names. Raises Unplaceable."""
    body = plan.body
    assert body.devices is not None, "the network names no devices"
    names, nodes = body.devices.names, _row(body, body.devices.span)
    parts = list(_parts(nodes, len(names), body.devices.span))
    kept = nodes[len(parts) :]
    stages = tuple(_stages(parts, body.input, kept[0].name if kept else ""))
    chains = [stage.chain for stage in stages]
    made = Chain([n for chain in chains for n in chain.nodes], chains[0].input, chains[-1].output)
    whole = kept[0].inputs[0] if kept else body.output
    tower = replace(body, inputs=(made.input,), chain=made, input_names=())
    head = replace(body, inputs=(whole,), chain=Chain([*kept], whole, body.output), input_names=())
    return Placement(names, tower, stages, head)


# --- which operators ---------------------------------------------------------------------


def _row(body: Body, devices: Span) -> list[Apply]:
    """The operators of a network that is nothing but operators in a row."""
    if len(body.inputs) > 1 or outputs(body) != [("output", body.output)]:
        raise Unplaceable("only a network of one input and one output can be shared", devices)
    found: list[Apply] = []
    for node in _opened(body.chain):
        before = found[-1].output if found else body.input
        match node:
            case Ref() if node.output.root is before.root:
                pass  # the `input` statement
            case Apply(inputs=(x,), again=False) if x.root is before.root:
                found.append(node)
            case _:
                title = "only operators in a row can be shared by devices"
                raise Unplaceable(title, node.span)
    return found


def _opened(chain: Chain) -> Iterator[Node]:
    """The nodes of a chain, loops written out."""
    for node in chain.nodes:
        if isinstance(node, Loop):
            for iteration in node.iterations:
                yield from _opened(iteration)
        else:
            yield node


@dataclass(frozen=True, slots=True)
class _Part:
    """An operator of the network, and what becomes of it in a tower."""

    node: Apply
    op: Op
    meets: bool  # the towers exchange their channels before it


def _parts(nodes: list[Apply], count: int, devices: Span) -> Iterator[_Part]:
    """What each operator is in a tower, up to where the network is whole again."""
    start = next((at for at, node in enumerate(nodes) if not _same_everywhere(node, count)), None)
    if start is None:
        raise Unplaceable("there is no layer to share", devices)
    apart = [node.op.split_independent(count, *node.shapes) for node in nodes]
    meetings = [at for at in range(start + 1, len(nodes)) if apart[at] is None]
    last = max((at for at, node in enumerate(nodes) if node.op.filters(*node.shapes)), default=0)
    end = min((at for at in meetings if at >= last), default=len(nodes))
    for at, node in enumerate(nodes[:end]):
        op = node.op if at < start else apart[at] if at > start else None
        op = op or node.op.split_outputs(count, *node.shapes)
        if op is None:
            raise _unshared(node, count) if apart[at] is None else _early(node)
        yield _Part(node, op, at in meetings)


def _same_everywhere(node: Apply, count: int) -> bool:
    """Whether an operator on the whole input may as well run on every device."""
    op = node.op
    return op.split_independent(count, *node.shapes) is op and not (node.state or op.training_only)


def _unshared(node: Apply, count: int) -> Unplaceable:
    """A layer that neither stays with its own channels nor makes a part of them from all."""
    groups, out = (getattr(node.op, name, 0) for name in ("groups", "out"))
    if groups <= 1 and out % count:
        why = f"`{node.name}` has {out} outputs, which {count} devices cannot share equally"
        return Unplaceable(why, node.span, f"give it a number of outputs that {count} divides")
    cure = "put it behind the last layer, or leave `devices` out"
    if groups:
        by_letter = node.op.fields()["groups"].form is Form.GROUPS
        form = f"g{count}" if by_letter else f"{node.op.name} {count}"
        cure = f"give it {count} groups, or a multiple: `{form}`"
    return Unplaceable(f"`{node.name}` needs channels of other devices", node.span, cure)


def _early(node: Apply) -> Unplaceable:
    why = f"`{node.name}` stands before the first layer that devices can share"
    return Unplaceable(why, node.span, "begin with a convolution that sees all channels, or `fc`")


# --- a tower -----------------------------------------------------------------------------


def _stages(parts: list[_Part], entering: Tensor, until: str) -> Iterator[Stage]:
    """The tower's operators, from one exchange to the next, on tensors of their own."""
    start = x = Tensor(entering.shape, entering.span)
    nodes: list[Apply] = []
    for part in parts:
        if part.meets:
            yield Stage(Chain([*nodes], start, x), part.node.name)
            nodes, start = [], Tensor(part.node.inputs[0].shape, x.span)
            x = start
        assert x.shape is not None, "a network without mistakes has shapes"
        output = Tensor(part.op.shape(x.shape), part.node.span)
        nodes.append(replace(part.node, op=part.op, inputs=(x,), output=output))
        x = output
    yield Stage(Chain([*nodes], start, x), until)
