"""Where each line of generated PyTorch comes from: the statements that it was written for.

A class is a block or the network, and a module's name in it is the name of a statement there, as
in the `state_dict`. So the text itself says it, by its names.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from archc.emit.program import class_name
from archc.plan import Apply, Body, Call, Chain, Plan, Scope, bodies, children
from archc.source import Source, Span

Path = tuple[str, ...]  # of modules in a class
Names = dict[Path, Span]  # and its statement
Lines = dict[int, list[Span]]
_DIGITS = "0123456789"


def origins(text: str, plan: Plan, source: Source) -> Lines:
    """Return the statements of a source that lines of generated text come from.

    Lines are counted from 1. Those without a module's name have none.
    """
    names = _names(plan)
    found: Lines = {}
    for made in ast.parse(text).body:
        if isinstance(made, ast.ClassDef):
            known = names.get(made.name) or names.get(made.name.rstrip(_DIGITS), {})
            for line, span in _lines(made, known):
                if span.source is source and span not in (spans := found.setdefault(line, [])):
                    spans.append(span)
    return found


def _lines(made: ast.ClassDef, known: Names) -> Iterator[tuple[int, Span]]:
    for node in ast.walk(made):
        match node:
            case ast.Assign(targets=[ast.Attribute(ast.Name("self"), name)], value=value):
                yield from _made(node, value, (name,), known)
            case ast.AnnAssign(ast.Attribute(ast.Name("self"), name), value=ast.expr() as value):
                yield from _made(node, value, (name,), known)
            case ast.Attribute(ast.Name("self"), name) if (name,) in known:
                yield node.lineno, known[name,]


def _made(
    node: ast.stmt | ast.expr, value: ast.expr, path: Path, known: Names
) -> Iterator[tuple[int, Span]]:
    """The lines where a module is made, and in them those of what is in it."""
    for span in [known[path]] if path in known else _several(known, path):
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
            yield line, span
    for name, part in _parts(value):
        yield from _made(part, part, (*path, name), known)


def _several(known: Names, path: Path) -> list[Span]:
    """The statements of one module for all of them: `self.relu` of relu1, relu2 ..."""
    return [
        span for names, span in known.items() if (*names[:-1], names[-1].rstrip(_DIGITS)) == path
    ]


def _parts(value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """`nn.Sequential(a, b)` and `nn.Sequential(OrderedDict([("name", a)]))`."""
    match value:
        case ast.Call(
            ast.Attribute(attr="Sequential"), [ast.Call(ast.Name("OrderedDict")) as named]
        ):
            yield from _parts(named)
        case ast.Call(ast.Attribute(attr="Sequential" | "ModuleList"), parts):
            yield from ((str(at), part) for at, part in enumerate(parts))
        case ast.Call(ast.Name("OrderedDict"), [ast.List(pairs)]):
            for pair in pairs:
                match pair:
                    case ast.Tuple([ast.Constant(str(name)), part]):
                        yield name, part


# --- what a plan has names for -----------------------------------------------------------


def _names(plan: Plan) -> dict[str, Names]:
    """Of each class its modules; of several instances of a block, the first that has each."""
    found: dict[str, Names] = {}
    for body in bodies(plan):
        name = plan.name if body is plan.body else class_name(body.name)
        for path, span in _modules(body):
            found.setdefault(name, {}).setdefault(path, span)
    return found


def _modules(body: Body) -> Iterator[tuple[Path, Span]]:
    stack: list[tuple[Path, Chain]] = [((), body.chain)]
    while stack:
        path, chain = stack.pop()
        for node in chain.nodes:
            if isinstance(node, Apply | Call | Scope):
                yield (*path, node.name), node.span
            inner = (*path, node.name) if isinstance(node, Scope) else path
            stack += ((inner, each) for each in children(node))
