"""A comparison as JSON, for scripts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from archc.analysis.costs import Cost
from archc.diffs.blocks import BlockChange
from archc.diffs.comparison import NetworkDiff
from archc.diffs.entries import StatementDiff
from archc.diffs.items import OutlineItem
from archc.diffs.lines import simplified
from archc.report.characters import to_json

VERSION = 1  # grows when a key goes or changes its meaning


def text(diff: NetworkDiff) -> str:
    """One JSON object."""
    return to_json(record(diff))


def record(diff: NetworkDiff) -> dict[str, Any]:
    """The same as plain values."""
    return {
        "version": VERSION,
        "left": diff.left.name,
        "right": diff.right.name,
        "same": diff.empty,
        "same_network": diff.same_network,
        "batch": diff.batch,
        "totals": {
            total.name: {
                "left": total.left,
                "right": total.right,
                "difference": total.difference,
                "ratio": total.ratio,
            }
            for total in diff.totals
        },
        "params": [{"name": c.name, "left": c.left, "right": c.right} for c in diff.params],
        "devices": dict(zip(_SIDES.values(), (side or None for side in diff.devices), strict=True))
        if diff.moved
        else None,
        "changes": _entries(diff.entries, written=False),
        "blocks": [_block(block) for block in diff.blocks],
        "train": [{"side": _SIDES[mark], "text": line} for mark, line in diff.recipe],
    }


_SIDES = {"-": "left", "+": "right"}


def _block(block: BlockChange) -> dict[str, Any]:
    sides = block.definition.left, block.definition.right
    return {
        "left": sides[0].name.id,
        "right": sides[1].name.id,
        "calls": {"left": block.times[0], "right": block.times[1]},
        "costs": _costs(block.costs),
        "changes": _entries(block.entries, written=True),
    }


def _entries(entries: Iterable[StatementDiff], *, written: bool) -> list[dict[str, Any]]:
    return [_entry(entry, written) for entry in map(simplified, entries) if entry.differs]


def _entry(entry: StatementDiff, written: bool) -> dict[str, Any]:
    return {
        "state": entry.state,
        "follows": entry.follows or entry.state == "follows",
        "moved": entry.moved,
        "left": entry.left and _item(entry.left, entry.shapes[0], written),
        "right": entry.right and _item(entry.right, entry.shapes[1], written),
        "attributes": [
            {"name": c.name, "left": c.left or None, "right": c.right or None, "follows": c.follows}
            for c in entry.changes
        ],
        "costs": _costs(entry.costs),
        "block": str(entry.definition) if entry.definition is not None else None,
        "inside": [] if entry.runs else _entries(entry.inside, written=written),
    }


def _item(item: OutlineItem, shape: str, written: bool) -> dict[str, Any]:
    return {
        "kind": item.kind,
        "op": item.head,
        "label": item.label,
        "text": item.written if written else item.text,
        "shape": shape or None,
        "count": item.count,
        "file": item.span.source.name,
        "line": item.span.line,
    }


def _costs(costs: tuple[Cost, Cost]) -> dict[str, dict[str, int]]:
    return {
        name: {"left": getattr(costs[0], name), "right": getattr(costs[1], name)}
        for name in ("params", "macs", "side_macs")
    }
