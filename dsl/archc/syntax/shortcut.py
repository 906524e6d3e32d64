"""A shortcut as `forward` has it in torch: a tensor kept under a name, and added further down."""

from __future__ import annotations

import re

from archc.source import Diagnostic, Edit, Fix, Source, Span, SpanLabel
from archc.syntax.expected import ParserContext

_END = r"[ \t]*(?=[\n#}]|\Z)"
_KEPT = re.compile(rf"([A-Za-z_]\w*)[ \t]*=[ \t]*(?:x|out|y|h|z|input|inputs|features){_END}")
_ADDED = re.compile(
    r"([A-Za-z_]\w*)[ \t]*(?:\+=|=[ \t]*\1[ \t]*\+)[ \t]*"  # out +=, out = out +
    rf"(?:self\.)?([A-Za-z_]\w*)(\(\w*\))?{_END}"  # identity, self.shortcut(x)
)
_OF_FORWARD = re.compile(r"def\b|return\b|[A-Za-z_]\w*[ \t]*[-+*/]?=[^=]")
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
    if added is not None and added[3] is not None:
        fixes = _around(context.source, added)
    elif kept is not None and added is not None:
        bracket = Edit(Span(context.source, *added.span()), ">")
        start = Span(context.source, *kept.span())
        words = "write `residual<` and `>` around the layers"
        fixes = (Fix(words, start, "residual<", also=(bracket,)),)
    return Diagnostic("A014", title, (SpanLabel(span),), helps=(_HELP,), fixes=fixes)


def _around(source: Source, added: re.Match[str]) -> tuple[Fix, ...]:
    """`out += self.shortcut(x)` below the layers and `shortcut: ...`: those are the branches."""
    name, bracket = added[2], Edit(Span(source, *added.span()), ">")
    rows = _rows(source, added.start())
    empty = [row for row in rows if re.match(rf"{name}:[ \t]*identity{_END}", row.text)]
    branches = [row for row in rows if row not in empty and _has_label(row.text, name)]
    python = next((at for at, row in enumerate(rows) if _OF_FORWARD.match(row.text)), len(rows))
    layers = [row for row in rows[:python] if row not in (*empty, *branches)]
    is_last = branches in ([], rows[:python][-1:])
    if not layers or not (branches or empty) or not is_last or layers[0] is not rows[0]:
        return ()
    also = [Edit(row, "") for row in empty]
    also += [Edit(Span(source, row.start, row.start), "| ") for row in branches]
    margin = source.text[source.text.rfind("\n", 0, rows[0].start) + 1 : rows[0].start]
    words = "write `residual<` and `>` around the layers"
    words += f", and `|` before `{name}`" if branches else ""
    start = Span(source, rows[0].start, rows[0].start)
    return (Fix(words, start, f"residual<\n{margin}", also=(*also, bracket)),)


def _has_label(row: str, name: str) -> bool:
    """`shortcut: ...`, or `if ... { shortcut: ... }`."""
    where = r"\A" if not row.startswith("if") else r"(?:^|[{;])[ \t]*"
    return re.search(rf"{where}{name}:", row, re.MULTILINE) is not None


def _rows(source: Source, end: int) -> list[Span]:
    """The lines above in the same braces, each with what is in braces of its own."""
    text, opening, depth = source.text, end, 0
    while depth <= 0 and opening > 0:
        opening -= 1
        depth += {"{": 1, "}": -1}.get(text[opening], 0)
    if depth <= 0:
        return []
    starts = [
        line.end()
        for line in re.compile(r"^[ \t]*(?=[^\s#])", re.MULTILINE).finditer(text, opening + 1, end)
        if text.count("{", opening + 1, line.end()) == text.count("}", opening + 1, line.end())
    ]
    ends = [*starts[1:], end]
    return [Span(source, start, stop) for start, stop in zip(starts, ends, strict=True)]


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
