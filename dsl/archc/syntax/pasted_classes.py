"""A pasted class of torch's: a block, or the network."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from itertools import islice

from archc import habits
from archc.source import Diagnostic, Edit, Fix, Source, Span
from archc.syntax.pasted_network import ClassInFile
from archc.syntax.python import BALANCED, FAR_AHEAD, PythonLine
from archc.syntax.suites import Suite, suite_below

_MOST_CLASSES = 30
_YOURS = "its lines are yours to translate"
_CLASS = re.compile(r"^class[ \t]+([A-Za-z_]\w*)", re.MULTILINE)
_FUNCTION = re.compile(r"^def[ \t]+([A-Za-z_]\w*)", re.MULTILINE)
_BLOCK = re.compile(
    rf"^[ \t]*block[ \t]+([A-Za-z_]\w*)[ \t]*(?:\({BALANCED}\))?[ \t]*\{{", re.MULTILINE
)
_NUMBERS = r"\[[\d.eE_+\-,\s\[\]]*\d[\d.eE_+\-,\s\[\]]*\]"
LITERAL = re.compile(rf'[\d.eE_+\-]+|true|false|"[^"\n]*"|{_NUMBERS}')


def pasted_class(line: PythonLine, said: Diagnostic) -> Diagnostic:
    """A class is a block, unless it is the file's network."""
    found = re.match(r"class[ \t]+([A-Za-z_]\w*)", line.text)
    if found is None:
        return said
    network, edits, lacking = _written_classes(line.source)
    if own := [edit for edit in edits if edit.span.start == line.start]:
        also = tuple(edit for edit in edits if edit not in own)
        head = own[0].text.split("\n")[0].removesuffix(" {")
        written = f"{head} {{ ... }}" if head.startswith("block") else head
        others = sum(bool(edit.text) for edit in also)
        more = f", and the other {'class' if others == 1 else 'classes'}" if others else ""
        title = f"write `{written}`{more}, with the layers in the order of `forward`"
        return replace(said, helps=(), fixes=(Fix(title, own[0].span, own[0].text, also=also),))
    why = lacking.get(found[1])
    helps = (f"what cannot be put in the order of `forward` is {why}",) if why else ()
    below = suite_below(line.source.text, line.start)
    if network == found[1]:
        return _as_network(line, said, found[1], below, helps)
    return _as_block(line, said, found[1], below, helps)


def helper_function(line: PythonLine, said: Diagnostic) -> Diagnostic | None:
    """A function goes with the classes that it makes a layer for, or a network of."""
    _, edits, _ = _written_classes(line.source)
    own = [edit for edit in edits if edit.span.start == line.start and not edit.text]
    if not own:
        return None
    also = tuple(edit for edit in edits if edit not in own)
    title = "write the classes, with the layers in the order of `forward`, and leave this out"
    return replace(said, helps=(), fixes=(Fix(title, own[0].span, "", also=also),))


def is_pasted_network(source: Source, name: str) -> bool:
    """Whether a name is that of the class which is the file's network."""
    return _written_classes(source)[0] == name


def is_in_class(line: PythonLine) -> bool:
    """Whether a line stands below `class Unit(nn.Module):`, further right than it."""
    text = line.source.text
    headers = list(_CLASS.finditer(text, max(0, line.start - FAR_AHEAD), line.start))
    return bool(headers) and line.start < suite_below(text, headers[-1].start()).end


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
    fix = Fix(f"write the header as `network {name}`; {_YOURS}", line.span, head)
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
    title = f"write the header as `{written} {{ ... }}`; {_YOURS}"
    fix = Fix(title, line.span, f"{written} {{", also=(closing,))
    return replace(said, helps=("a class of layers is a block", *helps), fixes=(fix,))


