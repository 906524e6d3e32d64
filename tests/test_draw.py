"""The drawing, read back from the SVG that an engine makes of it."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from functools import cache
from xml.etree import ElementTree

import pytest
from nets import varied
from random_networks import program

import archc
from archc import api
from archc.analysis.costs import Costs
from archc.draw import graphviz, style
from archc.draw.compose import compose
from archc.draw.scene import Box
from archc.report.spelling.numbers import format_percent, human
from archc.source import Source

SVG = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}title"


@dataclass
class Picture:
    """The nodes (by id, with their texts), boxes and edges of a drawing."""

    dot: str
    svg: ElementTree.Element
    nodes: dict[str, list[str]]
    boxes: set[str]
    edges: set[tuple[str, str]]
    dashed: set[tuple[str, str]]

    @property
    def texts(self) -> str:
        return "\n".join(_spaced(word.text) for word in self.svg.iter(f"{SVG}text"))

    def text(self, node: str) -> str:
        return "".join(self.nodes[node])


def _spaced(text: str | None) -> str:
    return (text or "").replace("\xa0", " ")


def picture_of(dot: str) -> Picture:
    svg = ElementTree.fromstring(graphviz.picture(dot, "svg", engine="graphviz-pure"))
    found = Picture(dot, svg, {}, set(), set(), set())
    for group in svg.iter(f"{SVG}g"):
        name = group.findtext(f"{SVG}title") or ""
        match group.get("class"):
            case "node":
                found.nodes[name] = [_spaced(word.text) for word in group.iter(f"{SVG}text")]
            case "cluster":
                found.boxes.add(name.removeprefix("cluster "))
            case "edge":
                tail, _, head = name.partition("->")
                ends = (tail.removesuffix(":s"), head.removesuffix(":n"))
                found.edges.add(ends)
                if any(path.get("stroke-dasharray") for path in group.iter(f"{SVG}path")):
                    found.dashed.add(ends)
    return _in_one_column(found)


def _in_one_column(found: Picture) -> Picture:
    """Without the signs at which a column ends and another goes on."""
    signs = {node for node in found.nodes if re.match(r"to [A-Z]+$|from [A-Z]+ in column", node)}
    tails = {head.split()[1]: tail for tail, head in found.edges if head in signs}

    def led_on(edges: set[tuple[str, str]]) -> set[tuple[str, str]]:
        return {
            (tails[tail.split()[1]] if tail in signs else tail, head)
            for tail, head in edges
            if head not in signs
        }

    found.edges, found.dashed = led_on(found.edges), led_on(found.dashed)
    found.nodes = {node: words for node, words in found.nodes.items() if node not in signs}
    found.boxes = {box for box in found.boxes if not re.search(r"^column \d+$| part \d+$", box)}
    return found


def drawn(text: str) -> Picture:
    analysis = api.analyze(Source("test.arch", text))
    assert analysis.diagnostics == ()
    return picture_of(analysis.draw())


@cache
def bundled(name: str) -> Picture:
    return picture_of(archc.load(name).analysis.draw())


# --- every network -----------------------------------------------------------------------


@pytest.mark.parametrize("name", varied(sorted(archc.bundled())))
def test_every_network_can_be_shown(name: str) -> None:
    picture, net = bundled(name), archc.load(name)
    assert len(picture.nodes) > 5
    assert net.name in picture.texts
    assert f"{human(net.params)} params · {human(net.macs)} MACs" in picture.texts
    assert "\ufffd" not in picture.texts


@pytest.mark.parametrize("name", varied(sorted(archc.bundled())))
def test_it_is_no_ribbon(name: str) -> None:
    picture = bundled(name)
    width, height = (
        float((picture.svg.get(key) or "").removesuffix("pt")) for key in ("width", "height")
    )
    assert height < 3.8 * width
    # Stages of EfficientNet begin with a block of their own, with squeeze-and-excitation in it.
    assert len(picture.nodes) < (180 if name.startswith("efficientnet") else 140)


@pytest.mark.parametrize("name", ["resnet50", "densenet121", "mobilenet_v3_large", "unet"])
def test_a_long_one_fits_a_slide(name: str) -> None:
    """About 16:9, and nothing smaller than 6 points on one of 13.3 inches."""
    picture = bundled(name)
    width, height = (
        float((picture.svg.get(key) or "").removesuffix("pt")) for key in ("width", "height")
    )
    assert 1.2 < width / height < 2.6
    if name in ("resnet50", "densenet121"):
        assert 8 * 13.33 * 72 / max(width, height * 16 / 9) > 4.9, "points of the smallest words"


def test_columns_as_asked_for() -> None:
    net = archc.load("resnet50")
    heights = []
    for columns in (1, 2, 4):
        svg = picture_of(net.analysis.draw(columns=columns)).svg
        heights.append(float((svg.get("height") or "").removesuffix("pt")))
    assert heights[0] > 1.6 * heights[1] > 2.4 * heights[2]
    dot = net.analysis.draw(columns=1)
    assert "cluster column" not in dot
    assert "goes on at A" not in dot


@pytest.mark.parametrize(
    ("name", "columns"), [("inception_v3", 3), ("fractalnet", 2), ("lenet5", 2)]
)
def test_a_column_ends_between_boxes_where_that_makes_it_little_higher(
    name: str, columns: int
) -> None:
    dot = archc.load(name).analysis.draw()
    assert dot.count("cluster column") == columns
    assert "continued" not in dot
    signs = re.findall(r'"to [A-Z]+" \[', dot)
    assert len(signs) == columns - 1, "one line alone goes on"


@pytest.mark.parametrize("name", varied(sorted(archc.bundled())))
def test_everything_is_reached(name: str) -> None:
    picture = bundled(name)
    entered = {head for _, head in picture.edges}
    left = {tail for tail, _ in picture.edges}
    assert picture.nodes.keys() - entered == {"input"}
    outputs = {node for node in picture.nodes if node.partition(" ")[0] == "output"}
    plan = archc.load(name).analysis.plan
    assert plan is not None
    assert len(outputs) == len(plan.body.outputs) or outputs == {"output"}
    sides = picture.nodes.keys() - left - outputs  # what ends elsewhere is for training only
    assert all(edge in picture.dashed for edge in picture.edges if edge[1] in sides)


def test_an_optional_shortcut_is_a_skip() -> None:
    picture = drawn("input 8x8 x4\nresidual if (in.c == 4) < conv 3x3 p1 x4; conv 3x3 p1 x4 >")
    assert picture.dashed == {("input", "add1")}


def test_a_box_that_begins_elsewhere_is_entered_from_there() -> None:
    picture = drawn(
        "input 8x8 x4\na: conv 3x3 p1 x6\nb: conv 3x3 p1 x8; output y\n"
        "aux < @a; c: { conv 1x1 x2; conv 1x1 x3 } >\n"
        "d: { @a; conv 1x1 x2; relu; pool 2x2 }\noutput z"
    )
    assert {tail for tail, head in picture.edges if head in ("aux1", "c", "d")} == {"a"}


def test_the_same_bytes_every_time() -> None:
    assert archc.load("googlenet").analysis.draw() == archc.load("googlenet").analysis.draw()


# --- folding -----------------------------------------------------------------------------


def test_resnet_folds_what_is_equal() -> None:
    picture = bundled("resnet50")
    assert len(picture.nodes) < 60
    assert {"layer1", "layer1.0", "layer1.1", "layer4.1"} <= picture.boxes
    assert "layer1.2" not in picture.boxes
    assert picture.text("layer3.1").startswith("×5 bottleneck  1–5")
    assert "5×51.4M" in picture.text("layer3.1.conv1")
    assert len(picture.nodes) == len(bundled("resnet152").nodes)


def test_a_thousand_layers_are_under_a_hundred_nodes() -> None:
    begin = time.perf_counter()
    archc.load("preact_resnet1001").analysis.draw()
    assert time.perf_counter() - begin < 1, "some hundredths of a second on a quiet machine"
    picture = bundled("preact_resnet1001")
    assert time.perf_counter() - begin < 10, "and drawn"
    assert len(picture.nodes) < 100
    assert picture.text("stage1.1").startswith("×110 preact_bottleneck")


def test_a_dense_block_is_one_layer() -> None:
    picture = bundled("densenet121")
    block = picture.text("features.denseblock3")
    assert block.startswith("denseblock3 · dense_block×24 denselayer1–24 · dense_layer")
    layer = "features.denseblock3.denselayer1"
    assert "256…992 → 128" in picture.text(f"{layer}.conv1")
    assert picture.text("features.denseblock3.concat1") == "concat 256…992+32"
    assert ("features.denseblock3", "features.denseblock3.concat1") in picture.dashed


def test_probabilities_may_differ_in_a_fold() -> None:
    picture = bundled("stochastic_depth_resnet110")
    assert "droppath 0.00926…0.167" in picture.text("stage1.0.conv2")
    assert "Σ" in picture.text("stage1.0.conv2")


def test_widths_may_not() -> None:
    block = "block b(w) { conv 1x1 x(w); pool 3x3/1 p1 }"
    picture = drawn(f"input 8x8 x8\n{block}\nfor w in [8, 8, 16] {{ b(w) }}")
    assert picture.boxes == {"b1", "b3"}
    assert picture.text("b1").startswith("×2 b1–2")


def test_explicit_neighbours_fold_only_where_they_are_equal() -> None:
    block = "block b() { conv 1x1 x8; pool 3x3/1 p1 }"
    picture = drawn(f"input 8x8 x4\n{block}\nfirst: b(); second: b(); third: b()")
    assert picture.boxes == {"first", "second"}
    assert picture.text("second").startswith("×2 second–third · b")


def test_what_a_label_is_used_of_does_not_fold() -> None:
    body = "for i in 1..4 { s{i}: { conv 3x3 p1 x4; pool 3x3/1 p1 } }\n"
    assert len(drawn(f"input 8x8 x4\n{body}").boxes) == 1
    skipping = drawn(f"input 8x8 x4\n{body}add< @s2 | conv 1x1 x4 >")
    assert skipping.boxes == {"s1", "s3"}
    assert ("s1.1", "add1") in skipping.dashed


def test_single_cards_fold_only_where_there_are_many() -> None:
    few = drawn("input 8x8 x4\nfor i in 1..3 { conv 3x3 p1 x4; relu }")
    many = drawn("input 8x8 x4\nfor i in 1..9 { conv 3x3 p1 x4; relu }")
    assert {"conv1", "conv2", "conv3"} <= few.nodes.keys()
    assert many.nodes.keys() == {"input", "conv1", "output"}
    assert many.text("conv1").startswith("×9 conv 3×3 · relu")


# --- cards -------------------------------------------------------------------------------


def test_norms_and_activations_join_their_convolution() -> None:
    allow = "  # archc: allow W114"
    after = drawn(
        f"input 8x8 x4\nconv 3x3/2 p1 x8 g2; bn; relu; gap; flatten; fc 10; softmax{allow}"
    )
    assert after.nodes.keys() == {"input", "conv1", "gap1", "fc1", "output"}
    assert after.text("conv1").startswith("conv 3×3/2 g2 · bn · relu")
    assert after.text("gap1").startswith("gap · flatten")
    before = drawn(f"input 8x8 x4\nbn; relu; conv 3x3 p1 x8; bn; relu; conv 1x1 x4{allow}")
    assert before.text("conv1").startswith("bn · relu · conv 3×3")
    assert before.text("conv2").startswith("bn · relu · conv 1×1")


def test_a_card_says_channels_parameters_and_macs() -> None:
    picture = drawn("input 8x8 x64\nstem: conv 3x3 p1 x128")
    words = [word.strip() for word in picture.nodes["stem"] if word.strip()]
    assert words == ["conv 3×3", "4.72M", "stem · 64 → 128 · 73.9k"]
    titles = [_spaced(link.get(LINK)) for link in picture.svg.iter(f"{SVG}a")]
    assert any(
        "stem: conv 3x3 p1 x128  (line 2)\n8×8×64 → 8×8×128\n73,856 parameters, 4,718,592 MACs"
        in title
        for title in titles
    )


def test_the_shared_relu_of_pre_activation_ends_a_card() -> None:
    picture = bundled("preact_resnet164")
    assert picture.text("stage1.0.bn1").startswith("bn · relu")
    assert {("stage1.0.bn1", "stage1.0.conv1"), ("stage1.0.bn1", "stage1.0.conv4")} <= picture.edges


def test_the_identity_is_a_line() -> None:
    picture = drawn("input 8x8 x4\nadd< conv 1x1 x4 | identity >")
    assert picture.nodes.keys() == {"input", "conv1", "add1", "output"}
    assert picture.dashed == {("input", "add1")}


# --- structure ---------------------------------------------------------------------------


def test_branches_keep_their_order() -> None:
    picture = bundled("inception_naive")
    left = {
        group.findtext(f"{SVG}title"): min(
            float(word.get("x") or 0) for word in group.iter(f"{SVG}text")
        )
        for group in picture.svg.iter(f"{SVG}g")
        if group.get("class") == "node"
    }
    written = [head for head in picture.nodes if ("input", head) in picture.edges]
    assert len(written) == 4
    assert written == sorted(written, key=lambda id: left[id])


@pytest.mark.parametrize("name", ["googlenet", "googlenet_bn", "squeezenet1_0_simple_bypass"])
def test_the_trunk_is_straight(name: str) -> None:
    """From the input to the output, past every fork."""
    picture = picture_of(archc.load(name).analysis.draw(columns=1))
    middles = [
        _centre(group)
        for group in picture.svg.iter(f"{SVG}g")
        if group.get("class") == "node"
        and re.search("^(input|output)$|concat1$", group.findtext(f"{SVG}title") or "")
    ]
    assert len(middles) >= 10
    assert max(middles) - min(middles) < 3, "points"


def _centre(group: ElementTree.Element) -> float:
    """Of a node's border."""
    places = [
        float(number)
        for shape in (*group.iter(f"{SVG}path"), *group.iter(f"{SVG}polygon"))
        for number in re.findall(r"(-?[\d.]+),", shape.get("d") or shape.get("points") or "")
    ]
    return (min(places) + max(places)) / 2


