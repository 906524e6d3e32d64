"""What a page reads that has one text and no folder: the files that come with archc."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from archc import data, files
from archc.source import Limits, Source


def read_bundled(
    path: Path, limits: Limits | None = None, *, inside: Collection[Path] = ()
) -> Source:
    """Return a file that comes with archc. Raises archc.files.Unreadable, which says so."""
    try:
        return files.read(path, limits, inside=inside)
    except files.Unreadable as failure:
        if failure.diagnostic.code != "A501":
            raise
        name = path.relative_to(data.ARCHS) if path.is_relative_to(data.ARCHS) else path.name
        title = (
            f"there is no `{name}` here: the playground holds one file; those that come with archc "
            "can be used, as `blocks/resnet.arch`"
        )
        raise files.Unreadable(replace(failure.diagnostic, title=title), io=failure.io) from None
