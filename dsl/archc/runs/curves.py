"""The curves of runs: top-1 and loss over the epochs, drawn with matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from archc.comparison.plot.families import BLACK, COLOURS
from archc.comparison.plot.page import WIDTH, dress, rendered
from archc.report.characters import visible
from archc.runs.reading import TrainingRun, is_finite

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PANEL, _LINE = 2.8, 0.16  # inches
_COLOURS = (*COLOURS, BLACK)
_STYLES = ("-", "--", ":", "-.", (0, (8, 2)), (0, (5, 1, 1, 1, 1, 1)))
MOST = len(_COLOURS) * len(_STYLES)  # that can be told apart


def drawn(runs: Sequence[TrainingRun], format: str) -> bytes:
    """The bytes of an SVG, PNG or PDF of at most `MOST` runs."""
    return rendered(lambda: _figure(runs), format, f"{len(runs)} runs", _describe(runs))


def _figure(runs: Sequence[TrainingRun]) -> Figure:
    scored = any(run.best["top1"] is not None for run in runs)
    panels = 1 + scored
    legend = 0.25 + _LINE * -(-len(runs) // 2)
    figure = Figure(figsize=(WIDTH, panels * _PANEL + legend), layout="constrained")
    axes = figure.subplots(panels, 1, sharex=True, squeeze=False)[:, 0]
    for run, (style, colour) in zip(runs, product(_STYLES, _COLOURS), strict=False):
        if scored:
            _curve(axes[0], run, "top1", colour, style, label=_labelled(run))
        _curve(axes[-1], run, "val_loss", colour, style, label="" if scored else _labelled(run))
        _curve(axes[-1], run, "loss", colour, style, thin=True)
    if scored:
        dress(axes[0], "", "top-1, %")
    axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    dress(axes[-1], "epoch", "loss: of validation, and thin of training")
    losses = [y for run in runs for name in ("loss", "val_loss") for _, y in _points(run, name)]
    if losses and min(losses) > 0:
        axes[-1].set_yscale("log")  # a spike leaves room for all else
        axes[-1].yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes[-1].yaxis.set_major_formatter("{x:g}")
        axes[-1].yaxis.set_minor_formatter(NullFormatter())
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower left", ncols=2,
                  frameon=False, fontsize=6.5)  # fmt: skip
    return figure


def _curve(
    axes: Axes,
    run: TrainingRun,
    name: str,
    colour: str,
    style: Any,
    *,
    label: str = "",
    thin: bool = False,
) -> None:
    known = _points(run, name)
    mark = "." if len(known) == 1 else ""  # a line of one point is none
    axes.plot(
        [x for x, _ in known],
        [y for _, y in known],
        color=colour,
        linestyle=style,
        marker=mark,
        linewidth=0.5 if thin else 1.2,
        alpha=0.6 if thin else 1.0,
        label=label or "_",
    )


def _points(run: TrainingRun, name: str) -> list[tuple[float, float]]:
    """A curve: epochs, and what is finite of a column."""
    finite = [epoch.values for epoch in run.epochs if is_finite(epoch[name])]
    return [(values["epoch"], values[name]) for values in finite]


def _labelled(run: TrainingRun) -> str:
    name, best = visible(run.name), run.best["top1"]
    return name if best is None else f"{name}: {best:.2f} %"


def _describe(runs: Sequence[TrainingRun]) -> str:
    return f"Top-1 and loss by epoch. Best of each: {'; '.join(map(_labelled, runs))}."
