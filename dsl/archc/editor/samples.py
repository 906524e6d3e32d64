"""Operators as in their own examples: what each would make of a tensor."""

from __future__ import annotations

from functools import cache

from archc import syntax
from archc.elaborate.bind import Binder
from archc.elaborate.evaluate import Evaluator
from archc.elaborate.operators import with_whole_name
from archc.ops import REGISTRY, Op, Shape, ShapeError
from archc.source import Fault, Limits, Source
from archc.syntax.parser import parse
from archc.syntax.walk import walk


@cache
def samples() -> dict[str, Op]:
    """Return an operator of each class, its attributes as in its example."""
    found: dict[str, Op] = {}
    evaluator, largest = Evaluator({}, Shape(4, (8, 8))), Limits().integer
    for cls in dict.fromkeys(REGISTRY.values()):
        file, _ = parse(Source("<example>", cls.example))
        terms = (with_whole_name(n) for n in walk(file) if isinstance(n, syntax.Operation))
        own = (term for term in terms if REGISTRY.get(term.name.id) is cls and not term.branches)
        if (term := next(own, None)) is None:
            continue
        try:
            found[cls.name] = Binder(cls, term, evaluator, largest).bind().op
        except Fault:  # its example needs a name that is elsewhere in it
            continue
    return found


def suits(cls: type[Op], x: Shape) -> bool:
    """Tell whether an operator can stand behind such a tensor, with the right attributes."""
    if bool(x.columns) != cls.bundles and (x.columns or cls.inputs[0] > 1):
        return False
    return cls.inputs[0] <= 1 and x.rank in cls.ranks


def outcome(cls: type[Op], x: Shape) -> Shape | None:
    """Return what an operator would make of a tensor as in its example; None if it would not."""
    op = samples().get(cls.name)
    if op is None or not suits(cls, x):
        return None
    try:
        return op.shape(x)
    except (ShapeError, TypeError, ValueError, IndexError, ZeroDivisionError):
        return None