def test_auxiliary_heads_stand_apart() -> None:
    picture = bundled("googlenet")
    assert "training only · weight 0.3" in picture.text("aux1")
    assert picture.text("aux1").startswith("aux1 · auxiliary")
    assert ("inception4a.concat1", "aux1") in picture.dashed


def test_shared_weights_are_said() -> None:
    picture = drawn(
        "input left 9x9 x1\ninput right 9x9 x1\n"
        "block twin() { conv 3x3 x4; relu; pool 2x2; flatten; fc 5 }  # archc: allow W115\n"
        "@left; a: twin()\n@right; b: reuse a\nsub< @a | @b >; abs; fc 1"
    )
    assert {"a", "a#2"} <= picture.boxes
    assert "shared weights" not in picture.text("a")
    assert "shared weights" in picture.text("a#2")
    assert not picture.dashed
    assert picture.text("sub1") == "− · abs"


def test_long_skips_and_outputs() -> None:
    picture = drawn(
        "input 8x8 x4\nenc: conv 3x3 p1 x8; pool 2x2; conv 3x3 p1 x8\noutput middle\n"
        "concat< @enc | deconv 2x2/2 x8 >; conv 1x1 x2\noutput mask"
    )
    assert ("enc", "concat1") in picture.dashed
    assert ("conv1", "output middle") in picture.edges
    assert {"output middle", "output mask"} <= picture.nodes.keys()


