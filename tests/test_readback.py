"""What is drawn is what is there: every drawing, read back, equals its plan.

`readback.differences` compares; a few networks and programs run here, all bundled ones and some
hundreds of random ones with `-m slow`, and as many as one likes by `python tests/readback.py
--count 2000`.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
import random_networks
import readback
import reading
from fuzz import blocks
from nets import varied

import archc
from archc import api
from archc.draw import SHEETS, DrawStyle, graphviz, scene_of
from archc.draw.collapse import boxes
from archc.source import Source

FAULTS = sorted((Path(__file__).parent / "faults" / "pictures").glob("*.arch"))
FAST, ALL, BATCH = 3, 150, 3

# Those that take a second and more.
DEAR = {
    "dense_by_an_if_in_a_number",
    "dense_by_parts",
    "detector",
    "hed",
    "insets_in_loops",
    "insets_several",
    "insets",
    "lists_given_to_a_block",
    "lists_made_in_a_block",
    "loop_in_a_loop_of_a_block",
    "outputs_in_columns",
    "param_hidden_by_a_block",
    "towers_side_by_side",
    "wavenet_skips_projected",
}
PROGRAMS = [
    pytest.param(path, id=path.stem, marks=[pytest.mark.slow] if path.stem in DEAR else [])
    for path in FAULTS
]


@pytest.mark.parametrize("name", varied(sorted(archc.bundled())))
def test_bundled_networks(name: str) -> None:
    assert readback.differences(archc.load(name).analysis) == []


@pytest.mark.parametrize("path", PROGRAMS)
def test_found_programs(path: Path) -> None:
    assert readback.differences(api.analyze(Source(path.stem, path.read_text("utf-8")))) == []


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("resnet50", "layer2"),
        ("resnet50", "layer2.1"),  # drawn once for three
        ("googlenet", "inception4a"),
        ("googlenet", "aux1"),
        ("alexnet_2gpu", "conv2"),
        ("lenet5", "c3.rows1"),
        ("densenet121", "features.denseblock1.denselayer1.conv1"),  # of which there are six
        pytest.param("resnet50_fpn", "fpn", marks=pytest.mark.slow),
    ],
)
def test_a_part_in_rows_and_volumes(name: str, part: str) -> None:
    """Its cards, edges and numbers are those of the whole."""
    assert readback.part_differences(archc.load(name).analysis, part) == []


@pytest.mark.slow
@pytest.mark.parametrize("path", FAULTS, ids=lambda path: path.stem)
def test_parts_of_found_programs(path: Path) -> None:
    analysis = api.analyze(Source(path.stem, path.read_text("utf-8")))
    assert analysis.plan is not None
    for box in boxes(scene_of(analysis.plan, DrawStyle()).root):
        assert readback.part_differences(analysis, box.id) == [], box.id


def hold(start: int) -> None:
    for seed in range(start, start + BATCH):
        assert readback.examine(blocks.program(seed)) in ([], None), f"blocks {seed}"
        assert readback.examine(random_networks.program(seed).text) in ([], None), f"random {seed}"


@pytest.mark.parametrize("start", range(0, FAST, BATCH))
def test_random_programs(start: int) -> None:
    hold(start)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(FAST, ALL, BATCH))
def test_more_random_programs(start: int) -> None:
    hold(start)


@pytest.mark.parametrize("direction", ["down", "right"])
@pytest.mark.parametrize(
    ("seed", "sheet"),
    [
        (60010, "a4"),
        *(pytest.param(seed, "a4", marks=pytest.mark.slow) for seed in range(60000, 60010)),
        *(pytest.param(seed, "slide", marks=pytest.mark.slow) for seed in range(60011, 60030)),
    ],
)
def test_pages_of_random_programs(seed: int, sheet: str, direction: str) -> None:
    """Together they hold each card once, and each edge."""
    for text in (blocks.program(seed), random_networks.program(seed).text):
        analysis = api.analyze(Source("random", text))
        assert analysis.ok
        assert readback.page_differences(analysis, sheet, direction) == []


@pytest.mark.parametrize(
    "name",
    [
        "unet",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in (
                "squeezenet1_0_complex_bypass",
                "lraspp_mobilenet_v3_large",
                "resnet50_fpn",
                "yolov3_tiny",
                "efficientnet_b0",
                "efficientnet_v2_s",
                "googlenet",
                "inception_v3",
            )
        ),
    ],
)
@pytest.mark.parametrize("sheet", ["a4", "slide"])
def test_tables_on_sheets(name: str, sheet: str) -> None:
    """Skips pass where some of them are cut, and blocks go on."""
    assert readback.table_page_differences(archc.load(name).analysis, sheet) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(91000, 91030))
def test_tables_of_random_programs_on_low_sheets(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On which more of them are cut."""
    monkeypatch.setitem(SHEETS, "slide", (960, 440))
    for text in (blocks.program(seed), random_networks.program(seed).text):
        analysis = api.analyze(Source("random", text))
        assert analysis.ok
        assert readback.table_page_differences(analysis, "slide") == []


