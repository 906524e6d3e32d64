"""Scene to an interactive page: one HTML file with everything in it, Graphviz too.

Every card and box brings its piece of DOT, a box one for each way to show it: open and closed.
The page's script puts together those of what is open and lays them out in the browser, so that it
shows what `archc draw` draws. Text of the user is only ever inside the JSON or escaped DOT.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from typing import Any

from archc import data
from archc.analysis.receptive import Field
from archc.draw.anchors import FRAME, POINT
from archc.draw.collapse import boxes, card_of, cards
from archc.draw.dot import GRAPH, NODE_AND_EDGE, Writer
from archc.draw.scene import Box, Card, Scene
from archc.draw.theme import printed, recoloured
from archc.report.spelling.numbers import format_percent
from archc.report.spelling.shapes import format_dims, format_field
from archc.source import Source

_MOST_OPEN = 60  # cards with which a page starts open
_FOLDER = data.TEMPLATES / "page"


def whole_page(model: dict[str, Any], theme: str, has_title: bool) -> str:
    """The whole file, of what its script draws."""
    text = json.dumps(model, ensure_ascii=False, separators=(",", ":"))
    text = text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    parts = {
        "theme": theme,
        "title": html.escape(model["name"]),  # of the window
        "hidden": "" if has_title else " hidden",
        "css": _read("page.css"),
        "model": text,
        "viz": _read("viz-global.js"),
        "script": _read("page.js"),
    }
    made = ""
    for at, piece in enumerate(_read("page.html").split("{{")):
        key, _, rest = piece.partition("}}")
        made += parts[key] + rest if at else piece
    return made + "\n"


def page_model(
    scene: Scene,
    name: str,
    totals: str,
    description: str,
    theme: str,
    fields: dict[str, Field],
    source: Source | None = None,
) -> dict[str, Any]:
    """What the page's script draws, as data; with the places of the statements in a `source`.

    `fields` are the receptive fields of cards and boxes by their ids.
    """
    parts = _Model(scene, theme, fields, source).parts()
    return {"name": name, "totals": totals, "description": description, **parts}


def _sees(field: Field) -> str:
    """`sees 11×11 of the input, every 4`."""
    extent = format_field(field, "×")
    steps = list(dict.fromkeys(f"{axis.step:g}" for axis in field if axis.step))
    return f"sees {extent} of the input" + (f", every {format_dims(steps, '×')}" if steps else "")


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8").strip("\n")


class _Model:
    """The scene as data for the script; cards and boxes by number."""

    def __init__(
        self, scene: Scene, theme: str, fields: dict[str, Field], source: Source | None
    ) -> None:
        self.fields, self.source = fields, source
        self.scene, self.theme, self.writer = scene, theme, Writer(scene)
        self.printed: dict[str, str] = {}  # the colours on paper of those of a dark page
        everything: list[Card | Box] = [*cards(scene.root), *boxes(scene.root)]
        ids = [item.id for item in everything]
        ids += [middle.id for middle in self.writer.middles.values()]
        self.numbers = {id: at for at, id in enumerate(ids)}
        self.macs = sum(card.macs for card in cards(scene.root)) or 1

    def parts(self) -> dict[str, Any]:
        left, right = self.writer.upright()
        edges = [
            *([self.numbers[a], self.numbers[b], more, None] for a, b, more in left),
            *self._edges(),
            *([self.numbers[a], self.numbers[b], more, None] for a, b, more in right),
        ]
        large = sum(1 for _ in cards(self.scene.root)) > _MOST_OPEN
        return {
            "graph": self._tinted(f"graph [{GRAPH}];\n{NODE_AND_EDGE}"),
            "items": list(self._items(self.scene.root)),
            "edges": edges,
            "levels": [[self.numbers[id] for id in ids] for ids in self.scene.levels],
            "closed": [self.numbers[b.id] for b in boxes(self.scene.root)] if large else [],
            "printed": self.printed,
        }

    def _edges(self) -> list[list[Any]]:
        edges: list[list[Any]] = []
        for edge in sorted(self.scene.edges, key=lambda edge: edge.training_only):
            edges += (
                [self.numbers[a], self.numbers[b], more, None]
                for a, b, more in self.writer.before(edge)
            )
            edges.append(
                [
                    self.numbers[edge.tail],
                    self.numbers[edge.head],
                    self._tinted(self.writer.edge_attributes(edge)),
                    self._tinted(self.writer.outer_attributes(edge)),
                ]
            )
        return edges

    def _items(self, box: Box) -> Iterator[dict[str, Any]]:
        for item in box.items:
            middle = self.writer.middles.get(item.id)
            if middle is not None:  # it has nothing to say, so that no search finds it
                nothing = {"id": "", "text": "", "about": {"source": [], "facts": []}}
                frame = {"frame": FRAME} if middle.among_boxes else {}
                yield {"k": self.numbers[middle.id], "dot": POINT, **frame, **nothing}
            yield self._item(item)

    def _item(self, item: Card | Box) -> dict[str, Any]:
        shared: dict[str, Any] = {"k": self.numbers[item.id], "id": item.id}
        shared["about"] = self._about(item)
        if self.source is not None:
            own = (span for span in item.spans if span.source is self.source)
            shared["at"] = [[span.start, span.end] for span in own]
        if isinstance(item, Card):
            text = "".join(text for text, _ in item.title) + " " + " ".join(item.facts)
            return {**shared, "text": text, "dot": self._node(item)}
        return {
            **shared,
            "text": f"{item.name} {item.block}",
            "shut": self._node(card_of(item)),
            "cluster": self._tinted(self.writer.cluster_attributes(item)),
            "header": self._tinted(self.writer.header_attributes(item)),
            "items": list(self._items(item)),
        }

    def _node(self, card: Card) -> str:
        return self._tinted(self.writer.node_attributes(card))

    def _tinted(self, dot: str) -> str:
        self.printed |= printed(dot, self.theme)
        return recoloured(dot, self.theme)

    def _about(self, item: Card | Box) -> dict[str, list[str]]:
        lines = item.tooltip.split("\n")
        source = [line for line in lines if "  (line " in line]
        facts = [line for line in lines if line not in source]
        if (field := self.fields.get(item.id)) is not None:
            facts.append(_sees(field))
        if item.macs:
            facts.append(f"{format_percent(item.macs / self.macs)} % of all MACs")
        return {"source": source, "facts": facts}
