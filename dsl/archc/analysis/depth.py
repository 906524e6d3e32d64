"""Depth as papers count it: the convolutions and linears on the longest path to an output.

Norms, pools and activations are no layers in that count, and a shortcut is a path beside the body
that it goes around. So AlexNet is 8 deep, VGG-16 is 16, GoogLeNet 22 and ResNet-50 is 50. Two names
count otherwise: a WRN-28-10 is 26 deep, its name adds the three convolutions on shortcuts and
leaves out the linear (6n + 4 = 28).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from archc.plan import Apply, Body, Call, Plan, Tensor, outputs, walk


def depth(plan: Plan) -> int:
    """Of the deepest output; auxiliary heads are none. Takes a plan without mistakes."""
    reached = _Depths().body(plan.body)
    return max(reached[tensor.root] for _, tensor in outputs(plan.body))


@dataclass
class _Depths:
    """How deep each tensor of a body is, from the body's own input on. Bodies are shared."""

    done: dict[Body, dict[Tensor, int]] = field(default_factory=dict)

    def body(self, body: Body) -> dict[Tensor, int]:
        if body in self.done:
            return self.done[body]
        reached = self.done[body] = {tensor.root: 0 for tensor in body.inputs}
        for node in walk(body.chain.nodes):
            if isinstance(node, Apply):
                weighted = node.op.category in ("conv", "linear")
                deepest = max(reached[tensor.root] for tensor in node.inputs)
                reached[node.output.root] = deepest + weighted
            elif isinstance(node, Call):
                inside = self.body(node.body)[node.body.output.root]
                reached[node.output.root] = reached[node.input.root] + inside
        return reached