@pytest.mark.slow
@pytest.mark.parametrize("path", FAULTS, ids=lambda path: path.stem)
def test_tables_of_found_programs_on_low_sheets(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SHEETS, "slide", (960, 440))
    analysis = api.analyze(Source(path.stem, path.read_text("utf-8")))
    assert readback.table_page_differences(analysis, "slide") == []


def test_a_table_that_lacks_something_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    analysis = archc.load("unet").analysis
    first, second = analysis.pages("dot", "a4", view="paper")
    for wrong in (
        [first],
        [second, first],
        [first, second, second],
        [first.replace(b'"to B"', b'"to C"'), second],
        [first, second.replace(b"module (continued)", b"module")],
        [first, second.replace(b'"from A in column 2" -> ', b'"from B in column 2" -> ')],
    ):
        monkeypatch.setattr(api.Analysis, "pages", lambda *_, made=wrong, **__: made)
        assert readback.table_page_differences(analysis, "a4"), wrong


def test_a_page_that_lacks_something_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    analysis = archc.load("googlenet").analysis
    pages = analysis.pages("dot", "a4")
    assert len(pages) > 2
    for wrong in (pages[1:], [*pages, pages[1]], [pages[0].replace(b'"to B"', b'"to C"')]):
        monkeypatch.setattr(api.Analysis, "pages", lambda *_, made=wrong, **__: made)
        assert readback.page_differences(analysis, "a4")


@pytest.mark.parametrize("name", ["resnet50", "googlenet"])
def test_as_an_engine_draws_it(name: str) -> None:
    assert readback.differences(archc.load(name).analysis, svg=True) == []


@pytest.mark.parametrize("name", ["densenet121", "vgg16"])
def test_shapes_of_a_drawing_in_columns_are_seen(name: str) -> None:
    """Graphviz leaves labels of edges out where it packs what it has laid out by itself."""
    dot = archc.load(name).analysis.draw()
    shapes = [line.label for line in reading.of_dot(dot, join=False).lines if line.label]
    svg = graphviz.picture(dot, "svg", engine="graphviz-pure").decode()
    assert "column 2" in dot
    assert len(shapes) > 4
    for shape in shapes:
        assert f"{shape}</text>" in svg


@pytest.mark.parametrize("name", ["unet", "resnet50_fpn"])
def test_lines_that_fork_in_columns_say_their_shapes(name: str) -> None:
    """As in one column, but for those that meet others: what merges them says what they make."""
    found = archc.load(name).analysis
    single, cut = (
        reading.of_dot(found.draw(columns=columns), join=False).lines for columns in (1, 4)
    )
    wanted = {(line.tail, line.head): line.label for line in single}
    leaving, entering = Counter(x.tail for x in cut), Counter(x.head for x in cut)
    whole = [line for line in cut if (line.tail, line.head) in wanted and entering[line.head] == 1]
    assert all(line.label == wanted[line.tail, line.head] for line in whole)
    assert any(line.label and leaving[line.tail] > 1 for line in whole), "one that forks"


# --- what it would find ------------------------------------------------------------------

