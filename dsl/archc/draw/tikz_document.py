"""Scene to TikZ: a document that LaTeX sets as it is, and whose nodes can be moved by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import atan2, degrees, sqrt

from archc.draw.legend import Heading, hottest, swatches, title_lines
from archc.draw.lettering import Lettering, Line, card_facts, card_title, continued, header
from archc.draw.placed import Curve, Placed, Point, Rectangle
from archc.draw.scene import Box, Card
from archc.draw.style import BOXES, FAINT, GREY, INK, LINE, LOOKS, SKIP, category_of, heat, plain

_SHADES = 8  # of the heat
_COLOURS = {"ink": INK, "grey": GREY, "line": LINE, "faint": FAINT, "skip": SKIP}
_SIGNS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "_": r"\_", "%": r"\%", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    '"': r"\textquotedbl{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    "×": r"$\times$", "·": r"$\cdot$", "→": r"$\to$", "−": "$-$", "≤": r"$\le$", "≥": r"$\ge$",
    "…": r"\ldots{}", "σ": r"$\sigma$", "√": r"$\surd$", "²": r"$^2$", "½": r"\textonehalf{}",
}  # fmt: skip
# Text commands: how high, bold or not, and the colour of the pieces that they are for.
_FONTS: dict[tuple[float, bool, str], str] = {
    (10, True, ""): "name", (10, True, INK): "name", (9, False, GREY): "more",
    (8, False, GREY): "fact", (8, False, LINE): "total", (12, True, SKIP): "repeated",
    (18, True, ""): "network", (11, False, GREY): "totals", (10, False, FAINT): "paper",
}  # fmt: skip
_PREAMBLE = r"""\documentclass[tikz, border=6pt]{standalone}
\usepackage[T1]{fontenc}
\usepackage{textcomp, helvet}
\renewcommand{\familydefault}{\sfdefault}
\usetikzlibrary{arrows.meta}
"""
_STYLES = r"""\tikzset{
  card/.style={draw, inner sep=0pt, align=left, line width=0.8pt},
  pill/.style={draw, rounded corners=4pt, inner sep=0pt, align=center, line width=0.8pt},
  strip/.style={path picture={\fill[fill=#1] (path picture bounding box.north west)
    rectangle ([xshift=4pt] path picture bounding box.south west);}},
  words/.style={anchor=west, xshift=7pt, inner sep=0pt, align=left},
  cost/.style={anchor=east, xshift=-0.8pt, inner sep=0pt, align=center, minimum width=40pt,
    font=\fontsize{9}{11}\selectfont},
  header/.style={inner sep=0pt, align=center},
  flow/.style={draw=line, line width=0.9pt, -{Stealth[length=4.5pt, width=3.5pt]}},
  skip/.style={flow, draw=skip, dashed},
  aux/.style={flow, draw=faint, dashed},
  size/.style={flow, line width=0.7pt, dotted},
  tensor shape/.style={right, inner sep=2pt, font=\fontsize{8}{9}\selectfont, text=line},"""


def document(placed: Placed, head: Heading, hidden: frozenset[str] = frozenset()) -> str:
    """The drawing as a document of LaTeX's class `standalone`."""
    return "\n".join(TikzWriter(placed).lines(head, hidden)) + "\n"


class TikzWriter:
    def __init__(self, placed: Placed) -> None:
        self.placed = placed
        self.cards = placed.cards()
        self.hottest = hottest(placed.scene) or 1
        self.names: dict[str, str] = {}
        drawn: list[Card | Box] = [*self.cards, *placed.opened()]
        for item in drawn:
            self.names[item.id] = self._name(_label_of(item))

    def _name(self, text: str) -> str:
        """A node's name: letters, digits and hyphens; a number where there are several."""
        word = re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-") or "node"
        known, at, name = set(self.names.values()), 1, word
        while name in known:
            at += 1
            name = f"{word}-{at}"
        return name

    def lines(self, head: Heading, hidden: frozenset[str]) -> Iterator[str]:
        yield f"% {plain(head.name)}, drawn by archc. A document by itself; in another one"
        yield r"% \includestandalone it, or take its tikzpicture, colours and styles."
        yield _PREAMBLE
        yield from self._colours()
        yield from self._styles()
        yield from _commands()
        yield r"\begin{document}"
        yield r"\begin{tikzpicture}[x=1pt, y=-1pt, text=ink]"
        yield from self._heading(head, hidden)
        yield "  % blocks and groups, the outer ones first"
        yield from map(self._frame, self.placed.opened())
        yield "  % layers"
        yield from (line for card in self.cards for line in self._card(card))
        yield "  % tensors"
        yield from map(self._curve, self.placed.curves)
        yield r"\end{tikzpicture}"
        yield r"\end{document}"

    # --- what is said once

    def _used(self) -> list[str]:
        found = {category_of(card.category) for card in self.cards}
        return [category for category in LOOKS if category in found]

    def _colours(self) -> Iterator[str]:
        for name, colour in _COLOURS.items():
            yield _definition(name, colour)
        for category in self._used():
            _, strip, tint = LOOKS[category]
            yield _definition(category, strip)
            yield _definition(f"{category}-tint", tint)
        for kind in dict.fromkeys(box.kind for box in self.placed.opened()):
            border, fill, *_ = BOXES[kind]
            yield _definition(f"{kind}-border", border)
            yield _definition(f"{kind}-fill", fill)
        for shade in sorted({self._shade(card) for card in self.cards if card.cost}):
            fill, ink = heat((shade / _SHADES) ** 2)
            yield _definition(f"heat{shade}", fill)
            yield _definition(f"on-heat{shade}", ink)

    def _styles(self) -> Iterator[str]:
        yield _STYLES
        for name in self._used():
            filled = f"draw={name}, fill={name}-tint"
            yield f"  {name}/.style={{card, {filled}, strip={name}}},"
            yield f"  {name} sign/.style={{pill, {filled}, text={name}}},"
        for kind in dict.fromkeys(box.kind for box in self.placed.opened()):
            *_, style, width = BOXES[kind]
            dashed = ", dashed" * ("dashed" in style)
            yield (
                f"  {kind} box/.style={{draw={kind}-border, fill={kind}-fill, "
                f"rounded corners=6pt, line width={width:g}pt{dashed}}},"
            )
        yield "}"

    def _heading(self, head: Heading, hidden: frozenset[str]) -> Iterator[str]:
        rows = [_text(line) for line in title_lines(head, hidden)]
        if "legend" not in hidden:
            colours = (
                rf"{{\color{{{category}}}\rule{{6pt}}{{6pt}}}} {_text([Lettering(words, 9, GREY)])}"
                for category, words in swatches(self._used())
            )
            rows.append(r"\quad ".join(colours))
        if rows:
            text = r" \\[3pt] ".join(rows)
            yield rf"  \node[anchor=south west, align=left, inner sep=0pt] at (0, -14) {{{text}}};"

    # --- boxes, cards, edges

    def _frame(self, box: Box) -> str:
        frame = self.placed.boxes[box.id]
        corner = (frame.left + frame.width, frame.top + frame.height)
        line = rf"  \draw[{box.kind} box] {_at((frame.left, frame.top))} rectangle {_at(corner)};"
        name = self.names[box.id]
        if box.id in self.placed.items:
            place, text = self.placed.items[box.id], _rows(header(box))
            return (
                rf"{line} \node[header, {_size(place)}] ({name}) at {_at(place.centre)} {{{text}}};"
            )
        at, text = _at((frame.left + 10, frame.top + 12)), _text(continued(box))
        return rf"{line} \node[header, anchor=west] ({name}) at {at} {{{text}}};"

    def _card(self, card: Card) -> Iterator[str]:
        place, name = self.placed.items[card.id], self.names[card.id]
        category = category_of(card.category)
        size = _size(place)
        if card.pill:
            text = _text(card_title(card))
            yield rf"  \node[{category} sign, {size}] ({name}) at {_at(place.centre)} {{{text}}};"
            return
        text = _rows([line for line in (card_title(card), card_facts(card)) if line])
        yield rf"  \node[{category}, {size}] ({name}) at {_at(place.centre)} {{}};"
        yield rf"  \node[words] at ({name}.west) {{{text}}};"
        if card.cost:
            shade = self._shade(card)
            fill = (
                f"fill=heat{shade}, text=on-heat{shade}, minimum height={place.height - 1.6:.1f}pt"
            )
            yield rf"  \node[cost, {fill}] at ({name}.east) {{{_escaped(card.cost)}}};"

    def _shade(self, card: Card) -> int:
        return round(_SHADES * sqrt(card.macs / self.hottest))

    def _curve(self, curve: Curve) -> str:
        edge = curve.edge
        style = "flow" if edge.trunk else "size" if edge.size else "aux" * edge.training_only
        style = style or "skip"
        tail, head = self.names[edge.tail], self.names[edge.head]
        first, *middle, last = curve.points
        begin = f"({tail}.{_anchor(self.placed.items[edge.tail], first)})"
        end = f"({head}.{_anchor(self.placed.items[edge.head], last)})"
        shape = f" node[tensor shape] {{{_escaped(edge.label)}}}"
        label = shape if curve.labelled else ""
        if curve.is_upright:
            return rf"  \draw[{style}] {begin} --{label} {end};"
        path = begin
        for at in range(0, len(middle), 3):
            one, two = map(_at, middle[at : at + 2])
            onto = _at(middle[at + 2]) if at + 2 < len(middle) else end
            said = label if at == 3 * (len(middle) // 6) else ""
            path += f" .. controls {one} and {two} ..{said} {onto}"
        return rf"  \draw[{style}] {path};"


def _label_of(item: Card | Box) -> str:
    """Its name in the drawing: that of the module, or of the operator."""
    text = item.name or (item.above or item.block if isinstance(item, Box) else item.title[0][0])
    return text or item.id


def _definition(name: str, colour: str) -> str:
    return rf"\definecolor{{{name}}}{{HTML}}{{{colour[1:].upper()}}}"


def _anchor(place: Rectangle, point: Point) -> str:
    """Where a point on a node's border is: north, south, or degrees against the clock."""
    (x, y), (u, v) = place.centre, point
    if abs(u - x) < 1:
        return "north" if v < y else "south"
    return f"{degrees(atan2(y - v, u - x)):.0f}"


def _size(place: Rectangle) -> str:
    return f"minimum width={place.width:.0f}pt, minimum height={place.height:.0f}pt"


def _at(point: Point) -> str:
    x, y = point
    return f"({x:.4g}, {y:.4g})" if max(abs(x), abs(y)) < 1000 else f"({x:.0f}, {y:.0f})"


def _rows(lines: list[Line]) -> str:
    return r" \\ ".join(map(_text, lines))


def _text(line: Line) -> str:
    return "".join(map(_piece, line))


def _piece(piece: Lettering) -> str:
    text = _escaped(piece.text)
    command = _FONTS.get((piece.points, piece.bold, piece.colour))
    if command is None:  # on a sign, which has its own colour
        command = "sign" if piece.bold else "beside"
    return rf"\{command}{{{text}}}"


def _commands() -> Iterator[str]:
    names = {colour: name for name, colour in _COLOURS.items()} | {"": "ink"}
    known = {command: font for font, command in _FONTS.items()}
    known |= {"sign": (9, True, "."), "beside": (8, False, ".")}
    for command, (points, bold, colour) in known.items():
        font = rf"\fontsize{{{points:g}}}{{{points + 2:g}}}\selectfont" + r"\bfseries" * bold
        tint = "" if colour == "." else rf"\color{{{names[colour]}}}"
        yield rf"\newcommand{{\{command}}}[1]{{{{{font}{tint}#1}}}}"


def _escaped(text: str) -> str:
    """Text as LaTeX sets it: no sign of it is a command, and no space is lost."""
    text = "".join(_SIGNS.get(c, c) for c in plain(text))
    return re.sub(r"^ +| +$|  +", lambda spaces: r"\ " * len(spaces[0]), text)
