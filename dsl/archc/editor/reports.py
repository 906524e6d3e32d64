"""What a network is, as documents beside its text: one function a report."""

from __future__ import annotations

from collections.abc import Callable

from archc.analysis.gpus import gpus
from archc.api import Analysis, ArchError, compared
from archc.draw.graphviz import EngineError
from archc.editor.actions import analyse_as
from archc.editor.card import CardSetting, run_of
from archc.editor.snapshot import Snapshot
from archc.record import record
from archc.report.memory import Device, MemoryReport, text
from archc.source import Source


@record
class ReportRequest:
    """What is asked of a text. `saved` is as it is on the disk, `offset` where the cursor is."""

    snapshot: Snapshot
    saved: str
    card: CardSetting | None = None
    offset: int | None = None
    is_page: bool = False  # for a browser instead of the editor

    @property
    def analysis(self) -> Analysis:
        return self.snapshot.analysis


@record
class ReportText:
    """A document: `name` is what a file with it would be called."""

    name: str
    language: str
    text: str


class NotReported(Exception):
    """Why there is no such document."""


Writer = Callable[[ReportRequest], ReportText]
REPORTS: dict[str, Writer] = {}


def report(writer: Writer) -> Writer:
    """Function decorator: offer a report by the function's name."""
    REPORTS[writer.__name__] = writer
    return writer


def write_report(name: str, request: ReportRequest) -> ReportText:
    """Return a report. Raises NotReported with the reason where there is none."""
    analysis = request.analysis
    if analysis.plan is None:
        raise NotReported("the file has no network: it is a library of blocks")
    wrong = next((d for d in analysis.diagnostics if d.is_error), None)
    if wrong is not None:
        raise NotReported(f"line {wrong.span.line} has a mistake: {wrong.title}")
    try:
        return REPORTS[name](request)
    except (EngineError, ArchError) as error:
        raise NotReported(str(error)) from None


@report
def summary(request: ReportRequest) -> ReportText:
    """Parameters, MACs and memory, line by line."""
    table = str(request.analysis.summary())
    return ReportText(f"{request.analysis.name}.summary.txt", "plaintext", table)


@report
def explain(request: ReportRequest) -> ReportText:
    """Where the numbers of the statement at the cursor come from; of the network without one."""
    names = _parts_at(request.snapshot, request.offset)
    found = request.analysis.explain(*names)
    whole = "\n\n".join(str(each) for each in found)
    return ReportText(f"{request.analysis.name}.explain.txt", "plaintext", f"{whole}\n")


def _parts_at(snapshot: Snapshot, offset: int | None) -> list[str]:
    """The first part of the network that the statement at an offset makes."""
    statement = snapshot.statement_at(offset) if offset is not None else None
    if statement is None:
        return []
    spans = [(s.source.name, s.start, s.end) for s in (statement.span, statement.term.span)]
    for row in snapshot.analysis.table.rows():
        span = row.part.span
        if (span.source.name, span.start, span.end) in spans:
            return [row.key]
    return []


@report
def diagram(request: ReportRequest) -> ReportText:
    """The network as a picture, or as a page to explore."""
    format, language = ("html", "html") if request.is_page else ("svg", "xml")
    drawn = request.analysis.sheet(format).decode()
    return ReportText(f"{request.analysis.name}.{format}", language, drawn)


@report
def build(request: ReportRequest) -> ReportText:
    """The network as PyTorch source."""
    return ReportText(f"{request.analysis.name}.py", "python", request.analysis.emit())


@report
def fit(request: ReportRequest) -> ReportText:
    """What memory training and inference take, on the card of the settings or on all known."""
    analysis, card = request.analysis, request.card
    if card is None:
        devices = [Device(gpu.name, gpu.memory, gpu) for gpu in gpus().values() if not gpu.shared]
    else:
        devices = [Device(card.name, card.memory, card.gpu)]
    run = run_of(card, analysis)
    table, memory, work = analysis.table, analysis.memory(run.setting), analysis.work()
    made = MemoryReport(table, memory, work, run.batch, devices, run.origins)
    return ReportText(f"{analysis.name}.fit.txt", "plaintext", text(made))


@report
def compare(request: ReportRequest) -> ReportText:
    """What changed since the file was saved."""
    snapshot = request.snapshot
    before = analyse_as(snapshot, Source(snapshot.source.name, request.saved))
    if before.plan is None or not before.ok:
        raise NotReported("the saved file has mistakes")
    changes = str(compared(before, snapshot.analysis))
    return ReportText(f"{request.analysis.name}.changes.txt", "plaintext", changes)
