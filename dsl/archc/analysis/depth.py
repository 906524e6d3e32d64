"""Depth as papers count it: the convolutions and linears on the longest path to an output.

Norms, pools and activations are no layers in that count, and a shortcut is a path beside the body
that it goes around. So AlexNet is 8 deep, VGG-16 is 16, GoogLeNet 22 and ResNet-50 is 50. Two names
count otherwise: a WRN-28-10 is 26 deep, its name adds the three convolutions on shortcuts and
leaves out the linear (6n + 4 = 28).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from archc.plan import Apply, Body, Call, Plan, Tensor, outputs, walk


def depth(plan: Plan) -> int:
    """Of the deepest output; auxiliary heads are none. Takes a plan without mistakes."""
    reached = _Depths().body(plan.body)
    return max(reached[tensor.root] for _, tensor in outputs(plan.body))


@dataclass
class _Depths:
    """How deep each tensor of a body is, from the body's own input on. Bodies are shared."""

    done: dict[tuple[Body, int | None], dict[Tensor, int]] = field(default_factory=dict)

    def body(self, body: Body, begin: int | None = None) -> dict[Tensor, int]:
        """The depth of each tensor, from all inputs of the body, or from one of them alone."""
        if (body, begin) in self.done:
            return self.done[body, begin]
        starts = body.inputs if begin is None else (body.inputs[begin],)
        reached = self.done[body, begin] = {tensor.root: 0 for tensor in starts}
        for node in walk(body.chain.nodes):
            if isinstance(node, Apply):
                weighted = node.op.category in ("conv", "linear")
                depths = [reached[x.root] + weighted for x in node.inputs if x.root in reached]
                if depths:
                    reached[node.output.root] = max(depths)
            elif isinstance(node, Call):
                for end, y in zip(node.body.outputs, node.outputs, strict=True):
                    depths = list(self._through(node, end.root, reached))
                    if depths:
                        reached[y.root] = max(depths)
        return reached

    def _through(self, call: Call, end: Tensor, reached: dict[Tensor, int]) -> Iterator[int]:
        """The depth of one of a call's outputs along each of its inputs."""
        for at, x in enumerate(call.inputs):
            inside = self.body(call.body, at if call.tensors else None)
            if x.root in reached and end in inside:
                yield reached[x.root] + inside[end]
