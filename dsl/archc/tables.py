"""The parse tables: made by lark from `grammar/arch.lark`, kept as plain data beside it.

Making them takes lark a good 100 ms and its import 50 more, at each start; reading them
takes a few. `grammar/arch.table` names the grammar it was made from, and one of another grammar
is not used, so a stale file costs time and nothing else. After a change to the grammar:
`python -m archc.tables`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from archc.data import GRAMMAR

if TYPE_CHECKING:
    from pathlib import Path

    from lark import Lark
    from lark.grammar import Rule

_IGNORED = "WS"
_NEVER = "ERR"  # the parser puts it in place of a bad statement; no text has it


@dataclass(frozen=True, slots=True)
class Reduction:
    """A rule of the grammar as the parser needs it."""

    origin: str  # the rule it is an alternative of
    size: int  # how many values it takes off the stack
    method: str  # of the builder; "" makes a list, to be spliced into the rule around
    single: bool  # of one child alone, make just that child
    kept: list[int]  # the children that count; the others are punctuation
    spliced: list[int]  # those of the kept ones that are lists to splice


@dataclass(frozen=True, slots=True)
class Tables:
    """An LALR automaton and its lexer. State 0 is the start.

    An action is the state to go to, or -1 - n for reduction n. `terminals` are in the order in
    which the lexer tries them.
    """

    actions: list[dict[str, int]]
    gotos: list[dict[str, int]]
    end: int
    reductions: list[Reduction]
    terminals: dict[str, str]


def load() -> Tables:
    """From the stored tables if they are there and of this grammar, else from the grammar."""
    grammar = _grammar().read_text("utf-8")
    try:
        stored = json.loads(_stored().read_text("utf-8"))
        if stored.pop("grammar") == _digest(grammar):
            reductions = [Reduction(*fields) for fields in stored.pop("reductions")]
            return Tables(**stored, reductions=reductions)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        pass
    return generate(grammar)


def generate(grammar: str) -> Tables:
    """lark's analysis of a grammar, renumbered so that the same grammar gives the same tables."""
    from lark import Lark

    lark = Lark(grammar, parser="lalr", maybe_placeholders=False)
    table: Any = lark.parser.parser._parse_table
    order = _breadth_first(table.states, table.start_states["start"])
    number = {state: place for place, state in enumerate(order)}
    rules = sorted(lark.rules, key=lambda rule: (rule.origin.name, rule.order, str(rule)))
    place_of = {rule: place for place, rule in enumerate(rules)}
    actions: list[dict[str, int]] = []
    gotos: list[dict[str, int]] = []
    for state in order:
        actions.append({})
        gotos.append({})
        for name, (_action, target) in sorted(table.states[state].items()):
            if not name.isupper():
                gotos[-1][str(name)] = number[target]
            elif target in number:
                actions[-1][str(name)] = number[target]
            else:
                actions[-1][str(name)] = -1 - place_of[target]
    return Tables(
        actions,
        gotos,
        number[table.end_states["start"]],
        [_reduction(rule) for rule in rules],
        _terminals(lark),
    )


def _breadth_first(states: Any, start: int) -> list[int]:
    order = [start]
    seen = {start}
    for state in order:
        for _name, (_action, target) in sorted(states[state].items()):
            if isinstance(target, int) and target not in seen:
                seen.add(target)
                order.append(target)
    return order


def _reduction(rule: Rule) -> Reduction:
    """lark's conventions: `_rule` is spliced, `?rule` of one child is that child."""
    origin = str(rule.origin.name)
    kept = [n for n, symbol in enumerate(rule.expansion) if not _is_filtered(symbol)]
    spliced = [n for n in kept if not rule.expansion[n].is_term and _is_spliced(rule.expansion[n])]
    return Reduction(
        origin,
        len(rule.expansion),
        "" if origin.startswith("_") else str(rule.alias or origin),
        bool(rule.options.expand1 and not rule.alias),
        kept,
        spliced,
    )


def _is_filtered(symbol: Any) -> bool:
    return bool(symbol.is_term and symbol.filter_out)


def _is_spliced(symbol: Any) -> bool:
    return bool(symbol.name.startswith("_"))


def _terminals(lark: Lark) -> dict[str, str]:
    found = [t for t in lark.terminals if t.name != _NEVER]
    found.sort(key=lambda t: (-t.priority, -t.pattern.max_width, -len(t.pattern.value), t.name))
    return {str(t.name): t.pattern.to_regexp() for t in found}


def store() -> Path:
    """Writes `grammar/arch.table`."""
    grammar = _grammar().read_text("utf-8")
    tables = generate(grammar)
    data = {
        "grammar": _digest(grammar),
        "terminals": tables.terminals,
        "end": tables.end,
        "reductions": [
            [getattr(r, name) for name in Reduction.__slots__] for r in tables.reductions
        ],
        "actions": tables.actions,
        "gotos": tables.gotos,
    }
    lines = [f"{json.dumps(key)}: {_rows(value)}" for key, value in data.items()]
    path = _stored()
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
    return path


def _rows(value: Any) -> str:
    """JSON with a row of a table on a line, for a readable diff."""
    if not isinstance(value, list):
        return json.dumps(value)
    return "[\n" + ",\n".join(json.dumps(row, separators=(",", ":")) for row in value) + "\n]"


def _grammar() -> Path:
    return GRAMMAR / "arch.lark"


def _stored() -> Path:
    return GRAMMAR / "arch.table"


def _digest(grammar: str) -> str:
    return sha256(grammar.encode()).hexdigest()


if __name__ == "__main__":
    print(store())
