"""One pass through `forward`: which modules run, in which order, on what, and in whose memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from archc.conformance.modules import kind_of, run_record
from archc.conformance.objects import Leaf, Prototype, Storage, Value, ViewedParameter
from archc.conformance.problems import Mismatch, UnsupportedPython
from archc.conformance.tensors import Record, Store, SymbolicTensor


class Event(NamedTuple):
    """A module with state or randomness ran, or a block did."""

    path: str
    what: Record | int  # an int: a block, by all that it does
    inputs: tuple[SymbolicTensor, ...]
    place: Any  # the line of the text, or the span of the file
    draws: bool = False  # takes random numbers, so that its turn matters

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for events that are the same."""
        return self.path, self.what, self.inputs


def in_order(events: list[Event]) -> tuple[Any, ...]:
    """Return all that matters of the order of events: of draws, and of what a module runs on.

    Branches that do not meet may run in any order.
    """
    draws = tuple([event.key for event in events if event.draws])
    others = sorted((event for event in events if not event.draws), key=lambda event: event.path)
    return draws, tuple([event.key for event in others])


class SavedTensor(NamedTuple):
    """Memory that autograd reads in the backward pass, at the version that it was saved at."""

    storage: Storage
    version: int
    line: int


@dataclass(frozen=True, slots=True)
class MethodSummary:
    """What a method does, whatever tensors it gets: for a class once, not for each call."""

    digest: int
    state: bool  # whether it has weights or buffers
    draws: bool
    outputs: tuple[
        tuple[SymbolicTensor, int | None, bool], ...
    ]  # the input whose memory it is; kept
    is_list: bool
    kept: tuple[frozenset[int], ...]  # of each input, the versions that autograd keeps
    written: tuple[int, ...]  # how often each input is overwritten


class Execution:
    """A pass. `frames` are the objects whose methods run, each with its path."""

    def __init__(self, store: Store, training: bool) -> None:
        self.store = store
        self.training = training
        self.asked_training = False
        self.events: list[Event] = []
        self.saved: list[SavedTensor] = []
        self.problems: list[Mismatch] = []
        self.frames: list[tuple[Prototype, str]] = []
        self.drawn = 0

    def read(self, values: Iterable[Value], line: int) -> tuple[SymbolicTensor, ...]:
        """Return the tensors of values; notes those that were overwritten before."""
        found = []
        for value in values:
            if value.version != value.storage.version:
                self._overwritten(value.storage, line)
            found.append(value.tensor)
        return tuple(found)

    def _overwritten(self, storage: Storage, line: int) -> None:
        message = (
            f"line {line} reads a tensor that was overwritten in place "
            f"in line {storage.writer} before"
        )
        self.problems.append(Mismatch(message, storage.writer))

    def keep(self, storage: Storage, line: int) -> None:
        """Note that autograd keeps what lies in some memory now."""
        self.saved.append(SavedTensor(storage, storage.version, line))

    def write(self, storage: Storage, line: int, times: int = 1) -> None:
        """Note that memory is overwritten."""
        storage.version += times
        storage.writer = line

    def finish(self) -> None:
        """Note what autograd would find overwritten in the backward pass."""
        for storage, version, line in self.saved:
            if storage.version != version:
                message = (
                    f"the backward pass needs a tensor of line {line} that "
                    f"line {storage.writer} overwrites in place"
                )
                self.problems.append(Mismatch(message, storage.writer))
        self.saved.clear()

    # --- modules -------------------------------------------------------------------------

    def leaf(self, module: Leaf, path: str | None, values: list[Value], line: int) -> Value:
        """Run a module of torch's or a helper's."""
        record, inputs = module.record, self.read(values, line)
        if module.record.is_stateful:
            assert path is not None
            tensor = self.store.tensor("module", (record, path), inputs)
            self.events.append(Event(path, record, inputs, line))
        elif record.is_random:
            self.drawn += 1
            tensor = self.store.tensor("module", (record, self.drawn), inputs)
            self.events.append(Event("", record, inputs, line, draws=True))
        else:
            tensor = run_record(self.store, record, inputs)
        return self.place(tensor, record.target, values, line, inplace=module.inplace)

    def weigh(self, value: Value, weight: ViewedParameter, path: str, line: int) -> Value:
        """Multiply by a parameter of a class."""
        inputs, record = self.read([value], line), weight.leaf.record
        self.events.append(Event(path, record, inputs, line))
        self.keep(value.storage, line)
        return Value(self.store.tensor("weigh", (record, path, weight.ones), inputs))

    def place(
        self,
        tensor: SymbolicTensor,
        target: str,
        values: list[Value],
        line: int,
        inplace: bool = False,
    ) -> Value:
        """Return a value in memory: the input's for a view or in place, or else new."""
        kind = kind_of(target)
        assert kind is not None
        if inplace:
            storage = values[0].storage
            self.write(storage, line)
            self.keep(storage, line)
            return Value(tensor, storage)
        if kind.keeps_input:
            for value in values:
                self.keep(value.storage, line)
        made = Value(tensor, values[0].storage if kind.is_view else None)
        if kind.keeps_output:
            self.keep(made.storage, line)
        return made

    def block(
        self, summary: MethodSummary, path: str, values: list[Value], line: int
    ) -> Value | list[Value]:
        """Run a block of which it is known what it does."""
        inputs = self.read(values, line)
        path = path if summary.state else ""
        self.drawn += summary.draws
        place = (summary.digest, path, self.drawn if summary.draws else 0)
        if summary.state or summary.draws:
            self.events.append(Event(path, summary.digest, inputs, line, summary.draws))
        for value, kept, written in zip(values, summary.kept, summary.written, strict=True):
            storage = value.storage
            self.saved += [SavedTensor(storage, storage.version + at, line) for at in kept]
            if written:
                self.write(storage, line, written)
        found = []
        for at, (_, of_input, is_kept) in enumerate(summary.outputs):
            made = self.store.tensor("block", (*place, at), inputs)
            storage = values[of_input].storage if of_input is not None else Storage()
            if is_kept:
                self.keep(storage, line)
            found.append(Value(made, storage))
        return found if summary.is_list else found[0]


def leaf_inputs(record: Record, arguments: tuple[Any, ...], line: int) -> list[Value]:
    """Return the tensors that a module is called with. Raises UnsupportedPython."""
    listed = record.target == "Join"
    if listed != (len(arguments) == 1 and isinstance(arguments[0], list | tuple)):
        raise UnsupportedPython(f"`{record.target}` gets other tensors than it takes", line)
    values = list(arguments[0]) if listed else list(arguments)
    most = 2 if record.target in ("CropLike", "UpsampleLike") else 1
    if not all(isinstance(x, Value) for x in values) or (not listed and len(values) != most):
        raise UnsupportedPython(f"`{record.target}` gets other tensors than it takes", line)
    return values
