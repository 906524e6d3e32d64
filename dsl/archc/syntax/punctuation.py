"""Signs between layers as other languages have them: `a -> b`, `x + stem`."""

from __future__ import annotations

import re

from archc.source import Diagnostic, Edit, Fix, Source, Span, SpanLabel
from archc.syntax.branches import has_label
from archc.syntax.expected import ParserContext

_CURRENT = frozenset("x out y h z".split())
_FAR_AHEAD = 2_000  # characters
_ARROW = re.compile(r"[ \t]{0,9}->[ \t]{0,9}")
_QUOTED = re.compile(r'"[^"\n]*"|#[^\n]*')
_SUM = re.compile(r"\+[ \t]*@?(?:self\.)?([A-Za-z_]\w*)[ \t]*(?=[;\n#}|>]|\Z)")


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


def added_tensor(context: ParserContext) -> Diagnostic | None:
    """`x + stem`, `conv 3x3 p1 x8 + stem`."""
    text = context.source.text
    found = _SUM.match(text, context.position)
    if found is None or "ADDOP" in context.accepted or not context.head:
        return None
    name, before = found[1], text[context.start : context.position].strip()
    if name in _CURRENT or not has_label(text, name):
        help = "a tensor with a label is added by `add< | @label >`"
        return _sum(context, found, helps=(help,))
    if before in _CURRENT and not has_label(text, before):
        meant = f"add< | @{name} >"
    elif before.isidentifier() and has_label(text, before):
        meant = f"add< @{before} | @{name} >"
    else:
        meant = f"{before}; add< | @{name} >"
    span = Span(context.source, context.start, len(text[: found.end()].rstrip()))
    return _sum(context, found, fixes=(Fix(f"write `{meant}`", span, meant),))


def _sum(
    context: ParserContext,
    found: re.Match[str],
    helps: tuple[str, ...] = (),
    fixes: tuple[Fix, ...] = (),
) -> Diagnostic:
    span = Span(context.source, context.start, len(context.source.text[: found.end()].rstrip()))
    title = f"`{' '.join(span.text.split())}` is written in another way here"
    return Diagnostic("A014", title, (SpanLabel(span),), helps=helps, fixes=fixes)
