"""A foreign statement in archc's words, by the row of its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from math import prod
from typing import Any

from archc.habits.applied import OwnBlock
from archc.habits.call import (
    Code,
    ForeignCall,
    read_call,
    read_section,
    read_value,
    statement_at,
    windows_read,
)
from archc.habits.containers import WrittenLayer, contained
from archc.habits.shapes import is_map_axes, is_map_size, with_one_channel
from archc.habits.table import Habit, habits, key, rows_of, tools_that_write

# What no layer's meaning hangs on, whatever the tool.
_IDLE = re.compile(
    r"name|dtype|device|inplace|in_place|input_shape|input_dim|batch_input_shape|trainable|out|seed"
    r"|weight_filler|bias_filler|param|ntop|\w*_(?:initializer|regularizer|constraint|filler)"
)
_IDENTITIES = frozenset(("", "linear", "none", "identity"))
_CURRENT = frozenset("x out y net h model features hidden input inputs tensor z output".split())
_TENSORS = _CURRENT | frozenset("identity shortcut residual skip res".split())
_ARITHMETIC = "sums inside of calls; `residual< ... >` adds what comes in to what its layers make"
_EXPRESSION = re.compile(r"(?:[\w\s+\-*/%().,]|\w\[\w+\])+")
_NUMBERS = "int|floor|ceil|round|min|max|abs|len|sum"  # what these make is a number
_CALLED = re.compile(rf"(?<!\w)(?!(?<![.\w])(?:{_NUMBERS})\()\w+\(")
_INT = re.compile(r"(?<![\w.])(?:int|math\.floor)\(")
_SIZES = re.compile(r"\.size\(|\.shape\b|\blen\(")
_NO_SIZES = "sizes of tensors as values; `gap` pools a whole map, `to=@label` takes a tensor's size"
_INCOMING = ("in_channels", "in_features", "num_features", "num_channels")
# What people write who remember none of the tools' own names: each set is one thing.
_ONE_THING = (
    frozenset("kernel kernel_size window size k ksize filter_size pool_size kernel_shape".split()),
    frozenset("stride strides s".split()),
    frozenset("pad padding pads p".split()),
    frozenset("dilation dilation_rate rate d".split()),
    frozenset("bias use_bias bias_term".split()),
    frozenset("group groups g".split()),
    frozenset("out out_channels filters channels num_output num_filters width".split()),
    frozenset("units out_features features num_output".split()),
)
_PRODUCT = re.compile(r"[0-9]{1,6}(?: \* [0-9]{1,6}){1,4}")
_HOLE = re.compile(r"\[(\w+)\]|<(\w+)>|\{(\w+)(?:([?!])(\w+))?\}")


NO_BLOCKS: Mapping[str, OwnBlock] = {}


@dataclass(frozen=True, slots=True)
class Translation:
    """What was written, and the statements that archc has for it, or what it lacks instead."""

    written: str  # the name
    text: str = ""
    lacks: str = ""
    lost: tuple[str, ...] = ()  # arguments that it does not have
    sure: bool = True  # nothing in it is a guess
    assumed: str = ""  # an argument that is missing: `kernel_size=3`
    end: int = 0  # of what was read, from the start of the text
    incoming: int | None = None  # channels or features that come in, where they are written
    input: str = ""  # the statement of the input, where a layer of Keras says it, too
    features: tuple[int, ...] = ()  # what the linears of a container take


class _Unfit(Exception):
    """The row is not about this call; or, with a message, archc lacks what it asks for."""


def translated(
    text: str, start: int = 0, rank: int | None = None, blocks: Mapping[str, OwnBlock] = NO_BLOCKS
) -> Translation | None:
    """The statement that starts there, if it is one of another tool.

    `rank` is the tensor's, `blocks` are the file's own.
    """
    section = read_section(text, start) if text[start : start + 1] == "[" else None
    if section is not None:
        made = _by_rows(section[0], rank, rows_of(section[0].name))
        return made and replace(made, end=section[1] - start)
    statement = statement_at(text, start)
    group = _container(statement, rank, blocks)
    if group is not None:
        return replace(group, end=len(statement))
    call = read_call(windows_read(statement))
    if call is None:
        return None
    rows = rows_of(f"F.{call.name}") if call.is_functional else []
    made = _by_rows(call, rank, rows or rows_of(call.name))
    return made and replace(made, end=len(statement))


def _container(
    statement: str, rank: int | None, blocks: Mapping[str, OwnBlock]
) -> Translation | None:
    """`self.stem = nn.Sequential(nn.Conv2d(3, 64, 7), nn.ReLU())` as a group."""
    target, node = read_value(statement)

    def layer(text: str) -> WrittenLayer | None:
        made = translated(text, 0, rank)
        usable = made is not None and (made.text or made.lacks) and not made.lost
        if made is None or not usable:
            return None
        return WrittenLayer(made.text, made.sure, made.lacks, made.incoming, made.input)

    made = contained(node, layer, blocks) if node is not None else None
    if made is None:
        return None
    written = made.name or "[ ... ]"
    if made.lacks:
        return Translation(written, lacks=made.lacks)
    label = target.removeprefix("self.")
    is_name = label.isidentifier() and (label != target or label not in _CURRENT)
    text = made.text(label if is_name else "")
    found = Translation(written, text, sure=made.sure, incoming=made.incoming)
    return replace(found, input=made.input, features=made.features)


def _by_rows(call: ForeignCall, rank: int | None, rows: list[Habit]) -> Translation | None:
    """By the first row that has a place for every argument, or else the first that lacks some."""
    made = _by_row(call, rank, rows)
    first = call.arguments[0] if call.arguments else None
    if isinstance(first, Code) and _is_arithmetic(first):
        return made or Translation(call.name, lacks=_ARITHMETIC)
    if isinstance(first, Code) and not _is_layer(first) and (made is None or made.lacks):
        function = replace(call, arguments=call.arguments[1:])  # of a tensor: `reduce(x, ...)`
        return _by_row(function, rank, rows) or made
    return made


def _by_row(call: ForeignCall, rank: int | None, rows: list[Habit]) -> Translation | None:
    partial: Translation | None = None
    own = tools_that_write(call.name)
    for row in rows:
        if row.lacks:
            return partial or Translation(call.name, lacks=row.lacks)
        if row.parameters is None:
            head = row.form.partition(" ")[0]
            if key(head) != key(call.name) and (found := _by_rows(call, rank, rows_of(head))):
                return replace(found, written=call.name)
            continue
        is_own = not own or row.tool in own
        if row.tool not in own and _is_no_kernel(call, row):
            continue
        try:
            made = _Writer(row, call, key(call.name)[1] or rank).translation()
        except _Unfit as why:
            if str(why):
                partial = partial or Translation(call.name, lacks=str(why))
            continue
        if not made.lost:
            return made if is_own else replace(made, sure=False)
        partial = partial or made
    return partial or _with_a_kernel(
        call, rank, [row for row in rows if row.tool in own or not own]
    )


_LARGEST_KERNEL = 11  # AlexNet's: a larger number by its place is one of channels


def _is_no_kernel(call: ForeignCall, row: Habit) -> bool:
    """Whether a number by its place, read as another tool does, makes no kernel that is usual."""
    for parameter, value in zip(row.parameters or (), call.arguments, strict=False):
        if parameter.name == "kernel_size" and isinstance(value, int):
            return value > _LARGEST_KERNEL or value in (6, 8, 10)
    return False


def _with_a_kernel(call: ForeignCall, rank: int | None, rows: list[Habit]) -> Translation | None:
    """`Conv2d(3, 16)` has no kernel: what it is with one of 3."""
    for row in rows:
        if any(p.name == "kernel_size" and p.is_needed for p in row.parameters or ()):
            given = replace(call, keywords={**call.keywords, "kernel_size": 3})
            made = _by_row(given, rank, [row]) if "kernel_size" not in call.keywords else None
            return made and replace(made, sure=False, assumed="kernel_size=3")
    return None


@dataclass(frozen=True, slots=True)
class Renaming:
    """What a word of another tool is called here: `dropout2d 0.2` is `dropout 0.2 channel`."""

    head: str = ""
    rest: str = ""  # what follows its attributes
    lacks: str = ""
    sure: bool = True


def renamed(word: str) -> Renaming | None:
    """A word of another tool, where its attributes are archc's."""
    for row in sorted(rows_of(word), key=lambda row: row.parameters is not None):
        if (found := _renaming(row)) is not None:
            return found
    return None


