"""Mistakes that people make, known by sight: each case looks, and speaks if it knows better."""

from __future__ import annotations

import re

from archc import syntax
from archc.source import Diagnostic, Fix, Span, SpanLabel
from archc.syntax import expected
from archc.syntax.branches import branches_in_brackets
from archc.syntax.expected import ParserContext, unexpected
from archc.syntax.foreign import (
    foreign_statement,
    hyphenated,
    listed_input,
    named_stride,
    other_script,
    times,
)
from archc.syntax.misplaced import (
    bare_tensor,
    behind_each,
    braced_changes,
    condition,
    each,
    in_angles,
    own_input,
    several_values,
    test_behind,
)
from archc.syntax.pasted import assignment, docstring, program, sizes
from archc.syntax.python import PythonLine
from archc.syntax.repeats import bare_loop, counted
from archc.syntax.script import fence, of_notebook, script
from archc.syntax.shortcut import shortcut
from archc.syntax.suites import suite
from archc.syntax.sums import added_tensor, named_tensors

_PRODUCT = re.compile(r"(?<![\w(.])([xpgd/]?)(\d+(?:\*\w+)+)")
_PLAIN = frozenset('{}()[]<>|;:,.=+-*/%@#"_!')
# What stands for a character of copied text, or of another language; "" where it has no place.
_WRITE = {
    "'": ('"', 'texts stand in double quotes: `"..."`'),
    "\u00d7": ("x", "write the letter `x`, as in `3x3`"),
    "\u2013": ("-", "write `-`"),
    "\u2014": ("-", "write `-`"),
    "\u2212": ("-", "write `-`"),
    "\u201c": ('"', 'write `"`'),
    "\u201d": ('"', 'write `"`'),
    "\u2264": ("<=", "write `<=`"),
    "\u2265": (">=", "write `>=`"),
    "\u2260": ("!=", "write `!=`"),
    "\u2192": (";", "statements follow each other with `;` or a new line"),
    "\u00a0": (" ", "this is a no-break space; write a space"),
    "&": ("and", "write `and`"),
    "!": ("not", "write `not`"),
    "^": ("**", "a power is `**`, as in `2**i`"),
    "?": ("", "a choice is `a if condition else b`"),
}


def diagnose(context: ParserContext) -> Diagnostic:
    """The diagnostic for a token that cannot stand where it does."""
    for case in _CASES:
        if diagnostic := case(context):
            return diagnostic
    return unexpected(context)


def is_comma(context: ParserContext) -> bool:
    """Is this a comma for which a space or `|` can stand? Not in `input 3, 32, 32`."""
    is_other = listed_input(context) or several_values(context) or sizes(context)
    if context.source.text.startswith(("import ", "from "), context.start):
        return False
    return expected.is_comma(context) and is_other is None and script(context) is None


def _docstring(context: ParserContext) -> Diagnostic | None:
    return docstring(PythonLine(context.source, context.start))


def _unterminated(context: ParserContext) -> Diagnostic | None:
    if context.character != '"' or (len(context.found) > 1 and context.found.endswith('"')):
        return None
    text = context.source.text
    end = text.find("\n", context.position)
    span = Span(context.source, context.position, len(text) if end < 0 else end)
    fix = Fix('Insert `"`', Span(context.source, span.end, span.end), '"')
    help = "a text ends on the line it begins on"
    return Diagnostic(
        "A005", "this text has no end", (SpanLabel(span),), helps=(help,), fixes=(fix,)
    )


def _foreign(context: ParserContext) -> Diagnostic | None:
    character = context.character
    if not character or (character.isspace() and character != "\u00a0"):
        return None
    if (character in _PLAIN and character != "!") or (character.isascii() and character.isalnum()):
        return None
    span = Span(context.source, context.position, context.position + 1)
    instead, help = _WRITE.get(character, ("", ""))
    around = context.source.text[max(0, span.start - 1) : span.end + 2]
    if instead == "-" and re.fullmatch(r"[ \t].[ \t][A-Za-z_]", around):  # no minus, but a pause
        instead, help = ";", "statements follow each other with `;` or a new line"
    title = f"the character `{character}` has no meaning in an .arch file"
    fixes = (Fix(help, span, instead, safe=character not in "'!"),) if instead else ()
    helps = (help,) if help and not instead else ()
    return Diagnostic("A002", title, (SpanLabel(span),), helps=helps, fixes=fixes)


def _single_equals(context: ParserContext) -> Diagnostic | None:
    """`if k = 1`."""
    if context.found != "=" or "REL" not in context.accepted or "PERCENT" in context.accepted:
        return None
    return unexpected(
        context, "to compare, write `==`", Fix("Write `==`", context.span, "==", safe=True)
    )


