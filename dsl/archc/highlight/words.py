"""The words of the language and the forms of its numbers, from the registries and the grammar."""

from __future__ import annotations

import re
from functools import cache

from archc.data import GRAMMAR
from archc.elaborate.evaluate import FUNCTIONS as CALLED
from archc.ops import COMBINATORS, REGISTRY
from archc.recipe import LINES
from archc.syntax import ITEM_WORDS, RESERVED

SECTIONS = ("expect", "meta", "train")
DEFINING = ("network", "param", "block", "sequence")  # a name stands behind them
CONSTANTS = ("true", "false", "none")
KEYWORDS = tuple(sorted(RESERVED - ITEM_WORDS))
FUNCTIONS = tuple(sorted(CALLED))
NAME = "[A-Za-z_][A-Za-z0-9_]*"
_END = "(?![A-Za-z0-9_])"  # where a number of the grammar ends


def operators() -> list[str]:
    """Return the first words of all operators' names, and the combinators."""
    return list(dict.fromkeys(name.partition(" ")[0] for name in (*REGISTRY, *COMBINATORS)))


def families() -> dict[str, list[str]]:
    """Return the operators by what colour they have; of a name of two words, the first."""
    found: dict[str, list[str]] = {}
    for name in operators():
        found.setdefault(_family(name), []).append(name)
    return {family: sorted(found[family]) for family in sorted(found)}


def _family(name: str) -> str:
    if name in REGISTRY:
        return REGISTRY[name].category
    if name in COMBINATORS:
        return "merge"
    return next(cls.category for full, cls in REGISTRY.items() if full.startswith(f"{name} "))


def attribute_words() -> list[str]:
    """Return the words that an operator takes, and the second words of operators' names."""
    fields = [spec for cls in set(REGISTRY.values()) for spec in cls.fields().values()]
    words = {str(word) for spec in fields for word in (*spec.words, *spec.choices)}
    seconds = {name.partition(" ")[2] for name in REGISTRY} - {""}
    return sorted((words | seconds) - set(CONSTANTS) - RESERVED)


def recipe_words() -> list[str]:
    """Return the words that lines of `train` take behind their first."""
    words: set[str] = set()
    for kinds in LINES.values():
        words |= set(kinds)
        for line in kinds.values():
            for spec in line.fields().values():
                words |= {*spec.words, *spec.choices}
    return sorted(words - {""})


@cache
def terminal(name: str) -> str:
    """Return the pattern of a terminal of the grammar, without what may not stand behind it."""
    text = (GRAMMAR / "arch.lark").read_text("utf-8")
    found = re.search(rf"^{name}(?:\.\d+)?: /(.*)/$", text, re.MULTILINE)
    assert found, f"grammar/arch.lark has no terminal {name}"
    return found[1].removesuffix(_END)
