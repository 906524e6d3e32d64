"""What the parts of a run ask of it: names, modules and tensors, whoever keeps them."""

from __future__ import annotations

from typing import Any, Protocol

from archc.conformance.execution import Execution
from archc.conformance.functions import Functions
from archc.conformance.objects import Frame, Instance, Prototype
from archc.conformance.tensors import Store


class Runtime(Protocol):
    """A run of one file, on symbols."""

    globals: dict[str, Any]
    store: Store
    execution: Execution | None
    line: int
    device: str

    def attribute(self, owner: Any, name: str) -> Any: ...
    def call(self, function: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any: ...
    def functions(self) -> Functions: ...
    def tensor_operation(self, symbol: str, left: Any, right: Any) -> Any: ...
    def index(self, owner: Any, key: Any) -> Any: ...
    def parent(self, frame: Frame) -> Any: ...
    def register(self, made: Prototype, name: str, value: Any) -> None: ...
    def run_method(self, module: Instance, name: str, arguments: Any, named: Any) -> Any: ...
