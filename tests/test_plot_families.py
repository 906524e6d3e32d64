"""Families in plots look alike in all of them, and no two alike; networks without an accuracy.

What is drawn is read back from the SVG: the marks, the names beside them, and where they stand.
"""

from __future__ import annotations

import re
from dataclasses import replace
from math import hypot, log
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest
from test_plot import LINK, NET, SVG, Text, bubbles, some, texts

import archc
from archc import cli
from archc.comparison.plot import Picture, choose, draw
from archc.comparison.plot.families import BUNDLED, COLOURS, looks

pytest.importorskip("matplotlib")

OKABE_ITO = "#000000 #e69f00 #56b4e9 #009e73 #f0e442 #0072b2 #d55e00 #cc79a7".split()


class Mark(NamedTuple):
    x: float
    y: float
    shape: str  # of its path
    colour: str

    @property
    def kind(self) -> tuple[str, str]:
        """Its shape in any size, and its colour."""
        numbers = [float(number) for number in re.findall(r"-?[\d.]+(?:e-\d+)?", self.shape)]
        largest = max(map(abs, numbers))
        return " ".join(f"{number / largest + 0.0:.1f}" for number in numbers), self.colour


def marks(svg: bytes) -> list[Mark]:
    """The marks in the order drawn: those of the panels, then the legend's."""
    tree = ElementTree.fromstring(svg)
    shapes = {f"#{path.get('id')}": path.get("d", "") for path in tree.iter(f"{SVG}path")}
    found = []
    for group in tree.iter(f"{SVG}g"):
        if group.get("id", "").startswith("line2d_"):
            for use in group.iter(f"{SVG}use"):
                style = use.get("style", "")
                if "stroke: #ffffff" in style:
                    place = float(use.get("x", "")), float(use.get("y", ""))
                    fill = re.search(r"fill: (#\w+)", style)  # black goes without saying
                    colour = fill[1] if fill else "#000000"
                    found.append(Mark(*place, shapes[use.get(LINK, "")], colour))
    return found


def legend(svg: bytes, picture: Picture) -> dict[str, Mark]:
    """The mark beside each family's name."""
    drawn = marks(svg)[len(picture.points) :]
    names = [text for text in texts(svg) if text.size == 6.5 and text.text in picture.families]
    assert len(names) == len(drawn) == len(picture.families)
    return {
        name.text: min(drawn, key=lambda m: hypot(m.x - name.box.left, m.y - name.box.low - 3))
        for name in names
    }


def labels(svg: bytes, picture: Picture) -> list[Text]:
    known = {point.label for point in picture.points}
    return [text for text in texts(svg) if text.is_label and text.text in known]


@pytest.fixture(scope="module")
def plots() -> dict[str, tuple[Picture, bytes]]:
    """Plots of different networks, with families in common."""
    names = {
        "old": ["vgg16", "resnet18", "alexnet_owt", "googlenet", "densenet121"],
        "new": ["resnet50", "vgg19", "convnext_tiny", "regnet_x_8gf", "mnasnet1_0", "mobilenet_v2"],
        "cost": ["zfnet", "alexnet", "inception_naive", "plain18"],
    }
    pictures = {name: archc.compare(nets).picture() for name, nets in names.items()}
    return {name: (picture, draw(picture)) for name, picture in pictures.items()}


# --- families ----------------------------------------------------------------------------


@pytest.mark.slow
def test_every_bundled_family_has_a_look_of_its_own() -> None:
    families = {archc.load(name).meta.get("family") for name in archc.bundled()}
    assert families - {None} <= set(BUNDLED)
    assert len(set(looks(BUNDLED).values())) == len(BUNDLED)
    assert set(COLOURS) < set(OKABE_ITO)


@pytest.mark.parametrize("count", [1, 5, 30])
def test_own_families_are_black_and_differ(count: int) -> None:
    own = [f"Family {i}" for i in range(count)]
    found = looks([*BUNDLED, *own])
    assert len(set(found.values())) == len(BUNDLED) + count
    assert {found[name].colour for name in own[:8]} <= {"#000000"} or count > 8
    assert looks([own[0], "ResNet"])["ResNet"] == found["ResNet"]


def test_a_family_looks_alike_in_all_plots(plots: dict[str, tuple[Picture, bytes]]) -> None:
    seen: dict[str, tuple[str, str]] = {}
    for picture, svg in plots.values():
        beside = {name: mark.kind for name, mark in legend(svg, picture).items()}
        assert len(set(beside.values())) == len(beside), "no two entries look alike"
        for name, kind in beside.items():
            assert seen.setdefault(name, kind) == kind, name
        for point, mark in zip(picture.points, marks(svg), strict=False):
            assert mark.kind == beside[point.family], point.name
    assert len(set(seen.values())) == len(seen)


# --- without an accuracy -----------------------------------------------------------------


