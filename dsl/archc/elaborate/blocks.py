"""Block calls: arguments to parameters, and one body for all calls that are equal."""

from __future__ import annotations

import re
from collections import ChainMap
from contextlib import suppress
from dataclasses import replace
from typing import Any

from archc import symbolic, syntax
from archc.elaborate.carry import holds_block
from archc.elaborate.evaluate import Decisions, Evaluator, of_defaults
from archc.elaborate.labels import lookup
from archc.elaborate.names import Names, aliases_in, inner_sequences, labels_in
from archc.elaborate.shapes import outside, traced_argument, traced_shape
from archc.elaborate.state import (
    Context,
    Frame,
    Labelled,
    State,
    TraceEntry,
    format_argument,
)
from archc.elaborate.work import Suppressed, size_of
from archc.ops import Shape
from archc.plan import Applicable, BlockValue, Body, Call, OperatorValue, Tensor
from archc.source import BODY_STEPS, Fault, Fix, Span, SpanLabel, fault, spelling
from archc.syntax.walk import sized_formals

_ONE_THING = (
    frozenset("s stride strides".split()),
    frozenset("k kernel kernel_size size".split()),
    frozenset("c w n channels width planes filters features out out_channels ch".split()),
)
_ONES = frozenset("s stride d dilation g groups expansion".split())  # 1 where a call says none


def call(state: State, term: syntax.Operation, block: BlockValue, here: Context) -> Call:
    """A block on the incoming tensor."""
    if term.attributes or term.branches is not None:
        span = term.attributes[0].span if term.attributes else term.span
        title = f"the block `{block.name}` takes its values in brackets"
        raise fault("A301", title, span, _meant(term, block) or f"call it as `{signature(block)}`")
    written = _written(term, block)
    tensors = _tensors(state, written, block, here)
    shapes = {"in": here.x.shape} | {name: x.shape for name, x in tensors.items()}
    args, derived, traces = _arguments(term, written, block, here.evaluator, shapes)
    name = here.name(block.name, term.span)
    here.require_tensor(term.span)
    plain = {name: symbolic.plain(value) for name, value in args.items()}
    inputs = {"in": _shape_of(here.x)} | {f"@{name}": _shape_of(x) for name, x in tensors.items()}
    body = _body(state, block, plain, derived, inputs, term.span)
    frame = here.frame
    state.count(frame, body.size, term.span)
    frame.depth = max(frame.depth, body.depth)
    if body.output.shape is None:
        raise Suppressed

    def seen(x: Tensor) -> Tensor:
        """A tensor that the block makes, in the caller's terms."""
        within = _shape_of(x)
        shape, hides = outside(within, args, traces, inputs, block)
        if hides:
            frame.decisions.add(term, symbolic.plain(shape.dims), None)
        return Tensor(shape, term.span)

    output = seen(body.output)
    node = Call(name, body, args, here.x, output, term.span, here.label, here.names.replay)
    node.traces, node.tensors = traces, tuple(tensors.values())
    node.gives = {name: seen(x) for name, x in body.gives.items()}
    return node


def _shape_of(tensor: Tensor) -> Shape:
    """Raises Suppressed after an earlier mistake."""
    if tensor.shape is None:
        raise Suppressed
    return tensor.shape


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
    return f"{block.name}({', '.join(formal.text for formal in block.tree.formals)})"


# --- arguments ---------------------------------------------------------------------------


Derived = frozenset[str]  # parameters left at a default that is an expression of the others
Traces = dict[str, symbolic.Expr | None]  # of what cannot be traced: truths, operators


Written = dict[str, syntax.Expr | syntax.Reference]  # what a call says, by parameter


def _tensors(state: State, written: Written, block: BlockValue, here: Context) -> dict[str, Tensor]:
    """The tensors that a call hands over, by parameter. Raises Fault."""
    found: dict[str, Tensor] = {}
    for formal in block.tree.formals:
        name, value = formal.name.id, written.get(formal.name.id)
        if not formal.is_tensor or value is None:
            continue  # one that is missing is told of with the others
        if isinstance(value, syntax.SizeOf):
            with suppress(Fault):  # an output called `c`, where a tensor is meant
                members = (*value.tensor.members, (value.field,))
                meant = replace(value.tensor, span=value.span, members=members)
                found[name] = lookup(state, meant, here).tensor
                continue
        if not isinstance(value, syntax.Reference):
            title = f"`{name}` of `{block.name}` is a tensor"
            cure = _tensor_meant(value, here)
            raise fault("A309", title, value.span, cure, also=(_definition(block),))
        found[name] = lookup(state, value, here).tensor
    return found


