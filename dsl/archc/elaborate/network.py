"""A parsed file to a plan: link what it uses, set its params, unfold it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from archc import syntax
from archc.elaborate.carry import Carrier
from archc.elaborate.link import Library, Linker, Loader, lets
from archc.elaborate.names import aliases_in, labels_in, refuse_reserved
from archc.elaborate.params import read_params
from archc.elaborate.shapes import traced_argument
from archc.elaborate.statements import lower
from archc.ops import Dims
from archc.plan import Body, Plan, outputs
from archc.source import Diagnostic, Diagnostics, Fault, Limits, SpanLabel, fault


def link(file: syntax.File, load: Loader, diagnostics: Diagnostics) -> Library:
    """The blocks that a file can call, its own and used ones."""
    return Linker(load, diagnostics).link(file)


def is_network(file: syntax.File) -> bool:
    """Whether there is a network in the file; without, it is a library of blocks."""
    return any(
        isinstance(item, syntax.Network)
        or (isinstance(item, syntax.Statement) and not isinstance(item.term, syntax.Let))
        for item in file.items
    )


def elaborate(
    file: syntax.File,
    library: Library,
    given: Mapping[str, Any],
    diagnostics: Diagnostics,
    limits: Limits,
    trace_sizes: bool = False,
    shared: dict[tuple[Any, ...], Body] | None = None,
    inputs: Mapping[str, Dims] | None = None,
    cancelled: Callable[[], bool] | None = None,
    carrier: Carrier | None = None,
) -> Plan:
    """Unfold the network with its params as `given`, or else at their defaults.

    `trace_sizes` keeps the expressions of spatial sizes too, which few blocks have a use for;
    `shared` keeps what does not depend on the params, for the next time. `inputs` are shapes by the
    inputs' names, instead of those in the file. Raises Cancelled once `cancelled` says so.
    `carrier` has the bodies of blocks that a text before had as well.
    """
    network = _network(file, diagnostics)
    params = read_params(file, given, library.blocks, diagnostics, limits.integer)
    library.constants = {name: traced_argument(name, value) for name, value in params.items()}
    library.lets = lets(file, library)
    if carrier is not None:
        carrier.arrive(library, file)
    name = network.name.id if network is not None else class_name(file)
    env = {**library.blocks, **library.constants}
    known = len(diagnostics.items)
    body = lower(
        file,
        library,
        env,
        diagnostics,
        limits,
        trace_sizes=trace_sizes,
        shared=shared,
        inputs=inputs,
        cancelled=cancelled,
        carrier=carrier,
    )
    if given:
        diagnostics.items[known:] = [_told(d, given) for d in diagnostics.items[known:]]
    if network is not None and f"{name}Output" in _names(file, body):
        problem = (
            f"`{name}Output` is what the network's outputs are called, not a label, input or output"
        )
        diagnostics.add(fault("A105", problem, network.name.span, "rename one").diagnostic)
    title = network.title.value if network is not None and network.title is not None else None
    in_force = {key: params[key] for key in given if key in params}
    return Plan(name, title, params, body, file, in_force)


def _names(file: syntax.File, body: Body) -> frozenset[str]:
    """What may be a variable of the network's `forward`."""
    statements = tuple(item for item in file.items if isinstance(item, syntax.Statement))
    sequence = syntax.Sequence(statements, file.span)
    named = {name for name, _ in outputs(body)}
    return labels_in(sequence) | aliases_in(sequence) | named | {*body.input_names}


def _network(file: syntax.File, diagnostics: Diagnostics) -> syntax.Network | None:
    found: syntax.Network | None = None
    for item in file.items:
        if not isinstance(item, syntax.Network):
            continue
        try:
            if found is not None:
                first = SpanLabel(found.span, "the first is here")
                cure = "put this one into a file of its own"
                raise fault("A406", "a file holds one network", item.span, cure, also=(first,))
            refuse_reserved(item.name.id, item.name.span, "the network")
        except Fault as mistake:
            diagnostics.add(mistake.diagnostic)
        found = found or item
    return found


def _told(diagnostic: Diagnostic, given: Mapping[str, Any]) -> Diagnostic:
    """With the params that came from outside: the mistake may be in them."""
    if not diagnostic.code.startswith(("A2", "A303", "A305", "A308")):
        return diagnostic
    values = ", ".join(f"{name} = {value}" for name, value in given.items())
    return replace(diagnostic, notes=(*diagnostic.notes, f"from outside: {values}"))


def class_name(file: syntax.File) -> str:
    """A name for a network that has none: from its file's."""
    stem = PurePath(file.span.source.name).stem
    words = "".join(c if c.isalnum() and c.isascii() else " " for c in stem).split()
    name = "".join(word[:1].upper() + word[1:] for word in words)
    return name if name[:1].isalpha() else f"Network{name}"
