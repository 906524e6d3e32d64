"""Runs a generated file on symbols: makes its modules and sends tensors through `forward`.

Nothing is imported and nothing is executed but the few forms that archc writes; all else is
UnsupportedPython.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import Any

from archc.conformance.execution import Event, Execution, MethodSummary, in_order
from archc.conformance.expressions import iterate
from archc.conformance.functions import Functions
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
    TupleValue,
    Value,
    ViewedParameter,
    children_of,
    walk_modules,
)
from archc.conformance.problems import UnsupportedPython
from archc.conformance.statements import run_function
from archc.conformance.tensors import Record, Store, SymbolicTensor

_CONTAINERS = {"nn.Sequential": "Sequential", "nn.ModuleList": "ModuleList",
               "nn.ModuleDict": "ModuleDict"}  # fmt: skip
_STARTERS = frozenset(("reset_parameters", "init_weights"))  # of weights: checked by running
_FLAGS = frozenset(("grad_checkpointing",))  # of other modules, and no matter of numbers
_DEEPEST = 2000  # objects inside each other


class Interpreter:
    """Reads one file. `known` are digests of blocks that need not be opened; None opens all."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.known: Set[int] | None = None
        self.line = 0
        self.execution: Execution | None = None
        self.depth = 0
        self.names: dict[str, str] = {}  # what modules are to be called instead
        self._made: dict[Any, Prototype] = {}
        self.globals: dict[str, Any] = {
            "OrderedDict": _ordered,
            "getattr": self._getattr,
            "isinstance": self._is_instance,
            "setattr": self._setattr,
            "sum": self._sum,
        }
        self._of_objects = [self.globals[name] for name in ("getattr", "isinstance", "setattr")]

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
        if made.cls.find(name) is not None or name in _STARTERS or hasattr(self, f"_do_{name}"):
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
        self._register(made, name, value)

    def _register(self, made: Prototype, name: str, value: Any) -> None:
        if isinstance(value, Leaf | Container | Instance):
            if not made.is_begun:
                raise UnsupportedPython("a module is set before `super().__init__()`", self.line)
            if not name or "." in name:
                raise UnsupportedPython(f"torch refuses a module called {name!r}", self.line)
            made.attributes.pop(name, None)
            made.children[name] = value
        elif value is None and name in made.children:
            made.children[name] = None
        else:
            made.attributes[name] = value

    def index(self, owner: Any, key: Any) -> Any:
        """Return `owner[key]`. Raises UnsupportedPython."""
        if isinstance(owner, Value):
            return self._functions().cut(owner, key)
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
        return _numbered("Sequential", found, self.line) if isinstance(found, list) else found

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
                return self._functions().call(name, (x, *arguments), named)
            case BoundMethod(owner=owner, name=name):
                return self._method(owner, name, arguments, named)
            case TupleClass():
                return self._tuple(function, arguments, named)
        if not callable(function):
            raise UnsupportedPython("something is called that is no function", self.line)
        given = arguments
        if function not in self._of_objects:
            given = tuple(
                iterate(x, self.line) if isinstance(x, Container | Instance) else x
                for x in arguments
            )
        try:
            return function(*given, **named)
        except (TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise UnsupportedPython(f"a call would fail: {error}", self.line) from None

    def _named(self, text: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        if text in _CONTAINERS:
            return self._container(text, arguments)
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
            return self._functions().call(name, arguments, named)
        raise UnsupportedPython(f"`{text}` is nothing that archc writes", self.line)

    def _container(self, text: str, arguments: tuple[Any, ...]) -> Container:
        return Container(_CONTAINERS[text], self._rows(text, arguments), self.line)

    def _rows(self, text: str, arguments: tuple[Any, ...]) -> dict[str, Any]:
        """The children of a container that is made with these arguments."""
        single = arguments[0] if len(arguments) == 1 else None
        if isinstance(single, dict):
            found = dict(single)
        elif text == "nn.Sequential":
            found = {str(at): child for at, child in enumerate(arguments)}
        else:
            items = iterate(single, self.line) if arguments else []
            found = {str(at): child for at, child in enumerate(items)}
        for child in found.values():
            if not isinstance(child, Leaf | Container | Instance):
                raise UnsupportedPython(f"`{text}` gets something that is no module", self.line)
        return found

    def _tuple(self, cls: TupleClass, values: tuple[Any, ...], named: dict[str, Any]) -> TupleValue:
        found = dict(zip(cls.fields, values, strict=False)) | named
        if len(values) > len(cls.fields) or not found.keys() <= set(cls.fields):
            raise UnsupportedPython(f"`{cls.name}` has no such fields", self.line)
        for name in cls.fields:
            if name not in found:
                if name not in cls.optional:
                    raise UnsupportedPython(f"`{cls.name}` lacks `{name}`", self.line)
                found[name] = None
        return TupleValue(cls, tuple(found[name] for name in cls.fields))

    # --- methods -------------------------------------------------------------------------

    def _method(self, owner: Any, name: str, arguments: tuple[Any, ...], named: Any) -> Any:
        if isinstance(owner, Super):
            return self._of_base(owner, name, arguments, named)
        if name in _STARTERS:
            return None
        if isinstance(owner, Instance) and owner.prototype.cls.find(name) is not None:
            return self._run_method(owner, name, arguments, named)
        own: Callable[..., Any] | None = getattr(self, f"_do_{name}", None)
        if isinstance(owner, list | dict):
            if name not in ("append", "extend", "items", "keys", "values"):
                raise UnsupportedPython(
                    f"`.{name}` of a list is nothing that archc writes", self.line
                )
            given = tuple(iterate(x, self.line) if name == "extend" else x for x in arguments)
            return getattr(owner, name)(*given)
        if isinstance(owner, Leaf) and name == "draw" and owner.record.target == "PathSampler":
            return self._draw(owner)
        if own is None:
            raise UnsupportedPython(f"`.{name}` is nothing that archc writes", self.line)
        try:
            return own(owner, *arguments, **named)
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
        if root in _CONTAINERS:
            for key, child in self._rows(root, arguments).items():
                self._register(instance.prototype, key, child)
        elif root == "Placed":
            instance.prototype.attributes["devices"] = [Opaque() for _ in arguments[0]]
        return None

    def _do_view(self, owner: Any, *dims: int) -> ViewedParameter:
        is_weight = isinstance(owner, Leaf) and owner.record.target == "Parameter"
        if not is_weight or dims != (-1, *[1] * (len(dims) - 1)):
            raise UnsupportedPython("a `view` of something else than a weight", self.line)
        return ViewedParameter(owner, len(dims) - 1)

    def _do_children(self, owner: Module) -> list[Any]:
        found = {id(child): child for child in children_of(owner).values() if child is not None}
        return list(found.values())

    def _do_named_children(self, owner: Module) -> list[Any]:
        return [(k, child) for k, child in children_of(owner).items() if child is not None]

    def _do_modules(self, owner: Module) -> list[Any]:
        return list({id(module): module for module in walk_modules(owner)}.values())

    def _do_items(self, owner: Module) -> list[Any]:
        return list(children_of(owner).items())

    def _do_keys(self, owner: Module) -> list[Any]:
        return list(children_of(owner))

    def _do_values(self, owner: Module) -> list[Any]:
        return list(children_of(owner).values())

    def _do_add_module(self, owner: Module, name: str, module: Any) -> None:
        if isinstance(owner, Instance):
            self._register(owner.prototype, name, module)
        elif isinstance(owner, Container):
            owner.children[name] = module

    _do_register_module = _do_add_module
    _do_register_parameter = _do_add_module

    def _do_append(self, owner: Module, module: Any) -> None:
        self._do_add_module(owner, str(len(children_of(owner))), module)

    def _do_extend(self, owner: Module, modules: Any) -> None:
        for module in iterate(modules, self.line):
            self._do_append(owner, module)

    def _do_get_submodule(self, owner: Module, path: str) -> Any:
        found: Any = owner
        for name in path.split(".") if path else ():
            children = children_of(found)
            if name not in children:
                raise UnsupportedPython(f"there is no module `{path}`", self.line)
            found = children[name]
        return found

    def _do_gather(self, owner: Instance, *parts: Any, to: int = 0) -> Value:
        found: Value = self._functions().call("cat", (list(parts), 1), {})
        return found

    def _do_exchange(self, owner: Instance, *parts: Any) -> list[Value]:
        return [self._do_gather(owner, *parts) for _ in parts]

    def _getattr(self, owner: Any, name: str, *default: Any) -> Any:
        if isinstance(owner, Container | Instance) and name in children_of(owner):
            return children_of(owner)[name]
        return self.attribute(owner, name)

    def _setattr(self, owner: Any, name: str, value: Any) -> None:
        if not isinstance(owner, Instance) or self.execution is not None:
            raise UnsupportedPython("`setattr` of something that is no module", self.line)
        self._register(owner.prototype, name, value)

    def _is_instance(self, value: Any, kinds: Any) -> bool:
        for kind in kinds if isinstance(kinds, tuple) else (kinds,):
            match kind, value:
                case (Class(), Instance()) if value.prototype.cls.is_a(kind.name):
                    return True
                case (TorchName(), Instance()) if value.prototype.cls.is_a(kind.text):
                    return True
                case (TorchName(), Leaf()) if value.record.target == kind.text:
                    return True
                case (TorchName(), Container()) if f"nn.{value.kind}" == kind.text:
                    return True
                case (type(), _) if isinstance(value, kind):
                    return True
        return False

    def _sum(self, values: Any, start: Any = 0) -> Any:
        found = start
        for value in values:
            if isinstance(found, Value) or isinstance(value, Value):
                found = self.tensor_operation("Add", found, value)
            else:
                found = found + value
        return found

    # --- making modules ------------------------------------------------------------------

    def construct(self, cls: Class, arguments: tuple[Any, ...], named: dict[str, Any]) -> Instance:
        """Return an object of a class of the file; the same arguments make it once."""
        line = self.line
        try:
            key = (cls, _frozen(arguments), _frozen(named))
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
            raise UnsupportedPython(f"`{cls.name}` makes itself without end", self.line)
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

    def _functions(self) -> Functions:
        if self.execution is None:
            raise UnsupportedPython("a tensor is worked out while modules are made", self.line)
        return Functions(self.execution, self.line)

    def tensor_operation(self, symbol: str, left: Any, right: Any) -> Value:
        """Return arithmetic on a tensor."""
        weight = ViewedParameter(right, 0) if isinstance(right, Leaf) else right
        if isinstance(weight, ViewedParameter) and symbol == "Mult" and self.execution is not None:
            return self.execution.weigh(left, weight, self._path(weight.leaf), self.line)
        return self._functions().operation(symbol, left, right)

    def run_module(self, module: Module, arguments: tuple[Any, ...], named: Any) -> Any:
        """Return what a module makes of tensors. Raises UnsupportedPython."""
        execution, line = self.execution, self.line
        if execution is None:
            raise UnsupportedPython("a module is called while modules are made", line)
        if isinstance(module, Leaf):
            if named or not arguments:
                raise UnsupportedPython("a module is called without tensors, or by name", line)
            path = self._path(module) if module.record.is_stateful else None
            return execution.leaf(module, path, self._leaf_inputs(module.record, arguments), line)
        if isinstance(module, Container):
            if module.kind != "Sequential" or named:
                raise UnsupportedPython(f"an nn.{module.kind} is called", line)
            return self._in_a_row(module, arguments)
        cls = module.prototype.cls
        if cls.find("forward") is None and cls.root != "nn.Sequential":
            raise UnsupportedPython(f"`{cls.name}` has no `forward`", line)
        values = [x for a in arguments for x in (a if isinstance(a, list | tuple) else [a])]
        if self.known is not None and not named and all(isinstance(x, Value) for x in values):
            summary = self.summary(module.prototype, _shape_of(arguments))
            if summary is not None and summary.digest in self.known:
                return execution.block(summary, self._path(module), values, line)
        return self._run_method(module, "forward", arguments, named)

    def _leaf_inputs(self, record: Record, arguments: tuple[Any, ...]) -> list[Value]:
        listed = record.target == "Join"
        if listed != (len(arguments) == 1 and isinstance(arguments[0], list | tuple)):
            raise UnsupportedPython(
                f"`{record.target}` gets other tensors than it takes", self.line
            )
        values = list(arguments[0]) if listed else list(arguments)
        most = 2 if record.target in ("CropLike", "UpsampleLike") else 1
        if not all(isinstance(x, Value) for x in values) or (not listed and len(values) != most):
            raise UnsupportedPython(
                f"`{record.target}` gets other tensors than it takes", self.line
            )
        return values

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

    def _run_method(self, module: Instance, name: str, arguments: Any, named: Any) -> Any:
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
                f"`{module.prototype.cls.name}` calls itself without end", self.line
            )
        frames.append((module.prototype, path))
        found = run(*arguments)
        frames.pop()
        return found

    def _path(self, module: Module) -> str:
        """Return the name of a module in the network, or in the block that is summarised."""
        assert self.execution is not None
        made, prefix = self.execution.frames[-1]
        if made.paths is None:
            made.paths = {}
            _collect_paths(made.children, "", made.paths)
        path = made.paths.get(id(module))
        if path is None:
            raise UnsupportedPython(f"`{made.cls.name}` calls a module that it has not registered",
                             self.line)  # fmt: skip
        found = f"{prefix}.{path}" if prefix else path
        return self.names.get(found, found) if isinstance(module, Leaf) else found

    def _draw(self, sampler: Leaf) -> None:
        assert self.execution is not None
        event = Event(self._path(sampler), sampler.record, (), self.line, draws=True)
        self.execution.events.append(event)

    # --- summaries -----------------------------------------------------------------------

    def summary(self, made: Prototype, shape: tuple[int, ...]) -> MethodSummary | None:
        """Return what `forward` does, whatever it gets; None where that hangs on the mode.

        `shape` has the length of each argument that is a list, and 0 for a tensor.
        """
        if shape in made.summaries:
            found: MethodSummary | None = made.summaries[shape]
            return found
        outer, line = self.execution, self.line
        execution = self.execution = Execution(self.store, training=True)
        inputs = formals(self.store, sum(max(1, length) for length in shape))
        result = run_from(self, made, inputs, shape)
        summary = None
        if not execution.asked_training and _is_tensors(result):
            summary = self._summarised(made, execution, inputs, result)
        made.summaries[shape] = summary
        if outer is not None:
            outer.problems += execution.problems
            outer.asked_training |= execution.asked_training
        self.execution, self.line = outer, line
        return summary

    def _summarised(
        self, made: Prototype, execution: Execution, inputs: list[Value], result: Any
    ) -> MethodSummary:
        is_list = not isinstance(result, Value)
        results: list[Value] = list(result) if is_list else [result]
        tensors = execution.read(results, self.line)
        storages = [x.storage for x in inputs]
        fresh = [s for s in execution.saved if s.storage not in storages]
        kept_now = {s.storage for s in execution.saved if s.version == s.storage.version}
        outputs = tuple(
            (t, storages.index(x.storage) if x.storage in storages else None,
             x.storage in kept_now)
            for t, x in zip(tensors, results, strict=True)
        )  # fmt: skip
        kept = tuple(
            frozenset(s.version for s in execution.saved if s.storage is storage)
            for storage in storages
        )
        execution.saved = fresh
        execution.finish()
        state = state_of(self.store, made)
        digest = digest_of(self.store, state, execution.events, tensors, is_list)
        written = tuple(storage.version for storage in storages)
        has_state = state != state_of_nothing(self.store)
        draws = any(event.draws for event in execution.events)
        return MethodSummary(digest, has_state, draws, outputs, is_list, kept, written)


def formals(store: Store, count: int) -> list[Value]:
    """Return tensors that stand for whatever comes in."""
    return [Value(store.tensor("input", at)) for at in range(count)]


def run_from(
    interpreter: Interpreter, made: Prototype, inputs: list[Value], shape: tuple[int, ...]
) -> Any:
    """Run `forward` of an object on these inputs, grouped as `shape` says."""
    assert interpreter.execution is not None
    interpreter.execution.frames.append((made, ""))
    values = iter(inputs)
    arguments = tuple(
        [next(values) for _ in range(length)] if length else next(values) for length in shape
    )
    found = interpreter._run_method(made.own, "forward", arguments, {})
    interpreter.execution.frames.pop()
    return found


def digest_of(
    store: Store,
    state: int,
    events: list[Event],
    outputs: tuple[SymbolicTensor, ...],
    is_list: bool,
) -> int:
    """Return a number for what a block is and does: the same for the text and the plan."""
    return store.structure("block", state, in_order(events), outputs, is_list)


def state_of(store: Store, made: Prototype) -> int:
    """Return a number for the names, numbers and order of all that has state in an object."""
    if made.state is None:
        found: list[Any] = []
        _collect_state(store, made.children, "", found)
        made.state = store.structure("state", *found)
    return made.state


def state_of_nothing(store: Store) -> int:
    """Return the number for no state."""
    return store.structure("state")


def _collect_state(store: Store, children: dict[str, Any], prefix: str, found: list[Any]) -> None:
    for name, child in children.items():
        match child:
            case Leaf() if child.record.is_stateful:
                found.append((f"{prefix}{name}", child.record))
            case Container():
                _collect_state(store, child.children, f"{prefix}{name}.", found)
            case Instance():
                state = state_of(store, child.prototype)
                if state != state_of_nothing(store):
                    found.append((f"{prefix}{name}", state))


def _collect_paths(children: dict[str, Any], prefix: str, found: dict[int, str]) -> None:
    for name, child in children.items():
        if child is not None:
            found.setdefault(id(child), f"{prefix}{name}")
            if isinstance(child, Container):
                _collect_paths(child.children, f"{prefix}{name}.", found)


def _shape_of(arguments: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(len(a) if isinstance(a, list | tuple) else 0 for a in arguments)


def _is_tensors(value: Any) -> bool:
    return isinstance(value, Value) or (
        isinstance(value, list | tuple) and bool(value) and all(isinstance(x, Value) for x in value)
    )


def _frozen(value: Any) -> Any:
    """Return a value as a key. Raises TypeError for one that is none."""
    if isinstance(value, list | tuple):
        return tuple(map(_frozen, value))
    if isinstance(value, dict):
        return tuple((k, _frozen(v)) for k, v in value.items())
    if value is None or isinstance(value, str | int | float | Opaque | Class | TorchName):
        return type(value), value
    raise TypeError


def _ordered(*items: Any, **named: Any) -> dict[Any, Any]:
    return dict(*items, **named)


def _numbered(kind: str, children: list[Any], line: int) -> Container:
    return Container(kind, {str(at): child for at, child in enumerate(children)}, line)
