"""A shortcut as `forward` has it in torch: a tensor kept under a name, and added further down."""

from __future__ import annotations

import re

from archc.source import Diagnostic, Edit, Fix, Span, SpanLabel
from archc.syntax.expected import ParserContext

_END = r"[ \t]*(?=[\n#}]|\Z)"
_KEPT = re.compile(rf"([A-Za-z_]\w*)[ \t]*=[ \t]*(?:x|out|y|h|z|input|inputs|features){_END}")
_ADDED = re.compile(
    r"([A-Za-z_]\w*)[ \t]*(?:\+=|=[ \t]*\1[ \t]*\+)[ \t]*"  # out +=, out = out +
    rf"(?:self\.)?([A-Za-z_]\w*)(\(\w*\))?{_END}"  # identity, self.shortcut(x)
)
_RUN = re.compile(r"[A-Za-z_]\w*[ \t]*[-+*/]?=[^=]|#|\Z")  # out = self.relu(out)
_HELP = (
    "`residual< ... >` adds what comes in to what the layers in its brackets make, without names"
)


def shortcut(context: ParserContext) -> Diagnostic | None:
    """`identity = x`, `out += identity`, `x = x + shortcut(x)`."""
    text = context.source.text
    kept, added = _KEPT.match(text, context.start), _ADDED.match(text, context.start)
    found = added or kept
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
        bracket = Edit(Span(context.source, *added.span()), ">")
        start = Span(context.source, *kept.span())
        words = "write `residual<` and `>` around the layers"
        fixes = (Fix(words, start, "residual<", also=(bracket,)),)
    return Diagnostic("A014", title, (SpanLabel(span),), helps=(_HELP,), fixes=fixes)


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
        added = _ADDED.match(text, start + line.end())
        if added is not None and added[2] == name and added[3] is None:
            return added if _balanced(text[start : added.start()]) else None
    return None


def _balanced(text: str) -> bool:
    return all(text.count(left) == text.count(right) for left, right in ("{}", "<>", "()"))
