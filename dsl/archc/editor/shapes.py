"""Shapes of several runs as one: numbers where all agree, expressions where they do not."""

from __future__ import annotations

from collections.abc import Sequence

from archc import symbolic
from archc.ops import Shape

_LONGEST = 24  # characters of an expression


def format_common(shapes: Sequence[Shape]) -> str:
    """Return `28x28 x512`; `… x(4 * width)` of a block whose calls differ; "" of unlike tensors.

    Where nothing is the same in all, the first and the last: `56x56 x512 … 392x392 x64`.
    """
    first = shapes[0]
    if any(x.rank != first.rank or x.columns != first.columns for x in shapes):
        return ""
    sizes = [_common([x.size[at] for x in shapes]) for at in range(first.rank)]
    size = "…" if set(sizes) == {"…"} else "x".join(sizes)
    channels = _common([x.channels for x in shapes])
    if channels == "…":
        channels = _expression([x.channels for x in shapes])
    if size in ("…", "") and channels == "…":
        return f"{_plain(first)} … {_plain(shapes[-1])}"
    text = f"{size} x{channels}".lstrip()
    return f"{first.columns} columns of {text}" if first.columns else text


def _plain(shape: Shape) -> str:
    return str(Shape(int(shape.channels), tuple(map(int, shape.size)), shape.columns))


def _common(numbers: Sequence[int]) -> str:
    return str(int(numbers[0])) if len(set(map(int, numbers))) == 1 else "…"


def _expression(numbers: Sequence[int]) -> str:
    """The same expression of all, in brackets, as one writes it."""
    found = {symbolic.expr_of(number) for number in numbers}
    if len(found) > 1:
        return "…"
    text = symbolic.render(found.pop())
    return f"({text})" if len(text) <= _LONGEST else "…"
