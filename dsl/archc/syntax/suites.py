"""Python's indented suites, `block unit(c):` and what is below: here they stand in braces."""

from __future__ import annotations

import re
from dataclasses import dataclass

from archc import habits
from archc.source import Diagnostic, Edit, Fix, Span, SpanLabel
from archc.syntax.expected import ParserContext
from archc.syntax.python import PythonLine

_HEADER = re.compile(
    r"(?P<word>block|sequence|for|if)\b(?P<rest>[^\n#]{0,300}?)[ \t]{0,9}:[ \t]*"
    r"(?P<brace>\{[ \t]*)?"
    r"(?=#|\n|\Z)"
)
_NEXT = re.compile(
    r"[ \t]*(?P<word>elif|else)\b(?P<rest>[^\n#]{0,300}?)[ \t]{0,9}:[ \t]*(?=#|\n|\Z)"
)
_INLINE = re.compile(r"(?P<word>block|sequence|for|if)\b(?P<rest>[^\n#]{1,300}?)[ \t]{0,9}\Z")
_FAR_AHEAD = 400  # characters
_MOST_SUITES = 30  # in a row of `elif`
_FORMS = {
    "for": "a loop goes through a range or a list, as in `for i in 0..1 { ... }`",
    "if": "what a test asks are numbers, as in `if stride > 1 or in.c != planes { ... }`",
}


@dataclass(frozen=True, slots=True)
class Suite:
    """The lines below a header that stand further right."""

    start: int
    end: int  # of its last line that has something

    @property
    def is_empty(self) -> bool:
        return self.end <= self.start


def suite_below(text: str, header: int) -> Suite:
    """What stands below the line that a place is in, further right than it."""
    begin = text.rfind("\n", 0, header) + 1
    margin = _margin(text, begin)
    start = _line_end(text, header)
    at = end = start
    while at < len(text):
        at += 1
        line_end = _line_end(text, at)
        line = text[at:line_end].strip()
        if line and not line.startswith("#") and _margin(text, at) <= margin:
            break
        end = line_end if line and _margin(text, at) > margin else end
        at = line_end
    return Suite(start, end)


def without_suite(line: PythonLine, *, safe: bool = False) -> Fix:
    """The cure that leaves out a header with what is below it."""
    source, head = line.source, line.whole
    below = suite_below(source.text, line.end)
    after = source.text.find("\n", max(below.end, line.end))
    end = len(source.text) if after < 0 else after + 1
    span = Span(source, head.start, max(head.end, end))
    return Fix("leave these lines out", span, "", safe)


def suite(context: ParserContext) -> Diagnostic | None:
    """`block unit(c):`, `for i in range(2):`, `if stride != 1:`."""
    source, text = context.source, context.source.text
    found = _HEADER.match(text, context.start)
    if found is None and context.found == ":":
        return _inline(context)
    if found is None or not found["rest"].strip() or context.position > found.end():
        return None
    word, span = found["word"], Span(context.source, *found.span())
    title = f"what belongs to `{word}` stands in braces"
    made = _header(text, word, found["rest"])
    if made is None:
        return Diagnostic("A001", title, (SpanLabel(span),), helps=(_FORMS[word],))
    header, safe = made
    if found["brace"]:
        fix = Fix(f"write `{header} {{`", span, f"{header} {{", safe)
        return Diagnostic("A001", title, (SpanLabel(span),), fixes=(fix,))
    closing = _closing(context, found.start())
    help = f"write `{header} {{ ... }}`"
    if closing is None:
        return Diagnostic("A001", title, (SpanLabel(span),), helps=(help,))
    also = tuple(Edit(Span(source, start, end), new) for start, end, new in closing)
    fix = Fix(help, span, f"{header} {{", safe, also=also)
    return Diagnostic("A001", title, (SpanLabel(span),), fixes=(fix,))


def _inline(context: ParserContext) -> Diagnostic | None:
    """`if stride > 1: pool 2x2`."""
    text, colon = context.source.text, context.position
    head = _INLINE.match(text[context.start : min(colon, context.start + _FAR_AHEAD)])
    body = re.compile(r":[ \t]*(\{[ \t]*)?([^\n#{}]*[^\n#{}\s])").match(text, colon)
    made = _header(text, head["word"], head["rest"]) if head is not None else None
    if head is None or body is None or made is None:
        return None
    end = body.end(1) if body[1] else body.end()
    new = f"{made[0]} {{ " if body[1] else f"{made[0]} {{ {body[2]} }}"
    span = Span(context.source, context.start, end)
    title = f"what belongs to `{head['word']}` stands in braces"
    fix = Fix(f"write `{new.strip()}`", span, new, made[1])
    return Diagnostic("A001", title, (SpanLabel(span),), fixes=(fix,))


def _header(text: str, word: str, rest: str) -> tuple[str, bool] | None:
    """A header without its `:`, and whether nothing in it is a guess."""
    if word in ("block", "sequence"):
        return f"{word}{rest}", True
    renamed = channels_that_come_in(text, rest)
    made = habits.header_of_python(f"{word}{rest}", renamed)
    return None if made is None else (made, not renamed and "self." not in rest)


def channels_that_come_in(text: str, expression: str) -> dict[str, str]:
    """`in.c` for the names that an expression has for it, where the file has none of its own."""
    return {
        name: "in.c"
        for name in re.findall(r"[A-Za-z_]\w*", expression)
        if habits.is_incoming(name) and not is_defined(text, name)
    }


def is_defined(text: str, name: str) -> bool:
    """Whether a param, a `let`, a loop or a block of the file has this name."""
    return re.search(rf"^[ \t]*(?:param|let|for|block)\b[^\n]*\b{name}\b", text, re.M) is not None


def _closing(context: ParserContext, header: int) -> list[tuple[int, int, str]] | None:
    """The edits that close a suite, and those of the `elif` and `else` that follow it."""
    text = context.source.text
    return _closed(text, header, text[: context.start].rpartition("\n")[2])


def _closed(
    text: str, header: int, before: str, more: int = _MOST_SUITES
) -> list[tuple[int, int, str]] | None:
    below = suite_below(text, header)
    if below.is_empty or not more:
        return None
    margin = re.match(r"[ \t]*", before)
    indent = margin[0] if margin is not None else ""
    found = _NEXT.match(text, below.end + 1)
    if found is None or _margin(text, below.end + 1) != len(indent):
        return [(below.end, below.end, f"\n{indent}}}")]
    rest = ""
    if found["word"] == "elif":
        made = _header(text, "if", found["rest"])
        if made is None:
            return None
        rest = f" {made[0]}"
    after = _closed(text, found.end(), before, more - 1)
    start = below.end + 1 + len(indent)
    return None if after is None else [(start, found.end(), f"}} else{rest} {{"), *after]


def _margin(text: str, line: int) -> int:
    found = re.compile(r"[ \t]*").match(text, line)
    return found.end() - line if found is not None else 0


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end
