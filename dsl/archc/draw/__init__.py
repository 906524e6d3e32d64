"""Plan to DOT: every operator as a card, every block as a box, repeats drawn once.

plan -> compose (items, cards, boxes) -> scene -> dot (anchors)           engineer, graph (unrolled)
                                                  -> graphviz (edge_labels)
                                               -> html_page, mermaid_chart
                                               -> placed -> tikz_document, drawio_shapes
scene -> paper (rows, towers, templates, insets) -> table (table_sheets)   paper
                                                 -> volumes (volume_lines) volumes
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from archc.analysis.costs import Cost, Costs, NoCosts
from archc.arguments import need_count
from archc.choices import DIRECTIONS, HIDEABLE, ROWS, SHEETS, THEMES, VIEWS, misfit, unknown
from archc.draw.collapse import Unknown, boxes, nesting, to_depth
from archc.draw.columns import in_columns, in_full_pages, in_pages, to_be_cut, widest
from archc.draw.compose import compose
from archc.draw.describe import describe, labelled
from archc.draw.dot import dot
from archc.draw.legend import Heading, Signs, banner, hottest
from archc.draw.limits import DrawingWarning, warn
from archc.draw.part import part_of
from archc.draw.scene import Scene
from archc.draw.sheets import MOST, Size, TooManySheets, areas, fits, is_readable, on_sheets
from archc.draw.theme import recoloured
from archc.plan import Plan
from archc.source import Source

if TYPE_CHECKING:
    from archc.draw.paper import Paper
    from archc.draw.placed import Placed

_COLUMNS = 6  # most that are tried for a sheet
# Of pages that are filled: sizes are estimates, and so each fills them to another degree.
_SCALES = (1.5, 1.2, 1, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55)
_LONGEST = 30  # characters of a name in a message

__all__ = [
    "DIRECTIONS",
    "HIDEABLE",
    "SHEETS",
    "THEMES",
    "VIEWS",
    "DrawStyle",
    "Drawing",
    "DrawingWarning",
    "TooManySheets",
    "Unknown",
    "draw",
    "drawio",
    "drawn",
    "labelled",
    "mermaid",
    "model",
    "page",
    "pages",
    "scene_of",
    "tikz",
]


@dataclass(frozen=True, slots=True)
class DrawStyle:
    """How a network is to be drawn: in one of VIEWS, in the colours of one of THEMES.

    Boxes deeper than `depth` are single cards. In those named in `expand` repeats are written out,
    and they are open whatever the depth. A long drawing goes on beside itself, in `columns`; None
    makes as many as let it be about as wide as a slide; to the "right" (one of DIRECTIONS) they are
    rows. `only` draws that block or group alone; `hidden` leaves out some of HIDEABLE. Raises
    ValueError for another view or theme, and for what does not go with the view.
    """

    view: str = "engineer"
    depth: int | None = None
    expand: frozenset[str] = frozenset()
    theme: str = "light"
    columns: int | None = None
    direction: str = "down"
    only: str | None = None
    hidden: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for name in ("depth", "columns"):
            if (number := getattr(self, name)) is not None:
                need_count(name, number, 0)
        self.need_fit()

    def need_fit(self, **asked: str) -> None:
        """Raise ValueError for what there is not, or does not go with the `format` or `paper`."""
        how = {one.name: getattr(self, one.name) for one in fields(self)} | asked
        if wrong := unknown(how) or misfit(how):
            raise ValueError(wrong)


@dataclass(frozen=True, slots=True)
class Drawing:
    """A network as DOT, and what that says in words."""

    dot: str
    words: str


def draw(plan: Plan, cost: Cost, style: DrawStyle = DrawStyle()) -> str:
    """The network as a diagram in Graphviz's DOT language.

    Takes a plan without mistakes and its totals. The work follows what is written, not what it
    unfolds to, except in the view `graph`. Raises Unknown for a name in `expand` or `only`.
    """
    return drawn(plan, cost, style).dot


def drawn(plan: Plan, cost: Cost, style: DrawStyle) -> Drawing:
    """`draw`, and the words for those who cannot see it."""
    if style.view in ROWS:
        found, head = _paper_and_heading(plan, cost, style)
        scene = found.scene
        (text,) = next(_row_pages(found, head, plan.heading, style, lambda _: False))
    else:
        scene, head = _scene_and_heading(plan, cost, style)
        laid_out, columns = in_columns(scene, style.columns, style.direction)
        title = banner(head, Signs.of(laid_out), hottest(scene), style.hidden)
        text = dot(laid_out, plan.heading, title, columns, direction=style.direction)
    return Drawing(recoloured(text, style.theme), describe(head, scene))


def pages(
    plan: Plan, cost: Cost, style: DrawStyle, sheet: str, draw: Callable[[str], bytes]
) -> list[Drawing]:
    """The drawing on as few sheets as let it be read, of one of SHEETS, all in one scale.

    `draw` makes SVG of DOT. Raises Unknown, and TooManySheets.
    """
    draw = cache(draw)
    if style.view in ROWS:
        found, head = _paper_and_heading(plan, cost, style)
        scene = found.scene
        ways = _row_pages(found, head, plan.heading, style, partial(is_readable, sheet, draw))
    else:
        scene, head = _scene_and_heading(plan, cost, style)
        ways = _column_pages(scene, head, plan.heading, style, sheet)
    words = describe(head, scene)
    try:
        made = on_sheets(ways, sheet, draw)
    except TooManySheets:
        if style.view in ROWS:
            raise
        raise TooManySheets(sheet, *_widest(scene, style.direction)) from None
    return [Drawing(recoloured(dot, style.theme), words) for dot in made]


def _widest(scene: Scene, direction: str) -> tuple[float, str]:
    """How wide the widest part is, and what stands there: `conv1 … conv60`."""
    width, ids = widest(scene, direction)
    first, last = (id if len(id) <= _LONGEST else f"{id[:_LONGEST]}…" for id in (ids[0], ids[-1]))
    return width, first if len(ids) == 1 else f"{first} … {last} side by side"


def _row_pages(
    found: Paper, head: Heading, name: str, style: DrawStyle, readable: Callable[[str], bool]
) -> Iterator[list[str]]:
    """All on one page; then as suits the view. `readable` says of a drawing whether it fits."""
    from archc.draw.table_sheets import table_sheets
    from archc.draw.volumes import drawings

    is_table = style.view == "paper"
    signs = found.signs if is_table else found.row_signs
    most = hottest(found.scene)

    def title_of(at: int, count: int, letters: bool = signs.goes_on) -> str:
        return banner(head, replace(signs, goes_on=letters), most, style.hidden, (at, count))

    if is_table:
        yield from table_sheets(found, name, title_of, readable)
    else:
        yield from drawings(found, name, title_of, readable)


def _column_pages(
    scene: Scene, head: Heading, name: str, style: DrawStyle, sheet: str
) -> Iterator[list[str]]:
    """On one page in one column, in two and so on; then on two pages, and so on."""
    most = hottest(scene)
    for made, columns in _divided(scene, style, sheet):
        signs, count = Signs.of(*made), len(made)
        titles = [banner(head, signs, most, style.hidden, (at + 1, count)) for at in range(count)]
        pairs = zip(made, titles, strict=True)
        yield [dot(page, name, title, columns, most, style.direction) for page, title in pairs]


def _divided(scene: Scene, style: DrawStyle, sheet: str) -> Iterator[tuple[list[Scene], int]]:
    """The pages, and how many columns each has; with more and more pages.

    All columns are as high as others, or, where a page has one, as high as its sheet.
    """

    def turned(size: Size) -> Size:
        return size if style.direction == "down" else (size[1], size[0])

    layout = to_be_cut(scene, style.direction)
    across, along = layout.width(), layout.height
    full = list[list[Scene]]()
    for count in range(1, MOST + 1):
        for columns in [style.columns] if style.columns else range(1, _COLUMNS + 1):
            if not fits(sheet, turned((across * columns, along / (count * columns)))):
                continue
            if made := [scene] if count * columns == 1 else in_pages(layout, count, columns):
                yield made, columns
        if count == 2 and style.columns in (None, 1):
            sizes = ([turned(area) for area in areas(sheet, scale)] for scale in _SCALES)
            full = list(in_full_pages(layout, sizes, MOST))
        yield from ((made, 1) for made in full if len(made) == count)


def scene_of(plan: Plan, style: DrawStyle) -> Scene:
    """Cards, boxes and edges. Raises Unknown for a name in `expand` or `only`."""
    return _scene_and_heading(plan, Cost(), style)[0]


def _scene_and_heading(plan: Plan, cost: Cost, style: DrawStyle) -> tuple[Scene, Heading]:
    scene = _composed(plan, _costs(style), style)
    known = [box.id for box in boxes(scene.root)]
    for name in sorted(style.expand):
        if name not in known:
            raise Unknown(name, known)
    if style.only is not None:
        scene, _ = part_of(scene, style.only)
    if style.depth is not None:
        scene = to_depth(scene, style.depth, style.expand)
    return scene, _heading(plan, cost, style)


def _paper_and_heading(plan: Plan, cost: Cost, style: DrawStyle) -> tuple[Paper, Heading]:
    from archc.draw.paper import paper

    return paper(plan, _costs(style), style.only), _heading(plan, cost, style)


def _heading(plan: Plan, cost: Cost, style: DrawStyle) -> Heading:
    """What the drawing is of, with its numbers: also where no card says its own."""
    if style.only is None:
        return Heading.of(plan, cost)
    return Heading.of_part(plan, *part_of(_composed(plan, Costs(), style), style.only))


def _composed(plan: Plan, costs: Costs, style: DrawStyle) -> Scene:
    return compose(plan, costs, style.view != "graph", style.expand)


def _costs(style: DrawStyle) -> Costs:
    return NoCosts() if "costs" in style.hidden or style.view == "volumes" else Costs()


def page(plan: Plan, cost: Cost, style: DrawStyle) -> str:
    """The network as an interactive page: one HTML file that needs nothing else."""
    from archc.draw.html_page import whole_page

    return whole_page(model(plan, cost, style), style.theme, "title" not in style.hidden)


def model(plan: Plan, cost: Cost, style: DrawStyle, source: Source | None = None) -> dict[str, Any]:
    """What such a page draws, as data, with the places of the statements in a source."""
    from archc.analysis.table import tabulate
    from archc.draw.html_page import page_model

    scene, head = _scene_and_heading(plan, cost, style)
    fields = {row.key: row.field for row in tabulate(plan).rows() if row.field}
    counts = head.totals("costs" not in style.hidden)
    words = describe(head, scene)
    return page_model(scene, head.name, counts, words, style.theme, fields, source)


Layout = Callable[[str], bytes]  # Graphviz's JSON of a DOT text


def tikz(plan: Plan, cost: Cost, style: DrawStyle, layout: Layout) -> str:
    """The network as a LaTeX document, whose nodes TikZ sets."""
    from archc.draw.tikz_document import document

    return document(*_placed(plan, cost, style, layout), style.hidden)


def drawio(plan: Plan, cost: Cost, style: DrawStyle, layout: Layout) -> str:
    """The network as a file of draw.io, whose shapes people move."""
    from archc.draw.drawio_shapes import diagram

    return diagram(*_placed(plan, cost, style, layout), style.hidden)


def _placed(plan: Plan, cost: Cost, style: DrawStyle, layout: Layout) -> tuple[Placed, Heading]:
    from archc.draw.placed import place

    scene, head = _scene_and_heading(plan, cost, style)
    laid_out, columns = in_columns(scene, style.columns, style.direction)
    return place(laid_out, plan.heading, columns, style.direction, layout), head


def mermaid(plan: Plan, style: DrawStyle) -> str:
    """The network as a flowchart in Mermaid's language.

    Where no depth is asked for, blocks are closed until GitHub draws it. Warns then, and where it
    does not.
    """
    from archc.draw.mermaid_chart import excess, flowchart

    def charted(scene: Scene) -> str:
        return flowchart(scene, plan.heading, style.direction)

    scene = scene_of(plan, style)
    chart = charted(scene)
    if not (over := excess(chart)):
        return chart
    deepest = nesting(scene.root)
    for depth in range(deepest - 1, 0, -1):
        closed = charted(to_depth(scene, depth, style.expand))
        if not excess(closed):
            if style.depth is None:
                warn(f"{over}: drawn as with `--depth {depth}`; `--depth {deepest}` writes it all")
                return closed
            warn(f"{over}; `--depth {depth}` fits")
            return chart
    folded = replace(style, view="engineer")
    fits = style.view == "graph" and not excess(charted(scene_of(plan, folded)))
    warn(f"{over}; " + ("`--view engineer` fits" if fits else "`--only NAME` draws a part of it"))
    return chart
