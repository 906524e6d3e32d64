"""The head of a drawing: the network's name and totals, and what the colours and signs mean."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from archc.analysis.costs import Cost
from archc.draw.collapse import boxes, cards
from archc.draw.scene import Scene
from archc.draw.style import FAINT, GREY, LINE, LOOKS, SKIP, category_of, font, heat
from archc.plan import Plan
from archc.report.spelling.numbers import format_percent, human
from archc.report.spelling.shapes import format_shape

_SHADES = (0.0625, 0.25, 0.5625, 1.0)  # of the largest cost; evenly spaced as colours


def banner(plan: Plan, cost: Cost, scene: Scene) -> str:
    """An HTML-like table: the label of the whole graph, so that it takes no rank of its own."""
    rows = [font(plan.heading, 18, bold=True) + font(f"   {totals(plan, cost)}", 11, GREY)]
    if plan.title:
        rows += [font(line, 10, FAINT) for line in textwrap.wrap(plan.title, 72)[:3]]
    rows += ["".join(_colours(scene)), _table(list(_signs(scene, cost)))]
    lines = "".join(f'<TR><TD ALIGN="LEFT">{row}</TD></TR>' for row in rows if row)
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2">{lines}</TABLE>'


def totals(plan: Plan, cost: Cost) -> str:
    shapes = [format_shape(x.shape) for x in plan.body.inputs if x.shape is not None]
    inputs = f"input {' and '.join(dict.fromkeys(shapes))}" if shapes else ""
    counts = [f"{human(cost.params)} params", f"{human(cost.macs)} MACs", inputs]
    return " · ".join(filter(None, counts))


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


def _signs(scene: Scene, cost: Cost) -> Iterator[str]:
    """The heat scale, and the lines and signs that are there."""
    hottest = max((card.macs for card in cards(scene.root)), default=0)
    if hottest and cost.macs:
        yield _text("share of MACs ")
        for shade in _SHADES:
            fill, ink = heat(shade)
            text = font(f"{format_percent(shade * hottest / cost.macs)}%", 8, ink)
            yield f'<TD BGCOLOR="{fill}" WIDTH="26">{text}</TD>'
    if any(edge.skip for edge in scene.edges):
        yield f"<TD>{font('  - - ', 9, SKIP, bold=True)}</TD>{_text('skip  ')}"
    if any(edge.size for edge in scene.edges):
        yield f"<TD>{font('  · · · ', 9, LINE, bold=True)}</TD>{_text('size only  ')}"
    if any(box.count > 1 for box in boxes(scene.root)):
        yield f"<TD>{font(' ×N ', 10, SKIP, bold=True)}</TD>{_text('N in a row  ')}"
    if any(box.kind == "column" for box in boxes(scene.root)):
        yield f"<TD>{font(' A ', 9, GREY, bold=True)}</TD>{_text('goes on at A  ')}"
    yield _text("  shapes: height × width × channels")
