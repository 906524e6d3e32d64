"""The imports of a generated file: those of its parts, merged and in order."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable

from archc.emit.layout import Bracketed, CallArgument, lay

Import = tuple[str, str]  # module, and the name from it, or "" for the module itself


def split(source: str) -> tuple[list[Import], str]:
    """A module's imports, and its text from the first class or function on."""
    tree = ast.parse(source)
    found: list[Import] = []
    for node in tree.body:
        match node:
            case ast.Import():
                found += [(_renamed(alias), "") for alias in node.names]
            case ast.ImportFrom():
                found += [(str(node.module), _renamed(alias)) for alias in node.names]
    first = next(n for n in tree.body if isinstance(n, ast.ClassDef | ast.FunctionDef))
    return found, "\n".join(source.split("\n")[first.lineno - 1 :]).strip("\n")


def _renamed(alias: ast.alias) -> str:
    return f"{alias.name} as {alias.asname}" if alias.asname else alias.name


def used(known: Iterable[Import], source: str) -> list[Import]:
    """Those of the known imports whose name the source uses."""
    names = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    return [(module, name) for module, name in known if bound(module, name) in names]


def bound(module: str, name: str) -> str:
    """The name that an import brings in."""
    return (name or module).rpartition(" as ")[2].partition(".")[0]


def laid(imports: Iterable[Import]) -> str:
    """The lines: the standard library, then the rest; modules, then names from modules."""
    groups: list[list[str]] = [[], []]
    names: dict[str, set[str]] = {}
    for module, name in imports:
        names.setdefault(module, set()).add(name)
    plain = sorted((module for module in names if "" in names[module]), key=str.lower)
    for module in plain:
        groups[_is_other(module)].append(f"import {module}")
    for module in sorted(names):
        wanted = sorted(names[module] - {""}, key=_order)
        if wanted:
            groups[_is_other(module)] += _from(module, wanted)
    return "\n\n".join("\n".join(group) for group in groups if group)


def _from(module: str, names: list[str]) -> list[str]:
    line = f"from {module} import {', '.join(names)}"
    items = Bracketed("", tuple(map(CallArgument, names)), rows=True)
    return [line] if len(line) <= 88 else lay(f"from {module} import ", items)


def _is_other(module: str) -> bool:
    return module.partition(".")[0].partition(" ")[0] not in sys.stdlib_module_names


def _order(name: str) -> tuple[int, str]:
    """Constants, classes, the rest: as isort has it."""
    bare = name.partition(" ")[0]
    return (0 if bare.isupper() and len(bare) > 1 else 1 if bare[0].isupper() else 2, bare)
