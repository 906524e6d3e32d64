"""Text in, text out: reading sources within bounds, and writing files that nobody loses.

Reading refuses what is no text file or too large before it is in memory. Writing is atomic, and
generated files carry a stamp, so that one which somebody edited is never overwritten unasked.
"""

from __future__ import annotations

import os
import re
import stat
import sys
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from enum import StrEnum
from pathlib import Path, PurePosixPath, PureWindowsPath

from archc import __version__
from archc.project import Project
from archc.source import Diagnostic, Limits, Source, Span, SpanLabel

STDIN = "-"


def reason(error: Exception) -> str:
    """Return why a file or a port cannot be had, as a message ends."""
    said: str | None = getattr(error, "strerror", None)
    return said.lower() if said else str(error)


# --- reading -----------------------------------------------------------------------------


class Unreadable(Exception):
    """A source that could not be had. `io` where the file system, not the text, is at fault."""

    def __init__(self, diagnostic: Diagnostic, *, io: bool) -> None:
        super().__init__(diagnostic.title)
        self.diagnostic = diagnostic
        self.io = io


def read(path: Path, limits: Limits | None = None, *, inside: Collection[Path] = ()) -> Source:
    """The file's text as UTF-8, with a byte order mark left in for the parser.

    What is called `.arch` may be a link to such a file alone, and must lie in one of the folders
    `inside`, if any are given: a network from the web must not have lines of other files in an
    error message. Raises Unreadable: A501 no regular file that can be opened, A503 a link that is
    not followed, A008 larger than `limits.source_bytes` (known without reading it), A504 not UTF-8.
    """
    name, limits = str(path), limits or Limits()
    # A FIFO would block here and a device could do anything: look before opening, and do not
    # wait, or follow a link, if something was put there in between.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
    try:
        _refuse_special(name, os.stat(path))
        handle = os.open(_followed(path, inside), flags)
        with open(handle, "rb") as file:
            _refuse_special(name, os.fstat(handle))
            data = file.read(limits.source_bytes + 1)
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: links in a circle
        # ValueError: a NUL in the path
        raise _unreadable(name, f"cannot read {name}: {reason(error)}") from None
    return decode(name, data, limits)


def _followed(path: Path, inside: Collection[Path]) -> Path:
    """The file itself, links followed. Raises Unreadable A503."""
    target = path.resolve()
    if path.suffix == ".arch" != target.suffix and path.is_symlink():
        hint = "name the file itself"
        why = "it is a link to something else than an `.arch` file"
    elif inside and not any(target.is_relative_to(folder.resolve()) for folder in inside):
        hint = "`--project DIR` says which folder may be read; what you name yourself is read, too"
        why = f"it is a link out of the folder {_shown(next(iter(inside)))}"
    else:
        return target
    title = f"cannot read {path}: {why}"
    raise Unreadable(_about(str(path), "A503", title, hint), io=True)


def read_stdin(limits: Limits | None = None) -> Source:
    """Standard input, as `read` reads a file."""
    limits = limits or Limits()
    if sys.stdin is None or sys.stdin.closed:
        raise _unreadable("<stdin>", "cannot read standard input: it is closed")
    try:
        data = sys.stdin.buffer.read(limits.source_bytes + 1)
    except OSError as error:
        raise _unreadable("<stdin>", f"cannot read standard input: {reason(error)}") from None
    return decode("<stdin>", data, limits)


def decode(name: str, data: bytes, limits: Limits) -> Source:
    """Bytes to a source. Raises Unreadable A008 or A504."""
    if len(data) > limits.source_bytes:
        title = f"the text is larger than {limits.source_bytes:,} bytes"
        hint = "split it into files that `use` one another, or raise --max-source-bytes"
        raise Unreadable(_about(name, "A008", title, hint), io=False)
    try:
        return Source(name, data.decode("utf-8"))
    except UnicodeDecodeError as error:
        source = Source(name, data.decode("utf-8", errors="replace"))
        at = len(data[: error.start].decode("utf-8"))
        label = SpanLabel(Span(source, at, at + 1), f"byte {data[error.start]:#04x} is not UTF-8")
        hint = "save the file as UTF-8"
        raise Unreadable(
            Diagnostic("A504", "the file is not UTF-8 text", (label,), helps=(hint,)), io=False
        ) from None


