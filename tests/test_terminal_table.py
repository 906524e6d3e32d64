"""Tables on a terminal: narrower columns, then fewer, and no number split."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import suppress

import pytest
from rich.console import Console

import archc
from archc.report.fitting import folded, shortened
from archc.report.tables import Column, Sheet, TableLine
from archc.report.terminal import TerminalTable

NUMBER = re.compile(r"\d[\d,.x%]*")


@pytest.fixture(scope="module")
def sheets() -> dict[str, Sheet]:
    nets = [archc.load(name) for name in ("lenet", "resnet18", "vgg16")]
    wordy = [archc.load(name) for name in ("efficientnet_b7", "googlenet")]
    return {
        "compare": archc.compare(nets).sheet(),
        "facts": archc.compare(nets, columns=["name", "paper", "measured", "macs", "year"]).sheet(),
        "summary": nets[1].summary(depth=2).sheet(),
        "long operators": wordy[0].summary().sheet(),
        "long names": wordy[1].summary(depth=3).sheet(),
    }


def printed(sheet: Sheet, width: int) -> list[str]:
    console = Console(width=width, highlight=False, color_system=None)
    with console.capture() as capture:
        console.print(TerminalTable(sheet))
    return capture.get().splitlines()


def left_out(text: str) -> list[str]:
    """The headings of columns that it says have no room."""
    missing = re.search(r"no room here for: (.*?)\n(?=[A-Z]?[\w, ]+:|\d|$)", text, re.S)
    return re.split(r",\s+", re.sub(r"\s*\n", " ", missing[1])) if missing else []


@pytest.mark.parametrize("name", ["compare", "facts", "summary", "long operators", "long names"])
@pytest.mark.parametrize("width", [30, 41, 52, 60, 66, 80, 100])
def test_no_number_is_split(sheets: dict[str, Sheet], name: str, width: int) -> None:
    sheet = sheets[name]
    lines = printed(sheet, width)
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    missing = left_out(text)
    kept = [column.heading not in missing for column in sheet.columns]
    assert kept.count(False) == len(missing)
    shown, known = set(NUMBER.findall(text)), set()
    for line in sheet.lines:
        for cell, column, is_kept in zip(sheet.shown(line), sheet.columns, kept, strict=True):
            known |= set(NUMBER.findall(cell))
            if is_kept and not column.cut:
                assert set(NUMBER.findall(cell)) <= shown, cell
    rows = "\n".join(line for line in lines if "\u2026" in line)
    assert {number.rstrip(",.") for number in NUMBER.findall(rows)} <= {
        number.rstrip(",.") for number in known
    }


@pytest.mark.parametrize("width", [60, 80, 100])
def test_numbers_have_room_before_operators(sheets: dict[str, Sheet], width: int) -> None:
    for name in ("long operators", "long names"):
        sheet = sheets[name]
        text = "\n".join(printed(sheet, width))
        missing = left_out(text)
        assert "params" not in missing
        assert "MACs" not in missing
        assert not missing or (width == 60 and "operator" in missing)
        for line in sheet.lines:
            (row,) = {cell for cell, c in zip(sheet.shown(line), sheet.columns, strict=True)
                      if c.name == "params"}  # fmt: skip
            assert re.search(rf"(?<![\d,.]){re.escape(row)}(?![\d,.])", text)


@pytest.mark.parametrize(
    ("text", "width", "short"),
    [
        ("mbconv(3, 6, 640, 1)", 20, "mbconv(3, 6, 640, 1)"),
        ("mbconv(3, 6, 640, 1)", 16, "mbconv(3, 6\u2026"),
        ("mbconv(3, 6, 640, 1)", 12, "mbconv(3, 6\u2026"),
        ("bn eps=0.001", 10, "bn eps=\u2026"),
        ("conv 112x112 x64", 9, "conv\u2026"),
        ("\uc2e0\uacbd\ub9dd", 5, "\uc2e0\uacbd\u2026"),
    ],
)
def test_a_cell_is_cut_between_its_numbers(text: str, width: int, short: str) -> None:
    assert shortened(text, width).replace(" \u2026", "\u2026") == short


def test_at_80_columns_every_figure_of_a_comparison_has_room(sheets: dict[str, Sheet]) -> None:
    text = "\n".join(printed(sheets["compare"], 80))
    assert "no room" not in text
    assert "138,357,544" in text


def test_a_column_is_left_out_and_named() -> None:
    columns = (Column("name", "name"), Column("n", "parameters", numeric=True))
    sheet = Sheet(columns, [TableLine(("net", "1,234,567,890"))])
    assert any("1,234,567,890" in line for line in printed(sheet, 24))
    lines = printed(sheet, 18)
    assert "no room here for:" in lines[-2] + lines[-1]
    assert not any("1,2" in line for line in lines)


@pytest.mark.parametrize("width", range(1, 20))
def test_a_text_that_folds_keeps_its_words_and_its_room(width: int) -> None:
    text = "    123,456,789,012 of dense_block(layers 24 -> 32)"
    for hang in (0, 4, 12):
        lines = folded(text, width, hang)
        assert "".join("".join(lines).split()) == "".join(text.split())
        assert max(map(len, lines)) <= width
        after = {len(line) - len(line.lstrip()) for line in lines[1:]}
        assert after <= {min(hang, width // 2)}


def test_no_lines() -> None:
    assert printed(Sheet((Column("name", "name"),), []), 20)[1].split() == ["name"]


# --- commands ----------------------------------------------------------------------------


def on_a_terminal(width: int, *argv: str, **env: str) -> list[str]:
    """The lines that a command prints on a terminal of that width."""
    pty, termios = pytest.importorskip("pty"), pytest.importorskip("termios")
    import fcntl
    import struct

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    unset = ("NO_COLOR", "COLUMNS", "LINES")
    clean = {name: value for name, value in os.environ.items() if name not in unset}
    clean |= {"TERM": "xterm", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))} | env
    process = subprocess.Popen(
        [sys.executable, "-m", "archc", *argv],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=clean,
    )
    os.close(theirs)
    out = b""
    with suppress(OSError):  # Linux says so at the end
        while piece := os.read(ours, 65536):
            out += piece
    os.close(ours)
    assert process.wait() == 0
    return out.decode().replace("\r", "").splitlines()


@pytest.mark.parametrize("width", [pytest.param(60, marks=pytest.mark.slow), 80])
@pytest.mark.parametrize(
    "argv",
    [
        ("summary", "resnet18"),
        ("fit", "lenet"),
        ("list",),
        ("compare", "lenet", "vgg16"),
        ("diff", "alexnet", "zfnet"),
    ],
    ids=lambda argv: argv[0],
)
@pytest.mark.parametrize(
    "env",
    [
        pytest.param({"NO_COLOR": "1"}, id="no colour", marks=pytest.mark.slow),
        pytest.param({"TERM": "dumb"}, id="dumb", marks=pytest.mark.slow),
        pytest.param({}, id="colour"),
    ],
)
def test_a_command_keeps_to_its_terminal(
    argv: tuple[str, ...], width: int, env: dict[str, str]
) -> None:
    lines = on_a_terminal(width, *argv, **env)
    assert ("\x1b" in "".join(lines)) == (not env and argv[0] != "list")
    bare = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in lines]
    assert max(map(len, bare)) <= width
    piped = subprocess.run(
        [sys.executable, "-m", "archc", *argv], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    ).stdout  # fmt: skip
    figures = set(re.findall(r"\d{1,3}(?:,\d{3})+", piped))
    assert figures <= set(re.findall(r"\d{1,3}(?:,\d{3})+", "\n".join(bare)))
    assert figures or argv[0] == "fit"
