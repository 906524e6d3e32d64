"""Two sequences side by side.

What both begin and end with is taken off; what stands once on either side and is equal holds the
rest in place (patience diff); what is left between is small and aligned at the best score, where
what is alike but not equal may stand side by side too (Needleman and Wunsch, 1970). Stretches too
large for that go to difflib. So the time stays near the length of the sequences.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from difflib import SequenceMatcher
from typing import TypeVar

T = TypeVar("T")
Pairs = list[tuple[T | None, T | None]]
_CELLS = 40_000  # a larger table would take longer than anyone waits


def align(
    left: Sequence[T],
    right: Sequence[T],
    key: Callable[[T], Hashable],
    gap: Callable[[Sequence[T], Sequence[T]], Pairs[T]],
) -> Pairs[T]:
    """All items of both in order, in pairs; an item without a partner stands with None.

    Equal keys make sure pairs; `gap` aligns what is left between them.
    """
    start = 0
    while start < min(len(left), len(right)) and key(left[start]) == key(right[start]):
        start += 1
    end = 0
    most = min(len(left), len(right)) - start
    while end < most and key(left[-1 - end]) == key(right[-1 - end]):
        end += 1
    inner_left, inner_right = left[start : len(left) - end], right[start : len(right) - end]
    pairs: Pairs[T] = []
    pairs += zip(left[:start], right[:start], strict=True)
    between: Pairs[T] = _between(inner_left, inner_right, key, gap)
    pairs += between
    pairs += zip(left[len(left) - end :], right[len(right) - end :], strict=True)
    return pairs


def _between(
    left: Sequence[T],
    right: Sequence[T],
    key: Callable[[T], Hashable],
    gap: Callable[[Sequence[T], Sequence[T]], Pairs[T]],
) -> Pairs[T]:
    if not left or not right:
        return [*((item, None) for item in left), *((None, item) for item in right)]
    anchors = _anchors([key(item) for item in left], [key(item) for item in right])
    if not anchors:
        return gap(left, right)
    pairs: Pairs[T] = []
    at_left = at_right = 0
    for i, j in anchors:
        before: Pairs[T] = align(left[at_left:i], right[at_right:j], key, gap)
        pairs += before
        pairs.append((left[i], right[j]))
        at_left, at_right = i + 1, j + 1
    after: Pairs[T] = align(left[at_left:], right[at_right:], key, gap)
    return pairs + after


def _anchors(left: list[Hashable], right: list[Hashable]) -> list[tuple[int, int]]:
    """Places of what is there once on either side, as many as are in the same order."""
    counts, others = Counter(left), Counter(right)
    places = {item: at for at, item in enumerate(right)}
    unique = [
        (at, places[item])
        for at, item in enumerate(left)
        if counts[item] == 1 and others[item] == 1
    ]
    if not unique and len(left) * len(right) > _CELLS:
        blocks = SequenceMatcher(None, left, right, autojunk=True).get_matching_blocks()
        return [(b.a + at, b.b + at) for b in blocks for at in range(b.size)]
    return _increasing(unique)


def _increasing(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest run of pairs whose second numbers grow (patience sorting)."""
    tops: list[int] = []  # the smallest end of a run of each length
    ends: list[int] = []
    before: list[int] = []
    for at, (_, j) in enumerate(pairs):
        length = bisect_left(tops, j)
        before.append(ends[length - 1] if length else -1)
        if length == len(tops):
            tops.append(j)
            ends.append(at)
        else:
            tops[length], ends[length] = j, at
    run = []
    at = ends[-1] if ends else -1
    while at >= 0:
        run.append(pairs[at])
        at = before[at]
    return run[::-1]


def best(
    left: Sequence[T], right: Sequence[T], score: Callable[[T, T], float]
) -> tuple[Pairs[T], float]:
    """The alignment of the highest sum of scores, and that sum; a score of 0 makes no pair."""
    if len(left) * len(right) > _CELLS:
        return [*((item, None) for item in left), *((None, item) for item in right)], 0.0
    rows, columns = len(left), len(right)
    table = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    scores = [[score(a, b) for b in right] for a in left]
    for i in range(rows - 1, -1, -1):
        for j in range(columns - 1, -1, -1):
            skip = max(table[i + 1][j], table[i][j + 1])
            here = scores[i][j]
            table[i][j] = max(skip, here + table[i + 1][j + 1]) if here > 0 else skip
    pairs: Pairs[T] = []
    i = j = 0
    while i < rows or j < columns:
        if i < rows and j < columns and _taken(table, scores, i, j):
            pairs.append((left[i], right[j]))
            i, j = i + 1, j + 1
        elif i < rows and (j == columns or table[i + 1][j] >= table[i][j + 1]):
            pairs.append((left[i], None))
            i += 1
        else:
            pairs.append((None, right[j]))
            j += 1
    return pairs, table[0][0]


def _taken(table: list[list[float]], scores: list[list[float]], i: int, j: int) -> bool:
    here = scores[i][j]
    return here > 0 and table[i][j] == here + table[i + 1][j + 1]
