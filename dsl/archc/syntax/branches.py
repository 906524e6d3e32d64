"""What a combinator works on in the brackets of a call: `residual(conv 3x3 p1 x64, bn)`.

The commas of `concat(a, b)` are between branches; `residual` takes a chain, and its commas are
between statements.
"""

from __future__ import annotations

import re
from collections.abc import Container

from archc import habits
from archc.source import Diagnostic, Edit, Fix, Source, Span, SpanLabel
from archc.syntax.expected import ParserContext, is_chain
from archc.syntax.input_line import dimensions

KEYWORDS = frozenset("add columns concat dense join max mean mul residual softmax sub".split())
_INCOMING = frozenset("x out y h z".split())
_HEAD = re.compile(r"(?:\w+[ \t]*:[ \t]*)?(\w+)[ \t]*\(")
_BRACKET = re.compile(r"[()\[\]{}<>,]")
_FAR_AHEAD = 2_000  # characters


def branches_in_brackets(context: ParserContext) -> Diagnostic | None:
    """`residual(conv 3x3 p1 x3)`, `add(conv 1x1 x8, identity)`."""
    head = _HEAD.match(context.source.text, context.start)
    if head is None or head[1] not in KEYWORDS or context.position < head.end():
        return None
    fix = in_angles(context.source, context.start)
    if fix is None or fix.edits[-1].span.start < context.position:
        return None
    label = SpanLabel(Span(context.source, context.start, head.end(1)))
    return Diagnostic("A014", not_arguments(head[1]), (label,), fixes=(fix,))


def not_arguments(keyword: str) -> str:
    """What is wrong with `add(a, b)`."""
    return f"`{keyword}` takes branches, not arguments"


def in_angles(source: Source, start: int, known: Container[str] = ()) -> Fix | None:
    """`<...>` for the brackets of the combinator that stands there, and what its commas mean.

    `known` are the names of operators and blocks; where there are some, any other is a tensor's.
    """
    text = source.text
    head = _HEAD.match(text, start)
    places = _items(text, head.end()) if head is not None else []
    if head is None or not places:
        return None
    keyword, close = head[1], places[-1][1]
    if len(places) > 1 and not text[slice(*places[-1])].strip():  # a comma behind the last
        places[-2:] = [(places[-2][0], close)]
    items = [text[begin:end].strip(", \t\n") for begin, end in places]
    row = is_chain(keyword, items)
    is_input = items[0] in _INCOMING and not has_label(text, items[0])
    if row and len(items) > 1 and is_input:  # `residual(x, conv(64, 3))`
        places[:2], items = [(places[0][0], places[1][1])], items[1:]
    rank = dimensions(text)
    written = [_as_branch(text, item, rank, known) for item in items]
    mark = ";" if row else " |"
    opening = "<" if text[head.end()].isspace() else "< "
    edits = [Edit(Span(source, head.end(1), head.end()), opening)]
    for (begin, end), (meant, _) in zip(places, written, strict=True):
        inside = text[begin:end]
        if inside.strip() != meant:
            at = begin + len(inside) - len(inside.lstrip())
            edits.append(Edit(Span(source, at, begin + len(inside.rstrip())), meant))
        edits.append(Edit(Span(source, end, end + 1), mark))
    edits[-1] = Edit(edits[-1].span, ">" if text[close - 1].isspace() else " >")
    is_plain = len(items) == 1 or (not row and all(map(str.isidentifier, items)))
    sure = is_plain and all(is_sure for _, is_sure in written)
    meant = f"{keyword}< {f'{mark} '.join(new for new, _ in written)} >"
    if "\n" in meant or len(meant) > 60:
        meant = f"{keyword}< ... >"
    what = "its chain stands" if row else "its branches stand"
    first, *also = edits
    return Fix(f"{what} in `<...>`: `{meant}`", first.span, first.text, sure, tuple(also))


def _items(text: str, start: int) -> list[tuple[int, int]]:
    """Where each item begins and ends in the brackets that open before `start`; none if no `)`."""
    depth, begin, places = 1, start, list[tuple[int, int]]()
    for bracket in _BRACKET.finditer(text, start, start + _FAR_AHEAD):
        mark, at = bracket.group(), bracket.start()
        depth += (mark in "([{<") - (mark in ")]}>")
        if (mark == "," and depth == 1) or not depth:
            places.append((begin, at))
            begin = at + 1
        if not depth:
            return places if mark == ")" else []
    return []


def _as_branch(text: str, item: str, rank: int | None, known: Container[str]) -> tuple[str, bool]:
    """An item as it stands in `<...>`, and whether it is sure: a layer, or a tensor's `@name`."""
    if item.isidentifier():
        is_tensor = item not in known if known else has_label(text, item)
        return (f"@{item}" if is_tensor else item), True
    made = habits.translated(item, 0, rank)
    if made is None or not made.text or made.end != len(item):
        return item, True
    return made.text, made.sure


def has_label(text: str, name: str) -> bool:
    """Whether a file gives a tensor that name."""
    written = rf"(?:^|[;{{|<])[ \t]*{name}[ \t]*:|\bas[ \t]+{name}\b"
    return re.search(written, text, re.MULTILINE) is not None
