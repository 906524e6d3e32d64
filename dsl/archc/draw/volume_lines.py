"""One line of a picture of volumes: boxes in columns, on tracks above each other, and arrows.

What all goes through is the track 0; what leaves it stands on tracks of its own below, or above.
An arrow leads straight to what follows on its track, slanting to what stands in the next column,
and else along a lane between two tracks. Nothing passes through a box, and no two arrows run on
each other but from one start or to one end.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from archc.draw.strokes import Point, arrow
from archc.draw.style import FAINT, LINE, SKIP
from archc.draw.volume_boxes import Shown, Volume
from archc.draw.volume_links import Link, ranks

_GAP, _SLOT, _LANE = 16.0, 5.0, 5.0  # between columns, and for each arrow along them or a track
_FAN, _STEEP = 24.0, 5.0  # where towers exchange; for each track that an arrow leads up or down
_CLEAR = 8.0  # above what an arrow goes around
_RIDES = "rides"  # the kind of an arrow with a sign on it
_STALK, _ASIDE = 14.0, 4.0  # of a letter on a box; from what else leads up from it
_LOOKS = {
    "straight": (LINE, "solid"),
    "skip": (SKIP, "dashed"),
    "training": (FAINT, "dashed"),
    "size": (LINE, "dotted"),
}


class VolumeLine:
    """What stands in a line, placed from (0, 0) to the right and upwards, and its arrows."""

    def __init__(
        self,
        nodes: dict[str, Shown],
        links: list[Link],
        trunk: set[str],
        perched: dict[str, list[Link]],
    ) -> None:
        self.nodes, self.links, self.trunk = nodes, links, trunk
        self.perched = perched  # by the card, what leads from and to letters on it
        self.letters = {_letter_of(x, id) for id, links in perched.items() for x in links}
        self.rank = ranks((node for id, node in nodes.items() if id not in self.letters), links)
        self.riders = {id: ends for id in self.rank if (ends := self._ridden(id))}
        self.tracks = self._tracks()
        self.track = {
            id: track for track, chains in self.tracks.items() for ids in chains for id in ids
        }
        self.first = {(link.tail, link.head): link for link in reversed(links)}
        self.direct = self._direct()
        self.led = list(self._led())
        self.topped = set(self._topped())
        self.gaps: dict[tuple[int, int], list[tuple[str, str]]] = {}
        self._find_slots()
        self._set_columns()
        self.lanes: dict[tuple[str, str, int], float] = {}
        self.height = self._set_heights()

    @property
    def width(self) -> float:
        return self.right[-1] if self.right else 0.0

    # --- where things stand ----------------------------------------------------------------

    def _ridden(self, id: str) -> list[Link]:
        """The links into and out of a sign that stands on a skip: a U-Net's crop.

        What leads into it may come from a letter on it.
        """
        before = [x for x in self.links if x.head == id and x.kind != "size"]
        after = [x for x in self.links if x.tail == id]
        sizes = [x.tail for x in self.links if x.head == id and x.kind == "size"]
        from_letters = [x for x in self.perched.get(id, ()) if x.head == id]
        if id in self.trunk or isinstance(self.nodes[id], Volume) or len(after) != 1:
            return []
        if [x.kind for x in (*before, *from_letters)] != ["skip"] or len(sizes) > 1:
            return []
        ends = {x.tail for x in before} | {after[0].head}
        far = all(self.rank[x.tail] < self.rank[id] - 1 for x in before)
        beside = all(x in self.trunk and self.rank[x] == self.rank[id] for x in sizes)
        next_to = self.rank[after[0].head] == self.rank[id] + 1
        is_over = self.trunk >= ends and next_to and beside and far
        return [*before, *after] if is_over and id not in self._leaving_letters() else []

    def _leaving_letters(self) -> set[str]:
        """Cards with letters that say where they lead."""
        return {id for id, links in self.perched.items() if any(x.tail == id for x in links)}

    def _tracks(self) -> dict[int, list[list[str]]]:
        """The chains of each track: the trunk, and what leaves it with a column between."""
        chains: list[list[str]] = []
        upper = []
        for id in self.rank:
            if id in self.trunk or id in self.riders:
                continue
            before = [x for x in self.links if x.head == id and x.kind != "size"]
            tails = {link.tail for link in before if link.kind != "skip"}
            chain = next((chain for chain in chains if chain[-1] in tails), None)
            if chain is None:
                chains.append([id])
                upper.append(bool(before) and all(link.kind == "skip" for link in before))
            else:
                chain.append(id)
        trunk = sorted(self.trunk & self.rank.keys(), key=lambda id: self.rank[id])
        tracks = {0: [trunk]} if trunk else {}
        for chain, above in zip(chains, upper, strict=True):
            track = -1 if above else 1
            while any(self._are_near(chain, other) for other in tracks.get(track, ())):
                track += -1 if above else 1
            tracks.setdefault(track, []).append(chain)
        return tracks

    def _are_near(self, one: list[str], other: list[str]) -> bool:
        """Whether there is no column between two chains."""
        return (
            self.rank[one[0]] <= self.rank[other[-1]] + 1
            and self.rank[other[0]] <= self.rank[one[-1]] + 1
        )

    def _direct(self) -> set[Link]:
        """The links to what follows on the same track."""
        chains = [chain for chains in self.tracks.values() for chain in chains]
        next_to = {pair for chain in chains for pair in pairwise(chain)}
        return {link for pair, link in self.first.items() if pair in next_to}

    def _slants(self, link: Link) -> bool:
        """Whether a link leads to another track in the next column."""
        if self.rank[link.head] != self.rank[link.tail] + 1:
            return False
        if {link.tail, link.head} & self.riders.keys():
            return False
        is_first = self.first[link.tail, link.head] == link
        return is_first and self.track[link.tail] != self.track[link.head]

    def _lane(self, link: Link) -> int:
        """The lane that a link runs along: `n` is below the track `n`."""
        tail, head = self.track[link.tail], self.track[link.head]
        return head if tail > head else head - 1

    def _rises(self, link: Link) -> bool:
        return self._lane(link) == self.track[link.tail] - 1 and len(link.pairs) == 1

    def _falls(self, link: Link) -> bool:
        return self._lane(link) == self.track[link.head] - 1 and len(link.pairs) == 1

    def _led(self) -> Iterator[Link]:
        """Those that run along a lane."""
        ridden = {link for pair in self.riders.values() for link in pair}
        for link in self.links:
            if link in ridden or link in self.direct or link.head in self.riders:
                continue
            if not self._slants(link):
                yield link

    def _topped(self) -> Iterator[str]:
        """The cards that an arrow leads up from, or down to."""
        for links in self.riders.values():
            yield from {id for link in links for id in (link.tail, link.head)} - self.riders.keys()
        for link in self.links:
            if link.head in self.riders:
                yield link.tail
        for link in self.led:
            yield from [link.tail] * self._rises(link) + [link.head] * self._falls(link)

    def _find_slots(self) -> None:
        """Which arrows run up or down between columns: first what leaves, then what comes in."""
        for link in self.led:
            slots = []
            if not self._rises(link):
                slots.append((self.rank[link.tail], 0, link.net))
            if not self._falls(link):
                slots.append((self.rank[link.head] - 1, 1, (link.head, link.kind)))
            for gap, side, own in slots:
                known = self.gaps.setdefault((gap, side), [])
                if own not in known:
                    known.append(own)

    def _set_columns(self) -> None:
        columns = max(self.rank.values(), default=-1) + 1
        self.left: list[float] = []
        self.right: list[float] = []
        at = 0.0
        for column in range(columns):
            inside = [id for id in self.rank if self.rank[id] == column]
            room = max(self._room(id) for id in inside)
            self.left.append(at)
            self.right.append(at + room)
            for id in inside:
                self.nodes[id].left = at + (room - self.nodes[id].room) / 2
            slots = sum(len(self.gaps.get((column, side), ())) for side in (0, 1))
            at += room + _GAP + _SLOT * slots + self._fan(column)

    def _room(self, id: str) -> float:
        """The width that a card takes with its letters."""
        node, letters = self.nodes[id], self._perch(id) * len(self.perched.get(id, ()))
        if id in self.topped and letters:  # they stand to the left of what comes from above
            return node.room + 2 * max(letters + _ASIDE - node.onto("size")[0] + node.left, 0.0)
        return max(node.room, letters)

    def _perch(self, id: str) -> float:
        """The width that each letter on a card takes."""
        signs = (self.nodes[_letter_of(link, id)] for link in self.perched.get(id, ()))
        return 1 + max((sign.room for sign in signs), default=0.0)

    def _fan(self, column: int) -> float:
        """How much wider the gap behind a column is for arrows that slant."""
        own = [link for link in self.links if self.rank[link.tail] == column]
        far = [abs(self.track[x.head] - self.track[x.tail]) for x in own if self._slants(x)]
        return max(_STEEP * max(far, default=0), _FAN * any(len(x.pairs) > 1 for x in own))

    def _x(self, gap: int, side: int, own: tuple[str, str]) -> float:
        """Where an arrow runs up or down in a gap."""
        before = len(self.gaps.get((gap, 0), ())) if side else 0
        place = before + self.gaps[gap, side].index(own)
        return self.right[gap] + _GAP / 2 + _SLOT * place

    # --- heights ---------------------------------------------------------------------------

    def _set_heights(self) -> float:
        """From the lowest track up: each chain as low as what stands below it lets it."""
        high = [0.0] * len(self.left)  # how high each column is so far
        for track in range(max(self.tracks, default=0), min(self.tracks, default=0) - 1, -1):
            for chain in self.tracks.get(track, []):
                self._set_chain(chain, high)
            self._set_lane(track - 1, high)
        return max(high, default=0.0)

    def _set_chain(self, chain: list[str], high: list[float]) -> None:
        """All stand around one middle, as the maps in the lecture's figures do."""
        passed = range(self.rank[chain[0]], self.rank[chain[-1]] + 1)
        needed = {at: high[at] + _CLEAR for at in passed}
        for id in chain:
            node = self.nodes[id]
            needed[self.rank[id]] += node.tall / 2 + node.below - _CLEAR * (high[passed[0]] == 0)
        middle = max(needed.values())
        for at in passed:
            high[at] = middle
        for id in chain:
            node = self.nodes[id]
            node.base = middle - node.tall / 2
            high[self.rank[id]] = self._set_perched(id) if id in self.perched else node.top

    def _set_perched(self, id: str) -> float:
        """Letters above a card, several in a row; what comes in is left of what leaves."""
        node, links, perch = self.nodes[id], self.perched[id], self._perch(id)
        links.sort(key=lambda link: link.tail == id)
        start = node.left + node.room / 2 - perch * (len(links) - 1) / 2
        if id in self.topped:
            start = node.onto("size")[0] - _ASIDE - perch * (len(links) - 0.5)
        elif len(links) == 1:
            end = node.off if links[0].tail == id else node.onto
            over = end(links[0].kind)[0]
            start = min(max(over, node.left + perch / 2), node.left + node.room - perch / 2)
        for at, link in enumerate(links):
            sign = self.nodes[_letter_of(link, id)]
            sign.left = start + perch * at - sign.room / 2
            sign.base = node.top + _STALK
        return max(self.nodes[_letter_of(link, id)].top for link in links)

    def _set_lane(self, lane: int, high: list[float]) -> None:
        """How high arrows run above a track."""
        spans: dict[tuple[str, str], range] = {}
        ends: dict[tuple[str, str], set[int]] = {}  # the columns that each leads up from, down to
        for link in self.led:
            if self._lane(link) == lane:
                tail, head = self.rank[link.tail], self.rank[link.head]
                passed = {tail, head, *spans.get(link.net, ())}
                spans[link.net] = range(min(passed), max(passed) + 1)
                upright = [tail] * self._rises(link) + [head] * self._falls(link)
                ends.setdefault(link.net, set()).update(upright)
        for id, links in (self.riders if lane == -1 else {}).items():
            columns = {self.rank[end] for link in links for end in (link.tail, link.head)}
            spans[id, _RIDES] = range(min(columns), self.rank[id] + 2)
            ends[id, _RIDES] = columns - {self.rank[id]}
        for net in self._upwards(spans, ends):
            sign = self.nodes[net[0]] if net[1] == _RIDES else None
            half = sign.tall / 2 if sign else 0.0
            above = max(high[at] for at in spans[net]) + _CLEAR
            if sign:
                above = max(above, high[self.rank[net[0]]] + 2 * _CLEAR + half)
                sign.base = above - half
            for at in spans[net]:
                high[at] = above
            if sign:
                id = net[0]
                high[self.rank[id]] = self._set_perched(id) if id in self.perched else sign.top
            self.lanes[*net, lane] = above

    def _upwards(
        self, spans: dict[tuple[str, str], range], ends: dict[tuple[str, str], set[int]]
    ) -> Iterator[tuple[str, str]]:
        """Short arrows below long ones; a sign on one above what ends in its column."""
        left = sorted(spans, key=lambda net: len(spans[net]))
        while left:
            is_over = {
                net
                for net in left
                if net[1] == _RIDES and any(self.rank[net[0]] in ends[other] for other in left)
            }
            lowest = next((net for net in left if net not in is_over), left[0])
            left.remove(lowest)
            yield lowest

    # --- what is drawn ---------------------------------------------------------------------

    def lift(self, base: float) -> None:
        """Have its lower edge at a height."""
        self.lanes = {net: high + base for net, high in self.lanes.items()}
        for node in self.nodes.values():
            node.base += base

    def words(self) -> Iterator[str]:
        """The nodes."""
        for node in self.nodes.values():
            yield from node.node()

    def strokes(self) -> Iterator[str]:
        """Boxes, and arrows over them."""
        for node in self.nodes.values():
            yield from node.faces()
        for kind, points in self._paths():
            yield from arrow(points, *_LOOKS[kind])

    def _paths(self) -> Iterator[tuple[str, list[Point]]]:
        led = set(self.led)
        for link in self.links:
            if link.tail in self.riders or link.head in self.riders:
                yield link.kind, self._riding(link)
                continue
            for start, end in link.pairs:
                tail, head = self.nodes[link.tail].back(start), self.nodes[link.head].front(end)
                if link in led:
                    yield link.kind, self._along(link, tail, head)
                elif link in self.direct:
                    yield link.kind, [tail, head]
                else:
                    gap = self.rank[link.tail]
                    bends = [(self.right[gap], tail[1]), (self.left[gap + 1], head[1])]
                    yield link.kind, _bent([tail, *bends, head])
        for id, links in self.perched.items():
            node = self.nodes[id]
            for link in links:
                sign = self.nodes[_letter_of(link, id)]
                foot = (sign.left + sign.room / 2, sign.base)
                if link.tail == id:
                    yield link.kind, [node.off(link.kind), foot]
                else:
                    yield link.kind, [foot, node.onto(link.kind)]

    def _along(self, link: Link, tail: Point, head: Point) -> list[Point]:
        """Up to a lane or between columns, along the lane, and to the end."""
        high = self.lanes[*link.net, self._lane(link)]
        if self._rises(link):
            tail = self.nodes[link.tail].off(link.kind)
            points = [tail, (tail[0], high)]
        else:
            x = self._x(self.rank[link.tail], 0, link.net)
            points = [tail, (x, tail[1]), (x, high)]
        if self._falls(link):
            head = self.nodes[link.head].onto(link.kind)
            return [*points, (head[0], high), head]
        x = self._x(self.rank[link.head] - 1, 1, (link.head, link.kind))
        return [*points, (x, high), (x, head[1]), head]

    def _riding(self, link: Link) -> list[Point]:
        """To a sign on a skip, or on from it."""
        if link.tail in self.riders:
            sign = self.nodes[link.tail]
            start, end = sign.back(0), self.nodes[link.head].onto(link.kind)
            return [start, (end[0], start[1]), end]
        sign, start = self.nodes[link.head], self.nodes[link.tail].off(link.kind)
        if link.kind == "size":
            x = min(max(start[0], sign.left + 2), sign.left + sign.room - 2)
            return [start, (x, sign.base)]
        end = sign.front(0)
        return [start, (start[0], end[1]), end]


def _letter_of(link: Link, id: str) -> str:
    """The other end of a link than a card."""
    return link.head if link.tail == id else link.tail


def _bent(points: list[Point]) -> list[Point]:
    """Without points that are the one before."""
    return [points[0], *(b for a, b in pairwise(points) if a != b)]
