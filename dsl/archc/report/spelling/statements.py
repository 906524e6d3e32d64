"""Operators, block calls and groups as a file writes them, their numbers worked out.

`conv 3x3/2 p1 x64 nobias` for what a block has as `conv 3x3/(stride) p1 x(width) nobias`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from archc import symbolic
from archc.analysis.table import Part
from archc.elaborate.evaluate import of_defaults
from archc.plan import Body
from archc.report.characters import visible
from archc.report.spelling.operators import format_operator, format_value
from archc.source import Fault, Span

_LONGEST = 44  # characters of a group that is written out


def format_part(part: Part) -> str:
    """What a part is: an operator with its attributes, a block with its arguments, a group."""
    if part.op is not None:
        return format_operator(part.op, part.inputs[0].rank)
    return format_call(part.body) if part.body is not None else _group(part.span)


def format_call(body: Body) -> str:
    """`bottleneck(128, stride=2)`. Arguments at their defaults are left out."""
    return f"{body.name}({', '.join(_arguments(body))})"


def _arguments(body: Body) -> Iterator[str]:
    """Those of a block call, `stride=2` where the block has a default."""
    block = body.block
    assert block is not None, "only the network itself is no block"
    given = dict(given_arguments(body))
    for formal in block.tree.formals:
        name = formal.name.id
        if formal.is_tensor:
            yield f"@{name}"
        elif name in given:
            text = format_value(given[name])
            yield text if formal.default is None else f"{name}={text}"


def given_arguments(body: Body) -> Iterator[tuple[str, Any]]:
    """The values of a block call, by parameter, that are not the block's own defaults."""
    block = body.block
    assert block is not None, "only the network itself is no block"
    values = {name: symbolic.plain(value) for name, value in body.args.items()}
    inner = of_defaults(block, values, body.entering)
    for formal in block.tree.formals:
        name = formal.name.id
        if formal.is_tensor:
            continue
        default = None
        if formal.default is not None:
            try:
                default = symbolic.plain(inner.value(formal.default))
            except Fault:  # it needs what is not at its default, and was never computed
                default = None
        if formal.default is None or values[name] != default:
            yield name, values[name]


def _group(span: Span) -> str:
    """A group as it was written, on one line; `{ … }` where it is long."""
    text = re.sub(r"^\w+(\{[^}]*\})?:\s*", "", source_text(span, most=10 * _LONGEST))
    if len(text) <= _LONGEST:
        return text
    head, bracket, _ = re.split(r"([{<])", text + "{", maxsplit=1)
    return f"{head[:_LONGEST]}{bracket} … {'}' if bracket == '{' else '>'}"


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
