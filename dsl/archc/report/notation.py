"""Operators and block calls as a file writes them, their numbers worked out.

`conv 3x3/2 p1 x64 nobias` for what a block has as `conv 3x3/(stride) p1 x(width) nobias`.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import lru_cache
from typing import Any

from archc import symbolic
from archc.analysis.table import Part
from archc.elaborate.evaluate import Evaluator
from archc.ops import OTHER, Dims, Field, Form, Op
from archc.plan import Applicable, Body
from archc.report.diagnostics import visible
from archc.source import Fault, Span

LONGEST = 44  # characters of a group that is written out
_LETTERS = {
    Form.STRIDE: "/",
    Form.WIDTH: "x",
    Form.PADDING: "p",
    Form.GROUPS: "g",
    Form.DILATION: "d",
}


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
        spec, value = syntax[field.name], symbolic.plain(getattr(op, field.name))
        if _same(value, field.default) and (spec.form is not Form.NUMBER or value is None):
            continue
        if spec.form in (Form.SIZE, Form.OPTION) and isinstance(value, tuple) and len(value) == 1:
            value = value * max(rank, 1)
        glue = "" if spec.form is Form.STRIDE and text[-1].isdigit() else " "
        text += glue + attribute(field.name, spec, value)
    return text


def _same(value: Any, default: Any) -> bool:
    """Whether a value is the default; `1x1` is `1`."""
    if isinstance(value, tuple) and isinstance(default, tuple):
        return set(value) == set(default) and len(set(value)) == 1
    return bool(value == default)


def attribute(name: str, spec: Field, value: Any, say: Callable[[Any], str] | None = None) -> str:
    """An attribute as one writes it: `/2`, `x64`, `eps=0.001`. `say` writes one number."""
    word = next((word for word, meant in spec.words.items() if meant == value), None)
    if word is not None:
        return word
    if spec.form is Form.FLAG:
        return name  # a default that no word stands for
    if value is OTHER:
        return f"{name}=@…"
    one_for_all = spec.form not in (Form.SIZE, Form.OPTION)
    text = _dims(value, one_for_all, say or scalar)
    return f"{name}={text}" if spec.form is Form.OPTION else _LETTERS.get(spec.form, "") + text


def _dims(value: Any, one_for_all: bool, say: Callable[[Any], str]) -> str:
    """`3x3`; where the language has one number for every dimension, that where all are equal."""
    if isinstance(value, str):
        return value  # one of the operator's own words
    if not isinstance(value, tuple):
        return say(value)
    alike = one_for_all and len(set(value)) == 1
    return "x".join(map(say, value[:1] if alike else value))


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
    values = {name: symbolic.plain(value) for name, value in body.args.items()}
    home = block.home
    outer = (home.constants, home.lets, home.blocks)
    inner = Evaluator(ChainMap(values, *outer), body.input.shape)
    for formal in block.tree.formals:
        name = formal.name.id
        if formal.is_tensor:
            yield f"@{name}"
            continue
        if formal.default is None:
            yield scalar(values[name])
            continue
        try:
            default = symbolic.plain(inner.value(formal.default))
        except Fault:  # it needs what is not at its default, and was never computed
            default = None
        if values[name] != default:
            yield f"{name}={scalar(values[name])}"


def scalar(value: Any) -> str:
    """One value: `0.5`, `true`, `[2, 2, 3]`, the name of a block."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    if isinstance(value, str):
        return f'"{visible(value)}"'
    if isinstance(value, tuple):
        return f"[{', '.join(map(scalar, value))}]"
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
