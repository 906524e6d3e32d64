"""Plan to DOT: every operator as a card, every block as a box, repeats drawn once.

plan -> compose (items, cards, boxes) -> scene -> dot (anchors)    engineer, graph (unrolled)
                                               -> html_page, mermaid_chart
scene -> paper (rows, templates) -> table                         paper
"""

from __future__ import annotations

from dataclasses import dataclass

from archc.analysis.costs import Cost, Costs
from archc.draw.collapse import Unknown, boxes, to_depth
from archc.draw.columns import in_columns
from archc.draw.compose import compose
from archc.draw.describe import describe, labelled
from archc.draw.dot import dot
from archc.draw.legend import banner, totals
from archc.draw.scene import Scene
from archc.draw.theme import THEMES, recoloured
from archc.plan import Plan

VIEWS = ("engineer", "paper", "graph")

__all__ = [
    "THEMES",
    "VIEWS",
    "DrawStyle",
    "Unknown",
    "describe",
    "draw",
    "drawn",
    "labelled",
    "mermaid",
    "page",
    "scene_of",
]


@dataclass(frozen=True, slots=True)
class DrawStyle:
    """How a network is to be drawn: in one of VIEWS, in the colours of one of THEMES.

    Boxes deeper than `depth` are single cards. In those named in `expand` repeats are written out,
    and they are open whatever the depth. A long drawing goes on beside itself, in `columns`; None
    makes as many as let it be about as wide as a slide. Raises ValueError for another view or
    theme.
    """

    view: str = "engineer"
    depth: int | None = None
    expand: frozenset[str] = frozenset()
    theme: str = "light"
    columns: int | None = None

    def __post_init__(self) -> None:
        for value, known in ((self.view, VIEWS), (self.theme, THEMES)):
            if value not in known:
                raise ValueError(f"{value!r} is none of {', '.join(known)}")


def draw(plan: Plan, cost: Cost, sheet: DrawStyle = DrawStyle()) -> str:
    """The network as a diagram in Graphviz's DOT language.

    Takes a plan without mistakes and its totals. The work follows what is written, not what it
    unfolds to, except in the view `graph`. Raises Unknown for a name in `expand`.
    """
    return drawn(plan, cost, sheet)[0]


def drawn(plan: Plan, cost: Cost, sheet: DrawStyle) -> tuple[str, Scene]:
    """`draw`, and the scene that it shows."""
    if sheet.view == "paper":
        from archc.draw.paper import paper
        from archc.draw.table import table

        found = paper(plan, Costs())
        scene = found.scene
        text = table(found, plan.heading, banner(plan, cost, scene))
    else:
        scene = scene_of(plan, sheet)
        laid_out, columns = in_columns(scene, sheet.columns)
        text = dot(laid_out, plan.heading, banner(plan, cost, laid_out), columns)
    return recoloured(text, sheet.theme), scene


def scene_of(plan: Plan, sheet: DrawStyle) -> Scene:
    """Cards, boxes and edges. Raises Unknown for a name in `expand`."""
    scene = compose(plan, Costs(), sheet.view != "graph", sheet.expand)
    known = [box.id for box in boxes(scene.root)]
    for name in sorted(sheet.expand):
        if name not in known:
            raise Unknown(name, known)
    return scene if sheet.depth is None else to_depth(scene, sheet.depth, sheet.expand)


def page(plan: Plan, cost: Cost, sheet: DrawStyle) -> str:
    """The network as an interactive page: one HTML file that needs nothing else."""
    from archc.analysis.table import tabulate
    from archc.draw.html_page import whole_page

    scene = scene_of(plan, sheet)
    words = describe(plan, cost, scene)
    fields = {row.key: row.field for row in tabulate(plan).rows() if row.field}
    return whole_page(scene, plan.heading, totals(plan, cost), words, sheet.theme, fields)


def mermaid(plan: Plan, sheet: DrawStyle) -> str:
    """The network as a flowchart in Mermaid's language."""
    from archc.draw.mermaid_chart import flowchart

    return flowchart(scene_of(plan, sheet), plan.heading)
