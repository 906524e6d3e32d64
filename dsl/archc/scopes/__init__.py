"""Names: what is defined where, and every place that uses it, over all files of a network.

    scopes = resolve(file, load, is_known)
    symbol, span = scopes.at(offset)

Found in the tree alone, so that it holds in broken files, in arms that are not taken and in blocks
that nobody calls.
"""

from __future__ import annotations

from collections.abc import Callable

from archc import syntax
from archc.scopes.resolve import Load, Resolver
from archc.scopes.symbols import Scopes, Symbol, SymbolKind

__all__ = ["Load", "Scopes", "Symbol", "SymbolKind", "resolve"]


def resolve(file: syntax.File, load: Load, is_known: Callable[[str], bool]) -> Scopes:
    """Return the scopes of a file and of those that it uses.

    `load` gives a used file's tree, `is_known` says which names archc has itself.
    """
    return Resolver(load, is_known).resolve(file)
