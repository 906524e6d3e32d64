"""From a name to its definition and its uses, and all of them to another name."""

from __future__ import annotations

import re
from pathlib import Path

from archc import syntax
from archc.api.loading import Naming
from archc.editor.findings import TextChange
from archc.editor.project import ProjectFiles
from archc.editor.snapshot import Snapshot, is_known
from archc.editor.weights import weights_warning
from archc.record import record
from archc.scopes import Symbol, SymbolKind
from archc.source import Span
from archc.syntax import RESERVED
from archc.syntax.walk import path_to

_OWN = (SymbolKind.LOOP, SymbolKind.NETWORK)  # what no other file can name


@record
class TextPlace:
    """A stretch of a file."""

    path: str
    start: int
    end: int


@record
class RenameEdits:
    """The changes that give a name another, by file. `warning`: the weights that they rename."""

    changes: dict[str, tuple[TextChange, ...]]
    warning: str = ""


class NotRenamed(Exception):
    """Why a name cannot be another one."""


def definition(snapshot: Snapshot, offset: int) -> tuple[TextPlace, ...]:
    """Return where the name at an offset is defined; the file, on a path."""
    for node in path_to(snapshot.file, offset):
        if isinstance(node, Naming):
            path = snapshot.path_of(node, snapshot.source)
            return (TextPlace(str(path), 0, 0),) if path is not None and path.exists() else ()
    found = snapshot.scopes.at(offset)
    return _places(found[0].definitions) if found is not None else ()


def references(
    snapshot: Snapshot, offset: int, *, with_definition: bool = True
) -> tuple[TextPlace, ...]:
    """Return every place that says the name at an offset."""
    found = snapshot.scopes.at(offset)
    if found is None:
        return ()
    return _places(_all_places(ProjectFiles(snapshot), found[0], uses_only=not with_definition))


def occurrences(snapshot: Snapshot, offset: int) -> tuple[TextPlace, ...]:
    """Return every place of the text itself that says the name at an offset."""
    found = snapshot.scopes.at(offset)
    places = found[0].places if found is not None else []
    return _places([span for span in places if span.source is snapshot.source])


def _all_places(project: ProjectFiles, symbol: Symbol, *, uses_only: bool = False) -> list[Span]:
    """Return where a symbol stands; what other files can name, in all files of the project."""
    if symbol.kind in _OWN:
        return symbol.uses if uses_only else symbol.places
    return project.places(symbol, uses_only=uses_only)


def renamed_at(snapshot: Snapshot, offset: int) -> TextPlace:
    """Return the name at an offset that can be another one. Raises NotRenamed."""
    symbol, span = _renamed(snapshot, offset)
    if any(place.text != symbol.name for place in symbol.places):
        raise NotRenamed(f"`{symbol.name}` is put together with a number where it is used")
    return TextPlace(span.source.name, span.start, span.end)


def rename(snapshot: Snapshot, offset: int, name: str) -> RenameEdits:
    """Return what changes where the name at an offset becomes another. Raises NotRenamed."""
    renamed_at(snapshot, offset)
    symbol, _ = _renamed(snapshot, offset)
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise NotRenamed(f"`{name}` is no name: letters, digits and `_` make one")
    is_tensor = symbol.kind in (SymbolKind.LABEL, SymbolKind.INPUT, SymbolKind.OUTPUT)
    if name in RESERVED or (not is_tensor and is_known(name)):
        raise NotRenamed(f"`{name}` is a word of the language or an operator")
    project = ProjectFiles(snapshot)
    _refuse_clash(project, symbol, name)
    changes: dict[str, list[TextChange]] = {}
    for span in _all_places(project, symbol):
        if not snapshot.project.has(Path(span.source.name)):
            file = Path(span.source.name).name
            raise NotRenamed(f"`{symbol.name}` is a name of {file}, which is not of this project")
        edits = changes.setdefault(span.source.name, [])
        edits.append(TextChange(span.start, span.end, name))
    made = {path: tuple(edits) for path, edits in changes.items()}
    warning = weights_warning(project, made)
    if not warning and not snapshot.analysis.ok and _names_module(symbol):
        warning = f"Weights of `{symbol.name}` may get other names in the state_dict"
    return RenameEdits(made, warning)


def _names_module(symbol: Symbol) -> bool:
    node = symbol.node
    return isinstance(node, syntax.Statement) and node.label is not None


def _renamed(snapshot: Snapshot, offset: int) -> tuple[Symbol, Span]:
    found = snapshot.scopes.at(offset)
    if found is None:
        word = re.match(r"\w*", snapshot.text[offset:])
        what = f"`{word.group()}`" if word and word.group() else "what stands here"
        raise NotRenamed(f"{what} is no name that this network defines")
    return found


def _refuse_clash(project: ProjectFiles, symbol: Symbol, name: str) -> None:
    """Raises NotRenamed for a name that something else has where the symbol is used."""
    is_tensor = symbol.kind in (SymbolKind.LABEL, SymbolKind.INPUT)
    own = project.snapshot.scopes
    for scopes in (own,) if symbol.kind in _OWN else project.scopes:
        around = scopes.all_labels_at if is_tensor else scopes.values_at
        for other in scopes.symbols:
            if not _is_same(symbol, other):
                continue
            for span in other.places:
                clash = around(span.start).get(name) if span.source is scopes.source else None
                if clash is not None and clash is not other:
                    where = "" if scopes is own else f" in {Path(scopes.source.name).name}"
                    raise NotRenamed(f"`{name}` is already a {clash.kind.value} there{where}")


def _is_same(one: Symbol, other: Symbol) -> bool:
    """Whether two symbols, each as one file sees it, are defined in the same place."""
    places = [{(s.source.name, s.start) for s in symbol.definitions} for symbol in (one, other)]
    return bool(places[0] & places[1])


def _places(spans: list[Span]) -> tuple[TextPlace, ...]:
    return tuple(TextPlace(span.source.name, span.start, span.end) for span in spans)
