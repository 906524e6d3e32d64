"""Mistakes with `let`, `each`, `residual if` and references, known by sight."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import accumulate

from archc.source import Diagnostic, Edit, Fix, Source, Span, SpanLabel
from archc.syntax.branches import KEYWORDS
from archc.syntax.expected import ParserContext, unexpected

_FAR_AHEAD = 400  # characters
_CONDITION = re.compile(r"(?:[A-Za-z_]\w*[ \t]*:[ \t]*)?([A-Za-z_]\w*)[ \t]+if\b[ \t]*")
_BEHIND = re.compile(r"([^\n]*\S)[ \t]+if[ \t]*(\([^\n]*\))")
_ENDS = ("\n", "", ";", "|", ">", "}")  # what a statement ends before
_BARE = re.compile(r"([A-Za-z_]\w*)[ \t]+(if)\b[ \t]*(?=[^\n;{}<>|]+$)")
_ROUND = re.compile(r"\([^()]*\)")
_EACH = re.compile(r"each[ \t]+[\w, \t()]+?[ \t]+in\b")
_LET = re.compile(
    r"let[ \t]+(\()?[ \t]*([A-Za-z_]\w*(?:[ \t]*,[ \t]*[A-Za-z_]\w*)+)[ \t]*\)?[ \t]*="
)
_BRACES = re.compile(r'[{}]|"[^"\n]*"|#[^\n]*')
_ANOTHER = re.compile(r",[ \t]*(?=[A-Za-z_]\w*[ \t]*=(?!=))")


def condition(context: ParserContext) -> Diagnostic | None:
    """`residual if s == 1 { ... }`, `residual if (s == 1) conv`; one with `<` is `bare_test`."""
    text = context.source.text
    found = _CONDITION.match(text, context.start)
    if found is None or context.position < found.end() or "PERCENT" in context.accepted:
        return None
    name = found[1]
    if text[found.end() : found.end() + 1] == "(" and context.accepted & {"LANGLE"}:
        if context.found == "{":
            edits = in_angles(context, context.position)
            help = f"what an operator works on stands in `<...>`: `{name} if (...) < ... >`"
            return unexpected(context, "", Fix(help, edits[0].span, edits[0].text, also=edits[1:]))
        if context.accepted == {"LANGLE"}:
            return unexpected(context, f"its branches stand behind: `{name} if (...) < ... >`")
        return None
    opened = _opening(text, found.end())
    if opened is None:
        return unexpected(context, f"a condition stands in brackets: `{name} if (...) < ... >`")
    test = Span(context.source, found.end(), len(text[:opened].rstrip()))
    if _is_bracketed(test.text):
        return None  # what is wrong is in its brackets
    more = in_angles(context, opened) if text[opened] == "{" else ()
    help = f"a condition stands in brackets: `{name} if ({test.text}) < ... >`"
    fix = Fix(help, test, f"({test.text})", safe=not more, also=more)
    return unexpected(context, "", fix)


def test_behind(context: ParserContext) -> Diagnostic | None:
    """`pool 2 if (stride > 1)`, as Python would have it: an `if` stands before its statements."""
    if context.accepted != {"LANGLE"} or context.head in KEYWORDS:
        return None
    written = Span(context.source, context.start, context.end)
    found = _BEHIND.fullmatch(written.text)
    if found is None or context.found not in _ENDS or not _is_bracketed(found[2]):
        return None
    text = f"if {found[2][1:-1].strip()} {{ {found[1]} }}"
    return unexpected(
        context, "", Fix(f"an `if` stands before: `{text}`", written, text, safe=True)
    )


@dataclass(frozen=True, slots=True)
class BareTest:
    """The test of `residual if s < 2 < ... >`, which lacks its brackets."""

    word: int  # where `if` begins
    span: Span
    problem: Diagnostic


def _is_bracketed(text: str) -> bool:
    """Whether one pair of brackets is around all of it: not `(a) and (b)`."""
    depths = list(accumulate((sign == "(") - (sign == ")") for sign in text))
    return text.startswith("(") and 0 not in depths[:-1]


def bare_test(source: Source, position: int) -> BareTest | None:
    """The test that a sign at `position` belongs to, if it was taken for something else."""
    text = source.text
    line = text.rfind("\n", max(0, position - _FAR_AHEAD), position) + 1
    found = _BARE.search(text, max(line, position - _FAR_AHEAD), position)
    opened = _opening(text, found.end()) if found is not None else None
    if found is None or opened is None or opened <= position or text[opened] == "{":
        return None
    span = Span(source, found.end(), len(text[:opened].rstrip()))
    if _is_bracketed(span.text):
        return None  # what is wrong is in its brackets
    title = f"a condition stands in brackets: `{found[1]} if (...) < ... >`"
    fix = Fix(f"write `({span.text})`", span, f"({span.text})", safe=True)
    problem = Diagnostic("A001", title, (SpanLabel(span),), fixes=(fix,))
    return BareTest(found.start(2), span, problem)


def _opening(text: str, start: int) -> int | None:
    """Where the branches begin that follow a condition: the first `<` that compares nothing."""
    line = re.compile(rf"[^\n;]{{0,{_FAR_AHEAD}}}").match(text, start)
    end = line.end() if line is not None else start
    text = _ROUND.sub(lambda brackets: "_" * len(brackets.group()), text[:end])
    for found in re.finditer(r"[<{](?!=)", text[start:end]):
        after = text[start + found.end() : end]
        compares = re.match(r"[ \t]*(?:[\d.]+|in\.\w+|\w+(?=[ \t]))[ \t]*(?:and\b|or\b|<)", after)
        if found.group() == "{" or not compares:
            return start + found.start()
    return None


def in_angles(context: ParserContext, opened: int) -> tuple[Edit, ...]:
    """`<...>` for the braces that open there."""
    text, depth = context.source.text, 0
    edits = [Edit(Span(context.source, opened, opened + 1), "<")]
    for found in re.finditer(r"[{}]", text[opened : opened + _FAR_AHEAD]):
        depth += 1 if found.group() == "{" else -1
        if not depth:
            at = opened + found.start()
            edits.append(Edit(Span(context.source, at, at + 1), ">"))
            break
    return tuple(edits)


def braced_changes(context: ParserContext) -> Diagnostic | None:
    """`extends "resnet50" { ... }`."""
    text, at = context.source.text, context.position
    if context.found != "{" or not re.fullmatch(
        r'extends\b[^\n"]*"[^\n"]*"\s*', text[context.start : at]
    ):
        return None
    depth = 0
    also: tuple[Edit, ...] = ()
    for found in _BRACES.finditer(text, at):
        depth += {"{": 1, "}": -1}.get(found.group(), 0)
        if not depth:
            also = (Edit(Span(context.source, *found.span()), ""),)
            break
    goes_on = re.match(r"\{[ \t]*[^\s#}]", text[at : at + _FAR_AHEAD])
    opened = Span(context.source, len(text[:at].rstrip(" \t")), at + 1)
    help = "what changes stands below it, without braces"
    return unexpected(
        context, "", Fix(help, opened, ";" if goes_on else "", safe=bool(also), also=also)
    )


def each(context: ParserContext) -> Diagnostic | None:
    """`each r in rates { ... }` that is no branch of its own."""
    text = context.source.text
    found = _EACH.match(text, context.start)
    if found is None or "}" in text[context.start : context.position]:
        return None
    span = Span(context.source, context.start, context.start + len("each"))
    title = "`each` makes branches, and stands alone in one"
    inside = bool(context.brackets) and context.brackets[-1][1] == "LANGLE"
    help = "set it apart by `|`, as in `concat< a | each i in 1..3 { ... } >`"
    fix = Fix("statements in a row are a loop: `for ... in ... { ... }`", span, "for")
    return Diagnostic(
        "A001",
        title,
        (SpanLabel(span),),
        helps=(help,) if inside else (),
        fixes=() if inside else (fix,),
    )


def behind_each(context: ParserContext) -> Diagnostic | None:
    """`concat< each r in rates { ... }; relu | ... >`."""
    if not {"PIPE", "RANGLE"} <= context.accepted or "KEY" in context.accepted:
        return None
    opened = context.brackets[-1][0] if context.brackets else 0
    branch = re.split(r"[<|]", context.source.text[opened : context.position])[-1]
    if not re.match(r"\s*each\b", branch) or not branch.rstrip().endswith(";"):
        return None
    return unexpected(context, "`each` stands alone in its branch: put what follows into its `{ }`")


def several_values(context: ParserContext) -> Diagnostic | None:
    """`let a, b = [1, 2]`, `let a = 1, b = 2`."""
    text = context.source.text
    line = text[context.start : context.start + _FAR_AHEAD].splitlines()[:1]
    found = _LET.match(line[0]) if line else None
    title = "`let` gives one value a name"
    if found is not None:
        span = Span(context.source, context.start, context.start + len(line[0].rstrip()))
        names = re.findall(r"\w+", found[2])
        listed = re.match(r"[ \t]*\[?([^\[\](){};#]*)\]?[ \t]*$", line[0][found.end() :])
        values = [value.strip() for value in listed[1].split(",")] if listed else []
        fixes: tuple[Fix, ...] = ()
        if len(values) == len(names):
            pairs = zip(names, values, strict=True)
            meant = "; ".join(f"let {name} = {value}" for name, value in pairs)
            fixes = (Fix(f"write `{meant}`", span, meant, safe=True),)
        help = f"name the list, and take its items: `let both = ...; let {names[0]} = both[0]`"
        helps = () if fixes else (help,)
        return Diagnostic("A001", title, (SpanLabel(span),), helps=helps, fixes=fixes)
    comma = _ANOTHER.match(text, context.position)
    if comma is None or not re.match(r"let\b", text[context.start : context.position]):
        return None
    span = Span(context.source, context.position, context.position + comma.end() - comma.start())
    fix = Fix("write `; let`", span, "; let ", safe=True)
    return Diagnostic("A001", title, (SpanLabel(span),), fixes=(fix,))


def bare_tensor(context: ParserContext) -> Diagnostic | None:
    """`conv 1x1 x(skip.c)`."""
    text, at = context.source.text, context.position
    asked = re.match(r"\.(?:c|h|w|d|features)\b", text[at : at + 20])
    name = re.search(r"(?<![\w@.\]}])([A-Za-z_]\w*)$", text[max(0, at - 80) : at])
    if asked is None or name is None or "MULOP" not in context.accepted:
        return None
    start = at - len(name.group())
    meant = f"@{name.group()}{asked.group()}"
    span = Span(context.source, start, at + asked.end())
    return unexpected(context, "", Fix(f"of a tensor it is `{meant}`", span, meant, safe=True))


def own_input(context: ParserContext) -> Diagnostic | None:
    """`up(in)`."""
    if context.found != "in" or not {"AT", "INCOMING"} <= context.accepted:
        return None
    title = "`in` is a word of the language"
    outside = len(context.brackets) == 1
    help = "the network's input is `@input`" if outside else "a block's own input is `@in`"
    help += ", the channels of what comes in are `in.c`"
    fix = Fix(help, context.span, "@input" if outside else "@in")
    return Diagnostic("A012", title, (SpanLabel(context.span),), fixes=(fix,))
