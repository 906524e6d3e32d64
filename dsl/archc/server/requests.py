"""What each request is answered with. Imported when the first comes: a server starts at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeVar

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from archc.editor.calls import CallEdge, CallItem
from archc.editor.document import Document
from archc.editor.formatting import format_changes
from archc.editor.navigation import NotRenamed, RenameEdits
from archc.server import convert
from archc.server.documents import OpenTexts, Stale
from archc.server.positions import TextLines
from archc.source import Source

Answer = TypeVar("Answer")
_COMPARE = "source.compare"


class InText(Protocol):
    """A request about a text."""

    @property
    def text_document(self) -> types.TextDocumentIdentifier: ...


class AtPosition(InText, Protocol):
    """A request about a place in a text."""

    @property
    def position(self) -> types.Position: ...


async def _ask(
    texts: OpenTexts, params: InText, work: Callable[[Document, TextLines], Answer]
) -> Answer | None:
    """What `work` makes of the newest text; None for one that is not open.

    Raises JsonRpcException where a newer one has come meanwhile.
    """
    opened = texts.texts.get(params.text_document.uri)
    if opened is None:
        return None
    lines = TextLines(opened.text, texts.encoding)
    try:
        return await texts.ask(opened, lambda document: work(document, lines))
    except Stale:
        raise _modified() from None


def _modified() -> JsonRpcException:
    return JsonRpcException("the text has changed", types.LSPErrorCodes.ContentModified.value)


def _refused(reason: NotRenamed) -> JsonRpcException:
    return JsonRpcException(str(reason), types.LSPErrorCodes.RequestFailed.value)


# --- what is shown unasked ---------------------------------------------------------------


async def hints(texts: OpenTexts, params: types.InlayHintParams) -> list[types.InlayHint] | None:
    """Return the shapes behind the lines of a range."""
    first, last = params.range.start.line, params.range.end.line

    def work(document: Document, lines: TextLines) -> list[types.InlayHint]:
        inside = (hint for hint in document.hints() if first <= hint.line <= last)
        return [convert.hint(hint, lines) for hint in inside]

    return await _ask(texts, params, work)


async def lenses(texts: OpenTexts, params: types.CodeLensParams) -> list[types.CodeLens] | None:
    """Return the figures above the network and its blocks."""
    uri = params.text_document.uri

    def work(document: Document, lines: TextLines) -> list[types.CodeLens]:
        found = [lens for lens in document.lenses(texts.card) if texts.shows or not lens.is_link]
        return [convert.lens(lens, uri, lines, texts) for lens in found]

    return await _ask(texts, params, work)


async def colours(
    texts: OpenTexts, params: types.SemanticTokensParams
) -> types.SemanticTokens | None:
    """Return all words by what they mean."""

    def work(document: Document, lines: TextLines) -> types.SemanticTokens:
        return convert.tokens(document.colours(), lines)

    return await _ask(texts, params, work)


async def symbols(
    texts: OpenTexts, params: types.DocumentSymbolParams
) -> list[types.DocumentSymbol] | None:
    """Return the parts of the text."""

    def work(document: Document, lines: TextLines) -> list[types.DocumentSymbol]:
        return [convert.symbol(part, lines) for part in document.outline()]

    return await _ask(texts, params, work)


async def folds(
    texts: OpenTexts, params: types.FoldingRangeParams
) -> list[types.FoldingRange] | None:
    """Return what can be folded."""

    def work(document: Document, _: TextLines) -> list[types.FoldingRange]:
        return [convert.fold(fold) for fold in document.folds()]

    return await _ask(texts, params, work)


# --- what is asked at a place ------------------------------------------------------------


async def hover(texts: OpenTexts, params: types.HoverParams) -> types.Hover | None:
    """Return what is to be said of a place."""

    def work(document: Document, lines: TextLines) -> types.Hover | None:
        found = document.hover(lines.offset(params.position))
        return convert.hover(found, lines) if found is not None else None

    return await _ask(texts, params, work)


async def complete(texts: OpenTexts, params: types.CompletionParams) -> types.CompletionList | None:
    """Return what may come at a place."""

    def work(document: Document, lines: TextLines) -> types.CompletionList:
        found = document.complete(lines.offset(params.position))
        return convert.completion(found, lines, texts.takes_snippets)

    return await _ask(texts, params, work)


async def signature(
    texts: OpenTexts, params: types.SignatureHelpParams
) -> types.SignatureHelp | None:
    """Return what the operator or block at a place takes."""

    def work(document: Document, lines: TextLines) -> types.SignatureHelp | None:
        found = document.signature(lines.offset(params.position))
        return convert.signature(found) if found is not None else None

    return await _ask(texts, params, work)


async def definition(
    texts: OpenTexts, params: types.DefinitionParams
) -> list[types.Location] | None:
    """Return where a name is defined."""

    def work(document: Document, lines: TextLines) -> list[types.Location]:
        return convert.locations(document.definition(lines.offset(params.position)), texts)

    return await _ask(texts, params, work)


async def references(
    texts: OpenTexts, params: types.ReferenceParams
) -> list[types.Location] | None:
    """Return where a name stands."""
    whole = params.context.include_declaration

    def work(document: Document, lines: TextLines) -> list[types.Location]:
        at = lines.offset(params.position)
        return convert.locations(document.references(at, with_definition=whole), texts)

    return await _ask(texts, params, work)


async def highlights(
    texts: OpenTexts, params: types.DocumentHighlightParams
) -> list[types.DocumentHighlight] | None:
    """Return where a name stands in this text."""

    def work(document: Document, lines: TextLines) -> list[types.DocumentHighlight]:
        found = document.occurrences(lines.offset(params.position))
        return [types.DocumentHighlight(lines.range(p.start, p.end)) for p in found]

    return await _ask(texts, params, work)


async def prepare_calls(
    texts: OpenTexts, params: types.CallHierarchyPrepareParams
) -> list[types.CallHierarchyItem] | None:
    """Return the block or network at a place."""

    def work(document: Document, lines: TextLines) -> list[types.CallHierarchyItem]:
        found = document.call_item(lines.offset(params.position))
        item = convert.call_item(found, texts) if found is not None else None
        return [item] if item is not None else []

    return await _ask(texts, params, work)


async def incoming_calls(
    texts: OpenTexts, params: types.CallHierarchyIncomingCallsParams
) -> list[types.CallHierarchyIncomingCall] | None:
    """Return who calls a block."""
    found = await _calls(texts, params.item, lambda document, item: document.incoming_calls(item))
    return [types.CallHierarchyIncomingCall(item, places) for item, places in found]


async def outgoing_calls(
    texts: OpenTexts, params: types.CallHierarchyOutgoingCallsParams
) -> list[types.CallHierarchyOutgoingCall] | None:
    """Return what a block or network calls."""
    found = await _calls(texts, params.item, lambda document, item: document.outgoing_calls(item))
    return [types.CallHierarchyOutgoingCall(item, places) for item, places in found]


async def _calls(
    texts: OpenTexts,
    asked: types.CallHierarchyItem,
    work: Callable[[Document, CallItem], tuple[CallEdge, ...]],
) -> list[tuple[types.CallHierarchyItem, list[types.Range]]]:
    """The calls of an item, perhaps in a file that is not open. Its place tells which it is."""
    opened = texts.opened(asked.uri)
    if opened is None:
        return []
    offset = TextLines(opened.text, texts.encoding).offset(asked.selection_range.start)

    def found(document: Document) -> list[tuple[types.CallHierarchyItem, list[types.Range]]]:
        item = document.call_item(offset) or document.network_item()
        return convert.calls(work(document, item), texts)

    try:
        return await texts.ask(opened, found)
    except Stale:
        raise _modified() from None


# --- what changes the text ---------------------------------------------------------------


async def actions(
    texts: OpenTexts, params: types.CodeActionParams
) -> list[types.CodeAction] | None:
    """Return the cures of what is wrong in a range, and how it can be written otherwise.

    All sure cures at once if that is asked for.
    """
    uri, only = params.text_document.uri, params.context.only or []

    def work(document: Document, lines: TextLines) -> list[types.CodeAction]:
        start, end = lines.offset(params.range.start), lines.offset(params.range.end)
        found: list[types.CodeAction] = []
        if not only or types.CodeActionKind.QuickFix in only:
            remedies = document.remedies(start, end)
            found += [convert.action(remedy, uri, lines, texts) for remedy in remedies]
        if not only or any(kind.startswith("refactor") for kind in only):
            kinds = tuple(only) or ("refactor",)
            made = [r for r in document.refactorings(start, end) if texts.disables or not r.refused]
            others = [convert.refactoring(each, uri, lines) for each in made]
            found += [each for each in others if (each.kind or "").startswith(kinds)]
        compares = not only or any(_COMPARE.startswith(kind) for kind in only)
        if compares and texts.shows and not document.analyse().saved:
            title = "Compare with the saved file"
            opens = convert.command(title, "compare", uri)
            found.append(types.CodeAction(title, _COMPARE, command=opens))
        if any(kind.startswith("source") for kind in only):
            whole = document.fix_all()
            found += [convert.action(whole, uri, lines, texts)] if whole is not None else []
        return found

    return await _ask(texts, params, work)


async def format(
    texts: OpenTexts, params: types.DocumentFormattingParams
) -> list[types.TextEdit] | None:
    """Return what lays the text out. It waits for no analysis: another thread does it."""
    opened = texts.texts.get(params.text_document.uri)
    if opened is None:
        return None
    version, source = opened.version, Source(str(opened.path), opened.text)
    loop = asyncio.get_running_loop()
    changes = await loop.run_in_executor(None, format_changes, source)
    if opened.version != version:
        raise _modified()
    return convert.edits(changes, TextLines(source.text, texts.encoding))


async def prepare_rename(texts: OpenTexts, params: types.PrepareRenameParams) -> types.Range | None:
    """Return the name that can be another one. Raises JsonRpcException with the reason if not."""

    def work(document: Document, lines: TextLines) -> types.Range:
        place = document.renamed_at(lines.offset(params.position))
        return lines.range(place.start, place.end)

    try:
        return await _ask(texts, params, work)
    except NotRenamed as reason:
        raise _refused(reason) from None


async def rename(texts: OpenTexts, params: types.RenameParams) -> types.WorkspaceEdit | None:
    """Return the changes over files. Raises JsonRpcException with the reason if it cannot be.

    What else they change is said in their place, or in a message where the client has no such.
    """

    def work(document: Document, lines: TextLines) -> RenameEdits:
        return document.rename(lines.offset(params.position), params.new_name)

    try:
        made = await _ask(texts, params, work)
    except NotRenamed as reason:
        raise _refused(reason) from None
    if made is None:
        return None
    if made.warning and not texts.annotates:
        texts.say(made.warning)
    return convert.renaming(made, texts)
