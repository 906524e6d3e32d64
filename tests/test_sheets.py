"""Drawings for paper and slides: a part alone, on sheets, and without what one does not want."""

from __future__ import annotations

import re
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import reading
from nets import net_of

import archc
from archc import cli
from archc.draw import SHEETS, TooManySheets, Unknown, graphviz

CORPUS = Path(__file__).parent / "faults" / "pictures"
FONT = re.compile(r'font-size="([\d.]+)"')
SCALE = re.compile(r'class="graph" transform="scale\(([\d.]+)')


@cache
def analysis(name: str) -> archc.Analysis:
    return archc.load(name).analysis


def drawing(name: str, **how: object) -> reading.Drawing:
    return reading.of_dot(analysis(name).draw(**how), join=False)  # type: ignore[arg-type]


# --- a part of a network -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("googlenet", "inception4b"),
        ("resnet50", "layer3.0"),
        ("unet", "join2"),
        ("vgg16", "features"),
    ],
)
def test_a_part_is_drawn_as_in_the_whole(name: str, part: str) -> None:
    """The same cards and edges, and a sign for each tensor that comes in or goes out."""
    whole, found = drawing(name), drawing(name, only=part, columns=1)
    inside = {item.id for item in found.cards if not item.id.startswith(("from ", "to "))}
    inside |= {box.id for box in found.boxes}
    assert part in inside
    assert inside < {item.id for item in (*whole.cards, *whole.boxes)}
    between = {(line.tail, line.head) for line in drawing(name, columns=1).lines}
    assert {(a, b) for a, b in between if {a, b} <= inside} == {
        (line.tail, line.head) for line in found.lines if {line.tail, line.head} <= inside
    }
    coming = {f"from {a}" for a, b in between if a not in inside and b in inside}
    going = {f"to {b}" for a, b in between if a in inside and b not in inside}
    assert {item.id for item in found.cards} - inside == coming | going


def test_a_part_says_its_own_totals() -> None:
    """As `summary` has them: parameters as torch counts those of the module."""
    torch = pytest.importorskip("torch")
    net = archc.load("googlenet")
    with torch.device("meta"):
        block = net.module().get_submodule("inception4b")
    count = sum(p.numel() for p in block.parameters())
    dot = net.analysis.draw(only="inception4b")
    assert f"{count / 1000:.0f}k params" in dot
    assert "input 14×14×512" in dot
    assert "GoogLeNet · inception4b" in dot


@pytest.mark.parametrize("view", ["engineer", "paper", "volumes"])
def test_a_part_has_its_totals_where_no_card_says_any(view: str) -> None:
    """Also in the words for those who do not see it."""
    hows: list[Any] = [{}, {"hidden": "costs"}]
    for how in hows:
        svg = archc.load("resnet50").draw("svg", view=view, only="layer2.0", **how)
        words = ElementTree.fromstring(svg).find(f"{reading.SVG}desc")
        assert words is not None
        assert "379k parameters, 373M MACs, input 56×56×256" in (words.text or "")


def test_a_part_on_sheets_in_every_view() -> None:
    for view in ("engineer", "paper", "volumes"):
        (page,) = analysis("resnet50").pages("dot", "a4", view=view, only="layer2")
        assert "ResNet50 · layer2<" in page.decode()
        with pytest.raises(Unknown):
            analysis("resnet50").pages("dot", "a4", view=view, only="layer9")


def test_a_block_by_its_name_is_its_first_call() -> None:
    assert "inception3a" in analysis("googlenet").draw(only="inception")


NESTED = """network Net
input 8x8 x3
block unit(c) { conv 3x3 p1 x(c) nobias; bn; relu }
block pair(c) { conv 1x1 x(c); tanh; conv 1x1 x(c) }
stem: unit(4)
unit(5)
a: pair(6)
rest: { conv 1x1 x6; relu; conv 1x1 x6 } * 3
last: { conv 1x1 x7; relu; conv 1x1 x7 } * 3
"""


@pytest.mark.parametrize(
    ("name", "title", "signs"),
    [
        ("stem", "stem", ["from input", "to unit1.conv1"]),  # one card
        ("unit", "stem", ["from input", "to unit1.conv1"]),  # its first call
        ("a", "a · pair", ["from unit1.conv1", "to rest"]),
        ("rest", "rest · 0–2", ["from a"]),
        ("rest.1", "rest · 0–2", ["from a"]),  # drawn once for all
        ("last.2", "last.1–2", ["from last.0"]),
        ("last.0", "last.0", ["from rest", "to last.1"]),
    ],
)
def test_a_part_by_its_path(name: str, title: str, signs: list[str]) -> None:
    """What is around it is named as in the `state_dict`, and not by what is inside of that."""
    dot = net_of(NESTED).analysis.draw(only=name)
    assert f"Net · {title}<" in dot
    for sign in signs:
        assert f'tooltip="{sign}: 8×8×' in dot


