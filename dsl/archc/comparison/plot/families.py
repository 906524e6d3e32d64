"""How families of networks look in every plot: a colour and the shape of a mark, each pair once.

The colours are those of Okabe and Ito, "Color Universal Design", 2008, which colour-blind eyes tell
apart, without their yellow, which is faint on white. The bundled families look alike wherever they
are drawn; black is for families that archc does not know: those of whoever compares.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from zlib import crc32

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
BLACK = "#000000"
MARKS = ("o", "s", "^", "D", "v", "P", "*", "X")  # matplotlib's letters

# In the order that gives them their looks: a new family goes to the end.
BUNDLED = (
    "ResNet", "RegNet", "EfficientNet", "VGG", "DenseNet", "Inception", "MobileNet", "ShuffleNet",
    "MNASNet", "ConvNeXt", "SqueezeNet", "AlexNet", "NiN", "LeNet", "ZFNet", "FractalNet",
    "Segmentation", "Video", "Generative", "Detection", "Super-resolution",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Look:
    """The colour and the mark of a family."""

    colour: str
    mark: str


def _look(at: int) -> Look:
    """Neighbours differ in both; none of the first 48 are alike."""
    row = at // len(COLOURS)
    return Look(COLOURS[at % len(COLOURS)], MARKS[(at + row) % len(MARKS)])


_KNOWN = {name: _look(at) for at, name in enumerate(BUNDLED)}
_BLACK = [Look(BLACK, mark) for mark in MARKS]
_FREE = [
    look
    for colour, mark in product(COLOURS, MARKS)
    if (look := Look(colour, mark)) not in _KNOWN.values()
]


def looks(families: Iterable[str]) -> dict[str, Look]:
    """The look of each family of a plot, no two alike as long as there are looks.

    A family that is not bundled has the black mark that its name gives, or where another of the
    plot has that, the next.
    """
    families = list(families)
    found = {name: _KNOWN[name] for name in families if name in _KNOWN}
    for name in sorted(set(families) - found.keys()):
        begin = crc32(name.encode()) % len(_BLACK)
        wished = (*_BLACK[begin:], *_BLACK[:begin], *_FREE)
        taken = set(found.values())
        found[name] = next((look for look in wished if look not in taken), wished[0])
    return {name: found[name] for name in families}
