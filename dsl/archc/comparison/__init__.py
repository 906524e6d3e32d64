"""Networks side by side: a row each, of any columns. `archc compare`, `archc list`.

    table = archc.compare(["resnet50", "vgg16"])
    table                       # Jupyter shows it
    table.frame()               # for pandas
    table.plot()                # accuracy against operations, as SVG

A value is computed when a column that is shown, or sorted by, asks for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archc import __version__
from archc.arguments import as_names, need_count, need_params
from archc.comparison import sweep
from archc.comparison.attributes import Attribute, UnknownColumn, all_columns, attribute
from archc.comparison.entry import NetworkEntry
from archc.net import Net, analysis_of
from archc.packages import need
from archc.report import tables
from archc.report.characters import to_json
from archc.report.spelling.numbers import natural
from archc.report.tables import Sheet, TableLine

if TYPE_CHECKING:
    import pandas

    from archc.arguments import Param
    from archc.comparison.plot import Picture
    from archc.comparison.timing import Machine

__all__ = [
    "Comparison",
    "NetworkEntry",
    "UnknownColumn",
    "all_columns",
    "attribute",
    "compare",
    "ordered",
    "tabled",
]

VERSION = 1  # of the JSON; grows when a key goes or changes its meaning
BATCH = 32
DEFAULT = tuple("name year depth params macs train_peak_bytes top1_error top5_error".split())


@dataclass(frozen=True, repr=False)
class Comparison:
    """A table of networks. It prints itself, and shows itself in Jupyter."""

    entries: tuple[NetworkEntry, ...]
    columns: tuple[Attribute, ...]
    batch: int = BATCH
    machine: Machine | None = None  # that the forward passes were measured on
    is_usual: bool = False  # nobody chose the columns: a table has no empty ones

    def __len__(self) -> int:
        return len(self.entries)

    def __str__(self) -> str:
        return tables.text(self.sheet())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return tables.html(self.sheet())

    def records(self) -> list[dict[str, Any]]:
        """The values of each network, by column."""
        return [
            {column.name: column.of(entry, self.batch) for column in self.columns}
            for entry in self.entries
        ]

    def sheet(self) -> Sheet:
        """To write in one of `archc.report.tables`'s formats."""
        records = self.records()
        shown = [c for c in self.columns if not self.is_usual or _is_known(c.name, records)]
        lines = [TableLine(tuple(row[column.name] for column in shown)) for row in records]
        columns = tuple(column.column for column in shown)
        return Sheet(columns, lines, foot=tuple(self._notes(shown)))

    def _notes(self, columns: Iterable[Attribute]) -> Iterator[str]:
        """What the columns count; those that count alike share a line."""
        notes: dict[str, list[str]] = {}
        for column in columns:
            notes.setdefault(column.note, []).append(column.heading)
        for note, headings in notes.items():
            if note:
                yield f"{', '.join(headings)}: {note.replace('{batch}', str(self.batch))}"
        if self.machine is not None and any(c.name == "forward_ms" for c in columns):
            yield f"forward, ms: measured at batch 1 on {self.machine}"

    def to_dict(self) -> dict[str, Any]:
        """The same for programs; docs/cli.md says what the keys mean."""
        return {
            "version": VERSION,
            "archc": __version__,
            "batch": self.batch,
            "machine": asdict(self.machine) if self.machine is not None else None,
            "networks": self.records(),
        }

    def json(self) -> str:
        return to_json(self.to_dict())

    def frame(self) -> pandas.DataFrame:
        """The values as a pandas frame. Raises ImportError where pandas is not installed."""
        need("a frame", "pandas")
        import pandas

        return pandas.DataFrame(self.records(), columns=[c.name for c in self.columns])

    def sorted(self, by: str, *, reverse: bool = False) -> Comparison:
        """Ordered by a column, names with numbers in them as people order them.

        Networks without a value come last. Raises UnknownColumn.
        """
        column = attribute(self.entries, by)
        pairs = [(column.of(entry, self.batch), entry) for entry in self.entries]
        known = [pair for pair in pairs if pair[0] is not None]
        known.sort(key=lambda pair: _order(pair[0]), reverse=reverse)
        unknown = [entry for value, entry in pairs if value is None]
        return replace(self, entries=(*(entry for _, entry in known), *unknown))

    def picture(self, dataset: str | None = None) -> Picture:
        """What `plot` shows, and what it leaves out. Raises archc.comparison.plot.NothingToPlot."""
        from archc.comparison.plot import choose

        return choose([entry.candidate() for entry in self.entries], dataset, self.machine)

    def plot(self, format: str = "svg", dataset: str | None = None) -> bytes:
        """Accuracy against operations, drawn as "svg", "png" or "pdf".

        Of the networks that were tested on `dataset`, by default the one that most were tested on;
        those whose accuracy nobody gave are at the foot. Parameters where none has an accuracy.
        Raises archc.comparison.plot.NothingToPlot, ValueError for another format, and ImportError
        without matplotlib.
        """
        from archc.comparison.plot import draw

        return draw(self.picture(dataset), format)


