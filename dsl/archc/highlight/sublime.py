"""The syntax of Sublime Text, in its own format."""

from __future__ import annotations

from collections.abc import Iterator

from archc.highlight.patterns import NEW_ITEM, groups, regex
from archc.highlight.rules import CONTEXTS, STATEMENTS, Rule
from archc.highlight.textmate import scope

_HEAD = """\
%YAML 1.2
---
# Generated: python -m archc.highlight
name: arch
file_extensions: [arch]
scope: source.arch
version: 2
contexts:
"""


def syntax() -> str:
    """Return the file `arch.sublime-syntax`."""
    return _HEAD + "".join(f"{line}\n" for name in CONTEXTS for line in _context(name))


def _context(name: str) -> Iterator[str]:
    yield f"  {'main' if name == STATEMENTS else name}:"
    if name != STATEMENTS:
        yield f"    - match: {_quoted(NEW_ITEM)}"
        yield "      pop: true"
    for rule in CONTEXTS[name]:
        yield from _match(rule)


def _match(rule: Rule) -> Iterator[str]:
    yield f"    - match: {_quoted(regex(rule))}"
    named = [(number, kind) for number, kind in enumerate(groups(rule), 1) if kind]
    if named:
        yield "      captures:"
        yield from (f"        {number}: {scope(kind)}" for number, kind in named)
    if rule.opens:
        yield f"      push: {rule.opens}"
    if rule.closes:
        yield "      pop: true"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
