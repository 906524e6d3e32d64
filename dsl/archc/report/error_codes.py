"""What each error code means: `docs/errors.md`, read as data.

A section a code: `## A201 · title`, an explanation, then a program that is wrong and one that is
right, as fenced blocks. A test compiles every program and finds exactly what the section says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from archc.data import ERRORS

VERSION = 1  # of the JSON; grows when a key goes or changes its meaning


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One code. `wrong` and `right` are empty where no program can show it (a missing file)."""

    code: str
    title: str
    text: str
    wrong: str = ""
    right: str = ""


_SECTION = re.compile(r"^## ([AW]\d{3}) · (.+)$", re.MULTILINE)
_FENCE = re.compile(r"^```arch (wrong|right)\n(.*?)^```$\n?", re.MULTILINE | re.DOTALL)


def entries() -> dict[str, ErrorCode]:
    """All codes, in the order of the document."""
    _, *parts = _SECTION.split(ERRORS.read_text(encoding="utf-8"))
    triples = zip(parts[0::3], parts[1::3], parts[2::3], strict=True)
    return {code: _entry(code, title, body) for code, title, body in triples}


def _entry(code: str, title: str, body: str) -> ErrorCode:
    programs = dict(_FENCE.findall(body))
    text = _FENCE.sub("", body.split("\n# ", 1)[0]).strip()
    return ErrorCode(code, title, text, programs.get("wrong", ""), programs.get("right", ""))


def titles() -> dict[str, str]:
    """Code to title."""
    return {code: entry.title for code, entry in entries().items()}


def json(chosen: list[ErrorCode]) -> str:
    """Codes for programs."""
    from dataclasses import asdict
    from json import dumps

    document = {"version": VERSION, "codes": [asdict(entry) for entry in chosen]}
    return dumps(document, indent=2, ensure_ascii=False) + "\n"


def explain(entry: ErrorCode) -> str:
    """The text that `archc explain CODE` prints."""
    parts = [f"{entry.code}: {entry.title}", entry.text]
    for head, program in (("Wrong:", entry.wrong), ("Right:", entry.right)):
        if program:
            parts.append(
                "\n".join((head, *(f"    {line}".rstrip() for line in program.splitlines())))
            )
    return "\n\n".join(parts) + "\n"
