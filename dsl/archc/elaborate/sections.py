"""`meta`, `train` and `expect`: what a file says about its network, read and checked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from archc import syntax
from archc.elaborate.evaluate import Evaluator
from archc.recipe import LINES, Init, Line, Setting, read_line
from archc.source import (
    Diagnostic,
    Diagnostics,
    Edit,
    Fault,
    Fix,
    Severity,
    Span,
    SpanLabel,
    fault,
    spelling,
)

_OF_OPTIMIZER = ("lr", "learning_rate", "momentum", "weight_decay", "betas", "eps", "nesterov")
_IN_PERCENT = ("top1_error", "top5_error")  # with or without the sign
MEASURED = (*_IN_PERCENT, "crops", "measured")
_PUBLISHED = ("display", "paper", "authors", "arxiv", "venue", "pretrained", *MEASURED)
_FACTS = frozenset(("family", "dataset", "year", *_PUBLISHED))  # that archc itself reads
EXPECT = ("params", "macs", "output", "weights", "buffers")


@dataclass(frozen=True, slots=True)
class Expectation:
    """`macs 4.09G`: what must come out. `relation` is "" for equal to the precision written."""

    key: str
    relation: str
    value: Any
    written: str
    span: Span


@dataclass(slots=True)
class Facts:
    """All that the sections of a file say."""

    meta: dict[str, Any] = field(default_factory=dict)
    train: dict[str, list[Line]] = field(default_factory=dict)  # by the first word
    expect: list[Expectation] = field(default_factory=list)

    @property
    def initialisations(self) -> list[Init]:
        """The `init` lines of `train`, in order."""
        return [line for line in self.train.get("init", []) if isinstance(line, Init)]

    def forget(self, *keys: str) -> None:
        """Leave out what `meta` says, where it is so no longer."""
        for key in keys:
            self.meta.pop(key, None)


def read_sections(file: syntax.File, env: dict[str, Any], diagnostics: Diagnostics) -> Facts:
    """The sections of a file; what is wrong in them goes to `diagnostics`."""
    facts, evaluator = Facts(), Evaluator(env, None)
    seen: dict[str, Span] = {}
    for item in file.items:
        if not isinstance(item, syntax.Section):
            continue
        kind = item.kind.id
        for entry in item.entries:
            try:
                if kind == "expect":
                    facts.expect.append(_expectation(entry, evaluator))
                elif kind == "train":
                    facts.train.setdefault(entry.key.id, []).append(_training(entry, evaluator))
                else:
                    _once(entry, seen)
                    facts.meta[entry.key.id] = _fact(entry, evaluator)
                    diagnostics.extend(_other_facts(entry))
            except Fault as mistake:
                diagnostics.add(mistake.diagnostic)
    return facts


def is_result(key: str) -> bool:
    """Whether a line of `meta` says what came out of a test, or on what."""
    return key in MEASURED or key == "dataset"


def inherited(entry: syntax.Entry, is_other: bool, has_other_results: bool) -> bool:
    """Whether a fact of a network is one of its variant: of another network, or another training.

    A number is a result, or the year of the paper; `display` names what has those results.
    """
    key, numbers = entry.key.id, [*map(_is_number, entry.values)]
    if is_other:
        return key not in _PUBLISHED and not any(numbers)
    is_of_results = key in ("display", *MEASURED) or (any(numbers) and key != "year")
    return not (has_other_results and is_of_results)


def _is_number(value: Any) -> bool:
    return isinstance(value, syntax.Plain) and isinstance(value.value, syntax.Number)


def _once(entry: syntax.Entry, seen: dict[str, Span]) -> None:
    earlier = seen.setdefault(entry.key.id, entry.key.span)
    if earlier is not entry.key.span:
        other = SpanLabel(earlier, "the other is here")
        title = f"`{entry.key.id}` is given twice"
        raise fault("A304", title, entry.key.span, "keep one of them", also=(other,))


def _setting(entry: syntax.Entry, evaluator: Evaluator) -> Setting:
    if entry.relation:
        raise fault("A312", "only `expect` compares", entry.span, "leave out the sign")
    values: list[Any] = []
    options: dict[str, Any] = {}
    for attribute in entry.values:
        if isinstance(attribute, syntax.Option):
            options[attribute.name.id] = _plain(attribute.value, evaluator)
        else:
            values.append(_plain(attribute, evaluator))
    return Setting(entry.key.id, tuple(values), options, entry.span)


def _plain(value: Any, evaluator: Evaluator) -> Any:
    """A word, number, text, list or size as a plain value."""
    match value:
        case syntax.Word():
            return value.id
        case syntax.Plain():
            return evaluator.value(value.value)
        case syntax.Size():
            return value.dims
        case syntax.Geometry() | syntax.Stride() | syntax.Sized() | syntax.Reference():
            return value.span.text
        case _:
            return evaluator.value(value)


def _training(entry: syntax.Entry, evaluator: Evaluator) -> Line:
    key = entry.key.id
    if key not in LINES:
        cure: Fix | str = spelling(key, LINES, entry.key.span) or f"there are {', '.join(LINES)}"
        if key in _OF_OPTIMIZER:
            cure = f"it belongs to the optimizer: `optimizer sgd {key}={_written(entry)}`"
        raise fault("A312", f"`train` has no `{key}`", entry.key.span, cure)
    return read_line(_setting(entry, evaluator))


def _written(entry: syntax.Entry) -> str:
    """The values of an entry as they stand in the text."""
    return entry.values[0].span.to(entry.values[-1].span).text if entry.values else "..."


def _fact(entry: syntax.Entry, evaluator: Evaluator) -> Any:
    setting = _setting(entry, evaluator)
    if not setting.values:
        raise fault(
            "A312",
            f"`{entry.key.id}` says nothing",
            entry.span,
            'as in `year 2015` or `paper "..."`',
        )
    values = setting.values
    if entry.key.id in _IN_PERCENT and values[1:] == ("%",):
        return values[0]
    return values[0] if len(values) == 1 else values


def _other_facts(entry: syntax.Entry) -> Iterator[Diagnostic]:
    """Warn of `display "Net" family "F"`, which is one fact: the second is lost in the first."""
    values, key = entry.values, entry.key.id
    others = {at: name for at in range(1, len(values)) if (name := _another_fact(values, at))}
    if not others:
        return
    first = next(iter(others))
    edit, *more = [edit for at in others for edit in _apart(values[at - 1], values[at])]
    is_safe = _FACTS.issuperset(others.values())
    fix = Fix("put a `;` between two facts", edit.span, edit.text, is_safe, tuple(more))
    quotes = "" if is_safe else f'if all of it is one fact, put it in quotes: `{key} "..."`'
    title = f"`{others[first]}` is part of `{key}` here, and no fact by itself"
    labels, helps = (SpanLabel(values[first].span),), tuple(filter(None, (quotes,)))
    yield Diagnostic("W124", title, labels, helps=helps, fixes=(fix,), severity=Severity.WARNING)


def _another_fact(values: Sequence[Any], at: int) -> str:
    """The name of the fact that begins at a value of a line of `meta`; empty where none does."""
    match values[at]:
        case syntax.Option(name=name):
            return name.id
        case syntax.Word(id=word) if at + 1 < len(values):
            is_apart = not isinstance(values[at - 1], syntax.Word)
            if word in _FACTS or (is_apart and isinstance(values[at + 1], syntax.Plain)):
                return word
    return ""


def _apart(before: Any, value: Any) -> Iterator[Edit]:
    """Write a fact by itself: a `;` before it, and no `=` in it."""
    source = value.span.source
    yield Edit(Span(source, before.span.end, value.span.start), "; ")
    if isinstance(value, syntax.Option):
        yield Edit(Span(source, value.name.span.end, value.value.span.start), " ")


def _expectation(entry: syntax.Entry, evaluator: Evaluator) -> Expectation:
    key = entry.key.id
    if key not in EXPECT:
        meant = spelling(key, EXPECT, entry.key.span)
        cure = meant or f"it checks {', '.join(EXPECT)}"
        raise fault("A312", f"`expect` cannot check `{key}`", entry.key.span, cure)
    if key == "output":
        return Expectation(key, entry.relation, _expected_shape(entry), entry.span.text, entry.span)
    numbers = [_plain(value, evaluator) for value in entry.values]
    if len(numbers) != 1 or isinstance(numbers[0], bool) or not isinstance(numbers[0], int | float):
        raise fault(
            "A312",
            f"`{key}` needs one number",
            entry.span,
            "as in `params 25_557_032` or `macs 4.09G`",
        )
    return Expectation(key, entry.relation, numbers[0], entry.values[0].span.text, entry.span)


def _expected_shape(entry: syntax.Entry) -> tuple[int, ...]:
    """`7x7 x512` as (512, 7, 7)."""
    size: tuple[int, ...] = ()
    channels = None
    for value in entry.values:
        match value:
            case syntax.Size():
                size = value.dims
            case syntax.Plain(value=syntax.Number(value=int() as extent)):
                size = (extent,)
            case syntax.Geometry(letter="x", dims=(syntax.Number(value=int() as width),)):
                channels = width
    if channels is None or entry.relation:
        raise fault(
            "A312",
            "`output` needs a shape",
            entry.span,
            "as in `output x1000` or `output 7x7 x512`",
        )
    return (channels, *size)
