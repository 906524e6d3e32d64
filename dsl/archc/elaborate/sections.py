"""`meta`, `train` and `expect`: what a file says about its network, read and checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from archc import syntax
from archc.elaborate.evaluate import Evaluator
from archc.source import Diagnostics, Fault, Label, Span, did_you_mean, fault

OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop", "adagrad")
SCHEDULES = ("constant", "plateau", "step", "linear", "poly", "cosine", "exponential")
INITS = ("default", "he", "xavier", "normal", "truncated_normal", "constant")
_PLAIN = (
    "aux augment batch clip dataset decay dropout ema epochs label_smoothing loss mixup note"
    " precision source steps warmup"
)
_WORDS: dict[str, tuple[str, ...]] = {
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "init": INITS,
    **dict.fromkeys(_PLAIN.split(), ()),
}
_OF_OPTIMIZER = ("lr", "learning_rate", "momentum", "weight_decay", "betas", "eps", "nesterov")
_COUNTED = ("batch", "epochs", "steps", "warmup", "ema", "label_smoothing")
EXPECT = ("params", "macs", "output", "weights", "buffers")


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of `train` or `meta`: plain values in order, options by name."""

    values: tuple[Any, ...]
    options: dict[str, Any]
    span: Span

    @property
    def value(self) -> Any:
        return self.values[0] if self.values else None


@dataclass(frozen=True, slots=True)
class Expectation:
    """`macs 4.09G`: what must come out. `relation` is "" for equal to the precision written."""

    key: str
    relation: str
    value: Any
    written: str
    span: Span


@dataclass(frozen=True, slots=True)
class Initialisation:
    """`init he conv fan_out bias=0`: how some weights start. `labels` are modules by label."""

    kind: str
    kinds: tuple[str, ...]  # conv, fc, bn
    labels: tuple[str, ...]
    words: frozenset[str]
    std: float
    value: float
    bias: float | None
    span: Span

    @property
    def fan_out(self) -> bool:
        return "fan_out" in self.words

    @property
    def uniform(self) -> bool:
        return "uniform" in self.words

    @property
    def normal(self) -> bool:
        return "normal" in self.words

    @property
    def zero_residual(self) -> bool:
        return "zero_residual" in self.words


@dataclass(slots=True)
class Facts:
    """All that the sections of a file say."""

    meta: dict[str, Any] = field(default_factory=dict)
    train: dict[str, list[Setting]] = field(default_factory=dict)
    expect: list[Expectation] = field(default_factory=list)

    @property
    def initialisations(self) -> list[Initialisation]:
        """The `init` lines of `train`, in order."""
        return [_initialisation(setting) for setting in self.train.get("init", [])]


INIT_KINDS = ("conv", "fc", "bn")
_INIT_WORDS = ("fan_in", "fan_out", "uniform", "normal", "zero_residual")
_INIT_OPTIONS = ("std", "bias", "value")


def _initialisation(setting: Setting) -> Initialisation:
    words = [str(value) for value in setting.values[1:]]
    kinds = tuple(word for word in words if word in INIT_KINDS)
    labels = tuple(word for word in words if word not in (*INIT_KINDS, *_INIT_WORDS))
    std, value = (float(setting.options.get(key, d)) for key, d in (("std", 0.01), ("value", 0)))
    bias = setting.options.get("bias")
    known = frozenset(words) & frozenset(_INIT_WORDS)
    fill = None if bias is None else float(bias)
    return Initialisation(str(setting.value), kinds, labels, known, std, value, fill, setting.span)


def read_sections(file: syntax.File, env: dict[str, Any], diagnostics: Diagnostics) -> Facts:
    """The sections of a file; what is wrong in them goes to `diagnostics`."""
    facts = Facts()
    seen: dict[str, Span] = {}
    for item in file.items:
        if not isinstance(item, syntax.Section):
            continue
        kind = item.kind.id
        for entry in item.entries:
            try:
                if kind == "expect":
                    facts.expect.append(_expectation(entry, env))
                elif kind == "train":
                    facts.train.setdefault(entry.key.id, []).append(_training(entry, env))
                else:
                    _once(entry, seen)
                    facts.meta[entry.key.id] = _fact(entry, env)
            except Fault as mistake:
                diagnostics.add(mistake.diagnostic)
    return facts


def _once(entry: syntax.Entry, seen: dict[str, Span]) -> None:
    earlier = seen.setdefault(entry.key.id, entry.key.span)
    if earlier is not entry.key.span:
        other = Label(earlier, "the other is here")
        title = f"`{entry.key.id}` is given twice"
        raise fault("A304", title, entry.key.span, "keep one of them", also=(other,))


