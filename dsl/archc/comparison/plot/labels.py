"""Where the labels of a bubble chart stand: beside their bubbles, and never on each other.

Each label has many candidate places around its bubble, in rings. The cheapest ones are taken, then
each label in turn moves to where it costs least among the others, until none moves; last, those
that are badly off push others away where that pays for all together. It is deterministic and knows
nothing of a plotting library: all lengths are in points (1/72 inch), y grows upwards.

adjustText and textalloc do this for matplotlib; the first pushes labels apart step by step and may
stop with some on each other, the second leaves one out as soon as its own fixed places are taken.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from math import cos, hypot, inf, pi, sin

_ANGLES = 24
_RINGS = (1.5, 4, 8, 13, 19, 26, 34, 44, 56, 70, 86, 104, 124)
_LEADER = 5.0  # a label that is farther from its bubble gets a line to it
_GAP = 1.5  # between labels
_TRIES = 40  # places to push others from
_CHECKS = 3_000_000  # pairs of places: a few seconds, however many labels there are

# What a place costs. On another label it may not be at all: better there is no label.
_LEFT_OUT, _FORBIDDEN = 1e4, 1e6
_ON_OWN, _ON_OTHER = 8.0, 300.0  # on a bubble; as much again where it lies on it as a whole
_LEADER_COST = 3.0
_LEADER_ON_BUBBLE = 80.0
_LEADER_ON_LABEL = 500.0
_LEADERS_CROSS = 80.0
_ELSEWHERE = 60.0  # in another part of the frame than its bubble
_NEAR, _NEAR_COST = 5.0, 4.0  # so close to another bubble it could be that one's label
_FAR = 0.4  # for each point of distance
_BADLY_OFF = 4.0  # more than any place beside a bubble that stands alone
_TURNED = 1.2  # beside a bubble a label reads best
_LEFT = 0.6


@dataclass(frozen=True, slots=True)
class Bbox:
    """Its left, lower, right and upper edge."""

    left: float
    low: float
    right: float
    high: float

    def overlaps(self, other: Bbox, gap: float = 0.0) -> bool:
        return (
            self.left < other.right + gap
            and other.left < self.right + gap
            and self.low < other.high + gap
            and other.low < self.high + gap
        )

    def inside(self, frame: Bbox) -> bool:
        return (
            frame.left <= self.left
            and frame.low <= self.low
            and self.right <= frame.right
            and self.high <= frame.high
        )

    def nearest(self, x: float, y: float) -> tuple[float, float]:
        """The point of the box that is nearest to another."""
        return min(max(x, self.left), self.right), min(max(y, self.low), self.high)

    def crossed(self, line: Line) -> bool:
        """Whether a line goes through it (Liang and Barsky)."""
        x, y, to_x, to_y = line
        dx, dy, enter, leave = to_x - x, to_y - y, 0.0, 1.0
        sides = ((-dx, x - self.left), (dx, self.right - x), (-dy, y - self.low))
        for step, room in (*sides, (dy, self.high - y)):
            if step == 0:
                if room < 0:
                    return False
            elif step < 0:
                enter = max(enter, room / step)
            else:
                leave = min(leave, room / step)
        return enter < leave


Line = tuple[float, float, float, float]  # from x, y to x, y


@dataclass(frozen=True, slots=True)
class Bubble:
    """A disc with a label of this size beside it, best in its `own` part of the frame."""

    x: float
    y: float
    radius: float
    width: float
    height: float
    own: Bbox | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a label stands, and the line that leads to it, if it needs one."""

    box: Bbox
    leader: Line | None
    cost: float  # but for other labels
    reach: Bbox  # around the box, its line, and a gap


def place(bubbles: Sequence[Bubble], frame: Bbox) -> list[Place | None]:
    """A place inside `frame` for each label; None where there is no room left.

    No two labels overlap, and as far as possible none covers a bubble or crosses a line.
    """
    crowd = _Crowd([_candidates(bubble, bubbles, frame) for bubble in bubbles])
    crowd.settle()
    crowd.push()
    return crowd.chosen


