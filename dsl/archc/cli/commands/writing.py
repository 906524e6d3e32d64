"""Where a command writes, and how."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from archc import files
from archc.cli.exit_codes import Stop
from archc.cli.inputs import Input


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


def names_folder(output: str) -> bool:
    return output.endswith(("/", os.sep))


def put(
    output: Path | None, content: bytes, summary: str, *, force: bool, make_folder: bool
) -> None:
    if output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        return
    try:
        if make_folder:
            output.parent.mkdir(parents=True, exist_ok=True)
        written = files.write(output, content, force=force)
    except files.Refused as refusal:
        raise Stop(str(refusal)) from None
    except OSError as error:
        raise Stop(f"cannot write {output}: {(error.strerror or str(error)).lower()}") from None
    print(f"{'wrote' if written else 'up to date:'} {output} ({summary})", file=sys.stderr)
