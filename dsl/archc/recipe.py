"""What `train` says as numbers: the recipe that a training script follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from archc.elaborate.sections import Setting
from archc.source import Fault, Label, did_you_mean, fault

DATASETS = ("imagenet", "cifar10", "cifar100", "mnist", "digits")


@dataclass(frozen=True, slots=True)
class Schedule:
    """How the learning rate goes on; times are in epochs, or in updates where the run is."""

    kind: str = "constant"
    factor: float = 0.1  # plateau, step and exponential: what a drop multiplies by
    every: float = 0  # step: between two drops
    at: tuple[float, ...] = ()  # step: of each drop
    power: float = 1  # poly
    patience: int = 5  # plateau: epochs without a better top-1 before a drop


@dataclass(frozen=True, slots=True)
class Augmentation:
    """What is done to training images at random, before they have the network's size."""

    flip: bool = False
    crop: bool = False  # of the image padded by `pad`, or resized to `resize`
    resized_crop: bool = False  # a part of any size and shape, resized (Szegedy et al. 2014)
    reflect: bool = False
    pad: int = 0
    resize: tuple[int, int] | None = None  # the shorter side, from and to
    jitter: float = 0  # brightness, contrast and saturation, each times 1 - jitter to 1 + jitter
    lighting: float = 0  # along ImageNet's principal components of colour: Krizhevsky et al. 2012

    @property
    def of_photographs(self) -> bool:
        """Whether images are larger than the network's input, which is then cut out of them."""
        return self.resized_crop or self.resize is not None


@dataclass(frozen=True, slots=True)
class Recipe:
    """A training run: what the `train` section of a file says, and defaults for the rest."""

    optimizer: str = ""  # "" where the file names none
    options: Mapping[str, Any] = field(default_factory=dict)  # of the optimizer, flags as True
    batch: int = 0  # images an update; 0 where the file does not say
    length: int = 0  # of the run, in `unit`; 0 where the file does not say
    unit: str = "epochs"  # or "steps"
    schedule: Schedule = Schedule()
    warmup: float = 0  # how long, in `unit`
    warmup_factor: float | None = None  # stay at this part of the rate; None: rise to it
    clip: float = 0  # largest norm of the gradients
    label_smoothing: float = 0
    mixup: float = 0  # alpha of Zhang et al. 2017
    ema: float = 0  # decay of an average of the weights
    decay_all: bool = True  # False: no weight decay on norms and biases
    augment: Augmentation = Augmentation()
    dataset: str = ""  # "" where the file does not say


def read_recipe(train: Mapping[str, list[Setting]]) -> Recipe:
    """The recipe of a `train` section. Raises Fault (A304, A312) for what it cannot mean."""
    for key, settings in train.items():
        if key != "init" and len(settings) > 1:
            other = Label(settings[0].span, "the other is here")
            raise fault(
                "A304", f"`{key}` is given twice", settings[1].span, "keep one", also=(other,)
            )
    said = {key: _Line(key, settings[0]) for key, settings in train.items()}
    _check_combinations(said)
    found: dict[str, Any] = {}
    for key, line in said.items():
        found |= _READERS[key](line) if key in _READERS else {}
    return Recipe(**found)


def faults(train: Mapping[str, list[Setting]]) -> list[Fault]:
    """What is wrong with a recipe: the first thing, or nothing."""
    try:
        read_recipe(train)
    except Fault as mistake:
        return [mistake]
    return []


def _check_combinations(said: Mapping[str, _Line]) -> None:
    if "epochs" in said and "steps" in said:
        both = (Label(said["epochs"].setting.span, "and here"),)
        raise fault(
            "A312", "the run's length is given twice", said["steps"].setting.span,
            "keep `epochs` or `steps`", also=both,
        )  # fmt: skip
    schedule = said.get("schedule")
    if "warmup" in said and schedule is not None and schedule.setting.value == "plateau":
        said["warmup"].wrong(
            "a plateau schedule has no warm-up", "the two would both set the rate: use another"
        )


