"""Operators in a row to cards: which go onto one card, and what it says.

A card stands for its operators in every copy that is drawn once (`lanes`: each with how often it
is there), so its costs are those of all copies and its numbers may be a range.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from itertools import pairwise
from typing import Any, TypeVar

from archc import symbolic
from archc.analysis.costs import Costs
from archc.draw.scene import SHARED, SUM, Card
from archc.draw.style import series, span_of
from archc.ops import Form, Shape
from archc.plan import Apply, Tensor
from archc.report.spelling.expressions import Terms, format_traced, with_expressions, with_shown
from archc.report.spelling.numbers import human, shorten
from archc.report.spelling.shapes import format_shape
from archc.source import Span

T = TypeVar("T")
Lanes = list[tuple[T, int]]
Row = list[Lanes[Apply]]  # operators one after the other

_SIGNS = {"*": "×", "-": "−"}
_WEIGHTED = ("conv", "linear")


def is_merge(apply: Apply) -> bool:
    return apply.op.category == "merge"


def does_nothing(apply: Apply, terms: Terms | None = None) -> bool:
    """Return whether it is the identity, drawn as the line that it is; `act` may be another."""
    if terms is not None and not block_words(apply, terms)[0].startswith(apply.op.name):
        return False
    return len(apply.inputs) == 1 and apply.op.inline("x") == "x"


def grouped(row: Row, references: Counter[Tensor]) -> Iterator[Row]:
    """The operators of each card.

    Norms and activations go to the convolution before them, or after them where the row begins with
    one (pre-activation). A card ends at a tensor that is asked for by its label.
    """
    leading = bool(row) and _category(row[0]) in ("norm", "act")
    leading = leading and any(_category(lanes) in _WEIGHTED for lanes in row)
    card: Row = []
    for lanes in row:
        asked_for = bool(card) and card[-1][0][0].output.root in references
        if card and (asked_for or not _joins(card, lanes, leading)):
            yield card
            card = []
        card.append(lanes)
    if card:
        yield card


def joining(merge: Apply, following: Row, references: Counter[Tensor]) -> Row:
    """Activations right after a merge: they stand on its sign."""
    row: Row = []
    last = merge
    for lanes in following:
        if last.output.root in references or _category(lanes) not in ("act", "drop"):
            break
        if lanes[0][0].state:  # a sign has no place for its parameters
            break
        row.append(lanes)
        last = lanes[0][0]
    return row


def _joins(card: Row, lanes: Lanes[Apply], leading: bool) -> bool:
    main = next((c for c in map(_category, card) if c not in ("norm", "act", "drop")), None)
    match _category(lanes):
        case "conv" | "linear":
            return leading and main is None
        case "norm":
            return main is None or (main in _WEIGHTED and not leading)
        case "act":
            return main is None or not (leading and main in _WEIGHTED)
        case "drop":
            return True
        case "reshape":
            return main in ("pool", "reshape") and not _loses_map(lanes)
        case _:
            return False


def _category(lanes: Lanes[Apply]) -> str:
    return lanes[0][0].op.category


def card(row: Row, prefix: str, id: str, costs: Costs) -> Card:
    """A card for some operators in a row."""
    about = main(row)
    first, last = row[0][0][0], row[-1][0][0]
    title = [piece for lanes in row for piece in ((" · ", False), (_words(lanes), lanes is about))]
    label, changed = _name(about, row), channels(about)
    made = Card(
        id,
        _look(about),
        title[1:],
        [*filter(None, (label, changed))],
        _tooltip(row, prefix, costs),
        resized=_sizes(first.shapes[0]) != _sizes(last.output.shape),
        name=label or about[0][0].name,
        output=row[-1][-1][0].output.shape,
        channels=changed,
        groups=groups(about[0][0]),
        spans=_spans(row),
        row=row,
    )
    _add_costs(made, row, costs)
    return made


def block_card(row: Row, id: str, terms: Terms, test: Callable[[Apply], str]) -> Card:
    """`conv 3×3/stride → width`: for every instance of a block, so without costs.

    `test` says under which `if` an operator is there.
    """
    about = main(row)
    tests = [test(lanes[0][0]) for lanes in row]
    at_each = len(set(tests)) > 1
    title: list[tuple[str, bool]] = []
    for lanes, text in zip(row, tests, strict=True):
        words = [block_words(apply, terms) for apply, _ in lanes]
        head, out = series([head for head, _ in words], every=True), words[0][1]
        title += [(" · ", False)] if title else []
        title.append((head, lanes is about))
        title += [(f" → {out}", False)] if out else []
        title += [(f" if {text}", False)] if text and at_each else []
    facts = [f"if {tests[0]}"] if tests[0] and not at_each else []
    made = Card(id, _look(about), title, facts, "", name=about[0][0].name, row=row)
    if groups(about[0][0]) > 1:
        made.channels = " → ".join(format_traced(count, terms) for count in path(about[0][0]))
    return made


def block_words(apply: Apply, terms: Terms) -> tuple[str, str]:
    """`conv 3×3/stride` and `width`, the channels that it makes; what stands on a block's card."""
    if is_merge(apply):
        return _sign_words(apply), _block_summands(apply, terms)
    op, name = apply.op, apply.op.name
    if apply.given is not None:  # a parameter of the block says what is applied
        expr = terms.get(apply.given) if terms else symbolic.var(apply.given)
        name = symbolic.render(expr) if expr is not None else name
    label = shorten(with_expressions(op, terms).label())
    label = f"({label})" if label == name else label  # `dropout (dropout)`, a param of that name
    commas = [at for at in range(len(label)) if label[at:].startswith(", ")]
    # The last one that is not inside an expression: `3×3/2, min(width, 5)`.
    outside = [at for at in commas if label[:at].count("(") == label[:at].count(")")]
    if not outside:
        return f"{name} {label}".rstrip(), ""
    return f"{name} {label[: outside[-1]]}", label[outside[-1] + 2 :]


