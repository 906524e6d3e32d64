"""A drawing on paper or slides: on as few sheets as let every word be read, as large as fits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat

from archc.choices import SHEETS

Size = tuple[float, float]

MOST = 12  # sheets
_MARGIN = 8  # points, and Graphviz leaves some
_SMALLEST = 6.0 / 8  # of words of 8 points, the smallest of a drawing, 6 are left
_LARGEST = 1.5  # a small drawing is not blown up to fill the sheet


class TooManySheets(Exception):
    """A drawing that takes more than MOST sheets, or cannot be divided.

    `width` is that of its widest part, in points, and `part` what stands there.
    """

    def __init__(
        self, sheet: str, width: float = 0, part: str = "what stands side by side"
    ) -> None:
        where = "a slide" if sheet == "slide" else sheet
        text = f"this cannot be read on {where}, nor on up to {MOST} sheets"
        times = width * _SMALLEST / (max(SHEETS[sheet]) - 2 * _MARGIN)
        if times > 1.05:
            text = (
                f"this cannot be read on {where}: {part} takes {times:.1f} times its width where "
                "the smallest words have 6 points"
            )
        super().__init__(text)
        self.width = width


def fits(sheet: str, size: Size) -> bool:
    """Whether a drawing of about that size, in points, may fit on one."""
    return _scale(size, _lying(sheet, size)) > 0.8 * _SMALLEST


def areas(sheet: str, scale: float) -> list[Size]:
    """The sizes, in points, of drawings that fill one in a scale, upright and lying."""
    wide, high = ((side - 2 * _MARGIN) / scale for side in SHEETS[sheet])
    return [(wide, high)] if sheet == "slide" else [(wide, high), (high, wide)]


def is_readable(sheet: str, draw: Callable[[str], bytes], dot: str) -> bool:
    """Whether a drawing can be read on one; `draw` makes SVG of DOT."""
    size = _size(draw(dot))
    return _scale(size, _lying(sheet, size)) >= _SMALLEST


def on_sheets(
    ways: Iterable[Sequence[str]], sheet: str, draw: Callable[[str], bytes]
) -> Sequence[str]:
    """Return the pages, in DOT, of the way with the fewest; of those the one that is largest.

    `ways` come with more and more pages each. All pages have one scale; paper lies as suits each.
    `draw` makes SVG of DOT. Raises TooManySheets.
    """
    best, chosen = 0.0, list[str]()
    widths = []
    for pages in ways:
        if chosen and len(pages) > len(chosen):
            break
        sizes = [_size(draw(page)) for page in pages]
        widths.append(max(width for width, _ in sizes))
        lying = [_lying(sheet, size) for size in sizes]
        scale = min(_LARGEST, *map(_scale, sizes, lying))
        if scale >= _SMALLEST and scale > best * 1.02:  # the earlier one where they are alike
            best, chosen = scale, [_set(*page) for page in zip(pages, lying, repeat(scale))]
    if not chosen:
        raise TooManySheets(sheet, min(widths, default=0))
    return chosen


def _lying(sheet: str, size: Size) -> Size:
    """The sheet, upright or not, as suits a drawing."""
    width, height = SHEETS[sheet]
    ways = [(width, height)] if sheet == "slide" else [(width, height), (height, width)]
    return max(ways, key=lambda way: _scale(size, way))


def _scale(size: Size, sheet: Size) -> float:
    return min((whole - 2 * _MARGIN) / part for whole, part in zip(sheet, size, strict=True))


def _set(dot: str, sheet: Size, scale: float) -> str:
    """A drawing in the middle of a sheet."""
    viewport = f'viewport="{sheet[0]},{sheet[1]},{scale:.4f}"'
    return dot.replace("graph [", f"graph [{viewport}, ", 1)


def _size(svg: bytes) -> Size:
    found = re.search(rb'<svg width="([\d.]+)pt" height="([\d.]+)pt"', svg)
    assert found is not None, "Graphviz says how large its drawing is"
    return float(found[1]), float(found[2])
