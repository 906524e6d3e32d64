"""The head of a drawing: the network's name and totals, and what the colours and signs mean."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Container, Iterator
from dataclasses import dataclass, fields
from itertools import groupby

from archc.analysis.costs import Cost
from archc.draw.collapse import boxes, cards
from archc.draw.lettering import Lettering, Line
from archc.draw.part import title_of
from archc.draw.scene import BESIDE, SUM, TRAINING, Box, Card, Scene
from archc.draw.style import (
    FAINT,
    GREY,
    INK,
    LINE,
    LOOKS,
    SKIP,
    category_of,
    font,
    heat,
    is_wide,
    room_for,
)
from archc.plan import Plan
from archc.report.spelling.numbers import format_percent, human
from archc.report.spelling.phrases import format_list
from archc.report.spelling.shapes import format_shape

_SECOND = "\ue000"  # column of a character that takes two
_AXES = {
    1: "length × channels",
    2: "height × width × channels",
    3: "depth × height × width × channels",
}
_SHADES = (0.0625, 0.25, 0.5625, 1.0)  # of the largest cost; evenly spaced as colours


@dataclass(frozen=True, slots=True)
class Heading:
    """What a drawing is of: a network, or a part of one."""

    name: str
    title: str
    cost: Cost
    inputs: tuple[str, ...]  # their shapes

    @classmethod
    def of(cls, plan: Plan, cost: Cost) -> Heading:
        shapes = [format_shape(x.shape) for x in plan.body.inputs if x.shape is not None]
        return cls(plan.heading, plan.title or "", cost, tuple(shapes))

    @classmethod
    def of_part(cls, plan: Plan, scene: Scene, part: Box | Card) -> Heading:
        """Of the scene of a part alone."""
        signs = {item.id for item in scene.root.items if item is not part}
        coming = [edge for edge in scene.edges if edge.tail in signs and not edge.size]
        shapes = {edge.tail: edge.label for edge in coming}
        name = f"{plan.heading} · {title_of(part)}"
        return cls(name, "", Cost(params=part.params, macs=part.macs), tuple(shapes.values()))

    def totals(self, costs: bool = True) -> str:
        counts = [f"{human(self.cost.params)} params", f"{human(self.cost.macs)} MACs"] * costs
        if costs and self.cost.side_params:
            counts.append(f"{human(self.cost.side_params)} of the params {TRAINING}")
        return " · ".join(filter(None, [*counts, self.takes]))

    @property
    def takes(self) -> str:
        """`input 224×224×3`, `inputs 2 × (64×64×3) and 32×32×1`; "" where nothing comes in."""
        counts = Counter(self.inputs).items()
        shapes = [f"{count} × ({shape})" if count > 1 else shape for shape, count in counts]
        return f"input{'s' * (len(self.inputs) > 1)} {format_list(shapes)}" if shapes else ""


def title_lines(head: Heading, hidden: frozenset[str] = frozenset()) -> list[Line]:
    """The name with its totals, and the paper's title below; nothing where that is `hidden`."""
    if "title" in hidden:
        return []
    counts = Lettering(f"   {head.totals('costs' not in hidden)}", 11, GREY)
    lines = [[Lettering(head.name, 18, bold=True), counts]]
    return [*lines, [Lettering(head.title, 10, FAINT)]] if head.title else lines


@dataclass(frozen=True, slots=True)
class Signs:
    """What a drawing has to have explained, on any of its sheets."""

    categories: frozenset[str] = frozenset()  # of its colours
    skips: bool = False
    sizes: bool = False  # edges that give a size alone
    times: bool = False
    sums: bool = False  # Σ, of copies that are not alike
    goes_on: bool = False  # in another column, or on another sheet
    layers: bool = False  # H1, H2
    numbers: bool = False  # `3 → 64 · 1.79k` on cards, with no head of a column above

    @classmethod
    def of(cls, *scenes: Scene) -> Signs:
        """Those of some scenes together."""
        edges = [edge for scene in scenes for edge in scene.edges]
        around = [box for scene in scenes for box in boxes(scene.root)]
        single = [card for scene in scenes for card in cards(scene.root)]
        return cls(
            frozenset(category_of(card.category) for card in single),
            any(edge.skip for edge in edges),
            any(edge.size for edge in edges),
            any(box.count > 1 and not box.beside for box in around) or any(map(repeats, single)),
            any(map(is_sum, single)),
            any(box.kind == "column" for box in around),
            numbers=any(map(has_numbers, single)),
        )

    def __or__(self, other: Signs) -> Signs:
        """Those of either."""
        return Signs(*(getattr(self, one.name) | getattr(other, one.name) for one in fields(self)))


def repeats(card: Card) -> bool:
    """Return whether a card is drawn once for several in a row: `×6 conv`, not `×` as a sign."""
    (text, _), *_ = card.title
    return text[:1] == "×" and bool(text[1:].strip()) and BESIDE not in card.facts


def is_sum(card: Card) -> bool:
    """Return whether a card says what copies that are not alike have together."""
    return card.cost.startswith(SUM) or any(fact.startswith(SUM) for fact in card.facts)


def has_numbers(card: Card) -> bool:
    """Return whether a card says its channels and parameters, where nothing tells them apart."""
    return bool(card.params) and bool(card.channels) and card.channels in card.facts


