"""What a check is: a function of a `Subject` that returns, or says why not.

    @check("finite", bug=Bug("a division by zero", {"self.pool(x)": "self.pool(x) / 0"}, "inf"))
    def finite(subject: Subject) -> str | None:
        '''Every output is finite.'''

Its docstring is its entry in docs/cli.md. Modules of checks import torch inside their functions:
the parent process lists checks without it.
"""

from __future__ import annotations

import errno
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Literal

from archc.packages import lacking, missing
from archc.verify.bug import Bug
from archc.verify.reasons import Failed, Skipped

if TYPE_CHECKING:
    from archc.verify.subject import Subject

__all__ = ["CHECKS", "Bug", "Check", "Failed", "Result", "Skipped", "Status", "check", "perform"]

Status = Literal["pass", "fail", "skipped"]
Function = Callable[["Subject"], "str | None"]


@dataclass(frozen=True, slots=True)
class Check:
    """A function by the name that users know it by.

    `bug` is one that it must find; a test plants it. `slow` ones run only where all are asked for.
    What is `alone` has a process to itself, because it changes torch for good. What `trains` is
    skipped for a network without parameters. `needs` are packages to import, and `was` is a name
    that users may still know.
    """

    name: str
    run: Function
    bug: Bug | None = None
    was: str = ""
    slow: bool = False
    alone: bool = False
    gpu: bool = False
    trains: bool = False
    needs: tuple[str, ...] = ("torch",)

    @property
    def doc(self) -> str:
        """What it proves, and how: its entry in docs/cli.md."""
        return inspect.getdoc(self.run) or ""

    @property
    def proves(self) -> str:
        """The first paragraph of that, as a line."""
        return " ".join(self.doc.partition("\n\n")[0].split())

    @property
    def when(self) -> str:
        """When it runs, if not always."""
        return "with a GPU" if self.gpu else "with --all" if self.slow else ""

    @property
    def missing(self) -> list[str]:
        """The packages that are not installed."""
        return missing(self.needs)

    @property
    def lacks(self) -> str:
        """What to say of those, with the cure."""
        return lacking(self.missing)


@dataclass(frozen=True, slots=True)
class Result:
    """How a check went. `remark` is the reason, or what a check that passed has to add."""

    check: str
    status: Status
    seconds: float
    remark: str | None = None


_SEED = 20261123  # none that a module under test would set itself: that is looked for
CHECKS: dict[str, Check] = {}  # by name; filled by `archc.verify.checks`


def check(
    name: str,
    *,
    bug: Bug | None = None,
    was: str = "",
    slow: bool = False,
    alone: bool = False,
    gpu: bool = False,
    trains: bool = False,
    needs: tuple[str, ...] = ("torch",),
) -> Callable[[Function], Function]:
    """Register a function as a check."""

    def register(function: Function) -> Function:
        assert name not in CHECKS, name
        CHECKS[name] = Check(name, function, bug, was, slow, alone, gpu, trains, needs)
        return function

    return register


def perform(check: Check, subject: Subject) -> Result:
    """Runs a check in this process; whatever it raises is its result."""
    import torch

    if check.missing:
        return Result(check.name, "skipped", 0.0, check.lacks)
    if check.gpu and not torch.cuda.is_available():
        return Result(check.name, "skipped", 0.0, "no CUDA device")
    start = perf_counter()
    status: Status = "pass"
    try:
        if check.trains and not subject.has_parameters:
            raise Skipped("there is nothing to train")
        torch.manual_seed(_SEED)
        remark = check.run(subject)
    except Skipped as reason:
        status, remark = "skipped", str(reason)
    except Failed as reason:
        status, remark = "fail", str(reason)
    except Exception as error:
        status, remark = "fail", named(error)
    return Result(check.name, status, perf_counter() - start, remark)


def named(error: Exception) -> str:
    """`RuntimeError: the first line of what it says`."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "no space left for temporary files: TMPDIR names another folder"
    lines = str(error).strip().splitlines()
    message = f": {lines[0].strip()}" if lines else ""
    return f"{type(error).__name__}{message}"[:300]
