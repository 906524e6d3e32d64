"""Several values of a param: a row of a comparison for each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

from archc.elaborate.params import by_current_names
from archc.plan import Plan

if TYPE_CHECKING:
    from archc.api import Analysis

Alternatives = Callable[[Any, Any], Sequence[Any]]  # of what is given, and the network's own value


def rows(
    plan: Plan, given: Mapping[str, Sequence[Any]], alternatives: Alternatives
) -> list[dict[str, Any]]:
    """Return the params that are set in each row of a network, of those that it has.

    Widths of 16 and 32 and depths of 2 and 3 make four rows.
    """
    values = {
        name: [each for one in several for each in alternatives(one, plan.params[name])]
        for name, several in by_current_names(given, plan.file).items()
        if name in plan.params
    }
    return [dict(zip(values, row, strict=True)) for row in product(*values.values())]


def distinct(analyses: Iterable[Analysis]) -> Iterator[Analysis]:
    """Return the rows of a network, each once: `width=10,10` and `10,1e1` are one."""
    known: set[tuple[str, ...]] = set()
    for analysis in analyses:
        key = tuple(analysis.params_set)
        if not analysis.ok or key not in known:
            yield analysis
        if analysis.ok:
            known.add(key)


def has_param(plan: Plan, name: str) -> bool:
    """Whether a network has a param, perhaps by a name that it had before."""
    return any(current in plan.params for current in by_current_names({name: None}, plan.file))


def in_value(value: Any, own: Any) -> Sequence[Any]:
    """Return the values that a list stands for: of a param that is a list, one of lists."""
    return value if isinstance(value, list | tuple) and _depth(value) > _depth(own) else [value]


def in_text(text: str, own: Any) -> Sequence[Any]:
    """Return the values that `16,32` stands for: of a param that is a list, `[1,2],[2,2]`.

    A text may be in quotes: `ab,"a, b"`.
    """
    if not isinstance(own, tuple):
        return [_unquoted(item) for item in _ITEM.findall(text)]
    lists = _lists(text)
    is_several = len(lists) > 1 and all(_opens(one) >= _depth(own) for one in lists)
    return lists if is_several else [text]


def _depth(value: Any) -> int:
    """How many lists are inside each other: 0 of a number, 1 of an empty list."""
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list | tuple) else 0


_ITEM = re.compile(r'(?:^|,)(\s*"(?:[^"\\]|\\.)*"\s*(?=,|$)|[^,]*)')
_LETTERS = re.compile(r'"(?:[^"\\]|\\.)*"|.', re.DOTALL)  # a text in quotes is one


def _unquoted(item: str) -> str:
    text = item.strip()
    is_quoted = len(text) > 1 and text[0] == text[-1] == '"'
    return re.sub(r'\\(["\\])', r"\1", text[1:-1]) if is_quoted else item


def _lists(text: str) -> list[str]:
    """What stands between the commas that are inside no brackets."""
    found, depth = [""], 0
    for letter in _LETTERS.findall(text):
        depth += {"[": 1, "]": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            found.append("")
        else:
            found[-1] += letter
    return found


def _opens(text: str) -> int:
    """How many brackets a text begins with."""
    begin = re.sub(r"\s", "", text)
    return len(begin) - len(begin.lstrip("["))
