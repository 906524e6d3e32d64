"""Diagnostics to text: for people, for editors (`concise`), and for machines.

Every renderer takes diagnostics in the order to show them and returns the whole output. Lines
and columns count from 1, columns in characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby

from archc import __version__
from archc.report.characters import cells, character_width, to_json, visible, visible_lines
from archc.source import Diagnostic, Fix, Source, Span, SpanLabel

TAB = 4
ELLIPSIS = "…"
JSON_VERSION = 1


# --- for people --------------------------------------------------------------------------


class Paint:
    """ANSI colours, or none."""

    def __init__(self, on: bool) -> None:
        self.on = on

    def __call__(self, style: str, text: str) -> str:
        return f"\033[{_COLORS[style]}m{text}\033[0m" if self.on and text else text


_COLORS = {
    "error": "1;31",
    "warning": "1;33",
    "title": "1",
    "gutter": "34",
    "other": "36",
    "note": "1;34",
    "help": "1;32",
    "added": "32",
    "removed": "31",
    "changed": "33",
    "quiet": "2",
    "plain": "0",
}


def text(diagnostics: Sequence[Diagnostic], *, color: bool = False, width: int = 100) -> str:
    """The long form: the source lines with carets, notes and helps."""
    paint = Paint(color)
    return "\n".join("\n".join(_long(d, paint, width)) + "\n" for d in diagnostics)


def pages(diagnostics: Iterable[Diagnostic]) -> str:
    """Where more is said of them: `more: archc explain A201, A302`; nothing without any."""
    codes = list(dict.fromkeys(diagnostic.code for diagnostic in diagnostics))
    if not codes:
        return ""
    others = f" (and {', '.join(codes[1:5])})" if codes[1:] else ""
    return f"more: archc explain {codes[0]}{others}"


def _long(diagnostic: Diagnostic, paint: Paint, width: int) -> Iterator[str]:
    kind = diagnostic.severity.value
    head = f"{kind}[{diagnostic.code}]"
    yield paint(kind, head) + paint("title", f": {visible(diagnostic.title)}")
    gutter = len(str(max(label.span.line for label in diagnostic.labels)))
    edge = " " * gutter + paint("gutter", " |")
    arrow = "-->"
    for source, labels in _by_source(diagnostic.labels):
        span = labels[0].span
        yield " " * gutter + paint("gutter", arrow) + f" {_place(source, span)}"
        if source.text:
            yield edge
            yield from _excerpt(source, labels, diagnostic, paint, gutter, width)
        arrow = ":::"
    for kind, message in _remarks(diagnostic):
        first, *more = visible_lines(message)
        yield " " * gutter + paint("gutter", " = ") + paint(kind, kind) + f": {first}"
        yield from (" " * (gutter + 5 + len(kind)) + line for line in more)


def _by_source(labels: Sequence[SpanLabel]) -> list[tuple[Source, list[SpanLabel]]]:
    """Labels grouped by file, the first label's file first."""
    groups: dict[int, tuple[Source, list[SpanLabel]]] = {}
    for label in labels:
        source = label.span.source
        groups.setdefault(id(source), (source, []))[1].append(label)
    return list(groups.values())


def _place(source: Source, span: Span) -> str:
    where = f":{span.line}:{span.column}" if source.text else ""
    return visible(source.name) + where


def _remarks(diagnostic: Diagnostic) -> Iterator[tuple[str, str]]:
    yield from (("note", note) for note in diagnostic.notes)
    yield from (("help", hint) for hint in diagnostic.helps)
    for fix in diagnostic.fixes:
        texts = (fix.title, fix.text.strip() or fix.title)
        if not any(text in hint for hint in diagnostic.helps for text in texts):
            says_it = "`" in fix.title or fix.text.strip() in fix.title
            yield "help", fix.title if says_it else _fix(fix)


def _fix(fix: Fix) -> str:
    return f"{fix.title}: `{fix.text.strip()}`"


def _excerpt(
    source: Source,
    labels: Sequence[SpanLabel],
    diagnostic: Diagnostic,
    paint: Paint,
    gutter: int,
    width: int,
) -> Iterator[str]:
    """The labelled lines of one file in order, each with its underlines below it."""
    room = max(20, width - gutter - 3)
    edge = " " * gutter + paint("gutter", " | ")
    last = 0
    ordered = sorted(labels, key=lambda label: (label.span.start, label.span.end))
    for number, group in groupby(ordered, key=lambda label: label.span.line):
        if last and number > last + 1:
            yield paint("gutter", "...")
        last = number
        for cut, here in _cuts(source.line(number), list(group), room):
            yield paint("gutter", f"{number:>{gutter}} | ") + cut.text.rstrip()
            for _, found in groupby(here, key=lambda label: (label.span.start, label.span.end)):
                same_place = list(found)  # what is said of one place stands under one underline
                primary = any(label is diagnostic.labels[0] for label in same_place)
                style = diagnostic.severity.value if primary else "other"
                left, right = cut.columns_of(same_place[0].span)
                marks = ("^" if primary else "-") * (right - left)
                first, *more = [line for label in same_place for line in visible_lines(label.text)]
                yield edge + " " * left + paint(style, f"{marks} {first}".rstrip())
                yield from (edge + " " * (right + 1) + paint(style, line) for line in more)


