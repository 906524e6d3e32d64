"""Passes that append what they make to what comes in, and whether they make it of all of that.

Where each does, each sees all before it, as in Huang et al. 2017. A layer that begins with `narrow`
does not: in C2f each pass goes on from what the one before it made, and `concat` collects them.
"""

from __future__ import annotations

from collections.abc import Iterable

from archc.analysis.repeats import RepeatUnit
from archc.draw import cards
from archc.draw.blocks import beginning
from archc.plan import Apply, Branches, Call, Chain, Choice, Node, Scope, Tensor, children

Channels = list[range]  # of what comes in, in the order in which a tensor has them


def appending(unit: RepeatUnit) -> tuple[Apply, Chain] | None:
    """Of a pass that joins what comes in with what it makes of it: the `concat`, and the layer."""
    chain: Chain | None = unit.chain
    while chain is not None:
        match _drawn(chain):
            case [Branches() as node]:
                start = node.input.root
                made = [branch for branch in node.branches if _drawn(branch)]
                handed = {x.output.root for x in node.branches if _hands_on(x, start)} | {start}
                ends = [x.root for x in node.merge.inputs]
                reads = len(made) == 1 and beginning(made[0]).root is start and _reads_all(made[0])
                joins = (
                    node.merge.op.name == "concat"
                    and len(ends) == 2
                    and not handed.isdisjoint(ends)
                )
                return (node.merge, made[0]) if reads and joins else None
            case [Scope() | Choice() as node]:
                chain = node.chain
            case [Call() as node]:
                chain = node.body.chain
            case _:
                chain = None
    return None


def _drawn(chain: Chain) -> list[Node]:
    """What of a chain is more than a line."""
    return [n for n in chain.nodes if not (isinstance(n, Apply) and cards.does_nothing(n))]


def _hands_on(branch: Chain, start: Tensor) -> bool:
    """Whether a branch is the line that `identity` is."""
    return bool(branch.nodes) and not _drawn(branch) and beginning(branch).root is start


def _reads_all(layer: Chain) -> bool:
    """Whether a layer makes what it makes of every channel of what comes in."""
    start = beginning(layer).root
    count = int(start.channels)
    carried = {start: [range(count)]}
    taken = [*_taken(layer.nodes, carried), *carried.get(layer.output.root, [])]
    reached = 0
    for some in sorted((some for some in taken if some.start >= 0), key=lambda some: some.start):
        if some.start > reached:
            return False
        reached = max(reached, some.stop)
    return reached == count


def _taken(nodes: Iterable[Node], carried: dict[Tensor, Channels]) -> Channels:
    """The channels that operators mix. `carried` has the tensors that hand them on; it grows."""
    taken: Channels = []
    for node in nodes:
        match node:
            case Apply():
                taken += _taken_by(node, carried)
            case Call():
                pairs = zip(node.body.inputs, node.inputs, strict=True)
                inside = {x.root: carried[y.root] for x, y in pairs if y.root in carried}
                taken += _taken(node.body.chain.nodes, inside)
                ends = zip(node.outputs, (node.body.output, *node.body.gives.values()), strict=True)
                carried |= {x.root: inside[y.root] for x, y in ends if y.root in inside}
            case _:
                for chain in children(node):
                    taken += _taken(chain.nodes, carried)
                if isinstance(node, Branches):
                    taken += _taken_by(node.merge, carried)
    return taken


def _taken_by(apply: Apply, carried: dict[Tensor, Channels]) -> Channels:
    """The channels that an operator mixes; none where it hands them on, some or all of them."""
    data = apply.inputs[: len(apply.inputs) - len(apply.sizes)]
    if not any(x.root in carried for x in data):
        return []
    # Below 0: channels that do not come in here.
    given = [carried.get(x.root, [range(-int(x.channels), 0)]) for x in data]
    everything = [some for channels in given for some in channels]
    op, before, after = apply.op, int(data[0].channels), int(apply.output.channels)
    bounds, part = op.channels_taken(), op.part()
    if bounds is not None:
        everything = _between(everything, *map(int, bounds))
    elif part is not None:
        everything = _between(everything, int(part[0]) * after, (int(part[0]) + 1) * after)
    elif op.name != "concat" and not (op.by_channel and before == after):
        return everything
    carried[apply.output.root] = everything
    return []


def _between(channels: Channels, start: int, end: int) -> Channels:
    """Some channels of a tensor."""
    found, at = [], 0
    for some in channels:
        length = some.stop - some.start
        found.append(some[min(max(start - at, 0), length) : min(max(end - at, 0), length)])
        at += length
    return [some for some in found if some]
