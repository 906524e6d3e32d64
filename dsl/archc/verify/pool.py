"""Processes that run checks, some at a time, each within its time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from time import perf_counter
from typing import IO

from archc.verify.check import CHECKS, Result
from archc.verify.task import FOLDER, Task, written

_PACKAGE = str(Path(__file__).resolve().parents[2])  # where workers find this very archc
_START = 60.0  # seconds until a process has read torch and the network


class CannotStart(Exception):
    """No process for checks can be started, or has a place for its files."""


@dataclass
class WorkerPool:
    """At most `size` workers at once; a check may take `seconds`.

    `started` hears the path and check of each that begins, `ended` the task's number and the
    result of each that is done; both from several threads.
    """

    size: int
    seconds: float
    started: Callable[[str, str], None] = lambda path, check: None
    ended: Callable[[int, Result], None] = lambda at, result: None
    _running: set[subprocess.Popen[bytes]] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _over: bool = False

    def run(
        self, tasks: Sequence[tuple[Task, Sequence[str]]]
    ) -> Iterator[tuple[int, list[Result]]]:
        """The results of each task with its number, in order of the checks, as they are done.

        Every process has ended when this has, however it does. Raises CannotStart.
        """
        with _starting():
            place = TemporaryDirectory(prefix=FOLDER, ignore_cleanup_errors=True)
        with place as folder:
            threads = ThreadPoolExecutor(self.size)
            try:
                shares = [
                    (at, threads.submit(self._all, at, task, share, folder))
                    for at, (task, checks) in enumerate(tasks)
                    for share in _shares(checks)
                ]
                left = [len(_shares(checks)) for _, checks in tasks]
                found: list[list[Result]] = [[] for _ in tasks]
                numbers = {future: at for at, future in shares}
                for at in (n for n, count in enumerate(left) if not count):
                    yield at, []
                for future in as_completed(numbers):
                    at = numbers[future]
                    found[at] += future.result()
                    left[at] -= 1
                    if not left[at]:
                        order = list(tasks[at][1])
                        yield at, sorted(found[at], key=lambda result: order.index(result.check))
            finally:
                self._stop()
                threads.shutdown(cancel_futures=True)

    def _all(self, at: int, task: Task, checks: Sequence[str], folder: str) -> list[Result]:
        """Checks of one network in one process; in another one again what a death left over."""
        found: list[Result] = []
        while len(found) < len(checks) and not self._over:
            found += self._worker(at, task, list(checks[len(found) :]), folder)
        return found

    def _worker(self, at: int, task: Task, checks: list[str], folder: str) -> list[Result]:
        """One result at least."""
        found: list[Result] = []

        def end(result: Result) -> None:
            found.append(result)
            self.ended(at, result)

        with _starting():
            output = TemporaryFile()  # noqa: SIM115 (closed by the next line)
        with output as errors, self._process(errors, folder) as process:
            watch = _Watch(process, self.seconds)
            try:
                begun = watch.begin(_START)
                _send(process, written(task, checks))
                assert process.stdout is not None
                for line in process.stdout:
                    answer = json.loads(line)
                    begun = watch.begin()
                    if "start" in answer:
                        self.started(task.path, answer["start"])
                    else:
                        end(Result(**answer))
                process.wait()
            finally:
                watch.end()
                kill(process)
                with self._lock:
                    self._running.discard(process)
            if len(found) < len(checks):
                why = watch.verdict or _death(process, errors)
                seconds = perf_counter() - begun
                if not self._over:
                    end(Result(checks[len(found)], "fail", seconds, why))
        return found

    def _process(self, errors: IO[bytes], folder: str) -> subprocess.Popen[bytes]:
        before = os.environ.get("PYTHONPATH")
        own = {
            "PYTHONPATH": _PACKAGE + (os.pathsep + before if before else ""),
            "TMPDIR": folder,
            "TORCHINDUCTOR_CACHE_DIR": str(Path(folder, "inductor")),
            "OMP_NUM_THREADS": "1",
            "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # what deterministic mode asks for
        }
        with self._lock:
            if self._over:
                raise InterruptedError
            with _starting():
                process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "archc.verify.worker"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    env=os.environ | own,
                    start_new_session=True,
                )
            self._running.add(process)
        return process

    def _stop(self) -> None:
        with self._lock:
            self._over = True
            for process in self._running:
                kill(process)


@contextmanager
def _starting() -> Iterator[None]:
    """What the system refuses here is told apart from output that nobody takes."""
    try:
        yield
    except OSError as error:
        raise CannotStart(str(error)) from None


class _Watch:
    """Kills a process that takes too long for one check."""

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        self.process, self.seconds = process, seconds
        self.verdict = ""
        self.timer: threading.Timer | None = None

    def begin(self, more: float = 0.0) -> float:
        """Starts the time anew, with some more if need be; what the clock says."""
        self.end()
        self.timer = threading.Timer(self.seconds + more, self._late)
        self.timer.daemon = True
        self.timer.start()
        return perf_counter()

    def end(self) -> None:
        if self.timer is not None:
            self.timer.cancel()

    def _late(self) -> None:
        self.verdict = f"more than {self.seconds:g} s"
        kill(self.process)


def _shares(checks: Sequence[str]) -> list[list[str]]:
    """What a worker runs. Those that are alone come first: it forks before torch is set up."""
    alone = [name for name in checks if CHECKS[name].alone]
    shared = [name for name in checks if not CHECKS[name].alone]
    if hasattr(os, "fork"):
        return [alone + shared] if checks else []
    return [*([shared] if shared else []), *([name] for name in alone)]


def _send(process: subprocess.Popen[bytes], line: bytes) -> None:
    """Its input stays open: the worker ends when it closes."""
    assert process.stdin is not None
    try:
        process.stdin.write(line)
        process.stdin.flush()
    except BrokenPipeError:
        pass  # it has died; its end says how


def kill(process: subprocess.Popen[bytes]) -> None:
    """The process with all that it started."""
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except (ProcessLookupError, PermissionError):
        pass  # there is nobody left


def _death(process: subprocess.Popen[bytes], errors: IO[bytes]) -> str:
    """`killed by SIGABRT: the last line of its output`."""
    errors.seek(0)
    lines = errors.read()[-10_000:].decode(errors="replace").strip().splitlines()
    last = f": {lines[-1].strip()}"[:300] if lines else ""
    code = process.wait()
    if code >= 0:
        return f"the process ended with code {code}{last}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"killed by {name}{last}"
