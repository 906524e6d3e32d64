"""SVG to PDF, by svglib and reportlab: words can be selected, and their fonts are in the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import BytesIO
from itertools import groupby
from typing import Any

from reportlab.graphics import renderPDF
from reportlab.graphics.shapes import Drawing, Group, String
from reportlab.pdfbase.pdfmetrics import registerFont, stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from svglib.svglib import svg2rlg

from archc.draw import typefaces

_SHIFT = {"start": 0.0, "middle": 0.5, "end": 1.0}  # of a text's width, from its anchor


def pdf(pages: Iterable[bytes]) -> tuple[bytes, str]:
    """A PDF of SVGs, and the characters that no font of this machine has.

    Raises ValueError for what is no SVG.
    """
    drawings = [_drawing(svg) for svg in pages]
    fonts = _Fonts("".join(text.text for drawing in drawings for _, text in _texts(drawing)))
    made = BytesIO()
    # Without a date and a random name; the same drawing is the same file.
    canvas = Canvas(made, invariant=1, initialFontName="Arimo")
    for drawing in drawings:
        for group, text in _texts(drawing):
            at = group.contents.index(text)
            group.contents[at : at + 1] = fonts.set(text)
        drawing.initialFontName = "Arimo"
        canvas.setPageSize((drawing.width, drawing.height))
        renderPDF.draw(drawing, canvas, 0, 0)
        canvas.showPage()
    canvas.save()
    return made.getvalue(), fonts.lacking


def _drawing(svg: bytes) -> Drawing:
    drawing = svg2rlg(BytesIO(svg))
    if drawing is None:
        raise ValueError("svglib could not read the drawing")
    return drawing


def _texts(group: Drawing | Group) -> list[tuple[Drawing | Group, String]]:
    """The texts of a drawing, each with the group that it is in."""
    found = []
    for item in group.contents:
        if isinstance(item, String):
            found.append((group, item))
        elif isinstance(item, Group):
            found += _texts(item)
    return found


class _Fonts:
    """The fonts for a document's characters: Arimo's, and those of the machine."""

    def __init__(self, text: str) -> None:
        registerFont(TTFont("Arimo", typefaces.REGULAR))
        registerFont(TTFont("Arimo-Bold", typefaces.BOLD))
        self.further: dict[str, str] = {}  # font of a character
        turned = "".join(filter(typefaces.is_turned, dict.fromkeys(text)))
        foreign = typefaces.lacking(text)
        for at, face in enumerate(typefaces.of_machine(foreign) if foreign else (), 1):
            name = f"Other-{at}"
            registerFont(TTFont(name, typefaces.extract(face, name)))
            self.further |= dict.fromkeys(face.characters, name)
        without = (char for char in turned + foreign if char not in self.further)
        self.lacking = "".join(dict.fromkeys(without))  # reportlab sets nothing from the right
        self.signs = str.maketrans(dict.fromkeys(self.lacking, "\ufffd"))

    def set(self, text: String) -> Iterator[String]:
        """The text where it was, in as many pieces as it takes fonts."""
        usual = "Arimo-Bold" if text.fontName.endswith("Bold") else "Arimo"
        words = text.text.translate(self.signs)
        runs = groupby(words, lambda char: self.further.get(char, usual))
        pieces = [(font, "".join(chars)) for font, chars in runs]
        widths = [stringWidth(piece, font, text.fontSize) for font, piece in pieces]
        x = text.x - _SHIFT[text.textAnchor] * sum(widths)
        for (font, piece), width in zip(pieces, widths, strict=True):
            how: dict[str, Any] = text.getProperties() | {"fontName": font, "textAnchor": "start"}
            del how["x"], how["y"], how["text"]
            yield String(x, text.y, piece, **how)
            x += width
