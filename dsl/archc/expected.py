"""What to say of a grammar mistake: what was expected, in the user's words, and a fix to try.

Terminals of the grammar have names for the parser; here they get phrases. No name of a
terminal is ever shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from archc import syntax
from archc.machine import Token
from archc.source import Diagnostic, Fix, Label, Source, Span

_ENDS = "PIPE RANGLE RBRACE $END"  # go without saying where a statement may begin or end
_ITEMS = "NETWORK USE PARAM BLOCK SECTION"
_TERM = f"NAME TAKEN LBRACE AT IF FOR REUSE OUTPUT ERR {_ITEMS} _SEP {_ENDS}"
_VALUE = "INT FLOAT STRING NAME INCOMING LPAR LSQB ADDOP NOT KEY"
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
    ("STRING", 'a text in "quotes"', "STRING"),
    ("_COLON", "`:`", "_COLON"),
    ("_EQUAL", "`=`", "_EQUAL"),
    ("IN", "`in`", "IN"),
    ("DOTDOT", "`..`", "DOTDOT"),
    ("_COMMA", "`,`", "_COMMA"),
    ("RPAR", "`)`", "RPAR"),
    ("RSQB", "`]`", "RSQB"),
    ("LBRACE", "`{`", "LBRACE"),
    ("_SEP", "the end of the statement", f"_SEP {_ENDS}"),
    ("PIPE", "`|`", "PIPE"),
    ("RANGLE", "`>`", "RANGLE"),
    ("RBRACE", "`}`", "RBRACE"),
    ("$END", "the end of the file", "$END"),
)
# What may go on nearly everywhere is mentioned only where nothing else may stand.
_ASIDE: tuple[tuple[str, str, str], ...] = (
    ("LPAR", "`(`", "LPAR CALL_OPEN"),
    ("ELSE", "`else`", "ELSE"),
    ("ADDOP", "an arithmetic sign", "ADDOP MULOP POW REL AND OR IF LSQB"),
    ("IF", "`if`", "IF AND OR"),
    ("STAR", "`*`", "STAR LANGLE INDEX_OPEN CROSS CALL_OPEN"),
)

_CLOSER = {"(": ")", "[": "]", "{": "}", "<": ">"}
_FOUND = re.compile(r'\w+(?:\.\w+)*|"(?:[^"\\\n]|\\[^\n])*"?|//|[=!<>]=|\.\.|[^\w\s]')
_PLAIN = frozenset('{}()[]<>|;:,.=+-*/%@#"_!')
_WRITE = {
    "'": 'texts stand in double quotes: `"..."`',
    "\u00d7": "write the letter `x`, as in `3x3`",
    "\u2013": "write `-`",
    "\u2014": "write `-`",
    "\u2212": "write `-`",
    "\u201c": 'write `"`',
    "\u201d": 'write `"`',
    "\u2264": "write `<=`",
    "\u2265": "write `>=`",
    "\u2260": "write `!=`",
    "\u2192": "statements follow each other with `;` or a new line",
    "\u00a0": "this is a no-break space; write a space",
    "&": "write `and`",
    "!": "write `not`",
    "^": "a power is `**`, as in `2**i`",
    "?": "a choice is `a if condition else b`",
}


@dataclass(frozen=True, slots=True)
class Context:
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


def diagnose(context: Context) -> Diagnostic:
    """The diagnostic for a token that cannot stand where it does."""
    for case in _CASES:
        if diagnostic := case(context):
            return diagnostic
    return _unexpected(context)


def unclosed(source: Source, opened: list[int], position: int) -> Diagnostic:
    """Brackets that were still open at a position where they cannot be, outermost first."""
    text = source.text
    brackets = [text[at] for at in opened]
    missing = "".join(_CLOSER[bracket] for bracket in reversed(brackets))
    title = f"`{brackets[0]}` is never closed"
    if len(opened) > 1:
        title = f"{len(opened)} brackets are never closed: " + " ".join(f"`{b}`" for b in brackets)
    labels = [Label(Span(source, at, at + 1), "opened here") for at in opened]
    ends = position >= len(text)
    where = "the file ends here" if ends else f"`{missing}` is missing before this"
    labels.append(Label(Span(source, position, position if ends else position + 1), where))
    fix = Fix(f"Insert `{missing}`", Span(source, position, position), f" {missing} ")
    return Diagnostic("A003", title, tuple(labels), fixes=(fix,))


def stray(source: Source, position: int) -> Diagnostic:
    """A closing bracket with no opening one."""
    span = Span(source, position, position + 1)
    fix = Fix("Remove it", span, "")
    return Diagnostic("A004", f"`{span.text}` closes nothing", (Label(span),), fixes=(fix,))


_ATTRIBUTE_AHEAD = re.compile(
    r"\s*(?:[xpgd]?[0-9]+(?![A-Za-z_])|[0-9]+x|[xpgd]?\(|/|[A-Za-z_]\w*\s*=|no[a-z]+\b)"
)


def is_comma(context: Context) -> bool:
    """Is this a comma where attributes, values or branches are set apart?"""
    round = bool(context.brackets) and context.source.text[context.brackets[-1][0]] in "(["
    return context.found == "," and not round and bool(context.accepted & {"KEY", "PIPE"})


def comma(context: Context) -> tuple[bool, Diagnostic]:
    """Whether a comma stands between branches, and what to say of it."""
    ahead = context.source.text[context.position + 1 : context.position + 80]
    between = "PIPE" in context.accepted and not _ATTRIBUTE_AHEAD.match(ahead)
    if between:
        help = "branches are set apart by `|`"
        return True, _unexpected(context, help, Fix("Write `|`", context.span, " |"))
    what = "values" if "PERCENT" in context.accepted else "attributes"
    fix = Fix("Remove the comma", context.span, "")
    return False, _unexpected(context, f"{what} are set apart by spaces", fix)


# --- the general case ----------------------------------------------------------------------


def _unexpected(
    context: Context, help: str = "", fix: Fix | None = None, *, code: str = "A001"
) -> Diagnostic:
    wanted = sentence(context.accepted)
    title = f"expected {wanted}, found {_shown(context.found)}"
    labels = [Label(context.span, f"expected {wanted}")]
    if context.brackets:
        at, _kind = context.brackets[-1]
        opener = context.source.text[at]
        if f"`{_CLOSER[opener]}`" in wanted and opener in "([":
            labels.append(Label(Span(context.source, at, at + 1), "to close this"))
    return Diagnostic(
        code,
        title,
        tuple(labels),
        helps=(help,) if help else (),
        fixes=(fix,) if fix else (),
    )


def _shown(found: str) -> str:
    if not found:
        return "the end of the file"
    if found.isspace():
        return "the end of the line"
    return f"`{found[:40]}`"


# --- special cases: each looks, and speaks if it knows better ---------------------------------


def _unterminated(context: Context) -> Diagnostic | None:
    if context.character != '"' or (len(context.found) > 1 and context.found.endswith('"')):
        return None
    text = context.source.text
    end = text.find("\n", context.position)
    span = Span(context.source, context.position, len(text) if end < 0 else end)
    fix = Fix('Insert `"`', Span(context.source, span.end, span.end), '"')
    help = "a text ends on the line it begins on"
    return Diagnostic("A005", "this text has no end", (Label(span),), helps=(help,), fixes=(fix,))


def _foreign(context: Context) -> Diagnostic | None:
    character = context.character
    if not character or (character.isspace() and character != "\u00a0"):
        return None
    if (character in _PLAIN and character != "!") or (character.isascii() and character.isalnum()):
        return None
    label = Label(Span(context.source, context.position, context.position + 1))
    help = _WRITE.get(character, "")
    title = f"the character `{character}` has no meaning in an .arch file"
    return Diagnostic("A002", title, (label,), helps=(help,) if help else ())


def _single_equals(context: Context) -> Diagnostic | None:
    """`if k = 1`."""
    if context.found != "=" or "REL" not in context.accepted or "PERCENT" in context.accepted:
        return None
    return _unexpected(context, "to compare, write `==`", Fix("Write `==`", context.span, "=="))


def _assignment(context: Context) -> Diagnostic | None:
    """`width = 64` as a statement."""
    rest = context.source.text[context.position : context.position + 80]
    if context.pending_kinds != ["NAME"] or not re.match(r'=[ \t]*[\d.(\["-]', rest):
        return None
    if context.brackets:
        help = f"give it to the block as a parameter, or write `param {context.head} =` outside"
        return _unexpected(context, help)
    written = " ".join(rest.splitlines()[0].split("#")[0].split(";")[0].split())
    start = Span(context.source, context.start, context.start)
    help = f"a value with a name is a param: `param {context.head} {written}`"
    return _unexpected(context, help, Fix("Write `param`", start, "param "))


def _label_with_equals(context: Context) -> Diagnostic | None:
    if context.found != "=" or not context.pending:
        return None
    span = Span(context.source, context.end, context.position + 1)
    if context.pending_kinds == ["NAME"]:
        help = f"to name a statement, write `{context.head}:`"
        return _unexpected(context, help, Fix("Write `:`", span, ":"))
    if context.pending_kinds[-1] == "_COLON":
        return _unexpected(context, "a label ends with `:` alone", Fix("Remove `=`", span, ""))
    return None


def shouted(context: Context) -> Diagnostic | None:
    """`BLOCK`, `If`: a word of the language in capitals, which so is the name of an operator."""
    match = re.match(r"\w+", context.source.text[context.start : context.position][:80])
    word = match.group() if match else ""
    lower = word.lower()
    if word == lower or lower not in syntax.RESERVED:
        return None
    span = Span(context.source, context.start, context.start + len(word))
    help = f"words of the language are written in small letters: `{lower}`"
    title = f"`{word}` is not a word of the language"
    fix = Fix(f"Write `{lower}`", span, lower)
    return Diagnostic("A001", title, (Label(span),), helps=(help,), fixes=(fix,))


def _reserved(context: Context) -> Diagnostic | None:
    word = context.found
    if word not in syntax.RESERVED:
        return None
    if word in syntax.ITEM_WORDS and context.brackets and "ERR" in context.accepted:
        title = f"`{word}` can only stand at the top of a file, not inside of brackets"
        return Diagnostic("A013", title, (Label(context.span),))
    if word == "else" and "ERR" in context.accepted:
        title = "this `else` has no `if`"
        help = "`else` stands right after the `}` of its `if`, with no `;` between"
        return Diagnostic("A001", title, (Label(context.span),), helps=(help,))
    if "NAME" not in context.accepted:
        return None
    title = f"`{word}` is a word of the language and cannot be a name"
    return Diagnostic("A012", title, (Label(context.span),), helps=(f"try `{word}_`",))


def _braces_for_branches(context: Context) -> Diagnostic | None:
    if context.found != "{" or "LANGLE" not in context.accepted or not context.head:
        return None
    help = f"what an operator works on stands in `<...>`: `{context.head}< ... >`"
    return _unexpected(context, help)


def _space_before_arguments(context: Context) -> Diagnostic | None:
    if context.found not in (",", "=") or not context.brackets or not context.head:
        return None
    at, kind = context.brackets[-1]
    before = context.source.text[:at]
    gap = Span(context.source, len(before.rstrip(" \t")), at)
    if kind != "LPAR" or not gap.text:
        return None
    help = "arguments stand right after the name, without a space"
    return _unexpected(context, help, Fix("Remove the space", gap, ""))


def _entry_with_colon(context: Context) -> Diagnostic | None:
    if context.found not in ("=", ":") or "PERCENT" not in context.accepted:
        return None
    sign = Span(context.source, context.position, context.position + 1)
    help = 'an entry is a word and its values: `year 2015`, `paper "..."`'
    return _unexpected(context, help, Fix("Remove it", sign, ""))


def _at_after_reuse(context: Context) -> Diagnostic | None:
    if context.found != "@" or context.pending_kinds[-1:] != ["REUSE"]:
        return None
    help = "`reuse` takes the label without `@`"
    return _unexpected(context, help, Fix("Remove `@`", context.span, ""))


def _foreign_comment(context: Context) -> Diagnostic | None:
    """`// ...` or `/* ... */`, perhaps with the first `/` taken for that of a stride."""
    text = context.source.text
    at = context.position - (text[context.position - 1 : context.position] == "/")
    if text[at : at + 2] not in ("//", "/*") or "MULOP" in context.accepted:
        return None
    span = Span(context.source, at, at + 2)
    fixes = (Fix("Write `#`", span, "#"),) if span.text == "//" else ()
    help = "a comment begins with `#` and ends with the line"
    title = f"`{span.text}` begins no comment here"
    return Diagnostic("A001", title, (Label(span),), helps=(help,), fixes=fixes)


def _count_before(context: Context) -> Diagnostic | None:
    """`3 * conv`."""
    text = context.source.text[context.position : context.position + 80]
    found = re.match(r"(\d+)[ \t]*\*[ \t]*(\w*)", text)
    if not found or "ERR" not in context.accepted:
        return None
    return _unexpected(context, f"the count stands behind: `{found[2] or 'conv'} ... * {found[1]}`")


def _other_tensor(context: Context) -> Diagnostic | None:
    """`upsample @a`."""
    text = context.source.text[context.position : context.position + 80]
    found = re.match(r"@[A-Za-z_]\w*", text)
    if not found or "KEY" not in context.accepted or not context.head:
        return None
    label = found.group()
    help = f"`to={label}` takes its size; `{label}; {context.head}` goes on from it"
    return _unexpected(context, help)


def _dots(context: Context) -> Diagnostic | None:
    """`1...4`, `@group.label`, `g=in.c`, `x64.5`: a dot that is no fraction's."""
    if context.found[:1] != ".":
        return None
    text, at = context.source.text, context.position
    before, after = text[max(0, at - 80) : at], text[at + 1 : at + 80]
    word = re.match(r"[A-Za-z_]\w*", after)
    if before.endswith("..") or (context.found == ".." and after.startswith("..")):
        help = "a range has two dots: `1..4`"
        return _unexpected(context, help, Fix("Remove it", context.span, ""))
    path = re.search(r"@((?:\w+\.)*\w+)$", before)
    if path and word:
        whole = Span(context.source, at - len(path[1]), at + 1)
        help = f"a label in a group needs no path: write `@{word.group()}`"
        return _unexpected(context, help, Fix("Leave out the path", whole, ""))
    incoming = re.search(r"(?:(?<!\w)[xpgd]|\w+[ \t]*=[ \t]*|/|(?<!\w))in$", before)
    if incoming and word and "KEY" in context.accepted:
        written = f"{incoming.group()[:-2]}(in.{word.group()})"
        return _unexpected(context, f"an expression stands in brackets: `{written}`")
    whole_number = re.search(r"(?<!\w)([xpgd/])\d+$", before)
    if whole_number and after[:1].isdigit():
        return _unexpected(context, f"what follows `{whole_number[1]}` is a whole number")
    if re.search(r"\*[ \t]*\d+$", before) and "_SEP" in context.accepted:
        return _unexpected(context, "a repeat is a whole number")
    return None


