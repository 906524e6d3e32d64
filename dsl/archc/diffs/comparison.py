"""Two networks compared: entries, blocks, params, recipe and totals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from archc import syntax
from archc.diffs.blocks import BlockChange
from archc.diffs.compare import Comparer
from archc.diffs.entries import Change, StatementDiff
from archc.diffs.totals import BATCH, Total, totals_of
from archc.plan import Plan
from archc.report.spelling.operators import format_value
from archc.report.spelling.statements import source_text


@dataclass(frozen=True)
class NetworkDiff:
    """The differences of two networks.

    `params`, `devices` and `recipe` are what the files say beside them.
    """

    left: Plan
    right: Plan
    names: tuple[str, str]
    entries: tuple[StatementDiff, ...]
    blocks: tuple[BlockChange, ...]  # those whose texts differ
    params: tuple[Change, ...]
    devices: tuple[str, str]  # of both, equal or not; "" where there are none
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
        if self.params or self.moved or self.recipe or self.blocks:
            return False
        return not any(entry.differs for entry in self.entries)

    @property
    def moved(self) -> bool:
        """Whether the devices differ."""
        return self.devices[0] != self.devices[1]

    @classmethod
    def of(cls, left: Plan, right: Plan, batch: int = BATCH) -> Self:
        """Compare two plans without mistakes. `batch` is what the peaks of memory are for."""
        comparer = Comparer()
        entries = comparer.plans(left, right)
        return cls(
            left,
            right,
            _titles(left, right),
            entries,
            tuple(comparer.blocks()),
            tuple(_params(left, right)),
            (_devices(left), _devices(right)),
            _recipe(left, right),
            not any(entry.structural for entry in entries),
            batch,
        )


def _params(left: Plan, right: Plan) -> Iterator[Change]:
    """Params of the files that differ."""
    for name in dict.fromkeys((*left.params, *right.params)):
        sides = [format_value(p.params[name]) if name in p.params else "" for p in (left, right)]
        if sides[0] != sides[1]:
            yield Change(name, sides[0], sides[1], (sides[0], sides[1]))


def _titles(left: Plan, right: Plan) -> tuple[str, str]:
    names = left.heading, right.heading
    return names if names[0] != names[1] else ("before", "after")


def _devices(plan: Plan) -> str:
    """As a file writes them."""
    devices = plan.body.devices
    return " ".join(f'"{name}"' for name in devices.names) if devices is not None else ""


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
