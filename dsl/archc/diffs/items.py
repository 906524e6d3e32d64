"""Statements, ready to compare.

An item's signature says what it computes, with all numbers, and nothing of names and shapes: equal
signatures compute the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from archc.analysis.costs import Cost
from archc.diffs.words import AttributeText, format_operator
from archc.plan import Call, Tensor
from archc.report.spelling.expressions import Terms
from archc.report.spelling.statements import source_text
from archc.source import Span

_LONGEST = 400  # characters of a statement in a page
_NOTHING = Cost()


@dataclass(frozen=True, slots=True)
class TensorReference:
    """A tensor that is asked for by its label."""

    text: str  # as written: `@enc1`
    target: Tensor


@dataclass(eq=False, slots=True)
class OutlineItem:
    """A statement. `inside` are the sequences in it: branches, iterations, a group's one."""

    kind: str  # op call group branches branch loop aux again input goto mark bracket
    head: str  # the operator, the block, the combinator
    span: Span
    signature: int
    output: Tensor
    label: str | None = None
    name: str = ""  # of the module
    words: tuple[AttributeText, ...] = ()
    inside: tuple[tuple[OutlineItem, ...], ...] = ()
    cost: Cost = _NOTHING
    bag: Counter[str] = field(default_factory=Counter)  # operators in it, by name
    size: int = 1  # operators when unfolded
    weight: float = 0.5  # how much it counts in an alignment
    category: str = ""
    references: tuple[TensorReference, ...] = ()
    count: int = 1  # iterations of a loop
    call: Call | None = None
    terms: Terms = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What to call it in a sentence."""
        return self.label or self.name or self.head

    @property
    def text(self) -> str:
        """The statement without its label: an operator with its numbers, else as written."""
        if self.kind == "op":
            return format_operator(self.head, [(word, word.shown) for word in self.words])
        if self.kind == "branch":
            return "; ".join(item.text for item in self.inside[0])
        single = self.single
        if self.kind == "bracket":
            return self.head
        if self.kind != "loop":
            return source_text(self.span)
        if single is not None:
            return f"{single.text} * {self.count}"
        if self.uniform:
            return f"{{ {'; '.join(item.text for item in self.inside[0])} }} * {self.count}"
        return f"{source_text(self.span)} * {self.count}"

    @property
    def heading(self) -> str:
        """Of a loop whose iterations differ: `for w in [8, 16]`."""
        text = source_text(self.span, _LONGEST)
        various = self.kind == "loop" and not self.uniform and text.startswith("for ")
        return text.partition(" {")[0] if various else ""

    @property
    def uniform(self) -> bool:
        """Whether all iterations of a loop do the same, be it on other shapes."""
        return len({tuple(item.signature for item in items) for items in self.inside}) == 1

    @property
    def full(self) -> str:
        """The same, however long it is."""
        if self.kind in ("op", "bracket", "branch"):
            return self.text
        times = f" * {self.count}" if self.kind != "loop" and self.count > 1 else ""
        if self.kind == "loop" and not self.span.text.startswith("for"):
            times = f" * {self.count}"
        return source_text(self.span, _LONGEST) + times

    @property
    def written(self) -> str:
        """The same with the expressions that its numbers came from."""
        if self.kind == "op":
            return format_operator(self.head, [(word, word.written) for word in self.words])
        return self.text if self.kind in ("input", "bracket") else source_text(self.span)

    @property
    def single(self) -> OutlineItem | None:
        """What a loop repeats, where that is one statement."""
        first = self.inside[0] if self.kind == "loop" and self.inside else ()
        alike = all(len(i) == 1 and i[0].kind == first[0].kind for i in self.inside) if first else 0
        return first[0] if len(first) == 1 and alike else None

    def walk(self) -> Iterator[OutlineItem]:
        """This item and all in it, calls left closed."""
        yield self
        for items in self.inside:
            for item in items:
                yield from item.walk()


def sums(items: Iterable[OutlineItem]) -> tuple[Cost, Counter[str], float, int]:
    """Of what is in a container: its costs, its operators, its weight, its size."""
    cost, bag, weight, size = Cost(), Counter[str](), 0.0, 0
    for item in items:
        cost += item.cost
        bag.update(item.bag)
        weight += item.weight
        size += item.size
    return cost, bag, max(0.5, weight), size


def sum_up(item: OutlineItem, inner: Iterable[OutlineItem]) -> None:
    """Make an item the sum of what is in it."""
    item.cost, item.bag, item.weight, item.size = sums(inner)
