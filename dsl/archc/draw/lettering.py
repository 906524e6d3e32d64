"""What is written on cards and headers: lines of pieces of text, each in its size and colour."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from archc.draw.boxes import title
from archc.draw.scene import Box, Card
from archc.draw.style import GREY, INK, LINE, SKIP, look


@dataclass(frozen=True, slots=True)
class Lettering:
    """Text in one font, so many points high."""

    text: str
    points: float
    colour: str = ""  # that of the drawing
    bold: bool = False


Line = list[Lettering]


def card_title(card: Card) -> Line:
    """Neighbouring pieces of one kind are one, which spaces them evenly."""
    strip = look(card.category)[1]
    bold, light = (9, strip), (8, strip)
    if not card.pill:
        bold, light = (10, INK), (9, GREY)
    return [
        Lettering("".join(text for text, _ in pieces), *(bold if is_bold else light), is_bold)
        for is_bold, pieces in groupby(card.title, key=itemgetter(1))
    ]


def card_facts(card: Card) -> Line:
    return _pieces(Lettering(" · ".join(card.facts), 8, GREY))


def header(box: Box) -> list[Line]:
    """`×5 bottleneck 1–5` over its totals."""
    count = f"×{box.times or box.count} " if box.count > 1 else ""
    name, gap, more = _parted(title(box.name, box.block))
    outer, between, block = _parted(box.above)
    lines = [
        _pieces(Lettering(outer, 10, bold=True), Lettering(between + block, 9, GREY)),
        _pieces(
            Lettering(count, 12, SKIP, bold=True),
            Lettering(name, 10, bold=True),
            Lettering(gap + more, 9, GREY),
        ),
        _pieces(Lettering(" · ".join(box.facts), 8, LINE)),
    ]
    return [line for line in lines if line]


def continued(box: Box) -> Line:
    """The header of a box that goes on in another column."""
    name = title(box.name, box.block) or box.above
    return _pieces(Lettering(name, 10, bold=True), Lettering(" continued", 9, GREY))


def _pieces(*pieces: Lettering) -> Line:
    return [piece for piece in pieces if piece.text]


def _parted(title: str) -> tuple[str, str, str]:
    """A title's main word, and the rest for a lighter type."""
    for gap in (" · ", "  "):
        if gap in title:
            return title.partition(gap)
    return title, "", ""
