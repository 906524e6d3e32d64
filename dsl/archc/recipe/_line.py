"""What a line of `train` is: a class, as an operator is.

Its fields are its syntax, its docstring and those of its fields are its place in the language
reference, and its methods say what it puts into the training script. Nothing else knows it by name.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar, TypeVar

from archc.ops._field import REQUIRED, Field, Form, flag, number, option
from archc.source import Span

__all__ = [
    "LINES",
    "REQUIRED",
    "Field",
    "Flag",
    "Form",
    "Line",
    "Note",
    "RecipeError",
    "Script",
    "convert",
    "flag",
    "format_value",
    "literal",
    "number",
    "option",
    "register",
]  # fmt: skip


class RecipeError(Exception):
    """What a line cannot mean: a title, and ways to mend it."""

    def __init__(self, title: str, *helps: str) -> None:
        super().__init__(title)
        self.title = title
        self.helps = helps


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag of the training script: `add("--clip", type=float, default=1.0, help=...)`."""

    name: str
    kind: str  # "int" or "float"
    default: Any = None
    help: str = ""
    optional: Any = None  # what the flag stands for without a value


@dataclass(frozen=True, slots=True)
class Script:
    """What a line may need to know of the network and of its training script."""

    shape: tuple[int, ...]  # of an image: channels, height, width
    classes: str  # how many, as an expression


class Line:
    """The base of all lines. Subclasses override what they need.

    Statements are those of `Trainer` in `templates/train/trainer.py.jinja`, where `args` has the
    flags; each is a line of Python, indented from nothing.
    """

    name: ClassVar[str] = ""  # as it begins: "mixup", or "optimizer sgd" for one of several
    example: ClassVar[str] = ""  # a whole line
    also: ClassVar[dict[str, str]] = {}  # what others call it -> the line here
    repeats: ClassVar[bool] = False  # may be written more than once
    words_for: ClassVar[str] = ""  # the field that gets words which are not among the flags

    _fields: ClassVar[dict[str, dataclasses.Field[Any]]] = {}  # those of the bases first

    def __init_subclass__(cls) -> None:
        """Collect the fields: quicker at start-up than to make a dataclass of each line."""
        own = {name: f for name, f in vars(cls).items() if isinstance(f, dataclasses.Field)}
        cls._fields = {**cls._fields, **own}

    def __init__(self, span: Span, **values: Any) -> None:
        self.span = span
        for name, value in {**self.defaults(), **values}.items():
            setattr(self, name, value)

    def check(self) -> None:
        """Raise RecipeError where the values do not go together."""

    def flags(self) -> list[Flag]:
        """Return the flags of the script by which its numbers can be changed."""
        return []

    def loss_arguments(self) -> dict[str, float]:
        """Return what it adds to the call of `F.cross_entropy`."""
        return {}

    def setup(self, script: Script) -> list[str]:
        """Return the statements that prepare it, at the end of `Trainer.build`."""
        return []

    def on_batch(self) -> list[str]:
        """Return the statements that change a batch, `x` and `labels`."""
        return []

    def on_gradients(self) -> list[str]:
        """Return the statements between the backward pass and the optimizer's step."""
        return []

    def on_epoch(self) -> list[str]:
        """Return the statements after each validation, whose figures are in `row`.

        A resumed run makes them again for the rows before.
        """
        return []

    @property
    def kind(self) -> str:
        """What distinguishes it from other lines that begin alike: "sgd"."""
        return self.name.partition(" ")[2]

    @classmethod
    def fields(cls) -> dict[str, Field]:
        """Return the syntax of each field."""
        return {name: f.metadata["archc"] for name, f in cls._fields.items()}

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Return the value of each field where the file has none, or REQUIRED."""
        return {name: f.default for name, f in cls._fields.items()}

    def given(self) -> dict[str, Any]:
        """Return the values of those fields that the file sets, in order."""
        values = {name: getattr(self, name) for name in self.fields()}
        return {name: value for name, value in values.items() if value != self.defaults()[name]}


class Note(Line):
    """The base of lines that take any words, for people to read."""

    words: tuple[Any, ...] = ()


def convert(what: str, spec: Field, value: Any) -> Any:
    """Return a number within the field's bounds, or what the field makes of the value."""
    if spec.kind not in (int, float):
        return spec.kind(value)
    kind, kinds = (int, "a whole number") if spec.kind is int else (int | float, "a number")
    least = 0 if spec.minimum is None else spec.minimum
    most = inf if spec.maximum is None else spec.maximum
    if isinstance(value, bool) or not isinstance(value, kind) or not least <= value <= most:
        raise RecipeError(f"{what} is {kinds}{_bounds(least, most)}, not `{format_value(value)}`")
    return value


def _bounds(least: float, most: float) -> str:
    if most < inf:
        return f" from {least:g} to {most:g}"
    return f" of at least {least:g}" if least > -inf else ""


def format_value(value: Any) -> str:
    """Return a value as an error message has it."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def literal(value: float) -> str:
    """Return a number as Python has it: 320_000, 0.5."""
    return f"{value:_}" if isinstance(value, int) else f"{value:g}"


LINES: dict[str, dict[str, type[Line]]] = {}  # first word -> second, or "" -> class
T = TypeVar("T", bound=type[Line])


def register(cls: T) -> T:
    """Class decorator, outermost: puts the line under its name."""
    key, _, kind = cls.name.partition(" ")
    kinds = LINES.setdefault(key, {})
    if not key or kind in kinds or ("" in {kind, *kinds} and kinds):
        raise TypeError(f"line {cls.__name__} has no name or one that is taken: {cls.name!r}")
    kinds[kind] = cls
    return cls
