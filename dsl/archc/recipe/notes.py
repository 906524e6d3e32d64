"""Notes: what else a paper says of its training, for people to read."""

from __future__ import annotations

import re

from archc.recipe._line import Note, register

_ARITHMETIC = {
    **dict.fromkeys(("fp32", "float32", "float", "single", "tf32", "32"), "fp32"),
    **dict.fromkeys(("fp16", "float16", "half", "bf16", "bfloat16", "amp", "mixed", "16"), "amp"),
}


@register
class Aux(Note):
    """Of auxiliary classifiers; their weights in the loss are those of `aux weight=...`."""

    name = "aux"
    example = "aux 0.3"


@register
class DropoutNote(Note):
    """Of dropout; the network's own `dropout` does it."""

    name = "dropout"
    example = "dropout 0.5"


@register
class Loss(Note):
    """Of the loss; a script takes the cross-entropy."""

    name = "loss"
    example = "loss cross_entropy"


@register
class Remark(Note):
    """Of anything."""

    name = "note"
    example = 'note "trained twice"'


@register
class Precision(Note):
    """Of the arithmetic; `archc fit` reads it, a script's `--amp` sets it."""

    name = "precision"
    example = "precision float32"

    @property
    def arithmetic(self) -> str | None:
        """Return `fp32`, or `amp` for any half precision: in others, no script trains."""
        said = re.findall(r"[a-z]*\d*", " ".join(map(str, self.words)).lower())
        return next((_ARITHMETIC[word] for word in said if word in _ARITHMETIC), None)


@register
class Origin(Note):
    """Where the recipe comes from."""

    name = "source"
    example = 'source "section 3.4"'
