"""A process that runs checks: `python -m archc.verify.worker`, a task on its standard input.

It writes a JSON line as a check starts, and one as it ends, to what was its standard output; what
checks print goes to standard error. It ends when its standard input does: nobody waits any more.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
import sys
import threading
import warnings
from dataclasses import asdict
from typing import Any, BinaryIO

from archc.verify import task
from archc.verify.check import perform
from archc.verify.checks import CHECKS
from archc.verify.subject import Subject
from archc.verify.task import FOLDER


def main() -> None:
    """Reads the task, runs its checks."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    asked, names = task.read(_line(0))
    threading.Thread(target=_end_with_the_parent, daemon=True).start()

    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # torch's and onnx's own
    subject = Subject(asked.analysis(), asked.source)
    for name in names:
        if CHECKS[name].alone and len(names) > 1:
            _apart(name, subject, answers)
        else:
            _run(name, subject, answers)


def _run(name: str, subject: Subject, answers: BinaryIO) -> None:
    _answer(answers, start=name)
    result = perform(CHECKS[name], subject)
    _answer(answers, **asdict(result))
    gc.collect()


def _apart(name: str, subject: Subject, answers: BinaryIO) -> None:
    """Runs a check in a process that is a copy of this one; if it dies, so does this."""
    import torch._dynamo  # noqa: F401 -- most checks come to it, which takes a second: once

    child = os.fork()
    if not child:
        _run(name, subject, answers)
        sys.stderr.flush()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        os.kill(os.getpid(), os.WTERMSIG(status))
    if code := os.waitstatus_to_exitcode(status):
        os._exit(code)


def _answer(stream: BinaryIO, **what: Any) -> None:
    stream.write(json.dumps(what).encode() + b"\n")
    stream.flush()


def _line(descriptor: int) -> bytes:
    """A line without what a buffer would read ahead."""
    parts: list[bytes] = []
    while not parts or not parts[-1].endswith(b"\n"):
        part = os.read(descriptor, 1 << 16)
        if not part:
            break
        parts.append(part)
    return b"".join(parts)


def _end_with_the_parent() -> None:
    """Waits for it to end, then ends this process and those that it started.

    What they wrote goes with them: one that was killed could not do it.
    """
    while os.read(0, 1):
        pass
    folder = os.environ.get("TMPDIR", "")
    if os.path.basename(folder).startswith(FOLDER):
        shutil.rmtree(folder, ignore_errors=True)
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    main()
    sys.stderr.flush()
    os._exit(0)  # a fake device does not survive the interpreter's own tidying
