"""Numbers and names as people read and order them."""

from __future__ import annotations

import re


def format_count(number: float) -> str:
    """`25,557,032`."""
    return f"{int(number):,}"


def human(number: int) -> str:
    """`4.09G`: three digits and a unit of 1000s."""
    amount = float(number)
    for unit in ("", "k", "M", "G", "T", "P"):
        if amount < 999.5 or unit == "P":
            break
        amount /= 1000
    digits = 0 if unit == "" else max(0, 2 - (amount >= 9.995) - (amount >= 99.95))
    return f"{amount:.{digits}f}{unit}"


def format_bytes(count: float) -> str:
    """`2.78 GiB`."""
    amount = float(count)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if amount < 1000 or unit == "TiB":
            break
        amount /= 1024
    digits = 0 if unit == "B" else 2 if amount < 9.995 else 1 if amount < 99.95 else 0
    return f"{amount:.{digits}f} {unit}"


def format_number(n: float) -> str:
    """`4`, `0.5`, `-2.25`."""
    return f"{round(n, 4):g}" if abs(n) < 1e5 else f"{round(n)}"


def format_percent(share: float) -> str:
    """Two digits: 0.061 is `6.1`, 0.9997 is `100`."""
    value = 100 * share
    return f"{value:.0f}" if value >= 9.95 else f"{value:.2g}"


def shorten(text: str) -> str:
    """No more digits after the point than anyone reads: `0.00925926` is `0.00926`."""
    return re.sub(r"\d+\.\d{3,}", lambda found: f"{float(found[0]):.3g}", text)


def rounded(text: str) -> str:
    """Cut what was computed to four digits: `0.028571428571428574` is `0.02857`.

    What somebody wrote has no seven digits after the point, and stays.
    """
    return re.sub(r"\d+\.\d{7,}", lambda found: f"{float(found[0]):.4g}", text)


def natural(name: str) -> list[tuple[str, int]]:
    """A key to sort by: resnet50 before resnet101."""
    return [(text, int(digits or 0)) for text, digits in re.findall(r"(\D*)(\d*)", name)]
