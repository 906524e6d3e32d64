"""Pictures as other programs read them: fonts in a PDF, sizes of a PNG, and Mermaid on GitHub."""

from __future__ import annotations

import io
import re
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from nets import net_of

import archc
from archc import cli
from archc.draw import DrawingWarning, graphviz, typefaces

PIL = pytest.importorskip("PIL.Image")
pypdf = pytest.importorskip("pypdf")
fontTools = pytest.importorskip("fontTools.ttLib")

PURE = "graphviz-pure"
TITLED = """\
network Titled "{}"
input 8x8 x3
conv 3x3 p1 x4; relu; gap; flatten; fc 10
"""
FOREIGN = "한국어 网络 日本語"


def made_font(path: Path, characters: str, cubic: bool) -> None:
    """A font whose characters are black squares, in outlines of TrueType or of PostScript."""
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.t2CharStringPen import T2CharStringPen
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    names = {ord(char): f"uni{ord(char):04X}" for char in characters}
    builder = FontBuilder(1000, isTTF=not cubic)
    builder.setupGlyphOrder([".notdef", *names.values()])
    builder.setupCharacterMap(names)
    glyphs = {}
    for name in builder.font.getGlyphOrder():
        pen = T2CharStringPen(1000, None) if cubic else TTGlyphPen(None)
        pen.moveTo((50, 0))
        for point in ((50, 800), (950, 800), (950, 0)):
            pen.lineTo(point)
        pen.closePath()
        glyphs[name] = pen.getCharString() if cubic else pen.glyph()
    if cubic:
        builder.setupCFF("Squares", {}, glyphs, {})
    else:
        builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics(dict.fromkeys(glyphs, (1000, 50)))
    builder.setupHorizontalHeader(ascent=880, descent=-120)
    builder.setupNameTable({"familyName": "Squares", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)


@pytest.fixture
def fonts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of this machine's fonts: an empty one."""
    folder = tmp_path / "fonts"
    folder.mkdir()
    monkeypatch.setattr(typefaces, "_folders", lambda: [folder])
    return folder


def fonts_in(pdf: bytes) -> Iterator[tuple[str, bool]]:
    """The fonts of a PDF, and whether their outlines are in it."""
    for page in pypdf.PdfReader(io.BytesIO(pdf)).pages:
        for font in page["/Resources"]["/Font"].values():
            descriptor = font.get_object().get("/FontDescriptor", {})
            yield font.get_object()["/BaseFont"], "/FontFile2" in descriptor


def words_in(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)


@pytest.mark.parametrize(
    "view", [pytest.param("engineer", marks=pytest.mark.slow), "paper", "volumes"]
)
def test_all_fonts_are_in_a_pdf(view: str) -> None:
    """Journals ask for that; and what is read can be selected."""
    analysis = archc.load("googlenet").analysis
    (pdf,) = analysis.pages("pdf", "a4", view=view, engine=PURE)
    found = set(fonts_in(pdf))
    assert len(found) > 1
    assert all(embedded for _, embedded in found), found
    assert "inception" in words_in(pdf)
    assert "224×224×3" in words_in(pdf)


def test_the_font_is_as_wide_as_helvetica() -> None:
    """Graphviz leaves room for Helvetica's words."""
    from reportlab.pdfbase.pdfmetrics import getFont

    for path, name in ((typefaces.REGULAR, "Helvetica"), (typefaces.BOLD, "Helvetica-Bold")):
        font, helvetica = fontTools.TTFont(path), getFont(name)
        widths = {chr(code): font["hmtx"][glyph][0] for code, glyph in font.getBestCmap().items()}
        for char in [*map(chr, range(0x20, 0x7F)), *"×Äéøß"]:
            wide = widths[char] * 1000 / font["head"].unitsPerEm
            assert wide == pytest.approx(helvetica.stringWidth(char, 1000), abs=1), char


def test_words_in_two_types_are_apart() -> None:
    """Graphviz, which knows no fonts, counts an ellipsis narrower than it is."""
    bold = pytest.importorskip("PIL.ImageFont").truetype(str(typefaces.BOLD), 1000)
    text = "input 64 x8\nfor i in 0..5 { conv (2*i + 1) same d(2**i) x8; tanh }"
    svg = archc.loads(text).draw("svg", engine=PURE)
    pieces = [t for t in ElementTree.fromstring(svg).iter() if t.tag.endswith("}text")]
    (name,) = (t for t in pieces if (t.text or "").startswith("×6 conv 1, 3, 5 … 11 d1, 2, 4 … 32"))
    (behind,) = (t for t in pieces if (t.text or "").endswith("· tanh"))
    size, words = float(name.get("font-size", 0)), (name.text or "").rstrip()
    end = float(name.get("x", 0)) + bold.getlength(words) / 1000 * size
    space = bold.getlength(" ") / 1000 * size
    assert 0 <= float(behind.get("x", 0)) - end <= space, "it begins with a space of its own"


def test_what_the_font_lacks() -> None:
    for path in (typefaces.REGULAR, typefaces.BOLD):
        known = "".join(map(chr, fontTools.TTFont(path).getBestCmap()))
        assert typefaces.lacking(known + "한\n⊙한") == "한⊙"
    assert typefaces.lacking("Σ √ × → … Сеть δίκτυο réseau") == ""


@pytest.mark.parametrize("cubic", [False, True])
def test_words_in_a_font_of_the_machine(fonts: Path, cubic: bool) -> None:
    """In the PDF they can be selected, in the PNG they are black where nothing was before."""
    net = net_of(TITLED.format(FOREIGN + " end"))
    made_font(fonts / ("a.otf" if cubic else "a.ttf"), FOREIGN.replace(" ", "")[:5], cubic)
    made_font(fonts / "b-bold.ttf", FOREIGN.replace(" ", "")[4:], False)
    (fonts / "broken.ttf").write_bytes(b"\0\1\0\0 no font")
    pdf = net.draw("pdf", engine=PURE)
    assert f"{FOREIGN} end".replace(" ", "") in "".join(words_in(pdf).split())
    assert all(embedded for _, embedded in fonts_in(pdf))
    assert len(set(fonts_in(pdf))) == 4
    assert pdf == net.draw("pdf", engine=PURE)
    squares = net.draw("png", engine=PURE)
    blank = net_of(TITLED.format("\u2003" * 3 + " " + "\u2003" * 2 + " " + "\u2003" * 3 + " end"))
    more = dark_columns(squares) - dark_columns(blank.draw("png", engine=PURE))
    runs = len([x for x in more if x - 1 not in more])
    assert runs == 8, "a square for each character, in its own place"


def dark_columns(png: bytes) -> set[int]:
    """Where it is not white, in the line of the title."""
    line = PIL.open(io.BytesIO(png)).convert("L").crop((0, 98, 740, 108))
    return {x for x in range(line.width) if min(line.getpixel((x, y)) for y in range(10)) < 220}


@pytest.mark.parametrize("format", ["png", "pdf"])
def test_words_that_no_font_has(fonts: Path, format: str) -> None:
    net = net_of(TITLED.format(FOREIGN))
    with pytest.warns(
        DrawingWarning, match=rf"the {format.upper()} does not show 한국어网络日本語: .*font"
    ):
        net.draw(format, engine=PURE)
    made_font(fonts / "a.ttf", "한국어网络日本", False)
    with pytest.warns(DrawingWarning, match="does not show 語: "):
        net.draw(format, engine=PURE)


@pytest.mark.parametrize("format", ["png", "pdf"])
def test_words_from_the_right(fonts: Path, format: str) -> None:
    """Set one after the other they would be wrong, which is worse than not there."""
    made_font(fonts / "a.ttf", "شبكة", False)
    with pytest.warns(DrawingWarning, match="does not show شبكة: "):
        net_of(TITLED.format("شبكة")).draw(format, engine=PURE)


def test_words_without_a_reader_of_fonts(fonts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_font(fonts / "a.ttf", "한국어网络日本語", False)
    monkeypatch.setitem(sys.modules, "fontTools.ttLib", None)
    net = net_of(TITLED.format(FOREIGN))
    with pytest.warns(DrawingWarning, match=r"한국어.*pip install svglib reportlab"):
        net.draw("png", engine=PURE)


def test_a_long_title_of_wide_characters(fonts: Path) -> None:
    """It stays on the sheet: Graphviz counts such a character narrower than it is."""
    characters = "深度残差网络用于图像识别"
    made_font(fonts / "a.ttf", characters, False)
    png = net_of(TITLED.format(characters * 3)).draw("png", engine=PURE)
    picture = PIL.open(io.BytesIO(png)).convert("L")
    edge = picture.crop((picture.width - 8, 0, picture.width, picture.height))
    assert edge.getextrema()[0] > 200


def test_the_command_line_says_it(
    fonts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "titled.arch"
    source.write_text(TITLED.format(FOREIGN), encoding="utf-8")
    argv = ["draw", str(source), "-o", str(tmp_path / "x.png"), "--engine", PURE]
    assert cli.main(argv) == 0
    said = capsys.readouterr().err
    assert said.count("archc: the PNG does not show 한국어网络日本語: ") == 1
    assert "Warning" not in said


@pytest.mark.parametrize(("width", "height"), [(60, 250), (3, 400)])
def test_a_large_png_can_be_opened(width: int, height: int) -> None:
    """Pillow warns of more than 89 megapixels, and some programs end at a side of 32,767."""
    dot = f"digraph {{ a [shape=box, width={width}, height={height}] }}"
    dot += f"\n/*{' ' * graphviz._SHORT}*/"
    with pytest.warns(DrawingWarning, match=r"dots to the inch and not 144.*x\.svg"):
        png = graphviz.picture(dot, "png", engine=PURE)
    across, down = struct.unpack(">II", png[16:24])
    assert across * down <= 89_478_485
    assert max(across, down) <= 32_767
    assert down / across == pytest.approx(height / width, rel=0.1)
    assert across * down > 40e6 or down > 30_000, "no coarser than it must be"


# --- Mermaid --------------------------------------------------------------------------------

_ARROW = re.compile(r"\bn\d+ (-->|-\.->)")


def on_github(chart: str) -> bool:
    return len(_ARROW.findall(chart)) <= 500 and len(chart) <= 50_000


SLOW = [
    pytest.param(name, marks=pytest.mark.slow) for name in ("efficientnet_b7", "preact_resnet1001")
]


@pytest.mark.parametrize("name", ["densenet201", *SLOW])
def test_mermaid_is_closed_until_github_draws_it(name: str) -> None:
    net = archc.load(name)
    with pytest.warns(DrawingWarning, match=r"as with `--depth (\d)`; `--depth (\d)` w") as caught:
        chart = net.draw("mermaid", view="graph").decode()
    fits, whole = map(int, re.findall(r"--depth (\d)", str(caught[0].message)))
    assert on_github(chart)
    assert chart == net.draw("mermaid", view="graph", depth=fits).decode()
    with pytest.warns(DrawingWarning, match=f"`--depth {fits}` fits"):
        everything = net.draw("mermaid", view="graph", depth=whole).decode()
    assert not on_github(everything)
    with pytest.warns(DrawingWarning, match=f"`--depth {fits}` fits"):
        assert net.draw("mermaid", view="graph", depth=whole + 1).decode() == everything
    with pytest.warns(DrawingWarning):
        assert not on_github(net.draw("mermaid", view="graph", depth=fits + 1).decode())


def test_mermaid_of_what_no_depth_makes_small(tmp_path: Path) -> None:
    flat = "network Flat\ninput 8x8 x3\n" + "conv 3x3 p1 x3; relu\n" * 300
    with pytest.warns(DrawingWarning, match=r"601 arrows .*`--view engineer` fits"):
        net_of(flat).draw("mermaid", view="graph")


@pytest.mark.slow
def test_every_mermaid_chart_is_within_githubs_limits() -> None:
    for name in archc.bundled():
        assert on_github(archc.load(name).draw("mermaid").decode()), name
