"""Rows as a table: what is in a block, or what a pattern stands for, repeats in one line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from archc.analysis.table import Row
from archc.report.spelling.numbers import format_count, human
from archc.report.spelling.operators import format_label
from archc.report.spelling.shapes import format_field
from archc.report.tables import Column, Sheet, TableLine

_COLUMNS = (
    Column("name", "name"),
    Column("what", "what it is"),
    Column("output", "makes"),
    Column("params", "parameters", numeric=True, show=format_count),
    Column("macs", "MACs", numeric=True, show=human),
    Column("sees", "sees", numeric=True),
)


def listing(rows: Iterable[Row], head: str = "", foot: tuple[str, ...] = ()) -> Sheet:
    """A line for each row; rows next to each other that differ in their names alone share one."""
    found = list(rows)
    top = min((row.level for row in found), default=0)
    lines = [_line(run, row_level=run[0].level - top) for run in _runs(found)]
    return Sheet(_COLUMNS, lines, head, foot)


def described(row: Row) -> str:
    """`conv 11×11/4, 96`, or the block's name."""
    return format_label(row.part.op) if row.part.op is not None else row.part.kind


def _line(run: list[Row], row_level: int) -> TableLine:
    first, last = run[0], run[-1]
    name = first.key if len(run) == 1 else f"{first.key} … {last.key}"
    times = f"{len(run)} × " if len(run) > 1 else ""
    params = sum(row.counts.params for row in run)
    macs = sum(row.counts.macs or row.counts.side_macs for row in run)
    cells = (
        name,
        times + described(last) + (", while training" if first.training_only else ""),
        str(last.part.output),
        params or None,
        macs or None,
        " … ".join(dict.fromkeys(format_field(row.field) for row in (first, last))),
    )
    return TableLine(cells, row_level)


def _runs(rows: list[Row]) -> Iterator[list[Row]]:
    """Rows in a row that are alike. One that is open stays by itself."""
    run: list[Row] = []
    for row in rows:
        if run and _alike(run[-1], row):
            run.append(row)
            continue
        if run:
            yield run
        run = [row]
    if run:
        yield run


def _alike(a: Row, b: Row) -> bool:
    if a.opened or b.opened or a.level != b.level or a.training_only != b.training_only:
        return False
    same = a.part.output == b.part.output and a.counts == b.counts
    return same and described(a) == described(b)
