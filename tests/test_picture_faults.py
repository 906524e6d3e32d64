"""Faults of pictures that users met: each drew another network than its program says.

The files are in `faults/pictures/`; what is said of them here is what must be seen.
"""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
import readback
import reading
from test_draw import SVG, Picture, picture_of

import archc
from archc.analysis.costs import Costs
from archc.api import Analysis, analyze
from archc.draw import DrawStyle, graphviz, scene_of
from archc.draw.boxes import title
from archc.draw.collapse import boxes, cards
from archc.draw.paper import Paper, paper
from archc.draw.scene import Scene
from archc.source import Source

FAULTS = Path(__file__).parent / "faults" / "pictures"


def analysis_of(name: str) -> Analysis:
    found = analyze(Source(name, (FAULTS / f"{name}.arch").read_text("utf-8")))
    assert found.ok
    return found


def scene(name: str) -> Scene:
    plan = analysis_of(name).plan
    assert plan is not None
    return scene_of(plan, DrawStyle())


def on_paper(analysis: Analysis) -> Paper:
    assert analysis.plan is not None
    return paper(analysis.plan, Costs())


def picture(name: str, view: str = "engineer") -> Picture:
    return picture_of(analysis_of(name).draw(view))


# --- sizes -------------------------------------------------------------------------------


def test_a_size_is_no_data() -> None:
    (size,) = [edge for edge in scene("draw_size_edge").edges if edge.size]
    assert (size.tail, size.head, size.trunk, size.skip) == ("input", "upsample1", False, False)
    assert "size only" in picture("draw_size_edge").texts
    assert "-.->|size|" in analysis_of("draw_size_edge").sheet("mermaid").decode()


def test_explain_says_what_gives_its_size() -> None:
    (image,) = analysis_of("draw_size_edge").explain("input:image")
    assert (image.data["feeds"], image.data["gives_size_to"]) == (["down"], ["upsample1"])
    assert "gives its size to  upsample1" in str(image)
    (taker,) = analysis_of("draw_size_edge").explain("upsample1")
    assert "input:image: 33x33 x3, its size alone" in str(taker)


@pytest.mark.parametrize("view", ["engineer", "paper"])
def test_the_skips_of_a_unet_are_its_skips(view: str) -> None:
    edges = {
        (edge.tail.partition(".")[0], edge.head): edge
        for edge in (
            scene("unet_valid") if view == "engineer" else on_paper(analysis_of("unet_valid")).scene
        ).edges
    }
    for at in range(1, 5):
        skip, size, trunk = (
            edges[f"enc{5 - at}", f"crop{at}"],
            edges[f"up{at}", f"crop{at}"],
            edges[f"up{at}", f"concat{at}"],
        )
        assert (skip.skip, size.size, trunk.trunk) == (True, True, True)
        assert edges[f"crop{at}", f"concat{at}"].skip


def test_the_trunk_of_a_unet_is_its_rows() -> None:
    rows = [line.name for line in on_paper(analysis_of("unet_valid")).lines.values()]
    assert rows[:4] == ["input", "enc1", "pool1", "enc2"]
    assert rows[-4:] == ["up4", "double5", "conv1", "output"]


def test_sides_that_meet_are_no_skips() -> None:
    found = scene("hed")
    assert not any(edge.skip for edge in found.edges)
    assert sum(edge.size for edge in found.edges) == 5


# --- weights -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["draw_shared_block", "draw_shared_group"])
@pytest.mark.parametrize("view", ["engineer", "graph"])
def test_shared_weights_count_once(name: str, view: str) -> None:
    analysis = analysis_of(name)
    assert analysis.plan is not None
    found = scene_of(analysis.plan, DrawStyle(view))
    assert sum(card.params for card in cards(found.root)) == analysis.cost.params
    texts = picture(name, view).texts
    assert "right" in texts
    assert "shared weights with left" in texts


@pytest.mark.parametrize("name", ["draw_shared_block", "draw_shared_group"])
def test_the_second_name_is_known(name: str) -> None:
    analysis = analysis_of(name)
    (right,) = analysis.explain("right")
    assert (right.data["name"], right.data["also_called"]) == ("left#2", "right")
    assert "runs left once more, as right, with the same weights" in str(right)
    assert "right (left#2)" in str(analysis.explain("left")[0])
    part = "conv1" if name.endswith("block") else "0"
    assert analysis.explain(f"right.{part}")[0].data["name"] == f"left.{part}#2"
    assert "right: " in str(analysis.summary())
    assert "shared with left" in str(analysis.summary())


# --- blocks that look otherwise ----------------------------------------------------------


