"""What programs that show drawings take: what is too large is made to fit, with a warning."""

from __future__ import annotations

import warnings

# Pillow warns of a PNG with more pixels, and others stop at a side of 2 to the power of 15.
PNG_PIXELS, PNG_SIDE = 89_000_000, 32_000
# Mermaid's own `maxTextSize` and `maxEdges`, which no chart can change, and GitHub leaves as they
# are.
MERMAID_CHARACTERS, MERMAID_EDGES = 50_000, 500


class DrawingWarning(UserWarning):
    """What was drawn is less than what was asked for: the message says how to get that."""


def warn(message: str) -> None:
    warnings.warn(message, DrawingWarning, stacklevel=2)
