r"""What a text is made of, as rules that any highlighter can have: the one source of them all.

A context is a list of rules, of which the first that fits is taken. Patterns are kept to what every
engine knows: literals, `\` before signs, classes, `(?:...)`, `|`, `?`, `*` and `+`; what must stand
around a word is in fields of the rule, since Emacs cannot look ahead.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from archc.highlight import words
from archc.highlight.words import NAME
from archc.record import record
from archc.syntax import ITEM_WORDS

BLANKS = "[ \\t]*"
SOME = "[ \\t]+"
STATEMENTS, EXPRESSION, SECTION = "statements", "expression", "section"


@record
class Rule:
    """A piece of text: its parts, each with its kind, and where it may stand.

    A kind is a word, as `label`, and for operators their family behind it, as `operator conv`;
    `""` is text that has no colour of its own.
    """

    parts: tuple[tuple[str, str], ...]  # kind, pattern
    whole: bool = True  # no letter or digit touches it
    begins: bool = False  # only where a statement or an entry of a section may begin
    touching: bool = False  # only right behind a name
    unless: str = ""  # what it is not, though its pattern fits; where earlier rules go first, idle
    follows: str = ""  # what must stand behind it
    opens: str = ""  # the context that begins behind it
    closes: bool = False  # the context ends behind it


def any_of(names: Iterable[str]) -> str:
    """Return a pattern of words; the longer first, for engines that take the first that fits."""
    return f"(?:{'|'.join(sorted(names, key=lambda name: (-len(name), name)))})"


def _word(kind: str, pattern: str, **where: Any) -> Rule:
    return Rule(((kind, pattern),), **where)


def _sign(kind: str, pattern: str, **where: Any) -> Rule:
    """A rule whose text may touch letters."""
    return Rule(((kind, pattern),), whole=False, **where)


def _defined(word: str, kind: str, follows: str = "") -> Rule:
    """A word and the name behind it."""
    parts = (("declaration", word), ("", SOME), (kind, NAME))
    return Rule(parts, begins=True, follows=follows)


_PATH = '"[^"\\n]*"'  # of a label: the name of a module
_PIECES = "(?:\\{[^{}\\n]*\\}[A-Za-z0-9_]*)*"  # `{i}` in a label
_PLACE = f"(?:{NAME}|{_PATH})(?:\\.[A-Za-z0-9_]+)*"
_VALUE = f"{BLANKS}=[^=]"

_COMMENT = _sign("comment", "#[^\\n]*")
_STRING = _sign("string", words.terminal("STRING"))
_OPTION = _word("option", NAME, follows=_VALUE)
_NUMBERS = [_word("number", words.terminal(name)) for name in ("SIZE", "GEOMETRY", "FLOAT", "INT")]
_CONSTANT = _word("constant", any_of(words.CONSTANTS))
_FUNCTION = _word("function", any_of(words.FUNCTIONS), follows=f"{BLANKS}\\(")
_OPERATORS = [
    _word(f"operator {family}", any_of(names)) for family, names in words.families().items()
]
_KEYWORDS = [
    _word("builtin", words.terminal("INCOMING")),
    _sign("reference", f"@{_PLACE}"),
    _word("keyword", any_of(words.KEYWORDS)),
]
_NAME = _word("name", "[A-Za-z0-9_]+")  # whatever it is: `3a`, too
_OPENING = _sign("punctuation", "[(\\[]", opens=EXPRESSION)
_SIGNS = [
    _sign("sign", "\\*\\*|//|\\.\\.|[<>=!]=|[-+*/%<>|=]"),
    _sign("punctuation", "[{}()\\[\\],;:.@]"),
    _sign("", SOME),
]
# Where a block's name may stand but for these: words of the language, labels.
_NO_BLOCK = (
    f"{any_of([*words.operators(), *words.KEYWORDS, 'each', 'as'])}\\b|{NAME}{_PIECES}{BLANKS}:"
)

CONTEXTS: dict[str, tuple[Rule, ...]] = {
    STATEMENTS: (
        _COMMENT,
        _sign("label", _PATH, begins=True, follows=f"{BLANKS}:"),
        _STRING,
        Rule(
            (("declaration", any_of(words.SECTIONS)), ("", BLANKS), ("punctuation", "\\{")),
            whole=False,
            begins=True,
            opens=SECTION,
        ),
        _word("label", NAME, follows=f"{_PIECES}{BLANKS}:"),
        _defined(any_of(words.DEFINING), "definition"),
        _defined("let", "definition", follows=_VALUE),
        _defined("output", "label"),
        _defined("input", "label", follows="\\{"),
        _word("declaration", "extends", begins=True, follows=f'{SOME}"'),
        _defined("without", "label"),
        _word("declaration", "(?:use|input|output|devices)", begins=True),
        _word("keyword", "each", follows=f"{SOME}[A-Za-z_(][^;|{{}}<>\\n]* in "),
        Rule((("keyword", "as"), ("", SOME), ("label", NAME))),
        Rule((("keyword", "reuse"), ("", SOME), ("reference", _PLACE)), whole=False),
        *_KEYWORDS,
        _OPTION,
        *_NUMBERS,
        _word("number", "[xpgd](?:[0-9]+x)*", follows="\\("),  # `x(width)`
        _word("number", "(?:[0-9]+x)+", follows="\\("),  # `3x(k)`
        _CONSTANT,
        _FUNCTION,
        *_OPERATORS,
        _word("attribute", any_of(words.attribute_words())),
        _word("block", NAME, follows="\\("),
        _word("block", NAME, begins=True, unless=_NO_BLOCK),
        _NAME,
        _OPENING,
        _sign("punctuation", "\\{", touching=True, follows="[^{}\\n]*\\}", opens=EXPRESSION),
        *_SIGNS,
    ),
    EXPRESSION: (
        _COMMENT,
        _STRING,
        *_KEYWORDS,
        _OPTION,
        *_NUMBERS,
        _CONSTANT,
        _FUNCTION,
        _NAME,
        _OPENING,
        _sign("punctuation", "[)\\]}]", closes=True),
        *_SIGNS,
    ),
    SECTION: (
        _COMMENT,
        _STRING,
        _word("property", NAME, begins=True),
        _OPTION,
        _word("number", words.terminal("QUANTITY")),
        *_NUMBERS,
        _CONSTANT,
        _word("attribute", any_of(words.recipe_words())),
        _NAME,
        _OPENING,
        _sign("punctuation", "\\}", closes=True),
        *_SIGNS,
    ),
}

# Where a bracket is never closed, because it is being typed: a line that can only be a new item.
ITEM_LINE = f"{any_of(ITEM_WORDS)}[ \\t]"


def kinds() -> list[str]:
    """Return all kinds that rules give, each once."""
    found = [kind for rules in CONTEXTS.values() for rule in rules for kind, _ in rule.parts]
    return [kind for kind in dict.fromkeys(found) if kind]
