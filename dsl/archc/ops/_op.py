"""What an operator is, and the registry of all of them.

An operator is one class. Its fields are its syntax (see `archc.ops._field`), its
methods give shape, parameters, MACs and the torch call, and its docstring is the hover text
and the reference page. Nothing else in archc knows an operator by name.

All arithmetic here is on plain `int`; the emitter passes integers that remember the expression
they came from (`archc.symbolic`), so use `+ - * // %` on them and never `int(...)` or `math.prod`
of something that should stay an expression. (`Shape.features` shows how.)

Codes that operators use: A201 a window or target does not fit the tensor, A202 nothing would be
left, A203 `same` with an even window, A204 groups do not divide, A205 too much padding, A206 the
wrong number of values, A207 branches disagree, A208 a bundle of columns where a tensor is
expected or the other way round, A209 channels do not suit, A210 nothing to normalise over, A305
attributes that do not go together.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from functools import cache
from typing import Any, ClassVar, NoReturn, TypeAlias, TypeVar, cast, dataclass_transform

from archc.ops._field import REQUIRED, Field, Form
from archc.ops._memory import Memory
from archc.ops._shape import Dims, Shape, ShapeError, Window, Xs
from archc.ops._teaching import Teaching
from archc.record import record

# --- the torch side ----------------------------------------------------------------------

Value = Any  # int, float, bool, str, None, or a tuple of them
ALWAYS = object()  # equal to no value


@record
class Keyword:
    """A keyword argument, written only where it differs from torch's default (if it has one)."""

    name: str
    value: Value
    default: Value = ALWAYS


@record
class ModuleCall:
    """How to make the module: `ModuleCall("nn.Conv2d", (3, 64, 7), (Keyword("stride", 2, 1),))`.

    Structure, never text. `target` is `nn.Something`, or the name of a class that
    `templates/support/<target>.py` defines and the generated file then carries. `around` is a
    function of torch that is given the module and gives it back: a parametrization.
    """

    target: str
    positional: tuple[Value, ...] = ()
    keyword: tuple[Keyword, ...] = ()
    around: str = ""


@record
class Shared:
    """A module that the network owns once for all operators that ask for it.

    The network's `__init__` ends with `self.<name> = <target>(self, <extent>)`, `extent` being the
    largest that any of them asks for, and its `forward` begins with `self.<name>.draw()`. The
    support file of the operator that asks defines `target`.
    """

    target: str
    name: str
    extent: int


# --- operators ---------------------------------------------------------------------------


