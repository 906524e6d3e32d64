"""A class of torch's as a block: its layers in the order in which `forward` runs them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from archc.habits.expressions import NotSaid, expression
from archc.habits.features import WrittenNetwork, written_features
from archc.habits.flow import Flow, lines_of, modules_of, with_channels
from archc.habits.foreign_class import ForeignClass, is_fixed, is_incoming
from archc.habits.forward import ForeignForward
from archc.habits.known import folded
from archc.habits.modules import Construction, is_weighted
from archc.habits.substitution import INCOMING, bound, only_knows, substituted

if TYPE_CHECKING:
    import ast


def written_block(cls: ForeignClass, others: Mapping[str, ForeignClass]) -> str:
    """`block BasicBlock(planes, stride=1) { ... }`. Raises NotSaid, with what it is about."""
    lines = _lines(Construction(cls, others), "@in.c")
    formals = [
        f"{name}={expression(default)}" if default is not None else name
        for name, default in cls.parameters().items()
    ]
    inside = "".join(f"  {line}\n" for line in lines)
    return f"block {cls.name}({', '.join(formals)}) {{\n{inside}}}"


def without_unused(cls: ForeignClass, others: Mapping[str, ForeignClass]) -> ForeignClass:
    """A class without the parameters that its layers do not ask for, where it is known."""
    try:
        inside = written_block(cls, others).partition("\n")[2]
    except (NotSaid, RecursionError):
        return cls
    given = (name for name, default in cls.parameters().items() if default is not None)
    return replace(cls, unused=frozenset(name for name in given if not _uses(inside, name)))


def written_network(
    cls: ForeignClass, others: Mapping[str, ForeignClass], made: ast.Call | None
) -> WrittenNetwork:
    """`network ResNet`, its params and its statements. `made` is `ResNet(Block, [2, 2])`."""
    import ast

    formals = cls.formals()
    given = bound(made, formals) if made is not None else {}
    names, params, values = dict[str, ast.expr](), [], dict[str, ast.expr]()
    for name, default in formals.items():
        value = given.get(name, default)
        if value is not None:
            values[INCOMING if is_incoming(name) else name] = value
        if is_incoming(name):
            continue
        if value is None:
            raise NotSaid(f"`{name}`")
        if is_fixed(value) or (isinstance(value, ast.Name) and value.id in others):
            names[name] = value
        else:
            params.append((name, _number(value, default)))
    settled = {name: v for name, v in formals.items() if name not in given and v is not None}
    for left_out in (settled, {}):
        made_by = Construction(cls, others, dict(names), left_out)
        made_by.run()
        flow = ForeignForward(made_by).flow()
        lines = _statements(made_by, flow, "@input.c")
        text = "\n".join(lines)
        if not any(_uses(text, name) for name in made_by.left_out):
            break
    head = [f"param {name} = {value}" for name, value in params if _uses(text, name)]
    for name, text_of in made_by.lets:
        values[name] = folded(substituted(ast.parse(text_of, mode="eval").body, values))
    features, channels = written_features(made_by, next(modules_of(flow), ""), values)
    text = "\n".join([f"network {cls.name}", *head, *lines])
    return WrittenNetwork(text, features, channels)


def _number(value: ast.expr, default: ast.expr | None) -> str:
    """What a param is; its default where the file does not say what it is made with."""
    try:
        only_knows(value, ())
        return expression(value)
    except NotSaid:
        if default is None:
            raise
        return expression(default)


def _uses(text: str, name: str) -> bool:
    """Whether a text asks for the value of a name: `x(groups)`, not `groups=1`."""
    return re.search(rf"(?<![\w@.]){name}\b(?!=(?!=)|: )", text) is not None


def _lines(made: Construction, incoming: str) -> list[str]:
    """The statements of a class; `incoming` are the channels that come in, further down."""
    made.run()
    return _statements(made, ForeignForward(made).flow(), incoming)


def statements_of(made: Construction) -> list[str]:
    """The statements of modules that are there, in the order of `forward`. Raises NotSaid."""
    return _statements(made, ForeignForward(made).flow(), "@in.c")


def _statements(made: Construction, flow: Flow, incoming: str) -> list[str]:
    often = Counter(modules_of(flow))
    if any(count > 1 for count in often.values()):
        raise NotSaid("a layer that runs twice")
    weighted = {name for name, module in made.modules.items() if is_weighted(module, made.others)}
    if weighted - often.keys():
        raise NotSaid(f"`self.{min(weighted - often.keys())}`, which `forward` does not run")
    lines = lines_of(with_channels(flow, INCOMING, "in.c", incoming))
    for name, value in reversed(made.lets):
        if _uses("\n".join(lines), name):
            lines.insert(0, f"let {name} = {value.replace(INCOMING, 'in.c')}")
    asks = any(re.search(r"\bin(?:put)?\.c\b", line) for line in lines)
    if asks and not _takes_channels(made.cls):
        raise NotSaid("how many features come in")
    return lines


def _takes_channels(cls: ForeignClass) -> bool:
    """Whether what comes in is counted in channels: features may be those of a map's pixels."""
    return not any(is_incoming(name) and re.search("feat|dim", name) for name in cls.formals())