def shown_blocks(analysis: Analysis) -> list[tuple[str, list[str], list[str]]]:
    """Of each block's card its signature, the rows that it stands for, and what is on it."""
    return [
        (t.signature, t.rows, ["".join(text for text, _ in c.title) for c in cards(t.scene.root)])
        for t in on_paper(analysis).templates
    ]


def test_a_card_for_each_structure() -> None:
    assert shown_blocks(analysis_of("draw_block_card")) == [
        ("(c, n=1, skip=true)", ["unit1"], ["x", "×n conv 3×3 → c · relu", "+"]),
        ("(c, n=1, skip=false)", ["unit3"], ["x", "×n conv 3×3 → c · relu"]),
    ]
    rows = on_paper(analysis_of("draw_block_card")).lines.values()
    assert [row.config[0] for row in rows if row.name.startswith("unit")] == [
        "unit(8, n=2)",
        "conv 3×3 · relu   8 → 8",
        "unit(8, n=3, skip=false)",
    ]
    texts = picture("draw_block_card", "paper").texts
    assert "unit1" in texts
    assert "skip=false)" in texts


def block(body: str, calls: str, formals: str = "n=1, skip=true, act=relu") -> Analysis:
    """The calls of a block `b` on 8x8 x8, whose body is given."""
    text = f"input 8x8 x8\nblock b({formals}) {{ {body} }}\n{calls}\ngap; flatten; fc 2"
    found = analyze(Source("test.arch", text))
    assert found.ok, found.diagnostics
    return found


CONV = "conv 3x3 p1 x8"


@pytest.mark.parametrize(
    ("body", "calls", "shown"),
    [
        (  # an `if` that one call does not take is told on what it holds
            f"if skip {{ {CONV} }}; {CONV}; {CONV}",
            "b(1, true); b(1, false)",
            [["x", "conv 3×3 → 8", "conv 3×3 → 8", "conv 3×3 → 8"]],
        ),
        (  # the other arm is another block
            f"if skip {{ {CONV} }} else {{ pool 3x3/1 p1 }}; {CONV}; {CONV}",
            "b(1, true); b(1, false)",
            [
                ["x", "conv 3×3 → 8", "conv 3×3 → 8", "conv 3×3 → 8"],
                ["x", "pool 3×3/1", "conv 3×3 → 8", "conv 3×3 → 8"],
            ],
        ),
        (  # what joins its convolution's card says so there
            f"{CONV}; if skip {{ droppath 0.5 }}; {CONV}",
            "b(1, true); b(1, false)",
            [["x", "conv 3×3 → 8 · droppath 0.5 if skip", "conv 3×3 → 8"]],
        ),
        (  # an operator that is handed over goes by its parameter's name
            f"{CONV}; act; {CONV}; act",
            "b(act=relu); b(act=silu)",
            [["x", "conv 3×3 → 8 · act", "conv 3×3 → 8 · act"]],
        ),
        (  # as often as the block says
            f"{{ {CONV}; pool 3x3/1 p1 }} * n; {CONV}",
            "b(2); b(7)",
            [["x", "conv 3×3 → 8", "pool 3×3/1", "conv 3×3 → 8"]],
        ),
        (  # but not where the first pass is another
            f"for i in 1..n {{ {CONV}; if i == 1 {{ pool 3x3/1 p1 }} }}; pool 3x3/1 p1",
            "b(2); b(3)",
            [
                ["x", "conv 3×3 → 8", "pool 3×3/1", "conv 3×3 → 8", "pool 3×3/1"],
                ["x", "conv 3×3 → 8", "pool 3×3/1", *["conv 3×3 → 8"] * 2, "pool 3×3/1"],
            ],
        ),
    ],
)
def test_what_one_card_may_stand_for(body: str, calls: str, shown: list[list[str]]) -> None:
    assert [words for _, _, words in shown_blocks(block(body, calls))] == shown


def test_what_is_not_always_there_says_when() -> None:
    (card,) = [
        card
        for template in on_paper(
            block(f"if skip {{ {CONV} }}; pool 3x3/1 p1; {CONV}", "b(1, true); b(1, false)")
        ).templates
        for card in cards(template.scene.root)
        if card.facts
    ]
    assert card.facts == ["if skip"]


def test_templates_of_one_block_have_their_own_nodes() -> None:
    found = on_paper(analysis_of("draw_block_card"))
    ids = [card.id for template in found.templates for card in cards(template.scene.root)]
    assert len(set(ids)) == len(ids)


# --- repeats whose numbers grow ----------------------------------------------------------


def words(name: str, view: str = "engineer") -> str:
    return " ".join(picture(name, view).texts.split())


