"""Block calls: arguments to parameters, and one body for all calls that are equal."""

from __future__ import annotations

import re
from collections import ChainMap
from typing import Any

from archc import symbolic, syntax
from archc.elaborate.evaluate import Evaluator
from archc.elaborate.names import Names, aliases_in, inner_sequences, labels_in
from archc.elaborate.shapes import outside, traced_argument, traced_shape
from archc.elaborate.state import Context, Frame, State, Suppressed, TraceEntry, format_argument
from archc.elaborate.work import size_of
from archc.ops import Shape
from archc.plan import Applicable, BlockValue, Body, Call, OperatorValue, Tensor
from archc.source import Fix, Span, SpanLabel, fault, spelling

_BODY = 20  # a new body costs as much as so many operators


def call(state: State, term: syntax.Operation, block: BlockValue, here: Context) -> Call:
    """A block on the incoming tensor."""
    if term.attributes or term.branches is not None:
        span = term.attributes[0].span if term.attributes else term.span
        title = f"the block `{block.name}` takes its values in brackets"
        raise fault("A301", title, span, _meant(term, block) or f"call it as `{signature(block)}`")
    args, derived, traces = _arguments(term, block, here.evaluator)
    name = here.name(block.name, term.span)
    here.require_tensor(term.span)
    shape = here.x.shape
    assert shape is not None
    plain = {name: symbolic.plain(value) for name, value in args.items()}
    body = _body(state, block, plain, derived, shape, term.span)
    frame = here.frame
    state.count(frame, body.size, term.span)
    frame.depth = max(frame.depth, body.depth)
    if body.output.shape is None:
        raise Suppressed
    output = Tensor(outside(body.output.shape, args, shape, block), term.span)
    node = Call(name, body, args, here.x, output, term.span, here.label, here.names.replay)
    node.traces = traces
    return node


def _meant(term: syntax.Operation, block: BlockValue) -> Fix | None:
    """`unit 64`, `unit x64`, `unit (64)`, `unit(64) x3`."""
    attributes = term.attributes
    if not attributes or term.branches is not None:
        return None
    times = attributes[0]
    if term.arguments is not None:
        if len(attributes) > 1 or not isinstance(times, syntax.Geometry) or times.letter != "x":
            return None
        text = f"* {times.span.text[1:]}"
        return Fix(f"write `{text}`", times.span, text, safe=True)
    values = [attribute.span.text for attribute in attributes]
    for at, attribute in enumerate(attributes):
        if isinstance(attribute, syntax.Geometry) and attribute.letter == "x":
            values[at] = values[at][1:]
        elif not isinstance(attribute, syntax.Plain | syntax.Option):
            return None
        values[at] = values[at].removeprefix("(").removesuffix(")")
    if len(values) > len(block.tree.formals):
        return None
    text = f"{term.name.id}({', '.join(values)})"
    return Fix(f"write `{text}`", term.span, text, safe=True)


def signature(block: BlockValue) -> str:
    """`bottleneck(width, stride=1)`, as it was defined."""
    parts = [
        formal.name.id + (f"={formal.default.span.text}" if formal.default is not None else "")
        for formal in block.tree.formals
    ]
    return f"{block.name}({', '.join(parts)})"


# --- arguments ---------------------------------------------------------------------------


Derived = frozenset[str]  # parameters left at a default that is an expression of the others
Traces = dict[str, symbolic.Expr | None]  # of what cannot be traced: truths, operators


def _arguments(
    term: syntax.Operation, block: BlockValue, evaluator: Evaluator
) -> tuple[dict[str, Any], Derived, Traces]:
    """The values of a call's parameters by name, in the block's order. Raises Fault."""
    written = _written(term, block)
    given = {name: evaluator.value(value) for name, value in written.items()}
    traces = {
        name: evaluator.symbolic(value)
        for name, value in written.items()
        if isinstance(given[name], bool | OperatorValue)
    }
    known = dict(given)  # and the defaults before
    inner = Evaluator(ChainMap(known, block.home.constants), evaluator.incoming, evaluator.work)
    values: dict[str, Any] = {}
    derived = set()
    for formal in block.tree.formals:
        name = formal.name.id
        if name in given:
            values[name] = given[name]
        elif formal.default is not None:  # it may use the parameters before it
            values[name] = known[name] = inner.value(formal.default)
            if not isinstance(formal.default, syntax.Number):
                derived.add(name)
        else:
            title = f"`{term.name.id}` needs a value for `{name}`"
            cure = f"call it as `{signature(block)}`"
            raise fault("A306", title, term.name.span, cure, also=(_definition(block),))
        if isinstance(values[name], bool) and name in derived:
            traces[name] = _fixed(inner.symbolic(formal.default)) if formal.default else None
    return values, frozenset(derived), traces


def _fixed(expr: symbolic.Expr | None) -> symbolic.Expr | None:
    """An expression that hangs on nothing; those that do are in terms of the block's own."""
    return expr if expr is not None and expr.constant is not None else None


