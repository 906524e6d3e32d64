"""The paper view on sheets: rows that go on on the next one as a table does, and the blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise, product

from archc.draw.collapse import cards
from archc.draw.paper import Paper, Template
from archc.draw.scene import Scene
from archc.draw.sheets import MOST
from archc.draw.table import TableSheet, table

_COLUMNS = 3  # most of rows, and of blocks, beside each other


def table_sheets(
    found: Paper,
    name: str,
    title: Callable[[int, int], str],
    readable: Callable[[str], bool],
) -> Iterator[list[str]]:
    """In DOT: all on one, in some columns; then on as few as can be read.

    `title` is that of one of so many sheets; `readable` says whether a drawing fits on one.
    """

    def drawn(sheets: list[TableSheet]) -> list[str]:
        return [
            table(sheet, name, title(at, len(sheets)), found.hottest)
            for at, sheet in enumerate(sheets, 1)
        ]

    def fewest(ways: Iterable[list[TableSheet]]) -> list[list[TableSheet]]:
        """Of some ways, by how many sheets they take, those with the fewest that can be read."""
        found = list[list[TableSheet]]()
        for way in ways:
            if found and len(way) > len(found[0]):
                break
            if all(map(readable, drawn(way))):
                found.append(way)
        return found

    single = list[str]()
    for way in _rows(found, found.templates, most=1):
        single += drawn(way)
        yield single[-1:]
    if any(map(readable, single)):
        return
    rows = fewest(_rows(found))
    blocks = fewest(_blocks(found.templates)) if found.templates else [[]]
    apart = [[*some, *others] for some, others in product(rows, blocks)]
    if apart:
        together = fewest(_rows(found, found.templates, most=len(apart[0]) - 1))
        yield from (drawn(way) for way in together or apart if len(way) <= MOST)


def _rows(
    found: Paper, blocks: Sequence[Template] = (), most: int = MOST
) -> Iterator[list[TableSheet]]:
    """On one sheet, on two and so on, in one column or more; `blocks` beside the last of them."""
    sides = range(1, min(_COLUMNS, len(blocks)) + 1) if blocks else [1]
    for count, columns in product(range(1, most + 1), range(1, _COLUMNS + 1)):
        parts = _parts(found, count * columns)
        for beside in sides if parts else ():
            sheets = [
                TableSheet(parts[at : at + columns], continued=at > 0)
                for at in range(0, len(parts), columns)
            ]
            yield [*sheets[:-1], replace(sheets[-1], blocks=blocks, beside=beside)]


def _parts(found: Paper, count: int) -> list[Paper]:
    """The rows in so many parts, about alike; nothing where they cannot be cut so."""
    order = [card.id for card in cards(found.scene.root)]
    possible = _cuts(found, order)
    begins = {order.index(inside[0].id) for size, inside in found.groups if size}

    def far(cut: int, rows: float) -> float:
        return abs(possible[cut] - rows) - 1.5 * (cut in begins)  # rather with a resolution

    wanted = [round(len(found.lines) * at / count) for at in range(1, count)]
    near = [min(possible, key=partial(far, rows=rows)) for rows in wanted if possible]
    starts = [0, *near, len(order)]
    if len(near) < len(wanted) or sorted(set(starts)) != starts:
        return []
    return [_some_rows(found, set(order[a:b])) for a, b in pairwise(starts)] if near else [found]


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


def _blocks(blocks: Sequence[Template]) -> Iterator[list[TableSheet]]:
    """On one sheet, below or beside each other, on two and so on."""
    for count in range(1, len(blocks) + 1):
        starts = [round(len(blocks) * at / count) for at in range(count + 1)]
        some = [blocks[a:b] for a, b in pairwise(starts)]
        for columns in range(1, min(_COLUMNS, max(map(len, some))) + 1):
            yield [TableSheet(blocks=part, beside=columns) for part in some]
