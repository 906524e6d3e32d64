"""Shape mistakes as diagnostics: where each tensor was made, the arithmetic, a fix to try."""

from __future__ import annotations

from dataclasses import replace

from archc import syntax
from archc.evaluate import Fault, fault
from archc.ops import Misfit, Shape
from archc.plan import Apply, Tensor
from archc.source import Label, Span


def explain_misfit(misfit: Misfit, node: Apply, spans: dict[str, Span]) -> Fault:
    """A misfit of an operator, at the attribute at fault."""
    span = spans.get(misfit.field or "", node.span)
    also = tuple(_made(x) for x in node.inputs if x.span is not node.span)
    return fault(misfit.code, misfit.message, span, misfit.hint, also=also, notes=misfit.notes)


def _made(x: Tensor, what: str = "the tensor") -> Label:
    return Label(x.span, f"{what} is made here: {x.shape}")


def explain_branches(mistake: Fault, keyword: str, term: syntax.Operation, merge: Apply) -> Fault:
    """Branches that disagree: each at its end, and for a residual the projection that cures it."""
    shapes = merge.shapes
    if len(shapes) < len(merge.inputs) or len(shapes) < 2:
        return mistake
    if keyword != "residual":
        labels = [_ending(x, term, f"branch {at} ends at") for at, x in enumerate(merge.inputs, 1)]
        labels = [Label(term.name.span), *labels]
        return Fault(replace(mistake.diagnostic, labels=tuple(labels)))
    body, shortcut = merge.inputs
    title = f"residual branches disagree: {shapes[0]} and {shapes[1]}"
    first = _ending(body, term, "the body ends at")
    second = _ending(shortcut, term, "the shortcut ends at", "the shortcut is made here:")
    helps = _residual_cures(shapes[0], shapes[1])
    notes = mistake.diagnostic.notes
    return fault("A209", title, first.span, *helps, label=first.text, also=(second,), notes=notes)


def _ending(x: Tensor, term: syntax.Operation, inside: str, outside: str = "") -> Label:
    """Points at what made a branch's last tensor."""
    within = term.span.start <= x.span.start and x.span.end <= term.span.end
    return Label(x.span, f"{inside if within else outside or inside} {x.shape}")


def _residual_cures(body: Shape, shortcut: Shape) -> tuple[str, ...]:
    if body.rank != shortcut.rank:
        return ("bring both to the same number of dimensions",)
    if not body.rank:
        return (f"project the shortcut: `| fc {body.channels} >`",)
    strides = [
        s // b if b and s % b == 0 else -(-s // b)
        for b, s in zip(body.size, shortcut.size, strict=True)
    ]
    step = (
        ""
        if set(strides) == {1}
        else f"/{strides[0]}"
        if len(set(strides)) == 1
        else "/" + "x".join(map(str, strides))
    )
    ones = "x".join("1" * body.rank)
    shrinks = all(
        -(-s // k) == b for b, s, k in zip(body.size, shortcut.size, strides, strict=True)
    )
    cures = []
    if shrinks:
        cures.append(f"project the shortcut: `| conv {ones}{step} x{body.channels} nobias; bn >`")
    if body.size != shortcut.size and body.channels == shortcut.channels:
        cures.append(
            f"or keep {'x'.join(map(str, shortcut.size))} in the body: stride 1 and `same` padding"
        )
    return tuple(cures) or ("make both branches end at the same shape",)
