"""Layers in containers that stand in no class: `model = nn.Sequential(...)` as the network."""

from __future__ import annotations

import re
from functools import lru_cache

from archc import habits
from archc.source import Edit, Source, Span
from archc.syntax.input_line import dimensions, has_input
from archc.syntax.own_blocks import blocks_of
from archc.syntax.pasted_file import CLASS, PastedNetwork
from archc.syntax.pasted_network import is_statement, statements_outside
from archc.syntax.said_input import said_inputs

_MOST_CONTAINERS = 10
_CONTAINER = re.compile(r"(?:\w+[ \t]*=[ \t]*)?(?:\w+\.)*Sequential\(")
_FIRST_LINEAR = re.compile(r"(?:\w+: )?(?:\{\s*)*(?:\w+: )?fc\b")
_OF_NO_IMAGE = re.compile(r"\b(?:Lazy)?Conv(?:Transpose)?[13]d\(")


@lru_cache(maxsize=1)  # while somebody types below it
def pasted_sequence(source: Source) -> PastedNetwork | None:
    """The network of a file without classes and an input, where its layers are in containers."""
    text = source.text
    if not _CONTAINER.search(text) or CLASS.search(text) or has_input(text):
        return None
    made = dict[Edit, habits.Translation]()
    for statement in statements_outside(source, ()):
        if _CONTAINER.match(statement.text):
            found = _translated(source, statement.start)
            if found is None:
                return None
            made[Edit(Span(source, statement.start, statement.start + found.end), found.text)] = (
                found
            )
        elif not made and is_statement(statement.text.partition("\n")[0]):
            return None  # layers before it
    if not 0 < len(made) <= _MOST_CONTAINERS:
        return None
    features = [number for found in made.values() for number in found.features]
    labels = {f"fc{at}": number for at, number in enumerate(features, 1)}
    own, *others = made
    channels = None if _FIRST_LINEAR.match(own.text) else made[own].incoming
    said = said_inputs(source)
    if _OF_NO_IMAGE.search(text):
        labels, channels = {}, None
    if not labels and channels is None and not said:
        return None
    return PastedNetwork(own, tuple(others), labels, channels, (), said)


def _translated(source: Source, start: int) -> habits.Translation | None:
    text = source.text
    made = habits.translated(text, start, dimensions(text), blocks_of(text))
    return made if made is not None and made.text and not made.input else None
