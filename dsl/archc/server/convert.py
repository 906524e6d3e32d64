"""The editor's answers in the protocol's types: one function for each kind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lsprotocol import types
from pygls.uris import from_fs_path

from archc.editor.actions import Remedy
from archc.editor.calls import CallEdge, CallItem
from archc.editor.colours import Coloured
from archc.editor.completion import Proposal, ProposalKind
from archc.editor.findings import Finding, TextChange
from archc.editor.hints import ShapeHint
from archc.editor.hover import Explained
from archc.editor.legend import KINDS, MODIFIERS
from archc.editor.lenses import FiguresLens
from archc.editor.navigation import RenameEdits, TextPlace
from archc.editor.outline import FoldedLines, OutlineEntry
from archc.editor.refactoring import Refactored, RefactoringKind
from archc.editor.signature import SignatureHelp
from archc.server.documents import OpenTexts
from archc.server.positions import TextLines


def uri_of(path: str) -> str:
    """Return the URI of a file."""
    return from_fs_path(str(Path(path).absolute())) or ""


# --- diagnostics -------------------------------------------------------------------------


def diagnostic(finding: Finding, lines: TextLines, texts: OpenTexts) -> types.Diagnostic:
    """Return a finding; what is mild is no more than information."""
    related = []
    for place in finding.related:
        found = texts.lines(Path(place.path))
        if found is not None:
            where = types.Location(uri_of(place.path), found.range(place.start, place.end))
            related.append(types.DiagnosticRelatedInformation(where, place.text))
    severity = types.DiagnosticSeverity.Warning
    if finding.is_error:
        severity = types.DiagnosticSeverity.Error
    if finding.mild:
        severity = types.DiagnosticSeverity.Information
    is_spare = finding.code in ("W101", "W102", "W103", "W104")
    return types.Diagnostic(
        lines.range(finding.start, finding.end),
        finding.message,
        severity=severity,
        code=finding.code,
        source="archc",
        related_information=related or None,
        tags=[types.DiagnosticTag.Unnecessary] if is_spare else None,
    )


def action(remedy: Remedy, uri: str, lines: TextLines, texts: OpenTexts) -> types.CodeAction:
    """Return a cure as an action."""
    kinds = types.CodeActionKind
    kind = kinds.SourceFixAll if remedy.is_all else kinds.QuickFix
    cured = [diagnostic(remedy.finding, lines, texts)] if remedy.finding is not None else None
    edit = types.WorkspaceEdit(changes={uri: edits(remedy.changes, lines)})
    return types.CodeAction(
        remedy.title, kind, cured, edit=edit, is_preferred=remedy.preferred or None
    )


_REFACTORINGS = {
    RefactoringKind.EXTRACT: types.CodeActionKind.RefactorExtract,
    RefactoringKind.INLINE: types.CodeActionKind.RefactorInline,
    RefactoringKind.REWRITE: types.CodeActionKind.RefactorRewrite,
}


def refactoring(made: Refactored, uri: str, lines: TextLines) -> types.CodeAction:
    """Return an edit that keeps the network as an action; one that is refused with the reason."""
    kind = _REFACTORINGS[made.kind]
    if made.refused:
        return types.CodeAction(made.title, kind, disabled=types.CodeActionDisabled(made.refused))
    edit = types.WorkspaceEdit(changes={uri: edits(made.changes, lines)})
    return types.CodeAction(made.title, kind, edit=edit)


def edits(changes: Sequence[TextChange], lines: TextLines) -> list[types.TextEdit]:
    """Return changes of one text."""
    return [types.TextEdit(lines.range(c.start, c.end), c.text) for c in changes]


def renaming(made: RenameEdits, texts: OpenTexts) -> types.WorkspaceEdit:
    """Return changes over files, with a warning where the client shows one."""
    found = {}
    for path, changes in made.changes.items():
        lines = texts.lines(Path(path))
        if lines is not None:
            found[uri_of(path)] = edits(changes, lines)
    if not (made.warning and texts.annotates):
        return types.WorkspaceEdit(changes=found)
    note = types.ChangeAnnotation(made.warning, True)
    documents = [
        types.TextDocumentEdit(
            types.OptionalVersionedTextDocumentIdentifier(uri, None),
            [types.AnnotatedTextEdit("weights", e.range, e.new_text) for e in changed],
        )
        for uri, changed in found.items()
    ]
    return types.WorkspaceEdit(document_changes=documents, change_annotations={"weights": note})


# --- what is shown in the text -----------------------------------------------------------


def hint(found: ShapeHint, lines: TextLines) -> types.InlayHint:
    """Return a shape behind a line."""
    at = lines.position(lines.line_end(found.line))
    text = f"{found.text} (before)" if found.stale else found.text
    return types.InlayHint(
        at, text, kind=types.InlayHintKind.Type, padding_left=True, tooltip=found.tooltip
    )


def lens(found: FiguresLens, uri: str, lines: TextLines, texts: OpenTexts) -> types.CodeLens:
    """Return figures above a line, which open a report where the client can show one."""
    at = lines.range(found.start, found.start)
    if not (found.report and texts.shows):
        return types.CodeLens(at, types.Command(found.text, ""))
    return types.CodeLens(at, command(found.text, found.report, uri))


def command(title: str, report: str, uri: str) -> types.Command:
    """Return what opens a report of a text."""
    return types.Command(title, f"archc.{report}", arguments=[uri, {"show": True}])


def tokens(words: Sequence[Coloured], lines: TextLines) -> types.SemanticTokens:
    """Return words by their kinds, each in terms of the one before it."""
    data: list[int] = []
    line = character = 0
    for word in words:
        at = lines.position(word.start)
        if at.line > line:
            character = 0
        bits = sum(1 << MODIFIERS.index(name) for name in word.modifiers)
        length = lines.length(word.start, word.end)
        data += [at.line - line, at.character - character, length, KINDS.index(word.kind), bits]
        line, character = at.line, at.character
    return types.SemanticTokens(data)


def fold(lines: FoldedLines) -> types.FoldingRange:
    """Return lines that fold."""
    kind = types.FoldingRangeKind.Comment if lines.is_comment else types.FoldingRangeKind.Region
    return types.FoldingRange(lines.first, lines.last, kind=kind)


_SYMBOLS = {
    "network": types.SymbolKind.Class,
    "param": types.SymbolKind.Constant,
    "block": types.SymbolKind.Function,
    "layer": types.SymbolKind.Field,
    "section": types.SymbolKind.Namespace,
}


def symbol(entry: OutlineEntry, lines: TextLines) -> types.DocumentSymbol:
    """Return a part of the text, and those in it."""
    return types.DocumentSymbol(
        entry.name or "?",
        _SYMBOLS[entry.kind],
        lines.range(entry.start, entry.end),
        lines.range(entry.name_start, entry.name_end),
        entry.detail or None,
        children=[symbol(child, lines) for child in entry.children],
    )


# --- what is asked at a place ------------------------------------------------------------


def hover(found: Explained, lines: TextLines) -> types.Hover:
    """Return what is to be said of a place."""
    content = types.MarkupContent(types.MarkupKind.Markdown, found.markdown)
    return types.Hover(content, lines.range(found.start, found.end))


_PROPOSALS = {
    ProposalKind.OPERATOR: types.CompletionItemKind.Function,
    ProposalKind.COMBINATOR: types.CompletionItemKind.Operator,
    ProposalKind.BLOCK: types.CompletionItemKind.Class,
    ProposalKind.KEYWORD: types.CompletionItemKind.Keyword,
    ProposalKind.VALUE: types.CompletionItemKind.Variable,
    ProposalKind.LABEL: types.CompletionItemKind.Reference,
    ProposalKind.ATTRIBUTE: types.CompletionItemKind.Property,
    ProposalKind.FUNCTION: types.CompletionItemKind.Function,
    ProposalKind.FILE: types.CompletionItemKind.File,
}


def completion(found: Sequence[Proposal], lines: TextLines, snippets: bool) -> types.CompletionList:
    """Return what may come, in the order of the proposals; `snippets` if the editor takes any."""
    return types.CompletionList(False, [_item(p, lines, snippets) for p in found])


def _item(proposal: Proposal, lines: TextLines, snippets: bool) -> types.CompletionItem:
    doc = types.MarkupContent(types.MarkupKind.Markdown, proposal.doc) if proposal.doc else None
    is_snippet = snippets and bool(proposal.snippet)
    text = proposal.snippet if is_snippet else proposal.text
    return types.CompletionItem(
        proposal.label,
        kind=_PROPOSALS[proposal.kind],
        detail=proposal.detail or None,
        documentation=doc,
        sort_text=f"{proposal.rank}{proposal.label.lower()}",
        filter_text=proposal.known_as or None,
        insert_text_format=types.InsertTextFormat.Snippet if is_snippet else None,
        text_edit=types.TextEdit(lines.range(proposal.start, proposal.end), text),
    )


def signature(found: SignatureHelp) -> types.SignatureHelp:
    """Return what an operator or block takes."""
    docs = (*found.docs, *("",) * len(found.parameters))
    parameters = [
        types.ParameterInformation(found.text[a:b], doc or None)
        for (a, b), doc in zip(found.parameters, docs, strict=False)
    ]
    doc = types.MarkupContent(types.MarkupKind.Markdown, found.doc) if found.doc else None
    made = types.SignatureInformation(found.text, doc, parameters, found.active)
    return types.SignatureHelp([made], 0, found.active)


def call_item(item: CallItem, texts: OpenTexts) -> types.CallHierarchyItem | None:
    """Return a block or network as a caller; None where its file cannot be read."""
    lines = texts.lines(Path(item.path))
    if lines is None:
        return None
    return types.CallHierarchyItem(
        item.name,
        types.SymbolKind.Class if item.is_network else types.SymbolKind.Function,
        uri_of(item.path),
        lines.range(item.start, item.end),
        lines.range(item.name_start, item.name_end),
        detail=item.detail or None,
    )


def calls(
    edges: Sequence[CallEdge], texts: OpenTexts
) -> list[tuple[types.CallHierarchyItem, list[types.Range]]]:
    """Return calls with their places, which are in the file of the caller."""
    found = []
    for edge in edges:
        item, lines = call_item(edge.item, texts), texts.lines(Path(edge.places[0].path))
        if item is not None and lines is not None:
            found.append((item, [lines.range(p.start, p.end) for p in edge.places]))
    return found


def locations(places: Sequence[TextPlace], texts: OpenTexts) -> list[types.Location]:
    """Return places in files; those that cannot be read are left out."""
    found = []
    for place in places:
        lines = texts.lines(Path(place.path))
        if lines is not None:
            found.append(types.Location(uri_of(place.path), lines.range(place.start, place.end)))
    return found
