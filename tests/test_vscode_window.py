"""The extension in VS Code itself, by `make vscode-test` alone, which makes what it needs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from browser import Browser
from code_server import CTRL, END, ENTER, F2, F12, CodeServer, Window

from archc import data

pytestmark = pytest.mark.vscode

NEW = (data.TEMPLATES / "new.arch").read_text(encoding="utf-8")  # what `archc new` writes
Open = Callable[[str], tuple[Window, Path]]

# The lines of that text, from 1, and what stands there.
BLOCK, STEM, CALL, LAYER3, FC = 9, 18, 19, 21, 23
READY = "(num_classes) x10"  # with the shape behind it


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a Python that has no archc."""
    folder = tmp_path_factory.mktemp("python")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder / "bin"


@pytest.fixture(scope="module")
def opened(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    """Opens a text as a file in a window, where the extension's own copy of archc runs."""
    home, number = tmp_path_factory.mktemp("vscode"), count()

    def open_(text: str) -> tuple[Window, Path]:
        folder = home / f"work{next(number)}"
        folder.mkdir()
        file = folder / "mynet.arch"
        file.write_text(text, encoding="utf-8")
        window = Window(browser)
        browser.open(server.address(file))
        window.sees(".codelens-decoration", "5 calls")  # the server has answered
        window.focus_text()
        return window, file

    settings = {"archc.gpu": "RTX 3090"}
    with (
        CodeServer(home, f"{python}:/usr/bin:/bin", settings) as server,
        Browser(1500, 900) as browser,
    ):
        yield open_


def saved(window: Window, file: Path, text: str) -> str:
    """Save, and return the file once it has a text."""
    window.chord(CTRL, "s")
    window.until(f"{text!r} in the file", lambda: text in file.read_text(encoding="utf-8"))
    return file.read_text(encoding="utf-8")


# --- the text ----------------------------------------------------------------------------


def test_shapes_and_figures(opened: Open) -> None:
    window, _ = opened(NEW)
    window.reads("gap; flatten x64")
    window.sees(".codelens-decoration", "175,258 parameters · 26.7M MACs")
    window.sees(".codelens-decoration", "batch 128 fits RTX 3090")  # the card of the settings
    window.sees(".codelens-decoration", "5 calls · 5 forms · 4,672 to 73,984 parameters")


def test_a_mistake_and_its_quick_fix(opened: Open) -> None:
    window, file = opened(NEW.replace("gap; flatten", "nn.AdaptiveAvgPool2d(1); flatten"))
    window.sees(".squiggly-error")
    window.go(FC - 1, 3)
    window.chord(CTRL, ".")
    window.sees(".action-widget .monaco-list-row", "gap")
    window.keys(ENTER)
    window.reads("gap; flatten")
    window.until("no mistake", lambda: not window.texts(".squiggly-error"))
    assert saved(window, file, "gap; flatten") == NEW


def test_hover(opened: Open) -> None:
    window, _ = opened(NEW)
    window.reads(READY)
    window.go(STEM, 2)
    window.do("Show or Focus Hover")
    said = window.sees(".monaco-hover", "32x32 x3")
    assert "floor((32 + 2*1 - 3) / 1) + 1 = 32" in said
    assert "parameters: 16*3*3*3" in said


def test_completion_fits_the_tensor(opened: Open) -> None:
    window, _ = opened(NEW)
    window.reads(READY)
    window.go(LAYER3, 1)
    window.keys(f"{END}{ENTER}fl")
    window.chord(CTRL, " ")
    window.sees(".suggest-widget .monaco-list-row", "flatten→ x4096")  # 8x8 x64
    window.keys(ENTER)
    window.reads("flatten x4096")


def test_definition_and_rename(opened: Open) -> None:
    window, file = opened(NEW)
    window.reads(READY)
    window.go(CALL, 10)
    window.keys(F12)
    window.sees("#status\\.editor\\.selection", f"Ln {BLOCK}, Col 7")
    window.keys(F2)
    window.types_into(".rename-box")  # where the old name is selected
    window.keys(f"basic{ENTER}")
    window.reads("layer1: basic(width)")
    assert saved(window, file, "block basic(") == NEW.replace("unit(", "basic(")


def test_format(opened: Open) -> None:
    window, file = opened(NEW.replace("gap; flatten", "gap ;flatten"))
    window.reads(READY)
    window.do("Format Document")
    window.reads("gap; flatten")
    assert saved(window, file, "gap; flatten") == NEW


# --- views beside it -----------------------------------------------------------------------

MARKED = "return [...document.querySelectorAll('.here')].map(e => e.id)"
PLACED = "return document.querySelector('.view > svg')?.style.transform"
STALE = "return document.querySelector('#views').classList.contains('stale')"


def test_the_diagram_follows_the_cursor_and_back(opened: Open) -> None:
    window, _ = opened(NEW)
    window.do("archc: Show the diagram")
    window.until(
        "a diagram", lambda: window.diagram("return document.querySelectorAll('.node').length > 15")
    )
    window.go(STEM)
    first = window.until("a card is marked", lambda: window.diagram(MARKED))
    window.go(FC)
    last = window.until(
        "another one is", lambda: [m for m in window.diagram(MARKED) if m not in first]
    )
    inside = (
        f"const a = document.getElementById('{last[0]}').getBoundingClientRect();"
        "return a.top < document.documentElement.clientHeight && a.bottom > 0"
    )
    assert window.diagram(inside), "what is marked is moved into view"

    placed = window.diagram(PLACED)
    window.keys(f"{END}; relu")
    window.reads("; relu")
    window.until(
        "it is drawn anew",
        lambda: (
            "relu" in window.diagram(f"return document.getElementById('{last[0]}').textContent")
        ),
    )
    assert window.diagram(PLACED) == placed, "the view stays where it is"
    window.keys(" kernel")
    window.until("the last good one is greyed", lambda: window.diagram(STALE))

    click = f"document.getElementById('{first[0]}').dispatchEvent(new MouseEvent('click'))"
    window.diagram(click)
    window.sees("#status\\.editor\\.selection", f"Ln {STEM}, Col 1 (")


def test_pytorch_beside_the_text(opened: Open) -> None:
    window, _ = opened(NEW)
    window.do("archc: Show the generated PyTorch")
    window.reads("class Unit(nn.Module)", group=2)
    window.go(FC)
    fc = window.reads("self.fc1 = nn.Linear(", group=2)  # it was below
    assert window.browser.value("document.querySelectorAll('.cdr[class*=ced-]').length")
    window.keys(f"{END}; softmax")
    window.reads("softmax", group=2)
    window.keys(" kernel")
    window.until("the last good text stays", lambda: window.reads(fc, group=2))
    window.chord(CTRL, "z")
    window.press_line("self.layer2", group=2)
    window.sees("#status\\.editor\\.selection", "Ln ")
    window.until(
        "the text is selected", lambda: window.texts(".editor-group-container .selected-text")
    )


def test_reports_of_the_palette(opened: Open) -> None:
    window, _ = opened(NEW)
    window.reads(READY)
    window.do("archc: Summary")
    window.sees(".tab", "MyNet.summary.txt")


# --- which archc ---------------------------------------------------------------------------


def test_the_channel_says_which_archc_and_why(opened: Open) -> None:
    window, _ = opened(NEW)
    window.do("archc: Show the output channel")
    window.sees(".output-view .view-line", "not archc (the PATH): spawn archc ENOENT")
    window.sees(".output-view .view-line", "python3 -P -m archc (the extension's copy, by python3)")
    window.do("archc: Restart the language server")
    window.until(
        "it says so again",
        lambda: "".join(window.texts(".output-view")).count("the extension's copy") > 1,
    )


def test_the_archc_of_the_path_goes_before_the_copy(tmp_path: Path) -> None:
    file = tmp_path / "work" / "mynet.arch"
    file.parent.mkdir()
    file.write_text(NEW, encoding="utf-8")
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    with CodeServer(tmp_path, path) as server, Browser(1500, 900) as browser:
        window = Window(browser)
        browser.open(server.address(file))
        window.reads(READY)
        window.focus_text()
        window.do("archc: Show the output channel")
        window.sees(".output-view .view-line", ": archc (the PATH)")
