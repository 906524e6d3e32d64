"""Whether a pasted class is the file's network or a block, by what stands around it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from archc import habits, syntax
from archc.source import Source, Span
from archc.syntax.python import PythonLine
from archc.syntax.suites import suite_below

_MOST_CALLS, _MOST_LINES = 30, 200
_DOCSTRING = re.compile(r"(\"{3}|'{3}).*?\1", re.DOTALL)
_AT_MARGIN = re.compile(r"^[^\s#].*", re.MULTILINE)
_PYTHON = frozenset(
    "def class import from while with try elif except finally return print assert del raise global "
    "pass let extends without init".split()
)
_STATEMENT = re.compile(
    r"(?:[A-Za-z_]\w*:[ \t]*)?([a-z_]\w*)(?:[ \t]*(?:[;<|{#]|->|$)|[ \t]+[\w/(@<\"])"
)
_TOOLS = re.compile(r"(?:self\.\w+[ \t]*=|.*(?<![\w.])(?:nn|F|torch|self)\.|\w+\.add\()")
_MADE = re.compile(r"\w*(?:net|model|cnn)\w*[ \t]*=|m[ \t]*=|(?:print|summary|assert)\b", re.I)


@dataclass(frozen=True, slots=True)
class ClassInFile:
    """A class and what the file has outside of all classes."""

    source: Source
    name: str
    classes: Collection[Span]
    functions: Collection[Span]
    own: Span
    needed: tuple[str, ...]  # what its constructor has no default for

    @property
    def is_network(self) -> bool:
        """Whether nothing says that it is a block."""
        calls = list(self._calls())
        if not all(self._makes_network(at) for at in calls):
            return False
        return (bool(calls) or not self.needed) and not self._has_statements()

    def bare_calls(self) -> list[PythonLine]:
        """The lines that say no more than how the network is made: `ResNet(BasicBlock, [2, 2])`."""
        calls = [at for at in self._calls() if self._is_bare(at) and self._makes_network(at)]
        return [PythonLine(self.source, at) for at in calls]

    def _is_bare(self, at: int) -> bool:
        """Whether a call begins its line, and is one of this class."""
        is_first = at == self.source.text.rfind("\n", 0, at) + 1
        return is_first and self.source.text.startswith(f"{self.name}(", at)

    def _calls(self) -> Iterator[int]:
        """Where the class is named outside of itself, as in `Unit(64)` and `row(Unit, 64)`."""
        text = self.source.text
        named = re.finditer(rf"(?<![\w.]){self.name}(?=[(,])", text)
        for found in islice(named, _MOST_CALLS):
            line = text[text.rfind("\n", 0, found.start()) + 1 : found.start()]
            if "#" not in line and not self.own.start <= found.start() < self.own.end:
                yield found.start()

    def _makes_network(self, at: int) -> bool:
        """Whether a call stands in a function or a program, and not in place of a layer."""
        text = self.source.text
        if any(span.start <= at < span.end for span in self.classes):
            return False
        if any(span.start <= at < span.end for span in self.functions):
            return True
        line = text.rfind("\n", 0, at) + 1
        if not text.startswith((" ", "\t"), line):
            target = text[line:at].partition("=")[0].strip()
            if self._is_bare(at):  # ResNet(BasicBlock, [2, 2, 2, 2])
                return re.match(r"\w+\([ \t]*\w+[ \t]*,[ \t]*\[", text[at : at + 200]) is not None
            return bool(_MADE.match(text, line, at)) or target == self.name.lower()
        program = text.rfind("\nif __name__", 0, at) + 1
        return bool(program) and at < suite_below(text, program).end

    def _has_statements(self) -> bool:
        """Whether layers or an `input` stand outside of classes."""
        text, at, outside = self.source.text, 0, ""
        for span in sorted(self.classes, key=lambda span: span.start):
            outside += text[at : span.start]
            at = max(at, span.end)
        outside = _DOCSTRING.sub("", outside + text[at:])
        lines = islice(_AT_MARGIN.findall(outside), _MOST_LINES)
        return any(map(is_statement, lines))


def is_statement(line: str) -> bool:
    """Whether a line is one of layers, or an `input`."""
    found = _STATEMENT.match(line)
    if found is not None and not {found[1], line.split()[0]} & (_PYTHON | syntax.RESERVED):
        return not re.match(r"\w+(?::[^=]*)?[ \t]*=", line)
    if not _TOOLS.match(line):
        return False
    made = habits.translated(line)
    return line.startswith("self.") or (made is not None and bool(made.text))


def statements_outside(source: Source, spans: Sequence[Span]) -> list[Span]:
    """The statements of Python at the margin that stand in none of these, with what is below."""
    text, found = source.text, []
    for margin in islice(_AT_MARGIN.finditer(text), _MOST_LINES):
        if not any(span.start <= margin.start() < span.end for span in spans):
            line = PythonLine(source, margin.start())
            end = max(line.end, suite_below(text, line.end).end)
            found.append(Span(source, line.start, end))
    return found