def test_fractal_columns_have_one_box() -> None:
    picture = bundled("fractalnet")
    assert picture.boxes == {f"fractal{i}" for i in range(1, 6)}
    joins = [key for key in picture.nodes if picture.text(key).startswith("join")]
    assert len(joins) == 10, "a join of one column is no join"


# --- text --------------------------------------------------------------------------------

HOSTILE = [
    '<b>&amp;</b> & "quotes" {braces} | <TABLE>',
    "back\\slash \\N \\G \\l ends in \\",
    "한국어 신경망 · 日本語 · emoji 🧠",
    "]]> --> <!-- &#0; &unknown;",
    "control \x01\x1f signs",
]


@pytest.mark.parametrize("title", HOSTILE)
def test_hostile_text_stays_text(title: str) -> None:
    for quoted in (style.quoted(title), style.quoted(f'"{title}"')):
        picture_of(
            f"digraph {quoted} {{ {quoted} [label=<{style.font(title, 9)}>, tooltip={quoted}] }}"
        )
    words = "".join(picture_of(f"digraph {{ a [label=<{style.font(title, 9)}>] }}").nodes["a"])
    clean = re.sub("[\x00-\x1f]", "\ufffd", title)
    assert "".join(words.split()) == "".join(clean.split())


def test_a_hostile_title_in_a_program() -> None:
    picture = drawn('network N "a <b> & {c} | 한국어"\ninput x4\nfc 2')
    assert "a <b> & {c} | 한국어" in picture.texts


