"""A text that is being edited: ask it anything at an offset. It knows no protocol and no files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from archc import files
from archc.analysis.costs import Cost
from archc.api import Kept, Reader, analyze
from archc.editor.actions import Remedy, fix_all, remedies
from archc.editor.calls import (
    CallEdge,
    CallItem,
    call_item_at,
    incoming_calls,
    network_item,
    outgoing_calls,
)
from archc.editor.card import CardSetting
from archc.editor.colours import Coloured, colours
from archc.editor.completion import Proposal, complete
from archc.editor.findings import Finding, TextChange, findings
from archc.editor.formatting import format_changes
from archc.editor.hints import HintMemory, ShapeHint
from archc.editor.hover import Explained, hover
from archc.editor.lenses import FiguresLens, lenses
from archc.editor.navigation import (
    RenameEdits,
    TextPlace,
    definition,
    occurrences,
    references,
    rename,
    renamed_at,
)
from archc.editor.outline import FoldedLines, OutlineEntry, folds, outline
from archc.editor.refactoring import Refactored, refactorings
from archc.editor.reports import ReportRequest
from archc.editor.signature import SignatureHelp, signature_help
from archc.editor.snapshot import Snapshot
from archc.ops import Dims
from archc.project import Project
from archc.source import Limits, Source


class Document:
    """One text in an editor. `read` reads what it uses: unsaved texts of other documents, too.

    `project` is the folder that `use` must stay inside (default: the text's own), `params` and
    `inputs` are as for `analyze`. Everything is answered for the newest text. `analyse` may be
    called ahead, in another thread; no two at a time.
    """

    def __init__(
        self,
        text: str,
        path: Path,
        read: Reader = files.read,
        project: Path | Project | None = None,
        limits: Limits | None = None,
        params: Mapping[str, Any] | None = None,
        inputs: Mapping[str, Dims] | None = None,
    ) -> None:
        self.path = path
        self.text = text
        self.saved_text = text
        self._read = read
        self._project = Project.of(project or path.parent)
        self._limits = limits
        self._params, self._inputs = params, inputs
        self._snapshot: Snapshot | None = None
        self._kept = Kept()
        self._hints = HintMemory()
        self._saved_cost: Cost | None = None

    def change(self, text: str) -> None:
        """Take a newer text."""
        if text != self.text:
            self.text, self._snapshot = text, None

    def save(self) -> None:
        """Note that the text is on the disk now."""
        self.saved_text = self.text
        self._snapshot = None

    def forget(self) -> None:
        """Analyse anew when asked: a file that this one uses has changed."""
        self._snapshot = None

    @property
    def is_analysed(self) -> bool:
        """Whether there is an analysis of the newest text."""
        return self._snapshot is not None

    def analyse(self, cancelled: Callable[[], bool] | None = None) -> Snapshot:
        """Return the newest text, analysed. Raises archc.api.Cancelled once `cancelled` says so."""
        if self._snapshot is not None:
            return self._snapshot
        source = Source(str(self.path), self.text)
        analysis = analyze(
            source,
            params=self._params,
            inputs=self._inputs,
            limits=self._limits,
            project=self._project,
            read=self._read,
            cancelled=cancelled,
            kept=self._kept,
        )
        is_saved = source.text == self.saved_text
        snapshot = Snapshot(analysis, self._project, is_saved, cancelled)
        self._hints.update(snapshot)
        if snapshot.saved and analysis.ok:
            self._saved_cost = analysis.cost
        if source.text == self.text:  # else a newer one came meanwhile
            self._snapshot = snapshot
        return snapshot

    # --- what is shown unasked

    def findings(self) -> tuple[Finding, ...]:
        """Return what is wrong."""
        return findings(self.analyse())

    def hints(self) -> tuple[ShapeHint, ...]:
        """Return the shapes to show behind lines."""
        self.analyse()
        return self._hints.hints

    def lenses(self, card: CardSetting | None = None) -> tuple[FiguresLens, ...]:
        """Return the figures to show above the network and its blocks; whether a card takes it."""
        return lenses(self.analyse(), self._saved_cost, card)

    def colours(self) -> tuple[Coloured, ...]:
        """Return the words that mean something, in order."""
        return colours(self.analyse())

    def outline(self) -> tuple[OutlineEntry, ...]:
        """Return the parts of the text."""
        return outline(self.analyse())

    def folds(self) -> tuple[FoldedLines, ...]:
        """Return what can be folded."""
        return folds(self.analyse())

    # --- what is asked at an offset

    def hover(self, offset: int) -> Explained | None:
        """Return what to say of what stands there."""
        return hover(self.analyse(), offset)

    def complete(self, offset: int) -> tuple[Proposal, ...]:
        """Return what may stand there."""
        return complete(self.analyse(), offset)

    def signature(self, offset: int) -> SignatureHelp | None:
        """Return what is taken there."""
        return signature_help(self.analyse(), offset)

    def definition(self, offset: int) -> tuple[TextPlace, ...]:
        """Return where the name there is defined."""
        return definition(self.analyse(), offset)

    def references(self, offset: int, *, with_definition: bool = True) -> tuple[TextPlace, ...]:
        """Return where the name there stands."""
        return references(self.analyse(), offset, with_definition=with_definition)

    def occurrences(self, offset: int) -> tuple[TextPlace, ...]:
        """Return where the name there stands in this text."""
        return occurrences(self.analyse(), offset)

    def call_item(self, offset: int) -> CallItem | None:
        """Return the block, or the network, whose calls can be asked for there."""
        return call_item_at(self.analyse(), offset)

    def network_item(self) -> CallItem:
        """Return the network of this text, which may have no name."""
        return network_item(self.analyse())

    def incoming_calls(self, item: CallItem) -> tuple[CallEdge, ...]:
        """Return who calls a block of this text, over the files of the project."""
        return incoming_calls(self.analyse(), item)

    def outgoing_calls(self, item: CallItem) -> tuple[CallEdge, ...]:
        """Return what a block of this text, or its network, calls."""
        return outgoing_calls(self.analyse(), item)

    def renamed_at(self, offset: int) -> TextPlace:
        """Return the name there, if it can be another. Raises NotRenamed."""
        return renamed_at(self.analyse(), offset)

    def rename(self, offset: int, name: str) -> RenameEdits:
        """Return the changes that give the name there another. Raises NotRenamed."""
        return rename(self.analyse(), offset, name)

    def asked(
        self, card: CardSetting | None = None, offset: int | None = None, *, page: bool = False
    ) -> ReportRequest:
        """Return what `archc.editor.reports` needs, which may be written in another thread."""
        return ReportRequest(self.analyse(), self.saved_text, card, offset, page)

    # --- what changes the text

    def remedies(self, start: int, end: int) -> tuple[Remedy, ...]:
        """Return the cures of what is wrong between two offsets."""
        return remedies(self.analyse(), start, end)

    def fix_all(self) -> Remedy | None:
        """Return what `archc check --fix` would change."""
        return fix_all(self.analyse())

    def refactorings(self, start: int, end: int) -> tuple[Refactored, ...]:
        """Return how what is between two offsets can be written otherwise."""
        return refactorings(self.analyse(), start, end)

    def format(self) -> tuple[TextChange, ...]:
        """Return the changes that lay the text out. It waits for no analysis."""
        return format_changes(Source(str(self.path), self.text))
