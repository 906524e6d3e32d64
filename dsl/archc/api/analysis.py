"""Everything known about one source, computed when it is asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archc import syntax
from archc.analysis.costs import Cost, Costs
from archc.api.loading import Elaborator
from archc.arguments import as_names, need_count
from archc.elaborate.sections import Facts
from archc.plan import Plan, format_params, outputs
from archc.recursion import deep_recursion
from archc.report import diagnostics as render
from archc.source import Diagnostic, Fault, Source

if TYPE_CHECKING:
    from typing import Unpack

    import networkx as nx

    from archc.analysis.fit import NetworkMemory
    from archc.analysis.roofline import Workload
    from archc.analysis.setting import RunSetting
    from archc.analysis.table import Table
    from archc.arguments import DrawOptions, Param, StyleOptions
    from archc.conformance import Mismatch
    from archc.draw import DrawStyle
    from archc.emit.options import Options
    from archc.explain import Explanation, Unfolded
    from archc.report.summary import Summary
    from archc.transform.deploy import Deployment
    from archc.transform.place import Placement


class ArchError(Exception):
    """A file has mistakes; `diagnostics` says which, and its text what a terminal would show."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        self.diagnostics = diagnostics
        super().__init__(diagnostics)

    def __str__(self) -> str:
        return f"\n{render.text(self.diagnostics)}\n{render.pages(self.diagnostics)}"

    def _render_traceback_(self) -> list[str]:
        """What Jupyter shows instead of a traceback: the frames would be archc's own."""
        shown = render.text(self.diagnostics, color=True)
        return [*shown.splitlines(), "", render.pages(self.diagnostics)]


_FOLDED = (
    "leave out `--view graph`: the other views draw equal calls once, and `--depth 1` leaves "
    "blocks closed"
)


