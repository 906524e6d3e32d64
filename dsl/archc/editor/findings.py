"""Diagnostics as an editor shows them: in this text, with what belongs to them and their cures."""

from __future__ import annotations

from dataclasses import replace

from archc.api.loading import Naming
from archc.editor.snapshot import Snapshot
from archc.record import record
from archc.source import Diagnostic, Fix, Span


@record
class RelatedPlace:
    """A further place of a story, perhaps in another file."""

    path: str
    start: int
    end: int
    text: str


@record
class TextChange:
    """Replace what is between two offsets."""

    start: int
    end: int
    text: str


@record
class Cure:
    """An edit that mends a mistake; `safe` where it cannot be wrong."""

    title: str
    changes: tuple[TextChange, ...]
    safe: bool


@record
class Finding:
    """A mistake or a warning. `mild`: no error yet, since the text is half typed."""

    start: int
    end: int
    line: int  # counted from 0
    code: str
    message: str
    is_error: bool
    mild: bool
    related: tuple[RelatedPlace, ...]
    cures: tuple[Cure, ...]


def findings(snapshot: Snapshot) -> tuple[Finding, ...]:
    """Return what is wrong with a text; mistakes in files that it names stand where it does."""
    return _with_all_expected(tuple(_finding(snapshot, d) for d in snapshot.analysis.diagnostics))


def _with_all_expected(found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Where a network does not come to several things that are expected, one cure for them all."""
    unmet = [finding.cures[0] for finding in found if finding.code == "A601" and finding.cures]
    if len(unmet) < 2:
        return found
    changes = tuple(change for cure in unmet for change in cure.changes)
    whole = Cure(f"Expect what it has now, in all {len(unmet)} lines", changes, safe=False)
    return tuple(
        replace(finding, cures=(*finding.cures, whole))
        if finding.code == "A601" and finding.cures
        else finding
        for finding in found
    )


def _finding(snapshot: Snapshot, diagnostic: Diagnostic) -> Finding:
    at, elsewhere = diagnostic.span, ""
    related = [label for label in diagnostic.labels[1:] if label.text]
    if at.source is not snapshot.source:
        elsewhere = f"{at.source.name}:{at.line}: "
        related.insert(0, diagnostic.labels[0])
        at = _use_of(snapshot, at)
    label = diagnostic.labels[0].text
    lines = [f"{elsewhere}{diagnostic.title}"]
    lines += [label] if label and label not in diagnostic.title else []
    lines += [*diagnostic.notes, *(f"help: {help}" for help in diagnostic.helps)]
    mild = diagnostic.code == "A601" and not snapshot.saved
    return Finding(
        at.start,
        at.end,
        at.line - 1,
        diagnostic.code,
        "\n".join(lines),
        diagnostic.is_error,
        mild,
        tuple(_place(label.span, label.text) for label in related),
        tuple(cure for fix in diagnostic.fixes if (cure := _cure(snapshot, fix)) is not None),
    )


def _use_of(snapshot: Snapshot, span: Span) -> Span:
    """The line that leads to another file, or the start of the text."""
    uses = [item for item in snapshot.file.items if isinstance(item, Naming)]
    for use in uses:
        path = snapshot.path_of(use, snapshot.source)
        if path is not None and str(path) == span.source.name:
            return use.path.span
    return uses[0].path.span if uses else Span(snapshot.source, 0, 0)


def _place(span: Span, text: str) -> RelatedPlace:
    return RelatedPlace(span.source.name, span.start, span.end, text or "here")


def _cure(snapshot: Snapshot, fix: Fix) -> Cure | None:
    """A fix of this text; one that reaches into other files is for these."""
    if any(edit.span.source is not snapshot.source for edit in fix.edits):
        return None
    changes = (TextChange(e.span.start, e.span.end, e.text) for e in fix.edits)
    return Cure(fix.title[:1].upper() + fix.title[1:], tuple(changes), fix.safe)
