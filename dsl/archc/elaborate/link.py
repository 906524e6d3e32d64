"""`use`: which blocks a file can call, its own and those of the files it brings in."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from archc import syntax
from archc.elaborate.evaluate import Evaluator, NoValue
from archc.elaborate.names import refuse_class_name, refuse_reserved
from archc.elaborate.work import Suppressed, WorkLimit
from archc.ops import COMBINATORS, REGISTRY
from archc.plan import BlockValue
from archc.source import Diagnostics, Fault, Source, Span, SpanLabel, fault, spelling

STATEMENTS = frozenset(("input", "output", "reuse", "devices"))
KEYWORDS = STATEMENTS | syntax.RESERVED | {"true", "false"}

_DEEPEST = 500  # files that use one another in a row

Loader = Callable[[syntax.Use, Source], syntax.File]  # raises Fault


@dataclass(eq=False)
class Library:
    """What one file defines and sees: blocks by name, and the constants of its params."""

    source: Source
    blocks: dict[str, BlockValue] = field(default_factory=dict)
    constants: dict[str, Any] = field(default_factory=dict)
    lets: dict[str, Any] = field(default_factory=dict)  # what the file's `let`s are
    is_changed: bool = False  # a block in it is that of a file which extends its user


@dataclass
class Linker:
    """Reads the files that a file uses, each once, and finds cycles."""

    load: Loader
    diagnostics: Diagnostics
    libraries: dict[str, Library] = field(default_factory=dict)
    open: list[Source] = field(default_factory=list)
    overridden: dict[str, tuple[Source, ...]] = field(default_factory=dict)  # see `_overridden`
    replaced: dict[int, str] = field(
        default_factory=dict
    )  # ids of the trees of blocks: their names

    def link(self, file: syntax.File) -> Library:
        source = file.span.source
        if file.variation is not None:
            self.overridden = _overridden(file)
        library = self.libraries[source.name] = Library(source)
        self.open.append(source)
        self.diagnostics.damage.merge(file.damage)
        for item in file.items:
            try:
                if isinstance(item, syntax.Use):
                    self._use(item, library)
                elif isinstance(item, syntax.Block):
                    self._define(item, library)
            except Fault as mistake:
                self.diagnostics.add(mistake.diagnostic)
                if isinstance(item, syntax.Block):
                    self.diagnostics.damage.names.add(item.name.id)
                else:
                    self.diagnostics.damage.blocks = True
        self.open.pop()
        if file.variation is not None:
            self._override(file.variation, library)
        return library

    def _override(self, variation: syntax.Variation, library: Library) -> None:
        """Puts the blocks of a variant into the files that its base uses, for those of theirs."""
        for block in variation.unused:
            name = block.name
            if name.id not in self.replaced.values():
                known = [other for other in library.blocks if other != name.id]
                self.diagnostics.add(
                    nothing_to_change("block", name.id, name.span, known).diagnostic
                )
        for used in self.libraries.values():
            tables: tuple[dict[str, Any], ...] = (used.blocks, used.constants, used.lets)
            for values in tables:
                for key, value in values.items():
                    if isinstance(value, BlockValue) and id(value.tree) in self.replaced:
                        values[key] = library.blocks[self.replaced[id(value.tree)]]
                        used.is_changed = True

    def _use(self, use: syntax.Use, library: Library) -> None:
        if len(self.open) > _DEEPEST:
            title = f"more than {_DEEPEST:,} files use one another in a row"
            raise fault("A505", title, use.path.span, "`use` the files that are needed directly")
        file = self.load(use, use.span.source)
        _refuse_variant(file, use)
        name = file.span.source.name
        names = [source.name for source in self.open]
        if name in names:
            chain = " -> ".join((*names[names.index(name) :], name))
            raise fault(
                "A502",
                "circular `use`",
                use.path.span,
                f"the cycle is {chain}",
            )
        used = self.libraries.get(name)
        if used is None:
            used = self.link(file)
            used.constants |= constants(file, used, self.diagnostics)
            used.lets |= lets(file, used, self.diagnostics)
        for block in used.blocks.values():
            if use.span.source in self.overridden.get(block.name, ()):
                self.replaced[id(block.tree)] = block.name
            else:
                self._put(block, library, use.path)

    def _define(self, block: syntax.Block, library: Library) -> None:
        name = block.name.id
        is_operator = name in REGISTRY and not REGISTRY[name].yields
        if is_operator or name in COMBINATORS or name in KEYWORDS:
            raise fault(
                "A108",
                f"`{name}` is already an operator or keyword",
                block.name.span,
                f"call the block `{name}_block` or, better, what the paper calls it",
            )
        refuse_class_name(name, block.name.span)
        seen: set[str] = set()
        for formal in block.formals:
            if formal.name.id in seen:
                raise fault(
                    "A106", f"parameter `{formal.name.id}` is given twice", formal.name.span
                )
            refuse_reserved(formal.name.id, formal.name.span, "the parameter")
            if formal.is_tensor and formal.name.id == "x":
                title = "`x` is the block's own input in the generated code"
                raise fault("A105", title, formal.name.span, "call it what it is: `@skip`")
            seen.add(formal.name.id)
        self._put(BlockValue(block, library), library, block.name)

    def _put(self, block: BlockValue, library: Library, where: syntax.Name | syntax.Text) -> None:
        name = block.tree.name.id
        earlier = library.blocks.setdefault(name, block)
        if earlier.tree is not block.tree:
            raise fault(
                "A106",
                f"there are two blocks `{name}`",
                where.span,
                "rename one of them",
                also=(SpanLabel(earlier.tree.name.span, "the other is here"),),
            )


def nothing_to_change(what: str, name: str, span: Span, known: Iterable[str]) -> Fault:
    """The mistake of a change that changes nothing: a name that the base does not have."""
    title = f"there is no {what} `{name}` to change, and nothing here uses a new one"
    listed = ", ".join(f"`{each}`" for each in [*known][:12])
    cure = spelling(name, known, span) or (f"there are {listed}" if listed else "")
    return fault("A110", title, span, cure)


def _overridden(file: syntax.File) -> dict[str, tuple[Source, ...]]:
    """The blocks of each file that extends another: the files below, whose `use`s they replace."""
    assert file.variation is not None
    sources = file.variation.sources
    return {
        item.name.id: sources[sources.index(item.span.source) + 1 :]
        for item in file.items
        if isinstance(item, syntax.Block)
    }


def _refuse_variant(file: syntax.File, use: syntax.Use) -> None:
    """Raises Fault for a file that says only changes."""
    for item in file.items:
        if isinstance(item, syntax.Extends | syntax.Without):
            title = "a file that extends another cannot be used: it says only what it changes"
            cure = "put the blocks into a file of their own, which both `use`"
            raise fault("A506", title, use.path.span, cure, also=(SpanLabel(item.span),))


def lets(
    file: syntax.File, library: Library, diagnostics: Diagnostics | None = None
) -> dict[str, Any]:
    """What a file's `let`s are for its blocks: those that ask for no tensor.

    What is wrong with one goes to `diagnostics`, or is told where it stands among the statements.
    """
    values: dict[str, Any] = {}
    env = ChainMap(values, library.constants, library.blocks)
    for item in file.items:
        if isinstance(item, syntax.Statement) and isinstance(item.term, syntax.Let):
            name = item.term.name.id
            try:
                values[name] = Evaluator(env, None).named(item.term.value)
            except Suppressed:
                values[name] = NoValue()
            except Fault as mistake:
                asks = mistake.diagnostic.code == "A404"
                values[name] = NoValue(asks)
                if diagnostics is not None and not asks:
                    diagnostics.add(mistake.diagnostic)
    return values


def constants(file: syntax.File, library: Library, diagnostics: Diagnostics) -> dict[str, Any]:
    """The values of a used file's params: nobody can set those from outside."""
    values: dict[str, Any] = {}
    work = WorkLimit()
    env = ChainMap(values, library.blocks)
    for item in file.items:
        if isinstance(item, syntax.Param):
            try:
                values[item.name.id] = Evaluator(env, None, work).value(item.default)
            except Fault as mistake:
                diagnostics.add(mistake.diagnostic)
    return values
