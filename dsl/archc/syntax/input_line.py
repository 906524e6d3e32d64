"""The line of a file that says what comes in, and where a pasted layer says it."""

from __future__ import annotations

import re
from dataclasses import replace

from archc import habits
from archc.source import Source
from archc.syntax.pasted_classes import is_in_class
from archc.syntax.python import PythonLine

_INPUT = re.compile(r"^[ \t]*input\b(?:[ \t]+[a-z_]\w*)?[ \t]+(\d+(?:x\d+)*)[ \t]+x\d", re.M)
_ANY_INPUT = re.compile(r"^[ \t]*input[ \t]+[\w(]", re.MULTILINE)


def dimensions(text: str) -> int | None:
    """How many the file's inputs have, as far as can be seen; images are what most have."""
    found = {len(size.split("x")) for size in _INPUT.findall(text)} or {2}
    return found.pop() if len(found) == 1 else None


def has_input(text: str) -> bool:
    """Whether a file has a line for what comes in."""
    return _ANY_INPUT.search(text) is not None


def with_input(made: habits.Translation, source: Source, start: int) -> habits.Translation:
    """With the line for what comes in above it, where a layer says it and the file has none yet."""
    text = source.text
    margin = text[text.rfind("\n", 0, start) + 1 : start]
    is_inside = text.count("{", 0, start) != text.count("}", 0, start)
    if not made.input or margin.strip() or is_inside or has_input(text):
        return made
    if is_in_class(PythonLine(source, start)):
        return made
    return replace(made, text=f"{made.input}\n{margin}{made.text}")
