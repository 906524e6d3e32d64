"""For Python users: a network, loaded, and what one asks of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archc.api import Analysis, ArchError, analyze, bundled, compared, source_of
from archc.arguments import Param, meant, need_folder
from archc.configuration import Configuration, find_configuration
from archc.data import ARCHS
from archc.elaborate.params import by_current_names
from archc.files import Unreadable, stamp
from archc.packages import need
from archc.source import Diagnostic, Limits, Source, Span, SpanLabel

if TYPE_CHECKING:
    from typing import Unpack

    import networkx as nx
    import torch
    from torch import nn

    from archc.arguments import DrawOptions
    from archc.diffs import Diff
    from archc.emit.options import Options
    from archc.explain import Explanation
    from archc.report.summary import Summary


class Net:
    """A network, loaded: its graph, its source, its module."""

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis

    @classmethod
    def of(cls, analysis: Analysis) -> Net:
        """Return the network of an analysis. Raises ArchError where it has mistakes, or is none."""
        if not analysis.ok:
            raise ArchError(analysis.diagnostics)
        if analysis.plan is None:
            raise ArchError((*analysis.diagnostics, _no_network(analysis.source)))
        return cls(analysis)

    def __repr__(self) -> str:
        a = self.analysis
        return f"<archc.Net {a.heading}: {a.params:,} parameters, {a.macs:,} MACs>"

    @property
    def name(self) -> str:
        """Return the name of the network, and of its class."""
        return self.analysis.name

    @property
    def params(self) -> int:
        """Count the trainable numbers, each once, auxiliary heads included."""
        return self.analysis.params

    @property
    def macs(self) -> int:
        """Count the multiply-accumulates of convolutions and linears in eval mode, a sample."""
        return self.analysis.macs

    @property
    def meta(self) -> dict[str, Param]:
        """Return what `meta` says: `paper`, `year`, `top1_error` (percent) and the like."""
        return self.analysis.meta

    @property
    def output(self) -> tuple[int, ...] | None:
        """Return the first output's shape without the batch: (1000,), or (512, 7, 7)."""
        return self.analysis.output

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Return what `archc check` warns of; a network with mistakes is not loaded."""
        return self.analysis.diagnostics

    @property
    def graph(self) -> nx.MultiDiGraph[str]:
        """Unfold the network: a networkx graph with a node for each operator.

        Its type is known to a type checker where `types-networkx` is installed.
        """
        return self.analysis.graph

    def draw(
        self,
        format: str = "svg",
        *,
        engine: str = "auto",
        seconds: float = 60,
        **how: Unpack[DrawOptions],
    ) -> bytes:
        """Draw the network, as `archc draw` does, in at most so many seconds.

        `how` is view, depth, expand, theme, columns, direction, only and hidden, of
        `archc.draw.DrawStyle`.
        """
        return self.analysis.sheet(format, engine=engine, seconds=seconds, **how)

    def explain(self, name: str = "") -> Explanation:
        """Tell where a part's numbers come from, as `archc explain` does; print it, or show it.

        Without a name: the network, and what can be named. Raises archc.explain.NoSuchNode
        (a LookupError) where nothing has that name.
        """
        return self.analysis.explain(*([name] if name else []))[0]

    def summary(
        self,
        depth: int | None = None,
        *,
        batch: int = 1,
        dtype: str = "fp32",
        columns: Sequence[str] | None = None,
        fold: bool = True,
    ) -> Summary:
        """List its numbers in a table: the arguments are those of `Analysis.summary`.

        The table shows itself in Jupyter, and has `frame()`, `to_dict()`, `json()` and the totals.
        """
        return self.analysis.summary(depth, batch=batch, dtype=dtype, columns=columns, fold=fold)

    def _repr_svg_(self) -> str | None:
        """What Jupyter shows: the diagram, its numbers above it; None without a Graphviz."""
        from archc.draw.graphviz import EngineError

        try:
            return self.draw("svg").decode()
        except EngineError:
            return None

    def _repr_markdown_(self) -> str | None:
        """The numbers, where there is no Graphviz: Jupyter would prefer them to the diagram."""
        from archc.draw.graphviz import EngineError, find
        from archc.report.tables import markdown

        try:
            find()
        except EngineError:
            return markdown(self.summary(1).sheet())
        return None

    def source(self, templates: Path | None = None, options: Options | None = None) -> str:
        """Write the network as PyTorch source, as `archc build` does.

        `templates` is a folder whose Jinja templates replace archc's own; they are code.
        """
        return stamp(self.analysis.emit(templates, options), self.analysis.text)

    def module(self, **arguments: Param | torch.device | torch.dtype | None) -> nn.Module:
        """Make an instance of the generated class; `arguments` go to its constructor.

        Beside the file's params those that options add: `device`, `dtype`, `grad_checkpointing`
        and `zero_init_residual`. Raises ImportError where torch is not installed.
        """
        need("a module", "torch")
        assert self.analysis.plan is not None
        arguments = by_current_names(arguments, self.analysis.plan.file)
        options = self.analysis.options_for(set(arguments))
        made: nn.Module = class_of(self.name, self.source(options=options))(**arguments)
        return made


def load(
    path: str | Path,
    /,
    *,
    project: str | Path | None = None,
    limits: Limits | None = None,
    **params: Param,
) -> Net:
    """Load a network from a file, from standard input (`-`) or a bundled one by name.

    `params` set the file's params; `project` is the folder that `use` must stay inside (default:
    as `[tool.archc]` in pyproject.toml says, or the file's own). Raises ArchError for mistakes in
    the text, FileNotFoundError for no such file or folder, OSError for one that cannot be read,
    ValueError for a wrong pyproject.toml.
    """
    return Net.of(analysis_of(path, project, limits, params))


def loads(
    text: str,
    /,
    *,
    project: str | Path | None = None,
    limits: Limits | None = None,
    **params: Param,
) -> Net:
    """Load a network from its text, as `load` does from a file.

    `use` starts from the folder `project` (default: the one that Python runs in) and must stay
    inside. Raises ArchError for mistakes in the text, FileNotFoundError for no such folder.
    """
    if not isinstance(text, str):
        raise TypeError(f"loads takes the text of a network, not {_kind(text)}; load takes a path")
    name = str(Path(project or "") / "<text>")
    return Net.of(_configured(Source(name, text), project, limits, params))


def analysis_of(
    path: str | Path,
    project: str | Path | None = None,
    limits: Limits | None = None,
    params: Mapping[str, Param] | None = None,
) -> Analysis:
    """What `load` makes a network of, whatever its mistakes. Raises as it does."""
    if not isinstance(path, str | Path):
        raise TypeError(f"a network is a path or a bundled one's name, not {_kind(path)}")
    try:
        source = source_of(path)
    except Unreadable as error:
        if error.io:
            raise _unread(path, error.diagnostic.title) from None
        raise ArchError((error.diagnostic,)) from None
    return _configured(source, project, limits, params or {})


def _unread(path: str | Path, title: str) -> OSError:
    """What says why a file could not be read; where there is none, what may have been meant."""
    if Path(path).is_symlink() or Path(path).exists():
        return OSError(title)
    return FileNotFoundError(f"{title}{meant(str(path), bundled())}")


def _kind(value: object) -> str:
    return f"{type(value).__name__} ({str(value)[:40]!r})"


def _configured(
    source: Source,
    project: str | Path | None,
    limits: Limits | None,
    params: Mapping[str, Param],
) -> Analysis:
    """The analysis as pyproject.toml says. Raises ConfigurationError."""
    own = Path(source.name).parent
    said = find_configuration(own) if own != ARCHS else Configuration()
    where = said.project_of(own)
    if project is not None:
        need_folder(project)
        where = replace(where, folder=Path(project))
    within = limits or Limits(**said.limits)
    return analyze(source, params=params, project=where, limits=within)


def _no_network(source: Source) -> Diagnostic:
    title = "there is no `network` line, so there is no network to load"
    return Diagnostic(
        "A001", title, (SpanLabel(Span(source, 0, 0)),), helps=("begin with `network Name`",)
    )


def diff(left: Net | str | Path, right: Net | str | Path, *, batch: int = 32) -> Diff:
    """What changed from one network to another; it prints, and Jupyter shows it side by side.

    `batch` is what the peaks of memory are for. Raises what `load` raises.
    """
    nets = [net if isinstance(net, Net) else load(net) for net in (left, right)]
    return compared(nets[0].analysis, nets[1].analysis, batch)


def class_of(name: str, source: str) -> Any:
    """The class of that name in a generated source. Needs torch."""
    namespace: dict[str, Any] = {"__name__": f"archc.generated.{name}"}
    exec(compile(source, f"<{name}>", "exec"), namespace)
    return namespace[name]
