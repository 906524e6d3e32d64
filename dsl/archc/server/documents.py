"""The texts that are open in an editor, and one thread that works on them.

The newest text of each is noted at once; work is done in order, and work for a text that is not
the newest any more is refused, or stopped where it has begun.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pygls.uris import to_fs_path

from archc.recursion import deep_recursion
from archc.server.positions import TextLines
from archc.source import Limits, Source

if TYPE_CHECKING:
    from archc.configuration import Configuration
    from archc.editor.card import CardSetting
    from archc.editor.document import Document
    from archc.editor.findings import Finding

Answer = TypeVar("Answer")


class Stale(Exception):
    """What was asked is about a text that is not the newest any more."""


@dataclass(eq=False)
class OpenText:
    """A text that is open: `version` counts its changes, `document` is for the worker alone."""

    uri: str
    path: Path
    text: str
    document: Document
    version: int = 0
    waiting: int = 0  # questions that somebody waits to be answered
    saved: bool = True  # nothing to tell the document
    edited_line: int = -1  # where it was last changed, counted from 0
    shown: tuple[Finding, ...] = ()  # the diagnostics that the client has

    uses: frozenset[Path] = frozenset()  # files, as of the last analysis
    reads: set[Path] = field(default_factory=set)  # and what one that has begun has read by now
    outdated: bool = False  # one of them has changed

    def outdate(self) -> None:
        """Note that a file that it uses has changed."""
        self.outdated = True
        self.version += 1

    def note(self, text: str) -> None:
        """Take a newer text."""
        self.edited_line = _changed_line(self.text, text)
        self.text = text
        self.version += 1


@dataclass(eq=False)
class OpenTexts:
    """All texts that are open, by URI. `encoding` is what columns are counted in."""

    encoding: str = "utf-16"
    annotates: bool = False  # the client shows what is said of a change
    disables: bool = False  # the client shows actions that cannot be done, and why
    takes_snippets: bool = False  # the client goes on inside of the brackets that it puts in
    shows: bool = False  # the client opens documents that the server names
    say: Callable[[str], None] = print  # shows a message to the user
    card: CardSetting | None = None  # of the editor's settings
    newest: str = ""  # the text that was opened or changed last
    folders: list[Path] = field(default_factory=list)  # of the workspace
    texts: dict[str, OpenText] = field(default_factory=dict)
    _worker: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))

    def open(self, uri: str, path: Path, text: str) -> OpenText:
        """Take a text that was opened."""
        self.texts[uri] = self._opened(uri, path, text)
        self.newest = uri
        return self.texts[uri]

    def opened(self, uri: str) -> OpenText | None:
        """Return the text of a URI: one that is open, or a file that is read for one question."""
        from archc import files

        if uri in self.texts or not uri.startswith("file:"):
            return self.texts.get(uri)
        path = Path(to_fs_path(uri) or "")
        project = _configuration(path.parent).project_of(self._own_folder(path))
        try:
            text = files.read(path, Limits(), inside=project.folders).text
        except files.Unreadable:
            return None
        return self._opened(uri, path, text)

    def _opened(self, uri: str, path: Path, text: str) -> OpenText:
        from archc.editor.document import Document  # what takes long to import

        reads: set[Path] = set()

        def read(used: Path, limits: Limits, /, *, inside: Collection[Path]) -> Source:
            reads.add(used)  # first: if it changes from here on, that must be told
            return self.read(used, limits, inside=inside)

        said = _configuration(path.parent)
        project, limits = said.project_of(self._own_folder(path)), Limits(**said.limits)
        document = Document(text, path, read, project, limits)
        return OpenText(uri, path, text, document, reads=reads)

    def close(self, uri: str) -> OpenText | None:
        """Forget a text; return it."""
        closed = self.texts.pop(uri, None)
        if closed is not None:
            closed.version += 1
        return closed

    async def warm_up(self) -> None:
        """Import and make what the first answers will need, before there is a question."""
        await asyncio.get_running_loop().run_in_executor(self._worker, _warm_up)

    async def rest(self) -> None:
        """Look for what is not used any more, while nobody types."""
        await asyncio.get_running_loop().run_in_executor(self._worker, gc.collect)

    def read(self, path: Path, limits: Limits, /, *, inside: Collection[Path] = ()) -> Source:
        """Read what a text uses: as it is in the editor, or else on the disk."""
        for opened in [*self.texts.values()]:
            if opened.path == path:
                return Source(str(path), opened.text)
        from archc import files

        return files.read(path, limits, inside=inside)

    def lines(self, path: Path) -> TextLines | None:
        """Return the lines of a file, as it is in the editor or on the disk."""
        from archc import files

        try:
            return TextLines(self.read(path, Limits()).text, self.encoding)
        except files.Unreadable:
            return None

    def users_of(self, path: Path) -> list[OpenText]:
        """Return the open texts that use the file at a path."""
        return [text for text in self.texts.values() if path in text.uses or path in text.reads]

    async def ask(self, opened: OpenText, work: Callable[[Document], Answer]) -> Answer:
        """Return what `work` makes of the newest text. Raises Stale once there is a newer one.

        A question that is taken back is not worked on, and an analysis stops that nobody waits for.
        """
        version = opened.version
        loop = asyncio.get_running_loop()
        opened.waiting += 1
        try:
            answer = await loop.run_in_executor(self._worker, self._do, opened, version, work)
        finally:
            opened.waiting -= 1
        if opened.version != version:
            raise Stale
        return answer

    def _do(self, opened: OpenText, version: int, work: Callable[[Document], Answer]) -> Answer:
        def is_spare() -> bool:
            return opened.version != version or not opened.waiting

        if is_spare():
            raise Stale
        from archc.api import Cancelled

        document = opened.document
        document.change(opened.text)
        if opened.outdated:
            opened.outdated = False
            document.forget()
        if not opened.saved:
            document.save()
            opened.saved = True
        opened.reads.clear()
        try:
            with deep_recursion():
                opened.uses = document.analyse(is_spare).uses
                return work(document)
        except Cancelled:
            raise Stale from None

    def _own_folder(self, path: Path) -> Path:
        """The folder that `use` must stay inside unasked: the workspace's, or the file's own."""
        around = [folder for folder in self.folders if path.is_relative_to(folder)]
        return max(around, key=lambda folder: len(folder.parts), default=path.parent)


def _configuration(folder: Path) -> Configuration:
    """What pyproject.toml says; nothing where it is wrong, which `archc check` tells."""
    from archc.configuration import Configuration, ConfigurationError, find_configuration

    try:
        return find_configuration(folder)
    except ConfigurationError:
        return Configuration()


def _warm_up() -> None:
    import_module("archc.server.requests")
    import_module("archc.editor.samples").samples()
    gc.collect()
    gc.freeze()  # what is there now stays: no search goes through it again


def _changed_line(old: str, new: str) -> int:
    """The first line that is not as it was."""
    most = min(len(old), len(new))
    step, same = max(most // 2, 1), 0
    while step and same < most:  # halve until the place is found
        if old[same : same + step] == new[same : same + step] and same + step <= most:
            same += step
        else:
            step //= 2
    return new.count("\n", 0, same)
