"""What a name on the command line stands for: a file, a folder of files, a bundled network, `-`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from archc import files
from archc.arguments import meant
from archc.cli.exit_codes import Stop
from archc.configuration import ConfigurationError, find_configuration
from archc.project import Project
from archc.source import Limits, Source


@dataclass(frozen=True, slots=True)
class Input:
    """One text to compile. `project` has the folders that its `use`s must not leave."""

    path: Path | None  # None: standard input
    project: Project
    folder: Path | None = None  # the folder on the command line that it was found in
    is_bundled: bool = False  # named as a network that comes with archc
    limits: Mapping[str, int] = field(default_factory=dict)  # of its pyproject.toml

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
        return Source(self.name, "").stem

    def read(self, limits: Limits) -> Source:
        """The text. What was found in a folder must lie there, or in the project, as for `use`.

        Raises archc.files.Unreadable.
        """
        if self.path is None:
            return files.read_stdin(limits)
        inside = (self.folder, *self.project.folders) if self.folder else ()
        return files.read(self.path, limits, inside=inside)


def find(name: str, project: str | None = None) -> list[Input]:
    """The inputs that a name stands for. A file or folder goes before a bundled network.

    `use` may reach the folder that was named, or a named file's own, unless `project` or
    pyproject.toml says more. Raises Stop where there is nothing of that name, or the
    pyproject.toml is wrong.
    """
    if project is not None and not Path(project).is_dir():
        raise Stop(f"no such folder: {project}")
    path = Path(name)
    if name == files.STDIN:
        return _configured([Input(None, Project(Path()))], project)
    if path.is_dir():
        return _configured(_folder(path), project)
    # os.path.lexists: a dangling link or an unreadable folder is for `read` to explain.
    if path.is_symlink() or path.exists() or not name.isidentifier():
        return _configured([Input(path, Project(path.parent))], project)
    return [_bundled(name)]


def _configured(inputs: list[Input], project: str | None) -> list[Input]:
    """The same with what pyproject.toml and `--project` say. Raises Stop.

    What counts is the file at the folder that the user has named, or above: one that lies deeper
    came with what is there, and must not open the folders around it.
    """
    own = inputs[0].project.folder
    try:
        said = find_configuration(own)
    except ConfigurationError as error:
        raise Stop(str(error)) from None
    where = said.project_of(own)
    if project is not None:
        where = replace(where, folder=Path(project))
    return [replace(input, project=where, limits=said.limits) for input in inputs]


def find_one(name: str, project: str | None, command: str) -> Input:
    """The one network that a command takes. Raises Stop for a folder, or nothing of that name."""
    first = find(name, project)[0]
    if first.folder is not None:
        raise Stop(f"{name} is a folder; {command} takes one network")
    return first


def _folder(folder: Path) -> list[Input]:
    """Every `.arch` file below; what is hidden, and folders that are links, are left out."""
    found: list[Path] = []
    folders = [folder]
    while folders:
        here = folders.pop()
        try:
            entries = list(os.scandir(here))
        except OSError as error:
            raise Stop(f"cannot read the folder {here}: {files.reason(error)}") from None
        shown = [entry for entry in entries if not entry.name.startswith(".")]
        folders += [here / e.name for e in shown if e.is_dir(follow_symlinks=False)]
        found += [here / e.name for e in shown if e.name.endswith(".arch") and not os.path.isdir(e)]
    if not found:
        raise Stop(f"no .arch files in {folder}")
    return [Input(path, Project(folder), folder) for path in sorted(found)]


def _bundled(name: str) -> Input:
    from archc.api import bundled

    networks = bundled()
    if name not in networks:
        raise Stop(f"no file or bundled network {name!r}{meant(name, networks)}")
    return Input(networks[name], Project(networks[name].parent), is_bundled=True)