def _written(term: syntax.Operation, block: BlockValue) -> dict[str, syntax.Expr]:
    """The values that the call writes, by parameter."""
    known = [formal.name.id for formal in block.tree.formals]
    arguments = term.arguments or ()
    given: dict[str, syntax.Expr] = {}
    for at, argument in enumerate(arguments):
        if argument.name is None and at >= len(known):
            most = f"{len(known) or 'no'} argument{'s' * (len(known) != 1)}"
            title = f"`{term.name.id}` takes {most}, not {len(arguments)}"
            raise fault("A306", title, argument.span, also=(_definition(block),))
        name = known[at] if argument.name is None else argument.name.id
        if name not in known:
            title = f"`{term.name.id}` has no parameter `{name}`"
            assert argument.name is not None
            cure = spelling(name, known, argument.name.span)
            raise fault("A307", title, argument.span, cure, also=(_definition(block),))
        if name in given:
            raise fault("A304", f"`{name}` is given twice", argument.span)
        given[name] = argument.value
    return given


def _definition(block: BlockValue) -> SpanLabel:
    return SpanLabel(block.tree.name.span, f"defined as `{signature(block)}`")


# --- bodies ------------------------------------------------------------------------------


def _body(
    state: State,
    block: BlockValue,
    args: dict[str, Any],
    derived: Derived,
    shape: Shape,
    span: Span,
) -> Body:
    """One instance of a block; the same block, arguments and shape give the same body."""
    state.work.spend(size_of(tuple(args.values())), span)
    values = _key(tuple(args.values()))
    key = (id(block.tree), values, derived, shape.dims, shape.columns)
    free_of_params = block.home is not state.main and not _holds_block(tuple(args.values()))
    bodies = state.shared if free_of_params else state.bodies
    found = bodies.get(key)
    if found is None:
        found = bodies[key] = _make_body(state, block, args, derived, shape, span)
    return found


def _make_body(
    state: State,
    block: BlockValue,
    args: dict[str, Any],
    derived: Derived,
    shape: Shape,
    span: Span,
) -> Body:
    if len(state.calls) >= state.limits.depth:
        note = f"more than {state.limits.depth} blocks are inside each other"
        raise _endless(state, block, span, note)
    if _must_go_on(state, block):
        raise _endless(state, block, span, "no `if` can end it")
    state.steps += _BODY  # many different bodies take long, however little is in them
    tree = block.tree
    x = Tensor(traced_shape(shape, state.trace_sizes), span)
    names: dict[str, Any] = {}
    env = ChainMap(names, block.home.constants, block.home.blocks)
    for formal in tree.formals:
        name = formal.name.id
        if name in derived and formal.default is not None:
            names[name] = Evaluator(env, x.shape, state.work).value(formal.default)
        else:
            names[name] = traced_argument(name, args[name])
    declared = labels_in(tree.body)
    frame = Frame(block.home, env, declared | aliases_in(tree.body), state.work)
    state.called.add(id(tree))
    state.calls.append((block, span))
    state.trail.append(TraceEntry(span, f"this call of `{block.name}`", _computed(args, span)))
    try:
        chain = state.chain(tree.body, Context(x, frame, Names(tree.places, declared)))
    finally:
        state.trail.pop()
        state.calls.pop()
    return Body(block, block.name, args, (x,), chain, frame.size, frame.depth + 1)


def _computed(args: dict[str, Any], span: Span) -> dict[str, Any]:
    """The arguments whose values the call itself does not say."""
    written = set(re.findall(r"\w+", span.text))
    return {name: value for name, value in args.items() if format_argument(value) not in written}


def _must_go_on(state: State, block: BlockValue) -> bool:
    """Whether a block is inside itself, and nothing on the way there is decided."""
    trees = [called.tree for called, _ in state.calls]
    if block.tree not in trees:
        return False
    return not any(_decides(tree.body) for tree in trees[trees.index(block.tree) :])


def _decides(body: syntax.Sequence) -> bool:
    """Whether a body has statements that may not run, or a block that it was given to call."""
    stack = [body]
    while stack:
        for statement in stack.pop().statements:
            term = statement.term
            if statement.repeat is not None or isinstance(term, syntax.If | syntax.For):
                return True
            stack.extend(inner_sequences(term))
    return False


def _endless(state: State, block: BlockValue, span: Span, note: str) -> Exception:
    first = next((where for called, where in state.calls if called.tree is block.tree), span)
    return fault(
        "A401",
        f"infinite recursion: `{block.name}` calls itself",
        span,
        "end the recursion with an `if` on one of its parameters",
        also=(SpanLabel(first, "the first call"),),
        notes=(note,),
    )


def _key(value: Any) -> Any:
    """Equal where two arguments are: `true` is not 1, in a list either."""
    if isinstance(value, tuple):
        return tuple(map(_key, value))
    return type(value), value.identity if isinstance(value, Applicable) else value


def _holds_block(value: Any) -> bool:
    """Whether an argument is a block, or a list with one."""
    if isinstance(value, tuple):
        return any(map(_holds_block, value))
    return isinstance(value, BlockValue)
