"""Text in, text out: reading sources within bounds, and writing files that nobody loses.

Reading refuses what is no text file or too large before it is in memory. Writing is atomic, and
generated files carry a stamp, so that one which somebody edited is never overwritten unasked.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from enum import StrEnum
from pathlib import Path, PurePosixPath, PureWindowsPath

from archc import __version__
from archc.source import Diagnostic, Label, Limits, Source, Span

STDIN = "-"


# --- reading -----------------------------------------------------------------------------


class Unreadable(Exception):
    """A source that could not be had. `io` where the file system, not the text, is at fault."""

    def __init__(self, diagnostic: Diagnostic, *, io: bool) -> None:
        super().__init__(diagnostic.title)
        self.diagnostic = diagnostic
        self.io = io


def read(path: Path, limits: Limits | None = None) -> Source:
    """The file's text as UTF-8, with a byte order mark left in for the parser.

    Raises Unreadable: A501 no regular file that can be opened, A008 larger than
    `limits.source_bytes` (known without reading it), A504 not UTF-8.
    """
    name, limits = str(path), limits or Limits()
    try:
        # A FIFO would block here and a device could do anything: look before opening,
        # and do not wait if it was swapped in between.
        _refuse_special(name, os.stat(path))
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with open(handle, "rb") as file:
            _refuse_special(name, os.fstat(handle))
            data = file.read(limits.source_bytes + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise _unreadable(name, f"cannot read {name}: {reason.lower()}") from None
    return decode(name, data, limits)


def read_stdin(limits: Limits | None = None) -> Source:
    """Standard input, as `read` reads a file."""
    limits = limits or Limits()
    return decode("<stdin>", sys.stdin.buffer.read(limits.source_bytes + 1), limits)


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
        label = Label(Span(source, at, at + 1), f"byte {data[error.start]:#04x} is not UTF-8")
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
    return Diagnostic(code, title, (Label(start),), helps=(hint,) if hint else ())


def resolve_use(base: Path, written: str, project: Path) -> Path | str:
    """The file that `use "written"` in the file `base` means, or why it may not be used.

    Relative to the file that says it. It must be an `.arch` file and stay inside the folder
    `project`, symbolic links followed: a network from the web must not read other files. The
    path stays as readable as `base` is; whether the file exists is for `read` to say.
    """
    if not written.isprintable() or not written:
        return "the path is empty or has control characters"
    if "\\" in written:
        return "write paths with `/`, on every system"
    if PurePosixPath(written).is_absolute() or PureWindowsPath(written).drive:
        return "the path is absolute; give it relative to this file"
    if not written.endswith(".arch"):
        return "only files that end in `.arch` can be used"
    target = Path(os.path.normpath(base.parent / written))
    try:
        inside = target.resolve().is_relative_to(project.resolve())
    except (OSError, RuntimeError):  # a loop of symbolic links
        return "the path cannot be followed to its end"
    return target if inside else f"the path leaves the project's folder, {_shown(project)}"


def _shown(folder: Path) -> str:
    return f"`{folder.resolve().name or folder.resolve()}`"


# --- stamps ------------------------------------------------------------------------------


class State(StrEnum):
    """What a writer finds at its output path."""

    MISSING = "missing"
    PRISTINE = "pristine"  # archc wrote it, and nobody touched it since
    EDITED = "edited"  # archc wrote it, somebody changed it
    FOREIGN = "foreign"  # archc did not write it


# The first digits of the hash are of the source, the others of the text itself; files of earlier
# releases have a whole hash of each.
_STAMP = re.compile(
    r"archc \S+ · (?:source sha256:[0-9a-f]{16} · body sha256:|sha256:[0-9a-f]{6})"
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
}
_PNG, _PNG_END, _PNG_COMMENT = b"\x89PNG", 12, b"iTXtComment\0\0\0\0\0"
_ZIP, _ZIP_END = b"PK\x03\x04", b"PK\x05\x06"  # a PT2 file; its end has a comment
_ONNX = b"\x0a\x05archc\x12"  # a metadata entry of the key `archc`, as protobuf has it
_TAIL = 300  # a stamp is within so many bytes of the end


def stamp(text: str, source_text: str, suffix: str = ".py") -> str:
    """`text` with a last line that says which archc made it, from what, and how it was then."""
    return stamp_bytes(text.rstrip("\n").encode() + b"\n", source_text, suffix).decode()


def stamp_bytes(data: bytes, source_text: str, suffix: str) -> bytes:
    """`stamp` for any generated file: a comment in the last line, a chunk of a PNG, the comment of
    a PT2 archive, a metadata entry of an ONNX model.
    """
    body = _body(data)
    if suffix == ".py":
        body = body.rstrip(b"\n") + b"\n\n\n"  # as Python has it before a comment of its own
    source = _digest(source_text.encode())
    digits = source[:_OF_SOURCE] + _digest(body)[:_OF_TEXT]
    facts = f"archc {__version__} · sha256:{digits}"
    if body.startswith(_PNG):
        return body[:-_PNG_END] + _png_comment(facts) + body[-_PNG_END:]
    if body.startswith(_ZIP):
        return body[:-2] + len(facts.encode()).to_bytes(2, "little") + facts.encode()
    if suffix == ".onnx":
        return body + _onnx_entry(facts.encode())
    before, after = _COMMENTS.get(suffix, ("# ", ""))
    return body + f"{before}{facts}{after}\n".encode()


def state(path: Path) -> State:
    """Whether the file at `path` may be overwritten without a loss. Raises OSError."""
    try:
        return _state(path.read_bytes())
    except FileNotFoundError:
        return State.MISSING


def _state(data: bytes) -> State:
    if not data.strip():
        return State.PRISTINE  # nothing to lose
    found = _STAMP.search(data, max(0, len(data) - _TAIL))
    if not found:
        return State.FOREIGN
    own = _digest(_body(data)).startswith(found[1].decode())
    return State.PRISTINE if own else State.EDITED


def _body(data: bytes) -> bytes:
    """The content without its stamp."""
    if not _STAMP.search(data, max(0, len(data) - _TAIL)):
        return data
    if data.startswith(_PNG):
        return data[: data.rindex(_PNG_COMMENT) - 4] + data[-_PNG_END:]
    if data.startswith(_ZIP):
        return data[: data.rindex(_ZIP_END) + 20] + b"\0\0"
    entry = data.rfind(_ONNX, max(0, len(data) - _TAIL))
    if entry >= 2:
        return data[: entry - 2]
    return data[: data.rstrip(b"\r\n").rindex(b"\n") + 1]


def _png_comment(text: str) -> bytes:
    from zlib import crc32

    chunk = _PNG_COMMENT + text.encode()
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
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(21, "it is a folder", str(path))
    if target.exists() and not target.is_file():
        target.write_bytes(data)  # /dev/null, /dev/stdout, a FIFO: nothing to replace
        return True
    old = target.read_bytes() if target.exists() else None
    if old == data:
        return False
    if old is not None and not force:
        _refuse(path, _state(old))
    replace(target, data)
    return True


def check(path: Path) -> None:
    """Raises Refused where `write` would without `force`, whatever it is given; OSError."""
    if not path.exists() or path.is_file():
        _refuse(path, state(path))


def _refuse(path: Path, found: State) -> None:
    if found is State.EDITED:
        raise Refused(f"{path} was edited since archc wrote it; --force overwrites it")
    if found is State.FOREIGN:
        raise Refused(f"{path} was not written by archc; --force overwrites it")


def replace(target: Path, data: bytes) -> None:
    """Puts `data` at `target` in one step: a reader, or a crash, sees the old file or the new.

    Keeps the old file's permissions. Raises OSError, and then leaves nothing behind.
    """
    temporary = target.with_name(f".archc-{os.getpid()}.tmp")
    file = temporary.open("xb")  # "x": never through a file or link that is already there
    try:
        with file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
