"""Shape mistakes as diagnostics: where each tensor was made, the arithmetic, a fix to try."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from archc import syntax
from archc.ops import COMBINATORS, Shape, ShapeError
from archc.plan import Apply, Chain, Tensor, walk
from archc.source import Fault, Span, SpanLabel, fault


def explain_misfit(misfit: ShapeError, node: Apply, spans: dict[str, Span]) -> Fault:
    """A misfit of an operator, at the attribute at fault."""
    span = spans.get(misfit.field or "", node.span)
    also = tuple(_made(x) for x in node.inputs if x.span is not node.span)
    return fault(misfit.code, misfit.message, span, misfit.hint, also=also, notes=misfit.notes)


def _made(x: Tensor, what: str = "the tensor") -> SpanLabel:
    return SpanLabel(x.span, f"{what} is made here: {x.shape}")


def explain_branches(
    mistake: Fault, keyword: str, term: syntax.Operation, merge: Apply, chains: list[Chain]
) -> Fault:
    """Branches that disagree: each at its end, and for a residual the projection that cures it."""
    shapes = merge.shapes
    if len(shapes) < len(merge.inputs) or len(shapes) < 2:
        return mistake
    names = COMBINATORS[keyword].branches
    if len(names) != len(shapes):
        labels = [_ending(x, term, f"branch {at} ends at") for at, x in enumerate(merge.inputs, 1)]
        labels = [SpanLabel(term.name.span), *labels]
        return Fault(replace(mistake.diagnostic, labels=tuple(labels)))
    body, shortcut = merge.inputs
    title = f"{keyword} branches disagree: {shapes[0]} and {shapes[1]}"
    first = _ending(_turn(chains[0], shapes[1]) or body, term, f"the {names[0]} ends at")
    made = f"the {names[1]} is made here:"
    second = _ending(shortcut, term, f"the {names[1]} ends at", made)
    helps = _residual_cures(shapes[0], shapes[1])
    notes = _arithmetic(chains, shapes) or mistake.diagnostic.notes
    return fault("A207", title, first.span, *helps, label=first.text, also=(second,), notes=notes)


def _arithmetic(chains: list[Chain], shapes: tuple[Shape, ...]) -> tuple[str, ...]:
    """Where sizes disagree, how the last operator of a branch that changed them came to its own."""
    if len({len(shape.size) for shape in shapes}) > 1 or len({shape.size for shape in shapes}) < 2:
        return ()
    wrong = [a != b for a, b in zip(shapes[0].size, shapes[1].size, strict=True)]
    for chain in chains:
        for node in _backwards(chain):
            if node.shapes[0].size != node.output.shape.size:
                lines = node.op.arithmetic(*node.shapes)
                return tuple(line for line, here in zip(lines, wrong, strict=False) if here)
    return ()


def _turn(chain: Chain, wanted: Shape) -> Tensor | None:
    """The tensor at which a branch's size or channels last became what they should not be."""
    end = chain.output.shape
    by_size = end is not None and end.size != wanted.size
    for node in _backwards(chain):
        before, after = node.shapes[0], node.output.shape
        if before.size != after.size if by_size else before.channels != after.channels:
            return Tensor(end, node.span)
    return None


def _backwards(chain: Chain) -> Iterator[Any]:
    """The operators of a branch whose shapes are known, the last one first."""
    applied = [node for node in walk(chain.nodes) if isinstance(node, Apply)]
    return (n for n in reversed(applied) if n.output.shape is not None and n.shapes)


def _ending(x: Tensor, term: syntax.Operation, inside: str, outside: str = "") -> SpanLabel:
    """Points at what made a branch's last tensor."""
    within = term.span.start <= x.span.start and x.span.end <= term.span.end
    return SpanLabel(x.span, f"{inside if within else outside or inside} {x.shape}")


def _residual_cures(body: Shape, shortcut: Shape) -> tuple[str, ...]:
    """A projection of the shortcut, where a strided 1x1 reaches the body's size; or the reverse."""
    if body.rank != shortcut.rank:
        return ("bring both to the same number of dimensions",)
    if not body.rank:
        return (f"project the shortcut: `| fc {body.channels} >`",)
    pairs = list(zip(body.size, shortcut.size, strict=True))
    strides = [-(-s // b) for b, s in pairs]
    cures = []
    if all(-(-s // k) == b for (b, s), k in zip(pairs, strides, strict=True)):
        window = "x".join("1" * body.rank)
        step = _step(strides)
        cures.append(f"project the shortcut: `| conv {window}{step} x{body.channels} nobias; bn >`")
    if body.size != shortcut.size and body.channels == shortcut.channels:
        size = "x".join(map(str, shortcut.size))
        cures.append(f"keep the body at {size}: stride 1 and padding `same`")
    return tuple(cures) or ("make both branches end at the same shape",)


def _step(strides: list[int]) -> str:
    if set(strides) == {1}:
        return ""
    return "/" + (str(strides[0]) if len(set(strides)) == 1 else "x".join(map(str, strides)))
