"""A network's params: their defaults, and the values that they are given from outside."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from typing import Any

from archc import symbolic, syntax
from archc.arguments import as_python
from archc.elaborate.evaluate import Evaluator
from archc.elaborate.names import refuse_reserved
from archc.elaborate.work import WorkLimit
from archc.ops import REGISTRY
from archc.plan import Applicable, BlockValue, OperatorValue
from archc.source import Diagnostics, Fault, Limits, Source, SpanLabel, did_you_mean, fault
from archc.syntax.parser import parse

# What a param of the bundled networks was called before, and is called now, as in torchvision.
_FORMER = {"classes": "num_classes"}


def by_current_names(given: Mapping[str, Any], file: syntax.File) -> dict[str, Any]:
    """Return values from outside, as Python has them, by the names that the params have now."""
    declared = {item.name.id for item in file.items if isinstance(item, syntax.Param)}

    def current(name: str) -> str:
        new = _FORMER.get(name, name)
        return new if new in declared and name not in declared and new not in given else name

    return {current(name): as_python(value) for name, value in given.items()}


def read_params(
    file: syntax.File,
    given: Mapping[str, Any],
    blocks: Mapping[str, BlockValue],
    diagnostics: Diagnostics,
    largest: int,
) -> dict[str, Any]:
    """The value of each param of a file; what is wrong with them goes to `diagnostics`.

    `blocks` are those that one may be; `largest` is the limit of a number from outside.
    """
    values: dict[str, Any] = {}
    env = ChainMap(values, dict(blocks))
    where: dict[str, syntax.Param] = {}
    work = WorkLimit()
    for item in file.items:
        if not isinstance(item, syntax.Param):
            continue
        name = item.name.id
        try:
            _refuse(item, where)
            where[name] = item
            values[name] = symbolic.plain(Evaluator(env, None, work).value(item.default))
            if name in given:
                values[name] = _given(item, values[name], given[name], blocks, largest)
        except Fault as mistake:
            diagnostics.add(mistake.diagnostic)
            values.setdefault(name, 1)
    for name in given:
        if name not in where:
            known = ", ".join(where) or "none"
            hint = did_you_mean(name, where) or f"the params of this network: {known}"
            title = f"the network has no param `{name}`"
            diagnostics.add(fault("A311", title, file.span, hint).diagnostic)
    return values


def _refuse(item: syntax.Param, where: Mapping[str, syntax.Param]) -> None:
    """Raises Fault for a name that is taken."""
    name = item.name.id
    if name in where:
        other = SpanLabel(where[name].name.span, "the other is here")
        title = f"there are two params `{name}`"
        raise fault("A106", title, item.name.span, "keep one of them", also=(other,))
    refuse_reserved(name, item.name.span, "the param")


# --- values from outside -----------------------------------------------------------------


class _Unlike(Exception):
    """A value is of another kind than the default."""


class _TooLarge(Exception):
    """A number is beyond the limit, as those in a file are."""


_LARGEST_TEXT = 10**4000  # whose digits Python writes


def _given(
    param: syntax.Param,
    default: Any,
    value: Any,
    blocks: Mapping[str, BlockValue],
    largest: int,
) -> Any:
    """A value from outside, as the kind of value that the default is. Raises Fault."""
    try:
        _refuse_beyond(value, _LARGEST_TEXT if isinstance(default, str) else largest)
        if isinstance(default, Applicable) and str(value) in blocks:
            return blocks[str(value)]
        read = _read(value, default, largest) if isinstance(value, str) else value
        return _as_kind(read, default)
    except _TooLarge:
        title = f"a number given for `{param.name.id}` is too large"
        raise fault("A006", title, param.name.span, f"the largest is {largest:_}") from None
    except _Unlike:
        shown = f"{value:g}" if isinstance(value, float) else str(value)[:40]
        title = f"`{param.name.id}` is {_kind(default)}, not `{shown}`"
        cure = _row_each(param.name.id, value, default)
        raise fault("A311", title, param.name.span, cure) from None


def _row_each(name: str, value: Any, default: Any) -> str:
    """The cure for several numbers, `8,16`, where one is meant; "" for anything else."""
    is_number = isinstance(default, int | float) and not isinstance(default, bool)
    items = value.split(",") if is_number and isinstance(value, str) else ()
    if len(items) < 2 or any(_number(item) is None for item in items):
        return ""
    several = ",".join(map(str.strip, items))
    return f"`archc compare ... -D {name}={several}` has a row for each"


def _refuse_beyond(value: Any, largest: int) -> None:
    """Raises _TooLarge for a number beyond the limit, or a list with one."""
    if isinstance(value, tuple | list):
        for item in value:
            _refuse_beyond(item, largest)
    elif isinstance(value, int | float) and abs(value) > largest:
        raise _TooLarge


def _read(text: str, default: Any, largest: int) -> Any:
    """`[3, 4, 6, 3]`, `true`, `0.5`, as in a file. The brackets of a list may be left out."""
    if isinstance(default, str):
        return text
    if not isinstance(default, tuple) and (number := _number(text)) is not None:
        _refuse_beyond(number, largest)
        return number
    tries = [text, f"[{text}]"] if isinstance(default, tuple) else [text]
    for written in tries:
        file, wrong = parse(Source("-D", f"param value = {written}"), Limits(integer=largest))
        if any(problem.code == "A006" for problem in wrong):
            raise _TooLarge
        if wrong or len(file.items) != 1 or not isinstance(file.items[0], syntax.Param):
            continue
        try:
            value = Evaluator({}, None).value(_quoted(file.items[0].default, default))
        except Fault:
            continue
        if isinstance(value, tuple) == isinstance(default, tuple):
            return value
    raise _Unlike


def _number(text: str) -> int | float | None:
    """`007`, `+5`, `1e1`: a number in the digits that Python reads."""
    for read in (int, float):
        try:
            number: int | float = read(text)
        except ValueError:
            continue
        return number if abs(number) < float("inf") else None
    return None


def _quoted(written: syntax.Expr, default: Any) -> syntax.Expr:
    """The expression with quotes around what stands for a text: it is one as typed."""
    match written:
        case syntax.ListExpr(items) if isinstance(default, tuple):
            kinds = _in_length(default, len(items))
            return syntax.ListExpr(tuple(map(_quoted, items, kinds)), span=written.span)
        case _ if isinstance(default, str) and not isinstance(written, syntax.Text):
            return syntax.Text(written.span.text, span=written.span)
        case _:
            return written


def _in_length(default: tuple[Any, ...], count: int) -> tuple[Any, ...]:
    """The items of a default as those of so many: the last stands for all behind it."""
    return (*default, *default[-1:] * count, *[None] * count)[:count]


def _as_kind(value: Any, default: Any) -> Any:
    """The value as the kind of the default; an item of a list as that of the item in its place."""
    match default:
        case bool():
            if value in (0, 1):  # True and False are among them
                return bool(value)
        case int() if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
            return int(value)
        case float() if isinstance(value, int | float):
            return float(value)
        case str() if isinstance(value, str | int | float):
            return str(value)
        case OperatorValue() | BlockValue() if str(value) in REGISTRY:
            return OperatorValue(REGISTRY[str(value)].name)
        case tuple() if isinstance(value, tuple | list):
            kinds = _in_length(default, len(value))
            return tuple(map(_as_kind, value, kinds)) if default else tuple(value)
    raise _Unlike


def _kind(default: Any) -> str:
    match default:
        case bool():
            return "true or false"
        case int():
            return "a whole number"
        case float():
            return "a number"
        case tuple():
            return f"a list such as `{_written(default)}`"
        case OperatorValue():
            return "an operator"
        case BlockValue():
            return "a block"
        case _:
            return "a text"


def _written(value: Any) -> str:
    """A value as a file has it, in short."""
    if isinstance(value, tuple):
        more = [", ..."] if len(value) > 4 else []
        return f"[{', '.join(map(_written, value[:4]))}{''.join(more)}]"
    return str(value).lower() if isinstance(value, bool) else str(value)
