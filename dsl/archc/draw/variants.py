"""Which instances of a block one card may stand for, and what it must say to be true of them all.

An instance is drawn in the block's own terms, `conv 3×3/stride → width`. Another looks the same if
it differs in nothing but numbers, in how often a loop runs, and in that an `if` is not taken: then
the card says `×n`, and `if stride > 1` at what is not always there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from archc import symbolic, syntax
from archc.draw.cards import block_words, is_merge
from archc.plan import (
    Apply,
    AuxHead,
    Body,
    Branches,
    Call,
    Chain,
    Choice,
    Loop,
    Node,
    Output,
    Ref,
    Reused,
    Scope,
    Tensor,
    children,
)
from archc.report.spelling.expressions import (
    Terms,
    called_with,
    format_expr,
    in_terms,
    translated,
)
from archc.report.spelling.operators import format_value
from archc.source import Span
from archc.syntax.walk import asks_size

_FEW = 3  # values of a counting loop that are listed
_MOST = 20_000  # nodes that are compared; what is larger has a card of its own


@dataclass(frozen=True, slots=True)
class BlockInstance:
    """A block's body, or with `around` a chain that calls it and does a little more."""

    body: Body
    around: Chain | None = None

    @property
    def chain(self) -> Chain:
        return self.around or self.body.chain


# The first pass of a loop, or each of its passes, and the calls that lead there from the block
# that is drawn: two calls may share a body.
PassPlace = tuple[tuple[Span, ...], Chain]


@dataclass(slots=True)
class SourceNotes:
    """What a card says beside one instance: which `if` a node is under, how often a loop runs."""

    tests: dict[Node, list[str]] = field(default_factory=dict)
    counts: dict[PassPlace, str] = field(default_factory=dict)  # by the loop's first iteration
    lengths: dict[PassPlace, int] = field(default_factory=dict)  # of these loops in the instance
    ranges: dict[PassPlace, str] = field(default_factory=dict)  # `i = 0…3`, where words ask for it
    values: dict[PassPlace, Terms] = field(default_factory=dict)  # of passes drawn one by one

    def test(self, node: Node) -> str:
        """`stride > 1 or in.c != out`; "" for what is there in all instances."""
        return " and ".join(self.tests.get(node, ()))


@dataclass(slots=True)
class Variant:
    """Instances that look the same, drawn as the first of them."""

    shown: BlockInstance
    notes: SourceNotes
    members: list[int]  # numbers of the instances


def variants(instances: Sequence[BlockInstance]) -> list[Variant]:
    """The instances of one block by how they look, the richest of each kind to be shown."""
    found: list[Variant] = []
    for at in sorted(range(len(instances)), key=lambda at: -instances[at].body.size):
        if not any(_stands_for(variant, instances, at) for variant in found):
            notes = SourceNotes()
            _Comparison(notes).instances(instances[at], instances[at])  # finds its loops
            found.append(Variant(instances[at], notes, [at]))
    for variant in found:
        variant.members.sort()
    return sorted(found, key=lambda variant: variant.members)


def _stands_for(variant: Variant, instances: Sequence[BlockInstance], at: int) -> bool:
    """Whether a card can stand for one instance more; it then says what it must."""
    same = any(instances[member] == instances[at] for member in variant.members)
    tests, values = dict(variant.notes.tests), dict(variant.notes.values)
    notes = replace(variant.notes, tests=tests, values=values)
    if not same and not _Comparison(notes).instances(variant.shown, instances[at]):
        return False
    variant.members.append(at)
    variant.notes = notes
    return True


def say_the_same(one: Chain, other: Chain, terms: Terms, outside: bool) -> bool:
    """Whether two stretches of a block are drawn alike, in its terms and not in numbers alone.

    `outside` where the block is called from them.
    """
    comparison = _Comparison(SourceNotes())
    same = comparison.passes_alike(one, other, terms, terms, outside)
    return same and not comparison.notes.tests


