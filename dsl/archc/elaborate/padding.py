"""Branches whose sizes disagree for lack of padding: what keeps the size."""

from __future__ import annotations

import re
from dataclasses import replace

from archc.ops import Op, Shape, ShapeError
from archc.plan import Apply, Chain
from archc.source import Edit, Fix, Span

_MOST = 6  # convolutions without padding
_HEAD = re.compile(r"\w+[ \t]+\d+(?:x\d+)*(?:[ \t]*/(?:\d+(?:x\d+)*|\([^()]+\)))?")


def padded(chains: list[Chain], others: tuple[Shape, ...]) -> Fix | None:
    """`p1` for each window that has none, where the branches agree then, or nearly do.

    `others` are the ends of branches that have no statements. A strided body nearly agrees with
    what came in: a projection brings that to its size.
    """
    edits, sizes = list[Edit](), [shape.size for shape in others]
    for chain in chains:
        made = _with_padding(chain)
        if made is None:
            return None
        sizes.append(made[0].size)
        edits += made[1]
    if not 0 < len(edits) <= _MOST or len({len(size) for size in sizes}) > 1:
        return None
    if len(set(sizes)) > 1 and not (others and _may_be_projected(sizes)):
        return None
    words = " and ".join(f"`{text}`" for text in dict.fromkeys(edit.text.strip() for edit in edits))
    first, *also = edits
    return Fix(f"pad to keep the size: {words}", first.span, first.text, also=tuple(also))


def _with_padding(chain: Chain) -> tuple[Shape, list[Edit]] | None:
    """A branch's end and the edits that pad its convolutions; None where that cannot be told."""
    x, edits = chain.input.shape, list[Edit]()
    for node in chain.nodes:
        if x is None or not isinstance(node, Apply) or len(node.inputs) != 1:
            return None
        padding = _padding(node)
        op: Op = node.op
        if padding is not None:
            edits.append(padding[1])
            op = replace(op, padding=padding[0])  # type: ignore[call-arg]
        try:
            x = op.shape(x)
        except ShapeError:
            return None
    return None if x is None else (x, edits)


def _padding(node: Apply) -> tuple[tuple[int, ...], Edit] | None:
    """The padding that a convolution or pool lacks to keep the size, and where it is written."""
    op, written = node.op, _HEAD.match(node.span.text)
    fields = op.fields()
    if op.category not in ("conv", "pool") or "padding" not in fields or "output_padding" in fields:
        return None
    ends = (getattr(op, name, None) for name in ("before", "after"))
    if written is None or any(ends) or set(op.padding or (1,)) != {0}:  # type: ignore[attr-defined]
        return None
    extents = [int(window.extent) for window in op.windows(*node.shapes)]
    pads = tuple(extent // 2 for extent in extents)
    if not any(pads) or any(extent % 2 == 0 for extent in extents):
        return None
    text = "x".join(map(str, pads if len({*pads}) > 1 else pads[:1]))
    at = node.span.start + written.end()
    return pads, Edit(Span(node.span.source, at, at), f" p{text}")


def _may_be_projected(sizes: list[tuple[int, ...]]) -> bool:
    """Whether a strided 1x1 brings the first to the size of each other."""
    first, *others = sizes
    pairs = [pair for other in others for pair in zip(first, other, strict=True)]
    return all(-(-n // -(-n // m)) == m for n, m in pairs)