NET = """input 8x8 x4
a: conv 3x3 p1 x8; relu
for i in 1..9 { residual< conv 3x3 p1 x8; bn; relu; conv 3x3 p1 x8 > }
concat< @a | upsample to=@input >; gap; flatten; fc 10"""


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("×9", "×8", "not drawn: "),
        ("9×36.9k", "8×36.9k", "MACs"),
        ("4 → 8", "3 → 8", "says 3 → 8"),
        ("18.4k", "18.5k", "MACs"),
        ('"a" -> "concat1"', '"input" -> "concat1"', "no edge from a to concat1"),
        ("style=dotted", "style=dashed", "no edge of a size from input to upsample1"),
        (">fc<", ">conv<", "says 'conv' of fc1"),
    ],
)
def test_a_wrong_drawing_is_found(before: str, after: str, found: str) -> None:
    _hold_wrong(NET, before, after, found)


GROWING = """input 64 x1
conv 1 x8
for i in 0..5 { residual< conv 3 same d(2**i) x8; tanh > }
for c in [16, 32, 64] { conv 3 same x(c); s{c}: { pool 3/1 p1; silu; pool 3/1 p1 } }
{ dense< narrow (in.c - 64) (64); residual< conv 3 p1 x64; relu; conv 3 p1 x64 > > } * 5
conv 1 x8"""


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("d1, 2, 4 … 32", "d1, 2, 4 … 64", "6 times"),
        ("d1, 2, 4 … 32", "d1, 2, 3 … 32", "6 times"),
        ("8, 16, 32 → 16, 32, 64", "8, 16, 32 → 16, 32, 48", "says 8, 16, 32 → 16, 32, 48"),
        ("8, 16, 32 → 16, 32, 64", "8…32 → 16…64", "says 8…32 → 16…64"),
        pytest.param(
            "from 0, 64, 128 … 256",
            "from 0, 64, 128 … 224",
            "5 times",
            marks=pytest.mark.slow,
        ),
        ("64…320+64", "64…256+64", "5 times"),
        ("64×16…64", "64×16…32", "says 64×16…32"),
        ('label=" 64×384"', 'label=" 64×320"', "says 64×320"),
    ],
)
def test_wrong_numbers_of_a_repeat_are_found(before: str, after: str, found: str) -> None:
    _hold_wrong(GROWING, before, after, found)


def _hold_wrong(text: str, before: str, after: str, found: str) -> None:
    """A drawing is right, and wrong where a part of it says something else."""
    analysis = api.analyze(Source("test.arch", text))
    dot = analysis.draw()
    assert before in dot
    network = readback.Network(analysis)
    assert readback.Readback(network, reading.of_dot(dot)).faults == []
    wrong = readback.Readback(network, reading.of_dot(dot.replace(before, after)))
    assert any(found in fault for fault in wrong.faults), wrong.faults


SKIPS = """input 64 x4
for i in 0..5 { mul< conv 3 same d(2**i) x4; tanh | conv 1 x4 > as gate{i}
skip{i}: conv 1 x8; @gate{i}; conv 1 x4 }
add< each i in 0..5 { @skip{i} } >
for i in 0..5 { residual< conv 3 p1 x8 as mid{i}; conv 1 x8 > }
concat< each i in 0..5 { @mid{i}; conv 1 x2 } >"""


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("6 × (64×8)", "64×8", "takes what pass 0 of run ×6 made, from outside"),
        ("6 × (64×8)", "5 × (64×8)", "says 5 times, and 6 are taken"),
        ("6 × (64×8)", "6 × (64×4)", "says 6 × (64×4)"),
        ("skip0…5", "skip0…4", "skip0 says skip0…4 of"),
        ("skip0…5", "skip0", "skip0 says 'skip0' of 6 labels"),
        ('"skip0" -> "add1"', '"mul1" -> "add1"', "no edge from skip0 to add1"),
        ("side by side · 8 → 2", "8 → 2", "no pass of conv"),
    ],
)
def test_wrong_edges_out_of_passes_are_found(before: str, after: str, found: str) -> None:
    _hold_wrong(SKIPS, before, after, found)


