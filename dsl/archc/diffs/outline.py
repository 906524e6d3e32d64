"""Plan to outline: what a network consists of, in the order of its text.

Calls of the same body share an outline, so an outline costs what is written.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace

from archc import syntax
from archc.analysis.costs import Cost, cost_of
from archc.diffs.items import OutlineItem, TensorReference, sum_up, sums
from archc.diffs.words import AttributeText, arguments_of, words_of
from archc.ops import COMBINATORS, OTHER
from archc.plan import (
    Apply,
    AuxHead,
    Body,
    Branches,
    Call,
    Chain,
    Choice,
    Loop,
    Node,
    Output,
    Ref,
    Reused,
    Scope,
    Tensor,
)
from archc.report.spelling.expressions import Terms, called_with
from archc.report.spelling.statements import source_text

_WEIGHTS = {"conv": 2.0, "linear": 2.0, "pool": 1.0, "merge": 1.0}  # others count half
MOST_OPENED = 512  # operators of what is compared with its containers opened


@dataclass(frozen=True, slots=True)
class Outline:
    """The statements of a body."""

    items: tuple[OutlineItem, ...]
    signature: int
    cost: Cost
    bag: Counter[str]
    weight: float


class Outliner:
    """Makes the outlines of one plan. Two that share `numbers` have comparable signatures."""

    def __init__(self, numbers: dict[Hashable, int]) -> None:
        self._numbers = numbers
        self._bodies: dict[Body, Outline] = {}
        self._costs: dict[Hashable, Cost] = {}
        self._opened: dict[tuple[int, tuple[str, ...]], list[OutlineItem]] = {}
        self._kept: list[OutlineItem] = []  # whose ids are in use
        self._modules: dict[tuple[str, ...], Tensor] = {}  # what those of the body at hand make
        self._groups: tuple[str, ...] = ()  # that lead to the statement at hand

    def body(self, body: Body) -> Outline:
        """The outline of a block at some arguments, in terms of its own parameters."""
        found = self._bodies.get(body)
        if found is None:
            around, self._modules = self._modules, {}
            groups, self._groups = self._groups, ()
            items = tuple(self._chain(body.chain, {}))
            self._modules, self._groups = around, groups
            parts = tuple(item.signature for item in items), _wiring(body, items)
            cost, bag, weight, _ = sums(items)
            number = self._number(("body", parts))
            found = self._bodies[body] = Outline(items, number, cost, bag, weight)
        return found

    def opened(self, item: OutlineItem, kinds: tuple[str, ...]) -> list[OutlineItem]:
        """What is in a container, in its place, containers of these kinds opened in turn.

        There are brackets around branches. Empty where it stays closed.
        """
        key = (id(item), kinds)
        found = self._opened.get(key)
        if found is None:
            inner = self._open(item)
            deep = [
                one for i in inner for one in (i.kind in kinds and self.opened(i, kinds)) or [i]
            ]
            found = self._opened[key] = deep
            self._kept.append(item)
        return found

    def _open(self, item: OutlineItem) -> list[OutlineItem]:
        match item.kind:
            case "call" if item.call is not None and not item.call.again:
                terms = called_with(item.call, item.terms)
                items = list(self._chain(item.call.body.chain, terms))
            case "group":
                items = list(item.inside[0])
            case "loop":
                items = [inner for iteration in item.inside for inner in iteration]
                times = item.count // max(len(item.inside), 1)
                items = items * times if item.size <= MOST_OPENED else []
            case "branches":
                return self._bracketed(item)
            case _:
                return []
        if item.label is None:
            return items
        if len(items) == 1 and items[0].label is None:
            return [replace(items[0], label=item.label)]
        return [replace(i, label=i.label and f"{item.label}.{i.label}") for i in items]

    def _bracketed(self, item: OutlineItem) -> list[OutlineItem]:
        items = [self._bracket(item, f"{item.head}<")]
        for at, branch in enumerate(item.inside):
            inner = branch[0].inside[0]
            if at and inner:
                items.append(self._bracket(item, "|"))
            items += inner
        return [*items, self._bracket(item, ">")]

    def _bracket(self, item: OutlineItem, text: str) -> OutlineItem:
        made = OutlineItem("bracket", text, item.span, self._number(("bracket", text)), item.output)
        made.weight = 0.25
        return made

    # --- chains ------------------------------------------------------------------------------

    def _chain(self, chain: Chain, terms: Terms) -> Iterator[OutlineItem]:
        for node in chain.nodes:
            match node:
                case Choice():
                    yield from self._chain(node.chain, terms)
                case Loop() if not node.iterations:
                    pass
                case _:
                    item = self._item(node, terms)
                    if isinstance(node, Apply | Call | Scope):
                        self._modules.setdefault((*self._groups, node.name), item.output.root)
                    yield item

    def _item(self, node: Node, terms: Terms) -> OutlineItem:
        match node:
            case Apply():
                return self._apply(node, terms)
            case Call():
                return self._call(node, terms)
            case Branches():
                return self._branches(node, terms)
            case Loop():
                return self._loop(node, terms)
            case Scope():
                return self._scope(node, terms)
            case Reused():
                return self._again(node, terms)
            case Ref():
                return self._goto(node)
            case AuxHead():
                return self._aux(node, terms)
            case Output():
                item = self._made("mark", "output", node, (), node.name)
                item.words = (AttributeText("name", node.name, node.name, node.name),)
                return item
        raise AssertionError(node)

    def _made(
        self,
        kind: str,
        head: str,
        node: Node,
        inside: tuple[tuple[OutlineItem, ...], ...],
        *more: Hashable,
    ) -> OutlineItem:
        """An item of what is in it."""
        parts = tuple(tuple(item.signature for item in items) for items in inside)
        number = self._number((kind, head, parts, *more))
        item = OutlineItem(kind, head, node.span, number, node.output, inside=inside)
        inner = [one for items in inside for one in items]
        sum_up(item, inner)
        item.references = tuple(r for one in inner for r in one.references)
        return item

    def _apply(self, node: Apply, terms: Terms) -> OutlineItem:
        op, words = node.op, words_of(node.op, terms)
        key = (op.name, tuple((word.field, word.key) for word in words), node.again)
        item = OutlineItem("op", op.name, node.span, self._number(("op", key)), node.output)
        item.label, item.words, item.cost = node.label, words, self._cost(node)
        item.bag[op.name] = 1
        item.name, item.category = node.name, op.category
        item.weight = _WEIGHTS.get(op.category, 0.5)
        if any(getattr(op, name) is OTHER for name in op.fields()):
            item.references = (TensorReference("@", node.inputs[-1].root),)
        return item

    def _cost(self, node: Apply) -> Cost:
        """Of one operator; the same on the same shapes in every body."""
        key = (node.op, node.again, *((x.dims, x.columns) for x in node.shapes))
        if key not in self._costs:
            self._costs[key] = cost_of(node)
        return self._costs[key]

    def _call(self, call: Call, terms: Terms) -> OutlineItem:
        outline = self.body(call.body)
        item = OutlineItem(
            "call",
            call.body.name,
            call.span,
            self._number(("call", outline.signature, call.again)),
            call.output,
        )
        item.label, item.words = call.label, arguments_of(call)
        item.cost = Cost(macs=outline.cost.macs) if call.again else outline.cost
        item.bag, item.weight, item.size = outline.bag, outline.weight, call.body.size
        item.name, item.call, item.terms = call.name, call, terms
        item.references = tuple(TensorReference("@", x.root) for x in call.tensors)
        return item

    def _branches(self, node: Branches, terms: Terms) -> OutlineItem:
        chains = [tuple(self._chain(branch, terms)) for branch in node.branches]
        merge = self._apply(node.merge, terms)
        if len(chains) < (COMBINATORS[node.keyword].most or 0):
            chains.append(())  # the identity, which need not be written
        branches = []
        for items in chains:
            parts = tuple(item.signature for item in items)
            end = items[-1].output if items else node.input
            branch = OutlineItem("branch", "", node.span, self._number(("branch", parts)), end)
            branch.inside = (items,)
            sum_up(branch, items)
            branch.references = tuple(r for one in items for r in one.references)
            branches.append((branch,))
        item = self._made("branches", node.keyword, node, tuple(branches), merge.signature)
        item.words = merge.words
        item.cost += merge.cost
        item.bag = item.bag.copy()
        item.bag[node.keyword] += 1
        item.weight += 1
        item.size += 1  # the merge
        return item

    def _loop(self, loop: Loop, terms: Terms) -> OutlineItem:
        iterations: list[tuple[OutlineItem, ...]] = []
        seen: dict[Hashable, tuple[OutlineItem, ...]] = {}
        for chain in loop.iterations:
            items = tuple(self._chain(chain, terms))
            looks = tuple((item.signature, item.cost, item.output.shape) for item in items)
            seen.setdefault(looks, items)
            iterations.append(items)
        inside = tuple(iterations[:1]) if len(seen) == 1 and _plain(iterations) else None
        item = self._made("loop", "for", loop, inside or tuple(iterations), len(iterations))
        item.count = len(iterations)
        sum_up(item, next(iter(seen.values())))
        item.cost = sum((one.cost for items in iterations for one in items), Cost())
        item.size = sum(one.size for items in iterations for one in items)
        return item

    def _scope(self, scope: Scope, terms: Terms) -> OutlineItem:
        items = self._within((*self._groups, scope.name), scope.chain, terms)
        if scope.label is None and len(items) == 1 and not isinstance(scope.tree, syntax.Group):
            return items[0]  # a combinator in a place: a module of its own, nothing more
        item = self._made("group", "{}", scope, (items,), scope.again)
        item.label, item.name = scope.label, scope.name
        return item

    def _again(self, node: Reused, terms: Terms) -> OutlineItem:
        item = self._made("again", "reuse", node, (self._within(node.scopes, node.chain, terms),))
        first = node.chain.nodes[0]
        made = self._modules.get((*node.scopes, getattr(first, "name", "")))
        if made is not None:
            item.references = (TensorReference(source_text(node.span), made), *item.references)
        return item

    def _within(
        self, groups: tuple[str, ...], chain: Chain, terms: Terms
    ) -> tuple[OutlineItem, ...]:
        """The items of a chain in these groups."""
        around, self._groups = self._groups, groups
        items = tuple(self._chain(chain, terms))
        self._groups = around
        return items

    def _aux(self, node: AuxHead, terms: Terms) -> OutlineItem:
        items = tuple(self._chain(node.chain, terms))
        item = self._made("aux", "aux", node, (items,), node.weight)
        text = f"weight={node.weight:g}"
        item.label, item.words = node.name, (AttributeText("weight", text, text, node.weight),)
        cost = item.cost  # it runs while training only
        item.cost = replace(
            cost, macs=0, side_macs=cost.macs + cost.side_macs, side_params=cost.params
        )
        return item

    def _goto(self, node: Ref) -> OutlineItem:
        if node.span.text.startswith("input"):
            return self._input(node)
        item = OutlineItem("goto", "@", node.span, self._number("@"), node.output)
        item.references = (TensorReference(source_text(node.span), node.output.root),)
        return item

    def _input(self, node: Ref) -> OutlineItem:
        shape = str(node.output.shape)
        name = re.match(r"input\s+([A-Za-z_]\w*)(?=\s)", node.span.text)
        item = OutlineItem("input", "input", node.span, self._number(("input", shape)), node.output)
        item.label = name[1] if name else None
        item.words = (AttributeText("shape", shape, source_text(node.span), shape),)
        return item

    def _number(self, key: Hashable) -> int:
        return self._numbers.setdefault(key, len(self._numbers))


def _plain(iterations: list[tuple[OutlineItem, ...]]) -> bool:
    """Whether one iteration can stand for all: none asks for a tensor outside of it."""
    return not any(item.references for items in iterations for item in items)


def _wiring(body: Body, items: tuple[OutlineItem, ...]) -> tuple[int, ...]:
    """Which tensors are asked for, by their places in the body."""
    wanted = [r.target for item in items for r in item.references]
    if not wanted:
        return ()
    places: dict[Tensor, int] = {}
    for at, tensor in enumerate(body.inputs):
        places.setdefault(tensor.root, at)
    for item in items:
        for inner in item.walk():
            places.setdefault(inner.output.root, len(places))
    return tuple(places.get(target, -1) for target in wanted)
