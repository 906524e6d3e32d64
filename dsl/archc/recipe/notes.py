"""Notes: what else a paper says of its training, for people to read."""

from __future__ import annotations

from archc.recipe._line import Note, register


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
    """Of the arithmetic; a script's `--amp` sets it."""

    name = "precision"
    example = "precision float32"


@register
class Origin(Note):
    """Where the recipe comes from."""

    name = "source"
    example = 'source "section 3.4"'
