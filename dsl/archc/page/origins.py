"""Where each line of generated PyTorch comes from: the statements that it was written for.

A class is a block or the network, and a module's name in it is the name of a statement there, as
in the `state_dict`. So the text itself says it, by its names.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from archc.emit.program import class_name
from archc.plan import Apply, Body, Call, Chain, Node, Plan, Scope, bodies, children
from archc.source import Source, Span

Names = dict[tuple[str, ...], Span]  # a path of modules in a class, and its statement
Lines = dict[int, list[Span]]


def origins(text: str, plan: Plan, source: Source) -> Lines:
    """Return the statements of a source that lines of generated text come from.

    Lines are counted from 1. Those without a module's name have none.
    """
    names = _names(plan)
    found: Lines = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef):
            known = names.get(node.name) or names.get(node.name.rstrip("0123456789"), {})
            for line, path in _mentions(node):
                span = known.get(path)
                if span is not None and span.source is source:
                    spans = found.setdefault(line, [])
                    spans += [span] if span not in spans else []
    return found


def _names(plan: Plan) -> dict[str, Names]:
    """Of each class its modules; of several instances of a block, the first that has each."""
    found: dict[str, Names] = {}
    for body in bodies(plan):
        for path, span in _modules(body):
            found.setdefault(_class_of(body, plan), {}).setdefault(path, span)
    return found


def _class_of(body: Body, plan: Plan) -> str:
    return plan.name if body is plan.body else class_name(body.name)


def _modules(body: Body) -> Iterator[tuple[tuple[str, ...], Span]]:
    stack: list[tuple[tuple[str, ...], Chain]] = [((), body.chain)]
    while stack:
        path, chain = stack.pop()
        for node in chain.nodes:
            yield from ((((*path, n.name)), n.span) for n in _named(node))
            inner = (*path, node.name) if isinstance(node, Scope) else path
            stack += ((inner, each) for each in children(node))


def _named(node: Node) -> Iterator[Apply | Call | Scope]:
    if isinstance(node, Apply | Call | Scope):
        yield node


def _mentions(made: ast.ClassDef) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Lines, and the modules that they make or run."""
    for node in ast.walk(made):
        match node:
            case ast.Assign(targets=[ast.Attribute(value=ast.Name("self"), attr=name)]):
                yield from _made(node, (name,))
            case ast.AnnAssign(target=ast.Attribute(value=ast.Name("self"), attr=name)):
                yield from _made(node, (name,))
            case ast.Attribute(value=ast.Name("self"), attr=name):
                yield node.lineno, (name,)


def _made(node: ast.Assign | ast.AnnAssign, path: tuple[str, ...]) -> Iterator[
    tuple[int, tuple[str, ...]]
]:  # fmt: skip
    """The lines of an assignment, and in it those of a container's modules."""
    for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
        yield line, path
    if node.value is not None:
        yield from _parts(node.value, path)


def _parts(value: ast.expr, path: tuple[str, ...]) -> Iterator[tuple[int, tuple[str, ...]]]:
    if not isinstance(value, ast.Call):
        return
    for name, part in _members(value):
        inner = (*path, name)
        for line in range(part.lineno, (part.end_lineno or part.lineno) + 1):
            yield line, inner
        yield from _parts(part, inner)


def _members(made: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """`nn.Sequential(a, b)` and `nn.Sequential(OrderedDict([("name", a)]))`."""
    arguments: Sequence[ast.expr] = made.args
    match made:
        case ast.Call(func=ast.Name("OrderedDict"), args=[ast.List(elts=pairs)]):
            for pair in pairs:
                match pair:
                    case ast.Tuple(elts=[ast.Constant(value=str(name)), part]):
                        yield name, part
        case ast.Call(func=ast.Attribute(attr="Sequential"), args=[ast.Call() as only]) if (
            isinstance(only.func, ast.Name) and only.func.id == "OrderedDict"
        ):
            yield from _members(only)
        case ast.Call(func=ast.Attribute(attr="Sequential" | "ModuleList")):
            yield from ((str(at), part) for at, part in enumerate(arguments))
