"""Variables of a constructor: what the file calls by a name, and the class needs several times."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from keyword import iskeyword

from archc import symbolic
from archc.emit.class_writer import ClassWriter
from archc.emit.constructor import (
    Assign,
    ExprStatement,
    ForStatement,
    IfStatement,
    Statement,
    lines,
)
from archc.emit.layout import Bracketed, CallArgument, Code, Generator, flat


def name_values(writer: ClassWriter) -> None:
    """`hidden = expand * in_channels` before modules that are `hidden` wide, as a `let` has it."""
    if writer.exprs.entered:  # a combinator in a place: its channels are others
        return
    body, start = writer.root.body, 0
    for name, expr in _lets(writer).items():
        text = symbolic.render(expr, writer.exprs.names)
        if sum(code == text for code in _codes(body)) > 1 and _is_free(name, text, writer):
            _rename(body[start:], text, name)
            body.insert(start, Assign(name, text))
            start += 1


def _lets(writer: ClassWriter) -> dict[str, symbolic.Expr]:
    """What `let`s name, where it hangs on the class's own arguments, in all instances alike."""
    found: dict[str, symbolic.Expr] = {}
    first, *others = writer.definition.bodies
    for name, expr in first.lets.items():
        if expr is None or any(body.lets.get(name) != expr for body in others):
            continue
        inside = writer.exprs.inside(expr)
        if not inside.is_settled and inside.variables() <= writer.exprs.used:
            found[name] = inside
    return found


def _is_free(name: str, text: str, writer: ClassWriter) -> bool:
    """Whether the constructor has no such name, and what the value is made of stays what it is."""
    body = writer.root.body
    rest = re.sub(r"\w+=", "", "\n".join(lines(body)))
    if iskeyword(name) or re.search(rf"(?<![\w.]){name}\b", rest):
        return False
    taken = {"self", "device", "dtype", "factory", *map(writer.exprs.names, writer.exprs.used)}
    names = re.findall(r"[A-Za-z_]\w*", text)
    return name not in taken and not {*names} & {*_bound(body)}


def _bound(statements: list[Statement]) -> Iterator[str]:
    """The variables that loops and assignments bind."""
    for statement in statements:
        match statement:
            case Assign(target=target) if target.isidentifier():
                yield target
            case ForStatement(header=header, body=body):
                yield from re.findall(r"\w+", header.target)
                yield from _bound(body)
            case IfStatement(then=then, other=other):
                yield from _bound([*then, *other])
    for loop in re.findall(r"\bfor ([^()]*?) in ", "\n".join(lines(statements))):
        yield from re.findall(r"\w+", loop)


def _codes(statements: list[Statement]) -> Iterator[Code]:
    """Every argument, condition and value."""
    for statement in statements:
        match statement:
            case Assign() | ExprStatement():
                yield from _inner(statement.code)
            case ForStatement():
                yield from _inner(statement.header.over)
                yield from _codes(statement.body)
            case IfStatement():
                yield statement.test
                yield from _codes([*statement.then, *statement.other])


def _inner(code: Code) -> Iterator[Code]:
    yield code
    match code:
        case Bracketed():
            for item in code.items:
                yield from _inner(item.value)
        case Generator():
            yield from _inner(code.value)


def _rename(statements: list[Statement], text: str, name: str) -> None:
    for statement in statements:
        match statement:
            case Assign() | ExprStatement():
                statement.code = _renamed(statement.code, text, name)
            case ForStatement():
                over = _renamed(statement.header.over, text, name)
                statement.header = replace(statement.header, over=over)
                _rename(statement.body, text, name)
            case IfStatement():
                statement.test = name if flat(statement.test) == text else statement.test
                _rename([*statement.then, *statement.other], text, name)


def _renamed(code: Code, text: str, name: str) -> Code:
    match code:
        case str():
            return name if code == text else code
        case Generator():
            return replace(code, value=_renamed(code.value, text, name))
        case Bracketed():
            items = (
                CallArgument(_renamed(item.value, text, name), item.name, item.comment)
                for item in code.items
            )
            return replace(code, items=tuple(items))
