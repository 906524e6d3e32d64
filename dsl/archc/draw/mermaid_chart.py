"""Scene to Mermaid: a flowchart that code hosts draw inside a README."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archc.draw.boxes import title
from archc.draw.collapse import boxes, cards
from archc.draw.limits import MERMAID_CHARACTERS, MERMAID_EDGES
from archc.draw.scene import Box, Card, Scene
from archc.draw.style import LOOKS, SKIP, category_of, look, plain

_EDGE = re.compile(r"^ +n\d+ (?:-->|-\.->)", re.MULTILINE)
_MARK = 300  # characters that a file has more: it says that archc wrote it
_SIGNS = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "#": "35", "`": "96", "\\": "92"}


def flowchart(scene: Scene, name: str, direction: str = "down") -> str:
    """The drawing as Mermaid text."""
    return "\n".join(_lines(scene, name, "LR" if direction == "right" else "TB")) + "\n"


def excess(chart: str) -> str:
    """Says how a chart is too large for GitHub; nothing if it is not."""
    edges = len(_EDGE.findall(chart))
    characters = len(chart.encode("utf-16-le")) // 2  # as JavaScript counts
    if edges <= MERMAID_EDGES and characters <= MERMAID_CHARACTERS - _MARK:
        return ""
    return (
        f"the chart has {edges:,} arrows and {characters:,} characters, "
        f"and GitHub draws no more than {MERMAID_EDGES} and {MERMAID_CHARACTERS:,}"
    )


def _lines(scene: Scene, name: str, direction: str) -> Iterator[str]:
    everything: list[Card | Box] = [*cards(scene.root), *boxes(scene.root)]
    ids = {item.id: f"n{at}" for at, item in enumerate(everything)}
    yield f"%% {plain(name)}, drawn by archc"
    yield f"flowchart {direction}"
    yield from _items(scene.root, ids, "  ")
    dashed = []
    for at, edge in enumerate(scene.edges):
        arrow = "-->" if edge.trunk else "-.->"
        shown = f"|{_text(edge.label)}|" if edge.trunk else "|size|" * edge.size
        if edge.each > 1:
            shown = f'|"{_text(edge.label)}"|'  # quoted, for it has brackets
        yield f"  {ids[edge.tail]} {arrow}{shown} {ids[edge.head]}"
        dashed += [str(at)] if edge.skip else []
    used = {look(card.category) for card in cards(scene.root)}
    for category, colours in LOOKS.items():
        if colours in used:
            _, strip, tint = colours
            yield f"  classDef {category} fill:{tint},stroke:{strip},color:#0f172a"
    if dashed:
        yield f"  linkStyle {','.join(dashed)} stroke:{SKIP}"


def _items(box: Box, ids: dict[str, str], indent: str) -> Iterator[str]:
    for item in box.items:
        if isinstance(item, Card):
            yield f"{indent}{ids[item.id]}{_shape(item)}:::{category_of(item.category)}"
            continue
        count = f"×{item.count} " if item.count > 1 else ""
        name = f"{item.above}  " if item.above else ""
        heading = _text(f"{count}{name}{title(item.name, item.block)}".strip() or "run")
        facts = _text(" · ".join(item.facts)) or "in"
        yield f'{indent}subgraph {ids[item.id]}b["{heading}"]'
        yield f'{indent}  {ids[item.id]}(["{facts}"])'
        yield from _items(item, ids, indent + "  ")
        yield f"{indent}end"


def _shape(card: Card) -> str:
    lines = ["".join(text for text, _ in card.title), " · ".join(card.facts), card.cost]
    text = "<br>".join(_text(line) for line in lines if line)
    return f'(("{text}"))' if card.pill else f'["{text}"]'


def _text(text: str) -> str:
    """Text between quotes: signs that Mermaid or HTML would read are its `#code;`s."""
    return "".join(f"#{_SIGNS[c]};" if c in _SIGNS else c for c in plain(text))
