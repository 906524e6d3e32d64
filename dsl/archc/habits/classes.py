"""A class of torch's as a block: its layers in the order in which `forward` runs them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from archc.habits.call import read_statement
from archc.habits.expressions import NotSaid, expression
from archc.habits.flow import lines_of, modules_of
from archc.habits.foreign_class import ForeignClass, is_incoming
from archc.habits.forward import ForeignForward
from archc.habits.modules import Construction, is_weighted
from archc.habits.substitution import INCOMING, bound


def written_block(cls: ForeignClass, others: Mapping[str, ForeignClass]) -> str:
    """`block BasicBlock(planes, stride=1) { ... }`. Raises NotSaid, with what it is about."""
    lines = _lines(Construction(cls, others), "@in.c")
    formals = [
        f"{name}={expression(default)}" if default is not None else name
        for name, default in cls.formals().items()
        if not is_incoming(name)
    ]
    inside = "".join(f"  {line}\n" for line in lines)
    return f"block {cls.name}({', '.join(formals)}) {{\n{inside}}}"


def written_network(cls: ForeignClass, others: Mapping[str, ForeignClass], call: str) -> str:
    """`network ResNet`, its params and its statements. `call` makes it: `ResNet(Block, [2, 2])`."""
    import ast

    made_by = Construction(cls, others)
    formals = cls.formals()
    node = read_statement(call)
    calls = (n for n in ast.walk(node or ast.Pass()) if isinstance(n, ast.Call))
    made = next((n for n in calls if ast.unparse(n.func) == cls.name), None)
    given = bound(made, formals) if made is not None else {}
    params = []
    for name, default in formals.items():
        value = given.get(name, default)
        if is_incoming(name):
            continue
        if isinstance(value, ast.Name) and value.id in others:
            made_by.names[name] = value
        elif value is None:
            raise NotSaid(f"`{name}`")
        else:
            params.append((name, expression(value)))
    lines = _lines(made_by, "@input.c")
    text = "\n".join(lines)
    head = [f"param {name} = {value}" for name, value in params if _uses(text, name)]
    return "\n".join([f"network {cls.name}", *head, *lines])


def _uses(text: str, name: str) -> bool:
    return re.search(rf"\b{name}\b", text) is not None


def _lines(made: Construction, incoming: str) -> list[str]:
    """The statements of a class; `incoming` stands for the channels that come in."""
    made.run()
    flow = ForeignForward(made).flow()
    often = Counter(modules_of(flow))
    if any(count > 1 for count in often.values()):
        raise NotSaid("a layer that runs twice")
    weighted = {name for name, module in made.modules.items() if is_weighted(module)}
    if weighted - often.keys():
        raise NotSaid(f"`self.{min(weighted - often.keys())}`, which `forward` does not run")
    lines = lines_of(flow)
    for name, value in reversed(made.lets):
        if _uses("\n".join(lines), name):
            lines.insert(0, f"let {name} = {value}")
    if any(INCOMING in line for line in lines) and not _takes_channels(made.cls):
        raise NotSaid("how many features come in")
    return [line.replace(INCOMING, incoming) for line in lines]


def _takes_channels(cls: ForeignClass) -> bool:
    """Whether what comes in is counted in channels: features may be those of a map's pixels."""
    return not any(is_incoming(name) and re.search("feat|dim", name) for name in cls.formals())
