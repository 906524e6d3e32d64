"""Containers and named tuples as Python makes them, and what makes two objects the same."""

from __future__ import annotations

from typing import Any

from archc.conformance.objects import (
    Class,
    Container,
    Instance,
    Leaf,
    Opaque,
    TorchName,
    TupleClass,
    TupleValue,
)
from archc.conformance.problems import UnsupportedPython
from archc.conformance.python_builtins import iterate

CONTAINERS = {
    "nn.Sequential": "Sequential",
    "nn.ModuleList": "ModuleList",
    "nn.ModuleDict": "ModuleDict",
}


def make_container(text: str, arguments: tuple[Any, ...], line: int) -> Container:
    """Return an nn.Sequential, nn.ModuleList or nn.ModuleDict."""
    return Container(CONTAINERS[text], container_children(text, arguments, line), line)


def container_children(text: str, arguments: tuple[Any, ...], line: int) -> dict[str, Any]:
    """Return the children of a container that is made with these arguments."""
    single = arguments[0] if len(arguments) == 1 else None
    if isinstance(single, dict):
        found = dict(single)
    elif text == "nn.Sequential":
        found = {str(at): child for at, child in enumerate(arguments)}
    else:
        items = iterate(single, line) if arguments else []
        found = {str(at): child for at, child in enumerate(items)}
    for child in found.values():
        if not isinstance(child, Leaf | Container | Instance):
            raise UnsupportedPython(f"`{text}` gets something that is no module", line)
    return found


def make_tuple(
    cls: TupleClass, values: tuple[Any, ...], named: dict[str, Any], line: int
) -> TupleValue:
    """Return a named tuple of the file. Raises UnsupportedPython."""
    found = dict(zip(cls.fields, values, strict=False)) | named
    if len(values) > len(cls.fields) or not found.keys() <= set(cls.fields):
        raise UnsupportedPython(f"`{cls.name}` has no such fields", line)
    for name in cls.fields:
        if name not in found:
            if name not in cls.optional:
                raise UnsupportedPython(f"`{cls.name}` lacks `{name}`", line)
            found[name] = None
    return TupleValue(cls, tuple(found[name] for name in cls.fields))


def sliced(children: list[Any], line: int) -> Container:
    """Return what a slice of a container is."""
    return Container("Sequential", {str(at): child for at, child in enumerate(children)}, line)


def frozen(value: Any) -> Any:
    """Return a value as a key. Raises TypeError for one that is none."""
    if isinstance(value, list | tuple):
        return tuple(map(frozen, value))
    if isinstance(value, dict):
        return tuple((k, frozen(v)) for k, v in value.items())
    if value is None or isinstance(value, str | int | float | Opaque | Class | TorchName):
        return type(value), value
    raise TypeError
