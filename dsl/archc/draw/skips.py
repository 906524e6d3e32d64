"""Which branches of a combinator lead around the others: a U-Net's skips, an identity."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archc.draw.blocks import beginning
from archc.draw.boxes import Boxes
from archc.draw.scene import Ports
from archc.plan import Branches, Tensor


class Starts:
    """What the branches of a combinator begin with, in the drawing so far."""

    def __init__(self, node: Branches, tensors: dict[Tensor, Ports], boxes: Boxes) -> None:
        self._roots = [beginning(branch).root for branch in node.branches]
        self._tensors, self._boxes = tensors, boxes
        known = [self._start(at) for at in range(len(self._roots))]
        self._far = [self._leads_to(start, known) for start in known]

    def skips(self, at: int) -> bool:
        """Whether a branch begins with what another branch's beginning was made of."""
        return self._far[at]

    def around(self, drawn: Sequence[bool], ends: Sequence[Ports]) -> list[bool]:
        """For each branch, whether it leads around; `drawn` has those that are more than a line."""
        near = [end for end, far in zip(ends, self._far, strict=True) if not far]
        return [
            far or (not made and self._leads_to(self._start(at), near))
            for at, (far, made) in enumerate(zip(self._far, drawn, strict=True))
        ]

    def _start(self, at: int) -> Ports:
        """Nothing before what makes it is drawn: it may be in the branch before."""
        return self._boxes.resolved(self._tensors.get(self._roots[at], ()))

    def _leads_to(self, start: Ports, others: Iterable[Ports]) -> bool:
        """Whether one of these was made of what a branch begins with."""
        goals = {port.id for ports in others for port in self._boxes.resolved(ports)}
        goals -= {port.id for port in start}
        return bool(start and goals) and not goals.isdisjoint(self._after(start))

    def _after(self, ports: Ports) -> set[str]:
        """All that is made of these."""
        out_of: dict[str, list[str]] = {}
        for edge in self._boxes.scene.edges:
            if not (edge.size or edge.training_only):
                out_of.setdefault(edge.tail, []).append(edge.head)
        found: set[str] = set()
        stack = [port.id for port in ports]
        while stack:
            for id in out_of.get(stack.pop(), ()):
                if id not in found:
                    found.add(id)
                    stack.append(id)
        return found