class _Cut:
    """A piece of one line as it is shown, and where each of its characters stands on screen."""

    def __init__(self, line: str, begin: int, room: int) -> None:
        self.begin = begin
        self.left = ELLIPSIS if begin else ""
        shown, self.columns = [self.left], [len(self.left)]
        for char in line[begin:]:
            piece = " " * TAB if char == "\t" else visible(char)
            after = self.columns[-1] + (TAB if char == "\t" else character_width(char))
            if after > room - 1 and begin + len(self.columns) < len(line):
                shown.append(ELLIPSIS)
                break
            shown.append(piece)
            self.columns.append(after)
        self.text = "".join(shown)

    def columns_of(self, span: Span) -> tuple[int, int]:
        """Where the span begins and ends on screen; one column wide at least."""
        start = span.column - 1 - self.begin
        end = start + span.end - span.start
        last = len(self.columns) - 1
        left, right = (self.columns[max(0, min(at, last))] for at in (start, end))
        return left, max(left + 1, right)

    def shows(self, span: Span) -> bool:
        return 0 <= span.column - 1 - self.begin < len(self.columns)


def _cuts(line: str, labels: list[SpanLabel], room: int) -> Iterator[tuple[_Cut, list[SpanLabel]]]:
    """The line as a whole where it fits; else a piece around each label, shared where possible."""
    if len(line) <= room and cells(line) + line.count("\t") * (TAB - 1) <= room:
        yield _Cut(line, 0, room + 1), labels
        return
    while labels:
        column = labels[0].span.column - 1
        # Two thirds of the room is for what follows the label's start.
        begin = 0 if column < room * 2 // 3 else column - room // 3
        # Never more than what can be shown: lines may be megabytes long.
        cut = _Cut(line[: begin + room + 1], begin, room)
        here = [label for label in labels if cut.shows(label.span)] or labels[:1]
        yield cut, here
        labels = [label for label in labels if label not in here]


_NO_NEWLINE = "\n\\ No newline at end of file"


def visible_diff(name: str, before: str, after: str, done: str = "fixed") -> str:
    """A unified diff of two states of a file, for people; nothing where they are equal."""
    from difflib import unified_diff

    names = visible(name), f"{visible(name)} ({done})"
    lines = unified_diff(*_diff_lines(before, after), *names, lineterm="")
    return "".join(f"{visible(part)}\n" for line in lines for part in line.split("\n"))


def _diff_lines(before: str, after: str) -> tuple[list[str], list[str]]:
    """The lines of two texts; with what ends them only where that is not the same everywhere."""
    ends = {end for text in (before, after) for end in re.findall(r"\r?\n", text)}
    texts = (text.replace("\r\n", "\n") if len(ends) < 2 else text for text in (before, after))
    one, other = (text.split("\n") for text in texts)
    for lines in (one, other):
        if lines[-1]:
            lines[-1] += _NO_NEWLINE
        else:
            lines.pop()
    return one, other


# --- for editors and machines ------------------------------------------------------------


def concise(diagnostics: Sequence[Diagnostic]) -> str:
    """One line each: `file:line:column: error[A201]: title`."""
    return "".join(
        f"{visible(d.span.source.name)}:{d.span.line}:{d.span.column}: "
        f"{d.severity.value}[{d.code}]: {visible(d.title)}\n"
        for d in diagnostics
    )


def json(diagnostics: Sequence[Diagnostic]) -> str:
    """A JSON object; `version` grows when a field changes its meaning or goes."""
    return to_json(
        {
            "version": JSON_VERSION,
            "archc": __version__,
            "errors": sum(d.is_error for d in diagnostics),
            "warnings": sum(not d.is_error for d in diagnostics),
            "diagnostics": [
                {
                    "code": d.code,
                    "severity": d.severity.value,
                    "title": d.title,
                    **_range(d.span),
                    "labels": [_range(label.span) | {"text": label.text} for label in d.labels],
                    "notes": list(d.notes),
                    "helps": list(d.helps),
                    "fixes": [_fix_entry(fix) for fix in d.fixes],
                }
                for d in diagnostics
            ],
        }
    )


