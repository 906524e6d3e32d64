"""Runs a generated file on symbols: makes its modules and sends tensors through `forward`.

Nothing is imported and nothing is executed but the few forms that archc writes; all else is
UnsupportedPython.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from functools import partial
from typing import Any

from archc.conformance.construction import (
    CONTAINERS,
    container_children,
    frozen,
    make_container,
    make_tuple,
    sliced,
)
from archc.conformance.execution import Event, Execution, leaf_inputs
from archc.conformance.functions import Functions
from archc.conformance.module_methods import METHODS
from archc.conformance.modules import PARAMETRIZATIONS, kind_of, make_record, parametrized
from archc.conformance.objects import (
    BoundMethod,
    Class,
    Container,
    FilledTensor,
    Frame,
    Instance,
    Leaf,
    Module,
    Opaque,
    Prototype,
    Super,
    TensorSize,
    TorchName,
    TupleClass,
    Value,
    ViewedParameter,
    children_of,
    device_name,
)
from archc.conformance.problems import UnsupportedPython
from archc.conformance.python_builtins import add_up, functions_of, iterate
from archc.conformance.statements import run_function
from archc.conformance.summaries import summarise
from archc.conformance.tensors import Store

_STARTERS = frozenset(("reset_parameters", "init_weights"))  # of weights: checked by running
_FLAGS = frozenset(("grad_checkpointing",))  # of other modules, and no matter of numbers
_DEEPEST = 2000  # objects inside each other


class Interpreter:
    """Reads one file. `known` are digests of blocks that need not be opened; None opens all."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.known: Set[int] | None = None
        self.line = 0
        self.device = ""  # that modules are made on, where the text says it
        self.execution: Execution | None = None
        self.depth = 0
        self.names: dict[str, str] = {}  # what modules are to be called instead
        self._made: dict[Any, Prototype] = {}
        self._of_objects = functions_of(self)
        self.globals: dict[str, Any] = {
            **self._of_objects,
            "OrderedDict": lambda *items, **named: dict(*items, **named),
            "sum": partial(add_up, self),
        }

    # --- names and parts -----------------------------------------------------------------

    def attribute(self, owner: Any, name: str) -> Any:
        """Return `owner.name`. Raises UnsupportedPython."""
        match owner:
            case Instance():
                return self._of_instance(owner, name)
            case Value():
                return TensorSize(owner) if name == "shape" else BoundMethod(owner, name)
            case TorchName():
                return TorchName(f"{owner.text}.{name}")
            case Container() if name in owner.children:
                return owner.children[name]
            case Container() | Leaf() | list() | dict() | Super():
                return BoundMethod(owner, name)
        raise UnsupportedPython(f"nothing is known of `.{name}` here", self.line)

    def _of_instance(self, owner: Instance, name: str) -> Any:
        made = owner.prototype
        if name in made.children:
            return made.children[name]
        if name in made.attributes:
            return made.attributes[name]
        if name == "training":
            if self.execution is None:
                raise UnsupportedPython("`training` is asked while modules are made", self.line)
            self.execution.asked_training = True
            return self.execution.training
        cls: Any = made.cls
        while isinstance(cls, Class):
            if name in cls.constants:
                return cls.constants[name]
            cls = cls.base
        if made.cls.find(name) is not None or name in _STARTERS or name in METHODS:
            return BoundMethod(owner, name)
        raise UnsupportedPython(f"`{made.cls.name}` has no attribute `{name}`", self.line)

    def parent(self, frame: Frame) -> Super:
        """Return `super()`."""
        if "__class__" not in frame:
            raise UnsupportedPython("`super()` outside of a method", self.line)
        return Super(frame["self"], frame["__class__"])

    def assign(self, frame: Frame, owner: Any, name: str, value: Any) -> None:
        """Do `owner.name = value`. Raises UnsupportedPython."""
        if not isinstance(owner, Instance):
            raise UnsupportedPython(f"`.{name}` of something that is no module is set", self.line)
        made = owner.prototype
        if owner is not frame.get("self"):
            if name in _FLAGS:
                return
            raise UnsupportedPython(f"`{name}` of another module is set", self.line)
        if self.execution is not None:
            raise UnsupportedPython(f"`self.{name}` is set while the network runs", self.line)
        self.register(made, name, value)

    def register(self, made: Prototype, name: str, value: Any) -> None:
        """Do what nn.Module does where an attribute is set."""
        if isinstance(value, Leaf | Container | Instance):
            if not made.is_begun:
                raise UnsupportedPython("a module is set before `super().__init__()`", self.line)
            if not name or "." in name:
                raise UnsupportedPython(f"torch refuses a module called {name!r}", self.line)
            made.attributes.pop(name, None)
            made.children[name] = value
            made.devices[name] = self.device
        elif value is None and name in made.children:
            made.children[name] = None
        else:
            made.attributes[name] = value

    def index(self, owner: Any, key: Any) -> Any:
        """Return `owner[key]`. Raises UnsupportedPython."""
        if isinstance(owner, Value):
            return self.functions().cut(owner, key)
        if isinstance(owner, TensorSize):
            if key == slice(2, None) and not owner.spatial:
                return TensorSize(owner.of, spatial=True)
            raise UnsupportedPython("a size of a tensor that is no constant", self.line)
        children = children_of(owner)
        try:
            if isinstance(owner, Container) and owner.kind == "ModuleDict":
                return children[key]
            found = list(children.values())[key]
        except (LookupError, TypeError) as error:
            raise UnsupportedPython(f"an index would fail: {error}", self.line) from None
        return sliced(found, self.line) if isinstance(found, list) else found

    # --- calls ---------------------------------------------------------------------------

    def call(self, function: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Return `function(*arguments, **named)`. Raises UnsupportedPython."""
        match function:
            case Leaf() | Container() | Instance():
                return self.run_module(function, arguments, named)
            case Class():
                return self.construct(function, arguments, named)
            case TorchName():
                return self._named(function.text, arguments, named)
            case BoundMethod(owner=Value() as x, name=name):
                return self.functions().call(name, (x, *arguments), named)
            case BoundMethod(owner=owner, name=name):
                return self._method(owner, name, arguments, named)
            case TupleClass():
                return make_tuple(function, arguments, named, self.line)
        if not callable(function):
            raise UnsupportedPython("something is called that is no function", self.line)
        given = arguments
        if function not in self._of_objects.values():
            given = tuple(
                iterate(x, self.line) if isinstance(x, Container | Instance) else x
                for x in arguments
            )
        try:
            return function(*given, **named)
        except (TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise UnsupportedPython(f"a call would fail: {error}", self.line) from None

    def _named(self, text: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        if text in CONTAINERS:
            return make_container(text, arguments, self.line)
        if (
            text == "nn.Parameter"
            and len(arguments) == 1
            and isinstance(arguments[0], FilledTensor)
        ):
            filled = arguments[0]
            record, _ = make_record(self.store, "Parameter", (filled.dims, filled.value), {})
            return Leaf(record, False, self.line)
        if kind_of(text) is not None:
            if self.execution is not None and not text.startswith("nn."):
                raise UnsupportedPython(f"`{text}` is made while the network runs", self.line)
            record, inplace = make_record(self.store, text, arguments, named)
            return Leaf(record, inplace, self.line)
        if text in PARAMETRIZATIONS and len(arguments) == 1 and isinstance(arguments[0], Leaf):
            (given,) = arguments
            return Leaf(parametrized(self.store, text, given.record), False, self.line)
        if text == "torch.full" and len(arguments) == 2:
            return FilledTensor(*arguments)
        if text == "torch.device":
            return Opaque()
        prefix, _, name = text.rpartition(".")
        if prefix in ("torch", "F"):
            return self.functions().call(name, arguments, named)
        raise UnsupportedPython(f"`{text}` is nothing that archc writes", self.line)

    # --- methods -------------------------------------------------------------------------

    def _method(self, owner: Any, name: str, arguments: tuple[Any, ...], named: Any) -> Any:
        if isinstance(owner, Super):
            return self._of_base(owner, name, arguments, named)
        if name in _STARTERS:
            return None
        if isinstance(owner, Instance) and owner.prototype.cls.find(name) is not None:
            return self.run_method(owner, name, arguments, named)
        if isinstance(owner, list | dict):
            if name not in ("append", "extend", "items", "keys", "values"):
                raise UnsupportedPython(
                    f"`.{name}` of a list is nothing that archc writes", self.line
                )
            given = tuple(iterate(x, self.line) if name == "extend" else x for x in arguments)
            return getattr(owner, name)(*given)
        if isinstance(owner, Leaf) and name == "draw" and owner.record.target == "PathSampler":
            return self._draw(owner)
        if name not in METHODS:
            raise UnsupportedPython(f"`.{name}` is nothing that archc writes", self.line)
        try:
            return METHODS[name](self, owner, *arguments, **named)
        except TypeError as error:
            raise UnsupportedPython(f"`{name}` would fail: {error}", self.line) from None

    def _of_base(self, owner: Super, name: str, arguments: tuple[Any, ...], named: Any) -> Any:
        """A method of the class above."""
        base, instance = owner.cls.base, owner.instance
        found = base.find(name) if isinstance(base, Class) else None
        if found is not None:
            cls, function = found
            frame = function.bind((instance, *arguments), named)
            frame["__class__"] = cls
            return run_function(function, frame)
        root = owner.cls.root
        if name == "forward" and root == "nn.Sequential":
            return self._in_a_row(instance, arguments)
        if name != "__init__":
            raise UnsupportedPython(f"`super().{name}` is nothing that archc writes", self.line)
        instance.prototype.is_begun = True
        if root in CONTAINERS:
            for key, child in container_children(root, arguments, self.line).items():
                self.register(instance.prototype, key, child)
        elif root == "Placed":
            self._place(instance, *arguments)
        return None

    def _place(self, instance: Instance, names: tuple[str, ...]) -> None:
        """What the constructor of a network in towers does."""
        towers = self._of_instance(instance, "TOWERS")
        if len(names) != len(towers):
            raise UnsupportedPython(f"{len(towers)} towers on {len(names)} devices", self.line)
        devices = [Opaque(device_name(at, name)) for at, name in enumerate(names)]
        instance.prototype.attributes["devices"] = devices

    # --- making modules ------------------------------------------------------------------

    def construct(self, cls: Class, arguments: tuple[Any, ...], named: dict[str, Any]) -> Instance:
        """Return an object of a class of the file; the same arguments make it once."""
        line = self.line
        try:
            key = (cls, frozen(arguments), frozen(named))
            found = self._made.get(key)
        except TypeError:
            key, found = None, None
        if found is None:
            found = self._construct(cls, arguments, named)
            if key is not None:
                self._made[key] = found
        self.line = line
        return Instance(found, line)

    def _construct(self, cls: Class, arguments: tuple[Any, ...], named: Any) -> Prototype:
        if self.execution is not None:
            raise UnsupportedPython(f"`{cls.name}` is made while the network runs", self.line)
        self.depth += 1
        if self.depth > _DEEPEST:
            raise UnsupportedPython(
                f"`{cls.name}` is constructed in an infinite recursion", self.line
            )
        made = Prototype(cls)
        found = cls.find("__init__")
        if found is None:
            self._of_base(Super(made.own, cls), "__init__", arguments, named)
        else:
            owner, function = found
            frame = function.bind((made.own, *arguments), named)
            frame["__class__"] = owner
            run_function(function, frame)
        if not made.is_begun:
            raise UnsupportedPython(f"`{cls.name}` never calls `super().__init__()`", function.line)
        self.depth -= 1
        return made

    # --- running them --------------------------------------------------------------------

    def functions(self) -> Functions:
        """Return torch's functions on the tensors that there are now."""
        if self.execution is None:
            raise UnsupportedPython("a tensor is worked out while modules are made", self.line)
        return Functions(self.execution, self.line)

    def tensor_operation(self, symbol: str, left: Any, right: Any) -> Value:
        """Return arithmetic on a tensor."""
        weight = ViewedParameter(right, 0) if isinstance(right, Leaf) else right
        if isinstance(weight, ViewedParameter) and symbol == "Mult" and self.execution is not None:
            return self.execution.weigh(left, weight, self._path(weight.leaf), self.line)
        return self.functions().operation(symbol, left, right)

    def run_module(self, module: Module, arguments: tuple[Any, ...], named: Any) -> Any:
        """Return what a module makes of tensors. Raises UnsupportedPython."""
        execution, line = self.execution, self.line
        if execution is None:
            raise UnsupportedPython("a module is called while modules are made", line)
        if isinstance(module, Leaf):
            if named or not arguments:
                raise UnsupportedPython("a module is called without tensors, or by name", line)
            path = self._path(module) if module.record.is_stateful else None
            return execution.leaf(module, path, leaf_inputs(module.record, arguments, line), line)
        if isinstance(module, Container):
            if module.kind != "Sequential" or named:
                raise UnsupportedPython(f"an nn.{module.kind} is called", line)
            return self._in_a_row(module, arguments)
        cls = module.prototype.cls
        if cls.find("forward") is None and cls.root != "nn.Sequential":
            raise UnsupportedPython(f"`{cls.name}` has no `forward`", line)
        values = [x for a in arguments for x in (a if isinstance(a, list | tuple) else [a])]
        if self.known is not None and not named and all(isinstance(x, Value) for x in values):
            summary = summarise(self, module.prototype, _shape_of(arguments))
            if summary is not None and summary.digest in self.known:
                return execution.block(summary, self._path(module), values, line)
        return self.run_method(module, "forward", arguments, named)

    def _in_a_row(self, module: Module, arguments: tuple[Any, ...]) -> Any:
        """nn.Sequential's `forward`."""
        if len(arguments) != 1:
            raise UnsupportedPython("an nn.Sequential takes one tensor", self.line)
        found = arguments[0]
        line = self.line
        for child in children_of(module).values():
            self.line = line
            found = self.run_module(child, (found,), {})
        return found

    def run_method(self, module: Instance, name: str, arguments: Any, named: Any) -> Any:
        """Run a method of an object as it stands, all that it calls opened as far as need be."""
        made = module.prototype
        found = made.cls.find(name)
        is_own = self.execution is not None and (
            self.execution.frames and self.execution.frames[-1][0] is made
            and module is made.own
        )  # fmt: skip

        def run(*values: Any) -> Any:
            if found is None:
                return self._in_a_row(made.own, values)
            cls, function = found
            frame = function.bind((made.own, *values), named)
            frame["__class__"] = cls
            return run_function(function, frame)

        if self.execution is None or is_own:
            return run(*arguments)
        return self._inside(module, self._path(module), run, arguments)

    def _inside(
        self, module: Instance, path: str, run: Callable[..., Any], arguments: tuple[Any, ...]
    ) -> Any:
        assert self.execution is not None
        frames = self.execution.frames
        if len(frames) > _DEEPEST:
            raise UnsupportedPython(
                f"`{module.prototype.cls.name}` is in an infinite recursion", self.line
            )
        frames.append((module.prototype, path))
        found = run(*arguments)
        frames.pop()
        return found

    def _path(self, module: Module) -> str:
        """Return the name of a module in the network, or in the block that is summarised."""
        assert self.execution is not None
        made, prefix = self.execution.frames[-1]
        path = made.path_of(module)
        if path is None:
            raise UnsupportedPython(f"`{made.cls.name}` calls a module that it has not registered",
                             self.line)  # fmt: skip
        found = f"{prefix}.{path}" if prefix else path
        return self.names.get(found, found) if isinstance(module, Leaf) else found

    def _draw(self, sampler: Leaf) -> None:
        assert self.execution is not None
        event = Event(self._path(sampler), sampler.record, (), self.line, draws=True)
        self.execution.events.append(event)


def _shape_of(arguments: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(len(a) if isinstance(a, list | tuple) else 0 for a in arguments)
