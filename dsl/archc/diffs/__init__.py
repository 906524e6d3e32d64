"""What changed from one network to another: structure, shapes, costs.

    plans -> outline (items, words) -> match (align, similarity) -> compare (differences)
        -> entries, blocks -> comparison (totals) -> lines -> text, page, record

Causes are kept apart from consequences: a statement whose text differs is a change; one that says
the same and comes out otherwise, because of a param, an argument or what is before it, follows. A
block whose text differs is shown once and not at every call.
"""

from __future__ import annotations

from dataclasses import dataclass

from archc.diffs.comparison import NetworkDiff

__all__ = ["Diff", "NetworkDiff"]


@dataclass(frozen=True)
class Diff(NetworkDiff):
    """A comparison that shows itself."""

    def __str__(self) -> str:
        from archc.diffs import text

        return text.text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """What Jupyter shows: both side by side."""
        from archc.diffs import page

        return page.fragment(self)