# --- one line ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of `train`, asked for what it holds."""

    key: str
    setting: Setting

    def wrong(self, title: str, *helps: str) -> None:
        raise fault("A312", title, self.setting.span, *helps)

    def words(self, *known: str) -> frozenset[str]:
        """The words after the first value of a line, each a known one."""
        return self._among([v for v in self.setting.values[1:] if isinstance(v, str)], known)

    def flags(self, *known: str) -> frozenset[str]:
        """All values of a line, each a known word."""
        return self._among(list(self.setting.values), known)

    def _among(self, values: list[Any], known: tuple[str, ...]) -> frozenset[str]:
        for value in values:
            if value not in known:
                hint = f"there are {', '.join(known)}" if known else "leave it out"
                self.wrong(
                    f"`{self.key}` knows no `{value}`", did_you_mean(str(value), known) or hint
                )
        return frozenset(values)

    def options(self, *known: str) -> dict[str, Any]:
        """The options, each a known one."""
        for name in self.setting.options:
            if name not in known:
                hint = f"there are {', '.join(known)}" if known else "it has no options"
                what = f"`{self.key} {self.setting.value}`" if known else f"`{self.key}`"
                self.wrong(f"{what} has no option `{name}`", did_you_mean(name, known) or hint)
        return self.setting.options

    def number(
        self,
        value: Any,
        what: str,
        least: float = 0,
        most: float = float("inf"),
        whole: bool = False,
    ) -> Any:
        """A number within bounds, both allowed."""
        kind = int if whole else int | float
        if isinstance(value, bool) or not isinstance(value, kind) or not least <= value <= most:
            of = "a whole number" if whole else "a number"
            if most != float("inf"):
                of += f" from {least:g} to {most:g}"
            else:
                of += f" of at least {least:g}"
            self.wrong(f"{what} is {of}, not `{_shown(value)}`")
        return value

    def sole(self, least: float = 0, most: float = float("inf"), whole: bool = False) -> Any:
        """The one number of a line that has nothing else."""
        self.options()
        if len(self.setting.values) != 1:
            self.wrong(
                f"`{self.key}` needs one number", f"as in `{self.key} {_EXAMPLES[self.key]}`"
            )
        return self.number(self.setting.value, f"`{self.key}`", least, most, whole)


def _shown(value: Any) -> str:
    return "nothing" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


_EXAMPLES = {
    "batch": "256", "epochs": "90", "steps": "450_000", "warmup": "5", "clip": "1.0",
    "label_smoothing": "0.1", "mixup": "0.2", "ema": "0.9999",
}  # fmt: skip
_OPTIMIZERS = {  # name -> its options, its flags
    "sgd": (("lr", "momentum", "weight_decay", "dampening"), ("nesterov",)),
    "adam": (("lr", "betas", "eps", "weight_decay"), ("amsgrad",)),
    "adamw": (("lr", "betas", "eps", "weight_decay"), ("amsgrad",)),
    "rmsprop": (("lr", "alpha", "eps", "momentum", "weight_decay"), ("centered",)),
    "adagrad": (("lr", "lr_decay", "eps", "weight_decay"), ()),
}


def _optimizer(line: _Line) -> dict[str, Any]:
    name = line.setting.value
    known, flags = _OPTIMIZERS[name]
    options = dict(line.options(*known))
    for key, value in options.items():
        if key == "betas":
            if not isinstance(value, tuple | list) or len(value) != 2:
                line.wrong(
                    f"`betas` are two numbers, not `{_shown(value)}`", "as in `[0.9, 0.999]`"
                )
            options[key] = tuple(line.number(each, "`betas`", 0, 1) for each in value)
        else:
            line.number(value, f"`{key}`")
    if "lr" not in options:
        line.wrong(f"`optimizer {name}` has no learning rate", f"as in `optimizer {name} lr=0.1`")
    chosen = line.words(*flags)
    if "nesterov" in chosen and not options.get("momentum"):
        line.wrong("`nesterov` needs a momentum", "as in `momentum=0.9 nesterov`")
    return {"optimizer": name, "options": {**options, **dict.fromkeys(sorted(chosen), True)}}


