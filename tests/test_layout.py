"""Where things stand in a picture, and what leads where: read in what an engine made of it.

The programs in `faults/pictures/` are networks as people write them, whose pictures nobody would
have shown: arrows that lead up, branches out of order, an output far from what makes it.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from test_draw import SVG, picture_of
from test_picture_faults import analysis_of, on_paper, scene

import archc
from archc.api import Analysis, analyze
from archc.draw import graphviz
from archc.draw.collapse import boxes, cards
from archc.draw.columns import in_columns
from archc.source import Source

Place = tuple[float, float]


def places(
    analysis: Analysis, view: str = "paper"
) -> tuple[dict[str, Place], set[tuple[str, str]]]:
    """Where the first word of each card stands, from the upper left; and what leads where."""
    picture = picture_of(analysis.draw(view))
    found = {}
    for group in picture.svg.iter(f"{SVG}g"):
        words = list(group.iter(f"{SVG}text"))
        if group.get("class") == "node" and words:
            place = float(words[0].get("x", 0)), float(words[0].get("y", 0))
            found[group.findtext(f"{SVG}title") or ""] = place
    return found, picture.edges


@pytest.mark.parametrize(
    "name",
    [
        "pyramid_of_two_ways",
        "pooled_in_several_sizes",
        "outputs_of_many_lengths",
        "block_in_a_group_beside_another_tensor",
        "lraspp_mobilenet_v3_large",
    ],
)
def test_every_arrow_among_the_rows_leads_down(name: str) -> None:
    bundled = name in archc.bundled()
    where, edges = places(archc.load(name).analysis if bundled else analysis_of(name))
    up = [(tail, head) for tail, head in edges if where[tail][1] >= where[head][1]]
    assert edges
    assert not up


def test_branches_between_two_rows_are_in_order() -> None:
    where, edges = places(analysis_of("pooled_in_several_sizes"))
    pools = [f"avgpool{at}" for at in range(1, 5)]
    assert all(("stem", pool) in edges for pool in pools)
    assert sorted(pools, key=lambda pool: where[pool][0]) == pools
    assert len({where[pool][1] for pool in pools}) == 1


def test_the_rows_lead_to_the_output_with_the_most_of_them() -> None:
    rows = on_paper(analysis_of("outputs_of_many_lengths")).lines
    assert "output image" in rows
    assert "deconv2" in rows
    assert not {"output mean", "output log_variance", "fc1", "fc2"} & rows.keys()


def test_the_layers_of_a_backbone_are_rows_where_a_pyramid_leaves_it() -> None:
    rows = on_paper(archc.load("resnet50_fpn").analysis).lines
    assert sum(name.startswith("body.layer") for name in rows) == 8


def test_rows_lead_to_the_last_of_outputs_with_as_many() -> None:
    text = "input 8x8 x3\nconv 1x1 x4 as x\nfc 2 each; output a\n@x; fc 3 each; output b"
    rows = on_paper(analyze(Source("a", text))).lines
    assert "output b" in rows
    assert "output a" not in rows


@pytest.mark.parametrize("direction", ["down", "right"])
def test_outputs_stand_in_the_column_of_what_makes_them(direction: str) -> None:
    found, count = in_columns(scene("outputs_in_columns"), direction=direction)
    assert count > 1
    column = {card.id: at for at, box in enumerate(found.root.items) for card in cards(box)}  # type: ignore[arg-type]
    for name in ("large", "medium", "small"):
        assert column[f"output {name}"] == column[f"{name}.conv1"]
        assert [e.tail for e in found.edges if e.head == f"output {name}"] == [f"{name}.conv1"]


def test_towers_side_by_side_are_not_cut() -> None:
    found = scene("towers_side_by_side")
    assert in_columns(found)[1] == 1
    assert in_columns(found, columns=3)[1] == 3  # but where somebody says so


def test_a_box_of_a_block_holds_no_merge_with_another_tensor() -> None:
    found = scene("block_in_a_group_beside_another_tensor")
    named = [box for box in boxes(found.root) if box.block == "up"]
    assert named
    assert not any(card.category == "merge" for box in named for card in cards(box))


def test_cycles_of_a_loop_are_drawn_once_each() -> None:
    found = scene("wavenet_cycles")
    folds = [box for box in boxes(found.root) if box.count > 1]
    assert [(box.name, box.count) for box in folds] == [("l0–3", 4), ("l4–7", 4)]
    assert [edge.each for edge in found.edges if edge.head == "add1"] == [4, 4]


@pytest.mark.parametrize("view", ["engineer", "paper"])
def test_what_is_said_beside_a_line_is_on_no_card(view: str) -> None:
    svg = ElementTree.fromstring(
        graphviz.picture(analysis_of("wavenet_cycles").draw(view), "svg", engine="graphviz-pure")
    )
    parts = list(svg.iter(f"{SVG}g"))
    frames = [frame for part in parts if part.get("class") == "node" for frame in outlines(part)]
    labels = [
        (float(text.get("x", 0)), float(text.get("y", 0)), 2.0 * len(text.text or ""))
        for part in parts
        if part.get("class") == "edge"
        for text in part.iter(f"{SVG}text")
    ]
    assert frames
    assert labels
    for x, y, wide in labels:  # of 8 points, around the middle
        for left, top, right, bottom in frames:
            beside = x + wide < left or right < x - wide
            assert beside or y < top or bottom < y - 5, (x, y)


def outlines(part: ElementTree.Element) -> list[tuple[float, float, float, float]]:
    """From the left, the top, the right and the bottom of frames with corners or round ones."""
    found = []
    for shape in part.iter():
        numbers = re.findall(r"-?[\d.]+", shape.get("points") or shape.get("d") or "")
        xs, ys = [*map(float, numbers[::2])], [*map(float, numbers[1::2])]
        found += [(min(xs), min(ys), max(xs), max(ys))] if numbers else []
    return found


def words(name: str) -> str:
    return " ".join(picture_of(analysis_of(name).draw("paper")).texts.split())


def test_a_card_says_what_a_loops_names_are() -> None:
    assert "×n i = 0…n - 1" in words("loops_of_a_block")
    assert "×3 c = 16, 24, 32, k = 3, 5, 7" in words("loops_of_a_block")
    said = words("lists_of_a_block")
    assert "×(len(widths)) w in widths" in said
    assert "×(len(widths)) i, w in enumerate(widths)" in said
    assert "×3 f = relu, silu, gelu" in said
    assert "×3 w = c, 2·c, 4·c" in words("lists_made_in_a_block")


def test_calls_that_share_a_body_have_counts_and_lists_of_their_own() -> None:
    said = words("calls_that_share_a_body")
    assert said.count("×n group") == said.count("×m group") == 1
    said = words("lists_of_calls_that_share_a_body")
    assert said.count("k = w, 8") == said.count("k = v, 8") == 2


def test_a_card_says_which_lists_a_loop_goes_through() -> None:
    said = words("lists_given_to_a_block")
    assert "×(len(ws)) w, k in zip(ws, ks)" in said
    assert "×(len(ws[1:])) w in ws[1:]" in said
    for number in range(3):  # passes one by one
        assert f"→ ws[{number}] · relu" in said


def test_passes_one_by_one_have_numbers_for_a_loops_names() -> None:
    said = words("loops_of_a_block")
    assert said.count("→ w · relu") == said.count("→ 2·w · relu") == said.count("→ 3·w · relu") == 1
    assert "i·w" not in said


def test_passes_whose_words_differ_are_drawn_one_by_one() -> None:
    said = words("passes_that_are_told_apart")
    assert "×2 group" not in said
    assert (said.count("g(in.c)"), said.count("g(c)")) == (1, 2)


def test_a_blocks_card_shows_what_it_gives_besides() -> None:
    _, edges = places(analysis_of("outputs_of_a_block"))
    given = [(tail, head) for tail, head in edges if head == "gated().output skip"]
    assert given == [("gated().conv3", "gated().output skip")]


def test_shared_weights_are_not_those_of_a_number() -> None:
    text = """block unit(c) { conv 3x3 p1 x(c); relu }
input 8x8 x4
side_: { unit(4); conv 1x1 x4; unit(4) } as a
reuse side_
"""
    for view in ("engineer", "graph", "paper", "volumes"):
        dot = analyze(Source("a", text)).draw(view)
        assert "shared weights" in dot
        assert "shared weights with 0" not in dot