def test_one_of_a_row_is_that_which_stands_for_all() -> None:
    dot = analysis("resnet50").draw(only="layer2.2")
    assert dot == analysis("resnet50").draw(only="layer2.1")
    with pytest.raises(Unknown):
        analysis("resnet50").draw(only="layer2.4")


def test_a_part_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["draw", "googlenet", "--only", "inceptio4b", "-o", "-"]) == 2
    assert "did you mean 'inception4b'?" in capsys.readouterr().err


# --- without -----------------------------------------------------------------------------


def test_what_is_left_out() -> None:
    whole = analysis("resnet18").draw()
    for part, words in {
        "title": ["11.7M params · 1.81G MACs", "Deep Residual Learning"],
        "legend": ["share of MACs", "height × width × channels"],
        "costs": ["MACs", "118M", "params"],
    }.items():
        found = analysis("resnet18").draw(hidden=frozenset({part}))
        for word in words:
            assert word in whole
            assert word not in found
    table = [analysis("googlenet").draw("paper", hidden=hidden) for hidden in (set(), {"costs"})]
    for head in ("MACs<", "params<"):
        assert head in table[0]
        assert head not in table[1], "no column without a number in it"
    nothing = frozenset({"title", "legend", "costs"})
    assert "graph [rankdir" in analysis("resnet18").draw(hidden=nothing)
    assert "conv 7×7/2" in analysis("resnet18").draw(hidden=nothing)
    with pytest.raises(ValueError, match="none of title, legend, costs"):
        analysis("resnet18").draw(hidden=frozenset({"colour"}))


# --- sheets ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "paper", "view", "most"),
    [
        ("lenet", "a4", "engineer", 1),
        ("unet", "slide", "paper", 1),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in (
                ("densenet121", "a4", "engineer", 1),
                ("vgg16", "letter", "paper", 1),
                ("googlenet", "a4", "paper", 2),
                ("googlenet", "slide", "paper", 2),
                ("densenet121", "slide", "paper", 1),
                ("inception_v3", "slide", "paper", 3),
                ("unet", "a4", "paper", 2),
                ("squeezenet1_0_complex_bypass", "slide", "paper", 2),
                ("lraspp_mobilenet_v3_large", "slide", "paper", 3),
                ("resnet50_fpn", "a4", "paper", 2),
                ("yolov3_tiny", "a4", "paper", 3),
                ("efficientnet_b0", "slide", "paper", 2),
                ("efficientnet_b3", "slide", "paper", 1),
                ("alexnet", "slide", "volumes", 1),
                ("alexnet_2gpu", "slide", "volumes", 1),
                ("vgg16", "slide", "volumes", 1),
                ("unet", "a4", "volumes", 1),
                ("unet", "slide", "volumes", 1),
                ("resnet50_fpn", "letter", "volumes", 1),
                ("googlenet", "slide", "volumes", 1),
                ("vgg16", "a4", "volumes", 1),
                ("resnet50", "slide", "engineer", 3),
                ("googlenet", "a4", "engineer", 5),
            )
        ),
    ],
)
def test_every_word_can_be_read(name: str, paper: str, view: str, most: int) -> None:
    """Each sheet has its size, no words under 6 points, and all sheets together all cards."""
    sheets = analysis(name).pages("svg", paper, view=view)
    assert 1 <= len(sheets) <= most
    for sheet in map(bytes.decode, sheets):
        found = re.search(r'<svg [^>]*width="(\d+)pt" height="(\d+)pt"', sheet)
        assert found is not None
        size = tuple(map(int, found.groups()))
        assert size == SHEETS[paper] or (size[::-1] == SHEETS[paper] and paper != "slide")
        scale = SCALE.search(sheet)
        assert scale is not None
        assert min(map(float, FONT.findall(sheet))) * float(scale[1]) >= 6 - 1e-2
    whole = {item.id for item in drawing(name, view=view).cards}
    parts = [
        reading.of_dot(d.decode(), join=False)
        for d in analysis(name).pages("dot", paper, view=view)
    ]
    signs = ("from ", "to ", "columns")  # and a table's heads: on each sheet with rows
    seen = [item.id for part in parts for item in part.cards if not item.id.startswith(signs)]
    assert {id for id in whole if not id.startswith(signs)} == set(seen)
    assert len(seen) == len(set(seen)), "no card twice"


@pytest.mark.parametrize("paper", ["a5", None, ["a4"]])
def test_a_paper_that_there_is_not(paper: Any) -> None:
    with pytest.raises(ValueError, match=r"is none of a4, letter, slide$"):
        analysis("lenet").pages("svg", paper)