def _tensor_meant(value: syntax.Expr, here: Context) -> Fix | str:
    """What to hand over for a number: `@enc1` for `enc1` or `@enc1.c`, or else words."""
    meant = ""
    if isinstance(value, syntax.SizeOf):
        meant = value.tensor.span.text
    elif isinstance(value, syntax.Incoming):
        meant = "@in" if "in" in here.frame.labels else "@input"
    elif isinstance(value, syntax.Name) and value.id in here.frame.labels:
        meant = f"@{value.id}"
    if meant:
        return Fix(f"write `{meant}`", value.span, meant, safe=isinstance(value, syntax.Name))
    labels = here.frame.labels.items()
    called = [name for name, known in labels if known.span is not None or name != "x"]
    near = [f"`@{name}`" for name in called if name.isidentifier()][-3:]
    known = f"; there are {', '.join(near)}" if near else ""
    return f"label the one that is meant, and write `@label` for `{value.span.text}`{known}"


def _arguments(
    term: syntax.Operation,
    written: Written,
    block: BlockValue,
    evaluator: Evaluator,
    shapes: dict[str, Shape | None],
) -> tuple[dict[str, Any], Derived, Traces]:
    """The values of a call's parameters by name, in the block's order. Raises Fault.

    `shapes` are of the tensors that the block gets.
    """
    tensors = {formal.name.id for formal in block.tree.formals if formal.is_tensor}
    given: dict[str, Any] = {}
    traces: Traces = {}
    for name, value in written.items():
        if name in tensors:
            continue
        if isinstance(value, syntax.Reference):
            title = f"`{name}` of `{block.name}` is no tensor"
            asked = f"{value.span.text}.c"
            channels = Fix(f"its channels are `{asked}`", value.span, asked)
            other = f"a parameter for a tensor is written `@{name}` in the block"
            raise fault("A309", title, value.span, channels, other, also=(_definition(block),))
        given[name] = evaluator.value(value)
        if isinstance(given[name], bool | OperatorValue):
            traces[name] = evaluator.symbolic(value)
    known = dict(given)  # and the defaults before
    inner = of_defaults(block, known, shapes, evaluator.work)
    values: dict[str, Any] = {}
    derived = set()
    for formal in block.tree.formals:
        name = formal.name.id
        if name in written and formal.is_tensor:
            continue
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


def _written(term: syntax.Operation, block: BlockValue) -> Written:
    """The values that the call writes, by parameter."""
    known = [formal.name.id for formal in block.tree.formals]
    arguments = term.arguments or ()
    given: Written = {}
    for at, argument in enumerate(arguments):
        if argument.name is None and at >= len(known):
            most = f"{len(known) or 'no'} argument{'s' * (len(known) != 1)}"
            title = f"`{term.name.id}` takes {most}, not {len(arguments)}"
            cure = f"call it as `{signature(block)}`"
            raise fault("A306", title, argument.span, cure, also=(_definition(block),))
        name = known[at] if argument.name is None else argument.name.id
        if name not in known:
            title = f"`{term.name.id}` has no parameter `{name}`"
            assert argument.name is not None
            near = spelling(name, known, argument.name.span)
            near = near or _alike(argument.name, [n for n in known[at:] if n not in given])
            cures = (near,) if near is not None else _without_parameter(argument, block)
            raise fault("A307", title, argument.span, *cures, also=(_definition(block),))
        if name in given:
            raise fault("A304", f"`{name}` is given twice", argument.span)
        given[name] = argument.value
    return given


def _alike(name: syntax.Name, known: list[str]) -> Fix | None:
    """`s` for `stride`: the parameter that is about the same thing."""
    found = [n for n in known for names in _ONE_THING if {n, name.id} <= names]
    return Fix(f"write `{found[0]}`", name.span, found[0]) if len(found) == 1 else None


