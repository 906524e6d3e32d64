"""The parser that lark makes of `grammar/arch.lark`, kept as plain data beside it.

Making it takes lark a good 100 ms at each start; reading it, a tenth of that. `grammar/arch.table`
names the lark and the grammar it was made from and is not used with others, so a stale file costs
time and nothing else. After a change to the grammar: `python -m archc.syntax.parse_table`.
"""

from __future__ import annotations

import json
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import lark
from lark.grammar import Rule
from lark.lexer import TerminalDef

from archc.data import GRAMMAR

_GRAMMAR = GRAMMAR / "arch.lark"
_TABLE = GRAMMAR / "arch.table"


@cache
def load() -> lark.Lark:
    """The stored parser if it is there and fits, else one made from the grammar."""
    grammar = _GRAMMAR.read_text("utf-8")
    return stored(_TABLE, grammar) or generate(grammar)


def generate(grammar: str) -> lark.Lark:
    return lark.Lark(grammar, parser="lalr", maybe_placeholders=False)


def stored(path: Path, grammar: str) -> lark.Lark | None:
    """What `store` wrote, unless it was with another lark or for another grammar."""
    try:
        found = json.loads(path.read_text("utf-8"), object_hook=_numbered)
    except (OSError, ValueError):
        return None
    if found.get("origin") != _origin(grammar):
        return None
    read: Any = lark.Lark._load_from_dict  # as the parsers do that lark writes as programs
    parser: lark.Lark = read(found["data"], found["memo"])
    return parser


def store(path: Path, grammar: str) -> None:
    data, memo = generate(grammar).memo_serialize([TerminalDef, Rule])
    table = {"origin": _origin(grammar), "data": data, "memo": memo}
    text = json.dumps(table, separators=(",", ":"))
    path.write_text(text.replace('},"', '},\n"') + "\n", "utf-8")


def _origin(grammar: str) -> list[str]:
    return [lark.__version__, sha256(grammar.encode()).hexdigest()]


def _numbered(entries: dict[str, Any]) -> dict[str | int, Any]:
    """lark's tables have numbers for keys, which JSON has not."""
    return {int(key) if key.isdigit() else key: value for key, value in entries.items()}


if __name__ == "__main__":
    store(_TABLE, _GRAMMAR.read_text("utf-8"))
    print(_TABLE)
