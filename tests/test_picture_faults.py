"""Faults of pictures that users met: each drew another network than its program says.

The files are in `faults/pictures/`; what is said of them here is what must be seen.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from test_draw import Picture, picture_of

from archc.analysis.costs import Costs
from archc.api import Analysis, analyze
from archc.draw import DrawStyle, scene_of
from archc.draw.collapse import cards
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
