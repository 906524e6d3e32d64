"""The run: how many images an update takes, and how long it goes on."""

from __future__ import annotations

from typing import ClassVar

from archc.recipe._line import Flag, Line, number, register


@register
class Batch(Line):
    """Images an update, over all processes."""

    name = "batch"
    example = "batch 256"
    images: int = number(int, doc="images an update", minimum=1)

    def flags(self) -> list[Flag]:
        return [Flag("batch-size", "int", help=f"in all ({self.images}, or less of few images)")]


class Length(Line):
    """The base of what says how long a run is. The times of a recipe are in the same unit."""

    total: ClassVar[str] = ""  # the number of updates, as an expression
    time: ClassVar[str] = ""  # what one unit of time is divided by, as an expression


@register
class Epochs(Length):
    """How often all images are seen. Times in other lines are in epochs."""

    name = "epochs"
    example = "epochs 90"
    total = "args.steps or args.epochs * self.per_epoch"
    time = " / self.per_epoch"
    count: int = number(int, doc="epochs", minimum=1)

    def flags(self) -> list[Flag]:
        epochs = Flag("epochs", "int", self.count, "of all images")
        return [epochs, Flag("steps", "int", help="updates, instead of epochs")]


@register
class Steps(Length):
    """How many updates the run has. Times in other lines are in updates."""

    name = "steps"
    example = "steps 450_000"
    total = "args.epochs * self.per_epoch if args.epochs else args.steps"
    count: int = number(int, doc="updates", minimum=1)

    def flags(self) -> list[Flag]:
        steps = Flag("steps", "int", self.count, "updates")
        return [Flag("epochs", "int", help="instead of steps"), steps]
