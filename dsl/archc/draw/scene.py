"""What a drawing consists of, before it is DOT: cards, boxes around them, edges between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from archc.ops import Shape
from archc.plan import Apply, Body, Chain
from archc.report.spelling.shapes import format_shape
from archc.source import Span

SHARED = "shared weights"  # what a card says that runs modules once more
BESIDE = "side by side"  # what a fold says whose copies are branches, none after another
SUM = "Σ"  # before what copies that are not alike have together
TRAINING = "training only"  # what a side classifier says


@dataclass(eq=False, slots=True)
class Card:
    """One or several operators in a row: `conv 3×3 · bn · relu`."""

    id: str
    category: str
    title: list[tuple[str, bool]]  # pieces of text, bold or not
    facts: list[str]  # the line below
    tooltip: str
    macs: int = 0  # of all its copies, for the heat
    cost: str = ""  # the MACs as text
    resized: bool = False  # the spatial size changes here
    pill: bool = False  # a merge: a small rounded sign in the stream
    name: str = ""  # as in the module tree, without what is around it
    channels: str = ""  # `64 → 128`
    output: Shape | None = None
    params: int = 0  # of all its copies
    groups: int = 1  # of channels that do not see each other
    block: str = ""  # whose only operators they are
    spans: tuple[Span, ...] = ()  # the statements that it shows
    calls: tuple[Span, ...] = ()  # those that lead to it in a block's card
    row: list[list[tuple[Apply, int]]] = field(default_factory=list)  # its operators, as lanes


@dataclass(eq=False, slots=True)
class Box:
    """A cluster. Its header is a node of the same id, which everything enters through."""

    id: str
    kind: str  # group, block, fold, aux; `network` around it all, `column` of a long one
    name: str = ""
    block: str = ""
    above: str = ""  # the title of the box around, where this one stands for both
    label: bool = False  # the name was written, not made up
    count: int = 1
    times: str = ""  # the count as the block writes it
    facts: list[str] = field(default_factory=list)
    tooltip: str = ""
    macs: int = 0  # of all copies
    params: int = 0
    output: Shape | None = None
    items: list[Card | Box] = field(default_factory=list)
    call: Called | None = None
    chain: Chain | None = None  # of a group
    dense: Chain | None = None  # the first of passes that append what they make to what comes in
    part: int = 0  # which, of one that goes on in another column
    spans: tuple[Span, ...] = ()

    @property
    def beside(self) -> bool:
        """Whether it is drawn once for several branches."""
        return BESIDE in self.facts


@dataclass(frozen=True, slots=True)
class Called:
    """The block that a box stands for: one of its instances, and what they were called with."""

    name: str  # of the instances
    body: Body
    args: str  # `64, 96, 128, 16, 32, 32`, as written
    times: int  # in a row
    notes: str = ""  # what else is to be said of these instances
    around: Chain | None = None  # a group that does a little more than call the block
    dense: bool = False  # each of these appends what it makes to what comes in


@dataclass(frozen=True, slots=True)
class Port:
    """What makes a tensor: the id of a card or header. A bundle of columns has several.

    `last` is the shape of the last of several copies, where it is another; with `each` it stands
    for what so many copies make, one by one.
    """

    id: str
    shape: Shape
    last: Shape | None = None
    each: int = 1


Ports = tuple[Port, ...]


@dataclass(frozen=True, slots=True)
class Edge:
    tail: str
    head: str
    shape: Shape
    skip: bool = False  # around something: dashed
    training_only: bool = False  # to an auxiliary head
    size: bool = False  # it gives its height and width, and no data: dotted
    last: Shape | None = None  # of the last copy of what is drawn once
    each: int = 1  # tensors: one of each copy

    @property
    def label(self) -> str:
        """`20×20×64`, or `20×20×64…128` where more comes from copy to copy.

        `10 × (4096×64)` where each of ten copies gives one.
        """
        return f"{self.each} × ({self._shapes})" if self.each > 1 else self._shapes

    @property
    def _shapes(self) -> str:
        text = format_shape(self.shape)
        if self.last is None or self.last == self.shape:
            return text
        last = format_shape(self.last)
        same = text.rpartition("×")[0] == last.rpartition("×")[0]
        return f"{text}…{last.rpartition('×')[2] if same else last}"

    @property
    def trunk(self) -> bool:
        """Whether it may lie on the way from the input to the output."""
        return not (self.skip or self.training_only or self.size)


@dataclass(eq=False, slots=True)
class Scene:
    root: Box
    edges: list[Edge] = field(default_factory=list)
    levels: list[list[str]] = field(default_factory=list)  # ids that stand side by side


def all_items(box: Box) -> Iterator[Card | Box]:
    """All cards and boxes in a box, each box before what is in it."""
    for item in box.items:
        yield item
        if isinstance(item, Box):
            yield from all_items(item)
