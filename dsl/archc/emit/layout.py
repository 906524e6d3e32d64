"""Python expressions as structure, and their layout as `ruff format` has it.

Only the forms that generated models use are here. A line is at most 88 characters; a call that
does not fit is opened, its arguments on one line if they fit there, else one a line.
"""

from __future__ import annotations

import re
from ast import literal_eval
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

WIDTH = 88


@dataclass(frozen=True, slots=True)
class Bracketed:
    """Something in brackets: `nn.Conv2d(3, 64, 7)`, `[a, b]`, `(a, b)`.

    `rows` puts each item on a line of its own however short, with its comment.
    """

    head: str  # what stands before the bracket: "nn.Conv2d", or "" for a list or tuple
    items: tuple[CallArgument, ...]
    brackets: str = "()"
    rows: bool = False


@dataclass(frozen=True, slots=True)
class CallArgument:
    """An argument: positional, or by name; with a comment where it has its own row.

    In a dict the name is a key, quotes and colon included.
    """

    value: Code
    name: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Generator:
    """`*(value for target)`: a repeat inside a Sequential; `value for target` is all of a list."""

    value: Code
    loop: str  # "for _ in range(3)"
    is_all: bool = False


Code = str | Bracketed | Generator


def call(head: str, *items: Code | CallArgument, rows: bool = False) -> Bracketed:
    return Bracketed(
        head, tuple(i if isinstance(i, CallArgument) else CallArgument(i) for i in items), rows=rows
    )


_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


# where a long expression breaks, what binds most loosely first
_MARKS = ((" if ", " else "), (" or ",), (" and ",), (" | ",), (" + ", " - "), (" * ", " / "))


def negated(test: str) -> str:
    """The opposite of a condition: `stride <= 1`, `not self.residual`."""
    sides = re.fullmatch(r"([^<>=!]+) (==|!=|<=|>=|<|>) ([^<>=!]+)", test)
    if sides and not re.search(r"\b(and|or|not|if)\b", test):
        return f"{sides[1]} {_OPPOSITE[sides[2]]} {sides[3]}"
    if test.endswith(" is not None"):
        return test.replace(" is not ", " is ")
    return f"not ({test})" if " " in test else f"not {test}"


def both(test: Code, other: Code) -> str:
    """The condition that two conditions hold."""
    sides = (flat(test), flat(other))
    return " and ".join(f"({s})" if " or " in s or " if " in s else s for s in sides)


def opened(text: str) -> Code:
    """The source of a literal list or tuple as structure, so that it can be laid out."""
    try:
        value = literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    return _literal_group(value) if isinstance(value, tuple) else text


def _literal_group(value: Any) -> Code:
    if not isinstance(value, tuple) or len(value) < 2:
        return repr(value)
    return Bracketed("", tuple(CallArgument(_literal_group(item)) for item in value))


def has_rows(code: Code) -> bool:
    """Whether the code needs several lines whatever its length."""
    match code:
        case Bracketed():
            return code.rows or any(has_rows(item.value) for item in code.items)
        case Generator():
            return has_rows(code.value)
        case _:
            return False


def flat(code: Code) -> str:
    """The code on one line."""
    match code:
        case str():
            return code
        case Generator():
            text = f"{flat(code.value)} {code.loop}"
            return text if code.is_all else f"*({text})"
        case Bracketed():
            items = ", ".join(flat_item(item) for item in code.items)
            return f"{code.head}{code.brackets[0]}{items}{code.brackets[1]}"


def flat_item(item: CallArgument) -> str:
    return _prefix(item) + flat(item.value)


def _prefix(item: CallArgument) -> str:
    return item.name if item.name.endswith(": ") else f"{item.name}=" if item.name else ""


