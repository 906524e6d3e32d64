"""Text in another tool's syntax, or in another script: what it would be here."""

from __future__ import annotations

import re

from archc import habits
from archc.source import Diagnostic, Fix, Span, SpanLabel
from archc.syntax.expected import ParserContext
from archc.syntax.forward_lines import forward_line
from archc.syntax.input_line import dimensions, with_input
from archc.syntax.own_blocks import applied_block, blocks_of, made_layer, own_block
from archc.syntax.pasted import (
    assignment,
    decorator,
    empty_module,
    module_calls,
    python_line,
    sizes,
)
from archc.syntax.python import PythonLine

_LABELLED = re.compile(r"[A-Za-z_]\w*[ \t]*:[ \t]*(?=[A-Za-z_\[])")
_HYPHENATED = re.compile(r"[A-Za-z_]\w*(?:-\w+)+")
_CYRILLIC = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
        "a,b,v,g,d,e,yo,zh,z,i,y,k,l,m,n,o,p,r,s,t,u,f,kh,ts,ch,sh,shch,,y,,e,yu,ya".split(","),
        strict=True,
    )
)
_WORD = re.compile(r"[^\W\d]\w*")


def foreign_statement(context: ParserContext) -> Diagnostic | None:
    """`self.conv1 = nn.Conv2d(3, 6, 5)`, `Dense(10, activation='softmax')`, `[maxpool]`."""
    source, start = context.source, context.start
    if not (context.pending or source.text[start : start + 1] == "["):
        return None
    if said := forward_line(PythonLine(source, start)):
        return said
    label = _LABELLED.match(source.text, start)
    start = label.end() if label is not None else start
    made = habits.translated(source.text, start, dimensions(source.text), blocks_of(source.text))
    if said := empty_module(PythonLine(source, start)):
        return said
    made = made and with_input(made, source, start)
    is_known = made is not None and (made.text or made.written in _assigned(context))
    if not is_known and (said := _around(context)):
        return said
    if made is None:
        return None
    return habits.as_diagnostic("A014", made, Span(source, start, start + made.end))


def _assigned(context: ParserContext) -> str:
    """What a module is made of: `nn.LSTM(16, 16)` in `self.rnn = nn.LSTM(16, 16)`."""
    found = re.match(
        r"self\.\w+[ \t]*=[ \t]*nn\.(\w+)", PythonLine(context.source, context.start).text
    )
    return found[1] if found is not None else ""


def _around(context: ParserContext) -> Diagnostic | None:
    """A line of Python that is no layer, but stands around some."""
    line, blocks = PythonLine(context.source, context.start), blocks_of(context.source.text)
    return (
        decorator(line)
        or made_layer(line, blocks)
        or applied_block(line, blocks)
        or own_block(line, blocks)
        or assignment(context)
        or sizes(context)
        or module_calls(line)
        or python_line(line)
    )


def hyphenated(context: ParserContext) -> Diagnostic | None:
    """`network my-net`, `conv1-1: conv 3x3 x64`, `@conv1-1`."""
    text, at = context.source.text, context.position
    line = text.rfind("\n", 0, at) + 1
    for found in _HYPHENATED.finditer(text, line, at + 80):
        is_at = found.start() < at <= found.end()
        names = context.found in ("-", ":") or context.found.isalnum()
        if not is_at or not names or (context.found != ":" and "MINUS" in context.accepted):
            continue
        if context.found == ":" and found.end() != len(text[:at].rstrip()):
            continue
        span = Span(context.source, *found.span())
        better = found.group().replace("-", "_")
        title = f"`{found.group()}` is no name: names have letters, digits and `_`"
        fix = Fix(f"write `{better}`", span, better, safe=context.found != ":")
        return Diagnostic("A015", title, (SpanLabel(span),), fixes=(fix,))
    return None


def other_script(context: ParserContext) -> Diagnostic | None:
    """A name in Korean, or with an accent."""
    text, at = context.source.text, context.position
    begin = at
    while begin and (text[begin - 1].isalnum() or text[begin - 1] == "_"):
        begin -= 1
    word = _WORD.match(text, begin)
    if word is None or word.group().isascii() or not begin <= at < word.end():
        return None
    span = Span(context.source, *word.span())
    better = romanised(word.group())
    title = f"`{word.group()}` is no name: names have letters from a to z, digits and `_`"
    fixes = (Fix(f"write `{better}`", span, better),) if better else ()
    helps = () if better else ("call it by a word in Latin letters, as in `conv1`",)
    return Diagnostic("A002", title, (SpanLabel(span),), helps=helps, fixes=fixes)


def listed_input(context: ParserContext) -> Diagnostic | None:
    """`input 3, 32, 32`, `input (32, 32, 3)`."""
    text = context.source.text[context.start : context.start + 200]
    found = re.match(r"input\b([ \t]+[a-z_]\w*)?[ \t(]*(\d+(?:[ \t]*,[ \t]*\d+)+)[ \t]*\)?", text)
    if found is None or context.position > context.start + found.end():
        return None
    shape = habits.channels_apart([int(n) for n in found[2].split(",")])
    meant = f"input{found[1] or ''} {shape}"
    span = Span(context.source, context.start, context.start + found.end())
    title = "a shape is its size and its channels, as in `input 224x224 x3`"
    fixes = (Fix(f"write `{meant}`", span, meant, safe=True),) if shape else ()
    return Diagnostic("A014", title, (SpanLabel(span),), fixes=fixes)


def romanised(word: str) -> str:
    """A name in Latin letters by what Unicode calls its characters; empty where that is no help."""
    import unicodedata

    parts = []
    for char in word:
        plain = unicodedata.normalize("NFKD", char).encode("ascii", "ignore").decode()
        kind, _, last = unicodedata.name(char, "").rpartition(" ")
        if re.fullmatch(r"\w", plain):
            parts.append(plain)
        elif char.lower() in _CYRILLIC:
            parts.append(_CYRILLIC[char.lower()])
        elif "SYLLABLE" in kind or re.fullmatch(r"[A-Z ]+ LETTER", kind):
            parts.append(last.lower())
        else:
            return ""
    made = "".join(parts)
    return made if re.fullmatch(r"[A-Za-z_]\w*", made, re.ASCII) else ""


def times(context: ParserContext) -> Diagnostic | None:
    """`{ ... } x 3`, `residual< ... > x3`."""
    text = context.source.text[context.position : context.position + 40]
    found = re.match(r"[xX\u00d7][ \t]*(\d+)\b", text)
    if found is None or "STAR" not in context.accepted or "KEY" in context.accepted:
        return None
    span = Span(context.source, context.position, context.position + found.end())
    title = f"a repeat is written `* {found[1]}`"
    fix = Fix(f"write `* {found[1]}`", span, f"* {found[1]}", safe=True)
    return Diagnostic("A014", title, (SpanLabel(span),), fixes=(fix,))


def named_stride(context: ParserContext) -> Diagnostic | None:
    """`conv 3x3/s`, `conv 3x3/2*s`: an expression without its brackets."""
    text, at = context.source.text, context.position
    name = re.match(r"[A-Za-z_]\w*", text[at : at + 80])
    slash = len(text[:at].rstrip(" \t")) - 1
    if name is None or "SIZE_OPEN" not in context.accepted or text[slash] != "/":
        return None
    span = Span(context.source, at, at + name.end())
    title = "a value stands in brackets"
    written = Span(context.source, slash, span.end)
    fix = Fix(f"write `/({name.group()})`", written, f"/({name.group()})", safe=True)
    return Diagnostic("A001", title, (SpanLabel(span),), fixes=(fix,))
