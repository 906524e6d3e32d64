"""A text and what the page shows of it: texts and offsets in, plain dicts out.

It knows no protocol. The server of `archc edit` hands it what comes over HTTP, and the playground
what its worker gets; both ask by name, and only for what `ANSWERS` holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from archc import draw, files
from archc.api import Analysis, analyze, bundled
from archc.api.standalone import NotStandalone, standalone
from archc.editor.actions import Remedy
from archc.editor.beginning import beginning
from archc.editor.document import Document
from archc.editor.findings import Cure, Finding, RelatedPlace, TextChange
from archc.editor.navigation import TextPlace
from archc.editor.snapshot import Snapshot
from archc.page.units import PageOffsets
from archc.page.views import (
    Answer,
    diagram,
    numbers,
    pytorch,
    shown,
    why_no_network,
)
from archc.recursion import deep_recursion
from archc.report.spelling.numbers import human, natural

Method = Callable[..., Answer]
ANSWERS: dict[str, Method] = {}

_FAMILY = re.compile(r'^\s*family "([^"]*)"', re.MULTILINE)
_MOST = 400  # proposals


class NoSuchAnswer(Exception):
    """A question that is none, or is not put as it has to be."""


def answer(method: Method) -> Method:
    """Function decorator: offer what a method returns by its name."""
    ANSWERS[method.__name__] = method
    return method


class Workbench:
    """Answers what a page asks of a document. Every question brings the text that it is about.

    `is_whole`: a bundled network is given as one file, since its blocks are not beside the text.
    `style` says how the diagram is drawn, but for its theme.
    """

    def __init__(
        self,
        document: Document,
        *,
        is_whole: bool = False,
        style: draw.DrawStyle | None = None,
    ) -> None:
        self.document = document
        self.is_whole = is_whole
        self.style = style or draw.DrawStyle()
        self._shown: tuple[Snapshot, Analysis] | None = None

    @deep_recursion()
    def ask(self, name: str, text: str, /, **more: Any) -> Answer:
        """Return the answer of that name about a text. Raises NoSuchAnswer."""
        method = ANSWERS.get(name) if isinstance(name, str) else None
        if method is None:
            raise NoSuchAnswer(f"no question {name!r}")
        takes = _arguments(method)
        if {key: type(value) for key, value in more.items()} != takes or type(text) is not str:
            raise NoSuchAnswer(f"{name} takes a text and {takes}")
        self.document.change(text)
        return method(self, **more)

    # --- what is shown unasked

    @answer
    def look(self) -> Answer:
        """Return what is wrong, the shapes behind lines, and what the network takes in all."""
        analysis, snapshot = self._analysis(), self.document.analyse()
        found, offsets = self.document.findings(), PageOffsets(snapshot.text)
        cost = analysis.cost
        sums = [f"{cost.params:,} parameters", f"{human(cost.macs)} MACs"]
        return {
            **self._missing(analysis),
            "ok": analysis.ok,
            "network": analysis.plan is not None,
            "name": analysis.name,
            "heading": analysis.heading,
            "totals": " · ".join(sums) if analysis.ok and analysis.plan is not None else "",
            "findings": [_finding(f, snapshot, offsets) for f in found],
            "sure": sum(any(cure.safe for cure in f.cures) for f in found),
            "hints": [
                {"line": h.line, "text": h.text, "tooltip": h.tooltip, "stale": h.stale}
                for h in self.document.hints()
            ],
        }

    @answer
    def diagram(self, theme: str) -> Answer:
        """Return what the diagram is made of, in the colours of a theme; or why there is none."""
        if theme not in draw.THEMES:
            raise NoSuchAnswer(f"a theme is one of {', '.join(draw.THEMES)}")
        style = replace(self.style, theme=theme)
        return diagram(self._analysis(), style)

    @answer
    def numbers(self) -> Answer:
        """Return the lines of `archc summary`, each with its place in the text."""
        return numbers(self._analysis())

    @answer
    def pytorch(self) -> Answer:
        """Return the file of `archc build`, and the statements that its lines come from."""
        return pytorch(self._analysis())

    def _analysis(self) -> Analysis:
        snapshot = self.document.analyse()
        if self._shown is None or self._shown[0] is not snapshot:
            self._shown = snapshot, shown(snapshot)
        return self._shown[1]

    def _missing(self, analysis: Analysis) -> Answer:
        """Why there is no network, and the way to begin one."""
        why, begin = why_no_network(analysis), beginning(analysis)
        if not why or begin is None:
            return {"why": why} if why else {}
        changes = _changes((begin.change,), self._offsets())
        return {"why": why, "beginning": {"title": begin.title, "changes": changes}}

    # --- what is asked at a place

    @answer
    def hover(self, at: int) -> Answer:
        """Return what is to be said of a place, in Markdown."""
        offsets = self._offsets()
        found = self.document.hover(offsets.from_page(at))
        if found is None:
            return {}
        return {**_range(found.start, found.end, offsets), "markdown": found.markdown}

    @answer
    def complete(self, at: int) -> Answer:
        """Return what may stand at a place, the likeliest first."""
        offsets = self._offsets()
        found = self.document.complete(offsets.from_page(at))[:_MOST]
        return {
            "items": [
                {
                    **_range(p.start, p.end, offsets),
                    "text": p.text,
                    "known_as": p.known_as,
                    "kind": str(p.kind),
                    "detail": p.detail,
                    "doc": p.doc,
                    "rank": p.rank,
                    "snippet": p.snippet,
                }
                for p in found
            ]
        }

    @answer
    def signature(self, at: int) -> Answer:
        """Return what the operator or block at a place takes."""
        found = self.document.signature(self._offsets().from_page(at))
        if found is None:
            return {}
        begin, end = found.parameters[found.active] if found.active is not None else (0, 0)
        return {"text": found.text, "doc": found.doc, "begin": begin, "end": end}

    @answer
    def definition(self, at: int) -> Answer:
        """Return where the name at a place is defined; the text as well of a file that is used."""
        offsets, own = self._offsets(), str(self.document.path)
        places = self.document.definition(offsets.from_page(at))
        for place in places:
            if place.path == own:
                return _range(place.start, place.end, offsets)
        return _in_used_file(places[0], self.document.analyse()) if places else {}

    # --- what changes the text

    @answer
    def format(self) -> Answer:
        """Return the changes that lay the text out."""
        return {"changes": _changes(self.document.format(), self._offsets())}

    @answer
    def mend(self) -> Answer:
        """Return the changes of all cures that are sure.

        Where every one of them brings a mistake to light that was hidden, those of the first.
        """
        made: Remedy | Cure | None = self.document.fix_all()
        if made is None:
            cures = (cure for found in self.document.findings() for cure in found.cures)
            made = next((cure for cure in cures if cure.safe), None)
        return {"changes": _changes(made.changes if made else (), self._offsets())}

    # --- other texts

    @answer
    def examples(self) -> Answer:
        """Return the names of the bundled networks by families."""
        families: dict[str, list[str]] = {}
        for name, path in bundled().items():
            found = _FAMILY.search(path.read_text(encoding="utf-8"))
            families.setdefault(found[1] if found else "Others", []).append(name)
        return {
            "families": [
                {"family": family, "names": sorted(families[family], key=natural)}
                for family in sorted(families)
            ]
        }

    @answer
    def example(self, name: str) -> Answer:
        """Return the text of a bundled network; `why` where there is none of that name."""
        path = bundled().get(name)
        if path is None:
            return {"why": f"no bundled network is called {name}"}
        source = files.read(path)
        if not self.is_whole:
            return {"text": source.text}
        try:
            return {"text": standalone(analyze(source))}
        except NotStandalone as why:
            return {"why": f"{name} cannot be one file: {why}"}

    def _offsets(self) -> PageOffsets:
        return PageOffsets(self.document.text)


_TYPES = {"at": int, "theme": str, "name": str}


def _arguments(method: Method) -> dict[str, type]:
    code = method.__code__
    return {name: _TYPES[name] for name in code.co_varnames[1 : code.co_argcount]}


# --- used files ------------------------------------------------------------------------------


def _in_used_file(place: TextPlace | RelatedPlace, snapshot: Snapshot) -> Answer:
    """A place in a file that the text uses, with the text of the file as it was read."""
    read = snapshot.analysis.again.load.files.get(Path(place.path))
    if read is None:
        return {}
    text, name = read.span.source.text, _name_of(place.path, snapshot)
    return {**_range(place.start, place.end, PageOffsets(text)), "name": name, "text": text}


def _name_of(path: str, snapshot: Snapshot) -> str:
    """A file as the text can name it; by its last name where it lies elsewhere."""
    file, folder = Path(path), Path(snapshot.source.name).parent
    return file.relative_to(folder).as_posix() if file.is_relative_to(folder) else file.name


# --- findings ----------------------------------------------------------------------------


def _finding(found: Finding, snapshot: Snapshot, offsets: PageOffsets) -> Answer:
    title, _, more = found.message.partition("\n")
    title = title.removeprefix(f"{Path(snapshot.source.name).parent}/")  # of a file that is used
    severity = "error" if found.is_error else "warning"
    return {
        **_range(found.start, found.end, offsets),
        "line": found.line + 1,
        "code": found.code,
        "severity": "info" if found.mild else severity,
        "title": title,
        "more": more,
        "related": [_related(place, snapshot, offsets) for place in found.related],
        "cures": [
            {"title": c.title, "safe": c.safe, "changes": _changes(c.changes, offsets)}
            for c in found.cures
        ],
    }


def _related(place: RelatedPlace, snapshot: Snapshot, offsets: PageOffsets) -> Answer:
    if place.path != snapshot.source.name:
        path = _name_of(place.path, snapshot)
        return {"text": place.text, "path": path, "used": _in_used_file(place, snapshot)}
    line = snapshot.source.position(place.start)[0]
    return {**_range(place.start, place.end, offsets), "line": line, "text": place.text}


def _changes(changes: Sequence[TextChange], offsets: PageOffsets) -> list[Answer]:
    return [{**_range(c.start, c.end, offsets), "text": c.text} for c in changes]


def _range(start: int, end: int, offsets: PageOffsets) -> dict[str, int]:
    return {"start": offsets.to_page(start), "end": offsets.to_page(end)}
