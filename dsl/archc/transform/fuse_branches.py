"""Branches that begin with 1x1 convolutions of the same input: one convolution, then cut.

What follows each of them, channel by channel, is done before the cut where it is the same in all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from archc import symbolic
from archc.analysis.uses import Uses, uses_of
from archc.ops import REGISTRY, Shape
from archc.plan import Apply, Body, Branches, Call, Chain, Node, Scope, Tensor, walk
from archc.transform.rewrite import chains, rerun
from archc.transform.weight_map import WeightMap

NAME = "pointwise"  # of the convolution that several become


@dataclass(slots=True)
class _Start:
    """What a branch begins with: a 1x1 convolution, and perhaps an activation."""

    branch: Chain
    chain: Chain  # where it stands
    nodes: list[Apply | Call]  # the operators, or the call that is nothing else
    name: str  # of the convolution, from the branch on
    conv: Apply
    act: Apply | None
    width: int  # its channels, in the terms of the body around
    inside: tuple[Scope, ...]  # the groups that lead to it
    table: WeightMap | None  # of the block that is called

    @property
    def kind(self) -> Any:
        return self.act.op if self.act is not None else None, "bias" in _weights(self.conv)

    @property
    def output(self) -> Tensor:
        return self.nodes[-1].output


def fuse(body: Body, tables: dict[Body, WeightMap]) -> None:
    """Fuse what can be in one body, which is nobody else's; its table then says so."""
    uses, again = uses_of(body), rerun(body)
    for chain, prefix, alone in list(chains(body.chain)):
        for node in list(chain.nodes):
            if not isinstance(node, Branches) or alone:
                continue
            starts = [s for branch in node.branches if (s := _start(branch, node, uses, tables))]
            starts = [start for start in starts if start.nodes[0].name not in again]
            kinds = [start.kind for start in starts]
            chosen = [start for start in starts if kinds.count(start.kind) > 1]
            chosen = [start for start in chosen if start.kind == chosen[0].kind]
            if chosen:
                _fuse(body, chain, prefix, node, chosen, tables[body])


def _start(
    branch: Chain, around: Branches, uses: Uses, tables: dict[Body, WeightMap]
) -> _Start | None:
    """The 1x1 convolution of the combinator's input that a branch begins with."""
    chain, inside, name = branch, list[Scope](), ""
    while chain.nodes and isinstance(first := chain.nodes[0], Scope) and not first.again:
        inside.append(first)
        chain, name = first.chain, f"{name}{first.name}."
    if not chain.nodes or chain.input.root is not around.input.root:
        return None
    first = chain.nodes[0]
    if isinstance(first, Call):
        nodes = first.body.chain.nodes
        conv, act = _pair(nodes, uses_of(first.body))
        whole = conv is not None and len(nodes) == 1 + (act is not None)
        if conv is None or not whole or first.again or first.input.root is not around.input.root:
            return None
        if conv.inputs[0].root is not first.body.input.root:
            return None
        width, table = _translated(conv.op.out, first), tables[first.body]  # type: ignore[attr-defined]
        full = f"{name}{first.name}.{conv.name}"
        return _Start(branch, chain, [first], full, conv, act, width, tuple(inside), table)
    conv, act = _pair(chain.nodes, uses)
    if conv is None or conv.inputs[0].root is not around.input.root:
        return None
    taken: list[Apply | Call] = [conv] if act is None else [conv, act]
    width = conv.op.out  # type: ignore[attr-defined]
    return _Start(branch, chain, taken, name + conv.name, conv, act, width, tuple(inside), None)


def _pair(nodes: list[Node], uses: Uses) -> tuple[Apply | None, Apply | None]:
    """A 1x1 convolution that comes first, and the activation behind it."""
    conv = nodes[0] if nodes else None
    if not isinstance(conv, Apply) or conv.again or not _is_pointwise(conv):
        return None, None
    act = nodes[1] if len(nodes) > 1 else None
    if (
        isinstance(act, Apply)
        and act.op.category == "act"
        and act.op.keeps_shape
        and not act.op.weights(*act.shapes)
        and act.inputs[0].root is conv.output.root
        and uses.counts[conv.output.root] == 1
    ):
        return conv, act
    return conv, None


