"""The receptive field in words: what an element sees of the input, and how that grew."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archc.analysis.receptive import Axis, Field
from archc.explain.facts import Fact, Paragraph
from archc.ops import Shape, Window
from archc.ops.windows import AXES, NOUNS
from archc.report.spelling.numbers import format_number
from archc.report.spelling.phrases import format_list, group_equal
from archc.report.spelling.shapes import format_dims, format_even, format_field


def reach(
    field: Field, y: Shape, source: Shape, before: Field = (), windows: tuple[Window, ...] = ()
) -> Paragraph:
    """What an element of a tensor `y` with this field sees of the input `source`.

    `before` and `windows` are what the operator's own input sees, and what it sees of that: they
    say how the field came about. Nothing where the input has no rows and columns.
    """
    if not field:
        return ()
    grown = windows if len(windows) == len(before) == len(field) else ()
    moving = any(axis.step for axis in field) and any(n > 1 for n in y.size)
    growth = _growth(field, before, grown, moving)
    facts = [Fact("sees", (_extent(field, source, y), *growth))]
    if moving:
        facts.append(Fact("step", (_step(field, before, grown),)))
        centre = format_list(list(dict.fromkeys(format_number(axis.centre) for axis in field)))
        facts.append(Fact("centre", (f"{centre} for the first element, counted from 0",)))
        facts.append(Fact("that is", tuple(_rows(field, y))))
    return (*facts, Fact("", (), "receptive_field", [*_data(field)]))


def _data(field: Field) -> Iterator[dict[str, Any]]:
    for name, axis in zip(AXES[len(field)], field, strict=True):
        yield {
            "axis": name,
            "extent": axis.extent,
            "stride": axis.step,
            "first": axis.first,
            "last": axis.last,
            "centre": axis.centre,
            "exact": axis.exact,
        }


def _extent(field: Field, source: Shape, y: Shape) -> str:
    text = f"{format_field(field)} of the input"
    if not all(axis.exact for axis in field):
        text = f"at most {text}"
    if len(field) != source.rank:
        return text
    last = (m - 1 for m in (y.size if y.rank == len(field) else (1,) * len(field)))
    sides = list(zip(field, source.size, last, strict=True))
    if all(a.first + i * a.step <= 0 and a.last >= n - 1 for a, n, i in sides):
        size = format_dims(source.size)
        if all(a.extent == n for a, n, _ in sides):
            return f"{text}: all of it"
        return f"{text}, with the padding around it: all of its {size}"
    if all(a.step == 0 for a in field):
        return f"{text}, the same for every element"
    return text


def _growth(
    field: Field, before: Field, windows: tuple[Window, ...], moving: bool
) -> Iterator[str]:
    """`5 + (3 - 1)*1 = 7`, where a window of whole numbers is all there is to it.

    What is `moving` has a next element, which sees further on: it is as one window with a stride.
    """
    sums = []
    for axis, was, window in zip(field, before, windows, strict=False):
        wider = (window.extent - 1) * was.step
        whole = all(float(n).is_integer() for n in (was.step, window.before, window.stride))
        if window.extent == 1 or not was.step or not whole or was.extent + wider != axis.extent:
            return
        sums.append(
            f"{was.extent} + ({window.extent} - 1)*{format_number(was.step)} = {axis.extent}"
        )
    yield from (
        f"{sum}" if len(set(sums)) == 1 else f"{name}: {sum}"
        for name, sum in group_equal(zip(AXES[len(field)], sums, strict=False))
    )
    if not moving:
        return
    if sums and all(was.extent > 1 for was in before) and all(axis.step for axis in field):
        step = format_even([format_number(axis.step) for axis in field])
        stride = f"/{step}" if step != "1" else ""
        yield f"as much as one window of {format_field(field)}{stride} would"


def _step(field: Field, before: Field, windows: tuple[Window, ...]) -> str:
    steps = format_even([format_number(axis.step) for axis in field])
    pairs = list(zip(before, windows, strict=False))
    came = ""
    if any(window.stride != 1 for window in windows) and len({*pairs}) == 1:
        was, window = pairs[0]
        came = f"{format_number(was.step)}*{format_number(window.stride)} = "
    return f"{came}{steps} further on for the next element"


def _rows(field: Field, y: Shape) -> Iterator[str]:
    """`row i of 0 to 54 sees rows 4*i to 4*i + 10`."""
    if y.rank != len(field):
        return
    lines = [
        (NOUNS[name], _range(axis, n, NOUNS[name]))
        for name, axis, n in zip(AXES[y.rank], field, y.size, strict=True)
    ]
    if len({text.replace(noun, "") for noun, text in lines}) == 1 and len(lines) > 1:
        text = lines[0][1]
        others = " and ".join(f"{other}s" for other, _ in lines[1:])
        yield f"{text}, and so with {others}"
    else:
        yield from (text for _, text in lines)


def _range(axis: Axis, n: int, noun: str) -> str:
    which = f"{noun} i of 0 to {n - 1}" if n > 1 else f"the only {noun}"
    step = axis.step if n > 1 else 0
    ends = list(dict.fromkeys(_place(step, offset) for offset in (axis.first, axis.last)))
    about = "" if axis.exact else "about "
    seen = f"{noun}{'s' * (len(ends) > 1)} {' to '.join(ends)}"
    return f"{which} sees {about}{seen} of the input" + (
        ", the first ones in the padding" if axis.first < 0 else ""
    )


def _place(step: float, offset: float) -> str:
    start = "i" if step == 1 else f"{format_number(step)}*i" if step else ""
    if not start:
        return format_number(offset)
    return (
        start
        if not offset
        else f"{start} {'-' if offset < 0 else '+'} {format_number(abs(offset))}"
    )
