"""Blocks that no network calls: what is wrong with them whatever they are called with.

Their statements are elaborated on a tensor without a shape, with parameters without values: what
hangs on one of these is left for the call.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from archc import syntax
from archc.elaborate.bind import Binder
from archc.elaborate.evaluate import NoValue
from archc.elaborate.labels import lookup
from archc.elaborate.link import Library
from archc.elaborate.names import (
    Names,
    aliases_in,
    inner_sequences,
    labels_in,
    named_twice,
    statements_in,
)
from archc.elaborate.operators import with_whole_name
from archc.elaborate.state import Context, Frame, Labelled, LimitReached, State
from archc.elaborate.statements import begun
from archc.elaborate.work import Suppressed, TooLarge
from archc.ops import REGISTRY
from archc.plan import Tensor
from archc.source import Diagnostics, Fault, Limits, Span

# Mistakes that no value of a parameter takes away, as it may one in an `if`.
_OF_NO_VALUE = frozenset(
    "A101 A102 A103 A104 A105 A301 A302 A304 A306 A307 A309 A310 A405 A408".split()
)


def check_blocks(
    file: syntax.File, library: Library, diagnostics: Diagnostics, limits: Limits
) -> None:
    """Report what is wrong with the blocks of a file that has no network."""
    found = Diagnostics(limits.diagnostics, damage=diagnostics.damage)
    state = begun(found, limits, library)
    for item in file.items:
        if isinstance(item, syntax.Block):
            with suppress(LimitReached, TooLarge):
                _check(state, item, library)
    diagnostics.extend(d for d in found.items if d.code in _OF_NO_VALUE)


def _check(state: State, block: syntax.Block, library: Library) -> None:
    for mistake in _labels_twice(block.body, {}):
        state.report(mistake)
    formals = {f.name.id: NoValue() for f in block.formals if not f.is_tensor}
    frame = _frame(state, block, library, formals)
    here = Context(Tensor(None, block.span), frame, Names(block.places, labels_in(block.body)))
    state.chain(block.body, here)
    frame.env = ChainMap({**formals}, _inner_names(block.body), *frame.env.maps[1:])
    for mistake in _wrong_words(state, block.body, here):
        state.report(mistake)
    for sequence in _decided(block.body):
        state.chain(sequence, Context(here.x, frame, Names(block.places)))


def _frame(
    state: State, block: syntax.Block, library: Library, formals: dict[str, NoValue]
) -> Frame:
    """The body of a block, all of whose labels are tensors without a shape."""
    names: dict[str, Any] = {**formals}
    env = ChainMap(names, library.constants, library.lets, library.blocks)
    declared = labels_in(block.body) | aliases_in(block.body)
    frame = Frame(library, env, declared, state.work)
    frame.lookup = lambda reference, here: lookup(state, reference, here)
    frame.is_cut_short = any(not label.fixed for label in _labels(block.body))
    whole = syntax.Statement(None, syntax.Broken(block.span), None, block.span)
    given = (formal.name.id for formal in block.formals if formal.is_tensor)
    for name in ("in", *given, *_labels_inside(block.body)):
        frame.labels[name] = Labelled(Tensor(None, block.span), whole, [], Names(False), env, ())
    return frame


def _labels(body: syntax.Sequence) -> Iterator[syntax.Label]:
    for statement in statements_in(body):
        yield from (label for label in (statement.label, statement.alias) if label is not None)


def _labels_inside(body: syntax.Sequence) -> Iterator[str]:
    """The labels that stand where an unknown value decides whether they are made."""
    for inner in _decided(body):
        yield from labels_in(inner) | aliases_in(inner)


def _decided(body: syntax.Sequence) -> Iterator[syntax.Sequence]:
    """What runs as often as a value says, which may be unknown."""
    for statement in statements_in(body):
        term = statement.term
        is_tested = isinstance(term, syntax.Operation) and term.condition is not None
        if statement.repeat is not None and not is_tested:
            yield syntax.Sequence((replace(statement, repeat=None),), statement.span)
        elif is_tested or isinstance(term, syntax.If | syntax.For | syntax.Each):
            yield from inner_sequences(term)


def _inner_names(body: syntax.Sequence) -> dict[str, NoValue]:
    """The names of loops and of `let`s."""
    names = []
    for statement in statements_in(body):
        if isinstance(statement.term, syntax.For | syntax.Each):
            names += [name.id for name in syntax.names_of(statement.term.targets)]
        elif isinstance(statement.term, syntax.Let):
            names.append(statement.term.name.id)
    return {name: NoValue() for name in names}


def _wrong_words(state: State, body: syntax.Sequence, here: Context) -> Iterator[Fault]:
    """Words that operators do not know, also beside a value that is unknown."""
    for statement in statements_in(body):
        if not isinstance(statement.term, syntax.Operation):
            continue
        term = with_whole_name(statement.term)
        words = tuple(a for a in term.attributes if isinstance(a, syntax.Word))
        cls = REGISTRY.get(term.name.id)
        if cls is None or term.branches or not words or term.name.id in here.frame.env:
            continue
        try:
            Binder(cls, replace(term, attributes=words), here.evaluator, 0).bind()
        except Fault as mistake:
            if mistake.diagnostic.code == "A310":
                from archc.elaborate.cures import foreign_attributes  # for a mistake alone

                yield foreign_attributes(mistake, term, cls, here)
        except Suppressed:
            continue


def _labels_twice(sequence: syntax.Sequence, taken: dict[str, Span]) -> Iterator[Fault]:
    """Two statements of a scope with one label; branches are in it, braces have their own."""
    for statement in sequence.statements:
        label = statement.label
        if label is not None and label.fixed:
            if label.fixed in taken:
                yield named_twice(label.fixed, label.span, taken[label.fixed])
            taken.setdefault(label.fixed, label.span)
        if isinstance(statement.term, syntax.Operation):
            for branch in statement.term.branches or ():
                yield from _labels_twice(branch, taken)
