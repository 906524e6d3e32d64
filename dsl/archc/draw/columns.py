"""A long drawing in columns: it goes on at the top of the next one, as a text does.

A column ends between two items where one tensor alone passes; both ends say where it goes on. A
box that is cut goes on in a frame of its own.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from archc.draw.collapse import boxes, cards
from archc.draw.connectors import cut
from archc.draw.one_column import MOST_COLUMNS, OneColumn, is_end
from archc.draw.scene import Box, Card, Edge, Scene
from archc.draw.sheets import Size


def in_columns(
    scene: Scene, columns: int | None = None, direction: str = "down"
) -> tuple[Scene, int]:
    """The scene in columns, and how many; one where it is not long, or nowhere to be cut.

    They are rows where the direction is "right".
    """
    layout = to_be_cut(scene, direction)
    wanted = layout.columns() if columns is None else min(columns, MOST_COLUMNS)
    cuts = layout.cuts(wanted) if wanted > 1 else []
    if not cuts or (columns is None and not layout.are_lower(cuts)):
        return scene, 1
    return _ColumnMaker(layout, cuts).scene(), len(cuts) + 1


def to_be_cut(scene: Scene, direction: str = "down") -> OneColumn:
    """The scene laid out for columns and pages, with its outputs beside what makes them."""
    return OneColumn(with_outputs_beside(scene), direction)


def in_pages(layout: OneColumn, pages: int, columns: int) -> list[Scene]:
    """The scene on so many pages of so many columns; nothing where it cannot be cut so."""
    cuts = layout.cuts(pages * columns)
    return _pages(layout, cuts, columns) if len(cuts) + 1 == pages * columns else []


def in_frames(layout: OneColumn, count: int, first: int = 0) -> list[Scene]:
    """A block in so many parts; nothing where it cannot be cut so.

    The letter `first` is the first of its signs, which give no shapes: calls have others.
    """
    cuts = layout.cuts(count)
    if len(cuts) + 1 < count:
        return []
    whole = _ColumnMaker(layout, cuts, first, shapes=False).scene()
    parts = [_page(whole, [column]) for column in whole.root.items]
    return [replace(x, root=replace(x.root, items=next(boxes(x.root)).items)) for x in parts]


def in_full_pages(
    layout: OneColumn, sheets: Iterable[Sequence[Size]], most: int
) -> Iterator[list[Scene]]:
    """The scene in one column on pages that hold as much as they can, in each of several ways.

    A way is the sizes, in points, that a page may have: of a sheet upright, and of one that lies.
    """
    for cuts in dict.fromkeys(tuple(layout.filled(sizes, most)) for sizes in sheets):
        yield _pages(layout, list(cuts), 1)


def widest(scene: Scene, direction: str = "down") -> tuple[float, list[str]]:
    """The width of what is widest in one column, in points, and what stands there side by side."""
    layout = OneColumn(scene, direction)
    ids = list(layout.numbers)
    return layout.width(), [ids[at] for at in layout.widest()]


def with_outputs_beside(scene: Scene) -> Scene:
    """The scene with each output right behind what makes it, and not at the end."""
    tails = {edge.head: edge.tail for edge in scene.edges}
    ends = {edge.tail for edge in scene.edges}
    items = scene.root.items
    outputs = [item for item in items if item.id in tails and is_end(item, ends)]
    made: dict[str, list[Card | Box]] = {}
    for item in outputs:
        made.setdefault(tails[item.id], []).append(item)
    ordered: list[Card | Box] = []
    for item in items:
        if item in outputs:
            continue
        inside = [item.id] if isinstance(item, Card) else [c.id for c in cards(item)]
        ordered += [item, *(output for id in inside for output in made.pop(id, ()))]
    rest = [output for several in made.values() for output in several]
    return replace(scene, root=replace(scene.root, items=[*ordered, *rest]))


def _pages(layout: OneColumn, cuts: list[int], columns: int) -> list[Scene]:
    whole = _ColumnMaker(layout, cuts).scene()
    return [
        _page(whole, whole.root.items[at : at + columns]) for at in range(0, len(cuts) + 1, columns)
    ]


def _page(scene: Scene, columns: list[Card | Box]) -> Scene:
    """Some columns, and what is between their cards."""
    root = replace(scene.root, items=columns)
    inside = {*(box.id for box in boxes(root)), *(card.id for card in cards(root))}
    edges = [edge for edge in scene.edges if edge.tail in inside and edge.head in inside]
    return Scene(root, edges, [ids for ids in scene.levels if inside.issuperset(ids)])


class _ColumnMaker:
    """Puts items into columns, and signs where an edge leads from one to another."""

    def __init__(
        self, layout: OneColumn, cuts: list[int], first: int = 0, shapes: bool = True
    ) -> None:
        self.whole, self.layout = layout.scene, layout
        self.starts = [0, *cuts, len(layout.sizes)]
        self.parts: Counter[str] = Counter()  # of each box that is cut
        self.paths: dict[str, tuple[str, ...]] = {}  # the boxes around each node, and itself
        self._find(self.whole.root, ())
        # Signs, by the item that they stand beside, and the column of that part of it.
        self.before: dict[tuple[str, int], list[Card]] = {}
        self.after: dict[tuple[str, int], list[Card]] = {}
        self.first: dict[str, list[Card]] = {}  # and by the box that they begin
        self.edges = self._led(first, shapes)

    def scene(self) -> Scene:
        columns: list[Card | Box] = [
            Box(f"column {at + 1}", "column", items=list(self._items(self.whole.root, at)))
            for at in range(len(self.starts) - 1)
        ]
        return Scene(replace(self.whole.root, items=columns), self.edges, self.whole.levels)

    def _find(self, box: Box, around: tuple[str, ...]) -> None:
        for item in box.items:
            self.paths[item.id] = (*around, item.id)
            if isinstance(item, Box):
                self._find(item, self.paths[item.id])

    # edges

    def _led(self, first: int, shapes: bool) -> list[Edge]:
        """The edges; one that leads to another column does so over two signs."""
        edges, signs = cut(self.whole.edges, self._column, self.layout.numbers, first, shapes)
        for sign in signs:
            tail, head = self._apart(sign.edge)
            if not sign.leaves:
                column = self._column(sign.edge.head)
                self.before.setdefault((head, column), []).append(sign.card)
            elif tail is None:
                self.first.setdefault(sign.edge.tail, []).append(sign.card)
            else:
                column = self._column(sign.edge.tail)
                self.after.setdefault((tail, column), []).append(sign.card)
        return edges

    def _column(self, node: str) -> int:
        return bisect_right(self.starts, self.layout.numbers[node]) - 1

    def _apart(self, edge: Edge) -> tuple[str | None, str]:
        """The items around the ends of an edge, next to each other in the box around both."""
        tail, head = self.paths[edge.tail], self.paths[edge.head]
        pairs = zip(tail, head, strict=False)
        at = next((n for n, (a, b) in enumerate(pairs) if a != b), len(tail))
        return tail[at] if at < len(tail) else None, head[at]

    # items

    def _items(self, box: Box, column: int) -> Iterator[Card | Box]:
        """What of a box stands in a column."""
        start, stop = self.starts[column : column + 2]
        for item in box.items:
            if self.layout.numbers[item.id] < stop and start < self.layout.ends[item.id]:
                yield from self.before.get((item.id, column), ())
                yield self._part(item, column) if isinstance(item, Box) else item
                yield from self.after.get((item.id, column), ())

    def _part(self, box: Box, column: int) -> Box:
        self.parts[box.id] += 1
        part, items = self.parts[box.id], list(self._items(box, column))
        if part == 1:
            return replace(box, items=[*self.first.get(box.id, ()), *items])
        return replace(box, id=f"{box.id} part {part}", part=part, items=items)
