"""How alike two statements are: whether one may stand beside the other as its successor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from archc.diffs.items import OutlineItem

_LEAST = 0.3  # containers with less in common are strangers


def likeness(left: OutlineItem, right: OutlineItem) -> float:
    """The worth of a pair in an alignment; 0 for what cannot stand side by side."""
    weight = max(left.weight, right.weight)
    same_label = left.label is not None and left.label == right.label
    if left.signature == right.signature:
        return weight + 0.1 * same_label
    if left.kind != right.kind and "loop" in (left.kind, right.kind):
        left, right = left.single or left, right.single or right
        if left.signature == right.signature:
            return 0.99 * weight
    if left.kind != right.kind:
        return 0.0
    return weight * min(0.95, _alike(left, right, same_label))


def _alike(left: OutlineItem, right: OutlineItem, same_label: bool) -> float:
    bonus = 0.3 * same_label
    match left.kind:
        case "op":
            return _operators(left, right, bonus)
        case "call":
            if left.head == right.head:
                return 0.55 + 0.25 * _words(left, right) + bonus
            return _contents(left, right, 0.15, bonus)
        case "branches":
            return _contents(left, right, 0.35 if left.head == right.head else 0.1, bonus)
        case "bracket":
            return 0.0
        case "input" | "goto" | "again" | "mark":
            return 0.6 + bonus
        case "branch":
            empty = not left.inside[0] and not right.inside[0]
            return 0.9 if empty else _contents(left, right, 0.2, bonus)
        case "aux":
            return 0.5 + bonus
        case _:
            return _contents(left, right, 0.2, bonus)


def _operators(left: OutlineItem, right: OutlineItem, bonus: float) -> float:
    if left.head == right.head:
        return 0.5 + 0.3 * _words(left, right) + bonus
    if left.category == right.category and left.category not in ("other", "reshape"):
        return 0.35 + bonus
    return 0.15 if bonus else 0.0


def _words(left: OutlineItem, right: OutlineItem) -> float:
    """The share of attributes that are equal, by their numbers or by the text."""
    mine, yours = ({word.field: word for word in item.words} for item in (left, right))
    both = [(word, yours[name]) for name, word in mine.items() if name in yours]
    same = sum(1 for a, b in both if a.key == b.key or a.written == b.written)
    return same / len({*mine, *yours}) if mine or yours else 1.0


def _contents(left: OutlineItem, right: OutlineItem, base: float, bonus: float) -> float:
    share = common(left.bag, right.bag)
    return base + 0.5 * share + bonus if share >= _LEAST or bonus else 0.0


def common(left: Counter[str], right: Counter[str]) -> float:
    """The share of operators that two have in common."""
    return (left & right).total() / max((left | right).total(), 1)


def overlap(item: OutlineItem, others: Iterable[OutlineItem]) -> bool:
    """Whether most of an item's operators may be found among others."""
    there: Counter[str] = sum((other.bag for other in others), Counter())
    return (item.bag & there).total() >= min(item.bag.total(), there.total()) * _LEAST > 0
