"""The syntax tree: what was written, and where. No meaning yet.

Every node is frozen and carries its span, which takes no part in equality, so two texts
that say the same have equal trees.
"""

from __future__ import annotations

from dataclasses import field
from typing import Any, TypeVar, dataclass_transform

from archc.record import record
from archc.source import Damage, Source, Span

T = TypeVar("T")

# Words that are no names; the first begin what stands at the top of a file alone.
ITEM_WORDS = frozenset("network use param block sequence train meta expect".split())
RESERVED = ITEM_WORDS | frozenset("reuse if else for in and or not".split())
SIZES = ("c", "h", "w", "d", "features")  # of a tensor: `in.c`, `@label.h`


def _span() -> Any:
    return field(compare=False, repr=False)


@dataclass_transform(frozen_default=True, field_specifiers=(field, _span))
def node(cls: type[T]) -> type[T]:
    """Makes a class a node of the tree."""
    return record(cls)


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
class Slice:
    """`depths[1:]`, `depths[:i]`: from `start` up to, not including `stop`, as in Python."""

    base: Expr
    start: Expr | None
    stop: Expr | None
    span: Span = _span()


@node
class Comprehension:
    """`[2*w for w in widths]`, `[32 * 2**i for i in 0..3]`: a list by a rule."""

    item: Expr
    targets: tuple[Target, ...]
    over: Over
    span: Span = _span()


@node
class SizeOf:
    """`@label.c`, `@enc{i}.h`: a size of the tensor that a label names."""

    tensor: Reference
    field: str
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
    """A function of the language, such as `min`, `len` or `sum`, of expressions."""

    function: Name
    args: tuple[Expr, ...]
    span: Span = _span()


Expr = (
    Number
    | Text
    | Name
    | Incoming
    | SizeOf
    | ListExpr
    | Comprehension
    | Index
    | Slice
    | UnaryExpr
    | Binary
    | Conditional
    | CallExpr
)

Target = Name | tuple[Name, ...]  # what a loop's item is called; several where it is a list


@node
class Over:
    """What a loop goes through: `1..6` (bounds inclusive), or a list, with `stop` None."""

    start: Expr
    stop: Expr | None
    span: Span = _span()


def names_of(targets: tuple[Target, ...]) -> tuple[Name, ...]:
    """The names of a loop, those of inner lists in their places."""
    lists = (target if isinstance(target, tuple) else (target,) for target in targets)
    return tuple(name for names in lists for name in names)


Template = tuple[str | Expr, ...]  # a name with expressions in it: `x`, i, `_`, j


def fixed(template: Template) -> str | None:
    """The name, if it is the same wherever it stands."""
    only = template[0] if len(template) == 1 else None
    return only if isinstance(only, str) else None


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


# --- statements --------------------------------------------------------------------------


@node
class Label:
    """`conv1:`, `x{i}_{j}:`, `"convs.0":`; the name in `as c3`, `output task{i}`, `input v{i}`.

    `is_path` where it stands in quotes: the place of a module, with a dot before each part.
    """

    parts: Template
    span: Span = _span()
    is_path: bool = False

    @property
    def fixed(self) -> str | None:
        """The name, if there is no `{...}` in it."""
        return fixed(self.parts)


Attribute = Size | Sized | Geometry | Stride | Plain | Word | Option | Label


@node
class Argument:
    """One actual of `name(arguments)`: positional where `name` is None."""

    name: Name | None
    value: Expr | Reference
    span: Span = _span()


@node
class Sequence:
    """Statements in a row: a body, a branch, a group's inside. May be empty."""

    statements: tuple[Statement, ...]
    span: Span = _span()


