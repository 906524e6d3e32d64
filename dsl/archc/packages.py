"""Packages that a part of archc's work needs and that do not come with it, and how to get them."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec


class PackageMissing(ImportError):
    """A package is not installed: the message says what needs it, and what installs it."""


def missing(packages: Iterable[str]) -> list[str]:
    """Return those of some packages that are not installed."""
    return [name for name in packages if not _is_there(name)]


def need(what: str, *packages: str) -> None:
    """Raise PackageMissing where one of the packages that something needs is not installed."""
    absent = missing(packages)
    if absent:
        raise PackageMissing(f"{what} {lacking(absent)}", name=absent[0])


def lacking(packages: list[str]) -> str:
    """Say that packages are needed, and what installs them."""
    return f"needs {' and '.join(packages)}: {installing(*packages)}"


def installing(*packages: str) -> str:
    """Return the command that installs packages, by names that are on the index."""
    return f"`pip install {' '.join(packages)}`"


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ValueError:  # a module that something has put there without a finder
        return True
