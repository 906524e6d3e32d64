"""Lines of Python that stand around the layers of a pasted class, and what becomes of them."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import lru_cache

from archc import habits, syntax
from archc.source import Diagnostic, Edit, Fix, Source, Span, SpanLabel
from archc.syntax.expected import ParserContext, unexpected
from archc.syntax.suites import Suite, channels_that_come_in, is_defined, suite_below

_MARK = re.compile(r"""(?P<quote>["'])(?:\\.|(?!(?P=quote)).)*(?P=quote)|[()\[\]{}\n#]""")
_FAR_AHEAD = 10_000  # characters: of a class, or a statement
_MOST_CLASSES = 30
_CURRENT = frozenset("x out y h z output outputs logits".split())
_DECORATOR = re.compile(r"@[A-Za-z_][\w.]*[ \t]*(?:\([^()\n]*\))?[ \t]*(?=#|\n|\Z)")
_ASSIGNED = re.compile(r"(self\.)?([A-Za-z_]\w*)[ \t]*=(?!=)[ \t]*")
_NUMBERS = r"\[[\d.eE_+\-,\s\[\]]*\d[\d.eE_+\-,\s\[\]]*\]"
_LITERAL = re.compile(rf'[\d.eE_+\-]+|true|false|"[^"\n]*"|{_NUMBERS}')
_FIRST_AND_OTHERS = re.compile(  # [stride] + [1] * (n - 1)
    r"\[\s*(\w+)\s*\]\s*\+\s*\[\s*(\w+)\s*\]\s*\*\s*(\w+|\([^()]*\))"
)
_EMPTY = frozenset(("[]", "list()", "nn.ModuleList()", "OrderedDict()"))
_BALANCED = r"((?:[^()]|\([^()]*\))*)"
_CLASS = re.compile(r"^class[ \t]+([A-Za-z_]\w*)", re.MULTILINE)
_LEAVE_OUT = "leave the line out"


@dataclass(frozen=True, slots=True)
class PythonLine:
    """A statement of Python at a place of a text."""

    source: Source
    start: int

    @property
    def end(self) -> int:
        return _statement_end(self.source.text, self.start)

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    @property
    def span(self) -> Span:
        return Span(self.source, self.start, self.end)

    @property
    def whole(self) -> Span:
        """With its blanks and the end of its last line; less where something stands before it."""
        text = self.source.text
        margin = text.rfind("\n", 0, self.start) + 1
        if text[margin : self.start].strip():
            return self.span
        after = text.find("\n", self.end)
        return Span(self.source, margin, len(text) if after < 0 else after + 1)

    def removal(self, *, safe: bool = False) -> Fix:
        """The cure that leaves its lines out."""
        return Fix(_LEAVE_OUT, self.whole, "", safe)


def _statement_end(text: str, start: int) -> int:
    """Where a statement of Python ends: at the end of its line, or of its last bracket's."""
    depth = 0
    for found in _MARK.finditer(text, start, start + _FAR_AHEAD):
        mark = found.group()
        depth += (mark in "([{") - (mark in ")]}")
        if depth < 0 or (depth == 0 and mark in "\n#"):
            return len(text[: found.start()].rstrip())
    return len(text[: start + _FAR_AHEAD].rstrip())


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
    help = "operators are known by their names"
    return replace(said, helps=(help,), fixes=(line.removal(safe=True),))


def _def(line: PythonLine, said: Diagnostic) -> Diagnostic:
    """A `def` goes where its parameters say nothing: `__init__(self)`, `forward(self, x)`."""
    found = re.match(rf"def[ \t]+(__init__|forward|call)[ \t]*\({_BALANCED}\)", line.text)
    if found is None:
        return said
    given = [name for name in found[2].split(",") if name.strip()]
    if len(given) <= (1 if found[1] == "__init__" else 2):
        return replace(said, fixes=(line.removal(safe=True),))
    if found[1] == "__init__":
        formals = ", ".join(_formals(found[2]))
        help = f"a block has its parameters behind its name: `block name({formals}) {{ ... }}`"
        return replace(said, helps=(help,), fixes=(line.removal(),))
    help = "an input has a line of its own: `input left 105x105 x1`; a block's is `@skip`"
    return replace(said, helps=(help,))


def _super(line: PythonLine, said: Diagnostic) -> Diagnostic:
    if not re.fullmatch(r"super\([\w, \t]*\)\.__init__\([^()]*\)", line.text):
        return said
    return replace(said, fixes=(line.removal(safe=True),))


def _return(line: PythonLine, said: Diagnostic) -> Diagnostic:
    """`return x` goes; of `return F.relu(x)` the layer stays."""
    value = line.text.removeprefix("return").strip()
    if value in _CURRENT or not value:
        return replace(said, fixes=(line.removal(safe=True),))
    made = habits.translated(value)
    if made is None or not made.text or made.lost:
        return said
    return replace(said, fixes=(Fix(f"write `{made.text}`", line.span, made.text, made.sure),))


def _class(line: PythonLine, said: Diagnostic) -> Diagnostic:
    """A class is a block, unless it is the file's network."""
    found = re.match(r"class[ \t]+([A-Za-z_]\w*)", line.text)
    if found is None:
        return said
    network, edits, lacking = _written_classes(line.source)
    if own := [edit for edit in edits if edit.span.start == line.start]:
        also = tuple(edit for edit in edits if edit not in own)
        head = own[0].text.split("\n")[0].removesuffix(" {")
        written = f"{head} {{ ... }}" if head.startswith("block") else head
        more = f", and the other {'class' if len(edits) == 2 else 'classes'}" if also else ""
        title = f"write `{written}`{more}, with the layers in the order of `forward`"
        return replace(said, helps=(), fixes=(Fix(title, own[0].span, own[0].text, also=also),))
    why = lacking.get(found[1])
    helps = (f"what cannot be put in the order of `forward` is {why}",) if why else ()
    below = suite_below(line.source.text, line.start)
    if network == found[1]:
        return _as_network(line, said, found[1], below, helps)
    return _as_block(line, said, found[1], below, helps)


def _as_network(
    line: PythonLine, said: Diagnostic, name: str, below: Suite, helps: tuple[str, ...]
) -> Diagnostic:
    """Its name and params alone, where nobody knows in which order its layers run."""
    if below.is_empty:
        return replace(said, helps=(*said.helps, *helps))
    formals = [
        formal.replace("=", " = ") for formal in _init_of(line.source, below) if "=" in formal
    ]
    head = "\n".join([f"network {name}", *(f"param {formal}" for formal in formals)])
    also = _lines_of_init(line.source, below)
    fix = Fix(f"write `network {name}`", line.span, head, also=also)
    return replace(said, helps=("the file is the network", *helps), fixes=(fix,))


def _as_block(
    line: PythonLine, said: Diagnostic, name: str, below: Suite, helps: tuple[str, ...]
) -> Diagnostic:
    """Its head and its braces alone, where nobody knows in which order its layers run."""
    source, text = line.source, line.source.text
    formals = ", ".join(_init_of(source, below))
    written = f"block {name}({formals})"
    if below.is_empty or not line.text.endswith(":"):
        help = f"a class of layers is a block: `{written} {{ ... }}`"
        return replace(said, helps=(help, *helps))
    margin = text[text.rfind("\n", 0, line.start) + 1 : line.start]
    closing = Edit(Span(source, below.end, below.end), f"\n{margin}}}")
    also = (closing, *_lines_of_init(source, below))
    fix = Fix(f"write `{written} {{ ... }}`", line.span, f"{written} {{", also=also)
    return replace(said, helps=("a class of layers is a block", *helps), fixes=(fix,))


def _init_of(source: Source, below: Suite) -> list[str]:
    """The parameters of a class's `__init__`."""
    made = re.search(
        rf"def[ \t]+__init__[ \t]*\({_BALANCED}\)", source.text[below.start : below.end]
    )
    return _formals(made[1]) if made is not None else []


def _lines_of_init(source: Source, below: Suite) -> tuple[Edit, ...]:
    """The edits that leave out `def __init__(...)` and `super().__init__()`."""
    inside = source.text[below.start : below.end]
    places = re.finditer(r"^[ \t]*(?=def __init__\b|super\()", inside, re.MULTILINE)
    ends = (below.start + found.end() for found in places)
    return tuple(Edit(PythonLine(source, at).whole, "") for at in ends)


@lru_cache(maxsize=1)  # each of them asks
def _written_classes(source: Source) -> tuple[str, tuple[Edit, ...], dict[str, str]]:
    """The class that is the network, the edits for all of them, and what is lacking for each."""
    classes = PastedClasses(source)
    return classes.network, *classes.edits()


class PastedClasses:
    """The classes of a text, each with its lines."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.spans: dict[str, Span] = {}
        self.read: dict[str, habits.ForeignClass] = {}
        text = source.text
        for found in _CLASS.finditer(text):
            span = Span(source, found.start(), suite_below(text, found.start()).end)
            self.spans[found[1]] = span
            is_long = span.end - span.start > _FAR_AHEAD or len(self.read) >= _MOST_CLASSES
            if not is_long and (made := habits.read_class(span.text)):
                self.read[found[1]] = made
        has_network = re.search(r"^[ \t]*network\b", text, re.MULTILINE)
        self.network = "" if has_network else next(reversed(self.spans), "")

    def edits(self) -> tuple[tuple[Edit, ...], dict[str, str]]:
        """Those that write all that can be written, and what cannot be said of the others."""
        edits, lacking = [], dict[str, str]()
        for name, cls in self.read.items():
            try:
                if name == self.network:
                    edits += self._network_edits(cls)
                else:
                    text = habits.written_block(cls, self.read)
                    edits.append(Edit(self.spans[name], text))
            except habits.NotSaid as why:
                lacking[name] = str(why)
            except RecursionError:
                lacking[name] = "what is nested so deep"
        return tuple(edits), lacking

    def _network_edits(self, cls: habits.ForeignClass) -> list[Edit]:
        """The network, by the call that makes it; the functions that do nothing else go."""
        text = self.source.text
        own = self.spans[cls.name]
        call = ""
        edits = []
        for found in re.finditer(rf"(?<![\w.]){cls.name}\(", text):
            if own.start <= found.start() < own.end:
                continue
            line = PythonLine(self.source, found.start())
            call = call or line.text
            head = text.rfind("\ndef ", 0, found.start()) + 1
            below = suite_below(text, head)
            is_alone = re.fullmatch(
                rf"\s*return[ \t]+{cls.name}\(.*\)", text[below.start : below.end]
            )
            if text.startswith("def ", head) and found.start() < below.end and is_alone:
                edits.append(Edit(Span(self.source, head, below.end), ""))
        return [Edit(own, habits.written_network(cls, self.read, call)), *edits]


def _formals(parameters: str) -> list[str]:
    """A block's parameters by those of `__init__`, without `self` and the channels that come in."""
    formals = []
    for given in re.findall(r"(?:\([^()]*\)|\[[^\[\]]*\]|[^,])+", parameters):
        name, _, default = (part.strip() for part in re.sub(r":[^=]*", "", given).partition("="))
        default = default.lower().replace("(", "[").replace(")", "]")
        if not name or name == "self" or name.startswith("*") or habits.is_incoming(name):
            continue
        if not default:
            formals.append(name)
        elif _LITERAL.fullmatch(default):
            formals.append(f"{name}={default}")
    return formals


_CASES = {
    "import": _import,
    "from": _import,
    "def": _def,
    "super": _super,
    "return": _return,
    "class": _class,
}


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


def _reserved_name(name: str, value: str, label: SpanLabel) -> Diagnostic | None:
    if not _LITERAL.fullmatch(value):
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
    if {name, *_CURRENT}.intersection(re.findall(r"\w+", value)):  # of a tensor
        return None
    literal = {"True": "true", "False": "false"}.get(value, value)
    made = _FIRST_AND_OTHERS.fullmatch(value)
    is_param = _LITERAL.fullmatch(literal) is not None and not context.brackets
    if _LITERAL.fullmatch(literal):
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
    if is_own:
        title = f"`{line.text}` is written in another way here"
        return Diagnostic("A014", title, (SpanLabel(line.span),), fixes=(fix,))
    return unexpected(context, "", fix)


# --- the user's own blocks -----------------------------------------------------------------------


def _without_channels(text: str, name: str, call: str) -> tuple[str, bool]:
    """A call without the channels that come in, and whether it is known that it had them.

    Torch's modules have them first, a block has not.
    """
    head = re.search(rf"^[ \t]*(?:block|sequence)[ \t]+{name}[ \t]*\({_BALANCED}\)", text, re.M)
    inside = call[call.index("(") + 1 : call.rindex(")")]
    given = re.findall(r"(?:\([^()]*\)|\[[^\[\]]*\]|[^,])+", inside)
    bare = [argument for argument in given if "=" not in argument]
    if head is None or len(bare) < 2:
        return call, len(bare) < 2
    formals = [formal for formal in head[1].split(",") if formal.strip()]
    if len(given) > len(formals):
        return f"{name}({','.join(given[1:]).strip()})", True
    return call, False


def applied_block(line: PythonLine, blocks: Collection[str]) -> Diagnostic | None:
    """`x = BasicBlock(512)(x)`: a block takes the tensor of the statement before it."""
    found = habits.applied_call(line.text)
    if found is None or found.name not in blocks:
        return None
    label = found.target.removeprefix("self.")
    is_name = label.isidentifier() and label not in (*_CURRENT, *found.tensors)
    call, sure = _without_channels(line.source.text, found.name, found.text)
    written = f"{label}: {call}" if is_name else call
    title = f"`{found.name}` takes the tensor of the statement before it"
    help = "its arguments are the block's, without the channels that come in"
    fix = Fix(f"write `{written}`", line.span, written)
    helps = () if sure else (help,)
    return Diagnostic("A014", title, (SpanLabel(line.span),), helps=helps, fixes=(fix,))


def made_layer(line: PythonLine, blocks: Collection[str]) -> Diagnostic | None:
    """`self.layer2 = self._make_layer(BasicBlock, 128, 2, stride=2)`."""
    found = habits.repeated_block(line.text)
    if found is None:
        return None
    help = f"blocks in a row are a repeat: `{found.text}`"
    known = found.block in blocks
    return Diagnostic(
        "A014",
        f"archc has no methods such as `{found.method}`",
        (SpanLabel(line.span),),
        helps=() if known else (help,),
        fixes=(Fix(help, line.span, found.text),) if known else (),
    )


def own_block(line: PythonLine, blocks: Collection[str]) -> Diagnostic | None:
    """`self.layer1 = BasicBlock(64)`."""
    found = re.match(r"self\.(\w+)[ \t]*=[ \t]*([A-Za-z_]\w*)(\([^\n#]*\))$", line.text)
    if found is None or not (found[2] in blocks or found[2][0].isupper()):
        return None
    label, name, arguments = found.groups()
    labels = (SpanLabel(line.span),)
    if name not in blocks:
        title = f"there is no operator or block `{name}`"
        help = f"define it: `block {name}() {{ ... }}`; then this is `{label}: {name}(...)`"
        return Diagnostic("A014", title, labels, helps=(help,))
    call, sure = _without_channels(
        line.source.text, name, f"{name}{arguments.replace('self.', '')}"
    )
    written = f"{label}: {call}"
    title = f"`{line.text}` is written in another way here"
    if not sure:
        help = f"write `{label}: {name}(...)`, without the channels that come in"
        return Diagnostic("A014", title, labels, helps=(help,))
    return Diagnostic("A014", title, labels, fixes=(Fix(f"write `{written}`", line.span, written),))


def docstring(line: PythonLine) -> Diagnostic | None:
    """Three quotes: what they say is a comment here."""
    text = line.source.text
    found = re.compile(r'"""(.*?)"""', re.DOTALL).match(text, line.start)
    if found is None or found.end() - found.start() > _FAR_AHEAD:
        return None
    margin = text[text.rfind("\n", 0, line.start) + 1 : line.start]
    lines = [said.strip() for said in found[1].strip().split("\n")]
    meant = f"\n{margin}".join(f"# {said}".rstrip() for said in lines)
    span = Span(line.source, *found.span())
    fix = Fix("write a comment: `# ...`", span, meant, safe=not margin.strip())
    return Diagnostic("A014", "a comment begins with `#`", (SpanLabel(line.span),), fixes=(fix,))


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


def module_calls(line: PythonLine) -> Diagnostic | None:
    """`y = self.pool(x).view(b, c)`."""
    if not re.match(r"[\w, \t]+=[ \t]*self\.\w", line.text):
        return None
    made = habits.Translation("self", lacks=habits.lacking_of_python("self"))
    return habits.as_diagnostic("A014", made, line.span)
