"""Branches and their merge, groups, auxiliary heads."""

from __future__ import annotations

from dataclasses import replace

from archc import syntax
from archc.elaborate.evaluate import Evaluator
from archc.elaborate.operators import bind, place
from archc.elaborate.ports import declare_output
from archc.elaborate.shape_errors import explain_branches
from archc.elaborate.state import Context, State
from archc.elaborate.work import TooLarge
from archc.ops import COMBINATORS, REGISTRY
from archc.plan import Apply, AuxHead, Branches, Chain, Scope
from archc.source import Fault, fault


def combine(state: State, term: syntax.Operation, here: Context) -> Branches | Scope | AuxHead:
    """A combinator; where modules are named by place, it is a module of its own."""
    branches = _branches(term)
    if term.name.id == "aux":
        return _aux(state, term, branches[0], here)
    return _merged_scope(state, term, here) if here.names.places else _merged(state, term, here)


def group(state: State, term: syntax.Group, here: Context, kind: str = "group") -> Scope:
    """`{ ... }`: a scope whose items are named by place."""
    state.count(here.frame, 0, term.span)
    return here.scope(kind, term, term.span, True, lambda inner: state.chain(term.body, inner))


def _merged(state: State, term: syntax.Operation, here: Context) -> Branches:
    keyword = term.name.id
    combinator = COMBINATORS[keyword]
    bound = bind(state, combinator.merge, term, here)
    chains = [state.chain(branch, here) for branch in term.branches or ()]
    ends = combinator.merged([chain.output for chain in chains], here.x)
    name = here.names.auto(bound.op.module_name, term.span)
    merge = Apply(name, bound.op, tuple(ends), here.x, term.span, None, here.names.replay)
    try:
        place(state, merge, bound, here)
        if combinator.same_channels and len({x.channels for x in merge.shapes}) > 1:
            raise fault("A207", "branches disagree", term.span)
    except TooLarge:
        raise
    except Fault as mistake:
        raise explain_branches(mistake, keyword, term, merge, chains) from None
    return Branches(keyword, chains, merge, here.x, merge.output, term.span)


def _merged_scope(state: State, term: syntax.Operation, here: Context) -> Scope:
    def fill(inner: Context) -> Chain:
        node = _merged(state, term, inner)
        return Chain([node], inner.x, node.output)

    return here.scope(term.name.id, term, term.span, False, fill)


def _branches(term: syntax.Operation) -> tuple[syntax.Sequence, ...]:
    """The branches of a combinator. Raises Fault where there are too few or too many."""
    keyword, branches = term.name.id, term.branches
    least, most = COMBINATORS[keyword].least, COMBINATORS[keyword].most
    if branches is not None and len(branches) >= least and (most is None or len(branches) <= most):
        return branches
    wanted = (
        f"{least} or more"
        if most is None
        else f"{least}"
        if most == least
        else f"{least} or {most}"
    )
    title = f"`{keyword}` takes {wanted} branch{'es' * (wanted != '1')}"
    cure = f"write `{keyword}< a{' | b' * (least > 1)} >`"
    alone = [f"`{name}`" for name in REGISTRY if name.startswith(f"{keyword} ")]
    if branches is None and alone:
        cure += f", or {' or '.join(alone)} of one tensor"
    raise fault("A408", title, term.name.span, cure)


# --- auxiliary heads ---------------------------------------------------------------------


def _aux(state: State, term: syntax.Operation, branch: syntax.Sequence, here: Context) -> AuxHead:
    """A side classifier. Its label names the one module of its branch, or else a group."""
    if not here.frame.is_network:
        title = "`aux` belongs to the network, not into a block"
        cure = "put the side classifier between the network's own statements"
        raise fault("A405", title, term.name.span, cure)
    weight = _weight(term, here.evaluator)
    single = branch.statements[0] if len(branch.statements) == 1 else None
    if here.label is None:
        chain = state.chain(branch, here)
        written = single.label.name if single is not None and single.label is not None else None
        name = written or _unnamed(here, term)
    elif single is not None and single.label is None:
        name = here.label
        label = syntax.Label(name, None, term.name.span)
        labelled = replace(single, label=label)
        unlabelled = Context(here.x, here.frame, here.names)
        chain = state.chain(syntax.Sequence((labelled,), branch.span), unlabelled)
    else:
        name = here.label
        scope = group(state, syntax.Group(branch, branch.span), here, "aux")
        chain = Chain([scope], here.x, scope.output)
    declare_output(name, term.span, here.frame)
    return AuxHead(name, weight, chain, here.x, term.span)


def _unnamed(here: Context, term: syntax.Operation) -> str:
    """What an output is called that nobody named: `aux1`; a place in a group is no name."""
    name, number = here.names.auto("aux", term.span), 1
    while name.isdecimal() or name in here.frame.outputs:
        name, number = f"aux{number}", number + 1
    return name


def _weight(term: syntax.Operation, evaluator: Evaluator) -> float:
    weight = 1.0
    for attribute in term.attributes:
        if not isinstance(attribute, syntax.Option) or attribute.name.id != "weight":
            cure = "as in `aux weight=0.3 <...>`"
            raise fault("A301", "`aux` takes only `weight=`", attribute.span, cure)
        value = attribute.value
        if isinstance(value, syntax.Plain):
            value = value.value
        if isinstance(value, syntax.Size | syntax.Sized | syntax.Word | syntax.Reference):
            raise fault("A303", "`weight` is a number", attribute.span)
        weight = float(evaluator.number(value))
    return weight
