"""The types of what users of Python hand to archc."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypeAlias, TypedDict

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


def as_python(value: Any) -> Any:
    """Return a number or an array of numpy, and a range, as Python's own numbers and lists."""
    if hasattr(value, "tolist"):
        return value.tolist()
    match value:
        case str() | bool() | int() | float():
            return value
        case tuple():
            return tuple(map(as_python, value))
        case list() | range():
            return list(map(as_python, value))
        case Integral():
            return int(value)
        case Real():
            return float(value)
        case _:
            return value


def need_count(name: str, value: object, least: int = 1) -> None:
    """Raise TypeError for what is no whole number, ValueError for one that is too small."""
    number = as_python(value)
    if isinstance(number, bool) or not isinstance(number, int):
        raise TypeError(f"{name} is a whole number, not {value!r}")
    if number < least:
        raise ValueError(f"{name} is a whole number of at least {least}, not {number}")


def meant(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?`, for the end of a message; empty where nothing is alike."""
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def need_folder(path: str | Path) -> None:
    """Raise FileNotFoundError where there is no such folder."""
    if not Path(path).is_dir():
        raise FileNotFoundError(f"no such folder: {path}")


def need_params(params: object) -> None:
    """Raise TypeError for what gives no values by the params' names."""
    if not isinstance(params, Mapping) or not all(isinstance(name, str) for name in params):
        raise TypeError(f'params are values by their names, {{"width": 16}}; not {params!r}')


def as_names(names: str | Iterable[str]) -> tuple[str, ...]:
    """Return names in any collection, or one alone, as a tuple."""
    return (names,) if isinstance(names, str) else tuple(names)
