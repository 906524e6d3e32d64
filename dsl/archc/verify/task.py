"""What a worker is told: a network, and which checks to run. As JSON between two processes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archc.project import Project
from archc.source import Limits, Source

if TYPE_CHECKING:
    from archc.api import Analysis


FOLDER = "archc-verify-"  # how the names of folders for temporary files begin


@dataclass(frozen=True, slots=True)
class Task:
    """The arguments of `analyze`, and a Python source to verify instead of the one it leads to."""

    path: str  # as messages name it; what it holds is `text`
    text: str
    folders: tuple[str, ...]  # of its project: the own one, and libraries
    params: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)
    source: str | None = None

    @classmethod
    def of(cls, analysis: Analysis, source: str | None = None) -> Task:
        """One that leads to the same analysis."""
        again = analysis.again
        limits = {f.name: getattr(again.limits, f.name) for f in fields(Limits)}
        inputs = {name: tuple(dims) for name, dims in again.inputs.items()}
        given, folders = analysis.source, tuple(map(str, again.load.project.folders))
        return cls(given.name, given.text, folders, again.given, inputs, limits, source)

    def analysis(self) -> Analysis:
        """The network. Raises archc.ArchError for mistakes, unseen by whoever wrote it."""
        from archc.api import ArchError, analyze

        folder, *libraries = map(Path, self.folders)
        found = analyze(
            Source(self.path, self.text),
            params=self.params,
            limits=Limits(**self.limits),
            project=Project(folder, tuple(libraries)),
            inputs=self.inputs,
        )
        if not found.ok or found.plan is None:
            raise ArchError(found.diagnostics)
        return found


def written(task: Task, checks: list[str]) -> bytes:
    """A line of JSON."""
    return json.dumps({"task": asdict(task), "checks": checks}).encode() + b"\n"


def read(line: bytes) -> tuple[Task, list[str]]:
    """What `written` wrote."""
    asked = json.loads(line)
    task = asked["task"]
    task["inputs"] = {name: tuple(dims) for name, dims in task["inputs"].items()}
    task["folders"] = tuple(task["folders"])
    return Task(**task), asked["checks"]
