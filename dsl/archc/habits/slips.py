"""Slips of Python in what is pasted: a header without its colon, a bracket that is not closed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from archc.habits.call import is_deep

_MOST = 5  # in one class
_QUOTED = r"""(?P<quote>["'])(?:\\.|(?!(?P=quote)).)*(?P=quote)"""
_MARK = re.compile(rf"{_QUOTED}|[()\[\]{{}}#]")
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_STATEMENT = re.compile(r"[ \t]*(?:(?:self\.)?\w+[ \t]*=(?!=)|(?:return|def|for|if|super)\b)")


@dataclass(frozen=True, slots=True)
class Slip:
    """What a line lacks at its end."""

    line: int  # of the text, from 0
    signs: str


def mended(text: str) -> tuple[str, tuple[Slip, ...]]:
    """A text of Python with what its lines lack, and what that is; nothing where it is none."""
    if is_deep(text):
        return text, ()
    slips = list(_open_brackets(text))
    while len(slips) <= _MOST:
        whole = _with(text, slips)
        line = _without_colon(whole)
        if line is None:
            return whole, tuple(slips)
        slips.append(Slip(line, ":"))
    return text, ()


def _open_brackets(text: str) -> Iterator[Slip]:
    """Brackets that the next statement comes before: one that stands no further right."""
    lines = text.split("\n")
    stack: list[str] = []
    margin = 0
    for at, line in enumerate(lines):
        if not stack:
            margin = _margin(line)
        for found in _MARK.finditer(line):
            mark = found.group()
            if mark == "#":
                break
            if mark in _CLOSING:
                stack.append(_CLOSING[mark])
            elif stack and mark == stack[-1]:
                stack.pop()
        following = next((more for more in lines[at + 1 :] if more.strip()), "")
        if stack and _margin(following) <= margin and _STATEMENT.match(following):
            yield Slip(at, "".join(reversed(stack)))
            stack.clear()


def _without_colon(text: str) -> int | None:
    """The line that Python says lacks one, if that is the first thing wrong."""
    import ast  # for a mistake alone
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(text)
        except SyntaxError as error:
            return error.lineno - 1 if error.msg == "expected ':'" and error.lineno else None
        except (ValueError, RecursionError, MemoryError):
            return None
    return None


def _with(text: str, slips: list[Slip]) -> str:
    lines = text.split("\n")
    for slip in slips:
        code = re.match(rf"(?:{_QUOTED}|[^#\"'])*", lines[slip.line])
        end = len(code[0].rstrip()) if code is not None else 0
        lines[slip.line] = f"{lines[slip.line][:end]}{slip.signs}{lines[slip.line][end:]}"
    return "\n".join(lines)


def _margin(line: str) -> int:
    return len(line) - len(line.lstrip())
