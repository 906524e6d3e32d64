"""Edits that write a network otherwise and keep it: a class a refactoring, a module a class.

    selection -> drafts of each class -> guard (the edited text is analysed) -> what is offered

The guard compares the networks, so that a class may draft what is right as a rule: where it is not,
nothing is offered.
"""

from __future__ import annotations

from archc.editor.refactoring import (  # noqa: F401
    extract_block,
    extract_param,
    inline_block,
    roll,
    unroll,
)
from archc.editor.refactoring.base import REFACTORINGS, NotRefactored, RefactoringKind
from archc.editor.refactoring.guard import Guard, Refactored
from archc.editor.refactoring.selection import Selection
from archc.editor.snapshot import Snapshot

__all__ = ["Refactored", "RefactoringKind", "refactorings"]


def refactorings(snapshot: Snapshot, start: int, end: int) -> tuple[Refactored, ...]:
    """Return how what is between two offsets can be written otherwise.

    Those that may be expected and cannot be done are there with the reason.
    """
    if snapshot.analysis.plan is None or not snapshot.analysis.ok:
        return ()
    selection, guard = Selection.of(snapshot, start, end), Guard(snapshot)
    found: list[Refactored] = []
    for each in REFACTORINGS:
        try:
            admitted = (guard.admit(draft, each.kind) for draft in each.drafts(selection))
            done = next((made for made in admitted if made is not None), None)
        except NotRefactored as reason:
            done = Refactored(each.purpose, each.kind, (), str(reason))
        found += [done] if done is not None else []
    return tuple(found)