def _without_parameter(argument: syntax.Argument, block: BlockValue) -> tuple[str | Fix, ...]:
    """What to say of an argument that the block has no parameter for: which it has, or one more."""
    tree, name = block.tree, argument.name
    takes = ", ".join(f"`{formal.name.id}`" for formal in tree.formals)
    what = f"`{block.name}` takes {takes or 'no arguments'}"
    source = tree.name.span.source
    is_here = name is not None and source is name.span.source
    if name is None or not is_here or not isinstance(argument.value, syntax.Number):
        return (what,)
    formal = f"{name.id}={1 if name.id in _ONES else argument.value.span.text}"
    if tree.formals:
        at, text = tree.formals[-1].span.end, f", {formal}"
    else:
        brackets = re.compile(r"[ \t]*\([ \t]*").match(source.text, tree.name.span.end)
        at = brackets.end() if brackets is not None else tree.name.span.end
        text = formal if brackets is not None else f"({formal})"
    hint = f"give the block one, and use it there: `{formal}`"
    return (what, Fix(hint, Span(source, at, at), text))


def _definition(block: BlockValue) -> SpanLabel:
    return SpanLabel(block.tree.name.span, f"defined as `{signature(block)}`")


# --- bodies ------------------------------------------------------------------------------


def _body(
    state: State,
    block: BlockValue,
    args: dict[str, Any],
    derived: Derived,
    inputs: dict[str, Shape],
    span: Span,
) -> Body:
    """One instance of a block; the same block, arguments and shapes give the same body."""
    state.work.spend(size_of(tuple(args.values())), span)
    values = _key(tuple(args.values()))
    shapes = tuple((shape.dims, shape.columns) for shape in inputs.values())
    key = (id(block.tree), values, derived, shapes)
    is_own = block.home is state.main or block.home.is_changed
    free_of_params = not is_own and not holds_block(args.values())
    bodies = state.shared if free_of_params else state.bodies
    found = bodies.get(key)
    if found is None and state.carrier is not None and block.home is state.main:
        found = state.carrier.body(block, key[1:], span)
    found = found or _make_body(state, block, args, derived, inputs, span)
    bodies[key] = found
    return found


def _make_body(
    state: State,
    block: BlockValue,
    args: dict[str, Any],
    derived: Derived,
    inputs: dict[str, Shape],
    span: Span,
) -> Body:
    if len(state.calls) >= state.limits.depth:
        note = f"more than {state.limits.depth} blocks are inside each other"
        raise _endless(state, block, span, note)
    if _must_go_on(state, block):
        raise _endless(state, block, span, "no `if` can end it")
    state.steps += BODY_STEPS
    tree = block.tree
    tensors = {
        name: Tensor(traced_shape(shape, state.trace_sizes, name), span)
        for name, shape in inputs.items()
    }
    x = tensors["in"]
    names: dict[str, Any] = {}
    env = ChainMap(names, block.home.constants, block.home.lets, block.home.blocks)
    shapes = {name.removeprefix("@"): _shape_of(tensor) for name, tensor in tensors.items()}
    decisions = Decisions(sized=sized_formals(tree))
    defaults = of_defaults(block, names, shapes, state.work, decisions)
    for formal in tree.formals:
        name = formal.name.id
        if formal.is_tensor:
            continue
        if name in derived and formal.default is not None:
            names[name] = defaults.value(formal.default)
        else:
            names[name] = traced_argument(name, args[name])
    declared = labels_in(tree.body)
    frame = Frame(block.home, env, declared | aliases_in(tree.body), state.work)
    frame.decisions = decisions
    frame.lets = {name: names[name].expr for name in derived if symbolic.is_traced(names[name])}
    frame.lookup = lambda reference, here: lookup(state, reference, here)
    for name, tensor in tensors.items():
        whole = syntax.Statement(None, syntax.Broken(tree.span), None, tree.span)
        frame.labels[name.removeprefix("@")] = Labelled(tensor, whole, [], Names(False), env, ())
    state.calls.append((block, span))
    state.trail.append(TraceEntry(span, f"this call of `{block.name}`", _computed(args, span)))
    try:
        chain = state.chain(tree.body, Context(x, frame, Names(tree.places, declared)))
    finally:
        state.trail.pop()
        state.calls.pop()
    entering = tuple(tensors.values())
    called = ("x", *(name.removeprefix("@") for name in list(tensors)[1:]))
    depth = frame.depth + 1
    if frame.gives and chain.output.shape is not None and chain.output.shape.columns:
        title = f"`{block.name}` has outputs, and ends in {chain.output.shape}"
        raise fault("A208", title, chain.output.span, "end it with `join`")
    body = Body(block, block.name, args, entering, chain, frame.size, depth, called)
    body.gives, body.lets = frame.gives, frame.lets
    body.decisions = frame.decisions.made
    return body


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
