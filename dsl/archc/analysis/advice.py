"""What a teacher would remark: it builds and runs, and is hardly what was meant.

A remark is one function in `REMARKS`; it looks at one operator, where its tensor comes from, and
where it goes. A comment keeps it quiet: see `archc.analysis.allowed`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

from archc import syntax
from archc.analysis.uses import Uses, uses_of
from archc.ops import COMBINATORS, Op, Shape, Window
from archc.plan import (
    Apply,
    AuxHead,
    Body,
    Branches,
    Call,
    Chain,
    Loop,
    Output,
    Plan,
    Tensor,
    bodies,
    walk,
)
from archc.source import Diagnostic, Fix, Severity, Span, SpanLabel

_POSITIVE = frozenset("relu relu6 sigmoid softmax hardsigmoid softplus abs square exp".split())
_RECTIFIERS = frozenset(
    "relu relu6 leaky_relu prelu rrelu elu selu celu gelu silu mish hardswish softplus".split()
)


@dataclass(slots=True)
class Sight:
    """An operator in its body, and the whole network around it."""

    node: Apply
    body: Body
    network: Producers
    _windows: tuple[tuple[str, int, Window, int], ...] | None = None

    @property
    def windows(self) -> tuple[tuple[str, int, Window, int], ...]:
        """Of a convolution or pool with a window: each dimension, its size before and after."""
        if self._windows is None:
            self._windows = tuple(_windows(self.node))
        return self._windows

    @property
    def before(self) -> Apply | None:
        """The operator whose output comes in, blocks opened; None for what is merged or enters."""
        return self.network.maker(self.body, self.node.inputs[0])

    @property
    def behind(self) -> Apply | None:
        """The same past what changes nothing in eval mode."""
        return self.network.past_idle(self.body, self.node.inputs[0])

    def is_seen(self, before: Apply) -> bool:
        """Whether the tensor between an operator before and this one is an output as well."""
        return not self.network.given_out.isdisjoint((before.output.root, self.node.inputs[0].root))


@dataclass
class Producers:
    """The bodies of a plan, and who made which tensor in each."""

    plan: Plan
    trained: bool  # there is a recipe
    _uses: dict[Body, Uses] = field(default_factory=dict)

    @cached_property
    def given_out(self) -> frozenset[Tensor]:
        """The roots of what `output` names: what is made there is looked at from outside."""
        nodes = (node for body in bodies(self.plan) for node in walk(body.chain.nodes))
        return frozenset(node.output.root for node in nodes if isinstance(node, Output))

    def uses(self, body: Body) -> Uses:
        if body not in self._uses:
            self._uses[body] = uses_of(body)
        return self._uses[body]

    def maker(self, body: Body, tensor: Tensor) -> Apply | None:
        node = self.uses(body).makers.get(tensor.root)
        while isinstance(node, Call):
            body = node.body
            node = self.uses(body).makers.get(body.output.root)
        return node if isinstance(node, Apply) else None

    def past_idle(self, body: Body, tensor: Tensor) -> Apply | None:
        node = self.uses(body).makers.get(tensor.root)
        if isinstance(node, Call):
            return self.past_idle(node.body, node.body.output)
        if not isinstance(node, Apply):
            return None
        idle = node.op.name == "identity" or node.op.category == "drop"
        return self.past_idle(body, node.inputs[0]) if idle else node


Remark = Callable[[Sight], Diagnostic | None]


Known = dict[tuple[Body, bool], tuple[Diagnostic, ...]]  # remarks on bodies, with a recipe or not


def advise(network: Producers, known: Known) -> Iterator[Diagnostic]:
    """All remarks on a network. Those on its bodies are taken from `known`, and put there."""
    for body in bodies(network.plan):
        found = known.get((body, network.trained))
        if found is None:
            found = known[body, network.trained] = tuple(_remarks(body, network))
        yield from found
    yield from _ends(network)


def _remarks(body: Body, network: Producers) -> Iterator[Diagnostic]:
    """Those on a body's operators, which hang on it and the bodies that it calls."""
    for node in walk(body.chain.nodes):
        if isinstance(node, Apply):
            sight = Sight(node, body, network)
            yield from (found for remark in REMARKS if (found := remark(sight)) is not None)
            doubt = node.op.doubt(*node.shapes)
            if doubt is not None:
                yield _warning("W120", doubt[0], node.span, doubt[1])
        elif isinstance(node, Branches):
            yield from _loops_in_branches(node)


