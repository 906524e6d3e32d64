"""The files of a project that use one another: what the one at hand cannot know by itself."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from archc import syntax
from archc.api.loading import Naming
from archc.editor.snapshot import Snapshot, is_known
from archc.files import Unreadable
from archc.scopes import Scopes, Symbol, resolve
from archc.source import Limits, Source, Span
from archc.syntax.parser import parse

_USE = re.compile(r'(?m)(?:^|;)\s*(?:use|extends)\s*"')
_MOST = 2_000  # folders that are looked into


@dataclass(eq=False)
class ProjectFiles:
    """The other files of a snapshot's project, as they are in the editor or on the disk."""

    snapshot: Snapshot
    _files: dict[Path, syntax.File | None] = field(default_factory=dict)

    @cached_property
    def scopes(self) -> list[Scopes]:
        """The scopes of the text, and of each file of the project that names others."""
        files = (file for path in self._paths() if (file := self._file(path)) is not None)
        users = (file for file in files if _USE.search(file.span.source.text))
        return [self.snapshot.scopes, *(resolve(file, self._used, is_known) for file in users)]

    def users_of(self, names: Collection[str]) -> list[str]:
        """Return the files that these files are part of: themselves, and what uses them."""
        found = [
            scopes.source.name
            for scopes in self.scopes
            if any(s.source.name in names for symbol in scopes.symbols for s in symbol.definitions)
        ]
        return [*dict.fromkeys((*names, *found))]

    def places(self, symbol: Symbol, *, uses_only: bool = False) -> list[Span]:
        """Return where a symbol stands in all files: its definitions are the same place."""
        defined = {(span.source.name, span.start) for span in symbol.definitions}
        found: dict[tuple[str, int], Span] = {}
        for scopes in self.scopes:
            for other in scopes.symbols:
                if any((s.source.name, s.start) in defined for s in other.definitions):
                    spans = other.uses if uses_only else other.places
                    found |= {(span.source.name, span.start): span for span in spans}
        return [found[key] for key in sorted(found)]

    def file_of(self, source: Source) -> syntax.File | None:
        """Return the tree of a file that a place is in."""
        if source is self.snapshot.source:
            return self.snapshot.file
        used = self.snapshot.analysis.again.load.files.values()
        trees = (file for file in (*used, *self._files.values()) if file is not None)
        return next((file for file in trees if file.span.source.name == source.name), None)

    def _paths(self) -> Iterator[Path]:
        """The `.arch` files of the folder, those of hidden folders left out."""
        own = Path(self.snapshot.source.name)
        for count, (folder, folders, names) in enumerate(os.walk(self.snapshot.project.folder)):
            if count > _MOST:
                return
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            paths = (Path(folder, name) for name in sorted(names) if name.endswith(".arch"))
            yield from (path for path in paths if path != own)

    def _used(self, line: Naming, source: Source) -> syntax.File | None:
        found = self.snapshot.analysis.again.load.path_of(line, source)
        return self._file(found) if isinstance(found, Path) else None

    def _file(self, path: Path) -> syntax.File | None:
        """The tree of a file; None where it cannot be read."""
        if str(path) == self.snapshot.source.name:
            return self.snapshot.file
        if path not in self._files:
            try:
                load = self.snapshot.analysis.again.load
                source = load.read(path, Limits(), inside=load.folders_of(path))
                self._files[path] = parse(source)[0]
            except Unreadable:
                self._files[path] = None
        return self._files[path]
