"""Comments that are documentation: those a file opens with, and those right above a block."""

from __future__ import annotations

from collections.abc import Iterator


def head_comment(text: str) -> str:
    """The comment a file opens with, unless it belongs to a block right below it."""
    lines: list[str] = []
    start = 1 if text.startswith("\ufeff") else 0
    for line in _lines(text, start):
        if not line and not lines:
            continue  # blank lines above it
        if not line.startswith("#"):
            belongs = line.startswith(("block ", "sequence ")) if lines else False
            return "" if belongs else "\n".join(lines)
        if not _is_for_archc(line):
            lines.append(line[1:].removeprefix(" "))
    return "\n".join(lines)


def comment_above(text: str, start: int) -> str:
    """The comment lines right above the line that `start` is on."""
    lines: list[str] = []
    end = text.rfind("\n", 0, start)
    if text[end + 1 : start].strip(" \t\ufeff"):
        return ""
    while end >= 0:
        begin = text.rfind("\n", 0, end) + 1
        line = text[begin:end].strip()
        if not line.startswith("#"):
            break
        if not _is_for_archc(line):
            lines.append(line[1:].removeprefix(" "))
        end = begin - 1
    return "\n".join(reversed(lines))


def _is_for_archc(line: str) -> bool:
    """`# archc: allow W114`: no documentation."""
    return line[1:].lstrip().startswith("archc:")


def _lines(text: str, start: int) -> Iterator[str]:
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield text[start:end].strip()
        start = end + 1
