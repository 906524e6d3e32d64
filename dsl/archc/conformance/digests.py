"""Numbers for what blocks are and do: equal for the text and the plan where these are."""

from __future__ import annotations

from typing import Any

from archc.conformance.execution import Event, in_order
from archc.conformance.objects import Container, Instance, Leaf, Prototype
from archc.conformance.tensors import Store, SymbolicTensor


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
