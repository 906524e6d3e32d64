"""Operators and block calls as a file writes them, their numbers worked out.

`conv 3x3/2 p1 x64 nobias` for what a block has as `conv 3x3/(stride) p1 x(width) nobias`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from functools import lru_cache
from typing import Any

from archc import symbol
from archc.evaluate import Evaluator, Fault
from archc.ops import OTHER, Dims, Field, Form, Op
from archc.passes.table import Part
from archc.plan import Applicable, Body
from archc.render import visible
from archc.source import Span

LONGEST = 44  # characters of a group that is written out
_LETTERS = {Form.WIDTH: "x", Form.PADDING: "p", Form.GROUPS: "g", Form.DILATION: "d"}


def statement(part: Part) -> str:
    """What a part is: an operator with its attributes, a block with its arguments, a group."""
    if part.op is not None:
        return operator(part.op, part.inputs[0].rank)
    return called(part.body) if part.body is not None else _group(part.span)


# --- operators ---------------------------------------------------------------------------


def operator(op: Op, rank: int) -> str:
    """`conv 7x7/2 p3 x64 nobias`. Attributes at their defaults are left out.

    All but the operator's own number, for `dropout 0.5` says more than `dropout`. `rank` is that of
    the incoming tensor: windows and sizes have a number for each dimension.
    """
    syntax, text = op.fields(), op.name
    for field in fields(op):
        spec, value = syntax[field.name], symbol.plain(getattr(op, field.name))
        if _same(value, field.default) and (spec.form is not Form.NUMBER or value is None):
            continue
        if spec.form in (Form.SIZE, Form.OPTION) and isinstance(value, tuple) and len(value) == 1:
            value = value * max(rank, 1)
        glue = "" if spec.form is Form.STRIDE and text[-1].isdigit() else " "
        text += glue + _attribute(field.name, spec, value)
    return text


def _same(value: Any, default: Any) -> bool:
    """Whether a value is the default; `1x1` is `1`."""
    if isinstance(value, tuple) and isinstance(default, tuple):
        return set(value) == set(default) and len(set(value)) == 1
    return bool(value == default)


def _attribute(name: str, spec: Field, value: Any) -> str:
    word = next((word for word, meant in spec.words.items() if meant == value), None)
    if word is not None:
        return word
    if spec.form is Form.OPTION:
        return f"{name}={_option(value)}"
    if spec.form is Form.SIZE:
        return sizes(value)
    if spec.form is Form.STRIDE:
        return f"/{_dims(value)}"
    return _LETTERS.get(spec.form, "") + _dims(value)


def _option(value: Any) -> str:
    if value is OTHER:
        return "@…"
    if isinstance(value, str):
        return value  # one of the operator's own words
    return sizes(value) if isinstance(value, tuple) else _scalar(value)


def _dims(value: Any) -> str:
    """One number where all are equal: the language has it for every dimension."""
    if isinstance(value, tuple):
        return sizes(value[:1] if len(set(value)) == 1 else value)
    return _scalar(value)


def sizes(dims: Dims) -> str:
    """`3x3`."""
    return "x".join(map(str, dims))


# --- blocks and groups -------------------------------------------------------------------


def called(body: Body) -> str:
    """`bottleneck(128, stride=2)`. Arguments at their defaults are left out."""
    return f"{body.name}({', '.join(arguments(body))})"


def arguments(body: Body) -> Iterator[str]:
    """Those of a block call, `stride=2` where the block has a default."""
    block = body.block
    assert block is not None, "only the network itself is no block"
    values = {name: symbol.plain(value) for name, value in body.args.items()}
    inner = Evaluator({**block.home.constants, **values}, body.input.shape)
    for formal in block.tree.formals:
        name = formal.name.id
        if formal.default is None:
            yield _scalar(values[name])
            continue
        try:
            default = symbol.plain(inner.value(formal.default))
        except Fault:  # it needs what is not at its default, and was never computed
            default = None
        if values[name] != default:
            yield f"{name}={_scalar(values[name])}"


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    if isinstance(value, str):
        return f'"{visible(value)}"'
    if isinstance(value, tuple):
        return f"[{', '.join(map(_scalar, value))}]"
    return value.name if isinstance(value, Applicable) else str(value)


def _group(span: Span) -> str:
    """A group as it was written, on one line; `{ … }` where it is long."""
    text = re.sub(r"^\w+(\{[^}]*\})?:\s*", "", source_text(span, most=10 * LONGEST))
    if len(text) <= LONGEST:
        return text
    head, bracket, _ = re.split(r"([{<])", text + "{", maxsplit=1)
    return f"{head[:LONGEST]}{bracket} … {'}' if bracket == '{' else '>'}"


def source_text(span: Span, most: int = 72) -> str:
    """A statement as it was written, in one line, without comments."""
    return _one_line(span.text, most)


@lru_cache(maxsize=4096)
def _one_line(written: str, most: int) -> str:
    lines = [re.sub(r"(^|\s)#.*", "", line).strip() for line in written.split("\n")]
    text = "; ".join(line for line in lines if line)
    text = re.sub(r"([<|{]);", r"\1", text)
    text = re.sub(r"; ([|>}])", r" \1", text)
    text = visible(" ".join(text.split()))
    return text if len(text) <= most else f"{text[: most - 1]}…"
