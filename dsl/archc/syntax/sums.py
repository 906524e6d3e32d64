"""A sum as arithmetic has it: `x + stem`, `+ x`, `x + conv 3x3 p1 x64`, `add skip`."""

from __future__ import annotations

import re

from archc import habits
from archc.source import Diagnostic, Edit, Fix, Span, SpanLabel
from archc.syntax.branches import has_label
from archc.syntax.expected import ParserContext
from archc.syntax.input_line import dimensions
from archc.syntax.shortcut import kept_above

_CURRENT = frozenset("x out y h z".split())
_KEPT = frozenset("identity shortcut skip residual res input inputs inp".split())
_NAME = r"@?(?:self\.)?([A-Za-z_]\w*)"
_SUM = re.compile(rf"\+[ \t]*{_NAME}[ \t]*(?=[;\n#}}|>]|\Z)")
_LEADING = re.compile(rf"(?:{_NAME}[ \t]*\+)[ \t]*(?=[\w(@{{])")
_APPLIED = re.compile(r"\+[ \t]*(?:self\.)?[A-Za-z_]\w*\(\w*\)")  # `+ shortcut(x)`
_NAMED = re.compile(
    r"(?:\w+[ \t]*:[ \t]*)?(add|concat|mul|sub|max|mean|join)"
    r"((?:[ \t,]+@\w+)+)[ \t]*(?=[;\n#}|>]|\Z)"
)
_LABEL = re.compile(r"[A-Za-z_]\w*[ \t]*:[ \t]*(?=\S)")
_SIGNS = re.compile(r'"[^"\n]*"|#[^\n]*|[{}<>|;\n]')
_BLOCK = re.compile(r"\bblock[ \t]+\w+[ \t]*(?:\([^{}]*\))?[ \t]*\Z")
_HELP = (
    "`residual< ... >` adds what comes in to what its layers make; a tensor with a label is added "
    "by `add< | @label >`"
)


def added_tensor(context: ParserContext) -> Diagnostic | None:
    """`x + stem`, `conv 3x3 p1 x8 + stem`, `x + conv 3x3 p1 x8`, `+ x`."""
    text = context.source.text
    if text[context.position : context.position + 1] != "+" or "ADDOP" in context.accepted:
        return None
    found = _SUM.match(text, context.position)
    if found is not None:
        return _tensor_behind(context, found)
    if not text[context.start : context.position].strip():
        return None
    label = _LABEL.match(text, context.start)
    first = _LEADING.match(text, label.end() if label is not None else context.start)
    if first is not None and first.start() <= context.position < first.end():
        return _tensor_before(context, first)
    called = _APPLIED.match(text, context.position)
    if called is None:
        return None
    return _diagnostic(Span(context.source, context.start, called.end()), ())


def _tensor_behind(context: ParserContext, found: re.Match[str]) -> Diagnostic:
    """`... + name`: added to what is at hand, or to what the statement makes."""
    text, name = context.source.text, found[1]
    start = _group_before(text, context.position)
    start = min(context.start, context.position) if start is None else start
    before = text[start : context.position].strip()
    if before[:1] == "{":
        before = before.strip("{} \t\n")
    span = Span(context.source, start, len(text[: found.end()].rstrip()))
    fixes: tuple[Fix, ...]
    if before.removeprefix("@").isidentifier() and has_label(text, before.removeprefix("@")):
        fixes = (_write(f"add< @{before.removeprefix('@')} | @{name} >", span),)
    elif not before or before in _CURRENT | _KEPT:
        other = before if name in _CURRENT and before not in (*_CURRENT, "") else name
        fixes = added(span, other, has_label(text, other))
    elif has_label(text, name):
        fixes = (_write(f"{before}; add< | @{name} >", span),)
    else:
        known = name in _CURRENT | _KEPT
        fixes = (_write(f"residual< {before} >", span),) if known else ()
    return _diagnostic(span, fixes)


def _tensor_before(context: ParserContext, first: re.Match[str]) -> Diagnostic:
    """`name + layers`: all of the line."""
    text, name = context.source.text, first[1]
    span = Span(context.source, first.start(), _end_of_chain(text, first.end()))
    layers = text[first.end() : span.end]
    made = habits.translated(layers, 0, dimensions(text))
    if made is not None and made.text and made.end == len(layers):
        layers = made.text
    is_label = has_label(text, name)
    meant = f"add< @{name} | {layers} >" if is_label else f"residual< {layers} >"
    known = is_label or name in _CURRENT | _KEPT
    return _diagnostic(span, (_write(meant, span),) if known else ())


