"""Rules as regular expressions of Python and Oniguruma, and patterns taken to pieces for others."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archc.highlight.rules import ITEM_LINE, Rule

# Behind a line's start, `{`, `;`, `|`, a combinator's `<` or a label's colon.
BEGINNING = r"(?:^|(?<=[{;|])|(?<=[A-Za-z0-9_]<)|(?<=:)(?=[ \t]))"
TOUCHING = r"(?<=[A-Za-z0-9_}.-])"
NEW_ITEM = f"^(?={ITEM_LINE})"
_PIECE = re.compile(
    r"(?P<open>\(\?:)|(?P<close>\))|(?P<or>\|)|(?P<repeat>[?*+])"
    r"|(?P<set>\[\^?(?:\\.|[^\]\\])+\])|(?P<literal>\\.|[^\\])"
)


def regex(rule: Rule) -> str:
    """Return a rule as a regular expression: a group a part, behind one of blanks if it begins."""
    edge = r"\b" if rule.whole else ""
    before = f"{BEGINNING}([ \\t]*)" if rule.begins else TOUCHING if rule.touching else ""
    unless = f"(?!{rule.unless})" if rule.unless else ""
    parts = "".join(f"({pattern})" for _, pattern in rule.parts)
    behind = f"(?={rule.follows})" if rule.follows else ""
    return f"{before}{edge}{unless}{parts}{edge}{behind}"


def groups(rule: Rule) -> list[str]:
    """Return the kinds of the groups of `regex`."""
    return [*([""] if rule.begins else []), *(kind for kind, _ in rule.parts)]


def pieces(pattern: str) -> Iterator[tuple[str, str]]:
    """Yield a pattern's pieces, each with what it is; a literal without its backslash."""
    for found in _PIECE.finditer(pattern):
        kind, text = str(found.lastgroup), found.group()
        yield kind, _literal(text) if kind == "literal" else text


def _literal(text: str) -> str:
    return {"\\t": "\t", "\\n": "\n"}.get(text, text[-1])
