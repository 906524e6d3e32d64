"""A part of a network explained: where each of its numbers comes from.

plan -> Unfolded -> Explanation (facts, as text, HTML or JSON)

The arithmetic is the operators' own (`Op.arithmetic` and its neighbours), the sums are those of
`archc.analysis.table`, and what feeds what is `archc.analysis.schedule`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archc.explain.facts import Explanation, json
from archc.explain.group import explain_group
from archc.explain.lookup import NoSuchNode, Unfolded
from archc.explain.operator import explain_operator
from archc.explain.overview import explain_end, explain_family, explain_network

__all__ = ["Explanation", "NoSuchNode", "Unfolded", "explain", "json"]


def explain(net: Unfolded, names: Sequence[str], meta: Mapping[str, Any]) -> list[Explanation]:
    """The parts of those names, or without names the whole network with what can be named.

    `meta` is what the file says of itself. A name is a path as in a `state_dict`
    (`layer1.0.conv1`), with `#2` behind it for the second run of a module, `input:x` or
    `output:y`, or a pattern (`layer1.*.conv1`). Raises NoSuchNode.
    """
    return [_explain(net, name) for name in names] or [explain_network(net, meta)]


def _explain(net: Unfolded, name: str) -> Explanation:
    keys = net.named(name)
    if len(keys) > 1:
        return explain_family(net, name, keys)
    key = keys[0]
    if key not in net.at:
        return explain_end(net, key)
    row = net.rows[net.at[key]]
    return explain_operator(net, row) if row.part.is_operator else explain_group(net, row)
