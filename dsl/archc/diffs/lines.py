"""Entries to the lines that tell them: what changed first, what only follows in few words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from archc.analysis.costs import Cost
from archc.diffs.blocks import BlockChange
from archc.diffs.entries import Change, StatementDiff, merged, scaled, summed
from archc.diffs.items import OutlineItem
from archc.ops import branch_name
from archc.report.spelling.numbers import rounded
from archc.report.spelling.statements import source_text

MARKS = {
    "added": "+", "removed": "-", "changed": "~", "inside": " ", "follows": ".", "renamed": "=",
    "block": "",
}  # fmt: skip
_MOST_NAMES = 5  # of modules that follow in the same way
_MOST_LEAVES = 2000  # differences that are looked through for them
_MOST_FOLLOW = 8  # lines about what follows inside one statement


@dataclass(frozen=True, slots=True)
class DiffRow:
    """One line. `costs` and `shapes` are those of both sides."""

    level: int
    state: str
    text: str
    shapes: tuple[str, str] = ("", "")
    costs: tuple[Cost, Cost] = (Cost(), Cost())

    @property
    def mark(self) -> str:
        return MARKS[self.state]

    @property
    def params(self) -> int:
        return self.costs[1].params - self.costs[0].params

    @property
    def macs(self) -> int:
        """The difference in MACs, those of an auxiliary head too."""
        left, right = (cost.macs + cost.side_macs for cost in self.costs)
        return right - left


def rows_of(
    entries: Iterable[StatementDiff], level: int = 0, written: bool = False
) -> Iterator[DiffRow]:
    """The lines of some statements; those that are the same say nothing.

    `written` takes operators as the text of a block has them.
    """
    reshaped: Counter[str] = Counter()
    for entry in map(simplified, entries):
        if entry.state == "follows" and _bare(entry):
            reshaped[entry.item.label or entry.item.head] += 1
        elif entry.differs:
            yield from _rows(entry, level, written)
    if reshaped:
        names = ", ".join(f"{n} {name}" if n > 1 else name for name, n in reshaped.items())
        yield DiffRow(level, "follows", f"other shapes, the same costs: {names}")


def block_rows(block: BlockChange) -> list[DiffRow]:
    """A block whose text differs: how often it is called, and what differs."""
    left, right = block.times
    calls = f"{left}" if left == right else f"{left} -> {right}"
    head = f"block {block.definition}   ({calls} call{'s' * (block.times != (1, 1))})"
    return [DiffRow(0, "block", head, costs=block.costs), *rows_of(block.entries, 1, True)]


def _bare(entry: StatementDiff) -> bool:
    """Whether nothing but shapes differs."""
    return not entry.structural and entry.costs[0] == entry.costs[1] and not entry.renames


def _rows(entry: StatementDiff, level: int, written: bool) -> Iterator[DiffRow]:
    text = format_entry(entry, written)
    definition = entry.definition
    if definition is not None and definition.left.name.id == definition.right.name.id:
        text += "   (the block changed)"
    yield DiffRow(level, entry.state, text, entry.shapes, entry.costs)
    if entry.definition is not None or entry.alone:
        return
    if entry.item.kind == "call":
        yield from consequences(entry, level + 1)
    elif entry.item.kind == "branches":
        yield from _branches(entry, level + 1, written)
    elif entry.structural or entry.renames:
        if entry.item.kind == "again" and not any(inner.structural for inner in entry.inside):
            return  # what was renamed is told where it is
        yield from rows_of(entry.inside, level + 1, written)


def _branches(entry: StatementDiff, level: int, written: bool) -> Iterator[DiffRow]:
    for at, branch in enumerate(entry.inside):
        if not branch.structural:
            continue
        name = branch_name(entry.item.head, at)
        if branch.alone:
            yield from _rows(branch, level, written)
            continue
        yield DiffRow(
            level, "inside", name, branch.shapes if not written else ("", ""), branch.costs
        )
        yield from rows_of(branch.inside, level + 1, written)


def consequences(entry: StatementDiff, level: int) -> Iterator[DiffRow]:
    """What other arguments do inside a block, each difference with the names of where it is."""
    places: dict[str, list[StatementDiff]] = {}
    for leaf in islice(_leaves(entry), _MOST_LEAVES):
        places.setdefault(_difference(leaf), []).append(leaf)
    for at, (text, leaves) in enumerate(places.items()):
        if at == _MOST_FOLLOW:
            yield DiffRow(level, "follows", f"{len(places) - at} more follow")
            return
        yield DiffRow(
            level, "follows", _at(leaves) + text, costs=summed(leaf.costs for leaf in leaves)
        )


def _at(leaves: list[StatementDiff]) -> str:
    if any(leaf.alone for leaf in leaves):
        return ""
    if any(leaf.item.kind == "loop" for leaf in leaves):
        return ""
    names = list(dict.fromkeys(leaf.item.title for leaf in leaves))
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"{', '.join(names[:_MOST_NAMES])}{more}: "


def _difference(leaf: StatementDiff) -> str:
    if leaf.alone:
        return f"{'+' if leaf.left is None else '-'} {leaf.item.text}"
    if leaf.item.kind == "loop":
        return format_entry(leaf, False)
    return ", ".join(_format_change(change) for change in leaf.changes if change.name != "label")


def _leaves(entry: StatementDiff) -> Iterator[StatementDiff]:
    """The innermost entries inside of one that differ by more than shapes."""
    inner = [(entry.inside, (1, 1)), *entry.runs]
    for entries, times in inner:
        for one in entries:
            if not one.structural:
                continue
            if (single := simplified(one)).changed:
                yield scaled(single, times)
            elif one.definition is None:
                yield from (scaled(leaf, times) for leaf in _leaves(one))


# --- text --------------------------------------------------------------------------------------


def format_entry(entry: StatementDiff, written: bool) -> str:
    """An entry in words: `conv1: conv 11x11 -> 7x7, /4 -> /2, +p1`."""
    item = entry.item
    if entry.alone:
        text = item.written if written else item.text
        return _labelled(item.label, text) + (" (moved)" if entry.moved else "")
    label = next((c for c in entry.changes if c.name == "label"), None)
    name = item.label
    if label is not None:
        name = f"{label.left} -> {label.right}"
    return _labelled(name, _statement(entry, written))


def _labelled(label: str | None, text: str) -> str:
    return f"{label}: {text}".rstrip() if label else text


def _statement(entry: StatementDiff, written: bool) -> str:
    left, right = entry.left, entry.right
    assert left is not None
    assert right is not None
    changes = [c for c in entry.changes if c.name not in ("label", "count")]
    count = "".join(f" {_format_change(c)}" for c in entry.changes if c.name == "count")
    head = next((c for c in changes if c.name in ("operator", "block", "combinator")), None)
    texts = [(item.written if written else item.text) for item in (left, right)]
    if head is not None and head.name == "operator":
        return f"{texts[0]} -> {texts[1]}{count}"
    name = f"{head.left} -> {head.right}" if head is not None else right.head
    changes = [c for c in changes if c is not head]
    changed = ", ".join(_format_change(c, named=right.kind == "call") for c in changes)
    match right.kind:
        case "call" if changed or head:
            times = count or _times(right)
            return f"{name}({changed}){times}" if changed else f"{name}{times}"
        case "call":
            return f"{source_text(right.span)}{count or _times(right)}"
        case "op" | "input" | "aux" if changed:
            return f"{name} {changed}{count}"
        case "branches":
            return f"{name}< ... >" + (f" {changed}" if changed else "") + count
        case "group":
            return ("" if right.label else "{ }") + count if entry.structural else texts[1]
        case "loop" if right.single is None:
            heads = [item.heading or text for item, text in zip((left, right), texts, strict=True)]
            if not right.heading:
                heads = [text.rpartition(" * ")[0] or text for text in texts[1:]]
            return " -> ".join(dict.fromkeys(heads)) + (count or f" * {right.count}")
        case "mark":
            return f"output {changed or right.words[0].shown}"
        case "goto" | "again" if changed:
            return changed
        case _:
            base = right.single.text if count and right.single else texts[1]
            return f"{base}{count}"


def _times(item: OutlineItem) -> str:
    return f" * {item.count}" if item.count > 1 else ""


def _format_change(change: Change, named: bool = False) -> str:
    """`x64 -> x96`, `+p1`, `-nobias`."""
    name = f"{change.name} " if named else ""
    if not change.left or not change.right:
        return f"{'-' if change.left else '+'}{name}{change.left or change.right}"
    if change.left == change.right:
        return f"{change.left} (another tensor)"
    left, right = rounded(change.left), rounded(change.right)
    if left == right:  # only further digits tell them apart
        left, right = change.left, change.right
    return f"{name}{left} -> {right}"


def simplified(entry: StatementDiff) -> StatementDiff:
    """What is the only one in a loop or group, with its count and its label."""
    left, right = entry.left, entry.right
    if left is None or right is None:
        return entry
    kinds = {left.kind, right.kind}
    if kinds in ({"group"}, {"aux"}) and len(entry.inside) == 1 and not entry.changed:
        inner = simplified(entry.inside[0])
        named = inner.renamed or inner.item.label not in (None, right.label)
        return entry if inner.alone or named else _in(inner, entry)
    if "loop" not in kinds or not entry.inside or any(e.alone for e in entry.inside):
        return entry
    if any(item.kind == "loop" and item.single is None for item in (left, right)):
        return entry
    first = simplified(entry.inside[0])
    if any(e.changes != entry.inside[0].changes for e in entry.inside):
        return entry
    changes = tuple(c for c in first.changes if c.name != "count")
    changes += tuple(c for c in entry.changes if c.name == "count")
    sides = [replace(item.single or item, count=item.count) for item in (left, right)]
    return replace(
        first,
        left=sides[0],
        right=sides[1],
        changes=changes,
        inside=merged(e.inside for e in entry.inside),
        runs=tuple(run for e in entry.inside for run in e.runs),
        follows=first.follows if first.changes else entry.follows,
        costs=entry.costs,
        shapes=entry.shapes,
    )


def _in(inner: StatementDiff, group: StatementDiff) -> StatementDiff:
    """What stands alone in a group, under the group's label."""
    label = tuple(c for c in group.changes if c.name == "label")
    sides = [
        item and around and replace(item, label=around.label)
        for item, around in ((inner.left, group.left), (inner.right, group.right))
    ]
    return replace(
        inner,
        left=sides[0],
        right=sides[1],
        changes=(*label, *inner.changes),
        costs=group.costs,
        shapes=group.shapes,
    )
