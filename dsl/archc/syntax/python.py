"""A statement of Python at a place of a text: where it ends, and the cure that leaves it out."""

from __future__ import annotations

import re
from dataclasses import dataclass

from archc.source import Fix, Source, Span

FAR_AHEAD = 10_000  # characters: of a class, or a statement
BALANCED = r"((?:[^()]|\([^()]*\))*)"  # what stands in round brackets
CURRENT = frozenset("x out y h z output outputs logits".split())  # the tensor at hand
_MARK = re.compile(r"""(?P<quote>["'])(?:\\.|(?!(?P=quote)).)*(?P=quote)|[()\[\]{}\n#]""")
_LEAVE_OUT = "leave the line out"


@dataclass(frozen=True, slots=True)
class PythonLine:
    """A statement of Python at a place of a text."""

    source: Source
    start: int

    @property
    def end(self) -> int:
        return _statement_end(self.source.text, self.start)

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    @property
    def span(self) -> Span:
        return Span(self.source, self.start, self.end)

    @property
    def whole(self) -> Span:
        """With its blanks and the end of its last line; less where something stands before it."""
        text = self.source.text
        margin = text.rfind("\n", 0, self.start) + 1
        if text[margin : self.start].strip():
            return self.span
        after = text.find("\n", self.end)
        return Span(self.source, margin, len(text) if after < 0 else after + 1)

    def removal(self, *, safe: bool = False) -> Fix:
        """The cure that leaves its lines out."""
        return Fix(_LEAVE_OUT, self.whole, "", safe)


def _statement_end(text: str, start: int) -> int:
    """Where a statement of Python ends: at the end of its line, or of its last bracket's."""
    depth = 0
    for found in _MARK.finditer(text, start, start + FAR_AHEAD):
        mark = found.group()
        depth += (mark in "([{") - (mark in ")]}")
        if depth < 0 or (depth == 0 and mark in "\n#"):
            return len(text[: found.start()].rstrip())
    return len(text[: start + FAR_AHEAD].rstrip())
