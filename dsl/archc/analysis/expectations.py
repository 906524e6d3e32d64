"""`expect { params 25_557_032; macs 4.09G; output x1000 }`: what a file promises, held."""

from __future__ import annotations

import operator
import re

from archc import symbolic
from archc.analysis.costs import Cost
from archc.elaborate.sections import Expectation
from archc.ops import Shape
from archc.plan import Body, outputs
from archc.source import Diagnostic, Fix, SpanLabel

_RELATIONS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
}
_SUFFIX = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def check_expectations(expected: list[Expectation], body: Body, cost: Cost) -> list[Diagnostic]:
    """A diagnostic for each expectation that the network does not meet."""
    return [found for item in expected if (found := _check(item, body, cost)) is not None]


def _check(item: Expectation, body: Body, cost: Cost) -> Diagnostic | None:
    if item.key == "output":
        return _check_output(item, body)
    actual = {
        "params": cost.params,
        "macs": cost.macs,
        "weights": cost.weights,
        "buffers": cost.buffers,
    }[item.key]
    if item.relation and _RELATIONS[item.relation](actual, item.value):
        return None
    if not item.relation and abs(actual - item.value) * 2 <= _precision(item.written):
        return None
    wanted = f"{item.relation} {item.written}" if item.relation else item.written
    correction = Fix(f"expect {actual:_}", item.span, f"{item.key} {actual:_}")
    fixes = () if item.relation else (correction,)
    return _unmet(f"{item.key} is {actual:,}, not {wanted}", item, fixes)


def _unmet(title: str, item: Expectation, fixes: tuple[Fix, ...] = ()) -> Diagnostic:
    label = SpanLabel(item.span, "expected here")
    cure = "correct the network, or what it is expected to come to"
    return Diagnostic("A601", title, (label,), helps=(cure,), fixes=fixes)


def _precision(written: str) -> float:
    """The value of the last digit written: 4.09G is precise to 10 million. 0 for whole numbers."""
    match = re.fullmatch(r"[\d_]+(?:\.(\d+))?([KMGT]?)", written.strip())
    if match is None or not (match[1] or match[2]):
        return 0
    return float(_SUFFIX[match[2]]) / 10.0 ** len(match[1] or "")


def _check_output(item: Expectation, body: Body) -> Diagnostic | None:
    shape = outputs(body)[0][1].shape
    if shape is None or symbolic.plain(shape.dims) == item.value:
        return None
    expected = Shape(item.value[0], item.value[1:])
    correction = Fix(f"expect `output {shape}`", item.span, f"output {shape}")
    return _unmet(f"the output is {shape}, not {expected}", item, (correction,))
