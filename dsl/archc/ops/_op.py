"""What an operator is, and the registry of all of them.

An operator is one class. Its fields are its syntax (see the field functions below), its
methods give shape, parameters, MACs and the torch call, and its docstring is the hover text
and the reference page. Nothing else in archc knows an operator by name.

All arithmetic here is on plain `int`; the emitter passes integers that remember the expression
they came from (`archc.symbol`), so use `+ - * // %` on them and never `int(...)` or `math.prod`
of something that should stay an expression. (`features` below shows how.)

Codes that operators use: A201 a window or target does not fit the tensor, A202 nothing would be
left, A203 `same` with an even window, A204 groups do not divide, A205 too much padding, A206 the
wrong number of numbers, A207 branches disagree, A208 a bundle of columns where a tensor is
expected or the other way round, A209 channels do not suit, A210 nothing to normalise over, A305
attributes that do not go together.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cache
from math import prod
from typing import Any, ClassVar, NoReturn, TypeVar, dataclass_transform

from archc import symbol

Dims = tuple[int, ...]  # one number for every dimension, or one a dimension


# --- shapes ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shape:
    """A tensor without its batch: channels, then spatial sizes in torch's order (D, H, W).

    A feature vector has no spatial sizes. `columns` > 0 is a bundle of that many tensors of
    this shape, waiting for a `join`.
    """

    channels: int
    size: Dims = ()
    columns: int = 0

    @property
    def rank(self) -> int:
        return len(self.size)

    @property
    def features(self) -> int:
        """How many elements the tensor has."""
        total = self.channels
        for extent in self.size:
            total = total * extent
        return total

    @property
    def dims(self) -> Dims:
        """C, D, H, W: torch's order."""
        return (self.channels, *self.size)

    def __str__(self) -> str:
        text = f"{'x'.join(map(str, self.size))} x{self.channels}".lstrip()
        return f"{self.columns} columns of {text}" if self.columns else text


@dataclass(frozen=True, slots=True)
class Window:
    """What one output element sees of the input along one dimension.

    Output element i sees the `extent` input elements from `stride * i - before` on. Where the
    output is the larger one, or windows adapt, these are fractions: the elements that lie in
    between. A stride of 0: every output element sees the same.
    """

    extent: float = 1
    stride: float = 1
    before: float = 0

    @property
    def most(self) -> int:
        """How many input elements an output element sees, at most."""
        return int(self.extent + 1e-9)


