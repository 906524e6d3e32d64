"""An operator applied: attributes bound, shape found."""

from __future__ import annotations

from archc import syntax
from archc.elaborate.bind import Binder, Bound
from archc.elaborate.labels import lookup
from archc.elaborate.shape_errors import explain_misfit
from archc.elaborate.shapes import fit
from archc.elaborate.state import Context, State
from archc.ops import REGISTRY, ShapeError
from archc.plan import Apply, Tensor
from archc.source import Fault, fault


def apply(state: State, term: syntax.Operation, here: Context) -> Apply:
    """An operator on the incoming tensor, and on the one that `to=@label` names."""
    if term.branches is not None:
        from archc.elaborate.cures import merging  # for a mistake alone

        title = f"`{term.name.id}` takes no branches"
        raise fault("A408", title, term.branches[0].span, merging(term) or "leave out `<...>`")
    bound = bind(state, term.name.id, term, here)
    inputs = (
        (here.x,) if bound.tensor is None else (here.x, lookup(state, bound.tensor, here).tensor)
    )
    name = here.name(bound.op.name, term.span)
    node = Apply(name, bound.op, inputs, here.x, term.span, here.label, here.names.replay)
    return place(state, node, bound, here)


def bind(state: State, operator: str, term: syntax.Operation, here: Context) -> Bound:
    """The attributes of a term as an operator of that name."""
    try:
        return Binder(REGISTRY[operator], term, here.evaluator, state.limits.integer).bind()
    except Fault as mistake:
        from archc.elaborate.cures import foreign_attributes  # for a mistake alone

        raise foreign_attributes(mistake, term, REGISTRY[operator], here) from None


def place(state: State, node: Apply, bound: Bound, here: Context) -> Apply:
    """Give an operator its output shape. Raises Fault where it does not fit its tensors."""
    state.count(here.frame, 1, node.span)
    for x in node.inputs:
        Context(x, here.frame, here.names).require_tensor(node.span)
    try:
        node.output = Tensor(fit(node.op, node.shapes), node.span)
    except ShapeError as misfit:
        raise explain_misfit(misfit, node, bound.spans) from None
    return node