def _renaming(row: Habit) -> Renaming | None:
    if row.lacks:
        return Renaming(lacks=row.lacks)
    first, *others = row.form.split(" ; ")
    head, *pieces = first.split(" ")
    if not re.fullmatch(r"\w+<?", head):
        return None
    flags = (f" {piece}" for piece in pieces if piece.isidentifier() or piece == "to=1")
    rest = (f"; {other}" for other in others if other.isidentifier())
    sure = row.section != "words that may mean more than one thing"
    return Renaming(head.rstrip("<"), "".join((*flags, *rest)), sure=sure)


def words_beginning(typed: str, rank: int) -> Iterator[tuple[str, Renaming]]:
    """Return the other tools' words that begin so, in letters of either case, and archc's word.

    `rank` is the tensor's: `Conv2d` is offered for an image. Of those that are one word but for
    case, `_` and dimensions there is one, that which begins just as typed if any does.
    """
    digits = re.search("[123]", typed)
    names = (name.replace("#", digits[0] if digits else str(rank)) for name in _names())
    found: dict[str, str] = {}
    for name in sorted(names, key=lambda name: not name.startswith(typed)):
        if name.lower().startswith(typed.lower()):
            found.setdefault(key(name)[0], name)
    for name in found.values():
        made = renamed(name)
        if made is not None and not made.sure:  # a tool that writes it just so is sure
            made = _renaming(rows_of(name)[0])
        if made is not None and made.head and made.head != name.lower().rstrip("_"):
            yield name, made