@dataclass(slots=True)
class _Comparison:
    """Of an instance that is shown with another; what differs goes to `notes`."""

    notes: SourceNotes
    pairs: set[tuple[Tensor, Tensor]] = field(default_factory=set)  # tensors that stand for another
    asked: dict[Choice, str] = field(default_factory=dict)  # the tests of those that were met
    compared: int = 0
    words: list[str] = field(default_factory=list)  # on the cards of what is shown
    blocks: tuple[syntax.Block | None, ...] = (None,)  # that are being compared
    calls: tuple[Span, ...] = ()  # that lead there
    passes: tuple[str, ...] = ()  # the names of the loops around, which say nothing on a card

    def instances(self, shown: BlockInstance, other: BlockInstance) -> bool:
        if (shown.around is None) is not (other.around is None):
            return False
        self.blocks = (_tree(shown.body),)
        self._pair((shown.chain.input, *shown.body.inputs), (other.chain.input, *other.body.inputs))
        return self._nodes(shown.chain.nodes, other.chain.nodes, {}, {}, shown.around is not None)

    def _pair(self, shown: Sequence[Tensor], other: Sequence[Tensor]) -> None:
        self.pairs |= {(a.root, b.root) for a, b in zip(shown, other, strict=False)}

    def _are_pairs(self, shown: Sequence[Tensor], other: Sequence[Tensor]) -> bool:
        pairs = zip(shown, other, strict=False)
        return len(shown) == len(other) and all(
            a.root is b.root or (a.root, b.root) in self.pairs for a, b in pairs
        )

    def _nodes(
        self, shown: list[Node], other: list[Node], ours: Terms, theirs: Terms, outside: bool
    ) -> bool:
        """Whether statements look the same; `outside` where the block is called from here."""
        if len(shown) != len(other):
            return False
        for a, b in zip(shown, other, strict=True):
            self.compared += 1
            if self.compared > _MOST or not self._node(a, b, ours, theirs, outside):
                return False
            self._pair((a.output,), (b.output,))
        return True

    def _node(self, a: Node, b: Node, ours: Terms, theirs: Terms, outside: bool) -> bool:
        match a, b:
            case Apply(), Apply():
                return self._apply(a, b, ours, theirs)
            case Call(), Call():
                return self._call(a, b, ours, theirs, outside)
            case Choice(), Choice():
                return self._choice(a, b, ours, theirs, outside)
            case Loop(), Loop():
                return self._loop(a, b, ours, theirs, outside)
            case Branches(), Branches():
                sides = self._chains(a, b, ours, theirs, outside)
                return (
                    a.keyword == b.keyword and sides and self._apply(a.merge, b.merge, ours, theirs)
                )
            case (Scope(), Scope()) | (Reused(), Reused()) | (AuxHead(), AuxHead()):
                return self._chains(a, b, ours, theirs, outside)
            case Ref(), Ref():
                return self._are_pairs((a.output,), (b.output,))
            case Output(), Output():
                return a.name == b.name
        return False

    def _chains(self, a: Node, b: Node, ours: Terms, theirs: Terms, outside: bool) -> bool:
        """What is inside two nodes."""
        shown, other = list(children(a)), list(children(b))
        return len(shown) == len(other) and all(
            self._nodes(x.nodes, y.nodes, ours, theirs, outside)
            for x, y in zip(shown, other, strict=True)
        )

    def _apply(self, a: Apply, b: Apply, ours: Terms, theirs: Terms) -> bool:
        words, others = block_words(a, ours), block_words(b, theirs)
        self.words += words
        if words[0] != others[0] or a.again != b.again or len(a.inputs) != len(b.inputs):
            return False
        if is_merge(a):
            return True  # what comes in may be wider from pass to pass
        return words == others and self._are_pairs(a.sizes, b.sizes)

    def _call(self, a: Call, b: Call, ours: Terms, theirs: Terms, outside: bool) -> bool:
        trees = [_tree(call.body) for call in (a, b)]
        if trees[0] is not trees[1] or not self._are_pairs(a.tensors, b.tensors):
            return False
        self._pair(a.body.inputs, b.body.inputs)
        ours, theirs = ({}, {}) if outside else (called_with(a, ours), called_with(b, theirs))
        self.blocks, self.calls = (*self.blocks, trees[0]), (*self.calls, a.span)
        same = self._nodes(a.body.chain.nodes, b.body.chain.nodes, ours, theirs, False)
        self.blocks, self.calls = self.blocks[:-1], self.calls[:-1]
        self._pair(a.outputs, b.outputs)
        return same

    def _choice(self, a: Choice, b: Choice, ours: Terms, theirs: Terms, outside: bool) -> bool:
        skipped = bool(a.chain.nodes) and not b.chain.nodes
        test = self._test(a, b, ours, theirs) if skipped else ""
        if self.asked.setdefault(a, test) != test:
            return False  # calls that share a body, drawn with one note, and it is not true of all
        if not skipped:
            return self._nodes(a.chain.nodes, b.chain.nodes, ours, theirs, outside)
        if not test or any(self._is_inside_itself(node) for node in _under(a.chain)):
            return False
        for node in _under(a.chain):
            known = self.notes.tests.get(node, [])
            self.notes.tests[node] = known if test in known else [*known, test]
        return True

    def _is_inside_itself(self, node: Node) -> bool:
        """Whether a block calls itself: then it has no box, which could say when it does."""
        return isinstance(node, Call) and _tree(node.body) in self.blocks

    def _loop(self, a: Loop, b: Loop, ours: Terms, theirs: Terms, outside: bool) -> bool:
        """The same passes; or one that stands for all, where they look alike."""
        outer = self.passes
        is_said = self._says(a.count if a.items is None else a.items, ours)
        self.passes = (*outer, *a.names)
        many = len(a.iterations) > 1 and bool(b.iterations)
        same = many and (is_said or _values(a, ours) == _values(b, theirs))
        same = same and self._folds(a, b, ours, theirs, outside, is_said)
        if not same and not any((self.calls, it) in self.notes.counts for it in a.iterations[:1]):
            same = self._one_by_one(a, b, ours, theirs, outside)
        self.passes = outer
        return same

    def _one_by_one(self, a: Loop, b: Loop, ours: Terms, theirs: Terms, outside: bool) -> bool:
        """The same passes, with numbers for the loop's names where these are always the same."""
        before = len(self.words)
        same = self._chains(a, b, ours, theirs, outside)
        if same and any(_is_named(name, self.words[before:]) for name in a.names):
            for chain, one, other in zip(
                a.iterations, _values(a, ours), _values(b, theirs), strict=True
            ):
                known = {n: x for n, x in zip(a.names, one, strict=True) if _is_expr(x)}
                place = self.calls, chain
                found = self.notes.values.setdefault(place, known)
                self.notes.values[place] = found if one == other else {}
        return same

    def _folds(
        self, a: Loop, b: Loop, ours: Terms, theirs: Terms, outside: bool, is_said: bool
    ) -> bool:
        """Whether all passes of two loops look like the first of `a`, which stands for them.

        There are as many as the block says; or of a list, or always so many, and their words name
        what differs.
        """
        first, place = a.iterations[0], (self.calls, a.iterations[0])
        words, others = self._words(a, ours, outside), self._words(b, theirs, outside)
        if words is None or others is None:
            return False
        asked = [at for at, name in enumerate(a.names) if _is_named(name, words)]
        if not asked and not (is_said and a.items is None):
            return False
        if not self.passes_alike(first, b.iterations[0], ours, theirs, outside):
            return False
        self._pair((first.output,), (b.iterations[-1].output,))
        text = format_expr(in_terms(a.count, ours)) if is_said else str(len(a.iterations))
        self.notes.counts[place] = text if text.isidentifier() or text.isdigit() else f"({text})"
        self.notes.lengths[place] = len(a.iterations)
        if asked and is_said and a.items is not None:
            items = format_expr(in_terms(a.items, ours))
            self.notes.ranges[place] = f"{', '.join(a.names)} in {items}"
        elif asked:
            self.notes.ranges[place] = ", ".join(_range(a, at, ours) for at in asked)
        return True

    def _words(self, loop: Loop, terms: Terms, outside: bool) -> list[str] | None:
        """What the passes of one loop say; None where they do not look the same."""
        first, *rest = loop.iterations
        own = replace(self, notes=SourceNotes(), pairs=set(self.pairs), asked={}, words=[])
        same = all(
            own.passes_alike(first, other, terms, terms, outside) for other in rest or [first]
        )
        self.compared = own.compared
        return own.words if same and not own.notes.tests else None

    def passes_alike(self, a: Chain, b: Chain, ours: Terms, theirs: Terms, outside: bool) -> bool:
        self._pair((a.input,), (b.input,))
        return self._nodes(a.nodes, b.nodes, ours, theirs, outside)

    def _says(self, expr: symbolic.Expr, terms: Terms) -> bool:
        """Whether an expression is one that hangs on what the block is given, and on that alone."""
        shown, (outer, *_, inner) = in_terms(expr, terms), (*self.blocks, self.blocks[-1])
        if inner is not None and outer is not None and inner is not outer:
            # What a call inside leaves to its default, or means of the network.
            own = {formal.name.id for formal in (*inner.formals, *outer.formals)}
            if not expr.variables() & own <= terms.keys():
                return False
        return shown.constant is None and shown.variables().isdisjoint(self.passes)

    def _test(self, choice: Choice, skipped: Choice, terms: Terms, theirs: Terms) -> str:
        """Under what the arm that was taken is there; "" where a card cannot say it.

        As where it hangs on the size of a map, which is a number here.
        """
        if choice.test is None or skipped.test is None or not self._says(choice.test, terms):
            return ""
        asked = in_terms(choice.test, terms)
        if asked != in_terms(skipped.test, theirs) or asks_size(choice.tree.test):
            return ""
        text = " ".join(choice.tree.test.span.text.split())
        text = re.sub(r"^\(([^()]*)\)$", r"\1", text)
        if terms or "in." in text:  # which may be what comes in here, not into the block
            text = symbolic.render(asked).replace("math.", "")
        return text if choice.taken else f"not ({text})"


