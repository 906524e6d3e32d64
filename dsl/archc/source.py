"""Where text comes from, and what is wrong with it: sources, spans and diagnostics.

A diagnostic is data only. It holds no file name, position or colour; the renderers in
`archc.report.diagnostics` add those.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from functools import cached_property
from pathlib import PurePath
from typing import Any

from archc.record import record


@dataclass(frozen=True, eq=False)
class Source:
    """A text and the name it is known by (a path, or `<stdin>`)."""

    name: str
    text: str

    def __repr__(self) -> str:
        return f"Source({self.name!r}, {len(self.text):,} characters)"

    @property
    def stem(self) -> str:
        """Its file's name, as a Python module may be called; `stdin` of standard input."""
        return re.sub(r"\W", "_", PurePath(self.name).stem.strip("<>"))

    @cached_property
    def line_starts(self) -> list[int]:
        starts = [0]
        find = self.text.find
        at = find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = find("\n", at + 1)
        return starts

    def position(self, offset: int) -> tuple[int, int]:
        """The 1-based line and column of an offset."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of a 1-based line, without its line end."""
        starts = self.line_starts
        end = starts[number] - 1 if number < len(starts) else len(self.text)
        return self.text[starts[number - 1] : end].rstrip("\r")


@record
class Span:
    """A stretch of a source: offsets `start <= end`, in characters."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    @property
    def line(self) -> int:
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        return self.source.position(self.start)[1]

    def to(self, other: Span) -> Span:
        """From the start of this span to the end of the other."""
        return Span(self.source, self.start, max(self.end, other.end))


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@record
class SpanLabel:
    """A span to point at, and what to say under it (may be empty)."""

    span: Span
    text: str = ""


@record
class Edit:
    """Replace what stands at `span` by `text`."""

    span: Span
    text: str


@record
class Fix:
    """A cure that is an edit: replace `span` by `text`, and what `also` says with it.

    `safe` where it cannot be wrong: it keeps the meaning, or there is no other. Only then does
    `archc check --fix` apply it unasked.
    """

    title: str
    span: Span
    text: str
    safe: bool = False
    also: tuple[Edit, ...] = ()

    @property
    def edits(self) -> tuple[Edit, ...]:
        """All of it, in the order of the text."""
        edits = (Edit(self.span, self.text), *self.also)
        return tuple(sorted(edits, key=lambda edit: (edit.span.start, edit.span.end)))


def edited(text: str, edits: Iterable[Edit]) -> str:
    """Return `text` with edits made that do not overlap."""
    ordered = sorted(edits, key=lambda edit: (edit.span.start, edit.span.end))
    parts, at = [], 0
    for edit in ordered:
        assert edit.span.start >= at, "edits overlap"
        parts += [text[at : edit.span.start], edit.text]
        at = edit.span.end
    return "".join((*parts, text[at:]))


@record
class Diagnostic:
    """One thing to tell the user. `labels[0]` is where it went wrong; the others are the story.

    A cure that is an edit is one of `fixes`, the likeliest first; what only words can say is one of
    `helps`, as is what explains an edit.
    """

    code: str
    title: str
    labels: tuple[SpanLabel, ...]
    notes: tuple[str, ...] = ()
    helps: tuple[str, ...] = ()
    fixes: tuple[Fix, ...] = ()
    severity: Severity = Severity.ERROR

    @property
    def span(self) -> Span:
        return self.labels[0].span

    @property
    def is_error(self) -> bool:
        return self.severity is Severity.ERROR


@dataclass(slots=True)
class Damage:
    """What mistakes took along. Each of them is reported; that something is missing then is not."""

    spans: list[Span] = field(default_factory=list)  # statements that were understood in part
    names: set[str] = field(default_factory=set)  # that stand in these, or whose block was refused
    blocks: bool = False  # a `use` failed: any block may be missing
    params: bool = False  # a `param` failed: any may be missing
    base: bool = False  # an `extends` failed: nearly all may be missing
    begun: set[str] = field(default_factory=set)  # words that may become labels

    def merge(self, other: Damage) -> None:
        self.spans += other.spans
        self.names |= other.names
        self.blocks |= other.blocks
        self.params |= other.params
        self.base |= other.base
        self.begun |= other.begun

    def _begins(self, name: str) -> bool:
        """Whether a word that is being typed may become the name, or has a number behind it."""
        return any(name.startswith(word) or word.startswith(name) for word in self.begun)

    def begins(self, span: Span) -> bool:
        """Whether the statement there was understood in part only."""
        return any(s.start == span.start and s.source is span.source for s in self.spans)

    def explains(self, diagnostic: Diagnostic) -> bool:
        """Whether a mistake beyond grammar only follows from one that is reported."""
        span, code = diagnostic.span, diagnostic.code
        if code.startswith("A0"):
            return False
        if code in ("A101", "A102", "A103"):
            name = re.search(r"[A-Za-z_][A-Za-z0-9_]*", span.text)
            if name is not None and name.group() in self.names:
                return True
            if code == "A103":
                return name is not None and self._begins(name.group())
            return self.blocks or self.params
        return any(
            s.source is span.source and s.start <= span.start and span.end <= s.end
            for s in self.spans
        )


@dataclass(slots=True)
class Diagnostics:
    """Collects diagnostics, each position and code once, up to a limit of errors."""

    limit: int = 100
    items: list[Diagnostic] = field(default_factory=list)
    damage: Damage = field(default_factory=Damage)
    _seen: set[tuple[str, int, int, int]] = field(default_factory=set)

    def add(self, diagnostic: Diagnostic) -> None:
        if self.damage.explains(diagnostic):
            return
        span = diagnostic.span
        key = (diagnostic.code, id(span.source), span.start, span.end)
        if key in self._seen or self.full:
            return
        self._seen.add(key)
        self.items.append(diagnostic)

    @property
    def full(self) -> bool:
        return len(self.items) >= self.limit

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        for diagnostic in diagnostics:
            self.add(diagnostic)

    @property
    def failed(self) -> bool:
        return any(item.is_error for item in self.items)

    def ordered(self) -> tuple[Diagnostic, ...]:
        """By file and position, so that a run reads like the text does."""
        return tuple(sorted(self.items, key=lambda d: (d.span.source.name, d.span.start, d.code)))


BODY_STEPS = 10  # operators that take as long as one more instance of a block does, empty or not


@record
class Limits:
    """Bounds that keep any input's time and memory finite; each can be set by the caller."""

    source_bytes: int = 1_000_000
    nesting: int = 200  # brackets, blocks and expressions inside each other
    steps: int = 200_000  # operators after unfolding every block and repeat
    written: int = 15_000  # operators that are written out, drawn or listed one by one
    depth: int = 100  # block calls inside each other
    integer: int = 10**12  # no size, width or count may be larger
    diagnostics: int = 100


