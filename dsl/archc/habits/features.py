"""What a class of torch's says of the tensor that comes in: `nn.Linear(16 * 5 * 5, 120)`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archc.habits.known import folded
from archc.habits.modules import Construction
from archc.habits.substitution import substituted

if TYPE_CHECKING:
    import ast

_TAKING = ("Conv1d", "Conv2d", "Conv3d", "Linear")
_INCOMING = ("in_channels", "in_features", "in_planes", "inplanes")


@dataclass(frozen=True, slots=True)
class WrittenNetwork:
    """The text of a network, and what its class says that its layers take."""

    text: str
    features: Mapping[str, int] = field(default_factory=dict)  # of its linears, by their labels
    channels: int | None = None  # of the image that comes in


def written_features(
    made: Construction, first: str, values: Mapping[str, ast.expr]
) -> tuple[dict[str, int], int | None]:
    """What each linear takes, and how many channels the module that runs first does, as written.

    `values` are those of the parameters.
    """
    features, channels = dict[str, int](), None
    for label, layer, given in _layers(made):
        number = _whole(substituted(given, values))
        if layer in ("Conv1d", "Conv3d"):
            return {}, None  # of no image
        if label == first and layer != "Linear":
            channels, first = number, ""
        elif layer == "Linear" and number is not None:
            features.setdefault(label, number)
    return features, channels


def _layers(made: Construction) -> Iterator[tuple[str, str, ast.expr]]:
    """Label, name and what comes in of each layer that says so, as they stand there."""
    import ast

    for statement in made.cls.method("__init__").body:
        match statement:
            case ast.Assign([ast.Attribute(ast.Name("self"), label)], value):
                for call in _calls(value):
                    name = ast.unparse(call.func).rpartition(".")[2]
                    given = {keyword.arg: keyword.value for keyword in call.keywords}
                    first = [*(given[n] for n in _INCOMING if n in given), *call.args]
                    if first and (name in _TAKING or made.takes_channels(call)):
                        constants = {n: cls.constants for n, cls in made.others.items()}
                        then = made.names_then.get(label, {})
                        yield label, name, substituted(first[0], then, constants)


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
