"""A residual whose branches disagree: the shortcut that the body's shape asks for.

A block has other calls and a loop other passes: an edit there says what is right in all of them, as
`/(stride)` does, or it is words alone. Else the next call would want it back.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from archc import symbolic, syntax
from archc.elaborate.state import Context
from archc.ops import REGISTRY, Shape, ShapeError
from archc.plan import Apply, Call, Chain, Choice, Node, walk
from archc.record import record
from archc.source import Fix, Span

_LONGEST = 24  # characters of an expression
_STRIDE = re.compile(r"/(?:\d+(?:x\d+)*|\([^()]+\))")
_WIDTH = re.compile(r"\bx(?:\d+|\([^()]+\))")
_ALWAYS = re.compile(r"/\(\d+ \* ")  # `/(2 * s)`: a stride in every call
_POINTWISE = re.compile(r"conv[ \t]+1(?:x1)*\b")


@record
class _Measure:
    """A stride or a number of channels as it would be written there."""

    text: str
    everywhere: bool  # right in the block's other calls and the loop's other passes

    @property
    def is_named(self) -> bool:
        return "(" in self.text


def residual_cures(
    shapes: tuple[Shape, ...], chains: list[Chain], term: syntax.Operation, here: Context
) -> tuple[str | Fix, ...]:
    """A projection of the shortcut, where a strided 1x1 reaches the body's size; or the reverse."""
    body, shortcut = shapes
    if body.rank != shortcut.rank:
        return ("bring both to the same number of dimensions",)
    if not body.rank:
        width = _width(chains[0], here)
        return (_projected(f"fc {width.text}", term, width.everywhere),)
    if len(term.branches or ()) > 1 and (alike := _as_the_body(shapes, chains, here)) is not None:
        return (alike,)
    pairs = list(zip(body.size, shortcut.size, strict=True))
    strides = [-(-s // b) for b, s in pairs]
    cures: list[str | Fix] = []
    if all(-(-s // k) == b for (b, s), k in zip(pairs, strides, strict=True)):
        step, width = _stride(chains[0], strides, here), _width(chains[0], here)
        everywhere = step.everywhere and width.everywhere
        cures.append(_projected(_projection(body.rank, step, width, here), term, everywhere))
    if body.size != shortcut.size and body.channels == shortcut.channels:
        size = "x".join(map(str, shortcut.size))
        cures.append(f"keep the body at {size}: stride 1 and padding `same`")
    return tuple(cures) or ("make both branches end at the same shape",)


def _projection(rank: int, step: _Measure, width: _Measure, here: Context) -> str:
    """The shortcut's `conv 1x1`; under a test, where another call or pass may need none."""
    projection = f"conv {'x'.join('1' * rank)}{step.text} x{width.text} nobias; bn"
    may_fit = not here.frame.is_network or step.is_named or width.is_named
    if not may_fit or (step.text and not step.is_named) or _ALWAYS.match(step.text):
        return projection
    wide = width.text.strip("()") if width.text.count("(") == 1 else width.text
    tests = [f"{step.text[2:-1]} > 1"] if step.is_named else []
    tests += [f"in.c != {wide}"] if wide != "in.c" else []
    return f"if {' or '.join(tests)} {{ {projection} }}"


def unparted(term: syntax.Operation, shapes: tuple[Shape, ...], chains: list[Chain]) -> Fix | None:
    """`residual< conv ...; bn; if stride > 1 { conv 1x1 ... } >`: the shortcut, without its `|`.

    Or a `conv 1x1` with its norm that, behind a `|`, makes both ends alike.
    """
    if len(term.branches or ()) != 1:
        return None
    (branch,) = term.branches or ()
    if len(branch.statements) < 2:
        return None
    *layers, last = branch.statements
    if isinstance(last.term, syntax.If):
        first, *others = last.term.then.statements or (last,)
        if last.term.other or not _is_pointwise(first) or not all(map(_is_norm, others)):
            return None
        return _parted(layers[-1], last, "| if ... { ... } >")
    norms = len(branch.statements)
    while norms > 1 and _is_norm(branch.statements[norms - 1]):
        norms -= 1
    pointwise = branch.statements[norms - 1]
    if norms < 2 or not _is_pointwise(pointwise) or not _projects(pointwise, shapes[1], chains[0]):
        return None
    return _parted(branch.statements[norms - 2], pointwise, f"| {pointwise.term.span.text} ... >")


def _projects(pointwise: syntax.Statement, shortcut: Shape, body: Chain) -> bool:
    """Whether a body's last convolution would take the shortcut to what the body has before it."""
    made = next((node for node in body.nodes if node.span == pointwise.term.span), None)
    if not isinstance(made, Apply):
        return False
    before = made.shapes[0]
    try:
        return made.op.shape(shortcut).dims == before.dims
    except ShapeError:
        return False


def _parted(above: syntax.Statement, shortcut: syntax.Statement, form: str) -> Fix:
    """A `|` between two statements, in place of the `;` there."""
    source, end, start = shortcut.span.source, above.span.end, shortcut.span.start
    between = source.text[end:start]
    hint = f"the shortcut stands behind a `|`: `{form}`"
    if between.strip() == ";":
        at = end + between.index(";")
        gap = "" if between[0].isspace() else " "
        return Fix(hint, Span(source, at, at + 1), f"{gap}|")
    return Fix(hint, Span(source, start, start), "| ")


def _is_pointwise(statement: syntax.Statement) -> bool:
    return bool(_POINTWISE.match(statement.term.span.text))


def _is_norm(statement: syntax.Statement) -> bool:
    term = statement.term
    name = term.name.id if isinstance(term, syntax.Operation) else ""
    return name in REGISTRY and REGISTRY[name].category == "norm"


def _as_the_body(shapes: tuple[Shape, ...], chains: list[Chain], here: Context) -> str | Fix | None:
    """The stride or the channels of a projection that is there, as the body has them."""
    body, shortcut = shapes
    made = [
        node for node in chains[1].nodes if isinstance(node, Apply) and "out" in node.op.fields()
    ]
    if len(made) != 1:
        return None
    span = made[0].span
    if body.size != shortcut.size:
        before = made[0].shapes[0].size
        strides = [-(-s // b) for b, s in zip(body.size, before, strict=True)]
        pattern, written = _STRIDE, _stride(chains[0], strides, here)
        text = written.text
        what = f"the body's stride: `{text}`" if text else "no stride, as the body has"
    else:
        pattern, written = _WIDTH, _width(chains[0], here)
        text = f"x{written.text}"
        what = f"the body's channels: `{text}`"
    found = pattern.search(span.text)
    if (found is None and pattern is _WIDTH) or (found is not None and found.group() == text):
        return None
    if not written.everywhere:
        return f"give the shortcut {what} in this call or pass"
    kernel = re.match(r"\w+\s+\S+", span.text)
    start, end = found.span() if found else [kernel.end() if kernel else len(span.text)] * 2
    place = Span(span.source, span.start + start, span.start + end)
    return Fix(f"give the shortcut {what}", place, text)


# --- what is right in other calls --------------------------------------------------------


def _varies(here: Context) -> bool:
    """Whether the statement runs more than once, perhaps with other numbers."""
    return not here.frame.is_network or bool(here.frame.passes)


def _width(chain: Chain, here: Context) -> _Measure:
    """`64`; in a block `(width)`, which is right in its other calls as well."""
    channels = chain.output.shape.channels if chain.output.shape is not None else 0
    text, maker = _expression(channels, here), _maker(chain)
    chosen = _varies(here) and isinstance(maker, Choice)
    if text is not None:
        return _Measure(f"({text})", everywhere=not chosen)
    unsure = _varies(here) and (symbolic.is_traced(channels) or bool(here.frame.passes))
    says = isinstance(maker, Apply) and f"x{channels}" in maker.span.text.split()
    return _Measure(str(channels), says or not (unsure or chosen))


def _maker(chain: Chain) -> Node | None:
    """What gave a branch its channels."""
    for node in reversed(chain.nodes):
        if not isinstance(node, Apply) or "out" in node.op.fields():
            return node
    return None


def _expression(value: Any, here: Context) -> str | None:
    """A number as the body writes it, in names that stand for it there."""
    if not symbolic.is_traced(value):
        return None
    text = symbolic.render(symbolic.expr_of(value))
    if len(text) > _LONGEST or re.search(r"\bin\.(?!c\b)", text):
        return None
    if "in." in text:  # the block's own input; in a loop it may be another one
        own = here.frame.labels.get("in")
        if here.frame.is_network or here.frame.passes or own is None:
            return None
        if own.tensor.root is not here.x.root:
            text = re.sub(r"\bin\.", "@in.", text)
    return text


def _stride(chain: Chain, strides: list[int], here: Context) -> _Measure:
    """`/2`; `/(stride)`, where a branch has its stride from a name."""
    steps = list(_steps(chain.nodes))
    product = [math.prod(step[at] for step in steps) for at in range(len(strides))]
    if [symbolic.plain(n) for n in product] == strides:
        named = {_expression(n, here) for n in product}
        text = named.pop() if len(named) == 1 else None
        if text is not None:
            return _Measure(f"/({text})", everywhere=True)
        unnamed = not any(map(symbolic.is_traced, product))
    else:
        rounded = all(isinstance(node, Apply) for node in chain.nodes)  # other sizes have others
        unnamed = not rounded and not any(map(_is_chosen, walk(chain.nodes)))
    text = "x".join(map(str, strides if len({*strides}) > 1 else strides[:1]))
    return _Measure("" if {*strides} == {1} else f"/{text}", unnamed or not _varies(here))


def _steps(nodes: list[Node]) -> Iterator[list[Any]]:
    """The strides of what stands in a row, as they are written; a call's where it is handed one."""
    for node in nodes:
        if isinstance(node, Apply) and node.op.category in ("conv", "pool") and node.shapes:
            plain = [window.stride for window in node.op.windows(*node.shapes)]
            written = list(getattr(node.op, "stride", None) or ())
            written *= len(plain) if len(written) == 1 else 1
            yield written if written == plain else plain
        elif isinstance(node, Call):
            yield from ([v] * 3 for k, v in node.args.items() if k in ("s", "stride"))


def _is_chosen(node: Node) -> bool:
    """Whether a name decides what it is, or its stride."""
    steps = (n for step in _steps([node]) for n in step)
    return isinstance(node, Choice) or any(map(symbolic.is_traced, steps))


def _projected(projection: str, term: syntax.Operation, everywhere: bool) -> str | Fix:
    """A second branch, where there is one alone, or in place of an `identity`."""
    hint = f"project the shortcut: `| {projection} >`"
    _, *others = term.branches or ((),)
    plain = [
        s.span for branch in others for s in branch.statements if s.term.span.text == "identity"
    ]
    if len(others) != len(plain):
        return hint
    if not everywhere:
        return f"{hint} in this call or pass"
    if plain:
        return Fix(hint, plain[0], projection)
    end = term.span.end - 1
    gap = "" if term.span.source.text[end - 1].isspace() else " "
    return Fix(hint, Span(term.span.source, end, end), f"{gap}| {projection} ")