@record
class Operator(Memory[*Xs], Teaching[*Xs]):
    """The base of all operators. Subclasses override what they need.

    `Xs` are the shapes that it takes: derive from `Unary` or `Nary`, which say so.
    """

    name: ClassVar[str] = ""  # of two words: `mean channel` is written so, the second anywhere
    aliases: ClassVar[tuple[str, ...]] = ()
    category: ClassVar[str] = "other"  # colour: conv pool norm act linear merge reshape drop other
    example: ClassVar[str] = ""  # one statement that a test parses, runs and compares with torch
    example_input: ClassVar[str] = "8x8 x4"  # the tensor that the example is applied to
    ranks: ClassVar[tuple[int, ...]] = (0, 1, 2, 3)  # spatial dimensions accepted
    inputs: ClassVar[tuple[int, int | None]] = (1, 1)  # fewest and most input tensors
    inplace: ClassVar[bool] = False  # torch's module has an `inplace` argument
    keeps_shape: ClassVar[bool] = False  # output shape = input shape, element by element
    by_channel: ClassVar[bool] = False  # channel i of the output comes from channel i alone
    yields: ClassVar[bool] = False  # a file's own block of that name goes before it
    bundles: ClassVar[bool] = False  # accepts bundles; its module takes all columns as one list

    @property
    def is_bare(self) -> bool:
        """Whether its one weight belongs to the class around it, by the label's name alone."""
        return False

    def ones(self, *xs: *Xs) -> int:
        """How many sizes of 1 a bare weight is viewed with, to go with the tensor."""
        return 0

    @property
    def module_name(self) -> str:
        """What its module is called where nobody names it."""
        return self.name.replace(" ", "_")

    def shape(self, *xs: *Xs) -> Shape:
        """Return the output shape, by default the first input's. Raises ShapeError."""
        first, *_ = cast("tuple[Shape, ...]", xs)
        return first

    def weights(self, *xs: *Xs) -> dict[str, Dims]:
        """Trainable tensors by torch's names, each with its shape: {"weight": (64, 3, 7, 7)}."""
        return {}

    def buffers(self, *xs: *Xs) -> dict[str, Dims]:
        """Tensors of the state that are not trained, by torch's names; a scalar is ()."""
        return {}

    def macs(self, *xs: *Xs) -> int:
        """Multiply-accumulates of convolutions and linears for one sample, biases left out."""
        return 0

    def operations(self, *xs: *Xs) -> int:
        """What an application takes beside its MACs, for one sample in eval mode.

        Additions, multiplications, comparisons and values of functions count 1 each, a bias too.
        """
        return 0

    def filters(self, *xs: *Xs) -> tuple[Dims, int] | None:
        """The weights of a convolution or linear: what one filter spans, and how many there are.

        ((11, 11, 3), 96): kernel, then the channels that each sees.
        """
        return None

    def windows(self, *xs: *Xs) -> tuple[Window, ...]:
        """What an output element sees of the input, for each spatial dimension of the output."""
        return (Window(),) * self.shape(*xs).rank

    def torch(self, *xs: *Xs) -> ModuleCall | None:
        """How to make the module; None for an operator that exists only as an expression."""
        return None

    def inline(self, *names: str) -> str | None:
        """The operator as a Python expression over tensor names, or None to call its module.

        `names` come from the emitter, never from the user; each is a name or a call, and
        `*name` for a bundle. The result needs brackets before it is nested in another.
        `torch`, `nn` and `F` are imported where the expression mentions them.
        """
        return None

    def inline_for(self, xs: tuple[*Xs], *names: str) -> str | None:
        """`inline`, of what is written in another way for another number of dimensions."""
        return self.inline(*names)

    def operand(self) -> tuple[str, Any] | None:
        """Of what is `x * number`: the sign, and the number, which may be an argument."""
        return None

    def part(self) -> tuple[int, int] | None:
        """Of what is one of several equal parts of the channels: which, and of how many; traced."""
        return None

    def channels_taken(self) -> tuple[int, int] | None:
        """Of what is a view of some channels: the first of them, and the first behind them."""
        return None

    def shared(self, *xs: *Xs) -> Shared | None:
        """A module that all operators of this kind in a network have in common."""
        return None

    # --- what may stand in its place ------------------------------------------------------

    def survival(self) -> float | None:
        """How likely the branch that this ends is there in training; None where it always is."""
        return None

    def in_eval(self) -> Op:
        """What it comes to where nothing is trained: an operator without dice."""
        return self

    def with_bias(self) -> Op | None:
        """The same with a bias; None for what no factor and summand a channel can go into."""
        return None

    def split_independent(self, parts: int, *xs: *Xs) -> Op | None:
        """What it is on one of so many equal parts of the channels, where none sees another.

        None where it needs channels of other parts.
        """
        return self if self.by_channel and len(xs) == 1 else None

    def split_outputs(self, parts: int, *xs: *Xs) -> Op | None:
        """What makes one of so many equal parts of its channels from all that go in, if it can."""
        return None

    def batchnorm_eps(self) -> float | None:
        """The eps of what is a fixed factor and summand a channel in eval mode: a batch norm."""
        return None

    # --- its syntax -----------------------------------------------------------------------

    @classmethod
    @cache
    def fields(cls) -> dict[str, Field]:
        """The syntax of each field, in order."""
        return {f.name: f.metadata["archc"] for f in dataclasses.fields(cls)}

    @classmethod
    def number_example(cls, name: str) -> str:
        """A value for a number field: what stands for it in the class's example."""
        fields = cls.fields()
        numbers = re.findall(r"(?<= )[0-9.]+(?= |$)", cls.example)
        at = [n for n, spec in fields.items() if spec.form is Form.NUMBER].index(name)
        return numbers[at] if at < len(numbers) else "2" if fields[name].kind is int else "0.5"

    @classmethod
    @cache
    def required(cls) -> tuple[str, ...]:
        """Fields that have no default."""
        return tuple(f.name for f in dataclasses.fields(cls) if f.default is REQUIRED)

    def refuse(self, message: str, hint: str = "", **more: Any) -> NoReturn:
        raise ShapeError(message, hint, **more)


class Unary(Operator[Shape]):
    """An operator on one tensor."""

    __slots__ = ()


class Nary(Operator[*tuple[Shape, ...]]):
    """An operator on several tensors."""

    __slots__ = ()


Op: TypeAlias = Operator[*tuple[Any, ...]]  # any of them: what callers have


def rechannelled(x: Shape, out: int) -> str:
    """Return what gives `out` channels at every position: `conv 1 x8`, or of a vector `fc 8`."""
    return f"conv {'x'.join('1' * x.rank)} x{out}" if x.rank else f"fc {out}"


def whole(x: Shape, each: bool = False) -> tuple[Window, ...]:
    """The windows of an operator that sees the whole map; `each` output element does."""
    return tuple(Window(int(n), 0 if each else int(n)) for n in x.size)


REGISTRY: dict[str, type[Op]] = {}
T = TypeVar("T", bound=type[Op])


@dataclass_transform(kw_only_default=True, frozen_default=True)
def op(cls: T) -> T:
    """Class decorator: a value made of keyword arguments.

    One without fields of its own is left with the methods of its base, which do: to make them
    anew for each activation costs more at start-up than the rest of its family.
    """
    if not inspect.get_annotations(cls):
        return cls
    return record(cls, kw_only=True)  # type: ignore[return-value]


def register(cls: T) -> T:
    """Class decorator, outermost: puts the operator under its name and aliases."""
    for name in (cls.name, *cls.aliases):
        if not name or name in REGISTRY:
            raise TypeError(f"operator {cls.__name__} has no name or one that is taken: {name!r}")
        REGISTRY[name] = cls
    return cls
