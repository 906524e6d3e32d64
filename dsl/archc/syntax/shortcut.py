"""A shortcut as `forward` has it in torch: a tensor kept under a name, and added further down."""

from __future__ import annotations

import re
from dataclasses import replace

from archc import habits
from archc.source import Diagnostic, Edit, Fix, Source, Span, SpanLabel
from archc.syntax.expected import ParserContext

_END = r"[ \t]*(?=[\n#}]|\Z)"
_KEPT = re.compile(rf"([A-Za-z_]\w*)[ \t]*=[ \t]*(?:x|out|y|h|z|input|inputs|features){_END}")
_ADDED = re.compile(
    r"([A-Za-z_]\w*)[ \t]*(?:\+=|=[ \t]*\1[ \t]*\+)[ \t]*"  # out +=, out = out +
    rf"(?:self\.)?([A-Za-z_]\w*)(\(\w*\))?{_END}"  # identity, self.shortcut(x)
)
_SUMMED = re.compile(rf"(?:[a-z]\w*[ \t]*\+|\+|add\b)[ \t]*@?([A-Za-z_]\w*){_END}")  # x + shortcut
_APPLIED = re.compile(  # x = F.relu(x + shortcut)
    r"(?:[A-Za-z_]\w*[ \t]*=(?!=)|return\b)[ \t]*((?:\w+\.)*\w+)"
    rf"\([ \t]*(\w+)[ \t]*\+[ \t]*(\w+)[ \t]*\){_END}"
)
_RUN = re.compile(r"[A-Za-z_]\w*[ \t]*[-+*/]?=[^=]|#|\Z")  # out = self.relu(out)
_HELP = (
    "`residual< ... >` adds what comes in to what the layers in its brackets make, without names"
)


def shortcut(context: ParserContext) -> Diagnostic | None:
    """`identity = x`, `out += identity`, `x = x + shortcut(x)`."""
    text = context.source.text
    kept, added = _KEPT.match(text, context.start), _ADDED.match(text, context.start)
    applied = _APPLIED.match(text, context.start)
    found = added or kept or applied
    if found is None or not context.start <= context.position < found.end():
        return None
    if added is not None:
        kept = _last(text, added[2], added.start()) if added[3] is None else None
    elif kept is not None:
        added = _first(text, kept[1], kept.end())
    written = " ".join(found[0].split())
    title = f"`{written}` is written in another way here"
    span = Span(context.source, *found.span())
    fixes: tuple[Fix, ...] = ()
    if kept is not None and added is not None and _has_layers(text[kept.end() : added.start()]):
        fixes = (_around(Span(context.source, *kept.span()), Span(context.source, *added.span())),)
    if kept is not None and added is None:
        applied = _applied_below(text, kept)
    if applied is not None and (fix := _applied(context.source, applied)):
        fixes = (fix,)
    if found is applied and not fixes:
        return None
    return Diagnostic("A014", title, (SpanLabel(span),), helps=(_HELP,), fixes=fixes)


def _applied(source: Source, found: re.Match[str]) -> Fix | None:
    """The cure of `x = F.relu(x + shortcut)`: the layer stands behind the sum."""
    text, span = source.text, Span(source, *found.span())
    made = habits.translated(f"{found[1]}(x)")
    names = [name for name in found.group(2, 3) if _last(text, name, found.start()) is not None]
    if made is None or not made.text or made.lost or len(names) != 1:
        return None
    fix = kept_above(span, names[0])
    margin = text[text.rfind("\n", 0, found.start()) + 1 : found.start()]
    return fix and replace(fix, also=(Edit(span, f">\n{margin}{made.text}"),))


def kept_above(span: Span, name: str) -> Fix | None:
    """The cure of `x + shortcut`, where `shortcut = x` stands above it, and layers between."""
    source, text = span.source, span.source.text
    kept = _last(text, name, span.start)
    if kept is None or not _has_layers(text[kept.end() : span.start]):
        return None
    return _around(Span(source, *kept.span()), span)


def _around(kept: Span, added: Span) -> Fix:
    words = "write `residual<` and `>` around the layers"
    return Fix(words, kept, "residual<", also=(Edit(added, ">"),))


def _applied_below(text: str, kept: re.Match[str]) -> re.Match[str] | None:
    """Where a function takes the sum with a tensor that is kept."""
    for line in re.finditer(r"^[ \t]*", text[kept.end() :], re.MULTILINE):
        found = _APPLIED.match(text, kept.end() + line.end())
        if found is not None and kept[1] in found.group(2, 3):
            return found
    return None


def _has_layers(text: str) -> bool:
    """Whether lines are layers, some of them, and not what runs those that stand elsewhere."""
    return not all(_RUN.match(line.strip()) for line in text.split("\n"))


def _last(text: str, name: str, end: int) -> re.Match[str] | None:
    """Where a name was kept, on a line above in the same brackets."""
    found = None
    for line in re.finditer(r"^[ \t]*", text[:end], re.MULTILINE):
        kept = _KEPT.match(text, line.end(), end)
        if kept is not None and kept[1] == name:
            found = kept
    return found if found is not None and _balanced(text[found.end() : end]) else None


def _first(text: str, name: str, start: int) -> re.Match[str] | None:
    """Where it is added, on a line below in the same brackets."""
    for line in re.finditer(r"^[ \t]*", text[start:], re.MULTILINE):
        at = start + line.end()
        added = _ADDED.match(text, at)
        is_added = added is not None and added[2] == name and added[3] is None
        summed = _SUMMED.match(text, at)
        if is_added or (summed is not None and summed[1] == name):
            found = added if is_added else summed
            return found if found is not None and _balanced(text[start:at]) else None
    return None


def _balanced(text: str) -> bool:
    return all(text.count(left) == text.count(right) for left, right in ("{}", "<>", "()"))