def _is_known(name: str, records: Sequence[Mapping[str, Any]]) -> bool:
    return not records or any(record[name] is not None for record in records)


def _order(value: Any) -> tuple[int, Any]:
    """Numbers before names before lists."""
    if isinstance(value, int | float):
        return 0, value
    return (1, natural(value)) if isinstance(value, str) else (2, value)


def compare(
    networks: str | Path | Net | Iterable[str | Path | Net],
    *,
    columns: Sequence[str] | None = None,
    sort: str | None = None,
    reverse: bool = False,
    batch: int = BATCH,
    time: bool = False,
    params: Mapping[str, Param] | None = None,
) -> Comparison:
    """Networks side by side, as `archc compare` prints them.

    `networks` are files, bundled networks by name, or loaded ones. `params` sets params of those
    that are loaded here and have them; of several values, as in `{"width": [16, 32]}`, each makes a
    row. `columns` are names of columns or of facts in `meta`; `batch` is that of the memory peaks;
    `time` measures a forward pass of each, which needs torch. Raises ArchError for mistakes in a
    file and for a param that none has, OSError where there is no such file, UnknownColumn, and
    TypeError or ValueError for arguments that cannot be.
    """
    given = [networks] if isinstance(networks, str | Path | Net) else networks
    if not isinstance(given, Iterable) or isinstance(given, bytes):
        raise TypeError(f"compare takes networks: paths, names, loaded ones; not {networks!r}")
    need_params(params or {})
    for name, value in (params or {}).items():
        if isinstance(value, list | tuple | range) and not value:
            raise ValueError(f"params: no values are given for {name!r}")
    found = tabled(map(_entry, _nets(list(given), params or {})), columns, batch, time=time)
    return ordered(found, sort, reverse)


def _nets(networks: Sequence[str | Path | Net], params: Mapping[str, Param]) -> Iterator[Net]:
    """The networks with the params of each row. Raises as `load` does."""
    known = [net.analysis if isinstance(net, Net) else analysis_of(net) for net in networks]
    plans = [one.plan for one in known if one.plan is not None]
    unknown = {n: params[n] for n in params if not any(sweep.has_param(p, n) for p in plans)}
    given = {name: [value] for name, value in params.items()}
    for network, own in zip(networks, known, strict=True):
        if isinstance(network, Net):
            yield network
            continue
        rows = sweep.rows(own.plan, given, sweep.in_value) if own.plan is not None else [{}]
        changes = [row | unknown for row in rows]  # what none has, the first complains of
        made = (analysis_of(network, params=row) if row else own for row in changes)
        yield from map(Net.of, sweep.distinct(made))


def _entry(net: Net) -> NetworkEntry:
    file = net.analysis.source.name
    return NetworkEntry.of(Path(file).stem, file, net.analysis)


def tabled(
    entries: Iterable[NetworkEntry],
    columns: Sequence[str] | None = None,
    batch: int = BATCH,
    *,
    time: bool = False,
) -> Comparison:
    """The table of these networks. Raises UnknownColumn."""
    need_count("batch", batch)
    entries, machine = tuple(entries), None
    usual = (*DEFAULT, *(("forward_ms",) if time else ()))
    names = as_names(columns) if columns is not None else usual
    chosen = tuple(attribute(entries, name) for name in names)
    if time:
        from archc.comparison.timing import machine as this_machine

        machine = this_machine()
        entries = tuple(entry.timed() for entry in entries)
    return Comparison(entries, chosen, batch, machine, is_usual=columns is None)


def ordered(table: Comparison, sort: str | None, reverse: bool) -> Comparison:
    """As asked for on the command line: `reverse` alone turns the order given around."""
    if sort is not None:
        return table.sorted(sort, reverse=reverse)
    return replace(table, entries=table.entries[::-1]) if reverse else table
