"""`reuse label`: a statement's modules once more, if they do what it says there, too."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any, NamedTuple

from archc import syntax
from archc.elaborate.labels import lookup
from archc.elaborate.state import Context, Labelled, State
from archc.elaborate.work import Suppressed
from archc.plan import Apply, Call, Chain, Node, Ref, Reused, Scope, Tensor, walk
from archc.source import Fault, SpanLabel, fault


def reuse(state: State, term: syntax.Reuse, here: Context) -> Reused:
    """Run a labelled statement again: the same names, so the same modules and weights."""
    frame, name = here.frame, term.target.span.text
    target = lookup(state, term.target, here)
    if target.tensor.shape is None:
        raise Suppressed
    if not target.nodes:
        title = f"`{name}` names a tensor, not a statement that could run again"
        raise fault("A103", title, term.target.span, "label an operator, a block or a group")
    outer = frame.env, frame.scopes, frame.passes, frame.labels
    frame.env, frame.scopes, frame.passes = target.env, target.scopes, target.passes
    frame.labels = dict(frame.labels)
    nodes: list[Node] = []
    try:
        again = Context(here.x, frame, target.names.again())
        output = state.statement(target.statement, again, nodes)
    finally:
        frame.env, frame.scopes, frame.passes, frame.labels = outer
    if output.shape is not None:
        for made, meant in zip_longest(_inside(target.nodes), _inside(nodes)):
            if made != meant:
                raise _another(term, target, made, meant, here.x)
    for node in nodes:
        if here.label and isinstance(node, Apply | Call | Scope):
            node.also = here.label
    return Reused(target.scopes, Chain(nodes, here.x, output), output, term.span)


class _NodeInputs(NamedTuple):
    """What a node does, and with which tensors: their numbers in the order of first use."""

    node: str
    module: Any
    weights: list[tuple[str, Any]]
    tensors: tuple[int, ...]


def _inside(nodes: list[Node]) -> Iterator[_NodeInputs]:
    """The steps of a statement. A block takes its tensors as they come, even one twice."""
    match nodes:
        case [Call(body=body)]:
            yield _NodeInputs(body.name, None, [], ())
            yield from _steps(body.chain.nodes)
        case _:
            yield from _steps(nodes)


def _steps(nodes: list[Node]) -> Iterator[_NodeInputs]:
    numbers: dict[Tensor, int] = {}

    def number(tensor: Tensor) -> int:
        return numbers.setdefault(tensor.root, len(numbers))

    for node in walk(nodes):
        match node:
            case Apply(op=op, shapes=shapes):
                weights = sorted(op.weights(*shapes).items())
                tensors = (*map(number, node.inputs), number(node.output))
                yield _NodeInputs(
                    f"{op.name} {op.label()}".strip(), (op, op.torch(*shapes)), weights, tensors
                )
            case Call():
                tensors = tuple(map(number, (*node.inputs, *node.outputs)))
                yield _NodeInputs(node.body.name, None, [], tensors)
                yield from _steps(node.body.chain.nodes)
            case Ref():
                yield _NodeInputs("@", None, [], (number(node.output),))


def _another(
    term: syntax.Reuse,
    target: Labelled,
    made: _NodeInputs | None,
    meant: _NodeInputs | None,
    x: Tensor,
) -> Fault:
    """The modules that are there are not those that the statement asks for on this tensor."""
    name = term.target.span.text
    title = f"`{name}` would not be the same on a tensor of {x.shape}"
    notes: tuple[str, ...] = ()
    if made is not None and meant is not None and made.weights != meant.weights:
        title = f"the weights of `{name}` do not fit a tensor of {x.shape}"
    elif made is not None and meant is not None and made.node != meant.node:
        notes = (f"`{made.node}` was made, and `{meant.node}` would be asked for",)
    return fault(
        "A207",
        title,
        term.span,
        "bring it to the same shape first",
        also=(SpanLabel(target.statement.span, "its modules were made here"),),
        notes=notes,
    )
