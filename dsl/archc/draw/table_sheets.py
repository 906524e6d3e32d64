"""The paper view on sheets: rows that go on on the next one as a table does, and the blocks.

What else than the table itself goes on there does so over signs (`connectors`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise, product
from operator import attrgetter

from archc.draw.collapse import cards
from archc.draw.columns import in_frames, with_outputs_beside
from archc.draw.connectors import cut, is_exit
from archc.draw.one_column import MOST_PASSING, OneColumn
from archc.draw.paper import Paper, Template
from archc.draw.scene import Box, Card, Edge, Scene
from archc.draw.sheets import MOST
from archc.draw.table import TableSheet, table

_COLUMNS = 3  # most of rows, and of blocks, beside each other
_FRAMES = 4  # most of a block
_WORTH = (1, 0, 2)  # rows that a column may be longer for a sign less
_BEGINS = 1.5  # signs, for a column that begins with a resolution


def table_sheets(
    found: Paper,
    name: str,
    title: Callable[[int, int, bool], str],
    readable: Callable[[str], bool],
) -> Iterator[list[str]]:
    """In DOT: all on one, in some columns; then on as few as can be read.

    `title` is that of one of so many sheets, with letters or without; `readable` says whether a
    drawing fits on one.
    """

    def drawn(sheets: list[TableSheet]) -> list[str]:
        connected = any(part.connectors for sheet in sheets for part in sheet.rows)
        connected = connected or any(part.continued for sheet in sheets for part in sheet.blocks)
        return [
            table(sheet, name, title(at, len(sheets), connected), found.hottest)
            for at, sheet in enumerate(sheets, 1)
        ]

    def can_be_read(way: list[TableSheet], before: Sequence[TableSheet] = ()) -> bool:
        """Whether sheets can be, of which the first of all has a title."""
        return all(map(readable, drawn([*before, *way])[len(before) :]))

    def fewest(
        ways: Iterable[list[TableSheet]], before: Sequence[TableSheet] = ()
    ) -> list[list[TableSheet]]:
        """Of some ways, by how many sheets they take, those with the fewest that can be read."""
        found = list[list[TableSheet]]()
        for way in ways:
            if found and len(way) > len(found[0]):
                break
            if can_be_read(way, before):
                found.append(way)
        return found

    single = list[str]()
    for way in _with_blocks(_rows(found, 1), found.templates):
        single += drawn(way)
        yield single[-1:]
    if any(map(readable, single)):
        return
    table_sheet = [TableSheet([found])]
    templates = list(
        _low(found.templates, lambda block: can_be_read([TableSheet(blocks=[block])], table_sheet))
    )
    letters = sum(map(_exits, templates))
    rows = fewest(_rows(found, MOST, letters))
    blocks = fewest(_blocks(templates), table_sheet) if templates else [[]]
    ways = [[*some, *others] for some, others in product(rows, blocks)]
    if ways and templates:
        alone = filter(can_be_read, _rows(found, len(ways[0]), letters))
        ways = sorted([*fewest(_with_blocks(alone, templates)), *ways], key=len)
    yield from (drawn(way) for way in ways if len(way) <= MOST)


def _rows(found: Paper, most: int, letters: int = 0) -> Iterator[list[TableSheet]]:
    """On one sheet, on two and so on, in one column or more; so many `letters` are others'."""
    cuts = list(_cuts(found))
    for count, columns in product(range(1, most + 1), range(1, _COLUMNS + 1)):
        for parts in _parts(found, cuts, count * columns, letters):
            yield [
                TableSheet(parts[at : at + columns], continued=at > 0)
                for at in range(0, len(parts), columns)
            ]


def _with_blocks(
    ways: Iterable[list[TableSheet]], blocks: Sequence[Template]
) -> Iterator[list[TableSheet]]:
    """Some ways with blocks on the last sheet, or the first one, in one column or more."""
    for way in ways:
        for beside in range(1, max(min(_COLUMNS, len(blocks)), 1) + 1):
            for at in dict.fromkeys((len(way) - 1, 0)):
                yield [*way[:at], replace(way[at], blocks=blocks, beside=beside), *way[at + 1 :]]


@dataclass(frozen=True, slots=True)
class RowCut:
    """Where a column may begin: how many cards are before it, and how many rows and merges.

    `goes_on` leads from the last one to the first row there, as the table itself does; `signs` is
    how many more tensors pass, `begins` whether a resolution begins there.
    """

    at: int
    rows: int
    goes_on: Edge
    signs: int
    begins: bool