_SCHEDULES = {
    "constant": (), "plateau": ("factor", "patience"), "step": ("factor", "every"), "linear": (),
    "poly": ("power",), "cosine": (), "exponential": ("factor",),
}  # fmt: skip


def _schedule(line: _Line) -> dict[str, Any]:
    kind = line.setting.value
    given = dict(line.options(*_SCHEDULES[kind]))
    for name, value in given.items():
        line.number(value, f"`{name}`", whole=name == "patience")
    at = line.setting.values[1:]
    if at and kind != "step":
        line.wrong(f"`schedule {kind}` takes no `{_shown(at[0])}`")
    times = tuple(line.number(time, "the time of a drop") for time in at)
    if kind == "step" and bool(times) == bool(given.get("every")):
        line.wrong(
            "`schedule step` needs to know when", "as in `step 30 60 factor=0.1` or `step every=30`"
        )
    if list(times) != sorted(set(times)):
        line.wrong("the times of drops do not rise")
    return {"schedule": Schedule(kind, at=times, **given)}


def _warmup(line: _Line) -> dict[str, Any]:
    factor = line.options("factor").get("factor")
    if factor is not None:
        line.number(factor, "`factor`", 0, 1)
    line.words()
    return {"warmup": line.number(line.setting.value, "`warmup`"), "warmup_factor": factor}


def _augment(line: _Line) -> dict[str, Any]:
    words = line.flags("flip", "crop", "resized_crop", "reflect")
    options = line.options("pad", "resize", "jitter", "lighting")
    jitter = line.number(options.get("jitter", 0), "`jitter`", 0, 1)
    lighting = line.number(options.get("lighting", 0), "`lighting`")
    pad = line.number(options.get("pad", 0), "`pad`", whole=True)
    sides = options.get("resize")
    pair = sides if isinstance(sides, tuple | list) else (sides, sides)
    resize = None
    if sides is not None:
        if len(pair) != 2:
            line.wrong("`resize` is one side, or the least and the most", "`resize=[256, 480]`")
        resize = tuple(line.number(side, "`resize`", 1, whole=True) for side in pair)
    if (pad or resize) and "crop" not in words:
        line.wrong("an image padded or resized is to be cropped", "as in `augment crop pad=4`")
    if "crop" in words and bool(pad) == bool(resize):
        line.wrong("`crop` needs something to cut from", "`crop pad=4`, or `crop resize=256`")
    if "crop" in words and "resized_crop" in words:
        line.wrong("`crop` and `resized_crop` exclude each other", "keep one of them")
    if "reflect" in words and not pad:
        line.wrong("`reflect` says how to pad", "as in `crop pad=4 reflect`")
    flags = dict.fromkeys(words, True)
    colour = {"jitter": jitter, "lighting": lighting}
    return {"augment": Augmentation(pad=pad, resize=resize, **colour, **flags)}


def _decay(line: _Line) -> dict[str, Any]:
    words = line.flags("all", "weights")
    if len(words) != 1:
        line.wrong("`decay` is `all`, or `weights`: without norms and biases")
    return {"decay_all": "all" in words}


def _dataset(line: _Line) -> dict[str, Any]:
    """Of names that archc does not know it is a note."""
    name = str(line.setting.value).lower().replace("-", "")
    return {"dataset": name if name in DATASETS else ""}


_READERS: dict[str, Callable[[_Line], dict[str, Any]]] = {
    "optimizer": _optimizer,
    "schedule": _schedule,
    "warmup": _warmup,
    "augment": _augment,
    "decay": _decay,
    "dataset": _dataset,
    "batch": lambda line: {"batch": line.sole(1, whole=True)},
    "epochs": lambda line: {"length": line.sole(1, whole=True), "unit": "epochs"},
    "steps": lambda line: {"length": line.sole(1, whole=True), "unit": "steps"},
    "clip": lambda line: {"clip": line.sole()},
    "label_smoothing": lambda line: {"label_smoothing": line.sole(0, 1)},
    "mixup": lambda line: {"mixup": line.sole()},
    "ema": lambda line: {"ema": line.sole(0, 1)},
}
