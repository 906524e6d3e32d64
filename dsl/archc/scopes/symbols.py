"""What a name stands for in a text, and every place where it does."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from archc import syntax
from archc.source import Source, Span


class SymbolKind(StrEnum):
    """What there is to name."""

    NETWORK = "network"
    BLOCK = "block"
    PARAM = "param"
    PARAMETER = "parameter"  # of a block
    LET = "let"
    LOOP = "loop"
    LABEL = "label"  # of a statement, or of a tensor (`as c3`)
    INPUT = "input"
    OUTPUT = "output"


@dataclass(eq=False)
class Symbol:
    """A name and its places. A label has several definitions where arms of an `if` share it."""

    kind: SymbolKind
    name: str
    definitions: list[Span] = field(default_factory=list)
    uses: list[Span] = field(default_factory=list)
    node: syntax.Block | syntax.Statement | syntax.Formal | syntax.Param | None = None
    template: syntax.Template = ()  # of a label with `{i}` in its name
    parameters: dict[str, Symbol] = field(default_factory=dict)  # of a block
    outputs: dict[str, Symbol] = field(default_factory=dict)  # of a block, the main one left out

    @property
    def places(self) -> list[Span]:
        """Definitions and uses, file by file in the order of the text."""
        return sorted([*self.definitions, *self.uses], key=lambda s: (s.source.name, s.start))

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What its names look like: `x{i}` is an `x` and digits."""
        return template_pattern(self.template or (self.name,))


def template_pattern(template: syntax.Template) -> re.Pattern[str]:
    """Return what the names of a template look like."""
    parts = (re.escape(part) if isinstance(part, str) else r"\d+" for part in template)
    return re.compile("".join(parts))


def example_of(template: syntax.Template) -> str:
    """Return one name of a template: `x0` of `x{i}`."""
    return "".join(part if isinstance(part, str) else "0" for part in template)


@dataclass(eq=False)
class Scopes:
    """All symbols of a file and of those that it uses, and the names that stand for nothing."""

    source: Source
    symbols: list[Symbol] = field(default_factory=list)
    unknown: list[Span] = field(default_factory=list)  # nothing defines them, archc neither
    visible: list[tuple[Span, dict[str, Symbol]]] = field(default_factory=list)  # values, by place
    labels: list[tuple[Span, dict[str, Symbol]]] = field(default_factory=list)  # by body

    @cached_property
    def _by_start(self) -> dict[tuple[Source, int], tuple[Symbol, Span]]:
        return {(s.source, s.start): (symbol, s) for symbol in self.symbols for s in symbol.places}

    def at(self, offset: int) -> tuple[Symbol, Span] | None:
        """Return what the name at an offset of the file stands for, and where it is."""
        text = self.source.text
        start = offset
        while start > 0 and (text[start - 1].isalnum() or text[start - 1] == "_"):
            start -= 1
        for at in range(start, offset + 1):  # `x(w)`: the letter before is no part of the name
            found = self._by_start.get((self.source, at))
            if found is not None and offset <= found[1].end:
                return found
        return None

    def values_at(self, offset: int) -> dict[str, Symbol]:
        """Return the names of values and blocks that can stand at an offset."""
        found: dict[str, Symbol] = {}
        for span, names in self.visible:  # inner ones come later
            if span.source is self.source and span.start <= offset <= span.end:
                found |= names
        return found

    def labels_at(self, offset: int) -> dict[str, Symbol]:
        """Return the labels that `@` can name at an offset: of statements before it."""
        names = self.all_labels_at(offset)
        own = self.source
        return {
            n: s
            for n, s in names.items()
            if any(d.end < offset or d.source is not own for d in s.definitions)
        }

    def all_labels_at(self, offset: int) -> dict[str, Symbol]:
        """Return the labels of the body that an offset is in."""
        around = [
            (span.end - span.start, names)
            for span, names in self.labels
            if span.source is self.source and span.start <= offset <= span.end
        ]
        return min(around, key=lambda found: found[0])[1] if around else {}
