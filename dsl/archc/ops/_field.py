"""Fields: the syntax of an operator. Its dataclass has one for each attribute that it takes."""

from __future__ import annotations

import dataclasses
from enum import Enum
from typing import Any

from archc.ops._shape import Dims
from archc.record import record


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


@record
class Field:
    """The syntax of one dataclass field, kept in its metadata under "archc".

    `kind` says what values it takes: int, float, Dims, bool, str; `choices` are the words
    allowed for a str. `words` maps flags to the value each sets. `tensor` allows `@label`,
    which gives the operator a second input tensor and the value `OTHER`. `also` are other words of
    the field for it, that an option may have for its name. With `fraction`, Dims may be fractions.
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
    fraction: bool = False


class _Other:
    """The value of an option that names another tensor: its shape comes as a second input."""

    def __repr__(self) -> str:
        return "OTHER"


OTHER = _Other()
TENSORFLOW = "tfsame"  # the value of padding as TensorFlow's `SAME` has it
REQUIRED = dataclasses.MISSING


def _field(spec: Field, default: Any) -> Any:
    return dataclasses.field(default=default, metadata={"archc": spec})


def size(
    default: Any = REQUIRED, doc: str = "window", minimum: int = 1, fraction: bool = False
) -> Any:
    """`3x3`, `3`: a window of Dims, at least 1."""
    also = ("kernel_size", "window", "size") if doc == "window" else ()
    spec = Field(Form.SIZE, Dims, doc, minimum=minimum, also=also, fraction=fraction)
    return _field(spec, default)


def stride(default: Any = (1,), doc: str = "stride") -> Any:
    """`/2`, `/2x1`."""
    return _field(Field(Form.STRIDE, Dims, doc, minimum=1, also=("strides",)), default)


def padding(default: Any = (0,), doc: str = "padding on each side", same: bool = True) -> Any:
    """`p1`, `p0x3`; `same` is the value None: as much as keeps the size at stride 1."""
    words: dict[str, Any] = {"same": None, TENSORFLOW: TENSORFLOW} if same else {}
    return _field(Field(Form.PADDING, Dims, doc, words=words, minimum=0, also=("pad",)), default)


def width(default: Any = REQUIRED, doc: str = "output channels") -> Any:
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
    default: Any = REQUIRED,
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
    default: Any = REQUIRED,
    doc: str = "",
    choices: tuple[str, ...] = (),
    minimum: float | None = None,
    maximum: float | None = None,
    tensor: bool = False,
    words: dict[str, Any] | None = None,
) -> Any:
    """`key=value`; `words` are others for some of its choices."""
    spec = Field(
        Form.OPTION, kind, doc, words or {}, choices, minimum=minimum, maximum=maximum,
        tensor=tensor,
    )  # fmt: skip
    return _field(spec, default)
