"""What a pasted file runs its network on: `torch.randn(1, 3, 32, 32)`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from archc.source import Source, Span

_SAID = re.compile(  # torch.randn(1, 3, 32, 32), summary(model, (3, 32, 32)), input_size=(20,)
    r"(?:\btorch\.(?:randn|rand|zeros|ones|empty)\(|\bsummary\(\s*\w+(?:\([^()\n]*\))?\s*,|"
    r"\binput_(?:size|shape)\s*=)\s*(?:input_size\s*=\s*)?[(\[]*\s*"
    r"(?P<sizes>\w+\s*,(?:\s*\d+\s*,)*(?:\s*\d+)?)\s*[,)\]]"
)
_MOST = 5


@dataclass(frozen=True, slots=True)
class SaidInput:
    """A line of the language, and the number of the line that says what comes in."""

    line: str
    number: int


def said_inputs(source: Source, but_for: Iterable[Span] = ()) -> tuple[SaidInput, ...]:
    """What may come in, by what the file runs the network on; not by what stands in some places."""
    apart, found = tuple(but_for), dict[str, SaidInput]()
    for said in islice(_SAID.finditer(source.text), _MOST):
        if any(span.start <= said.start() < span.end for span in apart):
            continue
        number = source.position(said.start())[0]
        for line in _as_inputs([size.strip() for size in said["sizes"].split(",") if size.strip()]):
            found.setdefault(line, SaidInput(line, number))
    return tuple(found.values())


def _as_inputs(sizes: list[str]) -> Iterator[str]:
    """With a batch in front or without, the channels first."""
    behind_batch = sizes[1:]
    without = sizes if sizes[0].isdigit() else []
    for dims in (behind_batch, without) if len(sizes) in (2, 4) else (without, behind_batch):
        if 1 <= len(dims) <= 4:
            channels, *size = dims
            yield " ".join(filter(None, ("input", "x".join(size), f"x{channels}")))
