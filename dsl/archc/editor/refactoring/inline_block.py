"""A block's call replaced by what the block says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archc import syntax
from archc.editor.findings import TextChange
from archc.editor.refactoring.base import (
    Draft,
    NotRefactored,
    Refactoring,
    RefactoringKind,
    refactoring,
)
from archc.editor.refactoring.lines import braced, dedented, placed
from archc.editor.refactoring.selection import Selection
from archc.editor.refactoring.substitution import Substitution
from archc.report.spelling.operators import write_value
from archc.syntax.walk import walk


@refactoring
class InlineBlock(Refactoring):
    """Parameters become what is given for them; what that decides is decided."""

    kind = RefactoringKind.INLINE
    purpose = "Inline the block"

    def drafts(self, selection: Selection) -> Iterator[Draft]:
        statement = _call_at(selection)
        if statement is None or not selection.runs(statement):
            return
        term = statement.term
        assert isinstance(term, syntax.Operation)
        block = selection.snapshot.scopes.values_at(term.span.start)[term.name.id].node
        assert isinstance(block, syntax.Block)
        _refuse(selection, statement, block)
        incoming = _Incoming(selection, statement)
        binding = _Binding(block, term, incoming)
        title = f"Inline `{block.name.id}`"
        for body in dict.fromkeys((binding.body(lets=True), binding.body())):
            for text in _written(selection, statement, body):
                change = placed(selection.source, selection.row_of(statement), statement, text)
                yield Draft(title, (*incoming.changes, change))


def _call_at(selection: Selection) -> syntax.Statement | None:
    """The statement whose call's name or arguments the selection begins in, or is."""
    if len(selection.statements) == 1:
        statement = selection.statements[0]
    elif not selection.is_empty:
        return None
    else:
        found = [n for n in selection.path if isinstance(n, syntax.Statement)]
        if not found:
            return None
        statement = found[-1]
    term = statement.term
    if not isinstance(term, syntax.Operation) or term.branches is not None:
        return None
    symbol = selection.snapshot.scopes.values_at(term.span.start).get(term.name.id)
    is_block = symbol is not None and isinstance(symbol.node, syntax.Block)
    return statement if is_block else None


def _refuse(selection: Selection, statement: syntax.Statement, block: syntax.Block) -> None:
    outputs = [
        node
        for node in walk(block.body)
        if isinstance(node, syntax.Operation) and node.name.id == "output"
    ]
    if outputs:
        raise NotRefactored(f"`{block.name.id}` has more than one output")
    if any(
        isinstance(n, syntax.Operation) and n.name.id == block.name.id for n in walk(block.body)
    ):
        raise NotRefactored(f"`{block.name.id}` calls itself")


class _Incoming:
    """The tensor that comes into a call, and what it is called: a name is made if it has none."""

    def __init__(self, selection: Selection, statement: syntax.Statement) -> None:
        self.selection = selection
        self.statement = statement
        self.changes: tuple[TextChange, ...] = ()

    def label(self) -> str:
        """Return its reference. Raises NotRefactored where it cannot have one."""
        row = self.selection.row_of(self.statement)
        at = [s.span.start for s in row.statements].index(self.statement.span.start)
        if at == 0:
            block = self.selection.block
            if block is not None and row.span == block.body.span:
                return "@in"
            raise NotRefactored("what comes in has no name: label the statement before")
        before = row.statements[at - 1]
        named = before.alias or before.label
        if named is not None and named.fixed and isinstance(before.term, syntax.Operation):
            return f"@{named.span.text.rstrip(': ')}"
        name = self.selection.fresh("before")
        self.changes = (TextChange(before.span.end, before.span.end, f" as {name}"),)
        return f"@{name}"


class _Binding:
    """What a block's parameters are in one call."""

    def __init__(self, block: syntax.Block, call: syntax.Operation, incoming: _Incoming) -> None:
        self.block = block
        self.incoming = incoming
        self.values: dict[str, Any] = {}
        self.texts: dict[str, str] = {}
        self.tensors: dict[str, str] = {}
        given = _given(block, call)
        for formal in block.formals:
            argument = given.get(formal.name.id, formal.default)
            if argument is None:
                raise NotRefactored(f"`{formal.name.id}` is not given")
            if isinstance(argument, syntax.Reference):
                self.tensors[formal.name.id] = argument.span.text
            else:
                self._bind(formal.name.id, argument, is_default=formal.name.id not in given)

    def _bind(self, name: str, expr: syntax.Expr, *, is_default: bool) -> None:
        """A default may ask for the parameters before it."""
        known = self.substitution() if is_default else Substitution()
        value = known.value_of(expr)
        if value is not None:
            self.values[name] = value
            return
        text = known.expression(expr)
        for node in walk(expr):
            if isinstance(node, syntax.Incoming):  # inside it would be the tensor at hand there
                text = text.replace(node.span.text, f"{self._label()}.{node.field}")
        self.texts[name] = text

    def _label(self) -> str:
        self.tensors.setdefault("in", self.incoming.label())
        return self.tensors["in"]

    def substitution(self) -> Substitution:
        return Substitution(self.values, self.texts, self.tensors)

    def body(self, *, lets: bool = False) -> str:
        """Return the block's statements with all that put in, or lists named by `let`."""
        row = self.block.body
        for node in walk(row):
            if isinstance(node, syntax.Reference) and syntax.fixed(node.parts) == "in":
                self._label()
        known = self.substitution()
        named = [n for n, v in self.values.items() if lets and isinstance(v, tuple)]
        if named:
            values = {n: v for n, v in self.values.items() if n not in named}
            known = Substitution(values, self.texts, self.tensors)
        body = dedented(known.statements(row, row.span.start + 1, row.span.end - 1))
        between = "\n" if "\n" in body or "#" in body else "; "
        written = [f"let {name} = {write_value(self.values[name])}" for name in named]
        return between.join([*written, body])


def _given(block: syntax.Block, call: syntax.Operation) -> dict[str, Any]:
    """The arguments of a call, by the parameters' names."""
    names = [formal.name.id for formal in block.formals]
    found = {}
    for at, argument in enumerate(call.arguments or ()):
        if argument.name is not None:
            found[argument.name.id] = argument.value
        elif at < len(names):
            found[names[at]] = argument.value
    return found


def _written(selection: Selection, statement: syntax.Statement, body: str) -> Iterator[str]:
    """Statements in the place of a call: by themselves, or in brackets that take its label."""
    span, term = statement.span, statement.term.span
    head = selection.text[span.start : term.start]
    tail = selection.text[term.end : span.end]
    if not head and statement.repeat is None:  # ` as c3` goes to the last statement
        yield body + tail
    yield braced(body, head, tail)
