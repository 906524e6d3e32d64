"""A network's numbers as a table: `archc summary` and `net.summary()`.

summary = archc.load("resnet50").summary()
print(summary)
summary.params, summary.macs, summary.infer_peak_bytes
summary.frame().sort_values("macs")
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from archc import __version__
from archc.analysis.counts import Counts
from archc.analysis.fit import NetworkMemory
from archc.analysis.table import Table
from archc.packages import need
from archc.report import folding, tables
from archc.report.characters import to_json
from archc.report.columns import MEASURES, Item, Units
from archc.report.tables import Sheet, TableLine
from archc.syntax import Variation

if TYPE_CHECKING:
    import pandas

VERSION = 1  # of the JSON; grows when a key goes or changes its meaning
SHOWN = ("name", "statement", "shape", "params", "macs", "activation_bytes")
LISTED = ("name", "op", "statement", "shape", "params", "macs", "activations", "activation_bytes")
_ADDED = "of the auxiliary heads, which run in training only"


@dataclass(frozen=True, repr=False)
class Summary:
    """The table of one network. Its text has blocks closed and repeats folded, as people read it;
    its records (JSON, CSV, pandas) have every operator by itself.

    `depth` closes blocks inside so many others; None chooses for the text what is a page, and
    opens all for the records. `columns` are names of `archc.report.columns.MEASURES`.
    """

    table: Table
    scale: Units = field(default_factory=Units)
    depth: int | None = None
    columns: tuple[str, ...] | None = None
    fold: bool = True
    simulate: Callable[[], NetworkMemory] | None = field(default=None, repr=False, compare=False)
    variation: Variation | None = field(default=None, repr=False, compare=False)

    # --- totals --------------------------------------------------------------------------

    @property
    def name(self) -> str:
        return self.table.name

    @property
    def counts(self) -> Counts:
        """The sums for one sample."""
        return self.table.counts

    @property
    def params(self) -> int:
        """Trainable numbers, each once, auxiliary heads included."""
        return self.counts.params

    @property
    def weights(self) -> int:
        """Of them those of convolutions and linears, without biases."""
        return self.counts.weights

    @property
    def buffers(self) -> int:
        """Numbers of the state that are not trained."""
        return self.counts.buffers

    @property
    def macs(self) -> int:
        """Multiply-accumulates of convolutions and linears in eval mode, for the batch."""
        return self.counts.macs * self.scale.batch

    @property
    def flops(self) -> int:
        """2 for each MAC."""
        return 2 * self.macs

    @property
    def activations(self) -> int:
        """Numbers that all operators put out, for the batch."""
        return self.counts.activations * self.scale.batch

    @property
    def train_peak_bytes(self) -> int:
        """The most that is alive in a step of training, SGD with momentum: see `archc fit`."""
        return self._memory.train.peak(self.scale.batch).bytes(self.scale.batch)

    @property
    def infer_peak_bytes(self) -> int:
        """The most that is alive in a forward pass of inference."""
        return self._memory.infer.peak(self.scale.batch).bytes(self.scale.batch)

    @cached_property
    def _memory(self) -> NetworkMemory:
        assert self.simulate is not None, "made by Analysis.summary, which knows the plan"
        return self.simulate()

    @property
    def total(self) -> Item:
        """The whole network as one item."""
        _, shape = self.table.outputs[0]
        return Item("total", "network", "", shape, self.counts, self.table.field)

    # --- for people ----------------------------------------------------------------------

    def __str__(self) -> str:
        return tables.text(self.sheet())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return tables.html(self.sheet())

    def sheet(self) -> Sheet:
        """The table with its conventions and sums."""
        measures = [MEASURES[name] for name in self.columns or SHOWN]
        lines = tuple(
            TableLine(tuple(m.of(item, self.scale) for m in measures), item.level, strong)
            for item, strong in self.outline()
        )
        wide = max(len(m.heading) for m in measures)
        notes = tuple(f"{m.heading:<{wide}}  {m.means}" for m in measures if m.means)
        columns = tuple(m.column for m in measures)
        return Sheet(columns, lines, self._head(), self._foot(), notes)

    def outline(self) -> Iterator[tuple[Item, bool]]:
        """Return what has a line each, and whether it is a sum; auxiliary heads after the rest."""
        items = folding.outline(self.table, self._depth, fold=self.fold)
        heads = [item for item in items if item.training_only]
        yield from ((item, False) for item in items if not item.training_only)
        if heads:
            yield self._without(heads), True
            yield from ((item, False) for item in heads)
        yield self.total, True

    @cached_property
    def _depth(self) -> int | None:
        return folding.readable_depth(self.table) if self.depth is None else self.depth

    def _without(self, heads: Sequence[Item]) -> Item:
        """The network as it is in eval mode."""
        tops = [head for head in heads if head.level == min(h.level for h in heads)]
        counts = self.counts
        for head in tops:
            added = head.counts.auxiliary()
            counts = counts + added.times(-1)
        _, shape = self.table.outputs[0]
        return Item("without heads", "network", "", shape, counts, self.table.field)

    def _head(self) -> str:
        ends = [
            ", ".join(f"{name} {shape}" if len(pairs) > 1 else str(shape) for name, shape in pairs)
            for pairs in (self.table.inputs, self.table.outputs)
        ]
        batch, dtype, width = self.scale.batch, self.scale.dtype, self.scale.width
        return (
            f"{self.table.heading}: {ends[0]} to {ends[1]}, batch {batch}, {dtype} ({width} bytes)"
        )

    def _foot(self) -> tuple[str, ...]:
        from archc.report.spelling.numbers import format_bytes

        batch = "one sample" if self.scale.batch == 1 else f"a batch of {self.scale.batch}"
        lines = [
            f"{self.params:,} parameters ({self.weights:,} of them weights of convolutions and "
            f"linears), {self.buffers:,} buffers",
            f"{self.macs:,} MACs = {self.flops:,} FLOPs for {batch}",
            f"peak memory: inference {format_bytes(self.infer_peak_bytes)}, training "
            f"{format_bytes(self.train_peak_bytes)} "
            "(with parameters; SGD with momentum; see `archc fit`)",
        ]
        if self.counts.side_macs:
            side = self.counts.side_macs * self.scale.batch
            lines.insert(2, f"{side:,} MACs more {_ADDED}")
        if self.variation is not None:
            lines.append(f"extends {self.variation.words}")
        if self.variation is not None and self.variation.alters:
            name = self.variation.name
            lines.append(f"the results and weights that {name} was published with are not its own")
        if self.depth is None and self._depth is not None:
            lines.append(f"`--depth {self._depth + 1}` opens more")
        return tuple(lines)

    # --- for programs --------------------------------------------------------------------

    def records(self, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """A dict for each operator, or block that `depth` closes: its columns by name."""
        measures = [MEASURES[name] for name in columns or self.columns or LISTED]
        return [
            {m.name: m.of(item, self.scale) for m in measures}
            for item in folding.everything(self.table, self.depth)
        ]

    def flat(self) -> Sheet:
        """The records as a table without sums, for CSV."""
        names = self.columns or LISTED
        lines = [TableLine(tuple(record.values())) for record in self.records(names)]
        return Sheet(tuple(MEASURES[name].column for name in names), lines)

    def frame(self) -> pandas.DataFrame:
        """The records as a pandas frame. Raises ImportError where pandas is not installed."""
        need("a frame", "pandas")
        import pandas

        return pandas.DataFrame(self.records(), columns=self.columns or LISTED)

    to_pandas = frame

    def to_dict(self) -> dict[str, Any]:
        """What the JSON holds; docs/cli.md says what the keys mean."""
        total = {
            name: measure.of(self.total, self.scale)
            for name, measure in MEASURES.items()
            if name not in ("name", "op", "statement", "shape")
        }
        side = self.counts.side_macs * self.scale.batch
        peaks = {
            "train_peak_bytes": self.train_peak_bytes,
            "infer_peak_bytes": self.infer_peak_bytes,
        }
        return {
            "version": VERSION,
            "archc": __version__,
            "network": self.name,
            "arguments": dict(self.table.arguments),
            "batch": self.scale.batch,
            "dtype": self.scale.dtype,
            "inputs": _ends(self.table.inputs),
            "outputs": _ends(self.table.outputs),
            "totals": total | {"side_macs": side} | peaks,
            **self._origin(),
            "nodes": self._nodes(),
        }

    def _origin(self) -> dict[str, Any]:
        """What it extends, if it does."""
        if self.variation is None:
            return {}
        path, name = self.variation.extends.path.value, self.variation.name
        return {"extends": {"network": name, "file": path, "changes": [*self.variation.changes]}}

    def _nodes(self) -> list[dict[str, Any]]:
        columns = self.columns or tuple(MEASURES)
        items = folding.everything(self.table, self.depth)
        return [
            {name: MEASURES[name].of(item, self.scale) for name in columns}
            | {"aux": item.training_only, "again": item.again}
            for item in items
        ]

    def json(self) -> str:
        return to_json(self.to_dict())


def _ends(tensors: Sequence[tuple[str, Any]]) -> list[dict[str, Any]]:
    return [{"name": name, "shape": shape.dims} for name, shape in tensors]
