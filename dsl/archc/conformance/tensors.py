"""Symbolic tensors: what was computed, not its numbers. Two that are the same are one object."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class SymbolicTensor:
    """A tensor by how it came about: an input, or an operation on others."""

    __slots__ = ("detail", "inputs", "number", "operation")

    def __init__(
        self, number: int, operation: str, detail: Any, inputs: tuple[SymbolicTensor, ...]
    ) -> None:
        self.number = number
        self.operation = operation
        self.detail = detail
        self.inputs = inputs

    def describe(self, depth: int = 3) -> str:
        """Return it as a formula of a few levels: `relu(conv1(x))`."""
        name = self.operation if self.operation != "module" else str(self.detail[0])
        if self.operation == "input":
            return f"input {self.detail}"
        detail = f" {self.detail}" if self.detail and self.operation != "module" else ""
        if not self.inputs:
            return f"{name}{detail}"
        if not depth:
            return f"{name}(...)"
        inside = ", ".join(x.describe(depth - 1) for x in self.inputs)
        return f"{name}{detail}({inside})"


class Record:
    """A module by its class and all its arguments, defaults included."""

    __slots__ = ("arguments", "is_random", "is_stateful", "number", "target")

    def __init__(
        self,
        number: int,
        target: str,
        arguments: tuple[tuple[str, Any], ...],
        is_stateful: bool,
        is_random: bool,
    ) -> None:
        self.number = number
        self.target = target
        self.arguments = arguments
        self.is_stateful = is_stateful
        self.is_random = is_random

    def __str__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in self.arguments)
        return f"{self.target}({inside})"


class Store:
    """Keeps each tensor, record and structure once, so that equality is identity."""

    def __init__(self) -> None:
        self._tensors: dict[Any, SymbolicTensor] = {}
        self._records: dict[Any, Record] = {}
        self._structures: dict[Any, int] = {}
        self.made: dict[Any, tuple[Record, bool]] = {}  # records by how they were written

    def tensor(
        self, operation: str, detail: Any = (), inputs: Iterable[SymbolicTensor] = ()
    ) -> SymbolicTensor:
        """Return the tensor that an operation makes of others."""
        inputs = tuple(inputs)
        key = (operation, detail, *inputs)
        found = self._tensors.get(key)
        if found is None:
            found = self._tensors[key] = SymbolicTensor(
                len(self._tensors), operation, detail, inputs
            )
        return found

    def record(
        self,
        target: str,
        arguments: tuple[tuple[str, Any], ...],
        is_stateful: bool,
        is_random: bool,
    ) -> Record:
        """Return the record of a module."""
        key = (target, arguments)
        found = self._records.get(key)
        if found is None:
            made = Record(len(self._records), target, arguments, is_stateful, is_random)
            found = self._records[key] = made
        return found

    def structure(self, *parts: Any) -> int:
        """Return a number that stands for these parts, and for no others."""
        return self._structures.setdefault(parts, len(self._structures))

    # --- operations that have more than one spelling -------------------------------------

    def add(self, left: SymbolicTensor, right: SymbolicTensor) -> SymbolicTensor:
        """Return a sum; which of two comes first changes no bit of it."""
        pair = (left, right) if left.number <= right.number else (right, left)
        return self.tensor("add", (), pair)

    def multiply(self, left: SymbolicTensor, right: SymbolicTensor) -> SymbolicTensor:
        """Return a product of two."""
        pair = (left, right) if left.number <= right.number else (right, left)
        return self.tensor("mul", (), pair)

    def cat(self, parts: Iterable[SymbolicTensor], dim: int) -> SymbolicTensor:
        """Return a concatenation; one of concatenations is one of their parts."""
        flat: list[SymbolicTensor] = []
        for part in parts:
            inner = part.operation == "cat" and part.detail == (dim,)
            flat += part.inputs if inner else (part,)
        return flat[0] if len(flat) == 1 else self.tensor("cat", (dim,), flat)