@pytest.mark.parametrize("view", ["engineer", "paper"])
def test_sheets_are_composed_once(view: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many ways to divide them are tried, and for the words, too."""
    from archc import draw
    from archc.draw import paper

    made: list[str] = []

    def counted(compose: Any, name: str) -> Any:
        def call(*args: Any) -> Any:
            made.append(name)
            return compose(*args)

        return call

    for module in (draw, paper):
        monkeypatch.setattr(module, "compose", counted(module.compose, module.__name__))
    sheets = archc.load("lenet").analysis.pages("dot", "a4", view=view)
    assert len(made) == 1, made
    assert sheets


def test_a_pdf_holds_all_sheets(tmp_path: Path) -> None:
    pytest.importorskip("svglib")
    (pdf,) = analysis("googlenet").pages("pdf", "a4", view="paper")
    assert len(re.findall(rb"/Type /Page\b", pdf)) == 2


def test_sheets_as_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["draw", "googlenet", "--view", "paper", "--paper", "a4", "-o"]
    assert cli.main([*argv, str(tmp_path / "g.svg")]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["g-1.svg", "g-2.svg"]
    assert cli.main([*argv, "-"]) == 2
    assert "takes 2 sheets: give `-o FILE`" in capsys.readouterr().err


def test_all_sheets_or_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["draw", "googlenet", "--view", "paper", "--paper", "a4", "-o", str(tmp_path / "g.svg")]
    mine, left = tmp_path / "g-2.svg", tmp_path / "g-3.svg"
    mine.write_text("mine\n")
    assert cli.main(argv) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["g-2.svg"]
    assert mine.read_text() == "mine\n"
    left.write_text("of another drawing\n")
    assert cli.main([*argv, "--force"]) == 0
    assert f"{left} is not of this drawing, which has 2 sheets" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "view", "sheet"),
    [
        ("resnet50_fpn", "engineer", "a4"),
        (str(CORPUS / "towers_side_by_side.arch"), "paper", "slide"),
    ],
)
def test_what_does_not_fit_says_what_does(
    name: str, view: str, sheet: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(TooManySheets):
        analysis(name).pages("dot", sheet, view=view)
    flags = {"--view": view, "--paper": sheet, "-o": str(tmp_path / "d.svg")}
    assert cli.main(["draw", name, *chain(*flags.items())]) == 2
    cure = re.search(r"`(--[a-z]+) (\w+)` fits", capsys.readouterr().err)
    assert cure is not None
    flags[cure[1]] = cure[2]
    assert cli.main(["draw", name, *chain(*flags.items())]) == 0


@pytest.mark.parametrize(
    "words",
    ["--paper a4 --format html", "--paper a4 --format mermaid", "--view paper --depth 1"],
)
def test_what_does_not_go_together(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["draw", "resnet18", "-o", "-", *words.split()]) == 2
    assert "--" in capsys.readouterr().err


@pytest.mark.parametrize(
    "begin",
    ["input 8x8 x3", "input a 8x8 x3\ninput b 8x8 x3\nconcat< @a; relu | @b >"],
    ids=["one", "two"],
)
def test_heads_stand_over_the_first_row(begin: str) -> None:
    """Right over it: with two inputs other cards stand above."""
    dot = net_of(f"network Net\n{begin}\nconv 3 p1 x4\nconv 1 x4").analysis.draw("paper")
    svg = ElementTree.fromstring(graphviz.picture(dot, "svg", engine="graphviz-pure"))
    nodes = [g for g in svg.iter(f"{reading.SVG}g") if g.get("class") == "node"]
    words = [
        (text.text, float(text.get("x", "")), float(text.get("y", "")))
        for node in nodes
        for text in node.iter(f"{reading.SVG}text")
        if (text.text or "").strip()
    ]
    ((_, left, top),) = [word for word in words if word[0] == "module"]
    below = [word for word in words if word[2] > top + 2]
    first = min(y for _, _, y in below)
    row = [(text, x) for text, x, y in below if y < first + 4]
    name, x = min(row, key=lambda word: word[1])
    assert name == ("input" if begin.count("input") == 1 else "conv1")
    assert abs(x - left) < 4
    assert first - top < 32
    cards = {text for text, _, y in words if y < top - 2}
    assert ({"input a", "input b", "relu", "concat"} & cards != set()) == ("@a" in begin)


@pytest.mark.slow
@pytest.mark.parametrize("paper", ["a4", "slide"])
@pytest.mark.parametrize("name", sorted(archc.bundled()))
def test_every_network_is_a_table_on_sheets(name: str, paper: str) -> None:
    """On few, none of which has a card alone."""
    sheets = [
        reading.of_dot(d.decode(), False) for d in analysis(name).pages("dot", paper, view="paper")
    ]
    assert len(sheets) <= 3
    for sheet in sheets:
        assert len([card for card in sheet.cards if not card.id.startswith("columns")]) > 3


def test_a_sign_where_a_skip_leaves_stands_beside_its_row() -> None:
    """At one height with it, to its right; the letters go down from A."""
    (svg,) = analysis("unet").pages("svg", "slide", view="paper", engine="graphviz-pure")
    places: dict[str, tuple[float, float]] = {}
    for node in ElementTree.fromstring(svg).iter(f"{reading.SVG}g"):
        text = next(node.iter(f"{reading.SVG}text"), None)
        if node.get("class") == "node" and text is not None:
            place = float(text.get("x", "")), float(text.get("y", ""))
            places[node.findtext(f"{reading.SVG}title", "")] = place
    for row, letter in (("down1", "A"), ("down2", "B"), ("down3", "C")):
        (x, y), (right, high) = places[row], places[f"to {letter}"]
        assert right > x + 200
        assert abs(high - y) < 4


def test_signs_of_a_block_give_no_shapes() -> None:
    """It is drawn once for all its calls, whose shapes differ; its letters are no row's."""
    stage = "\n".join("conv 3x3 p1 x(w); relu; conv 1x1 x(w); tanh" for _ in range(13))
    rows = "\n".join(f"r{at}: conv {1 + 2 * (at % 2)} p{at % 2} x{at + 3}" for at in range(26))
    text = f"input 64x64 x8\nblock b(w) {{\n{stage}\n}}\nb(8); pool 2x2; b(16)\n"
    text += f"a: conv 1x1 x28\n{rows}\nadd< | @a >"
    found = archc.loads(text).analysis
    pages = [page.decode() for page in found.pages("dot", "slide", view="paper")]
    cards = [card for page in pages for card in reading.of_dot(page, join=False).cards]
    signs = {card.id: card.cells for card in cards if re.match("(to|from) ", card.id)}
    assert [cells for id, cells in signs.items() if id.startswith("to ")][-1:] == [["A"]]
    assert ["A"] in [cells for id, cells in signs.items() if id.startswith("from ")]
    assert {cells[0].split()[0] for cells in signs.values()} == {"A", "B"}
    assert all(
        "64×64" in cells[0] or "32×32" in cells[0] for cells in signs.values() if cells != ["A"]
    )
    assert "b  (continued)" in " ".join(
        cell
        for page in pages
        for box in reading.of_dot(page, join=False).boxes
        for cell in box.cells
    )


@pytest.mark.parametrize(("rows", "sheets"), [(30, 1), (90, 2)])
def test_rows_that_go_on_say_so(rows: int, sheets: int) -> None:
    """In the next column, and on the next sheet."""
    body = "\n".join(f"c{at}: conv {1 + 2 * (at % 2)} p{at % 2} x{at + 3}" for at in range(rows))
    pages = archc.loads(f"input 8x8 x3\n{body}").analysis.pages("dot", "slide", view="paper")
    assert len(pages) == sheets
    heads = [
        [card.cells[0] for card in reading.of_dot(page.decode()).cards if "columns" in card.id]
        for page in pages
    ]
    assert all(len(found) > 1 for found in heads)
    first, *others = [head for found in heads for head in found]
    assert first == "module"
    assert others == ["module (continued)"] * len(others)


# No two of them alike, or they would be one card.
WIDE = "input 16x16 x8\nconcat< each i in 1..60 { conv 1x1 x(i) } >\ngap; flatten; fc 10"


@pytest.mark.parametrize(
    ("view", "part"), [("engineer", "conv1 … conv60 side by side"), ("paper", "what stands side")]
)
def test_a_row_wider_than_the_sheet_is_named(view: str, part: str) -> None:
    found = archc.loads(WIDE).analysis
    with pytest.raises(TooManySheets, match=rf"read on a4: {part}.* takes \d.\d times its width"):
        found.pages("dot", "a4", view=view)


def test_a_row_of_branches_of_one_make_fits() -> None:
    found = archc.loads(WIDE.replace("x(i)", "x8")).analysis
    (page,) = found.pages("dot", "a4")
    assert "×60 " in page.decode()


def test_boxes_have_their_outlines_on_every_sheet() -> None:
    """As on one sheet: Graphviz hands on that the frame around them has none."""
    wanted = {box.id for box in drawing("googlenet").boxes if box.category}
    sheets = analysis("googlenet").pages("svg", "a4")
    outlined = set()
    for sheet in sheets:
        for box in ElementTree.fromstring(sheet).iter(f"{reading.SVG}g"):
            outlines = {shape.get("stroke", "none") for shape in box.iter()} - {"none"}
            if box.get("class") == "cluster" and outlines:
                outlined.add((box[0].text or "").removeprefix("cluster "))
    assert len(sheets) > 1
    assert outlined == wanted
