"""The drawing's other views: paper, graph, closed boxes, dark, in words, Mermaid."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations, pairwise
from math import cbrt, dist
from pathlib import Path
from typing import Any, Unpack
from xml.etree import ElementTree

import pytest
from nets import varied
from test_draw import HOSTILE, Picture, bundled, picture_of

import archc
from archc import api, cli
from archc.analysis.costs import Costs
from archc.arguments import StyleOptions
from archc.draw import DrawStyle, Unknown, draw, scene_of, style
from archc.draw.collapse import boxes, cards
from archc.draw.paper import Paper, paper
from archc.source import Source


def analysed(text: str) -> api.Analysis:
    analysis = api.analyze(Source("test.arch", text))
    assert analysis.diagnostics == ()
    return analysis


def paper_of(analysis: api.Analysis) -> Paper:
    assert analysis.plan is not None
    return paper(analysis.plan, Costs())


def shown(name: str, view: str, **how: Unpack[StyleOptions]) -> Picture:
    return picture_of(archc.load(name).analysis.draw(view, **how))


# --- paper -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", varied(sorted(archc.bundled())))
def test_every_network_fits_on_paper(name: str) -> None:
    net = archc.load(name)
    found = paper_of(net.analysis)
    macs = sum(card.macs for card in cards(found.scene.root))
    assert macs == net.macs + net.analysis.cost.side_macs, "picture and table agree"
    assert len({line.name for line in found.lines.values()}) == len(found.lines)
    assert len(found.templates) <= (6 if name == "inception_v3" else 3)  # modules A to E, and aux
    picture = shown(name, "paper")
    rows = [line.name for line in found.lines.values()]
    for row in rows:
        assert row in picture.texts
    width, height = (
        float((picture.svg.get(key) or "").removesuffix("pt")) for key in ("width", "height")
    )
    assert height < 3.6 * width, "a page, not a ribbon"


@pytest.mark.parametrize("name", ["googlenet", "densenet121", "resnet50", "vgg16"])
def test_rows_stand_evenly(name: str) -> None:
    """What stands beside the rows opens no gaps between them."""
    svg = shown(name, "paper").svg
    found = paper_of(archc.load(name).analysis)
    tops = {}
    for group in svg.iter("{http://www.w3.org/2000/svg}g"):
        title = group.findtext("{http://www.w3.org/2000/svg}title")
        if group.get("class") == "node" and title in found.lines:
            (*_, frame) = group.iter("{http://www.w3.org/2000/svg}polygon")
            tops[title] = float((frame.get("points") or "").split()[0].partition(",")[2])
    gaps = {
        round(tops[after.id] - tops[before.id], 1)
        for size, cards in found.groups
        for before, after in pairwise(cards)
        if size and {before.id, after.id} <= tops.keys()
    }
    assert max(gaps) - min(gaps) < 0.5


def test_rows_of_the_lecture() -> None:
    found = paper_of(archc.load("googlenet").analysis)
    line = found.lines["inception3a"]
    assert line.config == ("inception(64, 96, 128, 16, 32, 32)",), "a row of the paper's table"
    assert (line.shape, line.params, line.times) == ("28×28×256", "164k", 1)
    sizes = [size for size, _ in found.groups if size]
    assert sizes == ["112×112", "56×56", "28×28", "14×14", "7×7"]
    heads = [(t.name, t.signature, t.times) for t in found.templates]
    assert heads == [
        ("inception", "(c1x1, r3x3, c3x3, r5x5, c5x5, proj)", 9),
        ("auxiliary", "(num_classes)", 2),
    ]


def test_a_template_is_written_as_its_block() -> None:
    texts = shown("densenet121", "paper").texts
    assert "×layers" in texts, "the loop's count"
    assert "in.c+growth" in texts, "the dense connection, once"
    assert texts.count("4·growth") == 1
    texts = shown("resnext50_32x4d", "paper").texts
    assert "conv 3×3/stride g(groups)" in texts
    assert "if stride > 1 or in.c != out" in texts
    texts = shown("googlenet_bn", "paper").texts
    assert "conv 3×3" in texts, "a block that it calls in its own terms"
    assert "→ c3x3" in texts


def test_survival_and_towers_are_seen() -> None:
    found = paper_of(archc.load("stochastic_depth_resnet110").analysis)
    notes = [line.notes for line in found.lines.values() if line.notes]
    assert notes[0] == "survives 0.991…0.833"
    assert notes[-1].endswith("…0.5")
    found = paper_of(archc.load("alexnet_2gpu").analysis)
    assert found.towers.devices == ("cuda:0", "cuda:1")
    towers = {id: (row.part, row.meets) for id, row in found.towers.rows.items()}
    assert towers["conv2"] == ("48 → 128", False), "each GPU reads its own maps"
    assert towers["conv3"] == ("256 → 192", True), "and here those of both"
    assert {id for id, (_, meets) in towers.items() if meets} == {"conv3", "fc6", "fc7"}
    assert "fc8" not in towers, "the last layer is on the first GPU"
    found = paper_of(analysed("input 8x8 x4\nconv 3x3 p1 x8 g2\nconv 3x3 p1 x8"))
    assert found.lines["conv1"].config[1:] == ("2 → 4", "2 → 4"), "groups without devices"
    assert len(found.lines["conv2"].config) == 1


def test_the_fractal_figure_ends_in_its_join() -> None:
    (template,) = paper_of(archc.load("fractalnet").analysis).templates
    pills = [card for card in cards(template.scene.root) if card.pill]
    assert len([pill for pill in pills if "join" in pill.title[0][0]]) == 2
    assert len(list(cards(template.scene.root))) == 10


def test_what_is_not_on_the_trunk_is_beside_it() -> None:
    found = paper_of(
        analysed(
            "input 8x8 x4\na: conv 3x3 p1 x4\nresidual< b: conv 3x3 p1 x4 | c: conv 1x1 x4 >\n"
            "concat< d: conv 1x1 x2 | e: conv 1x1 x3 >\nf: conv 1x1 x2"
        )
    )
    assert [line.name for line in found.lines.values()] == ["input", "a", "b", "f", "output"]


# --- graph, depth, expand ----------------------------------------------------------------


@pytest.mark.parametrize("name", ["googlenet", "resnet50", "fractalnet", "densenet_40_12"])
def test_the_graph_view_has_every_operator(name: str) -> None:
    net = archc.load(name)
    assert net.analysis.plan is not None
    drawn = {card.id for card in cards(scene_of(net.analysis.plan, DrawStyle("graph")).root)}
    graph = net.graph
    wanted = {key for key in graph if graph.nodes[key]["node"].op is not None}
    alone = {key for key in wanted if graph.nodes[key]["node"].operator in ("join", "identity")}
    assert wanted - drawn <= alone, "a join of one column is no join"


def test_depth_closes_and_expand_opens() -> None:
    top = shown("resnet50", "engineer", depth=0)
    assert not top.boxes
    assert top.text("layer3").startswith("layer3")
    assert shown("resnet50", "engineer", depth=1).boxes == {f"layer{i}" for i in range(1, 5)}
    opened = shown("resnet50", "engineer", depth=0, expand=frozenset({"layer3"}))
    assert opened.boxes == {"layer3"}
    assert {f"layer3.{i}" for i in range(6)} <= opened.nodes.keys(), "its repeats written out"
    assert ("maxpool", "layer1") in opened.edges
    assert ("layer2", "layer3") in opened.edges


def test_expand_takes_names_that_are_there() -> None:
    with pytest.raises(Unknown, match="layer9"):
        archc.load("resnet50").analysis.draw(expand=frozenset({"layer9"}))


@pytest.mark.parametrize("name", varied(sorted(archc.bundled())))
def test_closing_keeps_the_macs(name: str) -> None:
    analysis = archc.load(name).analysis
    assert analysis.plan is not None
    for depth in range(3):
        scene = scene_of(analysis.plan, DrawStyle(depth=depth))
        total = sum(card.macs for card in cards(scene.root))
        assert total == analysis.macs + analysis.cost.side_macs
        ids = {card.id for card in cards(scene.root)} | {box.id for box in boxes(scene.root)}
        assert all(edge.tail in ids and edge.head in ids for edge in scene.edges)


# --- themes ------------------------------------------------------------------------------


def lightness(colour: str) -> float:
    red, green, blue = (
        (part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4)
        for part in (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((lightness(one), lightness(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read(theme: str) -> None:
    from archc.draw.theme import recoloured

    def shade(attribute: str, colour: str) -> str:
        found = recoloured(f'{attribute}="{colour}"', theme)
        return found.partition('"')[2].rstrip('"')

    for _, strip, tint in style.LOOKS.values():
        for ink in (style.INK, style.GREY):
            assert contrast(shade("COLOR", ink), shade("BGCOLOR", tint)) > 4.5
        assert contrast(shade("COLOR", strip), shade("BGCOLOR", "#ffffff")) > 3
    for share in range(21):
        fill, ink = style.heat(share / 20)
        assert contrast(shade("COLOR", ink), shade("BGCOLOR", fill)) > 2.6


# What is seen of linear red, green and blue: by everyone, and without red, green or blue cones
# (Machado, Oliveira and Fernandes 2009, table 1, severity 1.0).
SIGHT = {
    "all": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "no red": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "no green": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "no blue": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))


def strips(theme: str) -> dict[str, str]:
    """The strip of each category as it is drawn; `other` looks like `io`."""
    from archc.draw.theme import recoloured

    found = {}
    for name, (_, strip, _) in style.LOOKS.items():
        shown = recoloured(f'COLOR="{strip}"', theme)
        found[name] = shown.partition('"')[2].rstrip('"')
    del found["other"]
    return found


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_strips_differ_for_everyone(theme: str, sight: str) -> None:
    """As distances in CIE L*a*b*, of which 2.3 is what an eye just tells apart."""
    seen = {name: _seen(strip, sight) for name, strip in strips(theme).items()}
    often = {"conv", "linear", "pool", "concat", "merge"}  # those that most networks have
    for one, other in combinations(seen, 2):
        least = 27 if {one, other} <= often else 19.8
        assert dist(seen[one], seen[other]) > least, (one, other)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_strips_differ_as_was_planned(theme: str) -> None:
    """Without red cones by a plainer measure: Vienot et al. 1999, in parts of 255."""

    def seen(colour: str) -> tuple[float, float]:
        red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
        return 0.113 * red + 0.887 * green, float(blue)

    found = strips(theme)
    for one, other in combinations(("conv", "linear", "pool", "concat", "merge"), 2):
        assert dist(seen(found[one]), seen(found[other])) > 60, (one, other)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_strips_can_be_seen_in_grey(theme: str) -> None:
    """Contrast is a matter of lightness alone: signs and borders keep it where colours are lost."""
    from archc.draw.theme import recoloured

    paper, *tints = (
        recoloured(f'BGCOLOR="{colour}"', theme).partition('"')[2].rstrip('"')
        for colour in ("#ffffff", *(style.LOOKS[name][2] for name in ("concat", "merge")))
    )
    found = strips(theme)
    for strip in found.values():
        assert contrast(strip, paper) > 4.5
    for name, tint in zip(("concat", "merge"), tints, strict=True):
        assert contrast(found[name], tint) > 4.4, "a merge is written in the colour of its border"


def _seen(colour: str, sight: str) -> tuple[float, float, float]:
    """L*, a* and b* of a colour, as somebody sees it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    light = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    left = [min(max(sumprod(row, light), 0.0), 1.0) for row in SIGHT[sight]]
    x, y, z = (
        cbrt(t) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116
        for t in (sumprod(row, left) / sum(row) for row in XYZ)
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def sumprod(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_the_page_is_as_dark_as_the_drawing() -> None:
    from archc import data
    from archc.draw.theme import recoloured

    paper = recoloured('bgcolor="#ffffff"', "dark").partition('"')[2].rstrip('"')
    css = (data.TEMPLATES / "page" / "page.css").read_text("utf-8")
    assert f":root.dark {{ --paper: {paper};" in css


def test_dark_is_the_same_drawing() -> None:
    light, dark = (shown("googlenet", "engineer", theme=theme) for theme in ("light", "dark"))
    assert light.nodes == dark.nodes
    assert "#ffffff" not in dark.dot.replace('COLOR="#ffffff"', "")


# --- in words ----------------------------------------------------------------------------


def test_svg_says_what_it_shows() -> None:
    svg = archc.load("resnet50").draw("svg", engine="graphviz-pure")
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img"
    assert root.get("aria-label") == "Diagram of ResNet50"
    (words,) = root.findall("{http://www.w3.org/2000/svg}desc")
    assert (words.text or "").startswith(
        "ResNet50: 25.6M parameters, 4.09G MACs, input 224×224×3. 42 cards. "
        "In order: input, conv1, maxpool, layer1, layer2"
    )
    title = "{http://www.w3.org/1999/xlink}title"
    tips = [link.get(title) or "" for link in root.iter("{http://www.w3.org/2000/svg}a")]
    assert any("9,536 parameters, 118,013,952 MACs" in tip for tip in tips)


SIDES = """input left 64x64 x3
input right 64x64 x3
input mask 32x32 x1
a: { @left; conv 3x3 p1 x8; relu }
b: { @right; conv 3x3 p1 x8; relu }
c: { @mask; conv 3x3 p1 x8; upsample 2 }
add< @a | @b | @c >
"""


@pytest.mark.parametrize("view", ["engineer", "graph", "paper", "volumes"])
def test_the_title_counts_inputs_of_one_shape(view: str) -> None:
    analysis = analysed(SIDES)
    svg = analysis.sheet("svg", view=view, engine="graphviz-pure").decode()
    texts = [plain.replace("\xa0", " ") for plain in ElementTree.fromstring(svg).itertext()]
    said = [text for text in texts if "inputs 2 × (64×64×3) and 32×32×1" in text]
    assert len(said) == 2, "the title, and the words for those who do not see it"
    assert "input 64×64×3" in analysed("input x 64x64 x3\nrelu").draw(view)


def test_the_title_of_a_part_counts_what_comes_in() -> None:
    dot = analysed(SIDES).draw(only="add1")
    assert "inputs 3 × (64×64×8)" in dot
    assert "input 64×64×3" in analysed(SIDES).draw(only="a")


def test_jupyter_shows_the_svg(monkeypatch: pytest.MonkeyPatch) -> None:
    net = archc.load("alexnet")
    assert "<svg" in (net._repr_svg_() or "")
    monkeypatch.setattr("archc.draw.graphviz.find", _missing)
    assert net._repr_svg_() is None


def _missing(engine: str) -> None:
    from archc.draw.graphviz import EngineError

    raise EngineError("no Graphviz")


# --- Mermaid -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", varied(sorted(archc.bundled())))
def test_mermaid_declares_what_it_connects(name: str) -> None:
    text = archc.load(name).draw("mermaid", depth=1).decode()
    lines = text.splitlines()
    assert lines[1] == "flowchart TB"
    known = set(re.findall(r"^ *(n\d+)[\[(]", text, re.M))
    assert len(re.findall(r"^ *subgraph ", text, re.M)) == len(re.findall(r"^ *end$", text, re.M))
    used: set[str] = set()
    for tail, head in re.findall(r"^  (n\d+) -\.?->(?:\|[^|]*\|)? (n\d+)$", text, re.M):
        used |= {tail, head}
    assert used
    assert used <= known


@pytest.mark.parametrize("title", HOSTILE)
def test_hostile_text_in_every_view(title: str) -> None:
    from archc.draw.mermaid_chart import _text

    assert not set('<>"`\\') & set(_text(title))
    if any(ord(c) < 32 for c in title) or '"' in title or "\\" in title:
        return  # no string of the language
    analysis = analysed(f'network N "{title}"\ninput x4\nfc 2')
    for view in ("paper", "graph"):
        assert " ".join(title.split()) in " ".join(picture_of(analysis.draw(view)).texts.split())


def test_the_same_bytes_every_time() -> None:
    for view in ("paper", "graph"):
        assert archc.load("fractalnet").analysis.draw(view) == shown("fractalnet", view).dot


def test_views_are_drawn_with_and_without_a_plan() -> None:
    analysis = analysed("input x4\nfc 2")
    assert analysis.plan is not None
    assert draw(analysis.plan, analysis.cost) == analysis.draw()
    assert bundled("alexnet").dot == archc.load("alexnet").analysis.draw("engineer")


def test_a_block_past_the_limit_is_a_card_like_any_closed_box() -> None:
    """Blocks that would make the drawing too large are cards, with all that cards say."""
    body = "conv 3 p1 x{0}; conv 1 x{0}; pool 3/1 p1"
    blocks = [f"block b{n} {{ {body.format(n + 1)} }}" for n in range(149)]
    calls = "\n".join(f"b{n}" for n in range(149))
    text = "\n".join(("network Large", *blocks, "input 8x8 x3", calls))
    plan = analysed(text).plan
    assert plan is not None
    last = list(cards(scene_of(plan, DrawStyle()).root))[-2]
    assert last.category == "block"
    assert last.output is not None
    assert last.params > 0


def test_what_is_saved_while_drawing_is_news(tmp_path: Path) -> None:
    from archc.cli.commands.watch import follow
    from archc.cli.exit_codes import Stop

    path = tmp_path / "net.arch"
    before = {path: (1, 1)}
    path.write_text("saved during the drawing")
    assert follow(lambda: [path], before) == before

    def fails() -> list[Path]:
        raise Stop("no network")

    assert follow(fails, before) == before


def test_a_sheet_of_no_view() -> None:
    with pytest.raises(ValueError, match="'papre' is none of engineer, paper, graph"):
        DrawStyle("papre")
    with pytest.raises(ValueError, match="'pink' is none of light, dark"):
        DrawStyle(theme="pink")


@pytest.mark.parametrize(
    ("format", "how", "says"),
    [
        ("mermaid", {"view": "paper"}, "the view paper is no mermaid"),
        ("tikz", {"view": "volumes"}, "the view volumes is no tikz"),
        ("html", {"columns": 2}, "html has one column"),
        ("html", {"direction": "right"}, "a page goes down"),
        ("drawio", {"theme": "dark"}, "drawio has light colours alone"),
        ("gif", {}, "'gif' is none of svg, png, pdf, dot"),
    ],
)
def test_a_format_shows_what_is_asked_for_or_says_so(
    format: str, how: dict[str, Any], says: str
) -> None:
    """In Python as on the command line: never another picture instead."""
    with pytest.raises(ValueError, match=says):
        archc.load("lenet").draw(format, **how)


def test_a_format_without_pages() -> None:
    found = archc.load("lenet").analysis
    with pytest.raises(ValueError, match="html has no pages"):
        found.pages("html", "a4")
    with pytest.raises(ValueError, match="'a5' is none of a4, letter, slide"):
        found.pages("pdf", "a5")


@pytest.mark.parametrize("view", ["paper", "volumes"])
@pytest.mark.parametrize(
    "how", [{"direction": "right"}, {"depth": 0}, {"columns": 2}, {"expand": "a"}]
)
def test_what_rows_do_not_take(
    view: str, how: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """The function refuses what the command does."""
    with pytest.raises(ValueError, match="go with the views engineer and graph"):
        archc.load("lenet5").draw("dot", view=view, **how)
    ((name, value),) = how.items()
    assert cli.main(["draw", "lenet5", "-o", "-", "--view", view, f"--{name}", str(value)]) == 2
    assert "go with the views engineer and graph" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("format", "name", "value", "says"),
    [
        ("html", "direction", "right", "a page goes down; {}direction is for pictures"),
        ("html", "columns", 2, "a drawing as html has one column"),
        ("mermaid", "columns", 2, "a drawing as mermaid has one column"),
        ("html", "view", "paper", "the view paper is no html; take {}view engineer or graph"),
        ("tikz", "view", "volumes", "the view volumes is no tikz; take {}view engineer or graph"),
    ],
)
def test_what_formats_do_not_take(
    format: str, name: str, value: Any, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is ignored: the function refuses what the command does, in the same words."""
    how: Any = {name: value}
    with pytest.raises(ValueError, match=f"^{says.format('')}$"):
        archc.load("lenet5").draw(format, **how)
    argv = ["--format", format, f"--{name}", str(value)]
    assert cli.main(["draw", "lenet5", "-o", "-", *argv]) == 2
    assert capsys.readouterr().err == f"archc: {says.format('--')}\n"


@pytest.mark.parametrize("format", ["html", "mermaid", "tikz", "drawio"])
def test_what_has_no_pages(format: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="has no pages; paper is for svg, png, pdf"):
        archc.load("lenet5").analysis.pages(format, "a4")
    assert cli.main(["draw", "lenet5", "-o", "-", "--format", format, "--paper", "a4"]) == 2
    assert "has no pages; --paper is for svg, png, pdf" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("how", "kind", "says"),
    [
        ({"depth": -1}, ValueError, "depth is a whole number of at least 0, not -1"),
        ({"columns": -1}, ValueError, "columns is a whole number of at least 0, not -1"),
        ({"depth": "2"}, TypeError, "depth is a whole number, not '2'"),
        ({"columns": 1.5}, TypeError, r"columns is a whole number, not 1\.5"),
    ],
)
def test_numbers_of_a_drawing(how: dict[str, Any], kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=says):
        archc.load("lenet5").draw("dot", **how)


def test_the_numbers_of_a_repeat_add_up() -> None:
    """Also those of a box inside it: 3 * (264 + 288) parameters are 1.66k."""
    text = (Path(__file__).parent / "faults" / "pictures" / "parts_of_a_repeat.arch").read_text()
    dot = api.analyze(Source("net", text)).draw()
    for said in ("32 → 8 · 3×264", "8 → 32 · 3×288", "1.66k params", "3×256"):
        assert said in dot