def sign(
    row: Row, prefix: str, id: str, costs: Costs, terms: Terms | None = None, test: str = ""
) -> Card:
    """A merge, with what follows it in place: `+ · relu`; `test` where it is not always there."""
    lanes = row[0]
    merge = lanes[0][0]
    text = _sign_words(merge)
    parts = _summands(lanes) if terms is None else _block_summands(merge, terms)
    title = [(text, True)]
    if parts:
        title.append((f" {parts}", False))
    for other in row[1:]:
        words = _words(other) if terms is None else block_words(other[0][0], terms)[0]
        title += [(" · ", False), (words, False)]
    title += [(f" if {test}", False)] if test else []
    made = Card(id, _look(lanes), title, [], _tooltip(row, prefix, costs), pill=True)
    made.name, made.output, made.spans = merge.name, row[-1][-1][0].output.shape, _spans(row)
    return made


def _name(about: Lanes[Apply], row: Row) -> str:
    """The label that the user gave, unless the title says as much."""
    others = [] if _category(about) in _WEIGHTED else row
    for lanes in (about, *others):
        labels = [apply.also or apply.label or "" for apply, _ in lanes]
        if labels[0] and labels[0] != lanes[0][0].op.name:
            return _span_of_labels(list(dict.fromkeys(labels)))
    return ""


def _span_of_labels(labels: list[str]) -> str:
    """`out0…9` where a loop numbers them, else the first and the last."""
    stem = labels[0].rstrip("0123456789")
    start = labels[0].removeprefix(stem)
    if start and labels == [f"{stem}{int(start) + at}" for at in range(len(labels))]:
        return span_of([labels[0], *(label.removeprefix(stem) for label in labels[1:])])
    return span_of(labels)


