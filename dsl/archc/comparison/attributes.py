"""The columns of a comparison: what each is called, where its values come from, what they count."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archc.comparison.entry import NetworkEntry
from archc.report.spelling.numbers import format_bytes, format_count, human
from archc.report.spelling.shapes import format_dims
from archc.report.tables import Column


class UnknownColumn(Exception):
    """There is no column `name`, nor has any file such a fact in its `meta`."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"no column {name!r}")
        self.name, self.known = name, known


@dataclass(frozen=True, slots=True)
class Attribute:
    """A column. `of` gives an entry's value, at a batch where that matters, or None."""

    name: str
    heading: str
    of: Callable[[NetworkEntry, int], Any]
    numeric: bool = True
    show: Callable[[Any], str] = str
    note: str = ""  # what it counts; may name the {batch}
    cut: bool = False

    @property
    def column(self) -> Column:
        return Column(self.name, self.heading, self.numeric, self.show, self.cut)


def attribute(entries: Iterable[NetworkEntry], name: str) -> Attribute:
    """The column of that name: one of `ATTRIBUTES`, or a fact of some file's `meta`.

    Raises UnknownColumn.
    """
    if name in _BY_NAME:
        return _BY_NAME[name]
    facts = [fact for entry in entries if (fact := entry.meta(name)) is not None]
    if not facts:
        raise UnknownColumn(name, all_columns(entries))
    return _fact(name, numeric=all(isinstance(fact, int | float) for fact in facts))


def all_columns(entries: Iterable[NetworkEntry]) -> list[str]:
    """Every column there is: those of `ATTRIBUTES`, then the other facts in `meta`, by name."""
    facts = {key for entry in entries for key in entry.analysis.meta}
    return [*_BY_NAME, *sorted(facts - _BY_NAME.keys())]


def _fact(key: str, heading: str = "", *, numeric: bool = False, note: str = "") -> Attribute:
    """A fact of the file's `meta`."""
    heading = heading or key
    return Attribute(key, heading, lambda e, _: e.meta(key), numeric, _plain, note, not numeric)


def _count(name: str, heading: str, note: str, show: Callable[[Any], str] = human) -> Attribute:
    """One of the network's `Counts`."""
    return Attribute(name, heading, lambda e, _: getattr(e.counts, name), show=show, note=note)


def _plain(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _milliseconds(time: float) -> str:
    return f"{time:.3g}" if time < 999.5 else f"{time:.0f}"


def _shapes(shapes: Iterable[Iterable[int]]) -> str:
    return ", ".join(format_dims(shape) for shape in shapes)


_PEAK = "what tensors hold at the peak, in fp32 at batch {batch}"
_ERROR = "in percent, as published: the column `measured` says how"

ATTRIBUTES = (
    Attribute("name", "name", lambda e, _: e.name, numeric=False),
    Attribute("network", "network", lambda e, _: e.analysis.name, numeric=False),
    _fact("paper"),
    _fact("year", numeric=True),
    Attribute(
        "input",
        "input",
        lambda e, _: [list(shape.dims) for _, shape in e.analysis.table.inputs],
        numeric=False,
        show=_shapes,
    ),
    Attribute(
        "output",
        "output",
        lambda e, _: [list(shape.dims) for _, shape in e.analysis.table.outputs],
        numeric=False,
        show=_shapes,
    ),
    Attribute(
        "depth",
        "depth",
        lambda e, _: e.analysis.depth,
        note="convolutions and linears on the longest path",
    ),
    _count("params", "parameters", "all that is trained, auxiliary heads included", format_count),
    _count(
        "weights",
        "weights",
        "parameters of convolutions and linears without biases, as in the lecture",
        format_count,
    ),
    _count("buffers", "buffers", "", format_count),
    _count("macs", "MACs", "multiply-accumulates of convolutions and linears, for one sample"),
    _count("flops", "FLOPs", "2 for each MAC, nothing else"),
    _count(
        "activations", "activations", "elements of the outputs of all operators, for one sample"
    ),
    _count("memory", "memory", "elements in the lecture's memory column, for one sample"),
    Attribute(
        "infer_peak_bytes",
        "inference",
        lambda e, batch: e.memory.infer.peak(batch).bytes(batch),
        show=format_bytes,
        note=f"{_PEAK}; see `archc fit`",
    ),
    Attribute(
        "train_peak_bytes",
        "training",
        lambda e, batch: e.memory.train.peak(batch).bytes(batch),
        show=format_bytes,
        note=f"{_PEAK}, with SGD with momentum; see `archc fit`",
    ),
    _fact("dataset"),
    _fact("top1_error", "top-1 error", numeric=True, note=_ERROR),
    _fact("top5_error", "top-5 error", numeric=True, note=_ERROR),
    Attribute("forward_ms", "forward, ms", lambda e, _: e.forward_ms, show=_milliseconds),
    Attribute("file", "file", lambda e, _: e.file, numeric=False),
)
_BY_NAME: Mapping[str, Attribute] = {one.name: one for one in ATTRIBUTES}
