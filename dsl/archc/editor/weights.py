"""The names of weights before and after an edit: published ones load by their names."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from archc.analysis.extent import check_extent
from archc.analysis.identity import NetworkIdentity
from archc.api import Analysis, analyze
from archc.editor.findings import TextChange
from archc.editor.project import ProjectFiles
from archc.editor.snapshot import Snapshot
from archc.source import Edit, Fault, Limits, Source, Span, edited

_MOST = 20  # networks that are looked at

Changes = Mapping[str, tuple[TextChange, ...]]


def weights_warning(project: ProjectFiles, changes: Changes) -> str:
    """Return what edits over files do to the names of weights, "" for nothing.

    All networks are looked at that the edited files are part of.
    """
    snapshot = project.snapshot
    renamed: list[tuple[Analysis, str, str]] = []
    for path in project.users_of([*changes])[:_MOST]:
        before, after = (_analysed(snapshot, path, c) for c in ({}, changes))
        names, others = _names(before), _names(after)
        pair = next(((a, b) for a, b in zip(names, others, strict=False) if a != b), None)
        if pair is not None:
            renamed.append((before, *pair))
    if not renamed:
        return ""
    first, old, new = renamed[0]
    more = f" and {len(renamed) - 1} more" if len(renamed) > 1 else ""
    said = f"Weights of {first.name}{more} get other names in the state_dict: {old} becomes {new}"
    published = next((str(p) for a, *_ in renamed if (p := a.meta.get("pretrained"))), "")
    return f"{said}. Published weights would not load: {published}" if published else said


def _analysed(snapshot: Snapshot, path: str, changes: Changes) -> Analysis:
    """A file with edits made in it, and in those that it uses."""
    load = snapshot.analysis.again.load

    def read(path: Path, limits: Limits, /, *, inside: Collection[Path] = ()) -> Source:
        if str(path) == snapshot.source.name:
            source = snapshot.source
        else:
            source = load.read(path, limits, inside=inside)
        edits = [Edit(Span(source, c.start, c.end), c.text) for c in changes.get(str(path), ())]
        return Source(source.name, edited(source.text, edits))

    if not changes and path == snapshot.source.name:
        return snapshot.analysis
    source = read(Path(path), Limits(), inside=snapshot.project.folders)
    return analyze(source, project=snapshot.project, read=read, cancelled=snapshot.cancelled)


def _names(analysis: Analysis) -> tuple[str, ...]:
    """The weights' names of a network; none of a file that has none, or one that is too large."""
    if analysis.plan is None or not analysis.ok:
        return ()
    try:
        check_extent(analysis.plan, analysis.again.limits.written, unfolded=True)
    except Fault:
        return ()
    return NetworkIdentity.of(analysis.plan).weight_names
