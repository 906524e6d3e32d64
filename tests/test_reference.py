"""docs/language.md: its programs compile, its operators are those of the registry."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from archc import api, reference
from archc.ops import REGISTRY
from archc.recipe import LINES
from archc.source import Limits, Source

TEXT = (Path(__file__).parents[1] / "docs" / "language.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"^```arch\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
CURE = "run: python -m archc.reference docs/language.md"


def test_operators_and_recipes_are_current() -> None:
    assert reference.updated(TEXT) == TEXT, CURE


def test_checks_are_current() -> None:
    text = (Path(__file__).parents[1] / "docs" / "cli.md").read_text(encoding="utf-8")
    assert reference.updated(text) == text, "run: python -m archc.reference docs/cli.md"


def test_has_every_operator() -> None:
    assert {cls.name for cls in REGISTRY.values()} == set(
        re.findall(r"^#### `([\w ]+)`", TEXT, re.M)
    )


def test_has_every_line_of_a_recipe() -> None:
    for kinds in LINES.values():
        for cls in kinds.values():
            assert f"\n- `{cls.example}`: " in TEXT, f"{cls.name}: {CURE}"


@pytest.mark.parametrize("text", PROGRAMS, ids=lambda text: text.split("network ")[1].split()[0])
def test_programs_compile(text: str) -> None:
    analysis = api.analyze(Source("language.arch", text))
    assert not analysis.diagnostics, [(d.code, d.title, d.span.text) for d in analysis.diagnostics]
    compile(analysis.emit(), "language.py", "exec")


def test_links_lead_somewhere() -> None:
    titles = re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
    assert set(re.findall(r"\]\(#([\w-]+)\)", TEXT)) <= anchors


def test_limits_are_the_defaults() -> None:
    limits = Limits()
    assert f"{limits.source_bytes // 10**6} MB" in TEXT
    assert f"{limits.steps:,} operators" in TEXT
    assert f"{limits.nesting} deep" in TEXT
    assert f"{limits.depth} deep" in TEXT
    assert limits.integer == 10**12


def test_refuses_a_text_without_marks() -> None:
    with pytest.raises(ValueError, match="marks"):
        reference.updated("nothing here")
