"""A file that stands alone: its text, with the blocks that it uses written into it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from archc import syntax
from archc.api.analysis import Analysis
from archc.api.whole_text import line_of, whole, with_comments
from archc.elaborate.sections import inherited
from archc.ops import Dims, Shape
from archc.record import record
from archc.recursion import deep_recursion
from archc.report.spelling.operators import format_value, write_value
from archc.source import Edit, Source, Span, edited
from archc.syntax.parser import parse


class NotStandalone(Exception):
    """A file and one that it uses cannot be one file: one name is of two things, for example."""


@record
class _Definition:
    """A block, or a number that the blocks of a used file share, with the comment above it."""

    name: str
    text: str


@deep_recursion()
def standalone(analysis: Analysis, name: str = "") -> str:
    """Return the text of a file without its `use` lines, and what it needs of those in their place.

    Params that were set from outside have these values as defaults, inputs the shapes that they
    were given. With `name` the network is called so. What is expected and published of a network
    goes where it is another one now, as it does for a variant. Raises NotStandalone where a used
    file's own `param` or `let` has a name of the file's, for a text that no file can hold, and for
    an input in a loop with a shape of its own.
    """
    changed = bool(name or analysis.again.given or analysis.again.inputs)
    file = whole(analysis.again.file)
    source = file.span.source
    edits = [edit for item in file.items for edit in _edits(item, analysis, name, changed)]
    _check_inputs(file, analysis.again.inputs)
    uses = [item.span for item in file.items if isinstance(item, syntax.Use)]
    edits += [Edit(line_of(span), "") for span in uses]
    text = _rewritten(source.text, edits)
    used_files = _used(analysis)
    if not used_files:
        return text if file is analysis.again.file else re.sub(r"\n{3,}", "\n\n", text)
    blocks = {item.name.id for item in file.items if isinstance(item, syntax.Block)}
    known = [d for used in used_files for d in _definitions(used) if d.name not in blocks]
    needed = _needed(text, known)
    own = {_name(item) for item in file.items if not isinstance(item, syntax.Block)}
    for definition in needed:
        if definition.name in own:
            where = analysis.source.name
            raise NotStandalone(f"`{definition.name}` is a name of {where} and of a used file")
    if needed:
        written = "\n\n".join(definition.text for definition in needed)
        if uses:
            line = line_of(uses[0])
            edits[edits.index(Edit(line, ""))] = Edit(line, f"\n{written}\n\n")
        else:  # the variant's alone
            head = next(i for i in file.items if not isinstance(i, syntax.Network | syntax.Param))
            begin = with_comments(head.span).start
            edits.append(Edit(Span(source, begin, begin), f"\n{written}\n\n"))
    return re.sub(r"\n{3,}", "\n\n", _rewritten(source.text, edits))


def _used(analysis: Analysis) -> list[syntax.File]:
    """The files that are used, those that are extended left out."""
    variation = analysis.again.file.variation
    merged = variation.sources if variation is not None else ()
    files = analysis.again.load.files.values()
    return [file for file in files if file.span.source not in merged]


def _edits(item: syntax.Item, analysis: Analysis, name: str, changed: bool) -> Iterator[Edit]:
    match item:
        case syntax.Network() if name:
            yield Edit(item.name.span, name)
        case syntax.Statement(term=syntax.Operation() as term) if term.name.id == "input":
            yield from _shaped(term, analysis.again.inputs)
        case syntax.Param() if analysis.plan and item.name.id in analysis.again.given:
            yield Edit(item.default.span, _default(item.name.id, analysis.plan.params))
        case syntax.Section() if changed and item.kind.id != "train":
            yield from (Edit(span, "") for span in _of_the_base_alone(item))


def _shaped(term: syntax.Operation, given: Mapping[str, Dims]) -> Iterator[Edit]:
    """An input with the shape that it was given from outside, if any."""
    name = _input_name(term)
    dims = given.get(name or "x", given.get(""))
    if dims is not None:
        yield Edit(term.span, f"input {name} {Shape(dims[0], tuple(dims[1:]))}".replace("  ", " "))


def _input_name(term: syntax.Operation) -> str:
    """What an input is called; "" for the one without a name."""
    return next((word.id for word in term.attributes if isinstance(word, syntax.Word)), "")


def _check_inputs(file: syntax.File, given: Mapping[str, Dims]) -> None:
    """Raise NotStandalone for an input in a loop that has another shape: no line says it alone."""
    terms = [item.term for item in file.items if isinstance(item, syntax.Statement)]
    inputs = [t for t in terms if isinstance(t, syntax.Operation) and t.name.id == "input"]
    names = {_input_name(term) or "x" for term in inputs} | ({""} if inputs else set())
    for name in given:
        if name not in names:
            raise NotStandalone(
                f"its input {name or 'alone'} stands in a loop, and keeps its shape"
            )


def _default(name: str, params: Mapping[str, Any]) -> str:
    """The value of a param, as a file says it. Raises NotStandalone where no file can."""
    written = write_value(params[name])
    title = next((wrong.title for wrong in parse(Source("", f"param {name} = {written}"))[1]), "")
    if any("\ud800" <= char <= "\udfff" for char in written):
        title = "this is not text: it holds half of a character"
    if title:
        raise NotStandalone(f"`{name}` is {format_value(params[name])}; {title}")
    return written


def _of_the_base_alone(section: syntax.Section) -> list[Span]:
    """What of `expect` or `meta` is so of the network as it was and not of another one."""
    kept = [entry for entry in section.entries if inherited(entry, True, False)]
    if section.kind.id == "expect" or not kept:
        return [line_of(section.span)]
    return [line_of(entry.span) for entry in section.entries if entry not in kept]


def _rewritten(text: str, edits: list[Edit]) -> str:
    """A text with edits made, its lines ended as archc ends them."""
    return edited(text, edits).replace("\r\n", "\n").strip("\n") + "\n"


def _definitions(file: syntax.File) -> Iterator[_Definition]:
    for item in file.items:
        name = _name(item)
        if name:
            written = with_comments(item.span).text
            if isinstance(item, syntax.Param):  # of a used file: a number, and no param
                at = item.span.start - with_comments(item.span).start
                written = written[:at] + written[at:].replace("param", "let", 1)
            yield _Definition(name, written)


def _name(item: syntax.Item) -> str:
    match item:
        case syntax.Block() | syntax.Param():
            return item.name.id
        case syntax.Statement(term=syntax.Let(name=name)):
            return name.id
    return ""


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
