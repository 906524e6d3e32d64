"""Arrows between layers as other languages have them: `a -> b`."""

from __future__ import annotations

import re

from archc.source import Diagnostic, Edit, Fix, Source, Span, SpanLabel

_FAR_AHEAD = 2_000  # characters
_ARROW = re.compile(r"[ \t]{0,9}->[ \t]{0,9}")
_QUOTED = re.compile(r'"[^"\n]*"|#[^\n]*')


def is_arrow(text: str, position: int) -> bool:
    """Whether a place is in `->`."""
    return text[position : position + 2] == "->" or text[position - 1 : position + 1] == "->"


def arrows(source: Source, position: int) -> Diagnostic:
    """`conv 3x3 x8 -> bn -> relu`: one report for all of a line."""
    text = source.text
    begin, end = max(0, position - 80), text.find("\n", position)
    line = text[begin : min(len(text) if end < 0 else end, position + _FAR_AHEAD)]
    code = _QUOTED.sub(lambda quoted: "_" * len(quoted.group()), line)
    found = [(begin + arrow.start(), begin + arrow.end()) for arrow in _ARROW.finditer(code)]
    spans = [Span(source, *place) for place in found if place[1] > position]
    first, *others = spans
    at = first.start + first.text.index("->")
    title = "statements follow each other with `;` or a new line"
    also = tuple(Edit(span, "; ") for span in others)
    fix = Fix("write `;`", first, "; ", safe=True, also=also)
    return Diagnostic("A001", title, (SpanLabel(Span(source, at, at + 2)),), fixes=(fix,))
