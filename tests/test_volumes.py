"""The view `volumes`: a box a row, its shape that of torch's tensor, its size by the shape."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import archc
from archc import cli
from archc.analysis.costs import NoCosts
from archc.draw.paper import paper
from archc.draw.volumes import Volume, volumes

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


def test_skips_go_over_in_one_line_of_boxes() -> None:
    """A U-Net's four."""
    text = archc.load("unet").draw("dot", view="volumes").decode()
    assert text.count("S 6 -dashed") == 4
    assert "S 6 -dashed" not in archc.load("vgg16").draw("dot", view="volumes").decode()


def test_on_a_dark_page() -> None:
    net = archc.load("lenet5")
    light, dark = (
        set(re.findall(r"[cC] 7 -(#\w+)", net.draw("dot", view="volumes", theme=theme).decode()))
        for theme in ("light", "dark")
    )
    assert light
    assert not light & dark


@pytest.mark.parametrize(
    "argv", ["--depth 1", "--columns 2", "--only c1", "--format mermaid", "--format html"]
)
def test_what_does_not_go_with_it(argv: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["draw", "lenet5", "--view", "volumes", "-o", "-", *argv.split()]) == 2
    assert "engineer" in capsys.readouterr().err


def test_the_documents_picture_is_up_to_date() -> None:
    """`make picture` draws it."""
    shown = (DOCS / "images" / "alexnet_volumes.svg").read_text(encoding="utf-8")
    drawn = archc.load("alexnet").draw("svg", view="volumes", engine="graphviz-pure").decode()
    assert shown.startswith(drawn.rstrip())
