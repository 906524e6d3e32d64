"""Light and dark: the drawing is made light, and its colours are turned over for a dark page."""

from __future__ import annotations

import re
from colorsys import hls_to_rgb, rgb_to_hls

from archc.draw.style import LOOKS

_COLOUR = re.compile(r'(\w+)="#([0-9a-f]{6})"')
_PEN = re.compile(r"\b([cC]) 7 -#([0-9a-f]{6})")  # of the background: lines, and what is filled
# Turned over, strips would be alike: these are as far apart on dark as those of LOOKS on light.
_ON_DARK = {
    "conv": "#acc2f9",
    "linear": "#ee5d51",
    "pool": "#4fe4a3",
    "norm": "#b0f6f6",
    "block": "#b092fa",
    "concat": "#ca40ff",
    "merge": "#ffd21d",
    "io": "#788fb2",
    "other": "#788fb2",
}
_STRIPS = {LOOKS[category][1]: dark for category, dark in _ON_DARK.items()}
_DARKEST, _LIGHTEST = 0.1, 0.95
_SLATE = 0.61, 0.25  # hue and saturation of what has none


def recoloured(dot: str, theme: str) -> str:
    """DOT in the colours of a theme."""
    if theme == "light":
        return dot
    pens = {"c": "color", "C": "bgcolor"}
    dot = _PEN.sub(lambda found: f"{found[1]} 7 -{_dark(found[2], pens[found[1]])}", _hex(dot))
    return _COLOUR.sub(lambda found: f'{found[1]}="{_dark(found[2], found[1])}"', dot)


def printed(dot: str, theme: str) -> dict[str, str]:
    """The colours on white paper of those that the DOT has in a theme."""
    if theme == "light":
        return {}
    return {_dark(colour, name): f"#{colour}" for name, colour in _COLOUR.findall(_hex(dot))}


def _hex(dot: str) -> str:
    return dot.replace("bgcolor=white", 'bgcolor="#ffffff"')


def _dark(colour: str, attribute: str) -> str:
    """The same hue, as light as it was dark; a category's strip has its own."""
    if f"#{colour}" in _STRIPS:
        return _STRIPS[f"#{colour}"]
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4))
    hue, lightness, saturation = rgb_to_hls(red, green, blue)
    turned = _DARKEST + (_LIGHTEST - _DARKEST) * (1 - lightness)
    if attribute.lower() in ("color", "fontcolor"):
        if 0.2 < lightness < 0.88:
            turned = max(turned, 0.6)  # lines, borders and small text
    elif 0.2 < lightness < 0.8:
        turned *= 0.75  # under text: the heat
    if saturation < 0.01:
        hue, saturation = _SLATE
    elif lightness > 0.9:
        saturation *= 0.55  # tints would shine
    return "#" + "".join(f"{round(255 * part):02x}" for part in hls_to_rgb(hue, turned, saturation))
