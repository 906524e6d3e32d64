"""Statements to a block of their own, and its call in their place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from archc import syntax
from archc.editor.findings import TextChange
from archc.editor.refactoring.base import (
    Draft,
    NotRefactored,
    Refactoring,
    RefactoringKind,
    refactoring,
)
from archc.editor.refactoring.lines import braced
from archc.editor.refactoring.selection import TENSORS, Selection
from archc.scopes import Symbol, SymbolKind
from archc.scopes.symbols import example_of
from archc.source import Edit, Span, edited
from archc.syntax.walk import name_span, walk

_VALUES = (SymbolKind.PARAM, SymbolKind.PARAMETER, SymbolKind.LET, SymbolKind.LOOP)
_PORTS = ("input", "output", "devices")


@refactoring
class ExtractBlock(Refactoring):
    """Params, loops' names and tensors that the statements name become the block's parameters."""

    kind = RefactoringKind.EXTRACT
    purpose = "Extract into a block"

    def drafts(self, selection: Selection) -> Iterator[Draft]:
        statements = selection.statements
        if not statements or all(isinstance(s.term, syntax.Let) for s in statements):
            return
        if not all(selection.runs(s) for s in statements if not isinstance(s.term, syntax.Let)):
            return
        part = _Extracted(selection, statements[0].span.start, statements[-1].span.end)
        part.find_names()
        name = selection.fresh("part", frozenset(part.formals))
        at, before, after = _place(selection)
        definition = TextChange(at, at, before + part.definition(name) + after)
        call = TextChange(part.start, part.end, part.call(name))
        yield Draft(f"Extract into a block `{name}`", (definition, call))


@dataclass(eq=False)
class _Extracted:
    """The statements between two offsets, and what they name that is outside."""

    selection: Selection
    start: int
    end: int
    values: list[str] = field(default_factory=list)
    tensors: dict[str, str] = field(default_factory=dict)  # parameters, by the reference
    edits: list[Edit] = field(default_factory=list)  # in the statements
    alias: str = ""  # what the tensor that comes out is called outside

    @property
    def formals(self) -> list[str]:
        return [*self.values, *self.tensors.values()]

    def find_names(self) -> None:
        """Sort what is named. Raises NotRefactored."""
        nodes = [n for s in self.selection.statements for n in walk(s)]
        for node in nodes:
            if isinstance(node, syntax.Operation) and node.name.id in _PORTS:
                raise NotRefactored(f"`{node.name.id}` stays where it is")
        for symbol, defined, used, outside in self.selection.symbols_within(self.start, self.end):
            if defined:
                self._refuse_outside(symbol, outside)
            elif used and symbol.kind in _VALUES:
                self.values.append(symbol.name)
        local = self._local_tensors()
        for node in nodes:
            if isinstance(node, syntax.Reuse) and not local(node.target):
                raise NotRefactored(f"`{node.span.text}` runs what is outside")
            if isinstance(node, syntax.Reference) and not local(node):
                self._take(node)

    def _refuse_outside(self, symbol: Symbol, outside: list[int]) -> None:
        """A name that is said outside, too: that of the tensor that comes out goes to the call."""
        if not outside:
            return
        last = self.selection.statements[-1]
        names = (last.alias, last.label if last.repeat is None else None)
        named = next((n for n in names if n is not None and n.fixed == symbol.name), None)
        if symbol.kind is not SymbolKind.LABEL or named is None or self._is_more(symbol.name):
            raise NotRefactored(f"`{symbol.name}` is named outside")
        if self.alias:
            raise NotRefactored(f"`{self.alias}` and `{symbol.name}` are named outside")
        self.alias = symbol.name
        if last.alias is named:
            start = max(last.term.span.end, last.repeat.span.end if last.repeat else 0)
            self.edits.append(Edit(Span(named.span.source, start, named.span.end), ""))

    def _is_more(self, label: str) -> bool:
        """Whether a label is asked for more than its tensor: its modules, or a part of it."""
        for node in walk(self.selection.snapshot.file):
            if isinstance(node, syntax.Reuse) and node.target.fixed == label:
                return True
            if isinstance(node, syntax.Reference) and node.fixed == label and node.members:
                return True
        return False

    def _local_tensors(self) -> _Local:
        symbols = self.selection.symbols_within(self.start, self.end)
        inside = [(s, used) for s, defined, used, _ in symbols if defined and s.kind in TENSORS]
        return _Local({at for _, used in inside for at in used})

    def _take(self, node: syntax.Reference) -> None:
        """Make a tensor of outside a parameter."""
        text = node.span.text if node.span.text.startswith("@") else f"@{node.span.text}"
        if text == "@in" and self.start == self.selection.row.statements[0].span.start:
            block = self.selection.block
            if block is not None and self.selection.row.span == block.body.span:
                return  # the new block's own
        name = self.tensors.get(text)
        if name is None:
            wanted = example_of(node.members[-1] if node.members else node.parts)
            wanted = wanted.replace(".", "_").replace("-", "_")
            wanted = "given" if wanted in ("in", "input", "x") or wanted.isdigit() else wanted
            name = self.selection.fresh(wanted, frozenset(self.formals))
            self.tensors[text] = name
        self.edits.append(Edit(node.span, f"@{name}"))

    def definition(self, name: str) -> str:
        """Return the block."""
        source = self.selection.source
        moved = [
            Edit(Span(source, e.span.start - self.start, e.span.end - self.start), e.text)
            for e in self.edits
        ]
        body = edited(source.text[self.start : self.end], moved)
        formals = ", ".join([*self.values, *(f"@{name}" for name in self.tensors.values())])
        return braced(body, f"block {name}({formals}) ")

    def call(self, name: str) -> str:
        """Return what stands in the statements' place."""
        tail = f" as {self.alias}" if self.alias else ""
        return f"{name}({', '.join([*self.values, *self.tensors])}){tail}"


@dataclass(frozen=True)
class _Local:
    """Tells whether a reference names what is inside."""

    uses: set[int]

    def __call__(self, node: syntax.Reference) -> bool:
        return name_span(node).start in self.uses


def _place(selection: Selection) -> tuple[int, str, str]:
    """Where a new block goes, and the lines around it: above the block that it is taken from.

    Else behind the last block above, or before the network's first statement.
    """
    text = selection.text
    block = selection.block
    if block is not None:
        at = text.rfind("\n", 0, block.span.start) + 1
        while at and text[: at - 1].rpartition("\n")[2].lstrip().startswith("#"):
            at = text.rfind("\n", 0, at - 1) + 1
        return at, "", "\n\n"
    above = [item for item in selection.snapshot.file.items if item.span.start < selection.start]
    heads = (syntax.Network, syntax.Use, syntax.Param, syntax.Block)
    for item in reversed(above):
        is_input = (
            isinstance(item, syntax.Statement)
            and isinstance(item.term, syntax.Operation)
            and item.term.name.id == "input"
        )
        if isinstance(item, heads) or is_input:
            stop = text.find("\n", item.span.end)
            stop = len(text) if stop < 0 else stop
            rest = text[item.span.end : stop].partition("#")[0].strip()
            if not rest:
                return stop, "\n\n", "" if text[stop:].startswith("\n\n") else "\n"
    return 0, "", "\n\n"