def _cuts(found: Paper) -> Iterator[RowCut]:
    """Before rows that take what all that is above has come to, where few others pass."""
    places = {id: at for at, id in enumerate(_order(found))}
    begins = {inside[0].id for size, inside in found.groups if size}
    rows, last = 0, ""
    for id, at in places.items():
        passing = [e for e in found.scene.edges if places[e.tail] < at <= places[e.head]]
        into = [edge for edge in passing if edge.head == id and edge.tail == last and edge.trunk]
        others = {replace(edge, head="") for edge in passing if edge not in into}
        if id in found.lines and len(into) == 1 and len(others) < MOST_PASSING:
            yield RowCut(at, rows, into[0], len(others), id in begins)
        if id in found.trunk:
            rows, last = rows + 1, id


def _order(found: Paper) -> list[str]:
    """The cards as they are divided: each output stays with what makes it."""
    return [card.id for card in cards(with_outputs_beside(found.scene).root)]


def _parts(found: Paper, cuts: Sequence[RowCut], count: int, letters: int) -> Iterator[list[Paper]]:
    """The rows in so many parts, in one way or more; in none where they cannot be cut so."""
    if count == 1:
        yield [found]
        return
    ways = (_alike(cuts, len(found.trunk), count, worth) for worth in _WORTH)
    yield from (
        _divided(found, way, letters) for way in dict.fromkeys(ways) if len(set(way)) == count - 1
    )


def _alike(cuts: Sequence[RowCut], rows: int, count: int, worth: float) -> tuple[RowCut, ...]:
    """Cuts that make so many parts about alike; a good place is `worth` some rows more."""

    def far(place: RowCut, wanted: int) -> float:
        return abs(place.rows - wanted) + worth * (place.signs - _BEGINS * place.begins)

    wanted = [round(rows * at / count) for at in range(1, count)]
    near = [min(cuts, key=partial(far, wanted=at)) for at in wanted if cuts]
    return tuple(sorted(near, key=attrgetter("at")))


def _divided(found: Paper, cuts: Sequence[RowCut], letters: int) -> list[Paper]:
    """The rows in parts, with signs where more than the table itself goes on."""
    places = {id: at for at, id in enumerate(_order(found))}
    starts = [place.at for place in cuts]
    part_of = {id: bisect_right(starts, at) for id, at in places.items()}
    led_on = {place.goes_on for place in cuts}
    apart = [edge for edge in found.scene.edges if edge not in led_on]
    apart.sort(key=lambda edge: places[edge.tail])  # A leaves above B
    edges, signs = cut(apart, part_of.__getitem__, part_of, letters)
    beside: dict[str, list[Card]] = {}
    for sign in signs:
        beside.setdefault(sign.place, []).append(sign.card)
        part_of[sign.card.id] = part_of[sign.place]

    def part(at: int, some: Iterable[Card | Box]) -> list[Card]:
        """Of some cards those of a part, each with its signs."""
        inside = [card for card in some if isinstance(card, Card) and part_of[card.id] == at]
        return [one for card in inside for one in (card, *beside.get(card.id, ()))]

    def paper(at: int) -> Paper:
        items: list[Card | Box] = [*part(at, found.scene.root.items)]
        groups = [(size, part(at, inside)) for size, inside in found.groups]
        return replace(
            found,
            scene=Scene(
                replace(found.scene.root, items=items),
                [edge for edge in edges if part_of[edge.tail] == at],
            ),
            groups=[(size, inside) for size, inside in groups if inside],
            connectors=[sign for sign in signs if part_of[sign.card.id] == at],
        )

    return [paper(at) for at in range(len(starts) + 1)]


def _low(blocks: Iterable[Template], is_low: Callable[[Template], bool]) -> Iterator[Template]:
    """The blocks, of which those that are too high for a sheet go on in further frames."""
    letters = 0
    for block in blocks:
        ways = [[block]]
        if block.insets.connections is None and not is_low(block):
            ways += _frames(block, letters)
        chosen = next((way for way in ways if all(map(is_low, way))), [block])
        letters += sum(map(_exits, chosen))
        yield from chosen


def _exits(block: Template) -> int:
    """How many letters a block has of its own."""
    return sum(map(is_exit, cards(block.scene.root)))


def _frames(block: Template, letters: int) -> Iterator[list[Template]]:
    """A block in two frames, in three and so on."""
    layout = OneColumn(block.scene)
    for count in range(2, _FRAMES + 1):
        if scenes := in_frames(layout, count, letters):
            yield [replace(block, scene=x, continued=at > 0) for at, x in enumerate(scenes)]


def _blocks(blocks: Sequence[Template]) -> Iterator[list[TableSheet]]:
    """On one sheet, below or beside each other, on two and so on."""
    for count in range(1, len(blocks) + 1):
        starts = [round(len(blocks) * at / count) for at in range(count + 1)]
        some = [blocks[a:b] for a, b in pairwise(starts)]
        for columns in range(1, min(_COLUMNS, max(map(len, some))) + 1):
            yield [TableSheet(blocks=part, beside=columns) for part in some]
