"""`archc edit`: a file in the browser, with its diagram, numbers and PyTorch beside it."""

from __future__ import annotations

import threading
import webbrowser
from argparse import Namespace
from contextlib import closing, suppress
from pathlib import Path

from archc import files
from archc.cli.commands.edit_server import EditServer
from archc.cli.commands.new import beginning
from archc.cli.commands.reading import limits_of
from archc.cli.exit_codes import FINE, Stop, say
from archc.cli.inputs import Input, find_one
from archc.editor.document import Document
from archc.page.edited_file import EditedFile
from archc.page.workbench import Workbench


def run(args: Namespace) -> int:
    """Serves the page until it is interrupted. A file is written when the page is told to save."""
    input = find_one(args.input, args.project, "edit")
    path = _path(input, args.input)
    limits = limits_of(args, input)
    file = EditedFile(path, limits, beginning(path.stem))
    try:
        text = file.read().text
    except files.Unreadable as failure:
        raise Stop(failure.diagnostic.title) from None
    document = Document(text, path, project=input.project, limits=limits)
    try:
        server = EditServer(file, Workbench(document, is_whole=True), args.port)
    except (OSError, OverflowError) as error:
        why = f"cannot serve on port {args.port}: {files.reason(error)}"
        raise Stop(f"{why}; without --port a free one is taken") from None
    new = "" if path.exists() else ", which is made when you save it"
    with suppress(KeyboardInterrupt), closing(server):
        say(f"{server.address} edits {path}{new}; Ctrl-C ends it")
        if args.browser and not webbrowser.open(server.address):
            say("no browser found: open that address in one")
        threading.Event().wait()
    return FINE


def _path(input: Input, name: str) -> Path:
    """The file to edit, which may not be there yet. Raises Stop for what is none."""
    if input.path is None:
        raise Stop("edit takes a file: what comes from standard input has nowhere to be saved")
    if input.is_bundled:
        raise Stop(
            f"{name} comes with archc, and is not for editing: "
            f"`archc new my_{name} --from {name}`, then `archc edit my_{name}.arch`"
        )
    path = input.path
    if not path.exists() and not path.is_symlink():
        if path.suffix != ".arch" or path.stem.startswith("."):
            raise Stop(f"no such file: {path}; one to be made is called NAME.arch")
        if not path.parent.is_dir():
            raise Stop(f"no such folder: {path.parent}")
    return path
