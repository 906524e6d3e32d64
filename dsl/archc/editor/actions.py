"""What mends mistakes: every cure of `check --fix`, and all sure ones at once."""

from __future__ import annotations

from collections.abc import Callable

from archc import syntax
from archc.api import Analysis, analyze
from archc.corrections import correct
from archc.editor.beginning import beginning
from archc.editor.findings import Cure, Finding, TextChange, findings
from archc.editor.formatting import changes_between
from archc.editor.snapshot import Snapshot
from archc.record import record
from archc.source import Source


@record
class Remedy:
    """A cure for what is wrong at a place; `finding` is None for what is of the whole text.

    `is_all` for all that is sure, in one go.
    """

    title: str
    changes: tuple[TextChange, ...]
    finding: Finding | None
    preferred: bool = False
    is_all: bool = False


def remedies(snapshot: Snapshot, start: int, end: int) -> tuple[Remedy, ...]:
    """Return the cures of what is wrong between two offsets."""
    found: list[Remedy] = []
    for finding in findings(snapshot):
        if finding.start <= end and start <= finding.end:
            found += [_remedy(finding, cure) for cure in finding.cures]
    blocks = (item.name.span for item in snapshot.file.items if isinstance(item, syntax.Block))
    at_name = any(name.start <= end and start <= name.end for name in blocks)
    begun = beginning(snapshot.analysis) if at_name or not snapshot.file.items else None
    if begun is not None:
        found.append(Remedy(begun.title[:1].upper() + begun.title[1:], (begun.change,), None))
    return tuple(dict.fromkeys(found))


def _remedy(finding: Finding, cure: Cure) -> Remedy:
    return Remedy(cure.title, cure.changes, finding, cure.safe)


def fix_all(snapshot: Snapshot) -> Remedy | None:
    """Return what `archc check --fix` would change, if anything."""
    if not any(cure.safe for finding in findings(snapshot) for cure in finding.cures):
        return None
    made = correct(
        snapshot.analysis, lambda source: analyse_as(snapshot, source, snapshot.cancelled)
    )
    if not made.changed:
        return None
    changes = changes_between(snapshot.text, made.text)
    return Remedy(f"Fix all that is sure ({made.cured})", changes, None, is_all=True)


def analyse_as(
    snapshot: Snapshot, source: Source, cancelled: Callable[[], bool] | None = None
) -> Analysis:
    """Analyse another text in the place of a snapshot's. Raises archc.api.Cancelled."""
    again = snapshot.analysis.again
    return analyze(
        source,
        limits=again.limits,
        project=snapshot.project,
        read=again.load.read,
        cancelled=cancelled,
    )
