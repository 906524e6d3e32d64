"""Texts: what a command line names, what a file uses, and a file once more at other params."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from archc import data, syntax
from archc.analysis.advice import Known
from archc.analysis.costs import Cost, Costs
from archc.elaborate.carry import Carrier, OwnBodies
from archc.elaborate.network import elaborate, link
from archc.files import Unreadable, read, read_stdin, resolve_use
from archc.ops import Dims
from archc.plan import Body, Plan
from archc.project import Project
from archc.recursion import deep_recursion
from archc.source import Diagnostic, Diagnostics, Fault, Fix, Limits, Source, fault, spelling
from archc.syntax.parser import parse


class Reader(Protocol):
    """Reads a file that another uses, as `archc.files.read` does. Raises Unreadable."""

    def __call__(self, path: Path, limits: Limits, /, *, inside: Collection[Path]) -> Source: ...


def source_of(path: str | Path, limits: Limits | None = None) -> Source:
    """The text that a command line names: a path, `-` or a bundled network's name.

    Raises Unreadable.
    """
    if path == "-":
        return read_stdin(limits)
    if isinstance(path, str) and not Path(path).exists() and path in bundled():
        return read(bundled()[path], limits)
    return read(Path(path), limits)


def bundled() -> dict[str, Path]:
    """The networks that come with archc, by name."""
    return {path.stem: path for path in sorted(data.ARCHS.glob("*.arch"))}


@dataclass(frozen=True)
class Elaborator:
    """Elaborates one linked file at any values of its params."""

    file: syntax.File
    load: Loader
    limits: Limits
    given: Mapping[str, Any]
    shared: dict[Any, Body] = field(default_factory=dict, repr=False)
    inputs: Mapping[str, Dims] = field(default_factory=dict)
    made: dict[str, Plan | None] = field(default_factory=dict, repr=False)

    def __call__(self, params: Mapping[str, Any], trace_sizes: bool = False) -> Plan | None:
        """The plan at other values of some params, or None where those do not fit."""
        key = repr((sorted(params.items()), trace_sizes))
        if key not in self.made:
            self.made[key] = self._make(params, trace_sizes)
        return self.made[key]

    @deep_recursion()
    def _make(self, params: Mapping[str, Any], trace_sizes: bool) -> Plan | None:
        diagnostics = Diagnostics()
        library = link(self.file, self.load, diagnostics)
        plan = elaborate(
            self.file,
            library,
            {**self.given, **params},
            diagnostics,
            self.limits,
            trace_sizes,
            {} if trace_sizes else self.shared,
            self.inputs,
        )
        return None if diagnostics.failed else plan


_MOST_BODIES = 5_000


@dataclass
class Kept:
    """What the last right text leaves for the next, nearly the same, as an editor asks for.

    The trees of the files that it uses, and the bodies of their blocks: what those cost, and what
    there is to remark on them. They are right while these files are as they were. Of the text's
    own blocks the bodies, which are right where `OwnBodies` says so.
    """

    bodies: dict[Any, Body] = field(default_factory=dict)
    own: OwnBodies = field(default_factory=OwnBodies)
    costs: dict[Body, Cost] = field(default_factory=dict)
    remarks: Known = field(default_factory=dict)
    trees: dict[str, tuple[str, syntax.File, tuple[Diagnostic, ...]]] = field(default_factory=dict)

    def parse(self, source: Source, limits: Limits) -> tuple[syntax.File, tuple[Diagnostic, ...]]:
        """Parse a used file, or return its tree if it is as it was."""
        before = self.trees.get(source.name)
        if before is not None and before[0] == source.text:
            return before[1:]
        if before is not None:
            self.bodies, self.own, self.costs, self.remarks = {}, OwnBodies(), {}, {}
        file, wrong = parse(source, limits)
        self.trees[source.name] = (source.text, file, wrong)
        return file, wrong

    def carrier(self) -> Carrier:
        """Return what takes the bodies of own blocks to the next text."""
        return Carrier(self.own, frozenset(self.bodies.values()))

    def keep(self, bodies: dict[Any, Body], own: OwnBodies, costs: Costs) -> None:
        """Keep the bodies of a text without mistakes, or none where they are too many."""
        is_small = len(bodies) + len(own.bodies) <= _MOST_BODIES
        self.bodies, self.own = (bodies, own) if is_small else ({}, OwnBodies())
        self.costs = {body: costs.of_body(body) for body in self.bodies.values()}
        kept = {*self.costs}
        self.remarks = {key: found for key, found in self.remarks.items() if key[0] in kept}


_PROJECT = "`--project DIR` says which folder it is, or `[tool.archc]` in pyproject.toml"


Naming = syntax.Use | syntax.Extends  # a line that names a file


@dataclass
class Loader:
    """Loads what a file uses or extends, from within the project's folder, each file once.

    A bundled network may be extended, too, and uses what it is bundled with.
    """

    project: Project
    limits: Limits
    diagnostics: Diagnostics
    files: dict[Path, syntax.File] = field(default_factory=dict)
    read: Reader = read
    kept: Kept | None = None
    bundled: set[str] = field(default_factory=set)  # names of files, of those that were loaded

    def __call__(self, line: Naming, source: Source) -> syntax.File:
        if self._is_bundled(line):
            self.bundled.add(str(bundled()[line.path.value]))
        elif isinstance(line, syntax.Extends) and line.path.value.isidentifier():
            raise _no_bundled(line, source)
        found = self.path_of(line, source)
        if isinstance(found, str):
            cure = _PROJECT if "project" in found else ""
            done = "used" if isinstance(line, syntax.Use) else "extended"
            raise fault("A503", f"this file cannot be {done}: {found}", line.path.span, cure)
        if source.name in self.bundled:
            self.bundled.add(str(found))
        if found not in self.files:
            try:
                text = self.read(found, self.limits, inside=self.folders_of(found))
            except Unreadable as error:
                if error.diagnostic.code == "A503":
                    raise fault("A503", error.diagnostic.title, line.path.span) from None
                files = {path.stem for path in found.parent.glob("*.arch")} - {
                    Path(source.name).stem
                }
                hint = _bundled_instead(line) or _similar_file(line, found.stem, files)
                raise fault(
                    "A501", error.diagnostic.title, line.path.span, hint or self._searched()
                ) from None
            parsed = self.kept.parse if self.kept is not None else parse
            self.files[found], wrong = parsed(text, self.limits)
            self.diagnostics.extend(wrong)
        return self.files[found]

    def path_of(self, line: Naming, source: Source) -> Path | str:
        """Return the file that a line names, there or not, or why it may not be read."""
        if self._is_bundled(line):
            return bundled()[line.path.value]
        return resolve_use(Path(source.name), line.path.value, self._project_of(source.name))

    def folders_of(self, path: Path) -> tuple[Path, ...]:
        """Return the folders that a file must lie in."""
        return self._project_of(str(path)).folders

    def _is_bundled(self, line: Naming) -> bool:
        named = isinstance(line, syntax.Extends) and line.path.value.isidentifier()
        return named and line.path.value in bundled()

    def _project_of(self, name: str) -> Project:
        """Where a file may name others."""
        return Project(data.ARCHS) if name in self.bundled else self.project

    def _searched(self) -> str:
        """Where else a file that is not there was looked for."""
        names = ", ".join(str(folder) for folder in self.project.libraries)
        return f"it is in none of the project's libraries, either: {names}" if names else ""


def _no_bundled(line: syntax.Extends, source: Source) -> Fault:
    """`extends "resnet51"`."""
    name = line.path.value
    beside = Path(source.name).with_name(f"{name}.arch")
    if beside.is_file():
        cure: Fix | str | None = Fix(
            f"a file is named whole: `{beside.name}`", line.path.span, f'"{beside.name}"'
        )
    else:
        known = spelling(name, bundled(), line.path.span)
        cure = replace(known, text=f'"{known.text}"') if known is not None else None
    title = f"there is no bundled network `{name}`"
    return fault("A501", title, line.path.span, cure or "`archc list` names them")


def _bundled_instead(line: Naming) -> Fix | None:
    """`extends "resnet50.arch"`: no such file is beside it, but such a network comes with archc."""
    name = line.path.value.removesuffix(".arch")
    if not isinstance(line, syntax.Extends) or name not in bundled():
        return None
    return Fix(f'the bundled network is `"{name}"`', line.path.span, f'"{name}"')


def _similar_file(use: Naming, stem: str, files: Collection[str]) -> Fix | None:
    """The file of nearly that name in the same folder."""
    cure = spelling(stem, files, use.path.span)
    if cure is None:
        return None
    folder = use.path.value.rpartition("/")[0]
    path = f"{folder}/{cure.text}.arch" if folder else f"{cure.text}.arch"
    return Fix(f"did you mean `{cure.text}.arch`?", use.path.span, f'"{path}"')
