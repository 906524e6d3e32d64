"""What differs between two statements that stand side by side."""

from __future__ import annotations

from collections.abc import Iterator

from archc import symbolic, syntax
from archc.diffs.entries import Change
from archc.diffs.items import OutlineItem
from archc.diffs.match import BodyPair
from archc.diffs.words import AttributeText
from archc.elaborate.evaluate import of_defaults
from archc.plan import Call
from archc.source import Fault


def differences(left: OutlineItem, right: OutlineItem, frame: BodyPair) -> Iterator[Change]:
    """Names, counts, operators, attributes, arguments and what is asked for by a label."""
    if left.label and right.label and left.label != right.label:
        names = left.label, right.label
        yield Change("label", *names, names)
    if left.count != right.count:
        yield _count(left, right)
    if left.kind != right.kind:
        return
    if left.head != right.head:
        name = {"op": "operator", "call": "block"}.get(left.kind, "combinator")
        yield Change(name, left.head, right.head, (left.head, right.head))
    if left.call is not None and right.call is not None:
        yield from _arguments(left.call, right.call, left.words, right.words)
    else:
        yield from _words(left.words, right.words)
    if left.kind in ("goto", "op", "again"):
        yield from _sources(left, right, frame)


def _count(left: OutlineItem, right: OutlineItem) -> Change:
    counts = f"×{left.count}", f"×{right.count}"
    return Change("count", *counts, counts)


def _words(left: tuple[AttributeText, ...], right: tuple[AttributeText, ...]) -> Iterator[Change]:
    """The attributes that differ, in the order in which one writes them."""
    mine, yours = ({word.field: word for word in words} for words in (left, right))
    found: list[tuple[int, Change]] = []
    for name in dict.fromkeys((*mine, *yours)):
        a, b = mine.get(name), yours.get(name)
        if a is None or b is None or a.key != b.key:
            shown = a.shown if a else "", b.shown if b else ""
            written = a.written if a else "", b.written if b else ""
            place = next(word.place for word in (b, a) if word is not None)
            found.append((place, Change(name, *shown, written, written[0] == written[1])))
    for _, change in sorted(found, key=lambda one: one[0]):
        yield change


def _arguments(
    left: Call, right: Call, mine: tuple[AttributeText, ...], yours: tuple[AttributeText, ...]
) -> Iterator[Change]:
    """The arguments that differ; those that are worked out from the others are left out."""
    known = {word.field for word in mine}, {word.field for word in yours}
    both = known[0] & known[1]
    for change in _words(
        tuple(word for word in mine if word.field in both),
        tuple(word for word in yours if word.field in both),
    ):
        if not (_derived(left, change.name) and _derived(right, change.name)):
            yield change


def _derived(call: Call, name: str) -> bool:
    """Whether an argument is what its default makes of the others."""
    block = call.body.block
    assert block is not None
    formal = next(formal for formal in block.tree.formals if formal.name.id == name)
    if formal.default is None or isinstance(formal.default, syntax.Number):
        return False
    try:
        value = of_defaults(block, call.body.args, call.body.entering).value(formal.default)
    except Fault:
        return False
    return bool(symbolic.plain(value) == symbolic.plain(call.args[name]))


def _sources(left: OutlineItem, right: OutlineItem, frame: BodyPair) -> Iterator[Change]:
    """Labels that are asked for and stand for another tensor now."""
    for a, b in zip(left.references[:1], right.references[:1], strict=False):  # their own
        if frame.tensors.get(a.target) is not b.target:
            yield Change("from", a.text, b.text, (a.text, b.text))
