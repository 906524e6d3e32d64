"""Drawings read back from their text: nodes, boxes, edges and words of DOT, SVG, Mermaid, the page.

A `Drawing` is what somebody sees; `readback` compares it with the plan.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import unescape
from xml.etree import ElementTree

from archc.draw.style import BOXES, FAINT, LOOKS, SKIP

STRING = r'"((?:[^"\\]|\\.)*)"'
NODE = re.compile(rf"^{STRING} \[(.*)\];$")
EDGE = re.compile(rf"^{STRING} -> {STRING}(?: \[(.*)\])?;$")
CLUSTER = re.compile(rf"^subgraph {STRING} \{{$")


@dataclass(eq=False)
class Item:
    """A card, or a box around others; `cells` are its texts, from left to right and down."""

    id: str
    cells: list[str]
    tip: str = ""
    category: str = ""
    parts: list[Item] | None = None  # of a box
    bold: list[str] = field(default_factory=list)
    towers: list[str] = field(default_factory=list)  # the cells of a row that stands in them
    paths: list[str] = field(default_factory=list)  # the boxes of a card that is drawn as paths
    between: str = ""  # what is said between them
    fan: list[Line] = field(default_factory=list)  # the lines into its paths, and out of them
    row: Drawing | None = None  # how its passes are connected

    @property
    def is_box(self) -> bool:
        return self.parts is not None

    @property
    def words(self) -> str:
        return " ".join(self.cells)

    @property
    def count(self) -> int:
        """How often it stands for what it shows."""
        found = [re.match(r"×(\d+)( |$)", cell) for cell in self.cells]
        return next((int(match[1]) for match in found if match), 1)

    @property
    def is_auxiliary(self) -> bool:
        return self.is_box and self.category == "aux"


@dataclass(frozen=True)
class Line:
    """An edge: `kind` is trunk, skip, size or training."""

    tail: str
    head: str
    kind: str
    label: str = ""
    ports: tuple[str, str] = field(default=("", ""), compare=False)  # of cells that it is tied to


@dataclass
class Drawing:
    title: str = ""
    items: list[Item] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)

    def all(self) -> Iterator[Item]:
        yield from _all(self.items)

    @cached_property
    def entering(self) -> dict[str, list[Line]]:
        """The edges into each node."""
        found: dict[str, list[Line]] = {}
        for line in self.lines:
            found.setdefault(line.head, []).append(line)
        return found

    @cached_property
    def _headers(self) -> set[str]:
        return {box.id for box in self.boxes}

    def is_header(self, id: str) -> bool:
        return id in self._headers

    @property
    def cards(self) -> list[Item]:
        return [item for item in self.all() if not item.is_box]

    @property
    def boxes(self) -> list[Item]:
        return [item for item in self.all() if item.is_box]


def _all(items: list[Item]) -> Iterator[Item]:
    for item in items:
        yield item
        yield from _all(item.parts or [])


# --- DOT ---------------------------------------------------------------------------------


def of_dot(text: str, join: bool = True) -> Drawing:
    """The drawing that a DOT text describes, without what cannot be seen; with `join` in one."""
    found = Drawing()
    boxes = [Item("", [], parts=found.items)]  # those that are open
    for line in map(str.strip, text.splitlines()):
        inner = boxes[-1].parts
        assert inner is not None
        if match := CLUSTER.match(line):
            id = unquoted(match[1]).removeprefix("cluster ")
            boxes.append(Item(id, [], parts=[]))
            inner.append(boxes[-1])
        elif line == "}" and len(boxes) > 1:
            boxes.pop()
        elif match := EDGE.match(line):
            attributes = match[3] or ""
            if "style=invis" not in attributes:
                found.lines.append(_line(unquoted(match[1]), unquoted(match[2]), attributes))
        elif match := NODE.match(line):
            id, attributes = unquoted(match[1]), match[2]
            if "style=invis" in attributes:
                continue
            if id == boxes[-1].id:  # a box's header
                boxes[-1].cells = cells_of(attributes)
                boxes[-1].tip = _tip(attributes)
            else:
                inner.append(card_of(id, attributes))
        elif line.startswith("graph ["):
            cells = cells_of(line) if "label=<" in line else []
            if len(boxes) == 1:
                found.title = " ".join(cells)
            else:
                boxes[-1].cells = boxes[-1].cells or cells
                boxes[-1].category = _kind(line)
    if "rankdir=LR" in text:  # which has the first items at the bottom
        for box in [Item("", [], parts=found.items), *found.boxes]:
            assert box.parts is not None
            box.parts.reverse()
    _take_insets(found, found.items)
    return joined(found) if join else found


def of_pages(texts: list[str]) -> Drawing:
    """The drawing that is on several pages, of columns each, in one."""
    pages = [of_dot(text, join=False) for text in texts]
    items = [item for page in pages for item in page.items]
    lines = [line for page in pages for line in page.lines]
    return joined(Drawing(pages[0].title, items, lines))


def of_table_pages(texts: list[str], trunk: set[str]) -> Drawing:
    """The table that is on several pages, of columns each, in one, with the blocks beside it.

    A column that is "continued" goes on where the one before it ends: its first row takes what the
    last row there, or merge below it, made. `trunk` has those.
    """
    whole = Drawing()
    last = ""
    for page in (of_dot(text, join=False) for text in texts):
        whole.title = whole.title or page.title
        whole.lines += page.lines
        for item in page.items:
            if item.id.startswith("template ") and "(continued)" in item.words:
                before = whole.items[-1].parts
                assert before is not None
                before += item.parts or []
            else:
                whole.items.append(item)
        goes_on = False
        for item in page.all():
            goes_on = goes_on or "module (continued)" in item.words
            if item.id not in trunk:
                continue
            if goes_on:
                whole.lines.append(Line(last, item.id, "trunk"))
            last, goes_on = item.id, False
    return whole


def _take_insets(drawing: Drawing, items: list[Item]) -> None:
    """Paths to the card that they are of, rows of connected passes to the box around them."""
    for box in [item for item in _all([Item("", [], parts=items)]) if item.parts is not None]:
        assert box.parts is not None
        for at, item in enumerate(box.parts):
            if item.id.endswith(" in paths"):
                assert item.parts is not None
                box.parts[at], drawn = item.parts
                _take_paths(drawing, box.parts[at], drawn)
        rows = [item for item in box.parts if item.id.endswith(" connections")]
        box.parts[:] = [item for item in box.parts if item not in rows]
        for item in rows:
            inner = {part.id for part in item.parts or []}
            lines = [line for line in drawing.lines if line.tail in inner]
            drawing.lines = [line for line in drawing.lines if line not in lines]
            known = {part.id: part for part in _all(box.parts)}
            known.get(item.id.removesuffix(" connections"), box).row = Drawing(
                item.id, item.parts or [], lines
            )


def _take_paths(drawing: Drawing, card: Item, drawn: Item) -> None:
    """A card that is drawn as paths is one in the drawing: what leads out of them leads out of it.

    What is seen of them stays on the card.
    """
    assert drawn.id == f"{card.id} paths"
    card.paths = drawn.paths
    card.between = "".join(cell for cell in drawn.cells if cell.startswith("…"))
    card.fan = [line for line in drawing.lines if drawn.id in (line.tail, line.head)]
    out = [replace(x, tail=card.id, ports=("", "")) for x in card.fan if x.tail == drawn.id]
    lines = [line for line in drawing.lines if line not in card.fan]
    drawing.lines = [*lines, *dict.fromkeys(out)]


def joined(drawing: Drawing) -> Drawing:
    """A drawing in columns as one: the signs at their ends are no nodes, a box is in one part."""
    signs = re.compile(r"(to|from) ([A-Z]+)'*( in column \d+)?$")
    ends = {i.id: m[2] for i in drawing.cards if (m := signs.match(i.id)) and m[2] == i.bold[0]}
    whole: dict[str, Item] = {}

    def parts(items: list[Item]) -> Iterator[Item]:
        for item in items:
            if item.parts is None:
                yield from () if item.id in ends else (item,)
                continue
            item.parts = [*parts(item.parts)]
            id, part, _ = item.id.rpartition(" part ")
            if part and id in whole and "continued" in item.words:
                earlier = whole[id].parts
                assert earlier is not None
                earlier += item.parts
            elif re.match(r"column \d+$", item.id) and not item.cells:
                yield from item.parts
            else:
                whole[item.id] = item
                yield item

    tails = {ends[line.head]: line for line in drawing.lines if line.head in ends}
    said = {ends[i.id]: i.cells[0].partition("  ")[2] for i in drawing.cards if i.id in ends}
    lines = []
    for line in drawing.lines:
        before = tails.get(ends[line.tail]) if line.tail in ends else None  # or from nowhere
        if line.head not in ends:
            label = (
                said[ends[line.tail]] if before and " × (" in said[ends[line.tail]] else line.label
            )
            lines.append(Line(before.tail, line.head, line.kind, label) if before else line)
    return Drawing(drawing.title, [*parts(drawing.items)], lines)


def card_of(id: str, attributes: str) -> Item:
    strips = {name: attributes.find(f'"{strip}"') for name, (_, strip, _) in LOOKS.items()}
    first = min((at for at in strips.values() if at >= 0), default=-1)  # its frame, before words
    category = next((name for name, at in strips.items() if at == first >= 0), "")
    made = Item(id, cells_of(attributes), _tip(attributes), category)
    if made.category == "io" and "  (line " in made.tip:  # they look alike
        made.category = "other"
    towers = re.findall(r'PORT="tower\d+"[^>]*>(.*?)</TD>', attributes)
    made.towers = [unescape(re.sub(r"<[^>]*>", "", cell)) for cell in towers]
    paths = re.findall(r'PORT="path\d+"[^>]*>(.*?)</TD>', attributes)
    made.paths = [unescape(re.sub(r"<BR/>", " ", cell)) for cell in paths]
    made.paths = [re.sub(r"<[^>]*>", "", cell) for cell in made.paths]
    made.bold = [unescape(text) for text in re.findall(r"<B>(.*?)</B>", attributes)]
    return made


def _kind(line: str) -> str:
    for kind, (border, fill, style, _) in BOXES.items():
        if f'style="{style}", color="{border}", fillcolor="{fill}"' in line:
            return kind
    return ""


def _line(tail: str, head: str, attributes: str) -> Line:
    if "style=dotted" in attributes:
        kind = "size"
    elif FAINT in attributes:
        kind = "training"
    else:
        kind = "skip" if SKIP in attributes else "trunk"
    label = re.search(rf"(?:x|tail|head|\b)label={STRING}", attributes)
    ports = [re.search(rf'{end}port="(\w+):', attributes) for end in ("tail", "head")]
    start, stop = (found[1] if found else "" for found in ports)
    text = unescape(unquoted(label[1])).strip() if label else ""
    return Line(tail, head, kind, text, (start, stop))


def cells_of(attributes: str) -> list[str]:
    """The texts of a label, cell by cell."""
    start = attributes.find("label=<")
    if start < 0:
        plain = re.search(rf"label={STRING}", attributes)
        return [unescape(unquoted(plain[1]))] if plain and plain[1] else []
    at = start + len("label=<")
    depth, end = 1, at
    while depth:
        depth += {"<": 1, ">": -1}.get(attributes[end], 0)
        end += 1
    html = attributes[at : end - 1]
    cells = [re.sub(r"<[^>]*>", "", cell) for cell in re.split(r"</TD>|<BR[^>]*>", html)]
    return [text for cell in cells if (text := unescape(cell).replace("\\\\", "\\").strip())]


def _tip(attributes: str) -> str:
    found = re.search(rf"tooltip={STRING}", attributes)
    return unescape(unquoted(found[1])) if found else ""


def unquoted(text: str) -> str:
    text = re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], text)
    return text.replace("&amp;", "&")


# --- SVG ---------------------------------------------------------------------------------

SVG = "{http://www.w3.org/2000/svg}"


@dataclass
class Seen:
    """What an engine drew: the words of each node without spaces, boxes, edges by their style."""

    nodes: dict[str, str] = field(default_factory=dict)
    boxes: set[str] = field(default_factory=set)
    lines: list[tuple[str, str, str]] = field(default_factory=list)


def of_svg(svg: bytes) -> Seen:
    found = Seen()
    for group in ElementTree.fromstring(svg).iter(f"{SVG}g"):
        name = group.findtext(f"{SVG}title") or ""
        words = "".join("".join((text.text or "").split()) for text in group.iter(f"{SVG}text"))
        match group.get("class"):
            case "node" if words:
                found.nodes[name] = words
            case "cluster":
                found.boxes.add(name.removeprefix("cluster "))
            case "edge":
                tail, _, head = name.partition("->")
                path = next(iter(group.iter(f"{SVG}path")))
                dashes = path.get("stroke-dasharray") or ""
                style = "dotted" if dashes.startswith("1,") else "dashed" if dashes else "solid"
                ends = re.sub(r":(out:)?[nsew_c]+$", "", tail), re.sub(r":[nsew_c]+$", "", head)
                found.lines.append((*ends, style))
    return found


# --- Mermaid -----------------------------------------------------------------------------


def of_mermaid(text: str) -> Drawing:
    found = Drawing()
    boxes = [Item("", [], parts=found.items)]
    for line in map(str.strip, text.splitlines()):
        inner = boxes[-1].parts
        assert inner is not None
        if match := re.match(r'subgraph (n\d+)b\["(.*)"\]$', line):
            boxes.append(Item(match[1], [_plain(match[2])], parts=[]))
            inner.append(boxes[-1])
        elif line == "end":
            boxes.pop()
        elif match := re.match(r'(n\d+)\(\["(.*)"\]\)$', line):
            boxes[-1].cells += [_plain(match[2])] if match[2] != "in" else []
        elif match := re.match(r'(n\d+)(?:\(\("(.*)"\)\)|\["(.*)"\]):::(\w+)$', line):
            cells = [_plain(cell) for cell in (match[2] or match[3]).split("<br>")]
            inner.append(Item(match[1], cells, category=match[4]))
        elif match := re.match(r"(n\d+) (-->|-\.->)(?:\|(.*)\|)? (n\d+)$", line):
            kind = "trunk" if match[2] == "-->" else "size" if match[3] == "size" else "other"
            label = _plain((match[3] or "").strip('"')) if kind == "trunk" else ""
            found.lines.append(Line(match[1], match[4], kind, label))
    return found


def _plain(text: str) -> str:
    signs = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "35": "#", "96": "`", "92": "\\"}
    return re.sub(r"#(amp|lt|gt|quot|35|96|92);", lambda found: signs[found[1]], text)


# --- TikZ and draw.io --------------------------------------------------------------------


def of_tikz(text: str) -> Drawing:
    """Boxes and cards without what is in what."""
    found = Drawing()
    known: dict[str, Item] = {}
    kinds = {"flow": "trunk", "skip": "skip", "aux": "training", "size": "size"}
    for line in map(str.strip, text.splitlines()):
        if match := re.search(r"\\node\[header.*?\] \(([\w-]+)\) at \(.*?\) \{(.*)\};$", line):
            known[match[1]] = Item(match[1], [_set(match[2])], parts=[])
        elif match := re.match(
            r"\\node\[(\w+)( sign)?, .*?\] \(([\w-]+)\) at \(.*?\) \{(.*)\};$", line
        ):
            known[match[3]] = Item(match[3], [_set(match[4])], category=match[1])
        elif match := re.match(
            r"\\node\[(?:words|cost).*?\] at \(([\w-]+)\.\w+\) \{(.*)\};$", line
        ):
            known[match[1]].cells.append(_set(match[2]))
        elif match := re.match(r"\\draw\[(\w+)\] \(([\w-]+)\..*\(([\w-]+)\.[\w-]+\);$", line):
            label = re.search(r"node\[tensor shape\] \{(.*?)\} ", line)
            shape = _set(label[1]) if label else ""
            found.lines.append(Line(match[2], match[3], kinds[match[1]], shape))
    found.items = [*known.values()]
    return found


_TEX = {
    r"\textbackslash{}": "\\", r"\{": "{", r"\}": "}", r"\$": "$", r"\&": "&", r"\#": "#",
    r"\_": "_", r"\%": "%", r"\textasciicircum{}": "^", r"\textasciitilde{}": "~",
    r"\textquotedbl{}": '"', r"\textless{}": "<", r"\textgreater{}": ">", r"\textbar{}": "|",
    r"$\times$": "×", r"$\cdot$": "·", r"$\to$": "→", "$-$": "−", r"$\le$": "≤", r"$\ge$": "≥",
    r"\ldots{}": "…", r"$\sigma$": "σ", r"$\surd$": "√", "$^2$": "²", r"\textonehalf{}": "½",
}  # fmt: skip


def _set(text: str) -> str:
    """What LaTeX sets, without fonts."""
    places = {chr(0xE000 + at): char for at, char in enumerate(_TEX.values())}
    for place, code in zip(places, _TEX, strict=True):
        text = text.replace(code, place)
    text = re.sub(r"\\\\|\\[a-z]+|\\ |[{}]", " ", text)
    return "".join(places.get(c, c) for c in text)


def of_drawio(text: str) -> Drawing:
    """Its containers as boxes."""
    found = Drawing()
    root = ElementTree.fromstring(text)
    known: dict[str, Item] = {}
    for cell in root.iter("mxCell"):
        id, value = cell.get("id", ""), cell.get("value", "")
        words = " ".join(
            ElementTree.fromstring(
                f"<p>{value}</p>".replace("&nbsp;", " ").replace("<br>", " ")
            ).itertext()
        )
        whole, _, part = id.partition("-")
        if cell.get("edge"):
            style = cell.get("style", "")
            kind = (
                "size" if "dashPattern=1" in style else "other" if "dashed=1" in style else "trunk"
            )
            tail, head = (cell.get(end, "").partition("-")[0] for end in ("source", "target"))
            found.lines.append(Line(tail, head, kind, words))
        elif part:
            known[whole].cells.append(words)
        elif id.startswith(("box", "card")):
            item = Item(id, [words], parts=[] if id.startswith("box") else None)
            known[id] = item
            around = known.get(cell.get("parent", ""))
            (found.items if around is None or around.parts is None else around.parts).append(item)
    return found


# --- the page ----------------------------------------------------------------------------


def of_page(html: str) -> Drawing:
    """What the page shows where all of it is open."""
    text = re.search(r'id="model"[^>]*>(.*?)</script>', html, re.S)
    assert text is not None
    model = json.loads(text[1])
    found, names = Drawing(), {}

    def read(parts: list[dict[str, object]]) -> Iterator[Item]:
        for part in parts:
            names[part["k"]] = str(part["id"])
            if "items" in part:
                header = str(part["header"])
                items = part["items"]
                assert isinstance(items, list)
                made = Item(str(part["id"]), cells_of(header), _tip(header), parts=[*read(items)])
                made.category = _kind(str(part["cluster"]))
                yield made
            elif part["id"]:
                yield card_of(str(part["id"]), str(part["dot"]))

    found.items = [*read(model["items"])]
    for tail, head, attributes, outer in model["edges"]:
        if outer is not None:
            found.lines.append(_line(names[tail], names[head], attributes))
    return found