BRANCHES = """input 16x16 x12
concat< narrow 0 3 | narrow 3 3 | narrow 1 3 | narrow 4 3 | narrow 2 3 | narrow 5 3 >
concat<
  conv 3x3 same d1 x8; relu | conv 3x3 same d2 x8; relu | conv 3x3 same d3 x8; relu
| conv 3x3 same d4 x8; relu | conv 3x3 same d5 x8; relu | conv 3x3 same d6 x8; relu
| conv 1x1 x8
>
block path(n) { for i in 1..n { conv 1x1 x4; relu; conv 3x3 p1 x48 } }
concat<
  conv 1x1 x2; pool 3x3/1 p1 | conv 1x1 x2; pool 3x3/1 p1 | conv 1x1 x2; pool 3x3/1 p1
| conv 1x1 x2; pool 3x3/1 p1 | conv 1x1 x2; pool 3x3/1 p1 | conv 1x1 x2; pool 3x3/1 p1
| identity
>
add< path(6) | path(6) | path(6) | path(6) | path(6) | path(6) >
mean< conv 1x1 x48 | conv 3x3 p1 x48 | conv 1x1 x48 | conv 1x1 x48 >"""


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("from 0, 3, 1, 4", "from 0, 1, 3, 4", "6 times"),
        ("d1, 2, 3 … 6", "d1, 2, 4 … 6", "6 times"),
        ("side by side · 12 → 3", "12 → 3", "no pass of narrow1 takes"),
        ("×6 narrow", "×5 narrow", "narrow"),
        ('"narrow1" -> "concat1"', '"narrow1" -> "concat2"', "no edge from narrow1 to concat1"),
    ],
)
def test_wrong_branches_are_found(before: str, after: str, found: str) -> None:
    _hold_wrong(BRANCHES, before, after, found)


INSETS = """input 16x16 x8
block stack(layers) { for i in 1..layers { dense< bn; relu; conv 3x3 p1 x4 > } }
block paths(g, w) { residual< conv 1x1 x(w); conv 3x3 p1 x(w) g(g); relu; conv 1x1 x(@in.c) > }
stack(4); stack(6); conv 1x1 x12
paths(4, 32); paths(8, 32); paths(8, 64)
for i in 1..3 { dense< conv 3x3 p1 x6 > }
{ conv 1x1 x16; conv 3x3 p1 x24 g4 } * 2
block layer(k) { dense< bn; relu; conv 3x3 p1 x(k) > }
a: layer(4) * 5; b: layer(6) * 5"""


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (">w/g<", ">g/w<", "says g/w → w/g, and makes (8, 8)"),
        (">→ w/g<", ">→ w<", "a path of paths().conv2 says w/g → w"),
        ("… 4, 8 paths …", "… 4, 16 paths …", "'4, 16', and has [4, 8] paths"),
        (">4 → 6<", ">4 → 8<", "says 4 → 8, and makes (4, 6)"),
        ('headport="path2:n"', 'headport="path1:n"', "paths().conv2 leads into"),
        ('tailport="path1:s"', 'tailport="path0:s"', "not all paths of paths().conv2 lead to"),
        ('PORT="path', 'PORT="', "paths().conv2 is drawn as []"),
        ('"stack().run ×6 at 0" -> "stack().run ×6 at 2"', '"gone" -> "gone"', "are connected by"),
        ('=false, style=dashed, color="#b84b06"', "=false", "are connected by"),
        (">layers</FONT>>", ">n</FONT>>", "not ['x', 'H1', 'H2', '…', 'Hlayers']"),
        ('"run ×3 at 3" [', '"run ×3 at 3" [style=invis, ', "run ×3 are ['x', 'H1', 'H2'], not"),
        (">5</FONT>>", ">6</FONT>>", "['x', 'H1', 'H2', '…', 'H6'], not"),
        (">3</FONT>>", ">4</FONT>>", "the passes of run ×3 are ['x', 'H1', 'H2', 'H4']"),
    ],
)
def test_wrong_insets_are_found(before: str, after: str, found: str) -> None:
    analysis = api.analyze(Source("test.arch", INSETS))
    network = readback.Network(analysis)
    whole = readback.Readback(network, reading.of_dot(analysis.draw()))
    dot = analysis.draw("paper")
    assert before in dot
    assert list(readback.on_paper(network, whole, analysis)) == []
    faults = list(readback.on_paper(network, whole, analysis, [dot.replace(before, after)]))
    assert any(found in fault for fault in faults), faults


