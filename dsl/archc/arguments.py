"""The types of what users of Python hand to archc."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TypeAlias, TypedDict

# A param's value: of a list its items, of an operator or a block the name.
Param: TypeAlias = bool | int | float | str | Sequence["Param"]


class StyleOptions(TypedDict, total=False):
    """How a view of a network is to be drawn: fields of `archc.draw.DrawStyle`."""

    depth: int | None
    expand: Collection[str]
    theme: str
    columns: int | None
    direction: str
    only: str | None
    hidden: Collection[str]


class DrawOptions(StyleOptions, total=False):
    """The same, and the view: one of `archc.choices.VIEWS`."""

    view: str
