"""How things look: colours, numbers as people read them, text that is safe inside DOT.

The strips of the categories are far apart also for those who do not see red, green or blue
(`tests/test_views.py` holds how far); where there is no colour at all, the words say as much.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from math import ceil, sqrt
from unicodedata import east_asian_width

from archc.analysis.repeats import FEW, is_series
from archc.report.characters import visible

INK, GREY, LINE, FAINT = "#0f172a", "#475569", "#64748b", "#94a3b8"
SKIP = "#b84b06"

# Category: what the legend calls it, strip and border, tint.
LOOKS: dict[str, tuple[str, str, str]] = {
    "conv": ("convolution", "#1543ee", "#eff6ff"),
    "linear": ("linear", "#6a0e16", "#fff1f2"),
    "pool": ("pooling", "#0b855c", "#ecfdf5"),
    "norm": ("normalisation", "#0f4959", "#ecfeff"),
    "block": ("block", "#331076", "#ede9fe"),
    "concat": ("concatenation", "#a61cb2", "#fdf4ff"),
    "merge": ("sum, mean", SKIP, "#fffbeb"),
    "io": ("input, output", "#66768e", "#f8fafc"),
    "other": ("other", "#66768e", "#f1f5f9"),
}

# A cluster's kind: border, fill, style, width of the border.
BOXES: dict[str, tuple[str, str, str, float]] = {
    "group": ("#cbd5e1", "#f8fafc", "rounded,filled", 1.0),
    "block": ("#c4b5fd", "#faf8ff", "rounded,filled", 1.0),
    "fold": ("#f59e0b", "#fffbeb", "rounded,filled", 2.0),
    "aux": ("#94a3b8", "#f8fafc", "rounded,filled,dashed", 1.0),
}

_HEAT = ((255, 255, 255), (255, 237, 213), (253, 186, 116), (249, 115, 22), (194, 65, 12))
_BROKEN = re.compile("[^\\t\\n\\x20-\\x7e\\x85\\xa0-\\ud7ff\\ue000-\\ufffd\U00010000-\U0010ffff]")


def category_of(name: str) -> str:
    """The category that an operator's looks like: itself, or `other`."""
    return name if name in LOOKS else "other"


def look(category: str) -> tuple[str, str, str]:
    return LOOKS[category_of(category)]


def heat(share: float) -> tuple[str, str]:
    """Background and text colour for a share of the largest cost (0 to 1).

    By the square root: on a linear scale most of a network is white.
    """
    at = sqrt(min(max(share, 0.0), 1.0)) * (len(_HEAT) - 1)
    low = min(int(at), len(_HEAT) - 2)
    mixed = (
        round(a + (b - a) * (at - low)) for a, b in zip(_HEAT[low], _HEAT[low + 1], strict=True)
    )
    red, green, blue = mixed
    return f"#{red:02x}{green:02x}{blue:02x}", "#ffffff" if at > 3.2 else "#1f2937"


def span_of(texts: Iterable[str]) -> str:
    """`64`, or `64…224` where the first and the last differ."""
    found = list(texts)
    return found[0] if found[0] == found[-1] else f"{found[0]}…{found[-1]}"


def series(texts: Sequence[str], every: bool = False) -> str:
    """`3 d1, 2, 4 … 512`: what differs between texts of as many words, one after the other.

    With `every` none is left out that the others do not tell.
    """
    if len(set(texts)) == 1:
        return texts[0]
    words = [text.split(" ") for text in texts]
    if len({len(found) for found in words}) > 1:
        return _listed(texts, every)
    return " ".join(_listed(column, every) for column in zip(*words, strict=True))


def _listed(words: Sequence[str], every: bool) -> str:
    """All of few words; of many the first, which say how it goes on, and the last."""
    if len(words) > FEW:
        words = _once(words)
    if len(set(words)) == 1:
        return words[0]
    letters = re.match(r"[a-z]*=?", words[0])
    stem = letters[0] if letters and all(word.startswith(letters[0]) for word in words) else ""
    rest = [word.removeprefix(stem) for word in words]
    if len(rest) <= FEW or (every and not _is_regular(rest)):
        return stem + ", ".join(rest)
    return f"{stem}{', '.join(rest[: FEW - 1])} … {rest[-1]}"


def _is_regular(words: Sequence[str]) -> bool:
    """Whether the numbers in some words go on as they begin."""
    numbers = [[*map(int, re.findall(r"\d+", word))] for word in words]
    around = {re.sub(r"\d+", "", word) for word in words}
    return len(around) == 1 and all(map(is_series, map(list, zip(*numbers, strict=True))))


def _once(words: Sequence[str]) -> list[str]:
    """What passes inside passes say again is said once."""
    found = [word for word, _ in groupby(words)]
    for length in range(1, len(found) // 2 + 1):
        if found == found[:length] * (len(found) // length):
            return found[:length]
    return found


_NARROW, _WIDE = frozenset("iljtfr.,:;|'()[]/ -·"), frozenset("mwMWGO→=+×")


def text_width(text: str, points: float) -> float:
    """About how wide text is in Helvetica: enough to line columns up."""
    units = sum(
        0.3 if c in _NARROW else 0.8 if c in _WIDE else 1.0 if is_wide(c) else 0.56 for c in text
    )
    return units * points


def is_wide(char: str) -> bool:
    """Whether a character is as wide as high, like those of Chinese."""
    return east_asian_width(char) in "WF"


def room_for(text: str) -> str:
    """Blanks for behind a text, where Graphviz without fonts counts its wide characters narrow.

    It takes a space's width, 0.28 of the height, for each of a character's bytes: 0.83 for those
    that are as wide as high.
    """
    return " " * ceil(sum(is_wide(c) or c in "…→" for c in text) * 0.6)


# --- text in DOT -------------------------------------------------------------------------


def plain(text: str) -> str:
    """One line of text; what XML cannot hold, or nobody sees, is a replacement character."""
    return visible(_BROKEN.sub("\ufffd", text.replace("\n", " ").replace("\t", " ")))


def escaped(text: str) -> str:
    """Text inside an HTML-like label."""
    text = plain(text).replace("\\", "\\\\")
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(sign, entity)
    return text


def quoted(text: str) -> str:
    """A quoted string: an id or a tooltip. Newlines stay as DOT's own `\\n`."""
    text = "\n".join(map(plain, text.split("\n"))).replace("&", "&amp;")
    text = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{text}"'


def font(text: str, size: float = 0, color: str = "", bold: bool = False) -> str:
    """Escaped text in a font; nothing at all for no text, for an empty FONT is an error."""
    if not text:
        return ""
    inner = f"<B>{escaped(text)}</B>" if bold else escaped(text)
    points = f' POINT-SIZE="{size:g}"' if size else ""
    tint = f' COLOR="{color}"' if color else ""
    return f"<FONT{points}{tint}>{inner}</FONT>" if points or tint else inner