def added(span: Span, name: str, is_label: bool, keyword: str = "add") -> tuple[Fix, ...]:
    """What merges a tensor with the one at hand, for the statement at `span`: empty where unknown.

    A name that is no label's stands for what came into the block, or into the layers before.
    """
    if is_label:
        return (_write(f"{keyword}< | @{name} >", span),)
    if keyword == "add" and (around := kept_above(span, name)) is not None:
        return (around,)
    if name not in _CURRENT | _KEPT:
        return ()
    if _is_in_block(span.source.text[: span.start]):
        return (_write(f"{keyword}< | @in >", span),)
    return _residual_around(span) if keyword == "add" else ()


def named_tensors(context: ParserContext) -> Diagnostic | None:
    """`add @x`, `concat @a @b`: without their `<...>`."""
    found = _NAMED.match(context.source.text, context.start)
    if found is None or not context.start < context.position <= found.end():
        return None
    keyword, tensors = found[1], found[2].replace(",", " ").split()
    span = Span(context.source, found.start(1), len(context.source.text[: found.end()].rstrip()))
    branches = " | ".join(tensors) if len(tensors) > 1 else f"| {tensors[0]}"
    return _diagnostic(span, (_write(f"{keyword}< {branches} >", span),))


def chain_of_line(span: Span, keyword: str) -> Fix:
    """`residual conv 3x3 p1 x8; bn` with the `<...>` around what follows on its line."""
    source, text = span.source, span.source.text
    start = span.start + len(keyword)
    gap = len(text[start:]) - len(text[start:].lstrip(" \t"))
    end = _end_of_chain(text, start)
    closing = Edit(Span(source, end, end), " >")
    meant = f"{keyword}< {text[start + gap : end]} >"
    words = f"write `{meant}`" if len(meant) <= 60 and "\n" not in meant else "write `< ... >`"
    return Fix(words, Span(source, start, start + gap), "< ", also=(closing,))


def _residual_around(span: Span) -> tuple[Fix, ...]:
    """`residual< ... >` around the layers that stand before, on the same line or the one above."""
    source, text = span.source, span.source.text
    before = text[: span.start].rstrip(" \t\n;")
    opens = [found.end() for found in _SIGNS.finditer(before) if found[0] in "{<|\n"]
    start = opens[-1] if opens else 0
    start += len(before[start:]) - len(before[start:].lstrip())
    layers = before[start:]
    is_word = re.match(r"(?:network|input|param|use|extends|block|let|if|for|meta)\b", layers)
    if not layers or is_word or re.search(r"[#{}<>]", text[start : span.start]):
        return ()
    bracket = Edit(Span(source, len(before), span.end), " >")
    words = f"write `residual< {layers} >`" if len(layers) <= 60 else "write `residual< ... >`"
    return (Fix(words, Span(source, start, start), "residual< ", also=(bracket,)),)


def _group_before(text: str, position: int) -> int | None:
    """Where the braces open that close right before a place."""
    before, opened, group = text[:position].rstrip(), list[int](), None
    for found in _SIGNS.finditer(before):
        if found[0] == "{":
            opened.append(found.start())
        elif found[0] == "}" and opened:
            start = opened.pop()
            group = start if found.end() == len(before) else None
    return group


def _is_in_block(before: str) -> bool:
    """Whether a text ends inside of a block's braces."""
    opened: list[bool] = []
    for found in _SIGNS.finditer(before):
        if found[0] == "{":
            opened.append(_BLOCK.search(before, 0, found.start()) is not None)
        elif found[0] == "}" and opened:
            opened.pop()
    return any(opened)


def _end_of_chain(text: str, start: int) -> int:
    """Where the statements end that stand on a line, or in the brackets around them."""
    depth = 0
    for found in _SIGNS.finditer(text, start):
        mark = found[0]
        depth += (mark in "{<") - (mark in "}>")
        if depth < 0 or (not depth and mark[0] in "|\n#"):
            return len(text[: found.start()].rstrip(" \t;"))
    return len(text.rstrip())


def _write(meant: str, span: Span) -> Fix:
    return Fix(f"write `{meant}`", span, meant)


def _diagnostic(span: Span, fixes: tuple[Fix, ...]) -> Diagnostic:
    title = f"`{' '.join(span.text.split())}` is written in another way here"
    helps = () if fixes else (_HELP,)
    return Diagnostic("A014", title, (SpanLabel(span),), helps=helps, fixes=fixes)