def test_without_any_accuracy_parameters_stand_against_operations(
    plots: dict[str, tuple[Picture, bytes]],
) -> None:
    picture, svg = plots["cost"]
    assert not picture.is_of_accuracy
    assert picture.left_out == ()
    first, *others = zip(picture.points, marks(svg), strict=False)
    along, up = [], []
    for point, mark in others:
        along.append((mark.x - first[1].x) / log(point.macs / first[0].macs))
        up.append((mark.y - first[1].y) / log(point.params / first[0].params))
    assert along == pytest.approx([along[0]] * len(along), rel=1e-3)
    assert up == pytest.approx([up[0]] * len(up), rel=1e-3)
    assert along[0] > 0 > up[0]
    assert len(labels(svg, picture)) == len(picture.points)
    assert b"parameters, M (log scale)" in svg
    assert b"accuracy" not in svg


def test_those_without_an_accuracy_stand_at_the_foot() -> None:
    nets = [
        *some(4),
        replace(NET, name="a", label="Mine", error=None, dataset="", macs=2 * 10**9),
        replace(NET, name="b", label="Mine too", error=None, macs=2 * 10**9 + 1),
        replace(NET, name="c", label="Untold", dataset="", macs=5 * 10**9),
    ]
    picture = choose(nets)
    svg = draw(picture)
    placed = dict(zip((point.name for point in picture.points), marks(svg), strict=False))
    lowest = max(placed[f"n{i}"].y for i in range(4))
    assert all(placed[name].y > lowest for name in "abc"), "y grows downwards"
    steps = {
        name: (placed[name].x - placed["n0"].x) / log(point.macs / 10**9)
        for name, point in zip(placed, picture.points, strict=True)
        if name != "n0"
    }
    assert list(steps.values()) == pytest.approx([steps["a"]] * len(steps), rel=1e-3)
    assert hypot(placed["a"].x - placed["b"].x, placed["a"].y - placed["b"].y) > 5
    assert {text.text for text in labels(svg, picture)} >= {"Mine", "Mine too", "Untold"}
    assert "not given" in {text.text for text in texts(svg)}
    line = max(float(y) for y in re.findall(rb'd="M [\d.]+ ([\d.]+) [^"]*"[^>]*dasharray', svg))
    for text in labels(svg, picture):
        is_above = text.text.startswith("Network-")
        assert text.box.high < line if is_above else text.box.low > line, "none is on the line"
    assert "not given" not in {text.text for text in texts(draw(choose(some(4))))}


def test_own_networks_in_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """An own network has a point, whatever its `meta` says."""
    metas = {
        "plain": "",
        "family": 'meta { family "Ours" }\n',
        "error": "meta { top1_error 35 }\n",
        "full": 'meta { display "Full"; dataset "ImageNet"; top1_error "35 %" }\n',
    }
    paths = []
    for name, meta in metas.items():
        paths.append(tmp_path / f"{name}.arch")
        body = f"input 8x8 x3\nconv 3x3 p1 x{len(paths)}\n"
        paths[-1].write_text(f"network N\n{meta}{body}", "utf-8")
    out = tmp_path / "x.svg"

    def plotted(*argv: str) -> tuple[set[str], str]:
        files = ["--plot", str(out), "--force", "--columns", "name"]
        assert cli.main(["compare", *argv, *files]) == 0
        found = {text.text for text in texts(out.read_bytes()) if text.is_label}
        return found & {*metas, "Full", "ResNet-18"}, capsys.readouterr().err

    shown, said = plotted(*map(str, paths[:2]))
    assert shown == {"plain", "family"}
    assert "no accuracy to plot" in said
    shown, said = plotted(*map(str, paths), "resnet18")
    assert shown == {"plain", "family", "error", "Full", "ResNet-18"}
    assert "no `top1_error` in `meta`: plain, family\n" in said
    assert "no `dataset` in `meta`: error\n" in said
    assert b"Full: 65 %" in out.read_bytes()


# --- many --------------------------------------------------------------------------------


@pytest.mark.slow
def test_labels_of_all_bundled_networks_stand_beside_their_points() -> None:
    """On no bubble and no mark of another, near their own, or with a line to it."""
    names = [n for n in archc.bundled() if archc.load(n).meta.get("dataset") == "ImageNet"]
    picture = archc.compare(names).picture()
    svg = draw(picture)
    assert len(picture.points) > 70
    found = {text.text: text for text in labels(svg, picture)}
    assert len(found) == len(picture.points), "each has its label"
    discs = bubbles(svg)[: len(picture.points)]
    by_size = sorted(range(len(discs)), key=lambda i: -picture.points[i].params)
    radius = dict(zip(by_size, (disc[2] for disc in discs), strict=True))
    line = rb'd="M ([\d.]+) ([\d.]+) \nL ([\d.]+) ([\d.]+) \n"[^>]*stroke-width: 0.4'
    ends = [tuple(map(float, numbers)) for numbers in re.findall(line, svg)]
    placed = marks(svg)
    for i, point in enumerate(picture.points):
        box, own = found[point.label].box, placed[i]
        for j, other in enumerate(placed[: len(picture.points)]):
            x, y = box.nearest(other.x, other.y)
            reach = max(radius[j], 2.2)
            far = hypot(x - other.x, y - other.y)
            if j != i:
                assert far > reach - 0.5, (point.label, picture.points[j].label)
            elif far - reach > 9:
                near = [hypot(e[0] - own.x, e[1] - own.y) < reach + 0.5 for e in ends]
                assert any(near), f"{point.label} is {far:.0f} points off without a line"