@pytest.mark.parametrize("name", varied(sorted(archc.bundled())))
def test_no_empty_font(name: str) -> None:
    assert style.font("") == style.font("", 9, "#ffffff", bold=True) == ""
    assert not re.search(r"<FONT[^>]*></FONT>|<B></B>", bundled(name).dot)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (999, "999"), (1000, "1.00k"), (9536, "9.54k"), (73_856, "73.9k"), (999_499, "999k"),
     (999_500, "1.00M"), (118_013_952, "118M"), (4_089_184_256, "4.09G"), (2 * 10**13, "20.0T")],
)  # fmt: skip
def test_human_numbers(count: int, text: str) -> None:
    assert human(count) == text


def test_all_of_it_is_a_hundred_percent() -> None:
    shares = (0.0014, 0.061, 0.0994, 0.0996, 0.22, 0.9997, 1.0)
    assert [*map(format_percent, shares)] == ["0.14", "6.1", "9.9", "10", "22", "100", "100"]
    picture = drawn("input 8x8 x3\nconv 3x3 p1 x4")
    assert "100%" in picture.texts
    assert "e+" not in picture.texts


def test_heat_grows_darker() -> None:
    def lightness(color: str) -> float:
        red, green, blue = (int(color[at : at + 2], 16) for at in (1, 3, 5))
        return 0.3 * red + 0.59 * green + 0.11 * blue

    shades = [lightness(style.heat(share / 20)[0]) for share in range(21)]
    assert shades == sorted(shades, reverse=True)
    assert style.heat(2) == style.heat(1)


