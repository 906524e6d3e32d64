"""Whether a network is small enough for what handles its operators one by one."""

from __future__ import annotations

from archc.plan import Apply, Call, Node, Plan, bodies, walk
from archc.source import BODY_STEPS, fault


def check_extent(plan: Plan, most: int, *, unfolded: bool = False, instead: str = "") -> None:
    """Raise Fault where a network has more operators than may be written out, drawn or listed.

    Equal calls of a block count once, unless what asks is about the network `unfolded`. `instead`
    says what to do for a network that is too large because of them alone.
    """
    known = plan.body.size if unfolded else _extent(plan)
    if known > most:
        span = max(plan.body.chain.nodes, key=_size).span
        what = "unfolded" if unfolded else f"each different call of a block counted as {BODY_STEPS}"
        title = f"{known:,} operators ({what}) are more than the {most:,} that are written out"
        cure = "make a repeat or recursion smaller, or raise the limit with `--max-written`"
        folded = instead if unfolded and _extent(plan) <= most else ""
        note = "`archc check` takes more than that"
        raise fault("A410", title, span, folded, cure, notes=(note,))


def _extent(plan: Plan) -> int:
    found = bodies(plan)
    nodes = (node for body in found for node in walk(body.chain.nodes))
    count = sum(isinstance(node, Apply | Call) for node in nodes)
    return count + BODY_STEPS * (len(found) - 1)


def _size(node: Node) -> int:
    """Operators of one statement."""
    return sum(n.body.size if isinstance(n, Call) else isinstance(n, Apply) for n in walk([node]))