def _warning(
    code: str, title: str, span: Span, *cures: str | Fix, also: tuple[SpanLabel, ...] = ()
) -> Diagnostic:
    helps = tuple(cure for cure in cures if isinstance(cure, str))
    fixes = tuple(cure for cure in cures if isinstance(cure, Fix))
    labels = (SpanLabel(span), *also)
    return Diagnostic(code, title, labels, (), helps, fixes, Severity.WARNING)


def _left_out(span: Span) -> str | Fix:
    """Without the statement, where it stands behind a `;` and nothing else hangs on it."""
    text = span.source.text
    before, after = text[: span.start].rstrip(), text[span.end : span.end + 200].lstrip(" \t")
    if not before.endswith(";") or (after and after[0] not in "\r\n;}|>#"):
        return "leave it out"
    return Fix("leave it out", Span(span.source, len(before) - 1, span.end), "")


# --- two in a row ----------------------------------------------------------------------------


def _linear_twice(sight: Sight) -> Diagnostic | None:
    before = sight.behind if sight.node.op.name == "fc" else None
    if before is None or before.op.name != "fc" or sight.is_seen(before):
        return None
    title = "two linears in a row compute what one could: there is no activation between them"
    also = (SpanLabel(before.span, "the first"),)
    return _warning("W111", title, sight.node.span, "put `relu` between them", also=also)


def _relu_twice(sight: Sight) -> Diagnostic | None:
    before = sight.behind if sight.node.op.name == "relu" else None
    if before is None or before.op.name not in _POSITIVE:
        return None
    title = f"a `relu` behind `{before.op.name}` changes nothing"
    also = (SpanLabel(before.span, "nothing is negative after this"),)
    return _warning("W117", title, sight.node.span, _left_out(sight.node.span), also=also)


def _biased_norm(sight: Sight) -> Diagnostic | None:
    before = sight.before if sight.node.op.batchnorm_eps() is not None else None
    if before is None or getattr(before.op, "bias", None) is not True or sight.is_seen(before):
        return None
    title = f"the bias of `{before.op.name}` is taken away by the batch norm behind it"
    end = Span(before.span.source, before.span.end, before.span.end)
    cure = Fix("leave it out: `nobias`", end, " nobias")
    also = (SpanLabel(sight.node.span, "the mean of a channel becomes 0 here"),)
    return _warning("W114", title, before.span, cure, also=also)


# --- windows ---------------------------------------------------------------------------------


def _windows(node: Apply) -> Iterable[tuple[str, int, Window, int]]:
    """What `Sight.windows` are."""
    op = node.op
    moves = op.category in ("conv", "pool") and getattr(op, "kernel", None) is not None
    if not moves or node.output.shape is None or op.name == "deconv":
        return ()
    shapes = node.shapes
    names = ("depth", "height", "width")[-shapes[0].rank :] if shapes[0].rank > 1 else ("length",)
    return zip(names, shapes[0].size, _seen(op, shapes), node.output.shape.size, strict=False)


@lru_cache(1_000)
def _seen(op: Op, shapes: tuple[Shape, ...]) -> tuple[Window, ...]:
    """The windows of an operator, which are the same wherever it stands."""
    return op.windows(*shapes)


def _only_padding(sight: Sight) -> Diagnostic | None:
    for name, _, window, _ in sight.windows:
        if window.before >= window.extent:
            title = (
                f"a padding of {window.before:g} is as wide as the window of {window.extent:g}:"
                f" at the edge of the {name} it sees nothing else"
            )
            most = int(window.extent) - 1
            return _warning("W113", title, sight.node.span, f"pad by at most {most}")
    return None


def _skipping(sight: Sight) -> Diagnostic | None:
    for name, _, window, _ in sight.windows:
        if window.stride > window.extent > 1:
            skipped = f"{window.stride - window.extent:g} of {window.stride:g}"
            title = (
                f"a stride of {window.stride:g} is wider than the window of {window.extent:g}:"
                f" along the {name} it skips {skipped}"
            )
            cure = f"choose a stride of at most {window.extent:g}, here or in the block's call"
            return _warning("W123", title, sight.node.span, cure)
    return None


