"""What holds a draft against the network: an edit that would change it is not offered."""

from __future__ import annotations

import re
from functools import cached_property

from archc.analysis.extent import check_extent
from archc.analysis.identity import NetworkIdentity
from archc.api import Analysis
from archc.editor.actions import analyse_as
from archc.editor.findings import TextChange
from archc.editor.formatting import changes_between
from archc.editor.refactoring.base import Draft, RefactoringKind
from archc.editor.snapshot import Snapshot
from archc.layout import format_source
from archc.record import record
from archc.source import Edit, Fault, Source, Span, edited

_UNUSED = ("W101", "W102", "W103", "W104")
_GAP, _LEAST_GAP = 3, 2  # blanks before a comment
_COMMENT = re.compile(r'[^#"\n]*?( +)(?=#)')  # what is before it on its line


@record
class Refactored:
    """An edit that keeps the network. `refused` says why there is none."""

    title: str
    kind: RefactoringKind
    changes: tuple[TextChange, ...]
    refused: str = ""


class Guard:
    """Knows what a text's network is, and what edited texts make of it."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._before = _identity(snapshot.analysis)

    def admit(self, draft: Draft, kind: RefactoringKind) -> Refactored | None:
        """Return a draft whose network is the same, laid out as the text is; None for others."""
        if self._before is None:
            return None
        source = self.snapshot.source
        changes = [Edit(Span(source, c.start, c.end), c.text) for c in draft.changes]
        moves = {edit.span.start: edit for c in changes if (edit := _comment_kept(c)) is not None}
        text = edited(source.text, [*changes, *moves.values()])
        if self._is_formatted:
            text = format_source(Source(source.name, text)).text
        after = analyse_as(self.snapshot, Source(source.name, text), self.snapshot.cancelled)
        made = _identity(after)
        if made is None or not self._is_same(made, after):
            return None
        names_stay = made.weight_names == self._before.weight_names
        title = draft.title if names_stay else f"{draft.title} (weight names change)"
        return Refactored(title, kind, changes_between(source.text, text))

    def _is_same(self, made: NetworkIdentity, after: Analysis) -> bool:
        """The same network, with its params as they are and with others; and no new warning."""
        before = self.snapshot.analysis
        assert self._before is not None
        assert before.plan is not None
        assert after.plan is not None
        if made.computes != self._before.computes or _remarks(after) > _remarks(before):
            return False
        if any(after.plan.params.get(n) != v for n, v in before.plan.params.items()):
            return False
        others = {n: v + 1 for n, v in before.plan.params.items() if type(v) is int}
        if not others:
            return True
        one, other = before.again(others), after.again(others)
        if one is None or other is None:
            return one is other
        return NetworkIdentity.of(one).computes == NetworkIdentity.of(other).computes

    @cached_property
    def _is_formatted(self) -> bool:
        return not format_source(self.snapshot.source).changed


def _remarks(analysis: Analysis) -> int:
    """How many warnings there are, but for those of what is not used any more."""
    return sum(d.code not in _UNUSED for d in analysis.diagnostics)


def _comment_kept(change: Edit) -> Edit | None:
    """The edit that leaves the comment behind a change in its column, where there is room."""
    source, start, end = change.span.source, change.span.start, change.span.end
    found = _COMMENT.match(source.text, end)
    if found is None:
        return None
    _, _, replaced = source.text[:end].rpartition("\n")
    _, broken, last = change.text.rpartition("\n")
    if not broken:
        last = source.text[:start].rpartition("\n")[2] + last
    gap = len(found[1]) + len(replaced) - len(last)
    blanks = " " * (gap if gap >= _LEAST_GAP else _GAP)
    return Edit(Span(source, found.start(1), found.end(1)), blanks)


def _identity(analysis: Analysis) -> NetworkIdentity | None:
    """None of a text with mistakes, or whose network is too large to be gone through."""
    if analysis.plan is None or not analysis.ok:
        return None
    try:
        check_extent(analysis.plan, analysis.again.limits.written, unfolded=True)
    except Fault:
        return None
    return NetworkIdentity.of(analysis.plan)