def _is_pointwise(node: Apply) -> bool:
    (x, *_) = node.shapes
    foldable = node.op.name == "conv" and node.op.with_bias() is not None
    filters = node.op.filters(x) if foldable else None
    if filters is None:
        return False
    span, _ = filters
    kernel, channels = span[:-1], span[-1]
    moves = any(w.stride != 1 or w.before for w in node.op.windows(x))
    moves = moves or node.op.shape(x).size != x.size
    return set(map(int, kernel)) == {1} and int(channels) == int(x.channels) and not moves


def _weights(node: Apply) -> dict[str, Any]:
    return node.op.weights(*node.shapes)


def _translated(value: int, call: Call) -> int:
    """A number of a block, in the terms of the body that calls it."""
    expr = symbolic.expr_of(value)
    known = {name: symbolic.expr_of(given) for name, given in call.args.items()
             if name in expr.variables()}  # fmt: skip
    for name, x in call.body.called(call.inputs):
        if x.shape is not None:
            known[f"{name}.c"] = symbolic.expr_of(x.shape.channels)
    names = {name: known.get(name, symbolic.var(name)) for name in expr.variables()}
    made: int = symbolic.traced(symbolic.plain(value), symbolic.substitute(expr, names))
    return made


def _fuse(
    body: Body, chain: Chain, prefix: str, node: Branches, starts: list[_Start], table: WeightMap
) -> None:
    """One convolution before the combinator, and a cut at the start of each branch."""
    shape, first = node.input.shape, starts[0]
    assert shape is not None
    total: int = starts[0].width
    for start in starts[1:]:
        total = total + start.width
    whole = Tensor(Shape(total, shape.size), node.span)
    one: dict[str, Any] = {"kernel": (1,), "stride": (1,), "padding": (0,), "dilation": (1,)}
    one |= {"before": None, "after": None}
    op = replace(first.conv.op, out=total, **one)  # type: ignore[call-arg]
    taken = {n.name for n in walk(body.chain.nodes) if isinstance(n, Apply | Call | Scope)}
    name = next(n for n in (NAME, *(f"{NAME}{k}" for k in range(2, 99))) if n not in taken)
    added: list[Node] = [Apply(name, op, (node.input,), whole, node.span)]
    if first.act is not None:
        acted = Tensor(whole.shape, node.span)
        added.append(Apply(first.act.name, first.act.op, (whole,), acted, node.span))
        whole = acted
    at = chain.nodes.index(node)
    chain.nodes[at:at] = added
    table.fused[prefix + name] = tuple(prefix + start.name for start in starts)
    before: int = 0
    for start in starts:
        if start.table is not None:
            inner = start.name.removesuffix(start.conv.name)
            for conv, (norm, eps) in start.table.folded.items():
                table.folded[prefix + inner + conv] = (prefix + inner + norm, eps)
        _cut(node, start, whole, before)
        before = before + start.width


def _cut(node: Branches, start: _Start, whole: Tensor, before: int) -> None:
    """A branch takes its part of the channels instead of computing them."""
    part = Tensor(Shape(start.width, (whole.shape or Shape(1)).size), node.span)
    cut_out: Any = REGISTRY["narrow"]
    narrow = cut_out(start=before, length=start.width)
    for gone in start.nodes:
        gone.output.origin = part
    del start.chain.nodes[: len(start.nodes)]
    around = [start.branch, *(scope.chain for scope in start.inside)]
    for scope, outer in reversed([*zip(start.inside, around, strict=False)]):
        scope.chain.input = part
        if not scope.chain.nodes:
            outer.nodes.remove(scope)
    cut = Apply("narrow", narrow, (whole,), part, node.span)
    start.branch.nodes.insert(0, cut)