class _Crowd:
    """Labels that look for their places; `checks` counts pairs that were looked at."""

    def __init__(self, choices: Sequence[Sequence[Place]]) -> None:
        self.choices = choices
        self.chosen: list[Place | None] = [None] * len(choices)
        # Those with the fewest good places first.
        self.order = sorted(range(len(choices)), key=lambda i: (-_scarcity(choices[i]), i))
        self.checks = 0

    def settle(self) -> None:
        """Each moves to where it costs least among the others, until none moves."""
        moved = True
        while moved and self.checks < _CHECKS:
            moved = False
            for i in self.order:
                best = self._best(i, self._others(self.chosen, {i}))
                moved |= best is not self.chosen[i]
                self.chosen[i] = best

    def push(self) -> None:
        """Those that are badly off push others away, as long as all together are better off."""
        moved = True
        while moved and self.checks < _CHECKS:
            moved = any([self._push(i) for i in self.order])  # noqa: C419 - each has its turn

    def _push(self, i: int) -> bool:
        """A label takes a better place, and whom it hits there looks for another."""
        now = self._paid(self.chosen[i], self._others(self.chosen, {i}))
        if now <= _BADLY_OFF or self.checks >= _CHECKS:
            return False
        for one in self.choices[i][:_TRIES]:
            if one.cost >= now - 1:
                break
            trial = list(self.chosen)
            trial[i] = one
            hit = [
                j
                for j, other in enumerate(self.chosen)
                if j != i and other is not None and _conflict(one, other)
            ]
            for j in hit:
                trial[j] = self._best(j, self._others(trial, {j}))
            if self._share(trial, (i, *hit)) < self._share(self.chosen, (i, *hit)) - 0.5:
                self.chosen = trial
                return True
        return False

    def _best(self, i: int, others: Sequence[Place]) -> Place | None:
        """The cheapest place among others, or none at all; `choices` are the cheapest first."""
        best, least = None, _LEFT_OUT
        for one in self.choices[i]:
            if one.cost >= least:
                break
            cost = one.cost
            for at, other in enumerate(others, 1):
                cost += _conflict(one, other)
                if cost >= least:
                    self.checks += at
                    break
            else:
                self.checks += len(others)
                best, least = one, cost
        return best

    def _others(self, chosen: Sequence[Place | None], without: Collection[int]) -> list[Place]:
        return [one for j, one in enumerate(chosen) if j not in without and one is not None]

    def _paid(self, one: Place | None, others: Sequence[Place]) -> float:
        """What a place costs among others."""
        self.checks += len(others)
        if one is None:
            return _LEFT_OUT
        return one.cost + sum(_conflict(one, other) for other in others)

    def _share(self, chosen: Sequence[Place | None], some: Sequence[int]) -> float:
        """What some labels cost, each pair of them once."""
        others = self._others(chosen, set(some))
        total = 0.0
        for i in some:
            one = chosen[i]
            total += self._paid(one, others)
            if one is not None:
                others.append(one)
        return total


def _scarcity(places: Sequence[Place]) -> float:
    """What its best places cost: much in a crowd."""
    return sum(place.cost for place in places[:8]) if len(places) >= 8 else inf


def _conflict(one: Place, other: Place) -> float:
    if not one.reach.overlaps(other.reach):
        return 0.0
    if one.box.overlaps(other.box, _GAP):
        return _FORBIDDEN
    cost = 0.0
    if one.leader is not None and other.box.crossed(one.leader):
        cost += _LEADER_ON_LABEL
    if other.leader is not None:
        if one.box.crossed(other.leader):
            cost += _LEADER_ON_LABEL
        if one.leader is not None and _cross(one.leader, other.leader):
            cost += _LEADERS_CROSS
    return cost


def _candidates(bubble: Bubble, bubbles: Sequence[Bubble], frame: Bbox) -> list[Place]:
    """Places for one label, the cheapest first."""
    found = [
        Place(
            box,
            leader,
            cost + _covering(box, leader, bubble, bubbles) + _straying(box, bubble),
            _reach(box, leader),
        )
        for box, leader, cost in _around(bubble)
        if box.inside(frame)
    ]
    return sorted(found, key=lambda place: place.cost)


