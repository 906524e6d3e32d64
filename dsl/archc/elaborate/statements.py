"""Tree to plan: bind operators, expand blocks, check shapes, all in one walk.

Shapes are found here and not in a later pass because the language asks for them while it unfolds
(`if in.c != 4*width`). Every mistake becomes a diagnostic and an unknown tensor; the walk goes on.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from archc import symbolic, syntax
from archc.elaborate.blocks import call
from archc.elaborate.carry import Carrier
from archc.elaborate.combinators import combine, group, optional
from archc.elaborate.control import choose, loop, repeat
from archc.elaborate.devices import settle
from archc.elaborate.evaluate import Condition, NoValue
from archc.elaborate.labels import call_tensor, label_of, lookup, poison, remember, stands_for
from archc.elaborate.link import Library
from archc.elaborate.names import Names, aliases_in, labels_in
from archc.elaborate.operators import apply, with_whole_name
from archc.elaborate.ports import check_given, enter, leave
from archc.elaborate.reuse import reuse
from archc.elaborate.state import Context, Frame, LimitReached, State
from archc.elaborate.unknown import in_brackets, unknown, without_brackets
from archc.elaborate.work import Suppressed, TooLarge
from archc.ops import COMBINATORS, REGISTRY, Dims
from archc.plan import BlockValue, Body, Branches, Chain, Node, OperatorValue, Ref, Tensor
from archc.source import Diagnostics, Fault, Limits, Span, fault

__all__ = ["begun", "lower"]


def lower(
    file: syntax.File,
    library: Library,
    env: Mapping[str, Any],
    diagnostics: Diagnostics,
    limits: Limits,
    *,
    trace_sizes: bool = False,
    shared: dict[tuple[Any, ...], Body] | None = None,
    inputs: Mapping[str, Dims] | None = None,
    cancelled: Callable[[], bool] | None = None,
    carrier: Carrier | None = None,
) -> Body:
    """The network of a file, unfolded; what is wrong with it goes to `diagnostics`.

    `env` holds what its statements can name: blocks and params. `trace_sizes` keeps the
    expressions of spatial sizes too. `shared` keeps bodies that no param can change. `inputs` are
    shapes, channels first, that go before what the file says; "" is the only input. `cancelled` is
    asked now and then; where it says so, Cancelled is raised. `carrier` has the bodies of blocks
    that a text before had as well.
    """
    shared = {} if shared is None else shared
    given = inputs or {}
    state = begun(diagnostics, limits, library, trace_sizes, shared, given, cancelled, carrier)
    statements = tuple(item for item in file.items if isinstance(item, syntax.Statement))
    sequence = syntax.Sequence(statements, file.span)
    declared = labels_in(sequence)
    known = declared | aliases_in(sequence)
    frame = Frame(library, ChainMap({}, dict(env)), known, state.work, is_network=True)
    frame.lookup = lambda reference, here: lookup(state, reference, here)
    nothing = Tensor(None, file.span)
    try:
        chain = state.chain(sequence, Context(nothing, frame, Names(False, declared)))
    except TooLarge as stop:
        diagnostics.add(stop.diagnostic)
        chain = Chain([], nothing, nothing)
    except LimitReached:
        chain = Chain([], nothing, nothing)
    with suppress(LimitReached):
        _check_ends(state, frame, chain, statements[0].span if statements else file.span)
        check_given(state, frame, file.span)
    entering = tuple(frame.inputs) or (nothing,)
    names = tuple(frame.input_names)
    body = Body(None, "", dict(env), entering, chain, frame.size, frame.depth, names, frame.devices)
    body.lets, body.decisions = frame.lets, frame.decisions.made
    return body


def begun(
    diagnostics: Diagnostics,
    limits: Limits,
    library: Library,
    trace_sizes: bool = False,
    shared: dict[tuple[Any, ...], Body] | None = None,
    given: Mapping[str, Dims] | None = None,
    cancelled: Callable[[], bool] | None = None,
    carrier: Carrier | None = None,
) -> State:
    """A run of what is in a file, before its first statement."""
    shared, given = {} if shared is None else shared, given or {}
    state = State(
        diagnostics, limits, trace_sizes, shared, library, _unset, _unset, given, cancelled, carrier
    )
    state.chain = lambda sequence, here: _chain(state, sequence, here)
    state.statement = lambda statement, here, nodes: _statement(state, statement, here, nodes)
    return state


def _check_ends(state: State, frame: Frame, chain: Chain, span: Span) -> None:
    """Reports a network without an input, which begins at `span`, and one that ends in several."""
    if not frame.inputs and not frame.asked:
        cure = "begin with `input 224x224 x3`"
        state.report(fault("A404", "the network has no input", span, cure))
    if chain.output.shape is not None and chain.output.shape.columns:
        title = f"the network ends in {chain.output.shape}, not in one tensor"
        state.report(fault("A208", title, chain.output.span, "end with `join`"))


def _unset(*_: Any) -> Any:
    raise AssertionError("lowering has not begun")


def _chain(state: State, sequence: syntax.Sequence, here: Context) -> Chain:
    """Statements in a row, each on what the one before it made."""
    nodes: list[Node] = []
    current, outer = here.x, here.frame.env
    with state.nested(sequence.span):
        for statement in sequence.statements:
            inner = Context(current, here.frame, here.names)
            try:
                current = _statement(state, statement, inner, nodes)
            except TooLarge:
                raise
            except (Fault, Suppressed) as mistake:
                if isinstance(mistake, Fault):
                    state.report(mistake, inner)
                    _allow_half_typed(state, statement, mistake, inner)
                if not isinstance(statement.term, syntax.Let):
                    current = poison(statement, inner)
            damaged = isinstance(statement.term, syntax.Broken)
            if damaged or state.diagnostics.damage.begins(statement.span):
                if inner.x.shape is not None:
                    from archc.elaborate.cures import check_channels  # for a mistake alone

                    check_channels(state.diagnostics, inner, statement.span)
                current = poison(statement, inner)
                here.frame.asked = True  # the input may have been there
    here.frame.env = outer
    return Chain(nodes, here.x, current)


def _allow_half_typed(
    state: State, statement: syntax.Statement, mistake: Fault, here: Context
) -> None:
    """An unknown word may be an `input`, a `use` or a `param` that is being typed: what is missing
    without it is no second mistake.
    """
    if mistake.diagnostic.code != "A101" or not here.frame.is_network:
        return
    here.frame.asked = True
    term, damage = statement.term, state.diagnostics.damage
    if isinstance(term, syntax.Operation):
        begun = any(word.startswith(term.name.id) for word in (*syntax.ITEM_WORDS, "let"))
        damage.blocks |= begun
        damage.params |= begun
        if statement.label is None and term.arguments is None and not term.attributes:
            damage.begun.add(term.name.id)


def _statement(
    state: State, statement: syntax.Statement, here: Context, nodes: list[Node]
) -> Tensor:
    """Elaborate one statement into `nodes`; the tensor after it."""
    if _says_devices(statement.term, here):
        settle(state, statement, here)
        return here.x
    if isinstance(statement.term, syntax.Let):
        _let(statement.term, here)
        return here.x
    label = label_of(statement.label, here)
    may_run_again = label is not None or bool(here.frame.scopes)
    before = here.names.again() if may_run_again else here.names
    label_span = statement.label.span if statement.label is not None else None
    labelled = Context(here.x, here.frame, here.names, label, label_span)
    start = len(nodes)
    if statement.repeat is not None:
        node: Node = repeat(state, statement, labelled)
    elif isinstance(statement.term, syntax.Operation) and statement.term.condition is not None:
        node = optional(state, statement.term, labelled, nodes)
    else:
        node = _term(state, statement.term, labelled)
    nodes.append(node)
    if may_run_again:
        known = stands_for(statement, nodes[start:], before, here)
        if label is not None:
            known.span = label_span
            remember(known, label, here)
            if isinstance(node, Branches) and label.isidentifier():  # it has no module to name
                node.output.root.name = label
    if statement.alias is not None:
        call_tensor(statement.alias, statement, node, here)
    return node.output


def _let(term: syntax.Let, here: Context) -> None:
    """From here to the end of what is around, the name is the value. Raises Fault if it is taken.

    What is known of the whole file may be hidden, but for its own params.
    """
    name, frame = term.name.id, here.frame
    own = {*frame.env.maps[0], *(frame.library.constants if frame.is_network else ())}
    if name in own:
        title = f"`{name}` has a value here already"
        raise fault(
            "A106", title, term.name.span, f"call this one `{name}_` or, better, what it is"
        )
    try:
        value = here.evaluator.named(term.value)
    except (Fault, Suppressed):
        frame.knows({name: NoValue()})
        raise
    if isinstance(value, Condition) or symbolic.is_traced(value):
        frame.lets[name] = value.expr
    frame.knows({name: value})


def _says_devices(term: syntax.Term, here: Context) -> bool:
    """`devices`: a statement that makes nothing."""
    is_named = isinstance(term, syntax.Operation) and term.name.id == "devices"
    return is_named and "devices" not in here.frame.env


def _term(state: State, term: syntax.Term, here: Context) -> Node:
    match term:
        case syntax.Operation():
            return _operation(state, term, here)
        case syntax.Group():
            return group(state, term, here)
        case syntax.If():
            return choose(state, term, here)
        case syntax.For():
            return loop(state, term, here)
        case syntax.Reference():
            return Ref(lookup(state, term, here).tensor, term.span)
        case syntax.Reuse():
            return reuse(state, term, here)
        case syntax.Each():
            title = "`each` makes branches: it stands alone in one, as in `concat< each ... >`"
            cure = "for statements in a row, a loop is `for ... in ... { }`"
            raise fault("A408", title, term.span, cure)
        case syntax.Broken() | syntax.Let():
            raise Suppressed


def _operation(state: State, term: syntax.Operation, here: Context) -> Node:
    """A block that the file defines, a statement of its own kind, a combinator, an operator."""
    name = term.name.id
    block = here.frame.env.get(name)  # or what stands for one
    if isinstance(block, BlockValue):
        return call(state, term, block, here)
    given = None
    if isinstance(block, OperatorValue):  # what the block was given to apply
        term = replace(term, name=syntax.Name(block.name, term.name.span))
        given, name = name, block.name
    if name == "input":
        return enter(state, term, here)
    if name == "output":
        return leave(term, here)
    term = with_whole_name(term)
    name = term.name.id
    if name in COMBINATORS and term.branches is None and (term.arguments or term.attributes):
        from archc.elaborate.cures import foreign_combinator  # for a mistake alone

        if not term.arguments and _merges(name) and (wrong := without_brackets(term, here)):
            raise wrong
        if _merges(name) and (foreign := foreign_combinator(term, here)):
            raise foreign
        if term.arguments and _merges(name):
            raise in_brackets(term, here)
    if name in COMBINATORS and not (term.branches is None and _stands_alone(name)):
        return combine(state, term, here)
    if name not in REGISTRY:
        raise unknown(term, here)
    node = apply(state, term, here)
    node.given = given
    return node


def _merges(name: str) -> bool:
    """Whether an operator of that name merges branches, or none has it."""
    return name not in REGISTRY or REGISTRY[name].category == "merge"


def _stands_alone(name: str) -> bool:
    """`softmax` has another meaning without branches; `join` merges those before it."""
    takes_columns = name in REGISTRY and REGISTRY[name].bundles and name != "columns"
    return takes_columns or not _merges(name)
