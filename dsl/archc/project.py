"""Where `use` may go: the project's folder, and the libraries that its owner names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Project:
    """The folders that `use` must not leave. No `.arch` file can name one of them.

    What a file names is looked for beside it, then in the libraries, in their order.
    """

    folder: Path
    libraries: tuple[Path, ...] = ()

    @classmethod
    def of(cls, given: Path | Project) -> Project:
        """Return a project, where a folder alone is one without libraries."""
        return given if isinstance(given, Project) else cls(given)

    @property
    def folders(self) -> tuple[Path, ...]:
        return self.folder, *self.libraries

    def has(self, path: Path) -> bool:
        """Whether a path lies in one of the folders, links followed. Raises OSError."""
        target = path.resolve()
        return any(target.is_relative_to(folder.resolve()) for folder in self.folders)
