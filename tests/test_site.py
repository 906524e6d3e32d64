"""The documentation as a site: what one looks for stands in a title, which the search finds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"


def titles() -> list[str]:
    """The headings of all pages, in small letters, without what is a comment in code."""
    texts = [page.read_text(encoding="utf-8") for page in sorted(DOCS.glob("*.md"))]
    prose = [re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE) for text in texts]
    return [
        title.lower() for text in prose for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    ]


@pytest.mark.parametrize(
    "words",
    [
        "draw",
        "pdf",
        "print",
        "a4",
        "slides",
        "dark mode",
        "install",
        "fine-tune",
        "onnx",
        "batch size",
        "receptive field",
        "u-net",
        "shortcuts projection",
        "learning rate",
        "memory",
    ],
)
def test_a_title_says_what_one_looks_for(words: str) -> None:
    assert any(all(word in title for word in words.split()) for title in titles())