def _is_named(name: str, words: list[str]) -> bool:
    return any(re.search(rf"\b{re.escape(name)}\b", text) for text in words)


def _range(loop: Loop, at: int, terms: Terms) -> str:
    """`i = 0…n - 1`, `w = 16, 32`: what a name of a loop is in its passes."""
    if loop.start is not None and (loop.count.constant is None or len(loop.values) > _FEW):
        end = symbolic.add(symbolic.add(loop.start, loop.count), symbolic.const(-1))
        first, last = (format_expr(in_terms(expr, terms)) for expr in (loop.start, end))
        return f"{loop.names[at]} = {first}…{last}"
    values = [values[at] for values in _values(loop, terms)]
    texts = [format_expr(x) if _is_expr(x) else format_value(x) for x in values]
    return f"{loop.names[at]} = {', '.join(texts)}"


def _is_expr(value: Any) -> bool:
    return isinstance(value, symbolic.Expr)


def _values(loop: Loop, terms: Terms) -> list[tuple[Any, ...]]:
    """What the names of a loop are in its passes: expressions, and values that are no numbers."""
    found = []
    for values in loop.values:
        exprs = [translated(value, terms) for value in values]
        found.append(tuple(v if x is None else x for v, x in zip(values, exprs, strict=True)))
    return found


def _tree(body: Body) -> syntax.Block | None:
    return body.block.tree if body.block is not None else None


def _under(chain: Chain) -> Iterator[Node]:
    """What of an `if` stands in a drawing by itself."""
    for node in chain.nodes:
        match node:
            case Choice() | Loop() | Branches() | Reused():
                for inner in children(node):
                    yield from _under(inner)
                if isinstance(node, Branches):
                    yield node.merge
            case _:
                yield node
