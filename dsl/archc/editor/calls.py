"""Which blocks call which, over the files of the project: the network is a caller, too."""

from __future__ import annotations

from collections.abc import Iterator

from archc import syntax
from archc.editor.navigation import TextPlace
from archc.editor.project import ProjectFiles
from archc.editor.snapshot import Snapshot
from archc.record import record
from archc.scopes import Symbol, SymbolKind
from archc.source import Span
from archc.syntax.walk import name_span


@record
class CallItem:
    """A block, or a file's network, which calls blocks. `name_start` says which it is."""

    name: str
    detail: str
    is_network: bool
    path: str
    start: int
    end: int
    name_start: int
    name_end: int


@record
class CallEdge:
    """The calls between an item and another; `places` are in the file of the caller."""

    item: CallItem
    places: tuple[TextPlace, ...]


def call_item_at(snapshot: Snapshot, offset: int) -> CallItem | None:
    """Return the block that is named at an offset, or the network; None for anything else."""
    found = snapshot.scopes.at(offset)
    if found is None or found[0].kind not in (SymbolKind.BLOCK, SymbolKind.NETWORK):
        return None
    node = found[0].node
    return _of_block(node) if isinstance(node, syntax.Block) else _of_network(snapshot.file)


def network_item(snapshot: Snapshot) -> CallItem:
    """Return the network of a text, which may have no name."""
    return _of_network(snapshot.file)


def incoming_calls(snapshot: Snapshot, item: CallItem) -> tuple[CallEdge, ...]:
    """Return who calls a block of the text, in any file of the project."""
    symbol = _symbol_of(snapshot, item)
    if symbol is None:
        return ()
    project = ProjectFiles(snapshot)
    callers: dict[CallItem, list[TextPlace]] = {}
    for span in project.places(symbol, uses_only=True):
        file = project.file_of(span.source)
        if file is not None:
            callers.setdefault(_around(file, span), []).append(_place(span))
    return tuple(CallEdge(caller, tuple(places)) for caller, places in callers.items())


def outgoing_calls(snapshot: Snapshot, item: CallItem) -> tuple[CallEdge, ...]:
    """Return what a block of the text calls, or its network."""
    called: dict[CallItem, list[TextPlace]] = {}
    for span, block in sorted(_calls(snapshot), key=lambda call: call[0].start):
        if _around(snapshot.file, span).name_start == item.name_start:
            called.setdefault(_of_block(block), []).append(_place(span))
    return tuple(CallEdge(block, tuple(places)) for block, places in called.items())


def _calls(snapshot: Snapshot) -> Iterator[tuple[Span, syntax.Block]]:
    """Where the text names a block."""
    for symbol in snapshot.scopes.symbols:
        if isinstance(symbol.node, syntax.Block):
            for span in symbol.uses:
                if span.source is snapshot.source:
                    yield span, symbol.node


def _symbol_of(snapshot: Snapshot, item: CallItem) -> Symbol | None:
    for symbol in snapshot.scopes.symbols:
        if isinstance(symbol.node, syntax.Block) and any(
            span.source is snapshot.source and span.start == item.name_start
            for span in symbol.definitions
        ):
            return symbol
    return None


def _around(file: syntax.File, span: Span) -> CallItem:
    """The block that a place is in, or the file's network."""
    for item in file.items:
        if isinstance(item, syntax.Block) and item.span.start <= span.start < item.span.end:
            return _of_block(item)
    return _of_network(file)


def _of_block(block: syntax.Block) -> CallItem:
    formals = ", ".join(formal.text for formal in block.formals)
    return _item(block.name.id, f"({formals})", block.span, name_span(block.name), False)


def _of_network(file: syntax.File) -> CallItem:
    network = next((item for item in file.items if isinstance(item, syntax.Network)), None)
    if network is None:
        start = Span(file.span.source, 0, 0)
        return _item("network", "", file.span, start, True)
    return _item(network.name.id, "network", file.span, name_span(network.name), True)


def _item(name: str, detail: str, span: Span, at: Span, is_network: bool) -> CallItem:
    path = span.source.name
    return CallItem(name, detail, is_network, path, span.start, span.end, at.start, at.end)


def _place(span: Span) -> TextPlace:
    return TextPlace(span.source.name, span.start, span.end)