def main(row: Row) -> Lanes[Apply]:
    """What a card is about: its convolution, else its pooling, else what comes first."""
    for categories in (_WEIGHTED, ("pool", "reshape", "other", "merge")):
        for lanes in row:
            if _category(lanes) in categories:
                return lanes
    return row[0]


def _look(lanes: Lanes[Apply]) -> str:
    category = _category(lanes)
    return "concat" if category == "merge" and _summands(lanes) else category


def _sizes(shape: Shape | None) -> tuple[int, ...]:
    return tuple(map(int, shape.size)) if shape is not None else ()


def _loses_map(lanes: Lanes[Apply]) -> bool:
    """Whether it puts a map of more than one place in a row: its size has to be told before."""
    changed = [(x.shapes[0], x.output.shape) for x, _ in lanes]
    return any(
        out is not None and before.rank > out.rank and set(_sizes(before)) - {1}
        for before, out in changed
    )


# --- words -------------------------------------------------------------------------------


def _words(lanes: Lanes[Apply]) -> str:
    """`conv 3×3/2`; the output channels are left to the line below."""
    ops = [apply.op for apply, _ in lanes]
    growing = [name for name in ops[0].fields() if _grows([getattr(op, name) for op in ops])]
    labels = [_label(apply, growing) for apply, _ in lanes]
    text = series(labels, every=True) if growing else span_of(labels)
    return f"{lanes[0][0].op.name} {text}".rstrip()


def _grows(values: list[Any]) -> bool:
    """Whether a setting is another whole number, or others, from copy to copy."""
    return len(set(values)) > 1 and not isinstance(values[0], float)


def _label(apply: Apply, shown: Collection[str]) -> str:
    """The operator's own label without the channels that it makes; `shown` also at its default."""
    label, out = with_shown(apply.op, shown).label(), apply.output.shape
    if out is not None and _category([(apply, 1)]) in (*_WEIGHTED, "reshape"):
        head, more, tail = label.rpartition(", ")
        # `shuffle 4` of 4 channels says its groups.
        widths = [field.form is Form.WIDTH for field in apply.op.fields().values()]
        is_width = more or _category([(apply, 1)]) in _WEIGHTED or any(widths)
        label = head if is_width and tail == str(int(out.channels)) else label
    return shorten(label)


def channels(main: Lanes[Apply]) -> str:
    """`64 → 128` where channels change, `7×7×512 → 25088` where dimensions do.

    `32 × (4 → 4)` where groups of channels do not see each other: the cardinality.
    """
    ins = [apply.shapes[0] for apply, _ in main]
    outs = [apply.output.shape or ins[0] for apply, _ in main]
    if ins[0].rank != outs[0].rank:
        return f"{span_of(map(format_shape, ins))} → {span_of(map(format_shape, outs))}"
    many = groups(main[0][0])
    if many > 1 and all(_is_like(main[0][0], apply) for apply, _ in main[1:]):
        return f"{many} × ({' → '.join(map(str, path(main[0][0])))})"
    before, after = (_span_of_channels([int(x.channels) for x in s]) for s in (ins, outs))
    changes = before != after or _category(main) in _WEIGHTED
    return f"{before} → {after}" if changes else ""


def _span_of_channels(counts: list[int]) -> str:
    """`64…224` where they grow by the same step; `64, 128, 256` where that would say too little."""
    even = len({b - a for a, b in pairwise(counts)}) < 2
    texts = [str(n) for n in counts]
    return span_of(texts) if even else series(texts)


def groups(apply: Apply) -> int:
    """In how many groups of channels a convolution works side by side."""
    return int(_traced_groups(apply))


def _traced_groups(apply: Apply) -> Any:
    fields = apply.op.fields().items() if apply.op.category == "conv" else ()
    return next((getattr(apply.op, name) for name, f in fields if f.form is Form.GROUPS), 1)


