"""The plot of `archc compare`: what is on it, that no labels overlap, that it is always the same.

Where the labels stand is read from the SVG, and how wide they are is measured with Pillow, which
the plot does not use.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import archc
from archc import cli
from archc.comparison import Comparison
from archc.comparison.plot import Candidate, NothingToPlot, Picture, choose, draw
from archc.comparison.plot.labels import Bbox, Bubble, place
from archc.comparison.timing import Machine

pytest.importorskip("matplotlib")

DOCS = Path(__file__).parents[1] / "docs"
AGAIN = "run `make comparison`"
SVG = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}href"
NET = Candidate("net", "Net", "A Paper", "Doe", 2020, "ImageNet", 1, 25.0, 10**9, 10**7)
MACHINE = Machine("A Processor", 4, "2.9")


@pytest.fixture(scope="module")
def page() -> ModuleType:
    spec = importlib.util.spec_from_file_location("comparison", DOCS / "comparison.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tables(page: ModuleType) -> dict[str, Comparison]:
    found: dict[str, Comparison] = page.tables()
    return found


@pytest.fixture(scope="module")
def imagenet(tables: dict[str, Comparison]) -> Picture:
    return tables["ImageNet"].picture()


def some(count: int) -> list[Candidate]:
    """Networks in a crowd."""
    return [
        replace(NET, name=f"n{i}", label=f"Network-{i}", error=25 + i % 7, macs=10**9 + i * 10**8)
        for i in range(count)
    ]


# --- what is on it -----------------------------------------------------------------------


@pytest.mark.slow
def test_one_dataset_and_one_way_of_testing(imagenet: Picture) -> None:
    left_out = dict(imagenet.left_out)
    assert imagenet.dataset == "ImageNet"
    assert left_out["an average over 10 crops"] == ("plain18", "plain34")
    assert "zfnet" in dict(imagenet.untested)["no `top1_error` in `meta`"]
    assert {point.name: point.accuracy for point in imagenet.points}["zfnet"] is None
    names = {point.name for point in imagenet.points}
    assert {"alexnet_2gpu", "vgg16", "googlenet", "resnet152", "densenet161"} <= names
    (resnet,) = (point for point in imagenet.points if point.name == "resnet50")
    assert (resnet.accuracy, resnet.macs, resnet.params) == (100 - 23.87, 4089184256, 25557032)
    assert resnet.family == "ResNet"


def test_the_dataset_may_be_chosen() -> None:
    both = [NET, replace(NET, name="a"), replace(NET, name="c", dataset="CIFAR-10")]
    assert choose(both).left_out == (("tested on CIFAR-10", ("c",)),)
    assert [point.name for point in choose(both, "cifar10").points] == ["c"]
    with pytest.raises(NothingToPlot, match=r"tested on 'mnist' \(ImageNet, CIFAR-10\)"):
        choose(both, "mnist")


def test_nothing_is_invented() -> None:
    with pytest.raises(NothingToPlot, match="top1_error"):
        choose([replace(NET, error=None)], "imagenet")
    odd = [
        NET,
        replace(NET, name="no", error=None),
        replace(NET, name="ten", crops=10),
        replace(NET, name="odd", error=120.0),
        replace(NET, name="pool", macs=0),
        replace(NET, name="where", dataset=""),
    ]
    picture = choose(odd)
    accuracies = {point.name: point.accuracy for point in picture.points}
    assert accuracies == {"net": 75.0, "no": None, "where": None}
    assert picture.untested == (
        ("no `top1_error` in `meta`", ("no",)),
        ("no `dataset` in `meta`", ("where",)),
    )
    left_out = [name for _, names in picture.left_out for name in names]
    assert left_out == ["ten", "odd", "pool"]
    with pytest.raises(NothingToPlot, match="an average over 10 crops"):
        choose([replace(NET, crops=10), replace(NET, error=None)], "imagenet")
    with pytest.raises(NothingToPlot, match="no convolution"):
        choose([replace(NET, macs=0), replace(NET, macs=0, error=None)])


def test_papers_are_cited_as_papers_cite_them() -> None:
    papers = [
        ("P1", "Doe", 2014),
        ("P2", "Doe, Roe", 2015),
        ("P3", "Doe, Roe, Poe", 2016),
        ("P4", "Doe, Poe, Roe", 2016),
        ("P5", "", None),
    ]
    nets = [replace(NET, name=p, paper=p, authors=a, year=y) for p, a, y in papers]
    assert choose(nets).families == (
        "P5",
        "Doe 2014",
        "Doe & Roe 2015",
        "Doe et al. 2016a",
        "Doe et al. 2016b",
    )


# --- labels ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Text:
    text: str
    box: Bbox
    size: float = 0.0

    @property
    def is_label(self) -> bool:
        """Whether it stands beside a network: a legend's letters are smaller."""
        return self.size == 7.0


