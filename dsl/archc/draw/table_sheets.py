"""The paper view on sheets: rows that go on on the next one as a table does, and the blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import pairwise

from archc.draw.collapse import cards
from archc.draw.paper import Paper
from archc.draw.scene import Box, Scene
from archc.draw.sheets import MOST
from archc.draw.table import table

_BESIDE = 3  # most blocks beside each other
Part = tuple[Paper, int]  # what is on a sheet, and in how many columns its blocks stand


def table_sheets(
    found: Paper,
    name: str,
    title: Callable[[int, int], str],
    readable: Callable[[str], bool],
) -> Iterator[list[str]]:
    """In DOT: all on one; the rows, and the blocks on another; then as few as can be read.

    `title` is that of one of so many sheets; `readable` says whether a drawing fits on one.
    """

    def drawn(parts: list[Part]) -> list[str]:
        return [
            table(part, name, title(at, len(parts)), columns)
            for at, (part, columns) in enumerate(parts, 1)
        ]

    def first(ways: Iterable[list[Part]]) -> list[Part]:
        return next((way for way in ways if all(map(readable, drawn(way)))), [])

    yield drawn([(found, 1)])
    rows, blocks = replace(found, templates=[]), _without_rows(found)
    if found.templates:
        yield drawn([(rows, 1), (blocks, 1)])
    sheets = first(_rows(rows))
    if sheets and found.templates:
        beside = first(_blocks(blocks))
        sheets = [*sheets, *beside] if beside else []
    if 0 < len(sheets) <= MOST:
        yield drawn(sheets)


def _without_rows(found: Paper) -> Paper:
    return replace(found, scene=Scene(Box("", "network"), []), lines={}, groups=[])


def _rows(found: Paper) -> Iterator[list[Part]]:
    """On one sheet, on two and so on."""
    order = [card.id for card in cards(found.scene.root)]
    possible = _cuts(found, order)
    begins = {order.index(inside[0].id) for size, inside in found.groups if size}

    def far(cut: int, rows: float) -> float:
        return abs(possible[cut] - rows) - 1.5 * (cut in begins)  # rather with a resolution

    for count in range(1, MOST + 1):
        wanted = [round(len(found.lines) * at / count) for at in range(1, count)]
        near = [min(possible, key=partial(far, rows=rows)) for rows in wanted if possible]
        starts = [0, *near, len(order)]
        if len(near) == len(wanted) and sorted(set(starts)) == starts:
            parts = [set(order[a:b]) for a, b in pairwise(starts)]
            yield [(_some_rows(found, ids), 1) for ids in parts]


def _cuts(found: Paper, order: list[str]) -> dict[int, int]:
    """Where a sheet may begin, by the cards before it, and how many rows those are.

    Nothing passes there but what goes from one row into the next.
    """
    places = {id: at for at, id in enumerate(order)}
    ends = {(edge.tail, edge.head) for edge in found.scene.edges}
    found_cuts, rows = {}, 0
    for at, id in enumerate(order):
        passing = [pair for pair in ends if places[pair[0]] < at <= places[pair[1]]]
        if len(passing) == 1 and found.lines.keys() >= set(passing[0]):
            found_cuts[at] = rows
        rows += id in found.lines
    return found_cuts


def _some_rows(found: Paper, ids: set[str]) -> Paper:
    root = found.scene.root
    some = replace(root, items=[card for card in cards(root) if card.id in ids])
    edges = [edge for edge in found.scene.edges if ids >= {edge.tail, edge.head}]
    groups = [(size, [card for card in inside if card.id in ids]) for size, inside in found.groups]
    return replace(
        found, scene=Scene(some, edges), groups=[(s, part) for s, part in groups if part]
    )


def _blocks(found: Paper) -> Iterator[list[Part]]:
    """On one sheet, below or beside each other, on two and so on."""
    blocks = found.templates
    for count in range(1, len(blocks) + 1):
        starts = [round(len(blocks) * at / count) for at in range(count + 1)]
        some = [blocks[a:b] for a, b in pairwise(starts)]
        for columns in range(1, min(_BESIDE, max(map(len, some))) + 1):
            yield [(replace(found, templates=part), columns) for part in some]
