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
_FEW = 4  # operators of a group that are told one by one


def listing(rows: Iterable[Row], head: str = "", foot: tuple[str, ...] = ()) -> Sheet:
    """A line for each row; rows next to each other that differ in their names alone share one."""
    found = list(rows)
    top = min((row.level for row in found), default=0)
    lines = [_line(run, row_level=run[0].level - top) for run in _runs(found)]
    return Sheet(_COLUMNS, lines, head, foot)


def described(row: Row) -> str:
    """`conv 11×11/4, 96`, or the block's name."""
    return format_label(row.part.op) if row.part.op is not None else row.part.kind


def _what(row: Row) -> str:
    """As `described`, but a group of a few operators in a row, which nobody named, says which."""
    inside = row.part.inside
    if row.part.kind != "group" or row.opened or inside is None or len(inside.parts) > _FEW:
        return described(row)
    operators = [part.op for part in inside.parts if part.op is not None]
    if len(operators) < len(inside.parts) or any(op.category == "merge" for op in operators):
        return described(row)
    return " · ".join(map(format_label, operators)) or described(row)


def _line(run: list[Row], row_level: int) -> TableLine:
    first, last = run[0], run[-1]
    name = first.key if len(run) == 1 else f"{first.key} … {last.key}"
    what = _what(last)
    if len(run) > 1:
        what = f"{len(run)} × ({what})" if " · " in what else f"{len(run)} × {what}"
    params = sum(row.counts.params for row in run)
    macs = sum(row.counts.macs or row.counts.side_macs for row in run)
    cells = (
        name,
        what + (", while training" if first.training_only else ""),
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
    return same and _what(a) == _what(b)
