"""Offsets as a page counts them: in units of UTF-16, of which some characters take two."""

from __future__ import annotations

from bisect import bisect_left, bisect_right


class PageOffsets:
    """Offsets of one text, from the page's to Python's and back."""

    def __init__(self, text: str) -> None:
        self.length = len(text)
        self._wide = [] if text.isascii() else [at for at, c in enumerate(text) if c > "\uffff"]
        self._units = [at + before for before, at in enumerate(self._wide)]

    def to_page(self, offset: int) -> int:
        """Return an offset of Python's as the page counts it."""
        return offset + bisect_left(self._wide, offset)

    def from_page(self, offset: int) -> int:
        """Return an offset of the page's as Python counts it, within the text."""
        found = offset - bisect_right(self._units, offset - 1)
        return min(max(found, 0), self.length)
