"""Where a part of a network stands: its line, the blocks around it, what it feeds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archc import symbolic
from archc.analysis.table import Row
from archc.explain.facts import Fact
from archc.explain.lookup import Unfolded
from archc.plan import plain_value
from archc.report.spelling.numbers import rounded
from archc.report.spelling.operators import format_value
from archc.report.spelling.phrases import format_list
from archc.source import Span

_LONGEST = 90  # characters of a statement


def place(net: Unfolded, row: Row) -> Iterator[Fact]:
    """The statement, the blocks that it is in, and the numbers that those were given."""
    file, line = net.where(row.part.span)
    yield Fact("written", (f"{statement(row.part.span)}", f"in {file}, line {line}"))
    yield Fact("", (), "statement", " ".join(row.part.span.text.split()))
    yield Fact("", (), "file", file)
    yield Fact("", (), "line", line)
    around = net.around(row)
    lines = [_around(net, outer) for outer in reversed(around)]
    yield Fact("inside", tuple(lines), "inside", [_named(outer) for outer in around])
    runs = [r for r in net.rows if r.part.span == row.part.span and r.part.kind == row.part.kind]
    if len(runs) > 1:
        yield Fact("one of", (f"{len(runs)} that this statement makes in {net.plan.heading}",))
    yield Fact("", (), "from_this_statement", len(runs))
    if row.again:
        called = f", as {row.also}" if row.also else ""
        yield Fact("again", (f"runs {row.module} once more{called}, with the same weights",))
    elif further := net.runs_again(row):
        names = [f"{run.also} ({run.key})" if run.also else run.key for run in further]
        yield Fact("shared with", (format_list(names),))
    yield Fact("", (), "also_called", row.also or None)
    if row.training_only:
        yield Fact("only", ("while training: it is part of an auxiliary head",))
    yield Fact("", (), "again", row.again)
    yield Fact("", (), "training_only", row.training_only)


def feeds(net: Unfolded, keys: list[str]) -> Iterator[Fact]:
    """What takes what these make."""
    users = net.users(keys)
    sized = net.sized(keys)
    lines = (format_list(users),) if users else () if sized else ("nothing",)
    yield Fact("feeds", lines, "feeds", users)
    lines = (format_list(sized),) if sized else ()
    yield Fact("gives its size to", lines, "gives_size_to", sized)


def statement(span: Span) -> str:
    """What was written: the line, or of a statement of several its beginning."""
    text = span.source.line(span.line) if "\n" not in span.text else span.text
    text = " ".join(text.split("#")[0].split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def arguments(row: Row) -> dict[str, Any]:
    """Of a block call: its parameters and what they are."""
    return dict(row.part.body.args) if row.part.body is not None else {}


def given(row: Row) -> str:
    """`width = 128, stride = 2`."""
    values = ((name, symbolic.plain(value)) for name, value in arguments(row).items())
    return ", ".join(f"{name} = {rounded(format_value(value))}" for name, value in values)


def _around(net: Unfolded, outer: Row) -> str:
    file, line = net.where(outer.part.span)
    with_ = f" with {given(outer)}" if given(outer) else ""
    block = f", the block `{outer.part.kind}`{with_}" if outer.part.body is not None else ""
    return f"{outer.key}{block} ({file}, line {line})"


def _named(row: Row) -> dict[str, Any]:
    block = row.part.kind if row.part.body is not None else None
    args = {name: plain_value(v) for name, v in arguments(row).items()}
    return {"name": row.key, "block": block, "arguments": args}