def lay(prefix: str, code: Code, suffix: str = "", indent: int = 0) -> list[str]:
    """`prefix code suffix` as lines at an indent (in spaces)."""
    pad = " " * indent
    line = f"{pad}{prefix}{flat(code)}{suffix}"
    if not has_rows(code) and len(line) <= WIDTH:
        return [line]
    match code:
        case str():
            items = _tuple_items(code)
            if items:
                return lay(prefix, Bracketed("", items), suffix, indent)
            if prefix.endswith(" = ") and any(_split(code, marks) for marks in _MARKS):
                return [f"{pad}{prefix}(", *_broken(code, indent + 4), f"{pad}){suffix}"]
            return _broken(f"{prefix}{code}{suffix}", indent)
        case Generator(is_all=True):
            return [*lay(prefix, code.value, "", indent), f"{pad}{code.loop}{suffix}"]
        case Generator():
            head, _, over = code.loop.partition(" in ")
            loop = lay(f"{head} in ", opened(over), "", indent + 4)
            inner = [*lay("", code.value, "", indent + 4), *loop]
            return [f"{pad}{prefix}*(", *inner, f"{pad}){suffix}"]
        case Bracketed():
            return [
                f"{pad}{prefix}{code.head}{code.brackets[0]}",
                *_open(code, indent + 4),
                f"{pad}{code.brackets[1]}{suffix}",
            ]


def _tuple_items(text: str) -> tuple[CallArgument, ...]:
    """The items of a tuple's source; none of anything else, `(a) + (b)` included."""
    depth, cuts = 0, [1]
    for at, char in enumerate(text):
        depth += (char in "([{") - (char in ")]}")
        if not depth and at < len(text) - 1:
            return ()
        if depth == 1 and text.startswith(", ", at):
            cuts.append(at + 2)
    ends = [*(cut - 2 for cut in cuts[1:]), len(text) - 1]
    items = tuple(CallArgument(text[a:b]) for a, b in zip(cuts, ends, strict=True))
    return items if len(items) > 1 else ()


def _broken(text: str, indent: int) -> list[str]:
    """A long expression over lines: at `if` and `else`, before operators, or in its brackets."""
    pad = " " * indent
    if len(pad + text) <= WIDTH:
        return [pad + text]
    for marks in _MARKS:
        if parts := _split(text, marks):
            return [line for part in parts for line in _broken(part, indent)]
    sides = re.fullmatch(r"((?:if |else |[-+*/|] )?\()(.+)(\),?)", text)
    if sides is None or not _closes_last(sides[2]):
        return [pad + text]
    return [pad + sides[1], *_broken(sides[2], indent + 4), pad + sides[3]]


def _closes_last(inner: str) -> bool:
    """Whether a text in brackets ends with the bracket that was opened before it."""
    depths = accumulate((c in "([{") - (c in ")]}") for c in inner)
    return all(depth >= 0 for depth in depths)


def _split(text: str, marks: tuple[str, ...]) -> list[str]:
    """The text cut before each mark that is outside of brackets."""
    cuts, depth = [0], 0
    for at, char in enumerate(text):
        depth += (char in "([{") - (char in ")]}")
        if not depth and char == " " and text.startswith(marks, at):
            cuts.append(at + 1)
    ends = [*cuts[1:], len(text)]
    return [text[a:b].strip() for a, b in zip(cuts, ends, strict=True)] if cuts[1:] else []


def _open(group: Bracketed, indent: int) -> list[str]:
    """What is in the brackets, on lines of its own."""
    joined = " " * indent + ", ".join(flat_item(item) for item in group.items)
    commented = any(item.comment for item in group.items)
    if group.brackets == "()" and not has_rows(group) and len(joined) <= WIDTH and not commented:
        return [joined]
    sole = len(group.items) == 1 and not group.rows  # nothing to separate: no comma either
    lines: list[str] = []
    for item in group.items:
        row = lay(_prefix(item), item.value, "" if sole else ",", indent)
        if item.comment and len(row[-1]) + len(item.comment) + 4 <= WIDTH:
            row[-1] += f"  # {item.comment}"
        lines += row
    return lines
