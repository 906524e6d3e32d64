"""Where a command writes, and how."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from archc import files
from archc.cli.exit_codes import WRONG, Stop, say
from archc.cli.inputs import Input

_MOST_LINES = 60  # of changes that are shown


def destination(input: Input, output: str | None, suffix: str, prefix: str = "") -> Path | None:
    """Where to write; None is standard output, which is also where `-` goes unasked.

    `prefix` goes before the input's name where that is the file's.
    """
    if output == "-" or (output is None and input.path is None):
        return None
    name = prefix + input.stem + suffix
    if output is None:
        return Path(name)
    inside = names_folder(output) or Path(output).is_dir()
    return Path(output) / name if inside else Path(output)


def hold(output: Path, content: bytes, summary: str) -> None:
    """Say that a file holds what would be written there; raise Stop, with the changes, if not."""
    if not output.is_file():
        raise Stop(f"{output} is not there: archc would write it", WRONG)
    if files.same_text(output.read_bytes(), content):
        say(f"up to date: {output} ({summary})", "")
        return
    show_changes(output, content)
    state = files.state(output)
    why = "was edited" if state is files.OutputState.EDITED else "is out of date"
    if state is files.OutputState.FOREIGN:
        why = "was not written by archc"
    raise Stop(f"{output} {why}: it is not what archc would write", WRONG)


def show_changes(path: Path, content: bytes) -> None:
    """Print what would change in a file, if both are text, as a unified diff on standard error."""
    from archc.report.diagnostics import visible_diff

    try:
        before, after = path.read_bytes().decode(), content.decode()
    except (OSError, UnicodeDecodeError):
        return
    lines = visible_diff(str(path), before, after, "by archc").splitlines()
    for line in lines[:_MOST_LINES]:
        say(line, "")
    if len(lines) > _MOST_LINES:
        say(f"... and {len(lines) - _MOST_LINES} lines more", "")


def names_folder(output: str) -> bool:
    return output.endswith(("/", os.sep))


def put(output: Path | None, content: bytes, summary: str, *, force: bool) -> None:
    """Write to a file, whose folder is made, or to standard output. Raises Stop."""
    if output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        return
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        if force and output.is_file() and files.state(output) is files.OutputState.EDITED:
            say(f"--force takes away what was edited in {output}:", "")
            show_changes(output, content)
        written = files.write(output, content, force=force)
    except files.Refused as refusal:
        if files.state(output) is files.OutputState.EDITED:
            show_changes(output, content)  # what --force would take away
        raise Stop(str(refusal)) from None
    except OSError as error:
        raise Stop(f"cannot write {output}: {files.reason(error)}") from None
    say(f"{'wrote' if written else 'up to date:'} {output} ({summary})", "")
