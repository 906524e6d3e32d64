"""Which arguments a constructor takes: what its expressions use."""

from __future__ import annotations

from typing import Any

from archc import syntax
from archc.emit.class_writer import ClassWriter, python_name
from archc.emit.instances import Lane
from archc.emit.program import Parameter
from archc.plan import OperatorValue

_AXES = "cdhw"


def parameters_of(writer: ClassWriter) -> list[Parameter]:
    """The input's sizes, the block's own parameters, the network's params; required ones first."""
    definition, used = writer.definition, writer.exprs.used - {"#c"}
    lanes = definition.lanes
    entering = ("in", *(f"@{name}" for name in definition.bodies[0].input_names[1:]))
    sizes = [f"{name}.{axis}" for name in entering for axis in _AXES]
    found = [Parameter(name, python_name(name), "int") for name in sizes if name in used]
    formals = definition.block.tree.formals if definition.block is not None else ()
    for formal in formals:
        name = formal.name.id
        if name in used:
            found.append(Parameter(name, name, type_of(name, lanes), _default(formal.default)))
    extras = writer.exprs.extras or {}
    found += [Parameter(e.variable, e.name, e.type) for e in extras.values()]
    known = {*sizes, *(formal.name.id for formal in formals), *extras}
    order = list(lanes[0].env)  # the params of the file
    for name in sorted(used - known, key=order.index):
        default = lanes[0].env[name] if definition.block is None else None
        found.append(Parameter(name, name, type_of(name, lanes), default))
    return sorted(found, key=lambda parameter: parameter.default is not None)


def anonymous_parameters(writer: ClassWriter, lanes: list[Lane]) -> list[Parameter]:
    """Of a combinator in a place: its channels, and variables of the class around it."""
    extras = writer.exprs.extras or {}
    return [
        *(
            Parameter(name, python_name(name), type_of(name, lanes))
            for name in sorted(writer.exprs.used - extras.keys())
        ),
        *(Parameter(e.variable, e.name, e.type) for e in extras.values()),
    ]


def _default(expr: syntax.Expr | None) -> Any:
    match expr:
        case syntax.Number():
            return expr.value
        case syntax.Name(id="true" | "false"):
            return expr.id == "true"
        case _:
            return None


def type_of(name: str, lanes: list[Lane]) -> str:
    return _type([lane.env[name] for lane in lanes])


def _type(values: list[Any]) -> str:
    if any(isinstance(value, tuple) for value in values):
        lists = [value for value in values if isinstance(value, tuple)]
        items = [item for value in lists for item in value]
        lengths, kinds = set(map(len, lists)), [_type([item]) for item in items]
        if len(lengths) == 1 and len({kind == "type[nn.Module]" for kind in kinds}) > 1:
            return f"tuple[{', '.join(_type(list(column)) for column in zip(*lists, strict=True))}]"
        return f"Sequence[{_type(items) if items else 'int'}]"
    if any(isinstance(value, OperatorValue) for value in values):
        return "type[nn.Module]"
    if all(isinstance(value, bool) for value in values):
        return "bool"
    return "float" if any(isinstance(value, float) for value in values) else "int"