class Misfit(Exception):
    """Operator and tensor do not go together. Knows no position: the caller adds it.

    `field` names the attribute at fault, `notes` hold the arithmetic with the user's numbers,
    `hint` is a cure in words and `code` the entry of `archc explain`.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        field: str | None = None,
        notes: tuple[str, ...] = (),
        code: str = "A200",
    ) -> None:
        super().__init__(message)
        self.message, self.hint, self.field, self.notes, self.code = (
            message,
            hint,
            field,
            notes,
            code,
        )


def spread(dims: Dims, rank: int, field: str) -> Dims:
    """`dims` with one number a dimension.

    Raises Misfit where the user gave, say, two numbers for a 3-D tensor.
    """
    if len(dims) == rank:
        return dims
    if len(dims) == 1:
        return dims * rank
    noun = "window" if field == "kernel" else field
    raise Misfit(
        f"{noun} has {len(dims)} numbers, but the tensor has {rank} spatial "
        f"dimension{'s' * (rank != 1)}",
        f"give one number for all dimensions, or {rank}",
        field=field,
        code="A206",
    )


def times(x: Shape) -> str:
    """Its elements as a product: `55*55*96`."""
    return "*".join(str(n) for n in (*x.size, x.channels))


def squeeze(dims: Dims) -> int | Dims:
    """How torch code writes it: one number where all are equal, by their expressions too."""
    alike = len({symbol.expr_of(d) for d in dims}) == 1
    return dims[0] if alike and all(d == dims[0] for d in dims) else dims


# --- fields: the syntax of an operator ---------------------------------------------------


class Form(Enum):
    """How an attribute is written. The long name (`stride=2`) always works as well."""

    SIZE = "3x3"
    STRIDE = "/2"
    PADDING = "p1"
    WIDTH = "x64"
    GROUPS = "g32"
    DILATION = "d2"
    NUMBER = "0.5"  # the operator's own number
    FLAG = "word"
    OPTION = "key=value"


@dataclass(frozen=True, slots=True)
class Field:
    """The syntax of one dataclass field, kept in its metadata under "archc".

    `kind` says what values it takes: int, float, Dims, bool, str; `choices` are the words
    allowed for a str. `words` maps flags to the value each sets. `tensor` allows `@label`,
    which gives the operator a second input tensor and the value `OTHER`. `also` are other words of
    the field for it, that an option may have for its name.
    """

    form: Form
    kind: type | Any
    doc: str
    words: dict[str, Any] = dataclasses.field(default_factory=dict)
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    tensor: bool = False
    also: tuple[str, ...] = ()


class _Other:
    """The value of an option that names another tensor: its shape comes as a second input."""

    def __repr__(self) -> str:
        return "OTHER"


OTHER = _Other()
_REQUIRED = dataclasses.MISSING


def _field(spec: Field, default: Any) -> Any:
    return dataclasses.field(default=default, metadata={"archc": spec})


def size(default: Any = _REQUIRED, doc: str = "window", minimum: int = 1) -> Any:
    """`3x3`, `3`: a window of Dims, at least 1."""
    also = ("kernel_size", "window", "size") if doc == "window" else ()
    return _field(Field(Form.SIZE, Dims, doc, minimum=minimum, also=also), default)


def stride(default: Any = (1,), doc: str = "stride") -> Any:
    """`/2`, `/2x1`."""
    return _field(Field(Form.STRIDE, Dims, doc, minimum=1, also=("strides",)), default)


def padding(default: Any = (0,), doc: str = "padding on each side", same: bool = True) -> Any:
    """`p1`, `p0x3`; `same` is the value None: as much as keeps the size at stride 1."""
    words: dict[str, Any] = {"same": None} if same else {}
    return _field(Field(Form.PADDING, Dims, doc, words=words, minimum=0, also=("pad",)), default)


def width(default: Any = _REQUIRED, doc: str = "output channels") -> Any:
    """`x64`."""
    also = ("channels", "filters", "out_channels")
    return _field(Field(Form.WIDTH, int, doc, minimum=1, also=also), default)


def groups(default: Any = 1, doc: str = "groups of channels") -> Any:
    """`g32`."""
    return _field(Field(Form.GROUPS, int, doc, minimum=1), default)


def dilation(default: Any = (1,), doc: str = "dilation") -> Any:
    """`d2`."""
    return _field(Field(Form.DILATION, Dims, doc, minimum=1), default)


def number(
    kind: type,
    default: Any = _REQUIRED,
    doc: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
    also: tuple[str, ...] = (),
) -> Any:
    """The operator's own number, written bare: `fc 4096`, `dropout 0.5`."""
    spec = Field(Form.NUMBER, kind, doc, minimum=minimum, maximum=maximum, also=also)
    return _field(spec, default)


def flag(doc: str = "", default: Any = False, **words: Any) -> Any:
    """Words that set the field: `bias: bool = flag(nobias=False, default=True)`."""
    return _field(Field(Form.FLAG, bool, doc, words=words), default)


def option(
    kind: Any,
    default: Any = _REQUIRED,
    doc: str = "",
    choices: tuple[str, ...] = (),
    minimum: float | None = None,
    maximum: float | None = None,
    tensor: bool = False,
) -> Any:
    """`key=value`."""
    spec = Field(
        Form.OPTION, kind, doc, choices=choices, minimum=minimum, maximum=maximum, tensor=tensor
    )
    return _field(spec, default)


# --- the torch side ----------------------------------------------------------------------

Value = Any  # int, float, bool, str, None, or a tuple of them
ALWAYS = object()  # equal to no value


@dataclass(frozen=True, slots=True)
class Keyword:
    """A keyword argument, written only where it differs from torch's default (if it has one)."""

    name: str
    value: Value
    default: Value = ALWAYS