def _unquoted_path(context: Context) -> Diagnostic | None:
    """`use blocks.arch`."""
    if context.pending_kinds[-1:] != ["USE"] or "STRING" not in context.accepted:
        return None
    path = re.match(r"[^\s;#\"]+", context.source.text[context.position :][:200])
    if not path:
        return None
    span = Span(context.source, context.position, context.position + path.end())
    fix = Fix("Put it in quotes", span, f'"{path.group()}"')
    return _unexpected(context, f'the path stands in quotes: `use "{path.group()}"`', fix)


def _elif(context: Context) -> Diagnostic | None:
    words = ("elif", "elseif", "elsif")
    span = context.span
    if context.head in words:
        span = Span(context.source, context.start, context.start + len(context.head))
    word = span.text
    if word not in words:
        return None
    title = f"`{word}` is not a word of the language"
    fix = Fix("Write `else if`", span, "else if")
    return Diagnostic("A001", title, (Label(span),), helps=("write `else if`",), fixes=(fix,))


def _bare_fraction(context: Context) -> Diagnostic | None:
    text = context.source.text[context.position : context.position + 40]
    number = re.match(r"\.[0-9]+", text)
    if not number:
        return None
    start = Span(context.source, context.position, context.position)
    return _unexpected(context, f"write `0{number.group()}`", Fix("Insert `0`", start, "0"))


def _missing_star(context: Context) -> Diagnostic | None:
    if "STAR" not in context.accepted or not context.found.isdigit():
        return None
    at = Span(context.source, context.position, context.position)
    help = f"to repeat it, write `* {context.found}`"
    return _unexpected(context, help, Fix("Insert `*`", at, "* "))


def _missing_separator(context: Context) -> Diagnostic | None:
    if "_SEP" not in context.accepted or "ERR" in context.accepted or "KEY" in context.accepted:
        return None
    if not re.match(r"[A-Za-z_{@]", context.found):
        return None
    at = Span(context.source, context.position, context.position)
    help = "statements are set apart by `;` or a new line"
    return _unexpected(context, help, Fix("Insert `;`", at, "; "))


_CASES = (
    _unterminated,
    _foreign,
    _elif,
    _single_equals,
    _assignment,
    _label_with_equals,
    shouted,
    _reserved,
    _braces_for_branches,
    _space_before_arguments,
    _entry_with_colon,
    _at_after_reuse,
    _other_tensor,
    _unquoted_path,
    _foreign_comment,
    _count_before,
    _dots,
    _bare_fraction,
    _missing_star,
    _missing_separator,
)
