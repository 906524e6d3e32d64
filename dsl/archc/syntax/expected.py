"""What to say of a grammar mistake: what was expected, in the user's words, and a fix to try.

Terminals of the grammar have names for the parser; here they get phrases. No name of a
terminal is ever shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from archc.source import Diagnostic, Edit, Fix, Source, Span, SpanLabel
from archc.syntax.automaton import Token

_ENDS = "PIPE RANGLE RBRACE $END"  # go without saying where a statement may begin or end
_ITEMS = "NETWORK USE EXTENDS WITHOUT PARAM BLOCK SECTION"
_TERM = (
    f"NAME TAKEN LBRACE AT IF FOR EACH LET REUSE OUTPUT INPUT STRING PATH_OPEN ERR {_ITEMS} "
    f"_SEP {_ENDS}"
)
_VALUE = "INT FLOAT STRING NAME INCOMING AT LPAR LSQB ADDOP NOT KEY"
_ATTRIBUTE = (
    "WORD KEY SIZE SIZE_OPEN GEOMETRY GEOMETRY_OPEN SLASH INT FLOAT STRING MINUS LPAR LSQB "
    "QUANTITY PERCENT REL"
)

# What tells a set of terminals apart, the phrase for it, and what the phrase speaks for.
_PHRASES: tuple[tuple[str, str, str], ...] = (
    ("NAME IF FOR ERR", "an operator, a label or a block", _TERM),
    ("NAME IF FOR", "an operator or a block", _TERM),
    ("WORD ERR", "an entry such as `batch 256`", f"WORD ERR _SEP {_ENDS}"),
    ("KEY INT NAME", "an argument", _VALUE),
    ("PERCENT WORD", "a value", _ATTRIBUTE),
    ("KEY WORD SIZE", "an attribute", _ATTRIBUTE),
    ("WORD SIZE AT", "a value", f"{_ATTRIBUTE} AT"),
    ("INT NAME ADDOP", "a value", _VALUE),
    ("INT NAME", "how many times", _VALUE),
    ("INT SIZE", "a size such as `2` or `3x3`", "INT SIZE SIZE_OPEN LPAR"),
    ("INT", "a number", "INT FLOAT"),
    ("NAME", "a name", "NAME"),
    ("LABEL", "a name", "LABEL STRING PATH_OPEN"),
    ("STRING", 'a text in "quotes"', "STRING"),
    ("_COLON", "`:`", "_COLON"),
    ("_EQUAL", "`=`", "_EQUAL"),
    ("IN", "`in`", "IN"),
    ("DOTDOT", "`..`", "DOTDOT"),
    ("_COMMA", "`,`", "_COMMA"),
    ("RPAR", "`)`", "RPAR"),
    ("RSQB", "`]`", "RSQB"),
    ("LBRACE", "`{`", "LBRACE"),
    ("_SEP", "the end of the statement", f"_SEP AS {_ENDS}"),
    ("PIPE", "`|`", "PIPE"),
    ("RANGLE", "`>`", "RANGLE"),
    ("RBRACE", "`}`", "RBRACE"),
    ("$END", "the end of the file", "$END"),
)
# What may go on nearly everywhere is mentioned only where nothing else may stand.
_ASIDE: tuple[tuple[str, str, str], ...] = (
    ("LPAR", "`(`", "LPAR CALL_OPEN"),
    ("ELSE", "`else`", "ELSE"),
    ("ADDOP", "an arithmetic sign", "ADDOP MULOP POW REL AND OR IF LSQB FOR COLON"),
    ("IF", "`if`", "IF AND OR"),
    ("LANGLE", "`<`", "LANGLE"),
    ("STAR", "`*`", "STAR LANGLE INDEX_OPEN CROSS CALL_OPEN CONDITION PIECE MEMBER FACT"),
)

_CLOSER = {"(": ")", "[": "]", "{": "}", "<": ">"}
_FOUND = re.compile(r'\w+(?:\.\w+)*|"(?:[^"\\\n]|\\[^\n])*"?|//|[=!<>]=|\.\.|[^\w\s]')


@dataclass(frozen=True, slots=True)
class ParserContext:
    """Where the parser stood when it met a mistake."""

    source: Source
    position: int  # of the mistake
    end: int  # of the last token that was right
    accepted: frozenset[str]
    brackets: tuple[tuple[int, str], ...]  # position and kind of those open, outermost first
    pending: tuple[Any, ...]  # tokens and nodes of the statement so far
    start: int  # of the statement

    @property
    def found(self) -> str:
        """The token as it was written; a newline or nothing at the end of a line or file."""
        text = self.source.text[self.position : self.position + 200]
        if text[:1].isspace() or text[:1] == "#":
            return "\n"
        match = _FOUND.match(text)
        return match.group() if match else text[:1]

    @property
    def span(self) -> Span:
        width = 0 if self.found.isspace() else len(self.found)
        return Span(self.source, self.position, self.position + width)

    @property
    def pending_kinds(self) -> list[str]:
        """Kinds of the pending tokens; "" for a node."""
        return [value.type if type(value) is Token else "" for value in self.pending]

    @property
    def head(self) -> str:
        """The operator or block that the statement is about to apply, if it is at that."""
        for value in self.pending:
            if type(value) is Token and value.type == "NAME":
                return value.value
        return ""

    @property
    def character(self) -> str:
        return self.source.text[self.position : self.position + 1]


def sentence(accepted: frozenset[str]) -> str:
    """`an attribute, \\`>\\` or the end of the statement`: for a set of terminals."""
    phrases, left = _spoken(_PHRASES, accepted)
    if not phrases:
        phrases, left = _spoken(_ASIDE, left)
    if len(phrases) > 1:
        return f"{', '.join(phrases[:-1])} or {phrases[-1]}"
    return phrases[0] if phrases else "something else"


def _spoken(
    table: tuple[tuple[str, str, str], ...], accepted: frozenset[str]
) -> tuple[list[str], frozenset[str]]:
    phrases = []
    for signs, phrase, covered in table:
        if accepted.issuperset(signs.split()):
            phrases.append(phrase)
            accepted = accepted.difference(covered.split())
    return phrases, accepted


def unclosed(source: Source, opened: list[int], position: int) -> Diagnostic:
    """Brackets that were still open at a position where they cannot be, outermost first."""
    text = source.text
    brackets = [text[at] for at in opened]
    missing = "".join(_CLOSER[bracket] for bracket in reversed(brackets))
    title = f"`{brackets[0]}` is never closed"
    if len(opened) > 1:
        title = f"{len(opened)} brackets are never closed: " + " ".join(f"`{b}`" for b in brackets)
    labels = [SpanLabel(Span(source, at, at + 1), "opened here") for at in opened]
    if brackets[-1] == "<" and _SIZE_AHEAD.match(text, opened[-1] + 1):  # where no branch begins
        fix = Fix("Remove it", labels[-1].span, "")
        return Diagnostic("A003", "`<` is never closed", (labels[-1],), fixes=(fix,))
    if len(opened) == 1 and (after := _inside_by_margin(text, opened[0], position)) is not None:
        following = Span(source, after.end(), after.end() + 1)
        labels.append(SpanLabel(following, f"`{missing}` is missing before this"))
        at = Span(source, after.start(), after.start())
        fix = Fix(f"Insert `{missing}` above line {following.line}", at, f"\n{after[1]}{missing}")
        return Diagnostic("A003", title, tuple(labels), fixes=(fix,))
    ends = position >= len(text)
    where = "the file ends here" if ends else f"`{missing}` is missing before this"
    labels.append(SpanLabel(Span(source, position, position if ends else position + 1), where))
    place = _before_comment(text, opened[-1], position)
    fix = Fix(f"Insert `{missing}`", Span(source, place, place), f" {missing} ")
    return Diagnostic("A003", title, tuple(labels), fixes=(fix,))


def _before_comment(text: str, opening: int, position: int) -> int:
    """A place; where a comment ends there, that in front of it."""
    line = max(text.rfind("\n", 0, position), opening) + 1
    found = re.compile(r'((?:"[^"\n]*"|[^#"\n])*)#').match(text, line, position)
    return position if found is None else found.end(1)


def _inside_by_margin(text: str, opening: int, end: int) -> re.Match[str] | None:
    """The line break, with the margin, behind all that stands further right than a bracket's line.

    None where the margins do not tell: nothing stands so, or all does.
    """
    margin = re.compile(r"[ \t]*").match(text, text.rfind("\n", 0, opening) + 1)
    assert margin is not None
    found = re.compile(r"[ \t]*(?:#[^\n]*)?(?=\n)").match(text, opening + 1)
    if found is None or text[opening] not in "<{":
        return None
    first = True
    for break_ in re.compile(r"(?:\n[ \t]*(?:#[^\n]*)?)*\n([ \t]*)(?=[^\s#])").finditer(
        text, found.end(), end
    ):
        is_deeper = len(break_[1].expandtabs()) > len(margin[0].expandtabs())
        if first and not is_deeper:
            return None
        first = False
        if not is_deeper and text[break_.end()] not in "|>}":
            return break_
    return None


def stray(source: Source, position: int) -> Diagnostic:
    """A closing bracket with no opening one."""
    span = Span(source, position, position + 1)
    fix = Fix("Remove it", span, "")
    return Diagnostic("A004", f"`{span.text}` closes nothing", (SpanLabel(span),), fixes=(fix,))


def not_opened(source: Source, end: int, position: int) -> Diagnostic:
    """A closing brace below a line that lacks the opening one."""
    labels = (
        SpanLabel(Span(source, end, end), "`{` is missing here"),
        SpanLabel(Span(source, position, position + 1), "to open what this closes"),
    )
    fix = Fix("Insert `{`", Span(source, end, end), " {")
    return Diagnostic("A004", "`}` closes nothing", labels, fixes=(fix,))


_ATTRIBUTE_AHEAD = re.compile(
    r"\s*(?:[xpgd]?[0-9]+(?![A-Za-z_])|[0-9]+x|[xpgd]?\(|/|[A-Za-z_]\w*\s*=|no[a-z]+\b)"
)


_SIZE_AHEAD = re.compile(r"[ \t]*(?:[xpgd]?[0-9]+(?![A-Za-z_])|[0-9]+x[0-9]|/)")
_COMMA_AHEAD = re.compile(r'"(?:[^"\\\n]|\\.)*"|#[^\n]*|[,()\[\]<>{}|;\n]')
_FAR_AHEAD = 400  # characters
# Words that are attributes; any other is the next statement. A test holds them to the operators.
_FLAGS = frozenset(
    """same nobias ceil channel affine noaffine track notrack whole single batch rescale_eval
    nearest bilinear bicubic nearest_exact align_corners count_pad nocount_pad zeros reflect
    replicate circular none tanh""".split()
)


_CHAINS = frozenset("residual dense aux".split())
_TENSORS = frozenset("identity shortcut downsample skip".split())


def is_chain(keyword: str, items: list[str]) -> bool:
    """Whether what a combinator is given, set apart by commas, is a chain and no branches."""
    last = items[-1].strip()
    is_shortcut = last[:1] == "@" or last in _TENSORS or re.match(r"conv[ \t]+1(?:x1)*/", last)
    return keyword in _CHAINS and not (len(items) == 2 and is_shortcut)


def is_comma(context: ParserContext) -> bool:
    """Is this a comma where attributes, values or branches are set apart?"""
    round = bool(context.brackets) and context.source.text[context.brackets[-1][0]] in "(["
    return context.found == "," and not round and bool(context.accepted & {"KEY", "PIPE"})


def comma(context: ParserContext) -> tuple[bool, Diagnostic]:
    """Whether a comma stands between branches, and what to say of it and of those after it."""
    first, *others = _commas(context)
    between = first.text == " |"
    if between:
        help = "branches are set apart by `|`"
        fix = Fix("Write `|`", first.span, first.text, also=tuple(others))
        return True, unexpected(context, help, fix)
    if first.text:
        fix = Fix(f"Write `{first.text}`", first.span, first.text, also=tuple(others))
        return False, unexpected(context, "statements are set apart by `;` or a new line", fix)
    what = "values" if "PERCENT" in context.accepted else "attributes"
    fix = Fix("Remove the comma", first.span, first.text, safe=True, also=tuple(others))
    return False, unexpected(context, f"{what} are set apart by spaces", fix)


def _commas(context: ParserContext) -> list[Edit]:
    """What should stand for each comma of the statement, or between the branches around it."""
    text, depth = context.source.text, 0
    in_branches, edits = "PIPE" in context.accepted, list[Edit]()
    for found in _COMMA_AHEAD.finditer(text, context.position, context.position + _FAR_AHEAD):
        mark, at = found.group(), found.start()
        depth += (mark in "([<") - (mark in ")]>")
        ends = mark in "\n;{}|" and not (in_branches and mark in "\n;")
        if depth < 0 or (not depth and ends):
            break
        if mark != "," or depth:
            continue
        ahead = text[at + 1 : at + 80]
        instead = ""
        if not _ATTRIBUTE_AHEAD.match(ahead):
            word = re.match(r"[ \t]*([A-Za-z_]\w*)", ahead)
            flag = word is not None and word[1] in _FLAGS
            if in_branches:
                instead = "" if flag else " |"
            elif word is not None and not flag and "PERCENT" not in context.accepted:
                instead = ";"
        edits.append(Edit(Span(context.source, at, at + 1), instead))
    return _in_a_row(context, edits) if in_branches else edits


def _in_a_row(context: ParserContext, commas: list[Edit]) -> list[Edit]:
    """The commas of `residual< conv 3x3 x8, bn >`, between statements and not between branches."""
    text, opened = context.source.text, context.brackets[-1][0]
    keyword = re.search(r"(\w+)(?:[ \t]+if\b[^<>]*)?[ \t]*\Z", text[max(0, opened - 80) : opened])
    between = [edit for edit in commas if edit.text]
    if keyword is None or not between:
        return commas
    starts = [edit.span.end for edit in between]
    ends = [*(edit.span.start for edit in between[1:]), len(text)]
    items = [
        "",
        *(re.split(r"[>|]", text[a:b], maxsplit=1)[0] for a, b in zip(starts, ends, strict=True)),
    ]
    if not is_chain(keyword[1], items):
        return commas
    return [Edit(edit.span, edit.text and ";") for edit in commas]


# --- the general case ----------------------------------------------------------------------


def unexpected(
    context: ParserContext, help: str = "", fix: Fix | None = None, *, code: str = "A001"
) -> Diagnostic:
    wanted = sentence(context.accepted)
    title = f"expected {wanted}, found {format_token(context.found)}"
    labels = [SpanLabel(context.span, f"expected {wanted}")]
    if context.brackets:
        at, _kind = context.brackets[-1]
        opener = context.source.text[at]
        if f"`{_CLOSER[opener]}`" in wanted and opener in "([":
            labels.append(SpanLabel(Span(context.source, at, at + 1), "to close this"))
    return Diagnostic(
        code,
        title,
        tuple(labels),
        helps=(help,) if help else (),
        fixes=(fix,) if fix else (),
    )


def format_token(found: str) -> str:
    if not found:
        return "the end of the file"
    if found.isspace():
        return "the end of the line"
    return f"`{found[:40]}`"
