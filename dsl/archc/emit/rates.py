"""The learning rate of a training script: its schedule, as the part of --lr at a time."""

from __future__ import annotations

from archc.emit.layout import call, lay
from archc.recipe import Length, LRSchedule, Recipe, Warmup, literal


class Rate:
    """What a recipe says of the learning rate, as Python."""

    def __init__(self, recipe: Recipe) -> None:
        self.length, self.warmup = recipe.find(Length), recipe.find(Warmup)
        self.schedule = recipe.find(LRSchedule)
        if self.warmup is not None and not self.warmup.length:
            self.warmup = None

    @property
    def needs_end(self) -> bool:
        """Whether the rate depends on when the run ends."""
        return self.schedule is not None and self.schedule.needs_end

    @property
    def arguments(self) -> str:
        return "time: float, end: float" if self.needs_end else "time: float"

    def scheduler(self) -> list[str]:
        """The statement that makes torch's scheduler, from the next update on."""
        per = self.length.time if self.length is not None else ""
        times = [f"step{per}", f"self.total{per}"][: 1 + self.needs_end]
        is_updates = times == ["step"]
        factor = "lr_factor" if is_updates else f"lambda step: lr_factor({', '.join(times)})"
        made = call("LambdaLR", "self.optimizer", factor, "last_epoch=self.step - 1")
        return lay("scheduler = ", made, indent=8)

    def factor(self) -> list[str]:
        """The statements of `lr_factor`; none where the rate stays, or follows the validation."""
        lines: list[str] = []
        time, done = "time", "time / end"
        if self.warmup is not None:
            warm = literal(self.warmup.length)
            time, done = f"(time - {warm})", f"(time - {warm}) / (end - {warm})"
            lines += [f"    if time < {warm}:", f"        return {self.warmup.begin('time')}"]
        curve = self.schedule.curve(time, done) if self.schedule is not None else ""
        return [*lines, f"    return {curve or '1.0'}"] if curve or lines else []