def swatches(categories: Container[str]) -> Iterator[tuple[str, str]]:
    """Each colour that is there: the first of its categories, and what the legend calls them."""
    shown = [category for category in LOOKS if category in categories]
    for _, alike in groupby(shown, key=lambda category: LOOKS[category][1]):
        first, *rest = alike
        yield first, ", ".join(LOOKS[category][0] for category in (first, *rest))


def banner(
    head: Heading,
    signs: Signs,
    hottest: int,
    hidden: frozenset[str] = frozenset(),
    page: tuple[int, int] = (1, 1),
) -> str:
    """An HTML-like table: the label of the whole graph, so that it takes no rank of its own.

    `hottest` are the most MACs of a card, `hidden` those of HIDEABLE that it leaves out; `page` is
    which it is on, of how many.
    """
    rows = []
    number = f"   page {page[0]} of {page[1]}" if page[1] > 1 else ""
    if page[0] > 1:  # what the first one says holds for all
        rows.append(font(head.name, 12, bold=True) + font(number, 11, GREY))
        hidden = hidden | {"title", "legend"}
    if "title" not in hidden:
        counts = head.totals("costs" not in hidden)
        rows.append(font(head.name, 18, bold=True) + font(f"   {counts}{number}", 11, GREY))
        if head.title:
            rows += [font(line + room_for(line), 10, FAINT) for line in _wrapped(head.title)[:3]]
    if "legend" not in hidden:
        scale = _scale(hottest, head.cost) if hottest and head.cost.macs else ()
        rows += _legend(signs, [*scale, *_explained(signs)], _axes(head.inputs))
    lines = "".join(f'<TR><TD ALIGN="LEFT">{row}</TD></TR>' for row in rows if row)
    if not lines:
        return ""
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2">{lines}</TABLE>'


def _legend(signs: Signs, marks: list[str], axes: str) -> list[str]:
    """Colours in a row, marks in the next; what the numbers are beside them, or below.

    A drawing in columns is wide, and a row more would make it smaller on a slide; one in a single
    column is narrow.
    """
    colours = "".join(_colours(signs))
    shapes = [f"shapes: {axes}"] if axes else []
    numbers = ["boxes: channels in → out · params"] if signs.numbers else []
    if numbers and not signs.goes_on:
        return [colours, _table(marks), font("    ".join([*shapes, *numbers]), 9, GREY)]
    beside = "".join(font(f"  {words}", 9, GREY) for words in numbers)
    return [f"{colours}{beside}", _table([*marks, *map(_text, shapes)])]


def _wrapped(title: str) -> list[str]:
    """Lines of 72 columns, of which a character of Chinese takes two."""
    columns = "".join(f"{char}{_SECOND}" if is_wide(char) else char for char in title)
    return [line.replace(_SECOND, "") for line in textwrap.wrap(columns, 72)]


def hottest(scene: Scene) -> int:
    """The MACs of the card that has the most."""
    return max((card.macs for card in cards(scene.root)), default=0)


def _table(cells: list[str]) -> str:
    # A wider row above stretches all columns alike: the empty ones at the end take most of it.
    row = "".join((*cells, '<TD COLSPAN="60"></TD>'))
    return (
        f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2"><TR>{row}</TR></TABLE>'
    )


def _text(words: str) -> str:
    return f'<TD ALIGN="LEFT">{font(words, 9, GREY)}</TD>'


def _colours(signs: Signs) -> Iterator[str]:
    """A swatch for each colour that is there."""
    for category, words in swatches(signs.categories):
        yield font("■", 12, LOOKS[category][1]) + font(f" {words}    ", 9, GREY)


def _scale(hottest: int, cost: Cost) -> Iterator[str]:
    yield _text("share of MACs ")
    for shade in _SHADES:
        fill, ink = heat(shade)
        text = font(f"{format_percent(shade * hottest / cost.macs)}%", 8, ink)
        yield f'<TD BGCOLOR="{fill}" WIDTH="26">{text}</TD>'
    yield _text(" ")


def _explained(signs: Signs) -> Iterator[str]:
    """The lines and signs that are there."""
    known = (
        (signs.skips, font("  - - ", 9, SKIP, bold=True), "skip"),
        (signs.sizes, font("  · · · ", 9, LINE, bold=True), "size only"),
        (signs.times, font(" ×N ", 10, SKIP, bold=True), "N in a row"),
        (signs.sums, font(f" {SUM} ", 9, INK, bold=True), "sum of all N"),
        (signs.goes_on, font(" A ", 9, GREY, bold=True), "goes on at A"),
        (signs.layers, font(" H ", 10, INK, bold=True), "one layer of a dense block"),
    )
    for is_there, sign, words in known:
        if is_there:  # bold, which Graphviz sets higher: without padding it is on the line
            yield f'<TD VALIGN="BOTTOM" CELLPADDING="0">{sign}</TD>{_text(f"{words}   ")}'


def _axes(inputs: tuple[str, ...]) -> str:
    """What the numbers of shapes are: of maps, signals and volumes; of vectors nothing."""
    ranks = {text.replace(" × ", "").partition("…")[0].count("×") for text in inputs}
    return ", ".join(_AXES[rank] for rank in sorted(ranks) if rank in _AXES)
