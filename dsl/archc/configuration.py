"""What `[tool.archc]` in the user's pyproject.toml says, found from a file's folder upward."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any

from archc.files import Unreadable, read
from archc.project import Project
from archc.source import Limits

NAME = "pyproject.toml"
_PACKAGE = "package:"
_LIMITS = {f"max-{bound.name.replace('_', '-')}": bound.name for bound in fields(Limits)}


class ConfigurationError(ValueError):
    """A pyproject.toml that cannot be read, or says what archc does not know."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a project's owner has settled. Empty where there is no `[tool.archc]`."""

    project: Path | None = None  # the folder that `use` must not leave
    libraries: tuple[Path, ...] = ()
    limits: Mapping[str, int] = field(default_factory=dict)  # by the names of `Limits`

    def project_of(self, folder: Path) -> Project:
        """Return where `use` may go in a file, or a folder of them, that lies in `folder`."""
        inside = self.project is not None and folder.resolve().is_relative_to(
            self.project.resolve()
        )
        return Project(self.project if inside and self.project else folder, self.libraries)


def find_configuration(folder: Path) -> Configuration:
    """Read the nearest pyproject.toml with a `[tool.archc]`, here or above.

    Raises ConfigurationError.
    """
    here = Path(os.path.abspath(folder))
    for above in (here, *here.parents):
        path = above / NAME
        if path.is_file():
            said = _table(path)
            if said is not None:
                return _read(path, said)
    return Configuration()


def _table(path: Path) -> Any:
    """The table `[tool.archc]`, or None where there is none."""
    import tomllib

    try:
        tool = tomllib.loads(read(path).text.removeprefix("\ufeff")).get("tool")
    except Unreadable as failure:
        raise ConfigurationError(f"cannot read {path}: {failure.diagnostic.title}") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigurationError(f"{path} is no TOML: {error}") from None
    return tool.get("archc") if isinstance(tool, dict) else None


def _read(path: Path, said: Any) -> Configuration:
    wrong = partial(_wrong, path)
    if not isinstance(said, dict):
        raise wrong("`tool.archc` is a table: write `[tool.archc]` on a line of its own")
    known = ("project", "libraries", *_LIMITS)
    for key in said:
        if key not in known:
            raise wrong(f"`[tool.archc]` has no `{key}`{_meant(key, known)}")
    project, libraries = said.get("project"), said.get("libraries", [])
    if project is not None and not isinstance(project, str):
        raise wrong('`project` is a folder: write `project = "nets"`, or "." for this one')
    if not isinstance(libraries, list) or not all(isinstance(name, str) for name in libraries):
        raise wrong('`libraries` is a list of folders: write `libraries = ["blocks"]`')
    limits = {}
    for key, name in _LIMITS.items():
        value = said.get(key)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            default = getattr(Limits(), name)
            raise wrong(f"`{key}` is a whole number of at least 1: write `{key} = {default}`")
        limits[name] = value
    return Configuration(
        _folder(path, "project", project) if project is not None else None,
        tuple(_folder(path, "libraries", name) for name in libraries),
        limits,
    )


def _folder(path: Path, key: str, name: str) -> Path:
    """The folder that a key names: relative to the pyproject.toml, absolute, or a package's."""
    if name.startswith(_PACKAGE) and key == "libraries":
        return _package_folder(path, name)
    found = Path(os.path.normpath(path.parent / name))
    if not name or "\0" in name or not found.is_dir():
        cure = "it is relative to that file"
        raise _wrong(path, f"`{key}` names {name!r}, and there is no such folder; {cure}")
    return found


def _package_folder(path: Path, name: str) -> Path:
    """The folder of `package:NAME` or below it. The package is found, and never imported."""
    from importlib.util import find_spec

    package, _, below = name.removeprefix(_PACKAGE).partition("/")
    if not package.isidentifier():
        raise _wrong(path, f'{name!r} names no package: write `"package:mynets/blocks"`')
    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        spec = None
    for home in spec.submodule_search_locations or () if spec is not None else ():
        found = Path(os.path.normpath(Path(home) / below))
        if found.is_relative_to(home) and found.is_dir():
            return found
    if spec is None:
        raise _wrong(path, f"{name!r}: no package `{package}` is installed beside archc")
    if spec.submodule_search_locations is None:
        cure = 'write a package, `"package:mynets/blocks"`, or a folder, `"blocks"`'
        raise _wrong(path, f"{name!r}: `{package}` is a module, no package with folders: {cure}")
    raise _wrong(path, f"{name!r}: the package `{package}` has no folder {below!r}")


def _wrong(path: Path, what: str) -> ConfigurationError:
    return ConfigurationError(f"{path}: {what}")


def _meant(key: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(key.replace("_", "-"), known, n=1)
    return f"; did you mean `{close[0]}`?" if close else f" (there are {', '.join(known)})"
