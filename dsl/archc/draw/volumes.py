"""Tensors as boxes, as the lecture draws AlexNet: high and deep as the map, wide as its channels.

What is drawn are the rows of the view `paper`: what all goes through, each block once. The boxes
are polygons of the graph's background, which every Graphviz draws; the words are nodes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from archc.draw.collapse import cards
from archc.draw.dot import preamble
from archc.draw.paper import Paper, PaperRow
from archc.draw.scene import BESIDE, Box, Card, Scene
from archc.draw.sheets import MOST
from archc.draw.style import GREY, INK, LINE, SKIP, font, look, quoted, text_width
from archc.draw.towers import TowerRows
from archc.ops import Shape

_TALLEST, _WIDEST = 170.0, 64.0  # points
_FLATTEST, _THINNEST = 5.0, 4.0
_SLOPE = 0.34  # of a depth, to the right and upwards
_GAP, _LINE_GAP = 16.0, 34.0
_MOST = 1500.0  # the width of a line of boxes
_LETTERS = 46.0  # the height of the words below
_APART = 20.0  # between towers
_BAR = 12.0  # the depth of a vector's bar
_GRAPH = (
    'layout=nop, pad=0.2, bgcolor=white, fontname="Helvetica", '
    f'fontcolor="{INK}"'
)  # fmt: skip
Point = tuple[float, float]


@dataclass(slots=True)
class Volume:
    """A tensor: what makes it, and the size of its box in points."""

    row: PaperRow
    shape: Shape
    width: float
    height: float
    depth: float
    towers: int = 1  # boxes above each other, of a part of the channels each
    step: float = 0.0  # from one of them to the next
    left: float = 0.0
    base: float = 0.0  # the lower edge of its front

    @property
    def tall(self) -> float:
        """The height of all its boxes."""
        return self.height + (self.towers - 1) * self.step

    @property
    def bases(self) -> list[float]:
        """The lower edges of its boxes, the first one's on top."""
        return [self.base + at * self.step for at in reversed(range(self.towers))]

    @property
    def slope(self) -> float:
        return _SLOPE * self.depth

    @property
    def words(self) -> list[tuple[str, float, str, bool]]:
        """The lines below it: text, points, colour, bold."""
        times = f" ×{self.row.times}" if self.row.times > 1 else ""
        said = self.row.config[0] if self.row.card.category not in ("io", "block") else ""
        if self.row.towers is not None:
            said += f"   {self.towers} × ({self.row.towers.part})"
        if BESIDE in self.row.notes:
            said = f"{said}   {BESIDE}".strip()
        lines = [
            (f"{self.row.name or 'run'}{times}", 9.0, INK, True),
            (self.row.shape, 8.0, LINE, False),
        ]
        return lines + ([(said.replace("   ", " · "), 8.0, GREY, False)] if said else [])

    @property
    def room(self) -> float:
        """The width that it takes with its words."""
        letters = max(text_width(text, points) for text, points, *_ in self.words)
        return max(self.width + self.slope, letters)

    @property
    def left_of_box(self) -> float:
        return self.left + (self.room - self.width - self.slope) / 2


def seen(found: Paper) -> Scene:
    """What the picture shows of a scene: the rows, and what goes around them."""
    items: list[Card | Box] = [row.card for row in found.lines.values()]
    return Scene(Box("", "network", items=items), [e for e in found.scene.edges if e.skip])


