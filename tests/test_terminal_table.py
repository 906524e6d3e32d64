"""Tables on a terminal: narrower columns, then fewer, and no number split."""

from __future__ import annotations

import re

import pytest
from rich.console import Console

import archc
from archc.report.tables import Column, Sheet, TableLine
from archc.report.terminal import TerminalTable

NUMBER = re.compile(r"\d[\d,.x%]*")


@pytest.fixture(scope="module")
def sheets() -> dict[str, Sheet]:
    nets = [archc.load(name) for name in ("lenet", "resnet18", "vgg16")]
    return {"compare": archc.compare(nets).sheet(), "summary": nets[1].summary(depth=2).sheet()}


def printed(sheet: Sheet, width: int) -> list[str]:
    console = Console(width=width, highlight=False, color_system=None)
    with console.capture() as capture:
        console.print(TerminalTable(sheet))
    return capture.get().splitlines()


@pytest.mark.parametrize("name", ["compare", "summary"])
@pytest.mark.parametrize("width", [30, 41, 52, 66, 80, 100])
def test_no_number_is_split(sheets: dict[str, Sheet], name: str, width: int) -> None:
    sheet = sheets[name]
    lines = printed(sheet, width)
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    headings = [column.heading for column in sheet.columns]
    missing = re.search(r"no room here for: (.*?)\n(?=\w+:|\d|$)", text, re.S)
    left_out = re.split(r",\s+", re.sub(r"\s*\n", " ", missing[1])) if missing else []
    kept = [heading for heading in headings if heading not in left_out]
    assert len(kept) + len(left_out) == len(headings)
    shown = set(NUMBER.findall(text))
    for line in sheet.lines:
        for cell in sheet.shown(line)[: len(kept)]:
            assert set(NUMBER.findall(cell)) <= shown, cell


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


def test_no_lines() -> None:
    assert printed(Sheet((Column("name", "name"),), []), 20)[1].split() == ["name"]
