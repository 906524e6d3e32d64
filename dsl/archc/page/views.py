"""What a page shows of a network beside its text: the diagram, its numbers, its PyTorch.

Each is a plain dict, with places in the text as pages count them; `why` where there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from archc import draw, files
from archc.api import Analysis, ArchError
from archc.editor.snapshot import Snapshot
from archc.page.origins import origins
from archc.page.units import PageOffsets
from archc.report.columns import MEASURES
from archc.source import Span

Answer = dict[str, Any]


def shown(snapshot: Snapshot) -> Analysis:
    """Return the analysis of a text. What `expect` says counts once it is saved, and then alone."""
    found = snapshot.analysis
    kept = tuple(d for d in found.diagnostics if snapshot.saved or d.code != "A601")
    return replace(found, diagnostics=kept)


def diagram(analysis: Analysis, style: draw.DrawStyle) -> Answer:
    """Return what the diagram is made of."""
    return _of_network(analysis, lambda: {"model": _model(analysis, style)})


def numbers(analysis: Analysis) -> Answer:
    """Return the lines of `archc summary`, each with its place in the text."""
    return _of_network(analysis, lambda: _numbers(analysis))


def pytorch(analysis: Analysis) -> Answer:
    """Return the file of `archc build`, and the statements that its lines come from."""
    return _of_network(analysis, lambda: _pytorch(analysis))


def is_unwritten(analysis: Analysis) -> bool:
    """Return whether nothing stands in a text, comments perhaps."""
    return analysis.ok and not analysis.file.items


def why_no_network(analysis: Analysis) -> str:
    """Say why there is no network; empty where there is one."""
    if analysis.plan is not None:
        return ""
    if is_unwritten(analysis):
        return "There is no network yet: it has a name, an input, and a line for each layer."
    return "There is no `network` in this text: it is a library of blocks."


def _of_network(analysis: Analysis, work: Callable[[], Answer]) -> Answer:
    """What is to be had of a network that is right, else the reason why not."""
    if why := why_no_network(analysis):
        return {"why": why}
    if not analysis.ok:
        return {"why": "The text has mistakes."}
    try:
        return work()
    except ArchError as error:  # too large for this, though it is right
        return {"why": error.diagnostics[0].title}
    except draw.Unknown as unknown:
        return {"why": str(unknown)}


def _model(analysis: Analysis, style: draw.DrawStyle) -> Answer:
    assert analysis.plan is not None
    made = draw.model(analysis.plan, analysis.cost, style, analysis.source)
    offsets = PageOffsets(analysis.source.text)
    items = [*made["items"]]
    while items:
        item = items.pop()
        places = item.get("at", [])
        item["at"] = [[offsets.to_page(a), offsets.to_page(b)] for a, b in places]
        items += item.get("items", [])
    return made


def _numbers(analysis: Analysis) -> Answer:
    summary = analysis.summary()
    sheet, offsets = summary.sheet(), PageOffsets(analysis.source.text)
    rows = []
    for line, (item, _) in zip(sheet.lines, summary.outline(), strict=True):
        at = list(_places([item.span] if item.span is not None else [], analysis, offsets))
        rows.append(
            {"cells": sheet.shown(line), "level": line.level, "strong": line.strong, "at": at}
        )
    columns = [
        {"heading": c.heading, "numeric": c.numeric, "means": MEASURES[c.name].means}
        for c in sheet.columns
    ]
    foot = [line.replace("; see `archc fit`", "") for line in sheet.foot if "--depth" not in line]
    return {"columns": columns, "rows": rows, "head": sheet.head, "foot": foot}


def _pytorch(analysis: Analysis) -> Answer:
    assert analysis.plan is not None
    text, offsets = files.stamp(analysis.emit(), analysis.text), PageOffsets(analysis.source.text)
    lines = origins(text, analysis.plan, analysis.source)
    origin = {str(n): list(_places(spans, analysis, offsets)) for n, spans in lines.items()}
    return {"text": text, "origins": origin}


def _places(spans: Sequence[Span], analysis: Analysis, offsets: PageOffsets) -> Iterator[list[int]]:
    """Of spans in the text itself: those in files that it uses are nowhere on the page."""
    for span in spans:
        if span.source is analysis.source:
            yield [offsets.to_page(span.start), offsets.to_page(span.end)]
