"""Words painted on a PNG, in fonts of the machine, that graphviz-pure has no font for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from xml.etree import ElementTree

from PIL import Image, ImageDraw, ImageFont

from archc.draw import typefaces
from archc.draw.typefaces import Typeface

_TEXT = "{http://www.w3.org/2000/svg}text"
_PLACE = re.compile(r"scale\(([\d.]+)[^)]*\).*translate\(([-\d.]+)[ ,]([-\d.]+)\)")
# As many bytes of UTF-8, which Graphviz counts for a width; the em space is as wide as a character
# of Chinese.
_BLANKS = {2: "  ", 3: "\u2003", 4: "\u2003 "}


def blanked(text: str, characters: str) -> str:
    """The text with blanks of the same size for the characters."""
    return text.translate({ord(char): _BLANKS[len(char.encode())] for char in characters})


def painted(png: bytes, svg: bytes, faces: Iterable[Typeface]) -> bytes:
    """The PNG, drawn with blanks, with the characters of the faces on them; the SVG has both."""
    picture = Image.open(BytesIO(png))
    canvas = ImageDraw.Draw(picture)
    paths = {char: face.path for face in faces for char in face.characters}
    drawing = ElementTree.fromstring(svg)
    pixels = picture.width / float(drawing.attrib["viewBox"].split()[2])
    fonts: dict[tuple[str, float], ImageFont.FreeTypeFont] = {}
    for letter in _letters(drawing, "".join(paths)):
        face = str(paths[letter.char])
        size = letter.size * pixels
        font = fonts.setdefault((face, size), ImageFont.truetype(face, size))
        place = (letter.x * pixels, letter.y * pixels)
        canvas.text(place, letter.char, letter.colour, font, "ms")
    made = BytesIO()
    picture.save(made, "PNG", dpi=picture.info.get("dpi"))
    return made.getvalue()


@dataclass(frozen=True, slots=True)
class _Letter:
    """A character, and the middle of its foot in points from the drawing's corner."""

    char: str
    x: float
    y: float
    size: float
    colour: str


def _letters(drawing: ElementTree.Element, characters: str) -> Iterator[_Letter]:
    transform = _PLACE.search(drawing[0].attrib["transform"])
    assert transform is not None
    scale, right, down = map(float, transform.groups())
    for text in drawing.iter(_TEXT):
        words = text.text or ""
        if not set(words) & set(characters):
            continue
        size = float(text.attrib["font-size"])
        cut = typefaces.BOLD if text.get("font-weight") == "bold" else typefaces.REGULAR
        arimo = ImageFont.truetype(str(cut), 1000, layout_engine=ImageFont.Layout.BASIC)

        def width(words: str, arimo: ImageFont.FreeTypeFont = arimo, size: float = size) -> float:
            return arimo.getlength(blanked(words, characters)) / 1000 * size

        anchor = {"start": 0.0, "middle": 0.5, "end": 1.0}[text.get("text-anchor", "start")]
        begin = float(text.attrib["x"]) - anchor * width(words)
        for at, char in enumerate(words):
            if char in characters:
                middle = begin + (width(words[:at]) + width(words[: at + 1])) / 2
                x, y = (middle + right) * scale, (float(text.attrib["y"]) + down) * scale
                yield _Letter(char, x, y, size * scale, text.get("fill", "black"))