def _label_with_equals(context: ParserContext) -> Diagnostic | None:
    if context.found != "=" or not context.pending:
        return None
    span = Span(context.source, context.end, context.position + 1)
    if context.pending_kinds == ["NAME"]:
        help = f"to name a statement, write `{context.head}:`"
        return unexpected(context, help, Fix("Write `:`", span, ":", safe=True))
    if context.pending_kinds[-1] == "_COLON":
        return unexpected(
            context, "a label ends with `:` alone", Fix("Remove `=`", span, "", safe=True)
        )
    return None


def shouted(context: ParserContext) -> Diagnostic | None:
    """`BLOCK`, `If`: a word of the language in capitals, which so is the name of an operator."""
    match = re.match(r"\w+", context.source.text[context.start : context.position][:80])
    word = match.group() if match else ""
    lower = word.lower()
    if word == lower or lower not in syntax.RESERVED:
        return None
    span = Span(context.source, context.start, context.start + len(word))
    help = f"words of the language are written in small letters: `{lower}`"
    title = f"`{word}` is not a word of the language"
    fix = Fix(f"Write `{lower}`", span, lower, safe=True)
    return Diagnostic("A001", title, (SpanLabel(span),), helps=(help,), fixes=(fix,))


def _reserved(context: ParserContext) -> Diagnostic | None:
    word = context.found
    if word not in syntax.RESERVED:
        return None
    if word in syntax.ITEM_WORDS and context.brackets and "ERR" in context.accepted:
        title = f"`{word}` can only stand at the top of a file, not inside of brackets"
        return Diagnostic("A013", title, (SpanLabel(context.span),))
    if word == "else" and "ERR" in context.accepted:
        title = "this `else` has no `if`"
        help = "`else` stands right after the `}` of its `if`, with no `;` between"
        return Diagnostic("A001", title, (SpanLabel(context.span),), helps=(help,))
    if "NAME" not in context.accepted:
        return None
    title = f"`{word}` is a word of the language and cannot be a name"
    fix = Fix(f"try `{word}_`", context.span, f"{word}_")
    return Diagnostic("A012", title, (SpanLabel(context.span),), fixes=(fix,))


def _braces_for_branches(context: ParserContext) -> Diagnostic | None:
    if context.found != "{" or "LANGLE" not in context.accepted or not context.head:
        return None
    help = f"what an operator works on stands in `<...>`: `{context.head}< ... >`"
    first, *more = in_angles(context, context.position)
    return unexpected(context, "", Fix(help, first.span, first.text, also=tuple(more)))


def _space_before_arguments(context: ParserContext) -> Diagnostic | None:
    if context.found not in (",", "=") or not context.brackets or not context.head:
        return None
    at, kind = context.brackets[-1]
    before = context.source.text[:at]
    gap = Span(context.source, len(before.rstrip(" \t")), at)
    if kind != "LPAR" or not gap.text:
        return None
    help = "arguments stand right after the name, without a space"
    return unexpected(context, help, Fix("Remove the space", gap, "", safe=True))


def _entry_with_colon(context: ParserContext) -> Diagnostic | None:
    if context.found not in ("=", ":") or "PERCENT" not in context.accepted:
        return None
    text, after = context.source.text, context.position + 1
    sign = Span(context.source, len(text[: context.position].rstrip(" \t")), after)
    blank = "" if text[after : after + 1].isspace() else " "  # `year=2015`
    help = 'an entry is a word and its values: `year 2015`, `paper "..."`'
    return unexpected(context, help, Fix("Remove it", sign, blank, safe=True))


def _at_after_reuse(context: ParserContext) -> Diagnostic | None:
    if context.found != "@" or context.pending_kinds[-1:] != ["REUSE"]:
        return None
    help = "`reuse` takes the label without `@`"
    return unexpected(context, help, Fix("Remove `@`", context.span, "", safe=True))


def _foreign_comment(context: ParserContext) -> Diagnostic | None:
    """`// ...` or `/* ... */`, perhaps with the first `/` taken for that of a stride."""
    text = context.source.text
    at = context.position - (text[context.position - 1 : context.position] == "/")
    if text[at : at + 2] not in ("//", "/*") or "MULOP" in context.accepted:
        return None
    span = Span(context.source, at, at + 2)
    fixes = (Fix("Write `#`", span, "#", safe=True),) if span.text == "//" else ()
    help = "a comment begins with `#` and ends with the line"
    title = f"`{span.text}` begins no comment here"
    return Diagnostic("A001", title, (SpanLabel(span),), helps=(help,), fixes=fixes)


def _other_tensor(context: ParserContext) -> Diagnostic | None:
    """`upsample @a`."""
    text = context.source.text[context.position : context.position + 80]
    found = re.match(r"@[A-Za-z_]\w*", text)
    if not found or "KEY" not in context.accepted or not context.head:
        return None
    label = found.group()
    help = f"`to={label}` takes its size; `{label}; {context.head}` goes on from it"
    return unexpected(context, help)


