"""When an activation may work in place: nobody else needs its input, autograd neither."""

from __future__ import annotations

from archc.analysis.uses import Uses
from archc.plan import Apply

# What these give is memory of their own, and autograd keeps their inputs, not their outputs.
_FRESH = frozenset(("conv", "linear", "norm", "merge", "pool"))


def may_overwrite(node: Apply, uses: Uses) -> bool:
    """Whether an operator is written with `inplace=True`; `uses` are those of its body.

    A module that `reuse` runs again works in place only where each of its runs may.
    """
    return all(_may(run, uses) for run in uses.runs_of(node))


def _may(node: Apply, uses: Uses) -> bool:
    x = node.inputs[0].root
    maker = uses.makers.get(x)
    if not node.op.inplace or not isinstance(maker, Apply):
        return False
    if maker.op.passes_through(len(maker.inputs), training=False):
        return False  # it would overwrite what that one passed through
    if maker.op.category not in _FRESH or maker.op.saves(*maker.shapes).output:
        return False
    return uses.counts[x] == 1