@node
class Operation:
    """`name(arguments) attributes <branch | branch>`: operator, combinator or block call.

    `condition` is what stands after `if`, as in `residual if (stride == 1) <...>`.
    """

    name: Name
    arguments: tuple[Argument, ...] | None  # None without brackets
    attributes: tuple[Attribute, ...]
    branches: tuple[Sequence, ...] | None  # None without <...>
    span: Span = _span()
    condition: Expr | None = None


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
    """`for i in 1..6 { }`, `for a, b in list { }`, `for i, (a, b) in enumerate(list) { }`."""

    targets: tuple[Target, ...]
    over: Over
    body: Sequence
    span: Span = _span()

    @property
    def names(self) -> tuple[Name, ...]:
        return names_of(self.targets)


@node
class Each:
    """`each r in rates { }` as a branch: one branch a pass."""

    targets: tuple[Target, ...]
    over: Over
    body: Sequence
    span: Span = _span()


@node
class Let:
    """`let wide = 4*width`: a name for a value, from here to the end of what is around."""

    name: Name
    value: Expr
    span: Span = _span()


@node
class Reference:
    """`@label`, `@enc{i}`: as a statement, as a branch, an argument, or in `to=@label`.

    `members` are what follows behind dots: `@body.c3`, `@features.0`, `@body.c{i}`. `is_path` where
    the label stands in quotes: `@"convs.0"`.
    """

    parts: Template
    span: Span = _span()
    members: tuple[Template, ...] = ()
    is_path: bool = False

    @property
    def fixed(self) -> str | None:
        """The label, if there is no `{...}` in it."""
        return fixed(self.parts)


@node
class Reuse:
    """`reuse label`: that statement's module again, with the same weights."""

    target: Reference
    span: Span = _span()


@node
class Broken:
    """A statement with a mistake in it, which is reported. What it makes is unknown."""

    span: Span = _span()


Term = Operation | Group | If | For | Each | Let | Reference | Reuse | Broken


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
class Extends:
    """`extends "resnet50.arch"`, `extends "resnet50"`: the network that the file changes."""

    path: Text
    span: Span = _span()


@node
class Without:
    """`without aux1, aux2`: statements of the base that are not taken over."""

    labels: tuple[Label, ...]
    span: Span = _span()


@node
class Param:
    """`param classes = 1000`."""

    name: Name
    default: Expr
    span: Span = _span()


@node
class Formal:
    """A parameter of a block: `width`, `stride=1`, and `@skip` for one that is a tensor."""

    name: Name
    default: Expr | None
    span: Span = _span()
    is_tensor: bool = False

    @property
    def text(self) -> str:
        """As it was written: `width`, `stride=1`, `@skip`."""
        default = "" if self.default is None else f"={self.default.span.text}"
        return f"{'@' * self.is_tensor}{self.name.id}{default}"


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


Item = Network | Use | Extends | Without | Param | Block | Section | Statement


@node
class File:
    """A whole file. `doc` is its opening comment, `damage` what mistakes took out of it.

    `variation` where it is merged with a file that it extends.
    """

    items: tuple[Item, ...]
    span: Span = _span()
    doc: str = field(default="", compare=False)
    damage: Damage = field(default_factory=Damage, compare=False, repr=False)
    variation: Variation | None = field(default=None, compare=False, repr=False)


@node
class Variation:
    """What a merged file came from: the lines that say a change, and what they change.

    `base` may be merged itself, and has the name `name`. `changes` are words for each; `alters`
    where they make another network, and not only another training. `unused` are new blocks that
    nothing in the file calls.
    """

    extends: Extends
    own: File
    base: File
    name: str
    changes: tuple[str, ...] = ()
    alters: bool = False
    unused: tuple[Block, ...] = ()

    @property
    def words(self) -> str:
        """`ResNet50 (resnet50.arch): num_classes = 10; without aux1`: the base, and the changes."""
        base = f"{self.name} ({self.extends.path.value})"
        return f"{base}: {'; '.join(self.changes)}" if self.changes else base

    @property
    def sources(self) -> tuple[Source, ...]:
        """The files that were merged: the own one, its base, and what that extends."""
        further = self.base.variation
        behind = (self.base.span.source,) if further is None else further.sources
        return (self.own.span.source, *behind)
