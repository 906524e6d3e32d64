"""Methods that every nn.Module and container has: `children`, `append`, `get_submodule` ..."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archc.conformance.objects import (
    Container,
    Instance,
    Leaf,
    Module,
    Value,
    ViewedParameter,
    children_of,
    walk_modules,
)
from archc.conformance.problems import UnsupportedPython
from archc.conformance.python_builtins import iterate
from archc.conformance.runtime import Runtime


def _children(run: Runtime, owner: Module) -> list[Any]:
    found = {id(child): child for child in children_of(owner).values() if child is not None}
    return list(found.values())


def _named_children(run: Runtime, owner: Module) -> list[Any]:
    return [(k, child) for k, child in children_of(owner).items() if child is not None]


def _modules(run: Runtime, owner: Module) -> list[Any]:
    return list({id(module): module for module in walk_modules(owner)}.values())


def _items(run: Runtime, owner: Module) -> list[Any]:
    return list(children_of(owner).items())


def _keys(run: Runtime, owner: Module) -> list[Any]:
    return list(children_of(owner))


def _values(run: Runtime, owner: Module) -> list[Any]:
    return list(children_of(owner).values())


def _add_module(run: Runtime, owner: Module, name: str, module: Any) -> None:
    if isinstance(owner, Instance):
        run.register(owner.prototype, name, module)
    elif isinstance(owner, Container):
        owner.children[name] = module


def _append(run: Runtime, owner: Module, module: Any) -> None:
    _add_module(run, owner, str(len(children_of(owner))), module)


def _extend(run: Runtime, owner: Module, modules: Any) -> None:
    for module in iterate(modules, run.line):
        _append(run, owner, module)


def _get_submodule(run: Runtime, owner: Module, path: str) -> Any:
    found: Any = owner
    for name in path.split(".") if path else ():
        children = children_of(found)
        if name not in children:
            raise UnsupportedPython(f"there is no module `{path}`", run.line)
        found = children[name]
    return found


def _gather(run: Runtime, owner: Instance, *parts: Any, to: int = 0) -> Value:
    devices = run.attribute(owner, "devices")
    return run.functions().gather(devices[to], parts)


def _exchange(run: Runtime, owner: Instance, *parts: Any) -> list[Value]:
    return [_gather(run, owner, *parts, to=at) for at in range(len(parts))]


def _view(run: Runtime, owner: Any, *dims: int) -> ViewedParameter:
    is_weight = isinstance(owner, Leaf) and owner.record.target == "Parameter"
    if not is_weight or dims != (-1, *[1] * (len(dims) - 1)):
        raise UnsupportedPython("a `view` of something else than a weight", run.line)
    return ViewedParameter(owner, len(dims) - 1)


METHODS: dict[str, Callable[..., Any]] = {
    "add_module": _add_module,
    "append": _append,
    "children": _children,
    "exchange": _exchange,
    "extend": _extend,
    "gather": _gather,
    "get_submodule": _get_submodule,
    "items": _items,
    "keys": _keys,
    "modules": _modules,
    "named_children": _named_children,
    "register_module": _add_module,
    "register_parameter": _add_module,
    "values": _values,
    "view": _view,
}
