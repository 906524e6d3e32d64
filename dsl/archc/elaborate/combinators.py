"""Branches and their merge, groups, auxiliary heads."""

from __future__ import annotations

from dataclasses import replace

from archc import syntax
from archc.elaborate.bind import Bound
from archc.elaborate.evaluate import Evaluator
from archc.elaborate.labels import label_of
from archc.elaborate.operators import bind, place
from archc.elaborate.ports import declare_output
from archc.elaborate.shape_errors import explain_branches
from archc.elaborate.state import Context, State
from archc.elaborate.work import TooLarge
from archc.ops import COMBINATORS, REGISTRY
from archc.plan import Apply, AuxHead, Branches, Chain, Choice, Node, Ref, Scope, Tensor
from archc.source import Fault, Fix, Span, fault


def combine(state: State, term: syntax.Operation, here: Context) -> Branches | Scope | AuxHead:
    """A combinator; where modules are named by place, it is a module of its own."""
    if term.name.id == "aux":
        return _aux(state, term, _checked(term, term.branches)[0], here)
    if not here.names.places:
        return _merged(state, term, here)

    def fill(inner: Context) -> Chain:
        node = _merged(state, term, inner)
        return Chain([node], inner.x, node.output)

    return here.scope(term.name.id, term, term.span, False, fill)


def optional(
    state: State, term: syntax.Operation, here: Context, nodes: list[Node]
) -> Choice | Scope:
    """`residual if (test) <body>`: the body, to `nodes`, and the sum with what came in, if so."""
    if term.name.id != "residual" or term.condition is None:
        cure = f"put it into an `if`: `if ... {{ {term.name.id}<...> }}`"
        raise fault("A408", f"`{term.name.id}` takes no condition", term.span, cure)
    if not here.names.places:
        return _with_shortcut(state, term, here, nodes)

    def fill(inner: Context) -> Chain:
        made: list[Node] = []
        node = _with_shortcut(state, term, inner, made)
        return Chain([*made, node], inner.x, node.output)

    return here.scope(term.name.id, term, term.span, False, fill)


def _with_shortcut(
    state: State, term: syntax.Operation, here: Context, nodes: list[Node]
) -> Choice:
    (body, *shortcut) = _checked(term, term.branches)
    assert term.condition is not None
    evaluator = here.evaluator
    taken, test = evaluator.truth(term.condition), evaluator.symbolic(term.condition)
    arm = syntax.Sequence((syntax.Statement(None, term, None, term.span),), term.span)
    tree = syntax.If(term.condition, arm, None, term.span)
    bound = bind(state, COMBINATORS["residual"].merge, term, here)
    with here.frame.branch():
        chain = state.chain(body, here)
    nodes += chain.nodes
    y = chain.output
    if not taken:
        here.names.auto(bound.op.module_name, term.span)
        return Choice(tree, test, False, Chain([], y, y), y, term.span)
    back = Chain([Ref(here.x, term.span)], y, here.x)
    if shortcut:
        with here.frame.branch():
            made = state.chain(shortcut[0], here)
        back = Chain([*back.nodes, *made.nodes], y, made.output)
    chains = [Chain([], y, y), back]
    merge = _merge(state, term, bound, (y, y, back.output), chains, here)
    sum_ = Branches("residual", chains, merge, y, merge.output, term.span)
    return Choice(tree, test, True, Chain([sum_], y, merge.output), merge.output, term.span)


def group(state: State, term: syntax.Group, here: Context, kind: str = "group") -> Scope:
    """`{ ... }`: a scope whose items are named by place."""
    state.count(here.frame, 0, term.span)
    return here.scope(kind, term, term.span, True, lambda inner: state.chain(term.body, inner))


def _merged(state: State, term: syntax.Operation, here: Context) -> Branches:
    keyword = term.name.id
    combinator = COMBINATORS[keyword]
    bound = bind(state, combinator.merge, term, here)
    branches, chains = _branches(state, term, here)
    term = replace(term, branches=branches)
    ends = combinator.merged([chain.output for chain in chains], here.x)
    merge = _merge(state, term, bound, (here.x, *ends), chains, here)
    return Branches(keyword, chains, merge, here.x, merge.output, term.span)


def _merge(
    state: State,
    term: syntax.Operation,
    bound: Bound,
    tensors: tuple[Tensor, ...],
    chains: list[Chain],
    here: Context,
) -> Apply:
    """What merges the ends of branches: behind the tensor that comes in. Raises Fault."""
    keyword, (x, *ends) = term.name.id, tensors
    name = here.names.auto(bound.op.module_name, term.span)
    merge = Apply(name, bound.op, tuple(ends), x, term.span, None, here.names.replay)
    try:
        place(state, merge, bound, here)
        if COMBINATORS[keyword].same_channels and len({x.channels for x in merge.shapes}) > 1:
            raise fault("A207", "branches disagree", term.span)
    except TooLarge:
        raise
    except Fault as mistake:
        raise explain_branches(mistake, term, merge, chains, here) from None
    return merge


# --- branches ----------------------------------------------------------------------------


def _branches(
    state: State, term: syntax.Operation, here: Context
) -> tuple[tuple[syntax.Sequence, ...], list[Chain]]:
    """The branches of a combinator, `each` worked out. Raises Fault for too few or too many."""
    frame, sequences, chains = here.frame, list[syntax.Sequence](), list[Chain]()
    outer, passes = frame.env, frame.passes
    with frame.branch():
        for branch in term.branches or ():
            each = branch.statements[0].term if len(branch.statements) == 1 else None
            if not isinstance(each, syntax.Each):
                sequences.append(branch)
                chains.append(state.chain(branch, here))
                continue
            for k, names in enumerate(here.evaluator.passes(each.targets, each.over)):
                state.count(frame, 0, each.span)
                frame.knows(names)
                frame.passes = (*passes, (id(each), k))
                sequences.append(each.body)
                chains.append(state.chain(each.body, here))
                frame.env, frame.passes = outer, passes
    return _checked(term, None if term.branches is None else tuple(sequences)), chains


def _checked(
    term: syntax.Operation, branches: tuple[syntax.Sequence, ...] | None
) -> tuple[syntax.Sequence, ...]:
    """The branches of a combinator. Raises Fault where there are too few or too many."""
    keyword = term.name.id
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
    only = branches[0].statements if branches is not None and len(branches) == 1 else ()
    if len(only) == 1 and isinstance(only[0].term, syntax.For):
        word = Span(only[0].span.source, only[0].span.start, only[0].span.start + len("for"))
        raise fault(
            "A408", title, term.name.span, Fix("for one branch a pass, write `each`", word, "each")
        )
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
        with here.frame.branch():
            chain = state.chain(branch, here)
        written = label_of(single.label, here) if single is not None else None
        name = written or _unnamed(here, term)
    elif single is not None and single.label is None:
        name = here.label
        label = syntax.Label((name,), term.name.span)
        labelled = replace(single, label=label)
        unlabelled = Context(here.x, here.frame, here.names)
        chain = state.chain(syntax.Sequence((labelled,), branch.span), unlabelled)
    else:
        name = here.label
        scope = group(state, syntax.Group(branch, branch.span), here, "aux")
        chain = Chain([scope], here.x, scope.output)
    declare_output(name, term.span, here.frame)
    if chain.output.shape is not None and chain.output.shape.columns:
        title = f"an output is one tensor, not {chain.output.shape}"
        raise fault("A208", title, branch.span, "end the branch with `join`")
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
