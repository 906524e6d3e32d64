"""Lines of Python that stand around the layers of a pasted class, and what becomes of them."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice

from archc import habits, syntax
from archc.source import Diagnostic, Edit, Fix, Source, Span, SpanLabel
from archc.syntax.expected import ParserContext, unexpected
from archc.syntax.forward_suite import forward_suite
from archc.syntax.pasted_classes import (
    helper_function,
    is_in_class,
    is_pasted_network,
    pasted_class,
)
from archc.syntax.pasted_file import LITERAL, formals_of, pasted_classes
from archc.syntax.python import BALANCED, CURRENT, FAR_AHEAD, PythonLine
from archc.syntax.script import has_words, is_script, makes_layers
from archc.syntax.suites import channels_that_come_in, is_defined, suite_below, without_suite

_DECORATOR = re.compile(r"@[A-Za-z_][\w.]*[ \t]*(?:\([^()\n]*\))?[ \t]*(?=#|\n|\Z)")
_ASSIGNED = re.compile(r"(self\.)?([A-Za-z_]\w*)[ \t]*=(?!=)[ \t]*")
_FIRST_AND_OTHERS = re.compile(  # [stride] + [1] * (n - 1)
    r"\[\s*(\w+)\s*\]\s*\+\s*\[\s*(\w+)\s*\]\s*\*\s*(\w+|\([^()]*\))"
)
_LAYERS = re.compile(r"(?<![\w.])(?:nn|F|self|layers|keras|tf)\.|\btorch\.(?!rand|ones|zeros|load)")
_IMPORT = re.compile(
    r"^(?:import[ \t]+[\w., \t]+|from[ \t]+[\w.]+[ \t]+import\b[^\n]*?)(?=#|\n|\Z)", re.MULTILINE
)
_MOST = 100
_EMPTY = frozenset(("[]", "list()", "nn.ModuleList()", "OrderedDict()"))


# --- statements that begin with a word of Python ------------------------------------------------


def python_line(line: PythonLine, code: str = "A014") -> Diagnostic | None:
    """`import torch`, `class Net(nn.Module):`, `super().__init__()`, `return x`."""
    start = line.start
    word = re.match(r"[a-z]+\b", line.source.text[start : start + 20])
    lacks = habits.lacking_of_python(word.group()) if word is not None else ""
    if word is None or not lacks:
        return None
    made = habits.Translation(word.group(), lacks=lacks)
    said = habits.as_diagnostic(code, made, Span(line.source, start, start + word.end()))
    case = _CASES.get(word.group())
    return said if case is None else case(line, said)


def _import(line: PythonLine, said: Diagnostic) -> Diagnostic:
    """An import goes with all the others of its file; one that is further in alone."""
    help = "operators are known by their names"
    fix, lines = line.removal(safe=True), _imports(line.source)
    if len(lines) > 1 and line in lines:
        also = tuple(Edit(other.whole, "") for other in lines if other != line)
        fix = replace(fix, title=f"leave the {len(lines)} imports out", also=also)
    return replace(said, helps=(help,), fixes=(fix,))


def _imports(source: Source) -> list[PythonLine]:
    """The imports at the margin of a file."""
    found = islice(_IMPORT.finditer(source.text), _MOST)
    return [PythonLine(source, line.start()) for line in found]


def _def(line: PythonLine, said: Diagnostic) -> Diagnostic:
    """A `def` goes where its parameters say nothing: `__init__(self)`, `forward(self, x)`.

    In a class it stays: the class is to be written first, and needs it.
    """
    found = re.match(rf"def[ \t]+(__init__|forward|call)[ \t]*\({BALANCED}\)", line.text)
    if found is None:
        return helper_function(line, said) or _function(line, said)
    given = [name for name in found[2].split(",") if name.strip()]
    kept = is_in_class(line)
    if found[1] == "forward" and not kept and (of_layers := forward_suite(line, said)):
        return of_layers
    if len(given) <= (1 if found[1] == "__init__" else 2):
        return said if kept else replace(said, fixes=(line.removal(safe=True),))
    if found[1] == "__init__":
        formals = ", ".join(formals_of(found[2]))
        help = f"a block has its parameters behind its name: `block name({formals}) {{ ... }}`"
        return replace(said, helps=(help,), fixes=() if kept else (line.removal(),))
    help = "an input has a line of its own: `input left 105x105 x1`; a block's is `@skip`"
    return replace(said, helps=(help,))


def _function(line: PythonLine, said: Diagnostic) -> Diagnostic:
    """A function beside the classes goes where it computes no layers: `def test():`."""
    text = line.source.text
    is_outside = line.start == text.rfind("\n", 0, line.start) + 1
    below = suite_below(text, line.end)
    if not is_outside or below.is_empty:
        return said
    function = text[line.start : min(below.end, line.start + FAR_AHEAD)]
    node = habits.read_statement(function)
    if node is None or has_words(node):  # layers in it are archc's by now
        header = re.match(r"def[ \t]+(\w+)\([ \t]*\)", function)
        return said if header is None else replace(said, fixes=(_without_header(line, header[1]),))
    if makes_layers(node) or (_LAYERS.search(function) and not is_script(node)):
        return said
    return replace(said, fixes=(without_suite(line),))


def _without_header(line: PythonLine, name: str) -> Fix:
    """The cure that keeps what a function makes, but not its header and its calls."""
    calls = re.finditer(rf"^\w+[ \t]*=[ \t]*{name}\(\)[ \t]*(?:\n|\Z)", line.source.text, re.M)
    also = (Edit(Span(line.source, *call.span()), "") for call in islice(calls, _MOST))
    return replace(line.removal(), also=tuple(also))


def _super(line: PythonLine, said: Diagnostic) -> Diagnostic:
    if not re.fullmatch(r"super\([\w, \t]*\)\.__init__\([^()]*\)", line.text):
        return said
    return replace(said, fixes=(line.removal(safe=True),))


def _return(line: PythonLine, said: Diagnostic) -> Diagnostic:
    """`return x` goes; of `return F.relu(x)` the layer stays."""
    value = line.text.removeprefix("return").strip()
    has_label = re.search(rf"^[ \t]*{re.escape(value)}:", line.source.text, re.MULTILINE)
    if not value or value in CURRENT or (value.isidentifier() and has_label is None):
        return replace(said, fixes=(line.removal(safe=True),))
    made = habits.translated(value)
    if made is None or not made.text or made.lost:
        return said
    return replace(said, fixes=(Fix(f"write `{made.text}`", line.span, made.text, made.sure),))


_CASES = {
    "import": _import,
    "from": _import,
    "def": _def,
    "super": _super,
    "return": _return,
    "class": pasted_class,
}


_PROGRAM = re.compile(
    r"""if[ \t]*\(?[ \t]*__name__[ \t]*==[ \t]*(["'])__main__\1[ \t]*\)?[ \t]*:"""
)


def program(context: ParserContext) -> Diagnostic | None:
    """`if __name__ == "__main__":` with what is below it."""
    source, line = context.source, PythonLine(context.source, context.start)
    if not _PROGRAM.match(source.text, line.start):
        return None
    title = "archc has no programs"
    help = "a file says what the network is, not what to do"
    has_class = re.search(r"^class\b", source.text, re.MULTILINE)  # which it may construct
    fix = without_suite(line, safe=has_class is None)
    return Diagnostic("A014", title, (SpanLabel(line.span),), helps=(help,), fixes=(fix,))


def decorator(line: PythonLine, code: str = "A014") -> Diagnostic | None:
    """`@torch.no_grad()`, `@staticmethod` above a `def`."""
    text = line.source.text
    found = _DECORATOR.match(text, line.start)
    if found is None:
        return None
    below = re.compile(r"[^\n]*\n\s*(?:def|class|@)").match(text, found.end())
    if below is None and not re.match(r"@[\w.]+\.\w+[ \t]*\(|@(?:static|class)method", found[0]):
        return None
    fix = line.removal(safe=True)
    return Diagnostic(code, "archc has no decorators", (SpanLabel(line.span),), fixes=(fix,))


# --- values ----------------------------------------------------------------------------------


def assignment(context: ParserContext) -> Diagnostic | None:
    """`width = 64`, `self.in_planes = 64`, `layers = []`: a value that gets a name."""
    line = PythonLine(context.source, context.start)
    statement, label = line.text, SpanLabel(line.span)
    found = _ASSIGNED.match(statement)
    if found is None or context.position > line.start + found.end():
        return None
    if "PERCENT" in context.accepted and not context.head:  # in `meta { ... }`
        return None
    name, value = found[2], statement[found.end() :].strip()
    if not found[1] and _runs_network(line.source, value):
        help = "a file says what the network is, not what to do"
        title, fix = "archc has no programs", line.removal()
        return Diagnostic("A014", title, (label,), helps=(help,), fixes=(fix,))
    if not found[1] and _is_data(line, name, value):
        help = "a file says what the network is, and nothing beside it"
        title, fix = "archc has no tables of other things", line.removal()
        return Diagnostic("A014", title, (label,), helps=(help,), fixes=(fix,))
    if value in _EMPTY:
        help = "statements follow each other"
        title, fix = "archc has no lists to put layers into", line.removal()
        return Diagnostic("A014", title, (label,), helps=(help,), fixes=(fix,))
    if found[1] and (value == "None" or re.fullmatch(r"[A-Za-z_]\w*", value)):
        help = "a block's parameters and the layers' labels are known by their names"
        title, fix = f"`{statement}` says nothing here", line.removal()
        return Diagnostic("A014", title, (label,), helps=(help,), fixes=(fix,))
    if name in (*syntax.RESERVED, "input") and not found[1]:
        return _reserved_name(name, value, label)
    return _value(context, line, bool(found[1]), name, value)


def _is_data(line: PythonLine, name: str, value: str) -> bool:
    """`__all__ = ["Net"]`, `model_urls = {...}` beside the classes, which do not ask for it."""
    is_outside = line.start == line.source.text.rfind("\n", 0, line.start) + 1
    if not is_outside or not re.match(r"\{|[\[(]\s*[\"']", value):
        return False
    return not pasted_classes(line.source).asks_for(name)


def _runs_network(source: Source, value: str) -> bool:
    """`ResNet18()` of a function or a network of the file, `torch.randn(1, 3, 32, 32)`."""
    if re.match(r"torch\.(?:randn|rand|zeros|ones)\(", value):
        return True
    called = re.match(r"([A-Za-z_]\w*)\([ \t]*(\w*)", value)
    if called is None or called[2] in CURRENT:  # of a tensor: layers, perhaps
        return False
    known = re.search(rf"^(?:def|network)[ \t]+{called[1]}\b", source.text, re.MULTILINE)
    return known is not None or is_pasted_network(source, called[1])


def _reserved_name(name: str, value: str, label: SpanLabel) -> Diagnostic | None:
    if not LITERAL.fullmatch(value):
        return None
    title = f"`{name}` is a word of the language and cannot be a name"
    help = f"a value has another name, as in `param {name}_ = {value}`"
    if name == "input":
        shape = f"{value}x{value}" if value.isdigit() else "224x224"
        help = f"the shape of the input is a line of its own, as in `input {shape} x3`"
    return Diagnostic("A012", title, (label,), helps=(help,))


def _value(
    context: ParserContext, line: PythonLine, is_own: bool, name: str, value: str
) -> Diagnostic | None:
    """A number is a param of the file, or a `let`; a list by a rule is written as one."""
    if {name, *CURRENT}.intersection(re.findall(r"\w+", value)):  # of a tensor
        return None
    literal = {"True": "true", "False": "false"}.get(value, value)
    made = _FIRST_AND_OTHERS.fullmatch(value)
    in_class = is_in_class(line)  # which is to be written first, as a block
    is_param = bool(LITERAL.fullmatch(literal)) and not context.brackets and not in_class
    if LITERAL.fullmatch(literal):
        meant = literal
    elif made is not None:
        meant = f"[{made[1]} if i == 0 else {made[2]} for i in 0..{made[3].strip('()')}]"
    elif re.fullmatch(r"[A-Za-z_]\w*", value) and is_defined(line.source.text, value):
        meant = value
    else:
        incoming = channels_that_come_in(line.source.text, value)
        worked_out = habits.value_of_python(value, incoming)
        if worked_out is None:
            return None
        meant = worked_out if incoming or "int(" in value else value.replace("self.", "")
    written = f"{'param' if is_param else 'let'} {name} = {meant}"
    help = f"a value with a name is a {'param' if is_param else '`let`'}: `{written}`"
    fix = Fix(help, line.span, written, safe=is_param and not is_own)
    if is_own or in_class:
        title = f"`{line.text}` is written in another way here"
        return Diagnostic("A014", title, (SpanLabel(line.span),), fixes=(fix,) * (not in_class))
    return unexpected(context, "", fix)


_QUOTES = re.compile(
    r"""[rR]?(?P<quotes>\"{3}|'{3})(?P<said>.*?)(?P<close>(?P=quotes)|\Z)""", re.DOTALL
)


def docstring(line: PythonLine) -> Diagnostic | None:
    """Three quotes of either kind: what they say is a comment here."""
    text = line.source.text
    found = _QUOTES.match(text, line.start)
    if found is None or found.end() - found.start() > FAR_AHEAD:
        return None
    title, label = "a comment begins with `#`", SpanLabel(line.span)
    if not found["close"]:
        help = f"`{found['quotes']}` is never closed"
        return Diagnostic("A014", title, (label,), helps=(help,))
    margin = text[text.rfind("\n", 0, line.start) + 1 : line.start]
    lines = [said.strip() for said in found["said"].strip().split("\n")]
    meant = f"\n{margin}".join(f"# {said}".rstrip() for said in lines)
    span = Span(line.source, *found.span())
    fix = Fix("write a comment: `# ...`", span, meant, safe=not margin.strip())
    return Diagnostic("A014", title, (label,), fixes=(fix,))


_SIZES = re.compile(r"[\w, \t]+=[ \t]*\w+\.(?:size\(\)|shape)(?=[ \t]*(?:\n|#|\Z))")


def sizes(context: ParserContext) -> Diagnostic | None:
    """`b, c, h, w = x.size()`."""
    line = PythonLine(context.source, context.start)
    found = _SIZES.match(line.source.text, line.start)
    if found is None or not line.start <= context.position < found.end():
        return None
    help = "the sizes of what comes in are `in.c`, `in.h` and `in.w`"
    title, fix = f"`{line.text}` is written in another way here", line.removal()
    return Diagnostic("A014", title, (SpanLabel(line.span),), helps=(help,), fixes=(fix,))


def empty_module(line: PythonLine) -> Diagnostic | None:
    """`self.shortcut = nn.Sequential()`, which gets its layers further down, by a test."""
    if found := re.fullmatch(r"(\w+)[ \t]*=[ \t]*(?:\w+\.)*Sequential\(\)", line.text):
        if re.compile(rf"^[ \t]*{found[1]}\.add\(", re.M).search(line.source.text, line.end):
            title = f"`{line.text}` says nothing here"
            help, fix = "statements follow each other", line.removal(safe=True)
            return Diagnostic("A014", title, (SpanLabel(line.span),), helps=(help,), fixes=(fix,))
        return None
    found = re.fullmatch(
        r"self\.(\w+)[ \t]*=[ \t]*(?:nn\.(?:Sequential|Identity)\(\)|None)", line.text
    )
    if found is None:
        return None
    again = re.compile(rf"\bself\.{found[1]}[ \t]*=|\b{found[1]}:[ \t]*[^\s:]")
    if again.search(line.source.text, line.end) is None:
        return None
    title = f"`{line.text}` says nothing here"
    help = f"without the layers that `{found[1]}` gets below, the tensor stays as it is"
    fix = line.removal()
    return Diagnostic("A014", title, (SpanLabel(line.span),), helps=(help,), fixes=(fix,))


def module_calls(line: PythonLine) -> Diagnostic | None:
    """`y = self.pool(x).view(b, c)`."""
    if not re.match(r"[\w, \t]+=[ \t]*self\.\w", line.text):
        return None
    made = habits.Translation("self", lacks=habits.lacking_of_python("self"))
    return habits.as_diagnostic("A014", made, line.span)
