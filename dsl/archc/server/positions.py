"""Offsets in a text as lines and columns, in the units that a client counts in."""

from __future__ import annotations

import re
from bisect import bisect_right

from lsprotocol import types

_LINE_END = re.compile(r"\r\n|\n|\r")
_BYTES = {"utf-8": 1, "utf-16": 2}  # of a unit


class TextLines:
    """The lines of one text. A line ends as the protocol says, with LF, CR LF or CR alone."""

    def __init__(self, text: str, encoding: str) -> None:
        self.text = text
        self._starts = [0, *(found.end() for found in _LINE_END.finditer(text))]
        self._is_plain = encoding == "utf-32" or text.isascii()
        self._codec = "utf-8" if encoding == "utf-8" else "utf-16-le"
        self._size = _BYTES.get(encoding, 4)

    def position(self, offset: int) -> types.Position:
        """Return where an offset is."""
        line = bisect_right(self._starts, offset) - 1
        before = self.text[self._starts[line] : offset]
        return types.Position(line, len(before) if self._is_plain else self._units(before))

    def offset(self, position: types.Position) -> int:
        """Return the offset of a position; one beyond a line's or the text's end is that end."""
        if position.line >= len(self._starts):
            return len(self.text)
        start = self._starts[position.line]
        text = _LINE_END.sub("", self._line(position.line))
        if self._is_plain:
            return start + min(position.character, len(text))
        units = 0
        for at, character in enumerate(text):
            if units >= position.character:
                return start + at
            units += self._units(character)
        return start + len(text)

    def range(self, start: int, end: int) -> types.Range:
        """Return a stretch of the text."""
        return types.Range(self.position(start), self.position(end))

    def length(self, start: int, end: int) -> int:
        """Return how many units are between two offsets."""
        text = self.text[start:end]
        return len(text) if self._is_plain else self._units(text)

    def line_end(self, line: int) -> int:
        """Return the offset behind the last character of a line that is no blank."""
        return self._starts[line] + len(self._line(line).rstrip())

    def _line(self, line: int) -> str:
        end = self._starts[line + 1] if line + 1 < len(self._starts) else len(self.text)
        return self.text[self._starts[line] : end]

    def _units(self, text: str) -> int:
        return len(text.encode(self._codec, "surrogatepass")) // self._size
