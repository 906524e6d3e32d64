"""Typefaces: Arimo, which archc brings along, and those of the machine for what Arimo lacks.

Arimo has the widths of Helvetica, by which Graphviz sets words, and graphviz-pure paints with it.
"""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any
from unicodedata import bidirectional

from archc import data

REGULAR, BOLD = (data.TEMPLATES / "fonts" / f"Arimo-{cut}.ttf" for cut in ("Regular", "Bold"))

_RESTRICTED = 2  # of a font that its licence keeps out of documents
_ENDINGS = (".ttf", ".ttc", ".otf", ".otc")
# A typeface whose file is called so goes after others: it is not like Arimo, or only for few.
_UNLIKE = (
    "serif mono bold italic oblique light thin black heavy medium condensed narrow coding code "
    "myeongjo mincho batang simsun simkai simfang emoji symbol"
).split()


@dataclass(frozen=True, slots=True)
class Typeface:
    """A font file of this machine (the first of a collection), for some characters."""

    path: Path
    characters: frozenset[str]


def lacking(text: str) -> str:
    """The characters of a text that Arimo lacks, each once."""
    known = _of_arimo() | set(range(0x20))  # DOT has lines
    return "".join(char for char in dict.fromkeys(text) if ord(char) not in known)


@cache
def _of_arimo() -> frozenset[int]:
    """Read from the file's own list of characters, of format 12: ranges, all that are in it."""
    font = REGULAR.read_bytes()
    tables = struct.iter_unpack(">4s4xII", font[12 : 12 + 16 * struct.unpack(">H", font[4:6])[0]])
    start = next(offset for tag, offset, _ in tables if tag == b"cmap")
    count = struct.unpack(">H", font[start + 2 : start + 4])[0]
    records = struct.iter_unpack(">HHI", font[start + 4 : start + 4 + 8 * count])
    at = next(start + offset for *platform, offset in records if platform == [3, 10])
    ranges = struct.unpack(">I", font[at + 12 : at + 16])[0]
    found = struct.iter_unpack(">III", font[at + 16 : at + 16 + 12 * ranges])
    return frozenset(code for first, last, _ in found for code in range(first, last + 1))


def of_machine(characters: str) -> list[Typeface]:
    """Typefaces of this machine with as many of the characters as can be had, the best first.

    Those written from the right are left out, for they are set one after the other. Raises
    ImportError where fontTools is not installed.
    """
    wanted, offers = frozenset(char for char in characters if not is_turned(char)), []
    for path in _files():
        if has := wanted & _drawn_by(path):
            offers.append(Typeface(path, has))
        if has == wanted:
            break
    chosen = []
    while offers:
        best = max(offers, key=lambda offer: len(offer.characters & wanted))
        if not best.characters & wanted:
            break
        chosen.append(Typeface(best.path, best.characters & wanted))
        wanted -= best.characters
    return chosen


def is_turned(char: str) -> bool:
    """Whether a character is written from the right."""
    return bidirectional(char) in ("R", "AL")


def _files() -> list[Path]:
    """The font files of this machine, those that are most like Arimo first."""

    def rank(path: Path) -> tuple[int, str]:
        return sum(word in path.name.lower() for word in _UNLIKE), path.name

    found = (path for folder in _folders() for path in folder.rglob("*"))
    fonts = (path for path in found if path.suffix.lower() in _ENDINGS)
    # macOS has a font of boxes for all that others lack.
    return sorted((path for path in fonts if not path.name.startswith("LastResort")), key=rank)


def _folders() -> Iterator[Path]:
    """Where systems keep fonts."""
    home = Path.home()
    if sys.platform == "win32":
        yield Path(os.environ.get("WINDIR", r"C:\Windows")) / "Fonts"
        yield home / "AppData/Local/Microsoft/Windows/Fonts"
    elif sys.platform == "darwin":
        yield from (Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts")
    else:
        yield from (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), home / ".fonts")
        yield Path(os.environ.get("XDG_DATA_HOME") or home / ".local/share") / "fonts"


def _drawn_by(path: Path) -> frozenset[str]:
    """The characters that a font file has as outlines, where it can be read and may be embedded."""
    from fontTools.ttLib import TTFont, TTLibError

    try:
        with path.open("rb") as file, TTFont(file, fontNumber=0, lazy=True) as font:
            is_drawn = {"glyf", "CFF ", "CFF2"} & set(font.keys())
            if not is_drawn or font["OS/2"].fsType & _RESTRICTED:
                return frozenset()
            return frozenset(map(chr, font.getBestCmap() or ()))
    except (TTLibError, OSError, ValueError, LookupError, AssertionError, struct.error):
        return frozenset()


def extract(typeface: Typeface, name: str) -> BytesIO:
    """Make a TrueType font of the characters alone, whatever outlines the file has."""
    from fontTools.fontBuilder import FontBuilder
    from fontTools.ttLib import TTFont

    with TTFont(typeface.path, fontNumber=0) as source:
        drawings, names = source.getGlyphSet(), source.getBestCmap()
        wanted = {ord(char): names[ord(char)] for char in sorted(typeface.characters)}
        order = list(dict.fromkeys([source.getGlyphOrder()[0], *wanted.values()]))
        builder = FontBuilder(source["head"].unitsPerEm)
        builder.setupGlyphOrder([".notdef", *order[1:]])
        builder.setupCharacterMap(wanted)
        turned = "glyf" not in source  # of the other outlines the inside is on the other hand
        outlines = {
            new: _outline(drawings, old, turned, source["head"].unitsPerEm / 1000)
            for new, old in zip(builder.font.getGlyphOrder(), order, strict=True)
        }
        builder.setupGlyf(outlines)
        widths = {
            new: (round(drawings[old].width), getattr(outlines[new], "xMin", 0))
            for new, old in zip(builder.font.getGlyphOrder(), order, strict=True)
        }
        builder.setupHorizontalMetrics(widths)
        head = source["hhea"]
        builder.setupHorizontalHeader(ascent=head.ascent, descent=head.descent)
    builder.setupNameTable({"familyName": name, "styleName": "Regular", "psName": name})
    builder.setupOS2()
    builder.setupPost()
    builder.font["head"].created = builder.font["head"].modified = 0
    builder.font.recalcTimestamp = False
    made = BytesIO()
    builder.save(made)
    made.seek(0)
    return made


def _outline(drawings: Any, name: str, turned: bool, error: float) -> Any:
    """A glyph in TrueType's curves, without parts that are glyphs of their own."""
    from fontTools.pens.cu2quPen import Cu2QuPen
    from fontTools.pens.recordingPen import DecomposingRecordingPen
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    whole, made = DecomposingRecordingPen(drawings), TTGlyphPen(None)
    drawings[name].draw(whole)
    whole.replay(Cu2QuPen(made, error, reverse_direction=turned))
    return made.glyph()


def listed(characters: Iterable[str], most: int = 12) -> str:
    """Some characters for a message, the first of many."""
    every = list(characters)
    return "".join(every[:most]) + ("…" if len(every) > most else "")
