"""The lexer of Pygments, found through the entry point `pygments.lexers`: MkDocs, Sphinx, Jupyter.

An operator's family is a token type below `Name.Builtin`, which a style may colour, and a class of
its own in HTML (`nb nb-Conv`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from pygments.lexer import RegexLexer, bygroups
from pygments.token import (
    Comment,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Text,
    Whitespace,
    _TokenType,
)

from archc.highlight.patterns import NEW_ITEM, groups, regex
from archc.highlight.rules import CONTEXTS, STATEMENTS, Rule

_TYPES: dict[str, _TokenType] = {
    "": Whitespace,
    "attribute": Keyword.Pseudo,
    "block": Name.Function,
    "builtin": Name.Variable.Magic,
    "comment": Comment.Single,
    "constant": Keyword.Constant,
    "declaration": Keyword.Declaration,
    "definition": Name.Class,
    "function": Name.Function.Magic,
    "keyword": Keyword,
    "label": Name.Label,
    "name": Name,
    "number": Number,
    "option": Name.Attribute,
    "property": Name.Property,
    "punctuation": Punctuation,
    "reference": Name.Variable,
    "sign": Operator,
    "string": String,
}


def token_type(kind: str) -> _TokenType:
    """Return the token type of a kind: `operator conv` is Name.Builtin.Conv."""
    word, _, family = kind.partition(" ")
    if family:
        found: _TokenType = getattr(Name.Builtin, family.capitalize())
        return found
    return _TYPES[word]


def _entry(rule: Rule) -> tuple[Any, ...]:
    """A rule as Pygments has it: the expression, the types, and where it goes on."""
    kinds = groups(rule)
    types = [token_type(kind) for kind in kinds]
    if rule.opens:
        return (regex(rule), bygroups(*types), rule.opens)
    return (regex(rule), bygroups(*types), *(["#pop"] if rule.closes else []))


def _state(name: str) -> Iterator[tuple[Any, ...]]:
    if name != STATEMENTS:
        yield (NEW_ITEM, Text, "#pop")
    for rule in CONTEXTS[name]:
        yield _entry(rule)
    yield (r"[\s\ufeff]", Whitespace)


class ArchLexer(RegexLexer):
    """Neural network architectures in the language of archc."""

    name = "archc"
    aliases: ClassVar[list[str]] = ["arch", "archc"]
    filenames: ClassVar[list[str]] = ["*.arch"]
    mimetypes: ClassVar[list[str]] = ["text/x-arch"]
    tokens: ClassVar[dict[str, Any]] = {
        "root": list(_state(STATEMENTS)),
        **{name: list(_state(name)) for name in CONTEXTS if name != STATEMENTS},
    }
