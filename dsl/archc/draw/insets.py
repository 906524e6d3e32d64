"""What cards of the view `paper` show as papers draw it: groups as paths, a dense block's arcs.

A convolution in groups is the paths that it is, as in Xie et al. 2017; where passes of a repeat
append what they make to what comes in, each sees all before it, as in Huang et al. 2017.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from archc.draw import cards, collapse
from archc.draw.dot import Writer
from archc.draw.scene import Box, Called, Card, Edge, Scene
from archc.draw.style import GREY, INK, SKIP, font, look, quoted, series
from archc.plan import Apply, Body, Call, Chain, Loop, Node, walk
from archc.source import Span

_FEWEST = 3  # paths, or passes: fewer are told by what is drawn anyway
_ALL = 4  # so many are drawn; of more the first two and the last
_ARC = f'constraint=false, style=dashed, color="{SKIP}", weight=1'


@dataclass(frozen=True, slots=True)
class GroupPaths:
    """A convolution in groups: `32 paths`, and what each makes of what, in lines."""

    count: str
    few: int  # how many, where all are drawn
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Connections:
    """Passes of a repeat that each read all before them: its box, and what the row says."""

    box: str
    row: tuple[str, ...]  # `x`, `1`, `2`, `…`, `layers`


@dataclass(frozen=True, slots=True)
class Insets:
    """Those of a template; `paths` by the card's id."""

    paths: dict[str, GroupPaths] = field(default_factory=dict)
    connections: Connections | None = None


# --- found in the plan -------------------------------------------------------------------


def insets(scene: Scene, calls: Sequence[Called], repeat: Box | None = None) -> Insets:
    """Those of a block's card that stands for some calls; or of a repeat's, in numbers."""
    chains = [call.around or call.body.chain for call in calls]
    found = ((card.id, _paths(card, calls)) for card in collapse.cards(scene.root))
    paths = {id: made for id, made in found if made is not None}
    boxes = [*collapse.boxes(scene.root), *([repeat] if repeat is not None else [])]
    rows = [(box.id, _row(box, chains)) for box in boxes if box.dense is not None]
    times = {call.times for call in calls}
    if calls and all(call.dense for call in calls) and len(times) == 1:
        block = next(collapse.cards(scene.root)).id.removesuffix(".x")
        rows.append((block, _numbered(times, str(calls[0].times))))
    dense = [Connections(id, row) for id, row in rows if row]
    return Insets(paths, dense[0] if len(dense) == 1 else None)  # Graphviz ranks no more of them


def _row(box: Box, chains: Iterable[Chain]) -> tuple[str, ...]:
    """`x`, `1`, `2`, `…`, `layers`; nothing where that would say little."""
    counts = {box.count}
    if box.times:
        loops = [node for node in _all(chains) if isinstance(node, Loop)]
        trees = {id(x.tree) for x in loops if x.iterations and x.iterations[0] is box.dense}
        counts |= {len(loop.iterations) for loop in loops if id(loop.tree) in trees}
    last = box.times.removeprefix("(").removesuffix(")") or str(box.count)
    return _numbered(counts, last)


def _numbered(counts: set[int], last: str) -> tuple[str, ...]:
    if len(counts) == 1 and _FEWEST <= min(counts) <= _ALL:
        return ("x", *(str(at + 1) for at in range(min(counts))))
    return ("x", "1", "2", "…", last) if min(counts) >= _ALL else ()


def _all(chains: Iterable[Chain]) -> Iterator[Node]:
    """Every node of some chains, those of blocks that are called, too, each body once."""
    left, seen = [*chains], set[Body]()
    for chain in left:  # it grows
        for node in walk(chain.nodes):
            yield node
            if isinstance(node, Call) and node.body not in seen:
                seen.add(node.body)
                left.append(node.body.chain)


def _at(place: tuple[Span, ...], chain: Chain) -> list[Apply]:
    """The operators at a place in a chain, which every pass of a loop has.

    It is the spans of the calls that lead there, and its own.
    """
    found: list[Node] = []
    chains = [chain]
    for span in place:
        found = [node for inner in chains for node in walk(inner.nodes) if node.span == span]
        chains = [
            body.chain for body in dict.fromkeys(n.body for n in found if isinstance(n, Call))
        ]
    return [node for node in found if isinstance(node, Apply)]


def _paths(card: Card, calls: Sequence[Called]) -> GroupPaths | None:
    """A card's convolution as paths, where it is in groups in all calls, the same in each pass."""
    if not card.row or cards.groups(cards.main(card.row)[0][0]) == 1:
        return None
    applies = [apply for apply, _ in cards.main(card.row)]
    if calls:
        place = (*card.calls, applies[0].span)
        in_each = [_at(place, call.around or call.body.chain) for call in calls]
        if any(len({(cards.groups(a), *cards.path(a)) for a in found}) > 1 for found in in_each):
            return None
        applies = [apply for found in in_each for apply in found]
    if not all(_FEWEST <= cards.groups(a) < int(a.shapes[0].channels) for a in applies):
        return None
    counts = [*dict.fromkeys(cards.groups(apply) for apply in applies)]
    each = [*dict.fromkeys(map(cards.path, applies))]
    lines = tuple(series([str(n) for n in column]) for column in zip(*each, strict=True))
    names = set(re.findall(r"[a-z_]\w*", card.channels, re.IGNORECASE))
    if len(each) == 1:
        lines = (" → ".join(lines),)
    else:
        if calls and names <= calls[0].body.args.keys():
            lines = tuple(card.channels.split(" → "))
        lines = (lines[0], f"→ {lines[1]}")
    few = counts[0] if len(counts) == 1 and counts[0] <= _ALL else 0
    return GroupPaths(f"{series([str(n) for n in counts])} paths", few, lines)


