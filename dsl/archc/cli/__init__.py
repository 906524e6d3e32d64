"""The command line: parses arguments, runs one command, turns its outcome into an exit code.

Nothing is imported here that `archc --help` can do without; `archc.cli.commands` does the work.
"""

from __future__ import annotations

import codecs
import gc
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module

from archc.cli.arguments import parser
from archc.cli.exit_codes import (
    CLOSED_PIPE,
    INTERNAL,
    INTERRUPTED,
    TERMINATED,
    USAGE,
    WRONG,
    Stop,
    say,
)
from archc.recursion import deep_recursion


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; the exit code."""
    try:
        _prepare_streams()
        code = _run(argv)
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        code = CLOSED_PIPE  # the reader has enough: what `cat` does, too
        _drop_output()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except OSError as error:  # a full disk behind it
        code = USAGE
        with suppress(OSError):  # and behind standard error
            say(f"cannot write to standard output: {error.strerror}")
        _drop_output()
    return code


def _run(argv: Sequence[str] | None) -> int:
    try:
        args = parser().parse_args(argv)
    except SystemExit as done:  # --help, --version, or wrong usage, already reported
        return done.code if isinstance(done.code, int) else USAGE
    # A short run that mostly builds: looking for cycles in what is new would be a tenth of it.
    gc.set_threshold(500_000)
    try:
        with deep_recursion(), _ending_in_order():
            return int(import_module(f"archc.cli.commands.{args.command}").run(args))
    except Stop as stop:
        return _report_error(str(stop), stop.code)
    except Exception as error:
        if isinstance(error, OSError) and error.filename is None:
            raise  # from writing to standard output, which has no file's name
        from archc.api import ArchError
        from archc.packages import PackageMissing

        if isinstance(error, PackageMissing):
            return _report_error(str(error), USAGE)
        if isinstance(error, ArchError):  # too large for what was asked, though it is right
            from archc.cli.commands.reading import show

            show(error.diagnostics, sys.stderr, args)
            return WRONG
        if args.traceback or os.environ.get("ARCHC_TRACEBACK"):
            raise
        what = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        return _report_error(
            f"internal error: {what} (please report it with the file; --traceback shows where)",
            INTERNAL,
        )


def _report_error(message: str, code: int) -> int:
    say(message)
    return code


def _prepare_streams() -> None:
    """Never a traceback because a terminal cannot show a character, or a stream is closed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_ESCAPED)


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """What is half done is cleaned up when the process is asked to end, as after Ctrl-C."""
    import signal

    try:
        before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    except ValueError:  # in a thread, which hears no signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _escape(error: UnicodeError) -> tuple[str, int]:
    """What an encoding lacks as `\\u00d7`: JSON is JSON still."""
    assert isinstance(error, UnicodeEncodeError)
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    numbers = (units[at : at + 2].hex() for at in range(0, len(units), 2))
    return "".join(f"\\u{number}" for number in numbers), error.end


_ESCAPED = "archc.escaped"
codecs.register_error(_ESCAPED, _escape)


def _drop_output() -> None:
    """What is left in the buffers has nowhere to go; Python's own exit must not try again."""
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
