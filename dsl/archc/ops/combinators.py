"""Combinators: branches side by side on one tensor, and the operator that merges their ends.

A combinator is a row here. Every merge operator is one by its own name, `concat< a | b >`; those
below have a name of their own, or take the incoming tensor beside their branches.
"""

from __future__ import annotations

from typing import TypeVar

from archc.ops._op import REGISTRY
from archc.record import record

T = TypeVar("T")


@record
class Combinator:
    """`name< branch | branch >`.

    The incoming tensor itself is merged, too, at the place `incoming` among the others, where there
    are only `least` branches. Drawings show what comes in at the places `skips` as a connection
    that skips the rest. `branches` says how a person calls them; without, they are numbered. With
    `same_channels` no single channel is stretched: it would be a mistake.
    """

    name: str
    merge: str  # the operator that merges the ends; none for `aux`, whose branch leaves the network
    least: int = 2  # branches
    most: int | None = None
    incoming: int | None = None
    skips: frozenset[int] = frozenset()
    branches: tuple[str, ...] = ()
    same_channels: bool = False

    def merged(self, ends: list[T], x: T) -> list[T]:
        """Return what is merged: the branches' ends, and the incoming tensor in its place."""
        if self.incoming is None or len(ends) > self.least:
            return ends
        return [*ends[: self.incoming], x, *ends[self.incoming :]]

    def place(self, branch: int, written: int) -> int:
        """Return where a branch's end stands among what is merged, of so many written branches."""
        return self.merged([*range(written)], -1).index(branch)


_ROWS = (
    Combinator(
        "residual",
        merge="add",
        least=1,
        most=2,
        incoming=1,
        skips=frozenset((1,)),
        branches=("body", "shortcut"),
        same_channels=True,
    ),
    Combinator("dense", merge="concat", least=1, most=1, incoming=0, skips=frozenset((0,))),
    Combinator("aux", merge="", least=1, most=1),
    Combinator("softmax", merge="softmax branches"),
    Combinator("columns", merge="columns", least=1),
    Combinator("join", merge="join", least=1),
)


def _of_operators() -> dict[str, Combinator]:
    """The merge operators, each by its name."""
    merges = {cls.name: cls for cls in REGISTRY.values() if cls.category == "merge"}
    merges = {name: cls for name, cls in merges.items() if " " not in name}
    return {
        name: Combinator(name, name, max(2, cls.inputs[0]), cls.inputs[1])
        for name, cls in merges.items()
    }


def branch_name(keyword: str, at: int) -> str:
    """Return what a person calls a combinator's branch: `body`, or `branch 1`."""
    combinator = COMBINATORS.get(keyword)
    names = combinator.branches if combinator is not None else ()
    return names[at] if at < len(names) else f"branch {at + 1}"


COMBINATORS: dict[str, Combinator] = _of_operators() | {row.name: row for row in _ROWS}
