"""Constants of a class for inference: where its weights come from in the training form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from archc.emit.layout import WIDTH, Bracketed, CallArgument, Code, lay
from archc.emit.program import Definition
from archc.emit.values import NotUnifiable, literal
from archc.plan import Apply, Body, Call
from archc.transform.rewrite import chains
from archc.transform.weight_map import WeightMap

if TYPE_CHECKING:
    from archc.transform.deploy import Deployment


def constants(deployment: Deployment, definition: Definition) -> list[str]:
    """`FOLDED: ClassVar = {"conv1": ("bn1", 1e-05)}` and its like, laid out.

    Raises NotUnifiable where instances differ in what a name stands for.
    """
    total = WeightMap({}, {}, ())
    for at, body in enumerate(definition.bodies):
        table = deployment.tables[body]
        if at >= definition.own and not _names(table) <= _names(total):
            raise NotUnifiable("a param that makes more layers than the constants name")
        for mine, more in ((total.folded, table.folded), (total.fused, table.fused)):
            if any(mine.get(name, value) != value for name, value in more.items()):
                raise NotUnifiable("weights that come from several places")
        total.folded |= table.folded
        total.fused |= table.fused
        total.dropped += tuple(name for name in table.dropped if name not in total.dropped)
    for body in definition.bodies:
        for name, value in total.folded.items():
            if _folded(deployment, body, name) not in (value, None):
                raise NotUnifiable("a batch norm that only some instances have")
    folded = {
        key: _row(key, (f'"{norm}"', literal(eps))) for key, (norm, eps) in total.folded.items()
    }
    fused = {key: _row(key, [f'"{part}"' for part in parts]) for key, parts in total.fused.items()}
    lines = []
    for name, rows in (("FOLDED", folded), ("FUSED", fused)):
        if rows:
            items = tuple(CallArgument(row, f'"{key}": ') for key, row in rows.items())
            lines += lay(f"{name}: ClassVar = ", Bracketed("", items, "{}"), "", 4)
    if total.dropped:
        lines += lay("DROPPED = ", _row("DROPPED", [f'"{name}"' for name in total.dropped]), "", 4)
    return lines


def _names(table: WeightMap) -> set[str]:
    return {*table.folded, *table.fused, *table.dropped}


def _folded(deployment: Deployment, body: Body, name: str) -> tuple[str, float] | None:
    """Return the norm, and its eps, that an operator in a body or in its blocks takes in.

    The norm is "" for an operator that takes in none; the result is None where there is no such
    operator.
    """
    table = deployment.tables[body]
    own = table.folded.get(name, ("", 0.0))
    if any(name in parts for parts in table.fused.values()):  # it is in a wider one now
        return own
    for chain, prefix, _ in chains(body.chain):
        for node in chain.nodes:
            if isinstance(node, Apply) and prefix + node.name == name:
                return own
            if isinstance(node, Call) and name.startswith(f"{prefix}{node.name}."):
                around = f"{prefix}{node.name}."
                inner = _folded(deployment, node.body, name.removeprefix(around))
                return inner and (inner[0] and around + inner[0], inner[1])
    return None


def _row(key: str, items: Sequence[str]) -> Code:
    """A tuple behind its name: on the same line, or an item a line."""
    flat = f"({', '.join(items)}{',' * (len(items) == 1)})"
    if len(items) == 1 or len(flat) + len(key) + len('        "": ,') <= WIDTH:
        return flat
    return Bracketed("", tuple(map(CallArgument, items)), rows=True)
