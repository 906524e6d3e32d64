"""The learning rate: how it goes on. Times are in epochs, or in updates in a run of `steps`."""

from __future__ import annotations

from typing import ClassVar

from archc.recipe._line import (
    Line,
    RecipeError,
    Script,
    literal,
    number,
    option,
    register,
)


class LRSchedule(Line):
    """The base of all schedules."""

    needs_end: ClassVar[bool] = False  # the rate depends on when the run ends

    def curve(self, time: str, done: str) -> str:
        """Return the part of the rate at a time, as an expression; "" where it stays.

        `time` is an expression too, and `done` one for the part of the run that is over.
        """
        return ""


@register
class Constant(LRSchedule):
    """The same rate to the end: also that of a recipe without a schedule."""

    name = "schedule constant"
    example = "schedule constant"


@register
class Plateau(LRSchedule):
    """The rate drops where the validation's top-1 has not risen for some epochs."""

    name = "schedule plateau"
    example = "schedule plateau factor=0.1 patience=5"
    factor: float = option(float, 0.1, doc="what a drop multiplies the rate by")
    patience: int = option(int, 5, doc="epochs without a better top-1 before a drop")

    def check(self) -> None:
        if self.factor >= 1:
            raise RecipeError("a drop of the rate has a factor below 1", "as in `factor=0.1`")

    def setup(self, script: Script) -> list[str]:
        made = f'self.optimizer, "max", factor={self.factor:g}, patience={self.patience}'
        line = f"self.plateau = ReduceLROnPlateau({made})"
        return [line] if len(line) <= 80 else [f"{line[:33]}", f"    {made}", ")"]

    def on_epoch(self) -> list[str]:
        return ['self.plateau.step(row["top1"])']


@register
class StepSchedule(LRSchedule):
    """The rate is multiplied by a factor, at given times or every so often."""

    name = "schedule step"
    example = "schedule step 30 60 80 factor=0.1"
    at: tuple[float, ...] = number(float, (), "the time of a drop")
    factor: float = option(float, 0.1, doc="what a drop multiplies the rate by")
    every: float = option(float, 0, doc="the time between two drops, instead")

    def check(self) -> None:
        if bool(self.at) == bool(self.every):
            title = "`schedule step` needs to know when"
            raise RecipeError(title, "as in `step 30 60 factor=0.1` or `step every=30`")
        if list(self.at) != sorted(set(self.at)):
            raise RecipeError("the times of drops do not rise")

    def curve(self, time: str, done: str) -> str:
        if self.every:
            return f"math.pow({self.factor:g}, time // {literal(self.every)})"
        times = ", ".join(map(literal, self.at)) + "," * (len(self.at) == 1)
        return f"{self.factor:g} ** bisect_right(({times}), time)"


@register
class Linear(LRSchedule):
    """The rate falls in a straight line to 0 at the end."""

    name = "schedule linear"
    example = "schedule linear"
    needs_end = True

    def curve(self, time: str, done: str) -> str:
        return f"1 - {done}"


@register
class Poly(LRSchedule):
    """The rate falls to 0 at the end as a power of what is left of the run."""

    name = "schedule poly"
    example = "schedule poly power=0.5"
    needs_end = True
    power: float = option(float, 1, doc="the exponent")

    def curve(self, time: str, done: str) -> str:
        return f"1 - {done}" if self.power == 1 else f"math.pow(1 - {done}, {self.power:g})"


@register
class Cosine(LRSchedule):
    """The rate falls to 0 at the end along half a cosine. Loshchilov and Hutter 2016."""

    name = "schedule cosine"
    example = "schedule cosine"
    needs_end = True

    def curve(self, time: str, done: str) -> str:
        return f"(1 + math.cos(math.pi * {done})) / 2"


@register
class Exponential(LRSchedule):
    """The rate is multiplied by a factor each epoch, or each update, bit by bit."""

    name = "schedule exponential"
    example = "schedule exponential factor=0.96"
    factor: float = option(float, 0.1, doc="what the rate is multiplied by")

    def curve(self, time: str, done: str) -> str:
        return f"math.pow({self.factor:g}, {time.strip('()')})"


@register
class Warmup(Line):
    """The rate first rises to its full height, or stays at a part of it."""

    name = "warmup"
    example = "warmup 5"
    length: float = number(float, doc="how long")
    factor: float | None = option(
        float, None, doc="the part that the rate stays at", minimum=0, maximum=1
    )

    def begin(self, time: str) -> str:
        """Return the part of the rate at a time of the warm-up, as an expression."""
        if self.factor is not None:
            return f"{self.factor:g}"
        return f"0.01 + 0.99 * {time}" + f" / {literal(self.length)}" * (self.length != 1)
