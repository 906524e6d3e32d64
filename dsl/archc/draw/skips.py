"""Which branches of a combinator lead around the others: a U-Net's skips, an identity."""

from __future__ import annotations

from archc.draw.blocks import beginning
from archc.draw.boxes import Boxes
from archc.draw.scene import Ports
from archc.plan import Branches, Tensor


class Starts:
    """What the branches of a combinator begin with, in the drawing so far."""

    def __init__(self, node: Branches, tensors: dict[Tensor, Ports], boxes: Boxes) -> None:
        self._ports = [boxes.resolved(tensors[beginning(b).root]) for b in node.branches]
        self._far = self._from_earlier(boxes)

    def skips(self, at: int) -> bool:
        """Whether a branch begins with what another branch's beginning was made of."""
        return self._far[at]

    def around(self, drawn: list[bool]) -> list[bool]:
        """For each branch, whether it leads around; `drawn` has those that are more than a line."""
        there = {ports for ports, made in zip(self._ports, drawn, strict=True) if made}
        return [
            far or (not made and ports in there)
            for far, made, ports in zip(self._far, drawn, self._ports, strict=True)
        ]

    def _from_earlier(self, boxes: Boxes) -> list[bool]:
        if len(set(self._ports)) == 1:
            return [False] * len(self._ports)
        into: dict[str, list[str]] = {}
        for edge in boxes.scene.edges:
            if not (edge.size or edge.training_only):
                into.setdefault(edge.head, []).append(edge.tail)
        before = {ports: _before(ports, into) for ports in set(self._ports)}
        return [
            any(
                port.id in before[other]
                for other in self._ports
                if other != ports
                for port in ports
            )
            for ports in self._ports
        ]


def _before(ports: Ports, into: dict[str, list[str]]) -> set[str]:
    """All that leads to these."""
    found: set[str] = set()
    stack = [port.id for port in ports]
    while stack:
        for id in into.get(stack.pop(), ()):
            if id not in found:
                found.add(id)
                stack.append(id)
    return found