def _fix_entry(fix: Fix) -> dict[str, object]:
    """A cure: its first edit, as there may have been no other once, and all of them."""
    return _range(fix.span) | {
        "title": fix.title,
        "text": fix.text,
        "safe": fix.safe,
        "edits": [_range(edit.span) | {"text": edit.text} for edit in fix.edits],
    }


def github(diagnostics: Sequence[Diagnostic]) -> str:
    """Workflow commands that GitHub Actions shows beside the changed lines."""
    return "".join(map(_annotation, diagnostics))


def _annotation(diagnostic: Diagnostic) -> str:
    line, column, end_line, end_column = _bounds(diagnostic.span)
    where = {
        "file": _with_slashes(diagnostic.span),
        "line": line,
        "endLine": end_line,
        "col": column,
        # GitHub takes end columns only within one line, and includes them.
        **({"endColumn": max(column, end_column - 1)} if line == end_line else {}),
        "title": f"archc {diagnostic.code}",
    }
    properties = ",".join(
        f"{key}={_escaped(visible(str(value)), ':,')}" for key, value in where.items()
    )
    remarks = (f"{kind}: {message}" for kind, message in _remarks(diagnostic))
    lines = "\n".join((diagnostic.title, *remarks)).split("\n")
    message = _escaped("\n".join(map(visible, lines)))
    return f"::{diagnostic.severity.value} {properties}::{message}\n"


def _escaped(text: str, also: str = "") -> str:
    for char in f"%\r\n{also}":
        text = text.replace(char, f"%{ord(char):02X}")
    return text


def sarif(diagnostics: Sequence[Diagnostic]) -> str:
    """A SARIF 2.1.0 log, for code scanning services."""
    from archc.report.error_codes import titles

    codes = sorted({d.code for d in diagnostics})
    known = titles()
    rules = [{"id": code, "shortDescription": {"text": known.get(code, code)}} for code in codes]
    driver = {"name": "archc", "version": __version__, "rules": rules}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(d, codes.index(d.code)) for d in diagnostics],
    }
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return to_json({"$schema": schema, "version": "2.1.0", "runs": [run]})


def _result(diagnostic: Diagnostic, rule: int) -> dict[str, object]:
    remarks = (f"{kind}: {message}" for kind, message in _remarks(diagnostic))
    return {
        "ruleId": diagnostic.code,
        "ruleIndex": rule,
        "level": diagnostic.severity.value,
        "message": {"text": "\n".join((diagnostic.title, *remarks))},
        "locations": [{"physicalLocation": _physical(diagnostic.span)}],
        "relatedLocations": [
            {
                "id": number,
                "physicalLocation": _physical(label.span),
                "message": {"text": label.text or diagnostic.title},
            }
            for number, label in enumerate(diagnostic.labels)
        ],
        "fixes": [_sarif_fix(fix) for fix in diagnostic.fixes],
    }


def _sarif_fix(fix: Fix) -> dict[str, object]:
    replacements = [
        {
            "deletedRegion": _physical(edit.span)["region"],
            "insertedContent": {"text": edit.text},
        }
        for edit in fix.edits
    ]
    artifact = _physical(fix.span)["artifactLocation"]
    change = {"artifactLocation": artifact, "replacements": replacements}
    return {"description": {"text": fix.title}, "artifactChanges": [change]}


def _physical(span: Span) -> dict[str, object]:
    from urllib.parse import quote

    line, column, end_line, end_column = _bounds(span)
    return {
        "artifactLocation": {"uri": quote(_with_slashes(span), errors="replace")},
        "region": {
            "startLine": line,
            "startColumn": column,
            "endLine": end_line,
            "endColumn": end_column,
        },
    }


def _with_slashes(span: Span) -> str:
    """The file of a span, as services name files on every system."""
    return span.source.name.replace("\\", "/")


def _range(span: Span) -> dict[str, object]:
    line, column, end_line, end_column = _bounds(span)
    return {
        "file": span.source.name,
        "line": line,
        "column": column,
        "endLine": end_line,
        "endColumn": end_column,
    }


def _bounds(span: Span) -> tuple[int, int, int, int]:
    """Line and column of the start, and of just behind the end."""
    position = span.source.position
    return (*position(span.start), *position(span.end))


MACHINE: dict[str, Callable[[Sequence[Diagnostic]], str]] = {
    "concise": concise,
    "json": json,
    "github": github,
    "sarif": sarif,
}


def unique(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Each once: a file that several files use is read for each of them."""
    seen: dict[tuple[str, str, int, int, str], Diagnostic] = {}
    for d in diagnostics:
        seen.setdefault((d.code, d.span.source.name, d.span.start, d.span.end, d.title), d)
    return list(seen.values())
