"""What stands in a picture of volumes: tensors as boxes, and small signs without a volume."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from archc.draw.collapse import cards
from archc.draw.paper import Paper, PaperRow
from archc.draw.scene import BESIDE, SHARED, TRAINING, Card
from archc.draw.strokes import Point, filled, mixed, pen
from archc.draw.style import GREY, INK, LINE, font, look, quoted, text_width
from archc.ops import Shape

_TALLEST, _WIDEST = 170.0, 64.0  # points
_FLATTEST, _THINNEST = 5.0, 4.0
_SLOPE = 0.34  # of a depth, to the right and upwards
_APART = 20.0  # between towers
_BAR = 12.0  # the depth of a vector's bar
_NARROW = 62.0  # words are set in lines of that width
_ASIDE = {"straight": 0.0, "skip": 0.0, "training": 3.0, "size": 6.0}  # of lines on a top

Words = list[tuple[str, float, str, bool]]  # lines: text, points, colour, bold


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
    words: Words = field(default_factory=list)  # the lines below it

    @property
    def id(self) -> str:
        return self.row.card.id

    @property
    def tall(self) -> float:
        """The height of all its boxes."""
        return self.height + (self.towers - 1) * self.step

    @property
    def below(self) -> float:
        """The height of its words."""
        return 8 + 11.0 * len(self.words)

    @property
    def top(self) -> float:
        return self.base + self.tall + self.slope

    @property
    def bases(self) -> list[float]:
        """The lower edges of its boxes, the first one's on top."""
        return [self.base + at * self.step for at in reversed(range(self.towers))]

    @property
    def slope(self) -> float:
        return _SLOPE * self.depth

    @property
    def room(self) -> float:
        """The width that it takes with its words."""
        letters = max(text_width(text, points) for text, points, *_ in self.words)
        return max(self.width + self.slope, letters)

    @property
    def left_of_box(self) -> float:
        return self.left + (self.room - self.width - self.slope) / 2

    def front(self, part: int) -> Point:
        """Where an arrow comes in."""
        return self.left_of_box, self.bases[part] + self.height / 2

    def back(self, part: int) -> Point:
        """Where an arrow leaves."""
        # Of a flat box the side is lower there than it is deep.
        side = min(self.slope, self.height / 2)
        return self.left_of_box + self.width + side, self.bases[part] + self.height / 2

    def onto(self, kind: str) -> Point:
        """Where an arrow comes from above."""
        aside = min(_ASIDE[kind], self.width / 2)
        return self.left_of_box + self.width / 2 - aside, self.base + self.tall

    def off(self, kind: str) -> Point:
        """Where an arrow leaves upwards."""
        aside = min(_ASIDE[kind], self.width / 2)
        return self.left_of_box + self.width / 2 + self.slope + aside, self.top

    def faces(self) -> Iterator[str]:
        """Draw its boxes."""
        _, strip, tint = look(self.row.card.category)
        x, w, h, s = self.left_of_box, self.width, self.height, self.slope
        for y in self.bases:
            front = [(x, y), (x + w, y), (x + w, y + h), (x, y + h)]
            top = [(x, y + h), (x + w, y + h), (x + w + s, y + h + s), (x + s, y + h + s)]
            side = [(x + w, y), (x + w + s, y + s), (x + w + s, y + h + s), (x + w, y + h)]
            yield pen(strip)
            for face, shade in ((top, 0.12), (side, 0.3), (front, 0.0)):
                yield filled(face, mixed(tint, strip, shade))

    def node(self) -> Iterator[str]:
        """Its words, as a node."""
        rows = "".join(
            f"<TR><TD>{font(text, points, colour, bold)}</TD></TR>"
            for text, points, colour, bold in self.words
        )
        table = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">{rows}</TABLE>'
        place = f'"{self.left + self.room / 2:.1f},{self.base - 6 - 5.5 * len(self.words):.1f}"'
        tip = quoted(self.row.card.tooltip)
        yield f"  {quoted(self.id)} [pos={place}, label=<{table}>, tooltip={tip}];"


@dataclass(slots=True)
class Sign:
    """A merge, an output, what only cuts a map to size, or letters where a line goes on."""

    id: str
    parts: list[Words]  # above each other; of a line in towers one each
    category: str = "io"
    tooltip: str = ""
    step: float = 0.0
    left: float = 0.0
    base: float = 0.0

    @property
    def below(self) -> float:
        return 0.0

    @property
    def towers(self) -> int:
        return len(self.parts)

    @property
    def height(self) -> float:
        return 6 + 10.0 * max(map(len, self.parts))

    @property
    def room(self) -> float:
        lines = [line for words in self.parts for line in words]
        return max(8 + max(text_width(text, points) for text, points, *_ in lines), 16.0)

    @property
    def tall(self) -> float:
        return self.height + (len(self.parts) - 1) * self.step

    @property
    def top(self) -> float:
        return self.base + self.tall

    def front(self, part: int) -> Point:
        return self.left, self._middle(part)

    def back(self, part: int) -> Point:
        return self.left + self.room, self._middle(part)

    def onto(self, kind: str) -> Point:
        return self.left + self.room / 2 - 4 - _ASIDE[kind] / 2, self.top

    def off(self, kind: str) -> Point:
        return self.left + self.room / 2 + 4 + _ASIDE[kind] / 2, self.top

    def faces(self) -> Iterator[str]:
        """Nothing: it is a node."""
        return iter(())

    def node(self) -> Iterator[str]:
        _, strip, tint = look(self.category)
        for at, words in enumerate(self.parts):
            rows = "<BR/>".join(font(*line) for line in words)
            place = f"{self.left + self.room / 2:.1f},{self._middle(at):.1f}"
            id = f"{self.id} {at + 1}" if len(self.parts) > 1 else self.id
            size = f"width={self.room / 72:.4f}, height={self.height / 72:.4f}, fixedsize=true"
            yield (
                f'  {quoted(id)} [pos="{place}", shape=box, style="rounded,filled", {size}, '
                f'color="{strip}", fillcolor="{tint}", label=<{rows}>, '
                f"tooltip={quoted(self.tooltip)}];"
            )

    def _middle(self, part: int) -> float:
        return self.base + (len(self.parts) - 1 - part) * self.step + self.height / 2


