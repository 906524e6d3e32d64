"""A row of modules as statements: a list that grows in loops, or `self.add_module` by name.

Where the channels that flow through a loop are no plain expression of its index, a running
`in_channels` is kept, as a person would.
"""

from __future__ import annotations

from typing import Any

from archc.emit.class_writer import ClassWriter, NotAChain, zip_nodes
from archc.emit.constructor import (
    Assign,
    Constructor,
    ExprStatement,
    ForStatement,
    IfStatement,
    Statement,
)
from archc.emit.instances import Lane
from archc.emit.layout import Bracketed, CallArgument, call
from archc.emit.loops import looping
from archc.emit.rows import ModuleRow, input_of, node_rows
from archc.emit.values import NotUnifiable
from archc.plan import Apply, Call, Chain, Choice, Loop, Scope, Tensor


class Lister:
    """Writes modules to the list `target`; to `self`, by name, where that is empty."""

    def __init__(self, writer: ClassWriter, target: str) -> None:
        self.writer = writer
        self.exprs = writer.exprs
        self.target = target

    def write(self, chains: list[Chain], lanes: list[Lane], constructor: Constructor) -> None:
        """The statements. Raises NotAChain or NotUnifiable."""
        used, length = set(self.exprs.used), len(constructor.body)
        try:
            self._chain(chains, lanes, constructor)
        except NotUnifiable:
            del constructor.body[length:]
            self.exprs.used = used
            self._carrying(chains, lanes, constructor)

    def _carrying(self, chains: list[Chain], lanes: list[Lane], constructor: Constructor) -> None:
        """With a running `in_channels`: `#c` in expressions, and `in.c` no longer."""
        self.exprs.carried = True
        try:
            self._chain(chains, lanes, constructor)
        finally:
            self.exprs.carried = False
            self.exprs.used.discard("#c")

    def _chain(
        self, chains: list[Chain], lanes: list[Lane], constructor: Constructor
    ) -> list[Lane]:
        """The statements of one level; gives the lanes with the running count as it is then."""
        waiting: list[ModuleRow] = []
        for nodes in zip_nodes(chains):
            if isinstance(nodes[0], Loop):
                self._put(waiting, constructor)
                waiting = []
                lanes = self._loop(nodes, lanes, constructor)
            elif isinstance(nodes[0], Choice):
                self._put(waiting, constructor)
                waiting = []
                lanes = self._choice(nodes, lanes, constructor)
            else:
                waiting += node_rows(self.writer, nodes, lanes, [_start(node) for node in nodes])
        self._put(waiting, constructor)
        return lanes

    def _loop(self, nodes: list[Loop], lanes: list[Lane], constructor: Constructor) -> list[Lane]:
        lanes = self._started(
            lanes,
            [node.iterations[0].input if node.iterations else node.output for node in nodes],
            constructor,
        )
        inner = constructor.loop()
        chains = [chain for node in nodes for chain in node.iterations]
        with looping(self.writer, nodes, lanes) as (inner_lanes, header):
            inner_lanes = self._counted(inner_lanes, [chain.input for chain in chains])
            after = self._chain(chains, inner_lanes, inner)
            self._update(chains, after, inner)
            head = header()
        if inner.body:
            constructor.body.append(ForStatement(head, inner.body))
        return self._counted(lanes, [node.output for node in nodes])

    def _choice(
        self, nodes: list[Choice], lanes: list[Lane], constructor: Constructor
    ) -> list[Lane]:
        """The arm that is taken, or an `if` between the two."""
        outcomes, tests = [node.taken for node in nodes], [node.test for node in nodes]
        if len(set(outcomes)) == 1:
            if self.exprs.may_flip(tests, lanes):
                raise NotUnifiable("an `if` whose other outcome no probe of a param has")
            return self._chain([node.chain for node in nodes], lanes, constructor)
        test = self.exprs.condition(tests, outcomes, lanes, "extended")
        self.exprs.ask(test)
        lanes = self._started(lanes, [_start(node) for node in nodes], constructor)
        arms = []
        for taken in (True, False):
            at = [k for k, outcome in enumerate(outcomes) if outcome is taken]
            arm, chains = constructor.branch(), [nodes[k].chain for k in at]
            with self.exprs.arm(test, taken):
                after = self._chain(chains, [lanes[k] for k in at], arm)
                self._update(chains, after, arm)
            arms.append(arm.body)
        after_both: list[Statement] = []
        while arms[0] and arms[1] and arms[0][-1] == arms[1][-1]:
            after_both.insert(0, arms[0].pop())
            arms[1].pop()
        if arms[0] or arms[1]:
            constructor.body.append(IfStatement(self.exprs.render(test), *arms))
        constructor.body += after_both
        return self._counted(lanes, [node.output for node in nodes])

    def _started(
        self, lanes: list[Lane], tensors: list[Tensor], constructor: Constructor
    ) -> list[Lane]:
        """`in_channels = 32` before a loop, where it is not what runs already."""
        if not self.exprs.carried:
            return lanes
        counts = [tensor.channels for tensor in tensors]
        if any(count != lane.env.get("#c") for count, lane in zip(counts, lanes, strict=True)):
            constructor.count_channels(self.exprs.value(counts, lanes))
        return list(map(Lane.carrying, lanes, counts))

    def _counted(self, lanes: list[Lane], tensors: list[Tensor]) -> list[Lane]:
        if not self.exprs.carried:
            return lanes
        return [lane.carrying(tensor.channels) for lane, tensor in zip(lanes, tensors, strict=True)]

    def _update(self, chains: list[Chain], lanes: list[Lane], constructor: Constructor) -> None:
        """`in_channels = width` at the end of an iteration that changed it."""
        if not self.exprs.carried:
            return
        counts = [chain.output.channels for chain in chains]
        if any(count != lane.env["#c"] for count, lane in zip(counts, lanes, strict=True)):
            constructor.count_channels(self.exprs.value(counts, lanes))

    def _put(self, rows: list[ModuleRow], constructor: Constructor) -> None:
        if not self.target:
            for row in rows:
                constructor.add(row.name, row.code)
        elif not all(row.name.isdigit() for row in rows):
            raise NotAChain("labels among modules that are named by their place")
        elif len(rows) == 1:
            constructor.body.append(ExprStatement(call(f"{self.target}.append", rows[0].code)))
        elif rows:
            items = tuple(CallArgument(row.code) for row in rows)
            constructor.body.append(Assign(self.target, Bracketed("", items, "[]"), "+="))


def _start(node: Any) -> Tensor:
    if isinstance(node, Apply | Call | Scope):
        return input_of(node)
    return node.chain.input if isinstance(node, Choice) else node.output