def texts(svg: bytes) -> list[Text]:
    """Every upright text of an SVG; y grows downwards."""
    import matplotlib
    from PIL import ImageFont

    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    font = ImageFont.truetype(str(path), 1000)
    found = []
    for node in ElementTree.fromstring(svg).iter(f"{SVG}text"):
        style, words = node.get("style", ""), node.text or ""
        if "rotate(-90" in node.get("transform", ""):
            continue
        size = float(re.findall(r"font-size: ([\d.]+)px", style)[0])
        left, top, right, bottom = (edge * size / 1000 for edge in font.getbbox(words, anchor="ls"))
        middle = (right - left) / 2 if "text-anchor: middle" in style else 0
        x, y = float(node.get("x", "")) - middle, float(node.get("y", ""))
        found.append(Text(words, Bbox(x + left, y + top, x + right, y + bottom), size))
    return found


def bubbles(svg: bytes) -> list[tuple[float, float, float]]:
    """x, y and radius of each disc in the order drawn, those of the legends too."""
    tree = ElementTree.fromstring(svg)
    radii = {}
    for path in tree.iter(f"{SVG}path"):
        top = re.match(r"M 0 ([\d.]+) ", path.get("d", ""))
        if top:
            radii[f"#{path.get('id')}"] = float(top[1])
    return [
        (float(use.get("x", "")), float(use.get("y", "")), radii[use.get(LINK, "")])
        for group in tree.iter(f"{SVG}g")
        if group.get("id", "").startswith("PathCollection")
        for use in group.iter(f"{SVG}use")
    ]


def overlapping(svg: bytes) -> list[tuple[str, str]]:
    found = texts(svg)
    return [(a.text, b.text) for a, b in combinations(found, 2) if a.box.overlaps(b.box)]


@pytest.mark.parametrize("dataset", ["ImageNet", "ImageNet, from 2018", "CIFAR-10"])
def test_no_text_is_on_another_or_on_a_bubble(tables: dict[str, Comparison], dataset: str) -> None:
    picture = tables[dataset].picture()
    svg = draw(picture)
    known = {point.label for point in picture.points}
    labels = [text for text in texts(svg) if text.is_label and text.text in known]
    assert len(labels) == len(picture.points), "each has its label"
    assert overlapping(svg) == []
    discs = [disc for disc in bubbles(svg) if disc[2] > 1]
    for label in labels:
        for x, y, radius in discs:
            near_x, near_y = label.box.nearest(x, y)
            assert (near_x - x) ** 2 + (near_y - y) ** 2 > (radius - 0.5) ** 2, label


