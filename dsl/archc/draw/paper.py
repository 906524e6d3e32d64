"""The lecture's table and figure at once: a row a module, and beside it each block once.

    scene -> rows (boxes are rows; what all goes through is the trunk) -> table -> dot

What is not on the trunk, a branch or a side classifier, is a small card beside the rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from archc.analysis.costs import Costs
from archc.draw import collapse
from archc.draw.blocks import signature
from archc.draw.boxes import place_of
from archc.draw.collapse import BoxState
from archc.draw.compose import compose, compose_block
from archc.draw.connectors import Connector
from archc.draw.insets import Insets, insets
from archc.draw.legend import Signs, has_numbers, hottest, is_sum, repeats
from archc.draw.part import copies_of, part_of, with_ends
from archc.draw.scene import BESIDE, SHARED, Box, Called, Card, Scene
from archc.draw.towers import InTowers, TowerRows, towers
from archc.draw.trunk import by_resolution, trunk_of
from archc.draw.variants import BlockInstance, variants
from archc.plan import Applicable, Body, Plan
from archc.report.spelling.numbers import human
from archc.report.spelling.operators import format_value
from archc.report.spelling.shapes import format_shape


@dataclass(frozen=True, slots=True)
class PaperRow:
    """A row of the table."""

    card: Card
    name: str
    times: int
    config: tuple[str, ...]  # more than one where the channels are split
    notes: str
    towers: InTowers | None = None

    @property
    def shape(self) -> str:
        return format_shape(self.card.output) if self.card.output is not None else ""

    @property
    def params(self) -> str:
        return human(self.card.params) if self.card.params else ""


@dataclass(frozen=True, slots=True)
class Template:
    """A block drawn once, for all its instances; or a repeat that calls none."""

    name: str
    signature: str
    times: int
    scene: Scene
    calls: list[Called] = field(default_factory=list)  # those that it stands for
    is_variant: bool = False  # others of the block look otherwise
    repeat: str = ""  # its box, where it calls no block
    insets: Insets = field(default_factory=Insets)
    continued: bool = False  # it is what did not stand in the frame before

    @property
    def rows(self) -> list[str]:
        """The names of the rows that are meant, where that is to be said."""
        return [call.name for call in self.calls] if self.is_variant else []


@dataclass(frozen=True, slots=True)
class Paper:
    """What the view shows: a scene of cards alone, those that are rows, and the templates."""

    scene: Scene
    trunk: set[str]  # what all goes through: rows, and merges
    lines: dict[str, PaperRow]  # by the card's id
    beside: dict[str, PaperRow]  # what the other cards would say as rows
    groups: list[tuple[str, list[Card]]]  # cards in a row at one resolution, "" for none
    templates: list[Template]
    towers: TowerRows
    hottest: int  # the most MACs of a card
    costs: bool  # whether any card has some to say
    connectors: Sequence[Connector] = ()  # the cards that say where something goes on

    @property
    def signs(self) -> Signs:
        """Those of the rows and of the templates."""
        blocks = Signs.of(*(template.scene for template in self.templates))
        layers = any(template.insets.connections is not None for template in self.templates)
        return replace(self.row_signs | blocks, layers=layers)

    @property
    def row_signs(self) -> Signs:
        """Those of the rows, and of the cards beside them."""
        single = list(collapse.cards(self.scene.root))
        beside = [card for card in single if card.id not in self.lines]
        # A row of a block has no title: where it repeats, it says so beside its name.
        titled = [c for c in single if c.id not in self.lines or c.category not in ("io", "block")]
        in_a_row = [x for x in self.lines.values() if x.times > 1 and BESIDE not in x.notes]
        return replace(
            Signs.of(self.scene),
            times=bool(in_a_row) or any(map(repeats, titled)),
            sums=any(map(is_sum, beside)),
            numbers=any(map(has_numbers, beside)),
        )


def paper(plan: Plan, costs: Costs, only: str | None = None) -> Paper:
    """Rows, groups and templates of a plan without mistakes, or of the part that is named.

    Raises Unknown where there is no such part.
    """
    whole = compose(plan, costs)
    drawn, part, copies = whole, None, 1
    if only is not None:
        drawn, part = part_of(whole, only)
        drawn, copies = with_ends(drawn, part), copies_of(whole, part)
    known = list(collapse.boxes(drawn.root))
    calls = {
        box.id: replace(box.call, dense=box.dense is not None)
        for box in known
        if box.call is not None
    }
    repeats = [box for box in known if box.call is None and box.count > 1 and box.kind == "fold"]
    uses: Counter[int] = Counter()
    for call in calls.values():
        uses[_tree(call)] += call.times

    def state_of(box: Box, _: int) -> BoxState:
        if box.count > 1:
            return BoxState.CARD
        if box is part:
            return BoxState.FLAT
        if box.kind == "aux":
            return BoxState.CARD
        if box.call is None:
            return BoxState.FLAT
        # A block that is used once is told by its rows, unless branches make it a figure.
        figure = any(isinstance(item, Card) and item.pill for item in box.items)
        return BoxState.CARD if figure or uses[_tree(box.call)] > 1 else BoxState.FLAT

    scene = collapse.collapse(drawn, state_of)
    closed = [card.id for card in collapse.cards(scene.root)]
    runs = dict(_runs([box for box in repeats if box.id in closed]))
    trunk = trunk_of(scene)
    rows = [card for card in collapse.cards(scene.root) if card.id in trunk and not card.pill]
    shared = towers(plan, rows)
    lines = {
        card.id: _line(card, calls.get(card.id), runs.get(card.id), shared.rows.get(card.id))
        for card in rows
    }
    lines = {id: _of_all(line, copies) for id, line in lines.items()}
    others = [card for card in collapse.cards(scene.root) if card.id not in lines]
    rest = {card.id: _line(card, calls.get(card.id), runs.get(card.id), None) for card in others}
    beside = {c.id: _shown_name(c, runs.get(c.id)) for c in others if not c.pill}
    names = Counter([line.name for line in lines.values()] + [*beside.values()])
    for card in collapse.cards(scene.root):
        name = beside.get(card.id, "")
        if card.id in runs:
            card.title = [(f"×{runs[card.id].box.count} ", True), (name, True)]
        elif name and names[name] > 1:
            _rename(card, name)
    for id, line in lines.items():
        if names[line.name] > 1:
            lines[id] = replace(line, name=id)
    templates = [
        *_templates([calls[id] for id in closed if id in calls], costs, plan.params),
        *(_run(whole, run) for run in runs.values()),
    ]
    most = max(hottest(scene), 1)
    said = any(card.macs or card.params for card in collapse.cards(scene.root))
    groups = by_resolution(scene, trunk)
    return Paper(scene, trunk, lines, rest, groups, templates, shared, most, said)


def _tree(call: Called) -> int:
    return id(call.body.block.tree) if call.body.block is not None else 0


# --- rows --------------------------------------------------------------------------------


def _shown_name(card: Card, run: _Repeat | None) -> str:
    """What stands on a card beside the rows to tell it from others; "" where nothing does."""
    if run is not None:
        return run.name
    return card.name if card.category == "block" or card.name in card.facts else ""


def _rename(card: Card, name: str) -> None:
    """Have a card beside the rows say its path in place of its name."""
    if card.category != "block":
        card.facts = [card.id if fact == name else fact for fact in card.facts]
        return
    *count, (head, _), (words, _) = card.title
    if card.name[:1].isdigit():  # `bottleneck  0`, maybe behind the group that is around
        words = "".join(f" · {block}" for block in head.split("  ")[-2:-1])
    card.title = [*count, (card.id, True), (words, False)]


@dataclass(frozen=True, slots=True)
class _Repeat:
    """A repeat that calls no block, under a name of its own."""

    name: str
    box: Box


def _runs(boxes: list[Box]) -> Iterator[tuple[str, _Repeat]]:
    """Repeats by their ids; without a name, or with that of another, by a number or their path."""
    names = Counter(box.above or box.name for box in boxes)
    number = 0
    for box in boxes:
        name = box.above or box.name
        id = box.id.replace(f" ×{box.count}", "")  # keeps the `#2` of a second use
        if name:
            name = place_of((*id.split(".")[:-1], name)) if names[name] == 1 else id
        else:
            number += 1
            name = f"run{number}" if names[""] > 1 else "run"
        yield box.id, _Repeat(name, box)


def _line(card: Card, call: Called | None, run: _Repeat | None, parts: InTowers | None) -> PaperRow:
    beside = BESIDE * (BESIDE in card.facts)
    if call is not None:
        notes = "    ".join(filter(None, (call.notes, beside)))
        return PaperRow(card, call.name, call.times, (f"{call.body.name}({call.args})",), notes)
    if run is not None:
        return PaperRow(card, run.name, run.box.count, ("",), beside, parts)
    name = place_of(card.id.split(".")) if card.name[:1].isdigit() else card.name
    words = "".join(text for text, _ in card.title)
    if card.category in ("io", "block"):
        words = ""
    shared = next((fact for fact in card.facts if fact.startswith(SHARED)), beside)
    if parts is not None:
        return PaperRow(card, name, 1, (words,), shared, parts)
    if 1 < card.groups <= 4:
        part = card.channels.partition("(")[2].rstrip(")")
        return PaperRow(card, name, 1, (words, *[part] * card.groups), shared)
    return PaperRow(card, name, 1, ("   ".join(filter(None, (words, card.channels))),), shared)


def _of_all(line: PaperRow, copies: int) -> PaperRow:
    """A row of a part of which there are several: its numbers are of all of them."""
    if copies == 1 or not (line.card.macs or line.card.params):
        return line
    return replace(line, notes="    ".join(filter(None, (line.notes, f"{copies} copies"))))


# --- templates ---------------------------------------------------------------------------


def _templates(rows: list[Called], costs: Costs, params: Mapping[str, Any]) -> Iterator[Template]:
    """Each block once, in the order in which they are first called; twice where calls differ."""
    for tree in dict.fromkeys(map(_tree, rows)):
        same = [call for call in rows if _tree(call) == tree]
        found = variants([BlockInstance(call.body, call.around) for call in same])
        for at, variant in enumerate(found):
            body = variant.shown.body
            calls = [same[member] for member in variant.members]
            flags = _flags([call.body for call in calls]) if len(found) > 1 else {}
            name = f"{body.name}(){at or ''}"
            scene = compose_block(variant.shown, variant.notes, costs, name, params)
            yield Template(
                body.name,
                signature(body.block, flags) if body.block is not None else "",
                sum(call.times for call in calls),
                scene,
                calls,
                len(found) > 1,
                insets=insets(scene, calls),
            )


def _run(whole: Scene, run: _Repeat) -> Template:
    """A repeat in numbers, with signs for what goes in, and where each pass gives something."""
    box = run.box
    scene, _ = part_of(whole, box.id)
    inside = {card.id for card in collapse.cards(box)} | {box.id}
    inside |= {inner.id for inner in collapse.boxes(box)}
    signs = {card.id: card for card in collapse.cards(scene.root) if card.id not in inside}
    into = next(edge.tail for edge in scene.edges if edge.head == box.id)
    before = [_sign(card, box, id == into) for id, card in signs.items() if id.startswith("from ")]
    names = {id: sign.id for id, sign in zip(signs, before, strict=False)}
    after = [signs[edge.head] for edge in scene.edges if edge.head in signs and edge.each > 1]
    after = [replace(card, id=f"{box.id}() {card.id}") for card in after]
    names |= {sign.id.removeprefix(f"{box.id}() "): sign.id for sign in after}
    edges = [
        replace(edge, tail=names.get(edge.tail, edge.tail), head=names.get(edge.head, edge.head))
        for edge in scene.edges
        if edge.head not in signs or edge.each > 1
    ]
    drawn = Scene(replace(scene.root, items=[*before, box, *after]), edges, scene.levels)
    flat = collapse.collapse(
        drawn, lambda inner, _: BoxState.FLAT if inner.id == box.id else BoxState.OPEN
    )
    beside = BESIDE * box.beside
    own = insets(flat, (), box)
    return Template(run.name, beside, box.count, flat, repeat=box.id, insets=own)


def _sign(card: Card, box: Box, enters: bool) -> Card:
    """What goes into a repeat, or is asked for in it: `x`, `@stem`."""
    name = "x" if enters else f"@{card.name}"
    return replace(card, id=f"{box.id}() {card.id}", title=[(name, True)])


def _flags(bodies: list[Body]) -> dict[str, str]:
    """What all instances of a card were given of what is no number: `skip=false`, `act=relu`."""
    found = {}
    for name, value in bodies[0].args.items():
        if isinstance(value, bool | Applicable) and all(b.args[name] == value for b in bodies):
            found[name] = format_value(value)
    return found
