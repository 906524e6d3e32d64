"""The view `volumes`: all of a network, boxes in the shapes of torch's tensors and their sizes."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import readback
import reading
from reading_volumes import Picture, Solid, Stroke, arrows, of_volumes

import archc
from archc import api, cli
from archc.analysis.costs import NoCosts
from archc.draw.paper import paper
from archc.draw.volume_boxes import Volume
from archc.draw.volumes import drawings, volumes
from archc.source import Source

DOCS = Path(__file__).parents[1] / "docs"


def boxes_of(name: str) -> list[Volume]:
    plan = archc.load(name).analysis.plan
    assert plan is not None
    return volumes(paper(plan, NoCosts()))


def svg_of(name: str, **how: Any) -> ElementTree.Element:
    text = archc.load(name).draw("svg", view="volumes", engine="graphviz-pure", **how)
    return ElementTree.fromstring(text)


@pytest.mark.parametrize("name", ["alexnet_owt", "vgg11", "resnet18", "squeezenet1_1", "unet"])
def test_shapes_are_those_that_torch_makes(name: str) -> None:
    torch = pytest.importorskip("torch")
    made: dict[str, str] = {}
    net = archc.load(name)
    with torch.device("meta"):
        module = net.module().eval()
        for path, part in module.named_modules():
            part.register_forward_hook(
                lambda part, given, y, path=path: made.update({path: written(y.shape[1:])})
            )
        plan = net.analysis.plan
        assert plan is not None
        module(*(torch.empty(1, *map(int, x.shape.dims)) for x in plan.body.inputs if x.shape))
    shown = {box.row.name: box.row.shape for box in boxes_of(name)}
    known = shown.keys() & made.keys()
    assert len(known) > len(shown) / 3
    # A card may hold what stands behind its module: `avgpool`, then flat.
    layers = [key for key in known if key.startswith(("conv", "layer", "down", "up", "fc"))]
    assert {key: shown[key] for key in layers} == {key: made[key] for key in layers}


def written(shape: Any) -> str:
    channels, *size = shape
    return "×".join(map(str, [*size, channels]))


@pytest.mark.parametrize("name", ["alexnet", "googlenet", "lenet5", "unet", "r3d_18"])
def test_larger_is_drawn_larger(name: str) -> None:
    maps = [box for box in boxes_of(name) if box.shape.size]
    for one in maps:
        for other in maps:
            (*_, h, w), (*_, u, v) = (map(int, box.shape.size) for box in (one, other))
            assert one.height >= other.height or h < u
            assert one.depth >= other.depth or w < v
            channels = int(one.shape.channels), int(other.shape.channels)
            assert one.width >= other.width or channels[0] < channels[1]


@pytest.mark.parametrize("name", ["alexnet", "resnet50", "unet", "lenet5"])
def test_three_faces_a_box_and_its_words(name: str) -> None:
    svg, boxes = svg_of(name), boxes_of(name)
    texts = Counter(text.text for text in svg.iter("{http://www.w3.org/2000/svg}text"))
    for box in boxes:
        times = f" ×{box.row.times}" if box.row.times > 1 else ""
        assert texts[f"{box.row.name}{times}"] >= 1
        assert texts[box.row.shape] >= 1
    faces = [
        polygon.get("points", "").split()
        for polygon in svg.iter("{http://www.w3.org/2000/svg}polygon")
    ]
    quadrangles = [points for points in faces[1:] if len(points) == 5]  # the first is the paper
    assert len(quadrangles) == 3 * len(boxes)


def test_boxes_do_not_touch() -> None:
    for name in ("googlenet", "unet", "vgg16"):
        fronts = []
        for points in re.findall(
            r'points="([^"]*)"', archc.load(name).draw("svg", view="volumes").decode()
        ):
            corners = [tuple(map(float, pair.split(","))) for pair in points.split()]
            if (
                len(corners) == 5
                and len({x for x, _ in corners}) == 2
                and len({y for _, y in corners}) == 2
            ):
                xs, ys = [x for x, _ in corners], [y for _, y in corners]
                fronts.append((min(xs), max(xs), min(ys), max(ys)))
        fronts = fronts[1:]
        assert len(fronts) == len(boxes_of(name))
        for at, (a, b, c, d) in enumerate(fronts):
            for e, f, g, h in fronts[:at]:
                assert b <= e or f <= a or d <= g or h <= c


def arrows_of(name: str, paper: str = "") -> set[tuple[str, str]]:
    """What leads where, in the picture or over its sheets."""
    found = archc.load(name).analysis
    whole = found.draw("volumes").encode()
    pages = found.pages("dot", paper, view="volumes") if paper else [whole]
    return {(tail, head) for tail, head, _ in arrows([of_volumes(page.decode()) for page in pages])}


@pytest.mark.parametrize("paper", ["", "a4", "slide"])
def test_skips_of_a_u_net_are_cropped_and_joined(paper: str) -> None:
    """Its four, in one line of boxes or over letters."""
    found = arrows_of("unet", paper)
    for at in range(1, 5):
        assert {(f"down{5 - at}", f"crop{at}"), (f"crop{at}", f"concat{at}")} <= found
        assert {(f"up{at}", f"concat{at}"), (f"concat{at}", f"join{at}")} <= found
    dashed = archc.load("unet").draw("dot", view="volumes").decode().count("S 6 -dashed")
    assert dashed == 8, "to each crop, and on from it"


@pytest.mark.parametrize("paper", ["", "a4", "slide"])
def test_a_pyramid_leads_back_up(paper: str) -> None:
    """Figure 3 of Lin et al. 2017: laterals, a top-down path, and an output of each level."""
    found = arrows_of("resnet50_fpn", paper)
    for at, layer in enumerate(["body.layer1.1", "body.layer2.1", "body.layer3.1"]):
        assert (layer, f"fpn.inner_blocks.{at}.0") in found
        merge = f"fpn.{6 - 2 * at}"
        assert {(f"fpn.inner_blocks.{at}.0", f"{merge}.add1"),
                (f"{merge}.upsample1", f"{merge}.add1"),
                (f"{merge}.add1", f"fpn.layer_blocks.{at}.0"),
                (f"fpn.layer_blocks.{at}.0", f"output p{at + 2}")} <= found  # fmt: skip
    assert ("fpn.layer_blocks.3.0", "output p5") in found


@pytest.mark.parametrize(
    ("name", "some"),
    [
        ("googlenet", {("inception4a", "aux1"), ("inception4d", "aux2")}),
        ("yolov3_tiny", {("conv8.0", "conv9.0"), ("coarse", "output coarse")}),
        (
            "squeezenet1_0_complex_bypass",
            {("fire4", "add3"), ("bypass4", "add3"), ("pool4", "add4")},
        ),
    ],
)
def test_what_leaves_the_trunk_is_there(name: str, some: set[tuple[str, str]]) -> None:
    assert some <= arrows_of(name)


def test_heads_of_training_say_so() -> None:
    shown = {box.row.name: [text for text, *_ in box.words] for box in boxes_of("googlenet")}
    assert "training only" in shown["aux1"]
    assert "training only" not in shown["fc"]


@pytest.mark.parametrize(("name", "paper"), [("alexnet", "a4"), ("vgg16", "a4"), ("unet", "slide")])
def test_letters_say_where_lines_go_on(name: str, paper: str) -> None:
    """Each leaves one line, and stands once in another."""
    (page,) = archc.load(name).analysis.pages("dot", paper, view="volumes")
    signs = re.findall(r'^ *"(to|from) ([A-Z])\b', page.decode(), re.M)
    assert signs
    letters = Counter(letter for _, letter in signs)
    assert all(("to", letter) in signs and ("from", letter) in signs for letter in letters)
    assert set(letters.values()) == {2}
    assert "goes on at A" in page.decode()
    single = archc.load(name).draw("dot", view="volumes").decode()
    assert ("goes on at A" in single) == ('"to A"' in single) == (name == "vgg16")


def test_towers_go_on_apart() -> None:
    """Where devices exchange nothing each has a letter of its own."""
    plan = archc.load("alexnet_2gpu").analysis.plan
    assert plan is not None
    ways = drawings(paper(plan, NoCosts()), "", lambda *_: "", lambda _: True)
    pages = next([of_volumes(page)] for (page,) in ways if '"to A 2"' in page)
    found = arrows(pages)
    assert found["conv3", "conv4", "trunk"] == {(0, 0), (1, 1)}
    assert found["pool2", "conv3", "trunk"] == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_letters_beside_each_other_have_room() -> None:
    """Two on one sign, and more than the alphabet has: `Q` and `GG`."""
    rows = range(15)
    text = "\n".join([
        "input 4x4 x2",
        *(f"a{i}: conv {1 + 2 * (i % 3)} same x{2 + i % 5}" for i in rows),
        *(f"concat< | @a{i} > as b{i}; conv {1 + 2 * (i % 3)} same x{3 + i % 4}" for i in rows),
        *(f"concat< | @b{i} >; conv {1 + 2 * (i % 3)} same x{2 + i % 5}" for i in rows),
    ])  # fmt: skip
    plan = archc.loads(text).analysis.plan
    assert plan is not None
    ways = drawings(paper(plan, NoCosts()), "", lambda *_: "", lambda _: True)
    page = next(page for (page,) in ways if '"to GG"' in page)
    assert list(of_volumes(page).faults()) == []


WRONG = """input 64x64 x3
a: conv 3x3 p1 x8; relu
b: conv 3x3/2 p1 x16; relu
c: conv 3x3 p1 x16; relu
residual< conv 3x3 p1 x16; relu; conv 3x3 p1 x16 >; output main
@b; tip: conv 1x1 x4; output small"""


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (r"c 7 -#64748b S 5 -solid L 2 [^L]*? P 3 \S+ \S+ \S+ \S+ \S+ \S+", "", "is not there"),
        (r"S 6 -dashed", "S 6 -dotted", "is not there"),
        (r'  "tip" .*\n', "", "instead of"),
        (r'"output small" \[pos="', '"output small" [pos="9', "to the air"),
        (r"64×64×8", "64×64×9", "which makes 64×64×8"),
        (r">b<", ">B<", "whose card says"),
    ],
)
def test_a_wrong_picture_is_found(before: str, after: str, found: str) -> None:
    analysis = api.analyze(Source("test.arch", WRONG))
    network = readback.Network(analysis)
    whole = readback.Readback(network, reading.of_dot(analysis.draw()))
    rows = readback.rows_of(reading.of_dot(analysis.draw("paper")))
    dot = analysis.draw("volumes")
    assert list(readback.volumes_tell(whole, rows, [of_volumes(dot)])) == []
    wrong = re.sub(before, after, dot, count=1)
    assert wrong != dot
    faults = list(readback.volumes_tell(whole, rows, [of_volumes(wrong)]))
    assert any(found in fault for fault in faults), faults


def test_a_line_through_a_box_or_on_another_is_found() -> None:
    solids = [Solid("a", 0, 0, 10, 10, 4), Solid("b", 30, 0, 40, 10, 4), Solid("c", 60, 0, 70, 10)]
    a, b, c = solids
    through = Stroke([(14, 5), (60, 5)], "trunk", a, c)
    assert "runs through b" in next(Picture([], solids, [through]).faults())
    one = Stroke([(14, 5), (20, 5), (20, 50), (60, 50)], "trunk", a, c)
    other = Stroke([(20, 30), (20, 80), (30, 80)], "trunk", b, b)
    assert any("run on each other" in text for text in Picture([], solids, [one, other]).faults())


def test_on_a_dark_page() -> None:
    net = archc.load("lenet5")
    light, dark = (
        set(re.findall(r"[cC] 7 -(#\w+)", net.draw("dot", view="volumes", theme=theme).decode()))
        for theme in ("light", "dark")
    )
    assert light
    assert not light & dark


@pytest.mark.parametrize(
    "argv", ["--depth 1", "--columns 2", "--expand c1", "--format mermaid", "--format html"]
)
def test_what_does_not_go_with_it(argv: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["draw", "lenet5", "--view", "volumes", "-o", "-", *argv.split()]) == 2
    assert "engineer" in capsys.readouterr().err


def test_the_documents_picture_is_up_to_date() -> None:
    """`make picture` draws it."""
    shown = (DOCS / "images" / "alexnet_volumes.svg").read_text(encoding="utf-8")
    drawn = archc.load("alexnet").draw("svg", view="volumes", engine="graphviz-pure").decode()
    assert shown.startswith(drawn.rstrip())
