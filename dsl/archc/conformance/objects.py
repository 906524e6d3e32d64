"""What names stand for while a generated file is read: modules, classes, tensors in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from archc.conformance.problems import UnsupportedPython
from archc.conformance.tensors import Record, SymbolicTensor
from archc.record import record

# --- tensors in memory -------------------------------------------------------------------


class Storage:
    """Memory that tensors lie in. `version` counts how often it was overwritten."""

    __slots__ = ("version", "writer")

    def __init__(self) -> None:
        self.version = 0
        self.writer: int | None = None  # the line that overwrote it last


class Value:
    """A tensor at run time: what it is, and the memory it lies in."""

    __slots__ = ("storage", "tensor", "version")

    def __init__(self, tensor: SymbolicTensor, storage: Storage | None = None) -> None:
        self.tensor = tensor
        self.storage = storage if storage is not None else Storage()
        self.version = self.storage.version


@record
class TensorSize:
    """`x.shape`, or with `spatial` `x.shape[2:]`."""

    of: Value
    spatial: bool = False


# --- modules -----------------------------------------------------------------------------


class Leaf:
    """A module of torch's, or of a helper class."""

    __slots__ = ("inplace", "line", "record")

    def __init__(self, record: Record, inplace: bool, line: int) -> None:
        self.record = record
        self.inplace = inplace
        self.line = line


@dataclass(frozen=True, slots=True)
class FilledTensor:
    """`torch.full((96,), 1e-6)`: what a parameter begins as."""

    dims: tuple[Any, ...]
    value: Any


@dataclass(frozen=True, slots=True)
class ViewedParameter:
    """`self.gamma.view(-1, 1, 1)`: a parameter, and how many sizes of 1 it has there."""

    leaf: Leaf
    ones: int


class Container:
    """An nn.Sequential, nn.ModuleList or nn.ModuleDict."""

    __slots__ = ("children", "kind", "line")

    def __init__(self, kind: str, children: dict[str, Any], line: int) -> None:
        self.kind = kind
        self.children = children
        self.line = line


class Prototype:
    """What a class's constructor makes of certain arguments: shared by all instances of them."""

    __slots__ = (
        "_paths",
        "attributes",
        "children",
        "cls",
        "devices",
        "is_begun",
        "own",
        "state",
        "summaries",
    )

    def __init__(self, cls: Class) -> None:
        self.cls = cls
        self.is_begun = False  # whether nn.Module's own constructor has run
        self.attributes: dict[str, Any] = {}
        self.children: dict[str, Any] = {}
        self.devices: dict[str, str] = {}  # that a child was made on, where the text says it
        self.own = Instance(self, cls.line)  # what `self` is
        self._paths: dict[int, str] | None = None
        self.state: int | None = None  # the structure of names and numbers of all that it holds
        self.summaries: dict[Any, Any] = {}

    def path_of(self, module: Module) -> str | None:
        """Return the name of a module that it has registered, itself or in its containers."""
        if self._paths is None:
            self._paths = {}
            _collect_paths(self.children, "", self._paths)
        return self._paths.get(id(module))


class Instance:
    """An object of a class that the file defines."""

    __slots__ = ("line", "prototype")

    def __init__(self, prototype: Prototype, line: int) -> None:
        self.prototype = prototype
        self.line = line


Module = Leaf | Container | Instance


def _collect_paths(children: dict[str, Any], prefix: str, found: dict[int, str]) -> None:
    for name, child in children.items():
        if child is not None:
            found.setdefault(id(child), f"{prefix}{name}")
            if isinstance(child, Container):
                _collect_paths(child.children, f"{prefix}{name}.", found)


def children_of(module: Module) -> dict[str, Any]:
    """Return the modules that a module has registered, by name, in order."""
    match module:
        case Container():
            return module.children
        case Instance():
            return module.prototype.children
    return {}


def walk_modules(module: Module) -> Iterator[Module]:
    """Yield a module and all inside it, as `modules()` does but for repetitions."""
    yield module
    for child in children_of(module).values():
        if child is not None:
            yield from walk_modules(child)


# --- Python ------------------------------------------------------------------------------

Frame = dict[str, Any]
Code = Callable[[Frame], Any]  # an expression or statement, ready to run


@dataclass(eq=False, slots=True)
class Function:
    """A method: its arguments, and its body ready to run."""

    name: str
    positional: list[str]
    keywords: list[str]
    defaults: dict[str, Code]
    rest: str | None
    named_rest: str | None
    body: list[Code]
    line: int

    def bind(self, arguments: tuple[Any, ...], named: dict[str, Any]) -> Frame:
        """Return the frame that a call begins with. Raises UnsupportedPython."""
        frame: Frame = dict(zip(self.positional, arguments, strict=False))
        extra = arguments[len(self.positional) :]
        if self.rest is not None:
            frame[self.rest] = extra
        elif extra:
            raise UnsupportedPython(f"`{self.name}` gets {len(extra)} arguments more than it takes")
        others = {}
        for name, value in named.items():
            if name in frame:
                raise UnsupportedPython(f"`{self.name}` gets `{name}` twice")
            if name in self.positional or name in self.keywords:
                frame[name] = value
            elif self.named_rest is not None:
                others[name] = value
            else:
                raise UnsupportedPython(f"`{self.name}` takes no argument `{name}`")
        if self.named_rest is not None:
            frame[self.named_rest] = others
        for name in (*self.positional, *self.keywords):
            if name not in frame:
                if name not in self.defaults:
                    raise UnsupportedPython(f"`{self.name}` lacks its argument `{name}`")
                frame[name] = self.defaults[name]({})
        return frame


@dataclass(eq=False, slots=True)
class Class:
    """A class that the file defines. `base` is another, or the name of one that it does not."""

    name: str
    base: Class | str
    functions: dict[str, Function] = field(default_factory=dict)
    constants: dict[str, Any] = field(default_factory=dict)
    line: int = 0

    def find(self, name: str) -> tuple[Class, Function] | None:
        """Return a method, and the class that has it, bases last."""
        if name in self.functions:
            return self, self.functions[name]
        return self.base.find(name) if isinstance(self.base, Class) else None

    @property
    def root(self) -> str:
        """The class that is not in the file."""
        return self.base.root if isinstance(self.base, Class) else self.base

    def is_a(self, name: str) -> bool:
        """Whether it is or inherits from a class of that name."""
        return self.name == name or (
            self.base.is_a(name) if isinstance(self.base, Class) else self.base == name
        )


@record
class TupleClass:
    """A NamedTuple that the file defines: its fields, and those that may be left out."""

    name: str
    fields: tuple[str, ...]
    optional: frozenset[str]


@record
class TupleValue:
    """A NamedTuple's object."""

    cls: TupleClass
    values: tuple[Any, ...]


@record
class TorchName:
    """A name of torch's: `nn.Conv2d`, `torch.cat`, `F.relu`, or of a helper class."""

    text: str


@record
class BoundMethod:
    """`x.name`, to be called: what it belongs to, and its name."""

    owner: Any
    name: str


@record
class Super:
    """`super()`: the object, and the class whose bases are asked."""

    instance: Instance
    cls: Class


@record
class Opaque:
    """Something that changes no number: a device, a dtype."""

    text: str = ""


def device_name(at: int, name: str) -> str:
    """Return how one of a network's devices is called here: two may have one name."""
    return f"device {at} ({name})"


def device_of(value: Any, line: int) -> str:
    """Return which device a value is. Raises UnsupportedPython."""
    if isinstance(value, Opaque) and value.text:
        return value.text
    raise UnsupportedPython("something is used as a device that is none of the network's", line)
