"""What two networks cost as wholes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from archc.analysis.memory import inferred, trained
from archc.analysis.schedule import schedule
from archc.analysis.setting import RunSetting
from archc.analysis.table import tabulate
from archc.plan import Plan
from archc.report import tables
from archc.report.spelling.numbers import format_bytes, format_count
from archc.report.tables import Column, Sheet, TableLine

BATCH = 32
_BYTES = 4  # of a number in float32


@dataclass(frozen=True, slots=True)
class Total:
    """One figure of both networks. `name` is its key in JSON."""

    name: str
    heading: str
    left: int
    right: int
    show: Callable[[float], str]

    @property
    def difference(self) -> int:
        return self.right - self.left

    @property
    def ratio(self) -> float | None:
        return self.right / self.left if self.left else None


def totals_of(left: Plan, right: Plan, batch: int) -> tuple[Total, ...]:
    """Parameters, MACs, activations, the lecture's memory, and peaks in fp32 at a batch."""
    return tuple(
        Total(name, heading, mine, yours, show)
        for (name, heading, show, mine), (*_, yours) in zip(
            _figures(left, batch), _figures(right, batch), strict=True
        )
    )


_Figure = tuple[str, str, Callable[[float], str], int]


def _figures(plan: Plan, batch: int) -> Iterator[_Figure]:
    counts, setting = tabulate(plan).counts, RunSetting()
    yield "params", "parameters", format_count, counts.params
    yield "macs", "MACs", format_count, counts.macs
    yield "side_macs", "MACs of auxiliary heads", format_count, counts.side_macs
    yield "activations", "activations", format_count, counts.activations
    yield "memory_bytes", "lecture's memory", format_bytes, counts.memory * _BYTES
    run = schedule(plan, training=True)
    infer, train = inferred(plan, run.state(), setting), trained(run, setting)
    yield (
        "infer_peak_bytes",
        f"peak of inference, batch {batch}",
        format_bytes,
        infer.peak(batch).bytes(batch),
    )
    yield (
        "train_peak_bytes",
        f"peak of training, batch {batch}",
        format_bytes,
        train.peak(batch).bytes(batch),
    )


def sheet(totals: tuple[Total, ...], names: tuple[str, str]) -> Sheet:
    """The totals as a table: both networks, difference and ratio."""
    columns = (
        Column("what", ""),
        Column("left", names[0], numeric=True),
        Column("right", names[1], numeric=True),
        Column("difference", "difference", numeric=True),
        Column("ratio", "ratio", numeric=True),
    )
    return Sheet(columns, [_line(t) for t in totals if t.left or t.right])


def _line(total: Total) -> TableLine:
    difference = total.difference
    sign = "+" if difference > 0 else "-" if difference < 0 else ""
    shown = f"{sign}{total.show(abs(difference))}" if difference else "="
    ratio = f"×{total.ratio:.3f}" if difference and total.ratio is not None else None
    return TableLine((total.heading, total.show(total.left), total.show(total.right), shown, ratio))


def text(totals: tuple[Total, ...], names: tuple[str, str], width: int | None = None) -> str:
    """The table for people, on a terminal of that width if there is one."""
    return tables.text(sheet(totals, names), width)
