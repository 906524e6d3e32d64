"""Places in rows where layers are gone: what only training needs leaves no gap behind."""

from __future__ import annotations

from collections.abc import Iterable


def moved_up(paths: Iterable[str]) -> dict[str, str]:
    """Return the names of modules with the places in rows counted anew.

    A row is a module of which everything with state is called by its place.
    """
    every = [path.split(".") for path in paths]
    inside: dict[tuple[str, ...], dict[str, None]] = {}
    for parts in every:
        for at, part in enumerate(parts):
            inside.setdefault(tuple(parts[:at]), {}).setdefault(part)
    places = {
        (*row, name): str(at)
        for row, names in inside.items()
        if all(name.isdigit() for name in names)
        for at, name in enumerate(names)
    }
    return {
        ".".join(parts): ".".join(
            places.get(tuple(parts[: at + 1]), part) for at, part in enumerate(parts)
        )
        for parts in every
    }
