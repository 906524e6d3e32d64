"""A row of modules as statements: a list that grows in loops, or `self.add_module` by name.

Where the channels that flow through a loop are no plain expression of its index, a running
`in_channels` is kept, as a person would.
"""

from __future__ import annotations

from typing import Any

from archc import symbolic
from archc.emit.lanes import Inexpressible, Lane
from archc.emit.layout import Group, Item, call
from archc.emit.loops import looping
from archc.emit.rows import Row, input_of, node_rows
from archc.emit.scribe import NotAChain, Scribe, abreast
from archc.emit.site import Assign, Do, For, Site
from archc.plan import Apply, Call, Chain, Choice, Loop, Scope, Tensor


class Lister:
    """Writes modules to the list `target`; to `self`, by name, where that is empty."""

    def __init__(self, scribe: Scribe, target: str) -> None:
        self.scribe = scribe
        self.writer = scribe.writer
        self.target = target

    def write(self, chains: list[Chain], lanes: list[Lane], site: Site) -> None:
        """The statements. Raises NotAChain or Inexpressible."""
        used, length = set(self.writer.used), len(site.body)
        try:
            self._chain(chains, lanes, site)
        except Inexpressible:
            del site.body[length:]
            self.writer.used = used
            self._carrying(chains, lanes, site)

    def _carrying(self, chains: list[Chain], lanes: list[Lane], site: Site) -> None:
        """With a running `in_channels`: `#c` in expressions, and `in.c` no longer."""
        self.writer.carried = True
        try:
            self._chain(chains, lanes, site)
        finally:
            self.writer.carried = False
            self.writer.used.discard("#c")

    def _chain(self, chains: list[Chain], lanes: list[Lane], site: Site) -> list[Lane]:
        """The statements of one level; gives the lanes with the running count as it is then."""
        waiting: list[Row] = []
        for nodes in abreast(chains):
            if isinstance(nodes[0], Loop):
                self._put(waiting, site)
                waiting = []
                lanes = self._loop(nodes, lanes, site)
            else:
                waiting += node_rows(self.scribe, nodes, lanes, [_start(node) for node in nodes])
        self._put(waiting, site)
        return lanes

    def _loop(self, nodes: list[Loop], lanes: list[Lane], site: Site) -> list[Lane]:
        lanes = self._started(
            lanes,
            [node.iterations[0].input if node.iterations else node.output for node in nodes],
            site,
        )
        inner = site.loop()
        chains = [chain for node in nodes for chain in node.iterations]
        with looping(self.scribe, nodes, lanes) as (inner_lanes, header):
            inner_lanes = self._counted(inner_lanes, [chain.input for chain in chains])
            after = self._chain(chains, inner_lanes, inner)
            self._update(chains, after, inner)
            head = header()
        if inner.body:
            site.body.append(For(head, inner.body))
        return self._counted(lanes, [node.output for node in nodes])

    def _started(self, lanes: list[Lane], tensors: list[Tensor], site: Site) -> list[Lane]:
        """`in_channels = 32` before a loop, where it is not what runs already."""
        if not self.writer.carried:
            return lanes
        counts = [tensor.channels for tensor in tensors]
        if any(count != lane.env.get("#c") for count, lane in zip(counts, lanes, strict=True)):
            text = self.writer.value(counts, lanes)
            if text != "in_channels":
                site.body.append(Assign("in_channels", text))
        return [
            Lane(lane.instance, {k: v for k, v in lane.env.items() if k != "in.c"} | {"#c": count})
            for lane, count in zip(lanes, map(symbolic.plain, counts), strict=True)
        ]

    def _counted(self, lanes: list[Lane], tensors: list[Tensor]) -> list[Lane]:
        if not self.writer.carried:
            return lanes
        return [
            lane.with_(**{"#c": symbolic.plain(tensor.channels)})
            for lane, tensor in zip(lanes, tensors, strict=True)
        ]

    def _update(self, chains: list[Chain], lanes: list[Lane], site: Site) -> None:
        """`in_channels = width` at the end of an iteration that changed it."""
        if not self.writer.carried:
            return
        counts = [chain.output.channels for chain in chains]
        if any(count != lane.env["#c"] for count, lane in zip(counts, lanes, strict=True)):
            site.body.append(Assign("in_channels", self.writer.value(counts, lanes)))

    def _put(self, rows: list[Row], site: Site) -> None:
        if not self.target:
            for row in rows:
                site.add(row.name, row.code)
        elif not all(row.name.isdigit() for row in rows):
            raise NotAChain("labels among modules that are named by their place")
        elif len(rows) == 1:
            site.body.append(Do(call(f"{self.target}.append", rows[0].code)))
        elif rows:
            items = tuple(Item(row.code) for row in rows)
            site.body.append(Assign(self.target, Group("", items, "[]"), "+="))


def _start(node: Any) -> Tensor:
    if isinstance(node, Apply | Call | Scope):
        return input_of(node)
    return node.chain.input if isinstance(node, Choice) else node.output
