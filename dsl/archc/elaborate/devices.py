"""`devices "cuda:0" "cuda:1"`: where the network may be placed, a part of its channels on each."""

from __future__ import annotations

import re

from archc import syntax
from archc.elaborate.state import Context, State
from archc.plan import Devices
from archc.source import Fault, Fix, Span, SpanLabel, did_you_mean, fault

KINDS = ("cpu", "cuda", "hpu", "meta", "mps", "mtia", "xla", "xpu")  # torch's, for tensors
MOST = 8  # what one machine has
_CURE = 'as in `devices "cuda:0" "cuda:1"`'


def settle(state: State, statement: syntax.Statement, here: Context) -> None:
    """Note the devices of the network; what is wrong with them is reported."""
    try:
        _settle(state, statement, here)
    except Fault as mistake:
        state.report(mistake)


def _settle(state: State, statement: syntax.Statement, here: Context) -> None:
    term, frame = statement.term, here.frame
    assert isinstance(term, syntax.Operation)
    if not frame.is_network or state.nesting > 1:
        raise fault("A405", "`devices` belongs to the network's own statements", term.name.span)
    extra = term.arguments is not None or term.branches is not None
    named = statement.label is not None or statement.alias is not None
    if extra or named or statement.repeat is not None:
        raise _only_names(statement.span)
    if frame.devices is not None:
        other = SpanLabel(frame.devices.span, "the other is here")
        raise fault("A304", "`devices` is given twice", term.span, "keep one", also=(other,))
    seen: dict[str, Span] = {}
    for attribute in term.attributes:
        name = _name(attribute)
        if name in seen:
            other = SpanLabel(seen[name], "the other is here")
            cure = "each device has a part of its own"
            raise fault("A304", f'"{name}" is given twice', attribute.span, cure, also=(other,))
        seen[name] = attribute.span
    if not 2 <= len(seen) <= MOST:
        title = f"`devices` names 2 to {MOST} of them, not {len(seen)}"
        raise fault("A302", title, term.span, _CURE)
    frame.devices = Devices(tuple(seen), term.span)


def _only_names(span: Span) -> Fault:
    return fault("A301", "`devices` takes names in quotes, nothing else", span, _CURE)


def _name(attribute: syntax.Attribute) -> str:
    """The name of a device, as torch has it."""
    match attribute:
        case syntax.Plain(value=syntax.Text(value=name)):
            pass
        case _:
            raise _only_names(attribute.span)
    kind, _, index = name.partition(":")
    if kind in KINDS and re.fullmatch(r"|:[0-9]{1,3}", name.removeprefix(kind)):
        return name
    known = {**dict.fromkeys(KINDS), "gpu": None, "nvidia": None}
    meant = did_you_mean(re.sub(r"[0-9]+$", "", kind), known, "{}")
    meant = "cuda" if meant in ("gpu", "nvidia") else meant
    index = index or kind[len(kind.rstrip("0123456789")) :] or "0"
    cure: Fix | str = _CURE
    if meant and index.isdecimal():
        better = f'"{meant}:{index}"'
        cure = Fix(f"did you mean `{better}`?", attribute.span, better)
    raise fault("A310", f'"{name}" is no device', attribute.span, cure)
