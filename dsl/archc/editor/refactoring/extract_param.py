"""A number to a param of the network, or to a parameter of the block that it stands in."""

from __future__ import annotations

from collections.abc import Iterator

from archc import syntax
from archc.editor.findings import TextChange
from archc.editor.refactoring.base import Draft, Refactoring, RefactoringKind, refactoring
from archc.editor.refactoring.numbers import NumberPlace, numbers_in
from archc.editor.refactoring.selection import Selection
from archc.report.spelling.operators import format_value


@refactoring
class ExtractParam(Refactoring):
    """`conv 3x3 x64` to `conv 3x3 x(width)`, and above it `param width = 64`."""

    kind = RefactoringKind.EXTRACT
    purpose = "Turn the number into a param"

    def drafts(self, selection: Selection) -> Iterator[Draft]:
        number = _number_at(selection)
        if number is None:
            return
        name = selection.fresh(number.wanted)
        at, line = _param_place(selection)
        value = format_value(number.value)
        text = f"param {name} = {value}"
        above = TextChange(at, at, f"\n{text}" if line else f"{text}\n")
        here = TextChange(number.span.start, number.span.end, number.text(name))
        yield Draft(f"Turn {value} into the param `{name}`", (above, here))


@refactoring
class ExtractParameter(Refactoring):
    """`conv 3x3 x64` in a block to `conv 3x3 x(width)`, and `width=64` among its parameters."""

    kind = RefactoringKind.EXTRACT
    purpose = "Turn the number into a parameter of the block"

    def drafts(self, selection: Selection) -> Iterator[Draft]:
        number, block = _number_at(selection), selection.block
        if number is None or block is None:
            return
        name = selection.fresh(number.wanted)
        value = format_value(number.value)
        at = selection.text.rindex(")", 0, block.body.span.start)
        formal = f", {name}={value}" if block.formals else f"{name}={value}"
        head = TextChange(at, at, formal)
        here = TextChange(number.span.start, number.span.end, number.text(name))
        yield Draft(f"Turn {value} into the parameter `{name}` of `{block.name.id}`", (head, here))


def _number_at(selection: Selection) -> NumberPlace | None:
    """The number of a statement that the selection is, or is in."""
    statement = selection.snapshot.statement_at(selection.start)
    if statement is None or not selection.runs(statement) or isinstance(statement.term, syntax.Let):
        return None
    for number in numbers_in(statement, selection.snapshot.scopes):
        if number.span.start <= selection.start and selection.end <= number.span.end:
            return number
    return None


def _param_place(selection: Selection) -> tuple[int, bool]:
    """Where a param goes: behind the line of the last one, of a `use`, of `network`."""
    text, items = selection.text, selection.snapshot.file.items
    for kind in (syntax.Param, syntax.Use, syntax.Network):
        found = [item for item in items if isinstance(item, kind)]
        if found:
            stop = text.find("\n", found[-1].span.end)
            return (len(text) if stop < 0 else stop), True
    return 0, False
