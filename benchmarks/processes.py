"""Commands of archc and of others, each timed in a fresh process, in turn."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "dsl"
# What pip's console script does.
ARCHC = "import re, sys; from archc.cli import main; sys.exit(main())"


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of one run: by the clock, and of the processor."""

    wall: float
    cpu: float


def measure(commands: Mapping[str, Sequence[str]], rounds: int) -> dict[str, list[Spent]]:
    """Every round runs every command once, in turn: a busy machine slows all of them alike.

    Commands are arguments of Python; one that fails here (something is not installed) is left out.
    """
    env = os.environ | {"PYTHONPATH": str(PACKAGE)}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # pip compiles what it installs; so does round one
    spent: dict[str, list[Spent]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(-1, rounds):  # the first warms the disk
            for name, arguments in commands.items():
                wall, cpu = time.perf_counter(), _children()
                done = subprocess.run(
                    [sys.executable, *arguments],
                    cwd=folder,
                    env=env,
                    capture_output=True,
                    check=False,
                )
                run = Spent(time.perf_counter() - wall, _children() - cpu)
                if done.returncode == 0 and turn >= 0:
                    spent.setdefault(name, []).append(run)
    return spent


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
