"""Long lines of a function as `ruff format` has them: opened at their outer brackets."""

from __future__ import annotations

import ast

from archc.emit.layout import WIDTH, Bracketed, CallArgument, Code, lay


def wrapped(line: str, margin: int) -> list[str]:
    """A line of a function whose indent will be larger by `margin`, over several if it is long."""
    if len(line) + margin <= WIDTH or line.endswith(":"):
        return [line]
    text = line.lstrip().encode()  # ast counts in bytes
    try:
        (tree,) = ast.parse(text).body
    except (
        RecursionError,
        SyntaxError,
        MemoryError,
    ):  # thousands of terms: Python takes it no more
        return [line]
    value: ast.expr = tree.value  # type: ignore[attr-defined]  # assigned or returned
    inner, after = _opened(text, value)
    code = _structure(text, inner)
    if isinstance(code, str):
        code = Bracketed("", (CallArgument(code),))
    prefix = text[: value.col_offset].decode()
    rows = lay(prefix, code, after, margin + len(line) - len(line.lstrip()))
    return [row[margin:] for row in rows]


def _opened(text: bytes, value: ast.expr) -> tuple[ast.expr, str]:
    """The part of an expression whose brackets are opened, and what stands behind it."""
    match value:
        case ast.Call(func=ast.Attribute(value=ast.Call() as inner)):  # stack(...).mean(0)
            return inner, _source(text, value).removeprefix(_source(text, inner))
        case ast.BinOp(left=inner) if _source(text, value).startswith("("):  # (a + b) / 2
            return inner, _source(text, value).removeprefix(f"({_source(text, inner)})")
        case _:
            return value, ""


def _structure(text: bytes, value: ast.expr) -> Code:
    """The calls and lists of an expression as structure; anything else as it stands."""
    match value:
        case ast.Call(args=args, keywords=named):
            items = [CallArgument(_structure(text, arg)) for arg in args]
            items += [CallArgument(_structure(text, each.value), each.arg or "") for each in named]
            return Bracketed(_source(text, value.func), tuple(items))
        case ast.List(elts=elements):
            return Bracketed(
                "", tuple(CallArgument(_structure(text, each)) for each in elements), "[]"
            )
        case _:
            return _source(text, value)


def _source(text: bytes, value: ast.expr) -> str:
    """What an expression is in a text of one line."""
    return text[value.col_offset : value.end_col_offset].decode()
