"""`def forward(self, x):` below layers that are archc's already: what it runs, at once.

Its lines are not cured one by one: which of them ran is not known when some are gone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import islice

from archc import habits
from archc.source import Diagnostic, Fix, Source, Span
from archc.syntax.pasted_file import CLASS, pasted_classes
from archc.syntax.python import BALANCED, PythonLine
from archc.syntax.suites import suite_below

_HEADER = re.compile(r"^[ \t]*(?=def[ \t]+forward\b)", re.MULTILINE)
_LABELLED = re.compile(r"([A-Za-z_]\w*):[ \t]*(?=[^\s:])(.*)\Z", re.DOTALL)
_TESTED = re.compile(r"if\b[^{}]*\{\s*([A-Za-z_]\w*):[^{}]*(?:\{[^{}]*\}[^{}]*)*\}\s*\Z")
_BLOCK = re.compile(rf"(?:block|sequence)[ \t]+[A-Za-z_]\w*[ \t]*(?:\({BALANCED}\))?[ \t]*\Z")
_NAMED = re.compile(r"(?:let|param)[ \t]+([A-Za-z_]\w*)")
_HIDDEN = re.compile(r"#[^\n]*|\"[^\"\n]*\"")  # comments, and texts in quotes
_RUNS_MODULE = re.compile(
    r"^[ \t]*(?:def[ \t]+forward\b|[^\n#:]*=[^\n#]*\bself\.\w+\()", re.MULTILINE
)
_TARGET = re.compile(r"([A-Za-z_]\w*)[ \t]*[-+*/]?=(?!=)")
_FOLLOWING = re.compile(r"[ \t]*(?:\n[ \t]*)+")
_RUN = re.compile(r"[A-Za-z_]\w*[ \t]*[-+*/]?=(?!=)|return\b")
_MOST = 5  # in a file
_HEAD = re.compile(r"(?:network|param|input|let|use|meta|train|expect|init|block|sequence)\b")


class ForwardSuite:
    """A `forward` that stands in no class, with the statements above it in the same braces."""

    def __init__(self, span: Span) -> None:
        self.span = span
        formals, rows = _above(span.source, span.start)
        heads = [at for at, row in enumerate(rows) if _HEAD.match(row.text)]
        self.rows = rows[heads[-1] + 1 :] if heads else rows
        named = (_NAMED.match(rows[at].text) for at in heads)
        self.names = [name for name, _ in re.findall(r"(\w+)[ \t]*(=[^,]*)?", formals)]
        self.names += [found[1] for found in named if found is not None]

    @classmethod
    def below(cls, line: PythonLine) -> ForwardSuite:
        """That of a line `def forward(self, x):`."""
        end = max(suite_below(line.source.text, line.end).end, line.end)
        return cls(Span(line.source, line.start, end))

    @property
    def has_layers(self) -> bool:
        """Whether it stands below layers with labels."""
        return any(_LABELLED.match(row.text) for row in self.rows)

    @property
    def is_complete(self) -> bool:
        return re.search(r"^[ \t]*return\b", self.span.text, re.MULTILINE) is not None

    def fix(self) -> Fix:
        """The cure that writes the layers in its order. Raises habits.NotSaid."""
        layers = dict[str, str]()
        for row in self.rows:
            found = _LABELLED.match(row.text)
            if found is not None:
                layers[found[1]] = found[2].rstrip()
            elif tested := _TESTED.match(row.text):
                layers[tested[1]] = row.text.rstrip()
            else:
                raise habits.NotSaid(f"`{row.text.strip()}`, which has no label")
            if "#" in row.text:
                raise habits.NotSaid(f"`{found[1] if found else row.text}`, which has a comment")
        source, first = self.span.source, self.rows[0].start
        others = pasted_classes(source).others
        lines = habits.in_order(self._function(), layers, others, self.names)
        margin = source.text[source.text.rfind("\n", 0, first) + 1 : first]
        made = f"\n{margin}".join(lines)
        span = Span(source, first, self.span.end)
        return Fix("write the layers in the order of `forward`", span, made)

    def _function(self) -> str:
        """Its text; of lines that stand alone a function that returns the last tensor."""
        if self.span.text.startswith("def"):
            return self.span.text
        lines = [line.strip() for line in self.span.text.splitlines()]
        *_, last = (found[1] for line in lines if (found := _TARGET.match(line))), "x"
        returned = [] if any(line.startswith("return") for line in lines) else [f"return {last}"]
        return "\n    ".join(["def forward(self, x):", *lines, *returned])


def forward_lines_fix(line: PythonLine) -> Fix | None:
    """The cure of the first of some lines of a `forward`, where they are all of it."""
    text = line.source.text
    end = line.end
    while (found := _FOLLOWING.match(text, end)) and (_RUN.match(text, found.end()) is not None):
        end = PythonLine(line.source, found.end()).end
    suite = ForwardSuite(Span(line.source, line.start, end))
    if not suite.has_layers:
        return None
    try:
        return suite.fix()
    except (habits.NotSaid, RecursionError):
        return None


def forward_suite(line: PythonLine, said: Diagnostic) -> Diagnostic | None:
    """What is said of `def forward(self, x):`; None where no layers stand above it."""
    suite = ForwardSuite.below(line)
    if not suite.has_layers:
        return None
    if not suite.is_complete:
        help = "its layers are put in its order at once, when its `return` is there"
        return replace(said, helps=(help,), fixes=())
    try:
        return replace(said, helps=(), fixes=(suite.fix(),))
    except habits.NotSaid as why:
        help = f"what cannot be put in the order of `forward` is {why}"
    except RecursionError:
        help = "what is nested so deep cannot be put in the order of `forward`"
    return replace(said, helps=(help,), fixes=())


def pending_forward(source: Source) -> int:
    """Where the first line stands that runs modules, in no class; 0 without one.

    Layers above it are not in their order yet, so that shapes say nothing.
    """
    classes = class_spans(source)
    for found in islice(_RUNS_MODULE.finditer(source.text), _MOST):
        if not any(cls.start <= found.start() < cls.end for cls in classes):
            return found.start()
    return 0


@lru_cache(maxsize=1)  # asked for twice
def class_spans(source: Source) -> tuple[Span, ...]:
    """The classes with their lines."""
    headers = (found.start() for found in CLASS.finditer(source.text))
    return tuple(Span(source, at, suite_below(source.text, at).end) for at in headers)


def forward_suites(source: Source) -> Iterator[Span]:
    """The lines of each that stands below layers, in no class."""
    classes = class_spans(source)
    for found in islice(_HEADER.finditer(source.text), _MOST):
        if any(cls.start <= found.end() < cls.end for cls in classes):
            continue
        suite = ForwardSuite.below(PythonLine(source, found.end()))
        if suite.has_layers:
            yield suite.span


def _above(source: Source, end: int) -> tuple[str, list[Span]]:
    """The parameters of the block around a place, and the statements before it in its braces."""
    text = _HIDDEN.sub(lambda found: " " * len(found[0]), source.text[:end])
    open_braces: list[int] = []
    for brace in re.finditer(r"[{}]", text):
        if brace[0] == "{":
            open_braces.append(brace.start())
        elif open_braces:
            open_braces.pop()
    start = open_braces[-1] if open_braces else -1
    head = _BLOCK.search(text, text.rfind("\n", 0, max(start, 0)) + 1, max(start, 0))
    if start >= 0 and (head is None or len(open_braces) > 1):
        return "", []
    rows, depth, begin = list[Span](), 0, start + 1
    for mark in re.finditer(r"[(\[{]|[)\]}]|[;\n]|\Z", text[start + 1 :]):
        at = start + 1 + mark.start()
        depth += (mark[0] in "([{") - (mark[0] in ")]}") if mark[0] else 0
        if depth == 0 and (not mark[0] or mark[0] in ";\n"):
            if text[begin:at].strip():
                first = begin + len(text[begin:at]) - len(text[begin:at].lstrip())
                rows.append(Span(source, first, at))
            begin = at + 1
    return (head[1] or "" if head is not None else ""), rows
