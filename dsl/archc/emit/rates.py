"""How long a training script runs, and its learning rate: the statements for a schedule."""

from __future__ import annotations

from archc.emit.layout import Item, call, lay
from archc.recipe import Recipe, Schedule


def total(recipe: Recipe) -> str:
    """The number of updates."""
    if recipe.unit == "steps":
        return "args.epochs * self.per_epoch if args.epochs else args.steps"
    return "args.steps or args.epochs * self.per_epoch"


def needs_end(recipe: Recipe) -> bool:
    """Whether the rate hangs on when the run ends."""
    return recipe.schedule.kind in ("linear", "poly", "cosine")


def rate(recipe: Recipe) -> list[str]:
    """The statements that set the rate of an update."""
    if not factor(recipe):
        return []
    per = "" if recipe.unit == "steps" else " / self.per_epoch"
    times = [f"self.step{per}", f"self.total{per}"][: 1 + needs_end(recipe)]
    found = lay("factor = ", call("lr_factor", *times), indent=8)
    each = "        for group in self.optimizer.param_groups:"
    return [*found, each, '            group["lr"] = self.args.lr * factor']


def factor(recipe: Recipe) -> list[str]:
    """The statements of `lr_factor`; none where the rate stays, or follows a plateau."""
    lines, warm = [], number(recipe.warmup) if recipe.warmup else ""
    if warm:
        rise = "0.01 + 0.99 * time" + f" / {warm}" * (warm != "1")
        kept = recipe.warmup_factor
        start = rise if kept is None else f"{kept:g}"
        lines += [f"    if time < {warm}:", f"        return {start}"]
    now = f"(time - {warm})" if warm else "time"
    done = f"{now} / (end - {warm})" if warm else "time / end"
    body = _curve(recipe.schedule, now, done)
    if body is None:
        return [*lines, "    return 1.0"] if lines else []
    return [*lines, f"    return {body}"]


def _curve(schedule: Schedule, now: str, done: str) -> str | None:
    """The part of the rate as an expression of the time, and of the part of the run done."""
    factor = f"{schedule.factor:g}"
    match schedule.kind:
        case "step" if schedule.at:
            times = ", ".join(map(number, schedule.at))
            comma = "," if len(schedule.at) == 1 else ""
            return f"{factor} ** bisect_right(({times}{comma}), time)"
        case "step":
            return f"math.pow({factor}, time // {number(schedule.every)})"
        case "linear":
            return f"1 - {done}"
        case "poly" if schedule.power == 1:
            return f"1 - {done}"
        case "poly":
            return f"math.pow(1 - {done}, {schedule.power:g})"
        case "cosine":
            return f"(1 + math.cos(math.pi * {done})) / 2"
        case "exponential":
            return f"math.pow({factor}, {now.strip('()')})"
        case _:
            return None


def number(value: float) -> str:
    """A literal: 320_000, 0.5."""
    return f"{value:_}" if isinstance(value, int) else f"{value:g}"


def plateau(schedule: Schedule) -> list[str]:
    """The statement that makes the scheduler which follows the validation, if one does."""
    if schedule.kind != "plateau":
        return []
    arguments = [
        Item("self.optimizer"),
        Item('"max"'),
        Item(f"{schedule.factor:g}", "factor"),
        Item(str(schedule.patience), "patience"),
    ]
    name = "torch.optim.lr_scheduler.ReduceLROnPlateau"
    return lay("self.plateau = ", call(name, *arguments), indent=8)
