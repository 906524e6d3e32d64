"""docs/from_torch.md and docs/from_keras.md are what `make translations` would make now."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from archc.api import analyze
from archc.source import Source

DOCS = Path(__file__).parents[1] / "docs"
PAGES = ("from_torch.md", "from_keras.md")


@pytest.fixture(scope="module")
def translations() -> ModuleType:
    spec = importlib.util.spec_from_file_location("translations", DOCS / "translations.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_current(translations: ModuleType, name: str) -> None:
    assert (DOCS / name).read_text("utf-8") == translations.page(name), "run `make translations`"


@pytest.mark.parametrize("name", PAGES)
def test_the_program_of_a_page_is_right(name: str) -> None:
    programs = re.findall(r"```arch\n(.*?)```", (DOCS / name).read_text("utf-8"), re.S)
    assert [analyze(Source(name, text)).diagnostics for text in programs] == [()]