class Fault(Exception):
    """A mistake found while a statement was elaborated, ready to be shown."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.title)
        self.diagnostic = diagnostic


def fault(
    code: str,
    title: str,
    span: Span,
    *cures: str | Fix | None,
    label: str = "",
    also: tuple[SpanLabel, ...] = (),
    **more: Any,
) -> Fault:
    """A Fault with its main span first; `also` are further places, `more` notes."""
    labels = (SpanLabel(span, label), *also)
    helps = tuple(cure for cure in cures if isinstance(cure, str) and cure)
    fixes = tuple(cure for cure in cures if isinstance(cure, Fix))
    return Fault(Diagnostic(code, title, labels, helps=helps, fixes=fixes, **more))


def did_you_mean(word: str, known: Any, template: str = "did you mean `{}`?") -> str:
    """A help that names the closest known word, or nothing.

    `LeakyReLU` is `leaky_relu` and `Conv2d` is `conv`, whatever else may look like them.
    """
    bare = {_bare(name): name for name in known}
    meant = _bare(word)
    for same in (meant, re.sub(r"[123]d$", "", meant)):
        if same in bare:
            return template.format(bare[same])
    close = get_close_matches(meant, list(bare), n=1, cutoff=0.6)
    return template.format(bare[close[0]]) if close else ""


def spelling(word: str, known: Any, span: Span) -> Fix | None:
    """The closest known word in its place; sure where both are one but for `_` and case."""
    hint = did_you_mean(word, known)
    if not hint:
        return None
    meant = hint.split("`")[1]
    return Fix(hint, span, meant, safe=_bare(meant) == _bare(word))


def _bare(word: str) -> str:
    """A name without what people write in different ways."""
    return word.lower().replace("_", "")
