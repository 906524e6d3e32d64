"""What a class of torch's says of the tensor that comes in: `nn.Linear(16 * 5 * 5, 120)`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archc.habits.known import folded

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable

    from archc.habits.foreign_class import ForeignClass


@dataclass(frozen=True, slots=True)
class WrittenNetwork:
    """The text of a network, and what its class says that its layers take."""

    text: str
    features: Mapping[str, int] = field(default_factory=dict)  # of its linears, by their labels
    channels: int | None = None  # of the image that comes in


def written_features(
    cls: ForeignClass, value: Callable[[ast.expr], ast.expr]
) -> tuple[dict[str, int], int | None]:
    """What each linear takes, and how many channels the first convolution does, as written.

    `value` gives an expression the values of its names.
    """
    features, channels = dict[str, int](), list[int | None]()
    for label, layer, given in _layers(cls):
        number = _whole(value(given))
        if layer == "Conv2d":
            channels.append(number)
        elif layer != "Linear":
            return {}, None  # of no image
        elif number is not None:
            features.setdefault(label, number)
    return features, channels[0] if channels else None


def _layers(cls: ForeignClass) -> Iterator[tuple[str, str, ast.expr]]:
    """Label, name and first argument of each layer that says what it takes, as they stand there."""
    import ast

    for statement in cls.method("__init__").body:
        match statement:
            case ast.Assign([ast.Attribute(ast.Name("self"), label)], made):
                for call in _calls(made):
                    name = ast.unparse(call.func).rpartition(".")[2]
                    named = [
                        k.value for k in call.keywords if k.arg in ("in_channels", "in_features")
                    ]
                    given = [*named, *call.args]
                    if given and name in ("Conv1d", "Conv2d", "Conv3d", "Linear"):
                        yield label, name, given[0]


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    """Calls in the order in which they are written."""
    import ast

    if isinstance(node, ast.Call):
        yield node
    for child in ast.iter_child_nodes(node):
        yield from _calls(child)


def _whole(node: ast.expr) -> int | None:
    import ast

    match folded(node):
        case ast.Constant(int() as number):
            return number
    return None