def _dots(context: ParserContext) -> Diagnostic | None:
    """`1...4`, `@group.label`, `g=in.c`, `x64.5`: a dot that is no fraction's."""
    if context.found[:1] != ".":
        return None
    text, at = context.source.text, context.position
    before, after = text[max(0, at - 80) : at], text[at + 1 : at + 80]
    word = re.match(r"[A-Za-z_]\w*", after)
    if before.endswith("..") or (context.found == ".." and after.startswith("..")):
        help = "a range has two dots: `1..4`"
        return unexpected(context, help, Fix("Remove it", context.span, ""))
    incoming = re.search(r"(?:(?<!\w)[xpgd]|\w+[ \t]*=[ \t]*|/|(?<!\w))in$", before)
    if incoming and word and "KEY" in context.accepted:
        written = f"{incoming.group()[:-2]}(in.{word.group()})"
        hint = f"an expression stands in brackets: `{written}`"
        start = at - len(incoming.group())
        span = Span(context.source, start, at + 1 + word.end())
        return unexpected(context, "", Fix(hint, span, written, safe=True))
    whole_number = re.search(r"(?<!\w)([xpgd/])\d+$", before)
    if whole_number and after[:1].isdigit():
        return unexpected(context, f"what follows `{whole_number[1]}` is a whole number")
    if re.search(r"\*[ \t]*\d+$", before) and "_SEP" in context.accepted:
        return unexpected(context, "a repeat is a whole number")
    return None


def _unquoted_path(context: ParserContext) -> Diagnostic | None:
    """`use blocks.arch`, `extends resnet50`."""
    words = {"USE": "use", "EXTENDS": "extends"}
    word = words.get(context.pending_kinds[-1] if context.pending else "")
    if word is None or "STRING" not in context.accepted:
        return None
    path = re.match(r"[^\s;#\"]+", context.source.text[context.position :][:200])
    if not path:
        return None
    span = Span(context.source, context.position, context.position + path.end())
    fix = Fix("Put it in quotes", span, f'"{path.group()}"', safe=True)
    return unexpected(context, f'the path stands in quotes: `{word} "{path.group()}"`', fix)


def _elif(context: ParserContext) -> Diagnostic | None:
    words = ("elif", "elseif", "elsif")
    span = context.span
    if context.head in words:
        span = Span(context.source, context.start, context.start + len(context.head))
    word = span.text
    if word not in words:
        return None
    title = f"`{word}` is not a word of the language"
    fix = Fix("Write `else if`", span, "else if", safe=True)
    return Diagnostic("A001", title, (SpanLabel(span),), helps=("write `else if`",), fixes=(fix,))


def _bare_fraction(context: ParserContext) -> Diagnostic | None:
    text = context.source.text[context.position : context.position + 40]
    number = re.match(r"\.[0-9]+", text)
    if not number:
        return None
    start = Span(context.source, context.position, context.position)
    return unexpected(
        context, f"write `0{number.group()}`", Fix("Insert `0`", start, "0", safe=True)
    )


def _product(context: ParserContext) -> Diagnostic | None:
    """`fc 7*7*64`, `conv 3x3 x2*width nobias`: a product, read as a repeat."""
    at, end = context.start, context.position
    for found in _PRODUCT.finditer(context.source.text, at, end + 80):
        if found.end() >= len(context.source.text[:end].rstrip(" \t")) >= found.start():
            text = f"{found[1]}({found[2]})"
            span = Span(context.source, *found.span())
            fix = Fix(f"a product stands in brackets: `{text}`", span, text)
            return unexpected(context, "", fix)
    return None


def _missing_star(context: ParserContext) -> Diagnostic | None:
    if "STAR" not in context.accepted or not context.found.isdigit():
        return None
    at = Span(context.source, context.position, context.position)
    help = f"to repeat it, write `* {context.found}`"
    return unexpected(context, help, Fix("Insert `*`", at, "* "))


def _missing_separator(context: ParserContext) -> Diagnostic | None:
    if "_SEP" not in context.accepted or "ERR" in context.accepted or "KEY" in context.accepted:
        return None
    if not re.match(r"[A-Za-z_{@]", context.found):
        return None
    at = Span(context.source, context.position, context.position)
    help = "statements are set apart by `;` or a new line"
    return unexpected(context, help, Fix("Insert `;`", at, "; ", safe=True))


_CASES = (
    fence,
    of_notebook,
    listed_input,
    several_values,
    test_behind,
    behind_each,
    braced_changes,
    each,
    condition,
    bare_tensor,
    own_input,
    program,
    script,
    counted,
    bare_loop,
    suite,
    branches_in_brackets,
    shortcut,
    foreign_statement,
    added_tensor,
    named_tensors,
    hyphenated,
    times,
    named_stride,
    other_script,
    _docstring,
    _unterminated,
    _foreign,
    _elif,
    _single_equals,
    assignment,
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
    _dots,
    _bare_fraction,
    _product,
    _missing_star,
    _missing_separator,
)
