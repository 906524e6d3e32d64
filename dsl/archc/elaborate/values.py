"""Values: what they are in the user's words, and numbers worked out."""

from __future__ import annotations

from typing import Any

from archc import symbolic
from archc.plan import BlockValue, OperatorValue
from archc.source import Span, fault

_LARGEST = 10**15


def need_number(value: Any, span: Span) -> None:
    """Raises Fault for what is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise fault("A309", f"a number is needed here, not {describe(value)}", span)


def computed(op: str, args: tuple[Any, ...], span: Span) -> Any:
    """What an operator or function makes of numbers. Raises Fault where that is none."""
    try:
        value = symbolic.combine(op, *args)
    except ZeroDivisionError:
        raise fault("A308", "this divides by zero", span) from None
    except (OverflowError, ValueError, TypeError) as error:
        raise fault("A308", f"this cannot be computed: {error}", span) from None
    if isinstance(value, int | float) and not -_LARGEST < value < _LARGEST:
        raise fault("A308", "this number is too large", span)
    return value


def describe(value: Any) -> str:
    """A value in the user's words."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return "a text"
        case tuple():
            return "a list"
        case BlockValue():
            return f"the block `{value.tree.name.id}`"
        case OperatorValue():
            return f"the operator `{value.name}`"
        case _:
            return f"{value:g}" if isinstance(value, float) else str(value)
