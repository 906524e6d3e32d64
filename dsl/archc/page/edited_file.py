"""The one file that the page edits: read, told when it changes, saved over what was seen alone."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path

from archc import files
from archc.record import record
from archc.source import Limits

NEW = ""  # the digest of a file that is not there
_PAUSE = 0.2  # seconds between looks at the disk
_BOM = "\ufeff"
_Stamp = tuple[int, int, int]


@record
class FileText:
    """A text as the page has it, with LF alone; `digest` says what was on the disk."""

    text: str
    digest: str


class ChangedOnDisk(Exception):
    """The file is not what the page has seen; `now` is what it is."""

    def __init__(self, now: FileText) -> None:
        super().__init__("the file has changed on the disk")
        self.now = now


class NotSaved(Exception):
    """Why a text could not be written: what is said to the user."""


class EditedFile:
    """A file by its path. One that is not there has `start` as its text until it is saved."""

    def __init__(self, path: Path, limits: Limits, start: str = "") -> None:
        self.path, self.limits, self.start = path, limits, start
        self._used: dict[Path, _Stamp] = {}  # of other files, as they were when they were read

    def read(self) -> FileText:
        """Return what is there now. Raises archc.files.Unreadable."""
        if not os.path.lexists(self.path):
            return FileText(self.start, NEW)
        text = files.read(self.path, self.limits).text
        digest = _digest(text.encode())
        return FileText(text.removeprefix(_BOM).replace("\r\n", "\n"), digest)

    def save(self, text: str, seen: str) -> FileText:
        """Put a text in place of what the page has seen, by its digest.

        A file that had a byte order mark, or CR LF on every line, keeps them. Raises ChangedOnDisk,
        and NotSaved with a reason.
        """
        target = Path(os.path.realpath(self.path))
        try:
            data = self._as_before(text)
            files.replace(target, data, last=lambda: self._check(seen))
        except files.Unreadable as failure:
            raise NotSaved(failure.diagnostic.title) from None
        except OSError as error:
            raise NotSaved(f"cannot write {self.path}: {files.reason(error)}") from None
        except UnicodeEncodeError:
            raise NotSaved(
                "the text has half of a character in it, which no file can have"
            ) from None
        return FileText(text, _digest(data))

    def wait(self, seen: str, seconds: float, others: Callable[[], list[Path]]) -> FileText | bool:
        """Wait until the file is not what was seen any more, and return it.

        True where another file that it uses is not as it was when it was noted, or when the waiting
        began; False where nothing changed for so long. `others` are the files that it uses now.
        """
        end = time.monotonic() + seconds
        before = _stamp(self.path)
        if (now := self._unlike(seen)) is not None:
            return now
        used: dict[Path, _Stamp] = {}
        while True:
            self.note(paths := others())
            used = {**{path: self._used[path] for path in paths}, **used}
            if changed := [path for path, stamp in used.items() if _stamp(path) != stamp]:
                self._used.update((path, _stamp(path)) for path in changed)
                return True
            if time.monotonic() >= end:
                return False
            time.sleep(_PAUSE)
            if _stamp(self.path) != before:
                before = _stamp(self.path)
                if (now := self._unlike(seen)) is not None:
                    return now

    def note(self, used: Iterable[Path]) -> None:
        """Take files as they are now for those that are used, if they were not noted before."""
        for path in used:
            if path not in self._used:
                self._used[path] = _stamp(path)

    def _unlike(self, seen: str) -> FileText | None:
        """What is there, if it is not what was seen; what cannot be read for now is no news."""
        try:
            now = self.read()
        except files.Unreadable:
            return None
        return now if now.digest != seen else None

    def _check(self, seen: str) -> None:
        now = self.read()
        if now.digest != seen:
            raise ChangedOnDisk(now)

    def _as_before(self, text: str) -> bytes:
        """The text with the line ends, and the mark at its start, that the file has."""
        old = files.read(self.path, self.limits).text if os.path.lexists(self.path) else ""
        if old.count("\n") and old.count("\n") == old.count("\r\n"):
            text = text.replace("\n", "\r\n")
        return ((_BOM if old.startswith(_BOM) else "") + text).encode()


def _digest(data: bytes) -> str:
    return sha256(data).hexdigest()


def _stamp(path: Path) -> _Stamp:
    try:
        status = path.stat()
    except OSError:
        return (0, 0, 0)
    return (status.st_mtime_ns, status.st_size, status.st_ino)
