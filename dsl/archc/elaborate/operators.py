"""An operator applied: attributes bound, shape found."""

from __future__ import annotations

from dataclasses import replace

from archc import syntax
from archc.elaborate.bind import Binder, Bound
from archc.elaborate.labels import lookup
from archc.elaborate.shape_errors import explain_misfit
from archc.elaborate.shapes import fit, fit_plain, is_traced_shape
from archc.elaborate.state import Context, State
from archc.ops import REGISTRY, ShapeError
from archc.plan import Apply, Tensor
from archc.source import Fault, Fix, Span, fault

_NAMES = frozenset("([@=<")  # without these a statement says no name: it is the same everywhere
_OF_TWO_WORDS = frozenset(name.partition(" ")[0] for name in REGISTRY if " " in name)


def apply(state: State, term: syntax.Operation, here: Context) -> Apply:
    """An operator on the incoming tensor, and on the one that `to=@label` names."""
    if term.branches is not None:
        from archc.elaborate.cures import merging  # for a mistake alone

        title = f"`{term.name.id}` takes no branches"
        raise fault("A408", title, term.branches[0].span, merging(term) or "leave out `<...>`")
    bound = bind(state, term.name.id, term, here)
    if bound.op.is_bare:
        _check_bare(term, here)
    inputs = (
        (here.x,) if bound.tensor is None else (here.x, lookup(state, bound.tensor, here).tensor)
    )
    name = here.name(bound.op.module_name, term.span)
    node = Apply(name, bound.op, inputs, here.x, term.span, here.label, here.names.replay)
    return place(state, node, bound, here)


def _check_bare(term: syntax.Operation, here: Context) -> None:
    """Raises Fault where a bare weight has no name, or nothing that could hold it."""
    if here.names.places:
        title = "a bare weight belongs to a block or to the network, not into a group of modules"
        raise fault("A305", title, term.span, "leave out `bare`, or put it behind the group")
    if here.label is None:
        title = "a bare weight has its label's name, and this one has no label"
        start = Span(term.span.source, term.span.start, term.span.start)
        cure = Fix(f"name it: `gamma: {term.span.text}`", start, "gamma: ")
        raise fault("A302", title, term.span, cure)
    if "." in here.label:
        title = "a bare weight belongs to a block or to the network, not to a list of modules"
        raise fault("A305", title, term.span, "leave out `bare`, or give it a name without dots")


def with_whole_name(term: syntax.Operation) -> syntax.Operation:
    """A statement whose operator's name is two words, `fc 384 each`, under that name."""
    if term.name.id in _OF_TWO_WORDS and term.branches is None:
        for at, word in enumerate(term.attributes):
            both = f"{term.name.id} {word.id}" if isinstance(word, syntax.Word) else ""
            if both in REGISTRY:
                rest = (*term.attributes[:at], *term.attributes[at + 1 :])
                return replace(term, name=syntax.Name(both, term.name.span), attributes=rest)
    return term


def bind(state: State, operator: str, term: syntax.Operation, here: Context) -> Bound:
    """The attributes of a term as an operator of that name."""
    span = term.span
    key = (operator, span.text)
    if (known := state.literal.get(key)) is not None:
        return known[1].moved(span.start - known[0], span.source)
    try:
        found = Binder(REGISTRY[operator], term, here.evaluator, state.limits.integer).bind()
    except Fault as mistake:
        from archc.elaborate.cures import foreign_attributes  # for a mistake alone

        raise foreign_attributes(mistake, term, REGISTRY[operator], here) from None
    if _NAMES.isdisjoint(key[1]):
        state.literal[key] = (span.start, found)
    return found


def place(state: State, node: Apply, bound: Bound, here: Context) -> Apply:
    """Give an operator its output shape. Raises Fault where it does not fit its tensors."""
    state.count(here.frame, 1, node.span)
    for x in node.inputs:
        Context(x, here.frame, here.names).require_tensor(node.span)
    try:
        shapes = node.shapes
        is_plain = bound.is_plain and not any(map(is_traced_shape, shapes))
        node.output = Tensor((fit_plain if is_plain else fit)(node.op, shapes), node.span)
    except ShapeError as misfit:
        raise explain_misfit(misfit, node, bound.spans) from None
    return node
