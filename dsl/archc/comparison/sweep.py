"""Several values of a param: a row of a comparison for each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

from archc.elaborate.params import by_current_names
from archc.plan import Plan

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


def has_param(plan: Plan, name: str) -> bool:
    """Whether a network has a param, perhaps by a name that it had before."""
    return any(current in plan.params for current in by_current_names({name: None}, plan.file))


def in_value(value: Any, own: Any) -> Sequence[Any]:
    """Return the values that a list stands for: of a param that is a list, one of lists."""
    if not isinstance(value, list | tuple):
        return [value]
    is_several = not isinstance(own, tuple) or (_has_lists(value) and not _has_lists(own))
    return value if is_several else [value]


def in_text(text: Any, own: Any) -> Sequence[Any]:
    """Return the values that `16,32` stands for: of a param that is a list, `[1,2],[2,2]`."""
    if not isinstance(text, str):
        return [text]
    if not isinstance(own, tuple):
        return text.split(",")
    lists = re.findall(r"\[[^\[\]]*\]", text)
    is_several = not _has_lists(own) and re.fullmatch(r"\[[^\[\]]*\](\s*,\s*\[[^\[\]]*\])+", text)
    return lists if is_several else [text]


def _has_lists(value: Sequence[Any]) -> bool:
    return any(isinstance(item, list | tuple) for item in value)