# --- drawn -------------------------------------------------------------------------------


@dataclass
class InsetWriter(Writer):
    """Draws a template with its insets."""

    insets: Insets = field(default_factory=Insets)

    def drawn(self, indent: str) -> Iterator[str]:
        yield from super().drawn(indent)
        if self.insets.connections is not None:
            yield from (indent + line for line in self._connections(self.insets.connections))

    def _is_in(self, id: str, box: Box) -> bool:
        """What is in a frame cannot be level with what is not."""
        return id not in self.insets.paths and super()._is_in(id, box)

    @property
    def last(self) -> str:
        """What stands at the bottom, or near it."""
        if self.insets.connections is not None:
            return _place(self.insets.connections, 1)
        return self._bottom([*self.cards][-1]) if self.cards else ""

    def _bottom(self, id: str) -> str:
        return f"{id} paths" if id in self.insets.paths else id

    # paths

    def nodes(self, card: Card) -> Iterator[str]:
        """A convolution in groups stands in a frame, over its paths."""
        paths = self.insets.paths.get(card.id)
        if paths is None:
            yield from super().nodes(card)
            return
        _, strip, tint = look(card.category)
        yield f"subgraph {quoted(f'cluster {card.id} in paths')} {{"
        yield (
            f'  graph [style="rounded,filled", color="{strip}", fillcolor="{tint}", penwidth=1, '
            f'margin=6, label="", tooltip={quoted(paths.count)}];'
        )
        yield f"  {self.node(card)}"
        said = f"label=<{_boxes(paths, strip)}>, tooltip={quoted(paths.count)}"
        yield f"  {quoted(self._bottom(card.id))} [{said}];"
        yield "}"
        ends = f"{quoted(card.id)} -> {quoted(self._bottom(card.id))}"
        yield f"{ends} [style=invis, weight=100, minlen=2];"
        for at in range(_boxed(paths)):
            yield f'{ends} [tailport=s, headport="path{at}:n", weight=1];'

    def edges(self, edge: Edge) -> Iterator[str]:
        paths = self.insets.paths.get(edge.tail)
        if paths is None:
            yield from super().edges(edge)
            return
        ends = f"{quoted(self._bottom(edge.tail))} -> {quoted(edge.head)}"
        if not edge.trunk:
            yield f"{ends} [{self.edge_attributes(edge)}];"
            return
        yield f"{ends} [style=invis, weight=100, minlen=2];"
        more = ", ".join(filter(None, (self.edge_attributes(edge), "weight=1")))
        for at in range(_boxed(paths)):
            yield f'{ends} [tailport="path{at}:s", {more}];'

    # connections

    def _connections(self, one: Connections) -> Iterator[str]:
        """The input and the layers in a row, with an arc from each to all behind it."""
        ids = [_place(one, at) for at in range(len(one.row))]
        _, strip, tint = look("conv")
        yield f"subgraph {quoted(f'cluster {one.box} connections')} {{"
        yield '  graph [peripheries=0, margin=4, label="", tooltip="connections"];'
        yield f"  {{rank=same; {'; '.join(map(quoted, ids))}}}"
        for id, text in zip(ids, one.row, strict=True):
            yield f"  {quoted(id)} [{_layer(text, strip, tint)}, tooltip={quoted(text)}];"
        for (at, tail), (to, head) in combinations(enumerate(ids), 2):
            more = f" [label=<{_high(to - at)}>, {_ARC}]" if to > at + 1 else ""
            yield f"  {quoted(tail)} -> {quoted(head)}{more};"
        yield "}"
        above = [id for id in self.cards if self.homes[id][-1].id == one.box] or [*self.cards]
        unseen = "style=invis, minlen=2, weight=1"
        yield f"{quoted(self._bottom(above[-1]))} -> {quoted(ids[1])} [{unseen}];"


def _place(one: Connections, at: int) -> str:
    return f"{one.box} at {at}"


def _high(steps: int) -> str:
    """Nothing, but as high as an arc is to be: Graphviz leads it around its label."""
    cell = f'<TD WIDTH="1" HEIGHT="{8 * steps + 8}"></TD>'
    table = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">'
    return f"{table}<TR>{cell}</TR></TABLE>"


def _layer(text: str, strip: str, tint: str) -> str:
    if text == "x":
        _, strip, tint = look("io")
        return (
            'label="x", shape=circle, fixedsize=true, width=0.26, fontsize=14, style="filled", '
            f'fillcolor="{tint}", color="{strip}", fontcolor="{strip}"'
        )
    if text == "…":
        return f"label=<{font(text, 12, GREY)}>"
    words = font("H", 10, INK, bold=True) + font(text, 7, GREY)
    return (
        f'label=<{words}>, shape=box, height=0.26, width=0.34, margin="0.06,0.03", '
        f'style="filled,rounded", fillcolor="{tint}", color="{strip}"'
    )


def _boxed(paths: GroupPaths) -> int:
    """How many paths are drawn."""
    return paths.few or 3


def _boxes(paths: GroupPaths, strip: str) -> str:
    """The first two paths and the last, or all of few, between them how many there are."""
    lines = "<BR/>".join(font(line, 8, INK) for line in paths.lines)
    cells = [
        f'<TD PORT="path{at}" BORDER="1" COLOR="{strip}" BGCOLOR="#ffffff">{lines}</TD>'
        for at in range(_boxed(paths))
    ]
    if not paths.few:
        cells.insert(2, f"<TD>{font(f'… {paths.count} …', 8, GREY)}</TD>")
    return (
        '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="4" CELLPADDING="3">'
        f"<TR>{''.join(cells)}</TR></TABLE>"
    )
