"""The head of a drawing: the network's name and totals, and what the colours and signs mean."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from archc.analysis.costs import Cost
from archc.draw.collapse import boxes, cards
from archc.draw.lettering import Lettering, Line
from archc.draw.part import title_of
from archc.draw.scene import Box, Card, Scene
from archc.draw.style import FAINT, GREY, LINE, LOOKS, SKIP, category_of, font, heat
from archc.plan import Plan
from archc.report.spelling.numbers import format_percent, human
from archc.report.spelling.shapes import format_shape

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
    def of_part(cls, plan: Plan, part: Box | Card, scene: Scene) -> Heading:
        """Of the scene of a part alone."""
        shapes = [edge.label for edge in scene.edges if edge.head == part.id]
        name = f"{plan.heading} · {title_of(part)}"
        return cls(name, "", Cost(params=part.params, macs=part.macs), tuple(shapes))

    def totals(self, costs: bool = True) -> str:
        inputs = f"input {' and '.join(dict.fromkeys(self.inputs))}" if self.inputs else ""
        counts = [f"{human(self.cost.params)} params", f"{human(self.cost.macs)} MACs"] * costs
        return " · ".join(filter(None, [*counts, inputs]))


def title_lines(head: Heading, hidden: frozenset[str] = frozenset()) -> list[Line]:
    """The name with its totals, and the paper's title below; nothing where that is `hidden`."""
    if "title" in hidden:
        return []
    counts = Lettering(f"   {head.totals('costs' not in hidden)}", 11, GREY)
    lines = [[Lettering(head.name, 18, bold=True), counts]]
    return [*lines, [Lettering(head.title, 10, FAINT)]] if head.title else lines


def banner(
    head: Heading,
    scene: Scene,
    hidden: frozenset[str] = frozenset(),
    page: tuple[int, int] = (1, 1),
    letters: bool = False,
) -> str:
    """An HTML-like table: the label of the whole graph, so that it takes no rank of its own.

    `hidden` are those of HIDEABLE that it leaves out; `page` is which it is on, of how many;
    `letters` is whether some say where lines go on.
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
            rows += [font(line, 10, FAINT) for line in textwrap.wrap(head.title, 72)[:3]]
    if "legend" not in hidden:
        rows += ["".join(_colours(scene)), _table(list(_signs(scene, head.cost, letters)))]
    lines = "".join(f'<TR><TD ALIGN="LEFT">{row}</TD></TR>' for row in rows if row)
    if not lines:
        return ""
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2">{lines}</TABLE>'


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


def _colours(scene: Scene) -> Iterator[str]:
    """A swatch for each category that is there."""
    used = {category_of(card.category) for card in cards(scene.root)}
    for category, (words, strip, _) in LOOKS.items():
        if category in used:
            yield font("■", 12, strip) + font(f" {words}    ", 9, GREY)


def _signs(scene: Scene, cost: Cost, letters: bool) -> Iterator[str]:
    """The heat scale, and the lines and signs that are there."""
    most = hottest(scene)
    if most and cost.macs:
        yield _text("share of MACs ")
        for shade in _SHADES:
            fill, ink = heat(shade)
            text = font(f"{format_percent(shade * most / cost.macs)}%", 8, ink)
            yield f'<TD BGCOLOR="{fill}" WIDTH="26">{text}</TD>'
    if any(edge.skip for edge in scene.edges):
        yield f"<TD>{font('  - - ', 9, SKIP, bold=True)}</TD>{_text('skip  ')}"
    if any(edge.size for edge in scene.edges):
        yield f"<TD>{font('  · · · ', 9, LINE, bold=True)}</TD>{_text('size only  ')}"
    if any(box.count > 1 and not box.beside for box in boxes(scene.root)):
        yield f"<TD>{font(' ×N ', 10, SKIP, bold=True)}</TD>{_text('N in a row  ')}"
    if letters or any(box.kind == "column" for box in boxes(scene.root)):
        yield f"<TD>{font(' A ', 9, GREY, bold=True)}</TD>{_text('goes on at A  ')}"
    yield _text("  shapes: height × width × channels")
