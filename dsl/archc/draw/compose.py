"""Plan to scene: walk the hierarchy, draw what repeats once, put blocks into boxes.

It follows the bodies and never the unfolded network, so a network costs here what is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import takewhile
from typing import Any

from archc import symbolic
from archc.analysis.costs import Cost, Costs
from archc.analysis.repeats import RepeatUnit, units_of
from archc.draw import cards
from archc.draw.blocks import beginning, body_chain, called, facts, names, tooltip, totals
from archc.draw.boxes import Boxes, place_of
from archc.draw.cards import Lanes, Row
from archc.draw.collapse import card_of
from archc.draw.dense import appending
from archc.draw.items import Fold, Folding, Pass, applies_of, operators, reshaped, within
from archc.draw.leaving import Leaving
from archc.draw.scene import BESIDE, TRAINING, Box, Card, Port, Ports, Scene
from archc.draw.skips import Starts
from archc.draw.variants import BlockInstance, SourceNotes, say_the_same
from archc.ops import COMBINATORS
from archc.plan import (
    Apply,
    AuxHead,
    Branches,
    Call,
    Chain,
    Node,
    Plan,
    Reused,
    Runs,
    Scope,
    Tensor,
    outputs,
    walk,
)
from archc.report.spelling.expressions import Terms, called_with, translated
from archc.report.spelling.shapes import format_shape
from archc.source import Span

_DEEPEST = 40  # chains inside each other; what is deeper is one card
_MOST = 400  # cards in a drawing; further blocks are one card each


@dataclass(slots=True)
class DrawnBody:
    """One body while it is drawn: what makes each tensor, and where its names begin."""

    tensors: dict[Tensor, Ports]
    leaving: Leaving  # and what is asked for by its label
    prefix: str = ""
    scopes: tuple[str, ...] = ()
    blocks: tuple[int, ...] = ()  # trees of the blocks around: one inside itself has no box
    terms: Terms | None = None  # what its names are in the block that is drawn; None: numbers
    calls: tuple[Span, ...] = ()  # that lead here from the block that is drawn
    outside: bool = False  # what is drawn is a block that is called here
    costs: Costs = field(default_factory=Costs)  # of what is in it
    # What leaves passes of repeats that are drawn once, and what leaves the first pass there.
    families: dict[Tensor, Tensor] = field(default_factory=dict)

    @property
    def references(self) -> Counter[Tensor]:
        return self.leaving.references

    def say_the_same(self, one: Chain, other: Chain) -> bool:
        """Whether words tell two stretches apart that numbers do not."""
        return self.terms is None or say_the_same(one, other, self.terms, self.outside)

    def path(self, name: str) -> str:
        return self.prefix + ".".join((*self.scopes, name))


def compose(
    plan: Plan, costs: Costs, fold: bool = True, expand: frozenset[str] = frozenset()
) -> Scene:
    """What to draw for a plan without mistakes; without `fold` each operator by itself.

    Repeats right inside the boxes of `expand` are written out.
    """
    return _Composer(costs, fold=fold, expand=expand).network(plan)


def compose_block(
    instance: BlockInstance, notes: SourceNotes, costs: Costs, name: str, params: Mapping[str, Any]
) -> Scene:
    """A block by itself, its numbers as the block writes them: `conv 3×3/stride`.

    Its cards' ids begin with `name`. `params` are the network's: of one that has the name of the
    block's own, what blocks inside of it ask for is its number.
    """
    block = instance.body.block
    own = [formal.name.id for formal in block.tree.formals] if block is not None else []
    values = {name: translated(symbolic.plain(params[name]), {}) for name in own if name in params}
    hidden = {name: value for name, value in values.items() if value is not None}
    composer = _Composer(costs, notes=notes, in_terms=True, hidden=hidden)
    composer.own = {name: symbolic.var(name) for name in own}
    return composer.block(instance, name)


@dataclass
class _Composer:
    costs: Costs
    fold: bool = True
    expand: frozenset[str] = frozenset()
    notes: SourceNotes = field(default_factory=SourceNotes)
    in_terms: bool = False  # a block by itself, in its own terms
    own: Terms = field(default_factory=dict)  # its names, which are what they are
    hidden: Terms = field(default_factory=dict)  # params of the network that its own names hide
    boxes: Boxes = field(default_factory=Boxes)
    ids: Runs = field(default_factory=Runs)
    depth: int = 0

    @cached_property
    def again(self) -> Costs:
        """Of modules that ran before."""
        return type(self.costs)(again=True)

    @cached_property
    def folding(self) -> Folding:
        return Folding(self.notes, self.in_terms)

    def network(self, plan: Plan) -> Scene:
        body = plan.body
        frame = DrawnBody({}, self.folding.leaving(body), costs=self.costs)
        for name, tensor in zip(body.input_names, body.inputs, strict=True):
            title = "input" if len(body.inputs) == 1 else f"input {name}"
            self._end(title, tensor, frame, (tensor.span,))
        self._chain([(body.chain, 1)], frame)
        for name, tensor in outputs(body):
            title = "output" if name == "output" else f"output {name}"
            ports = frame.tensors[tensor.root]
            self.boxes.connect(ports, self._end(title, tensor, frame))
            frame.tensors[tensor.root] = ports  # another output may be the same
        return self.boxes.scene

    def block(self, instance: BlockInstance, name: str) -> Scene:
        body, chain = instance.body, instance.chain
        tree = id(body.block.tree) if body.block is not None else 0
        outside = instance.around is not None
        frame = DrawnBody({}, self.folding.leaving(body), f"{name}.", (), (tree,), {})
        frame.outside = outside
        self._put(self._sign("x", "what goes in", frame), [chain.input], frame)
        for name, x in zip(body.input_names[1:], body.inputs[1:], strict=True):
            self._put(self._sign(f"@{name}", "a tensor that is handed over", frame), [x], frame)
        self._chain([(chain, 1)], frame)
        for name, x in body.gives.items() if not outside else ():
            end = self._sign(f"output {name}", "a tensor that is given besides the last", frame)
            self.boxes.put(end)
            self.boxes.connect(frame.tensors[x.root], end.id)
        return self.boxes.scene

    def _sign(self, title: str, tooltip: str, frame: DrawnBody) -> Card:
        """A card where a tensor enters or leaves a block."""
        id = self._id(frame.path(title))
        return Card(id, "io", [(title, True)], [], tooltip, pill=True)

    def _end(
        self, title: str, tensor: Tensor, frame: DrawnBody, spans: tuple[Span, ...] = ()
    ) -> str:
        """A card where a tensor enters or leaves the network."""
        assert tensor.shape is not None
        text = format_shape(tensor.shape)
        card = Card(
            self._id(title),
            "io",
            [(title, True)],
            [text],
            f"{title}: {text}",
            name=title,
            output=tensor.shape,
            spans=spans,
        )
        self._put(card, [tensor], frame)
        return card.id

    def _put(self, card: Card, outputs: list[Tensor], frame: DrawnBody) -> None:
        """Place a card that makes a tensor in each of its copies."""
        first, last = outputs[0], outputs[-1]
        assert first.shape is not None
        self.boxes.put(card)
        frame.tensors[first.root] = (Port(card.id, first.shape, last.shape),)

    def _id(self, path: str) -> str:
        return self.ids.key(path)

    # --- chains --------------------------------------------------------------------------

    def _chain(self, lanes: Lanes[Chain], frame: DrawnBody) -> None:
        """Statements in a row, in all their copies."""
        self.depth += 1
        fold = self._folds(frame)
        items = list(self.folding.of(lanes, frame.leaving, fold, frame.calls, frame.say_the_same))
        at = 0
        while at < len(items):
            item = items[at]
            row = operators(items, at)
            if row:
                self._cards(row, frame)
                at += len(row)
            elif isinstance(item, Fold):
                self._fold(item, frame)
                at += 1
            elif isinstance(item, Pass):
                terms = {**(frame.terms or self.own), **item.terms}
                self._chain(item.lanes, replace(frame, terms=terms))
                at += 1
            else:
                at += self._statement(item, operators(items, at + 1), frame)
        self.depth -= 1

    def _folds(self, frame: DrawnBody) -> bool:
        return self.fold and frame.path("")[:-1] not in self.expand

    def _cards(self, row: Row, frame: DrawnBody) -> None:
        kept: Row = []
        for lanes in row:
            apply = lanes[0][0]
            if cards.does_nothing(apply, frame.terms):
                self._cards(kept, frame)
                kept = []
                frame.tensors[apply.output.root] = frame.tensors[apply.inputs[0].root]
            else:
                kept.append(lanes)
        groups = cards.grouped(kept, frame.references) if self.fold else ([one] for one in kept)
        for group in groups:
            id = self._id(frame.path(cards.main(group)[0][0].name))
            first = group[0][0][0]
            self.boxes.connect(frame.tensors[first.inputs[0].root], id)
            for other in (x for lanes in group for x in lanes[0][0].sizes):
                self.boxes.connect(frame.tensors[other.root], id, size=True)
            if frame.terms is not None:
                card = cards.block_card(group, id, frame.terms, self.notes.test)
                card.calls = frame.calls
            else:
                card = cards.card(group, frame.path(""), id, frame.costs)
            self._put(card, [last.output for last, _ in group[-1]], frame)

    def _statement(self, lanes: Lanes[Node], following: Row, frame: DrawnBody) -> int:
        """Draw one statement; how many are drawn with those of `following` that join it."""
        node = lanes[0][0]
        match node:
            case Apply():
                return self._merge(applies_of(lanes), [False] * len(node.inputs), following, frame)
            case Branches():
                return self._branches(node, lanes, following, frame)
            case Call() | Scope():
                self._container(lanes, node.also or node.name, 1, frame)
            case Reused():
                chains = [(n.chain, count) for n, count in lanes if isinstance(n, Reused)]
                self._chain(chains, replace(frame, scopes=node.scopes))
            case AuxHead():
                self._aux(node, frame)
        return 1

    # --- branches ------------------------------------------------------------------------

    def _branches(
        self, node: Branches, lanes: Lanes[Node], following: Row, frame: DrawnBody
    ) -> int:
        """The branches in source order, then what merges them."""
        nodes = [(n, count) for n, count in lanes if isinstance(n, Branches)]
        drawn: list[bool] = []
        ends: list[str] = []
        combinator, written = COMBINATORS[node.keyword], len(node.branches)
        starts = Starts(node, frame.tensors, self.boxes)
        fold = self._folds(frame)
        for many in self.folding.beside(node, frame.leaving, frame.families, frame.terms, fold):
            at, before = len(drawn), self.boxes.size
            place = combinator.place(at, written)
            skips = place in combinator.skips if combinator.skips else starts.skips(at)
            beside = [[(n.branches[at + i], count) for n, count in nodes] for i in range(many)]
            with self.boxes.leading(skip=skips):
                if many > 1:
                    self._beside(beside, frame)
                else:
                    self._chain(beside[0], frame)
            drawn += [self.boxes.size > before] * many
            if drawn[-1]:
                end = self.boxes.resolved(frame.tensors[node.branches[at].output.root])
                ends += [port.id for port in end]
        if len(ends) > 1:
            self.boxes.scene.levels.append(ends)
        if combinator.skips:
            around = [at in combinator.skips for at in range(len(node.merge.inputs))]
        else:
            made = [frame.tensors[branch.output.root] for branch in node.branches]
            around = combinator.merged(starts.around(drawn, made), any(drawn))
        return self._merge([(n.merge, count) for n, count in nodes], around, following, frame)

    def _beside(self, branches: list[Lanes[Chain]], frame: DrawnBody) -> None:
        """Branches of one make, drawn once; one edge leads to what merges them."""
        (first, _), *_ = lanes = [lane for branch in branches for lane in branch]
        units = [RepeatUnit(branch[0][0], looped=True) for branch in (branches[0], branches[-1])]
        name = names(*units)
        box = self._fold_box(name, name or "branches", len(branches), lanes, frame)
        box.output, box.facts = first.output.shape, [BESIDE, *box.facts]
        with self.boxes.inside(box, frame.tensors[beginning(first).root]) as header:
            self._drawn(lanes, header, frame)
        self._one_of_each([branch[0][0].output.root for branch in branches], frame)

    def _one_of_each(self, made: list[Tensor], frame: DrawnBody) -> None:
        """What copies make that are drawn once: one edge leads to what takes them all."""
        each = len(made) if frame.terms is None else 1  # a block's card gives no shapes
        ports = tuple(replace(port, each=each) for port in frame.tensors[made[0]])
        frame.tensors |= dict.fromkeys(made, ()) | {made[0]: ports}

    def _merge(
        self, lanes: Lanes[Apply], around: list[bool], following: Row, frame: DrawnBody
    ) -> int:
        merge = lanes[0][0]
        inputs = [frame.tensors[x.root] for x in merge.inputs]
        ports = tuple(port for several in inputs for port in several)
        bundled = merge.output.shape is not None and merge.output.shape.columns
        if bundled or len(ports) == len(inputs) == 1:  # not merged yet, or nothing to merge
            frame.tensors[merge.output.root] = ports
            return 1
        joined = cards.joining(merge, following, frame.references) if self.fold else []
        test = self.notes.test(merge)
        joined = list(takewhile(lambda one: self.notes.test(one[0][0]) == test, joined))
        row = [lanes, *joined]
        id = self._id(frame.path(merge.name))
        for several, skip in zip(inputs, around, strict=True):
            self.boxes.connect(several, id, skip)
        made = cards.sign(row, frame.path(""), id, frame.costs, frame.terms, test)
        self._put(made, [last.output for last, _ in row[-1]], frame)
        return len(row)

    # --- boxes ---------------------------------------------------------------------------

    def _container(
        self, lanes: Lanes[Node], name: str, count: int, frame: DrawnBody, times: str = ""
    ) -> None:
        """A block or a named group; `count` of them in a row, which the block calls `times`."""
        node = lanes[0][0]
        assert isinstance(node, Call | Scope)
        start, cost = beginning(body_chain(node)), _cost(lanes, frame.costs)
        costs = self.again if node.again else frame.costs
        if isinstance(node, Scope):
            source = frame.tensors[start.root]
            inside = replace(frame, scopes=(*frame.scopes, node.name), costs=costs)
            box = Box(self._id(frame.path(node.name)), "group", name, chain=node.chain)
        else:
            block = id(node.body.block.tree) if node.body.block is not None else 0
            prefix, blocks = f"{frame.path(node.name)}.", (*frame.blocks, block)
            terms = frame.terms
            if terms is not None:
                hidden = {k: v for k, v in self.hidden.items() if k not in node.body.args}
                terms = {} if frame.outside else {**hidden, **called_with(node, terms)}
            handed = zip(node.body.inputs[1:], node.tensors, strict=True)
            tensors = {x.root: frame.tensors[given.root] for x, given in handed}
            source = tensors.get(start.root, frame.tensors[node.input.root])
            inside = DrawnBody(tensors, self.folding.leaving(node.body), prefix, (), blocks, terms)
            inside.costs, inside.calls = costs, (*frame.calls, node.span)
            box = Box(self._id(frame.path(node.name)), "block", name, node.body.name)
        box.label, box.count, box.times = node.label is not None, count, times
        box.facts, box.tooltip = facts(cost, node), tooltip(node, box.id, cost)
        box.params, box.macs, box.output = cost.params, cost.macs, lanes[-1][0].output.shape
        box.spans = (node.span,)
        calls = [n for n, _ in lanes if isinstance(n, Call)]
        if calls:
            box.call = called(calls, place_of(frame.path(name).split(".")), count)
        if frame.terms is not None:
            test = self.notes.test(node)
            box.name, box.facts = "" if box.block else box.name, [f"if {test}"] if test else []
        if count > 1:
            box.kind = "fold"
        chains = [(body_chain(n), c) for n, c in lanes if isinstance(n, Call | Scope)]
        if (self.fold and self.boxes.size > _MOST) or self.depth > _DEEPEST:
            ports = self._summary(box, node, source, frame)
        elif count == 1 and inside.blocks != frame.blocks and inside.blocks[-1] in frame.blocks:
            ports = self._drawn(chains, source, inside)
        else:
            with self.boxes.inside(box, source) as header:
                ports = self._drawn(chains, header, inside)
        frame.tensors[node.output.root] = reshaped(ports, [n.output for n, _ in lanes])
        if not isinstance(node, Call):
            return
        for name, x in node.gives.items():
            inner = inside.tensors.get(node.body.gives[name].root, ports)
            frame.tensors[x.root] = reshaped(inner, [call.gives[name] for call in calls])

    def _drawn(self, chains: Lanes[Chain], source: Ports, frame: DrawnBody) -> Ports:
        """Draw chains whose input comes from `source`; what makes their output."""
        start, output = beginning(chains[0][0]).root, chains[0][0].output
        before = frame.tensors.get(start)
        frame.tensors[start] = reshaped(source, [beginning(chain) for chain, _ in chains])
        self._chain(chains, frame)
        ports = frame.tensors[output.root]
        if before is not None:
            frame.tensors[start] = before
        return ports

    def _summary(self, box: Box, node: Node, source: Ports, frame: DrawnBody) -> Ports:
        """A block as one card, where the drawing would be too large or too deep."""
        card = card_of(box)
        self.boxes.put(card)
        self.boxes.connect(source, card.id)
        for given in node.tensors if isinstance(node, Call) else ():
            self.boxes.connect(frame.tensors[given.root], card.id)
        for inner in walk(node.chain.nodes if isinstance(node, Scope) else []):
            if inner.output.shape is not None:  # a label in it may be asked for
                frame.tensors[inner.output.root] = (Port(card.id, inner.output.shape),)
        assert node.output.shape is not None
        return (Port(card.id, node.output.shape),)

    def _fold(self, fold: Fold, frame: DrawnBody) -> None:
        """Neighbours that are alike, drawn once."""
        first, last = fold.units[0], fold.units[-1]
        place = frame.calls, first.chain
        name, times = names(first, last), self.notes.counts.get(place, "")
        nodes = [(list(units_of(chain)), n) for chain, n in fold.lanes]
        only = first.nodes[0] if len(nodes[0][0]) == 1 else None
        if isinstance(only, Call | Scope):
            lanes = [(units[0].nodes[0], n) for units, n in nodes]
            self._container(lanes, name, len(fold.units), frame, times)
        else:
            box = self._fold_box(name, name or "run", len(fold.units), fold.lanes, frame)
            box.output, box.times = fold.ends[-1][0].output.shape, times
            source = frame.tensors[beginning(fold.lanes[0][0]).root]
            with self.boxes.inside(box, source) as header:
                self._drawn(fold.lanes, header, frame)
        if place in self.notes.ranges:
            self.boxes.box.items[-1].facts.append(self.notes.ranges[place])
        self._mark_dense(fold)
        for family in frame.leaving.families(fold.units) if frame.terms is None else ():
            frame.families |= dict.fromkeys(family, family[0])
            self._one_of_each(family, frame)
        made = frame.tensors[first.output.root]
        frame.tensors[last.output.root] = reshaped(made, [end.output for end, _ in fold.ends])

    def _mark_dense(self, fold: Fold) -> None:
        """Note on a box, which has just been drawn, that each pass sees all before it."""
        drawn = next(reversed(self.boxes.box.items), None)
        if not isinstance(drawn, Box) or drawn.count != len(fold.units):
            return
        if all(self._appends(unit) for unit in fold.units):
            drawn.dense = fold.units[0].chain

    def _appends(self, unit: RepeatUnit) -> bool:
        """Whether a pass always appends something."""
        found = appending(unit)
        if found is None or self.notes.test(found[0]):
            return False
        made = (n for n in within(found[1].nodes) if isinstance(n, Apply))
        return any(not (cards.does_nothing(n) or self.notes.test(n)) for n in made)

    def _fold_box(
        self, name: str, path: str, count: int, lanes: Lanes[Chain], frame: DrawnBody
    ) -> Box:
        """A box for chains that are drawn once and have no box of their own."""
        cost = _cost([(node, n) for chain, n in lanes for node in chain.nodes], frame.costs)
        box = Box(self._id(frame.path(f"{path} ×{count}")), "fold", name, count=count)
        box.spans = tuple(node.span for node in lanes[0][0].nodes)
        if frame.terms is None:
            box.facts, box.params, box.macs = totals(cost), cost.params, cost.macs
        else:
            box.name = ""
        return box

    def _aux(self, node: AuxHead, frame: DrawnBody) -> None:
        """A side classifier: set apart, and there while training only."""
        cost = _cost([(inner, 1) for inner in node.chain.nodes], frame.costs)
        box = Box(self._id(node.name), "aux", node.name, label=True)
        box.params, box.macs, box.output = cost.params, cost.macs, node.chain.output.shape
        box.spans = (node.span,)
        box.facts = [TRAINING, f"weight {node.weight:g}", *totals(cost)]
        box.tooltip = f"{node.name}: {node.span.text.partition(chr(10))[0][:90]}"
        source = frame.tensors[beginning(node.chain).root]
        with self.boxes.leading(training_only=True), self.boxes.inside(box, source) as header:
            self._drawn([(node.chain, 1)], header, frame)


def _cost(lanes: Lanes[Node], costs: Costs) -> Cost:
    total = Cost()
    for node, count in lanes:
        cost = costs.of_node(node)
        total += Cost(params=cost.params * count, macs=cost.macs * count)
    return total
