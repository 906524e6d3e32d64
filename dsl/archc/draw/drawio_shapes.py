"""Scene to draw.io: cards and boxes as shapes that people move, the boxes as their containers."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from archc.draw.legend import Heading, hottest, title_lines
from archc.draw.lettering import Lettering, Line, card_facts, card_title, continued, header
from archc.draw.placed import Curve, Placed, Rectangle
from archc.draw.scene import Box, Card
from archc.draw.style import BOXES, FAINT, INK, LINE, SKIP, heat, look, plain

_STRIP = 4  # points: the coloured edge of a card
_COST = 40  # the width of the cell at its right
_TEXT = f"html=1;whiteSpace=wrap;fontFamily=Helvetica;fontColor={INK};"
_PLAIN = "text;fillColor=none;strokeColor=none;"
_FIXED = "connectable=0;movable=0;resizable=0;rotatable=0;"  # it moves with its card


def diagram(placed: Placed, head: Heading, hidden: frozenset[str] = frozenset()) -> str:
    """The drawing as a file of draw.io (diagrams.net)."""
    return "\n".join(DrawioWriter(placed).lines(head, hidden)) + "\n"


class DrawioWriter:
    def __init__(self, placed: Placed) -> None:
        self.placed = placed
        self.hottest = hottest(placed.scene) or 1
        self.ids: dict[str, str] = {}  # by the ids of cards and boxes: what edges end at

    def lines(self, head: Heading, hidden: frozenset[str]) -> Iterator[str]:
        yield '<mxfile host="archc">'
        yield f"<diagram name={_quoted(head.name)}>"
        yield '<mxGraphModel grid="0" page="0" background="#ffffff"><root>'
        yield '<mxCell id="0"/><mxCell id="1" parent="0"/>'
        if title := title_lines(head, hidden):
            yield self._title(title)
        whole = Rectangle(0, 0, self.placed.width, self.placed.height)
        yield from self._contents(self.placed.scene.root, "1", whole)
        for at, curve in enumerate(self.placed.curves):
            yield self._edge(f"edge{at}", curve)
        yield "</root></mxGraphModel>"
        yield "</diagram>"
        yield "</mxfile>"

    def _title(self, lines: list[Line]) -> str:
        place = Rectangle(0, -54, max(self.placed.width, 480), 44)
        return _vertex("title", "1", place, f"{_PLAIN}align=left;{_TEXT}", _html(lines))

    # --- boxes and cards

    def _contents(self, box: Box, parent: str, around: Rectangle) -> Iterator[str]:
        for item in box.items:
            if isinstance(item, Card):
                yield from self._card(item, parent, around)
            elif item.kind == "column":
                yield from self._contents(item, parent, around)
            else:
                yield from self._box(item, parent, around)

    def _box(self, box: Box, parent: str, around: Rectangle) -> Iterator[str]:
        frame = self.placed.boxes[box.id]
        border, fill, style, width = BOXES[box.kind]
        id = f"box{len(self.ids)}"
        look = (
            f"rounded=1;absoluteArcSize=1;arcSize=12;container=1;collapsible=0;fillColor={fill};"
            f"strokeColor={border};strokeWidth={width:g};dashed={int('dashed' in style)};{_TEXT}"
        )
        has_header = box.id in self.placed.items
        text = "" if has_header else _html([continued(box)])
        top = "align=left;verticalAlign=top;spacingLeft=8;"
        yield _vertex(id, parent, frame.inside(around), top + look, text)
        self.ids[box.id] = f"{id}-head" if has_header else id
        if has_header:
            place = self.placed.items[box.id].inside(frame)
            yield _vertex(self.ids[box.id], id, place, f"{_PLAIN}{_TEXT}", _html(header(box)))
        yield from self._contents(box, id, frame)

    def _card(self, card: Card, parent: str, around: Rectangle) -> Iterator[str]:
        place = self.placed.items[card.id].inside(around)
        _, strip, tint = look(card.category)
        id = self.ids[card.id] = f"card{len(self.ids)}"
        colours = f"fillColor={tint};strokeColor={strip};{_TEXT}"
        if card.pill:
            yield _vertex(
                id, parent, place, f"rounded=1;arcSize=40;{colours}", _html([card_title(card)])
            )
            return
        room = f"spacingLeft={_STRIP + 1};spacingRight={_COST * bool(card.cost)};"
        lines = [card_title(card), card_facts(card)]
        style = f"rounded=0;align=left;container=1;collapsible=0;{room}{colours}"
        yield _vertex(id, parent, place, style, _html(lines))
        bar = Rectangle(0, 0, _STRIP, place.height)
        yield _vertex(f"{id}-strip", id, bar, f"fillColor={strip};strokeColor=none;{_FIXED}")
        if card.cost:
            fill, ink = heat(card.macs / self.hottest)
            cell = Rectangle(place.width - _COST, 0, _COST, place.height)
            style = f"fillColor={fill};strokeColor={strip};{_FIXED}{_TEXT}"
            yield _vertex(f"{id}-cost", id, cell, style, _html([[Lettering(card.cost, 9, ink)]]))

    # --- edges

    def _edge(self, id: str, curve: Curve) -> str:
        edge = curve.edge
        colour = LINE if edge.trunk or edge.size else FAINT if edge.training_only else SKIP
        dashes = "" if edge.trunk else f"dashed=1;dashPattern={'1 3' if edge.size else '4 3'};"
        style = (
            f"endArrow=classic;endSize=3;curved=1;strokeColor={colour};{dashes}"
            f"fontSize=8;fontColor={LINE};labelBackgroundColor=none;align=left;"
        )
        label = edge.label if curve.labelled else ""
        knots = () if curve.is_upright else curve.points[3:-1:3]
        points = "".join(f'<mxPoint x="{x:.0f}" y="{y:.0f}"/>' for x, y in knots)
        listed = f'<Array as="points">{points}</Array>' if points else ""
        ends = f'source="{self.ids[edge.tail]}" target="{self.ids[edge.head]}"'
        return (
            f'<mxCell id="{id}" value={_quoted(label)} style="{style}{self._anchors(curve)}" '
            f'edge="1" parent="1" {ends}>'
            f'<mxGeometry relative="1" as="geometry">{listed}</mxGeometry></mxCell>'
        )

    def _anchors(self, curve: Curve) -> str:
        """Where on its tail and its head an edge ends, each as shares of their sizes."""
        found = []
        ends = (curve.edge.tail, curve.points[0]), (curve.edge.head, curve.points[-1])
        for word, (item, (x, y)) in zip(("exit", "entry"), ends, strict=True):
            place = self.placed.items[item]
            across = (x - place.left) / place.width
            down = (y - place.top) / place.height
            found.append(f"{word}X={_share(across)};{word}Y={_share(down)};")
        return "".join(found)


def _share(value: float) -> str:
    return f"{min(max(value, 0.0), 1.0):.3g}"


def _vertex(id: str, parent: str, place: Rectangle, style: str, value: str = "") -> str:
    return (
        f'<mxCell id="{id}" value={_quoted(value)} style="{style}" vertex="1" parent="{parent}">'
        f'<mxGeometry x="{place.left:.1f}" y="{place.top:.1f}" width="{place.width:.1f}" '
        f'height="{place.height:.1f}" as="geometry"/></mxCell>'
    )


def _html(lines: list[Line]) -> str:
    """What draw.io shows in a shape: HTML, in which text is escaped once more."""
    return "<br>".join("".join(map(_span, line)) for line in lines if any(p.text for p in line))


def _span(piece: Lettering) -> str:
    text = escape(plain(piece.text)).replace("  ", "&nbsp; ")
    style = f"font-size:{piece.points:g}px;color:{piece.colour or INK}"
    text = f'<span style="{style}">{text}</span>'
    return f"<b>{text}</b>" if piece.bold else text


def _quoted(text: str) -> str:
    """An attribute's value, in quotes."""
    return quoteattr(plain(text))