def _setting(entry: syntax.Entry, env: dict[str, Any]) -> Setting:
    if entry.relation:
        raise fault("A312", "only `expect` compares", entry.span, "leave out the sign")
    values: list[Any] = []
    options: dict[str, Any] = {}
    for attribute in entry.values:
        if isinstance(attribute, syntax.Option):
            options[attribute.name.id] = _plain(attribute.value, env)
        else:
            values.append(_plain(attribute, env))
    return Setting(tuple(values), options, entry.span)


def _plain(value: Any, env: dict[str, Any]) -> Any:
    """A word, number, text, list or size as a plain value."""
    match value:
        case syntax.Word():
            return value.id
        case syntax.Plain():
            return Evaluator(env, None).value(value.value)
        case syntax.Size():
            return value.dims
        case syntax.Geometry() | syntax.Stride() | syntax.Sized() | syntax.Reference():
            return value.span.text
        case _:
            return Evaluator(env, None).value(value)


def _training(entry: syntax.Entry, env: dict[str, Any]) -> Setting:
    key = entry.key.id
    if key not in _WORDS:
        hint = did_you_mean(key, _WORDS) or f"there are {', '.join(_WORDS)}"
        if key in _OF_OPTIMIZER:
            hint = f"it belongs to the optimizer: `optimizer sgd {key}={_written(entry)}`"
        raise fault("A312", f"`train` has no `{key}`", entry.key.span, hint)
    setting = _setting(entry, env)
    if key == "init":
        _check_options(setting)
    if key in _COUNTED and isinstance(setting.value, str):
        raise fault("A312", f"`{key}` is a number, not `{setting.value}`", entry.span)
    known = _WORDS[key]
    if known and (not setting.values or setting.values[0] not in known):
        found = f"`{setting.values[0]}`" if setting.values else "nothing"
        title = f"`{key}` is one of {', '.join(known)}, not {found}"
        raise fault("A312", title, entry.span, did_you_mean(str(setting.value), known))
    return setting


def _written(entry: syntax.Entry) -> str:
    """The values of an entry as they stand in the text."""
    return entry.values[0].span.to(entry.values[-1].span).text if entry.values else "..."


def _check_options(setting: Setting) -> None:
    for name, value in setting.options.items():
        if name not in _INIT_OPTIONS:
            hint = did_you_mean(name, _INIT_OPTIONS) or f"there are {', '.join(_INIT_OPTIONS)}"
            raise fault("A312", f"`init` has no option `{name}`", setting.span, hint)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise fault("A312", f"`{name}` is a number", setting.span, "as in `bias=0`")


def _fact(entry: syntax.Entry, env: dict[str, Any]) -> Any:
    setting = _setting(entry, env)
    if not setting.values:
        raise fault(
            "A312",
            f"`{entry.key.id}` says nothing",
            entry.span,
            'as in `year 2015` or `paper "..."`',
        )
    return setting.values[0] if len(setting.values) == 1 else setting.values


def _expectation(entry: syntax.Entry, env: dict[str, Any]) -> Expectation:
    key = entry.key.id
    if key not in EXPECT:
        hint = did_you_mean(key, EXPECT) or f"it checks {', '.join(EXPECT)}"
        raise fault("A312", f"`expect` cannot check `{key}`", entry.key.span, hint)
    if key == "output":
        return Expectation(key, entry.relation, _expected_shape(entry), entry.span.text, entry.span)
    numbers = [_plain(value, env) for value in entry.values]
    if len(numbers) != 1 or isinstance(numbers[0], bool) or not isinstance(numbers[0], int | float):
        raise fault(
            "A312",
            f"`{key}` needs one number",
            entry.span,
            "as in `params 25_557_032` or `macs 4.09G`",
        )
    return Expectation(key, entry.relation, numbers[0], entry.values[0].span.text, entry.span)


def _expected_shape(entry: syntax.Entry) -> tuple[int, ...]:
    """`7x7 x512` as (512, 7, 7)."""
    size: tuple[int, ...] = ()
    channels = None
    for value in entry.values:
        match value:
            case syntax.Size():
                size = value.dims
            case syntax.Plain(value=syntax.Number(value=int() as extent)):
                size = (extent,)
            case syntax.Geometry(letter="x", dims=(syntax.Number(value=int() as width),)):
                channels = width
    if channels is None or entry.relation:
        raise fault(
            "A312",
            "`output` needs a shape",
            entry.span,
            "as in `output x1000` or `output 7x7 x512`",
        )
    return (channels, *size)
