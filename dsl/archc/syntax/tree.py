"""The syntax tree: what was written, and where. No meaning yet.

Every node is frozen and carries its span, which takes no part in equality, so two texts
that say the same have equal trees.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeVar, dataclass_transform

from archc.source import Damage, Span

T = TypeVar("T")

# Words that are no names; the first begin what stands at the top of a file alone.
ITEM_WORDS = frozenset("network use param block sequence train meta expect".split())
RESERVED = ITEM_WORDS | frozenset("reuse if else for in and or not".split())


def _span() -> Any:
    return field(compare=False, repr=False)


@dataclass_transform(frozen_default=True, field_specifiers=(field, _span))
def node(cls: type[T]) -> type[T]:
    """Makes a class a node of the tree."""
    return dataclass(frozen=True, slots=True)(cls)


# --- expressions -------------------------------------------------------------------------


@node
class Number:
    value: int | float
    span: Span = _span()


@node
class Text:
    value: str
    span: Span = _span()


@node
class Name:
    id: str
    span: Span = _span()


@node
class Incoming:
    """`in.c`, `in.h`, `in.w`, `in.d`, `in.features`."""

    field: str
    span: Span = _span()


@node
class ListExpr:
    items: tuple[Expr, ...]
    span: Span = _span()


@node
class Index:
    """`depths[i]`, counted from 0."""

    base: Expr
    index: Expr
    span: Span = _span()


@node
class UnaryExpr:
    op: str  # "-", "+", "not"
    operand: Expr
    span: Span = _span()


@node
class Binary:
    """Arithmetic, comparison or logic: `+ - * / // % **`, `== != < <= > >=`, `and or`."""

    op: str
    left: Expr
    right: Expr
    span: Span = _span()


@node
class Conditional:
    """`then if test else other`."""

    then: Expr
    test: Expr
    other: Expr
    span: Span = _span()


@node
class CallExpr:
    """`min max floor ceil round len abs` of expressions."""

    function: Name
    args: tuple[Expr, ...]
    span: Span = _span()


Expr = (
    Number | Text | Name | Incoming | ListExpr | Index | UnaryExpr | Binary | Conditional | CallExpr
)


# --- attributes --------------------------------------------------------------------------


@node
class Size:
    """`3x3`, `16x112x112`; also the value of an option (`to=7x7`)."""

    dims: tuple[int, ...]
    span: Span = _span()


@node
class Geometry:
    """`x64`, `p1`, `p0x3`, `g32`, `d2`, and with an expression `x(4*w)`, `p(k//2)`."""

    letter: str  # x, p, g or d
    dims: tuple[Expr, ...]
    span: Span = _span()


@node
class Stride:
    """`/2`, `/2x1`, `/(s)`."""

    dims: tuple[Expr, ...]
    span: Span = _span()


@node
class Plain:
    """The operator's own number or text: `4096`, `0.5`, `(n)`, `"..."`.

    `(56)x(56)` in brackets as sizes is `Sized`.
    """

    value: Expr
    span: Span = _span()


@node
class Sized:
    """`(s)x(s)`, `(h)x7`: a size with expressions, as in `input (size)x(size) x3`."""

    dims: tuple[Expr, ...]
    span: Span = _span()


@node
class Word:
    """A flag or a name: `ceil`, `nobias`, `same`; the label after `reuse`."""

    id: str
    span: Span = _span()


@node
class Option:
    """`eps=1e-3`, `to=7x7`, `to=@label`, `mode=bilinear`, `weight=(w)`."""

    name: Name
    value: Expr | Size | Sized | Word | Reference
    span: Span = _span()


Attribute = Size | Sized | Geometry | Stride | Plain | Word | Option


# --- statements --------------------------------------------------------------------------


@node
class Label:
    """`conv1:`, `denselayer{i}:`; the name in `as c3`, `as c{i}`."""

    name: str
    index: Expr | None
    span: Span = _span()


@node
class Argument:
    """One actual of `name(arguments)`: positional where `name` is None."""

    name: Name | None
    value: Expr
    span: Span = _span()


@node
class Sequence:
    """Statements in a row: a body, a branch, a group's inside. May be empty."""

    statements: tuple[Statement, ...]
    span: Span = _span()


@node
class Operation:
    """`name(arguments) attributes <branch | branch>`: operator, combinator or block call."""

    name: Name
    arguments: tuple[Argument, ...] | None  # None without brackets
    attributes: tuple[Attribute, ...]
    branches: tuple[Sequence, ...] | None  # None without <...>
    span: Span = _span()


@node
class Group:
    """`{ ... }`."""

    body: Sequence
    span: Span = _span()


@node
class If:
    """`if a { } else if b { } else { }`."""

    test: Expr
    then: Sequence
    other: Sequence | None
    span: Span = _span()


@node
class For:
    """`for i in 1..6 { }` (bounds inclusive) or `for a, b in list { }` with `stop` None."""

    names: tuple[Name, ...]
    start: Expr
    stop: Expr | None
    body: Sequence
    span: Span = _span()


@node
class Reference:
    """`@label`, `@enc{i}`: as a statement, as a branch, or in `to=@label`."""

    name: str
    index: Expr | None
    span: Span = _span()


@node
class Reuse:
    """`reuse label`: that statement's module again, with the same weights."""

    target: Reference
    span: Span = _span()


@node
class Broken:
    """A statement with a mistake in it, which is reported. What it makes is unknown."""

    span: Span = _span()


Term = Operation | Group | If | For | Reference | Reuse | Broken


@node
class Statement:
    """`[label:] term [* count] [as alias]`. The alias is a name of the tensor that comes out."""

    label: Label | None
    term: Term
    repeat: Expr | None
    span: Span = _span()
    alias: Label | None = None


# --- items of a file ---------------------------------------------------------------------


@node
class Network:
    """`network ResNet50 "Deep Residual Learning"`."""

    name: Name
    title: Text | None
    span: Span = _span()


@node
class Use:
    """`use "blocks/resnet.arch"`."""

    path: Text
    span: Span = _span()


@node
class Param:
    """`param classes = 1000`."""

    name: Name
    default: Expr
    span: Span = _span()


@node
class Formal:
    name: Name
    default: Expr | None
    span: Span = _span()


@node
class Block:
    """`block bottleneck(width, stride=1) { ... }`. `doc` is the comment right above it.

    `places` where it was written `sequence` instead of `block`.
    """

    name: Name
    formals: tuple[Formal, ...]
    body: Sequence
    places: bool
    doc: str = field(compare=False)
    span: Span = _span()


@node
class Entry:
    """One line of a section: `optimizer sgd lr=0.1`, `macs 4.09G`, `params < 30M`.

    `values` keeps numbers (suffixes K, M, G, T multiplied out; `%` is kept as a word),
    texts, words, shape attributes (`x1000`) and options, in order; `relation` is one of
    `< <= > >= ==` where it was written, else "".
    """

    key: Name
    relation: str
    values: tuple[Attribute, ...]
    span: Span = _span()


@node
class Section:
    """`train { ... }`, `meta { ... }`, `expect { ... }`."""

    kind: Name
    entries: tuple[Entry, ...]
    span: Span = _span()


Item = Network | Use | Param | Block | Section | Statement


@node
class File:
    """A whole file. `doc` is its opening comment, `damage` what mistakes took out of it."""

    items: tuple[Item, ...]
    span: Span = _span()
    doc: str = field(default="", compare=False)
    damage: Damage = field(default_factory=Damage, compare=False, repr=False)
