"""The cures that diagnostics carry, applied to a text: what `archc check --fix` does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from archc.api import Analysis
from archc.source import Diagnostic, Edit, Source, edited

_ROUNDS = 200  # a cure may bring to light what the mistake had hidden, as channels that come in

Analyse = Callable[[Source], Analysis]


@dataclass(frozen=True, slots=True)
class Correction:
    """A text and what became of it. `text` is the old one where nothing could be cured."""

    before: Analysis
    after: Analysis
    cured: int  # how many diagnostics
    refused: tuple[Diagnostic, ...] = ()  # new errors that more cures would have brought

    @property
    def text(self) -> str:
        return self.after.source.text

    @property
    def changed(self) -> bool:
        return self.text != self.before.source.text


def correct(before: Analysis, analyse: Analyse) -> Correction:
    """Apply the safe cures, and those that they make possible, without any new error.

    Where all of them together would bring one, each is tried by itself, from the top of the text.
    """
    after, cured = _cure_all(before, analyse)
    refused = _new_errors(before, after)
    if not refused:
        return Correction(before, after, cured)
    return Correction(before, *_cure_one_by_one(before, analyse), refused)


def _cure_one_by_one(before: Analysis, analyse: Analyse) -> tuple[Analysis, int]:
    analysis, cured = before, 0
    passed = 0  # cures from the top that would bring new errors
    for _ in range(2 * _ROUNDS):
        chosen = _safe(analysis.diagnostics, analysis.source)[passed : passed + 1]
        if not chosen:
            break
        made = _apply(analysis, chosen, analyse)
        if _new_errors(before, made):
            passed += 1
        else:
            analysis, cured = made, cured + 1
    return analysis, cured


def _cure_all(analysis: Analysis, analyse: Analyse) -> tuple[Analysis, int]:
    cured = 0
    for _ in range(_ROUNDS):
        chosen = _safe(analysis.diagnostics, analysis.source)
        if not chosen:
            break
        analysis = _apply(analysis, chosen, analyse)
        cured += len(chosen)
    return analysis, cured


def _safe(diagnostics: Iterable[Diagnostic], source: Source) -> list[Diagnostic]:
    """Those whose first cure is safe and changes this text, where others do not."""
    chosen: list[Diagnostic] = []
    taken: list[Edit] = []
    for diagnostic in diagnostics:
        if not diagnostic.fixes or not diagnostic.fixes[0].safe:
            continue
        edits = diagnostic.fixes[0].edits
        if any(edit.span.source is not source for edit in edits):
            continue
        if any(_overlap(edit, other) for edit in edits for other in taken):
            continue
        chosen.append(diagnostic)
        taken += edits
    return chosen


def _overlap(one: Edit, other: Edit) -> bool:
    a, b = one.span, other.span
    return (a.start < b.end and b.start < a.end) or a.start == b.start


def _apply(analysis: Analysis, chosen: list[Diagnostic], analyse: Analyse) -> Analysis:
    edits = [edit for diagnostic in chosen for edit in diagnostic.fixes[0].edits]
    source = analysis.source
    return analyse(Source(source.name, edited(source.text, edits)))


def _new_errors(before: Analysis, after: Analysis) -> tuple[Diagnostic, ...]:
    """The errors that were not there: neither of that kind in these words, nor so many."""
    left = Counter((d.code, d.title) for d in before.diagnostics if d.is_error)
    new = []
    for diagnostic in after.diagnostics:
        key = diagnostic.code, diagnostic.title
        if not diagnostic.is_error:
            continue
        if left[key]:
            left[key] -= 1
        else:
            new.append(diagnostic)
    return tuple(new)