@dataclass(frozen=True)
class Analysis:
    """Everything known about one source. Only what is asked for is computed."""

    source: Source
    file: syntax.File
    plan: Plan | None  # None for a library of blocks
    facts: Facts
    cost: Cost
    diagnostics: tuple[Diagnostic, ...]
    again: Elaborator = field(repr=False)  # elaborates the same network with other params

    def __repr__(self) -> str:
        wrong = sum(d.is_error for d in self.diagnostics)
        said = f"{wrong} error{'s' * (wrong != 1)}" if wrong else f"{self.params:,} parameters"
        return f"<archc.Analysis {self.heading}: {said}>"

    @property
    def ok(self) -> bool:
        """Whether there are no mistakes; warnings may be."""
        return not any(d.is_error for d in self.diagnostics)

    @property
    def name(self) -> str:
        """The network's name, and its class's; of a library of blocks its file's."""
        return self.plan.name if self.plan is not None else Path(self.source.name).stem

    @property
    def heading(self) -> str:
        """Its name, and the params that are set: `ResNet width=16`."""
        return self.plan.heading if self.plan is not None else self.name

    @property
    def params_set(self) -> list[str]:
        """`width=16` for each param that is set from outside."""
        return format_params(self.plan.given) if self.plan is not None else []

    @property
    def text(self) -> str:
        """All that was read: the source, and the files that it uses or extends."""
        load = self.again.load
        read = (file.span.source for file in load.files.values())
        texts = {(source.name in load.bundled, source.name): source.text for source in read}
        return "\0".join((self.source.text, *(texts[name] for name in sorted(texts))))

    @property
    def params(self) -> int:
        """Trainable scalars, each once, auxiliary heads included."""
        return self.cost.params

    @property
    def macs(self) -> int:
        """Multiply-accumulates of convolutions and linears for one sample in eval mode."""
        return self.cost.macs

    @property
    def meta(self) -> dict[str, Param]:
        """What `meta` says: `paper`, `year`, `top1_error` (percent) and the like."""
        return self.facts.meta

    @property
    def output(self) -> tuple[int, ...] | None:
        """The first output's shape as torch has it, without the batch: (1000,) or (512, 7, 7)."""
        shape = outputs(self.plan.body)[0][1].shape if self.plan is not None else None
        return tuple(map(int, shape.dims)) if shape is not None else None

    @cached_property
    @deep_recursion()
    def table(self) -> Table:
        """What each operator and block takes and sees. Raises ArchError for mistakes."""
        from archc.analysis.table import tabulate

        return tabulate(self._sound_plan(unfolded=True))

    @cached_property
    @deep_recursion()
    def depth(self) -> int:
        """Convolutions and linears on the longest path. Raises ArchError for mistakes."""
        from archc.analysis.depth import depth

        plan = self._sound_plan()
        return depth(plan)

    @cached_property
    @deep_recursion()
    def graph(self) -> nx.MultiDiGraph[str]:
        """The network unfolded: a networkx graph with a node for each operator."""
        from archc.analysis.graph import unfold

        return unfold(self._sound_plan(unfolded=True))

    @deep_recursion()
    def emit(self, templates: Path | None = None, options: Options | None = None) -> str:
        """The network as PyTorch source. `templates` is searched before archc's own.

        Raises ArchError where the source has mistakes, `archc.emit.options.Unsuited` where the
        network has no use for an option.
        """
        from archc.emit import emit

        return emit(self._sound_plan(), self.facts, self.cost, self.again, templates, options)

    @deep_recursion()
    def conformance(self, text: str) -> list[Mismatch]:
        """How a file that `emit` wrote differs from the network, found without running it.

        Also at other values of the params that its constructor takes. Empty where nothing does.
        Raises ArchError where the source has mistakes.
        """
        from archc.conformance import check_source

        return check_source(text, self._sound_plan(), self.again)

    @deep_recursion()
    def deployment(self) -> Deployment:
        """The network rewritten for inference: its plan, and what that saves."""
        from archc.transform.deploy import Deployment

        return Deployment(self._sound_plan(unfolded=True))

    @deep_recursion()
    def emit_deployed(
        self, templates: Path | None = None, deployment: Deployment | None = None
    ) -> str:
        """The network for inference alone, as PyTorch source; it takes the training form's weights.

        Batch norms are folded, 1x1 convolutions of one input fused, dropout and auxiliary heads
        gone. Raises ArchError where the source has mistakes.
        """
        from archc.emit import emit
        from archc.emit.options import Options

        made = deployment or self.deployment()

        def again(params: Mapping[str, Any], trace_sizes: bool = False) -> Plan | None:
            found = self.again(params, trace_sizes)
            return made.of(found) if found is not None else None

        plan = made.made
        cost, facts = Costs().of_body(plan.body), replace(self.facts, train={})
        return emit(plan, facts, cost, again, templates, Options(deployment=made))

    @deep_recursion()
    def placement(self) -> Placement:
        """The network shared among the devices that it names.

        Raises ArchError where the source has mistakes, `archc.emit.options.Unsuited` where it names
        none.
        """
        from archc.emit.options import Unsuited
        from archc.transform.place import place

        plan = self._sound_plan()
        if plan.body.devices is None:
            raise Unsuited('names no devices: add `devices "cuda:0" "cuda:1"` below its input')
        return place(plan)

    @deep_recursion()
    def emit_placed(self, templates: Path | None = None) -> str:
        """The network on the devices that it names, as PyTorch source.

        Each has a part of every layer's channels. Raises what `placement` raises, and Unsuited
        where the names or the initialisation of the network stand in the way.
        """
        from archc.emit.placed import emit_placed

        self.placement()
        return emit_placed(self._sound_plan(), self.facts, self.cost, self.again, templates)

    @deep_recursion()
    def options(
        self, *, device: bool = False, checkpointing: bool | str = False, zero_init: bool = False
    ) -> Options:
        """What the generated file shall have beside the network, for `emit`.

        `checkpointing` names the block that is computed again; True takes the one that saves most
        at a batch of 32, as `fit --batch 32` does. Raises `archc.emit.options.Unsuited` where there
        is none.
        """
        from archc.analysis.memory import checkpointable
        from archc.emit.options import Options, Unsuited

        block = checkpointing if isinstance(checkpointing, str) else None
        if block is not None:
            known = checkpointable(self._sound_plan())
            if block not in known:
                cure = f" (there are {', '.join(known)})" if known else ""
                raise Unsuited(f"no block {block!r} can be computed again{cure}")
        elif checkpointing:
            block = self._best_checkpoint()
            if block is None:
                raise Unsuited("no block is worth computing again in the backward pass")
        return Options(device, block, zero_init)

    def _best_checkpoint(self) -> str | None:
        """The block that saves most memory when it is computed again, at a batch of 32."""
        return self.memory(best_checkpoint_at=32).setting.checkpoint

    def options_for(self, arguments: Collection[str]) -> Options:
        """Those by which the generated constructor takes these arguments."""
        asked = set(arguments) - (self.plan.params.keys() if self.plan is not None else set())
        return self.options(
            device=bool(asked & {"device", "dtype"}),
            checkpointing="grad_checkpointing" in asked,
            zero_init="zero_init_residual" in asked,
        )

    @deep_recursion()
    def emit_training(self, templates: Path | None = None, options: Options | None = None) -> str:
        """A script that trains the network as `train` says, with the network in it.

        The network is what `emit` writes with `options`. Where they name no block to compute
        again in the backward pass, it is the one that `options(checkpointing=True)` takes, if any.
        Raises ArchError where the source has mistakes, archc.emit.training.Untrainable where the
        script cannot train such a network, or the recipe leaves too much open, and Unsuited as
        `emit` does.
        """
        from archc.emit.options import Options
        from archc.emit.script import emit_training

        plan, chosen = self._sound_plan(), options or Options()
        if chosen.checkpoint is None:
            chosen = replace(chosen, checkpoint=self._best_checkpoint())
        facts, stem = self.facts, self.source.stem
        return emit_training(plan, facts, self.cost, self.again, stem, templates, chosen)

    def draw(self, view: str = "engineer", **how: Unpack[StyleOptions]) -> str:
        """The network as a diagram in Graphviz's DOT language.

        `view` is "engineer", "paper" or "graph"; `depth`, `expand`, `direction` and `theme` as in
        `archc.draw.DrawStyle`.
        """
        return self.sheet("dot", view=view, **how).decode()

    @deep_recursion()
    def sheet(
        self,
        format: str,
        *,
        engine: str = "auto",
        seconds: float = 60,
        **how: Unpack[DrawOptions],
    ) -> bytes:
        """The network drawn as "svg", "png", "pdf" or "html", a page to explore.

        Or as text for other programs: "dot", "mermaid", "tikz" (a LaTeX document), "drawio".

        `how` goes to `archc.draw.DrawStyle`. Raises ArchError for mistakes in the source,
        ValueError for what is not, or does not go with the format, EngineError where Graphviz is
        not there or fails, Unknown for a name in `expand` or `only` that nothing has. Warns with
        `archc.draw.DrawingWarning` where it shows less than asked for.
        """
        from archc import draw
        from archc.draw.graphviz import picture

        style = _style(how, format=format)
        plan = self._sound_plan(unfolded=style.view == "graph", instead=_FOLDED)
        layout = partial(picture, format="json", engine=engine, seconds=seconds)
        match format:
            case "html":
                return draw.page(plan, self.cost, style).encode()
            case "mermaid":
                return draw.mermaid(plan, style).encode()
            case "tikz":
                return draw.tikz(plan, self.cost, style, layout).encode()
            case "drawio":
                return draw.drawio(plan, self.cost, style, layout).encode()
        drawing = draw.drawn(plan, self.cost, style)
        made = picture(drawing.dot, format, engine=engine, seconds=seconds)
        return draw.labelled(made, plan.heading, drawing.words) if format == "svg" else made

    def pages(
        self,
        format: str,
        paper: str,
        *,
        engine: str = "auto",
        seconds: float = 60,
        **how: Unpack[DrawOptions],
    ) -> list[bytes]:
        """The network drawn as "svg", "png", "pdf" or "dot" on as few sheets as let it be read.

        `paper` is one of `archc.draw.SHEETS`: "a4", "letter" or "slide". A PDF holds all sheets,
        of other formats each is a file. Raises as `sheet` does, and TooManySheets.
        """
        from archc import draw
        from archc.draw.graphviz import picture, pictures

        style = _style(how, format=format, paper=paper)
        plan = self._sound_plan(unfolded=style.view == "graph", instead=_FOLDED)
        to_svg = partial(picture, format="svg", engine=engine, seconds=seconds)
        made = draw.pages(plan, self.cost, style, paper, to_svg)
        found = pictures([page.dot for page in made], format, engine=engine, seconds=seconds)
        if format != "svg":
            return found
        return [
            draw.labelled(svg, plan.heading, page.words)
            for svg, page in zip(found, made, strict=True)
        ]

    def summary(
        self,
        depth: int | None = None,
        *,
        batch: int = 1,
        dtype: str = "fp32",
        columns: Sequence[str] | None = None,
        fold: bool = True,
    ) -> Summary:
        """The numbers as a table for people and programs.

        `depth` closes blocks inside so many others, `columns` are names of
        `archc.report.columns.MEASURES`, `fold` says what repeats once. `dtype` is "fp32", "fp16",
        "bf16" or "fp64". Raises ArchError for mistakes in the source, ValueError for arguments that
        cannot be.
        """
        from archc.analysis.setting import WIDTHS, RunSetting
        from archc.report.columns import MEASURES, Units
        from archc.report.summary import Summary

        need_count("batch", batch)
        if depth is not None:
            need_count("depth", depth)
        if dtype not in WIDTHS:
            raise ValueError(f"no dtype {dtype!r}; there are {', '.join(WIDTHS)}")
        chosen = as_names(columns) if columns is not None else None
        for name in chosen or ():
            if name not in MEASURES:
                raise ValueError(f"no column {name!r}; there are {', '.join(MEASURES)}")
        setting = RunSetting(dtype)
        scale = Units(batch, dtype)
        variation = self.plan.file.variation if self.plan is not None else None
        table, memory = self.table, lambda: self.memory(setting)
        return Summary(table, scale, depth, chosen, fold, memory, variation)

    @deep_recursion()
    def memory(
        self, setting: RunSetting | None = None, *, best_checkpoint_at: int | None = None
    ) -> NetworkMemory:
        """What a training step and inference take, for any batch, without running anything.

        `best_checkpoint_at` a batch checkpoints the block that saves most there, if any does.
        Raises ArchError for mistakes in the source, KeyError where `setting` checkpoints a block
        that is never called.
        """
        from archc.analysis import fit
        from archc.analysis.memory import checkpointable
        from archc.analysis.setting import RunSetting

        plan, chosen = self._sound_plan(unfolded=True), setting or RunSetting()
        if chosen.checkpoint is not None and chosen.checkpoint not in checkpointable(plan):
            raise KeyError(chosen.checkpoint)
        if best_checkpoint_at is not None:
            chosen = fit.best_checkpoint(plan, chosen, best_checkpoint_at)
        return fit.memory(plan, chosen)

    @deep_recursion()
    def work(self, checkpoint: str | None = None) -> Workload:
        """What a GPU has to do, for `archc.analysis.roofline.estimate`.

        `checkpoint` names a block that is computed again in the backward pass. Raises ArchError
        for mistakes in the source.
        """
        from archc.analysis.roofline import work

        return work(self.table, checkpoint)

    @deep_recursion()
    def explain(self, *names: str) -> list[Explanation]:
        """Where the numbers of these parts come from; without names, of the network.

        A name is a path as in a `state_dict`, `a.conv1#2` for a second run, `input:x`, `output:y`,
        or a pattern such as `layer1.*.conv1`. Raises ArchError for mistakes in the source,
        archc.explain.NoSuchNode (a LookupError) where nothing has that name.
        """
        from archc.explain import explain

        return explain(self._unfolded, names, self.meta)

    @cached_property
    @deep_recursion()
    def _unfolded(self) -> Unfolded:
        from archc.explain import Unfolded

        plan = self._sound_plan()
        return Unfolded(plan)

    def _sound_plan(self, *, unfolded: bool = False, instead: str = "") -> Plan:
        """The plan of a network that is right, and small enough to be written out.

        `unfolded` is for what takes every operator of every call by itself; `instead` says what
        does not.
        """
        if self.plan is None or not self.ok:
            raise ArchError(self.diagnostics)
        from archc.analysis.extent import check_extent

        try:
            most = self.again.limits.written
            check_extent(self.plan, most, unfolded=unfolded, instead=instead)
        except Fault as fault:
            raise ArchError((fault.diagnostic,)) from None
        return self.plan


def _style(how: DrawOptions, **asked: str) -> DrawStyle:
    """The style, of names in any collection, or one alone. Raises ValueError."""
    from archc.draw import DrawStyle

    fields: dict[str, Any] = {**how}
    for name in ("expand", "hidden"):
        given = fields.get(name, ())
        fields[name] = frozenset(as_names(given))
    style = DrawStyle(**fields)
    style.need_fit(**asked)
    return style