def test_passes_of_a_c2f_are_one_box() -> None:
    found = scene("c2f")
    (fold,) = [box for box in boxes(found.root) if box.kind == "fold"]
    assert (fold.count, fold.name, fold.facts) == (3, "group1–3", ["55.7k params", "22.1M MACs"])
    shown = words("c2f")
    assert "narrow from 32, 64, 96" in shown
    assert "concat 64…128+32" in shown
    assert "20×20×160" in shown, "what the last pass makes"


def test_dilations_are_a_series() -> None:
    assert "conv 3 d1, 2, 4 … 512" in words("wavenet")
    assert len(scene("wavenet").root.items) == 5


@pytest.mark.parametrize("direction", ["down", "right"])
@pytest.mark.parametrize("name", ["detector", "unet_valid", "hed", "yolov3_tiny"])
def test_no_shape_stands_on_a_card(name: str, direction: str) -> None:
    """As Graphviz put them where an edge leaves its card sideways."""
    bundled = name in archc.bundled()
    dot = (archc.load(name).analysis if bundled else analysis_of(name)).draw(direction=direction)
    svg = ElementTree.fromstring(graphviz.picture(dot, "svg"))
    groups = list(svg.iter(f"{SVG}g"))
    cards = [p for g in groups if g.get("class") == "node" for p in g.iter(f"{SVG}polygon")]
    frames = [
        [tuple(map(float, xy.split(","))) for xy in p.get("points", "").split()] for p in cards
    ]
    labels = [t for g in groups if g.get("class") == "edge" for t in g.iter(f"{SVG}text")]
    assert labels
    for label in labels:
        x, y = float(label.get("x", 0)), float(label.get("y", 0)) - 3  # the middle of its letters
        for corners in frames:
            xs, ys = zip(*corners, strict=True)
            assert not (min(xs) < x < max(xs) and min(ys) < y < max(ys)), label.text


@pytest.mark.parametrize("direction", ["down", "right"])
def test_what_merges_branches_stands_behind_them(direction: str) -> None:
    """Also where one is longer, in a box: no line of data goes back."""
    dot = analysis_of("detector").draw(direction=direction, columns=1)
    found = json.loads(graphviz.picture(dot, "json"))
    names = {thing["_gvid"]: thing for thing in found["objects"]}
    for edge in found["edges"]:
        (x, y), (to_x, to_y) = (
            map(float, names[edge[end]]["pos"].split(",")) for end in ("tail", "head")
        )
        assert to_y < y if direction == "down" else to_x > x, (edge["tail"], edge["head"])


def test_to_the_right_is_the_same_network() -> None:
    """From left to right in one row, and in rows: what is drawn down, in another place."""
    for name in ("detector", "wavenet_skips", "insets_in_loops"):
        down, right = (
            reading.of_dot(analysis_of(name).draw(direction=direction, columns=1))
            for direction in ("down", "right")
        )
        rows = reading.of_dot(analysis_of(name).draw(direction="right"))
        assert {(a.tail, a.head) for a in rows.lines} == {(a.tail, a.head) for a in down.lines}
        for read in (down, right):
            read.lines.sort(key=str)
        assert sorted(map(str, down.cards)) == sorted(map(str, right.cards))
        assert [(a.tail, a.head, a.label) for a in down.lines] == [
            (a.tail, a.head, a.label) for a in right.lines
        ]


def test_maps_inside_of_a_pass_may_grow() -> None:
    """Causal padding grows with the dilation; what each pass makes is of one size."""
    shown = words("wavenet_causal")
    assert "pad before=1, 2, 4 … 512" in shown
    assert "1601×32…2112×32" in shown
    (fold,) = [box for box in boxes(scene("wavenet_causal").root) if box.kind == "fold"]
    assert (fold.count, fold.name) == (10, "res0–9")


def test_a_repeat_in_a_group_has_the_numbers_of_its_passes() -> None:
    """Not the one of the group that is in each."""
    text = "input 8x8 x4\na: { dense< bn; conv 3 p1 x4; relu; conv 3 p1 x4 > } * 6"
    found = picture_of(analyze(Source("a", text)).draw())
    assert "×6 0–5" in " ".join(found.texts.split())