@pytest.mark.parametrize(
    "text",
    [
        "conv 3x3 p1 x24 g8; conv 3x3 p1 x24",  # no block's card
        "block b(g) { conv 1x1 x24; conv 3x3 p1 x24 g(g); conv 1x1 x8 }\nb(24); b(8)",
        "block b(g) { conv 1x1 x24; conv 3x3 p1 x24 g(g); conv 1x1 x8 }\nb(2); b(8)",
        "for i in 1..6 { residual< conv 3x3 p1 x8; relu; conv 3x3 p1 x8 > }",
        "for i in 1..6 { dense< conv 3x3 p1 x8 >; relu }",
        "block b(w) { dense< conv 3x3 p1 x(w); relu; conv 1x1 x(w) > }"
        "\nb(8) * 5; pool 2x2; b(8) * 6",
        "block b(w) { dense< conv 3x3 p1 x(w); relu; conv 1x1 x(w) > }\n"
        "add< b(8) | b(8) | b(8) | b(8) | b(8) | b(8) >",
        "for i in 1..6 { concat< conv 3x3 p1 x8 | conv 1x1 x8 > }",
        "a: conv 1x1 x4\nfor i in 1..6 { concat< | @a; conv 3x3 p1 x8; relu; conv 1x1 x4 > }",
        "block b(n) { for i in 1..n { dense< conv 3x3 p1 x8; relu > } }\nb(3); b(6)",
        "block b(n, d) { for i in 1..n { conv 1x1 x8; if d { dense< conv 1x1 x8 > } } }"
        "\nb(5, true); b(6, false)",
    ],
)
def test_what_is_no_inset(text: str) -> None:
    analysis = api.analyze(Source("test.arch", f"input 16x16 x8\n{text}"))
    assert readback.differences(analysis) == []
    dot = analysis.draw("paper")
    assert not re.search(r' (in paths|connections)" \{', dot)


@pytest.mark.parametrize("path", [p for p in FAULTS if "inset" in p.stem], ids=lambda p: p.stem)
def test_insets_are_drawn_by_an_engine(path: Path) -> None:
    """Graphviz gave up on several rows of arcs in one card."""
    dot = api.analyze(Source(path.stem, path.read_text("utf-8"))).draw("paper")
    assert b"</svg>" in graphviz.picture(dot, "svg", engine="graphviz-pure")


TOWERS = """input 16x16 x3
devices "cuda:0" "cuda:1"
pool 2x2
a: conv 3x3 p1 x8; relu
for i in 1..6 { conv 3x3 p1 x8 g2; relu }
c: conv 3x3 p1 x16; relu; flatten
fc 10"""


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (">3 → 4<", ">3 → 8<", "makes 8 of 8 in a"),
        (">8 → 8<", ">4 → 8<", "reads 4 of 8 in c"),
        ("tower1:s", "tower0:s", "from a to conv1 lead"),
        ('tailport="tower0:s", headport="tower1:n"', "style=invis", "from conv1 to c lead"),
        ('PORT="tower', 'PORT="', "a stands in no tower"),
    ],
)
def test_wrong_towers_are_found(before: str, after: str, found: str) -> None:
    analysis = api.analyze(Source("test.arch", TOWERS))
    assert readback.differences(analysis) == []
    dot = analysis.draw("paper")
    assert before in dot
    whole = readback.Readback(readback.Network(analysis), reading.of_dot(analysis.draw()))
    wrong = readback.rows_of(reading.of_dot(dot.replace(before, after)))
    faults = list(readback.in_towers(whole, wrong))
    assert any(found in fault for fault in faults), faults


def test_a_stride_chosen_by_an_if_stands_in_brackets() -> None:
    """Without them `3×3/2 if reduce else 1` reads as a window of 1."""
    path = FAULTS[0].with_name("stride_by_an_if.arch")
    drawing = api.analyze(Source(path.stem, path.read_text("utf-8"))).draw("paper")
    assert drawing.count("3×3/(2 if reduce else 1)") == 2
    assert "3×3/2 if" not in drawing
