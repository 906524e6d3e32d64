"""docs/gallery.md and its pictures are what `make gallery` would make now."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
from nets import varied
from test_draw import picture_of

import archc

DOCS = Path(__file__).parents[1] / "docs"
AGAIN = "run `make gallery`"


@pytest.fixture(scope="module")
def gallery() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gallery", DOCS / "gallery.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", varied(sorted(archc.bundled())))
def test_a_picture_is_current(gallery: ModuleType, name: str) -> None:
    svg = (DOCS / "gallery" / f"{name}.svg").read_text(encoding="utf-8")
    assert svg.endswith(gallery.stamp(archc.load(name).analysis.draw("paper"))), AGAIN


@pytest.mark.slow
def test_the_page_is_current(gallery: ModuleType) -> None:
    assert (DOCS / "gallery.md").read_text(encoding="utf-8") == gallery.page(), AGAIN


def test_there_are_no_others() -> None:
    pictures = list((DOCS / "gallery").iterdir())
    assert {picture.name for picture in pictures} == {f"{name}.svg" for name in archc.bundled()}
    assert sum(picture.stat().st_size for picture in pictures) < 6_000_000


def test_the_comparison_counts_what_is_drawn() -> None:
    """docs/diagrams.md: archc's own rows; `benchmarks/diagrams.py` measures the others."""
    text = (DOCS / "diagrams.md").read_text(encoding="utf-8")
    heads = [cell.strip() for cell in text[text.index("| tool") :].partition("\n")[0].split("|")]
    for row, depth in (("archc", None), ("archc --depth 1", 1), ("archc --depth 0", 0)):
        (line,) = re.findall(rf"^\| {row} \|.*$", text, re.M)
        said = dict(zip(heads, (cell.strip() for cell in line.split("|")), strict=True))
        for name in ("googlenet_bn", "resnet50", "densenet121"):
            picture = picture_of(archc.load(name).analysis.draw(depth=depth))
            boxes = {box for box in picture.boxes if not box.endswith(" middle")}
            cards = picture.nodes.keys() - boxes
            assert said[name] == f"{len(cards)} ({len(boxes)})".removesuffix(" (0)"), name