def _rows_lost(sight: Sight) -> Diagnostic | None:
    for name, before, window, after in sight.windows:
        seen = (after - 1) * window.stride + window.extent - window.before
        lost = int(before - seen)
        if lost > 0 and window.extent >= window.stride > 1:
            noun = "column" if name == "width" else "row" if name == "height" else "element"
            missed = noun if lost == 1 else f"{lost} {noun}s"
            title = f"no window sees the last {missed}"
            room = before + 2 * int(window.before) - int(window.extent)
            note = f"{name}: {room} / {window.stride:g} leaves {room % int(window.stride)}"
            cure: str | Fix = "pad it, or choose an input size that fits"
            if "ceil" in sight.node.op.fields():
                hint = "`ceil` adds a window for them; or choose an input size that fits"
                end = Span(sight.node.span.source, sight.node.span.end, sight.node.span.end)
                cure = Fix(hint, end, " ceil")
            found = _warning("W115", title, sight.node.span, cure)
            return replace(found, notes=(note,))
    return None


def _norm_of_one(sight: Sight) -> Diagnostic | None:
    shapes = sight.node.shapes
    if sight.node.op.batchnorm_eps() is None or not shapes or not shapes[0].rank:
        return None
    if set(shapes[0].size) != {1}:
        return None
    title = "a batch norm on a 1x1 map has one value of each sample: a mini-batch of 1 cannot train"
    return _warning("W116", title, sight.node.span, _left_out(sight.node.span), "`ln` is another")


REMARKS: tuple[Remark, ...] = (
    _linear_twice,
    _relu_twice,
    _biased_norm,
    _only_padding,
    _skipping,
    _rows_lost,
    _norm_of_one,
)


# --- loops that may be meant as branches ------------------------------------------------------


def _loops_in_branches(node: Branches) -> Iterator[Diagnostic]:
    """`concat< a | for r in rates { ... } >`: one branch, whose passes all make the same shape."""
    for chain in node.branches if COMBINATORS[node.keyword].most is None else ():
        loop = _lone_loop(chain)
        if loop is not None:
            word = Span(loop.span.source, loop.span.start, loop.span.start + len("for"))
            count = len(loop.iterations)
            title = f"this loop is one branch, and its {count} passes follow one another in it"
            cure = Fix("for one branch a pass, write `each`", word, "each")
            yield _warning("W107", title, loop.span, cure)


def _lone_loop(chain: Chain) -> Loop | None:
    """The loop that a branch is, where passes may be meant as branches: they use its names."""
    loop = chain.nodes[0] if len(chain.nodes) == 1 else None
    if not isinstance(loop, Loop) or not isinstance(loop.tree, syntax.For):
        return None
    text, span = loop.span.source.text, loop.span
    is_written = text[: span.start].rstrip()[-1:] in ("<", "|")  # else it is in an `each`
    inside = loop.tree.body.span.text
    uses = any(re.search(rf"\b{name}\b", inside) for name in loop.names)
    shapes = [each.output.shape for each in loop.iterations]
    is_chain = len(shapes) < 2 or shapes.count(shapes[0]) < len(shapes)
    return loop if is_written and uses and not is_chain else None


# --- the end of the network ------------------------------------------------------------------


def _ends(network: Producers) -> Iterator[Diagnostic]:
    """Remarks on what the network's outputs end in."""
    body = network.plan.body
    for tensor in _outputs(body):
        last = network.maker(body, tensor)
        if last is None or not last.inputs:
            continue
        if last.op.name == "softmax" and network.trained:
            title = "the recipe's cross-entropy takes scores, and does the softmax itself"
            use = "where probabilities are wanted, they are `y.softmax(1)`"
            yield _warning("W110", title, last.span, _left_out(last.span), use)
        owner = _owner(network, body, last)
        if last.op.name in _RECTIFIERS and owner is not None:
            scores = network.past_idle(owner, last.inputs[0])
            if scores is not None and scores.op.name == "fc":
                title = f"the scores end in `{last.op.name}`, which cuts off what is negative"
                yield _warning("W112", title, last.span, _left_out(last.span))


def _outputs(body: Body) -> Iterator[Tensor]:
    """What the network gives out, its side classifiers as well."""
    nodes = list(walk(body.chain.nodes))
    marks = [node.output for node in nodes if isinstance(node, Output)]
    yield from marks or [body.output]
    yield from (node.chain.output for node in nodes if isinstance(node, AuxHead))


def _owner(network: Producers, body: Body, node: Apply) -> Body | None:
    """The body that an operator stands in."""
    for other in (body, *bodies(network.plan)):
        if node.output.root in network.uses(other).makers:
            return other
    return None
