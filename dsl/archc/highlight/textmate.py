"""The grammar of TextMate, in JSON: VS Code, and whatever else reads such grammars."""

from __future__ import annotations

import json
from typing import Any

from archc.highlight.patterns import NEW_ITEM, groups, regex
from archc.highlight.rules import CONTEXTS, STATEMENTS, Rule

SCOPES = {
    "attribute": "support.constant",
    "block": "entity.name.function",
    "builtin": "variable.language",
    "comment": "comment.line.number-sign",
    "constant": "constant.language",
    "declaration": "keyword.control.declaration",
    "definition": "entity.name.type",
    "function": "support.function.builtin",
    "keyword": "keyword.control",
    "label": "entity.name.label",
    "name": "variable.other",
    "number": "constant.numeric",
    "operator": "support.function",
    "option": "variable.parameter",
    "property": "keyword.other.property",
    "punctuation": "punctuation",
    "reference": "variable.other.label",
    "sign": "keyword.operator",
    "string": "string.quoted.double",
}


def scope(kind: str) -> str:
    """Return the scope of a kind: `operator conv` is `support.function.conv.arch`."""
    word, _, family = kind.partition(" ")
    return ".".join(part for part in (SCOPES[word], family, "arch") if part)


def captures(rule: Rule) -> dict[str, dict[str, str]]:
    """Return the scopes of the groups of a rule's expression."""
    named = enumerate(groups(rule), 1)
    return {str(number): {"name": scope(kind)} for number, kind in named if kind}


def grammar() -> str:
    """Return the file `arch.tmLanguage.json`."""
    repository = {name: {"patterns": [_pattern(r) for r in _open(name)]} for name in CONTEXTS}
    written = {
        "name": "arch",
        "scopeName": "source.arch",
        "fileTypes": ["arch"],
        "comment": "Generated: python -m archc.highlight",
        "patterns": [{"include": f"#{STATEMENTS}"}],
        "repository": repository,
    }
    return json.dumps(written, indent=1) + "\n"


def _open(context: str) -> list[Rule]:
    """The rules of a context but those that end it, which TextMate has at what begins it."""
    return [rule for rule in CONTEXTS[context] if not rule.closes]


def _pattern(rule: Rule) -> dict[str, Any]:
    if not rule.opens:
        return {"match": regex(rule), "captures": captures(rule)}
    (close,) = (other for other in CONTEXTS[rule.opens] if other.closes)
    return {
        "begin": regex(rule),
        "beginCaptures": captures(rule),
        "end": f"{regex(close)}|{NEW_ITEM}",
        "endCaptures": captures(close),
        "patterns": [{"include": f"#{rule.opens}"}],
    }
