"""Definitions and uses, found in the tree alone: in dead arms and blocks that nobody calls, too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from archc import syntax
from archc.scopes.symbols import Scopes, Symbol, SymbolKind, example_of, template_pattern
from archc.source import Source, Span
from archc.syntax.walk import children, name_span, rows_of

# The file that a line names; None where it cannot be read.
Load = Callable[[syntax.Use | syntax.Extends, Source], syntax.File | None]

_OWN = frozenset(("in", "input", "x"))  # labels that a body has without any definition
_DEEPEST = 100  # files that use one another in a row


@dataclass(eq=False)
class _Labels:
    """The labels of one body, by name, those with `{i}` in them by what they look like."""

    names: dict[str, Symbol] = field(default_factory=dict)
    templates: list[Symbol] = field(default_factory=list)

    def find(self, template: syntax.Template) -> list[Symbol]:
        name = syntax.fixed(template)
        if name is not None and name in self.names:
            return [self.names[name]]
        pattern, example = template_pattern(template), example_of(template)
        found = [s for s in self.templates if s.pattern.fullmatch(example)]
        if name is None:
            found += [s for n, s in self.names.items() if pattern.fullmatch(n)]
        return found


@dataclass(eq=False)
class _Module:
    """What one file defines, and what it brings in."""

    blocks: dict[str, Symbol] = field(default_factory=dict)
    values: dict[str, Symbol] = field(default_factory=dict)
    labels: _Labels = field(default_factory=_Labels)  # of the network
    is_variant: bool = False  # it may define names of its base anew


class Resolver:
    """Goes through files and finds what every name stands for."""

    def __init__(self, load: Load, is_known: Callable[[str], bool]) -> None:
        self.load = load
        self.is_known = is_known  # archc's own names: operators, combinators, functions
        self.modules: dict[str, _Module] = {}
        self.open: list[str] = []

    def resolve(self, file: syntax.File) -> Scopes:
        """Return the scopes of a file; what it uses is gone through first."""
        self.scopes = Scopes(file.span.source)
        self._module(file)
        return self.scopes

    # --- files

    def _module(self, file: syntax.File) -> _Module:
        name = file.span.source.name
        if name in self.modules:
            return self.modules[name]
        module = self.modules[name] = _Module()
        self.open.append(name)
        for item in file.items:
            if isinstance(item, syntax.Extends):
                self._extend(item, file.span.source, module)
        for item in file.items:
            if isinstance(item, syntax.Use):
                self._use(item, file.span.source, module)
        for item in file.items:
            self._declare(item, module)
        self._body(file, module)
        self.open.pop()
        return module

    def _use(self, use: syntax.Use, source: Source, module: _Module) -> None:
        found = self._loaded(use, source)
        if found is not None:
            module.blocks = {**found.blocks, **module.blocks}

    def _extend(self, extends: syntax.Extends, source: Source, module: _Module) -> None:
        """A file has all names of its base; what it defines anew is the same symbol."""
        found = self._loaded(extends, source)
        if found is not None:
            module.blocks, module.values = {**found.blocks}, {**found.values}
            module.is_variant = True
            module.labels = _Labels({**found.labels.names}, [*found.labels.templates])

    def _loaded(self, line: syntax.Use | syntax.Extends, source: Source) -> _Module | None:
        if len(self.open) > _DEEPEST:
            return None
        file = self.load(line, source)
        if file is None or file.span.source.name in self.open:
            return None
        return self._module(file)

    def _declare(self, item: syntax.Item, module: _Module) -> None:
        """What is known in the whole file."""
        match item:
            case syntax.Block():
                known = module.blocks.get(item.name.id) if module.is_variant else None
                block = self._define(SymbolKind.BLOCK, item.name, item, known)
                module.blocks[block.name] = block
                before, block.parameters = block.parameters, {}
                for formal in item.formals:
                    same = before.get(formal.name.id)
                    symbol = self._define(SymbolKind.PARAMETER, formal.name, formal, same)
                    block.parameters[symbol.name] = symbol
            case syntax.Param():
                self._declare_value(SymbolKind.PARAM, item.name, item, module)
            case syntax.Network():
                self._define(SymbolKind.NETWORK, item.name, None)
            case syntax.Statement(term=syntax.Let() as let):
                self._declare_value(SymbolKind.LET, let.name, item, module)

    def _declare_value(
        self, kind: SymbolKind, name: syntax.Name, item: syntax.Item, module: _Module
    ) -> None:
        known = module.values.get(name.id) if module.is_variant else None
        module.values[name.id] = self._define(kind, name, item, known)

    def _body(self, file: syntax.File, module: _Module) -> None:
        """The file's own statements, its blocks, and what its other items say."""
        env = {**module.blocks, **module.values}
        self.scopes.visible.append((file.span, env))
        own = tuple(item for item in file.items if isinstance(item, syntax.Statement))
        for item in file.items:
            if isinstance(item, syntax.Block):
                self._block(item, module.blocks[item.name.id], env)
            elif isinstance(item, syntax.Without):
                self._take_out(item, module.labels)
            elif not isinstance(item, syntax.Statement):
                self._values(item, env, _Labels())
        self._rows((syntax.Sequence(own, file.span),), env, file.span, None, module.labels)

    def _take_out(self, item: syntax.Without, labels: _Labels) -> None:
        for label in item.labels:
            found = labels.find(label.parts)
            if not found:
                self.scopes.unknown.append(label.span)
            for symbol in found:
                symbol.uses.append(name_span(label))

    def _block(self, block: syntax.Block, symbol: Symbol, env: dict[str, Symbol]) -> None:
        tensors = {f.name.id for f in block.formals if f.is_tensor}
        formals = symbol.parameters
        inner = {**env, **{n: s for n, s in formals.items() if n not in tensors}}
        for formal in block.formals:
            if formal.default is not None:
                self._values(formal.default, inner, _Labels({n: formals[n] for n in tensors}))
        given = {n: formals[n] for n in tensors if n in formals}
        self.scopes.visible.append((block.span, inner))
        self._rows((block.body,), inner, block.span, symbol, _Labels(given))

    def _rows(
        self,
        rows: tuple[syntax.Sequence, ...],
        env: dict[str, Symbol],
        span: Span,
        block: Symbol | None,
        labels: _Labels,
    ) -> None:
        """A body: first its labels, which any of its statements may name, then what it says.

        `labels` are known before: a block's tensors, what a base has.
        """
        for row in rows:
            self._labels_of(row, labels, block, env)
        self.scopes.labels.append((span, labels.names))
        for row in rows:
            self._row(row, env, labels, top=block is None)

    # --- labels

    def _labels_of(
        self, row: Any, labels: _Labels, block: Symbol | None, env: dict[str, Symbol]
    ) -> None:
        for statement in row.statements:
            for label in (statement.label, statement.alias):
                if label is not None:
                    self._label(label, SymbolKind.LABEL, statement, labels, env)
            term = statement.term
            if isinstance(term, syntax.Operation) and term.name.id in ("input", "output"):
                self._port(term, statement, labels, block, env)
            for inner in rows_of(term):
                self._labels_of(inner, labels, block, env)

    def _port(
        self,
        term: syntax.Operation,
        statement: syntax.Statement,
        labels: _Labels,
        block: Symbol | None,
        env: dict[str, Symbol],
    ) -> None:
        """`input left 8x8 x3`, `output c3`."""
        named = next(
            (a for a in term.attributes if isinstance(a, syntax.Word | syntax.Label)), None
        )
        if named is None:
            return
        if term.name.id == "input":
            self._label(named, SymbolKind.INPUT, statement, labels, env)
        else:
            outputs = _Labels() if block is None else _Labels(block.outputs)
            self._label(named, SymbolKind.OUTPUT, statement, outputs, env)

    def _label(
        self,
        label: syntax.Label | syntax.Word,
        kind: SymbolKind,
        statement: syntax.Statement,
        labels: _Labels,
        env: dict[str, Symbol],
    ) -> None:
        template = label.parts if isinstance(label, syntax.Label) else (label.id,)
        name = syntax.fixed(template)
        found = labels.names.get(name) if name is not None else None
        if found is None:
            found = Symbol(kind, name or example_of(template), node=statement)
            self.scopes.symbols.append(found)
            if name is not None:
                labels.names[name] = found
            else:
                found.template = template
                labels.templates.append(found)
        found.definitions.append(name_span(label))

    # --- statements and values

    def _row(
        self, row: syntax.Sequence, env: dict[str, Symbol], labels: _Labels, top: bool = False
    ) -> None:
        for statement in row.statements:
            term = statement.term
            if isinstance(term, syntax.Let):
                self._values(term.value, env, labels)
                if not top:
                    symbol = self._define(SymbolKind.LET, term.name, statement)
                    env = {**env, symbol.name: symbol}
                    rest = Span(row.span.source, term.span.end, row.span.end)
                    self.scopes.visible.append((rest, {symbol.name: symbol}))
                continue
            for label in (statement.label, statement.alias):
                if label is not None:
                    self._values(label, env, labels)
            self._values(term, env, labels)
            if statement.repeat is not None:
                self._values(statement.repeat, env, labels)

    def _values(self, node: Any, env: dict[str, Symbol], labels: _Labels) -> None:
        """The names that a node says."""
        match node:
            case syntax.Number() | syntax.Size() | syntax.Text() | syntax.Word():
                pass
            case syntax.Geometry() | syntax.Stride():
                for dim in node.dims:
                    self._values(dim, env, labels)
            case syntax.Sequence():
                self._row(node, env, labels)
            case syntax.Operation():
                self._operation(node, env, labels)
            case syntax.For() | syntax.Each() | syntax.Comprehension():
                self._values(node.over, env, labels)
                names = {}
                for name in syntax.names_of(node.targets):
                    names[name.id] = self._define(SymbolKind.LOOP, name, None)
                inner = {**env, **names}
                self.scopes.visible.append((node.span, names))
                body = node.item if isinstance(node, syntax.Comprehension) else node.body
                self._values(body, inner, labels)
            case syntax.Reference():
                self._reference(node, env, labels)
            case syntax.CallExpr():
                if node.function.id in env:
                    self._use_of(env[node.function.id], node.function)
                elif not self.is_known(node.function.id):
                    self.scopes.unknown.append(node.function.span)
                for arg in node.args:
                    self._values(arg, env, labels)
            case syntax.Option(value=syntax.Word() as word):
                if word.id in env:
                    self._use_of(env[word.id], word)
            case syntax.Option() | syntax.Argument():
                self._values(node.value, env, labels)
            case syntax.Entry():
                for value in node.values:
                    self._values(value, env, labels)
            case syntax.Section():
                for entry in node.entries:
                    self._values(entry, env, labels)
            case syntax.Param():
                self._values(node.default, env, labels)
            case syntax.Network() | syntax.Use() | syntax.Extends():
                pass
            case syntax.Name():
                if node.id in env:
                    self._use_of(env[node.id], node)
                elif not self.is_known(node.id):
                    self.scopes.unknown.append(node.span)
            case _:
                for inner in children(node):
                    self._values(inner, env, labels)

    def _operation(self, term: syntax.Operation, env: dict[str, Symbol], labels: _Labels) -> None:
        called = env.get(term.name.id)
        if called is not None:
            self._use_of(called, term.name)
        elif not self.is_known(term.name.id):
            self.scopes.unknown.append(term.name.span)
        for argument in term.arguments or ():
            if argument.name is not None and called is not None:
                formal = called.parameters.get(argument.name.id)
                if formal is not None:
                    self._use_of(formal, argument.name)
            self._values(argument.value, env, labels)
        rest = term.attributes
        if term.condition is not None:
            self._values(term.condition, env, labels)
        for attribute in rest:
            self._values(attribute, env, labels)
        for branch in term.branches or ():
            self._row(branch, env, labels)

    def _reference(self, node: syntax.Reference, env: dict[str, Symbol], labels: _Labels) -> None:
        for part in (*node.parts, *(part for member in node.members for part in member)):
            if not isinstance(part, str):
                self._values(part, env, labels)
        found = labels.find(node.parts)
        if not found and node.members:  # `"convs.0"` is named `@convs.0`, too
            joined = ".".join(example_of(m) for m in (node.parts, *node.members))
            found = labels.find((joined,))
        if not found and syntax.fixed(node.parts) not in _OWN:
            self.scopes.unknown.append(node.span)
        for symbol in found:
            symbol.uses.append(name_span(node))
        self._members(node, found, labels, env)

    def _members(
        self,
        node: syntax.Reference,
        found: list[Symbol],
        labels: _Labels,
        env: dict[str, Symbol],
    ) -> None:
        """`@body.c3`: an output of the block that `body:` calls, or a label inside of a group."""
        at = node.span.end
        for member in reversed(node.members):
            written = example_of(member)
            at = node.span.source.text.rfind(".", node.span.start, at)
            name = syntax.fixed(member)
            if at < 0 or name is None:
                return
            span = Span(node.span.source, at + 1, at + 1 + len(written))
            outputs = [out for s in found if (out := _outputs_of(s, env).get(name)) is not None]
            for symbol in outputs or labels.find(member):
                symbol.uses.append(span)

    # --- symbols

    def _define(
        self, kind: SymbolKind, name: syntax.Name, node: Any, known: Symbol | None = None
    ) -> Symbol:
        """A new symbol, or the one that is `known` in the file's base, defined anew."""
        if known is not None and all(d.source is not name.span.source for d in known.definitions):
            known.definitions.append(name_span(name))
            known.node = node
            return known
        symbol = Symbol(kind, name.id, [name_span(name)], node=node)
        self.scopes.symbols.append(symbol)
        return symbol

    def _use_of(self, symbol: Symbol, name: syntax.Name | syntax.Word) -> None:
        symbol.uses.append(name_span(name))


def _outputs_of(symbol: Symbol, env: dict[str, Symbol]) -> dict[str, Symbol]:
    """The outputs of the block that a labelled statement calls."""
    term = symbol.node.term if isinstance(symbol.node, syntax.Statement) else None
    block = env.get(term.name.id) if isinstance(term, syntax.Operation) else None
    return block.outputs if block is not None else {}