def _init_of(source: Source, below: Suite) -> list[str]:
    """The parameters of a class's `__init__`."""
    made = re.search(
        rf"def[ \t]+__init__[ \t]*\({BALANCED}\)", source.text[below.start : below.end]
    )
    return formals_of(made[1]) if made is not None else []


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
            is_long = span.end - span.start > FAR_AHEAD or len(self.read) >= _MOST_CLASSES
            if not is_long and (made := habits.read_class(span.text)):
                self.read[found[1]] = made
        self.helpers = self._helpers()
        helpers = {name: helper for name, (helper, _) in self.helpers.items()}
        self.read = {n: habits.with_helpers(cls, helpers) for n, cls in self.read.items()}
        self.others = self._blocks() | self.read
        has_network = re.search(r"^[ \t]*network\b", text, re.MULTILINE)
        last = "" if has_network else next(reversed(self.spans), "")
        self.network = last if last and self._in_file(last).is_network else ""

    def _blocks(self) -> dict[str, habits.ForeignClass]:
        """The blocks that the file has."""
        heads = islice(_BLOCK.finditer(self.source.text), _MOST_CLASSES)
        blocks = (habits.class_of_block(found[1], found[2] or "") for found in heads)
        return {block.name: block for block in blocks if block is not None}

    def _helpers(self) -> dict[str, tuple[habits.HelperFunction, Span]]:
        """The functions that return a layer, each with its lines."""
        found, text = {}, self.source.text
        for header in islice(_FUNCTION.finditer(text), _MOST_CLASSES):
            span = Span(self.source, header.start(), suite_below(text, header.start()).end)
            names_class = bool(self.spans.keys() & set(re.findall(r"\w+", span.text)))
            is_short = span.end - span.start <= FAR_AHEAD and not names_class
            if is_short and (helper := habits.read_helper(span.text)):
                found[header[1]] = (helper, span)
        return found

    def _in_file(self, name: str) -> ClassInFile:
        """A class with what stands around it."""
        own = self.spans[name]
        formals = _init_of(self.source, suite_below(self.source.text, own.start))
        needed = tuple(formal for formal in formals if "=" not in formal)
        return ClassInFile(self.source, name, self.spans.values(), own, needed)

    def edits(self) -> tuple[tuple[Edit, ...], dict[str, str]]:
        """Those that write all that can be written, and what cannot be said of the others."""
        edits, lacking = [], dict[str, str]()
        for name, cls in self.read.items():
            try:
                if name == self.network:
                    edits += self._network_edits(cls)
                else:
                    text = habits.written_block(cls, self.others)
                    edits.append(Edit(self.spans[name], text))
            except habits.NotSaid as why:
                lacking[name] = str(why)
            except RecursionError:
                lacking[name] = "what is nested so deep"
        if len(self.read) == len(self.spans) and not lacking:  # else a class may need them still
            edits += [
                Edit(span, "") for name, (_, span) in self.helpers.items() if self._uses(name)
            ]
        return tuple(edits), lacking

    def _uses(self, function: str) -> bool:
        """Whether a class calls a function."""
        call = re.compile(rf"(?<![\w.]){function}\(")
        return any(call.search(span.text) for span in self.spans.values())

    def _network_edits(self, cls: habits.ForeignClass) -> list[Edit]:
        """The network, by the call that makes it; the functions that do nothing else go."""
        text = self.source.text
        in_file = self._in_file(cls.name)
        calls, edits = in_file.making_calls(), []
        for line in calls:
            if in_file.is_bare(line.start):
                edits.append(Edit(line.whole, ""))
            head = text.rfind("\ndef ", 0, line.start) + 1
            below = suite_below(text, head)
            is_alone = re.fullmatch(
                rf"\s*return[ \t]+{cls.name}\(.*\)", text[below.start : below.end]
            )
            if text.startswith("def ", head) and line.start < below.end and is_alone:
                edits.append(Edit(Span(self.source, head, below.end), ""))
        own, call = self.spans[cls.name], calls[0].text if calls else ""
        return [Edit(own, habits.written_network(cls, self.others, call)), *edits]


def formals_of(parameters: str) -> list[str]:
    """A block's parameters by those of `__init__`, without `self` and the channels that come in."""
    formals = []
    for given in re.findall(r"(?:\([^()]*\)|\[[^\[\]]*\]|[^,])+", parameters):
        name, _, default = (part.strip() for part in re.sub(r":[^=]*", "", given).partition("="))
        default = default.lower().replace("(", "[").replace(")", "]")
        if not name or name == "self" or name.startswith("*") or habits.is_incoming(name):
            continue
        if not default:
            formals.append(name)
        elif LITERAL.fullmatch(default):
            formals.append(f"{name}={default}")
    return formals
