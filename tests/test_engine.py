"""DOT to pictures, with the engines that are there and without."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

import archc
from archc.draw import graphviz

DOT = 'digraph { a -> b [label="3×3 → x64"]; c [label=<<TABLE><TR><TD>c</TD></TR></TABLE>>] }'


@pytest.mark.parametrize(("format", "magic"), [("svg", b"<?xml"), ("png", b"\x89PNG")])
def test_picture(format: str, magic: bytes) -> None:
    assert graphviz.picture(DOT, format).startswith(magic)


def test_dot_is_the_text_itself() -> None:
    assert graphviz.picture(DOT, "dot") == DOT.encode()


def test_pdf_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "archc.draw.pdf_pages", raising=False)
    monkeypatch.setitem(sys.modules, "svglib.svglib", None)
    with pytest.raises(graphviz.EngineError, match=r"`pip install svglib reportlab`"):
        graphviz.picture(DOT, "pdf", engine="graphviz-pure")


def test_pdf_from_pip() -> None:
    pytest.importorskip("svglib")
    made = graphviz.picture(DOT, "pdf", engine="graphviz-pure")
    assert made.startswith(b"%PDF")
    assert made == graphviz.picture(DOT, "pdf", engine="graphviz-pure")


@pytest.mark.parametrize(
    "dot", ["digraph {", "digraph { a [label=<<TABLE>a & b</TABLE>>] }", "graph", ""]
)
def test_what_graphviz_refuses_is_an_error(dot: str) -> None:
    with pytest.raises(graphviz.EngineError, match="failed"):
        graphviz.picture(dot, "svg")


def fake(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_the_systems_dot_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path, "dot", "/bin/cat > /dev/null; echo from dot $1")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert graphviz.picture(DOT, "svg") == b"from dot -Tsvg\n"
    assert graphviz.picture(DOT, "svg", engine="graphviz-pure").startswith(b"<?xml")


@pytest.mark.slow
@pytest.mark.parametrize("format", ["svg", "png", "pdf"])
@pytest.mark.parametrize("name", ["googlenet", "resnet50_fpn"])  # of one, labels are moved
def test_nothing_is_drawn_twice(
    name: str, format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine is asked once for a picture of a text; a PNG's size needs no SVG of its own."""
    if format == "pdf":
        pytest.importorskip("svglib")
    pure, asked = graphviz.find("graphviz-pure"), tmp_path / "asked"
    asked.mkdir()
    fake(
        tmp_path,
        "graphviz-pure",
        f'at={asked}/$(ls {asked} | wc -l); echo $1 > $at; tee -a $at | exec {pure} "$@"',
    )
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    dot = archc.load(name).analysis.draw()
    assert "labelangle" in dot
    assert graphviz.picture(dot, format, engine="graphviz-pure")
    orders = [path.read_text("utf-8") for path in asked.iterdir()]
    assert len(set(orders)) == len(orders)
    most = {"svg": 1, "png": 2, "pdf": 1}[format] + (name == "resnet50_fpn")
    assert len(orders) <= most


def test_an_engine_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path, "dot", "exec /bin/sleep 60")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(graphviz.EngineError, match=r"dot did not finish in 0\.2 s"):
        graphviz.picture(DOT, "svg", seconds=0.2)


def test_an_engine_that_writes_nothing_or_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    fake(tmp_path, "dot", "exit 0")
    with pytest.raises(graphviz.EngineError, match="exit code 0"):
        graphviz.picture(DOT, "svg")
    fake(tmp_path, "dot", "echo half a picture; echo Error: oops >&2; exit 1")
    with pytest.raises(graphviz.EngineError, match="dot failed: Error: oops"):
        graphviz.picture(DOT, "svg")


def test_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(graphviz.EngineError, match="pip install graphviz-pure"):
        graphviz.picture(DOT, "svg")