@pytest.mark.parametrize(
    ("loop", "shown"),
    [
        ("for c in [64, 128, 256] { unit(c) }", "×3 unit1–3 · unit"),
        ("for i in 1..6 { unit(8 * i) }", "×6 unit1–6 · unit"),
        ("for c in [64, 128] { unit(c) }", ""),  # two read better written out
        ("for c in [8, 64, 16, 128, 24] { unit(c) }", ""),  # no few words tell these
        ("for c in [16, 16, 32, 64] { unit(c) }", "×2 unit1–2 · unit"),  # equal ones first
        ("a: unit(16); b: unit(32); c: unit(64)", ""),  # no passes
        ("for c in [16, 32, 64] { conv 3x3/2 p1 x(c); unit(c) }", ""),  # another resolution
        ("for k in [3, 5, 7] { conv (k)x(k) same x8; unit(8) }", "×3 unit1–3"),
        ("for c in [16, 32, 64] { unit(c) as u{c} }; gap; concat< | @u32; gap >", ""),  # asked for
    ],
)
def test_which_passes_fold(loop: str, shown: str) -> None:
    text = f"input 32x32 x3\nblock unit(c) {{ conv 3x3 p1 x(c); pool 3x3/1 p1; relu }}\n{loop}"
    found = analyze(Source("test.arch", text))
    assert found.plan is not None, found.diagnostics
    folds = [box for box in boxes(scene_of(found.plan, DrawStyle()).root) if box.count > 1]
    headers = [f"×{box.count} {title(box.name, box.block)}" for box in folds]
    assert headers == [shown] * bool(shown)


def test_channels_that_grow_are_listed() -> None:
    shown = words("growing")
    assert "3, 64, 128 → 64, 128, 256 · Σ 371k" in shown
    assert "256, 32, 64 … 192 → 32…224 · Σ 1.11M" in shown
    assert "conv 3×3, 5×5, 7×7" in shown


def test_what_a_repeat_holds_stands_beside_the_rows() -> None:
    found = on_paper(analysis_of("growing"))
    assert [(line.name, line.times) for line in found.lines.values() if line.times > 1] == [
        ("run1", 3),
        ("run2", 3),
    ]
    assert [template.name for template in found.templates] == ["run1", "run2"]
    assert "conv 3×3, 5×5, 7×7" in words("growing", "paper")


def test_a_block_tells_its_numbers_itself() -> None:
    assert "conv 3 d(2**i)" in words("growing_in_a_block", "paper")
    assert "×(n + 1)" in words("growing_in_a_block", "paper")


def test_a_test_inside_a_block_is_in_the_words_of_the_one_around() -> None:
    assert "if s > 1 or in.c + @other.c > 4" in words("inner_test", "paper")


def test_a_test_has_no_words_of_python() -> None:
    assert "+ if in.c == ceil(c / 2)" in words("ceil_in_a_test", "paper")


def test_passes_of_which_a_call_has_less_stay_apart() -> None:
    assert words("if_in_a_pass", "paper").count("if in.c != 6") == 1


# --- names beside the rows ---------------------------------------------------------------

SIDES = """input 32x32 x3
block unit(c) { conv 1x1 x(c); pool 3x3/1 p1; relu }
stem: conv 3x3 p1 x16
concat<
  left: { squeeze: conv 1x1 x8; unit(16) }
| right: { squeeze: conv 1x1 x8; unit(16) }
| { for c in [8, 16, 24] { conv 3x3 p1 x(c); tanh; pool 3x3/1 p1 } }
| other: { expand: conv 1x1 x8; { residual< conv 3x3 p1 x8; silu > } * 4 }
>
expand: conv 3x3 p1 x8
gap; flatten; fc 10"""


def test_what_is_called_alike_has_its_path_beside_the_rows() -> None:
    found = analyze(Source("test.arch", SIDES))
    assert readback.differences(found) == []
    shown = " ".join(picture_of(found.draw("paper")).texts.split())
    for path in (
        "left.squeeze",
        "right.squeeze",
        "left.1 · unit",
        "right.1 · unit",
        "other.expand",
    ):
        assert path in shown
    assert [line.name for line in on_paper(found).lines.values()][1:3] == ["stem", "expand"]


@pytest.mark.parametrize(
    ("text", "axes"),
    [
        ("input 64 x1\nconv 3 p1 x8", "shapes: length × channels"),
        ("input 4x4x4 x1\nconv 3 p1 x8", "shapes: depth × height × width × channels"),
        ("input 8x8 x1\nconv 3 p1 x8", "shapes: height × width × channels"),
        ("input x8\nfc 8", ""),
    ],
)
def test_the_legend_says_what_the_numbers_of_shapes_are(text: str, axes: str) -> None:
    for view in ("engineer", "paper", "volumes"):
        dot = analyze(Source("a", text)).draw(view)
        assert ("shapes: " in dot) is bool(axes)
        assert axes in dot


def test_no_costs_are_none_of_what_runs_again() -> None:
    text = "input 8x8 x4\na: conv 3 p1 x4\nreuse a\n"
    dot = analyze(Source("a", text)).draw(hidden=frozenset({"costs"}))
    assert "share of MACs" not in dot