@dataclass(frozen=True, slots=True)
class Call:
    """How to make the module: `Call("nn.Conv2d", (3, 64, 7), (Keyword("stride", 2, 1),))`.

    Structure, never text. `target` is `nn.Something`, or the name of a class that
    `templates/support/<target>.py.jinja` defines and the generated file then carries.
    """

    target: str
    positional: tuple[Value, ...] = ()
    keyword: tuple[Keyword, ...] = ()


@dataclass(frozen=True, slots=True)
class Shared:
    """A module that the network owns once for all operators that ask for it.

    The network's `__init__` ends with `self.<name> = <target>(self, <extent>)`, `extent` being the
    largest that any of them asks for, and its `forward` begins with `self.<name>.draw()`. The
    support file of the operator that asks defines `target`.
    """

    target: str
    name: str
    extent: int


# --- memory ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Saved:
    """What autograd keeps of an operator, from where it runs until its backward pass.

    Numbers are for one sample, except `statistics`. What holds for torch is in its
    tools/autograd/derivatives.yaml.
    """

    input: bool = False  # the tensors that it takes, all of them
    output: bool = False
    values: int = 0  # further numbers, as wide as an activation
    indices: int = 0  # int64, 8 bytes each; made in eval mode too
    flags: int = 0  # bool, a byte each
    statistics: int = 0  # float32, for the whole mini-batch


def scalars(tensors: Iterable[Dims]) -> int:
    """How many numbers tensors of these dimensions hold."""
    return sum(prod(map(int, dims)) for dims in tensors)


