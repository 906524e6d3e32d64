"""A count before what is repeated: `repeat 3 { ... }`, `3 * { ... }`, `for 3 { ... }`."""

from __future__ import annotations

import re

from archc.source import Diagnostic, Edit, Fix, Span, SpanLabel
from archc.syntax.expected import ParserContext

_FAR_AHEAD = 2_000  # characters
_WORD = re.compile(
    r"(?:[A-Za-z_]\w*[ \t]*:[ \t]*)?"
    r"((?:repeat|loop|for|times|do|Repeat|Loop)[ \t]*(?:\([ \t]*(\w+)[ \t]*\)|[ \t](\w+))"
    r"[ \t]*(?:times|x|:)?[ \t]*)(?=\{)"
)
_ALONE = re.compile(r"(?:[A-Za-z_]\w*[ \t]*:[ \t]*)?((?:repeat|loop)[ \t]*)(?=\{)")
_COUNT = re.compile(r"((\d+)[ \t]*(?:(?:[*x\u00d7]|times)[ \t]*(?=[A-Za-z_{])|(?=\{)))")
_MARKS = re.compile(r'"[^"\n]*"|#[^\n]*|[()\[\]{}<>;|\n]')


def counted(context: ParserContext) -> Diagnostic | None:
    """`repeat 3 { ... }`, `3 * residual< ... >`: the count stands behind."""
    text = context.source.text
    word = _WORD.match(text, context.start)
    if word is not None and context.position <= word.end():
        found, count = (word.start(1), word.end(1)), word[2] or word[3]
    elif (number := _COUNT.match(text, context.position)) and "ERR" in context.accepted:
        found, count = (number.start(1), number.end(1)), number[2]
    else:
        return None
    return _behind(Span(context.source, *found), count)


def bare_loop(context: ParserContext) -> Diagnostic | None:
    """`repeat { ... } * 3`: braces need no word."""
    found = _ALONE.match(context.source.text, context.start)
    if found is None or context.position != found.end():
        return None
    span = Span(context.source, found.start(1), found.end(1))
    fix = Fix("write `{ ... } * 3`", span, "")
    return Diagnostic("A014", "a repeat is written `{ ... } * 3`", (SpanLabel(span),), fixes=(fix,))


def _behind(before: Span, count: str) -> Diagnostic:
    """What to say of a count that stands before a statement."""
    source, text = before.source, before.source.text
    end = _end(text, before.end)
    times = count if count.isdigit() else f"({count})"
    what = text[before.end : end] if end is not None else ""
    if what[:1] in ("{", "") or len(what) > 40 or "\n" in what:
        what = "{ ... }" if what[:1] in ("{", "") else "..."
    meant = f"{what} * {times}"
    fixes: tuple[Fix, ...] = ()
    if end is not None:
        behind = Edit(Span(source, end, end), f" * {times}")
        fixes = (Fix(f"write `{meant}`", before, "", also=(behind,)),)
    title = f"a repeat is written `{meant}`"
    return Diagnostic("A014", title, (SpanLabel(before),), fixes=fixes)


def _end(text: str, start: int) -> int | None:
    """Where the statement that begins there ends; None where its brackets do not."""
    depth = 0
    for found in _MARKS.finditer(text, start, start + _FAR_AHEAD):
        mark = found[0]
        if not depth and (mark in ";|\n)]}>" or mark[0] == "#"):
            return len(text[: found.start()].rstrip())
        depth += (mark in "([{<") - (mark in ")]}>")
        if not depth and mark == "}":
            return found.end()
    return None if depth or start + _FAR_AHEAD < len(text) else len(text.rstrip())
