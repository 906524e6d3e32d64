"""What leads where in a picture of volumes, and in which column things stand for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from archc.draw.volume_boxes import Shown, Sign


@dataclass(frozen=True, slots=True)
class Link:
    """From which card to which, between which of their towers; `kind` is how it is drawn."""

    tail: str
    head: str
    kind: str
    pairs: tuple[tuple[int, int], ...] = ((0, 0),)

    @property
    def net(self) -> tuple[str, str]:
        """What leaves one card in one way forks."""
        return self.tail, self.kind


def ranks(nodes: Iterable[Shown], links: Iterable[Link]) -> dict[str, int]:
    """In which column each stands: after all that it takes; what nothing or a skip leads to, late.

    A sign on a skip stands above what gives it its size. `nodes` are in the order in which they
    run.
    """
    into: dict[str, list[Link]] = {}
    out_of: dict[str, list[Link]] = {}
    for link in links:
        into.setdefault(link.head, []).append(link)
        out_of.setdefault(link.tail, []).append(link)
    found: dict[str, int] = {}
    late = set()
    for node in nodes:
        before = [link for link in into.get(node.id, ()) if link.kind != "size"]
        sizes = [link for link in into.get(node.id, ()) if link.kind == "size"]
        if node.id in out_of and all(link.kind == "skip" for link in before):
            late.add(node.id)
        above = node.id in late and isinstance(node, Sign)
        found[node.id] = max(
            (
                *(found[link.tail] + 1 for link in before),
                *(found[link.tail] + (not above) for link in sizes),
                0,
            )
        )
    for id in reversed(found):
        if id in late:
            found[id] = max(found[id], min(found[link.head] for link in out_of[id]) - 1)
    return found
