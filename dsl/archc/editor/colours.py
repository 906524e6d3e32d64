"""Words by what they mean: operators by family, blocks, parameters, labels."""

from __future__ import annotations

from collections.abc import Iterator

from archc import syntax
from archc.editor.snapshot import Snapshot
from archc.ops import COMBINATORS, REGISTRY
from archc.record import record
from archc.scopes import SymbolKind
from archc.source import Limits
from archc.syntax.lexemes import COMMENT, lexemes
from archc.syntax.walk import walk

_KEYWORDS = frozenset(
    """NETWORK USE EXTENDS WITHOUT PARAM BLOCK SECTION OUTPUT INPUT LET EACH REUSE IF CONDITION ELSE
    FOR IN AND OR NOT AS INCOMING""".split()
)
_STRINGS = frozenset(("STRING", "PATH_OPEN", "PATH_PIECE", "PATH_END"))
_NUMBERS = frozenset(
    "INT FLOAT QUANTITY PERCENT SIZE SIZE_OPEN GEOMETRY GEOMETRY_OPEN STRIDE".split()
)
_SYMBOLS = {
    SymbolKind.NETWORK: "namespace",
    SymbolKind.BLOCK: "class",
    SymbolKind.PARAM: "variable",
    SymbolKind.LET: "variable",
    SymbolKind.LOOP: "variable",
    SymbolKind.PARAMETER: "parameter",
    SymbolKind.LABEL: "property",
    SymbolKind.INPUT: "property",
    SymbolKind.OUTPUT: "property",
}


@record
class Coloured:
    """A word of the text, what it is (one of KINDS) and more of it (of MODIFIERS)."""

    start: int
    end: int
    kind: str
    modifiers: tuple[str, ...] = ()


def colours(snapshot: Snapshot) -> tuple[Coloured, ...]:
    """Return the words of a text that mean something, in order; none spans several lines."""
    found = {word.start: word for word in _tokens(snapshot)}
    found |= {word.start: word for word in _operators(snapshot)}
    found |= {word.start: word for word in _names(snapshot)}
    return tuple(found[start] for start in sorted(found) if found[start].end > start)


def _tokens(snapshot: Snapshot) -> Iterator[Coloured]:
    for piece in lexemes(snapshot.source, Limits()):
        if piece.kind == COMMENT:
            yield Coloured(piece.start, piece.end, "comment")
        elif piece.kind in _KEYWORDS:
            yield Coloured(piece.start, piece.end, "keyword")
        elif piece.kind in _STRINGS:
            yield Coloured(piece.start, piece.end, "string")
        elif piece.kind in _NUMBERS:
            yield Coloured(piece.start, piece.end, "number")


def _operators(snapshot: Snapshot) -> Iterator[Coloured]:
    for node in walk(snapshot.file):
        if isinstance(node, syntax.Operation):
            name, at = node.name.id, node.name.span
            if name in ("input", "output", "devices"):
                yield Coloured(at.start, at.end, "keyword")
            elif name in REGISTRY:
                yield Coloured(at.start, at.end, "function", (REGISTRY[name].category,))
            elif name in COMBINATORS:
                yield Coloured(at.start, at.end, "function", ("merge",))
        elif isinstance(node, syntax.Entry):
            yield Coloured(node.key.span.start, node.key.span.end, "property", ("entry",))


def _names(snapshot: Snapshot) -> Iterator[Coloured]:
    for symbol in snapshot.scopes.symbols:
        kind = _SYMBOLS[symbol.kind]
        for span in symbol.definitions:
            if span.source is snapshot.source:
                yield Coloured(span.start, span.end, kind, ("definition",))
        for span in symbol.uses:
            if span.source is snapshot.source:
                yield Coloured(span.start, span.end, kind)
