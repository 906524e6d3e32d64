"""Small phrases that all explanations use."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from typing import Any

from archc import symbolic
from archc.ops import Op
from archc.plan import Applicable

_MOST = 6  # names in a sentence


def share(part: int, whole: int) -> str:
    """`, 9.28 % of the network's 1,135,256,096`; nothing of nothing."""
    if not part or not whole or part == whole:
        return ""
    percent = 100 * part / whole
    said = f"{percent:.3g}" if percent >= 0.01 else "under 0.01"
    return f", {said} % of the network's {whole:,}"


def several(items: Sequence[str], most: int = _MOST) -> str:
    """`a, b and c`; of many the first ones and how many more there are."""
    if len(items) > most:
        return f"{', '.join(items[:most])} and {len(items) - most} more"
    return " and ".join(filter(None, (", ".join(items[:-1]), *items[-1:])))


def alike(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Name and text, names with the same text together: `height and width`."""
    found: dict[str, list[str]] = {}
    for name, text in pairs:
        found.setdefault(text, []).append(name)
    return [(several(names), text) for text, names in found.items()]


def kind(op: Op) -> str:
    """`conv 11×11/4, 96`, as on a card of a drawing."""
    return f"{op.name} {op.label()}".rstrip()


def first_sentences(text: str | None) -> str:
    """The first paragraph of a documentation, in one line."""
    return " ".join((text or "").strip().split("\n\n", 1)[0].split())


def about(op: Op) -> str:
    """What an operator does: how its documentation begins."""
    return first_sentences(inspect.getdoc(type(op)))


def value(given: Any) -> Any:
    """An argument of a block in plain numbers and names."""
    if isinstance(given, tuple):
        return [value(item) for item in given]
    return given.name if isinstance(given, Applicable) else symbolic.plain(given)


def format_argument(given: Any) -> str:
    """The same as one reads it: `0.15`, `[1, 2]`, `true`."""
    plain = value(given)
    if isinstance(plain, list):
        return f"[{', '.join(map(format_argument, plain))}]"
    return str(plain).lower() if isinstance(plain, bool) else f"{plain}"


def number(n: float) -> str:
    """`4`, `0.5`, `-2.25`."""
    return f"{round(n, 4):g}" if abs(n) < 1e5 else f"{round(n)}"
