"""What is read off a printed drawing: sizes, names of rows, and what the legend says."""

from __future__ import annotations

import re

import pytest
from test_views import paper_of, shown

import archc
from archc.analysis.table import tabulate


@pytest.mark.parametrize("view", ["engineer", "paper", "graph", "volumes"])
def test_every_size_of_the_lectures_alexnet_is_told(view: str) -> None:
    """The last pool's 6×6×256, too, which a `flatten` follows."""
    texts = shown("alexnet", view).texts
    for size in ("227×227×3", "55×55×96", "27×27×96", "27×27×256", "13×13×256", "13×13×384"):
        assert size in texts
    for size in ("6×6×256", "9216", "4096", "1000"):
        assert size in texts


def test_only_a_map_of_one_place_is_flattened_unseen() -> None:
    found = paper_of(archc.load("vgg16").analysis)
    assert found.lines["avgpool"].shape == "7×7×512"
    assert found.lines["flatten1"].config == ("flatten   7×7×512 → 25088",)
    assert paper_of(archc.load("resnet50").analysis).lines["avgpool"].config == ("gap · flatten",)


def test_rows_are_named_by_their_place() -> None:
    """As torchvision's modules are, where sequences stand inside each other."""
    names = [line.name for line in paper_of(archc.load("mobilenet_v2").analysis).lines.values()]
    assert names[:3] == ["input", "features.0.0", "features.1"]
    assert "features.18.0" in names
    names = [line.name for line in paper_of(archc.load("convnext_tiny").analysis).lines.values()]
    assert names[1:5] == ["features.0.0", "features.1", "features.2.1", "features.3"]


@pytest.mark.parametrize(
    ("name", "times"), [("googlenet", 9), ("resnet50", 16), ("mobilenet_v2", 17), ("lenet5", 4)]
)
def test_how_often_a_block_is_used_is_not_in_a_row(name: str, times: int) -> None:
    """`×3` means three in a row; a block's card counts its calls in the table, as the papers do.

    Not those in other blocks: LeNet-5's `squash` is in its `subsample`, too.
    """
    texts = shown(name, "paper").texts
    assert f"· {times} times in the table" in texts
    assert f"×{times}\n" not in texts


def test_the_legend_says_a_colour_once() -> None:
    dot = archc.load("densenet121").analysis.draw()
    legend = dot.partition("<TABLE")[2].partition("share of MACs")[0]
    colours = re.findall('COLOR="(#[0-9a-f]{6})">■', legend)
    assert len(colours) == len(set(colours)) == 6
    assert "input, output, other" in legend


def test_parameters_of_training_only_are_told_apart() -> None:
    """Torchvision's GoogLeNet has 13,004,888 with its auxiliary heads, 6,624,904 without."""
    net = archc.load("googlenet_bn")
    assert net.analysis.cost.side_params == 13_004_888 - 6_624_904
    assert (
        "13.0M params · 1.50G MACs · 6.38M of the params training only"
        in shown("googlenet_bn", "paper").texts
    )
    assert "13,004,888, of them 6,379,984 in auxiliary heads" in str(net.explain())
    assert "of them" not in str(archc.load("resnet18").explain())


@pytest.mark.parametrize("name", ["googlenet", "inception_v3", "fcn_resnet50"])
def test_parameters_of_heads_add_up(name: str) -> None:
    """Counted body by body, and in the table of all operators."""
    analysis = archc.load(name).analysis
    assert analysis.plan is not None
    assert analysis.cost.side_params == tabulate(analysis.plan).counts.side_params > 0


def test_what_is_said_of_several_holds_of_each() -> None:
    """ResNet-50's 3x3 convolutions at stride 4 see 11 + 2*4 = 19, then 8 more each."""
    said = str(archc.load("resnet50").explain("layer1.*.conv2"))
    assert re.search(r"layer1\.0\.conv2 … layer1\.2\.conv2 .* 19x19 … 35x35", said)


def test_a_single_element_has_no_stride() -> None:
    """Behind global pooling there is no next element, nor a window that would see further on."""
    said = str(archc.load("googlenet").explain("avgpool"))
    assert "715 + (7 - 1)*32 = 907" in said
    assert "as much as one window" not in said
    assert "as much as one window" in str(archc.load("googlenet").explain("pool4"))


def test_a_group_without_a_name_of_its_own_says_what_it_does() -> None:
    """The branches of figure 2b of Szegedy et al. 2014, with the numbers of table 1."""
    said = str(archc.load("googlenet").explain("inception3a"))
    for branch, chain in {
        "branch1x1": "conv 1×1, 64 · relu",
        "branch3x3": "conv 1×1, 96 · relu · conv 3×3, 128 · relu",
        "branch5x5": "conv 1×1, 16 · relu · conv 5×5, 32 · relu",
        "branch_pool": "pool 3×3/1 · conv 1×1, 32 · relu",
    }.items():
        assert re.search(rf"inception3a\.{branch} +{chain} +28x28 ", said)


def test_groups_that_do_something_else_have_a_line_each() -> None:
    three = "a: { relu; tanh }; b: { tanh; relu }; c: { tanh; relu }"
    said = str(archc.loads(f"input 8x8 x4\nall: {{ {three} }}").explain("all"))
    assert "row i of 0 to 7 sees row i of the input" in said
    assert re.search(r"  all\.a +relu · tanh +8x8 x4", said)
    assert re.search(r"  all\.b … all\.c +2 × \(tanh · relu\) +8x8 x4", said)
