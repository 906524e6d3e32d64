"""Numbers and names as people read and order them."""

from __future__ import annotations

import re


def human(number: int) -> str:
    """`4.09G`: three digits and a unit of 1000s."""
    amount = float(number)
    for unit in ("", "k", "M", "G", "T", "P"):
        if amount < 999.5 or unit == "P":
            break
        amount /= 1000
    digits = 0 if unit == "" else max(0, 2 - (amount >= 9.995) - (amount >= 99.95))
    return f"{amount:.{digits}f}{unit}"


def natural(name: str) -> list[tuple[str, int]]:
    """A key to sort by: resnet50 before resnet101."""
    return [(text, int(digits or 0)) for text, digits in re.findall(r"(\D*)(\d*)", name)]