@pytest.mark.slow
def test_all_is_inside_the_picture(imagenet: Picture) -> None:
    few = choose([replace(one, params=one.params // 99 * i) for i, one in enumerate(some(3), 1)])
    costs = choose([replace(one, error=None, params=1000 * 9**i) for i, one in enumerate(some(6))])
    for picture in (imagenet, few, costs):
        svg = draw(picture)
        tree = ElementTree.fromstring(svg)
        box = tree.get("viewBox", "").split()
        frame = Bbox(0, 0, float(box[2]), float(box[3]))
        assert [text.text for text in texts(svg) if not text.box.inside(frame)] == []
        (upwards,) = (n for n in tree.iter(f"{SVG}text") if "rotate(-90" in n.get("transform", ""))
        right = float(upwards.get("x", ""))
        assert right >= 7
        beside = [t for t in texts(svg) if t.box.left < right and t.text != "not given"]
        assert all(t.box.low > frame.high - 60 for t in beside), "but for the legend"


@pytest.mark.slow
def test_area_is_parameters_and_place_is_accuracy(imagenet: Picture) -> None:
    svg = draw(imagenet)
    largest_first = sorted(imagenet.points, key=lambda point: -point.params)
    discs = bubbles(svg)[: len(largest_first)]
    for point, (_, _, radius) in zip(largest_first, discs, strict=True):
        share = (radius / discs[0][2]) ** 2
        assert share == pytest.approx(point.params / largest_first[0].params, rel=1e-3)
    # The same step up for each percent.
    by_name = dict(zip((point.name for point in largest_first), discs, strict=True))
    points = {point.name: point for point in imagenet.points}
    a, b, c = "resnet50", "vgg16", "squeezenet1_1"

    def step(one: str, other: str) -> float:
        first, second = points[one].accuracy, points[other].accuracy
        assert first is not None
        assert second is not None
        percent = first - second
        return (by_name[one][1] - by_name[other][1]) / percent

    assert step(a, b) == pytest.approx(step(a, c), rel=1e-4)
    assert step(a, b) < 0, "upwards"


@pytest.mark.slow
def test_a_crowd_of_networks_has_no_labels_on_each_other() -> None:
    svg = draw(choose(some(60)))
    labels = [text for text in texts(svg) if text.text.startswith("Network-")]
    assert [pair for pair in combinations(labels, 2) if pair[0].box.overlaps(pair[1].box)] == []
    missing = 60 - len(labels)
    said = re.findall(rb"(\d+) labels left out: no room", svg)
    assert [int(number) for number in said] == ([missing] if missing else [])


@given(
    st.lists(
        st.builds(
            Bubble,
            x=st.floats(0, 400),
            y=st.floats(0, 300),
            radius=st.floats(1, 20),
            width=st.floats(5, 90),
            height=st.just(7),
        ),
        max_size=25,
    )
)
@settings(max_examples=25, deadline=None)
def test_places_never_overlap(crowd: list[Bubble]) -> None:
    frame = Bbox(-20, -20, 420, 320)
    places = place(crowd, frame)
    assert places == place(crowd, frame)
    found = [one for one in places if one is not None]
    assert all(one.box.inside(frame) for one in found)
    assert not any(a.box.overlaps(b.box) for a, b in combinations(found, 2))


@pytest.mark.slow
def test_a_label_that_is_pushed_away_gets_a_line() -> None:
    crowd = [Bubble(100 + i, 100, 4, 60, 7) for i in range(14)]
    places = [one for one in place(crowd, Bbox(0, 0, 200, 200)) if one is not None]
    assert len(places) == len(crowd)
    for bubble, one in zip(crowd, places, strict=True):
        x, y = one.box.nearest(bubble.x, bubble.y)
        far = ((x - bubble.x) ** 2 + (y - bubble.y) ** 2) ** 0.5 - bubble.radius
        assert (one.leader is not None) == (far >= 5)
    assert any(one.leader for one in places)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("format", ["svg", "png", "pdf"])
def test_few_networks(count: int, format: str) -> None:
    data = draw(choose(some(count)), format)
    assert data.startswith({"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}[format])


def test_any_name_is_text() -> None:
    names = ["<b>&amp;\"'", "$x^2$ and $", "신경망 네트워크", "tab\there \x1b[31m", "long" * 40]
    nets = [
        replace(NET, name=f"n{i}", label=name, authors=name, dataset="<&> $1$", error=20 + i)
        for i, name in enumerate(names)
    ]
    picture = choose(nets)
    words = [text.text for text in texts(draw(picture))]
    assert words.count("<b>&amp;\"'") == 1
    assert "$x^2$ and $" in words
    assert "신경망 네트워크" in words
    assert not any("\x1b" in word for word in words)
    assert max(map(len, words)) < 100
    assert draw(picture, "png")


# --- time --------------------------------------------------------------------------------


def test_no_panel_of_time_unless_it_was_measured() -> None:
    plain = draw(choose(some(3)))
    assert b"ms (log" not in plain
    timed = [replace(one, forward_ms=10.0 + i) for i, one in enumerate(some(3))]
    svg = draw(choose(timed, machine=MACHINE))
    assert b"A Processor, 4 threads, torch 2.9, fp32, median of 11" in svg
    assert [text.text for text in texts(svg)].count("Network-1") == 2
    assert overlapping(svg) == []


# --- always the same ---------------------------------------------------------------------


@pytest.mark.parametrize("format", ["svg", "png", "pdf"])
def test_the_same_bytes_again(format: str) -> None:
    nets = some(6)
    assert draw(choose(nets), format) == draw(choose(nets[::-1]), format)


def test_the_same_bytes_in_another_process() -> None:
    code = "import sys, test_plot as t; sys.stdout.buffer.write(t.draw(t.choose(t.some(6))))"
    path = os.pathsep.join([str(Path(archc.__file__).parents[1]), str(Path(__file__).parent)])
    other = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "7", "SOURCE_DATE_EPOCH": "1"},
    )
    assert other.stdout == draw(choose(some(6)))


# --- the command -------------------------------------------------------------------------


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = cli.main(["compare", "resnet18", "vgg11", "zfnet", "--columns", "name", *argv])
    return code, *capsys.readouterr()


def test_the_command_writes_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "plot.svg"
    code, out, err = run(capsys, "--plot", str(path))
    assert code == 0
    assert out.split() == ["name", "resnet18", "vgg11", "zfnet"]
    assert err.splitlines() == [
        f"wrote {path} (2 networks on ImageNet, 1 without an accuracy)",
        "at the foot of the plot, no `top1_error` in `meta`: zfnet",
    ]
    text = path.read_text(encoding="utf-8")
    assert re.search(r"<!-- archc \S+ · sha256:\w{16} -->\n$", text)
    assert "VGG-11: 69.02 %, 7.61G MACs, 133M parameters" in text
    assert run(capsys, "--plot", str(path))[2].startswith("up to date: ")
    path.write_text(text.replace("VGG-11", "mine"), encoding="utf-8")
    code, out, err = run(capsys, "--plot", str(path))
    assert (code, out) == (2, "")
    assert "was edited" in err
    assert run(capsys, "--plot", str(path), "--force")[0] == 0


@pytest.mark.parametrize("format", ["png", "pdf"])
def test_other_formats(capsys: pytest.CaptureFixture[str], tmp_path: Path, format: str) -> None:
    path = tmp_path / f"plot.{format}"
    assert run(capsys, "--plot", str(path))[0] == 0
    assert run(capsys, "--plot", str(path))[2].startswith("up to date: ")


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (("--plot", "x.gif"), 2, "cannot plot to x.gif: use one of .svg, .png, .pdf"),
        (("--plot", "x"), 2, "cannot plot to x: use one of .svg, .png, .pdf"),
        (("--dataset", "imagenet"), 2, "give `--plot FILE`, too"),
        (("--plot", "x.svg", "--dataset", "mnist"), 2, "no network here was tested on 'mnist'"),
        (("--plot", "/dev/null/x.svg"), 2, "cannot write /dev/null/x.svg"),
    ],
)
def test_wrong_usage(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    argv: tuple[str, ...],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    found, out, err = run(capsys, *argv)
    assert (found, out) == (code, "")
    assert message in err
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_plot(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "pools.arch"
    path.write_text("network Pools\ninput 8x8 x3\npool 2x2/2\n", "utf-8")
    code = cli.main(["compare", str(path), "--plot", str(tmp_path / "x.svg")])
    assert code == 1
    assert "nothing to plot" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("argv", "code"), [(("nosuch",), 2), (("-D", "num_classes=4,a"), 1)])
def test_the_plot_shows_what_the_table_does(
    argv: tuple[str, ...], code: int, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "x.svg"
    found = cli.main(["compare", "vgg16", *argv, "--columns", "name", "--plot", str(path)])
    out, err = capsys.readouterr()
    assert (found, len(out.splitlines())) == (code, 2)
    assert f"{path} shows the others: what is wrong above is not in it" in err
    assert path.exists()


def test_without_matplotlib(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    code, out, err = run(capsys, "--plot", str(tmp_path / "x.svg"))
    assert (code, out) == (2, "")
    assert err == "archc: a plot needs matplotlib: `pip install matplotlib`\n"
    with pytest.raises(ImportError, match=r"a plot needs matplotlib: `pip install matplotlib`$"):
        draw(choose([NET]))


# --- docs/comparison.md ------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.slow
def test_the_page_is_current(page: ModuleType, tables: dict[str, Comparison]) -> None:
    assert (DOCS / "comparison.md").read_text(encoding="utf-8") == page.page(tables), AGAIN


@pytest.mark.slow
def test_its_plots_are_current(page: ModuleType, tables: dict[str, Comparison]) -> None:
    for dataset, table in tables.items():
        path = DOCS / "images" / f"comparison_{page.SECTIONS[dataset][0]}.svg"
        svg = path.read_text(encoding="utf-8")
        assert svg.endswith(page.stamp(table.picture())), AGAIN
        assert overlapping(svg.encode()) == []
        assert path.stat().st_size < 100_000


def test_a_format_that_no_plot_has() -> None:
    with pytest.raises(ValueError, match="'gif' is none of svg, png, pdf"):
        archc.compare(["lenet"]).plot("gif")
