"""The bodies of a file's own blocks, carried over from the text before: an editor's next key
changes a line, and most blocks mean what they meant, though they stand elsewhere in the text now.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field, fields
from functools import cache, lru_cache
from typing import Any

from archc import symbolic, syntax
from archc.elaborate.link import Library
from archc.elaborate.names import statements_in
from archc.ops import REGISTRY, Shape
from archc.plan import (
    Apply,
    AuxHead,
    BlockValue,
    Body,
    Branches,
    Call,
    Chain,
    Choice,
    Decision,
    Loop,
    OperatorValue,
    Output,
    Ref,
    Reused,
    Scope,
    Tensor,
)
from archc.source import Span
from archc.syntax.walk import words_of_text

Meaning = frozenset[tuple[str, Hashable]]  # all names that a block can reach, and what they are
BodyKey = tuple[Hashable, ...]  # the arguments and shapes that make one body of a block


@dataclass(eq=False)
class OwnBodies:
    """What a right text leaves of its own blocks.

    A body of it is right for a later text where the block has the same text, and means the same:
    each name that stands in it or in what it names, however far, is the same block, param, `let`
    or block of a used file. Then all that differs is where it stands.
    """

    meanings: dict[str, Meaning] = field(default_factory=dict)
    trees: dict[str, syntax.Block] = field(default_factory=dict)
    bodies: dict[tuple[str, BodyKey], Body] = field(default_factory=dict)


class NotCarried(Exception):
    """A body holds what this module does not know how to put elsewhere."""


@dataclass(eq=False)
class Carrier:
    """Takes bodies of a text before to a new one, and what is right of that to the next.

    `used` are the bodies of used files' blocks that both have, `made` those of this text: the
    blocks' trees by their ids, then the key.
    """

    before: OwnBodies
    used: frozenset[Body]
    made: dict[Any, Body] = field(default_factory=dict)
    _library: Library | None = None
    _meanings: dict[str, Meaning] = field(default_factory=dict)
    _same: frozenset[str] = frozenset()  # blocks that mean what they meant
    _keys: dict[Body, tuple[str, BodyKey]] = field(default_factory=dict)

    def arrive(self, library: Library, file: syntax.File) -> None:
        """Note what the blocks of this text mean, once it is linked and its params are known."""
        self._library, self._meanings = library, meanings(library, file)
        self._keys = {body: key for key, body in self.before.bodies.items()}
        self._same = frozenset(
            name
            for name, tree in self.before.trees.items()
            if self._meanings.get(name) == self.before.meanings[name]
            and tree == library.blocks[name].tree
        )

    def left(self) -> OwnBodies:
        """Return what this text leaves, if it is right."""
        found = OwnBodies(self._meanings)
        for key, body in self.made.items():
            block = body.block
            if (
                block is not None
                and block.home is self._library
                and not holds_block(body.args.values())
            ):
                found.trees[block.name] = block.tree
                found.bodies[block.name, key[1:]] = body
        return found

    def body(self, block: BlockValue, key: BodyKey, span: Span) -> Body | None:
        """Return the body of a block that a call at `span` is the first to ask for, if known."""
        found = self.before.bodies.get((block.name, key)) if block.name in self._same else None
        if found is None:
            return None
        try:
            return _Move(self, self.before.trees[block.name], block).body(found, span)
        except NotCarried:
            return None

    def called(self, old: Body, span: Span) -> Body:
        """Return the body that a call inside another is of. Raises NotCarried."""
        if old in self.used:
            return old
        name, key = self._keys.get(old, ("", ()))
        if name not in self._same or self._library is None:
            raise NotCarried
        block = self._library.blocks[name]
        at = (id(block.tree), *key)
        made = self.made.get(at) or self.body(block, key, span)
        if made is None:
            raise NotCarried
        self.made[at] = made
        return made


# --- what a block means ------------------------------------------------------------------


def meanings(library: Library, file: syntax.File) -> dict[str, Meaning]:
    """Return what each block of a file means."""
    told = _told(library, file)
    words = {name: _words(text) & told.keys() for name, (text, _) in told.items()}
    own = (name for name, value in library.blocks.items() if value.home is library)
    return {name: frozenset((n, told[n][1]) for n in _reached(name, words)) for name in own}


def _told(library: Library, file: syntax.File) -> dict[str, tuple[str, Hashable]]:
    """Of each name that blocks can use: a text with the names that it uses, and what it is."""
    told: dict[str, tuple[str, Hashable]] = {}
    for name, value in library.blocks.items():
        text = value.tree.span.text if value.home is library else ""
        told[name] = (text, text or value.home.source)
    for item in file.items:
        if isinstance(item, syntax.Statement) and isinstance(item.term, syntax.Let):
            text = item.term.span.text
            told[item.term.name.id] = (text, text)
    for name, value in library.constants.items():
        known = object() if holds_block([value]) else repr(symbolic.plain(value))
        told[name] = ("", known)
    return told


def holds_block(values: Iterable[Any]) -> bool:
    """Whether a block is among values, or in a list among them."""
    return any(
        isinstance(value, BlockValue) or (isinstance(value, tuple) and holds_block(value))
        for value in values
    )


def _reached(name: str, words: dict[str, frozenset[str]]) -> set[str]:
    found, new = {name}, [name]
    while new:
        more = words[new.pop()] - found
        found |= more
        new += more
    return found


@lru_cache(1_000)
def _words(text: str) -> frozenset[str]:
    return frozenset(words_of_text(text))


# --- a body in another place -------------------------------------------------------------


@dataclass(eq=False)
class _Move:
    """Copies one body of a block to where the block stands now."""

    carrier: Carrier
    old: syntax.Block
    block: BlockValue
    _tensors: dict[Tensor, Tensor] = field(default_factory=dict)
    _trees: dict[int, Any] = field(default_factory=dict)  # statements and terms now, by ids

    def body(self, old: Body, call: Span) -> Body:
        """Return the copy, its tensors coming from `call`. Raises NotCarried."""
        for x in old.inputs:
            self._tensors[x] = Tensor(x.shape, call, None, x.name)
        inputs = tuple(self._tensors[x] for x in old.inputs)
        chain = self.value(old.chain)
        names, args = old.input_names, old.args
        made = Body(self.block, old.name, args, inputs, chain, old.size, old.depth, names)
        made.gives, made.decisions = self.value(old.gives), self.value(old.decisions)
        made.lets = old.lets
        return made

    def value(self, value: Any) -> Any:
        """Return what a body holds, copied where it says or holds a place."""
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind is Tensor:
            return self.tensor(value)
        if kind is Span:
            return self.span(value)
        if kind is list:
            return [self.value(item) for item in value]
        if kind is tuple:
            return tuple(map(self.value, value))
        if kind is dict:
            return {key: self.value(item) for key, item in value.items()}
        if kind is Call:
            return self.call(value)
        if kind in _COPIED:
            return self.copied(value)
        if kind.__module__ == syntax.tree.__name__:
            return self.tree(value)
        if isinstance(value, int | float | tuple):  # traced, or a row of such
            return value
        raise NotCarried

    def span(self, span: Span) -> Span:
        """Return the same place in the block."""
        old, new = self.old.span, self.block.tree.span
        if span.source is not old.source or not old.start <= span.start <= span.end <= old.end:
            raise NotCarried
        by = new.start - old.start
        return Span(new.source, span.start + by, span.end + by)

    def tensor(self, old: Tensor) -> Tensor:
        """Return the copy of a tensor, one for all who use it."""
        made = self._tensors.get(old)
        if made is None:
            origin = None if old.origin is None else self.tensor(old.origin)
            made = self._tensors[old] = Tensor(old.shape, self.span(old.span), origin, old.name)
        return made

    def call(self, old: Call) -> Call:
        """Return the copy of a call, of the body as it is in this text."""
        if holds_block(old.args.values()):
            raise NotCarried
        span = self.span(old.span)
        body = self.carrier.called(old.body, span)
        made = Call(old.name, body, old.args, self.tensor(old.input), self.tensor(old.output), span)
        made.label, made.again, made.traces, made.also = old.label, old.again, old.traces, old.also
        made.tensors, made.gives = self.value(old.tensors), self.value(old.gives)
        return made

    def tree(self, old: Any) -> Any:
        """Return the statement or term that stands there now; a copy of what only seems written."""
        if not self._trees:
            self._trees = dict(zip(map(id, _parts(self.old)), _parts(self.block.tree), strict=True))
        found = self._trees.get(id(old))
        return found if found is not None else self.copied(old)

    def copied(self, old: Any) -> Any:
        """Return a copy, its fields copied."""
        kind: Any = type(old)
        return kind(*[self.value(getattr(old, name)) for name in _names(kind)])


def _parts(block: syntax.Block) -> Iterator[Any]:
    """The statements of a block and their terms."""
    for statement in statements_in(block.body):
        yield statement
        yield statement.term


_COPIED = frozenset(
    (Apply, AuxHead, Branches, Chain, Choice, Decision, Loop, Output, Ref, Reused, Scope)
)
_PLAIN = frozenset(
    (*REGISTRY.values(), str, int, float, bool, Shape, symbolic.Expr, OperatorValue, type(None))
)


@cache
def _names(kind: Any) -> tuple[str, ...]:
    """The fields of a class, in the order of its arguments."""
    return tuple(f.name for f in fields(kind))
