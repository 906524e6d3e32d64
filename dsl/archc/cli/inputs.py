"""What a name on the command line stands for: a file, a folder of files, a bundled network, `-`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from archc import files
from archc.cli.exit_codes import Stop
from archc.source import Limits, Source


@dataclass(frozen=True, slots=True)
class Input:
    """One text to compile. `project` is the folder that its `use`s must not leave."""

    path: Path | None  # None: standard input
    project: Path
    folder: Path | None = None  # the folder on the command line that it was found in
    is_bundled: bool = False  # named as a network that comes with archc

    @property
    def name(self) -> str:
        return str(self.path) if self.path else "<stdin>"

    @property
    def relative(self) -> Path:
        """Where its output goes inside the output folder."""
        assert self.path is not None
        inside = self.path.relative_to(self.folder) if self.folder else Path(self.path.name)
        return inside.with_name(self.stem)

    @property
    def stem(self) -> str:
        """Its file's name, as a Python module may be called."""
        stem = self.path.stem if self.path else "stdin"
        return re.sub(r"\W", "_", stem)

    def read(self, limits: Limits) -> Source:
        """The text. What was found in a folder must lie there, or in the project, as for `use`.

        Raises archc.files.Unreadable.
        """
        if self.path is None:
            return files.read_stdin(limits)
        inside = (self.folder, self.project) if self.folder else ()
        return files.read(self.path, limits, inside=inside)


def find(name: str, project: str | None = None) -> list[Input]:
    """The inputs that a name stands for. A file or folder goes before a bundled network.

    `use` may reach the folder that was named, or a named file's own, unless `project` says more.
    Raises Stop where there is nothing of that name.
    """
    if project is not None and not Path(project).is_dir():
        raise Stop(f"no such folder: {project}")
    inside = Path(project) if project is not None else None
    path = Path(name)
    if name == files.STDIN:
        return [Input(None, inside or Path())]
    if path.is_dir():
        return _folder(path, inside or path)
    # os.path.lexists: a dangling link or an unreadable folder is for `read` to explain.
    if path.is_symlink() or path.exists() or not name.isidentifier():
        return [Input(path, inside or path.parent)]
    return [_bundled(name)]


def find_one(name: str, project: str | None, command: str) -> Input:
    """The one network that a command takes. Raises Stop for a folder, or nothing of that name."""
    first = find(name, project)[0]
    if first.folder is not None:
        raise Stop(f"{name} is a folder; {command} takes one network")
    return first


def _folder(folder: Path, project: Path) -> list[Input]:
    """Every `.arch` file below; what is hidden, and folders that are links, are left out."""
    found: list[Path] = []
    folders = [folder]
    while folders:
        here = folders.pop()
        try:
            entries = list(os.scandir(here))
        except OSError as error:
            raise Stop(f"cannot read the folder {here}: {(error.strerror or '').lower()}") from None
        shown = [entry for entry in entries if not entry.name.startswith(".")]
        folders += [here / e.name for e in shown if e.is_dir(follow_symlinks=False)]
        found += [here / e.name for e in shown if e.name.endswith(".arch") and not os.path.isdir(e)]
    if not found:
        raise Stop(f"no .arch files in {folder}")
    return [Input(path, project, folder) for path in sorted(found)]


def _bundled(name: str) -> Input:
    from archc.api import bundled

    networks = bundled()
    if name not in networks:
        raise Stop(f"no file or bundled network {name!r}{meant(name, networks)}")
    return Input(networks[name], networks[name].parent, is_bundled=True)


def meant(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?`, or nothing."""
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
