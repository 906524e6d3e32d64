"""Phrases of reports: lists of names, shares of a whole, the first paragraph of a text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_MOST = 6  # names in a sentence


def format_share(part: int, whole: int) -> str:
    """`, 9.28 % of the network's 1,135,256,096`; nothing of nothing."""
    if not part or not whole or part == whole:
        return ""
    percent = 100 * part / whole
    shown = f"{percent:.3g}" if percent >= 0.01 else "under 0.01"
    return f", {shown} % of the network's {whole:,}"


def format_list(items: Sequence[str], most: int = _MOST) -> str:
    """`a, b and c`; of many the first ones and how many more there are."""
    if len(items) > most:
        return f"{', '.join(items[:most])} and {len(items) - most} more"
    return " and ".join(filter(None, (", ".join(items[:-1]), *items[-1:])))


def group_equal(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Name and text, names with the same text together: `height and width`."""
    found: dict[str, list[str]] = {}
    for name, text in pairs:
        found.setdefault(text, []).append(name)
    return [(format_list(names), text) for text, names in found.items()]


def first_paragraph(text: str | None) -> str:
    """The first paragraph of a documentation, in one line."""
    return " ".join((text or "").strip().split("\n\n", 1)[0].split())