def volumes(found: Paper) -> list[Volume]:
    """The rows as boxes, not yet placed."""
    rows = [row for row in found.lines.values() if row.card.output is not None]
    if len(rows) > 1 and rows[-1].card.category == "io":
        rows.pop()  # the output is what the last one makes
    counts = [found.towers.count(row.card.id) for row in rows]
    shapes = [row.card.output for row in rows if row.card.output is not None]
    shapes = [
        replace(s, channels=int(s.channels) // n) for s, n in zip(shapes, counts, strict=True)
    ]
    tallest = max((max(map(int, s.size)) for s in shapes if s.size), default=1)
    widest = max((int(s.channels) for s in shapes if s.size), default=1)
    longest = max((int(s.channels) for s in shapes if not s.size), default=1)
    made = [
        Volume(row, shape, *_extent(shape, tallest, widest, longest), count)
        for row, shape, count in zip(rows, shapes, counts, strict=True)
    ]
    step = max((box.height + box.slope + _APART for box in made if box.towers > 1), default=0.0)
    for box in made:
        box.step = step
    return made


def _extent(shape: Shape, tallest: int, widest: int, longest: int) -> tuple[float, float, float]:
    """Width, height and depth: by the roots, or small maps and few channels would not be seen."""
    if not shape.size:
        share = (int(shape.channels) / longest) ** 0.5
        return _THINNEST, max(0.8 * _TALLEST * share, 2 * _FLATTEST), _BAR
    *_, height, width = (*map(int, shape.size), 1) if len(shape.size) == 1 else map(int, shape.size)

    def long(n: int) -> float:
        return max(_TALLEST * float((n / tallest) ** 0.6), _FLATTEST)

    return (
        max(_WIDEST * (int(shape.channels) / widest) ** 0.5, _THINNEST),
        long(height),
        long(width),
    )


def drawings(found: Paper, name: str, title: Callable[[int, int], str]) -> Iterator[list[str]]:
    """In DOT: the picture; and in one line, in two and so on, then on two sheets and so on.

    Where lines go around boxes it is one line. `title` is that of one of so many sheets, an
    HTML-like table.
    """
    boxes = volumes(found)
    around = list(_around(found, boxes))
    lines = 1 if around else max(math.ceil(sum(box.room + _GAP for box in boxes) / _MOST), 1)
    yield [_drawing(found, name, title(1, 1), _in_lines(boxes, lines), around)]
    if around:
        return
    for sheets in range(1, min(MOST, len(boxes)) + 1):
        for each in range(1, len(boxes) // sheets + 1):
            found_lines = _in_lines(boxes, sheets * each)
            parts = [found_lines[at : at + each] for at in range(0, len(found_lines), each)]
            if len(parts) == sheets:
                titles = [title(at, sheets) for at in range(1, sheets + 1)]
                pairs = zip(titles, parts, strict=True)
                yield [_drawing(found, name, text, part, []) for text, part in pairs]


def _drawing(
    found: Paper,
    name: str,
    title: str,
    lines: list[list[Volume]],
    around: list[tuple[Volume, Volume]],
) -> str:
    """Some lines of boxes as DOT."""
    _place(lines)
    boxes = [box for line in lines for box in line]
    width = max((line[-1].left + line[-1].room for line in lines), default=1.0)
    text = list(
        preamble(name, "", f'{_GRAPH}, _background="{_background(lines, around, found.towers)}"')
    )
    if title:
        top = max((box.base + box.tall + box.slope for box in boxes), default=0.0)
        place = f'"{width / 2:.1f},{top + 56 + 5 * len(around):.1f}"'
        # As wide as the picture, so that its words stand at the left.
        cell = (
            f'<TABLE BORDER="0" WIDTH="{width:.0f}"><TR><TD ALIGN="LEFT">{title}</TD></TR></TABLE>'
        )
        text.append(f"  title [pos={place}, label=<{cell}>];")
    text += [line for box in boxes for line in _letters(box)]
    return "\n".join([*text, "}"]) + "\n"


def _in_lines(boxes: list[Volume], count: int) -> list[list[Volume]]:
    """Boxes in lines of about one width."""
    total = sum(box.room + _GAP for box in boxes)
    lines: list[list[Volume]] = [[]]
    used = 0.0
    for box in boxes:
        if used > total / count and len(lines) < count:
            lines.append([])
            used = 0.0
        lines[-1].append(box)
        used += box.room + _GAP
    return [line for line in lines if line]


def _place(lines: list[list[Volume]]) -> None:
    """Set boxes from left to right, line by line; the lowest one ends at 0."""
    base = 0.0
    for line in reversed(lines):
        left = 0.0
        base += _LETTERS
        # All stand around one middle, as the maps in the lecture's figures do.
        middle = base + max((box.tall for box in line), default=0.0) / 2
        for box in line:
            box.left, box.base = left, middle - box.tall / 2
            left += box.room + _GAP
        base = max((box.base + box.tall + box.slope for box in line), default=base) + _LINE_GAP


# --- the boxes ---------------------------------------------------------------------------


def _background(
    lines: list[list[Volume]], around: list[tuple[Volume, Volume]], towers: TowerRows
) -> str:
    """Graphviz's drawing operations: arrows, boxes over them, skips over all."""
    pairs = [pair for line in lines for pair in pairwise(line)]
    parts = [part for one, other in pairs for part in _arrows(one, other, towers)]
    parts += [
        part for line in lines for box in line for base in box.bases for part in _faces(box, base)
    ]
    parts += _skips([box for line in lines for box in line], around)
    return " ".join(parts)


def _faces(box: Volume, base: float) -> Iterator[str]:
    _, strip, tint = look(box.row.card.category)
    x, y, w, h, s = box.left_of_box, base, box.width, box.height, box.slope
    front = [(x, y), (x + w, y), (x + w, y + h), (x, y + h)]
    top = [(x, y + h), (x + w, y + h), (x + w + s, y + h + s), (x + s, y + h + s)]
    side = [(x + w, y), (x + w + s, y + s), (x + w + s, y + h + s), (x + w, y + h)]
    yield _pen(strip)
    for face, shade in ((top, 0.12), (side, 0.3), (front, 0.0)):
        yield _filled(face, _mixed(tint, strip, shade))


def _arrows(one: Volume, other: Volume, towers: TowerRows) -> Iterator[str]:
    """From a box's side to the next one's front, at their middles; in towers between several."""
    left, right = one.left_of_box + one.width + one.slope, other.left_of_box
    for start, end in towers.lines(one.row.card.id, other.row.card.id):
        tail = left, one.bases[start] + one.height / 2
        head = right, other.bases[end] + other.height / 2
        yield _pen(LINE)
        yield _polyline([tail, head])
        yield _filled(_tip(tail, head), LINE)


def _tip(tail: Point, head: Point) -> list[Point]:
    """The head of an arrow."""
    far = math.dist(tail, head)
    x, y = 5 * (head[0] - tail[0]) / far, 5 * (head[1] - tail[1]) / far
    back, side = (head[0] - x, head[1] - y), (-0.44 * y, 0.44 * x)
    return [head, (back[0] + side[0], back[1] + side[1]), (back[0] - side[0], back[1] - side[1])]


def _around(found: Paper, boxes: list[Volume]) -> Iterator[tuple[Volume, Volume]]:
    """What goes around others: from which box, and before which it comes back."""
    known = {box.row.card.id: box for box in boxes}
    following: Volume | None = None
    after: dict[str, Volume] = {}  # by the id of any card: the next box from it on
    for card in reversed(list(cards(found.scene.root))):
        following = known.get(card.id, following)
        if following is not None:
            after[card.id] = following
    for edge in found.scene.edges:
        tail, head = known.get(edge.tail), after.get(edge.head)
        if edge.skip and tail is not None and head is not None:
            yield tail, head


def _skips(boxes: list[Volume], around: list[tuple[Volume, Volume]]) -> Iterator[str]:
    """Over all that they go around, short ones below long ones."""
    places = {id(box): at for at, box in enumerate(boxes)}
    spans = sorted(around, key=lambda pair: places[id(pair[1])] - places[id(pair[0])])
    for at, (tail, head) in enumerate(spans):
        between = boxes[places[id(tail)] : places[id(head)] + 1]
        high = max(box.base + box.height + box.slope for box in between) + 8 + 5 * at
        start = tail.left_of_box + tail.width / 2 + tail.slope
        end = head.left_of_box + (head.width + head.slope) / 2
        foot, onto = tail.base + tail.height + tail.slope, head.base + head.height + head.slope / 2
        yield f"{_pen(SKIP)} S 6 -dashed"
        yield _polyline([(start, foot), (start, high), (end, high), (end, onto)])
        yield "S 5 -solid"
        yield _filled([(end, onto), (end - 2.2, onto + 5), (end + 2.2, onto + 5)], SKIP)


def _letters(box: Volume) -> Iterator[str]:
    rows = "".join(
        f"<TR><TD>{font(text, points, colour, bold)}</TD></TR>"
        for text, points, colour, bold in box.words
    )
    table = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">{rows}</TABLE>'
    place = f'"{box.left + box.room / 2:.1f},{box.base - 6 - 5.5 * len(box.words):.1f}"'
    card = box.row.card
    yield f"  {quoted(card.id)} [pos={place}, label=<{table}>, tooltip={quoted(card.tooltip)}];"


# --- Graphviz's drawing operations -------------------------------------------------------


def _pen(colour: str) -> str:
    return f"c {len(colour)} -{colour}"


def _filled(points: list[Point], colour: str) -> str:
    return f"C {len(colour)} -{colour} P {len(points)} {_points(points)}"


def _polyline(points: list[Point]) -> str:
    return f"L {len(points)} {_points(points)}"


def _points(points: list[Point]) -> str:
    return " ".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _mixed(one: str, other: str, share: float) -> str:
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _channels(colour: str) -> list[int]:
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