def _refuse_special(name: str, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise _unreadable(name, f"cannot read {name}: it is a folder")
    if not stat.S_ISREG(status.st_mode):
        hint = "to read from a pipe, give `-` and redirect it to standard input"
        raise _unreadable(name, f"cannot read {name}: it is not a regular file", hint)


def _unreadable(name: str, title: str, hint: str = "") -> Unreadable:
    return Unreadable(_about(name, "A501", title, hint), io=True)


def _about(name: str, code: str, title: str, hint: str) -> Diagnostic:
    """A diagnostic about a file as a whole: it points at its first character."""
    start = Span(Source(name, ""), 0, 0)
    return Diagnostic(code, title, (SpanLabel(start),), helps=(hint,) if hint else ())


def resolve_use(base: Path, written: str, project: Path | Project) -> Path | str:
    """The file that `use "written"` in the file `base` means, or why it may not be used.

    Relative to the file that says it, or else to a library of the project that has it. It must be
    an `.arch` file and stay inside the project's folders, symbolic links followed: a network from
    the web must not read other files. The path stays as readable as `base` is; whether the file
    exists is for `read` to say.
    """
    project = Project.of(project)
    if any(mark in written for mark in "\r\n\t"):  # of `\resnet`, as Windows would write it
        return "the path has control characters: write paths with `/`, on every system"
    if not written.isprintable() or not written:
        return "the path is empty or has control characters"
    if "\\" in written:
        return "write paths with `/`, on every system"
    if PurePosixPath(written).is_absolute() or PureWindowsPath(written).drive:
        return "the path is absolute; give it relative to this file"
    if not written.endswith(".arch"):
        return "only files that end in `.arch` can be used"
    beside, *others = (
        Path(os.path.normpath(folder / written)) for folder in (base.parent, *project.libraries)
    )
    try:
        inside = project.has(beside)
        if inside and (not others or beside.exists()):
            return beside
        found = [path for path in others if project.has(path) and path.is_file()]
    except (OSError, RuntimeError):  # a loop of symbolic links
        return "the path cannot be followed to its end"
    if found:
        return found[0]
    return beside if inside else f"the path leaves the project's folder, {_shown(project.folder)}"


def _shown(folder: Path) -> str:
    return f"`{folder.resolve().name or folder.resolve()}`"


# --- stamps ------------------------------------------------------------------------------


class OutputState(StrEnum):
    """What a writer finds at its output path."""

    MISSING = "missing"
    PRISTINE = "pristine"  # archc wrote it, and nobody touched it since
    EDITED = "edited"  # archc wrote it, somebody changed it
    FOREIGN = "foreign"  # archc did not write it


# The first digits of the hash are of the source, the others of the text itself; files of earlier
# releases have a whole hash of each.
_STAMP = re.compile(
    r"archc \S{1,40} · (?:source sha256:[0-9a-f]{16} · body sha256:|sha256:[0-9a-f]{6})"
    r"([0-9a-f]{16}|[0-9a-f]{10})(?![0-9a-f])".encode()
)
_OF_SOURCE, _OF_TEXT = 6, 10  # digits
_COMMENTS = {
    ".svg": ("<!-- ", " -->"),
    ".html": ("<!-- ", " -->"),
    ".dot": ("// ", ""),
    ".gv": ("// ", ""),
    ".pdf": ("% ", ""),
    ".mmd": ("%% ", ""),
    ".tex": ("% ", ""),
    ".drawio": ("<!-- ", " -->"),
}
_LINE = re.compile(rb"(?m)^(?:#|//|%%?|<!--) (.+?)(?: -->)?\r?\n?\Z")  # the last line of a text
_PNG, _PNG_END, _PNG_COMMENT = b"\x89PNG", 12, b"iTXtComment\0\0\0\0\0"
_ZIP = b"PK\x03\x04"  # a PT2 file; its end has a comment
_ONNX = b"\x0a\x05archc\x12"  # a metadata entry of the key `archc`, as protobuf has it
_TAIL = 300  # a stamp is within so many bytes of the end


def stamp(text: str, source_text: str, suffix: str = ".py") -> str:
    """`text` with a last line that says which archc made it, from what, and how it was then."""
    return stamp_bytes(text.rstrip("\n").encode() + b"\n", source_text, suffix).decode()


def stamp_bytes(data: bytes, source_text: str, suffix: str) -> bytes:
    """`stamp` for any generated file: a comment in the last line, a chunk of a PNG, the comment of
    a PT2 archive, a metadata entry of an ONNX model.
    """
    body, _ = _parted(data)
    if suffix == ".py":
        body = body.rstrip(b"\n") + b"\n\n\n"  # as Python has it before a comment of its own
    source = _digest(source_text.encode())
    digits = source[:_OF_SOURCE] + _digest(body)[:_OF_TEXT]
    facts = f"archc {__version__} · sha256:{digits}"
    if body.startswith(_PNG):
        return body[:-_PNG_END] + _png_comment(facts.encode()) + body[-_PNG_END:]
    if body.startswith(_ZIP):
        return body[:-2] + _zip_comment(facts.encode())
    if suffix == ".onnx":
        return body + _onnx_entry(facts.encode())
    before, after = _COMMENTS.get(suffix, ("# ", ""))
    return body + f"{before}{facts}{after}\n".encode()


def same_text(a: bytes, b: bytes) -> bool:
    """Whether two files say the same. A checkout that turned LF into CRLF is no edit."""
    return a.replace(b"\r\n", b"\n") == b.replace(b"\r\n", b"\n")


def state(path: Path) -> OutputState:
    """Whether the file at `path` may be overwritten without a loss. Raises OSError."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
            tail = file.read(_TAIL)
            if tail.strip() and not _STAMP.search(tail):
                return OutputState.FOREIGN  # whatever its size
            file.seek(0)
            return _state(file.read())
    except FileNotFoundError:
        return OutputState.MISSING


def _state(data: bytes) -> OutputState:
    if not data.strip():
        return OutputState.PRISTINE  # nothing to lose
    body, digest = _parted(data)
    if digest is not None:
        return OutputState.PRISTINE if _digest(body).startswith(digest) else OutputState.EDITED
    return (
        OutputState.EDITED
        if _STAMP.search(data, max(0, len(data) - _TAIL))
        else OutputState.FOREIGN
    )


def _parted(data: bytes) -> tuple[bytes, str | None]:
    """The content without its stamp, and what that says of it; None where none is in its place."""
    for found in _STAMP.finditer(data, max(0, len(data) - _TAIL)):
        facts, digest = found[0], found[1].decode()
        comment, entry = _zip_comment(facts), _onnx_entry(facts)
        if data.startswith(_PNG):
            chunk = _png_comment(facts)
            if data[:-_PNG_END].endswith(chunk):
                return data[: -_PNG_END - len(chunk)] + data[-_PNG_END:], digest
        elif data.startswith(_ZIP):
            if data.endswith(comment):
                return data[: -len(comment)] + b"\0\0", digest
        elif data.endswith(entry):
            return data[: -len(entry)], digest
        elif (line := _LINE.search(data, max(0, len(data) - _TAIL))) and line[1] == facts:
            return data[: line.start()], digest
    return data, None


def _zip_comment(text: bytes) -> bytes:
    return len(text).to_bytes(2, "little") + text


def _png_comment(text: bytes) -> bytes:
    from zlib import crc32

    chunk = _PNG_COMMENT + text
    return (len(chunk) - 4).to_bytes(4) + chunk + crc32(chunk).to_bytes(4)


def _onnx_entry(text: bytes) -> bytes:
    """Field 14 of a ModelProto: protobuf takes another entry of a list wherever it comes."""
    entry = _ONNX + len(text).to_bytes(1) + text
    return b"\x72" + len(entry).to_bytes(1) + entry


def _digest(data: bytes) -> str:
    """16 hex digits. A checkout that turned LF into CRLF is no edit."""
    from hashlib import sha256

    return sha256(data.replace(b"\r\n", b"\n")).hexdigest()[:16]


# --- writing -----------------------------------------------------------------------------


class Refused(Exception):
    """The output path holds something that archc must not overwrite unasked."""


def write(path: Path, content: str | bytes, *, force: bool = False) -> bool:
    """Writes a stamped file; False where it is there already, byte for byte.

    Overwrites only what archc left there, unless `force`. A symbolic link stays, and what it
    points to is written. Raises Refused, OSError.
    """
    data = content.encode() if isinstance(content, str) else content
    if _is_special(path):
        with path.open("wb") as file:  # /dev/null, /dev/stdout, a FIFO: nothing to replace
            file.write(data)
        return True
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(21, "it is a folder", str(path))
    if target.exists() and target.stat().st_size == len(data) and target.read_bytes() == data:
        return False
    if force:
        replace(target, data)
    else:
        check(path)
        replace(target, data, last=lambda: check(path))
    return True


def rewrite(path: Path, before: str, after: str) -> None:
    """Put `after` in place of the text `before`, in one step. A symbolic link stays.

    Raises Refused where the file is not `before` any more, OSError.
    """
    target = Path(os.path.realpath(path))

    def check_same() -> None:
        if target.read_bytes() != before.encode():
            raise Refused(f"{path} was edited meanwhile; nothing is changed")

    replace(target, after.encode(), last=check_same)


def check(path: Path) -> None:
    """Raises Refused where `write` would without `force`, whatever it is given; OSError."""
    if _is_special(path) or path.is_dir():
        return
    found = state(path)
    if found is OutputState.EDITED:
        raise Refused(f"{path} was edited since archc wrote it; --force overwrites it")
    if found is OutputState.FOREIGN:
        raise Refused(f"{path} was not written by archc; --force overwrites it")
    if found is OutputState.MISSING and path.is_symlink():
        raise Refused(f"{path} is a link to what is not there; --force makes it")


def _is_special(path: Path) -> bool:
    """Whether something is there that is no file or folder. Raises OSError."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def replace(target: Path, data: bytes, *, last: Callable[[], None] = lambda: None) -> None:
    """Puts `data` at `target` in one step: a reader, or a crash, sees the old file or the new.

    Keeps the old file's owner and permissions. `last` is called right before that step, and may
    raise: what somebody saved while `data` went to the disk is not lost. Raises OSError, and then
    leaves nothing behind; what a process that was killed left, the next one takes away.
    """
    old = target.stat() if target.exists() else None
    if old is not None and not os.access(target, os.W_OK):
        raise PermissionError(13, "Permission denied", str(target))
    _sweep(target.parent)
    # As `tempfile` would name it; but that makes files without asking the umask.
    temporary = target.with_name(f".archc-{os.urandom(8).hex()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    handle = os.open(temporary, flags, 0o666 if old is None else 0o600)
    try:
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            if old is not None:
                with suppress(AttributeError, OSError):  # Windows has neither; root alone may
                    os.fchown(file.fileno(), old.st_uid, old.st_gid)
                with suppress(AttributeError):
                    os.fchmod(file.fileno(), stat.S_IMODE(old.st_mode))
            os.fsync(file.fileno())
        last()
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


_TEMPORARY = re.compile(r"\.archc-[0-9a-f]+\.tmp")
_OLD = 3600  # seconds; no file takes so long to write


def _sweep(folder: Path) -> None:
    """Removes what processes that were killed have left."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            ours = _TEMPORARY.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)
            if ours and time.time() - entry.stat().st_mtime > _OLD:
                os.unlink(entry)