def path(apply: Apply) -> tuple[int, int]:
    """How many channels one group of a convolution makes of how many."""
    made, many = apply.output.shape or apply.shapes[0], _traced_groups(apply)
    return apply.shapes[0].channels // many, made.channels // many


def _sign(merge: Apply) -> str:
    """`+` of an operator that is written `a + b` in Python."""
    written = (merge.op.inline("a", "b") or "").split(" ")
    if len(written) != 3 or (written[0], written[2]) != ("a", "b"):
        return ""
    return _SIGNS.get(written[1], written[1])


def _sign_words(merge: Apply) -> str:
    return _sign(merge) or " ".join(filter(None, (merge.op.name, shorten(merge.op.label()))))


def _summands(lanes: Lanes[Apply]) -> str:
    """`64+128+32+32` where the channels of the inputs add up to the output's."""
    applies = [apply for apply, _ in lanes]
    summands = [[int(x.channels) for x in apply.shapes] for apply in applies]
    out = applies[0].output.shape
    if out is None or len(summands[0]) < 2 or sum(summands[0]) != int(out.channels):
        return ""
    spans = [_span_of_channels(list(places)) for places in zip(*summands, strict=True)]
    return "+".join(f"({text})" if "," in text else text for text in spans)


def _block_summands(merge: Apply, terms: Terms) -> str:
    """`c1x1+c3x3+c5x5+proj`, where all that is known of a block says so."""
    summands = [x.channels for x in merge.shapes]
    if not _summands([(merge, 1)]) or not all(map(symbolic.is_traced, summands)):
        return ""
    return "+".join(format_traced(count, terms) for count in summands)


# --- costs -------------------------------------------------------------------------------


def _add_costs(made: Card, row: Row, costs: Costs) -> None:
    copies = sum(count for _, count in row[0])
    alike = all(_is_like(lanes[0][0], apply) for lanes in row for apply, _ in lanes[1:])
    made.params = sum(costs.of_node(apply).params * n for lanes in row for apply, n in lanes)
    made.macs = sum(costs.of_node(apply).macs * n for lanes in row for apply, n in lanes)
    if made.params:
        made.facts.append(_of_copies(made.params, copies, alike))
    elif shared := [
        a for lanes in row for a, _ in lanes[:1] if a.state and (a.again or costs.again)
    ]:
        named = f" with {shared[0].name}" if shared[0].also else ""
        made.facts.append(f"{SHARED}{named}")
    if made.macs:
        made.cost = _of_copies(made.macs, copies, alike)


def _of_copies(total: int, copies: int, alike: bool) -> str:
    """`2×3.21M` for two copies that are alike, which make a total; their sum for others."""
    if copies == 1:
        return human(total)
    return f"{copies}×{human(total // copies)}" if alike else f"{SUM} {human(total)}"


def _is_like(one: Apply, other: Apply) -> bool:
    """Whether two copies differ in no more than their labels."""
    return one.op == other.op and [x.dims for x in one.shapes] == [x.dims for x in other.shapes]


def _spans(row: Row) -> tuple[Span, ...]:
    return tuple(lanes[0][0].span for lanes in row)


def _tooltip(row: Row, prefix: str, costs: Costs) -> str:
    """Path, statement and line of each operator, then shapes and exact costs of one copy."""
    lines = []
    for lanes in row:
        apply = lanes[0][0]
        text = apply.span.text.partition("\n")[0][:90]
        lines.append(f"{prefix}{apply.name}: {text}  (line {apply.span.line})")
    first, last = row[0][0][0], row[-1][0][0]
    ins = ", ".join(dict.fromkeys(map(format_shape, first.shapes)))
    lines.append(f"{ins} → {format_shape(last.output.shape or first.shapes[0])}")
    params = sum(costs.of_node(lanes[0][0]).params for lanes in row)
    macs = sum(costs.of_node(lanes[0][0]).macs for lanes in row)
    if params or macs:
        lines.append(f"{params:,} parameters, {macs:,} MACs")
    return "\n".join(lines)