# --- the picture and the table agree -----------------------------------------------------


def macs_of(box: Box) -> int:
    return sum(macs_of(item) if isinstance(item, Box) else item.macs for item in box.items)


@pytest.mark.parametrize("name", varied(sorted(archc.bundled())))
def test_cards_add_up(name: str) -> None:
    analysis = archc.load(name).analysis
    assert analysis.plan is not None
    root = compose(analysis.plan, Costs()).root
    assert macs_of(root) == analysis.cost.macs + analysis.cost.side_macs


@pytest.mark.parametrize(
    "seed", [*range(10), *(pytest.param(n, marks=pytest.mark.slow) for n in range(10, 60))]
)
def test_random_networks(seed: int) -> None:
    analysis = api.analyze(Source("random.arch", program(seed).text))
    if not analysis.ok or analysis.plan is None:
        pytest.skip("does not fit")
    assert macs_of(compose(analysis.plan, Costs()).root) == analysis.macs + analysis.cost.side_macs
    picture = picture_of(analysis.draw())
    reached = {tail for tail, _ in picture.edges} | {head for _, head in picture.edges}
    assert all(key in reached or key.startswith("input") for key in picture.nodes)


# --- size --------------------------------------------------------------------------------


def test_deep_and_large_networks() -> None:
    nested = f"input 8x8 x4\n{'residual< ' * 60}conv 3x3 p1 x4{' >' * 60}"
    assert "conv1" in api.analyze(Source("t.arch", nested)).draw()
    tree = (
        "input 8x8 x4\nblock f(c) { if c > 1 { concat< f(c-1) | f(c-1); conv 1x1 x1 >\n"
        "conv 1x1 x4 } else { conv 3x3 p1 x4 } }\nf(12)"
    )
    assert len(api.analyze(Source("t.arch", tree)).draw()) < 2_000_000


def test_branches_of_one_make_are_drawn_once() -> None:
    text = """input 8x8 x8
    block many() { concat< each i in 1..6 { conv 3x3 same d(i) x4 } >; conv 1x1 x8 }
    g: many()
    for i in 0..3 { conv 3x3 p1 x8 as m{i}; conv 1x1 x8 }
    add< each i in 0..3 { @m{i}; conv 1x1 x8 } >"""
    shown = archc.loads(text).analysis.draw()
    assert "×6 conv 3×3 d1, 2, 3 … 6" in shown
    assert "6 × (8×8×4)" in shown
    assert "4 × (8×8×8)" in shown, "one of each pass"
    apart = archc.loads(text).analysis.draw(expand={"g"})
    assert "×6 conv" not in apart, "written out"
    assert "d6" in apart


def test_a_label_in_a_group_that_is_closed_is_asked_for() -> None:
    """Where a drawing would be too large, what is in a group is the card that stands for it."""
    blocks = "".join(
        f"block b{n}() {{ conv 1x1 x4; pool 3x3/1 p1; conv 1x1 x{n}; pool 3x3/1 p1 }}\n"
        for n in (2, 3)
    )
    calls = "".join(f"s{i}: b{2 + i % 2}()\n" for i in range(120))
    group = "g: { a: conv 1x1 x4; pool 3x3/1 p1; conv 1x1 x4 }\nadd< identity | @a >"
    picture = drawn(f"input 4x4 x4\n{blocks}{calls}{group}")
    assert ("g", "add1") in picture.edges