@cache
def _names() -> tuple[str, ...]:
    """All that tools write in one word."""
    names = (name for habit in habits() for name in habit.names)
    return tuple(dict.fromkeys(n for n in names if n.replace("#", "").isidentifier()))


def lacking_of_python(word: str) -> str:
    """What archc lacks of a statement of Python that begins so; nothing for another word."""
    found = (row.lacks for row in rows_of(word) if row.section.startswith("Python"))
    return next(found, "")


@dataclass(slots=True)
class _Writer:
    """One call, written by one row."""

    row: Habit
    call: ForeignCall
    rank: int | None
    sure: bool = True

    def translation(self) -> Translation:
        values, lost = self._bound()
        statements = [self._part(part, values) for part in self.row.form.split(" ; ")]
        if "activation" in lost:  # beside what the row has
            lost = tuple(name for name in lost if name != "activation")
            statements.append(self._statement(self.call.keywords["activation"], values))
        text = "; ".join(filter(None, statements))
        target = self.call.target.removeprefix("self.")
        given = (*self.call.applied, *(a.text for a in self.call.arguments if isinstance(a, Code)))
        if text.startswith("input ") and target.isidentifier() and target not in _CURRENT:
            text = f"input {target} {text.removeprefix('input ')}"
        elif target and target not in _CURRENT and target not in given and target.isidentifier():
            text = f"{target}: {text}"
        sure = self.sure and not lost
        incoming, input = self._incoming(), with_one_channel(self._input(), text)
        return Translation(self.call.name, text, "", lost, sure, incoming=incoming, input=input)

    def _incoming(self) -> int | None:
        """The channels that come in, which archc knows by itself."""
        names = [p.name for p in self.row.parameters or ()]
        given = dict(zip(names, self.call.arguments, strict=False)) | self.call.keywords
        found = (_worked_out(given.get(name)) for name in _INCOMING)
        return next((n for n in found if isinstance(n, int) and not isinstance(n, bool)), None)

    def _input(self) -> str:
        """What a first layer of Keras says comes in: `input_shape=(28, 28, 1)`."""
        given = self.call.keywords
        batch = given.get("batch_input_shape")
        value = batch[1:] if isinstance(batch, tuple) else given.get("input_shape")
        value = given.get("input_dim") if value is None else value
        sizes = value if isinstance(value, tuple) else (value,)
        if not sizes or not all(type(size) is int for size in sizes):
            return ""
        return f"input {self._shape(sizes, {})}"

    def _bound(self) -> tuple[dict[str, Any], tuple[str, ...]]:
        """The values of the row's parameters, and the arguments that have no place."""
        assert self.row.parameters is not None
        parameters = {p.name: p for p in self.row.parameters}
        if len(self.call.arguments) > len(parameters):
            raise _Unfit
        given = dict(zip(parameters, self.call.arguments, strict=False))
        lost = []
        for p in parameters.values():
            value = given.get(p.name)
            if p.means_nothing and isinstance(value, Code) and _is_layer(value):
                raise _Unfit(
                    "calls inside of calls; statements follow each other: `conv 3x3 x8; relu`"
                )
            if isinstance(value, Code) and _is_arithmetic(value):
                raise _Unfit(_ARITHMETIC)
        for name, value in self.call.keywords.items():
            own = name if name in parameters else _alike(name, parameters.keys() - given.keys())
            if own in parameters:
                given[own] = value
            elif not _IDLE.fullmatch(name):
                lost.append(name)
        for p in parameters.values():
            if p.sign in ("==", "=?"):
                otherwise = p.default if p.sign == "=?" else _Missing
                if not self._is(given.get(p.name, otherwise), p.default):
                    raise _Unfit
            elif p.sign == ":=":
                given.setdefault(p.name, int(p.default))
            elif p.is_needed and p.name not in given:
                raise _Unfit
        kept = {n: v for n, v in given.items() if not _is_default(parameters[n], v, given)}
        return kept, tuple(lost)

    def _is(self, value: Any, meant: str) -> bool:
        """Whether a value is the one that the row is about."""
        if meant == "@map":
            tensor = self.call.arguments[0] if self.call.arguments else None
            if not isinstance(tensor, Code) or not is_map_size(value, tensor):
                return False
            self.sure = isinstance(value, tuple) or ":" in value.text  # else of a square alone
            return True
        if meant == "@axes":
            return is_map_axes(value, self.rank or 2)
        return _plain(value) == _plain(meant)

    # --- the form ------------------------------------------------------------------------

    def _part(self, form: str, values: Mapping[str, Any]) -> str:
        """One statement of a form; empty where what it is about is not given."""
        pieces = form.split(" ")
        written = [self._piece(piece, values) for piece in pieces]
        if not written[0]:
            return ""
        text = ""
        for piece in filter(None, written):
            text += piece if piece.startswith("/") or not text else f" {piece}"
        return text

    def _piece(self, piece: str, values: Mapping[str, Any]) -> str:
        if piece.startswith("%"):
            kind, *names = piece[1:].split(":")
            value = values.get(names[0])
            return "" if value is None else _KINDS[kind](self, value, values, *names[1:])
        holes = list(_HOLE.finditer(piece))
        if not holes:
            return piece
        filled = piece
        for hole in holes:
            spatial, size, name, sign, word = hole.groups()
            if sign:
                value = values.get(name)
                truth = value is not None and _plain(value) in ("true", "1")
                false = value is not None and _plain(value) in ("false", "0")
                return word if (truth if sign == "?" else false) else ""
            if (spatial or size or name) not in values and not (spatial or "").isdigit():
                return ""
            value = int(spatial) if (spatial or "").isdigit() else values[spatial or size or name]
            alone = filled == hole.group()
            made = (
                self._window(value, full=alone)
                if spatial
                else self._size(value)
                if size
                else self._scalar(value, bracketed=not alone)
            )
            filled = filled.replace(hole.group(), made, 1)
        if re.match(r"[xpgd/]-", filled):
            raise _Unfit
        if filled.startswith(("after=", "before=")):
            return filled
        return filled.replace("psame", "same").replace("pvalid", "").strip()

    def _scalar(self, value: Any, bracketed: bool = False) -> str:
        match value:
            case Code():
                return self._code(value)
            case bool():
                return "true" if value else "false"
            case int() | float():
                return f"{value:g}" if isinstance(value, float) else str(value)
            case str() if re.fullmatch(r"[\w-]+", value):
                return value.lower().replace("-", "_")
            case (single,):
                return self._scalar(single)
            case _:
                raise _Unfit

    def _code(self, value: Code) -> str:
        """An expression: whether its names are known here, nobody has looked."""
        if _SIZES.search(value.text):
            raise _Unfit(_NO_SIZES)
        if not _EXPRESSION.fullmatch(value.text):
            raise _Unfit
        self.sure = False
        return f"({_INT.sub('floor(', value.text)})"

    def _window(self, value: Any, *, full: bool) -> str:
        """A window or stride: one number where it is all that is needed."""
        if isinstance(value, tuple):
            if (len(value) == 4 and self.rank is None) or len(value) == 2 * (self.rank or 2):
                value = _halves(value)  # ONNX: begin and end of each dimension
            if len(value) > 3 or not value:
                raise _Unfit
            numbers = [self._scalar(v) for v in value]
        else:
            numbers = [self._scalar(value)] * ((self.rank or 1) if full else 1)
        if not full and len(set(numbers)) == 1:
            numbers = numbers[:1]
        return "x".join(numbers)

    def _size(self, value: Any) -> str:
        """What stands behind `to=` or `pad`; torch and Keras have paddings of two sides."""
        if isinstance(value, tuple) and any(isinstance(v, tuple) for v in value):
            before, after = zip(
                *((v, v) if not isinstance(v, tuple) else v for v in value), strict=True
            )
            return self._sides(before, after)
        if isinstance(value, tuple) and len(value) == 2 * (self.rank or 2):
            return self._sides(value[-2::-2], value[::-2])
        return self._window(value, full=False)

    def _sides(self, before: tuple[Any, ...], after: tuple[Any, ...]) -> str:
        if before == after:
            return self._window(tuple(before), full=False)
        named = (("before", before), ("after", after))
        given = [f"{n}={self._window(tuple(v), full=False)}" for n, v in named if any(v)]
        return " ".join(given)

    # --- what only some rows have -------------------------------------------------------------

    def _statement(self, value: Any, _: Mapping[str, Any]) -> str:
        """An activation by its name."""
        name = value.text.rpartition(".")[2] if isinstance(value, Code) else str(value)
        if name.lower() in _IDENTITIES:
            return ""
        made = _by_rows(ForeignCall(name), None, rows_of(name))
        if made is not None and made.text:
            return made.text
        found = renamed(name)
        if found is None or not found.head:
            raise _Unfit
        return found.head

    def _darknet(self, value: Any, values: Mapping[str, Any]) -> str:
        return "leaky_relu 0.1" if value == "leaky" else self._statement(value, values)

    def _same(self, value: Any, values: Mapping[str, Any]) -> str:
        """Keras pads as `same` does where the stride is 1, else as `tfsame` does."""
        if isinstance(value, int):  # as torch has it
            return self._piece("p[padding]", {"padding": value}) if value else ""
        if _plain(value) == "valid":
            return ""
        window = next(
            (v for n, v in values.items() if n.startswith(("kernel", "pool", "ksize"))), 2
        )
        stride = values.get("strides", 1 if "kernel_size" in values else window)
        if _plain(value) != "same":
            raise _Unfit
        return "same" if _plain(stride) == "1" else "tfsame"

    def _branch(self, value: Any, _: Mapping[str, Any]) -> str:
        if not isinstance(value, Code) or not value.text.isidentifier():
            raise _Unfit
        self.sure = False
        return f"@{value.text}"

    def _branches(self, value: Any, values: Mapping[str, Any]) -> str:
        if not isinstance(value, tuple) or len(value) < 2:
            raise _Unfit
        return " | ".join(self._branch(item, values) for item in value)

    def _shape(self, value: Any, _: Mapping[str, Any]) -> str:
        """A shape with the channels last."""
        if isinstance(value, int):
            return f"x{value}"
        if not isinstance(value, tuple) or not value:
            raise _Unfit
        *size, channels = (self._scalar(v) for v in value)
        return f"{'x'.join(size)} x{channels}".strip()

    def _channels_first(self, value: Any, values: Mapping[str, Any]) -> str:
        if not isinstance(value, tuple) or len(value) < 2:
            raise _Unfit
        return self._shape((*value[1:], value[0]), values)

    def _whole(self, value: Any, _: Mapping[str, Any]) -> str:
        """`LayerNorm((C, H, W))` is about all of the map."""
        return "whole" if isinstance(value, tuple) and len(value) > 1 else ""

    def _if(self, value: Any, _: Mapping[str, Any], word: str) -> str:
        return word if _plain(value) in ("1", "true") else ""


