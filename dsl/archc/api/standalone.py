"""A file that stands alone: its text, with the blocks that it uses written into it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archc import syntax
from archc.api.analysis import Analysis
from archc.record import record
from archc.report.spelling.operators import format_value
from archc.source import Span


class NotStandalone(Exception):
    """A file and one that it uses give a name to two things: they cannot be one file."""


@record
class _Definition:
    """A block, or a number that the blocks of a used file share, with the comment above it."""

    name: str
    text: str


def standalone(analysis: Analysis, name: str = "") -> str:
    """Return the text of a file without its `use` lines, and what it needs of those in their place.

    Params that were set from outside have these values as defaults. With `name` the network is
    called so. `expect` goes where the network is not the one that it is about. Raises NotStandalone
    where a used file's own `param` or `let` has a name of the file's.
    """
    changed = bool(name or analysis.again.given)
    edits = [edit for item in analysis.file.items for edit in _edits(item, analysis, name, changed)]
    uses = [item.span for item in analysis.file.items if isinstance(item, syntax.Use)]
    edits += [_line(span) for span in uses]
    text = _edited(analysis.source.text, edits)
    if not uses:
        return text
    known = [d for used in analysis.again.load.files.values() for d in _definitions(used)]
    needed = _needed(text, known)
    own = {_name(item) for item in analysis.file.items if not isinstance(item, syntax.Block)}
    for definition in needed:
        if definition.name in own:
            where = analysis.source.name
            raise NotStandalone(f"`{definition.name}` is a name of {where} and of a used file")
    if needed:
        begin, end, _ = _line(uses[0])
        written = "\n\n".join(definition.text for definition in needed)
        edits[edits.index((begin, end, ""))] = (begin, end, f"\n{written}\n\n")
    return re.sub(r"\n{3,}", "\n\n", _edited(analysis.source.text, edits))


_Edit = tuple[int, int, str]  # from where to where, and what is to stand there


def _edits(item: syntax.Item, analysis: Analysis, name: str, changed: bool) -> Iterator[_Edit]:
    match item:
        case syntax.Network() if name:
            yield item.name.span.start, item.name.span.end, name
        case syntax.Param() if analysis.plan and item.name.id in analysis.again.given:
            value = format_value(analysis.plan.params[item.name.id])
            yield item.default.span.start, item.default.span.end, value
        case syntax.Section() if changed and item.kind.id == "expect":
            yield _line(item.span)


def _line(span: Span) -> _Edit:
    """Takes a statement away, with its line where nothing else but a comment stands there."""
    text = span.source.text
    begin = text.rfind("\n", 0, span.start) + 1
    end = text.find("\n", span.end)
    end = len(text) if end < 0 else end + 1
    rest = text[begin : span.start] + text[span.end : end].partition("#")[0]
    if not rest.strip(" \t;\r\n"):
        return begin, end, ""
    behind = text[span.end :]
    return span.start, len(text) - len(behind.lstrip(" \t;")), ""


def _edited(text: str, edits: list[_Edit]) -> str:
    for start, end, instead in sorted(edits, reverse=True):
        text = text[:start] + instead + text[end:]
    return text.replace("\r\n", "\n").strip("\n") + "\n"


def _definitions(file: syntax.File) -> Iterator[_Definition]:
    text = file.span.source.text
    for item in file.items:
        name = _name(item)
        if name:
            start, stop = _with_comments(text, item.span)
            written = text[start:stop]
            if isinstance(item, syntax.Param):  # of a used file: a number, and no param
                at = item.span.start - start
                written = written[:at] + written[at:].replace("param", "let", 1)
            yield _Definition(name, written)


def _name(item: syntax.Item) -> str:
    match item:
        case syntax.Block() | syntax.Param():
            return item.name.id
        case syntax.Statement(term=syntax.Let(name=name)):
            return name.id
    return ""


def _with_comments(text: str, span: Span) -> tuple[int, int]:
    """Where a definition begins, with the comment lines right above it, and where its line ends."""
    start = text.rfind("\n", 0, span.start) + 1
    while start:
        above = text.rfind("\n", 0, start - 1) + 1
        if not text[above:start].lstrip().startswith("#"):
            break
        start = above
    end = text.find("\n", span.end)
    return start, len(text) if end < 0 else end


def _needed(text: str, known: list[_Definition]) -> list[_Definition]:
    """The definitions whose names stand in a text, or in one that is needed, in their order."""
    found: set[str] = set()
    waiting = [text]
    while waiting:
        words = set(re.findall(r"\w+", waiting.pop()))
        new = [d for d in known if d.name in words and d.name not in found]
        found |= {d.name for d in new}
        waiting += [d.text for d in new]
    return [d for d in known if d.name in found]