# --- operators ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    """The base of all operators. Subclasses override what they need."""

    name: ClassVar[str] = ""
    aliases: ClassVar[tuple[str, ...]] = ()
    category: ClassVar[str] = "other"  # colour: conv pool norm act linear merge reshape drop other
    example: ClassVar[str] = ""  # one statement that a test parses, runs and compares with torch
    example_input: ClassVar[str] = "8x8 x4"  # the tensor that the example is applied to
    ranks: ClassVar[tuple[int, ...]] = (0, 1, 2, 3)  # spatial dimensions accepted
    inputs: ClassVar[tuple[int, int | None]] = (1, 1)  # fewest and most input tensors
    inplace: ClassVar[bool] = False  # torch's module has an `inplace` argument
    keeps_shape: ClassVar[bool] = False  # output shape = input shape, element by element
    training_only: ClassVar[bool] = False  # the identity in eval mode (dropout)
    bundles: ClassVar[bool] = False  # accepts bundles; its module takes all columns as one list
    view: ClassVar[bool] = False  # the output is the input's memory, seen otherwise
    gradient: ClassVar[str] = "new"  # of an input: `new` memory, the output's `same`, `part` of it
    full_precision: ClassVar[bool] = False  # autocast computes it in float32
    keeps: ClassVar[str] = ""  # what its derivative is computed from: `input`, `output`, or neither

    def shape(self, *xs: Shape) -> Shape:
        """The output shape. Raises Misfit."""
        return xs[0]

    def weights(self, *xs: Shape) -> dict[str, Dims]:
        """Trainable tensors by torch's names, each with its shape: {"weight": (64, 3, 7, 7)}."""
        return {}

    def buffers(self, *xs: Shape) -> dict[str, Dims]:
        """Tensors of the state that are not trained, by torch's names; a scalar is ()."""
        return {}

    def macs(self, *xs: Shape) -> int:
        """Multiply-accumulates of convolutions and linears for one sample, biases left out."""
        return 0

    def operations(self, *xs: Shape) -> int:
        """What an application takes beside its MACs, for one sample in eval mode.

        Additions, multiplications, comparisons and values of functions count 1 each, a bias too.
        """
        return 0

    def filters(self, *xs: Shape) -> tuple[Dims, int] | None:
        """The weights of a convolution or linear: what one filter spans, and how many there are.

        ((11, 11, 3), 96): kernel, then the channels that each sees.
        """
        return None

    def windows(self, *xs: Shape) -> tuple[Window, ...]:
        """What an output element sees of the input, for each spatial dimension of the output."""
        return (Window(),) * self.shape(*xs).rank

    def torch(self, *xs: Shape) -> Call | None:
        """How to make the module; None for an operator that exists only as an expression."""
        return None

    def inline(self, *names: str) -> str | None:
        """The operator as a Python expression over tensor names, or None to call its module.

        `names` come from the emitter, never from the user; each is a name or a call, and
        `*name` for a bundle. The result needs brackets before it is nested in another.
        `torch`, `nn` and `F` are imported where the expression mentions them.
        """
        return None

    def shared(self, *xs: Shape) -> Shared | None:
        """A module that all operators of this kind in a network have in common."""
        return None

    def saves(self, *xs: Shape, inplace: bool = False) -> Saved:
        """What autograd keeps until the backward pass; `inplace` where it overwrites its input."""
        return Saved(self.keeps == "input", self.keeps == "output")

    def scratch(self, *xs: Shape, training: bool) -> int:
        """Numbers for one sample that it needs while it runs, beside inputs, output and `saves`."""
        return 0

    def backward_scratch(self, *xs: Shape) -> int:
        """The same for its backward pass, beside the gradients of output and inputs."""
        return 0

    def passes_through(self, inputs: int, *, training: bool) -> bool:
        """Whether what it gives is its input itself, or a view of it: no memory of its own."""
        return self.view or (self.training_only and not training)

    def rule(self, *xs: Shape) -> str:
        """The formula of `arithmetic`, in letters: n the size, k window, s stride, p padding."""
        return ""

    def arithmetic(self, *xs: Shape) -> tuple[str, ...]:
        """How the output's sizes come about, with the numbers: a line for each dimension."""
        return ()

    def channel_arithmetic(self, *xs: Shape) -> str:
        """How its channels, or features, come about; nothing where they are the input's."""
        return ""

    def mac_arithmetic(self, *xs: Shape) -> str:
        """How `macs` come about: an expression in numbers, `55*55*96 * 11*11*3`."""
        return ""

    def remarks(self, *xs: Shape) -> tuple[str, ...]:
        """What else its numbers mean, in sentences: rows in no window, what groups see."""
        return ()

    def survival(self) -> float | None:
        """How likely the branch that this ends is there in training; None where it always is."""
        return None

    def in_eval(self) -> Op:
        """What it comes to where nothing is trained: an operator without dice."""
        return self

    def with_bias(self) -> Op | None:
        """The same with a bias; None for what no factor and summand a channel can go into."""
        return None

    def folding(self) -> float | None:
        """The eps of what is a fixed factor and summand a channel in eval mode: a batch norm."""
        return None

    def label(self) -> str:
        """A few words for a diagram or a table: `3x3/2, 64`."""
        return ""

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
        return tuple(f.name for f in dataclasses.fields(cls) if f.default is _REQUIRED)

    def refuse(self, message: str, hint: str = "", **more: Any) -> NoReturn:
        raise Misfit(message, hint, **more)


def whole(x: Shape, each: bool = False) -> tuple[Window, ...]:
    """The windows of an operator that sees the whole map; `each` output element does."""
    return tuple(Window(int(n), 0 if each else int(n)) for n in x.size)


REGISTRY: dict[str, type[Op]] = {}
T = TypeVar("T", bound=type[Op])


@dataclass_transform(kw_only_default=True, frozen_default=True)
def op(cls: T) -> T:
    """Class decorator: a frozen dataclass of keyword arguments.

    One without fields of its own is left with the methods of its base, which do: to make them
    anew for each activation costs more at start-up than the rest of its family.
    """
    if not inspect.get_annotations(cls):
        return cls
    return dataclass(frozen=True, slots=True, kw_only=True)(cls)  # type: ignore[return-value]


def register(cls: T) -> T:
    """Class decorator, outermost: puts the operator under its name and aliases."""
    for name in (cls.name, *cls.aliases):
        if not name or name in REGISTRY:
            raise TypeError(f"operator {cls.__name__} has no name or one that is taken: {name!r}")
        REGISTRY[name] = cls
    return cls