_Missing = object()
_KINDS: dict[str, Callable[..., str]] = {
    "statement": _Writer._statement,
    "darknet": _Writer._darknet,
    "same": _Writer._same,
    "branch": _Writer._branch,
    "branches": _Writer._branches,
    "shape": _Writer._shape,
    "channels_first": _Writer._channels_first,
    "whole": _Writer._whole,
    "if": _Writer._if,
}


def _alike(name: str, names: Iterable[str]) -> str:
    """The one of a row's names that is about the same thing; empty where there is none, or two."""
    found = {n for n in names for alike in _ONE_THING if {n, name} <= alike}
    return found.pop() if len(found) == 1 else ""


def _is_default(parameter: Any, value: Any, given: Mapping[str, Any]) -> bool:
    """Whether a value need not be written."""
    if parameter.sign == ":=":
        window = next((v for n, v in given.items() if n.startswith("kernel")), None)
        return _plain(window) == _plain(value)
    if parameter.means_nothing or parameter.sign != "=":
        return bool(parameter.means_nothing)
    default = parameter.default
    other = given.get(default, default)
    return (bool(default) and _plain(value) == _plain(other)) or value is None


def _plain(value: Any) -> str:
    """A value to compare: 1, 1.0, (1, 1) and "1" are equal."""
    match value:
        case bool() | None:
            return str(value).lower()
        case int() | float():
            return f"{value:g}"
        case tuple():
            parts = [_plain(item) for item in value]
            return parts[0] if len(set(parts)) == 1 else f"({', '.join(parts)})"
        case Code():
            return value.text.rpartition(".")[2].lower()
        case str():
            try:
                return f"{float(value):g}"
            except ValueError:
                return value.lower()
    return "<missing>"


def _worked_out(value: Any) -> Any:
    """`400` for `16 * 5 * 5`."""
    if not isinstance(value, Code) or not _PRODUCT.fullmatch(value.text):
        return value
    return prod(int(number) for number in value.text.split("*"))


def _is_layer(value: Code) -> bool:
    """Whether it computes something that a statement would."""
    return bool(_CALLED.search(value.text)) and not _SIZES.search(value.text)


def _is_arithmetic(value: Code) -> bool:
    """Whether it computes with tensors, going by their names: `x + identity`."""
    names = set(re.findall(r"\w+", value.text))
    return bool(names & _TENSORS) and re.search(r"[\w)]\s[-+*/]\s[\w(]", value.text) is not None


def _halves(pads: tuple[Any, ...]) -> tuple[Any, ...]:
    half = len(pads) // 2
    if pads[:half] != pads[half:]:
        raise _Unfit
    return pads[:half]
