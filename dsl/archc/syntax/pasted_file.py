"""The classes of a pasted file of torch's, and the edits that write them as a network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice

from archc import habits
from archc.source import Edit, Source, Span, edited
from archc.syntax.pasted_network import ClassInFile, statements_outside
from archc.syntax.python import BALANCED, FAR_AHEAD, PythonLine
from archc.syntax.said_input import SaidInput, said_inputs
from archc.syntax.suites import Suite, suite_below

_MOST_CLASSES = 30
_HEAD = re.compile(r"(?:network|param)\b")
CLASS = re.compile(r"^class[ \t]+([A-Za-z_]\w*)", re.MULTILINE)
_FUNCTION = re.compile(r"(?:^@[^\n]*\n)*^(?P<word>def)[ \t]+([A-Za-z_]\w*)", re.MULTILINE)
_BLOCK = re.compile(
    rf"^[ \t]*block[ \t]+([A-Za-z_]\w*)[ \t]*(?:\({BALANCED}\))?[ \t]*\{{", re.MULTILINE
)
_NUMBERS = r"\[[\d.eE_+\-,\s\[\]]*\d[\d.eE_+\-,\s\[\]]*\]"
LITERAL = re.compile(rf'[\d.eE_+\-]+|true|false|"[^"\n]*"|{_NUMBERS}')


@dataclass(frozen=True, slots=True)
class PastedNetwork:
    """The edits that write a network, and what its class says of the tensor that comes in."""

    edit: Edit
    others: tuple[Edit, ...]
    features: Mapping[str, int]  # of its linears
    channels: int | None
    makers: tuple[str, ...]  # the functions that make it, and the class itself
    said: tuple[SaidInput, ...]  # what the file runs it on

    def with_line(self, line: str) -> Edit:
        """The edit with a line for the input, behind the params."""
        lines = self.edit.text.split("\n")
        at = next((n for n, text in enumerate(lines) if not _HEAD.match(text)), len(lines))
        return Edit(self.edit.span, "\n".join([*lines[:at], *filter(None, [line]), *lines[at:]]))

    def text(self, line: str) -> str:
        """The file then."""
        return edited(self.edit.span.source.text, (self.with_line(line), *self.others))


@lru_cache(maxsize=1)  # each of them asks
def pasted_classes(source: Source) -> PastedClasses:
    """The classes of a text."""
    return PastedClasses(source)


class PastedClasses:
    """The classes of a text, each with its lines."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.spans: dict[str, Span] = {}
        self.data: list[Span] = []  # classes without layers
        self.read: dict[str, habits.ForeignClass] = {}
        self.made: habits.WrittenNetwork | None = None
        text = source.text
        for found in CLASS.finditer(text):
            span = Span(source, found.start(), suite_below(text, found.start()).end)
            if not has_layers(span):
                self.data.append(span)
                continue
            self.spans[found[1]] = span
            is_long = span.end - span.start > FAR_AHEAD or len(self.read) >= _MOST_CLASSES
            if not is_long and (made := habits.read_class(span.text)):
                self.read[found[1]] = made
        self.functions = self._functions()
        self.helpers = self._helpers()
        helpers = {name: helper for name, (helper, _) in self.helpers.items()}
        self.read = {n: habits.with_helpers(cls, helpers) for n, cls in self.read.items()}
        self.read = {n: habits.with_handed(c, self.read.values()) for n, c in self.read.items()}
        self.others = self._blocks() | self.read
        self.read = {n: habits.without_unused(c, self.others) for n, c in self.read.items()}
        self.others |= self.read
        has_network = re.search(r"^[ \t]*network\b", text, re.MULTILINE)
        last = "" if has_network else next(reversed(self.spans), "")
        self.network = last if last and self._in_file(last).is_network else ""
        inside = (*self.spans.values(), *self.data, *self.functions.values())
        self.outside = statements_outside(source, inside)
        self.making = self._making()

    def _blocks(self) -> dict[str, habits.ForeignClass]:
        """The blocks that the file has."""
        heads = islice(_BLOCK.finditer(self.source.text), _MOST_CLASSES)
        blocks = (habits.class_of_block(found[1], found[2] or "") for found in heads)
        return {block.name: block for block in blocks if block is not None}

    def _functions(self) -> dict[str, Span]:
        """The functions at the margin, each with its lines and its decorators."""
        text = self.source.text
        spans = {}
        for header in islice(_FUNCTION.finditer(text), _MOST_CLASSES):
            line = PythonLine(self.source, header.start("word"))
            below = suite_below(text, line.end)
            spans[header[2]] = Span(self.source, header.start(), max(line.end, below.end))
        return spans

    def _helpers(self) -> dict[str, tuple[habits.HelperFunction, Span]]:
        """The functions that return a layer, each with its lines."""
        found = {}
        for name, span in self.functions.items():
            names_class = bool(self.spans.keys() & set(re.findall(r"\w+", span.text)))
            is_short = span.end - span.start <= FAR_AHEAD and not names_class
            if is_short and (helper := habits.read_helper(span.text)):
                found[name] = (helper, span)
        return found

    def _in_file(self, name: str) -> ClassInFile:
        """A class with what stands around it."""
        own = self.spans[name]
        formals = init_of(self.source, suite_below(self.source.text, own.start))
        needed = tuple(formal for formal in formals if "=" not in formal)
        return ClassInFile(
            self.source, name, self.spans.values(), self.functions.values(), own, needed
        )

    @cached_property
    def written(self) -> dict[str, str]:
        """The text of each class that can be written."""
        return self._written[0]

    @cached_property
    def lacking(self) -> dict[str, str]:
        """What cannot be said of each of the others."""
        return self._written[1]

    @cached_property
    def _written(self) -> tuple[dict[str, str], dict[str, str]]:
        written, lacking = dict[str, str](), dict[str, str]()
        for name, cls in self.read.items():
            try:
                if name == self.network:
                    arguments = self.making.arguments()
                    self.made = habits.written_network(cls, self.others, arguments)
                    written[name] = self.made.text
                else:
                    written[name] = habits.written_block(cls, self.others)
            except habits.NotSaid as why:
                lacking[name] = str(why)
            except RecursionError:
                lacking[name] = "what is nested so deep"
        return written, lacking

    @cached_property
    def edits(self) -> tuple[Edit, ...]:
        """Those that write all that can be written; what is of no use then goes."""
        edits = [Edit(self.spans[name], text) for name, text in self.written.items()]
        gone = list[Span]()
        if self.network in self.written:
            bare = self._in_file(self.network).bare_calls()
            edits += [Edit(line.whole, "") for line in bare]
            gone += [line for line in self.outside if self.making.runs(line.text)]
            gone += [*self.data, *(self.functions[name] for name in self.making.factories)]
        if len(self.written) == len(self.spans):  # else a class may need them still
            gone += [span for name, (_, span) in self.helpers.items() if self._uses(name)]
        return (*edits, *(Edit(_with_blanks(span), "") for span in gone))

    @property
    def pasted_network(self) -> PastedNetwork | None:
        """The network, where it can be written and its class says what comes in."""
        if self.network not in self.written or self.made is None or self.lacking:
            return None
        said = said_inputs(self.source, self.spans.values())
        if not self.made.features and self.made.channels is None and not said:
            return None
        own = next(edit for edit in self.edits if edit.span == self.spans[self.network])
        others = tuple(edit for edit in self.edits if edit is not own)
        makers = (*self.making.roots(), self.network)
        return PastedNetwork(own, others, self.made.features, self.made.channels, makers, said)

    def asks_for(self, name: str) -> bool:
        """Whether a class of layers has a name in its text."""
        word = re.compile(rf"(?<![\w.]){re.escape(name)}\b")
        return any(word.search(span.text) for span in self.spans.values())

    def _uses(self, function: str) -> bool:
        """Whether a class calls a function."""
        call = re.compile(rf"(?<![\w.]){function}\(")
        return any(call.search(span.text) for span in self.spans.values())

    def _making(self) -> habits.Making:
        """How the file makes its network."""
        functions = [span.text for span in self.functions.values() if len(span.text) <= FAR_AHEAD]
        return habits.Making(self.network, functions, [line.text for line in self.outside])


def has_layers(cls: Span) -> bool:
    """Whether a class may be one of layers: not an `Enum` of where weights are."""
    head = cls.text.partition("\n")[0]
    is_bare = cls.end <= cls.start + len(head)
    return is_bare or "Module" in head or re.search(r"\n[ \t]+def[ \t]", cls.text) is not None


def init_of(source: Source, below: Suite) -> list[str]:
    """The parameters of a class's `__init__`."""
    made = re.search(
        rf"def[ \t]+__init__[ \t]*\({BALANCED}\)", source.text[below.start : below.end]
    )
    return formals_of(made[1]) if made is not None else []


def _with_blanks(span: Span) -> Span:
    """A span with the empty lines behind it."""
    blank = re.compile(r"[ \t]*\n\s*(?=\S|\Z)").match(span.source.text, span.end)
    return Span(span.source, span.start, span.end if blank is None else blank.end())


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
