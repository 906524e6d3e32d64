"""Who uses which tensor of a body, and what made it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from archc.plan import (
    Apply,
    AuxHead,
    Body,
    Branches,
    Call,
    Chain,
    Node,
    Output,
    Path,
    Ref,
    Reused,
    Scope,
    Tensor,
    children,
    walk,
)


@dataclass(slots=True)
class Uses:
    """Of one body; tensors are the roots (`Tensor.root`)."""

    counts: Counter[Tensor]  # how often each is used, the body's result included
    named: set[Tensor]  # used by their label
    makers: dict[Tensor, Node]  # the operator or call that made each
    reused: frozenset[Path]  # groups that `reuse` reaches into
    within: Counter[Tensor]  # of them those by what is in the combinator in a place that it enters
    runs: dict[Path, list[Apply]]  # of each operator's module, by its path in the body
    paths: dict[Apply, Path]

    def modules(self, root: Tensor) -> int:
        """How often a tensor is used where a combinator in a place is one module."""
        return self.counts[root] - max(0, self.within[root] - 1)

    def runs_of(self, node: Apply) -> list[Apply]:
        """All uses of an operator's module: more than one where `reuse` runs it again."""
        return self.runs[self.paths[node]] if node in self.paths else [node]


def uses_of(body: Body) -> Uses:
    """Count the uses of every tensor of a body, calls not opened."""
    counts: Counter[Tensor] = Counter()
    named: set[Tensor] = set()
    makers: dict[Tensor, Node] = {}
    reused: set[Path] = set()
    within: Counter[Tensor] = Counter()
    for node in walk(body.chain.nodes):
        match node:
            case Apply():
                makers[node.output.root] = node
                for x in node.inputs:
                    counts[x.root] += 1
                named.update(x.root for x in node.sizes)
            case Call():
                makers |= {x.root: node for x in node.outputs}
                for x in node.inputs:
                    counts[x.root] += 1
                named.update(x.root for x in node.tensors)
            case Output():
                counts[node.output.root] += 1
            case AuxHead():
                counts[node.chain.output.root] += 1
            case Reused():
                reused |= {node.scopes[:length] for length in range(1, len(node.scopes) + 1)}
            case Scope() if node.is_combinator and node.chain.input.root not in within:
                entering = node.chain.input.root
                within[entering] = _times(entering, node.chain.nodes)
            case Ref():
                named.add(node.output.root)
    counts[body.output.root] += 1
    runs: dict[Path, list[Apply]] = {}
    paths: dict[Apply, Path] = {}
    if reused or any(isinstance(node, Reused) for node in walk(body.chain.nodes)):
        for path, apply in _modules(body.chain, ()):
            runs.setdefault(path, []).append(apply)
            paths[apply] = path
    return Uses(counts, named, makers, frozenset(reused), within, runs, paths)


def _modules(chain: Chain, scopes: Path) -> Iterator[tuple[Path, Apply]]:
    """The operators of a body, with the path of each one's module."""
    for node in chain.nodes:
        inner = (*scopes, node.name) if isinstance(node, Scope) else scopes
        for part in children(node):
            yield from _modules(part, node.scopes if isinstance(node, Reused) else inner)
        own = node.merge if isinstance(node, Branches) else node
        if isinstance(own, Apply):
            yield (*scopes, own.name), own


def _times(root: Tensor, nodes: list[Node]) -> int:
    """How often operators and calls among some nodes use a tensor."""
    taken = (node.inputs for node in walk(nodes) if isinstance(node, Apply | Call))
    return sum(x.root is root for tensors in taken for x in tensors)
