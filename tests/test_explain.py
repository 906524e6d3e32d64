"""Every code has a section in docs/errors.md, and its programs do what the section says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from archc import api
from archc.report import error_codes
from archc.report.error_codes import ErrorCode
from archc.source import Source

PACKAGE = Path(__file__).parents[1] / "dsl" / "archc"
ENTRIES = error_codes.entries()

# What a program of a few lines cannot show.
WITHOUT_PROGRAMS = {"A007", "A008", "A009", "A311", "A313", "A410", "A502", "A504", "A505", "A506"}


def used() -> set[str]:
    """All codes in the sources."""
    texts = (path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    return {code for text in texts for code in re.findall(r'"([AW]\d{3})"', text)}


def test_every_code_is_explained_and_no_other() -> None:
    assert set(ENTRIES) == used()


def test_codes_are_in_order_and_have_all_parts() -> None:
    assert list(ENTRIES) == sorted(ENTRIES)
    for entry in ENTRIES.values():
        assert entry.title
        assert entry.text
        assert "```" not in entry.text
        assert bool(entry.wrong) == bool(entry.right) == (entry.code not in WITHOUT_PROGRAMS)


@pytest.mark.parametrize("entry", [e for e in ENTRIES.values() if e.wrong], ids=lambda e: e.code)
def test_programs(entry: ErrorCode, tmp_path: Path) -> None:
    def codes(program: str) -> list[str]:
        source = Source(str(tmp_path / "example.arch"), program)
        return [d.code for d in api.analyze(source, project=tmp_path).diagnostics]

    assert codes(entry.wrong) == [entry.code]
    assert codes(entry.right) == []


def test_explain_text() -> None:
    assert error_codes.explain(ErrorCode("A1", "title", "Text.", "a\n\nb\n", "c\n")) == (
        "A1: title\n\nText.\n\nWrong:\n    a\n\n    b\n\nRight:\n    c\n"
    )
