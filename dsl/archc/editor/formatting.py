"""A text laid out anew, as changes of whole lines: what is right stays untouched."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from archc.editor.findings import TextChange
from archc.layout import format_source
from archc.source import Source


def format_changes(source: Source) -> tuple[TextChange, ...]:
    """Return the changes that format a text. It needs no analysis; mistakes stay as they are."""
    return changes_between(source.text, format_source(source).text)


def changes_between(old: str, new: str) -> tuple[TextChange, ...]:
    """Return the changes that make a text another, of whole lines."""
    if old == new:
        return ()
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    starts = [0]
    for line in before:
        starts.append(starts[-1] + len(line))
    return tuple(
        TextChange(starts[a], starts[b], "".join(after[c:d]))
        for kind, a, b, c, d in _opcodes(before, after)
        if kind != "equal"
    )


def _opcodes(before: list[str], after: list[str]) -> Sequence[tuple[str, int, int, int, int]]:
    """Line by line where there are as many of them: the usual case, and a hundred times as fast."""
    if len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return [("replace", at, at + 1, at, at + 1) for at, (a, b) in pairs if a != b]
    return SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