def _straying(box: Bbox, bubble: Bubble) -> float:
    """What it costs that a label leaves the part of the frame where its bubble is."""
    return 0.0 if bubble.own is None or box.inside(bubble.own) else _ELSEWHERE


def _reach(box: Bbox, leader: Line | None) -> Bbox:
    """`_GAP` on one side is enough: the other's is added to it."""
    x, y, to_x, to_y = leader or (box.left, box.low, box.right, box.high)
    return Bbox(
        min(box.left, x, to_x) - _GAP,
        min(box.low, y, to_y) - _GAP,
        max(box.right, x, to_x) + _GAP,
        max(box.high, y, to_y) + _GAP,
    )


def _around(bubble: Bubble) -> Iterator[tuple[Bbox, Line | None, float]]:
    for ring in _RINGS:
        for step in range(_ANGLES):
            angle = 2 * pi * step / _ANGLES
            along, up = cos(angle), sin(angle)
            reach = bubble.radius + ring
            x = bubble.x + along * (reach + bubble.width / 2)
            y = bubble.y + up * (reach + bubble.height / 2)
            half = bubble.width / 2, bubble.height / 2
            box = Bbox(x - half[0], y - half[1], x + half[0], y + half[1])
            leader = _leader(bubble, box)
            turned = _TURNED * abs(up) + (_LEFT if along < -0.01 else 0.0)
            far = hypot(*_apart(bubble, box)) - bubble.radius
            yield box, leader, turned + _FAR * max(far, 0) + (_LEADER_COST if leader else 0.0)


def _apart(bubble: Bubble, box: Bbox) -> tuple[float, float]:
    x, y = box.nearest(bubble.x, bubble.y)
    return x - bubble.x, y - bubble.y


def _leader(bubble: Bubble, box: Bbox) -> Line | None:
    """From the bubble's edge to the label, ending just before it."""
    dx, dy = _apart(bubble, box)
    length = hypot(dx, dy)
    if length - bubble.radius < _LEADER:
        return None
    start, end = bubble.radius / length, 1 - 1 / length
    x, y = bubble.x, bubble.y
    return x + dx * start, y + dy * start, x + dx * end, y + dy * end


def _covering(box: Bbox, leader: Line | None, own: Bubble, bubbles: Sequence[Bubble]) -> float:
    """What it costs that a label or its line lies on bubbles."""
    cost = 0.0
    for other in bubbles:
        deep = other.radius - hypot(*_apart(other, box))
        if deep > 0:
            each = _ON_OWN if other is own else _ON_OTHER
            cost += each * (1 + min(deep / (box.high - box.low), 1))
        elif deep > -_NEAR and other is not own:
            cost += _NEAR_COST * (1 + deep / _NEAR)
        if leader is not None and other is not own and _distance(other, leader) < other.radius:
            cost += _LEADER_ON_BUBBLE
    return cost


def _distance(bubble: Bubble, line: Line) -> float:
    """From the centre of a bubble to a line."""
    x, y, to_x, to_y = line
    dx, dy = to_x - x, to_y - y
    square = dx * dx + dy * dy
    along = ((bubble.x - x) * dx + (bubble.y - y) * dy) / square if square else 0.0
    along = min(max(along, 0.0), 1.0)
    return hypot(x + along * dx - bubble.x, y + along * dy - bubble.y)


def _cross(one: Line, other: Line) -> bool:
    return _sides(one, other) and _sides(other, one)


def _sides(one: Line, other: Line) -> bool:
    """Whether the ends of `other` are on both sides of `one`."""
    x, y, to_x, to_y = one
    dx, dy = to_x - x, to_y - y
    first = dx * (other[1] - y) - dy * (other[0] - x)
    second = dx * (other[3] - y) - dy * (other[2] - x)
    return (first > 0) != (second > 0)
