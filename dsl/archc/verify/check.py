"""What a check is: a function of a `Subject` that returns, or says why not.

    @check("state", needs=("torch",))
    def state(subject: Subject) -> str | None:
        '''A state_dict survives a file.'''

Modules of checks import torch inside their functions: the parent process lists checks without it.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from time import perf_counter
from typing import TYPE_CHECKING, Literal

from archc.verify.reasons import Failed, Skipped

if TYPE_CHECKING:
    from archc.verify.subject import Subject

__all__ = ["CHECKS", "Check", "Failed", "Result", "Skipped", "Status", "check", "perform"]

Status = Literal["pass", "fail", "skipped"]
Function = Callable[["Subject"], "str | None"]


@dataclass(frozen=True, slots=True)
class Check:
    """A function by the name that users know it by.

    `slow` ones run only where all are asked for. What is `alone` has a process to itself, because
    it changes torch for good. What `trains` is skipped for a network without parameters. `needs`
    are packages to import.
    """

    name: str
    run: Function
    proves: str
    slow: bool = False
    alone: bool = False
    gpu: bool = False
    trains: bool = False
    needs: tuple[str, ...] = ("torch",)

    @property
    def missing(self) -> list[str]:
        """The packages that are not installed."""
        return [name for name in self.needs if find_spec(name) is None]

    @property
    def lacks(self) -> str:
        """What to say of those, with the cure."""
        return f"needs {' and '.join(self.missing)}: pip install {' '.join(self.missing)}"


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
    slow: bool = False,
    alone: bool = False,
    gpu: bool = False,
    trains: bool = False,
    needs: tuple[str, ...] = ("torch",),
) -> Callable[[Function], Function]:
    """Registers a function. The first paragraph of its docstring says what it proves."""

    def register(function: Function) -> Function:
        assert name not in CHECKS, name
        proves = " ".join((function.__doc__ or "").strip().partition("\n\n")[0].split())
        CHECKS[name] = Check(name, function, proves, slow, alone, gpu, trains, needs)
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
    said = f": {lines[0].strip()}" if lines else ""
    return f"{type(error).__name__}{said}"[:300]
