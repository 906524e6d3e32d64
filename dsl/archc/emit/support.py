"""The classes that a generated file carries for what torch.nn lacks.

`templates/support/NAME.py` defines NAME in plain Python. The folders in `templates/support` hold
other forms of some: a class with a docstring stands in the plain one's place, and one without has
only the methods that differ. `NAME2d.py` is read for signals and volumes, too, as `NAME1d` and
`NAME3d`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from archc import data
from archc.emit.imports import Import, split

_FOLDER = "support"


@dataclass(frozen=True, slots=True)
class Support:
    """A support class: the imports that it needs, and its text."""

    imports: list[Import]
    text: str


@cache
def support_names() -> frozenset[str]:
    """Return the names of all support classes."""
    found = {path.stem for path in (data.TEMPLATES / _FOLDER).glob("*.py")}
    images = {name.removesuffix("2d") for name in found if name.endswith("2d")}
    return frozenset(found | {f"{name}{rank}d" for name in images for rank in (1, 3)})


def with_bases(names: Iterable[str]) -> list[str]:
    """Return the names of support classes, those that one inherits from before it."""
    found: dict[str, None] = {}
    for name in names:
        for base in _class(_find(name, "", None), name).bases:
            if isinstance(base, ast.Name) and base.id in support_names():
                found.setdefault(base.id)
        found.setdefault(name)
    return list(found)


def read_support(name: str, forms: list[str], templates: Path | None = None) -> Support:
    """Read a class, in the first of the forms that it has or else the plain one.

    `templates` is searched before archc's own.
    """
    plain = _find(name, "", templates)
    source = next((text for form in forms if (text := _find(name, form, templates))), plain)
    imports, text = split(source)
    if ast.get_docstring(_class(source, name)) is None:
        text = _merge(source, plain, name)
        imports += split(plain)[0]
    others = (each for each in imports if each[0].partition(".")[0] != _FOLDER)
    return Support([*others], text)


def _find(name: str, form: str, templates: Path | None) -> str:
    """Return the text of a class's file, or "" where the form has none."""
    for folder in (templates, data.TEMPLATES):
        path = folder / _FOLDER / form / f"{name}.py" if folder is not None else None
        if path is None:
            continue
        if path.exists():
            return path.read_text(encoding="utf-8")
        image = path.with_name(f"{name[:-2]}2d.py")
        if name.endswith(("1d", "3d")) and image.exists():
            return image.read_text(encoding="utf-8").replace("2d", name[-2:])
    return ""


def _merge(source: str, plain: str, name: str) -> str:
    """Return the plain class with the methods of `source` first, in place of its own."""
    methods = _methods(source, name)
    methods |= {key: text for key, text in _methods(plain, name).items() if key not in methods}
    first = next(node for node in _class(plain, name).body if isinstance(node, ast.FunctionDef))
    head = plain.splitlines()[_class(plain, name).lineno - 1 : _first_line(first) - 1]
    return "\n".join([*head, "\n\n".join(methods.values())])


def _methods(source: str, name: str) -> dict[str, str]:
    found = (node for node in _class(source, name).body if isinstance(node, ast.FunctionDef))
    lines = source.splitlines()
    return {node.name: "\n".join(lines[_first_line(node) - 1 : node.end_lineno]) for node in found}


def _first_line(node: ast.FunctionDef) -> int:
    """Return the line of a function's first decorator, or its own."""
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _class(source: str, name: str) -> ast.ClassDef:
    nodes = ast.parse(source).body
    return next(node for node in nodes if isinstance(node, ast.ClassDef) and node.name == name)
