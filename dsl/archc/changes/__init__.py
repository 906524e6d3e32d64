"""What changed from one network to another: structure, shapes, costs.

    plans -> items (words) -> align (likeness) -> compare -> entries -> text, page, record
                                                             totals

Causes are kept apart from consequences: a statement whose text differs is a change; one that says
the same and comes out otherwise, because of a param, an argument or what is before it, follows. A
block whose text differs is shown once and not at every call.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from archc import syntax
from archc.changes.blocks import BlockChange
from archc.changes.compare import Comparer
from archc.changes.entries import Change, Entry
from archc.changes.totals import BATCH, Total, totals_of
from archc.changes.words import number, source_text
from archc.plan import Plan

__all__ = ["BATCH", "BlockChange", "Change", "Diff", "Entry", "Total", "compare"]


@dataclass(frozen=True)
class Diff:
    """The differences of two networks. `params` and `recipe` are what the file says beside them."""

    left: Plan
    right: Plan
    names: tuple[str, str]
    entries: tuple[Entry, ...]
    blocks: tuple[BlockChange, ...]  # those whose texts differ
    params: tuple[Change, ...]
    recipe: tuple[tuple[str, str], ...]
    same_network: bool  # they compute the same on the same input
    batch: int = BATCH

    @cached_property
    def totals(self) -> tuple[Total, ...]:
        """What both cost."""
        return totals_of(self.left, self.right, self.batch)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to tell."""
        if self.params or self.recipe or self.blocks:
            return False
        return not any(entry.differs for entry in self.entries)

    def __str__(self) -> str:
        from archc.changes import text

        return text.text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """What Jupyter shows: both side by side."""
        from archc.changes import page

        return page.fragment(self)


def compare(left: Plan, right: Plan, batch: int = BATCH) -> Diff:
    """Compare two plans without mistakes. `batch` is what the peaks of memory are for."""
    comparer = Comparer()
    entries = comparer.plans(left, right)
    names = (left.name, right.name) if left.name != right.name else ("before", "after")
    return Diff(
        left,
        right,
        names,
        entries,
        tuple(comparer.blocks()),
        tuple(_params(left, right)),
        _recipe(left, right),
        comparer.equal(left.body, right.body),
        batch,
    )


def _params(left: Plan, right: Plan) -> Iterator[Change]:
    """Params of the files that differ."""
    for name in dict.fromkeys((*left.params, *right.params)):
        sides = [number(p.params[name]) if name in p.params else "" for p in (left, right)]
        if sides[0] != sides[1]:
            yield Change(name, sides[0], sides[1], (sides[0], sides[1]))


def _recipe(left: Plan, right: Plan) -> tuple[tuple[str, str], ...]:
    """Lines of the `train` sections that one side alone has, with the marks `-` and `+`."""
    mine, yours = _training(left), _training(right)
    found = [("-", line) for line in mine if line not in yours]
    found += [("+", line) for line in yours if line not in mine]
    order = list(dict.fromkeys(line.split()[0] for _, line in found))
    return tuple(sorted(found, key=lambda one: order.index(one[1].split()[0])))


def _training(plan: Plan) -> list[str]:
    return [
        source_text(entry.span)
        for item in plan.file.items
        if isinstance(item, syntax.Section) and item.kind.id == "train"
        for entry in item.entries
    ]
