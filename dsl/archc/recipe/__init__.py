"""The recipe of a training run: the lines of `train`, each a class. Importing this registers them.

A module has a family of lines; `_line` has what they share, and `_read` makes them from a text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from archc.recipe import images, init, notes, optimizers, regularisation, run, schedules
from archc.recipe._line import LINES, Flag, Line, Note, Script, literal
from archc.recipe._read import Setting, read_line
from archc.recipe.images import DATASETS, Augment, Dataset, Statistics
from archc.recipe.init import Init
from archc.recipe.optimizers import Optimizer
from archc.recipe.regularisation import Decay
from archc.recipe.run import Batch, Length
from archc.recipe.schedules import LRSchedule, Plateau, Warmup
from archc.source import Fault, SpanLabel, fault

__all__ = [
    "DATASETS",
    "FAMILIES",
    "LINES",
    "Augment",
    "Batch",
    "Dataset",
    "Decay",
    "Flag",
    "Init",
    "LRSchedule",
    "Length",
    "Line",
    "Note",
    "Optimizer",
    "Recipe",
    "Script",
    "Setting",
    "Statistics",
    "Warmup",
    "literal",
    "read_line",
    "recipe_faults",
]  # fmt: skip


def _family(kinds: Mapping[str, type[Line]]) -> str:
    return next(iter(kinds.values())).__module__


FAMILIES = (optimizers, run, schedules, images, regularisation, init, notes)  # in the reference
for family in FAMILIES:
    for key in [key for key, kinds in LINES.items() if _family(kinds) == family.__name__]:
        LINES[key] = LINES.pop(key)
L = TypeVar("L", bound=Line)


class Recipe:
    """The lines of `train`, found by their class."""

    def __init__(self, train: Mapping[str, list[Line]]) -> None:
        self.lines = [line for key in LINES for line in train.get(key, [])]

    def find(self, cls: type[L]) -> L | None:
        """Return the line of a class, or of one that is based on it; None where there is none."""
        return next((line for line in self.lines if isinstance(line, cls)), None)


def recipe_faults(train: Mapping[str, list[Line]]) -> list[Fault]:
    """Return the first thing that is wrong with lines, each right by itself; or nothing."""
    recipe = Recipe(train)
    for key, lines in train.items():
        if len(lines) > 1 and not lines[0].repeats:
            other = SpanLabel(lines[0].span, "the other is here")
            title = f"`{key}` is given twice"
            return [fault("A304", title, lines[1].span, "keep one", also=(other,))]
    lengths = [line for line in recipe.lines if isinstance(line, Length)]
    if len(lengths) > 1:
        epochs, steps = lengths
        title, cure = "the run's length is given twice", "keep `epochs` or `steps`"
        return [fault("A312", title, steps.span, cure, also=(SpanLabel(epochs.span, "and here"),))]
    warmup = recipe.find(Warmup)
    if warmup is not None and recipe.find(Plateau) is not None:
        cure = "the two would both set the rate: use another"
        return [fault("A312", "a plateau schedule has no warm-up", warmup.span, cure)]
    return []
