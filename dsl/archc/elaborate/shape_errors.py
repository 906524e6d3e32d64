"""Shape mistakes as diagnostics: where each tensor was made, the arithmetic, a fix to try."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from archc import syntax
from archc.elaborate.padding import padded
from archc.elaborate.projection import residual_cures, unparted
from archc.elaborate.state import Context
from archc.ops import COMBINATORS, Shape, ShapeError
from archc.plan import Apply, Chain, Choice, Tensor, walk
from archc.source import Edit, Fault, Fix, Span, SpanLabel, fault

_PADDED = re.compile(r"\bpad after=\d+(?:x\d+)*\Z")  # for another call: it is not enough
_OWN = re.compile(r"(\bx|\bout=|[ \t])\(in\.c\)")


def explain_misfit(misfit: ShapeError, node: Apply, spans: dict[str, Span]) -> Fault:
    """A misfit of an operator, at the attribute at fault."""
    span = spans.get(misfit.field or "", node.span)
    also = tuple(_made(x) for x in node.inputs if x.span is not node.span)
    cure = _edit(misfit, node, spans) or misfit.hint
    return fault(misfit.code, misfit.message, span, cure, also=also, notes=misfit.notes)


def _edit(misfit: ShapeError, node: Apply, spans: dict[str, Span]) -> Fix | None:
    """The cure of a misfit as an edit, where it is one."""
    source = node.span.source
    if misfit.before:
        start = statement_start(node.span)
        also = () if misfit.rewrite is None else _rewritten(misfit, node, spans)
        return Fix(misfit.hint, Span(source, start, start), f"{misfit.before}; ", also=also)
    if misfit.code == "A206" and misfit.field in spans:
        return _one_number(misfit, node, spans[misfit.field])
    edits = _rewritten(misfit, node, spans)
    return Fix(misfit.hint, edits[0].span, edits[0].text) if edits else None


def _rewritten(misfit: ShapeError, node: Apply, spans: dict[str, Span]) -> tuple[Edit, ...]:
    """The attribute as it should be written, or without it."""
    source = node.span.source
    field, text = misfit.rewrite or ("", "")
    if field not in node.op.fields():
        return ()
    if field in spans:
        span = spans[field]
        if not text:
            span = Span(source, len(source.text[: span.start].rstrip(" \t")), span.end)
        return (Edit(span, text),)
    end = Span(source, node.span.end, node.span.end)
    return (Edit(end, f" {text}"),) if text else ()


def _one_number(misfit: ShapeError, node: Apply, span: Span) -> Fix | None:
    """`conv 3x3x3` on an image: as many as there are dimensions, where all are equal."""
    found = re.fullmatch(r"(\D*)(\d+(?:x\d+)*)", span.text)
    rank = node.shapes[0].rank if node.shapes else 0
    if found is None or len(set(found[2].split("x"))) > 1 or not rank:
        return None
    one = found[2].split("x")[0]
    return Fix(misfit.hint, span, found[1] + ("x".join([one] * rank) if not found[1] else one))


def statement_start(span: Span) -> int:
    """Where the statement of an operator begins: at its label, if it has one."""
    before = span.source.text[max(0, span.start - 200) : span.start]
    label = re.search(r"(?:[A-Za-z_]\w*(?:\{[^{}]*\})?|\"[^\"\n]*\")[ \t]*:[ \t]*\Z", before)
    return span.start - (len(label.group()) if label is not None else 0)


def _made(x: Tensor, what: str = "the tensor") -> SpanLabel:
    return SpanLabel(x.span, f"{what} is made here: {x.shape}")


def explain_branches(
    mistake: Fault, term: syntax.Operation, merge: Apply, chains: list[Chain], here: Context
) -> Fault:
    """Branches that disagree: each at its end, and for a residual the projection that cures it."""
    keyword, shapes = term.name.id, merge.shapes
    if len(shapes) < len(merge.inputs) or len(shapes) < 2:
        return mistake
    names = COMBINATORS[keyword].branches
    without = (here.x.shape,) if len(chains) < len(shapes) and here.x.shape is not None else ()
    padding = padded(chains, without) if len({shape.size for shape in shapes}) > 1 else None
    if len(names) != len(shapes):
        labels = [_ending(x, term, f"branch {at} ends at") for at, x in enumerate(merge.inputs, 1)]
        labels = [SpanLabel(term.name.span), *labels]
        told = replace(mistake.diagnostic, labels=tuple(labels))
        cure = (
            _absent(merge, chains)
            or _incoming_channels(merge, chains, here)
            or padding
            or _odd_size_cure(term, merge, chains)
            or _stretched(term, merge, chains)
        )
        if cure is not None:
            told = replace(told, helps=(), fixes=(cure,))
        elif cure := _vector_cure(term, merge, chains):
            told = replace(told, fixes=(cure,))
        return Fault(told)
    body, shortcut = merge.inputs
    title = f"{keyword} branches disagree: {shapes[0]} and {shapes[1]}"
    first = _ending(_turn(chains[0], shapes[1]) or body, term, f"the {names[0]} ends at")
    made = f"the {names[1]} is made here:"
    second = _ending(shortcut, term, f"the {names[1]} ends at", made)
    meant = _incoming_channels(merge, chains, here)
    cure = meant or unparted(term, shapes, chains) or padding
    helps = (cure,) if cure is not None else residual_cures(shapes, chains, term, here)
    notes = _arithmetic(chains, shapes, names) or mistake.diagnostic.notes
    return fault("A207", title, first.span, *helps, label=first.text, also=(second,), notes=notes)


def _incoming_channels(merge: Apply, chains: list[Chain], here: Context) -> Fix | None:
    """`conv 1x1 x(in.c)` behind a narrower one, where the channels that came in are meant."""
    shape = here.x.shape
    if shape is None:
        return None
    ends = zip(chains, merge.shapes, strict=False)  # what came in has no chain
    odd = [chain for chain, end in ends if end.channels != shape.channels]
    last = next((n for n in _backwards(odd[0]) if "out" in n.op.fields()), None) if odd else None
    found = _OWN.search(last.span.text) if last is not None else None
    if last is None or found is None or len(odd) > 1:
        return None
    labels = here.frame.labels
    names = (n for n in ("in", "input", *labels) if n in labels)
    name = next((f"@{n}" for n in names if labels[n].tensor.root is here.x.root), None)
    text = f"({name}.c)" if name is not None else str(shape.channels)
    before, what = found[1].lstrip(), f"`in.c` is {last.shapes[0].channels} there"
    hint = f"{what}; the {shape.channels} channels before the branches are `{before}{text}`"
    start = last.span.start + found.end(1)
    return Fix(hint, Span(last.span.source, start, last.span.start + found.end()), text)


def _odd_size_cure(term: syntax.Operation, merge: Apply, chains: list[Chain]) -> Fix | None:
    """What a stride left over comes back: `output_padding=1`, or else a row after the branch."""
    shapes = merge.shapes
    branches = term.branches or ()
    ranks = {shape.rank for shape in shapes}
    if len(ranks) > 1 or not ranks - {0} or not len(chains) == len(branches) == len(shapes):
        return None
    wanted = tuple(max(sizes) for sizes in zip(*(shape.size for shape in shapes), strict=True))
    edits, words = [], []
    for shape, chain, branch in zip(shapes, chains, branches, strict=True):
        short = tuple(int(w - n) for w, n in zip(wanted, shape.size, strict=True))
        if not any(short):
            continue
        if any(n > 1 for n in short) or _PADDED.search(branch.span.text.rstrip()):
            return None
        rows = str(short[0]) if len(set(short)) == 1 else "x".join(map(str, short))
        deconv = _enlarging(chain)
        if deconv is not None:
            at, text = deconv.span.end, f" output_padding={rows}"
            edits.append(Edit(Span(term.span.source, at, at), text))
        else:
            text = f"pad after={rows}"
            edits.append(_appended(branch, text))
        words.append(text.strip())
    if not edits:
        return None
    hint = f"an odd size was halved and rounded down; what is missing comes back with `{words[0]}`"
    return Fix(hint, edits[0].span, edits[0].text, also=tuple(edits[1:]))


def _absent(merge: Apply, chains: list[Chain]) -> Fix | None:
    """A branch whose `if` fails is the identity, where no branch at all may be meant."""
    for chain, shape in zip(chains, merge.shapes, strict=False):
        match chain.nodes:
            case [Choice(taken=False, chain=Chain(nodes=()), tree=tree)] if tree.other is None:
                others = [x for x in merge.shapes if x is not shape]
            case _:
                continue
        if len(others) == len(merge.shapes) - 1 > 1 and len(set(others)) == 1:
            test = tree.test.span
            text = f"each i in 1..(1 if {test.text} else 0)"
            hint = (
                f"an `if` that fails leaves the identity; for no branch at all: `{text} {{ ... }}`"
            )
            return Fix(hint, Span(test.source, tree.span.start, test.end), text)
    return None


def _stretched(term: syntax.Operation, merge: Apply, chains: list[Chain]) -> Fix | None:
    """A map of one element beside larger ones, where the merge stretches none."""
    shapes, branches = merge.shapes, term.branches or ()
    ones = [bool(shape.rank) and set(shape.size) == {1} for shape in shapes]
    sizes = {shape.size for shape, is_one in zip(shapes, ones, strict=True) if not is_one}
    is_one_rank = len({shape.rank for shape in shapes}) == 1
    if (
        not any(ones)
        or (len({shape.channels for shape in shapes}) > 1 and term.name.id != "concat")
        or len(sizes) != 1
        or not is_one_rank
        or not len(chains) == len(branches) == len(shapes)
    ):
        return None
    words = f"upsample to={'x'.join(map(str, sizes.pop()))}"
    ends = zip(branches, ones, strict=True)
    edits = [_appended(branch, words) for branch, is_one in ends if is_one]
    hint = f"the same everywhere, a single element comes to the size of the others: `{words}`"
    return Fix(hint, edits[0].span, edits[0].text, also=tuple(edits[1:]))


def _vector_cure(term: syntax.Operation, merge: Apply, chains: list[Chain]) -> Fix | None:
    """A feature vector beside a map: it is put at every position."""
    shapes, branches = merge.shapes, term.branches or ()
    maps = {shape.size for shape in shapes if shape.rank}
    lasts = [next(_backwards(chain), None) for chain in chains]
    if any(last is not None and last.op.name == "flatten" for last in lasts):
        return None  # which is better left out
    if len(maps) != 1 or not len(chains) == len(branches) == len(shapes):
        return None
    size = "x".join(map(str, maps.pop()))
    one = "x".join("1" * (size.count("x") + 1))
    edits, words = [], ""
    for shape, branch in zip(shapes, branches, strict=True):
        if not shape.rank:
            words = f"unflatten {one} x{shape.channels}"
            if term.name.id in ("concat", "dense"):  # the others stretch it
                words += f"; upsample to={size}"
            edits.append(_appended(branch, words))
    if not edits:
        return None
    hint = f"a vector is put at every position with `{words}`"
    return Fix(hint, edits[0].span, edits[0].text, also=tuple(edits[1:]))


def _appended(branch: syntax.Sequence, statements: str) -> Edit:
    """Statements at the end of a branch."""
    written = branch.span.text.rstrip()
    at = branch.span.start + len(written)
    text = f"; {statements}" if written.strip() else f" {statements}"
    return Edit(Span(branch.span.source, at, at), text)


def _enlarging(chain: Chain) -> Apply | None:
    """The transposed convolution that a branch got its size from, if it can make one row more."""
    for node in _backwards(chain):
        if node.shapes[0].size != node.output.shape.size:
            fields = node.op.fields()
            can = "output_padding" in fields and set(node.op.output_padding) == {0}
            return node if can and min(node.op.stride) > 1 else None
    return None


def _arithmetic(
    chains: list[Chain], shapes: tuple[Shape, ...], names: tuple[str, ...]
) -> tuple[str, ...]:
    """Where sizes disagree, how the last operator of a branch that changed them came to its own."""
    if len({len(shape.size) for shape in shapes}) > 1 or len({shape.size for shape in shapes}) < 2:
        return ()
    wrong = [a != b for a, b in zip(shapes[0].size, shapes[1].size, strict=True)]
    for at, chain in enumerate(chains):
        for node in _backwards(chain):
            if node.shapes[0].size != node.output.shape.size:
                where = f"in the {names[at]}, " if at else ""
                lines = zip(node.op.arithmetic(*node.shapes), wrong, strict=False)
                return tuple(f"{where}{line}" for line, here in lines if here)
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
