"""Statements of a base that have no label, by which a variant could replace them.

A variant may call one as `archc summary` shows it (`conv1`), or by its operator.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from archc import syntax
from archc.data import ARCHS
from archc.elaborate.names import labels_in
from archc.ops import REGISTRY
from archc.syntax.walk import words_of

_MOST = 6  # lines in a message
_PORTS = ("input", "output", "devices")


def without_label(base: syntax.File, name: str) -> list[syntax.Statement]:
    """Return the statements of a base that a name may mean: the one shown so, or all of a kind."""
    kinds: dict[str, list[syntax.Statement]] = {}
    shown: dict[str, syntax.Statement] = {}
    statements = tuple(item for item in base.items if isinstance(item, syntax.Statement))
    labels = labels_in(syntax.Sequence(statements, base.span))
    numbers: Counter[str] = Counter()
    uncounted: set[str] = set()  # what stands in a statement of many operators
    for statement in statements:
        term = statement.term
        if not isinstance(term, syntax.Operation) or term.branches or statement.repeat is not None:
            uncounted |= {_kind(word) for word in words_of(statement.span)}
        elif statement.label is None and term.name.id not in _PORTS:
            kind = _kind(term.name.id)
            kinds.setdefault(kind, []).append(statement)
            numbers[kind] += 1
            while f"{kind}{numbers[kind]}" in labels:
                numbers[kind] += 1
            if kind not in uncounted:
                shown[f"{kind}{numbers[kind]}"] = statement
    return [shown[name]] if name in shown else kinds.get(_kind(name), [])


def is_called_after(item: syntax.Item, name: str) -> bool:
    """Whether a statement's label is the name of its own operator: `fc: fc 10`."""
    term = item.term if isinstance(item, syntax.Statement) else None
    return isinstance(term, syntax.Operation) and _kind(term.name.id) == _kind(name)


def label_it(meant: list[syntax.Statement], name: str) -> str:
    """Say how a statement of the base gets the label by which it can be replaced."""
    source, where = meant[0].span.source, ""
    if Path(source.name).parent == ARCHS:
        where = f" in a copy (`archc new mybase --from {source.stem}`)"
    if len(meant) > 1:
        *first, last = (str(statement.span.line) for statement in meant)
        lines = f"{', '.join(first[:_MOST])} and {last if len(first) < _MOST else 'more'}"
        return (
            f"the base has `{name}` without a label on lines {lines}: "
            f"give the one that is meant a label{where} to replace it"
        )
    text = " ".join(meant[0].span.text.split())
    return (
        f"the base's `{text}` (line {meant[0].span.line}) has no label: "
        f"give it one{where}, `{name}: {text}`, to replace it"
    )


def _kind(name: str) -> str:
    """What a statement is counted as: the operator by its own name, or the block."""
    return REGISTRY[name].name if name in REGISTRY else name
