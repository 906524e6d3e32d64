"""The rows of a table: cards that all goes through, and which of them stand together."""

from __future__ import annotations

from collections.abc import Iterable

from archc.draw.collapse import cards
from archc.draw.scene import Card, Scene
from archc.report.spelling.shapes import format_dims

_Into = dict[str, list[str]]  # what leads into each card


def trunk_of(scene: Scene) -> set[str]:
    """Cards that every path from the inputs to an output goes through, skips left out.

    It is the output with the most of them; the last one where several have.
    """
    drawn = list(cards(scene.root))
    into: _Into = {card.id: [] for card in drawn}
    for edge in scene.edges:
        if edge.trunk:
            into[edge.head].append(edge.tail)
    ways: dict[str, int] = {}  # from the inputs
    for id, tails in into.items():
        ways[id] = sum(ways[tail] for tail in tails) or int(not tails)
    reached = [card for card in drawn if into[card.id]] or drawn
    ends = [card for card in reached if card.category == "io"] or reached[-1:]
    trunks = [_on_all_ways(end.id, into, ways) for end in ends]
    return max(reversed(trunks), key=len)


def _on_all_ways(end: str, into: _Into, ways: dict[str, int]) -> set[str]:
    """What every path to a card goes through."""
    after = dict.fromkeys(into, 0) | {end: 1}
    for id, tails in reversed(into.items()):
        for tail in tails:
            after[tail] += after[id]
    return {id for id in into if ways[id] * after[id] == ways[end]}


def by_resolution(scene: Scene, trunk: set[str]) -> list[tuple[str, list[Card]]]:
    """Neighbours of one resolution; a branch of another one than what it leads to has none.

    No way leads out of such a row and back: Graphviz, which ranks each by itself, would have
    arrows that lead up. So a row ends where a branch of another resolution comes back, and the
    branches there stand in none.
    """
    heads = {edge.head for edge in scene.edges if edge.training_only} - trunk
    into: _Into = {}
    for edge in scene.edges:
        into.setdefault(edge.head, []).append(edge.tail)
    found = [("", list[Card]())]
    last, branches = found[0], list[Card]()
    for card in cards(scene.root):
        if card.id not in trunk:
            branches += [card] if card.id not in heads else []
            continue
        size = _resolution(card)
        row = last if size == last[0] else (size, list[Card]())
        inside = _beside(row, branches, into)
        if _leads_back(card, [*row[1], *inside], into):
            row, inside = (size, list[Card]()), []
        found += [("", [branch]) for branch in branches if branch not in inside]
        row[1].extend([*inside, card])
        found += [row] if row is not last else []
        last, branches = row, []
    apart = [*branches, *(card for card in cards(scene.root) if card.id in heads)]
    return [*found, ("", apart)]


def _beside(row: tuple[str, list[Card]], branches: Iterable[Card], into: _Into) -> list[Card]:
    """The branches that can stand in a row."""
    found: list[Card] = []
    for branch in branches:
        if _resolution(branch) == row[0] and not _leads_back(branch, [*row[1], *found], into):
            found.append(branch)
    return found


def _leads_back(card: Card, row: Iterable[Card], into: _Into) -> bool:
    """Whether a way to a card leads out of a row that it is to stand in."""
    inside = {other.id for other in row}
    ways = [tail for tail in into.get(card.id, ()) if tail not in inside]
    passed = set(ways)
    while ways:
        before = into.get(ways.pop(), ())
        if not inside.isdisjoint(before):
            return True
        ways += [tail for tail in before if tail not in passed]
        passed.update(before)
    return False


def _resolution(card: Card) -> str:
    if card.output is None or card.category == "io":
        return ""
    return format_dims([int(n) for n in card.output.size], "×")
