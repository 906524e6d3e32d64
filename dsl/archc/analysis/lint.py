"""What is written but comes to nothing: a warning each, none of them stops a build.

And the names in blocks that nobody calls, which lowering never saw: those are errors, since a
library of blocks must be right before the first file uses it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TypeVar

from archc import syntax
from archc.analysis.advice import Known, Producers, advise
from archc.analysis.uses import Uses
from archc.elaborate.link import STATEMENTS, Library
from archc.elaborate.names import inner_sequences
from archc.elaborate.operators import with_whole_name
from archc.ops import COMBINATORS, REGISTRY
from archc.plan import Applicable, Apply, Body, Call, Plan, Tensor, bodies, named_outputs
from archc.source import Diagnostic, Severity, Span, SpanLabel, spelling
from archc.syntax.walk import words_of

Term = TypeVar("Term")


def lint(
    file: syntax.File,
    library: Library,
    plan: Plan | None,
    trained: bool = False,
    known: Known | None = None,
) -> Iterator[Diagnostic]:
    """Warnings for a network, errors in blocks that it does not call; `trained` by a recipe.

    `known` are the remarks on bodies that an earlier text had as well.
    """
    found = bodies(plan) if plan is not None else ()
    called = {id(body.block.tree) for body in found if body.block is not None}
    # Of a variant the texts are several: its own, and what it takes over.
    spans = [file.span] if file.variation is None else [item.span for item in file.items]
    words = Counter(word for span in spans for word in words_of(span))
    bases = file.variation.sources[1:] if file.variation is not None else ()
    for item in file.items:
        if isinstance(item, syntax.Block) and id(item) not in called:
            yield from _unknown_names(item, library)
            # as a value, or in an `if` not taken, it may stand anywhere but in itself
            name = item.name.id
            is_base = item.span.source in bases  # a variant may have no use for it
            if plan is not None and not is_base and words[name] == words_of(item.span).count(name):
                title = f"the block `{item.name.id}` is never called"
                yield _warning("W102", title, item.name.span)
    if plan is not None:
        unused = _unused_params(file, words)
        yield from (found for found in unused if found.span.source not in bases)
        network = Producers(plan, trained)
        yield from _unused_tensors(plan.body, network.uses(plan.body))
        yield from _products(file)
        yield from advise(network, {} if known is None else known)


def _warning(code: str, title: str, span: Span, *helps: str) -> Diagnostic:
    return Diagnostic(code, title, (SpanLabel(span),), helps=helps, severity=Severity.WARNING)


# --- blocks that nobody calls ------------------------------------------------------------


def _unknown_names(block: syntax.Block, library: Library) -> Iterator[Diagnostic]:
    own = {formal.name.id for formal in block.formals}
    own |= {name.id for term in _terms(block.body, syntax.For) for name in term.names}
    own |= {name for name, value in library.constants.items() if isinstance(value, Applicable)}
    known = {*REGISTRY, *COMBINATORS, *STATEMENTS, *library.blocks, *own}
    for operation in map(with_whole_name, _terms(block.body, syntax.Operation)):
        name = operation.name
        if name.id not in known:
            cure = spelling(name.id, known, name.span)
            title = f"there is no operator or block `{name.id}`"
            fixes = (cure,) if cure else ()
            yield Diagnostic("A101", title, (SpanLabel(name.span),), fixes=fixes)


def _terms(sequence: syntax.Sequence, kind: type[Term]) -> Iterator[Term]:
    for statement in _statements(sequence.statements):
        if isinstance(statement.term, kind):
            yield statement.term


def _statements(outer: Iterable[syntax.Statement]) -> Iterator[syntax.Statement]:
    """The statements, and those inside of them."""
    stack = [tuple(outer)]
    while stack:
        for statement in stack.pop():
            yield statement
            stack.extend(inner.statements for inner in inner_sequences(statement.term))


# --- what may be meant otherwise ---------------------------------------------------------


def _products(file: syntax.File) -> Iterator[Diagnostic]:
    """`conv 3x3 x2*width`: a repeat, though it looks like a product."""
    blocks = (item.body.statements for item in file.items if isinstance(item, syntax.Block))
    own = [item for item in file.items if isinstance(item, syntax.Statement)]
    for statement in _statements([*own, *chain.from_iterable(blocks)]):
        term, count = statement.term, statement.repeat
        if not isinstance(term, syntax.Operation) or count is None or not term.attributes:
            continue
        number = term.attributes[-1].span
        found = re.fullmatch(r"([xpgd/]?)(\d+)", number.text)
        source = number.source
        if found is None or source.text[number.end : count.span.start] != "*":
            continue
        times = count.span.text
        span = Span(source, number.start, count.span.end)
        title = f"`{span.text}` is a repeat: `{term.span.text} * {times}`"
        product = f"for the product write `{found[1]}({found[2]}*{times})`"
        yield _warning("W120", title, span, product, f"a repeat has spaces: ` * {times}`")


# --- what is never used ------------------------------------------------------------------


def _unused_params(file: syntax.File, words: Counter[str]) -> Iterator[Diagnostic]:
    """Params, and values of `let`, whose name stands nowhere else in the file."""
    named = [("param", item.name) for item in file.items if isinstance(item, syntax.Param)]
    sequences = [item.body for item in file.items if isinstance(item, syntax.Block)]
    statements = tuple(item for item in file.items if isinstance(item, syntax.Statement))
    for sequence in (syntax.Sequence(statements, file.span), *sequences):
        named += (("`let`", term.name) for term in _terms(sequence, syntax.Let))
    for what, name in named:
        if words[name.id] < 2:
            yield _warning("W101", f"the {what} `{name.id}` is never used", name.span)


def _unused_tensors(body: Body, uses: Uses) -> Iterator[Diagnostic]:
    """Operators and calls of the network whose result goes nowhere; inputs that nobody reads."""
    last = body.output.root if named_outputs(body) else None  # the outputs are the marks, not it

    def is_used(tensor: Tensor) -> bool:
        return uses.counts[tensor.root] > (tensor.root is last)

    for node in dict.fromkeys(uses.makers.values()):
        made = node.outputs if isinstance(node, Call) else (node.output,)
        if isinstance(node, Apply | Call) and not any(map(is_used, made)):
            title = "this result is never used"
            cure = "go on from it with its label, make it an `output`, or leave it out"
            yield _warning("W103", title, node.span, cure)
    for name, tensor in zip(body.input_names, body.inputs, strict=False):
        if not is_used(tensor):
            yield _warning("W104", f"the input `{name}` is never used", tensor.span)