Shown = Volume | Sign


def letter(id: str, letters: Iterable[str], step: float = 0.0) -> Sign:
    """A sign where a line goes on: `A`; one of towers has a letter each."""
    texts = list(letters)
    parts: list[Words] = [[(text, 8.0, GREY, True)] for text in texts]
    return Sign(id, parts, tooltip=f"goes on at {', '.join(texts)}", step=step)


_LIGHT = ("reshape", "act", "drop", "merge", "concat")  # beside the trunk they are signs


def shown(found: Paper, size: float = 1.0) -> list[Shown]:
    """The cards of a scene in their order, not yet placed; boxes in a size.

    The only output is left out where it is what the last one makes.
    """
    rows = {
        card.id: found.lines.get(card.id) or found.beside[card.id]
        for card in cards(found.scene.root)
    }
    outputs = [id for id, row in rows.items() if _is_output(row.card)]
    ends = {edge.tail for edge in found.scene.edges if edge.head in outputs}
    if len(outputs) == 1 and sum(edge.tail in ends for edge in found.scene.edges) == 1:
        del rows[outputs[0]]
    signs = {id for id, row in rows.items() if _is_sign(row.card, id in found.lines)}
    boxes = _volumes(found, [row for id, row in rows.items() if id not in signs], size)
    known = {box.id: box for box in boxes}
    return [known.get(id) or _sign(row) for id, row in rows.items()]


def _is_output(card: Card) -> bool:
    """Whether a card is where a network, or a part of one, ends."""
    return card.category == "io" and card.id.split(" ")[0] in ("output", "to")


def _is_sign(card: Card, is_row: bool) -> bool:
    light = not is_row and card.category in _LIGHT
    return light or card.pill or _is_output(card) or card.output is None


def _sign(row: PaperRow) -> Sign:
    card = row.card
    words: Words = [(card.title[0][0].strip() or card.id, 8.0, INK, True)]
    if not (card.pill or _is_output(card)):
        words.append((row.shape, 8.0, LINE, False))
    return Sign(card.id, [words], card.category, card.tooltip)


def _volumes(found: Paper, rows: list[PaperRow], size: float) -> list[Volume]:
    """Rows as boxes; those of one name have their paths in its place."""
    names = Counter(row.name for row in rows)
    rows = [row if names[row.name] == 1 else replace(row, name=row.card.id) for row in rows]
    counts = [found.towers.count(row.card.id) for row in rows]
    shapes = [row.card.output for row in rows if row.card.output is not None]
    shapes = [
        replace(s, channels=int(s.channels) // n) for s, n in zip(shapes, counts, strict=True)
    ]
    tallest = max((max(map(int, s.size)) for s in shapes if s.size), default=1)
    widest = max((int(s.channels) for s in shapes if s.size), default=1)
    longest = max((int(s.channels) for s in shapes if not s.size), default=1)
    made = []
    for row, shape, count in zip(rows, shapes, counts, strict=True):
        width, height, depth = _extent(shape, tallest, widest, longest)
        made.append(Volume(row, shape, size * width, size * height, size * depth, count))
    step = max((box.height + box.slope + _APART for box in made if box.towers > 1), default=0.0)
    given: dict[str, dict[str, None]] = {}
    for edge in found.scene.edges:
        if edge.each > 1:
            given.setdefault(edge.tail, {})[edge.label] = None
    for box in made:
        box.step = step
        box.words = list(_words(box, given.get(box.id, ())))
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


def _words(box: Volume, given: Iterable[str]) -> Iterator[tuple[str, float, str, bool]]:
    """The name, the shape, and in narrow lines what makes it."""
    row = box.row
    times = f" ×{row.times}" if row.times > 1 else ""
    name = f"{row.name or 'run'}{times}"
    yield name, 9.0, INK, True
    yield row.shape, 8.0, LINE, False
    said = row.config[0].split("   ") if row.card.category not in ("io", "block") else []
    if row.towers is not None:
        said.append(f"{box.towers} × ({row.towers.part})")
    said += [fact for fact in row.card.facts if fact.startswith((BESIDE, SHARED, TRAINING))]
    said += [f"gives {label}" for label in given]
    widths = text_width(name, 9.0), text_width(row.shape, 8.0), box.width + box.slope
    for line in _narrow(" · ".join(filter(None, said)), max(_NARROW, *widths)):
        yield line, 8.0, GREY, False


def _narrow(text: str, width: float) -> Iterator[str]:
    """Words in lines of a width; what stands between two signs `·` stays together if it can."""
    line = ""
    for piece in filter(None, text.split(" · ")):
        longer = f"{line} · {piece}" if line else piece
        if line and text_width(longer, 8.0) > width:
            yield line
            longer = piece
        line = longer
    if line:
        yield line
