"""Rows of a network as items of a table: blocks closed, alike ones in a row said once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby, islice

from archc.analysis.table import Part, Row, Table
from archc.report.columns import Item
from archc.report.spelling.statements import format_part

_SHARED = ", shared with "
READABLE = 64  # lines that are still a page


@dataclass
class Items:
    """Makes items of rows; equal parts are put into words once."""

    _said: dict[int, str] = field(default_factory=dict)

    def of(self, row: Row) -> Item:
        part = row.part
        return Item(
            row.key, part.kind, self._statement(part), part.output, row.counts, row.field,
            row.level, row.opened, row.training_only, row.again, part.span,
        )  # fmt: skip

    def _statement(self, part: Part) -> str:
        found = self._said.get(id(part))
        if found is None:
            found = format_part(part)
            if part.also:
                found = f"{part.also}: {found}{_SHARED}{part.name}"
            self._said[id(part)] = found
        return found


def everything(table: Table, depth: int | None) -> Iterator[Item]:
    """What makes up the network, in order: operators, and blocks that stay closed."""
    items = Items()
    return (items.of(row) for row in table.rows(depth) if not row.opened)


def outline(table: Table, depth: int | None, *, fold: bool = True) -> list[Item]:
    """The same below the blocks that they are in; what repeats is one item."""
    items = list(map(Items().of, table.rows(depth)))
    return list(_folded(items)) if fold else items


def readable_depth(table: Table) -> int | None:
    """The deepest at which the outline is a page long; 1 where none is, None where all of it is."""
    depth = 1
    while True:
        rows = list(islice(table.rows(depth + 1), 20 * READABLE))
        items = list(_folded(map(Items().of, rows)))
        if len(items) > READABLE or len(rows) == 20 * READABLE:
            return depth
        if all(row.opened or row.part.inside is None for row in rows):
            return None
        depth += 1


# --- repeats -----------------------------------------------------------------------------


def _folded(items: Iterable[Item]) -> Iterator[Item]:
    for _, run in groupby(_numbered(items), key=lambda pair: pair[0]):
        alike = [item for _, item in run]
        yield alike[0] if len(alike) == 1 else _run(alike)


def _numbered(items: Iterable[Item]) -> Iterator[tuple[int, Item]]:
    """Each with the number of the run that it is in."""
    run, before = 0, None
    for item in items:
        run += before is None or not _continues(before, item)
        before = item
        yield run, item


def _continues(before: Item, item: Item) -> bool:
    """Whether it is the next of its kind, and the same but for a block's arguments."""
    stem, number = _place(before.name)
    if number < 0 or _place(item.name) != (stem, number + 1) or item.opened or before.opened:
        return False
    alike = "(" in item.statement and _SHARED not in item.statement
    same = before.statement == item.statement or alike
    return same and _bare(before) == _bare(item)


def _bare(item: Item) -> Item:
    return replace(item, name="", statement="", field=(), span=None)


def _place(name: str) -> tuple[str, int]:
    """`layer1.3` is number 3 of `layer1.`; what has no number is -1."""
    found = re.fullmatch(r"(.*?)(\d+)", name)
    return (found[1], int(found[2])) if found else (name, -1)


def _run(alike: list[Item]) -> Item:
    """`layer3.1-35`: `bottleneck(256) * 35`. It has the sums, and the field of the last."""
    first, last = alike[0], alike[-1]
    return replace(
        first,
        name=f"{first.name}-{_place(last.name)[1]}",
        statement=f"{_common(first.statement, last.statement)} * {len(alike)}",
        counts=first.counts.times(len(alike)),
        field=last.field,
    )


def _common(first: str, last: str) -> str:
    """`basic(16, 1..18, 54)` of calls that differ in what they are given."""
    if first == last:
        return first
    (block, ours), (_, theirs) = (_taken_apart(text) for text in (first, last))
    if len(ours) != len(theirs):
        return f"{block}(…)"
    pairs = zip(ours, theirs, strict=True)
    return f"{block}({', '.join(a if a == b else _range(a, b) for a, b in pairs)})"


def _taken_apart(statement: str) -> tuple[str, list[str]]:
    block, _, arguments = statement.removesuffix(")").partition("(")
    return block, arguments.split(", ")


def _range(first: str, last: str) -> str:
    """`1..18`, `rate=0.1..0.5`; `…` of what is no number."""
    key, equals, ours = first.rpartition("=")
    theirs = last.removeprefix(key + equals)
    numbers = all(re.fullmatch(r"[\d.]+", text) for text in (ours, theirs))
    return f"{key}{equals}{ours}..{theirs}" if numbers else "…"
