"""Characters that reach a terminal, a log or a JSON: nothing that hides, or that does something.

Text from a file never reaches a terminal with its control characters.
"""

from __future__ import annotations

import re


def visible(text: str) -> str:
    """`text` on one line with control characters replaced by pictures that take one column.

    Also what nobody sees, or what turns the reading direction: a text could read as another one.
    The one door for a name or a text of the user to a terminal or a log.
    """
    if text.isprintable():
        return text
    return "".join(map(_picture, text))


def visible_lines(text: str) -> list[str]:
    """The lines of a message, each visible; at least one."""
    return [visible(line) for line in text.split("\n")]


def _picture(char: str) -> str:
    code = ord(char)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if char.isprintable():
        return char
    from unicodedata import category

    # C1 controls, direction marks, byte order marks, tags; lone surrogates; line separators
    unseen = category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") and char not in _JOINERS
    return "�" if unseen else char


_JOINERS = "\u200c\u200d"  # between letters of Persian or Hindi, in emoji


def cells(text: str) -> int:
    """How many columns of a terminal a line takes."""
    return len(text) if text.isascii() else sum(map(character_width, text))


def character_width(char: str) -> int:
    """Terminal columns: 2 for East Asian wide and emoji, 0 for what joins the one before."""
    if char.isascii():
        return 1
    from unicodedata import category, east_asian_width

    if _picture(char) != char:
        return 1
    if category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if east_asian_width(char) in "WF" else 1


def to_json(value: object) -> str:
    """JSON in which every character that is not `visible` is written as its number."""
    from json import dumps

    def shown(found: re.Match[str]) -> str:
        char = found[0]
        return char if visible(char) == char else dumps(char).strip('"').replace("\x7f", "\\u007f")

    text = dumps(value, indent=2, ensure_ascii=False)
    return re.sub(r"[^\n -~]", shown, text) + "\n"
